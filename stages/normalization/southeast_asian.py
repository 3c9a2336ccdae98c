"""Khmer, Burmese, Thai and Lao: one order of the marks of a syllable, composed vowels, Zawgyi made
Unicode.

Sources: for Khmer the Khmer Encoding Structure (Hosken, Sok, Lindenberg et al., SIL, L2/21-241)
with its reference program khnormal, Unicode Standard 17, section 16.4, and DoNotEmit.txt; where
khnormal moves what would not look the same (a joiner that marks a final coeng in Middle Khmer), it
stays. For Burmese, Unicode Technical Note 11 (Hosken, Representing Myanmar in Unicode, version 4),
whose order holds for Burmese alone: Shan, Mon and Karen have letters of their own. For Thai and
Lao, Unicode Standard 17, sections 16.1 and 16.2, and WTT 2.0 (the order of the Thai keyboard).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
import polars as pl

from stages.normalization.mark_order import (
    Ranks,
    doubled,
    in_rank_order,
    order_marks,
    out_of_order,
    rank_of,
    rank_table,
    without_doubles,
)
from stages.normalization.options import NormalizationOptions
from stages.normalization.rules import (
    CodePoints,
    Rule,
    any_of,
    code_point_class,
    edit_code_points,
    replace_sequences,
    written_in,
)

_Apply = Callable[[pl.Series, str | None, str | None, NormalizationOptions], pl.Series]


def _replace(replacements: Mapping[str, str]) -> _Apply:
    return lambda texts, language, script, options: replace_sequences(texts, replacements)


def _chars(*parts: range | int) -> str:
    return "".join(chr(c) for part in parts for c in (part if isinstance(part, range) else (part,)))


def _non_spacing(points: range) -> str:
    return "".join(chr(c) for c in points if unicodedata.category(chr(c)) == "Mn")


# ---- Khmer

COENG, KHMER_RO, KHMER_DA, KHMER_TA, ROBAT, ZWNJ = (
    "\u17d2",
    "\u179a",
    "\u178a",
    "\u178f",
    "\u17cc",
    "\u200c",
)
_BASES = _chars(range(0x1780, 0x17A3), range(0x17A5, 0x17B4))
_COENG_RANK, _COENG_RO_RANK = 2, 3
KHMER_RANKS = rank_table(
    {
        1: ROBAT,
        # 2 and 3: a coeng and its consonant, RO last
        4: "\u17c9\u17ca",  # register shifters
        5: ZWNJ,
        6: _chars(range(0x17BE, 0x17C6)),  # vowels with a part before the consonant
        7: "\u17bb\u17bc\u17bd",  # below
        8: "\u17b7\u17b8\u17b9\u17ba",  # above
        9: "\u17b6",  # after
        10: "\u17c6\u17cb\u17cd\u17ce\u17cf\u17d0\u17d1\u17d3\u17dd",
        11: "\u17c7\u17c8",
    }
)
# A below u under an upper vowel looks like the register shifter that it is: muusikatoan if the
# cluster has a BA or only consonants of the second series, else triisap.
_BASE = "[\u1780-\u17a2\u17a5-\u17b3]"
_FIRST_SERIES = (
    "[\u1780-\u1783\u1785-\u1788\u178a-\u178d\u178f-\u1792\u1795-\u1797\u179e-\u17a0\u17a2]"
)
_UNDER = f"{COENG}{_BASE}"
_WITH_BA = (
    f"\u1794{ROBAT}?(?:{_UNDER}){{0,2}}|{_BASE}{ROBAT}?(?:{_UNDER})?{COENG}\u1794(?:{_UNDER})?"
)
_WITH_FIRST = (
    f"{_FIRST_SERIES}{ROBAT}?(?:{_UNDER}){{0,2}}"
    f"|{_BASE}{ROBAT}?(?:{_UNDER})?{COENG}{_FIRST_SERIES}(?:{_UNDER})?"
)
_ANY = f"{_BASE}{ROBAT}?(?:{_UNDER}){{0,2}}"
_UPPER = "\u17b7-\u17ba\u17be\u17bf\u17d0\u17dd]|\u17b6\u17c6"
_SHIFTERS = tuple(
    (f"({cluster})([\u17c1-\u17c5]?)\u17bb([{_UPPER})", f"${{1}}{shifter}${{2}}${{3}}")
    for cluster, shifter in ((_WITH_BA, "\u17c9"), (_WITH_FIRST, "\u17ca"), (_ANY, "\u17c9"))
)
KHMER_MARKS = _non_spacing(range(0x17B6, 0x17DE))
KHMER_DEPRECATED = {
    "\u17a3": "\u17a2",
    "\u17a4": "\u17a2\u17b6",
    "\u17d8": "\u17d4\u179b\u17d4",
    "\u17e8\u17d3": "\u19e0",
    "\u17b4": "",  # this and the next are inherent vowels, which Khmer does not write; they are not seen
    "\u17b5": "",
}


def _khmer_ranks(points: CodePoints) -> Ranks:
    """Rank Khmer marks, and a coeng with the consonant under it as one; a coeng without one has no
    rank."""
    rank = rank_of(points, KHMER_RANKS)
    coeng = np.flatnonzero(
        (points[:-1] == ord(COENG)) & np.isin(points[1:], [ord(c) for c in _BASES])
    )
    of_pair = np.where(points[coeng + 1] == ord(KHMER_RO), _COENG_RO_RANK, _COENG_RANK)
    rank[coeng], rank[coeng + 1] = of_pair, of_pair
    return rank


def _order_khmer_marks(texts: pl.Series) -> pl.Series:
    return edit_code_points(
        texts,
        lambda points: (in_rank_order(points, _khmer_ranks(points)), np.ones(len(points), bool)),
    )


def _order_khmer(
    texts: pl.Series, language: str | None, script: str | None, options: NormalizationOptions
) -> pl.Series:
    """Sort the marks, compose vowels typed in parts, write a shifter for what looks like one, and
    sort again."""
    texts = (
        _order_khmer_marks(texts)
        .str.replace_all("\u17c1([\u17bb-\u17bd]?)\u17b8", "\u17be$1")
        .str.replace_all("\u17c1([\u17bb-\u17bd]?)\u17b6", "\u17c4$1")
        .str.replace_all("\u17be\u17bb", "\u17bb\u17be")
    )
    for cluster, shifted in _SHIFTERS:
        texts = texts.str.replace_all(cluster, shifted)
    return _order_khmer_marks(texts)


_KHMER_CANDIDATES = "|".join(
    [
        out_of_order(KHMER_RANKS),
        code_point_class(np.flatnonzero(KHMER_RANKS >= 4).tolist()) + COENG + _BASE,
        f"{_UNDER}{ROBAT}|{COENG}{KHMER_RO}{_UNDER}",
        f"\u17c1[\u17bb-\u17bd]?[\u17b6\u17b8]|\u17be\u17bb|\u17bb(?:[{_UPPER})",
    ]
)

# ---- Burmese

# Languages that write with the letters of Burmese, and that Zawgyi is used for. Shan, Mon, Karen,
# Palaung and others have letters where Zawgyi has the shapes of its own, and other marks in another
# order.
BURMESE = ("mya", "rki", "int", "tvn")
# asat and virama have none: an asat can stand before medials (yauk + ya) as well as at the end
BURMESE_RANKS = rank_table(
    {
        1: "\u103b",
        2: "\u103c",
        3: "\u103d",
        4: "\u103e",
        5: "\u1031",
        6: "\u102d\u102e\u1032",
        7: "\u102f\u1030",
        8: "\u102b\u102c",
        9: "\u1036",
        10: "\u1037",
        11: "\u1038",
    }
)
BURMESE_MARKS = _non_spacing(range(0x102B, 0x103F))
_MARK = "[\u102b-\u1032\u1036\u103a-\u103e]"
_DIGIT_AS_LETTER = ((f"\u1040({_MARK})", "\u101d$1"), (f"\u1047({_MARK})", "\u101b$1"))
_BURMESE_LETTERS = {
    "\u1025\u1037\u103a": "\u1009\u1037\u103a",
    "\u1025\u103a": "\u1009\u103a",  # a vowel letter has no asat; the consonant NYA looks the same
    "\u1025\u1039": "\u1009\u1039",  # nor anything stacked under it
    "\u1044\u1004\u103a\u1038": "\u104e\u1004\u103a\u1038",  # the digit four in "the aforesaid"
}
# What Zawgyi has and Burmese in Unicode has not: E and medial ra before their consonant, so also
# first in a word; virama as asat, so not before a consonant; vowels and stacked letters that in
# Unicode are of Mon, Karen and Shan.
_ZAWGYI_CANDIDATES = (
    "(?:^|[^\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f\u200b-\u200d])[\u1031\u103b-\u103e]"
    "|\u1039(?:[^\u1000-\u1021]|$)|[\u1033\u1034\u105a\u1060-\u1097]"
)
_MIN_ZAWGYI_SCORE = 0.95  # as the documentation of myanmar-tools advises; under 0.05 it is Unicode
_MIN_JUDGED_CODE_POINTS = 20  # a shorter line goes with the rest of its document


class _Zawgyi(NamedTuple):
    """The detector, which gives a text the probability of being Zawgyi, and the converter."""

    score: Callable[[str], float]
    convert: Callable[[str], str]


@cache
def load_zawgyi() -> _Zawgyi:
    """Load the detector and the converter; raises ImportError that says what to install, or which
    rule to disable."""
    try:
        from icu import Transliterator  # type: ignore[import-untyped, unused-ignore]
        from myanmartools import ZawgyiDetector  # type: ignore[import-untyped, unused-ignore]
    except ImportError as error:
        raise ImportError(
            f"the rule zawgyi needs PyICU and myanmartools, got {str(error)!r}: apt-get install libicu-dev pkg-config, "
            'then make install-icu; or write disable = ["zawgyi"], if there is no Burmese'
        ) from error
    return _Zawgyi(
        ZawgyiDetector().get_zawgyi_probability,
        Transliterator.createInstance("Zawgyi-my").transliterate,
    )


def _convert_zawgyi(
    texts: pl.Series, language: str | None, script: str | None, options: NormalizationOptions
) -> pl.Series:
    """Convert the lines of n documents that are Zawgyi: pages mix it with Unicode, by one line or
    another.

    A line that is too short to judge, or that could be either, goes with what most of its document
    is.
    """
    detector, converter = load_zawgyi()
    lines = pl.DataFrame({"row": range(len(texts)), "line": texts.str.split("\n")}).explode("line")
    distinct = lines.filter(pl.col("line").str.contains("[\u1000-\u109f]"))["line"].unique(
        maintain_order=True
    )
    # A loop over distinct lines, because the detector and ICU work on one string; only documents
    # with a sequence that Burmese in Unicode does not have get here.
    judged = pl.DataFrame(
        {"line": distinct, "score": [detector(line) for line in distinct.to_list()]}
    )
    lines = lines.join(judged, on="line", how="left", maintain_order="left")
    length = pl.col("line").str.len_chars()
    zawgyi, burmese = pl.col("score") > _MIN_ZAWGYI_SCORE, pl.col("score") < 1 - _MIN_ZAWGYI_SCORE
    mostly = (length.filter(zawgyi).sum() > length.filter(burmese).sum()).over("row")
    long_enough = length >= _MIN_JUDGED_CODE_POINTS
    lines = lines.with_columns(
        wrong=((zawgyi & long_enough) | (mostly & ~burmese)).fill_null(False)
    )
    wrong = lines.filter("wrong")["line"].unique(maintain_order=True)
    converted = pl.Series([converter(line) for line in wrong.to_list()], dtype=pl.String)
    replaced = pl.when("wrong").then(pl.col("line").replace(wrong, converted)).otherwise("line")
    return lines.group_by("row", maintain_order=True).agg(replaced.str.join("\n").alias("line"))[
        "line"
    ]


def _burmese_letters(
    texts: pl.Series, language: str | None, script: str | None, options: NormalizationOptions
) -> pl.Series:
    for digit, letter in _DIGIT_AS_LETTER:
        texts = texts.str.replace_all(digit, letter)
    return replace_sequences(texts, _BURMESE_LETTERS)


# ---- Thai and Lao

# Vowels above and below, then tone, then the mark of a silent letter. Nikhahit (Lao: niggahita) is
# a vowel in Lao.
THAI_RANKS = rank_table(
    {
        1: "\u0e31" + _chars(range(0xE34, 0xE3B), 0xE47, 0xE4D),
        2: _chars(range(0xE48, 0xE4C)),
        3: "\u0e4c",
    }
)
LAO_RANKS = rank_table(
    {
        1: "\u0ebc",
        2: "\u0eb1\u0ebb\u0ecd" + _chars(range(0xEB4, 0xEBA)),
        3: _chars(range(0xEC8, 0xECC)),
        4: "\u0ecc",
    }
)
THAI_MARKS, LAO_MARKS = _non_spacing(range(0xE31, 0xE4F)), _non_spacing(range(0xEB1, 0xECF))
# Sara am is a spacing vowel, but a tone stands before it; typed after, or with the parts of sara
# am, it is moved.
THAI_AM_RANKS, LAO_AM_RANKS = (
    rank_table({1: _chars(range(tone, tone + 4)), 2: am})
    for tone, am in ((0xE48, "\u0e33"), (0xEC8, "\u0eb3"))
)
_THAI_AM, _LAO_AM = "\u0e4d([\u0e48-\u0e4b]*)\u0e32", "\u0ecd([\u0ec8-\u0ecb]*)\u0eb2"
THAI_VOWELS = {
    "\u0e40\u0e40": "\u0e41",
    "\u0e24\u0e32": "\u0e24\u0e45",
    "\u0e26\u0e32": "\u0e26\u0e45",
}
LAO_VOWELS = {"\u0ec0\u0ec0": "\u0ec1"}


def _sara_am(parts: str, am: str, ranks: Ranks) -> _Apply:
    return lambda texts, language, script, options: order_marks(
        texts.str.replace_all(parts, f"${{1}}{am}"), ranks
    )


def _without_doubles(marks: str) -> _Apply:
    return lambda texts, language, script, options: without_doubles(texts, marks)


def _ordered(ranks: Ranks) -> _Apply:
    return lambda texts, language, script, options: order_marks(texts, ranks)


_DOUBLED = "A mark above or below a letter that is typed twice is kept once."
_DRAWN_OVER = "ours: the second one is drawn over the first"

RULES = (
    Rule(
        "zawgyi",
        "Burmese in the Zawgyi font encoding becomes Unicode, line by line.",
        "myanmar-tools 1.2 (detector); CLDR transform Zawgyi-my",
        lambda language, script: language in BURMESE or (language is None and script == "Mymr"),
        _ZAWGYI_CANDIDATES,
        _convert_zawgyi,
    ),
    Rule(
        "khmer_doubled_marks",
        _DOUBLED,
        _DRAWN_OVER,
        written_in("Khmr"),
        doubled(KHMER_MARKS),
        _without_doubles(KHMER_MARKS),
    ),
    Rule(
        "khmer_deprecated",
        "Independent vowels, the sign for et cetera and a lunar date that Unicode deprecates or discourages become "
        "what it prefers; inherent vowels are removed.",
        "Unicode Character Database 17, DoNotEmit.txt; Unicode Standard 17, section 16.4 (U+17B4, U+17B5)",
        written_in("Khmr"),
        any_of(KHMER_DEPRECATED),
        _replace(KHMER_DEPRECATED),
    ),
    Rule(
        "khmer_order",
        "Robat, coengs (RO last), register shifter, vowels and signs stand in one order; vowels typed in parts and a "
        "below u typed for a shifter become what they look like.",
        "Khmer Encoding Structure (L2/21-241) and its program khnormal",
        # Middle Khmer has coengs after vowels
        lambda language, script: script == "Khmr" and language != "xhm",
        _KHMER_CANDIDATES,
        _order_khmer,
    ),
    # Off: writers type both spellings, and a default changes one only where the living orthography
    # has one answer.
    Rule(
        "khmer_coeng_da",
        "Coeng DA becomes coeng TA: the two look the same, and writers choose by chance.",
        "Khmer Encoding Structure (L2/21-241) and its program khnormal",
        lambda language, script: language in ("khm", None) and script in ("Khmr", None),
        COENG + KHMER_DA,
        _replace({COENG + KHMER_DA: COENG + KHMER_TA}),
        default=False,
    ),
    Rule(
        "burmese_doubled_marks",
        _DOUBLED,
        _DRAWN_OVER,
        written_in("Mymr"),
        doubled(BURMESE_MARKS),
        _without_doubles(BURMESE_MARKS),
    ),
    Rule(
        "burmese_letters",
        "Digits zero and seven that carry a vowel become WA and RA, vowel letter U with asat or virama NYA, digit "
        "four in the abbreviation of the aforesaid its symbol.",
        "Unicode Technical Note 11, version 4 (look-alikes)",
        written_in(*BURMESE),
        f"[\u1040\u1047]{_MARK}|{any_of(_BURMESE_LETTERS)}",
        _burmese_letters,
    ),
    Rule(
        "burmese_order",
        "Medials, vowels, anusvara, dot below and visarga stand in the storage order.",
        "Unicode Technical Note 11, version 4",
        written_in(*BURMESE),
        out_of_order(BURMESE_RANKS),
        _ordered(BURMESE_RANKS),
    ),
    Rule(
        "thai_doubled_marks",
        _DOUBLED,
        _DRAWN_OVER,
        written_in("Thai"),
        doubled(THAI_MARKS),
        _without_doubles(THAI_MARKS),
    ),
    Rule(
        "thai_sara_am",
        "Nikhahit and SARA AA become SARA AM, and a tone mark stands before it.",
        "UnicodeData.txt (U+0E33); Unicode Standard 17, section 16.1",
        written_in("Thai"),
        f"{_THAI_AM}|{out_of_order(THAI_AM_RANKS)}",
        _sara_am(_THAI_AM, "\u0e33", THAI_AM_RANKS),
    ),
    Rule(
        "thai_mark_order",
        "Vowels above and below stand before the tone mark, thanthakhat after both.",
        "WTT 2.0; Unicode Standard 17, section 16.1",
        written_in("Thai"),
        out_of_order(THAI_RANKS),
        _ordered(THAI_RANKS),
    ),
    Rule(
        "thai_vowels",
        "SARA E typed twice becomes SARA AE; SARA AA after RU or LU becomes LAKKHANGYAO.",
        "Unicode Standard 17, section 16.1; code charts, Thai (U+0E45)",
        written_in("Thai"),
        any_of(THAI_VOWELS),
        _replace(THAI_VOWELS),
    ),
    Rule(
        "lao_doubled_marks",
        _DOUBLED,
        _DRAWN_OVER,
        written_in("Laoo"),
        doubled(LAO_MARKS),
        _without_doubles(LAO_MARKS),
    ),
    Rule(
        "lao_sara_am",
        "Niggahita and SARA AA become SARA AM, and a tone mark stands before it.",
        "UnicodeData.txt (U+0EB3); Unicode Standard 17, section 16.2",
        written_in("Laoo"),
        f"{_LAO_AM}|{out_of_order(LAO_AM_RANKS)}",
        _sara_am(_LAO_AM, "\u0eb3", LAO_AM_RANKS),
    ),
    Rule(
        "lao_mark_order",
        "Subjoined LO stands before vowels above and below, those before the tone mark.",
        "Unicode Standard 17, section 16.2",
        written_in("Laoo"),
        out_of_order(LAO_RANKS),
        _ordered(LAO_RANKS),
    ),
    Rule(
        "lao_vowels",
        "SARA E typed twice becomes SARA EI.",
        "Unicode code charts, Lao (U+0EC1)",
        written_in("Laoo"),
        any_of(LAO_VOWELS),
        _replace(LAO_VOWELS),
    ),
)
