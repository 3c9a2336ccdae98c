"""What flows between stages: blocks of documents, kept and rejected rows, and the guard around a
stage.

A stage is a pure function on one block (a `pyarrow.RecordBatch`). A map returns a block of the same
rows in the same order, or `Changed` if it counts what it changed; a filter returns `Filtered(kept,
rejected)`. `run_stages` applies a chain of them to a block and accounts for every row: a row that
makes a stage raise is isolated by halving the block, and comes back as failed while the rest goes
on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from schemas.card.versions import ModelVersion
from schemas.ledger import REJECTION

if TYPE_CHECKING:
    import polars as pl

_PLANE = 1 << 16  # code points


class StageConfig(BaseModel):
    """Options of one stage: frozen, unknown keys refused, written to the manifest and card as they
    are.

    They answer for themselves: what files they name, what models the stage needs, where in a recipe
    it can stand.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    def at_home(self, base: str) -> Self:
        """Make the paths that are relative absolute: they start from the folder `base`, that of the
        recipe."""
        return self

    def named_models(self, base: str) -> Iterable[ModelVersion]:
        """Name the models, tables and libraries that decide what the stage does, once they were
        loaded.

        Raises OSError, ValueError or ImportError, with a line for each that cannot be loaded.
        """
        return ()

    def misplaced(self, part: str, before: Sequence[str]) -> Iterator[str]:
        """Say what is wrong with a place in the recipe's `part`, after stages of these names."""
        yield from ()

    def named_labels(self) -> Iterable[str]:
        """Name the labels (`language_Script`) that the options mention; documents must be able to
        get each of them."""
        return ()

    def require_engines(self, kept: Sequence[str]) -> None:
        """Raise ImportError if an engine is missing for documents that may come; `kept` are their
        labels, if known."""


def located(path: str, base: str) -> str:
    """Make a path absolute, if it is relative to the folder `base` and no address of a store."""
    return path if "://" in path or "::" in path else str(Path(base, path))


def file_version(name: str, path: str) -> ModelVersion:
    """Name a file that decides what a stage does as the recipe does, with its sha256."""
    return ModelVersion(
        name=name, version="file", sha256=hashlib.sha256(Path(path).read_bytes()).hexdigest()
    )


class Filtered(NamedTuple):
    """A filter's answer: the rows kept, and the rows rejected with the REJECTION columns after
    their own."""

    kept: pa.RecordBatch
    rejected: pa.RecordBatch


class FilteredAndChanged(NamedTuple):
    """The answer of a filter that also changes what it keeps: kept and rejected rows, and CHANGE
    rows."""

    kept: pa.RecordBatch
    rejected: pa.RecordBatch
    changes: pa.Table


class Changed(NamedTuple):
    """A map's answer that counts what it changed: the same rows, and CHANGE rows."""

    batch: pa.RecordBatch
    changes: pa.Table


StageFunction = Callable[
    [pa.RecordBatch], "pa.RecordBatch | Filtered | FilteredAndChanged | Changed"
]


class BoundStage(NamedTuple):
    """A stage with its options and models bound: what a worker runs."""

    name: str
    function: StageFunction


class Outcome(NamedTuple):
    """What became of a block: `kept`, and for each stage that turned rows away, those rows with
    their reasons.

    Rows in = rows kept + rows rejected + rows failed. Blocks of `rejected` and `failed` carry the
    columns they had on entering the stage, then the REJECTION columns. `changes` are (stage, CHANGE
    rows).
    """

    kept: pa.RecordBatch
    rejected: list[pa.RecordBatch]
    failed: list[pa.RecordBatch]
    changes: list[tuple[str, pa.Table]]


class RowError(ValueError):
    """A row that a stage cannot do, for a reason with a name; `reason` is a short snake_case
    word."""

    def __init__(self, reason: str, words: str) -> None:
        super().__init__(words)
        self.reason = reason


class Measured(NamedTuple):
    """What was measured of n rejected rows, and the limit that it is beyond; a scalar holds for all
    rows."""

    value: pa.Array | None = None
    threshold: float | pa.Array | None = None


NOT_MEASURED = Measured()


def reject(
    batch: pa.RecordBatch,
    stage: str,
    reason: str | pa.Array,
    measured: Measured = NOT_MEASURED,
    detail: str | pa.Array | None = None,
) -> pa.RecordBatch:
    """Append the REJECTION columns to n rejected rows; a scalar holds for all of them, null where
    not given."""

    def filled(given: object, field: pa.Field) -> pa.Array:
        if isinstance(given, pa.Array | pa.ChunkedArray):
            return given.cast(field.type)
        return pa.repeat(pa.scalar(given, field.type), batch.num_rows)

    columns = [
        filled(given, field)
        for given, field in zip((stage, reason, *measured, detail), REJECTION, strict=True)
    ]
    return pa.RecordBatch.from_arrays(
        [*batch.columns, *columns], schema=pa.schema([*batch.schema, *REJECTION])
    )


def require_utf8(table: pa.Table, path: str) -> None:
    """Raise ValueError if a text of a file is not UTF-8, which Arrow's readers do not look at."""
    try:
        table.validate(full=True)
    except pa.ArrowInvalid as problem:
        where = str(problem).split(": ")[-1]
        raise ValueError(f"{path} is not UTF-8: {where}; save it as UTF-8") from None


def set_columns(batch: pa.RecordBatch, **columns: pa.Array) -> pa.RecordBatch:
    """Replace the named columns, keeping their fields (type, description) and every other column
    untouched."""
    for name, values in columns.items():
        position = batch.schema.get_field_index(name)
        field = batch.schema.field(position)
        batch = batch.set_column(position, field, values.cast(field.type))
    return batch


def changed_code_points(old: pl.Series, new: pl.Series) -> int:
    """Count the code points in which n pairs of texts differ, as CHANGE defines it."""
    same = old.str.len_chars() == new.str.len_chars()
    total = int(np.count_nonzero(code_points(old.filter(same)) != code_points(new.filter(same))))
    if not same.all():
        change = _tally(code_points(new.filter(~same))) - _tally(code_points(old.filter(~same)))
        total += int(max(change[change > 0].sum(), -change[change < 0].sum()))
    return total


def code_points(texts: pl.Series) -> npt.NDArray[np.uint32]:
    """Decode n texts without nulls, one after the other."""
    strings = texts.to_arrow().cast(pa.large_string())
    offsets, data = strings.buffers()[1:]
    if data is None or not len(strings):
        return np.zeros(0, np.uint32)
    first, last = np.frombuffer(offsets, np.int64)[[strings.offset, strings.offset + len(strings)]]
    return np.frombuffer(str(memoryview(data)[first:last], "utf-8").encode("utf-32-le"), np.uint32)


def _tally(points: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    """Count each code point, by its lowest 17 bits: what lies beyond the first two planes is
    rare."""
    return np.bincount(points & (2 * _PLANE - 1), minlength=2 * _PLANE)


def run_stages(block: pa.RecordBatch, stages: Sequence[BoundStage]) -> Outcome:
    """Run a chain of stages over one block and account for every row of it."""
    outcome = Outcome(block, [], [], [])
    for stage in stages:
        if block.num_rows == 0:
            break
        parts = _guarded(block, stage, outcome)
        # Arrow copies even a single batch to concatenate it.
        block = (
            parts[0]
            if len(parts) == 1
            else pa.concat_batches(parts)
            if parts
            else block.slice(0, 0)
        )
    return outcome._replace(kept=block)


def _guarded(block: pa.RecordBatch, stage: BoundStage, outcome: Outcome) -> list[pa.RecordBatch]:
    """Apply a stage; if it raises, halve the block until the rows that make it raise stand
    alone."""
    try:
        result = stage.function(block)
    except (MemoryError, KeyboardInterrupt, OSError, ImportError):
        raise  # the machine's trouble, not the row's
    except Exception as error:
        # The one place that catches everything: whatever a stage trips over is that row's fate, in
        # the ledger.
        if block.num_rows == 1:
            reason = error.reason if isinstance(error, RowError) else "error"
            outcome.failed.append(reject(block, stage.name, reason, detail=error_line(error)))
            return []
        middle = block.num_rows // 2
        return _guarded(block.slice(0, middle), stage, outcome) + _guarded(
            block.slice(middle), stage, outcome
        )
    rejected = 0
    if isinstance(result, Filtered | FilteredAndChanged):
        kept, rejected = result.kept, result.rejected.num_rows
        if rejected:
            outcome.rejected.append(result.rejected)
        if isinstance(result, FilteredAndChanged):
            outcome.changes.append((stage.name, result.changes))
    elif isinstance(result, Changed):
        kept = result.batch
        outcome.changes.append((stage.name, result.changes))
    else:
        kept = result
    if kept.num_rows + rejected != block.num_rows:
        raise AssertionError(
            f"stage {stage.name} lost rows: {block.num_rows} in, {kept.num_rows} kept, {rejected} rejected"
        )
    return [kept]


def error_line(error: BaseException) -> str:
    """Write an exception as one line of at most 500 characters, for the ledger.

    >>> error_line(ValueError("first\\nlast"))
    'ValueError: last'
    """
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[-1]}"[:500] if lines else type(error).__name__
