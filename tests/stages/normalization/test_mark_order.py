"""Sorting marks by rank: runs, stability, and what ends a run."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from stages.normalization.mark_order import (
    doubled,
    order_marks,
    out_of_order,
    rank_table,
    without_doubles,
)

RANKS = rank_table({1: "a", 2: "bB", 3: "c"})


def one_by_one(text: str) -> str:
    """Sort the runs of ranked letters with Python's stable sort."""
    done, run = "", ""
    for letter in text + "\0":
        if letter in "abBc":
            run += letter
        else:
            done += (
                "".join(sorted(run, key=lambda mark: "abBc".index(mark) - (mark == "B"))) + letter
            )
            run = ""
    return done[:-1]


def test_marks_are_sorted_inside_a_run_and_equal_ranks_keep_their_order() -> None:
    assert order_marks(pl.Series(["xcba", "cxbBaBb", "", "ba"]), RANKS).to_list() == [
        "xabc",
        "cxabBBb",
        "",
        "ab",
    ]


@given(st.lists(st.text("abBcxy", max_size=12), max_size=8))
def test_the_order_is_that_of_a_stable_sort(texts: list[str]) -> None:
    series = pl.Series(texts, dtype=pl.String)
    ordered = order_marks(series, RANKS).to_list()
    assert ordered == [one_by_one(text) for text in texts]
    found = series.str.contains(out_of_order(RANKS)).to_list()
    assert found == [before != after for before, after in zip(texts, ordered, strict=True)]


@given(st.lists(st.text("abx", max_size=12), max_size=8))
def test_of_a_run_of_one_mark_one_is_kept(texts: list[str]) -> None:
    series = pl.Series(texts, dtype=pl.String)
    kept = without_doubles(series, "ab")
    assert kept.to_list() == series.str.replace_all("a+", "a").str.replace_all("b+", "b").to_list()
    assert not kept.str.contains(doubled("ab")).any()
