"""What each kept document stands for: itself, and the documents removed for it, whichever stage
removed them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.catalogue.stages import DUPLICATE_ID
from pipelines.staging.staged import StagedSplit, by_split, first_numbers, removals, sizes_file
from pipelines.staging.store import Store
from pipelines.staging.tasks import Phase


def write_cluster_sizes(
    store: Store, staged: Sequence[StagedSplit], phases: Sequence[Phase]
) -> None:
    """Count what each kept document stands for, and write (row, size) for each split that has sizes
    above 1.

    A document that was kept by one stage and removed by a later one brings along what was removed
    for it.
    """
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
        brought[known] += removed_for[np.searchsorted(nodes, removed[known])]
        nodes, places = np.unique(np.concatenate([nodes, keepers]), return_inverse=True)
        gained, removed_for = np.concatenate([removed_for, brought]), np.zeros(len(nodes), np.int64)
        np.add.at(removed_for, places, gained)
    for split, places, rows in by_split(nodes, bases):
        store.save_array(
            sizes_file(splits[split].name), np.stack([rows, removed_for[places] + 1], axis=1)
        )


def _duplicates(store: Store, phase: Phase, split: str) -> pa.Table:
    """Read the rows of a split that one phase removed in favour of other documents of this
    corpus."""
    table = removals(store, [phase], split)
    return table.filter(pc.is_valid(table["keeper"]))
