"""Learn the limits of quality rules for each language from text that is known to be good.

Four methods are those published for FineWeb-2 (Penedo et al. 2025, arXiv:2506.20920). With the
limit e of the papers, made for English, and the values of a signal in English pages and in pages of
the language:

    mean_std       t = mu + sigma (e - mu_en) / sigma_en
    quantile       t = F^-1(F_en(e))                        the same share of pages is cut as in English
    tail           t = F^-1(0.9), or F^-1(0.1) for a least   a tenth of the pages is cut
    median_ratio   t = e median / median_en

Each looks at one rule, and some twenty rules that drop a tenth each drop half of the good pages
together. So there is a fifth, which is the default:

    budget         as tail, with the greatest share by which all rules together drop at most a tenth of the pages

A short page has slack (rules.py), so limits are learned of values from which the slack of each page
is taken: they are limits of long texts, as the table of rules has them.

A limit is clamped to what its signal can be: shares to [0, 1], the most frequent n-gram to [0, n]
(overlaps count), a mean word length to [1, 40]. It is refused if it would drop no page of the
reference, or more than half of them: of 1,929 published tables 1,690 have such a rule on lines. So
is a limit that would drop any page with one bullet or one number, where most pages have none: 7 of
these tables do, and a share of all or of nothing, which no long page keeps to. A rule without a
learned limit keeps the default one.

A language with fewer than `LEAST_PAGES` pages of `LEAST_WORDS` words takes the limits of its
script, learned of all languages of the script, at most `GROUP_PAGES` pages of each.

False positives are measured on pages that were not learned from: limits of one half of the pages on
the other half, and the other way round.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from schemas.language import parse_label
from schemas.quality_limits import ALL, Distribution, LanguageLimits, Method
from schemas.quality_signals import TOP_GRAMS
from stages.quality.filter_quality import broken_rules
from stages.quality.options import QualityFilteringConfig
from stages.quality.rules import RULES, ChosenLimits, Rule, limit_of, slack_of

LEAST_PAGES, LEAST_WORDS, GROUP_PAGES = 200, 50, 200
ENGLISH = "eng_Latn"
LEAST_SCORE, GREATEST_SCORE = 0.3, 0.9
MOST_DROPPED = 0.5
SPARSE = 0.5  # where fewer pages have any of what a rule counts, a limit stricter than the papers' says nothing
DIGITS = 6
_STEPS = 10  # of the bisection: shares to a thousandth of the budget
Values = NDArray[np.float64]

# A rule on shares or means that papers have a limit of; counts (words, brackets) are the same in
# every language.
TUNED = tuple(
    rule
    for rule in RULES
    if rule.published is not None
    and (rule.signal.endswith("_share") or rule.signal == "mean_word_length")
)


class Refusal(NamedTuple):
    """A limit that was not taken, and why."""

    label: str
    rule: str
    why: str


class Learned(NamedTuple):
    """The limits of each language, and what was refused."""

    languages: dict[str, LanguageLimits]
    refused: list[Refusal]


class Pages(NamedTuple):
    """Good pages: n rows of QUALITY_SIGNALS, their labels (`eus_Latn`) and language scores (NaN
    where unknown)."""

    signals: pa.RecordBatch
    labels: NDArray[np.str_]
    scores: Values

    def take(self, rows: NDArray[np.int64]) -> Pages:
        return Pages(self.signals.take(pa.array(rows)), self.labels[rows], self.scores[rows])


class Way(NamedTuple):
    """How limits are learned: `share` of the pages that each rule drops (tail), or all rules
    together (budget)."""

    method: Method
    share: float


def learn(pages: Pages, way: Way) -> Learned:
    """Learn limits for every language of the pages. Raises ValueError if the method needs English
    pages and has few."""
    pages = pages.take(np.flatnonzero(pages.signals["words"].to_numpy() >= LEAST_WORDS))
    names, counts = np.unique(pages.labels, return_counts=True)
    english = pages.take(np.flatnonzero(pages.labels == ENGLISH))
    if way.method not in ("tail", "budget") and english.signals.num_rows < LEAST_PAGES:
        raise ValueError(
            f"{way.method} carries over the limits of English, so the reference needs {LEAST_PAGES} pages of "
            f"{LEAST_WORDS} words in {ENGLISH}, got {english.signals.num_rows}; add such pages, or choose "
            "the method budget or tail"
        )
    languages: dict[str, LanguageLimits] = {}
    refused: list[Refusal] = []
    for label, count in zip(names.tolist(), counts.tolist(), strict=True):
        own = np.flatnonzero(pages.labels == label)
        learned_from, rows = label, own
        if count < LEAST_PAGES:
            learned_from, rows = (
                parse_label(label).script,
                _group(pages.labels, parse_label(label).script),
            )
        if len(rows) < LEAST_PAGES:
            languages[label] = LanguageLimits(pages=count)
            continue
        found = _limits(label, pages.take(rows).signals, english.signals, way)
        refused += [
            Refusal(label, name, why) for name, why in found.items() if isinstance(why, str)
        ]
        languages[label] = LanguageLimits(
            pages=count,
            learned_from=learned_from,
            language_score=score_threshold(pages.scores[own]),
            limits=_taken(found),
            false_positives=_false_positives(pages.take(own), pages.take(rows), english, way),
        )
    return Learned(languages, refused)


def _group(labels: NDArray[np.str_], script: str) -> NDArray[np.int64]:
    own = [name for name in np.unique(labels).tolist() if parse_label(name).script == script]
    return np.sort(np.concatenate([np.flatnonzero(labels == name)[:GROUP_PAGES] for name in own]))


def score_threshold(scores: Values) -> float | None:
    """Return max(0.3, min(0.9, median - standard deviation)) of n scores; None if fewer than
    LEAST_PAGES are known.

    >>> score_threshold(np.full(300, 0.99)), score_threshold(np.full(300, 0.2)), score_threshold(np.full(3, 0.9))
    (0.9, 0.3, None)
    """
    known = scores[~np.isnan(scores)]
    if len(known) < LEAST_PAGES:
        return None
    return round(
        max(LEAST_SCORE, min(GREATEST_SCORE, float(np.median(known) - known.std()))), DIGITS
    )


def levelled(rule: Rule, signals: pa.RecordBatch) -> Values:
    """Return the values of a rule's signal without the slack of each page; NaN for pages that it
    does not look at."""
    values = np.array(signals[rule.signal].to_numpy(zero_copy_only=False), np.float64)
    slack = slack_of(rule, signals)
    values = values - slack if rule.side == "max" else values + slack
    values[signals["lines"].to_numpy() < rule.least_lines] = np.nan
    return values


def beyond(rule: Rule, values: Values, limit: float) -> NDArray[np.bool_]:
    """Find the pages that a limit drops."""
    return values > limit if rule.side == "max" else values < limit


def clamped(rule: Rule, limit: float) -> float:
    """Bring a limit into the range of what the signal can be.

    >>> two = next(rule for rule in RULES if rule.name == "top_2_gram")
    >>> long = next(rule for rule in RULES if rule.name == "long_words")
    >>> clamped(two, 2.4), clamped(two, -1), clamped(long, 3141)
    (2.0, 0.0, 40.0)
    """
    low, high = 0.0, 1.0
    if rule.signal == "mean_word_length":
        low, high = 1.0, 40.0
    elif rule.signal == "line_break_share":
        high = np.inf
    else:
        high = next((float(n) for n in TOP_GRAMS if rule.signal == f"top_{n}_gram_share"), high)
    return float(min(max(limit, low), high))


Found = Mapping[str, float | str]  # rule -> limit, or why there is none
_FAIR = ChosenLimits("fair")


def _taken(found: Found) -> dict[str, float]:
    return {name: limit for name, limit in found.items() if isinstance(limit, float)}


def _limits(label: str, pages: pa.RecordBatch, english: pa.RecordBatch, way: Way) -> Found:
    """Learn the limits of a language: each a limit, or why it is refused; rules that are off there
    are left out."""
    on = [rule for rule in TUNED if limit_of(rule, *parse_label(label), _FAIR) is not None]
    values = {rule: levelled(rule, pages) for rule in on}
    present = {
        rule: float((pages[rule.signal].to_numpy(zero_copy_only=False) > 0).mean()) for rule in on
    }
    if way.method != "budget":
        return {
            rule.name: _limit(rule, values[rule], levelled(rule, english), way, present[rule])
            for rule in on
        }
    low, high = 0.0, way.share  # bisection on the share that each rule drops
    found: Found = {}
    for _ in range(_STEPS):
        share = (low + high) / 2
        tried = {
            rule.name: _limit(rule, values[rule], values[rule], Way("tail", share), present[rule])
            for rule in on
        }
        dropped = np.zeros(pages.num_rows, np.bool_)
        for rule in on:
            if isinstance(limit := tried[rule.name], float):
                dropped |= beyond(rule, values[rule], limit)
        if dropped.mean() <= way.share:
            low, found = share, tried
        else:
            high = share
    return found or {
        rule.name: f"all rules together would drop over {way.share:.0%}" for rule in on
    }


def _limit(rule: Rule, values: Values, english: Values, way: Way, present: float) -> float | str:
    """Learn one limit, or say why it is refused; `present` is the share of pages that have any of
    what is counted."""
    known = values[~np.isnan(values)]
    if len(known) < LEAST_PAGES // 2:
        return f"only {len(known)} pages have {rule.least_lines} lines"
    raw = _mapped(rule, known, english[~np.isnan(english)], way)
    if isinstance(raw, str):
        return raw
    limit = round(clamped(rule, raw), DIGITS)
    dropped = float(beyond(rule, known, limit).mean())
    if not dropped:
        return f"{limit:g} would drop no page of the reference"
    if dropped > MOST_DROPPED:
        return f"{limit:g} would drop {dropped:.0%} of the reference"
    if rule.side == "max" and present < SPARSE and limit < (rule.published or 0):
        return (
            f"{limit:g} would drop nearly all pages that have any, and {1 - present:.0%} have none"
        )
    none_beyond = limit <= 0 if rule.side == "max" else limit >= 1
    if rule.signal != "mean_word_length" and none_beyond:
        return f"{limit:g} would drop every page with a single exception"
    return limit


def _mapped(rule: Rule, values: Values, english: Values, way: Way) -> float | str:
    given = rule.published
    if way.method == "tail":
        return float(np.quantile(values, 1 - way.share if rule.side == "max" else way.share))
    if given is None or len(english) < LEAST_PAGES // 2:
        return "too few English pages can be compared"
    if way.method == "quantile":
        return float(
            np.quantile(
                values,
                (english <= given).mean() if rule.side == "max" else (english < given).mean(),
            )
        )
    if way.method == "mean_std":
        spread = float(english.std())
        return (
            float(values.mean() + values.std() * (given - english.mean()) / spread)
            if spread
            else "English is even"
        )
    median = float(np.median(english))
    return (
        float(given * np.median(values) / median)
        if median > 0
        else "the median of English is not above 0"
    )


def _false_positives(own: Pages, reference: Pages, english: Pages, way: Way) -> dict[str, float]:
    """Measure by rule, and of all, the share of a language's pages that limits learned of other
    pages drop."""
    label = str(own.labels[0])
    same = len(own.labels) == len(reference.labels)
    totals: Counter[str] = Counter()
    for half in (0, 1):
        held = own.signals.take(pa.array(np.arange(half, len(own.labels), 2)))
        seen = (
            reference.take(np.arange(1 - half, len(reference.labels), 2))
            if same
            else _without(reference, label)
        )
        limits = _taken(_limits(label, seen.signals, english.signals, way))
        language, script = (
            pa.repeat(pa.scalar(part, pa.string()), held.num_rows) for part in parse_label(label)
        )
        any_rule = np.zeros(held.num_rows, np.bool_)
        for verdict in broken_rules(
            held, language, script, QualityFilteringConfig(), {label: limits}
        ):
            totals[verdict.rule.name] += int(verdict.broken.sum())
            any_rule |= verdict.broken
        totals[ALL] += int(any_rule.sum())
    return {
        name: round(count / len(own.labels), DIGITS)
        for name, count in totals.items()
        if count or name == ALL
    }


def _without(reference: Pages, label: str) -> Pages:
    return reference.take(np.flatnonzero(reference.labels != label))


def distributions(
    pages: Pages, label: str, limits: Mapping[str, float], bins: int = 24
) -> Iterator[Distribution]:
    """Spread the values of each tuned rule into bins; the last holds all greater ones."""
    own = pages.take(np.flatnonzero(pages.labels == label))
    for rule in TUNED:
        chosen = limit_of(rule, *parse_label(label), _FAIR)
        values = levelled(rule, own.signals)
        values = values[~np.isnan(values)]
        if chosen is None or not len(values):
            continue
        limit = limits.get(rule.name, chosen.value)
        low = float(min(values.min(), limit, 0 if rule.signal != "mean_word_length" else limit))
        high = float(max(np.quantile(values, 0.995), limit)) * 1.05 or 1.0
        counts, edges = np.histogram(np.minimum(values, high), bins, (low, max(high, low + 1e-9)))
        dropped = float(beyond(rule, values, limit).mean())
        yield Distribution(
            rule.name,
            rule.signal,
            rule.side,
            edges.tolist(),
            counts.tolist(),
            limit,
            rule.name in limits,
            dropped,
        )
