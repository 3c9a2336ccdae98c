"""The ingest phase: read splits, run the recipe's stages on each block, stage the survivors. No
shuffle at all.

For each split it writes, under `staging/ingest/<split>/`:

- `documents-00000.parquet` …: survivors, in parts of `part_bytes` of text, sorted by language and
  script inside a part with one row group for each, otherwise in reading order;
- `ledger.parquet`: the documents that did not survive, in reading order, with stage, reason, value
  and threshold;
- `rejects.parquet`: the raw bytes of those that failed.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.catalogue.binding import bind_ingest
from pipelines.catalogue.stages import Recipe
from pipelines.staging.parts import PartsWriter
from pipelines.staging.regrouping import Regrouper
from pipelines.staging.staged import StagingResult
from pipelines.staging.store import Store
from pipelines.staging.tasks import PiecewiseWorker, Task, task_folder
from schemas.addresses import canonical_address
from schemas.columns import column
from schemas.document import DOCUMENT
from schemas.language import COMMON_SCRIPT, UNDETERMINED
from schemas.ledger import LEDGER, REJECTION
from schemas.source import Source
from schemas.split import InputSplit
from schemas.withdrawal import RESERVATIONS
from stages.batches import BoundStage, reject, run_stages
from stages.reading.records import SKIPPED
from stages.reading.sources import read_split, unread_records
from stages.withdrawal.opt_out import ROBOTS_BYTES, with_signals

PHASE = "ingest"
BLOCK_BYTES = 32 << 20
LEDGER_GROUP_BYTES = 16 << 20
REJECTS_GROUP_BYTES = 16 << 20

REJECTS = pa.schema(
    [
        *(DOCUMENT.field(name) for name in ("id", "source", "path", "position")),
        REJECTION.field("stage"),
        REJECTION.field("detail"),
        column(
            "raw",
            pa.large_binary(),
            "Bytes of the record as the source held them, as far as they were read.",
        ),
    ]
)

_ROW = (
    "row in block"  # the name cannot be a column of a user's: it has spaces, which `keep` refuses
)
_LOST = "lost"  # in a task's payload, next to the split's fields: paths of files that end any process, and how
_PAYLOAD = ("raw", "media_type", "charset", "error", RESERVATIONS.name)
ROBOTS = "robots.parquet"  # robots.txt and tdmrep.json that a split holds, if they count
ROBOTS_SCHEMA = pa.schema(
    [
        ("origin", pa.string()),
        ("file", pa.string()),
        ("date", pa.string()),
        ("content", pa.large_binary()),
    ]
)


class IngestResult(StagingResult):
    """What one split held, and what became of it."""

    documents_in: int
    dropped: int
    failed: int
    text_bytes: int
    bytes_in: int = 0
    # stage, rule, label, what is counted, how many
    changes: tuple[tuple[str, str, str, str, int], ...]
    error: str | None = None  # why no file of the split could be read


class IngestWorker(PiecewiseWorker[IngestResult]):
    """Turns one split into staged documents, ledger and rejects."""

    phase = PHASE
    result = IngestResult

    def __init__(self, store: Store, recipe: Recipe, block_bytes: int = BLOCK_BYTES) -> None:
        self.store, self.recipe, self.block_bytes = store, recipe, block_bytes
        self.opt_out = recipe.withdrawn.opt_out if recipe.withdrawn else ()
        self.agents = recipe.withdrawn.agents if recipe.withdrawn else ()

    def setup(self) -> None:
        self.bound_stages = bind_ingest(self.recipe)

    def run(self, task: Task) -> IngestResult:
        split, lost = _split_and_lost_files(task)
        readable = [file for file in split.files if file.path not in lost]
        source = self._source(split)
        with contextlib.ExitStack() as open_files:
            output = SplitOutput(
                self.store, task_folder(PHASE, task.name), self.recipe.engine.part_bytes, open_files
            )
            for file in split.files:
                if file.path in lost:
                    for block in unread_records(split.of_files([file]), source, lost[file.path]):
                        output.add(block, [])
            if not readable:
                return output.close()
            rest = split.of_files(readable) if lost else split
            robots = GroupedFile(
                self.store,
                f"{task_folder(PHASE, task.name)}/{ROBOTS}",
                ROBOTS_SCHEMA,
                Regrouper("content", REJECTS_GROUP_BYTES),
                open_files,
            )
            for block in read_split(rest, source, self.block_bytes):
                if not {"robots", "tdm_reservation"}.isdisjoint(self.opt_out):
                    robots.add(_robots_of(block))
                if not {"noai", "tdm_reservation"}.isdisjoint(self.opt_out):
                    block = with_signals(block, self.agents)
                output.add(block, self.bound_stages)
            robots.close()
            return output.close().model_copy(update={"bytes_in": rest.size_bytes})

    def give_up(self, task: Task, reason: str) -> IngestResult:
        split, _ = _split_and_lost_files(task)
        with contextlib.ExitStack() as open_files:
            output = SplitOutput(
                self.store, task_folder(PHASE, task.name), self.recipe.engine.part_bytes, open_files
            )
            for block in unread_records(split, self._source(split), reason):
                output.add(block, [])
            return output.close().model_copy(update={"error": reason})

    def halves(self, task: Task) -> list[Task]:
        split, _ = _split_and_lost_files(task)
        middle = len(split.files) // 2
        if not middle:
            return []
        halves = [split.of_files(split.files[:middle]), split.of_files(split.files[middle:])]
        return [
            Task(name=half.id, weight_bytes=half.size_bytes, payload=half.model_dump())
            for half in halves
        ]

    def without(self, task: Task, pieces: Sequence[tuple[Task, str]]) -> Task:
        lost = {
            file.path: reason
            for piece, reason in pieces
            for file in _split_and_lost_files(piece)[0].files
        }
        return task.model_copy(update={"payload": {**task.payload, _LOST: lost}})

    def _source(self, split: InputSplit) -> Source:
        return next(source for source in self.recipe.sources if source.name == split.source)


def _split_and_lost_files(task: Task) -> tuple[InputSplit, dict[str, str]]:
    """Return a task's split, and those of its files that are not to be read, with the reasons."""
    payload = dict(task.payload)
    lost = payload.pop(_LOST, {})
    return InputSplit.model_validate(payload), lost


def _robots_of(block: pa.RecordBatch) -> pa.RecordBatch:
    """Take the robots.txt and tdmrep.json out of n records: their origins, paths, dates and
    contents, cut to what is read of them."""
    found = pc.match_substring_regex(
        block["url"], r"(?i)^\s*https?://[^/?#]+/(robots\.txt|\.well-known/tdmrep\.json)$"
    )
    usable = pc.and_(pc.fill_null(found, False), pc.is_valid(block["raw"]))
    # a tdmrep.json of media type application/json is no document, and its error says so
    no_text = pc.starts_with(pc.fill_null(block["error"], "media_type: "), "media_type: ")
    own = block.filter(pc.and_(usable, no_text))
    addresses = [canonical_address(url) for url in own["url"].to_pylist()]
    parts = [address[1].partition("/") if address else (None, "", "") for address in addresses]
    files = pa.array([(slash + rest).lower() for _, slash, rest in parts], pa.string())
    contents = pc.binary_slice(own["raw"], 0, ROBOTS_BYTES)
    return pa.RecordBatch.from_arrays(
        [pa.array([origin for origin, _, _ in parts], pa.string()), files, own["date"], contents],
        schema=ROBOTS_SCHEMA,
    )


def open_block(record_block: pa.RecordBatch) -> pa.RecordBatch:
    """Give n records the columns of documents, null where nothing is known yet, and number them 0
    to n-1."""
    rows = record_block.num_rows
    known = set(record_block.schema.names)
    fields, arrays = list(record_block.schema), list(record_block.columns)
    for field in DOCUMENT:
        if field.name not in known:
            value = pa.scalar(False if pa.types.is_boolean(field.type) else None, field.type)
            fields.append(field)
            arrays.append(pa.repeat(value, rows))
    fields.append(pa.field(_ROW, pa.int32()))
    arrays.append(pa.array(np.arange(rows, dtype=np.int32)))
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def close_block(block: pa.RecordBatch) -> pa.RecordBatch:
    """Take the rows' numbers off again."""
    return block.drop_columns([_ROW])


def split_unreadable(
    batch: pa.RecordBatch,
) -> tuple[pa.RecordBatch, pa.RecordBatch, pa.RecordBatch]:
    """Split records into those that could be read, those that are no documents, and those that are
    damaged.

    A reader's error is `<reason>: <words>`; SKIPPED says which reasons speak of good records that
    are no documents.
    """
    readable = pc.is_null(batch["error"])
    rest = batch.filter(pc.invert(readable))
    if not rest.num_rows:
        return batch, rest, rest
    parts = pc.split_pattern(rest["error"], ": ", max_splits=1)
    reasons = pc.list_element(parts, 0)
    turned_away = reject(rest, "read", reasons, detail=rest["error"])
    skipped = pc.is_in(reasons, pa.array(SKIPPED))
    return (
        batch.filter(readable),
        turned_away.filter(skipped),
        turned_away.filter(pc.invert(skipped)),
    )


def require_text(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Pass on n documents as they are. Raises ValueError if one has no text."""
    if batch["text"].null_count:
        raise ValueError("no text: the record holds raw bytes that no stage extracted")
    return batch


class SplitOutput:
    """Runs blocks through the stages and writes what becomes of each row; every row is counted
    once."""

    def __init__(
        self, store: Store, folder: str, part_bytes: int, open_files: contextlib.ExitStack
    ) -> None:
        self.store, self.folder, self.open_files = store, folder, open_files
        self.counts: Counter[str] = Counter()
        # by stage, rule, label and what is counted
        self.changes: Counter[tuple[str, str, str, str]] = Counter()
        self._documents = PartsWriter(store, folder, part_bytes)
        self._ledger = GroupedFile(
            store,
            f"{folder}/ledger.parquet",
            LEDGER,
            Regrouper("id", LEDGER_GROUP_BYTES),
            open_files,
        )
        self._rejects = GroupedFile(
            store,
            f"{folder}/rejects.parquet",
            REJECTS,
            Regrouper("raw", REJECTS_GROUP_BYTES),
            open_files,
        )

    def add(self, record_block: pa.RecordBatch, stages: Sequence[BoundStage]) -> None:
        block = open_block(record_block)
        readable, skipped, damaged = split_unreadable(block)
        outcome = run_stages(readable, [*stages, BoundStage("require_text", require_text)])
        kept = close_block(outcome.kept)
        kept = kept.drop_columns([name for name in _PAYLOAD if name in kept.schema.names])
        self.counts["documents_in"] += block.num_rows
        self.counts["kept"] += kept.num_rows
        self.counts["text_bytes"] += pc.sum(pc.binary_length(kept["text"])).as_py() or 0
        self._documents.add(kept)
        for stage, changes in outcome.changes:
            # a row for each rule that changed something, in each language
            for row in changes.to_pylist():
                label = f"{row['language'] or UNDETERMINED}_{row['script'] or COMMON_SCRIPT}"
                for name in ("documents", "code_points"):
                    self.changes[stage, row["rule"], label, name] += row[name]
        self._turn_away(record_block, [skipped, *outcome.rejected], [damaged, *outcome.failed])

    def _turn_away(
        self,
        record_block: pa.RecordBatch,
        dropped: Sequence[pa.RecordBatch],
        failed: Sequence[pa.RecordBatch],
    ) -> None:
        """Write ledger rows for all, raw bytes for the failed, in reading order whatever stage
        decided."""
        rows = [
            (fate_rows(batch, fate, PHASE), batch[_ROW])
            for fate, group in (("dropped", dropped), ("failed", failed))
            for batch in group
        ]
        ledger = pa.Table.from_batches([batch for batch, _ in rows], LEDGER)
        if not ledger.num_rows:
            return
        places = pa.chunked_array([numbers for _, numbers in rows]).to_numpy()
        ledger = ledger.take(np.argsort(places, kind="stable"))
        self.counts.update(ledger["fate"].to_pylist())
        self._ledger.add(ledger.combine_chunks().to_batches()[0])
        failed_rows = pc.equal(ledger["fate"], "failed")
        if pc.any(failed_rows).as_py():
            order = np.sort(places)
            origin = record_block.take(order[failed_rows.to_numpy()])
            columns = {name: origin[name] for name in ("id", "source", "path", "position")}
            turned = ledger.filter(failed_rows).combine_chunks()
            columns |= {name: turned[name].combine_chunks() for name in ("stage", "detail")}
            columns["raw"] = pc.fill_null(
                pc.coalesce(origin["raw"], origin["text"].cast(pa.large_binary())), b""
            )
            self._rejects.add(pa.RecordBatch.from_arrays(list(columns.values()), schema=REJECTS))

    def close(self) -> IngestResult:
        parts = self._documents.close()
        self._ledger.close()
        self._rejects.close()
        names = ("documents_in", "kept", "dropped", "failed", "text_bytes")
        changes = tuple((*key, count) for key, count in sorted(self.changes.items()))
        return IngestResult(
            **{name: self.counts[name] for name in names}, parts=parts, changes=changes
        )


def fate_rows(batch: pa.RecordBatch, fate: str, phase: str) -> pa.RecordBatch:
    """Project rows that a phase turned away onto LEDGER."""
    rows = batch.num_rows
    fixed = {"fate": fate, "phase": phase}
    arrays = [
        batch[field.name].cast(field.type)
        if field.name in batch.schema.names and field.name not in fixed
        else pa.repeat(pa.scalar(fixed.get(field.name), field.type), rows)
        for field in LEDGER
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=LEDGER)


class GroupedFile:
    """A Parquet file that appears only if rows are added, in row groups that do not depend on the
    blocks."""

    def __init__(
        self,
        store: Store,
        name: str,
        schema: pa.Schema,
        groups: Regrouper,
        open_files: contextlib.ExitStack,
    ) -> None:
        self.store, self.name, self.schema, self.open_files = store, name, schema, open_files
        self._groups = groups
        self._files: contextlib.ExitStack | None = None
        self._writer: Any = None

    def add(self, batch: pa.RecordBatch) -> None:
        self._write(self._groups.add(batch))

    def _write(self, groups: Iterator[pa.Table]) -> None:
        for group in groups:
            if self._files is None:
                self._files = self.open_files.enter_context(contextlib.ExitStack())
                self._writer = self._files.enter_context(
                    self.store.writing_parquet(self.name, self.schema, compression="zstd")
                )
            self._writer.write_table(group, row_group_size=group.num_rows)

    def close(self) -> None:
        self._write(self._groups.flush())
        if self._files is not None:
            self._files.close()
