"""What both pages of a card show: the views of its sections, by the names that the templates use."""

from __future__ import annotations

from typing import Any

from data_cards.sections.changes import rule_rows
from data_cards.sections.contamination import evaluation_set_rows, what_was_removed
from data_cards.sections.duplicates import RULES, nothing_to_weigh, stage_rows, weight_rows
from data_cards.sections.extraction import page_rows, shared_lines
from data_cards.sections.filters import false_positives, replaced_data, rule_drops
from data_cards.sections.overview import limitations, totals
from data_cards.sections.splits import published_splits, split_rows, split_rule
from schemas.card import Card


def section_views(card: Card) -> dict[str, Any]:
    """Make the views of a card's sections."""
    return {
        "card": card,
        "totals": totals(card),
        "limitations": limitations(card),
        "page_rows": page_rows(card),
        "shared_lines": shared_lines(card),
        "rules": rule_rows(card),
        "rule_drops": rule_drops(card),
        "false_positives": false_positives(card),
        "replaced_data": replaced_data(card),
        "dedup_stages": stage_rows(card),
        "weights": weight_rows(card),
        "split_rule": split_rule(card),
        "split_names": published_splits(card.files),
        "split_rows": split_rows(card),
        "weight_rule": RULES[card.sampling.rule] if card.sampling else "",
        "nothing_to_weigh": nothing_to_weigh(card),
        "evaluation_sets": evaluation_set_rows(card),
        "removal": what_was_removed(card),
    }
