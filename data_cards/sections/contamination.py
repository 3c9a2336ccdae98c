"""Evaluation sets on a card: how much of each stood in the corpus, and how far a human agreed that
it did."""

from __future__ import annotations

from typing import Any, NamedTuple

from data_cards.languages import language_facts
from schemas.card.card import Card
from schemas.card.contamination import ContaminationRate, JudgedPrecision
from schemas.intervals import wilson_interval
from schemas.language import language_name, parse_label

FILES_NAMED = 3  # of a set, on README.md
LANGUAGES_NAMED = 3  # of a set, on README.md


class RateRow(NamedTuple):
    """A language of an evaluation set."""

    counts: ContaminationRate
    language: str
    rate: float | None  # texts found of those checked; null if none was


class Precision(NamedTuple):
    """What humans said, with the ends of the 95 % interval."""

    counts: JudgedPrecision
    share: float
    low: float
    high: float


class EvaluationSetRow(NamedTuple):
    """An evaluation set, summed up over its languages."""

    name: str
    texts: int
    checked: int
    found: int
    rate: float | None
    languages: tuple[RateRow, ...]  # highest rate first
    precision: Precision | None  # null if nothing was judged

    @property
    def most(self) -> tuple[RateRow, ...]:
        """The languages of which most was found, if any was."""
        return tuple(row for row in self.languages[:LANGUAGES_NAMED] if row.counts.texts_found)


def evaluation_set_rows(card: Card) -> tuple[EvaluationSetRow, ...]:
    """List a card's evaluation sets, highest rate first, then by name."""
    judged = {counts.evaluation_set: counts for counts in card.judged if counts.judged}
    names = {parse_label(label).language: language_facts(label).name for label in card.statistics}
    by_name: dict[str, list[RateRow]] = {}
    for counts in card.contamination:
        name = names.get(counts.language or "") or (
            language_name(counts.language) if counts.language else "unknown"
        )
        row = RateRow(counts, name, _rate(counts.texts_found, counts.texts_checked))
        by_name.setdefault(counts.evaluation_set, []).append(row)
    rows = []
    for name, languages in by_name.items():
        texts, checked, found = (
            sum(getattr(row.counts, field) for row in languages)
            for field in ("texts", "texts_checked", "texts_found")
        )
        ranked = sorted(languages, key=lambda row: (-(row.rate or 0), row.counts.language or ""))
        precision = _precision(judged[name]) if name in judged else None
        rows.append(
            EvaluationSetRow(
                name, texts, checked, found, _rate(found, checked), tuple(ranked), precision
            )
        )
    return tuple(sorted(rows, key=lambda row: (-(row.rate or 0), row.name)))


def what_was_removed(card: Card) -> str:
    """Say in a sentence what became of the documents that held evaluation text; nothing if the card
    does not tell."""
    if not card.removal:
        return ""
    count = sum(
        fate.documents
        for fate in card.fates
        if (fate.phase, fate.fate) == ("decontaminate", "dropped")
    )
    dropped = f"{count:,} {'document was' if count == 1 else 'documents were'} left out"
    if card.removal.mode == "drop":
        return f"What was found is not published: {dropped}."
    masked = f"{card.removal.masked:,} {'document' if card.removal.masked == 1 else 'documents'}"
    return f"What was found is not published: it was taken out of {masked}; {dropped}, since too little remained."


def _rate(found: int, checked: int) -> float | None:
    return found / checked if checked else None


def _precision(counts: JudgedPrecision) -> Precision:
    return Precision(
        counts,
        counts.right / counts.judged,
        *wilson_interval(counts.right / counts.judged, counts.judged),
    )


def views(card: Card) -> dict[str, Any]:
    """Name what the templates show of this section."""
    rows = evaluation_set_rows(card)
    return {
        "evaluation_sets": rows,
        "removal": what_was_removed(card),
        "unjudged": any(row.found and not row.precision for row in rows),
        "files_named": FILES_NAMED,
    }
