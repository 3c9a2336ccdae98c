"""Hold records of any number of documents in memory that does not depend on the number.

Records are parted, by a key or by the file that they are about, into PARTS files of a temporary
folder, and each part is looked at alone. Of ten million keys about 40,000 are in memory at once.
What is smaller than HELD_BYTES is not written at all.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stages.keys import KEY

PARTS = 256
HELD_BYTES = 4 << 20  # gathered before they are parted, so that no write is tiny
Records = npt.NDArray[np.void]
# a document by the key of its id, in the file of a number, with a further number: row or label
PLACED = np.dtype([*KEY.descr, ("file", "<i4"), ("number", "<i8")])


def placed(keys: Records, file: int | npt.NDArray[np.int64], numbers: object) -> Records:
    """Make n PLACED records."""
    records = np.empty(len(keys), PLACED)
    records["high"], records["low"] = keys["high"], keys["low"]
    records["file"], records["number"] = file, numbers
    return records


class Parted:
    """Records of one kind, parted by the field `by`; the folder goes with the object."""

    def __init__(self, kind: np.dtype[np.void], by: str = "low") -> None:
        self.kind, self.by, self.size = kind, by, 0
        self._held: list[Records] = []
        self._held_bytes = 0
        self._folder: Path | None = None
        self._in_memory: list[Records] | None = None  # by part, where nothing was written

    def add(self, records: Records) -> None:
        """Take n records in."""
        self.size += len(records)
        self._held.append(records)
        self._held_bytes += records.nbytes
        self._in_memory = None
        if self._held_bytes >= HELD_BYTES:
            self._write()

    def part(self, number: int) -> Records:
        """Return the records of a part, in the order in which they came."""
        if self._folder is None:
            if self._in_memory is None:
                self._in_memory = self._parts()
            return self._in_memory[number]
        self._write()
        file = self._folder / f"{number:03d}"
        return np.fromfile(file, self.kind) if file.exists() else np.empty(0, self.kind)

    def __iter__(self) -> Iterator[Records]:
        """Yield the parts that hold anything, in order."""
        for number in range(PARTS if self.size else 0):
            if len(part := self.part(number)):
                yield part

    def by_file(self) -> Iterator[tuple[int, Records]]:
        """Yield the records of each file, by its number, where they are parted by it."""
        for part in self:
            for number in np.unique(part[self.by]).tolist():
                yield number, part[part[self.by] == number]

    def _parts(self) -> list[Records]:
        records = np.concatenate([np.empty(0, self.kind), *self._held])
        numbers = (records[self.by] % PARTS).astype(np.intp)
        order = np.argsort(numbers, kind="stable")
        ends = np.cumsum(np.bincount(numbers, minlength=PARTS))
        return np.split(records[order], ends[:-1])

    def _write(self) -> None:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="glotmill-audit-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        for number, own in enumerate(self._parts()):
            if len(own):
                with (self._folder / f"{number:03d}").open("ab") as file:
                    file.write(own.tobytes())
        self._held, self._held_bytes = [], 0


class KeptKeys:
    """The keys of a file's ids, in order, as they lie in a temporary file."""

    def __init__(self, folder: KeyFile, start: int) -> None:
        self._folder, self._start, self._rows = folder, start, 0

    def __len__(self) -> int:
        return self._rows

    def append(self, keys: Records) -> None:
        """Take n more keys; no other file's may have come since."""
        self._folder.write(keys)
        self._rows += len(keys)

    def load(self) -> Records:
        """Read all keys."""
        return self._folder.read(self._start, self._rows)


class KeyFile:
    """Keys of many files, one file after another, on disk."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="glotmill-audit-")  # noqa: SIM115 - closed with us
        weakref.finalize(self, self._file.close)
        self._rows = 0

    def begin(self) -> KeptKeys:
        """Begin the keys of a file."""
        return KeptKeys(self, self._rows)

    def write(self, keys: Records) -> None:
        self._file.seek(self._rows * KEY.itemsize)
        self._file.write(keys.tobytes())
        self._rows += len(keys)

    def read(self, start: int, rows: int) -> Records:
        self._file.seek(start * KEY.itemsize)
        return np.frombuffer(self._file.read(rows * KEY.itemsize), KEY)


def same(some: Records, others: Records) -> npt.NDArray[np.bool_]:
    """Tell which of n records have the key of the other at their place."""
    equal: npt.NDArray[np.bool_] = some["high"] == others["high"]
    return equal & (some["low"] == others["low"])


def repeated(keys: Parted) -> int:
    """Count the KEYs that came before."""
    return keys.size - sum(len(np.unique(part)) for part in keys)
