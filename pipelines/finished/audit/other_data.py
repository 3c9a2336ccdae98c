"""A data set that glotmill did not make: what can be said of Parquet files alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.staging.store import Store
from schemas.finding import Finding, error, note, warning
from stages.deduplication.exact import normalized_texts
from stages.deduplication.options import ExactDeduplicationConfig
from stages.keys import KEY, hash_keys

CHECK = "parquet"
BATCH_ROWS = 4096
_UNCHECKED = (
    "no manifest, ledger or card facts: what was read, dropped or counted cannot be checked"
)


def other_findings(
    store: Store, paths: Sequence[str], text: str, report: Callable[[str], None]
) -> Iterator[Finding | int]:
    """Look through Parquet files for what no corpus should have; yields findings, and the rows of
    each file."""
    yield note(CHECK, _UNCHECKED)
    schemas: dict[str, pa.Schema] = {}
    ids, texts = [np.empty(0, KEY)], [np.empty(0, KEY)]
    for path in paths:
        report(path)
        try:
            with store.open(path) as stream, pq.ParquetFile(stream) as parquet:
                folder = path.rpartition("/")[0]
                known = schemas.setdefault(folder, parquet.schema_arrow)
                if not known.equals(parquet.schema_arrow, check_metadata=False):
                    yield error(CHECK, "has other columns than the files next to it", path)
                names = parquet.schema_arrow.names
                if text not in names:
                    yield error(
                        CHECK,
                        f"has no column {text!r} but {', '.join(names)}; name it by --text",
                        path,
                    )
                    continue
                empty = 0
                for batch in parquet.iter_batches(
                    BATCH_ROWS, columns=[n for n in ("id", text) if n in names]
                ):
                    values = pc.fill_null(batch[text], "").cast(pa.large_string())
                    empty += int(
                        pc.sum(
                            pc.equal(pc.binary_length(pc.utf8_trim_whitespace(values)), 0)
                        ).as_py()
                        or 0
                    )
                    texts.append(hash_keys(normalized_texts(values, ExactDeduplicationConfig())))
                    if "id" in names:
                        ids.append(hash_keys(batch["id"].cast(pa.large_string())))
                yield parquet.metadata.num_rows
                if empty:
                    yield warning(CHECK, f"has {empty:,} rows without text", path)
        except (OSError, pa.ArrowException, ValueError) as problem:
            yield error(CHECK, f"cannot be read: {' '.join(str(problem).split())[:300]}", path)
    if len(ids) == 1:
        yield note(CHECK, "rows have no id, by which a document could be found again")
    if repeated := _repeated(np.concatenate(ids)):
        yield error(CHECK, f"{repeated:,} rows have an id that an earlier row has")
    if repeated := _repeated(np.concatenate(texts)):
        yield warning(
            CHECK, f"{repeated:,} rows have the same text as an earlier row, but for white space"
        )


def _repeated(keys: npt.NDArray[np.void]) -> int:
    return len(keys) - len(np.unique(keys))
