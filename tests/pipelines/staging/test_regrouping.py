"""Groups are cut by the sizes of rows alone: the batches they came in never show."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pipelines.staging.regrouping import ROW_BYTES, Regrouper

ROWS = st.lists(st.binary(max_size=200).map(lambda b: b.hex()), max_size=60)


def groups(values: list[str], cuts: list[int], group_bytes: int) -> list[list[str]]:
    whole = pa.record_batch({"text": pa.array(values, pa.large_string())})
    regrouper, found, start = Regrouper("text", group_bytes), [], 0
    for stop in [*sorted({cut % (len(values) + 1) for cut in cuts}), len(values)]:
        found += [t["text"].to_pylist() for t in regrouper.add(whole.slice(start, stop - start))]
        start = stop
    return found + [t["text"].to_pylist() for t in regrouper.flush()]


@given(ROWS, st.lists(st.integers(0, 1000)), st.integers(1, 1500))
def test_grouping_does_not_depend_on_batches(
    values: list[str], cuts: list[int], group_bytes: int
) -> None:
    found = groups(values, cuts, group_bytes)
    assert found == groups(values, [], group_bytes)
    assert [row for group in found for row in group] == values
    for group in found[:-1]:
        sizes = [len(row) + ROW_BYTES for row in group]
        assert sum(sizes) >= group_bytes > sum(sizes[:-1]), (
            "a group ends with the row that fills it"
        )
