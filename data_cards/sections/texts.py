"""What the texts of each language are like: their lengths, how varied and repetitive they are,
tokens, hosts, words of lists; of found and of made texts each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from data_cards.distinct import estimate, merge_registers
from data_cards.languages import is_language
from data_cards.sections.overview import language_rows
from schemas.card.card import Card
from schemas.card.statistics import HOSTS_SHOWN, OPENING_UNITS, TextFigures

PERCENTILES = (5, 25, 50, 75, 95)
GENDERS = ("feminine", "masculine")  # lists of terms that are shown against each other
CONFUSIONS_SHOWN = 20


class TextRow(NamedTuple):
    """Found or made texts of one label."""

    label: str
    made: bool
    documents: int
    lengths: tuple[int, ...]  # in code points, at PERCENTILES, rounded down to five binary digits
    distinct_documents: int
    distinct_units: int
    variety: float | None  # share of different ones among the first units of a document
    repetition: float | None  # share of trigrams that stood there before
    distinct_hosts: int
    tokens: dict[str, int]  # by tokenizer
    fertility: dict[str, float | None]  # tokens a word by tokenizer; null where there are no words

    @property
    def median(self) -> int:
        """The length that half of the documents do not exceed."""
        return self.lengths[PERCENTILES.index(50)]


class Confusion(NamedTuple):
    """How often one label was the second best of another."""

    label: str
    runner_up: str
    documents: int
    share: float  # of the label's documents that were found


class TermRow(NamedTuple):
    """Words of a list in found or in made texts of one label."""

    label: str
    made: bool
    name: str
    documents: int
    occurrences: int
    share: float  # of the documents


class BalanceRow(NamedTuple):
    """Feminine and masculine terms in found or in made texts of one label."""

    label: str
    made: bool
    feminine: int
    masculine: int
    share: float  # feminine ones of both


def percentile(lengths: Mapping[int, int], percent: int) -> int:
    """Return the least length that at least `percent` of the documents do not exceed.

    >>> percentile({10: 1, 20: 2, 400: 1}, 50), percentile({10: 1, 20: 2, 400: 1}, 95)
    (20, 400)
    """
    needed, seen = math.ceil(sum(lengths.values()) * percent / 100), 0
    for length, documents in sorted(lengths.items()):
        seen += documents
        if seen >= needed:
            return length
    return 0


def text_rows(card: Card) -> tuple[TextRow, ...]:
    """List found and made texts of each label, in the order of the languages table."""
    return tuple(
        TextRow(
            label,
            made,
            figures.documents,
            tuple(percentile(figures.lengths, percent) for percent in PERCENTILES),
            distinct_documents([figures]),
            estimate(figures.distinct_units),
            figures.opening_units / (figures.opened * OPENING_UNITS) if figures.opened else None,
            _repetition(figures),
            estimate(figures.distinct_hosts),
            figures.tokens,
            {
                name: tokens / figures.words if figures.words else None
                for name, tokens in figures.tokens.items()
            },
        )
        for label, made, figures in _all_figures(card)
    )


def distinct_documents(parts: Sequence[TextFigures]) -> int:
    """Estimate how many documents differ: an estimate may be above the number of all."""
    merged = merge_registers(part.distinct_documents for part in parts)
    return min(estimate(merged), sum(part.documents for part in parts))


def _repetition(figures: TextFigures) -> float | None:
    if not figures.trigrams:
        return None
    return max(0.0, 1 - estimate(figures.distinct_trigrams) / figures.trigrams)


def _all_figures(card: Card) -> Iterable[tuple[str, bool, TextFigures]]:
    for row in language_rows(card):
        for made, figures in ((False, row.statistics.found), (True, row.statistics.made_texts)):
            if figures.documents:
                yield row.label, made, figures


def confusions(card: Card) -> tuple[Confusion, ...]:
    """List the labels that models most often took for the second best, by their share of a label's
    found documents."""
    rows = [
        Confusion(row.label, runner_up, documents, documents / row.found_documents)
        for row in language_rows(card)
        if row.found_documents and is_language(row.label)
        for runner_up, documents in row.statistics.runner_ups.items()
    ]
    rows.sort(key=lambda one: (-one.documents, one.label, one.runner_up))
    return tuple(rows[:CONFUSIONS_SHOWN])


def commonest_hosts(card: Card) -> dict[str, int]:
    """Add up the commonest hosts of all labels, found and made apart no more."""
    total: dict[str, int] = {}
    for _, made, figures in _all_figures(card):
        for host, documents in figures.hosts.items() if not made else ():
            total[host] = total.get(host, 0) + documents
    ranked = sorted(total.items(), key=lambda item: (-item[1], item[0]))
    return dict(ranked[:HOSTS_SHOWN])


def term_rows(card: Card) -> tuple[TermRow, ...]:
    """List what was counted of each list of terms."""
    return tuple(
        TermRow(
            label,
            made,
            name,
            count.documents,
            count.occurrences,
            count.documents / figures.documents,
        )
        for label, made, figures in _all_figures(card)
        for name, count in figures.terms.items()
    )


def balance_rows(card: Card) -> tuple[BalanceRow, ...]:
    """Hold feminine terms against masculine ones, where a label has both lists and any such
    word."""
    rows = []
    for label, made, figures in _all_figures(card):
        if all(name in figures.terms for name in GENDERS):
            feminine, masculine = (figures.terms[name].occurrences for name in GENDERS)
            if both := feminine + masculine:
                rows.append(BalanceRow(label, made, feminine, masculine, feminine / both))
    return tuple(rows)


def views(card: Card) -> dict[str, Any]:
    """Name what the templates show of this section."""
    figures = [figures for _, made, figures in _all_figures(card) if not made]
    return {
        "text_rows": text_rows(card),
        "percentiles": PERCENTILES,
        "opening_units": OPENING_UNITS,
        "tokenizers": sorted(
            {name for part in card.statistics.values() for name in part.found.tokens}
            | {name for part in card.statistics.values() for name in part.made_texts.tokens}
        ),
        "confusions": confusions(card),
        "hosts": commonest_hosts(card),
        "distinct_hosts": estimate(merge_registers(part.distinct_hosts for part in figures)),
        "distinct_documents": distinct_documents(figures),
        "terms": term_rows(card),
        "balance": balance_rows(card),
    }
