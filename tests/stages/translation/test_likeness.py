"""chrF against sacrebleu, and what sentences of two languages share."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics.chrf import CHRF

from stages.translation.likeness import sentence_chrf, shared_parts
from tests.declaration import DECLARATION

TEXTS = st.text(alphabet="abcde \u0623\u0966\U0001f600\n", max_size=30)


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=8))
def test_chrf_is_that_of_sacrebleu(pairs: list[tuple[str, str]]) -> None:
    hypotheses, references = zip(*pairs, strict=True)
    expected = [CHRF().sentence_score(one, [other]).score for one, other in pairs]
    assert sentence_chrf(pl.Series(hypotheses), pl.Series(references)) == pytest.approx(expected)


def test_chrf_of_whole_sentences_is_that_of_sacrebleu() -> None:
    ours, theirs = (DECLARATION[label] for label in ("spa_Latn", "glg_Latn"))
    expected = [
        CHRF().sentence_score(one, [other]).score for one, other in zip(ours, theirs, strict=True)
    ]
    assert sentence_chrf(pl.Series(ours), pl.Series(theirs)) == pytest.approx(expected)


def test_numbers_and_cognates_are_shared_and_other_words_are_not() -> None:
    sources = pl.Series(["Libertad de 1948.", "Nada más que esto.", "\u0968\u0966 casas"])
    targets = pl.Series(["Liberdade en 1948!", "Anything else", "20 maisons"])
    found = shared_parts(sources, targets, (0, 1))
    assert (found[0] > 0.1).tolist() == [True, False, True]
    assert found[1].tolist() == [0, 0, 0], "what is shared stands in its own place"


@pytest.mark.parametrize("texts", [[], [""], ["", "..."]], ids=["none", "empty", "no letters"])
def test_nothing_is_like_nothing(texts: list[str]) -> None:
    series = pl.Series(texts, dtype=pl.String)
    assert not sentence_chrf(series, pl.Series([""] * len(texts), dtype=pl.String)).any()
    assert not shared_parts(series, series, (0, -1))[-1].any()


def test_long_numbers_are_told_apart() -> None:
    series = pl.Series(["9" * 400, "8" * 400])
    assert np.allclose(shared_parts(series, series, (0, 1))[0], 1)
    assert shared_parts(series, series, (0, 1))[1].tolist() == [0, 0]
