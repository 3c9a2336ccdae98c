"""What each kept document stands for: itself, and the documents removed for it, whichever stage
removed them.

A document that was kept by one stage and removed by a later one brings along what was removed for
it. Of up to the runner's `max_edges` documents this is found in memory; of more by a shuffle for
each stage, in which a process holds the removed documents of one split:

    removal list of a split    5 for 2, 7 for 2 (which stands for 3 by an earlier stage)
    to the split of the keeper 2: 1 + 3 more
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.catalogue.stages import DUPLICATE_ID
from pipelines.phases.deduplication.key_shuffle import packed
from pipelines.phases.run_context import Run
from pipelines.runners.shuffles import Shuffle
from pipelines.staging.staged import (
    StagedSplit,
    by_split,
    cluster_sizes,
    first_numbers,
    removal_file,
    removals,
    sizes_file,
)
from pipelines.staging.store import Store
from pipelines.staging.tasks import Phase

SIZED = np.dtype([("document", "<u8"), ("size", "<i8")])


def write_cluster_sizes(
    store: Store, staged: Sequence[StagedSplit], phases: Sequence[Phase]
) -> None:
    """Count what each kept document stands for, and write (row, size) for each split that has sizes
    above 1. Holds 32 bytes for each removed document."""
    splits = [split for split in staged if split.documents]
    bases = first_numbers(splits)
    # documents, and how many were removed for each
    nodes, removed_for = (
        np.empty(0, np.uint64),
        np.empty(0, np.int64),
    )
    for phase in phases:
        if phase.stage == DUPLICATE_ID:
            continue  # an id used twice says nothing about the texts
        files = partial(_removal_files, phase)
        edges = [
            (table["row"].to_numpy().astype(np.uint64) + base, table["keeper"].to_numpy())
            for split, base in zip(store.read_ahead(splits, files), bases, strict=False)
            if (table := _duplicates(store, phase, split.name)).num_rows
        ]
        if not edges:
            continue
        removed, keepers = (np.concatenate(ends) for ends in zip(*edges, strict=True))
        brought = np.ones(len(removed), np.int64)
        known = np.isin(removed, nodes)
        brought[known] += removed_for[np.searchsorted(nodes, removed[known])]
        nodes, places = np.unique(np.concatenate([nodes, keepers]), return_inverse=True)
        gained, removed_for = np.concatenate([removed_for, brought]), np.zeros(len(nodes), np.int64)
        np.add.at(removed_for, places, gained)
    for split, places, rows in by_split(nodes, bases):
        store.save_array(
            sizes_file(splits[split].name), np.stack([rows, removed_for[places] + 1], axis=1)
        )


def _removal_files(phase: Phase, split: StagedSplit) -> list[str]:
    return [removal_file(phase, split.name)]


def _duplicates(store: Store, phase: Phase, split: str) -> pa.Table:
    """Read the rows of a split that one phase removed in favour of other documents of this
    corpus."""
    table = removals(store, [phase], split)
    return table.filter(pc.is_valid(table["keeper"]))


class _SendSizes:
    """Number of a split -> (split of the keeper, packed SIZED): what each removed document stands
    for."""

    def __init__(self, store: Store, splits: Sequence[StagedSplit], phase: Phase) -> None:
        self.store, self.splits, self.phase = store, splits, phase
        self.bases = first_numbers(splits)

    def __call__(self, number: int) -> Iterator[tuple[int, bytes]]:
        name = self.splits[number].name
        table = _duplicates(self.store, self.phase, name)
        brought = np.empty(table.num_rows, SIZED)
        brought["document"] = table["keeper"].to_numpy()
        brought["size"] = cluster_sizes(self.store, name, table["row"].to_numpy())
        owners = np.searchsorted(self.bases, brought["document"], side="right") - 1
        yield from packed(brought, owners)


class _AddSizes:
    """(split of the keepers, packed SIZED) -> its sizes, with those that were there before."""

    def __init__(self, store: Store, splits: Sequence[StagedSplit]) -> None:
        self.store, self.splits = store, splits
        self.bases = first_numbers(splits)

    def __call__(self, group: tuple[int, Iterable[bytes]]) -> None:
        number, name = group[0], self.splits[group[0]].name
        brought = np.frombuffer(b"".join(group[1]), SIZED)
        rows = (brought["document"] - self.bases[number]).astype(np.int64)
        known = np.empty((0, 2), np.int64)
        if self.store.exists(sizes_file(name)):
            known = np.asarray(self.store.load_array(sizes_file(name)))
        every, places = np.unique(np.concatenate([known[:, 0], rows]), return_inverse=True)
        gained = np.ones(len(every), np.int64)
        np.add.at(gained, places, np.concatenate([known[:, 1] - 1, brought["size"]]))
        self.store.save_array(sizes_file(name), np.stack([every, gained], axis=1))


def add_sizes(store: Store, splits: Sequence[StagedSplit], phase: Phase) -> Shuffle:
    """Compose the step of one dedup phase: removal lists in, the sizes of each split out."""
    rounds = (_SendSizes(store, splits, phase), _AddSizes(store, splits))
    return Shuffle(range(len(splits)), rounds)


def find_cluster_sizes(run: Run, splits: Sequence[StagedSplit], phases: Sequence[Phase]) -> None:
    """Count what each kept document stands for, anew, and write it for each split."""
    run.store.remove(posixpath.dirname(sizes_file("")))
    if sum(split.documents for split in splits) <= run.runner.max_edges:
        run.function(f"{__name__}:write_cluster_sizes", splits, phases)
        return
    for phase in phases:
        if phase.stage != DUPLICATE_ID:
            run.shuffle(f"{phase.name} sizes", f"{__name__}:add_sizes", splits, phase)
