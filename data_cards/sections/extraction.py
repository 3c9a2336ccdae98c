"""What a card tells of the pages its texts came from: their kinds, what stood in their place, and
what they share."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from schemas.card.card import Card


class PageRow(NamedTuple):
    """Published documents whose page was of one kind, or had one other mark."""

    mark: str
    value: str
    documents: int


_MARKS = {
    "page_kinds": "kind",
    "page_access": "instead of content",
    "extraction_fallbacks": "fall-back",
}


def page_rows(card: Card) -> tuple[PageRow, ...]:
    """List the marks of the pages, the commonest value of each mark first; none if no text came
    from a page."""
    rows = []
    for field, mark in _MARKS.items():
        counts: Counter[str] = Counter()
        for part in card.statistics.values():
            counts.update(getattr(part, field))
        rows += [
            PageRow(mark, *pair)
            for pair in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        ]
    return tuple(rows)


def shared_lines(card: Card) -> str:
    """Say what became of the lines that many pages of a site share, where texts came from pages."""
    stage = next((report for report in card.deduplication if report.stage == "lines"), None)
    said = "A menu, a notice or a slogan that extraction leaves stands word for word on many pages of one host."
    if stage is None:
        return f"{said} The stage `lines`, which finds and removes such lines, did not run."
    return f"{said} The stage `lines` took lines that many documents share out of {stage.rewritten or 0:,} documents."


def views(card: Card) -> dict[str, Any]:
    """Name what the templates show of this section."""
    return {"page_rows": page_rows(card), "shared_lines": shared_lines(card)}
