"""Near deduplication: signatures are made in parallel, then shuffled by bands and by clusters
(near_shuffle.py)."""

from __future__ import annotations

import contextlib
import posixpath
from collections.abc import Iterator, Sequence
from typing import IO, Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.catalogue.stages import DEDUP_STAGES, NearEntry
from pipelines.phases.deduplication.kinds import DedupKind, DedupPhase, KeyResult
from pipelines.phases.deduplication.shuffle_records import (
    CONTENT,
    Clustered,
    Deciding,
    DedupCounts,
    contents_file,
    joined_splits,
    keys_file,
    read_reports,
    shingles_file,
    signature_dtype,
)
from pipelines.phases.publish.splits import clusters_folder
from pipelines.phases.run_context import Run
from pipelines.staging.staged import SplitAfter, StagedSplit
from pipelines.staging.store import Store
from pipelines.staging.tasks import Group, Task, Worker, group_of
from schemas.corpus_index import signed_keys
from stages.deduplication.near import band_shape
from stages.deduplication.options import KeeperOrder, NearDeduplicationConfig

# Text of a corpus whose shingles are kept on disk until its documents are compared: eight bytes for
# each word, or for each grapheme cluster in scripts without spaces. Of a larger corpus they are
# made again where documents meet.
KEPT_TEXT_BYTES = 4 << 30
_SHUFFLE = "pipelines.phases.deduplication.near_shuffle"
_STARS = "pipelines.phases.deduplication.star_shuffle"


class NearKind(DedupKind):
    """Documents whose signatures meet are compared."""

    leaves_clusters = True

    @property
    def entry(self) -> NearEntry:
        return cast("NearEntry", DEDUP_STAGES[self.stage])

    @property
    def comparison(self) -> NearDeduplicationConfig:
        return self.entry.comparison(self.config)

    @property
    def keeper_order(self) -> KeeperOrder:
        """As the recipe says, or the cleanest copy, but of texts in two scripts, whose lengths
        differ, the first."""
        if self.recipe.keeper_order is None and self.stage == "near":
            return KeeperOrder(by=("cleanest", "first"))
        return super().keeper_order

    @property
    def criteria(self) -> tuple[str, ...]:
        return (*self.entry.criteria, *super().criteria)

    def columns_read(self, columns: Sequence[str]) -> list[str]:
        return super().columns_read([*columns, *self.entry.columns])

    def sort_keys(self, block: pa.RecordBatch) -> npt.NDArray[np.uint64]:
        """Make the sort keys (n, k) of n documents; of one without a signature the entry's own are
        0."""
        keys = super().sort_keys(block)
        own = np.zeros((len(keys), len(self.entry.criteria)), np.uint64)
        if self.entry.criteria:
            signed = self.entry.sign(block, self.config)
            own[signed.rows] = signed.preference
        return np.hstack([own, keys])

    def find(self, run: Run, phase: DedupPhase) -> DedupCounts:
        text_bytes = sum(rows.text_bytes for split in phase.splits for rows in split.runs)
        by_shingles = self.comparison.verify == "shingles"
        keeps_shingles = by_shingles and run.store.local and text_bytes <= KEPT_TEXT_BYTES
        made = group_of(SignatureWorker(run.store, phase, self, keeps_shingles), phase.tasks)
        how = Deciding(self.comparison, self.keeper_order, len(self.entry.criteria))
        return near_shuffle(run, phase, how, made)

    def index_schema(self) -> pa.Schema:
        bands, rows = band_shape(self.comparison)
        return signed_keys(bands * rows)

    def key_settings(self) -> dict[str, Any]:
        bands, rows = band_shape(self.comparison)
        return {"bands": bands, "rows": rows}

    def key_arrays(self, block: pa.RecordBatch) -> tuple[npt.NDArray[Any], ...]:
        signed = self.entry.sign(block, self.config)
        return signed.rows, signed.signatures, signed.scripts

    def staged_dtype(self) -> np.dtype[Any]:
        return signature_dtype(self.comparison, len(self.entry.criteria))


class SignatureWorker(Worker[KeyResult]):
    """Makes the signatures of one split's documents that earlier phases kept."""

    result = KeyResult

    def __init__(
        self, store: Store, phase: DedupPhase, kind: NearKind, keeps_shingles: bool
    ) -> None:
        self.store, self.kind, self.keeps_shingles = store, kind, keeps_shingles
        self.phase, self.earlier = phase.phase.name, phase.earlier

    def run(self, task: Task) -> KeyResult:
        split = SplitAfter(self.store, StagedSplit.model_validate(task.payload), self.earlier)
        with contextlib.ExitStack() as files:
            kept: IO[bytes] | None = None
            if self.keeps_shingles:
                path = files.enter_context(self.store.writing(shingles_file(self.phase, task.name)))
                kept = files.enter_context(path.open("wb"))
            made, contents = map(np.concatenate, zip(*self._signed(split, kept), strict=True))
        self.store.save_array(contents_file(self.phase, task.name), contents)
        self.store.save_array(keys_file(self.phase, task.name), made)
        return KeyResult(keys=len(made))

    def _signed(
        self, split: SplitAfter, kept: IO[bytes] | None
    ) -> Iterator[tuple[npt.NDArray[Any], npt.NDArray[Any]]]:
        dtype, entry = self.kind.staged_dtype(), self.kind.entry
        yield np.empty(0, dtype), np.empty(0, CONTENT)
        for places, block in split.blocks(entry.columns):
            found = entry.sign(block, self.kind.config)
            signed = np.empty(len(found.rows), dtype)
            signed["row"], signed["signature"], signed["script"] = (
                places[found.rows],
                found.signatures,
                found.scripts,
            )
            signed["preference"] = found.preference
            contents = np.empty(len(found.rows), CONTENT)
            contents["row"], contents["content"] = signed["row"], found.contents
            contents["shingles"] = np.diff(found.shingles.offsets)
            if kept:
                kept.write(found.shingles.hashes.data)
            yield signed, contents


def near_shuffle(
    run: Run, phase: DedupPhase, how: Deciding, made: Group | None = None
) -> DedupCounts:
    """Run the shuffles of signatures, which are staged or which the tasks of `made` stage: bands,
    clusters, decision; returns what was counted."""
    store, splits = run.store, joined_splits(phase.known, phase.splits, phase.phase)
    name, config = phase.phase.name, how.config
    scratch = f"staging/{name}-clusters"
    store.remove(scratch)  # what a kill left: these steps are quick, and are done again as a whole
    bands = f"{_SHUFFLE}:meet_in_bands"
    run.shuffle(f"{name} bands", bands, splits, config, f"{scratch}/edges", before=made)
    files = _arrays(store, f"{scratch}/edges")
    edges = sum(len(store.load_array(file)) for file in files)
    members = clusters_folder(phase.phase)
    found = splits, members, config.verify == "shingles"
    if edges <= run.runner.max_edges:
        documents = run.function(f"{_SHUFFLE}:write_clusters", files, *found)
    else:
        stars = _alternate(run, files, edges, scratch)
        run.shuffle(f"{name} clusters", f"{_STARS}:read_off_stars", stars, *found)
        counts = f"{members}-counted"
        documents = sum(store.read_json(f"{counts}/{part}") for part in store.names(counts))
    clustered = Clustered(splits, phase.splits, phase.earlier, members, documents)
    reports = f"{scratch}/reports"
    run.shuffle(f"{name} decision", f"{_SHUFFLE}:decide", clustered, how, reports)
    counted = read_reports(store, reports)
    for name in sorted(store.names(scratch) - {posixpath.basename(members)}):
        store.remove(f"{scratch}/{name}")
    for file in splits.shingles if store.local else ():  # none are kept elsewhere
        store.remove(file)
    return counted.model_copy(update={"edges": edges, "clustered": documents})


def _alternate(run: Run, files: list[str], edges: int, scratch: str) -> list[str]:
    """Run large and small stars in turn until a round changes nothing."""
    changed, number, store = 1, 0, run.store
    while changed:
        changed = 0
        for step in ("large", "small"):
            folder = f"{scratch}/{number:03d}-{step}"
            name = f"stars {number} {step}"
            run.shuffle(name, f"{_STARS}:alternate", files, step, folder, edges)
            files = _arrays(store, folder)
            reports = sorted(name for name in store.names(folder) if name.endswith(".json"))
            changed += sum(store.read_json(f"{folder}/{name}")["changed"] for name in reports)
        number += 1
    return files


def _arrays(store: Store, folder: str) -> list[str]:
    return [f"{folder}/{name}" for name in sorted(store.names(folder)) if name.endswith(".npy")]
