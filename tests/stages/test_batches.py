"""The guard around a stage loses nothing: a row that makes a stage raise stands alone, the rest
goes on."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.batches import BoundStage, Changed, Filtered, reject, run_stages


def numbers(values: list[int]) -> pa.RecordBatch:
    return pa.record_batch({"n": pa.array(values, pa.int64())})


def refuse_multiples_of_seven(batch: pa.RecordBatch) -> pa.RecordBatch:
    for n in batch["n"].to_pylist():
        if n % 7 == 0:
            raise ValueError(f"first line\n{n} is a multiple of seven")
    return batch


def drop_odd(batch: pa.RecordBatch) -> Filtered:
    odd = pc.equal(pc.bit_wise_and(batch["n"], 1), 1)
    return Filtered(batch.filter(pc.invert(odd)), reject(batch.filter(odd), "drop_odd", "odd"))


@given(st.lists(st.integers(0, 100)))
def test_every_row_is_kept_rejected_or_failed(values: list[int]) -> None:
    stages = [BoundStage("sevens", refuse_multiples_of_seven), BoundStage("drop_odd", drop_odd)]
    outcome = run_stages(numbers(values), stages)
    assert outcome.kept["n"].to_pylist() == [n for n in values if n % 7 and n % 2 == 0]
    assert [n for b in outcome.rejected for n in b["n"].to_pylist()] == [
        n for n in values if n % 7 and n % 2
    ]
    assert [n for b in outcome.failed for n in b["n"].to_pylist()] == [
        n for n in values if n % 7 == 0
    ]
    for batch in outcome.failed:
        assert batch["reason"].to_pylist() == ["error"]
        assert batch["detail"][0].as_py().startswith("ValueError: ")
        assert "multiple of seven" in batch["detail"][0].as_py()


def test_a_map_that_counts_its_changes_counts_each_row_once_whatever_rows_fail() -> None:
    def halve(batch: pa.RecordBatch) -> Changed:
        refuse_multiples_of_seven(batch)
        changes = pa.table({"rule": ["halve"], "documents": [batch.num_rows]})
        return Changed(pa.record_batch({"n": pc.divide(batch["n"], 2)}), changes)

    outcome = run_stages(numbers([2, 7, 4, 6, 14, 8]), [BoundStage("halve", halve)])
    assert outcome.kept["n"].to_pylist() == [1, 2, 3, 4]
    assert {stage for stage, _ in outcome.changes} == {"halve"}
    assert sum(changes["documents"][0].as_py() for _, changes in outcome.changes) == 4


def test_a_stage_that_loses_rows_is_a_defect_and_not_a_rows_fate() -> None:
    with pytest.raises(AssertionError, match="stage cutting lost rows: 3 in, 2 kept, 0 rejected"):
        run_stages(numbers([1, 2, 3]), [BoundStage("cutting", lambda batch: batch.slice(1))])


def test_the_machines_trouble_is_not_a_rows_fate() -> None:
    def full_disk(batch: pa.RecordBatch) -> pa.RecordBatch:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        run_stages(numbers([1, 2]), [BoundStage("write", full_disk)])
