"""The dedup phase: for each deduplication stage of the recipe, keys are made in parallel, then shuffled.

Stages run in the recipe's order, each over what the ones before it kept, so that no document is removed in
favour of one that is itself removed. A source that brings its own ids is first checked for ids used twice.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.catalogue import DEDUP_STAGES, DUPLICATE_ID, Recipe
from pipelines.runners import RunnerConfig, run_pipeline, run_tasks
from pipelines.staged import StagedSplit, kept_rows, read_runs, removal_file, removals
from pipelines.staging import Store
from pipelines.tasks import Counts, Report, Task, task_folder
from stages.deduplication.exact import KEY

STAGED_KEY = np.dtype([("key", KEY), ("row", "<u8")])


def dedup_phases(recipe: Recipe) -> list[str]:
    """Name the dedup phases of a recipe, in order: `dedup-0-duplicate_id`, `dedup-1-exact`."""
    brings_ids = any(getattr(getattr(source, "columns", None), "id", None) for source in recipe.sources)
    stages = [DUPLICATE_ID] if brings_ids else []
    stages += [stage.stage for stage in recipe.dedup]
    return [f"dedup-{position}-{stage}" for position, stage in enumerate(stages)]


class KeyWorker:
    """Makes the keys of one split's documents that earlier dedup phases kept."""

    def __init__(self, store: Store, recipe: Recipe, phases: Sequence[str], config: Any) -> None:
        self.store, self.recipe = store, recipe
        self.earlier, self.phase = phases[:-1], phases[-1]
        self.config = config

    def setup(self) -> None:
        entry = DEDUP_STAGES[self.phase.split("-", 2)[2]]
        self.columns, self.keys = list(entry.columns), entry.bind(self.config)

    def run(self, task: Task) -> Counts:
        split = StagedSplit.model_validate(task.payload)
        removed = removals(self.store, self.earlier, split.name)["row"].to_numpy()
        staged = []
        for run, table in read_runs(self.store, split.runs, self.columns):
            mask = kept_rows(run, removed)
            places = np.flatnonzero(mask) + run.first_row
            for batch in table.filter(pa.array(mask)).combine_chunks().to_batches():
                rows, keys = self.keys(batch)
                keyed = np.empty(len(keys), STAGED_KEY)
                keyed["row"], keyed["key"] = places[rows], keys
                staged.append(keyed)
        content = io.BytesIO()
        np.save(content, np.concatenate([*staged, np.empty(0, STAGED_KEY)]), allow_pickle=False)
        self.store.write(f"{task_folder(self.phase, task.name)}/keys.npy", content.getvalue())
        return {"keys": sum(map(len, staged))}


def deduplicate(
    store: Store, recipe: Recipe, staged: Sequence[StagedSplit], config: RunnerConfig, report: Report
) -> None:
    """Write the removal lists of every dedup stage, under `staging/dedup-N-stage-removed/<split>.parquet`."""
    splits = [split for split in staged if split.documents]
    if not splits:
        return
    phases = dedup_phases(recipe)
    configs = [None] * (len(phases) - len(recipe.dedup)) + list(recipe.dedup)
    for position, (phase, stage_config) in enumerate(zip(phases, configs, strict=True)):
        tasks = [
            Task(
                name=split.name,
                weight_bytes=sum(run.text_bytes for run in split.runs),
                payload=split.model_dump(),
            )
            for split in splits
        ]
        run_tasks(KeyWorker(store, recipe, phases[: position + 1], stage_config), tasks, config, report)
        _shuffle(store, phase, splits, config)


def _shuffle(store: Store, phase: str, splits: Sequence[StagedSplit], config: RunnerConfig) -> None:
    done = f"staging/{phase}-removed/done.json"
    if store.exists(done):
        return
    documents = [split.documents for split in splits]
    bases = [0, *np.cumsum(documents).tolist()][:-1]
    run_pipeline(
        "pipelines.key_shuffle:shuffle_keys",
        (
            store,
            [f"{task_folder(phase, split.name)}/keys.npy" for split in splits],
            [split.files for split in splits],
            bases,
            sum(documents),
            [removal_file(phase, split.name) for split in splits],
        ),
        config,
    )
    store.write_json(done, {"splits": len(splits)})
