"""What stages changed in the texts: the rules of each stage, summed over languages, with those they
changed most."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

from schemas.card.card import Card
from schemas.card.changes import ChangeCount

RULES_SHOWN = 20  # on README.md
LABELS_SHOWN = 3


class RuleRow(NamedTuple):
    """One rule of a stage: what it changed in all languages, and its languages, the most changed
    first."""

    stage: str
    rule: str
    documents: int
    code_points: int
    labels: tuple[ChangeCount, ...]


def rule_rows(card: Card) -> tuple[RuleRow, ...]:
    """List the rules that changed something: stages as on the card, in each the rule with most code
    points first."""
    grouped: dict[tuple[str, str], list[ChangeCount]] = defaultdict(list)
    for change in card.changes:
        if not change.code_points:
            continue  # a stage that looked at documents and changed no text
        grouped[change.stage, change.rule].append(change)
    stages = list(dict.fromkeys(change.stage for change in card.changes))
    rows = [
        RuleRow(
            stage,
            rule,
            sum(change.documents for change in changes),
            sum(change.code_points for change in changes),
            tuple(sorted(changes, key=lambda change: (-change.code_points, change.label))),
        )
        for (stage, rule), changes in grouped.items()
    ]
    return tuple(
        sorted(rows, key=lambda row: (stages.index(row.stage), -row.code_points, row.rule))
    )


def views(card: Card) -> dict[str, Any]:
    """Name what the templates show of this section."""
    return {"rules": rule_rows(card), "rules_shown": RULES_SHOWN, "labels_shown": LABELS_SHOWN}
