"""What a card tells of pages: marks counted over all subsets, and whether shared lines were looked
for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from data_cards.sections.extraction import page_rows, shared_lines
from data_cards.statistics import measure, merge
from schemas.card.duplicates import DedupReport
from schemas.document import PAGE_MARKS

MARKS = [
    ("article", None, None),
    ("article", "paywall", None),
    ("other", "error", "noscript"),
    (None, None, None),
]


def test_marks_of_pages_are_counted_over_all_subsets(
    make_row: Callable[..., Any],
    make_batch: Callable[[Sequence[Any]], pa.RecordBatch],
    published: Any,
) -> None:
    rows = make_batch([make_row("A text of a page.", number) for number in range(len(MARKS))])
    plain = measure(rows, "eus_Latn")
    for field, values in zip(PAGE_MARKS, zip(*MARKS, strict=True), strict=True):
        rows = rows.append_column(field, pa.array(values, field.type))
    part = measure(rows, "eus_Latn")
    card = published.card.model_copy(
        update={"statistics": {"eus_Latn": merge([part, part]), "fra_Latn": plain}}
    )
    assert [tuple(row) for row in page_rows(card)] == [
        ("kind", "article", 4),
        ("kind", "other", 2),
        ("instead of content", "error", 2),
        ("instead of content", "paywall", 2),
        ("fall-back", "noscript", 2),
    ]
    assert page_rows(card.model_copy(update={"statistics": {"fra_Latn": plain}})) == ()


def test_the_card_says_whether_lines_that_pages_share_were_looked_for(published: Any) -> None:
    report = DedupReport(stage="lines", removed=0, rewritten=1234)
    assert "did not run" in shared_lines(published.card.model_copy(update={"deduplication": ()}))
    assert "out of 1,234 documents" in shared_lines(
        published.card.model_copy(update={"deduplication": (report,)})
    )
