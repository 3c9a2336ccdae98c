"""Score rows with symmetric (oblivious) decision trees, in NumPy alone.

All the leaves of a symmetric tree lie at one depth, and all nodes of a level ask one question
(feature > border). So the answers of all trees are one comparison of arrays, a row's leaf is a
binary number of its answers, and a score is a sum of gathered values. That is as fast as native
code for a few hundred rows.

Source: Prokhorenkova et al., "CatBoost: unbiased boosting with categorical features", NeurIPS 2018
(the trees' form).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_ROWS = 512  # at a time, so that the answers stay in the cache


class Trees(NamedTuple):
    """t trees of depth d: what each level asks, and what each leaf adds to the log-odds.

    Trees share questions, so each of the q different ones is answered once for a row.
    """

    features: npt.NDArray[np.int64]  # q
    borders: npt.NDArray[np.float32]  # q
    questions: npt.NDArray[np.int64]  # d x t; which question a level asks
    leaves: npt.NDArray[np.float32]  # t x 2^d; the first level is the lowest bit
    bias: float


def make_trees(
    features: npt.NDArray[np.int64],
    borders: npt.NDArray[np.float32],
    leaves: npt.NDArray[np.float32],
    bias: float,
) -> Trees:
    """Make trees of what each level of each tree asks: two tables of t x d."""
    asked = np.array([features.ravel(), borders.ravel()], np.float64)
    different, questions = np.unique(asked, axis=1, return_inverse=True)
    return Trees(
        different[0].astype(np.int64),
        different[1].astype(np.float32),
        np.ascontiguousarray(questions.reshape(features.shape).T),
        leaves,
        bias,
    )


def score(
    trees: Trees, *tables: npt.NDArray[np.float32], chosen: npt.NDArray[np.int64] | None = None
) -> npt.NDArray[np.float32]:
    """Score m rows, or the c chosen ones, given by tables of f x m features, one below the other.

    Returns probabilities in [0, 1], each the same whatever rows are next to it.
    """
    depth, count = trees.questions.shape
    rows = tables[0].shape[1] if chosen is None else len(chosen)
    log_odds = np.full(rows, trees.bias, np.float32)
    borders = trees.borders[:, None]
    first_leaves = (np.arange(count) << depth)[:, None]
    leaves = trees.leaves.ravel()
    for begin in range(0, rows, _ROWS):
        if chosen is None:
            parts = [table[:, begin : begin + _ROWS] for table in tables]
        else:
            parts = [table.take(chosen[begin : begin + _ROWS], axis=1) for table in tables]
        part = parts[0] if len(parts) == 1 else np.concatenate(parts)
        if part.shape[1] == 1:
            part = part.repeat(2, axis=1)  # NumPy would add the leaves of one row in another order
        answers = (part.take(trees.features, axis=0) > borders).view(np.uint8)
        leaf = answers.take(trees.questions[-1], axis=0)
        for level in range(depth - 2, -1, -1):
            leaf += leaf
            leaf |= answers.take(trees.questions[level], axis=0)
        log_odds[begin : begin + _ROWS] += leaves.take(leaf + first_leaves).sum(axis=0)[
            : rows - begin
        ]
    return (1 / (1 + np.exp(-log_odds))).astype(np.float32)
