"""How often to repeat what is published: a sampling weight for each cluster size of a language.

One pass over removal lists and cluster sizes counts, for each language and size, the documents that
deduplication left, and those of them that a stage then dropped for another reason. The rule
(stages.deduplication.rehydration) makes weights of the counts; they are staged for the shards, and
shown on the card.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.phases.run_context import Run
from pipelines.staging.staged import (
    StagedSplit,
    cluster_sizes,
    removals,
    splits_ahead,
)
from pipelines.staging.store import Store
from pipelines.staging.tasks import Phase
from schemas.card.duplicates import SamplingWeights, SizeWeight
from schemas.language import parse_label
from stages.deduplication.rehydration import by_removal_rate, by_size

_COUNTED = ("published", "dropped")

# (sizes, 3): cluster size, documents published, documents dropped; sizes ascending
Counted = npt.NDArray[np.int64]


def weights_file(label: str) -> str:
    return f"staging/sampling-weights/{label}.npy"


def write_sampling_weights(
    run: Run,
    staged: Sequence[StagedSplit],
    phases: Sequence[Phase],
    published_after: Sequence[Phase] | None = None,
) -> SamplingWeights | None:
    """Weigh the cluster sizes of each label that has published documents, if the recipe asks for
    weights.

    Weights are of what `phases` left; the documents that are counted next to them are those that
    are left after all of `published_after`, so that a withdrawal changes no weight.
    """
    rule = run.recipe.publish.sampling_weight
    if rule is None:
        return None
    by_label = {}
    store = run.store.remembering()
    left = _count_sizes(store, staged, phases if published_after is None else published_after)
    for label, counted in sorted(_count_sizes(store, staged, phases).items()):
        sizes, published, dropped = counted.T
        if published.any():
            weights = (
                by_size(sizes)
                if rule == "cluster_size"
                else by_removal_rate(published + dropped, dropped)
            )
            run.store.save_array(weights_file(label), np.stack([sizes, weights], axis=1))
            counted[:, 1] = left[label][:, 1]  # the sizes are the same: each document is counted
            by_label[label] = _ranges(counted, weights)
    return SamplingWeights(rule=rule, by_label=by_label)


def sampling_weights(
    store: Store, label: str, sizes: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Look up the weights of n published documents of a label by their cluster sizes."""
    known = store.load_array(weights_file(str(parse_label(label))))
    weights: npt.NDArray[np.int64] = known[np.searchsorted(known[:, 0], sizes), 1]
    return weights


def _count_sizes(
    store: Store, staged: Sequence[StagedSplit], phases: Sequence[Phase]
) -> dict[str, Counted]:
    """Count published and dropped documents by cluster size, for each label; duplicates and
    failures are neither."""
    counted: dict[str, Counted] = {}
    for split in splits_ahead(store, staged, phases):
        removed = removals(store, phases, split.name)
        fates = np.zeros(split.documents, np.int64)  # 0 published, 1 dropped, -1 neither
        places = pc.index_in(removed["fate"], pa.array(_COUNTED)).fill_null(-1)
        fates[removed["row"].to_numpy()] = places.to_numpy()
        sizes = cluster_sizes(store, split.name, np.arange(split.documents))
        for run in split.runs:
            own = slice(run.first_row, run.first_row + run.rows)
            left = fates[own] >= 0
            values, indices = np.unique(sizes[own][left], return_inverse=True)
            table = np.zeros((len(values), 3), np.int64)
            table[:, 0] = values
            np.add.at(table, (indices, 1 + fates[own][left]), 1)
            label = str(parse_label(run.label))
            counted[label] = _added(counted[label], table) if label in counted else table
    return counted


def _added(left: Counted, right: Counted) -> Counted:
    sizes, indices = np.unique(np.concatenate([left[:, 0], right[:, 0]]), return_inverse=True)
    total = np.zeros((len(sizes), 3), np.int64)
    np.add.at(total, indices, np.concatenate([left, right]))
    total[:, 0] = sizes
    return total


def _ranges(counted: Counted, weights: npt.NDArray[np.int64]) -> tuple[SizeWeight, ...]:
    """Put neighbouring sizes of the same weight together."""
    starts = np.flatnonzero(np.diff(weights, prepend=-1))
    ends = np.append(starts[1:], len(weights)) - 1
    sums = np.add.reduceat(counted[:, 1:], starts)
    return tuple(
        SizeWeight(
            least_size=least,
            greatest_size=greatest,
            documents=published,
            removed=dropped,
            weight=weight,
        )
        for least, greatest, (published, dropped), weight in zip(
            counted[starts, 0].tolist(),
            counted[ends, 0].tolist(),
            sums.tolist(),
            weights[starts].tolist(),
            strict=True,
        )
    )
