"""Clusters of more edges than fit into memory: alternating stars, and the stars read off.

1. Large and small stars in turn over packed edges, until a round changes nothing
   (stages.deduplication.components).
2. Each star, a document and the first of its cluster, goes to the split of the document, which
   writes (row, cluster).

    file of stars     (7,2) (9,2)           one document a star, the centre with the first of them
    to the splits     7 -> split 1   9 -> split 1   2 -> split 0
    split 1           (row 1, cluster 2) (row 3, cluster 2)

A process holds the edges of one partition or the clustered documents of one split, and nothing that
grows with the corpus.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from pipelines.phases.deduplication.key_shuffle import packed
from pipelines.phases.deduplication.parcels import Parcel, receive, send
from pipelines.phases.deduplication.shuffle_records import (
    MEMBER,
    PAIR,
    ShuffledSplits,
    shingled_file,
)
from pipelines.runners.shuffles import Shuffle
from pipelines.staging.store import Store
from stages.deduplication.components import both_ways, downwards, large_star, small_star

PARTITION_BYTES = 32 << 20  # of edges in one partition


class _SendEdges:
    """File of edges -> (partition of the node, packed PAIR), as the next step wants them."""

    def __init__(self, store: Store, step: str, partitions: int) -> None:
        self.store, self.arrange, self.partitions = (
            store,
            both_ways if step == "large" else downwards,
            partitions,
        )

    def __call__(self, file: str) -> Iterator[tuple[int, bytes]]:
        pairs = self.arrange(self.store.load_array(file))
        pairs = pairs[pairs[:, 0] != pairs[:, 1]]
        records = np.empty(len(pairs), PAIR)
        records["node"], records["neighbour"] = pairs[:, 0], pairs[:, 1]
        yield from packed(records, (records["node"] % np.uint64(self.partitions)).astype(np.int64))


class _Star:
    """(partition, packed PAIR) -> the edges that one step leaves, as a file, and how many it
    changed, as another."""

    def __init__(self, store: Store, step: str, folder: str) -> None:
        self.store, self.step, self.folder = (
            store,
            large_star if step == "large" else small_star,
            folder,
        )

    def __call__(self, group: tuple[int, Iterable[bytes]]) -> None:
        records = np.frombuffer(b"".join(group[1]), PAIR)
        edges, changed = self.step(np.stack([records["node"], records["neighbour"]], axis=1))
        self.store.save_array(f"{self.folder}/{group[0]:06d}.npy", edges)
        self.store.write_json(f"{self.folder}/{group[0]:06d}.json", {"changed": changed})


def alternate(store: Store, files: Sequence[str], step: str, folder: str, edges: int) -> Shuffle:
    """Compose one step of the alternating algorithm: files of edges in, files of edges in `folder`
    out."""
    partitions = max(1, -(-2 * edges * PAIR.itemsize // PARTITION_BYTES))
    return Shuffle(files, (_SendEdges(store, step, partitions), _Star(store, step, folder)))


class _SendStars:
    """Number of a file of stars -> (split, parcel of MEMBER, whose rows are document numbers)."""

    def __init__(
        self, store: Store, files: Sequence[str], splits: ShuffledSplits, folder: str
    ) -> None:
        self.store, self.files, self.splits, self.folder = store, files, splits, folder

    def __call__(self, number: int) -> Iterator[tuple[int, Parcel]]:
        stars = self.store.load_array(self.files[number])
        centres = np.unique(stars[:, 1])
        members = np.empty(len(stars) + len(centres), MEMBER)
        members["row"] = np.concatenate([stars[:, 0], centres])
        members["cluster"] = np.concatenate([stars[:, 1], centres])
        file = f"{self.folder}-stars/{number:06d}.bin"
        yield from send(
            self.store, number, file, packed(members, self.splits.holding(members["row"]))
        )


class _WriteMembers:
    """(split, parcels of MEMBER) -> the split's members of clusters, each once, and how many."""

    def __init__(
        self, store: Store, splits: ShuffledSplits, folder: str, by_shingles: bool
    ) -> None:
        self.store, self.splits, self.folder = store, splits, folder
        self.by_shingles = by_shingles

    def __call__(self, group: tuple[int, Iterable[Parcel]]) -> None:
        split, name = group[0], self.splits.names[group[0]]
        sent = np.frombuffer(b"".join(receive(self.store, group[1])), MEMBER)
        rows, places = np.unique(sent["row"], return_index=True)
        members = np.empty(len(rows), MEMBER)
        members["row"] = rows - np.uint64(self.splits.bases[split])
        members["cluster"] = sent["cluster"][places]
        self.store.save_array(f"{self.folder}/{name}.npy", members)
        if self.by_shingles:  # all: which are the same shows only where clusters meet
            self.store.save_array(shingled_file(self.folder, name), np.ones(len(rows), np.bool_))
        self.store.write_json(f"{self.folder}-counted/{split:06d}.json", len(rows))


def read_off_stars(
    store: Store, files: Sequence[str], splits: ShuffledSplits, folder: str, by_shingles: bool
) -> Shuffle:
    """Compose the last step: files of stars in; for each split with members of clusters (row,
    cluster) in `folder` out, and how many in `folder`-counted."""
    rounds = (
        _SendStars(store, files, splits, folder),
        _WriteMembers(store, splits, folder, by_shingles),
    )
    return Shuffle(range(len(files)), rounds)
