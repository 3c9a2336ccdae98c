"""Put the marks of a syllable into the order in which their script stores them.

Where the marks of a script have canonical combining class 0 (most signs of the scripts of India and
South-East Asia do), canonical ordering leaves them as they were typed, although they look the same
in any order or break the display in all but one. A rule of such a script gives each mark a rank;
runs of ranked code points are sorted by it. Equal ranks keep their order. Whatever has no rank
(letters, spaces, and marks that must stay where they are) ends a run.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from stages.normalization.rules import CodePoints, code_point_class, edit_code_points

Ranks = npt.NDArray[np.uint8]


def rank_table(ranks: Mapping[int, str]) -> Ranks:
    """Make a table of ranks by code point from the marks of each rank (1 and up); its last entry,
    0, is all others'."""
    table = np.zeros(max(ord(mark) for marks in ranks.values() for mark in marks) + 2, np.uint8)
    for rank, marks in ranks.items():
        table[[ord(mark) for mark in marks]] = rank
    return table


def rank_of(points: CodePoints, table: Ranks) -> Ranks:
    """Look up the rank of each code point."""
    return table[np.minimum(points, len(table) - 1)]


def out_of_order(table: Ranks) -> str:
    """Write a regular expression for two neighbours of which the second has the lower rank (but has
    one)."""
    ranks = [rank for rank in np.unique(table).tolist() if rank]
    return "|".join(
        code_point_class(np.flatnonzero(table == rank).tolist())
        + code_point_class(np.flatnonzero((table < rank) & (table > 0)).tolist())
        for rank in ranks[1:]
    )


def in_rank_order(points: CodePoints, rank: Ranks) -> CodePoints:
    """Sort each run of code points whose rank is not 0 by rank, stably; only runs out of order are
    touched."""
    falls = np.flatnonzero((rank[1:] < rank[:-1]) & (rank[1:] > 0))
    if not len(falls):
        return points
    run = np.cumsum(rank == 0)
    places = np.flatnonzero(np.isin(run, run[falls]))
    # stable, so equal ranks stay; the rank 0 that opens a run leads it
    order = np.lexsort((rank[places], run[places]))
    sorted_points = points.copy()
    sorted_points[places] = points[places[order]]
    return sorted_points


def order_marks(texts: pl.Series, table: Ranks) -> pl.Series:
    """Sort the marks of n texts by rank."""
    return edit_code_points(
        texts,
        lambda points: (in_rank_order(points, rank_of(points, table)), np.ones(len(points), bool)),
    )


def doubled(marks: str) -> str:
    """Write a regular expression for a mark that is typed twice in a row.

    >>> doubled("ab")
    '\\\\x{61}{2}|\\\\x{62}{2}'
    """
    return "|".join(f"\\x{{{ord(mark):x}}}{{2}}" for mark in marks)


def without_doubles(texts: pl.Series, marks: str) -> pl.Series:
    """Keep one of each run of the same mark: a non-spacing mark typed twice draws over itself,
    unseen."""
    members = np.asarray([ord(mark) for mark in marks])

    def edit(points: CodePoints) -> tuple[CodePoints, npt.NDArray[np.bool_]]:
        repeats = np.append(False, points[1:] == points[:-1])
        repeats[repeats] = np.isin(points[repeats], members)
        return points, ~repeats

    return edit_code_points(texts, edit)
