"""Deduplication of parts of documents: rounds of keys, each with a shuffle that finds the frequent ones; a rewrite.

A round's keys are staged for each split, the frequent ones among them come back for each split
(pipelines/phases/deduplication/repeat_shuffle.py), and the next round, or the rewrite in the end, knows them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.catalogue.stages import DEDUP_STAGES, RepeatsEntry
from pipelines.phases.deduplication.shuffle_records import BYTES_A_DOCUMENT, keyed_dtype
from pipelines.phases.rewriting import ROW, RewriteWorker
from pipelines.runners.local import RunnerConfig, run_pipeline, run_tasks
from pipelines.staging.staged import SplitAfter, StagedSplit, stage_of
from pipelines.staging.store import Store
from pipelines.staging.tasks import Counts, Report, Task, task_folder
from stages.batches import Filtered
from stages.deduplication.lines import FREQUENT

LEAST_BUDGET = 64 << 20  # bytes that a shuffle may take whatever the number of documents


def round_phase(phase: str, number: int) -> str:
    return f"{phase}-keys-{number}"


def frequent_folder(phase: str, number: int) -> str:
    return f"staging/{phase}-frequent-{number}"


def load_frequent(store: Store, phase: str, rounds: int, split: str) -> list[npt.NDArray[np.void]]:
    """Load the keys of a split that turned out frequent in each of the first rounds: FREQUENT sorted by key."""
    found = []
    for number in range(rounds):
        folder = frequent_folder(phase, number)
        files = [f"{folder}/{part}/{split}.npy" for part in sorted(store.names(folder))]
        parts = [store.load_array(file) for file in files if store.exists(file)]
        frequent = np.concatenate([np.empty(0, FREQUENT), *parts])
        found.append(frequent[np.lexsort((frequent["key"]["low"], frequent["key"]["high"]))])
    return found


class RoundWorker:
    """Makes the keys of one split for one round."""

    def __init__(self, store: Store, phases: Sequence[str], number: int, config: Any) -> None:
        self.store, self.number, self.config = store, number, config
        *self.earlier, self.deduplicating = phases
        self.phase = round_phase(self.deduplicating, number)

    def setup(self) -> None:
        pass

    def run(self, task: Task) -> Counts:
        entry = _entry(self.deduplicating)
        split = SplitAfter(self.store, StagedSplit.model_validate(task.payload), self.earlier)
        known = load_frequent(self.store, self.deduplicating, self.number, task.name)
        made = [np.empty(0, keyed_dtype(0))]
        for places, block in split.blocks(entry.columns):
            rows, keys = entry.rounds[self.number](block, known, self.config)
            keyed = np.empty(len(keys), keyed_dtype(0))
            keyed["document"], keyed["key"] = places[rows], keys
            made.append(keyed)
        keys_made = np.concatenate(made)
        self.store.save_array(f"{task_folder(self.phase, task.name)}/keys.npy", keys_made)
        return {"keys": len(keys_made)}


class RepeatsRewriter:
    """Takes out of the texts of a split what turned out frequent."""

    def __init__(self, store: Store, phase: str, bases: dict[str, int], config: Any) -> None:
        self.store, self.phase, self.bases, self.config = store, phase, bases, config
        self.columns = _entry(phase).columns

    def open(self, split: StagedSplit) -> None:
        entry = _entry(self.phase)
        self._known = load_frequent(self.store, self.phase, len(entry.rounds), split.name)
        self._base = self.bases[split.name]

    def rewrite(self, block: pa.RecordBatch) -> Filtered:
        documents = block[ROW].to_numpy().astype(np.uint64) + np.uint64(self._base)
        return _entry(self.phase).rewrite(block, documents, self._known, self.config)

    def findings(self) -> None:
        return None


def _entry(phase: str) -> RepeatsEntry:
    entry = DEDUP_STAGES[stage_of(phase)]
    if not isinstance(entry, RepeatsEntry):
        raise TypeError(f"{phase} does not take out parts of documents")
    return entry


def take_out_repeats(
    store: Store,
    splits: Sequence[StagedSplit],
    phases: Sequence[str],
    stage_config: Any,
    config: RunnerConfig,
    report: Report,
) -> Counts:
    """Run the rounds and the rewrite of the last of `phases` over some splits; returns what was counted."""
    phase = phases[-1]
    tasks = [split.task() for split in splits]
    documents = sum(split.documents for split in splits)
    bases = [0, *np.cumsum([split.documents for split in splits]).tolist()][:-1]
    for number in range(len(_entry(phase).rounds)):
        made = run_tasks(RoundWorker(store, phases, number, stage_config), tasks, config, report)
        files = [f"{task_folder(round_phase(phase, number), split.name)}/keys.npy" for split in splits]
        in_shuffle = 2 * keyed_dtype(0).itemsize * sum(counts["keys"] for counts in made.values())
        slices = max(1, -(-in_shuffle // max(BYTES_A_DOCUMENT * documents, LEAST_BUDGET)))
        for part in range(slices):
            folder = f"{frequent_folder(phase, number)}/slice-{part:04d}"
            if store.exists(f"{folder}/done.json"):
                continue
            arguments = (files, bases, [split.name for split in splits], stage_config.min_documents)
            run_pipeline(
                "pipelines.phases.deduplication.repeat_shuffle:find_frequent",
                (store, *arguments, (part, slices), folder),
                config,
            )
            store.write_json(f"{folder}/done.json", {})
    rewriter = RepeatsRewriter(
        store, phase, dict(zip((split.name for split in splits), bases, strict=True)), stage_config
    )
    total: Counter[str] = Counter()
    for counts in run_tasks(RewriteWorker(store, phases, rewriter), tasks, config, report).values():
        total.update(counts)
    return dict(sorted(total.items()))
