"""Count the fates of documents from the ledger, and line them up as a funnel: in, out, and why
not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from data_cards.languages import is_language
from schemas.card.card import Card
from schemas.card.funnel import FateCount, Step
from schemas.columns import require_columns
from schemas.ledger import LEDGER

_GROUPS = ["source", "language", "script", "fate", "phase", "stage", "reason"]
_KEYS = ("source", "language", "fate", "phase", "stage", "reason", "made")


def count_fates(batch: pa.RecordBatch) -> tuple[FateCount, ...]:
    """Group ledger rows by source, language, fate and reason.

    A published row without a language counts as `und`, without a script as `Zyyy`: that is where it
    is published. Raises SchemaError if a LEDGER column is missing or mistyped.
    """
    require_columns(batch, LEDGER, [*_GROUPS, "parent_id"])
    rows = pa.Table.from_batches([batch.select(_GROUPS)]).append_column(
        "made", pc.is_valid(batch["parent_id"])
    )
    grouped = rows.group_by([*_GROUPS, "made"]).aggregate([([], "count_all")])
    return merge_fates([[_fate(row) for row in grouped.to_pylist()]])


def _fate(row: dict[str, Any]) -> FateCount:
    """Name the label of a group of ledger rows; what is published has no reason, and its stage is
    the writer."""
    language, script, published = row.pop("language"), row.pop("script"), row["fate"] == "published"
    label = f"{language or 'und'}_{script or 'Zyyy'}" if language is not None or published else None
    known = {"language": label, "documents": row.pop("count_all")}
    return FateCount.model_validate(
        row | known | ({"stage": None, "reason": None} if published else {})
    )


def merge_fates(parts: Iterable[Iterable[FateCount]]) -> tuple[FateCount, ...]:
    """Add up counts of the same fate; sorted, so the same whatever the order and grouping."""
    total: Counter[tuple[Any, ...]] = Counter()
    for part in parts:
        for row in part:
            total[tuple(getattr(row, name) for name in _KEYS)] += row.documents
    return tuple(
        FateCount.model_validate({**dict(zip(_KEYS, key, strict=True)), "documents": total[key]})
        for key in sorted(total, key=_nulls_first)
    )


def _nulls_first(key: tuple[Any, ...]) -> tuple[Any, ...]:
    *words, made = key
    return *((word is not None, word or "") for word in words), made


class Loss(NamedTuple):
    """Documents that left the chain at a step, for one reason."""

    fate: str
    reason: str
    documents: int


class FunnelStep(NamedTuple):
    """One step: documents that came in, those that left it and why, those that went on."""

    step: Step
    documents_in: int
    losses: tuple[Loss, ...]

    @property
    def documents_out(self) -> int:
        """Documents that went on to the next step."""
        return self.documents_in - sum(loss.documents for loss in self.losses)


def funnel(fates: Iterable[FateCount], steps: Sequence[Step]) -> tuple[FunnelStep, ...]:
    """Line up the steps in running order; what comes out of the last one is what was published.

    What a step created counts among what came in to it.

    A stage that a recipe runs twice is one step, in its first place: the ledger does not tell the
    two runs apart.
    """
    rows = list(fates)
    going = sum(row.documents for row in rows) - sum(step.created for step in dict.fromkeys(steps))
    leaving: dict[tuple[str, str], Counter[tuple[str, str]]] = defaultdict(Counter)
    for row in rows:
        if row.fate != "published":
            leaving[row.phase, row.stage or ""][row.fate, row.reason or row.fate] += row.documents
    found = []
    for step in dict.fromkeys(steps):
        losses = tuple(
            Loss(fate, reason, count)
            for (fate, reason), count in sorted(
                leaving[step.phase, step.stage].items(), key=lambda item: (-item[1], item[0])
            )
        )
        found.append(FunnelStep(step, going + step.created, losses))
        going = found[-1].documents_out
    return tuple(found)


class LanguageFunnel(NamedTuple):
    """What became of the documents of one language and script (null: never identified)."""

    language: str | None
    documents_in: int
    made: int  # of those that came in; the others were read
    published: int
    published_made: int
    dropped: int
    duplicate: int
    failed: int
    reasons: tuple[Loss, ...]


def funnel_by_language(card: Card) -> tuple[LanguageFunnel, ...]:
    """Sum up the fates of each language; in = published + dropped + duplicate + failed.

    The largest input comes first; what is in no known language, and what was never identified,
    last.
    """
    fates: dict[str | None, Counter[str]] = defaultdict(Counter)
    reasons: dict[str | None, Counter[tuple[str, str]]] = defaultdict(Counter)
    made: dict[str | None, Counter[str]] = defaultdict(Counter)
    for row in card.fates:
        fates[row.language][row.fate] += row.documents
        made[row.language][row.fate] += row.documents * row.made
        if row.fate != "published":
            reasons[row.language][row.fate, row.reason or row.fate] += row.documents
    found = [
        LanguageFunnel(
            language,
            counts.total(),
            made[language].total(),
            counts["published"],
            made[language]["published"],
            counts["dropped"],
            counts["duplicate"],
            counts["failed"],
            tuple(
                Loss(fate, reason, count)
                for (fate, reason), count in sorted(
                    reasons[language].items(), key=lambda item: (-item[1], item[0])
                )
            ),
        )
        for language, counts in fates.items()
    ]

    def rank(row: LanguageFunnel) -> tuple[bool, int, str]:
        return (
            row.language is None or not is_language(row.language),
            -row.documents_in,
            row.language or "",
        )

    return tuple(sorted(found, key=rank))


def views(card: Card) -> dict[str, Any]:
    """Name what the templates show of this section."""
    by_language = funnel_by_language(card)
    return {
        "steps": funnel(card.fates, card.steps),
        "by_language": by_language,
        "fates": {row.language: row for row in by_language},
    }
