"""Arabic script: tables against Unicode's own data, and keyboards against the orthographies they
are used for."""

from __future__ import annotations

import unicodedata

import polars as pl
import pytest

from stages.normalization import arabic
from stages.normalization.arabic import ARABIC, FORMS, KURDISH, PERSIAN, URDU, UYGHUR
from stages.normalization.options import NormalizationOptions

RULES = {rule.name: rule for rule in arabic.RULES}
OPTIONS = NormalizationOptions()


def applied(name: str, text: str, language: str | None) -> str:
    return RULES[name].apply(pl.Series([text]), language, "Arab", OPTIONS)[0]


def test_forms_are_folded_as_unicode_does_but_for_the_seat_of_a_mark() -> None:
    for form, letters in FORMS.items():
        compatible = unicodedata.normalize("NFKC", form)
        decomposed = unicodedata.normalize("NFKC", letters)
        assert decomposed in (compatible, compatible.lstrip(" \u0640")), f"U+{ord(form):04X}"


def test_all_forms_are_folded_but_signs_and_symbols() -> None:
    forms = {
        chr(c)
        for c in [*range(0xFB50, 0xFE00), *range(0xFE70, 0xFEFF)]
        if unicodedata.category(chr(c)) == "Lo"
    }
    assert forms - set(FORMS) == {"\ufdfa", "\ufdfb", "\ufe73"}, (
        "two honorifics, and a fragment of a letter"
    )


@pytest.mark.parametrize("name", [name for name in RULES if name.endswith("_letters")])
def test_a_letter_rule_is_for_one_group_of_languages(name: str) -> None:
    groups = {"persian": (*PERSIAN, *KURDISH), "urdu": URDU, "uyghur": UYGHUR, "arabic": ARABIC}
    groups |= {"kashmiri": ("kas",), "pashto": ("pus",), "sindhi": ("snd",)}
    mine = groups.pop(name.removesuffix("_letters"))
    for label in mine:
        assert RULES[name].applies(label[:3], "Arab"), label
    for label in (label for others in groups.values() for label in others):
        assert not RULES[name].applies(label[:3], "Arab"), label
    assert not RULES[name].applies(None, "Arab"), "the rule of an orthography needs its language"


@pytest.mark.parametrize(
    "language", ["kaz", "kir", "kur", "uzb", "tgk", "msa", "aze", "pan", "kas", "snd"]
)
def test_languages_of_several_scripts_get_the_letters_of_arabic_script_in_it_alone(
    language: str,
) -> None:
    held = [rule for rule in arabic.RULES if rule.applies(language, "Arab")]
    assert held
    assert not [
        rule.name
        for rule in held
        if rule.applies(language, "Cyrl") or rule.applies(language, "Latn")
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\u0628\u0647", "\u0628\u06d5"),  # at the end, behind a consonant
        ("\u0628\u0647 ", "\u0628\u06d5 "),
        ("\u0628\u0647\u060c", "\u0628\u06d5\u060c"),
        ("\u0628\u0627\u0647", "\u0628\u0627\u06be"),  # behind alef
        ("\u062f\u06ce\u0647", "\u062f\u06ce\u06be"),  # deh, village
        ("\u0646\u06cc\u0647", "\u0646\u06cc\u06d5"),  # niye, is not
        ("\u0628\u0647\u0645", "\u0628\u06be\u0645"),  # before a letter
        ("\u0628\u0647\u064e\u0645", "\u0628\u06be\u064e\u0645"),  # a mark between is passed over
        ("\u0628\u0647\u0640", "\u0628\u06be\u0640"),  # tatweel shows the shape before a letter
        ("\u0661\u0647\u0640", "\u0661\u0647\u0640"),  # the Hijri year
        ("\u0647", "\u0647"),  # alone
        ("\u0647\u0647", "\u06be\u06d5"),
    ],
)
def test_heh_of_sorani_by_its_place(text: str, expected: str) -> None:
    assert applied("kurdish_heh", text, "ckb") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\u0628\u0640\u0640\u0628", "\u0628\u0628"),
        ("\u0628\u0640\u0628\u0640\u0628", "\u0628\u0628\u0628"),
        ("\u0628\u064e\u0640\u0628", "\u0628\u064e\u0628"),
        ("\u0628\u0640\u0640", "\u0628\u0640"),
        ("\u0640\u0628", "\u0640\u0628"),
        ("\u0628\u0640\u064e\u0628", "\u0628\u0640\u064e\u0628"),  # a mark sits on it
        ("\u0628\u0640 \u0628", "\u0628\u0640 \u0628"),
        ("\u0640", "\u0640"),
    ],
)
def test_tatweel_by_its_place(text: str, expected: str) -> None:
    assert applied("arabic_tatweel", text, "ara") == expected
