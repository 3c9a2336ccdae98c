"""Parcels: what is too much for the memory of a runner goes from worker to worker through storage.

A local runner holds all that a shuffle groups in memory, and more than once. So a worker writes
what it has for all partitions to one file, and the shuffle says of each parcel only where it lies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pipelines.staging.store import Store


class Parcel(NamedTuple):
    """The bytes from `start` to `end` of a file of the store; `order` is its sender's number."""

    order: int
    file: str
    start: int
    end: int


def send(
    store: Store, order: int, file: str, pieces: Iterable[tuple[int, bytes | memoryview]]
) -> Iterator[tuple[int, Parcel]]:
    """Write (partition, bytes) to a file, and say for each partition where its bytes lie."""
    sent = []
    with store.writing(file) as partial, partial.open("wb") as sink:
        for partition, piece in pieces:
            start = sink.tell()
            sink.write(piece)
            sent.append((partition, Parcel(order, file, start, sink.tell())))
    yield from sent


def receive(store: Store, parcels: Iterable[Parcel]) -> Iterator[bytes]:
    """Read parcels in the order of their senders."""
    for parcel in sorted(parcels):
        # by name: file systems differ in the order of these
        yield bytes(store.fs.cat_file(store.full(parcel.file), start=parcel.start, end=parcel.end))
