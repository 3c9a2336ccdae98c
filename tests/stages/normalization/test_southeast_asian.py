"""Khmer against the reference program of its encoding, Zawgyi line by line, and the marks of
Burmese, Thai and Lao."""

from __future__ import annotations

import sys

import polars as pl
import pytest

from stages.normalization import southeast_asian
from stages.normalization.options import NormalizationOptions

RULES = {rule.name: rule for rule in southeast_asian.RULES}
OPTIONS = NormalizationOptions()
NEEDS_ICU = "Zawgyi is converted by PyICU and found by myanmartools: make install-icu"

# "In Burmese writing, it is good", in both encodings.
ZAWGYI = (
    "\u103b\u1019\u1014\u1039\u1019\u102c\u1005\u102c\u1031\u1015\u1019\u103d\u102c "
    "\u1031\u1000\u102c\u1004\u1039\u1038\u1010\u101a\u1039"
)
UNICODE = (
    "\u1019\u103c\u1014\u103a\u1019\u102c\u1005\u102c\u1015\u1031\u1019\u103e\u102c "
    "\u1000\u1031\u102c\u1004\u103a\u1038\u1010\u101a\u103a"
)


def applied(name: str, text: str, language: str | None = None) -> str:
    return RULES[name].apply(pl.Series([text]), language, None, OPTIONS)[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    # answers of khnormal (SIL, MIT licence), as khmernormalizer 0.0.4 ships it, with the da that it
    # turns into ta
    [
        ("\u179f\u17d2\u179a\u17d2\u178f\u17b8", "\u179f\u17d2\u178f\u17d2\u179a\u17b8"),
        ("\u1780\u17b6\u17c6\u17d2\u179a", "\u1780\u17d2\u179a\u17b6\u17c6"),
        ("\u1784\u17c7\u17be\u17d2\u178f", "\u1784\u17d2\u178f\u17be\u17c7"),
        ("\u1780\u17c1\u17bc\u17b8", "\u1780\u17be\u17bc"),
        ("\u1780\u17c1\u17b6\u17c6", "\u1780\u17c4\u17c6"),
        ("\u179f\u17bb\u17b8", "\u179f\u17ca\u17b8"),
        ("\u1798\u17bb\u17b7", "\u1798\u17c9\u17b7"),
        ("\u1798\u17d2\u179f\u17bb\u17b7", "\u1798\u17d2\u179f\u17ca\u17b7"),
        ("\u1794\u17bb\u17d0", "\u1794\u17c9\u17d0"),
        ("\u1780\u17bb\u17b6\u17c6", "\u1780\u17ca\u17b6\u17c6"),
        ("\u1792\u17b6\u17cc", "\u1792\u17cc\u17b6"),
        ("\u1780\u17bb\u17c6", "\u1780\u17bb\u17c6"),
    ],
)
def test_khmer_order_is_that_of_the_reference(text: str, expected: str) -> None:
    assert applied("khmer_order", text, "khm") == expected


def test_a_coeng_without_a_consonant_and_a_joiner_stay_where_they_are() -> None:
    for text in ("\u1780\u17b6\u17d2", "\u1780\u17b6\u17d2 ", "\u1780\u17b6\u200d\u17d2\u1799"):
        assert applied("khmer_order", text, "khm") == text


def test_zawgyi_is_converted_line_by_line() -> None:
    pytest.importorskip("icu", reason=NEEDS_ICU)
    texts = pl.Series([f"{ZAWGYI}\n{UNICODE}\nmenu", UNICODE, f"{ZAWGYI}\n\u1000"])
    converted = RULES["zawgyi"].apply(texts, "mya", "Mymr", OPTIONS).to_list()
    assert converted == [f"{UNICODE}\n{UNICODE}\nmenu", UNICODE, f"{UNICODE}\n\u1000"]


def test_a_line_that_could_be_either_goes_with_its_document() -> None:
    pytest.importorskip("icu", reason=NEEDS_ICU)
    either = "\u1019\u1002\u1064\u101c\u102c\u1015\u102b"  # score 0.54
    assert (
        applied("zawgyi", f"{ZAWGYI}\n{either}")
        == f"{UNICODE}\n\u1019\u1004\u103a\u1039\u1002\u101c\u102c\u1015\u102b"
    )
    assert applied("zawgyi", f"{UNICODE}\n{either}") == f"{UNICODE}\n{either}"


@pytest.mark.parametrize("language", ["shn", "mnw", "ksw", "kjp", "blk", "kac"])
def test_zawgyi_is_not_looked_for_in_languages_with_letters_of_their_own(language: str) -> None:
    assert not RULES["zawgyi"].applies(language, "Mymr")
    assert not RULES["burmese_order"].applies(language, "Mymr")
    assert RULES["zawgyi"].applies("mya", "Mymr")
    assert RULES["zawgyi"].applies(None, "Mymr")
    assert not RULES["zawgyi"].applies(None, None)


def test_without_pyicu_the_rule_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    southeast_asian.load_zawgyi.cache_clear()
    monkeypatch.setitem(sys.modules, "icu", None)
    with pytest.raises(
        ImportError, match=r"the rule zawgyi needs PyICU and myanmartools.*libicu-dev.*disable = "
    ):
        applied("zawgyi", ZAWGYI)


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        # an asat stays before a medial
        (
            "burmese_order",
            "\u1000\u103a\u103b\u102c",
            "\u1000\u103a\u103b\u102c",
        ),
        # canonical order of dot below and asat
        (
            "burmese_order",
            "\u1014\u1037\u103a",
            "\u1014\u1037\u103a",
        ),
        (
            "burmese_order",
            "\u1000\u1038\u1037\u1036\u102f\u102d",
            "\u1000\u102d\u102f\u1036\u1037\u1038",
        ),
        ("burmese_letters", "\u1041\u1040\u1040\u102d\u102f", "\u1041\u1040\u101d\u102d\u102f"),
        (
            "thai_sara_am",
            "\u0e19\u0e4d\u0e49\u0e32\u0e17\u0e4d\u0e32",
            "\u0e19\u0e49\u0e33\u0e17\u0e33",
        ),
        ("thai_sara_am", "\u0e19\u0e49\u0e4d\u0e32", "\u0e19\u0e49\u0e33"),
        (
            "thai_sara_am",
            "\u0e1e\u0e38\u0e17\u0e3a\u0e18\u0e4d",
            "\u0e1e\u0e38\u0e17\u0e3a\u0e18\u0e4d",
        ),
        ("lao_sara_am", "\u0e99\u0eb3\u0ec9", "\u0e99\u0ec9\u0eb3"),
        ("lao_mark_order", "\u0e9b\u0ec8\u0eb5\u0ebc", "\u0e9b\u0ebc\u0eb5\u0ec8"),
    ],
)
def test_marks(rule: str, text: str, expected: str) -> None:
    assert applied(rule, text) == expected
