"""What travels through the shuffles and what is staged for them: packed records, known without
Beam."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from pipelines.staging.staged import StagedSplit, removal_file
from pipelines.staging.store import Store
from pipelines.staging.tasks import Phase, task_folder
from stages.deduplication.near import band_shape
from stages.deduplication.options import KeeperOrder, NearDeduplicationConfig
from stages.keys import KEY

EDGE = np.dtype([("duplicate", "<u8"), ("keeper", "<u8"), ("similarity", "<f8")])
# Where documents meet in a band; an edge as a step of the alternating algorithm sees it; a document
# of a cluster.
MET = np.dtype([("band", "<u8"), ("document", "<u8")])
PAIR = np.dtype([("node", "<u8"), ("neighbour", "<u8")])
# Of a document that has a signature: its row, what is equal for equal shingles, and how many it
# has.
CONTENT = np.dtype([("row", "<u8"), ("content", "<u8"), ("shingles", "<u8")])
MEMBER = np.dtype([("row", "<u8"), ("cluster", "<u8")])
BYTES_A_DOCUMENT = 200  # in a shuffle, as held by the local runner: packed twice, before and after
LARGEST_CLUSTERS = 10  # of each partition, whose sizes and keepers are reported


class KnownSplit(NamedTuple):
    """A file of an index, staged: how many documents, their keys and ids, and the index as the
    recipe names it."""

    name: str
    documents: int
    keys: str
    ids: str
    index_name: str


class ShuffledSplits(NamedTuple):
    """The splits of one shuffle, in the order of their documents' numbers, n of each field but
    `indexes`.

    First come splits of documents known from indexes of earlier corpora, as many as there are
    `indexes`, which name for each the index that it is of. The corpus's own splits follow.
    """

    names: list[str]
    keys: list[str]  # staged, an array for each split
    ids: list[list[str]]  # Parquet files whose column `id` names the documents of each split
    targets: list[str]  # removal lists to write; of known documents none is written
    bases: list[int]  # number of the first document of each split
    documents: int
    indexes: list[str]
    contents: list[str]  # staged, CONTENT of each own split
    # staged while documents are compared by them, where there is room: the hashes, uint64
    shingles: list[str]

    @property
    def known(self) -> int:
        """Return how many documents are known from indexes: the number of the first own one."""
        return [*self.bases, self.documents][len(self.indexes)]

    def holding(self, documents: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        """Return the number of the split that holds each of n documents."""
        return np.searchsorted(np.asarray(self.bases, np.uint64), documents, side="right") - 1


def joined_splits(
    known: Sequence[KnownSplit], own: Sequence[StagedSplit], phase: Phase
) -> ShuffledSplits:
    """Number the documents of indexes and of the corpus's own splits, as one dedup phase shuffles
    them."""
    counts = [split.documents for split in known] + [split.documents for split in own]
    return ShuffledSplits(
        names=[split.name for split in known] + [split.name for split in own],
        keys=[split.keys for split in known] + [keys_file(phase.name, split.name) for split in own],
        ids=[[split.ids] for split in known] + [split.files for split in own],
        targets=[""] * len(known) + [removal_file(phase, split.name) for split in own],
        bases=[0, *np.cumsum(counts).tolist()][:-1],
        documents=sum(counts),
        indexes=[split.index_name for split in known],
        contents=[contents_file(phase.name, split.name) for split in own],
        shingles=[shingles_file(phase.name, split.name) for split in own],
    )


def keys_file(phase: str, split: str) -> str:
    """Name the file of the keys, or signatures, that a dedup phase stages for a split."""
    return f"{task_folder(phase, split)}/keys.npy"


def contents_file(phase: str, split: str) -> str:
    """Name the file of CONTENT that a near deduplication stages for a split."""
    return f"{task_folder(phase, split)}/contents.npy"


def shingles_file(phase: str, split: str) -> str:
    """Name the file of shingles that a near deduplication may stage for a split."""
    return f"{task_folder(phase, split)}/shingles.bin"


def shingled_file(folder: str, split: str) -> str:
    """Name the file that marks the members of clusters whose shingles are compared."""
    return f"{folder}-shingled/{split}.npy"


class KeyFiles(NamedTuple):
    """The staged keys of n splits: their files, the first document number and the name of each."""

    files: Sequence[str]
    bases: Sequence[int]
    names: Sequence[str]


def keyed_dtype(criteria: int) -> np.dtype[Any]:
    """Describe a key of a document, its number (in a staged file: its row), and its preference
    keys, if any."""
    return np.dtype([("key", KEY), ("document", "<u8"), ("preference", "<u8", (criteria,))])


def signature_dtype(config: NearDeduplicationConfig, criteria: int) -> np.dtype[Any]:
    """Describe what a split stages for each document: its row, its preference keys, its signature,
    its script number.

    Documents of one script number, other than 0, are not compared with each other.
    """
    bands, rows = band_shape(config)
    fields = [
        ("row", "<u8"),
        ("preference", "<u8", (criteria,)),
        ("signature", "<u4", (bands * rows,)),
    ]
    return np.dtype([*fields, ("script", "<u4")])


class DedupCounts(BaseModel):
    """What one dedup phase counted, as DedupReport describes it; null is what its kind of stage does
    not count.

    `edges` were found between documents, of which so many were `clustered`; `largest` are clusters,
    each as (number of the keeper, documents).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    edges: int | None = None
    clustered: int | None = None
    compared: int | None = None
    refused: int | None = None
    exhausted_buckets: int | None = None
    rewritten: int | None = None
    removed: int | None = None
    code_points: int | None = None
    largest: tuple[tuple[int, int], ...] = ()


def read_reports(store: Store, folder: str) -> DedupCounts:
    """Add up what the partitions reported: candidates compared and refused, buckets cut short,
    largest clusters."""
    reports = [
        DedupCounts.model_validate(store.read_json(f"{folder}/{name}"))
        for name in sorted(store.names(folder))
    ]
    largest = sorted(
        (entry for report in reports for entry in report.largest), key=lambda e: (-e[1], e[0])
    )
    return DedupCounts(
        compared=sum(report.compared or 0 for report in reports),
        refused=sum(report.refused or 0 for report in reports),
        exhausted_buckets=sum(report.exhausted_buckets or 0 for report in reports),
        largest=tuple(largest[:LARGEST_CLUSTERS]),
    )


class Clustered(NamedTuple):
    """The clusters that a phase found, and the splits that its documents lie in.

    `folder` has the members of clusters, a file for each split with some of the `documents`; `own`
    are the corpus's splits, which come after those of indexes, as the `earlier` phases left them.
    """

    splits: ShuffledSplits
    own: Sequence[StagedSplit]
    earlier: Sequence[Phase]
    folder: str
    documents: int


class Deciding(NamedTuple):
    """How it is decided which document of a cluster stays: so many `criteria` that are staged with
    the signatures, then the `order` of keepers."""

    config: NearDeduplicationConfig
    order: KeeperOrder
    criteria: int
