"""How near sentences of two languages are to each other by their embeddings, and how much nearer
than to others.

Cosines of one model lie between 0.7 and 0.9, of another between 0 and 1, and some sentences are near
to all others. So a cosine is set against those of the nearest neighbours on both sides: the ratio
margin of Artetxe and Schwenk 2019, "Margin-based Parallel Corpus Mining with Multilingual Sentence
Embeddings".

    margin(x, y) = cos(x, y) / (mean of cos(x, its k nearest) / 2 + mean of cos(y, its k nearest) / 2)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
NEIGHBOURS = 4  # as in the paper
WINDOW = 2048  # pairs that lie together, among whose sentences neighbours are looked for


class Nearness(NamedTuple):
    """Of n pairs: cosines, and margins, NaN where a pair stands alone."""

    cosines: NDArray[np.float64]
    margins: NDArray[np.float64]


def pair_margins(sources: Vectors, targets: Vectors) -> Nearness:
    """Score n pairs of vectors of length 1; neighbours are the other sentences of their window."""
    n = len(sources)
    cosines, margins = np.zeros(n), np.full(n, np.nan)
    for start in range(0, n, WINDOW):
        rows = slice(start, min(start + WINDOW, n))
        matrix = sources[rows] @ targets[rows].T
        own = matrix.diagonal()
        cosines[rows] = own
        if len(own) > 1:
            margins[rows] = own / ((_nearest(matrix, 1) + _nearest(matrix, 0)) / 2)
    return Nearness(cosines.round(4), margins.round(4))  # rounding errors depend on the batch


def _nearest(matrix: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Average the cosines of the nearest neighbours along an axis; at least 0.01."""
    size = matrix.shape[axis]
    k = min(NEIGHBOURS, size)
    top = np.partition(matrix, size - k, axis=axis).take(range(size - k, size), axis=axis)
    return np.maximum(top.mean(axis=axis), 0.01)


def bead_margins(
    sources: Vectors, targets: Vectors, beads: Sequence[tuple[int, int]]
) -> list[NDArray[np.float64]]:
    """Return for each bead of a and b sentences the (n - a + 1, m - b + 1) margins, less 1, of those
    that begin at each place, over what the best ones have.

    Vectors of sentences that stand together are added up. The scale is the median of the best
    margin of each sentence, at least LEAST_SCALE: pages of which nothing fits have no good pairs.
    """
    matrix = sources @ targets.T
    near = _nearest(matrix, 1)[:, None], _nearest(matrix, 0)[None, :]
    single = matrix / ((near[0] + near[1]) / 2) - 1
    scale = max(float(np.median(single.max(axis=1))), LEAST_SCALE)
    found = []
    for a, b in beads:
        rows, columns = len(sources) - a + 1, len(targets) - b + 1
        if not (a and b) or rows <= 0 or columns <= 0:
            found.append(np.zeros((max(rows, 0), max(columns, 0))))
            continue
        dots = sum(matrix[x : x + rows, y : y + columns] for x in range(a) for y in range(b))
        norms = _norms(sources, a)[:, None] * _norms(targets, b)[None, :]
        base = sum(near[0][x : x + rows] for x in range(a)) / a
        base = (base + sum(near[1][:, y : y + columns] for y in range(b)) / b) / 2
        found.append(np.clip((dots / norms / base - 1) / scale, -1, 1).astype(np.float64))
    return found


LEAST_SCALE = 0.02


def _norms(vectors: Vectors, together: int) -> NDArray[np.float32]:
    rows = len(vectors) - together + 1
    added = np.sum([vectors[step : step + rows] for step in range(together)], axis=0)
    return np.maximum(np.linalg.norm(added, axis=1), 1e-6)
