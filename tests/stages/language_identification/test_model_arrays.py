"""Model tables come from the cache as they were made, whatever state the cache is in."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from stages.language_identification.cascade import Cascade
from stages.language_identification.model_arrays import Arrays, kept_arrays

MADE = {"numbers": np.arange(5, dtype=np.int32), "names": np.asarray(["eus", "hau"])}


def never() -> Arrays:
    raise AssertionError("made again")


def test_kept_arrays_are_made_once(tmp_path: Path) -> None:
    first = kept_arrays("model-1", lambda: MADE, tmp_path)
    second = kept_arrays("model-1", never, tmp_path)
    for name, array in MADE.items():
        assert np.array_equal(first[name], array)
        assert np.array_equal(second[name], array)
    assert isinstance(second["numbers"].base, np.memmap)
    with pytest.raises(AssertionError, match="made again"):
        kept_arrays("model-2", never, tmp_path)


@pytest.mark.parametrize("damage", ["numbers.npy", "names"])
def test_damaged_arrays_are_made_again(tmp_path: Path, damage: str) -> None:
    kept_arrays("model-1", lambda: MADE, tmp_path)
    (tmp_path / "models" / "model-1" / damage).write_bytes(b"\x93NUMPY")
    again = kept_arrays("model-1", lambda: MADE, tmp_path)
    assert np.array_equal(again["numbers"], MADE["numbers"])
    assert np.array_equal(kept_arrays("model-1", never, tmp_path)["numbers"], MADE["numbers"])


def test_pickled_objects_are_not_read(tmp_path: Path) -> None:
    kept_arrays("model-1", lambda: MADE, tmp_path)
    np.save(
        tmp_path / "models" / "model-1" / "numbers.npy",
        np.asarray([{}], dtype=object),
        allow_pickle=True,
    )
    assert np.array_equal(
        kept_arrays("model-1", lambda: MADE, tmp_path)["numbers"], MADE["numbers"]
    )


def test_a_folder_that_cannot_be_written_costs_time_alone(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert np.array_equal(kept_arrays("model-1", lambda: MADE, file)["numbers"], MADE["numbers"])


def test_the_cascade_loads_in_a_fifth_of_a_second() -> None:
    Cascade()
    start = time.process_time()
    Cascade()
    assert time.process_time() - start < 0.2
