"""Decimal digits: those of the language's locale, or 0 to 9, where the recipe asks for either.

Source: Unicode General_Category Nd; the native numbering systems of CLDR 44 (numberingSystems.xml,
`native`). Arabic script has two rows of digits: U+0660 for Arabic, Sorani and Sindhi, U+06F0 for
Persian, Urdu, Pashto and others.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from stages.normalization.options import NormalizationOptions
from stages.normalization.rules import BOUNDARY, CodePoints, Rule, edit_code_points, everywhere

ARABIC_INDIC, EXTENDED_ARABIC_INDIC = 0x660, 0x6F0
# Digit zero by language (or language and script), else by script. A language without an entry keeps
# what it has: in Uyghur and Kazakh, Sinhala and Georgian the digits of the locale are 0 to 9.
NATIVE_ZERO: Mapping[str, int] = (
    dict.fromkeys(
        (
            "ara",
            "acm",
            "afb",
            "apc",
            "ars",
            "arz",
            "ayn",
            "ayp",
            "apd",
            "acq",
            "ckb",
            "sdh",
            "snd_Arab",
        ),
        ARABIC_INDIC,
    )
    | dict.fromkeys(
        (
            "fas",
            "haz",
            "glk",
            "mzn",
            "lrc",
            "azb",
            "bal",
            "urd",
            "pnb",
            "pan_Arab",
            "skr",
            "pus",
            "kas_Arab",
            "uzb_Arab",
        ),
        EXTENDED_ARABIC_INDIC,
    )
    | {
        "Deva": 0x966,
        "Beng": 0x9E6,
        "Guru": 0xA66,
        "Gujr": 0xAE6,
        "Orya": 0xB66,
        "Taml": 0xBE6,
        "Telu": 0xC66,
    }
    | {
        "Knda": 0xCE6,
        "Mlym": 0xD66,
        "Thai": 0xE50,
        "Laoo": 0xED0,
        "Tibt": 0xF20,
        "Mymr": 0x1040,
        "shn": 0x1090,
    }
    | {
        "Khmr": 0x17E0,
        "Mong": 0x1810,
        "Nkoo": 0x7C0,
        "Olck": 0x1C50,
        "Mtei": 0xABF0,
        "Adlm": 0x1E950,
        "Cakm": 0x11136,
    }
    | {
        "Limb": 0x1946,
        "Lepc": 0x1C40,
        "Sund": 0x1BB0,
        "Java": 0xA9D0,
        "Bali": 0x1B50,
        "Cham": 0xAA50,
        "Saur": 0xA8D0,
    }
)
# not those with a decomposition: mathematical and full-width digits are forms of 0 to 9, and left
# to NFKC
_ZEROS = np.asarray(
    [
        c
        for c in range(0x660, 0x1FBF0)
        if unicodedata.decimal(chr(c), -1) == 0 and not unicodedata.decomposition(chr(c))
    ],
    np.uint32,
)
_DECIMAL_SEPARATOR, _THOUSANDS_SEPARATOR = 0x66B, 0x66C
_SPACES = tuple(c for c in range(0x3001) if chr(c).isspace())


def _native_zero(language: str | None, script: str | None) -> int | None:
    """Return the digit zero of a locale; None where digits are 0 to 9, or nobody can say."""
    by_label = NATIVE_ZERO.get(f"{language}_{script}") or NATIVE_ZERO.get(language or "")
    return by_label or NATIVE_ZERO.get(script or "")


def _is_digit(points: CodePoints, zeros: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
    """Mark the digits of any of some rows of ten, given by their zeros in order."""
    row = np.searchsorted(zeros, points, side="right") - 1
    return (row >= 0) & (points - zeros[np.maximum(row, 0)] < 10)


def _to_ascii(points: CodePoints) -> tuple[CodePoints, npt.NDArray[np.bool_]]:
    found = _is_digit(points, _ZEROS)
    row = np.searchsorted(_ZEROS, points[found], side="right") - 1
    edited = points.copy()
    edited[found] = points[found] - _ZEROS[row] + ord("0")
    for separator, written in ((_DECIMAL_SEPARATOR, "."), (_THOUSANDS_SEPARATOR, ",")):
        places = np.flatnonzero(points == separator)
        inside = places[found[places - 1] & found[places + 1]]
        edited[inside] = ord(written)
    return edited, np.ones(len(points), bool)


def _to_native(points: CodePoints, zero: int) -> tuple[CodePoints, npt.NDArray[np.bool_]]:
    """Write 0 to 9 with the digits from `zero`, but in words with a Latin letter; and one Arabic
    row with the other."""
    word = np.cumsum(np.isin(points, (BOUNDARY, *_SPACES)))
    small = points | 0x20
    latin = (
        ((small >= ord("a")) & (small <= ord("z"))) | (points == ord("@")) | (points == ord("_"))
    )
    ascii_digit = (
        (points >= ord("0"))
        & (points <= ord("9"))
        & ~np.bincount(word[latin], minlength=word[-1] + 1)[word].astype(bool)
    )
    edited = points.copy()
    edited[ascii_digit] = points[ascii_digit] - ord("0") + zero
    other = {ARABIC_INDIC: EXTENDED_ARABIC_INDIC, EXTENDED_ARABIC_INDIC: ARABIC_INDIC}.get(zero)
    if other:
        found = (points >= other) & (points < other + 10)
        edited[found] = points[found] - other + zero
    return edited, np.ones(len(points), bool)


def _write_digits(
    texts: pl.Series, language: str | None, script: str | None, options: NormalizationOptions
) -> pl.Series:
    if options.digits == "ascii":
        return edit_code_points(texts, _to_ascii)
    zero = _native_zero(language, script)
    return edit_code_points(texts, lambda points: _to_native(points, zero)) if zero else texts


RULES = (
    Rule(
        "digits",
        "Digits become those of the locale (in words with a Latin letter 0 to 9 stay), or 0 to 9, as the option says.",
        "Unicode General_Category Nd; CLDR 44 native numbering systems",
        everywhere,
        r"\p{Nd}",
        _write_digits,
        wanted=lambda options: options.digits != "keep",
    ),
)
