"""The limits of the quality filter that the documents of a corpus met, for its card."""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.catalogue.stages import Recipe
from schemas.card.filters import FilterLimit
from schemas.card.funnel import FateCount
from schemas.language import parse_label
from schemas.quality_limits import ALL, LimitsTable
from stages.quality.learned_limits import load_limits
from stages.quality.options import QualityFilteringConfig
from stages.quality.rules import RULES, ChosenLimits, limit_of


def filter_limits(recipe: Recipe, fates: Iterable[FateCount]) -> tuple[FilterLimit, ...]:
    """List the limits of `filter_quality` that dropped something, and those of a table with their
    false positives.

    A recipe with several such stages has none: the fate of a document does not say which of them
    dropped it.
    """
    stages = [stage for stage in recipe.ingest if isinstance(stage, QualityFilteringConfig)]
    if len(stages) != 1:
        return ()
    return limits_met(
        stages[0], load_limits(stages[0].learned) if stages[0].learned else None, fates
    )


def limits_met(
    stage: QualityFilteringConfig, table: LimitsTable | None, fates: Iterable[FateCount]
) -> tuple[FilterLimit, ...]:
    """List the limits of one stage, as far as its documents met them."""
    rules = {rule.name: rule for rule in RULES}
    rows = list(fates)
    learned = table.languages if table else {}
    present = {row.language for row in rows}
    wanted = {
        (row.reason or "", row.language)
        for row in rows
        if row.stage == stage.stage and row.language
    }
    for label in learned.keys() & present:
        wanted |= {(rule, label) for rule in learned[label].false_positives if rule in rules}
    found = []
    by_label = table.by_label if table else {}
    chosen = ChosenLimits(stage.limits, stage.thresholds, by_label, stage.resolved_segmenter)
    for name, label in sorted(pair for pair in wanted if pair[0] in rules):
        rule, own = rules[name], learned.get(label)
        limit = limit_of(rule, *parse_label(label), chosen)
        if limit is not None:
            of_table = own is not None and name in own.limits and not limit.exact
            found.append(
                FilterLimit(
                    rule=name,
                    label=label,
                    side=rule.side,
                    limit=limit.value,
                    learned_from=own.learned_from if own and of_table else None,
                    false_positives=own.false_positives.get(name, 0.0)
                    if own and not limit.exact
                    else None,
                )
            )
    found += [
        FilterLimit(
            rule=ALL,
            label=label,
            side="max",
            limit=0,
            false_positives=learned[label].false_positives[ALL],
        )
        for label in sorted(learned)
        if label in present and ALL in learned[label].false_positives
    ]
    return tuple(found)
