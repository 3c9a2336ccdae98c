"""Names and codes of languages as readers and the Hub know them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

import polars as pl
import pytest

from data_cards.languages import language_facts
from data_cards.sections.overview import same_language
from data_cards.write_language_names import names_json
from schemas.orthography import words_are_spaced

FACTS = {
    "eus: two letters where ISO 639-1 has them": ("eus_Latn", "Basque", "Euskara", "eu", "eu-Latn"),
    "ady: three where it has none": (
        "ady_Cyrl",
        "Adyghe",
        "\u0410\u0434\u044b\u0433\u0430\u0431\u0437\u044d",
        "ady",
        "ady-Cyrl",
    ),
    "nor: no": ("nor_Latn", "Norwegian", "Norsk", "no", "no-Latn"),
    "nob: nb, not no": ("nob_Latn", "Norwegian Bokm\u00e5l", "norsk bokm\u00e5l", "nb", "nb-Latn"),
    "swh: the name of the macrolanguage it stands for": (
        "swh_Latn",
        "Swahili",
        "Kiswahili",
        "swh",
        "swh-Latn",
    ),
    "zho: the script is not part of the autonym": (
        "zho_Hans",
        "Chinese (Simplified)",
        "\u4e2d\u6587",
        "zh",
        "zh-Hans",
    ),
    "und has a name and no autonym": ("und_Zyyy", "Undetermined", None, "und", "und-Zyyy"),
    "a private code is its own name": ("qaa_Latn", "qaa", None, "qaa", "qaa-Latn"),
}


def test_the_table_of_names_is_that_of_the_package() -> None:
    assert (files("schemas") / "language_names.json").read_text(encoding="utf-8") == names_json()


@pytest.mark.parametrize(
    ("label", "name", "autonym", "code", "tag"), FACTS.values(), ids=FACTS.keys()
)
def test_language_facts(label: str, name: str, autonym: str | None, code: str, tag: str) -> None:
    found = language_facts(label)
    assert (found.name, found.hub_code, found.tag) == (name, code, tag)
    assert (found.autonym or "").casefold() == (autonym or "").casefold()


SAME = {
    "a page in Nynorsk may say no": ("nor", "nno", True),
    "Bokmål and no are one": ("nob", "nor", True),
    "a page that says nb is not in Nynorsk": ("nob", "nno", False),
    "a page that says nn is not in Bokmål": ("nno", "nor", False),
    "zh fits Cantonese": ("zho", "yue", True),
    "Cantonese is not Mandarin": ("yue", "zho", False),
    "eu is Basque": ("eus", "eus", True),
    "es is not": ("spa", "eus", False),
}


@pytest.mark.parametrize(("declared", "language", "expected"), SAME.values(), ids=SAME.keys())
def test_declared_languages(declared: str, language: str, expected: bool) -> None:
    assert same_language(declared, language) is expected


def test_scripts_that_write_on_for_twenty_letters_are_not_called_spaced(
    declaration: Mapping[str, list[str]],
) -> None:
    """Real text is the judge."""
    lengths = {
        label: sum(map(len, texts)) / sum(pl.Series(texts).str.count_matches(r"[^\s\x{1361}]+"))
        for label, texts in declaration.items()
    }
    assert not [label for label, mean in lengths.items() if mean > 20 and words_are_spaced(label)]


SPACED = [
    "eus_Latn",
    "uig_Arab",
    "yor_Latn",
    "mlt_Latn",
    "amh_Ethi",
    "hin_Deva",
    "kor_Kore",
    "mon_Mong",
    "tam_Taml",
]


@pytest.mark.parametrize("label", SPACED)
def test_most_scripts_are_spaced(label: str) -> None:
    assert words_are_spaced(label)
