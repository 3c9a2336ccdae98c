"""Deduplication of parts of documents: rounds of keys, each with a shuffle that finds the frequent
ones; a rewrite.

A round's keys are staged for each split, the frequent ones among them come back for each split
(pipelines/phases/deduplication/repeat_shuffle.py), and the next round, or the rewrite in the end,
knows them.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.catalogue.stages import DEDUP_STAGES, RepeatsEntry
from pipelines.phases.deduplication.kinds import DedupKind, DedupPhase, KeyResult
from pipelines.phases.deduplication.shuffle_records import (
    BYTES_A_DOCUMENT,
    DedupCounts,
    KeyFiles,
    keyed_dtype,
    keys_file,
)
from pipelines.phases.rewriting import ROW, RewriteWorker
from pipelines.phases.run_context import Run
from pipelines.staging.staged import SplitAfter, StagedSplit, first_numbers
from pipelines.staging.store import Store
from pipelines.staging.tasks import Phase, Task, Worker
from stages.batches import Filtered
from stages.deduplication.lines import FREQUENT

LEAST_BUDGET = 64 << 20  # bytes that a shuffle may take whatever the number of documents


def round_phase(phase: Phase, number: int) -> str:
    return f"{phase.name}-keys-{number}"


def frequent_folder(phase: Phase, number: int) -> str:
    return f"staging/{phase.name}-frequent-{number}"


def load_frequent(
    store: Store, phase: Phase, rounds: int, split: str
) -> list[npt.NDArray[np.void]]:
    """Load the keys of a split that turned out frequent in each of the first rounds: FREQUENT
    sorted by key."""
    found = []
    for number in range(rounds):
        folder = frequent_folder(phase, number)
        files = [f"{folder}/{part}/{split}.npy" for part in sorted(store.names(folder))]
        parts = [store.load_array(file) for file in files if store.exists(file)]
        frequent = np.concatenate([np.empty(0, FREQUENT), *parts])
        found.append(frequent[np.lexsort((frequent["key"]["low"], frequent["key"]["high"]))])
    return found


class RepeatsKind(DedupKind):
    """Parts that many documents share are taken out of their texts."""

    compares_documents = False

    @property
    def entry(self) -> RepeatsEntry:
        return cast("RepeatsEntry", DEDUP_STAGES[self.stage])

    def find(self, run: Run, phase: DedupPhase) -> DedupCounts:
        """Run the rounds and the rewrite."""
        splits = phase.splits
        bases = first_numbers(splits)[:-1].tolist()
        for number in range(len(self.entry.rounds)):
            made = run.tasks(RoundWorker(run.store, phase, self, number), phase.tasks)
            self._find_frequent(
                run, phase, number, sum(result.keys for result in made.values()), bases
            )
        by_name = dict(zip((split.name for split in splits), bases, strict=True))
        rewriter = RepeatsRewriter(run.store, phase.phase, by_name, self)
        total: Counter[str] = Counter()
        for result in run.tasks(
            RewriteWorker(run.store, phase.earlier, phase.phase, rewriter), phase.tasks
        ).values():
            total.update(result.counts())
        return DedupCounts(**total)

    def _find_frequent(
        self, run: Run, phase: DedupPhase, number: int, keys: int, bases: list[int]
    ) -> None:
        """Shuffle the keys of a round, in as many slices as keep the shuffle within its budget of
        memory."""
        names = [split.name for split in phase.splits]
        files = [keys_file(round_phase(phase.phase, number), name) for name in names]
        documents = sum(split.documents for split in phase.splits)
        in_shuffle = 2 * keyed_dtype(0).itemsize * keys
        slices = max(1, -(-in_shuffle // max(BYTES_A_DOCUMENT * documents, LEAST_BUDGET)))
        for part in range(slices):
            folder = f"{frequent_folder(phase.phase, number)}/slice-{part:04d}"
            if not run.store.exists(f"{folder}/done.json"):
                shuffle = "pipelines.phases.deduplication.repeat_shuffle:find_frequent"
                staged = KeyFiles(files, bases, names)
                name = f"{round_phase(phase.phase, number)} shuffle"
                how = self.config.min_documents, (part, slices), folder
                run.shuffle(name, shuffle, staged, *how)
                run.store.write_json(f"{folder}/done.json", {})

    def index_schema(self) -> None:
        return None

    def key_arrays(self, block: pa.RecordBatch) -> tuple[npt.NDArray[Any], ...]:
        raise TypeError(f"{self.stage} makes no keys of documents")


class RoundWorker(Worker[KeyResult]):
    """Makes the keys of one split for one round."""

    result = KeyResult

    def __init__(self, store: Store, phase: DedupPhase, kind: RepeatsKind, number: int) -> None:
        self.store, self.kind, self.number = store, kind, number
        self.deduplicating, self.earlier = phase.phase, phase.earlier
        self.phase = round_phase(phase.phase, number)

    def run(self, task: Task) -> KeyResult:
        entry, dtype = self.kind.entry, keyed_dtype(0)
        split = SplitAfter(self.store, StagedSplit.model_validate(task.payload), self.earlier)
        known = load_frequent(self.store, self.deduplicating, self.number, task.name)
        made = [np.empty(0, dtype)]
        for places, block in split.blocks(entry.columns):
            rows, keys = entry.rounds[self.number](block, known, self.kind.config)
            keyed = np.empty(len(keys), dtype)
            keyed["document"], keyed["key"] = places[rows], keys
            made.append(keyed)
        keys_made = np.concatenate(made)
        self.store.save_array(keys_file(self.phase, task.name), keys_made)
        return KeyResult(keys=len(keys_made))


class RepeatsRewriter:
    """Takes out of the texts of a split what turned out frequent."""

    def __init__(
        self, store: Store, phase: Phase, bases: dict[str, int], kind: RepeatsKind
    ) -> None:
        self.store, self.phase, self.bases, self.kind = store, phase, bases, kind
        self.columns = kind.entry.columns

    def open(self, split: StagedSplit) -> None:
        self._known = load_frequent(self.store, self.phase, len(self.kind.entry.rounds), split.name)
        self._base = self.bases[split.name]

    def rewrite(self, block: pa.RecordBatch) -> Filtered:
        documents = block[ROW].to_numpy().astype(np.uint64) + np.uint64(self._base)
        return self.kind.entry.rewrite(block, documents, self._known, self.kind.config)

    def findings(self) -> None:
        return None
