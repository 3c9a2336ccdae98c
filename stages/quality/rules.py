"""The rules of the quality filters, and their limits for each language and script.

A rule holds one signal against one limit. `published` is the limit of its paper, made for English
text of at least 50 words. `fair` limits are those that lose at most 3 % of text known to be good in
any of some 400 languages, and 1 % on average, all rules together. They were set on translations of
the Universal Declaration and on manuals of GNOME, MATE and LibreOffice, and measured on text of
other sources, from one word to 20 sentences (`tests/benchmarks/quality_fairness.py`), with the
segmenters `icu` (ICU 72 to 78) and, for scripts that ICU has no dictionary of, `graphemes`. Where a
rule cannot be right for a language or script it is off, and `OFF` says why.

A limit is looked up by language and script (`eng_Latn`), language (`eng`), script (`Latn`), class
of scripts, and then for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from schemas.orthography import UNSPACED_SCRIPTS
from schemas.quality_signals import DUPLICATE_GRAMS, TOP_GRAMS

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from stages.quality.segmenters import Segmenter

Family = Literal["gopher_quality", "gopher_repetition", "fineweb", "c4", "symbols"]
PUBLISHED_FAMILIES: tuple[Family, ...] = ("gopher_quality", "gopher_repetition", "fineweb", "c4")
FAMILIES: tuple[Family, ...] = (*PUBLISHED_FAMILIES, "symbols")
Limits = Literal["fair", "published"]
Whole = Literal["words", "tokens", "lines"]


class Slack(NamedTuple):
    """What a short text may have by chance: so many `units` of the `whole`, whatever share of it
    they are.

    A limit on a share says something of a long text. In a text of six words, one number is 17 % of
    the words, and two words that come twice are 67 %. So the limit of a text with n words is `limit
    + units / n` (minus, for the least, but not less than `least`).
    """

    units: float
    whole: Whole
    least: float = -np.inf


class Rule(NamedTuple):
    """A rule: the reason of a document that breaks it, the signal it looks at, and on which side
    the limit stands.

    The value may be equal to the limit. `published` is None for a rule that no paper has. With
    `fair` limits a short text has `slack`, and a rule on lines waits for `least_lines` of them: if
    one line in eight ends in an end mark (the limit of FineWeb), 36 lines have none once in a
    hundred texts.
    """

    name: str
    family: Family
    signal: str
    side: Literal["min", "max"]
    published: float | None
    fair: float
    slack: Slack | None = None
    least_lines: int = 0


# What a short text may repeat: an n-gram twice, with words of twice the mean length.
_REPEATS = {n: Slack(4 * n, "words") for n in TOP_GRAMS} | {
    n: Slack(2 * n, "words") for n in DUPLICATE_GRAMS
}
RULES = (
    Rule("too_few_words", "gopher_quality", "words", "min", 50, 1),
    Rule("too_many_words", "gopher_quality", "words", "max", 100_000, 1_000_000),
    Rule("short_words", "gopher_quality", "mean_word_length", "min", 3, 1.5, Slack(15, "words")),
    Rule("long_words", "gopher_quality", "mean_word_length", "max", 10, 17, Slack(30, "words")),
    Rule("hash_signs", "gopher_quality", "hash_share", "max", 0.1, 0.1, Slack(2, "tokens")),
    Rule("ellipses", "gopher_quality", "ellipsis_share", "max", 0.1, 0.1, Slack(2, "tokens")),
    Rule("bullet_lines", "gopher_quality", "bullet_line_share", "max", 0.9, 0.9, Slack(1, "lines")),
    Rule(
        "ellipsis_lines",
        "gopher_quality",
        "ellipsis_line_share",
        "max",
        0.3,
        0.3,
        Slack(3, "lines"),
    ),
    Rule(
        "few_alphabetic_words",
        "gopher_quality",
        "alphabetic_word_share",
        "min",
        0.8,
        0.8,
        Slack(4, "words", least=0.01),  # a text without any word of letters is none
    ),
    Rule("few_stop_words", "gopher_quality", "stop_words", "min", 2, 2, Slack(50, "words")),
    Rule(
        "duplicate_paragraphs",
        "gopher_repetition",
        "duplicate_paragraph_share",
        "max",
        0.3,
        0.3,
        Slack(2, "lines"),
    ),
    Rule(
        "duplicate_paragraph_characters",
        "gopher_repetition",
        "duplicate_paragraph_character_share",
        "max",
        0.2,
        0.3,
        Slack(2, "lines"),
    ),
    Rule(
        "duplicate_lines",
        "gopher_repetition",
        "duplicate_line_share",
        "max",
        0.3,
        0.45,
        Slack(2, "lines"),
    ),
    Rule(
        "duplicate_line_characters",
        "gopher_repetition",
        "duplicate_line_character_share",
        "max",
        0.2,
        0.4,
        Slack(2, "lines"),
    ),
    *(
        Rule(
            f"top_{n}_gram",
            "gopher_repetition",
            f"top_{n}_gram_share",
            "max",
            published,
            fair,
            _REPEATS[n],
        )
        for n, published, fair in zip(TOP_GRAMS, (0.2, 0.18, 0.16), (0.27, 0.26, 0.25), strict=True)
    ),
    *(
        Rule(
            f"duplicate_{n}_grams",
            "gopher_repetition",
            f"duplicate_{n}_gram_share",
            "max",
            published,
            fair,
            _REPEATS[n],
        )
        for n, published, fair in zip(
            DUPLICATE_GRAMS,
            (0.15, 0.14, 0.13, 0.12, 0.11, 0.1),
            (0.45, 0.43, 0.41, 0.39, 0.37, 0.35),
            strict=True,
        )
    ),
    Rule(
        "few_lines_with_end_mark",
        "fineweb",
        "end_mark_line_share",
        "min",
        0.12,
        0.02,
        least_lines=36,
    ),
    Rule("short_lines", "fineweb", "short_line_share", "max", 0.67, 0.9, Slack(1, "lines")),
    Rule(
        "repeated_line_characters",
        "fineweb",
        "duplicate_line_character_share",
        "max",
        0.01,
        0.4,
        Slack(2, "lines"),
    ),
    Rule("line_breaks", "fineweb", "line_break_share", "max", 0.3, 0.33, Slack(4, "tokens")),
    Rule("few_sentences", "c4", "c4_sentences", "min", 5, 1, least_lines=36),
    Rule("curly_brackets", "c4", "curly_brackets", "max", 0, 20),
    Rule("lorem_ipsum", "c4", "lorem_ipsum", "max", 0, 0),
    Rule("symbol_lines", "symbols", "symbol_line_share", "max", None, 0.3, Slack(2, "lines")),
    Rule(
        "few_words_among_symbols",
        "symbols",
        "alphabetic_token_share",
        "min",
        None,
        0.55,
        Slack(4, "tokens"),
    ),
)
RULE_NAMES = tuple(rule.name for rule in RULES)

# Mean word length in code points, marks included: about 3/4 of the least and 4/3 of the greatest
# mean of a good document in any language of the script.
WORD_LENGTHS: Mapping[str, tuple[float, float]] = {
    "Latn": (1.8, 20),  # Kalaallisut 15.5; Ga and Chinantec 2.4
    "Cyrl": (2.5, 13),  # Church Slavonic 2.8
    "Arab": (2.3, 10),
    "Hebr": (2.8, 9),
    "Deva": (2.5, 13),  # Sanskrit 8.6
    "Beng": (3, 10),
    "Gujr": (2.5, 9),
    "Guru": (2.5, 8),
    "Knda": (4, 14),
    "Telu": (4, 14),
    "Taml": (4, 15),
    "Mlym": (5, 18),
    "Sinh": (3, 9),
    "Ethi": (2.4, 8),
    "Tibt": (2, 5),  # syllables
    "Kore": (1.8, 8),
    "Jpan": (1.2, 5),
    "Hans": (1.05, 5),
    "Hant": (1.05, 5),
    "Hani": (1.05, 5),
    "Thai": (2.4, 7),
    "Laoo": (2.4, 7),
    "Khmr": (2.4, 8),
    "Mymr": (1.6, 8),
}
# Scripts without spaces between words: those that ICU has a dictionary of, and those that no
# segmenter divides here, whose units are letters with marks.
DIVIDED_SCRIPTS = frozenset(
    {"Thai", "Laoo", "Khmr", "Mymr", "Hani", "Hans", "Hant", "Hira", "Kana", "Jpan", "Hrkt"}
)
GRAPHEME_SCRIPTS = tuple(sorted(UNSPACED_SCRIPTS - DIVIDED_SCRIPTS))
# shorter units repeat more
SYLLABLES = (
    "Tibt",
    "vie_Latn",
    *GRAPHEME_SCRIPTS,
    "Jpan",
    "Hans",
    "Hant",
    "Hani",
    "Khmr",
)

_LONGER_RUNS = {
    f"duplicate_{n}_grams": limit
    for n, limit in zip(DUPLICATE_GRAMS, (0.6, 0.57, 0.54, 0.51, 0.48, 0.45), strict=True)
}

_OF_GRAPHEMES = {"short_words": 1.0, "long_words": 6.0}

FAIR: dict[str, dict[str, float]] = {
    **{
        script: {"short_words": low, "long_words": high}
        for script, (low, high) in WORD_LENGTHS.items()
    },
    **{script: dict(_OF_GRAPHEMES) for script in GRAPHEME_SCRIPTS},
}
for _name in SYLLABLES:
    FAIR.setdefault(_name, {}).update(_LONGER_RUNS)
FAIR["eng_Latn"] = {"short_words": 3, "long_words": 10}
FAIR["lzh"] = {"short_words": 1}  # a word is one letter
FAIR["Ethi"]["few_words_among_symbols"] = 0.3  # a word separator stands between two words
# The same where the segmenter is `graphemes`, which divides no script.
FAIR_OF_GRAPHEMES = {
    **FAIR,
    **{
        script: {**FAIR.get(script, {}), **_OF_GRAPHEMES, **_LONGER_RUNS}
        for script in DIVIDED_SCRIPTS
    },
}

# Why a rule is off: by language or script.
NO_END_MARKS = "sentences end in a space: no mark tells that a line ends one"
OTHER_DIVIDERS = (
    "words are divided by marks of the script's own, or not at all, so that none are counted right"
)
_OTHER_DIVIDERS = (
    "Maka",
    "Diak",
    "Bhks",
    "Xpeo",
    "Sarb",
    "Samr",
    "Orkh",
    "Runr",
    "Hung",
    "Lyci",
    "Cari",
    "Khoj",
    "Brai",
)
OFF: Mapping[str, Mapping[str, str]] = {
    **{
        name: {"few_lines_with_end_mark": NO_END_MARKS, "few_sentences": NO_END_MARKS}
        for name in ("Thai", "Laoo", *GRAPHEME_SCRIPTS)
    },
    **{
        name: dict.fromkeys(
            (
                *("too_few_words", "long_words", "few_alphabetic_words", "few_sentences"),
                *(rule.name for rule in RULES if rule.family == "symbols"),
            ),
            OTHER_DIVIDERS,
        )
        for name in _OTHER_DIVIDERS
    },
}
# Rae et al. 2021, appendix A1
ENGLISH_STOP_WORDS = (
    "the",
    "be",
    "to",
    "of",
    "and",
    "that",
    "have",
    "with",
)


def slack_of(rule: Rule, signals: pa.RecordBatch) -> NDArray[np.float64]:
    """Return the slack of a rule for each of n texts, as an amount of its signal."""
    if rule.slack is None:
        return np.zeros(signals.num_rows)
    return rule.slack.units / np.maximum(signals[rule.slack.whole].to_numpy(), 1)


class Limit(NamedTuple):
    """The limit of a rule; `exact`: as the recipe says, short texts too."""

    value: float
    exact: bool


class ChosenLimits(NamedTuple):
    """Where the limits of rules come from.

    `own` are limits of the recipe, which come first; `false` is off. `learned` are those of a
    table, by label. Elsewhere `limits` hold.
    """

    limits: Limits
    own: Mapping[str, Mapping[str, float | Literal[False]]] = MappingProxyType({})
    learned: Mapping[str, Mapping[str, float]] = MappingProxyType({})
    segmenter: Segmenter = "icu"


def limit_of(
    rule: Rule, language: str | None, script: str | None, chosen: ChosenLimits
) -> Limit | None:
    """Return the limit of a rule for a language and script; None if the rule is off there.

    >>> few = next(rule for rule in RULES if rule.name == "few_lines_with_end_mark")
    >>> limit_of(few, "eng", "Latn", ChosenLimits("published"))
    Limit(value=0.12, exact=True)
    >>> limit_of(few, "tha", "Thai", ChosenLimits("fair"))
    >>> own = {"Thai": {"few_lines_with_end_mark": 0.1}}
    >>> limit_of(few, "tha", "Thai", ChosenLimits("fair", own))
    Limit(value=0.1, exact=True)
    >>> short = next(rule for rule in RULES if rule.name == "short_words")
    >>> limit_of(short, "zho", "Hans", ChosenLimits("fair"))
    Limit(value=1.05, exact=False)
    >>> limit_of(short, "zho", "Hans", ChosenLimits("fair", segmenter="graphemes"))
    Limit(value=1.0, exact=False)
    """
    limits, own, learned, segmenter = chosen
    names = (f"{language}_{script}", language or "", script or "")
    for name in (*names, "any"):
        if rule.name in own.get(name, {}):
            value = own[name][rule.name]
            return None if value is False else Limit(float(value), exact=True)
    if rule.name in learned.get(names[0], {}):
        return Limit(learned[names[0]][rule.name], exact=False)
    if limits == "published":
        return None if rule.published is None else Limit(rule.published, exact=True)
    fair = FAIR_OF_GRAPHEMES if segmenter == "graphemes" else FAIR
    for name in names:
        if rule.name in OFF.get(name, {}):
            return None
        if rule.name in fair.get(name, {}):
            return Limit(fair[name][rule.name], exact=False)
    return Limit(rule.fair, exact=False)
