"""The shuffle of near duplicates: band keys travel, then the signatures of the few documents that
meet.

1. (band key, document) goes to the key's partition. Where documents meet, each is tied to the first
   of them: star edges, written where they were found.
2. The clusters that the edges tie together are found: in memory up to the runner's `max_edges`, by
   alternating stars over packed edges above that (`star_shuffle`).
3. The signatures of the documents of a cluster, what tells which of them is preferred, and the
   shingles of each different one if these are compared, go to the cluster's partition. There it is
   decided which are kept and for which of these the others go (stages.deduplication.keepers). From
   there on it is as with equal keys.

Band keys, signatures and shingles go through storage (`parcels`), since they may be as much as the
texts.

Documents known from indexes of earlier corpora come in front, as splits of their own. Two of them
are not compared, and only those that meet a document of the corpus leave the first step. Having no
text, they are compared by signature.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.phases.deduplication.key_shuffle import name_and_write, packed
from pipelines.phases.deduplication.parcels import Parcel, receive, send
from pipelines.phases.deduplication.shuffle_records import (
    EDGE,
    LARGEST_CLUSTERS,
    MEMBER,
    MET,
    Clustered,
    Deciding,
    DedupCounts,
    ShuffledSplits,
    shingled_file,
    signature_dtype,
)
from pipelines.runners.shuffles import Shuffle
from pipelines.staging.staged import RowRun, SplitAfter, StagedSplit
from pipelines.staging.store import PARTIAL, Store
from stages.deduplication.components import (
    connected_components,
    distinct_edges,
    star_components,
)
from stages.deduplication.keepers import (
    MAX_KEEPERS,
    Removals,
    cluster_sizes,
    preference_keys,
    preference_ranks,
)
from stages.deduplication.near import (
    band_keys,
    band_shape,
    between_contents,
    between_scripts,
    distinct_shingles,
    firsts_of_content,
    known_duplicates,
    meeting_keys,
    near_duplicates,
    shingled_documents,
    similarity_of,
)
from stages.deduplication.options import NearDeduplicationConfig
from stages.deduplication.shingles import Shingles, shingle_hashes

FEW_EDGES = 100_000  # whose clusters are found without SciPy
PARTITION_BYTES = 32 << 20  # of edges or signatures in one partition
MET_BYTES = 16 << 20  # of band keys in one partition, which are sorted in memory
SENT_TOGETHER = 1 << 16  # documents
# of texts whose sort keys are made at once: Polars takes some milliseconds for each block, however
# few texts it has
RANKED_BYTES = 4 << 20


class _SendBands:
    """Split number -> (partition, parcel of MET)."""

    def __init__(
        self, store: Store, splits: ShuffledSplits, config: NearDeduplicationConfig, folder: str
    ) -> None:
        self.store, self.splits, self.config, self.folder = store, splits, config, folder
        self.partitions = max(
            1, -(-splits.documents * band_shape(config)[0] * MET.itemsize // MET_BYTES)
        )

    def __call__(self, split: int) -> Iterator[tuple[int, Parcel]]:
        file = f"{self.folder}-met/{self.splits.names[split]}.bin"
        yield from send(self.store, split, file, self._met(split))

    def _met(self, split: int) -> Iterator[tuple[int, bytes]]:
        staged, base = (
            self.store.load_array(self.splits.keys[split]),
            np.uint64(self.splits.bases[split]),
        )
        for start in range(0, len(staged), SENT_TOGETHER):
            part = staged[start : start + SENT_TOGETHER]
            keys = meeting_keys(part["signature"], self.config)
            met = np.empty(keys.size, MET)
            met["band"] = keys.ravel()
            met["document"] = np.repeat(part["row"] + base, keys.shape[1])
            yield from packed(met, (met["band"] % np.uint64(self.partitions)).astype(np.int64))


class _TieStars:
    """(partition, parcels of MET) -> a file of edges: each document of a bucket with the first of
    the bucket."""

    def __init__(self, store: Store, known: int, folder: str) -> None:
        self.store, self.known, self.folder = store, known, folder

    def __call__(self, group: tuple[int, Iterable[Parcel]]) -> None:
        met = np.frombuffer(b"".join(receive(self.store, group[1])), MET)
        if self.known:
            met = _to_compare(met, self.known)
        order = np.argsort(met["band"])
        bands = met["band"][order]
        later = np.zeros(len(met), bool)  # than the first of the bucket
        later[1:] = bands[1:] == bands[:-1]
        meet = later.copy()
        meet[:-1] |= later[1:]
        if not meet.any():
            return
        documents, starts = met["document"][order[meet]], np.flatnonzero(~later[meet])
        sizes = np.diff(np.append(starts, len(documents)))
        centres = np.repeat(np.minimum.reduceat(documents, starts), sizes)
        edges = np.stack([documents, centres], axis=1)[documents != centres]
        if len(edges):
            self.store.save_array(f"{self.folder}/{group[0]:06d}.npy", distinct_edges(edges))


def _to_compare(met: npt.NDArray[Any], known: int) -> npt.NDArray[Any]:
    """Choose, of MET, the corpus's own documents, and the first known ones of each bucket that has
    such."""
    met = met[np.lexsort((met["document"], met["band"]))]
    begins = np.ones(len(met), bool)
    begins[1:] = met["band"][1:] != met["band"][:-1]
    starts, bucket = np.flatnonzero(begins), begins.cumsum() - 1
    own = met["document"] >= known
    shared = np.bincount(bucket[own], minlength=len(starts)) > 0
    return met[own | (shared[bucket] & (np.arange(len(met)) - starts[bucket] < MAX_KEEPERS))]


def meet_in_bands(
    store: Store, splits: ShuffledSplits, config: NearDeduplicationConfig, folder: str
) -> Shuffle:
    """Compose step 1: staged signatures of each split in, files of edges in `folder` out."""
    rounds = (_SendBands(store, splits, config, folder), _TieStars(store, splits.known, folder))
    return Shuffle(range(len(splits.keys)), rounds)


def write_clusters(
    store: Store, files: Sequence[str], shuffled: ShuffledSplits, folder: str, by_shingles: bool
) -> int:
    """Find the clusters and write, for each split that has some, (row, cluster); returns how many
    documents these are.

    If documents are compared by their shingles, those whose shingles are to be made again are
    marked in a file more. All edges are held in memory; `star_shuffle` does the same without.
    """
    edges = np.concatenate([np.empty((0, 2), np.uint64), *map(store.load_array, files)])
    edges = distinct_edges(edges)  # a pair meets in many bands
    few = len(edges) <= FEW_EDGES
    nodes, clusters = star_components(edges)[0] if few else connected_components(edges)
    splits = shuffled.holding(nodes)
    contents = np.zeros(len(nodes), np.uint64)
    for split in np.unique(splits).tolist():
        own = splits == split
        members = np.empty(int(own.sum()), MEMBER)
        members["row"], members["cluster"] = (
            nodes[own] - np.uint64(shuffled.bases[split]),
            clusters[own],
        )
        store.save_array(f"{folder}/{shuffled.names[split]}.npy", members)
        if by_shingles:
            contents[own] = _contents(store, shuffled, split, members["row"])
    if by_shingles:
        shingled = shingled_documents(clusters, contents)
        for split in np.unique(splits).tolist():
            store.save_array(
                shingled_file(folder, shuffled.names[split]), shingled[splits == split]
            )
    return len(nodes)


def _contents(
    store: Store, shuffled: ShuffledSplits, split: int, rows: npt.NDArray[np.uint64]
) -> npt.NDArray[np.uint64]:
    """Read the contents of some rows of a split; zeros for documents of an index, which have no
    shingles."""
    if split < len(shuffled.indexes):
        return np.zeros(len(rows), np.uint64)
    staged = store.load_array(shuffled.contents[split - len(shuffled.indexes)])
    found: npt.NDArray[np.uint64] = staged["content"][np.searchsorted(staged["row"], rows)]
    return found


class _SendMembers:
    """Split number -> (cluster partition, parcel of its clusters' documents as an Arrow stream)."""

    def __init__(
        self,
        store: Store,
        clustered: Clustered,
        how: Deciding,
        partitions: int,
    ) -> None:
        self.store, self.partitions = store, partitions
        self.splits, self.own, self.earlier, self.clusters, _ = clustered
        self.config, self.order, _ = how

    def __call__(self, split: int) -> Iterator[tuple[int, Parcel]]:
        file = f"{self.clusters}-signed/{self.splits.names[split]}.arrow"
        yield from send(self.store, split, file, self._streams(split))

    def _streams(self, split: int) -> Iterator[tuple[int, memoryview]]:
        members = self.store.load_array(f"{self.clusters}/{self.splits.names[split]}.npy")
        staged = self.store.load_array(self.splits.keys[split])
        staged = staged[np.searchsorted(staged["row"], members["row"])]
        by_shingles = self.config.verify == "shingles"
        contents = (
            _contents(self.store, self.splits, split, members["row"])
            if by_shingles
            else members["cluster"]
        )
        rows = members["row"].astype(np.int64)
        shingles = self._shingles(split, rows)
        preference = np.hstack([staged["preference"], self._preference(split, rows)])
        table = pa.table(
            {
                "cluster": members["cluster"],
                "document": members["row"] + np.uint64(self.splits.bases[split]),
                "preference": _fixed_binary(preference),
                "signature": _fixed_binary(staged["signature"]),
                "script": staged["script"],
                "content": contents,
                "shingles": shingles,
            }
        )
        destinations = (members["cluster"] % np.uint64(self.partitions)).astype(np.int64)
        for partition in np.unique(destinations).tolist():
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(
                    table
                    if self.partitions == 1
                    else table.filter(pa.array(destinations == partition))
                )
            yield partition, memoryview(sink.getvalue())

    def _preference(self, split: int, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
        """Make the sort keys (n, k) of n rows by the order of keepers: of few documents, those that
        met others. Zeros, preferred to everything, for documents of an index."""
        keys = np.zeros((len(rows), self.order.sort_keys), np.uint64)
        number = split - len(self.splits.indexes)
        if number >= 0 and keys.size:
            staged = self.own[number]
            chosen = _by_run(staged, rows, np.arange(len(rows)))
            read = self._read(staged, rows, chosen, self.order.columns)
            for runs, block in _joined(read, RANKED_BYTES):
                places = np.concatenate([chosen[run] for run in runs])
                keys[places] = preference_keys(block, self.order)
        return keys

    def _shingles(self, split: int, rows: npt.NDArray[np.int64]) -> pa.Array:
        """Read the distinct shingles of some of the rows, or make them again, if they are to be
        compared by them."""
        of_index = split < len(self.splits.indexes)
        if of_index or self.config.verify != "shingles":
            return pa.nulls(len(rows), pa.large_list(pa.uint64()))
        shingled = self.store.load_array(shingled_file(self.clusters, self.splits.names[split]))
        counts, hashes = np.zeros(len(rows), np.int64), [np.empty(0, np.uint64)]
        number = split - len(self.splits.indexes)
        staged = self.own[number]
        chosen = _by_run(staged, rows, np.flatnonzero(shingled))
        kept = self.store.local and self.store.exists(self.splits.shingles[number])
        for run, made in (
            self._kept(number, rows, chosen) if kept else self._made_again(staged, rows, chosen)
        ):
            distinct = distinct_shingles(made)
            counts[chosen[run]] = np.diff(distinct.offsets)
            hashes.append(distinct.hashes)
        return pa.LargeListArray.from_arrays(np.append(0, counts.cumsum()), np.concatenate(hashes))

    def _kept(
        self,
        number: int,
        rows: npt.NDArray[np.int64],
        chosen: Mapping[RowRun, npt.NDArray[np.int64]],
    ) -> Iterator[tuple[RowRun, Shingles]]:
        """Read the shingles of chosen rows from where they were staged, a run at a time."""
        staged = self.store.load_array(self.splits.contents[number])
        offsets = np.append(0, staged["shingles"].cumsum()).astype(np.int64)
        with Path(self.store.full(self.splits.shingles[number])).open("rb") as file:
            hashes = _mapped(file, "<u8")
        for run, places in chosen.items():
            at = np.searchsorted(staged["row"], rows[places].astype(np.uint64))
            starts, ends = offsets[at], offsets[at + 1]
            # A loop over documents: each is a piece of the file.
            pieces = [
                hashes[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
            ]
            yield run, Shingles(np.concatenate(pieces), np.append(0, (ends - starts).cumsum()))

    def _made_again(
        self,
        staged: StagedSplit,
        rows: npt.NDArray[np.int64],
        chosen: Mapping[RowRun, npt.NDArray[np.int64]],
    ) -> Iterator[tuple[RowRun, Shingles]]:
        """Make the shingles of chosen rows again from their texts, a run at a time."""
        for run, block in self._read(staged, rows, chosen, ["text"]):
            yield run, shingle_hashes(block, self.config.word_shingle, self.config.grapheme_shingle)

    def _read(
        self,
        staged: StagedSplit,
        rows: npt.NDArray[np.int64],
        chosen: Mapping[RowRun, npt.NDArray[np.int64]],
        columns: Sequence[str],
    ) -> Iterator[tuple[RowRun, pa.RecordBatch]]:
        """Read columns of chosen rows, a run at a time."""
        for run, table in SplitAfter(self.store, staged, self.earlier).runs(columns, list(chosen)):
            taken = table.take(pa.array(rows[chosen[run]] - run.first_row))
            yield run, taken.combine_chunks().to_batches()[0]


def _joined(
    blocks: Iterable[tuple[RowRun, pa.RecordBatch]], min_bytes: int
) -> Iterator[tuple[list[RowRun], pa.RecordBatch]]:
    """Join the blocks of runs that follow each other until they have so many bytes."""
    runs: list[RowRun] = []
    waiting: list[pa.RecordBatch] = []
    for run, block in blocks:
        runs.append(run)
        waiting.append(block)
        if sum(each.nbytes for each in waiting) >= min_bytes:
            yield runs, pa.concat_batches(waiting)
            runs, waiting = [], []
    if runs:
        yield runs, pa.concat_batches(waiting)


def _by_run(
    staged: StagedSplit, rows: npt.NDArray[np.int64], places: npt.NDArray[np.int64]
) -> dict[RowRun, npt.NDArray[np.int64]]:
    """Group some of n ascending rows, given by their places, by the runs that hold them."""
    ends = np.searchsorted(
        rows[places], [[run.first_row, run.first_row + run.rows] for run in staged.runs]
    )
    return {
        run: places[start:end]
        for run, (start, end) in zip(staged.runs, ends.tolist(), strict=True)
        if start < end
    }


def _fixed_binary(values: npt.NDArray[Any]) -> pa.Array:
    """Turn an (n, k) array into n binaries of k numbers each."""
    width = values.dtype.itemsize * values.shape[1]
    kind = pa.binary(max(width, 1))
    content = np.ascontiguousarray(values).tobytes() or bytes(len(values))
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(content)])


class _Members(NamedTuple):
    """Documents of some clusters, ascending: signatures (n, slots) and shingles lie on disk, mapped
    into memory."""

    documents: npt.NDArray[np.uint64]
    preference: npt.NDArray[np.uint64]
    scripts: npt.NDArray[np.uint32]
    signatures: npt.NDArray[np.uint32]
    shingles: (
        Shingles  # of those that are the first of their content in a cluster of several contents
    )
    # the place of the first document of the cluster with the same content
    firsts: npt.NDArray[np.int64]


def _read_members(store: Store, streams: Iterable[bytes], criteria: int) -> _Members:
    """Lay the documents of a partition out in flat arrays; by split, the streams ascend.

    A partition holds whole clusters, so that a template which a million documents share makes a
    large one. Only some bytes of each document are in memory then; the rest is on disk, and only
    read where documents are compared.
    """
    kept: dict[str, list[npt.NDArray[Any]]] = {
        name: [] for name in ("document", "script", "cluster", "content", "preference", "count")
    }
    folder = store.full(PARTIAL) if store.local else None
    with (
        tempfile.TemporaryFile(dir=folder) as signatures,
        tempfile.TemporaryFile(dir=folder) as hashes,
    ):
        for table in (pa.ipc.open_stream(stream).read_all() for stream in streams):
            rows = table.num_rows
            signature = _numbers(table["signature"], np.dtype("<u4"), rows)
            slots = signature.shape[1]
            signatures.write(signature.data)
            lists = table["shingles"].combine_chunks()
            hashes.write(lists.flatten().to_numpy().data)
            for name in ("document", "script", "cluster", "content"):
                kept[name].append(table[name].to_numpy())
            none = np.empty((rows, 0), np.uint64)
            kept["preference"].append(
                _numbers(table["preference"], np.dtype("<u8"), rows) if criteria else none
            )
            kept["count"].append(
                pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
            )
        documents, scripts, clusters, contents, preference, counts = map(
            np.concatenate, kept.values()
        )
        offsets = np.append(0, counts.cumsum())
        return _Members(
            documents,
            preference,
            scripts,
            _mapped(signatures, "<u4").reshape(len(documents), slots),
            Shingles(_mapped(hashes, "<u8"), offsets),
            firsts_of_content(clusters, contents),
        )


def _mapped(file: IO[bytes], kind: str) -> npt.NDArray[Any]:
    """Map a file of numbers into memory; it may be closed and removed then."""
    file.flush()
    if not file.seek(0, os.SEEK_END):
        return np.empty(0, kind)
    return np.asarray(np.memmap(file, kind, "r"))


class _DecideClusters:
    """(cluster partition, parcels of documents) -> (split of the keeper, packed EDGE); writes what
    it counted."""

    def __init__(
        self,
        store: Store,
        splits: ShuffledSplits,
        config: NearDeduplicationConfig,
        criteria: int,
        folder: str,
    ) -> None:
        self.store, self.splits, self.config, self.criteria, self.folder = (
            store,
            splits,
            config,
            criteria,
            folder,
        )

    def __call__(self, group: tuple[int, Iterable[Parcel]]) -> Iterator[tuple[int, bytes]]:
        members = _read_members(self.store, receive(self.store, group[1]), self.criteria)
        keys = band_keys(members.signatures, self.config)
        stay, decided = np.arange(len(keys)), list[Removals]()
        edges = [np.empty(0, EDGE)]
        if known := int(np.searchsorted(members.documents, self.splits.known)):
            found = self._of_known(members, keys, known)
            edges.append(_edges(members.documents, found))
            stay = np.delete(stay, np.concatenate([stay[:known], found.removed]))
            decided.append(found)
        found = self._of_own(members, keys, stay)
        documents = members.documents[stay]
        self._report(group[0], documents, [*decided, found])
        edges.append(_edges(documents, found))
        together = np.concatenate(edges)
        yield from packed(together, self.splits.holding(together["keeper"]))

    def _of_known(self, members: _Members, keys: npt.NDArray[np.void], known: int) -> Removals:
        """Decide which documents go for one of an index; these come first, and have signatures
        only."""
        config = self.config
        if config.verify == "shingles":
            config = config.model_copy(update={"verify": "signature"})
        similarity = between_scripts(
            similarity_of(members.signatures, None, config), members.scripts
        )
        return known_duplicates(keys, known, similarity, config)

    def _of_own(
        self, members: _Members, keys: npt.NDArray[np.void], stay: npt.NDArray[np.int64]
    ) -> Removals:
        """Decide which documents of the corpus, those that `stay`, go for another one of these."""
        ranks = (
            preference_ranks(members.preference[stay]) if self.criteria else np.arange(len(stay))
        )
        shingles = members.shingles if self.config.verify == "shingles" else None
        similarity = similarity_of(members.signatures, shingles, self.config)
        if shingles is not None:
            similarity = between_contents(similarity, members.firsts)
        similarity = between_scripts(similarity, members.scripts)
        return near_duplicates(
            (keys[stay] if len(stay) < len(keys) else keys),
            ranks,
            lambda left, right: similarity(stay[left], stay[right]),
            self.config,
        )

    def _report(
        self,
        partition: int,
        documents: npt.NDArray[np.uint64],
        decided: Sequence[Removals],
    ) -> None:
        """Write what was counted, and the largest clusters of what was decided last, of the corpus's
        own documents."""
        keepers, sizes = cluster_sizes(decided[-1])
        largest = np.lexsort((documents[keepers], -sizes))[:LARGEST_CLUSTERS]
        counted = DedupCounts(
            compared=sum(found.compared for found in decided),
            refused=sum(found.refused for found in decided),
            exhausted_buckets=sum(found.exhausted for found in decided),
            largest=tuple(
                (int(documents[keepers[i]]) - self.splits.known, int(sizes[i])) for i in largest
            ),
        )
        self.store.write_json(f"{self.folder}/{partition:06d}.json", counted.model_dump())


def _edges(documents: npt.NDArray[np.uint64], found: Removals) -> npt.NDArray[Any]:
    edges = np.empty(len(found.removed), EDGE)
    edges["duplicate"], edges["keeper"] = documents[found.removed], documents[found.keepers]
    edges["similarity"] = found.similarities
    return edges


def _numbers(column: pa.ChunkedArray, kind: np.dtype[Any], rows: int) -> npt.NDArray[Any]:
    array = column.combine_chunks()
    width = array.type.byte_width
    buffer = memoryview(array.buffers()[1])[array.offset * width : (array.offset + rows) * width]
    return np.frombuffer(buffer, kind).reshape(rows, width // kind.itemsize)


def decide(store: Store, clustered: Clustered, how: Deciding, folder: str) -> Shuffle:
    """Compose step 3: clusters and signatures in, a removal list for each split that has any out;
    what was counted in `folder`."""
    splits, config = clustered.splits, how.config
    present = store.names(clustered.folder)
    with_clusters = [number for number, name in enumerate(splits.names) if f"{name}.npy" in present]
    criteria = how.criteria + how.order.sort_keys
    size = signature_dtype(config, criteria).itemsize
    if config.verify == "shingles":  # about eight bytes for each word
        text_bytes = sum(run.text_bytes for split in clustered.own for run in split.runs)
        size += text_bytes // sum(split.documents for split in clustered.own)
    partitions = max(1, -(-clustered.documents * size // PARTITION_BYTES))
    return Shuffle(
        with_clusters,
        (
            _SendMembers(store, clustered, how, partitions),
            _DecideClusters(store, splits, config, criteria, folder),
            *name_and_write(store, splits, config.threshold),
        ),
    )
