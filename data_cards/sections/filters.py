"""What the quality filter dropped, rule by rule and language by language, with limits and measured
false positives.

Next to it stands what `personal_data` replaced, by type.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any, NamedTuple

from schemas.card.card import Card
from schemas.card.filters import FilterLimit

STAGE = "filter_quality"
PERSONAL = "personal_data"
ALL_RULES = "all"


class LanguageDrop(NamedTuple):
    """What a rule dropped in one language; the limit is null where the rule has several (a stage
    run twice)."""

    label: str | None
    documents: int
    limit: FilterLimit | None


class RuleDrop(NamedTuple):
    """What a rule dropped in all languages, the most in the first one."""

    rule: str
    documents: int
    by_language: tuple[LanguageDrop, ...]

    @property
    def side(self) -> str:
        """What the limit asks for, in words."""
        sides = {drop.limit.side for drop in self.by_language if drop.limit}
        return {"min": "at least", "max": "at most"}[sides.pop()] if len(sides) == 1 else ""

    @property
    def limits(self) -> tuple[float, ...]:
        """The least and the greatest limit of its languages; one if they are the same, none if
        unknown."""
        found = sorted({drop.limit.limit for drop in self.by_language if drop.limit})
        return tuple(dict.fromkeys((found[0], found[-1]))) if found else ()


class FalsePositives(NamedTuple):
    """Shares of good pages that learned limits would drop in a language: of all rules, and the
    worst ones."""

    label: str
    of_all: float
    worst: tuple[FilterLimit, ...]


class Replaced(NamedTuple):
    """Personal data of one type that was replaced."""

    kind: str
    documents: int
    code_points: int
    languages: int


def rule_drops(card: Card) -> tuple[RuleDrop, ...]:
    """List the rules of the quality filter that dropped documents, the most first."""
    limits = {(limit.rule, limit.label): limit for limit in card.filter_limits}
    dropped: dict[str, Counter[str | None]] = defaultdict(Counter)
    for fate in card.fates:
        if fate.stage == STAGE and fate.fate == "dropped":
            dropped[fate.reason or ""][fate.language] += fate.documents
    rows = [
        RuleDrop(
            rule,
            counts.total(),
            tuple(
                LanguageDrop(label, count, limits.get((rule, label or "")))
                for label, count in sorted(
                    counts.items(), key=lambda item: (-item[1], item[0] or "")
                )
            ),
        )
        for rule, counts in dropped.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.documents, row.rule)))


def false_positives(card: Card, worst: int = 3) -> tuple[FalsePositives, ...]:
    """List the languages whose limits were learned, by label, with the rules that lose most of
    their good text."""
    by_label: dict[str, list[FilterLimit]] = defaultdict(list)
    for limit in card.filter_limits:
        if limit.false_positives is not None:
            by_label[limit.label].append(limit)
    rows = []
    for label, found in sorted(by_label.items()):
        of_all = next(
            (limit.false_positives or 0.0 for limit in found if limit.rule == ALL_RULES), 0.0
        )
        ranked = sorted(
            (limit for limit in found if limit.rule != ALL_RULES and limit.false_positives),
            key=lambda limit: (-(limit.false_positives or 0), limit.rule),
        )
        rows.append(FalsePositives(label, of_all, tuple(ranked[:worst])))
    return tuple(rows)


def replaced_data(card: Card) -> tuple[Replaced, ...]:
    """Sum up what `personal_data` replaced, by type, the most code points first."""
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for change in card.changes:
        if change.stage == PERSONAL and change.code_points:
            for place, amount in enumerate((change.documents, change.code_points, 1)):
                totals[change.rule][place] += amount
    rows = [Replaced(kind, *amounts) for kind, amounts in totals.items()]
    return tuple(sorted(rows, key=lambda row: (-row.code_points, row.kind)))


def views(card: Card) -> dict[str, Any]:
    """Name what the templates show of this section."""
    return {
        "rule_drops": rule_drops(card),
        "false_positives": false_positives(card),
        "replaced_data": replaced_data(card),
    }
