"""The key shuffle: documents are compared across splits by moving 24 bytes for each, never their
text.

Packed arrays are shuffled three times, each a few large records, one for each (split, partition):

1. (key, document) from the split to the key's partition, where equal keys meet and every duplicate
   finds its keeper;
2. (duplicate, keeper) to the split that holds the keeper, which looks up the keeper's id;
3. (duplicate, keeper's id) to the split that holds the duplicate, which writes its removal list.

A document's number is the place of its row among all staged rows, splits in the plan's order.
Documents known from indexes of earlier corpora come in front, as splits of their own: they may be
keepers and are never duplicates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.phases.deduplication.shuffle_records import EDGE, ShuffledSplits, keyed_dtype
from pipelines.runners.shuffles import Round, Shuffle
from pipelines.staging.staged import REMOVED
from pipelines.staging.store import Store
from schemas.columns import arrange
from stages.keys import first_of_equals

PARTITION_KEYS = 1 << 22  # keys one partition should hold: 100 MB packed, sorted in about a second


def partitions_for(documents: int) -> int:
    return max(1, -(-documents // PARTITION_KEYS))


def packed(
    values: npt.NDArray[Any], destinations: npt.NDArray[np.int64]
) -> Iterator[tuple[int, bytes]]:
    """Group n records by destination and give each destination its records as bytes."""
    order = np.argsort(destinations, kind="stable")
    values, destinations = values[order], destinations[order]
    present, starts = np.unique(destinations, return_index=True)
    for destination, group in zip(present.tolist(), np.split(values, starts[1:]), strict=False):
        yield destination, group.tobytes()


class SendKeys:
    """Split number -> (partition, packed keys) for the keys staged for that split."""

    def __init__(self, store: Store, splits: ShuffledSplits, partitions: int) -> None:
        self.store, self.splits, self.partitions = store, splits, partitions

    def __call__(self, split: int) -> Iterator[tuple[int, bytes]]:
        keyed = np.array(self.store.load_array(self.splits.keys[split]))
        keyed["document"] += np.uint64(self.splits.bases[split])  # a row of the split until here
        yield from packed(
            keyed, (keyed["key"]["high"] % np.uint64(self.partitions)).astype(np.int64)
        )


class FindDuplicates:
    """(partition, packed keys) -> (split of the keeper, packed EDGE); `similarity` is that of equal
    keys."""

    def __init__(self, splits: ShuffledSplits, criteria: int, similarity: float | None) -> None:
        self.splits, self.criteria = splits, criteria
        self.similarity = np.nan if similarity is None else similarity

    def __call__(self, group: tuple[int, Iterable[bytes]]) -> Iterator[tuple[int, bytes]]:
        keyed = np.frombuffer(b"".join(group[1]), keyed_dtype(self.criteria))
        duplicates, keepers = first_of_equals(keyed["key"], keyed["document"], keyed["preference"])
        own = duplicates >= self.splits.known
        duplicates, keepers = duplicates[own], keepers[own]
        edges = np.empty(len(duplicates), EDGE)
        edges["duplicate"], edges["keeper"], edges["similarity"] = (
            duplicates,
            keepers,
            self.similarity,
        )
        yield from packed(edges, self.splits.holding(keepers))


class NameKeepers:
    """(split of the keeper, packed EDGE) -> (split of the duplicate, Arrow stream of REMOVED);
    `threshold` is the least similarity, where it is measured."""

    def __init__(self, store: Store, splits: ShuffledSplits, threshold: float | None) -> None:
        self.store, self.splits = store, splits
        self.threshold = pa.scalar(threshold, pa.float64())

    def __call__(self, group: tuple[int, Iterable[bytes]]) -> Iterator[tuple[int, bytes]]:
        split, packed_edges = group
        bases = self.splits.bases
        edges = np.frombuffer(b"".join(packed_edges), EDGE)
        ids = read_column(self.store, self.splits.ids[split], "id")
        named = ids.take(pa.array(edges["keeper"] - np.uint64(bases[split])))
        for target, places in packed(
            np.arange(len(edges)), self.splits.holding(edges["duplicate"])
        ):
            chosen = np.frombuffer(places, np.int64)
            kept = edges[chosen]
            # not a number becomes null
            value = pa.array(kept["similarity"].copy(), from_pandas=True)
            columns = {
                "row": pa.array((kept["duplicate"] - np.uint64(bases[target])).astype(np.int64)),
                "fate": pa.repeat("duplicate", len(kept)),
                "value": value,
                "threshold": pc.if_else(pc.is_valid(value), self.threshold, None),
                "duplicate_of": named.take(pa.array(chosen)),
            }
            if split < len(self.splits.indexes):
                columns["reason"] = pa.repeat("already_indexed", len(kept))
                columns["detail"] = pa.repeat(
                    f"of the index {self.splits.indexes[split]}", len(kept)
                )
            else:
                columns["reason"] = pa.repeat("duplicate", len(kept))
                columns["keeper"] = pa.array(kept["keeper"] - np.uint64(self.splits.known))
            table = arrange(columns, REMOVED, len(kept))
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, REMOVED) as writer:
                writer.write_table(table)
            yield target, sink.getvalue().to_pybytes()


class WriteRemovals:
    """(split of the duplicates, Arrow streams of REMOVED) -> its removal list, sorted by row, and
    nothing more."""

    def __init__(self, store: Store, targets: Sequence[str]) -> None:
        self.store, self.targets = store, targets

    def __call__(self, group: tuple[int, Iterable[bytes]]) -> None:
        split, streams = group
        table = pa.concat_tables(
            [pa.ipc.open_stream(stream).read_all() for stream in streams]
        ).sort_by("row")
        with self.store.writing_parquet(self.targets[split], REMOVED, compression="zstd") as writer:
            writer.write_table(table)


def read_column(store: Store, files: Sequence[str], name: str) -> pa.ChunkedArray:
    """Read one column of a split's staged parts, in row order."""
    columns = [store.read_parquet(file, [name])[name] for file in files]
    return pa.chunked_array(
        [chunk for column in columns for chunk in column.chunks], columns[0].type
    )


def shuffle_keys(
    store: Store, splits: ShuffledSplits, criteria: int, similarity: float | None
) -> Shuffle:
    """Compose the shuffle: staged keys of each split in, a removal list for each split that has any
    out."""
    sending = SendKeys(store, splits, partitions_for(splits.documents))
    finding = FindDuplicates(splits, criteria, similarity)
    return Shuffle(
        range(len(splits.keys)), (sending, finding, *name_and_write(store, splits, similarity))
    )


def name_and_write(
    store: Store, splits: ShuffledSplits, threshold: float | None
) -> tuple[Round, Round]:
    """Compose the last two rounds: (split of the keeper, packed EDGE) in, removal lists out."""
    return NameKeepers(store, splits, threshold), WriteRemovals(store, splits.targets)
