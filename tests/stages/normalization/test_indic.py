"""Indic scripts: the tables of Unicode hold what they say, and a bar is a danda only where it ends
a sentence."""

from __future__ import annotations

import itertools
import unicodedata

import polars as pl
import pytest

from stages.normalization import indic
from stages.normalization.indic import (
    CHILLUS,
    NON_SPACING,
    NUKTA_RANKS,
    SCRIPTS,
    SIGN_PARTS,
    SIGN_RANKS,
    VOWEL_LETTERS,
)
from stages.normalization.options import NormalizationOptions

RULES = {rule.name: rule for rule in indic.RULES}


def applied(name: str, text: str, script: str) -> str:
    return RULES[name].apply(pl.Series([text]), None, script, NormalizationOptions())[0]


def name_of(letter: str) -> list[str]:
    return unicodedata.name(letter).split()


def test_a_vowel_letter_is_of_the_script_of_its_parts() -> None:
    for parts, letter in (VOWEL_LETTERS | SIGN_PARTS).items():
        assert {name_of(part)[0] for part in parts} == {name_of(letter)[0]}
        assert unicodedata.is_normalized("NFC", parts), "NFC composes it, so no rule is needed"
        sign = unicodedata.category(parts[0])[0] == "M"
        assert "SIGN" in name_of(letter) if sign else {"LETTER", "VOWEL"} & set(name_of(letter)), (
            letter
        )


@pytest.mark.parametrize("block", range(0x900, 0xE00, 0x80), ids=SCRIPTS)
def test_one_pass_leaves_no_vowel_in_parts(block: int) -> None:
    table = VOWEL_LETTERS | SIGN_PARTS
    letters = sorted(
        {c for entry in table.items() for c in "".join(entry) if block <= ord(c) < block + 0x80}
    )
    words = pl.Series(["".join(word) for word in itertools.product(letters, repeat=3)])
    rule = RULES["indic_vowel_letters"]
    once = rule.apply(words, None, None, NormalizationOptions())
    assert not once.str.contains(rule.candidates).any()


def test_a_chillu_is_that_of_its_consonant() -> None:
    for sequence, chillu in CHILLUS.items():
        assert name_of(chillu)[-1].startswith(name_of(sequence[0])[-1][:-1]), sequence


def test_ranked_signs_are_marks() -> None:
    for table in (SIGN_RANKS, NUKTA_RANKS):
        assigned = [chr(c) for c in table.nonzero()[0].tolist() if unicodedata.name(chr(c), "")]
        assert {unicodedata.category(mark)[0] for mark in assigned} == {"M"}
    assert {unicodedata.category(mark) for mark in NON_SPACING} == {"Mn"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\u0915 \u0916 \u0917| \u0918", "\u0915 \u0916 \u0917\u0964 \u0918"),
        ("\u0915 \u0916 \u0917|", "\u0915 \u0916 \u0917\u0964"),
        # the next line is too short
        (
            "\u0915 \u0916 \u0917|\n\u0915|",
            "\u0915 \u0916 \u0917\u0964\n\u0915|",
        ),
        ("\u0915 \u0916|", "\u0915 \u0916|"),
        ("\u0915 \u0916 \u0917 |", "\u0915 \u0916 \u0917 |"),
        ("\u0915 \u0916 \u0917|\u0918", "\u0915 \u0916 \u0917|\u0918"),
        # another bar of the line
        (
            "\u0915 \u0916 \u0917| \u0915 | \u0916",
            "\u0915 \u0916 \u0917| \u0915 | \u0916",
        ),
        ("\u0915 \u0916 \u0917||", "\u0915 \u0916 \u0917\u0965"),
        ("\u0915 \u0916 \u0917|||", "\u0915 \u0916 \u0917|||"),
        ("\u0915 \u0916 \u0917| \u0918|", "\u0915 \u0916 \u0917\u0964 \u0918|"),
        ("\u0915 \u0916 \u0917I", "\u0915 \u0916 \u0917\u0964"),
        ("\u0915 \u0916 \u0917 I", "\u0915 \u0916 \u0917 I"),
        ("\u0915 \u0916 \u0917Il", "\u0915 \u0916 \u0917Il"),
        ("if a | b|", "if a | b|"),
    ],
)
def test_danda_by_its_place(text: str, expected: str) -> None:
    assert applied("indic_danda", text, "Deva") == expected
    assert applied("indic_danda", expected, "Deva") == expected


def test_the_tamil_shri_is_asked_for() -> None:
    assert not RULES["tamil_shri"].default
