"""Wilson's interval of a share, which keeps within [0, 1] and holds for few trials too.

Source: Wilson 1927, Probable Inference, the Law of Succession, and Statistical Inference.
"""

from __future__ import annotations

from math import sqrt

_Z = 1.959964  # 97.5 % point of the normal distribution


def wilson_interval(share: float, trials: float) -> tuple[float, float]:
    """Return the 95 % interval of a share in [0, 1] that was seen in so many trials.

    >>> [round(end, 4) for end in wilson_interval(9 / 10, 10)]
    [0.5958, 0.9821]
    """
    square = _Z**2
    middle = (share + square / (2 * trials)) / (1 + square / trials)
    half = (
        _Z * sqrt(share * (1 - share) / trials + square / (4 * trials**2)) / (1 + square / trials)
    )
    return max(0.0, middle - half), min(1.0, middle + half)
