"""Which documents are published as `test` and `validation`: a share of groups that must not be
parted.

A group is the documents that a near deduplication stage found candidates for each other and kept:
likeness is not passed on along a chain, so that some of a cluster stay, and they may share most of
their words. What was made from a document goes with it. (Of documents that are equal, or come from
one address, the stages `exact` and `url` leave one.)

The root of a group is its document with the smallest hash of its id; another half of the same hash
(BLAKE2b-128, so that the two are independent) is the group's number, and numbers below a limit are
`test`, the next ones `validation`. So nothing but ids and clusters decides: not the order of the
input, not the number of workers, and a document that is alone keeps its split in every later
version of the corpus. Clusters are found of candidates, which are a few more than the similar ones;
a group that is larger than `LARGEST_GROUP` is `train`, or one template that thousands of pages
share would fill a test set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.catalogue.stages import Recipe
from pipelines.phases.deduplication.kinds import kind_of
from pipelines.phases.run_context import Run
from pipelines.staging.staged import (
    SPLITS,
    RowRun,
    StagedSplit,
    by_split,
    first_numbers,
    splits_file,
)
from pipelines.staging.store import Store
from pipelines.staging.tasks import Phase, Task, TaskResult, Worker
from schemas.card.proof import PublishingGate
from schemas.card.splits import SplitRule
from schemas.model_signals import DOUBTFUL as DOUBTFUL_COLUMN
from schemas.recipe import PublishConfig
from stages.deduplication.components import connected_components
from stages.keys import hash_keys
from stages.proof.strata import COLUMNS, STRATA, strata

LARGEST_GROUP = 100  # documents
TRAIN, VALIDATION, TEST, DOUBTFUL, UNPROVED = range(5)  # places in PUBLISHED_SPLITS
PARENT = "parent"  # in a task's payload: the split that a made one was made of
DOUBTFUL_MARK = DOUBTFUL_COLUMN.name
_ALWAYS_TRAIN = np.iinfo(np.uint64).max  # no limit lies above it

# a document of a group, and the group's number
GROUPED = np.dtype([("row", "<i8"), ("number", "<u8")])


def clusters_folder(phase: Phase) -> str:
    """Name the folder where a near deduplication phase leaves (row, cluster) of each split that has
    some."""
    return f"staging/{phase.name}-clusters/members"


def _groups_file(split: str) -> str:
    return f"staging/publish-groups/{split}.npy"


def numbers_in_split(store: Store, split: str, run: RowRun) -> npt.NDArray[np.uint8]:
    """Look up the published split of each row of a run, as places in PUBLISHED_SPLITS; all `train`
    if none was made."""
    if not store.exists(splits_file(split)):
        return np.zeros(run.rows, np.uint8)
    numbers: npt.NDArray[np.uint8] = store.load_array(splits_file(split))[
        run.first_row : run.first_row + run.rows
    ]
    return numbers


class SplitResult(TaskResult):
    """How many documents got a published split."""

    documents: int


class SplitWorker(Worker[SplitResult]):
    """Writes the published split of every row of one staged split: n bytes."""

    phase = SPLITS
    result = SplitResult

    def __init__(
        self, store: Store, publish: PublishConfig, gate: PublishingGate | None = None
    ) -> None:
        self.store, self.publish, self.gate = store, publish, gate

    def run(self, task: Task) -> SplitResult:
        split = StagedSplit.model_validate(task.payload["split"])
        if task.payload[PARENT]:
            parent = StagedSplit.model_validate(task.payload[PARENT])
            numbers, unproved = self._of_made(split, parent), self._made_of_unproved(split, parent)
        else:
            numbers, unproved = (
                hash_keys(_ids(self.store, split, "id"))["low"].copy(),
                self._unproved(split),
            )
            grouped = self._grouped(split.name)
            numbers[grouped["row"]] = grouped["number"]
        test, both = (
            np.uint64(int(share * 2**64))
            for share in (self.publish.test, self.publish.test + self.publish.validation)
        )
        chosen = np.select([numbers < test, numbers < both], [TEST, VALIDATION], TRAIN).astype(
            np.uint8
        )
        chosen[unproved] = UNPROVED
        chosen[self._doubtful(split)] = DOUBTFUL
        self.store.save_array(splits_file(split.name), chosen)
        return SplitResult(documents=len(chosen))

    def _doubtful(self, split: StagedSplit) -> npt.NDArray[np.bool_]:
        """Tell which documents a stage marked as doubtful; they are published apart, in no other
        split."""
        marks = [np.zeros(0, bool)]
        for table in _present(self.store, split, (DOUBTFUL_MARK,)):
            if DOUBTFUL_MARK in table.schema.names:
                marks.append(pc.fill_null(table[DOUBTFUL_MARK], False).to_numpy())
            else:
                marks.append(np.zeros(table.num_rows, bool))
        return np.concatenate(marks)

    def _unproved(self, split: StagedSplit) -> npt.NDArray[np.bool_]:
        """Tell which documents are of a stratum of doubt that speakers' answers do not prove to be
        in its language."""
        if self.gate is None:
            return np.zeros(split.documents, bool)
        found = [np.zeros(0, bool)]
        for table in _present(self.store, split, ("script", *COLUMNS)):
            labels = pc.binary_join_element_wise(table["language"], table["script"], "_")
            places = pc.index_in(labels, pa.array(self.gate.proved, labels.type))
            # the last where none has judged
            allowed = np.asarray([*self.gate.proved.values(), len(STRATA)], np.int64)
            found.append(
                strata(table) >= allowed[pc.fill_null(places, len(self.gate.proved)).to_numpy()]
            )
        return np.concatenate(found)

    def _made_of_unproved(self, split: StagedSplit, read: StagedSplit) -> npt.NDArray[np.bool_]:
        if self.gate is None:
            return np.zeros(split.documents, bool)
        unproved = _ids(self.store, read, "id").filter(pa.array(self._unproved(read)))
        made: npt.NDArray[np.bool_] = pc.is_in(
            _ids(self.store, split, "parent_id"), unproved
        ).to_numpy(zero_copy_only=False)
        return made

    def _grouped(self, split: str) -> npt.NDArray[np.void]:
        file = _groups_file(split)
        return self.store.load_array(file) if self.store.exists(file) else np.empty(0, GROUPED)

    def _of_made(self, split: StagedSplit, read: StagedSplit) -> npt.NDArray[np.uint64]:
        """Number what was made by its parents, which `read` holds."""
        parents = _ids(self.store, split, "parent_id")
        numbers = hash_keys(parents)["low"].copy()
        grouped = self._grouped(read.name)
        if len(grouped):
            ids = _ids(self.store, read, "id").take(pa.array(grouped["row"]))
            places = pc.index_in(parents, ids)
            numbers[places.is_valid().to_numpy(zero_copy_only=False)] = grouped["number"][
                places.drop_null().to_numpy()
            ]
        return numbers


def _present(store: Store, split: StagedSplit, names: Sequence[str]) -> Iterator[pa.Table]:
    """Read those of some columns that a staged split has, a table for each of its files."""
    for file in split.files:
        with store.open(file) as stream, pq.ParquetFile(stream) as opened:
            present = [name for name in names if name in opened.schema_arrow.names]
            table = opened.read(present, use_threads=False)
        yield table


def _ids(store: Store, split: StagedSplit, name: str) -> pa.Array:
    columns = [store.read_parquet(file, [name])[name] for file in split.files]
    return (
        pa.chunked_array([chunk for column in columns for chunk in column.chunks])
        .cast(pa.large_string())
        .combine_chunks()
    )


def write_groups(store: Store, splits: Sequence[StagedSplit], phases: Sequence[Phase]) -> int:
    """Tie the clusters of all near deduplication phases together, and write GROUPED for each split
    that has some.

    Returns how many groups of at least two documents there are. Holds 76 bytes for each document of
    a cluster.
    """
    bases = first_numbers(splits)
    edges = np.concatenate([np.empty((0, 2), np.uint64), *_stars(store, splits, bases, phases)])
    if not len(edges):
        return 0
    nodes, components = connected_components(edges)
    held = list(by_split(nodes, bases))  # in order, as the nodes are
    keys = np.concatenate(
        [
            hash_keys(_ids(store, splits[split], "id").take(pa.array(rows)))
            for split, _, rows in held
        ]
    )
    order = np.lexsort((keys["low"], keys["high"], components))
    starts = np.flatnonzero(np.diff(components[order], prepend=components.max() + np.uint64(1)))
    sizes = np.diff(np.append(starts, len(order)))
    numbers = np.where(sizes > LARGEST_GROUP, _ALWAYS_TRAIN, keys["low"][order[starts]])
    grouped = np.empty(len(nodes), GROUPED)
    grouped["row"] = np.concatenate([rows for *_, rows in held])
    grouped["number"][order] = np.repeat(numbers, sizes)
    for split, places, _ in held:
        store.save_array(_groups_file(splits[split].name), grouped[places])
    return len(starts)


def _stars(
    store: Store,
    splits: Sequence[StagedSplit],
    bases: npt.NDArray[np.uint64],
    phases: Sequence[Phase],
) -> Iterator[npt.NDArray[np.uint64]]:
    """Yield, for each phase that left clusters, (document, first document of its cluster) of those
    not alone in it."""
    for phase in phases:
        folder = clusters_folder(phase)
        present = store.names(folder)
        documents, clusters = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)]
        for split, base in zip(splits, bases, strict=False):
            if f"{split.name}.npy" in present:
                members = store.load_array(f"{folder}/{split.name}.npy")
                documents.append(members["row"] + base)
                clusters.append(members["cluster"])
        document, cluster = np.concatenate(documents), np.concatenate(clusters)
        _, firsts, places = np.unique(cluster, return_index=True, return_inverse=True)
        edges = np.stack([document, document[firsts][places]], axis=1)
        yield edges[edges[:, 0] != edges[:, 1]]


def split_task(task: Task) -> Task:
    """Return the task of choosing the published split of each document of a staged split, whose
    payload says under PARENT of which one it was made, if it was."""
    split = StagedSplit.model_validate(task.payload)
    payload = {"split": split.model_dump(), PARENT: task.payload.get(PARENT)}
    return Task(name=split.name, weight_bytes=split.documents, payload=payload)


def chooses_splits(recipe: Recipe, gate: PublishingGate | None) -> bool:
    """Say if documents go to several published splits: some are held out, or doubtful ones lie
    apart."""
    publish = recipe.publish
    apart = any(getattr(stage, "doubtful", "keep") == "apart" for stage in recipe.ingest)
    return bool(publish.test or publish.validation) or gate is not None or apart


def choose_splits(
    run: Run,
    read: Sequence[StagedSplit],
    made: Sequence[StagedSplit],
    phases: Sequence[Phase],
    gate: PublishingGate | None = None,
) -> SplitRule | None:
    """Choose the published split of every document, if the recipe asks for any; returns the rule
    for the card.

    `made` are splits of documents made from those of `read`, named after them with an ending;
    `phases` are those of deduplication. `gate` says which strata of doubt are published under their
    label.
    """
    publish = run.recipe.publish
    if not chooses_splits(run.recipe, gate):
        return None
    splits = [split for split in read if split.documents]
    made = [split for split in made if split.documents]  # of some all was turned away
    clustered = any(kind_of(run.recipe, phase.stage).leaves_clusters for phase in phases)
    groups = (
        run.function("pipelines.phases.publish.splits:write_groups", splits, phases)
        if splits
        else 0
    )
    by_name = {split.name: split for split in splits}
    tasks = [split_task(split.task()) for split in splits]
    for split in made:
        payload = split.model_dump() | {PARENT: by_name[split.name.rpartition("-")[0]].model_dump()}
        tasks.append(split_task(split.task().model_copy(update={"payload": payload})))
    run.tasks(SplitWorker(run.store, publish, gate), tasks)
    if not publish.test and not publish.validation:
        return None
    return SplitRule(
        test=publish.test,
        validation=publish.validation,
        groups=groups if clustered else None,
        largest_group=LARGEST_GROUP,
    )
