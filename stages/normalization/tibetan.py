"""Tibetan script: order of a stack, vowels of one code point, tsheg and shad.

Spacing and doubling of shad follow the habits of publishers and prosody, and are left alone, as are
the marks of abbreviation and emphasis. Stacks are stored from the top down: letter, subjoined
letters, vowels, then anusvara and its like; vowels among themselves have combining classes, so that
canonical ordering has put them in order already.

Source: Unicode Standard 17, section 13.4, and DoNotEmit.txt of the Unicode Character Database 17.
"""

from __future__ import annotations

import polars as pl

from stages.normalization.mark_order import (
    doubled,
    order_marks,
    out_of_order,
    rank_table,
    without_doubles,
)
from stages.normalization.options import NormalizationOptions
from stages.normalization.rules import Rule, any_of, replace_sequences, written_in

_SUBJOINED = "".join(map(chr, range(0xF8D, 0xFBD)))
# Ranks of vowels follow their combining classes (129, 130, 132), so that the order here is also the
# canonical one.
STACK_RANKS = rank_table(
    {
        1: _SUBJOINED,
        2: "\u0f71",
        3: "\u0f72\u0f7a\u0f7b\u0f7c\u0f7d\u0f80",
        4: "\u0f74",
        5: "\u0f7e\u0f82\u0f83",
        6: "\u0f7f",
    }
)
VOWELS = {
    "\u0f77": "\u0fb2\u0f71\u0f80",
    "\u0f79": "\u0fb3\u0f71\u0f80",
}
# E and O typed twice may be a slip, or stand for EE and OO, which look so: they stay.
MARKS = "\u0f71\u0f72\u0f74\u0f7e\u0f80\u0f82\u0f83\u0f84"
TSHEG, TSHEG_WITHOUT_BREAK, SHAD = "\u0f0b", "\u0f0c", "\u0f0d"
_SYLLABLE_END = "[\u0f40-\u0f6c\u0f71-\u0f84\u0f8d-\u0fbc\u0f0b]"
_BAR = f"({_SYLLABLE_END})(?:\\||\u0964)(\\s|\u0f0d|$)"
_DOUBLE_BAR = f"({_SYLLABLE_END})(?:\\|\\||\u0965)(\\s|$)"


def _write_shads(
    texts: pl.Series, language: str | None, script: str | None, options: NormalizationOptions
) -> pl.Series:
    return texts.str.replace_all(_DOUBLE_BAR, f"${{1}}{SHAD}{SHAD}${{2}}").str.replace_all(
        _BAR, f"${{1}}{SHAD}${{2}}"
    )


RULES = (
    Rule(
        "tibetan_doubled_marks",
        "A vowel or sign above or below a stack that is typed twice is kept once; E and O stay.",
        "ours: the second one is drawn over the first",
        written_in("Tibt"),
        doubled(MARKS),
        lambda texts, language, script, options: without_doubles(texts, MARKS),
    ),
    Rule(
        "tibetan_vowels",
        "Deprecated vowels become the signs they are made of.",
        "Unicode Character Database 17, DoNotEmit.txt; Unicode Standard 17, section 13.4",
        written_in("Tibt"),
        any_of(VOWELS),
        lambda texts, language, script, options: replace_sequences(texts, VOWELS),
    ),
    Rule(
        "tibetan_stack_order",
        "Subjoined letters stand before vowels, vowels before anusvara and visarga.",
        "Unicode Standard 17, section 13.4 (order of a stack)",
        written_in("Tibt"),
        out_of_order(STACK_RANKS),
        lambda texts, language, script, options: order_marks(texts, STACK_RANKS),
    ),
    Rule(
        "tibetan_tsheg",
        "The tsheg that forbids a line break becomes the plain one: the difference is layout.",
        "UnicodeData.txt (U+0F0C is <noBreak> U+0F0B)",
        written_in("Tibt"),
        TSHEG_WITHOUT_BREAK,
        lambda texts, language, script, options: replace_sequences(
            texts, {TSHEG_WITHOUT_BREAK: TSHEG}
        ),
    ),
    Rule(
        "tibetan_shad",
        "A bar or an Indian danda right after a syllable becomes a shad, two bars or a double danda two.",
        "ours: look-alikes of U+0F0D",
        written_in("Tibt"),
        f"{_DOUBLE_BAR}|{_BAR}",
        _write_shads,
    ),
)
