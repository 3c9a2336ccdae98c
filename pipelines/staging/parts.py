"""Staged documents as they lie on disk: parts of bounded size, in each a row group for each
language and script."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.staging.regrouping import Regrouper
from pipelines.staging.staged import LabelRows, StagedPart
from pipelines.staging.store import Store
from schemas.language import COMMON_SCRIPT, UNDETERMINED

STAGED: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": 1,
    "use_dictionary": False,
    "write_statistics": False,
}


class PartsWriter:
    """Writes `documents-00000.parquet` and so on: parts of `part_bytes` of text, sorted by language
    and script."""

    def __init__(self, store: Store, folder: str, part_bytes: int) -> None:
        self.store, self.folder = store, folder
        self._parts: list[StagedPart] = []
        self._groups = Regrouper("text", part_bytes)

    def add(self, batch: pa.RecordBatch) -> None:
        """Take documents, and write the parts that are full."""
        for part in self._groups.add(batch):
            self._write(part)

    def close(self) -> tuple[StagedPart, ...]:
        """Write the last part, and return all parts for the task's marker."""
        for part in self._groups.flush():
            self._write(part)
        return tuple(self._parts)

    def _write(self, part: pa.Table) -> None:
        languages = pc.fill_null(part["language"], UNDETERMINED)
        scripts = pc.fill_null(part["script"], COMMON_SCRIPT)
        labels = pc.binary_join_element_wise(languages, scripts, "_")
        if len(labels.unique()) > 1:  # else in order as it is, and a long text is not copied
            order = pc.array_sort_indices(labels)  # stable
            part, labels = part.take(order), labels.take(order)
        labels = labels.combine_chunks()
        encoded = pc.run_end_encode(labels)
        runs = []
        name = f"documents-{len(self._parts):05d}.parquet"
        with self.store.writing_parquet(f"{self.folder}/{name}", part.schema, **STAGED) as writer:
            start = 0
            for label, end in zip(
                encoded.values.to_pylist(), encoded.run_ends.to_pylist(), strict=True
            ):
                run = part.slice(start, end - start)
                writer.write_table(run, row_group_size=run.num_rows)
                text_bytes = pc.sum(pc.binary_length(run["text"])).as_py()
                runs.append(LabelRows(label=label, rows=run.num_rows, text_bytes=text_bytes))
                start = end
        self._parts.append(StagedPart(file=name, runs=tuple(runs)))
