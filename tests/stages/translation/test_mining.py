"""Addresses of one page in two languages, and the sentences of both."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
import pytest

from stages.engines.engine import parse_direction
from stages.translation.mining import (
    MAX_SENTENCES,
    align_sentences,
    mined_pairs,
    mirror_addresses,
    page_numbers,
)
from stages.translation.options import MiningConfig
from tests.declaration import DECLARATION

ADDRESSES = {
    "a segment of the path": ("https://a.org/es/x", "spa", "a.org/x"),
    "with a region": ("https://a.org/help/pt-br/x", "por", "a.org/help/x"),
    "a label of the host": ("http://eu.a.org/x", "eus", "a.org/x"),
    "a value of the query": ("https://a.org/x?id=7&lang=gl", "glg", "a.org/x?id=7"),
    "an ending of the name": ("https://a.org/x.es.html", "spa", "a.org/x.html"),
    "the page without a code": ("https://www.a.org/x?id=7", "eng", "a.org/x?id=7"),
    "the code of another language": ("https://a.org/es/x", "eng", "a.org/es/x"),
    "a word that is no code": ("https://a.org/news/x", "eng", "a.org/news/x"),
    "once alone": ("https://a.org/es/es/x", "spa", "a.org/es/x"),
    "no address": ("es/x", "spa", None),
    "null": (None, "spa", None),
}


NUMBERS = {
    "a name after it": ("a.org/noticias/48213-el-mar", "a.org 48213"),
    "a name before it": ("a.org/albisteak/itsasoa_48213.html", "a.org 48213"),
    "a segment, then a name": ("a.org/node/48213/itsasoa", "a.org 48213"),
    "a parameter": ("a.org/index.php?x=1&page_id=7", "a.org ?7"),
    "a year": ("a.org/2024/itsasoa", None),
    "a month": ("a.org/202405/itsasoa", None),
    "a day": ("a.org/itsasoa-20240531.html", None),
    "a number that looks like no day": ("a.org/itsasoa-20249931.html", "a.org 20249931"),
    "too short": ("a.org/news/123-x", None),
    "far from the end": ("a.org/48213/a/b/c", None),
    "a parameter of another name": ("a.org/x?page=7", None),
    "no address": (None, None),
}


@pytest.mark.parametrize(("address", "number"), NUMBERS.values(), ids=NUMBERS.keys())
def test_numbers_of_pages(address: str | None, number: str | None) -> None:
    assert page_numbers(pl.Series([address], dtype=pl.String)).to_list() == [number]


@pytest.mark.parametrize(("url", "language", "key"), ADDRESSES.values(), ids=ADDRESSES.keys())
def test_addresses_without_their_language(url: str | None, language: str, key: str | None) -> None:
    assert mirror_addresses(pa.array([url], pa.string()), [language]).to_list() == [key]


SPA_GLG = parse_direction("spa_Latn -> glg_Latn")
SPANISH, GALICIAN = (DECLARATION[label] for label in ("spa_Latn", "glg_Latn"))
LOST = {
    "whole": (range(4), range(4), [(0, 0), (1, 1), (2, 2), (3, 3)]),
    "one lacks in the target": (range(4), (0, 1, 3), [(0, 0), (1, 1), (3, 2)]),
    "one lacks in the source": ((1, 2, 3), range(4), [(0, 1), (1, 2), (2, 3)]),
    "nothing on one side": ((), range(4), []),
}


@pytest.mark.parametrize(("ours", "theirs", "expected"), LOST.values(), ids=LOST.keys())
def test_sentences_are_aligned(
    ours: list[int], theirs: list[int], expected: list[tuple[int, int]]
) -> None:
    sources = pl.Series([SPANISH[place] for place in ours], dtype=pl.String)
    targets = pl.Series([GALICIAN[place] for place in theirs], dtype=pl.String)
    i, j, margin = align_sentences(sources, targets, SPA_GLG)
    kept = margin >= MiningConfig(directions=(str(SPA_GLG),)).min_margin
    assert list(zip(i[kept].tolist(), j[kept].tolist(), strict=True)) == expected


def test_equal_lines_have_no_margin() -> None:
    texts = pl.Series(["Abrir", "Abrir"])
    assert (align_sentences(texts, texts.head(1), SPA_GLG)[2] < 1).all()


def test_pages_beyond_the_bound_are_not_aligned() -> None:
    long = pl.Series(["Todo individuo ten dereito."] * (MAX_SENTENCES + 1))
    assert not len(align_sentences(long, long, SPA_GLG)[0])


def test_pages_that_say_different_things_give_no_pairs() -> None:
    other = "Abrir o ficheiro 12.\nGardar como PDF.\nImprimir en cor 300.\nPechar todo."
    pages = pl.DataFrame(
        {
            "source_id": ["a", "b"],
            "target_id": ["c", "d"],
            "source": ["\n".join(SPANISH)] * 2,
            "target": ["\n".join(GALICIAN), other],
        }
    )
    found = mined_pairs(pages, SPA_GLG, MiningConfig(directions=(str(SPA_GLG),)))
    assert found["target"].to_pylist() == list(GALICIAN)
    assert set(found["parent_id"].to_pylist()) == {"a"}
    assert found["line"].to_pylist() == [0, 1, 2, 3]
