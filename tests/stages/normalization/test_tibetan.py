"""Tibetan: stacks in canonical order, and shads left to their writers."""

from __future__ import annotations

import unicodedata

import polars as pl
import pytest

from stages.normalization import tibetan
from stages.normalization.options import NormalizationOptions
from stages.normalization.tibetan import STACK_RANKS

RULES = {rule.name: rule for rule in tibetan.RULES}


def applied(name: str, text: str) -> str:
    return RULES[name].apply(pl.Series([text]), "bod", "Tibt", NormalizationOptions())[0]


def test_ranks_agree_with_canonical_order() -> None:
    marks = sorted(STACK_RANKS.nonzero()[0].tolist(), key=STACK_RANKS.tolist().__getitem__)
    classes = [unicodedata.combining(chr(mark)) for mark in marks]
    vowels = list(dict.fromkeys(number for number in classes if number not in (0, 230)))
    assert vowels == [129, 130, 132], "or NFC and the rule would undo each other"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\u0f66\u0f92\u0f72\u0fb1", "\u0f66\u0f92\u0fb1\u0f72"),
        ("\u0f68\u0f7e\u0f71\u0f74", "\u0f68\u0f71\u0f74\u0f7e"),
        ("\u0f40\u0f72\u0f40\u0fb1", "\u0f40\u0f72\u0f40\u0fb1"),  # another stack
        ("\u0f59\u0f39\u0f74", "\u0f59\u0f39\u0f74"),  # the mark of tsa belongs to its letter
    ],
)
def test_stack_order(text: str, expected: str) -> None:
    assert applied("tibetan_stack_order", text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "\u0f40\u0f0d \u0f0d",
        "\u0f40\u0f0d\u0f0d",
        "\u0f0e",
        "\u0f40\u0f0b\u0f0d",
        "\u0f40 | \u0f41",
        "a| b",
    ],
)
def test_shads_stay_as_written(text: str) -> None:
    assert not pl.Series([text]).str.contains(RULES["tibetan_shad"].candidates)[0]
