"""Read Parquet: a document a row, split by row groups, kept columns as `written_type` writes them.

Where some files of a source cannot be read, each becomes one failed record and the others are read.
If none can be read, the source is not what the recipe says, and nothing runs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.column_types import bytes_type, widened, written_type
from schemas.source import HubSource, ParquetSource
from schemas.split import InputFile, InputSplit
from stages.reading.files import shortened, whole_file_split
from stages.reading.records import (
    Unreadable,
    decode_strings,
    failed_record,
    lost_rows,
    make_records,
    record_schema,
)
from stages.reading.streams import open_file

TabularSource = ParquetSource | HubSource

_BATCH_BYTES = 8 << 20  # about how much text is decoded at once
_BATCH_ROWS = 8192
_READ_BYTES = 1 << 20  # a column chunk is read through a buffer of this size, never as a whole


def plan(
    source: TabularSource, files: Sequence[InputFile], split_bytes: int
) -> Iterator[InputSplit]:
    """Split by row groups, consecutive ones together up to `split_bytes` uncompressed; no rows, no
    split.

    A file that cannot be read is a split by itself, whose reading says what is wrong.
    """
    for file in files:
        footer = _footer(file, source)
        if isinstance(footer, str):
            yield whole_file_split(source.name, file)
            continue
        sizes = [
            max(footer.row_group(group).total_byte_size, 0)
            for group in range(footer.num_row_groups)
        ]
        start = 0
        while start < len(sizes):
            end, size_bytes = start + 1, sizes[start]
            while end < len(sizes) and size_bytes + sizes[end] <= split_bytes:
                size_bytes += sizes[end]
                end += 1
            yield InputSplit(
                source=source.name, **file.model_dump(), start=start, end=end, size_bytes=size_bytes
            )
            start = end


def problems(source: TabularSource, files: Sequence[InputFile]) -> list[str]:
    """List, from the footers alone, which columns are missing or mistyped, and what is wrong if no
    file can be read."""
    found: list[str] = []
    unreadable: list[str] = []
    kept: dict[str, pa.DataType] = {}
    for file in files:
        footer = _footer(file, source)
        if isinstance(footer, str):
            unreadable.append(f"{file.path}: {footer}")
            continue
        schema = footer.schema.to_arrow_schema()
        names = ", ".join(map(repr, schema.names))
        for name, column in source.columns.mapped().items():
            kind = _type_of(schema, column)
            if kind is None:
                found.append(f"{file.path}: no column {column!r} for {name}; it has {names}"[:500])
            elif not _fits(name, kind):
                found.append(
                    f"{file.path}: column {column!r} must be {_wanted(name)} for {name}, got {kind}"
                )
        for column in source.keep:
            if column not in schema.names:
                found.append(f"{file.path}: no column {column!r} to keep; it has {names}"[:500])
                continue
            kind = written_type(schema.field(column).type)
            common = widened(kept.setdefault(column, kind), kind)
            if common is None:
                found.append(
                    f"{file.path}: kept column {column!r} must be of one type in all files, "
                    f"got {kind} after {kept[column]}"
                )
            elif refusal := _unkeepable(footer, column):
                found.append(f"{file.path}: column {column!r} cannot be kept: {refusal}")
            kept[column] = common or kept[column]
    return shortened(found) + (shortened(unreadable) if len(unreadable) == len(files) else [])


def kept_types(source: TabularSource, files: Sequence[InputFile]) -> dict[str, pa.DataType]:
    """Return the type of each kept column, in all files that can be read together; the files agree
    on one."""
    kept: dict[str, pa.DataType] = {}
    for file in files:
        footer = _footer(file, source)
        if not isinstance(footer, str):
            schema = footer.schema.to_arrow_schema()
            for column in source.keep:
                kind = written_type(schema.field(column).type)
                kept[column] = widened(kept.get(column, kind), kind) or kind
    return kept


def _footer(file: InputFile, source: TabularSource) -> pq.FileMetaData | str:
    """Read a file's footer, or say why the file cannot be read. The store's own errors are
    raised."""
    try:
        with open_file(file.location) as opened:
            footer = pq.read_metadata(opened)
        names = footer.schema.to_arrow_schema().names
    except (
        pa.ArrowException,
        OSError,
        ValueError,
        OverflowError,
    ) as error:  # ValueError: text that is not UTF-8
        if _is_of_the_store(error):
            raise
        return f"not a readable Parquet file: {' '.join(str(error).split())[:200] or type(error).__name__}"
    wanted = {
        _field(names, column)[0] for column in (*source.columns.mapped().values(), *source.keep)
    }
    if twice := [name for name in sorted(wanted) if names.count(name) > 1]:
        return f"its {footer.num_rows} rows have {names.count(twice[0])} columns {twice[0]!r}, of which none is the one"
    if any(footer.row_group(group).num_rows < 0 for group in range(footer.num_row_groups)):
        return "not a readable Parquet file: a row group has less than no rows"
    if any(
        _has_nulls(footer, column) is None
        for column in source.keep
        if _is_fixed_size(footer, column)
    ):
        return "not a readable Parquet file: who looks at its statistics is ended"
    return footer


def _is_of_the_store(error: Exception) -> bool:
    """Tell trouble of the store from Arrow's own errors of decoding, which are bare OSErrors."""
    return isinstance(error, OSError) and (error.errno is not None or type(error) is not OSError)


def _unkeepable(footer: pq.FileMetaData, column: str) -> str:
    """Say why a column cannot be kept, which else would end the run at its card; empty if it can
    be."""
    kind = footer.schema.to_arrow_schema().field(column).type
    if _holds(
        kind, lambda inner: pa.types.is_list_view(inner) or pa.types.is_large_list_view(inner)
    ):
        return f"{kind} is not read; write it as a list"
    # Arrow writes and does not read them: "Expected all lists to be of size=2 but index 3 had
    # size=0".
    if _is_fixed_size(footer, column) and _has_nulls(footer, column):
        return f"{kind} with nulls is not read; write it as a list"
    try:
        pa.nulls(1, kind).cast(written_type(kind))
    except (pa.ArrowException, NotImplementedError) as error:
        return " ".join(str(error).split())[:200]
    return ""


def _is_fixed_size(footer: pq.FileMetaData, column: str) -> bool:
    schema = footer.schema.to_arrow_schema()
    return column in schema.names and _holds(schema.field(column).type, pa.types.is_fixed_size_list)


def _has_nulls(footer: pq.FileMetaData, column: str) -> bool | None:
    """Tell whether a column holds nulls, or may, by its statistics; None if a process that looks at
    them is ended.

    pyarrow 25 ends the process over statistics that contradict each other, so another one looks.
    """
    number = os.fork()
    if number:
        ended = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
        return bool(ended) if ended >= 0 else None
    found = 1  # what cannot be looked at may hold nulls
    try:
        with open(os.devnull, "wb") as nothing:  # noqa: PTH123
            os.dup2(nothing.fileno(), 2)  # last words of the library
        groups = [footer.row_group(group) for group in range(footer.num_row_groups)]
        chunks = [group.column(place) for group in groups for place in range(group.num_columns)]
        own = [chunk.statistics for chunk in chunks if chunk.path_in_schema.split(".")[0] == column]
        found = int(any(statistics is None or statistics.null_count for statistics in own))
    finally:
        os._exit(found)


def _holds(kind: pa.DataType, test: Callable[[pa.DataType], bool]) -> bool:
    """Tell whether a type is, or has within it, one that passes the test."""
    if isinstance(kind, pa.BaseExtensionType):
        return _holds(kind.storage_type, test)
    return test(kind) or any(
        _holds(kind.field(number).type, test) for number in range(kind.num_fields)
    )


def read(split: InputSplit, source: TabularSource) -> Iterator[pa.RecordBatch]:
    """Yield the records of the split's row groups, in order; position is the row number in the
    file.

    Of a row group that cannot be decoded each row that was not delivered becomes a failed record,
    and the next group goes on. A file whose footer cannot be read is one failed record.
    """
    footer = _footer(split.files[0], source)
    if isinstance(footer, str):
        unreadable = Unreadable(0, f"broken_stream: {footer}")
        yield failed_record(record_schema(), source, split.path, unreadable)
        return
    end = footer.num_row_groups if split.end < 0 else min(split.end, footer.num_row_groups)
    groups = range(split.start, end)
    file_schema = footer.schema.to_arrow_schema()
    schema = record_schema(
        pa.field(name, written_type(file_schema.field(name).type)) for name in source.keep
    )
    column_names = sorted(
        {_field(file_schema.names, column)[0] for column in _wanted_columns(source).values()},
        key=file_schema.names.index,
    )
    position = sum(footer.row_group(group).num_rows for group in range(split.start))
    with open_file(split.location) as opened:
        for group in groups:
            rows = footer.row_group(group).num_rows
            delivered = 0
            try:
                # Each row group by a reader of its own: what one breaks does not reach the next.
                file = pq.ParquetFile(
                    opened,
                    metadata=footer,
                    read_dictionary=_dictionary_columns(footer, range(group, group + 1)),
                    buffer_size=_READ_BYTES,
                    pre_buffer=False,
                )
                batches = file.iter_batches(
                    _batch_rows(footer.row_group(group)), [group], column_names, use_threads=False
                )
                del file
                for batch in batches:
                    batch = _validated(batch)
                    slices = _slices(batch)
                    if delivered + batch.num_rows >= rows:
                        batches.close()  # with the pages that were decoded, which a long text does not need twice
                    del batch
                    while slices:
                        records = _records(
                            slices.pop(0), position + delivered, schema, split, source
                        )
                        delivered += records.num_rows
                        yield records
            except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
                if _is_of_the_store(error):
                    raise
                words = (
                    f"broken_stream: rows {position + delivered} to {position + rows - 1} of row group {group} "
                    f"cannot be decoded: {' '.join(str(error).split())[:200] or type(error).__name__}"
                )
                yield from lost_rows(
                    schema, source, split.path, range(position + delivered, position + rows), words
                )
            position += rows


def rows_of(split: InputSplit) -> range:
    """Return which rows of its file a split holds, by the footer."""
    with open_file(split.location) as opened:
        footer = pq.read_metadata(opened)
    ends = np.cumsum(
        [0, *(footer.row_group(group).num_rows for group in range(footer.num_row_groups))]
    ).tolist()
    return range(ends[split.start], ends[split.end])


def _validated(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Refuse a batch that would be read from other memory, as by an index outside its dictionary;
    one with strings that are not UTF-8 comes back with bytes for all strings."""
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid:
        columns = [values.view(bytes_type(values.type)) for values in batch.columns]
        batch = pa.RecordBatch.from_arrays(columns, batch.schema.names)
        batch.validate(full=True)
    return batch


def _batch_rows(group: pq.RowGroupMetaData) -> int:
    average_bytes = group.total_byte_size // max(group.num_rows, 1)
    return max(1, min(_BATCH_ROWS, _BATCH_BYTES // max(average_bytes, 1)))


def _dictionary_columns(footer: pq.FileMetaData, groups: range) -> list[str]:
    """Name the columns with dictionary pages, where one value may stand for thousands of rows: they
    stay encoded."""
    names = set()
    for group in groups:
        row_group = footer.row_group(group)
        for number in range(row_group.num_columns):
            chunk = row_group.column(number)
            if chunk.has_dictionary_page and chunk.physical_type == "BYTE_ARRAY":
                names.add(chunk.path_in_schema)
    return sorted(names)


def _slices(batch: pa.RecordBatch) -> list[pa.RecordBatch]:
    """Cut a batch so that its dictionary columns, once written out, take about _BATCH_BYTES or are
    a single row."""
    total = np.zeros(batch.num_rows, np.int64)
    for values in batch.columns:
        if pa.types.is_dictionary(values.type):
            lengths = pc.fill_null(pc.binary_length(values.dictionary).take(values.indices), 0)
            total += lengths.to_numpy(zero_copy_only=False).astype(np.int64)
    ends = np.cumsum(total)
    slices = []
    start = 0
    while start < batch.num_rows:
        consumed = int(ends[start - 1]) if start else 0
        end = max(start + 1, int(np.searchsorted(ends, consumed + _BATCH_BYTES, side="right")))
        slices.append(batch.slice(start, end - start))
        start = end
    return slices


def _field(names: Sequence[str], column: str) -> list[str]:
    """Return where a column lies: its name, or the names of a struct and of the field within it."""
    return [column] if column in names else column.split(".")


def _type_of(schema: pa.Schema, column: str) -> pa.DataType | None:
    first, *rest = _field(schema.names, column)
    if first not in schema.names:
        return None
    kind = schema.field(first).type
    for name in rest:
        if not pa.types.is_struct(kind) or kind.get_field_index(name) < 0:
            return None
        kind = kind.field(name).type
    return kind


def _wanted(name: str) -> str:
    return {"id": "a string or an integer", "date": "a string, a date or a timestamp"}.get(
        name, "a string"
    )


def _fits(name: str, kind: pa.DataType) -> bool:
    if isinstance(kind, pa.UuidType):
        return False
    kind = written_type(kind)
    # A column without a single value has no type: its rows fail one by one, or say nothing.
    stringy = (
        *(
            pa.types.is_string,
            pa.types.is_large_string,
            pa.types.is_binary,
            pa.types.is_large_binary,
        ),
        pa.types.is_null,
    )
    others = {"id": (pa.types.is_integer,), "date": (pa.types.is_date, pa.types.is_timestamp)}.get(
        name, ()
    )
    return any(test(kind) for test in (*stringy, *others))


def _wanted_columns(source: TabularSource) -> dict[str, str]:
    """Map columns of records to those of the file that they are read from."""
    return {**source.columns.mapped(), **{name: name for name in source.keep}}


def _records(
    batch: pa.RecordBatch,
    position: int,
    schema: pa.Schema,
    split: InputSplit,
    source: TabularSource,
) -> pa.RecordBatch:
    """Turn rows of the file into records; a value that is not UTF-8 fails its row."""
    columns: dict[str, Any] = {}
    error: pa.Array = pa.nulls(batch.num_rows, pa.string())
    for name, column in _wanted_columns(source).items():
        first, *rest = _field(batch.schema.names, column)
        values = batch[first]
        for key in rest:
            values = pc.struct_field(values, key)
        if (kind := written_type(values.type)) != values.type:
            values = values.cast(kind)
        kept = schema.field(name).type if name in source.keep else pa.string()
        undecodable = np.zeros(batch.num_rows, np.bool_)
        if pa.types.is_string(kept) or pa.types.is_large_string(kept):
            octets = values
            values, undecodable = decode_strings(_as_strings(values))
            if name == "text" and undecodable.any():
                raw = pc.if_else(pa.array(undecodable), octets.cast(pa.large_binary()), None)
                columns["raw"] = raw
        elif values.type != kept and values.type == bytes_type(kept):
            values, undecodable = _decoded_within(values.view(kept))
        if undecodable.any():
            not_utf8 = f"invalid_encoding: {column!r} is not UTF-8"
            error = pc.if_else(pa.array(undecodable), not_utf8, error)
        columns[name] = values
    return make_records(
        schema,
        source,
        split.path,
        np.arange(position, position + batch.num_rows),
        error=error,
        **columns,
    )


def _decoded_within(values: pa.Array) -> tuple[pa.Array, npt.NDArray[np.bool_]]:
    """Mask which of n lists or structs hold strings that are not UTF-8; those become null."""
    undecodable = np.zeros(len(values), np.bool_)
    for row in range(len(values)):  # only of a batch that has some; Arrow does not say which
        try:
            values.take(pa.array([row])).validate(full=True)  # a slice has all strings of a list
        except pa.ArrowInvalid:
            undecodable[row] = True
    return pc.if_else(pa.array(undecodable), None, values), undecodable


def _as_strings(values: pa.Array) -> pa.Array:
    """Write numbers, dates (ISO 8601) and times (ISO 8601, to the second) as strings; leave strings
    and bytes alone."""
    if pa.types.is_timestamp(values.type):
        zone = "" if values.type.tz is None else "Z"
        if zone:
            values = values.cast(pa.timestamp(values.type.unit, "UTC"))
        return pc.strftime(
            pc.floor_temporal(values, unit="second").cast(pa.timestamp("s")),
            f"%Y-%m-%dT%H:%M:%S{zone}",
        )
    if (
        pa.types.is_integer(values.type)
        or pa.types.is_date(values.type)
        or pa.types.is_null(values.type)
    ):
        return values.cast(pa.string())
    return values
