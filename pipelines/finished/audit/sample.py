"""Keep a sample of a corpus's documents while its files are read: of each label those with the
smallest hashes.

Which documents these are depends on their ids alone, not on files, row groups or their order. A
sample of all labels together is bounded, whatever the corpus holds.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

DOCUMENTS = 4000  # about; the embedded models judge about 1,000 documents a second
MOST, LEAST = 100, 10  # of a label
CODE_POINTS = 4000  # kept of a text

_SAMPLE = pa.schema(
    [
        ("key", pa.uint64()),
        ("id", pa.large_string()),
        ("text", pa.large_string()),
        ("made", pa.bool_()),
    ]
)


class Sample:
    """The documents with the smallest keys, by label; `labels` is about how many labels come."""

    def __init__(self, labels: int, documents: int = DOCUMENTS) -> None:
        self.size = min(max(documents // max(labels, 1), LEAST), MOST)
        self._tables: dict[str, pa.Table] = {}

    def add(
        self, label: str, keys: npt.NDArray[np.void], ids: pa.Array, texts: pa.Array, made: pa.Array
    ) -> None:
        """Look at n documents of a label; texts that may be in the sample are copied."""
        known = self._tables.get(label, _SAMPLE.empty_table())
        low = keys["low"]
        full = known.num_rows >= self.size
        limit = known["key"][self.size - 1].as_py() if full else np.iinfo(np.uint64).max
        rows = np.flatnonzero(low <= limit)
        rows = rows[np.argsort(low[rows], kind="stable")[: self.size]]
        if not len(rows):
            return
        places = pa.array(rows)
        columns = {
            "key": pa.array(low[rows]),
            "id": ids.take(places),
            "text": pa.concat_arrays(
                [
                    pc.utf8_slice_codeunits(pc.fill_null(texts.slice(row, 1), ""), 0, CODE_POINTS)
                    for row in rows.tolist()  # a loop over what is sampled: texts may be huge
                ]
            ),
            "made": made.take(places),
        }
        new = pa.table({name: columns[name] for name in _SAMPLE.names}).cast(_SAMPLE)
        together = pa.concat_tables([known, new]).sort_by(
            [("key", "ascending"), ("id", "ascending")]
        )
        self._tables[label] = together.slice(0, self.size).combine_chunks()

    def __iter__(self) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Yield label, and its sampled documents: key, id, text, made."""
        for label, table in sorted(self._tables.items()):
            yield label, table.combine_chunks().to_batches()[0]
