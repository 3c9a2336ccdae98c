"""Scripts of India and Sinhala: one order of signs, atomic vowel letters, chillus, khanda ta, ra,
danda.

A sequence that only looks like a letter (A with the sign AA for the letter AA) is not equivalent to
it, and shaping engines show it with a dotted circle; it comes from converters of font encodings and
from typing by look. Joiners next to a virama are spelling (Sinhala rakaransaya, Marathi eyelash ra,
Kannada ra, Bengali ya-phalaa), and no rule here touches one but where the sequence has a code point
of its own (chillu, khanda ta).

Sources: Unicode Standard 17, chapters 12 and 13, with the tables of DoNotEmit.txt (Unicode
Character Database 17). Of those the Tamil ligature shri is off by default: its preferred spelling
is hardly ever used. Rules of ours are said to be so where they stand.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from stages.normalization.mark_order import (
    doubled,
    order_marks,
    out_of_order,
    rank_table,
    without_doubles,
)
from stages.normalization.options import NormalizationOptions
from stages.normalization.rules import (
    BOUNDARY,
    CodePoints,
    Rule,
    any_of,
    code_point_class,
    edit_code_points,
    replace_sequences,
    written_in,
)

SCRIPTS = ("Deva", "Beng", "Guru", "Gujr", "Orya", "Taml", "Telu", "Knda", "Mlym", "Sinh")
ZWJ = "\u200d"
_BLOCKS = range(0x900, 0xE00, 0x80)  # nine scripts of one layout, then Sinhala with its own


def _chars(*parts: int | range) -> str:
    return "".join(chr(c) for part in parts for c in (part if isinstance(part, range) else (part,)))


def _in_each(*offsets: int | range, without: str = "") -> str:
    """List the code points at some offsets of each of the nine blocks."""
    return _chars(*(block + ord(c) for block in _BLOCKS[:9] for c in _chars(*offsets))).translate(
        str.maketrans("", "", without)
    )


# ---- order of signs

NUKTAS = _chars(0x93C, 0x9BC, 0xA3C, 0xABC, 0xB3C, 0xC3C, 0xCBC)
# Bindus, visarga and their like close a syllable; Gurmukhi tippi and addak do.
CLOSING = (
    _in_each(range(0x01, 0x04), without="\u0b83")
    + "\u0900\u0a70\u0a71\u0c00\u0d00\u0d81\u0d82\u0d83"
)
_SINHALA_SIGNS = _chars(range(0xDCF, 0xDE0), 0xDF2, 0xDF3)
VOWEL_SIGNS = (
    _in_each(range(0x3E, 0x4D), 0x62, 0x63) + "\u093a\u093b\u094e\u094f\u0955" + _SINHALA_SIGNS
)
LENGTH_MARKS = "\u09d7\u0b55\u0b56\u0b57\u0bd7\u0c55\u0c56\u0cd5\u0cd6\u0d57"
# The part of a two-part sign that is stored first.
FIRST_PARTS = "\u09c7\u0b47\u0bc6\u0bc7\u0c46\u0cbf\u0cc6\u0cca\u0d46\u0d47\u0dd9"
_LATER_SIGNS = "".join(sign for sign in VOWEL_SIGNS if sign not in FIRST_PARTS)
SIGN_RANKS = rank_table({1: VOWEL_SIGNS, 2: LENGTH_MARKS, 3: CLOSING})
PART_RANKS = rank_table({1: FIRST_PARTS, 2: _LATER_SIGNS, 3: LENGTH_MARKS, 4: CLOSING})
# A nukta after a vowel sign belongs to the sign in Santali and other languages that mark glottal
# vowels by it, so it is moved to its consonant only for languages known to put it nowhere else.
NUKTA_RANKS = rank_table({1: NUKTAS, 2: VOWEL_SIGNS + LENGTH_MARKS, 3: CLOSING})
NUKTA_LANGUAGES = ("hin", "mar", "nep", "mai", "bho", "pan", "ben", "asm", "ori", "guj", "kan")

# ---- signs that are not seen twice

# Signs above and below the letter; the spacing ones are doubled on purpose too, to draw out a
# vowel.
NON_SPACING = "".join(
    c
    for c in _chars(range(0x900, 0xE00))
    if unicodedata.category(c) == "Mn" and c not in _chars(range(0x951, 0x955))
)

# ---- letters


def _sequences(table: str) -> dict[str, str]:
    """Read `0905 093E = 0906; ...`: code points in hexadecimal, as the tables of the standard write
    them."""
    pairs = (entry.split("=") for entry in table.split(";"))
    return {
        "".join(chr(int(c, 16)) for c in seen.split()): "".join(
            chr(int(c, 16)) for c in meant.split()
        )
        for seen, meant in pairs
    }


VOWEL_LETTERS = _sequences(
    # Devanagari, table 12-1
    "0905 0946 = 0904; 0905 093E = 0906; 0930 094D 0907 = 0908; 0909 0941 = 090A; 090F 0945 = 090D; "
    "090F 0946 = 090E; 090F 0947 = 0910; 0905 0949 = 0911; 0906 0945 = 0911; 0905 094A = 0912; 0906 0946 = 0912; "
    "0905 094B = 0913; 0906 0947 = 0913; 0905 094C = 0914; 0906 0948 = 0914; 0905 093A = 0973; "
    "0905 093B = 0974; 0906 093A = 0974; 0905 094F = 0975; 0905 0956 = 0976; 0905 0957 = 0977; "
    # Bengali, table 12-11
    "0985 09BE = 0986; 098B 09C3 = 09E0; 098C 09E2 = 09E1; "
    # Gurmukhi, table 12-16
    "0A05 0A3E = 0A06; 0A72 0A3F = 0A07; 0A72 0A40 = 0A08; 0A73 0A41 = 0A09; 0A73 0A42 = 0A0A; 0A72 0A47 = 0A0F; "
    "0A05 0A48 = 0A10; 0A73 0A4B = 0A13; 0A05 0A4C = 0A14; "
    # Gujarati, table 12-20
    "0A85 0ABE = 0A86; 0A85 0AC5 = 0A8D; 0A85 0AC7 = 0A8F; 0A85 0AC8 = 0A90; 0A85 0AC9 = 0A91; 0A85 0ACB = 0A93; "
    "0A85 0ABE 0AC5 = 0A93; 0A85 0ACC = 0A94; 0A85 0ABE 0AC8 = 0A94; 0AC5 0ABE = 0AC9; "
    # Oriya, table 12-22; Tamil, 12-26; Telugu, 12-30; Kannada, 12-31
    "0B05 0B3E = 0B06; 0B0F 0B57 = 0B10; 0B13 0B57 = 0B14; 0B85 0BC2 = 0B86; 0C12 0C55 = 0C13; 0C12 0C4C = 0C14; "
    "0C3F 0C55 = 0C40; 0C46 0C55 = 0C47; 0C4A 0C55 = 0C4B; 0C89 0CBE = 0C8A; 0C92 0CCC = 0C94; 0C8B 0CBE = 0CE0; "
    # Malayalam, table 12-32
    "0D07 0D57 = 0D08; 0D09 0D57 = 0D0A; 0D0E 0D46 = 0D10; 0D12 0D3E = 0D13; 0D12 0D57 = 0D14; "
    # Sinhala, table 13-2
    "0D85 0DCF = 0D86; 0D85 0DD0 = 0D87; 0D85 0DD1 = 0D88; 0D8B 0DDF = 0D8C; 0D8D 0DD8 = 0D8E; 0D8F 0DDF = 0D90; "
    "0D91 0DCA = 0D92; 0D91 0DD9 = 0D93; 0D94 0DDF = 0D96"
)
# Ours: signs typed in parts, by the same look.
SIGN_PARTS = _sequences(
    "093E 0945 = 0949; 093E 0946 = 094A; 093E 0947 = 094B; 093E 0948 = 094C; 0945 093E = 0949; 0946 093E = 094A; "
    "0947 093E = 094B; 0948 093E = 094C; 0D46 0D46 = 0D48; 0DD9 0DD9 = 0DDB; 0DDA 0DCF = 0DDD"
)


def _closed(table: Mapping[str, str]) -> dict[str, str]:
    """Add the sequences that two steps make one letter of, so that one pass does (A and AA are AA,
    AA and E are O)."""
    closed = dict(table)
    while True:
        starts = {
            seen + more[1:]: letter
            for seen, meant in closed.items()
            for more, letter in table.items()
            if more[0] == meant
        }
        ends = {
            more[:-1] + seen: letter
            for seen, meant in closed.items()
            for more, letter in table.items()
            if more[-1] == meant
        }
        if not (starts | ends).keys() - closed.keys():
            return closed
        closed = starts | ends | closed


_VOWELS = _closed(VOWEL_LETTERS | SIGN_PARTS)
# Table 12-2: a half form and the sign AA, whose stem makes the letter look whole.
STEMMED = (
    "\u0916\u0917\u0918\u091a\u091c\u091d\u091e\u0923\u0924\u0925\u0927\u0928\u0929\u092a\u092c\u092d\u092e\u092f"
    "\u0932\u0935\u0936\u0937\u0938\u0979\u097a\u097b\u097c\u097e\u097f"
)
_ATOMIC = f"({code_point_class(STEMMED)}\u093c?)\u094d{ZWJ}?\u093e"

CHILLUS = _sequences(
    "0D23 0D4D 200D = 0D7A; 0D28 0D4D 200D = 0D7B; 0D30 0D4D 200D = 0D7C; 0D32 0D4D 200D = 0D7D; "
    "0D33 0D4D 200D = 0D7E; 0D15 0D4D 200D = 0D7F"
)
KHANDA_TA = {"\u09a4\u09cd\u200d": "\u09ce"}
BENGALI_RA, ASSAMESE_RA = "\u09b0", "\u09f0"
DISCOURAGED = (
    _sequences("0953 = 0300; 0954 = 0301; 0AF1 = 0AB0 0AC2 0AF0")
    # positions that the charts keep free, since all these scripts share the dandas of Devanagari
    | {chr(block + 0x64): "\u0964" for block in _BLOCKS[1:9]}
    | {chr(block + 0x65): "\u0965" for block in _BLOCKS[1:9]}
)
CANDRA_A = _sequences("0905 0945 = 0972")
SHRI = {"\u0bb8\u0bcd\u0bb0\u0bc0": "\u0bb6\u0bcd\u0bb0\u0bc0"}

# ---- danda

DANDA, DOUBLE_DANDA, BENGALI_NUMERATOR_FOUR = "\u0964", "\u0965", "\u09f7"
_DANDA_SCRIPTS = ("Deva", "Beng", "Guru", "Orya")
_MIN_WORDS = 3  # before a bar that ends a sentence; what stands between the bars of a menu or table is mostly shorter
# letters and signs of these scripts; the last entry stands for everything above
_WORD = np.zeros(0xE01, bool)
_WORD[[c for c in range(0x900, 0xE00) if unicodedata.category(chr(c))[0] in "LM"]] = True
_INDIC = "[\\p{L}\\p{M}&&\\x{900}-\\x{dff}]"


def _is_word(points: CodePoints) -> npt.NDArray[np.bool_]:
    return _WORD[np.minimum(points, 0xE00)]


def _write_dandas(points: CodePoints) -> tuple[CodePoints, npt.NDArray[np.bool_]]:
    """Read a bar as danda only where it stands as one does: right after a word, before a space or
    the end of the line.

    All bars of the line must stand so, each after three words or more, else they may part columns
    or links.
    """
    ends_line = (points == BOUNDARY) | (points == ord("\n"))
    space = ends_line | (points == ord(" ")) | (points == 0xA0)
    after_word = np.append(False, _is_word(points[:-1]))
    before = np.append(space[1:], True)
    edited = points.copy()
    edited[(points == ord(BENGALI_NUMERATOR_FOUR)) & after_word & before] = ord(DANDA)
    bar = points == ord("|")
    pair = bar & np.append(bar[1:], False)  # first of two bars, a double danda
    second = np.append(False, pair[:-1])
    look_alike = bar | (((points == ord("I")) | (points == ord("l"))) & after_word & before)
    line = np.cumsum(ends_line)
    stands = (after_word & (before | pair)) | (second & before)
    spoiled = np.bincount(line[bar & ~stands], minlength=line[-1] + 1).astype(bool)
    danda = (points == ord(DANDA)) | (points == ord(DOUBLE_DANDA))
    # counted where they end; what counts are those since the last stop of any kind
    words = np.cumsum(space & after_word)
    stops = np.flatnonzero((look_alike & ~second) | danda | ends_line)
    since = np.diff(words[stops], prepend=0) + 1
    start = np.flatnonzero(look_alike[stops] & (since >= _MIN_WORDS) & ~spoiled[line[stops]])
    first = stops[start]
    edited[first] = np.where(pair[first], ord(DOUBLE_DANDA), ord(DANDA))
    kept = np.ones(len(points), bool)
    kept[first[pair[first]] + 1] = False
    return edited, kept


def _dandas(
    texts: pl.Series, language: str | None, script: str | None, options: NormalizationOptions
) -> pl.Series:
    return edit_code_points(texts, _write_dandas)


_Apply = Callable[[pl.Series, str | None, str | None, NormalizationOptions], pl.Series]


def _replace(replacements: Mapping[str, str]) -> _Apply:
    return lambda texts, language, script, options: replace_sequences(texts, replacements)


_CHAPTER = "Unicode Standard 17, chapter 12"
_NOT_EMIT = "Unicode Character Database 17, DoNotEmit.txt"

RULES = (
    Rule(
        "indic_doubled_signs",
        "A sign above or below a letter that is typed twice is kept once.",
        "ours: the second one is drawn over the first",
        written_in(*SCRIPTS),
        doubled(NON_SPACING),
        lambda texts, language, script, options: without_doubles(texts, NON_SPACING),
    ),
    Rule(
        "indic_sign_order",
        "Vowel signs stand before anusvara, candrabindu and visarga.",
        _CHAPTER + " (order of signs in a syllable)",
        written_in(*SCRIPTS),
        out_of_order(SIGN_RANKS),
        lambda texts, language, script, options: order_marks(texts, SIGN_RANKS),
    ),
    Rule(
        "indic_two_part_signs",
        "The first part of a two-part vowel sign stands before the second; of two signs one may also be a slip, and "
        "then this makes another word.",
        _CHAPTER + " (order of signs in a syllable)",
        written_in(*SCRIPTS),
        out_of_order(PART_RANKS),
        lambda texts, language, script, options: order_marks(texts, PART_RANKS),
        default=False,
    ),
    Rule(
        "indic_nukta_order",
        "The nukta stands right after its consonant, in languages that put it on no vowel sign.",
        _CHAPTER + " (nukta)",
        written_in(*NUKTA_LANGUAGES),
        out_of_order(NUKTA_RANKS),
        lambda texts, language, script, options: order_marks(texts, NUKTA_RANKS),
    ),
    Rule(
        "indic_vowel_letters",
        "A letter or sign spelled with parts of the same look becomes the one code point that it is.",
        _NOT_EMIT + " (Indic_Vowel_Letter); parts of signs: ours",
        written_in(*SCRIPTS),
        any_of(_VOWELS),
        _replace(_VOWELS),
    ),
    # Off: writers type both spellings, and a default changes one only where the living orthography
    # has one answer.
    Rule(
        "devanagari_candra_a",
        "A with the sign candra E becomes the letter candra A; writers of Marathi use the two code points.",
        _NOT_EMIT + " (Indic_Vowel_Letter)",
        written_in("Deva"),
        any_of(CANDRA_A),
        _replace(CANDRA_A),
        default=False,
    ),
    Rule(
        "devanagari_atomic_consonants",
        "A half form and the sign AA become the whole letter that they look like.",
        _NOT_EMIT + " (Indic_Atomic_Consonant, Indic_Consonant_Conjunct)",
        written_in("Deva"),
        _ATOMIC,
        lambda texts, language, script, options: texts.str.replace_all(_ATOMIC, "$1"),
    ),
    Rule(
        "malayalam_chillu",
        "Consonant, virama and joiner become the chillu letter that they stood for before Unicode 5.1.",
        _NOT_EMIT + " (Malayalam_Chillu); U+0D7F: Unicode code charts, Malayalam",
        written_in("Mlym"),
        any_of(CHILLUS),
        _replace(CHILLUS),
    ),
    Rule(
        "bengali_khanda_ta",
        "TA, virama and joiner become the khanda ta that they stood for before Unicode 4.1.",
        _NOT_EMIT + " (Bengali_Khanda_Ta)",
        written_in("Beng"),
        any_of(KHANDA_TA),
        _replace(KHANDA_TA),
    ),
    Rule(
        "bengali_ra",
        "The ra of Assamese, or BA with a dot below, becomes the ra of Bengali.",
        "Unicode code charts, Bengali (U+09B0, U+09F0)",
        written_in("ben"),
        any_of((ASSAMESE_RA, "\u09ac\u09bc")),
        _replace({ASSAMESE_RA: BENGALI_RA, "\u09ac\u09bc": BENGALI_RA}),
    ),
    Rule(
        "assamese_ra",
        "The ra of Bengali becomes the ra of Assamese.",
        "Unicode code charts, Bengali (U+09B0, U+09F0)",
        written_in("asm"),
        BENGALI_RA,
        _replace({BENGALI_RA: ASSAMESE_RA}),
    ),
    Rule(
        "indic_discouraged",
        "Code points that Unicode discourages, or keeps free for the danda of each script, become what it prefers.",
        _NOT_EMIT + " (Discouraged, Preferred_Spelling); code charts, reserved positions",
        written_in(*SCRIPTS),
        any_of(DISCOURAGED),
        _replace(DISCOURAGED),
    ),
    Rule(
        "indic_danda",
        "A bar, l or I that ends a sentence right after its last word becomes a danda, two bars a double danda; so "
        "does the Bengali numerator of that shape.",
        "ours: look-alikes of U+0964",
        written_in(*_DANDA_SCRIPTS),
        f"{_INDIC}(?:[|Il]|{BENGALI_NUMERATOR_FOUR}(?:[\\s]|$))",
        _dandas,
    ),
    Rule(
        "tamil_shri",
        "The ligature shri is spelled with SHA, as Unicode 4.1 and later prefer; Tamil texts hardly ever do.",
        _NOT_EMIT + " (Tamil_Shrii)",
        written_in("Taml"),
        any_of(SHRI),
        _replace(SHRI),
        default=False,
    ),
)
