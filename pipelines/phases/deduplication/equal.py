"""Deduplication of documents whose keys are equal: keys are made in parallel, then shuffled
(key_shuffle.py)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.catalogue.stages import DEDUP_STAGES, EqualEntry
from pipelines.phases.deduplication.kinds import DedupKind, DedupPhase, KeyResult
from pipelines.phases.deduplication.shuffle_records import (
    DedupCounts,
    joined_splits,
    keyed_dtype,
    keys_file,
)
from pipelines.phases.run_context import Run
from pipelines.staging.staged import SplitAfter, StagedSplit
from pipelines.staging.store import Store
from pipelines.staging.tasks import Task, Worker, group_of
from schemas.corpus_index import EQUAL_KEYS


class EqualKind(DedupKind):
    """Equal keys mean duplicates."""

    measures = False
    row_field = "document"

    @property
    def entry(self) -> EqualEntry:
        return cast("EqualEntry", DEDUP_STAGES[self.stage])

    def find(self, run: Run, phase: DedupPhase) -> DedupCounts:
        splits = joined_splits(phase.known, phase.splits, phase.phase)
        shuffle = "pipelines.phases.deduplication.key_shuffle:shuffle_keys"
        made = group_of(KeyWorker(run.store, phase, self), phase.tasks)
        settings = self.preference_count, self.entry.similarity
        run.shuffle(f"{phase.phase.name} shuffle", shuffle, splits, *settings, before=made)
        return DedupCounts()

    def index_schema(self) -> pa.Schema:
        return EQUAL_KEYS

    def key_arrays(self, block: pa.RecordBatch) -> tuple[npt.NDArray[Any], ...]:
        return self.entry.keys(block, self.config)

    def staged_dtype(self) -> np.dtype[Any]:
        return keyed_dtype(self.preference_count)


class KeyWorker(Worker[KeyResult]):
    """Makes the keys of one split's documents that earlier phases kept."""

    result = KeyResult

    def __init__(self, store: Store, phase: DedupPhase, kind: EqualKind) -> None:
        self.store, self.kind = store, kind
        self.phase, self.earlier = phase.phase.name, phase.earlier

    def run(self, task: Task) -> KeyResult:
        split = SplitAfter(self.store, StagedSplit.model_validate(task.payload), self.earlier)
        made = np.concatenate(list(self._keyed(split)))
        self.store.save_array(keys_file(self.phase, task.name), made)
        return KeyResult(keys=len(made))

    def _keyed(self, split: SplitAfter) -> Iterator[npt.NDArray[Any]]:
        dtype, entry = self.kind.staged_dtype(), self.kind.entry
        yield np.empty(0, dtype)
        for places, block in split.blocks(self.kind.columns_read(entry.columns)):
            rows, keys = entry.keys(block, self.kind.config)
            keyed = np.empty(len(keys), dtype)
            keyed["document"], keyed["key"] = places[rows], keys
            keyed["preference"] = self.kind.sort_keys(block)[rows]
            yield keyed
