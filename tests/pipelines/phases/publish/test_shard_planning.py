"""Shards are planned from counts alone: every surviving row once, in order, in shards of about
equal size."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipelines.phases.publish.shards import plan_shards
from pipelines.staging.staged import RowRun, StagedSplit

LABELS = st.sampled_from(["eus_Latn", "bod_Tibt", "uzb_Cyrl"])
RUNS = st.lists(
    st.tuples(LABELS, st.integers(1, 50), st.integers(0, 5000), st.floats(0, 1)), max_size=8
)


@given(st.lists(RUNS, max_size=6), st.integers(1024, 20_000))
def test_plan(drawn: list[list[tuple[str, int, int, float]]], shard_bytes: int) -> None:
    splits, survivors = [], {}
    for number, runs_drawn in enumerate(drawn):
        runs: list[RowRun] = []
        first = 0
        for label, rows, text_bytes, share in runs_drawn:
            runs.append(
                RowRun(
                    file="f",
                    row_group=len(runs),
                    label=label,
                    first_row=first,
                    rows=rows,
                    text_bytes=text_bytes,
                )
            )
            survivors[f"s{number}", first] = [round(rows * share), 0, 0]
            first += rows
        splits.append(StagedSplit(name=f"s{number}", documents=first, runs=tuple(runs)))
    pieces = plan_shards(splits, survivors, shard_bytes)
    found = [(piece.split, piece.run.first_row) for piece in pieces]
    assert sorted(found) == sorted(key for key, rows in survivors.items() if any(rows)), (
        "each run with survivors once"
    )
    for label in {piece.run.label for piece in pieces}:
        own = [piece for piece in pieces if piece.run.label == label]
        assert [int(p.split[1:]) for p in own] == sorted(int(p.split[1:]) for p in own), (
            "in the order of the input"
        )
        shards = list(dict.fromkeys(piece.shard for piece in own))
        count = len(shards)
        assert shards == [
            f"data/{label}/train-{i:05d}-of-{count:05d}.parquet" for i in range(count)
        ]
        for shard in shards:
            rows = 0
            for piece in (p for p in own if p.shard == shard):
                assert piece.first_row == rows
                rows += piece.rows
