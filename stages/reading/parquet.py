"""Read Parquet: a document a row, split by row groups, columns passed through as Arrow has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.source import HubSource, ParquetSource
from schemas.split import InputFile, InputSplit
from stages.reading.files import shortened
from stages.reading.records import decode_strings, failed_record, make_records, record_schema
from stages.reading.streams import open_file

TabularSource = ParquetSource | HubSource

_BATCH_BYTES = 8 << 20  # about how much text is decoded at once
_BATCH_ROWS = 8192
_READ_BYTES = 1 << 20  # a column chunk is read through a buffer of this size, never as a whole


def plan(source: TabularSource, files: Sequence[InputFile], split_bytes: int) -> Iterator[InputSplit]:
    """Split by row groups, consecutive ones together up to `split_bytes` uncompressed; no rows, no split."""
    for file in files:
        with open_file(file.location) as opened:
            footer = pq.read_metadata(opened)
        sizes = [footer.row_group(group).total_byte_size for group in range(footer.num_row_groups)]
        start = 0
        while start < len(sizes):
            end, size_bytes = start + 1, sizes[start]
            while end < len(sizes) and size_bytes + sizes[end] <= split_bytes:
                size_bytes += sizes[end]
                end += 1
            yield InputSplit(
                source=source.name, **file.model_dump(), start=start, end=end, size_bytes=max(size_bytes, 0)
            )
            start = end


def problems(source: TabularSource, files: Sequence[InputFile]) -> list[str]:
    """List, from the footers alone, which cannot be read and which columns are missing or mistyped."""
    found: list[str] = []
    kept_types: dict[str, pa.DataType] = {}
    for file in files:
        try:
            with open_file(file.location) as opened:
                schema = pq.read_schema(opened)
        except PermissionError:
            found.append(f"{file.path}: no permission to read it")
            continue
        except (pa.ArrowException, OSError) as error:
            found.append(f"{file.path}: not a readable Parquet file: {' '.join(str(error).split())}")
            continue
        for name, column in source.columns.mapped().items():
            kind = _type_of(schema, column)
            if kind is None:
                found.append(
                    f"{file.path}: no column {column!r} for {name}; it has {', '.join(map(repr, schema.names))}"
                )
            elif not _fits(name, kind):
                found.append(f"{file.path}: column {column!r} must be {_wanted(name)} for {name}, got {kind}")
        for column in source.keep:
            if column not in schema.names:
                found.append(f"{file.path}: no column {column!r} to keep; it has {', '.join(map(repr, schema.names))}")
            elif kept_types.setdefault(column, schema.field(column).type) != schema.field(column).type:
                found.append(
                    f"{file.path}: kept column {column!r} must be of one type in all files, "
                    f"got {schema.field(column).type} after {kept_types[column]}"
                )
    return shortened(found)


def read(split: InputSplit, source: TabularSource) -> Iterator[pa.RecordBatch]:
    """Yield the records of the split's row groups, in order; position is the row number in the file.

    A row group that cannot be decoded becomes one failed record at its first row that was not delivered, and the next
    goes on.
    """
    with open_file(split.location) as opened:
        footer = pq.read_metadata(opened)
        file_schema = footer.schema.to_arrow_schema()
        schema = record_schema(file_schema.field(name) for name in source.keep)
        wanted = {**source.columns.mapped(), **{name: name for name in source.keep}}
        column_names = sorted(
            {name if name in file_schema.names else name.split(".")[0] for name in wanted.values()},
            key=file_schema.names.index,
        )
        groups = range(split.start, split.end)
        file = pq.ParquetFile(
            opened,
            metadata=footer,
            read_dictionary=_dictionary_columns(footer, groups),
            buffer_size=_READ_BYTES,
            pre_buffer=False,
        )
        position = sum(footer.row_group(group).num_rows for group in range(split.start))
        for group in groups:
            rows = footer.row_group(group).num_rows
            delivered = 0
            batches = file.iter_batches(_batch_rows(footer.row_group(group)), [group], column_names, use_threads=False)
            while True:
                try:
                    batch = next(batches, None)
                except (pa.ArrowException, OSError) as error:
                    if isinstance(error, OSError) and (error.errno is not None or type(error) is not OSError):
                        raise  # the store's trouble; Arrow's own errors of decoding are bare
                    words = (
                        f"broken_stream: rows {position + delivered} to {position + rows - 1} of row group {group} "
                        f"cannot be decoded: {' '.join(str(error).split())[:200]}"
                    )
                    yield failed_record(schema, source, split.path, position + delivered, words)
                    break
                if batch is None:
                    break
                for rows_at_once in _slices(batch):
                    yield _records(rows_at_once, position + delivered, wanted, schema, split, source)
                    delivered += rows_at_once.num_rows
            position += rows


def _batch_rows(group: pq.RowGroupMetaData) -> int:
    average_bytes = group.total_byte_size // max(group.num_rows, 1)
    return max(1, min(_BATCH_ROWS, _BATCH_BYTES // max(average_bytes, 1)))


def _dictionary_columns(footer: pq.FileMetaData, groups: range) -> list[str]:
    """Name the columns with dictionary pages, where one value may stand for thousands of rows: they stay encoded."""
    names = set()
    for group in groups:
        row_group = footer.row_group(group)
        for number in range(row_group.num_columns):
            chunk = row_group.column(number)
            if chunk.has_dictionary_page and chunk.physical_type == "BYTE_ARRAY":
                names.add(chunk.path_in_schema)
    return sorted(names)


def _slices(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Cut a batch so that its dictionary columns, once written out, take about _BATCH_BYTES or are a single row."""
    total = np.zeros(batch.num_rows, np.int64)
    for values in batch.columns:
        if pa.types.is_dictionary(values.type):
            lengths = pc.fill_null(pc.binary_length(values.dictionary).take(values.indices), 0)
            total += lengths.to_numpy(zero_copy_only=False).astype(np.int64)
    ends = np.cumsum(total)
    start = 0
    while start < batch.num_rows:
        consumed = int(ends[start - 1]) if start else 0
        end = max(start + 1, int(np.searchsorted(ends, consumed + _BATCH_BYTES, side="right")))
        yield batch.slice(start, end - start)
        start = end


def _field(schema: pa.Schema, column: str) -> list[str]:
    """Return where a column lies: its name, or the names of a struct and of the field within it."""
    return [column] if column in schema.names else column.split(".")


def _type_of(schema: pa.Schema, column: str) -> pa.DataType | None:
    first, *rest = _field(schema, column)
    if first not in schema.names:
        return None
    kind = schema.field(first).type
    for name in rest:
        if not pa.types.is_struct(kind) or kind.get_field_index(name) < 0:
            return None
        kind = kind.field(name).type
    return kind


def _wanted(name: str) -> str:
    return {"id": "a string or an integer", "date": "a string, a date or a timestamp"}.get(name, "a string")


def _fits(name: str, kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    stringy = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    others = {"id": (pa.types.is_integer,), "date": (pa.types.is_date, pa.types.is_timestamp)}.get(name, ())
    return any(test(kind) for test in (*stringy, *others))


def _records(
    batch: pa.RecordBatch,
    position: int,
    wanted: dict[str, str],
    schema: pa.Schema,
    split: InputSplit,
    source: TabularSource,
) -> pa.RecordBatch:
    """Turn rows of the file into records; a value that is not UTF-8 fails its row."""
    columns: dict[str, Any] = {}
    error: pa.Array = pa.nulls(batch.num_rows, pa.string())
    for name, column in wanted.items():
        first, *rest = _field(batch.schema, column)
        values = batch[first]
        for key in rest:
            values = pc.struct_field(values, key)
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        if name not in source.keep or pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            strings, undecodable = decode_strings(_as_strings(values))
            if undecodable.any():
                error = pc.if_else(pa.array(undecodable), f"invalid_encoding: {column!r} is not UTF-8", error)
                if name == "text":
                    columns["raw"] = pc.if_else(pa.array(undecodable), values.cast(pa.large_binary()), None)
            values = strings
        columns[name] = values
    return make_records(
        schema,
        source,
        split.path,
        np.arange(position, position + batch.num_rows),
        error=error,
        **columns,
    )


def _as_strings(values: pa.Array) -> pa.Array:
    """Write numbers, dates (ISO 8601) and times (ISO 8601, to the second) as strings; leave strings and bytes alone."""
    if pa.types.is_timestamp(values.type):
        zone = "" if values.type.tz is None else "Z"
        if zone:
            values = values.cast(pa.timestamp(values.type.unit, "UTC"))
        return pc.strftime(pc.floor_temporal(values, unit="second").cast(pa.timestamp("s")), f"%Y-%m-%dT%H:%M:%S{zone}")
    if pa.types.is_integer(values.type) or pa.types.is_date(values.type):
        return values.cast(pa.string())
    return values
