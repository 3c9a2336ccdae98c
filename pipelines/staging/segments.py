"""Records by key in files that only grow: what is kept is found again by where it stands, not held
in memory.

A segment is a file of lines of JSON: one record a line, appended in one write, so that a kill loses
no record; a last line that was cut off is left out. Each attempt of a task writes a segment of its
own. In memory are 32 bytes a record, and the last records whole. On an object store, where nothing
can be appended to, a segment is written whole after some records, and all records stay in memory.
"""

from __future__ import annotations

import json
import os
import time
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.staging.store import Store

_RECENT = 4096  # records that stay in memory whole
# records, and their age, after which a segment of an object store is written
_WAITING, _SECONDS = (
    256,
    5.0,
)
_PLACE = np.dtype([("key", "V16"), ("segment", "<i4"), ("length", "<i4"), ("offset", "<i8")])

Record = dict[str, Any]


class Segments:
    """The records of one folder: those of earlier attempts and those that come."""

    def __init__(self, store: Store, folder: str) -> None:
        self.store, self.folder = store, folder
        self._names = sorted(name for name in store.below(folder) if name.startswith("segment-"))
        self._recent: OrderedDict[bytes, Record] = OrderedDict()
        self._new: dict[
            bytes, tuple[int, int, int]
        ] = {}  # (segment, length, offset), not yet among the places
        self._places = np.empty(0, _PLACE)  # sorted by key
        self._file: int | None = None
        self._size = 0
        self._waiting: list[bytes] = []
        self._written = time.monotonic()
        for number in range(len(self._names)):
            self._load(number)
        self._next_segment()

    def __contains__(self, key: bytes) -> bool:
        return key in self._recent or self._place_of(key) is not None

    def get(self, key: bytes) -> Record | None:
        """Return the record of a key, None if there is none."""
        if key in self._recent:
            self._recent.move_to_end(key)
            return self._recent[key]
        place = self._place_of(key)
        return None if place is None else self._read(*place)

    def add(self, key: bytes, record: Record) -> None:
        """Keep a record; where this returns on a local disk, a kill does not lose it."""
        line = (
            json.dumps({"key": key.hex(), **record}, ensure_ascii=False).encode(
                "utf-8", "surrogatepass"
            )
            + b"\n"
        )
        self._remember(key, record)
        if not self.store.local:
            self._waiting.append(line)
            self._new[key] = (len(self._names) - 1, 0, 0)
            if len(self._waiting) >= _WAITING or time.monotonic() - self._written > _SECONDS:
                self.flush()
            return
        if self._file is None:
            path = Path(self.store.full(self._segment))
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        written = 0
        try:
            while written < len(line):  # a disk that is nearly full takes a part of it
                written += os.write(self._file, line[written:])
        except OSError:
            os.ftruncate(self._file, self._size)  # no other line may follow half of this one
            raise
        self._note(key, len(self._names) - 1, len(line), self._size)
        self._size += len(line)

    def keys(self) -> Iterator[bytes]:
        """Yield all keys in order."""
        self._merge()
        for key in self._places["key"]:
            yield key.tobytes()

    def flush(self) -> None:
        """Write what waits for an object store."""
        if self._waiting:
            self.store.write(self._segment, b"".join(self._waiting))
            self._next_segment()
            self._waiting, self._written = [], time.monotonic()

    def close(self) -> None:
        """Write what waits, and close the segment."""
        self.flush()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    @property
    def _segment(self) -> str:
        return f"{self.folder}/{self._names[-1]}"

    def _next_segment(self) -> None:
        self._names.append(f"segment-{len(self._names):05d}.jsonl")

    def _load(self, number: int) -> None:
        offset = 0
        with self.store.open(f"{self.folder}/{self._names[number]}") as file:
            for line in file:
                if line.endswith(b"\n"):
                    record = json.loads(line.decode("utf-8", "surrogatepass"))
                    key = bytes.fromhex(record.pop("key"))
                    self._remember(key, record)
                    self._note(key, number, len(line), offset)
                offset += len(line)

    def _remember(self, key: bytes, record: Record) -> None:
        self._recent[key] = record
        if self.store.local and len(self._recent) > _RECENT:
            self._recent.popitem(last=False)

    def _note(self, key: bytes, segment: int, length: int, offset: int) -> None:
        self._new[key] = (segment, length, offset)
        if len(self._new) >= _RECENT:
            self._merge()

    def _merge(self) -> None:
        if self._new:
            new = np.empty(len(self._new), _PLACE)
            new["key"] = np.frombuffer(b"".join(self._new), "V16")
            new["segment"], new["length"], new["offset"] = np.array(
                list(self._new.values()), np.int64
            ).T
            both = np.concatenate([self._places, new])
            order = np.argsort(np.ascontiguousarray(both["key"]).view("S16"), kind="stable")
            self._places, self._new = both[order], {}

    def _place_of(self, key: bytes) -> tuple[int, int, int] | None:
        if key in self._new:
            return self._new[key]
        if not len(self._places):
            return None
        keys = self._places["key"]
        low, high = 0, len(keys)
        while low < high:  # a search by bytes: NumPy orders no voids
            middle = (low + high) // 2
            if keys[middle].tobytes() < key:
                low = middle + 1
            else:
                high = middle
        if low == len(keys) or keys[low].tobytes() != key:
            return None
        place = self._places[low]
        return int(place["segment"]), int(place["length"]), int(place["offset"])

    def _read(self, segment: int, length: int, offset: int) -> Record:
        if self._file is not None and segment == len(self._names) - 1:
            line = os.pread(self._file, length, offset)
        else:
            with self.store.open(f"{self.folder}/{self._names[segment]}") as file:
                file.seek(offset)
                line = file.read(length)
        record: Record = json.loads(line.decode("utf-8", "surrogatepass"))
        del record["key"]
        return record
