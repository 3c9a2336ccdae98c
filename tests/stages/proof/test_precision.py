"""Intervals hold the true precision as often as they say."""

from __future__ import annotations

import numpy as np
import pytest

from stages.proof.precision import StratumAnswers, precision, proved


@pytest.mark.parametrize("contamination", [0.01, 0.1, 0.5])
def test_intervals_hold_the_truth(contamination: float) -> None:
    chance = np.random.default_rng(1)
    documents = np.asarray([4000, 700, 200, 100])
    doubt = (
        np.asarray([0.3, 1.5, 6.0, 12.0])
        if contamination < 0.5
        else np.asarray([0.9, 1.3, 1.5, 1.6])
    )
    wrong = np.rint(
        documents * doubt * contamination / np.dot(documents / documents.sum(), doubt)
    ).astype(int)
    wrong = np.minimum(wrong, documents)
    true = 1 - wrong.sum() / documents.sum()
    answered = np.asarray([28, 13, 12, 7])
    held = 0
    for _ in range(500):
        seen = answered - chance.hypergeometric(wrong, documents - wrong, answered)
        found = precision(
            [StratumAnswers(*map(int, row)) for row in zip(documents, answered, seen, strict=True)]
        )
        assert found is not None
        held += found.low <= true <= found.high
    assert 0.92 <= held / 500 <= 0.995


def test_few_answers_say_little_and_none_nothing() -> None:
    few, many = (precision([StratumAnswers(1000, n, n)]) for n in (5, 100))
    assert few is not None
    assert many is not None
    assert few.low < 0.7 < 0.95 < many.low
    assert precision([StratumAnswers(1000, 0, 0)]) is None


def test_a_stratum_without_answers_may_be_anything() -> None:
    found = precision([StratumAnswers(500, 50, 50), StratumAnswers(500, 0, 0)])
    assert found is not None
    assert found.low < 0.5
    assert found.high == 1


def test_all_documents_judged_leave_no_doubt() -> None:
    assert precision([StratumAnswers(4, 4, 3)]) == pytest.approx((0.75, 0.75, 0.75))


def test_sure_strata_are_proved_before_doubtful_ones() -> None:
    strata = [StratumAnswers(900, 60, 60), StratumAnswers(300, 30, 9)]
    assert proved(strata, 0.9) == 1
    assert proved(strata, 0.5) == 2
    assert proved(strata, 0.99) == 0
