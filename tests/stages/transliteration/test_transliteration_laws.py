"""Laws of every scheme, over the sample texts of gflanguages and the letters of Unicode."""

from __future__ import annotations

import unicodedata
from functools import cache

import gflanguages
import polars as pl
import pyarrow as pa
import pytest

from schemas.language import one_code, to_iso639_3
from stages.transliteration.schemes import SCHEMES, Scheme, covers
from stages.transliteration.transliterate import JOINERS, UNSPACED, transliterate

pytest.importorskip("icu", reason="the schemes need glotmill[icu]")
MOST_CODE_POINTS = 20_000  # of samples a scheme; `uroman` takes a call a word
_SPECIAL_SCRIPTS = {"Kore": "Hangul", "Hans": "Han", "Hant": "Han"}


@cache
def samples() -> list[tuple[str, str, str]]:
    """List (language, script, text) of every sample."""
    found = []
    for language in gflanguages.LoadLanguages().values():
        sample = language.sample_text
        texts = [
            value.strip() for field, value in sample.ListFields() if field.type == field.TYPE_STRING
        ]
        code = one_code(to_iso639_3(language.language) or language.language)
        found += [(code, language.script, text) for text in texts]
    return found


def texts_for(scheme: Scheme) -> list[str]:
    found = [text for language, script, text in samples() if covers(scheme, language, script)]
    lengths = pl.Series(found, dtype=pl.String).str.len_chars().cum_sum()
    return [
        text
        for text, end in zip(found, lengths, strict=True)
        if end <= MOST_CODE_POINTS or text is found[0]
    ]


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_canonically_equivalent_texts_give_the_same_text(scheme: Scheme) -> None:
    texts = texts_for(scheme)
    composed, decomposed = (
        transliterate(
            pa.array([unicodedata.normalize(form, text) for text in texts], pa.string()), scheme
        )
        for form in ("NFC", "NFD")
    )
    assert composed.to_pylist() == decomposed.to_pylist()


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_no_joiner_cuts_a_word(scheme: Scheme) -> None:
    joiner = "\u00ad\u200d\ufe00"
    texts = pl.Series(texts_for(scheme)[:6], dtype=pl.String).str.normalize("NFC")
    inside = texts.str.replace_all(r"(\p{L}\p{M}*)", "${1}" + joiner).str.replace_all(
        rf"{joiner}([^\p{{L}}]|$)", "$1"
    )
    plain, joined = (
        pl.Series(transliterate(given.to_arrow(), scheme)).str.replace_all(f"[{JOINERS}]", "")
        for given in (texts, inside)
    )
    assert joined.to_list() == plain.to_list()


@pytest.mark.parametrize(
    "scheme", [scheme for scheme in SCHEMES if scheme.source not in ("Hans", "Hant")], ids=str
)
def test_no_word_is_converted_in_part(scheme: Scheme) -> None:
    source, target = (
        _SPECIAL_SCRIPTS.get(script, script) for script in (scheme.source, scheme.target)
    )
    one = (
        rf"[[\p{{L}}\p{{M}}]--\p{{Latin}}--\p{{Inherited}}--[{UNSPACED}]]"
        if source == "Zyyy"
        else rf"[\p{{{source}}}&&[\p{{L}}\p{{M}}]]"
    )
    other = rf"[\p{{{target}}}&&\p{{L}}]"
    both = rf"{other}[\p{{M}}{JOINERS}]*{one}|{one}[\p{{M}}{JOINERS}]*{other}"
    texts = texts_for(scheme)
    made = pl.Series(transliterate(pa.array(texts, pa.string()), scheme), dtype=pl.String)
    given = pl.Series(texts, dtype=pl.String)
    mixed = made.str.extract_all(both).list.len() - given.str.extract_all(both).list.len()
    assert made.filter(mixed > 0).str.extract(rf"(\S*(?:{both})\S*)", 1).to_list() == []
