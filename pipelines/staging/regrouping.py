"""Cut a stream of batches into groups by the sizes of its rows alone, wherever the batches happened
to end.

Files are written in such groups, so that the block size, which is a matter of memory, never shows
in an output.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# counted for each row in addition to its payload, so that empty rows fill a group too
ROW_BYTES = 64


class Regrouper:
    """Collect batches and give back tables that each hold `group_bytes`, cut after the row that
    fills them.

    `payload` names the string or binary column that is measured.
    """

    def __init__(self, payload: str, group_bytes: int) -> None:
        self.payload, self.group_bytes = payload, group_bytes
        self._pending: list[pa.RecordBatch] = []
        self._held = 0

    def add(self, batch: pa.RecordBatch) -> Iterator[pa.Table]:
        """Take n rows, and yield the groups that they complete."""
        lengths = pc.fill_null(pc.binary_length(batch[self.payload]), 0).to_numpy(
            zero_copy_only=False
        )
        ends = np.cumsum(lengths.astype(np.int64) + ROW_BYTES)
        start = 0
        while start < batch.num_rows:
            already = ends[start - 1] if start else 0
            stop = int(np.searchsorted(ends, already + self.group_bytes - self._held)) + 1
            piece = batch.slice(start, min(stop, batch.num_rows) - start)
            self._pending.append(piece)
            self._held += int(ends[start + piece.num_rows - 1] - already)
            start += piece.num_rows
            if self._held >= self.group_bytes:
                yield from self.flush()

    def flush(self) -> Iterator[pa.Table]:
        """Yield what is left, if anything."""
        if self._pending:
            yield pa.Table.from_batches(self._pending)
        self._pending, self._held = [], 0
