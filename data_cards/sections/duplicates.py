"""Deduplication on a card: what each stage did, the largest clusters and what differs in them,
sampling weights."""

from __future__ import annotations

from typing import Any, NamedTuple

from data_cards.display import visible
from data_cards.languages import LanguageFacts, language_facts
from data_cards.sections.differences import marked_differences
from schemas.card.card import Card
from schemas.card.duplicates import DedupReport, DuplicateCluster, DuplicateExample, SizeWeight


class ExampleView(NamedTuple):
    """A removed document, with its text in pieces: whether the kept one lacks it, text."""

    example: DuplicateExample
    pieces: list[tuple[bool, str]]
    same: bool  # as far as the excerpts go
    facts: LanguageFacts


class ClusterView(NamedTuple):
    """A cluster as the report shows it."""

    cluster: DuplicateCluster
    facts: LanguageFacts
    examples: tuple[ExampleView, ...]


class StageRow(NamedTuple):
    """One deduplication stage."""

    report: DedupReport
    refused_share: float | None  # of the pairs compared
    largest: int | None  # documents of the largest cluster; null if the stage makes none


def stage_rows(card: Card) -> tuple[StageRow, ...]:
    """List the deduplication stages in running order."""
    return tuple(
        StageRow(
            report,
            (report.refused or 0) / report.compared if report.compared else None,
            report.clusters[0].documents if report.clusters else None,
        )
        for report in card.deduplication
    )


def clusters_to_look_at(card: Card) -> list[tuple[DedupReport, tuple[ClusterView, ...]]]:
    """List the stages with clusters: those first whose duplicates differ, as there is something to
    judge in them."""

    def all_identical(views: tuple[ClusterView, ...]) -> bool:
        return all(example.same for view in views for example in view.examples)

    shown = [(report, cluster_views(report)) for report in card.deduplication if report.clusters]
    return sorted(shown, key=lambda entry: all_identical(entry[1]))


def cluster_views(report: DedupReport) -> tuple[ClusterView, ...]:
    """Work out what differs between each kept document and the removed ones next to it."""
    return tuple(
        ClusterView(
            cluster,
            language_facts(cluster.label),
            tuple(_view(cluster, e) for e in cluster.examples),
        )
        for cluster in report.clusters
    )


def _view(cluster: DuplicateCluster, example: DuplicateExample) -> ExampleView:
    kept, other = visible(cluster.text), visible(example.text)
    if example.label:  # in another language every word differs
        return ExampleView(example, [(False, other)], False, language_facts(example.label))
    goes_on = len(cluster.text) < cluster.code_points
    return ExampleView(
        example,
        marked_differences(kept, other, kept_goes_on=goes_on),
        kept == other,
        language_facts(cluster.label),
    )


class WeightRow(NamedTuple):
    """The sampling weights of one language and script."""

    facts: LanguageFacts
    documents: int
    weighted: int  # documents, each as often as its weight says
    sizes: tuple[SizeWeight, ...]


RANGES_SHOWN = 8  # of cluster sizes, on README.md
RULES = {
    "cluster_size": "By how often a document was found: 1 for 1, 2 for 2, 3 for 3 to 4, 5 for 5 to 99, 8 for 100 to "
    "999, 1 from 1,000 on, where templates and spam are found.",
    "removal_rate": "By what stages after deduplication dropped of the documents found equally often, for another "
    "reason than repetition: 1 where their share is not below that of all documents of the language, 10 where it is "
    "smallest, in between in proportion; shares are averaged over five neighbouring cluster sizes.",
}


def weight_rows(card: Card) -> tuple[WeightRow, ...]:
    """List the languages that have sampling weights, most documents first."""
    rows = [
        WeightRow(
            language_facts(label),
            part.documents,
            sum(weight * documents for weight, documents in part.sampling_weights.items()),
            card.sampling.by_label[label],
        )
        for label, part in (card.statistics.items() if card.sampling else ())
        if card.sampling and part.documents
    ]
    return tuple(sorted(rows, key=lambda row: (-row.documents, row.facts.label)))


def nothing_to_weigh(card: Card) -> bool:
    """Tell whether weights were to follow from what stages dropped, and they dropped nothing, so
    that all are 1."""
    if card.sampling is None or card.sampling.rule == "cluster_size":
        return False
    return not any(size.removed for sizes in card.sampling.by_label.values() for size in sizes)


def views(card: Card) -> dict[str, Any]:
    """Name what the templates show of this section."""
    return {
        "dedup_stages": stage_rows(card),
        "clusters": clusters_to_look_at(card),
    }


def weight_views(card: Card) -> dict[str, Any]:
    """Name what the templates show of sampling weights."""
    return {
        "weights": weight_rows(card),
        "weight_rule": RULES[card.sampling.rule] if card.sampling else "",
        "nothing_to_weigh": nothing_to_weigh(card),
        "ranges_shown": RANGES_SHOWN,
    }
