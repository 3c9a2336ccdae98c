"""Chinese, Japanese and Korean: width, voiced sound marks, radicals, and Simplified or Traditional
on request.

Jamo are composed to Hangul syllables, and compatibility ideographs unified, by NFC.

Source: Unicode Standard, chapter 18; UAX #11 for width; OpenCC for Chinese.
"""

from __future__ import annotations

import unicodedata
from typing import Any

import polars as pl

from stages.normalization.options import NormalizationOptions
from stages.normalization.rules import (
    About,
    Rule,
    everywhere,
    letter_map,
    letter_rule,
    not_written_in,
    written_in,
)
from stages.normalization.unicode_cleaning import CHINESE_AND_NEIGHBOURS

_CHINESE = ("Hans", "Hant", "Hani")
_MARKS = {"\uff9e": "\u3099", "\uff9f": "\u309a", "\u309b": "\u3099", "\u309c": "\u309a"}


def _nfkc(points: range) -> dict[str, str]:
    return {chr(point): unicodedata.normalize("NFKC", chr(point)) for point in points}


def _voiced(letters: dict[str, str], *marks: str) -> dict[str, str]:
    """Pair each letter and mark that compose with the composed letter."""
    composed = {
        typed + mark: unicodedata.normalize("NFC", letter + _MARKS[mark])
        for typed, letter in letters.items()
        for mark in marks
    }
    return {sequence: letter for sequence, letter in composed.items() if len(letter) == 1}


_HALF_WIDTH_KANA = _nfkc(range(0xFF61, 0xFF9E)) | {"\uff9e": "\u309b", "\uff9f": "\u309c"}
_HALF_WIDTH_JAMO = {
    chr(point): chr(int(unicodedata.decomposition(chr(point)).split()[1], 16))
    for point in range(0xFFA1, 0xFFDD)
    if unicodedata.decomposition(chr(point))
}
_FULL_WIDTH = _nfkc(range(0xFF01, 0xFF5F))
_OPENCC_MODE = {"simplified": "t2s", "traditional": "s2t"}


def load_opencc(mode: str) -> Any:
    """Load a conversion of OpenCC; raises ImportError that says what to install."""
    try:
        from opencc import OpenCC
    except ImportError as error:
        raise ImportError(
            f"the option han needs OpenCC, got {str(error)!r}: `pip install opencc`, or leave it out"
        ) from error
    return OpenCC(mode)


def _convert(
    texts: pl.Series, language: str | None, script: str | None, options: NormalizationOptions
) -> pl.Series:
    converter = load_opencc(_OPENCC_MODE[options.han])
    # A loop over documents, because OpenCC converts one string in one native call.
    return pl.Series([converter.convert(text) for text in texts.to_list()], dtype=pl.String)


RULES = (
    letter_rule(
        About(
            "half_width_kana",
            "Half-width Katakana and punctuation get their full width, with their voiced sound marks.",
            "UAX #11; JIS X 0201",
            written_in("Jpan", "jpn"),
        ),
        _HALF_WIDTH_KANA | _voiced(_HALF_WIDTH_KANA, "\uff9e", "\uff9f"),
    ),
    letter_rule(
        About(
            "half_width_jamo",
            "Half-width Hangul letters get their full width.",
            "UAX #11; Unicode Standard, section 18.6",
            written_in("Kore", "kor"),
        ),
        _HALF_WIDTH_JAMO,
    ),
    letter_rule(
        About(
            "full_width_letters",
            "Full-width Latin letters and digits become ASCII, in East Asian text too.",
            "UAX #11",
            everywhere,
        ),
        {wide: narrow for wide, narrow in _FULL_WIDTH.items() if narrow.isalnum()},
    ),
    letter_rule(
        About(
            "full_width_punctuation",
            "Full-width ASCII punctuation becomes ASCII outside East Asian scripts.",
            "UAX #11",
            not_written_in(*CHINESE_AND_NEIGHBOURS),
        ),
        {wide: narrow for wide, narrow in _FULL_WIDTH.items() if not narrow.isalnum()},
    ),
    letter_rule(
        About(
            "voiced_sound_marks",
            "A spacing voiced sound mark after a Kana letter that takes it is composed with it.",
            "Unicode Standard, section 18.4",
            written_in("Jpan", "jpn"),
        ),
        _voiced({chr(point): chr(point) for point in range(0x3041, 0x30FF)}, "\u309b", "\u309c"),
    ),
    letter_rule(
        About(
            "japanese_wave_dash",
            "The full-width tilde, to which Windows maps the wave dash of JIS, becomes the wave dash U+301C.",
            "JIS X 0208; Unicode's mapping tables for Shift_JIS and CP932",
            written_in("Jpan", "jpn"),
        ),
        letter_map("\uff5e", "\u301c"),
    ),
    letter_rule(
        About(
            "kangxi_radicals",
            "Radicals that stand for letters, as text extracted from PDF has them, become the letters.",
            "Unicode Standard, section 18.1 (CJK and Kangxi radicals)",
            written_in(*_CHINESE, "Jpan", "Kore"),
        ),
        _nfkc(range(0x2F00, 0x2FD6)) | _nfkc(range(0x2E9F, 0x2EA0)) | _nfkc(range(0x2EF3, 0x2EF4)),
    ),
    Rule(
        "chinese_conversion",
        "Chinese is converted to Simplified or Traditional letters if `han` asks for it; the script column stays.",
        "OpenCC, dictionaries t2s and s2t",
        written_in(*_CHINESE),
        r"\p{Han}",
        _convert,
        wanted=lambda options: options.han != "keep",
    ),
)
