"""Rehydration: how often to repeat what deduplication kept, by how often it was found.

What is found twice or a few times on the web tends to be better than what is found once, and what
is found a thousand times is templates and spam. So FineWeb-2 deduplicates thoroughly and then
repeats the kept document of a cluster according to the cluster's size. Two rules of that paper:

- `by_size`: a fixed weight for a range of sizes;
- `by_removal_rate`: weights learnt from a corpus. For each cluster size, the rate at which a later
  quality filter removes documents is compared with the rate over all documents: sizes that it
  removes more often are never repeated, the size it removes least gets the highest weight.

Source: Penedo et al. 2025, FineWeb2: One Pipeline to Scale Them All (section on rehydration).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_LEAST_SIZES = np.array([1, 2, 3, 5, 100, 1000])
_WEIGHTS = np.array([1, 2, 3, 5, 8, 1])
_SMOOTHED = 5


def by_size(sizes: ArrayLike) -> NDArray[np.int64]:
    """Weigh n clusters by their sizes: 1 for 1, 2 for 2, 3 for 3-4, 5 for 5-99, 8 for 100-999, 1
    from 1000 on.

    Raises ValueError for a size below 1.

    >>> by_size([1, 2, 4, 99, 100, 999, 1000]).tolist()
    [1, 2, 3, 5, 8, 8, 1]
    """
    sizes = np.asarray(sizes)
    if len(sizes) and sizes.min() < 1:
        raise ValueError(f"sizes must be at least 1, got {sizes.min()}")
    return _WEIGHTS[np.searchsorted(_LEAST_SIZES, sizes, side="right") - 1]


def by_removal_rate(
    documents: ArrayLike, removed: ArrayLike, max_weight: int = 10
) -> NDArray[np.int64]:
    """Weigh n groups of clusters, in ascending order of size, by what a later filter removed of
    them.

    `documents` (n,) counts the documents of each group, `removed` (n,) those that the filter
    removed. With R the rate removed of all and r of a group, smoothed over five groups (the two
    groups at either end stay as they are), the weight is 1 where r >= R, else 1 + (max_weight - 1)
    (r - R) / (min r - R), rounded, halves to even. A group without documents has weight 1 and takes
    no part in the smoothing.

    Raises ValueError for counts that are negative, of unequal number, or more removed than there
    were.
    """
    documents, removed = np.asarray(documents, np.float64), np.asarray(removed, np.float64)
    if documents.shape != removed.shape:
        raise ValueError(
            f"documents and removed must be as many, got {len(documents)} and {len(removed)}"
        )
    if (removed < 0).any() or (removed > documents).any():
        raise ValueError("removed must be between 0 and the documents of each group")
    weights = np.ones(len(documents), np.int64)
    there = documents > 0
    if not there.any():
        return weights
    overall = removed.sum() / documents.sum()
    rates = smoothed(removed[there] / documents[there])
    least = rates.min()
    if least < overall:
        shares = np.clip((rates - overall) / (least - overall), 0, None)
        weights[there] = np.rint(1 + (max_weight - 1) * shares).astype(np.int64)
    return weights


def smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average each value with the two on either side; the two at either end have too few, and stay.

    >>> smoothed(np.array([5.0, 0, 0, 0, 0, 10])).tolist()
    [5.0, 0.0, 1.0, 2.0, 0.0, 10.0]
    """
    if len(values) < _SMOOTHED:
        return values
    half = _SMOOTHED // 2
    middle = np.lib.stride_tricks.sliding_window_view(values, _SMOOTHED).mean(axis=1)
    return np.concatenate([values[:half], middle, values[-half:]])
