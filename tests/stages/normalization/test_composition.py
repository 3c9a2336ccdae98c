"""The pattern for NFC finds every text that NFC changes."""

from __future__ import annotations

import random
import unicodedata
from typing import Literal

import polars as pl

from stages.normalization.composition import RULES
from stages.normalization.rules import Rule

NFC, NFKC = RULES


def test_every_text_that_changes_is_a_candidate() -> None:
    """Random sequences of letters, composed letters and marks of every combining class."""
    chance = random.Random(20260)
    letters = [chr(point) for point in range(0x32000) if not 0xD800 <= point < 0xE000]
    marks = [letter for letter in letters if unicodedata.combining(letter)]
    composed = [letter for letter in letters if unicodedata.decomposition(letter)]
    bases = [unicodedata.normalize("NFD", letter)[0] for letter in composed]
    pool = [
        marks,
        composed,
        bases,
        [*map(chr, range(0x1100, 0x1200)), "\uac00", "\uac01", "\uac1c"],
    ]
    texts = pl.Series(
        [
            "".join(chance.choice(chance.choice(pool)) for _ in range(chance.randint(1, 5)))
            for _ in range(60_000)
        ]
    )
    forms: tuple[tuple[Rule, Literal["NFC", "NFKC"]], ...] = ((NFC, "NFC"), (NFKC, "NFKC"))
    for rule, form in forms:
        changes = texts.str.normalize(form) != texts
        missed = texts.filter(changes & ~texts.str.contains(rule.candidates))
        assert missed.to_list() == [], form
        assert changes.sum() > 10_000


def test_polars_agrees_with_python_about_assigned_letters() -> None:
    letters = [
        c for c in map(chr, range(0x32000)) if unicodedata.category(c) not in ("Cs", "Cn", "Co")
    ]
    forms: tuple[Literal["NFC", "NFKC"], ...] = ("NFC", "NFKC")
    for form in forms:
        ours = pl.Series(letters).str.normalize(form).to_list()
        assert ours == [unicodedata.normalize(form, letter) for letter in letters]
