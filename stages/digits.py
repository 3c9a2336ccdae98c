"""Digits of all scripts by those of ASCII."""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache

import polars as pl


@cache
def _digit_table() -> tuple[list[str], list[str]]:
    digits = [
        chr(c) for c in range(0x80, sys.maxunicode + 1) if unicodedata.category(chr(c)) == "Nd"
    ]
    return digits, [str(unicodedata.digit(digit)) for digit in digits]


def in_ascii_digits(texts: pl.Series) -> pl.Series:
    """Write the digits of n texts by those of ASCII.

    >>> in_ascii_digits(pl.Series(["\\u0967\\u0968 km"])).to_list()
    ['12 km']
    """
    at = texts.str.contains(r"[\p{Nd}--0-9]").arg_true()
    return (
        texts.clone().scatter(at, texts.gather(at).str.replace_many(*_digit_table()))
        if len(at)
        else texts
    )


def ascii_digits(text: str) -> str:
    """Write the decimal digits of any script as those of ASCII, code point by code point."""
    return (
        text
        if text.isascii()
        else re.sub(r"\d", lambda digit: str(unicodedata.digit(digit[0])), text)
    )
