"""The dedup phase: for each deduplication stage of the recipe, keys are made in parallel, then shuffled.

Stages run in the recipe's order, each over what the ones before it kept, so that no document is removed in
favour of one that is itself removed. A source that brings its own ids is first checked for ids used twice.

Of documents that repeat each other the recipe's `[keepers]` says which one is kept; without it the first one is, in the
order of the input: sources as the recipe lists them, then file and position.
"""

from __future__ import annotations

import contextlib
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.catalogue.stages import DEDUP_STAGES, DUPLICATE_ID, EqualEntry, NearEntry, Recipe, RepeatsEntry
from pipelines.phases.chain import dedup_phases
from pipelines.phases.deduplication.repeats import take_out_repeats
from pipelines.phases.deduplication.shuffle_records import (
    CONTENT,
    KnownSplit,
    contents_file,
    joined_splits,
    keyed_dtype,
    read_reports,
    shingles_file,
    signature_dtype,
)
from pipelines.phases.publish.splits import clusters_folder
from pipelines.runners.local import RunnerConfig, run_function, run_pipeline, run_tasks
from pipelines.staging.staged import SplitAfter, StagedSplit, removals, sizes_file, stage_of
from pipelines.staging.store import Store
from pipelines.staging.tasks import Counts, Report, Task, task_folder
from stages.deduplication.keepers import preference_keys
from stages.deduplication.options import NearDeduplicationConfig

# Text of a corpus whose shingles are kept on disk until its documents are compared: eight bytes for each word, or for
# each grapheme cluster in scripts without spaces. Of a larger corpus they are made again where documents meet.
KEPT_TEXT_BYTES = 4 << 30


def preference_count(recipe: Recipe, entry: EqualEntry | NearEntry) -> int:
    """Count the preference keys of a document: the stage's own, and the recipe's if it says which one is kept."""
    own = entry.criteria if isinstance(entry, NearEntry) else 0
    return own + (recipe.keeper_order.sort_keys if recipe.keeper_order else 0)


class KeyWorker:
    """Makes the keys, or the signatures, of one split's documents that earlier phases kept."""

    def __init__(
        self, store: Store, recipe: Recipe, phases: Sequence[str], config: Any, keeps_shingles: bool = False
    ) -> None:
        self.store, self.recipe = store, recipe
        self.earlier, self.phase = phases[:-1], phases[-1]
        self.config, self.keeps_shingles = config, keeps_shingles

    def setup(self) -> None:
        entry = DEDUP_STAGES[stage_of(self.phase)]
        if isinstance(entry, RepeatsEntry):
            raise TypeError(f"the worker of {self.phase} is RoundWorker, got KeyWorker")
        self.entry, self.criteria = entry, preference_count(self.recipe, entry)
        of_keepers = self.recipe.keeper_order.columns if self.recipe.keeper_order else ()
        self.columns = list(dict.fromkeys([*self.entry.columns, *of_keepers]))

    def run(self, task: Task) -> Counts:
        split = SplitAfter(self.store, StagedSplit.model_validate(task.payload), self.earlier)
        entry = self.entry
        if isinstance(entry, NearEntry):
            with contextlib.ExitStack() as files:
                kept: IO[bytes] | None = None
                if self.keeps_shingles:
                    path = files.enter_context(self.store.writing(shingles_file(self.phase, task.name)))
                    kept = files.enter_context(path.open("wb"))
                made, contents = map(np.concatenate, zip(*self._signed(split, entry, kept), strict=True))
            self.store.save_array(contents_file(self.phase, task.name), contents)
        else:
            made = np.concatenate(list(self._keyed(split, entry)))
        self.store.save_array(f"{task_folder(self.phase, task.name)}/keys.npy", made)
        return {"keys": len(made)}

    def _keyed(self, split: SplitAfter, entry: EqualEntry) -> Iterator[npt.NDArray[Any]]:
        kind = keyed_dtype(self.criteria)
        yield np.empty(0, kind)
        for places, block in split.blocks(self.columns):
            rows, keys = entry.keys(block, self.config)
            keyed = np.empty(len(keys), kind)
            keyed["document"], keyed["key"] = places[rows], keys
            keyed["preference"] = self._preference(block)[rows]
            yield keyed

    def _signed(
        self, split: SplitAfter, entry: NearEntry, kept: IO[bytes] | None
    ) -> Iterator[tuple[npt.NDArray[Any], npt.NDArray[Any]]]:
        kind = signature_dtype(entry.comparison(self.config), self.criteria)
        yield np.empty(0, kind), np.empty(0, CONTENT)
        for places, block in split.blocks(self.columns):
            found = entry.sign(block, self.config)
            signed = np.empty(len(found.rows), kind)
            signed["row"], signed["signature"], signed["script"] = places[found.rows], found.signatures, found.scripts
            signed["preference"] = np.hstack([found.preference, self._preference(block)[found.rows]])
            contents = np.empty(len(found.rows), CONTENT)
            contents["row"], contents["content"] = signed["row"], found.contents
            contents["shingles"] = np.diff(found.shingles.offsets)
            if kept:
                kept.write(found.shingles.hashes.data)
            yield signed, contents

    def _preference(self, batch: pa.RecordBatch) -> npt.NDArray[np.uint64]:
        if self.recipe.keeper_order:
            return preference_keys(batch, self.recipe.keeper_order)
        return np.empty((batch.num_rows, 0), np.uint64)


def deduplicate(
    store: Store,
    recipe: Recipe,
    staged: Sequence[StagedSplit],
    known: Mapping[str, Sequence[KnownSplit]],
    config: RunnerConfig,
    report: Report,
) -> None:
    """Write the removal lists of every dedup stage, under `staging/dedup-N-stage-removed/<split>.parquet`.

    `known` are the documents of indexes, by the phase that compares with them.
    """
    splits = [split for split in staged if split.documents]
    if not splits:
        return
    phases = dedup_phases(recipe)
    configs = [None] * (len(phases) - len(recipe.dedup)) + list(recipe.dedup)
    tasks = [split.task() for split in splits]
    text_bytes = sum(run.text_bytes for split in splits for run in split.runs)
    for position, (phase, stage_config) in enumerate(zip(phases, configs, strict=True)):
        done = f"staging/{phase}-removed/done.json"
        if store.exists(done):
            continue
        so_far = phases[: position + 1]
        entry = DEDUP_STAGES[stage_of(phase)]
        if isinstance(entry, RepeatsEntry):
            counts = take_out_repeats(store, splits, so_far, stage_config, config, report)
        else:
            by_shingles = isinstance(entry, NearEntry) and entry.comparison(stage_config).verify == "shingles"
            keeps_shingles = by_shingles and store.local and text_bytes <= KEPT_TEXT_BYTES
            run_tasks(KeyWorker(store, recipe, so_far, stage_config, keeps_shingles), tasks, config, report)
            criteria = preference_count(recipe, entry)
            shuffle = PhaseShuffle(store, so_far, splits, criteria, config, known.get(phase, ()))
            counts = (
                shuffle.near(entry.comparison(stage_config))
                if isinstance(entry, NearEntry)
                else shuffle.equal(entry.similarity)
            )
        store.write_json(done, counts)
    run_function("pipelines.phases.deduplication.phase:write_cluster_sizes", (store, splits, phases))


def write_cluster_sizes(store: Store, staged: Sequence[StagedSplit], phases: Sequence[str]) -> None:
    """Count what each kept document stands for, and write (row, size) for each split that has sizes above 1.

    A document that was kept by one stage and removed by a later one brings along what was removed for it.
    """
    splits = [split for split in staged if split.documents]
    bases = np.cumsum([0, *(split.documents for split in splits)]).astype(np.uint64)
    nodes, behind = np.empty(0, np.uint64), np.empty(0, np.int64)  # documents, and how many were removed for each
    for phase in phases:
        if phase.endswith(DUPLICATE_ID):
            continue  # an id used twice says nothing about the texts
        edges = [
            (table["row"].to_numpy().astype(np.uint64) + base, table["keeper"].to_numpy())
            for split, base in zip(splits, bases, strict=False)
            if (table := _duplicates(store, phase, split.name)).num_rows
        ]
        if not edges:
            continue
        removed, keepers = (np.concatenate(ends) for ends in zip(*edges, strict=True))
        brought = np.ones(len(removed), np.int64)
        known = np.isin(removed, nodes)
        brought[known] += behind[np.searchsorted(nodes, removed[known])]
        nodes, places = np.unique(np.concatenate([nodes, keepers]), return_inverse=True)
        gained, behind = np.concatenate([behind, brought]), np.zeros(len(nodes), np.int64)
        np.add.at(behind, places, gained)
    owners = np.searchsorted(bases, nodes, side="right") - 1
    for number in np.unique(owners).tolist():
        own = owners == number
        rows = np.stack([(nodes[own] - bases[number]).astype(np.int64), behind[own] + 1], axis=1)
        store.save_array(sizes_file(splits[number].name), rows)


def _duplicates(store: Store, phase: str, split: str) -> pa.Table:
    """Read the rows of a split that one phase removed in favour of other documents of this corpus."""
    table = removals(store, [phase], split)
    return table.filter(pc.is_valid(table["keeper"]))


class PhaseShuffle:
    """The shuffles of one dedup phase, each a pipeline of its own over staged files."""

    def __init__(
        self,
        store: Store,
        phases: Sequence[str],
        splits: Sequence[StagedSplit],
        criteria: int,
        config: RunnerConfig,
        known: Sequence[KnownSplit] = (),
    ) -> None:
        self.store, self.own, self.criteria, self.config = store, splits, criteria, config
        *self.earlier, self.phase = phases
        self.splits = joined_splits(known, splits, self.phase)

    def _run(self, compose: str, *arguments: Any) -> None:
        run_pipeline(compose, (self.store, *arguments), self.config)

    def equal(self, similarity: float | None) -> Counts:
        self._run("pipelines.phases.deduplication.key_shuffle:shuffle_keys", self.splits, self.criteria, similarity)
        return {}

    def near(self, config: NearDeduplicationConfig) -> Counts:
        scratch = f"staging/{self.phase}-clusters"
        self.store.remove(scratch)  # what a kill left: these steps are quick, and are done again as a whole
        self._run("pipelines.phases.deduplication.near_shuffle:meet_in_bands", self.splits, config, f"{scratch}/edges")
        files = self._arrays(f"{scratch}/edges")
        edges = sum(len(self.store.load_array(file)) for file in files)
        stars = edges > self.config.max_edges
        if stars:
            files = self._alternate(files, edges, scratch)
        members = clusters_folder(self.phase)
        clustered = run_function(
            "pipelines.phases.deduplication.near_shuffle:write_clusters",
            (self.store, files, self.splits, members, stars, config.verify == "shingles"),
        )
        self._run(
            "pipelines.phases.deduplication.near_shuffle:decide",
            *(self.splits, self.own, self.earlier, members, clustered, config, self.criteria, f"{scratch}/reports"),
        )
        counts = {"edges": edges, "clustered": clustered, **read_reports(self.store, f"{scratch}/reports")}
        for name in sorted(self.store.names(scratch) - {posixpath.basename(members)}):
            self.store.remove(f"{scratch}/{name}")
        for file in self.splits.shingles:
            self.store.remove(file)
        return counts

    def _alternate(self, files: list[str], edges: int, scratch: str) -> list[str]:
        """Run large and small stars in turn until a round changes nothing."""
        changed, number = 1, 0
        while changed:
            changed = 0
            for step in ("large", "small"):
                folder = f"{scratch}/{number:03d}-{step}"
                self._run("pipelines.phases.deduplication.near_shuffle:alternate", files, step, folder, edges)
                files = self._arrays(folder)
                reports = sorted(name for name in self.store.names(folder) if name.endswith(".json"))
                changed += sum(self.store.read_json(f"{folder}/{name}")["changed"] for name in reports)
            number += 1
        return files

    def _arrays(self, folder: str) -> list[str]:
        return [f"{folder}/{name}" for name in sorted(self.store.names(folder)) if name.endswith(".npy")]
