"""Translation on a card: what passed in each direction, and for what the rest was rejected."""

from __future__ import annotations

from typing import Any, NamedTuple

from schemas.card.card import Card
from schemas.card.translation import TranslationYield


class TranslationRow(NamedTuple):
    """What an engine gave in one direction."""

    counts: TranslationYield
    passed: int
    share: float | None  # passed of all sentences; null if there were none
    rejected: tuple[tuple[str, int], ...]  # most frequent first


def translation_rows(card: Card) -> tuple[TranslationRow, ...]:
    """List what each engine gave in each direction."""
    rows = []
    for counts in card.translations:
        rejected = sorted(
            ((one.reason, one.sentences) for one in counts.rejected),
            key=lambda one: (-one[1], one[0]),
        )
        passed = counts.sentences - sum(sentences for _, sentences in rejected)
        share = passed / counts.sentences if counts.sentences else None
        rows.append(TranslationRow(counts, passed, share, tuple(rejected)))
    return tuple(rows)


def views(card: Card) -> dict[str, Any]:
    """Name what the templates show of this section."""
    return {"translation_rows": translation_rows(card), "donor_rows": card.donors}
