"""The decontaminate phase: evaluation sets are read and indexed once, then every document is
searched for their texts.

The sets are read before anything else runs, so that one that cannot be read is found out before the
work. Their index lies on disk as arrays that all workers of a machine map into memory, and share.
What is found is staged with each split; in the end it is published as FINDINGs, counted, and
sampled into a sheet for a human to judge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.ipc

from pipelines.catalogue.binding import bind_rewriting
from pipelines.catalogue.stages import Recipe
from pipelines.phases.order import DECONTAMINATE, dedup_phases
from pipelines.phases.publish.shards import file_record
from pipelines.phases.rewriting import ROW, RewriteWorker, rewriting_tasks
from pipelines.phases.run_context import Run
from pipelines.phases.withdraw import withdrawn_ids, without_withdrawn
from pipelines.staging.staged import StagedSplit
from pipelines.staging.store import Store
from pipelines.staging.tasks import Task, TaskResult, Worker, task_folder
from schemas.card.contamination import ContaminationRate, EvaluationSetVersion
from schemas.manifest import FileRecord
from stages.batches import Filtered
from stages.decontamination.evaluation_files import EvaluationSetError, FoundSet, copied, read_items
from stages.decontamination.evaluation_sets import ITEM
from stages.decontamination.judging import (
    FINDING,
    RATE,
    contamination_rates,
    findings,
    items_by_set,
    judging_sheet,
)
from stages.decontamination.matching import (
    MATCH,
    ItemIndex,
    find_contamination,
    item_ngrams,
    numbered_texts,
    remove_contamination,
)
from stages.decontamination.options import DecontaminationConfig
from stages.sheets import sheet_bytes

ITEMS = "evaluation-items"
INDEX = "evaluation-index"
FINDINGS = "decontaminate-findings"
SHEET_FILE = "decontamination/judging_sheet.csv"
RATES_FILE = "decontamination/rates.parquet"
FINDINGS_IN_FILE = 50_000  # about; a file ends with a split
_FINDINGS_IN_GROUP = 10_000
_INDEX_FOLDER = task_folder(INDEX, "all")
_INDEX_FILE = f"{_INDEX_FOLDER}/index.bin"  # the arrays of an ItemIndex, then its names
_NAMES = pa.schema([("names", pa.string())])
_ITEMS_FILE = f"{_INDEX_FOLDER}/items.parquet"


class ItemResult(TaskResult):
    """How many texts an evaluation set has, and the files that they were read from."""

    texts: int
    files: tuple[FileRecord, ...]


class ItemWorker(Worker[ItemResult]):
    """Reads the items of one evaluation set."""

    phase = ITEMS
    result = ItemResult
    in_launcher = True

    def __init__(self, store: Store) -> None:
        self.store = store

    def run(self, task: Task) -> ItemResult:
        found = FoundSet.model_validate(task.payload)
        files, texts = [], 0
        with self.store.writing_parquet(_items_of(task.name), ITEM, compression="zstd") as writer:
            for file in found.files:
                rows = 0
                with copied(file) as (copy, sha256):
                    for items, count in read_items(found.source, file, copy):
                        writer.write_table(items)
                        rows, texts = rows + count, texts + items.num_rows
                size = file.file.file_bytes
                files.append(FileRecord(path=file.file.path, bytes=size, sha256=sha256, rows=rows))
        if not texts:
            raise EvaluationSetError(
                f"evaluation set {task.name!r} must hold text, got none in all of its fields"
            )
        return ItemResult(texts=texts, files=tuple(files))


class IndexResult(TaskResult):
    """How many texts are looked for, and how many of them are checked by more than their words."""

    texts: int
    checked: int


class IndexWorker(Worker[IndexResult]):
    """Makes the one index of all evaluation sets, whose texts go through what the recipe does to
    the documents'."""

    phase = INDEX
    result = IndexResult
    in_launcher = True

    def __init__(self, store: Store, recipe: Recipe, config: DecontaminationConfig) -> None:
        self.store, self.recipe, self.config = store, recipe, config

    def setup(self) -> None:
        self.rewrite = bind_rewriting(self.recipe)

    def run(self, task: Task) -> IndexResult:
        tables = [self.store.read_parquet(_items_of(name)) for name in task.payload["sets"]]
        numbered = numbered_texts(pa.concat_tables(tables))
        index = item_ngrams(numbered, self.config, self.rewrite)
        arrays = [array for name, array in index._asdict().items() if name != "names"]
        names = pa.BufferOutputStream()
        with pa.ipc.new_file(names, _NAMES) as writer:
            writer.write_batch(pa.record_batch([index.names], _NAMES))
        self.store.save_arrays(_INDEX_FILE, [*arrays, np.frombuffer(names.getvalue(), np.uint8)])
        with self.store.writing_parquet(_ITEMS_FILE, numbered.schema, compression="zstd") as writer:
            writer.write_table(numbered)
        return IndexResult(texts=len(index.checked), checked=int(index.checked.sum()))


def load_index(store: Store) -> ItemIndex:
    """Load the index: mapped into memory from a local disk, copied from elsewhere."""
    *arrays, names = store.load_arrays(_INDEX_FILE)
    fields = [name for name in ItemIndex._fields if name != "names"]
    texts = pa.ipc.open_file(pa.py_buffer(names)).get_batch(0)["names"]
    return ItemIndex(names=texts, **dict(zip(fields, arrays, strict=True)))


class Decontaminator:
    """Takes evaluation texts, or the documents that hold them, out of a split, and remembers its
    MATCHes."""

    columns: tuple[str, ...] = ("id", "text", "language", "script")

    def __init__(self, store: Store, config: DecontaminationConfig) -> None:
        self.store, self.config = store, config
        self._index: ItemIndex | None = None
        self._found = [MATCH.empty_table()]

    def open(self, split: StagedSplit) -> None:
        self._index = self._index or load_index(self.store)
        self._found = [MATCH.empty_table()]

    def rewrite(self, block: pa.RecordBatch) -> Filtered:
        if self._index is None:
            raise RuntimeError("open comes before rewrite")
        matches = find_contamination(block, self._index, self.config)
        outcome = remove_contamination(block, matches, self._index, self.config)
        places = block[ROW].take(matches["row"])
        self._found.append(matches.set_column(0, MATCH.field("row"), places))
        return outcome

    def findings(self) -> pa.Table:
        return pa.concat_tables(self._found)


class FindingsResult(TaskResult):
    """What was published of what was found: files, rates for the card, and the path of the sheet to
    be judged."""

    files: tuple[FileRecord, ...]
    rates: tuple[ContaminationRate, ...]
    sheet: str | None


class FindingsWorker(Worker[FindingsResult]):
    """Publishes what was found in all splits: FINDINGs, rates, and the sheet to be judged."""

    phase = FINDINGS
    result = FindingsResult
    in_launcher = True

    def __init__(self, store: Store, rewriting: str) -> None:
        self.store, self.rewriting = store, rewriting

    def run(self, task: Task) -> FindingsResult:
        names = task.payload["splits"]
        numbered = self.store.read_parquet(_ITEMS_FILE)
        items = items_by_set(numbered)
        checked = load_index(self.store).checked
        files = list(self._write_findings(findings(part, items) for part in self._published(names)))
        rates = contamination_rates(self._parts(names), numbered, checked)
        with self.store.writing_parquet(RATES_FILE, RATE) as writer:
            writer.write_table(rates)
        files.append(file_record(self.store, RATES_FILE, rates.num_rows))
        sheet = judging_sheet(self._published(names), items)
        if sheet.num_rows:
            self.store.write(SHEET_FILE, sheet_bytes(sheet))
            files.append(file_record(self.store, SHEET_FILE))
        counted = map(ContaminationRate.model_validate, rates.drop_columns(["rate"]).to_pylist())
        return FindingsResult(
            files=tuple(files), rates=tuple(counted), sheet=SHEET_FILE if sheet.num_rows else None
        )

    def _parts(self, names: Sequence[str]) -> Iterator[pa.Table]:
        for name in names:
            yield self.store.read_parquet(f"{task_folder(self.rewriting, name)}/findings.parquet")

    def _published(self, names: Sequence[str]) -> Iterator[pa.Table]:
        """Read what is shown with passages: all but what was found in withdrawn documents."""
        withdrawn = withdrawn_ids(self.store)
        for part in self._parts(names):
            yield without_withdrawn(withdrawn, part, ["id"])

    def _write_findings(self, tables: Iterator[pa.Table]) -> Iterator[FileRecord]:
        """Write FINDINGs to files, at least one; yield the record of each."""
        number, waiting = 0, [FINDING.empty_table()]
        for table in tables:
            waiting.append(table)
            if sum(map(len, waiting)) >= FINDINGS_IN_FILE:
                yield self._write_file(number, pa.concat_tables(waiting))
                number, waiting = number + 1, [FINDING.empty_table()]
        left = pa.concat_tables(waiting)
        if left.num_rows or not number:
            yield self._write_file(number, left)

    def _write_file(self, number: int, table: pa.Table) -> FileRecord:
        file = f"decontamination/matches-{number:05d}.parquet"
        with self.store.writing_parquet(file, FINDING, compression="zstd") as writer:
            writer.write_table(table, row_group_size=_FINDINGS_IN_GROUP)
        return file_record(self.store, file, table.num_rows)


def read_evaluation_sets(run: Run, sets: Sequence[FoundSet]) -> dict[str, ItemResult]:
    """Read the items of each set and index them; returns by name what was read. It raises what a
    worker raises."""
    tasks = [
        Task(
            name=found.source.name,
            weight_bytes=sum(file.file.file_bytes for file in found.files),
            payload=found.model_dump(mode="json"),
        )
        for found in sets
    ]
    read = run.tasks(ItemWorker(run.store), tasks)
    together = Task(name="all", payload={"sets": [task.name for task in tasks]})
    config = run.recipe.decontaminate or DecontaminationConfig()
    run.tasks(IndexWorker(run.store, run.recipe, config), [together])
    return read


def decontaminate(run: Run, config: DecontaminationConfig, staged: Sequence[StagedSplit]) -> int:
    """Look through what deduplication left of some splits; count the documents masked."""
    tasks = [split.task() for split in staged if split.documents]
    done = run.tasks(decontamination_worker(run.store, run.recipe, config), tasks)
    return sum(result.rewritten for result in done.values())


def decontamination_worker(
    store: Store, recipe: Recipe, config: DecontaminationConfig
) -> RewriteWorker:
    """Make the worker that looks through what deduplication left of a split."""
    return RewriteWorker(store, dedup_phases(recipe), DECONTAMINATE, Decontaminator(store, config))


def publish_findings(run: Run, staged: Sequence[StagedSplit]) -> FindingsResult:
    """Publish what was found in all splits."""
    publishing = Task(
        name="all", payload={"splits": [split.name for split in staged if split.documents]}
    )
    return run.tasks(FindingsWorker(run.store, rewriting_tasks(DECONTAMINATE)), [publishing])["all"]


def versions_of(
    sets: Sequence[FoundSet], read: Mapping[str, ItemResult]
) -> tuple[EvaluationSetVersion, ...]:
    """Name the sets that were looked for, with what tells one version of them from another."""
    return tuple(
        EvaluationSetVersion(
            name=found.source.name,
            hub=found.source.hub,
            revision=found.revision,
            texts=read[found.source.name].texts,
            files={file.path: file.sha256 for file in read[found.source.name].files},
        )
        for found in sets
    )


def _items_of(name: str) -> str:
    return f"{task_folder(ITEMS, name)}/items.parquet"
