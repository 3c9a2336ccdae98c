"""Score rows with symmetric (oblivious) decision trees, in NumPy alone.

All the leaves of a symmetric tree lie at one depth, and all nodes of a level ask one question (feature > border). So
the answers of all trees are one comparison of arrays, a row's leaf is a binary number of its answers, and a score is a
sum of gathered values. That is as fast as native code for a few hundred rows.

Source: Prokhorenkova et al., "CatBoost: unbiased boosting with categorical features", NeurIPS 2018 (the trees' form).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_ROWS = 512  # at a time, so that the answers stay in the cache


class Trees(NamedTuple):
    """t trees of depth d: what each level asks, and what each leaf adds to the log-odds."""

    features: npt.NDArray[np.int64]  # t x d
    borders: npt.NDArray[np.float32]  # t x d
    leaves: npt.NDArray[np.float32]  # t x 2^d; the first level is the lowest bit
    bias: float


def score(trees: Trees, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Score m rows, given as f x m features: m probabilities in [0, 1]."""
    count, depth = trees.features.shape
    rows = features.shape[1]
    log_odds = np.full(rows, trees.bias, np.float32)
    borders = trees.borders.T[:, :, None]
    first_leaves = (np.arange(count) * (1 << depth))[:, None]
    flat = trees.leaves.ravel()
    for begin in range(0, rows, _ROWS):
        part = features[:, begin : begin + _ROWS]
        leaf = np.zeros((count, part.shape[1]), np.int32)
        for level in range(depth):
            leaf |= (part[trees.features[:, level]] > borders[level]).astype(np.int32) << level
        log_odds[begin : begin + _ROWS] += flat[leaf + first_leaves].sum(axis=0)
    return (1 / (1 + np.exp(-log_odds))).astype(np.float32)
