"""What ingest staged, as later phases see it: splits in the plan's order, their parts, and which rows are removed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from pipelines.staging import Store
from pipelines.tasks import Counts, task_folder


class Run(BaseModel):
    """One row group of staged documents, all in one language and script."""

    model_config = ConfigDict(frozen=True)

    file: str
    row_group: int
    label: str
    first_row: int  # among the rows of the split
    rows: int
    text_bytes: int


class StagedSplit(BaseModel):
    """The staged documents of one split."""

    model_config = ConfigDict(frozen=True)

    name: str
    documents: int
    runs: tuple[Run, ...]

    @property
    def files(self) -> list[str]:
        return list(dict.fromkeys(run.file for run in self.runs))


def staged_split(name: str, counts: Counts) -> StagedSplit:
    """Read a split's parts off what its ingest task counted."""
    runs, first_row = [], 0
    for part in counts["parts"]:
        for row_group, run in enumerate(part["runs"]):
            file = f"{task_folder('ingest', name)}/{part['file']}"
            runs.append(Run(file=file, row_group=row_group, first_row=first_row, **run))
            first_row += run["rows"]
    return StagedSplit(name=name, documents=counts["kept"], runs=tuple(runs))


def stage_of(dedup_phase: str) -> str:
    """Return the stage of a dedup phase: `exact` of `dedup-1-exact`."""
    return dedup_phase.split("-", 2)[2]


def removal_file(dedup_phase: str, split: str) -> str:
    return f"staging/{dedup_phase}-removed/{split}.parquet"


def sizes_file(split: str) -> str:
    return f"staging/cluster-sizes/{split}.npy"


def cluster_sizes(store: Store, split: str, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Look up what n rows of a split stand for: themselves, and the documents removed for them."""
    sizes = np.ones(len(rows), np.int64)
    if store.exists(sizes_file(split)):
        known = store.load_array(sizes_file(split))  # (row, size), by row
        places = np.minimum(np.searchsorted(known[:, 0], rows), len(known) - 1)
        found = known[places, 0] == rows
        sizes[found] = known[places[found], 1]
    return sizes


def removals(store: Store, dedup_phases: Sequence[str], split: str) -> pa.Table:
    """Read which rows of a split the given dedup phases removed: row, duplicate_of, stage; sorted by row."""
    tables = []
    for phase in dedup_phases:
        file = removal_file(phase, split)
        if store.exists(file):
            with store.fs.open(store.full(file), "rb") as stream:
                table = pq.read_table(stream)
            tables.append(table.append_column("stage", pa.repeat(stage_of(phase), table.num_rows)))
    if not tables:
        return pa.table(
            {
                "row": pa.array([], pa.int64()),
                "duplicate_of": pa.array([], pa.string()),
                "stage": pa.array([], pa.string()),
            }
        )
    return pa.concat_tables(tables).sort_by("row")


def removed_rows(store: Store, dedup_phases: Sequence[str], split: str) -> npt.NDArray[np.int64]:
    """Read the rows of a split that the given dedup phases removed, in ascending order."""
    rows: npt.NDArray[np.int64] = removals(store, dedup_phases, split)["row"].to_numpy()
    return rows


def kept_rows(run: Run, removed: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Mask the rows of one run that are still there, given the split's removed rows in ascending order."""
    mask = np.ones(run.rows, bool)
    start, end = np.searchsorted(removed, (run.first_row, run.first_row + run.rows))
    mask[removed[start:end] - run.first_row] = False
    return mask


def read_runs(
    store: Store, runs: Sequence[Run], columns: Sequence[str] | None = None
) -> Iterator[tuple[Run, pa.Table]]:
    """Read runs one after another, opening each file once for runs that follow each other."""
    opened: tuple[str, Any, pq.ParquetFile] | None = None
    for run in runs:
        if opened is None or opened[0] != run.file:
            if opened is not None:
                opened[1].close()
            stream = store.fs.open(store.full(run.file), "rb")
            opened = run.file, stream, pq.ParquetFile(stream)
        yield run, opened[2].read_row_group(run.row_group, columns=columns)
    if opened is not None:
        opened[1].close()
