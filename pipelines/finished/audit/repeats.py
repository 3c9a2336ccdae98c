"""Count keys that come again among any number of keys, in memory that does not depend on the number.

Keys are parted by their first byte into files of a temporary folder (16 bytes each), and each file
is sorted alone: of ten million keys about 40,000 are in memory at once.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt

from stages.keys import KEY

_PARTS = 256
_HELD_BYTES = 4 << 20  # gathered before they are parted, so that no write is tiny


class Repeats:
    """Keys that were seen; a context manager, whose end removes the files."""

    def __init__(self) -> None:
        self.seen = 0
        self._folder = tempfile.TemporaryDirectory(prefix="glotmill-audit-")
        self._held: list[npt.NDArray[np.void]] = []

    def __enter__(self) -> Repeats:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._folder.cleanup()

    def add(self, keys: npt.NDArray[np.void]) -> None:
        """Take n KEYs in."""
        self.seen += len(keys)
        self._held.append(keys)
        if sum(part.nbytes for part in self._held) >= _HELD_BYTES:
            self._write()

    def count(self) -> int:
        """Return how many of the keys had been seen before."""
        self._write()
        files = sorted(Path(self._folder.name).iterdir())
        return self.seen - sum(len(np.unique(np.fromfile(file, KEY))) for file in files)

    def _write(self) -> None:
        keys = np.concatenate([np.empty(0, KEY), *self._held])
        self._held = []
        parts = (keys["high"] % _PARTS).astype(np.intp)
        order = np.argsort(parts, kind="stable")
        ends = np.cumsum(np.bincount(parts, minlength=_PARTS))
        for part, own in enumerate(np.split(keys[order], ends[:-1])):
            if len(own):
                with Path(self._folder.name, f"{part:03d}").open("ab") as file:
                    file.write(own.tobytes())
