"""Wilson's interval by its worked values."""

from __future__ import annotations

import pytest

from schemas.intervals import wilson_interval

# By hand from the formula with z = 1.959964: none of ten is 3.8416 / 13.8416.
INTERVALS = {
    (0, 10): (0.0, 0.2775),
    (10, 10): (0.7225, 1.0),
    (9, 10): (0.5958, 0.9821),
    (50, 100): (0.4038, 0.5962),
}


@pytest.mark.parametrize(("counts", "ends"), INTERVALS.items())
def test_wilson_interval(counts: tuple[int, int], ends: tuple[float, float]) -> None:
    assert wilson_interval(counts[0] / counts[1], counts[1]) == pytest.approx(ends, abs=5e-5)
