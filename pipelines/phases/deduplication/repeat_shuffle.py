"""The shuffle that finds frequent keys: which keys enough documents have, sent to the splits that
hold them.

1. (key, document) goes from the split to the key's partition, where those of enough documents are
   found;
2. (key, first document that has it) goes to each split that has the key, which writes what it
   received.

Documents may have many keys, so only a slice of all keys goes through at a time, as many as the
memory is for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from pipelines.phases.deduplication.key_shuffle import PARTITION_KEYS, packed
from pipelines.phases.deduplication.shuffle_records import KeyFiles, keyed_dtype
from pipelines.runners.shuffles import Shuffle
from pipelines.staging.store import Store
from stages.deduplication.lines import FREQUENT, frequent_keys, look_up


class _SendSlice:
    """Split number -> (partition, packed keys) for the keys of one slice."""

    def __init__(
        self,
        store: Store,
        keys: KeyFiles,
        part: tuple[int, int],
        partitions: int,
    ) -> None:
        self.store, self.keys, self.part, self.partitions = store, keys, part, partitions

    def __call__(self, split: int) -> Iterator[tuple[int, bytes]]:
        staged = self.store.load_array(self.keys.files[split])
        number, slices = self.part
        part, rest = np.divmod(staged["key"]["high"], np.uint64(slices))[::-1]
        chosen = part == number
        keyed = np.array(staged[chosen])
        keyed["document"] += np.uint64(self.keys.bases[split])
        yield from packed(keyed, (rest[chosen] % np.uint64(self.partitions)).astype(np.int64))


class _FindFrequent:
    """(partition, packed keys) -> (split, packed FREQUENT) for each split that has some of them."""

    def __init__(self, bases: Sequence[int], min_documents: int) -> None:
        self.bases, self.min_documents = bases, min_documents

    def __call__(self, group: tuple[int, Iterable[bytes]]) -> Iterator[tuple[int, bytes]]:
        keyed = np.frombuffer(b"".join(group[1]), keyed_dtype(0))
        frequent = frequent_keys(keyed["key"], keyed["document"], self.min_documents)
        place, hit = look_up(keyed["key"], frequent["key"])
        splits = np.searchsorted(self.bases, keyed["document"][hit], side="right") - 1
        places = np.sort(splits * len(frequent) + place[hit])  # (split, place) as one number
        places = places[
            np.concatenate([np.ones(min(len(places), 1), bool), places[1:] != places[:-1]])
        ]
        if len(places):
            yield from packed(frequent[places % len(frequent)], places // len(frequent))


class _WriteFrequent:
    """(split, packed FREQUENT) -> a file of them."""

    def __init__(self, store: Store, names: Sequence[str], folder: str) -> None:
        self.store, self.names, self.folder = store, names, folder

    def __call__(self, group: tuple[int, Iterable[bytes]]) -> None:
        frequent = np.frombuffer(b"".join(sorted(group[1])), FREQUENT)
        self.store.save_array(f"{self.folder}/{self.names[group[0]]}.npy", frequent)


def find_frequent(
    store: Store, keys: KeyFiles, min_documents: int, part: tuple[int, int], folder: str
) -> Shuffle:
    """Compose both steps for one slice of the keys, (number, of how many)."""
    total = sum(len(store.load_array(file)) for file in keys.files)
    partitions = max(1, -(-total // (part[1] * PARTITION_KEYS)))
    return Shuffle(
        range(len(keys.files)),
        (
            _SendSlice(store, keys, part, partitions),
            _FindFrequent(keys.bases, min_documents),
            _WriteFrequent(store, keys.names, folder),
        ),
    )
