"""What ingest staged, as later phases see it: splits in the plan's order, their parts, and what
became of the rows.

The parts are never written again, so that a document keeps its number, the place of its row. A
later phase that turns rows away writes a removal list for each split; one that changes texts writes
those texts, by row, next to the parts. `SplitAfter` puts the three together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from pipelines.staging.store import Store
from pipelines.staging.tasks import Phase, Task, TaskResult, task_folder
from schemas.document import DOCUMENT
from schemas.ledger import LEDGER

REMOVED = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        *(
            LEDGER.field(name)
            for name in ("fate", "reason", "value", "threshold", "detail", "duplicate_of")
        ),
        # number of the document kept instead; null unless it is of this corpus
        pa.field("keeper", pa.uint64()),
    ]
)
# of footers kept by Footers, as they are written; some five times that in memory
_FOOTER_BYTES = 8 << 20
SPLITS = "publish-splits"  # the phase that chooses the published split of each document
REWRITTEN = pa.schema([pa.field("row", pa.int64(), nullable=False), DOCUMENT.field("text")])


class LabelRows(BaseModel):
    """Documents of a part in one language and script, which are one of its row groups."""

    model_config = ConfigDict(frozen=True)

    label: str
    rows: int
    text_bytes: int


class StagedPart(BaseModel):
    """A file of staged documents, by its name in the task's folder, and its row groups in order."""

    model_config = ConfigDict(frozen=True)

    file: str
    runs: tuple[LabelRows, ...]


class StagingResult(TaskResult):
    """What a task staged."""

    kept: int
    parts: tuple[StagedPart, ...]


class RowRun(LabelRows):
    """One row group of staged documents, and where it is."""

    file: str
    row_group: int
    first_row: int  # among the rows of the split


class StagedSplit(BaseModel):
    """The staged documents of one split."""

    model_config = ConfigDict(frozen=True)

    name: str
    documents: int
    runs: tuple[RowRun, ...]

    def task(self) -> Task:
        """Return the task of doing something with this split."""
        return Task(
            name=self.name,
            weight_bytes=sum(run.text_bytes for run in self.runs),
            payload=self.model_dump(),
        )

    @property
    def files(self) -> list[str]:
        return list(dict.fromkeys(run.file for run in self.runs))


def staged_split(name: str, staged: StagingResult, phase: str = "ingest") -> StagedSplit:
    """Lay out the runs of a split, given the result of the task that staged it."""
    runs, first_row = [], 0
    for part in staged.parts:
        for row_group, run in enumerate(part.runs):
            file = f"{task_folder(phase, name)}/{part.file}"
            runs.append(
                RowRun(file=file, row_group=row_group, first_row=first_row, **run.model_dump())
            )
            first_row += run.rows
    return StagedSplit(name=name, documents=staged.kept, runs=tuple(runs))


def first_numbers(splits: Sequence[StagedSplit]) -> npt.NDArray[np.uint64]:
    """Number the documents of n splits as they follow each other: the first of each split, and how
    many there are."""
    return np.cumsum([0, *(split.documents for split in splits)]).astype(np.uint64)


def by_split(
    documents: npt.NDArray[np.uint64], firsts: npt.NDArray[np.uint64]
) -> Iterator[tuple[int, npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Find n documents in the splits whose first numbers are given.

    Yields, for each split that holds any, in order: its number, the places in `documents` of those
    that it holds, and their rows in the split.

    >>> documents, firsts = np.array([7, 2, 8], np.uint64), np.array([0, 5, 7], np.uint64)
    >>> [(split, places.tolist(), rows.tolist()) for split, places, rows in by_split(documents, firsts)]
    [(0, [1], [2]), (2, [0, 2], [0, 1])]
    """
    owners = np.searchsorted(firsts, documents, side="right") - 1
    for split in np.unique(owners).tolist():
        places = np.flatnonzero(owners == split)
        yield split, places, (documents[places] - firsts[split]).astype(np.int64)


def removal_folder(phase: Phase) -> str:
    """Name the folder of what a phase removed and rewrote, where it also marks that it is done."""
    return f"staging/{phase.name}-removed"


def removal_file(phase: Phase, split: str) -> str:
    return f"{removal_folder(phase)}/{split}.parquet"


def rewritten_file(phase: Phase, split: str) -> str:
    return f"{removal_folder(phase)}/{split}-texts.parquet"


# Where the short files of splits are put together: before all is published, with what was there
# before documents were made.
BUNDLES = BEFORE_PUBLISHING, BEFORE_MAKING = "staging/bundles-published", "staging/bundles-made-of"


def write_bundles(
    store: Store, folder: str, splits: Sequence[StagedSplit], phases: Sequence[Phase]
) -> None:
    """Put together what some phases removed and rewrote of each split, and the sizes of its
    clusters; before all is published also its places in published splits."""
    files = {}
    for split in splits:
        texts = [rewritten_file(phase, split.name) for phase in phases]
        files[split.name] = [*_short_files(folder, phases, split.name), *texts]
    store.bundle(folder, files)


def _short_files(folder: str, phases: Sequence[Phase], split: str) -> list[str]:
    files = [*(removal_file(phase, split) for phase in phases), sizes_file(split)]
    return [*files, splits_file(split)] if folder == BEFORE_PUBLISHING else files


def splits_ahead(
    store: Store, splits: Sequence[StagedSplit], phases: Sequence[Phase]
) -> Iterator[StagedSplit]:
    """Yield splits whose short files are read soon, those that phases wrote and those of
    `write_bundles`: many side by side on an object store."""
    files = partial(_short_files, BEFORE_PUBLISHING, phases)
    yield from store.read_ahead(
        splits, lambda split: files(split.name), lambda split: split.name, BUNDLES
    )


def splits_file(split: str) -> str:
    """Name the array of the published split of each row."""
    return f"{task_folder(SPLITS, split)}/splits.npy"


def sizes_file(split: str) -> str:
    return f"staging/cluster-sizes/{split}.npy"


def cluster_sizes(store: Store, split: str, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Look up what n rows of a split stand for: themselves, and the documents removed for them."""
    return numbers_of_rows(store, sizes_file(split), rows)


def numbers_of_rows(store: Store, file: str, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Look up n rows in a file of (row, number), by row; 1 where a row or the file is not there."""
    numbers = np.ones(len(rows), np.int64)
    if store.exists(file):
        known = store.load_array(file)
        places = np.minimum(np.searchsorted(known[:, 0], rows), len(known) - 1)
        found = known[places, 0] == rows
        numbers[found] = known[places[found], 1]
    return numbers


def removals(store: Store, phases: Sequence[Phase], split: str) -> pa.Table:
    """Read which rows of a split the given phases removed: REMOVED, phase, stage; sorted by row."""
    schema = pa.schema([*REMOVED, LEDGER.field("phase"), LEDGER.field("stage")])
    tables = [schema.empty_table()]
    for phase in phases:
        file = removal_file(phase, split)
        if store.exists(file):
            table = store.read_parquet(file)
            for name, value in (("phase", phase.family), ("stage", phase.stage)):
                table = table.append_column(name, pa.repeat(value, table.num_rows))
            tables.append(table.cast(schema))
    return pa.concat_tables(tables).sort_by("row")


def kept_rows(run: RowRun, removed: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Mask the rows of one run that are still there, given the split's removed rows in ascending
    order."""
    mask = np.ones(run.rows, bool)
    start, end = np.searchsorted(removed, (run.first_row, run.first_row + run.rows))
    mask[removed[start:end] - run.first_row] = False
    return mask


class SplitAfter:
    """A split as the given phases left it: which rows they removed, and the texts that they
    changed."""

    def __init__(
        self,
        store: Store,
        split: StagedSplit,
        phases: Sequence[Phase],
        footers: Footers | None = None,
    ) -> None:
        self.store, self.split, self.footers = store, split, footers or Footers()
        store.unbundle(BUNDLES, [split.name])
        self.removals = removals(store, phases, split.name)
        self.removed: npt.NDArray[np.int64] = self.removals["row"].to_numpy()
        self._rewritten = {
            phase: _RewrittenTexts(store, file)
            for phase in phases
            if store.exists(file := rewritten_file(phase, split.name))
        }

    def kept(self, run: RowRun) -> npt.NDArray[np.bool_]:
        """Mask the rows of one run that are still there."""
        return kept_rows(run, self.removed)

    def rewritten_by(self, run: RowRun) -> pa.Array:
        """Name the stages that changed the text of each row of a run, parted by commas; null where
        none did."""
        names = pa.nulls(run.rows, pa.string())
        for phase, texts in self._rewritten.items():
            changed = np.zeros(run.rows, bool)
            changed[texts.rows_of(run)] = True
            more = pc.binary_join_element_wise(names, phase.stage, ", ", null_handling="skip")
            names = pc.if_else(pa.array(changed), more, names)
        return names

    def runs(
        self, columns: Sequence[str] | None = None, runs: Sequence[RowRun] | None = None
    ) -> Iterator[tuple[RowRun, pa.Table]]:
        """Read runs (default: all), removed rows included, with the texts as they are now."""
        for run, table in read_runs(
            self.store, self.split.runs if runs is None else runs, columns, self.footers
        ):
            if "text" in table.schema.names:
                for texts in self._rewritten.values():
                    table = texts.put_into(run, table)
            yield run, table

    def ids(self) -> pa.ChunkedArray:
        """Read the ids of all rows, removed ones included."""
        found = [table["id"] for _, table in self.runs(["id"])]
        return pa.chunked_array(
            [chunk for column in found for chunk in column.chunks], DOCUMENT.field("id").type
        )

    def blocks(
        self, columns: Sequence[str] | None = None
    ) -> Iterator[tuple[npt.NDArray[np.int64], pa.RecordBatch]]:
        """Read what is still there, a run at a time: the rows' places in the split, and their
        columns."""
        for run, table in self.runs(columns):
            mask = self.kept(run)
            kept = table if mask.all() else table.filter(pa.array(mask))
            for block in kept.combine_chunks().to_batches():
                yield np.flatnonzero(mask) + run.first_row, block


class _RewrittenTexts:
    """The texts of a split that one phase changed: REWRITTEN sorted by row, a row group for a run
    that has any."""

    def __init__(self, store: Store, file: str) -> None:
        self.store, self.file = store, file
        with store.open(file) as stream:
            metadata = pq.read_metadata(stream)
        groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
        self.last_rows = [group.column(0).statistics.max for group in groups]

    def rows_of(self, run: RowRun) -> npt.NDArray[np.int64]:
        """List the rows of a run whose texts changed, counted from its first."""
        found = self._group_of(run, ["row"])
        return np.empty(0, np.int64) if found is None else found["row"].to_numpy() - run.first_row

    def _group_of(self, run: RowRun, columns: Sequence[str] | None = None) -> pa.Table | None:
        group = int(np.searchsorted(self.last_rows, run.first_row))
        if group == len(self.last_rows):
            return None
        with self.store.open(self.file) as stream:
            changed = pq.ParquetFile(stream).read_row_group(
                group, columns=columns, use_threads=False
            )
        return changed if changed["row"][0].as_py() < run.first_row + run.rows else None

    def put_into(self, run: RowRun, table: pa.Table) -> pa.Table:
        changed = self._group_of(run)
        if changed is None:
            return table
        places = changed["row"].to_numpy() - run.first_row
        chosen = np.arange(run.rows)
        chosen[places] = run.rows + np.arange(len(places))
        both = pa.chunked_array(
            [*table["text"].chunks, *changed["text"].chunks], table["text"].type
        )
        return table.set_column(
            table.schema.get_field_index("text"),
            DOCUMENT.field("text"),
            both.take(pa.array(chosen)),
        )


class Footers:
    """Footers of staged files, for a worker that reads a few runs of each in turn, again and again.

    Room is made by forgetting the one used last, which is needed again the latest: to forget the
    oldest would be to forget each just before it is needed. The one in hand is always kept.

    To parse one takes a microsecond for each column of each row group: 10 ms, where a part holds
    500 languages.
    """

    def __init__(self) -> None:
        self._kept: dict[str, pq.FileMetaData] = {}

    def open(self, file: str, stream: Any) -> pq.ParquetFile:
        """Open a staged file, which nobody changes any more."""
        parquet = pq.ParquetFile(stream, metadata=self._kept.pop(file, None))
        kept = sum(metadata.serialized_size for metadata in self._kept.values())
        while self._kept and kept + parquet.metadata.serialized_size > _FOOTER_BYTES:
            kept -= self._kept.popitem()[1].serialized_size
        self._kept[file] = parquet.metadata
        return parquet


def read_runs(
    store: Store, runs: Sequence[RowRun], columns: Sequence[str] | None, footers: Footers
) -> Iterator[tuple[RowRun, pa.Table]]:
    """Read runs one after another, opening each file once for runs that follow each other."""
    opened: tuple[str, Any, pq.ParquetFile] | None = None
    for run in runs:
        if opened is None or opened[0] != run.file:
            if opened is not None:
                opened[1].close()
            stream = store.open(run.file)
            opened = run.file, stream, footers.open(run.file, stream)
        yield run, opened[2].read_row_group(run.row_group, columns=columns, use_threads=False)
    if opened is not None:
        opened[1].close()
