"""Rehydration: worked examples of both rules."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.deduplication.rehydration import by_removal_rate, by_size, smoothed

SIZES = {1: 1, 2: 2, 3: 3, 4: 3, 5: 5, 6: 5, 99: 5, 100: 8, 999: 8, 1000: 1, 1_000_000: 1}


def test_weights_by_size() -> None:
    assert dict(zip(SIZES, by_size(list(SIZES)).tolist(), strict=True)) == SIZES
    assert by_size([]).tolist() == []


def test_a_cluster_has_a_document() -> None:
    with pytest.raises(ValueError, match="sizes must be at least 1, got 0"):
        by_size([3, 0])


def test_weights_by_removal_rate() -> None:
    """By hand: over all 240 of 700, 34.29 %; so 26 % gives 1 + 9 * 8.29 / 10.29 = 8.25 and 30 %
    gives 4.75."""
    removed = [50, 40, 20, 10, 10, 40, 70]
    rates = [0.5, 0.4, 0.26, 0.24, 0.30, 0.4, 0.7]  # the middle three are means of five
    assert np.allclose(smoothed(np.array(removed) / 100), rates)
    assert by_removal_rate([100] * 7, removed).tolist() == [1, 1, 8, 10, 5, 1, 1]


def test_the_global_rate_is_of_documents_not_of_groups() -> None:
    """990 documents of which a tenth went, 10 of which half went: over all 10.4 %, and 10 % is just
    below."""
    assert by_removal_rate([990, 10], [99, 5]).tolist() == [10, 1]
    assert by_removal_rate([10, 990], [5, 99], max_weight=3).tolist() == [1, 3]


def test_equal_rates_weigh_the_same() -> None:
    assert by_removal_rate([100, 200, 300], [10, 20, 30]).tolist() == [1, 1, 1]


def test_groups_without_documents() -> None:
    assert by_removal_rate([100, 0, 100], [10, 0, 50]).tolist() == [10, 1, 1]
    assert by_removal_rate([0], [0]).tolist() == [1]
    assert by_removal_rate([], []).tolist() == []


def test_few_groups_stay_as_they_are() -> None:
    assert smoothed(np.array([0.1, 0.9, 0.2, 0.8])).tolist() == [0.1, 0.9, 0.2, 0.8]
    assert smoothed(np.array([0.0, 0, 5, 0, 0])).tolist() == [0.0, 0, 1, 0, 0]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 1000), st.integers(0, 1000)).map(sorted), min_size=1, max_size=30
    ),
    st.integers(1, 20),
)
def test_bounds(groups: list[list[int]], max_weight: int) -> None:
    removed, documents = np.array(groups).T
    weights = by_removal_rate(documents, removed, max_weight)
    rates = smoothed(removed / documents)
    overall = removed.sum() / documents.sum()
    assert weights.min() >= 1
    assert weights.max() <= max_weight
    assert (weights[rates >= overall] == 1).all()
    if rates.min() < overall:
        assert weights[rates.argmin()] == max_weight


REFUSED = {
    "more removed than there were": ([1], [2]),
    "negative": ([1], [-1]),
    "unequal": ([1, 2], [1]),
}


@pytest.mark.parametrize(("documents", "removed"), REFUSED.values(), ids=REFUSED.keys())
def test_counts_that_cannot_be(documents: list[int], removed: list[int]) -> None:
    with pytest.raises(ValueError, match="removed must be"):
        by_removal_rate(documents, removed)
