"""The bound of made text: which documents go, by their hashes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from pipelines.phases.made_share import MADE, beyond_share


def made(sizes: list[tuple[int, int]]) -> npt.NDArray[np.void]:
    """Make MADE documents of (label, size), in the order of their hashes."""
    documents = np.zeros(len(sizes), MADE)
    documents["label"], documents["size"] = np.array(sizes).T.reshape(2, -1)
    documents["row"] = documents["order"] = np.arange(len(sizes))
    return documents


BOUNDS = {
    "three in ten of ten are made of seven": ([(0, 1)] * 5, [7], 0.3, [0, 0, 0, 1, 1]),
    "a bound that is not reached": ([(0, 1)] * 3, [7], 0.3, [0, 0, 0]),
    "nothing was found": ([(0, 1)] * 2, [0], 0.3, [1, 1]),
    "none may be made": ([(0, 1)], [100], 0.0, [1]),
    "bytes up to the first that does not fit": ([(0, 40), (0, 70), (0, 10)], [100], 0.5, [0, 1, 1]),
    "labels apart": ([(1, 1), (0, 1), (1, 1)], [1, 1], 0.5, [0, 0, 1]),
}


@pytest.mark.parametrize(("sizes", "found", "share", "out"), BOUNDS.values(), ids=BOUNDS.keys())
def test_what_is_beyond_the_bound(
    sizes: list[tuple[int, int]], found: list[int], share: float, out: list[int]
) -> None:
    assert beyond_share(made(sizes), np.array(found), share)[0].tolist() == [bool(o) for o in out]


def test_the_hash_decides_and_the_order_does_not() -> None:
    documents = made([(0, 1)] * 6)
    documents["order"] = [50, 10, 40, 20, 60, 30]
    out, shares = beyond_share(documents, np.array([3]), 0.5)
    assert documents["order"][~out].tolist() == [10, 20, 30]
    assert shares.tolist() == [6 / 9]
