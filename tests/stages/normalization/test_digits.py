"""Digits of the locale, or 0 to 9."""

from __future__ import annotations

import unicodedata

import polars as pl
import pytest

from stages.normalization.digits import NATIVE_ZERO, RULES
from stages.normalization.options import NormalizationOptions

NATIVE, ASCII = NormalizationOptions(digits="native"), NormalizationOptions(digits="ascii")


def written(
    text: str, language: str | None, script: str | None, options: NormalizationOptions
) -> str:
    return RULES[0].apply(pl.Series([text]), language, script, options)[0]


@pytest.mark.parametrize("label", NATIVE_ZERO)
def test_the_digits_of_a_locale_are_ten_in_a_row_and_come_back(label: str) -> None:
    assert [unicodedata.decimal(chr(NATIVE_ZERO[label] + value)) for value in range(10)] == list(
        range(10)
    )
    language, _, script = label.partition("_") if label[0].islower() else (None, "", label)
    native = written("0123456789", language, script or None, NATIVE)
    assert native == "".join(chr(NATIVE_ZERO[label] + value) for value in range(10))
    assert written(native, None, None, ASCII) == "0123456789"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12 a1 1a a@1 1_1 x", "\u06f1\u06f2 a1 1a a@1 1_1 x"),
        ("http://a.ir/12 12", "http://a.ir/12 \u06f1\u06f2"),
        ("1,5 (3) 10:30", "\u06f1,\u06f5 (\u06f3) \u06f1\u06f0:\u06f3\u06f0"),
        ("\u0967", "\u0967"),  # Devanagari digits in a Persian text are quoted
    ],
)
def test_numbers_in_latin_words_stay(text: str, expected: str) -> None:
    assert written(text, "fas", "Arab", NATIVE) == expected


def test_all_decimal_digits_become_0_to_9_but_those_that_are_forms_of_them() -> None:
    for point in range(0x660, 0x1FBFA):
        value = unicodedata.decimal(chr(point), None)
        if value is not None:
            form = bool(unicodedata.decomposition(chr(point)))
            assert written(chr(point), None, None, ASCII) == (chr(point) if form else str(value)), (
                f"U+{point:04X}"
            )


def test_the_rule_is_not_wanted_where_digits_are_kept() -> None:
    assert not RULES[0].wanted(NormalizationOptions())
