"""Read JSON Lines: an object a line, UTF-8, plain files by byte range.

Lines go to Arrow's JSON parser by the block, with the columns that the recipe names as its schema: on web text 525 MB
a CPU second, where orjson line by line makes 223 (`polars.read_ndjson` makes 810, but reads the number 5 as the text
"5" and an unpaired surrogate as NUL). When a block does not parse, it is halved until the lines that do not stand
alone, so that the same parser decides about every line and a bad neighbour changes nothing. A line is an object or it
fails; a key that stands twice in a line fails too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from schemas.source import JsonLinesSource
from schemas.split import InputFile, InputSplit
from stages.reading.files import line_splits
from stages.reading.records import RAW_BYTES, failed_record, kept_strings, make_records, size_in_words
from stages.reading.streams import BrokenStreamError, Lines, chunks, line_ends, open_file, read_lines

_HEAD_BYTES = 1 << 20  # how far the first line is looked for when a file is checked
_SPACE = b" \t\r\n"


def plan(source: JsonLinesSource, files: Sequence[InputFile], split_bytes: int) -> Iterator[InputSplit]:
    """Split plain files by byte range; a compressed file is one split."""
    return line_splits(source.name, files, split_bytes)


def problems(source: JsonLinesSource, files: Sequence[InputFile]) -> list[str]:
    """List the mapped columns that the first line of the first file lacks, or that are of another type there."""
    for file in files[:1]:
        with open_file(file.location) as opened:
            try:
                head = next(chunks(opened, file.path), b"")[:_HEAD_BYTES]
            except BrokenStreamError:
                return []  # a matter of that file, for its row in the ledger
        line, _, _ = head.removeprefix(b"\xef\xbb\xbf").partition(b"\n")
        try:
            first = json.loads(line)
        except ValueError:
            return []  # a matter of that line
        if isinstance(first, dict):
            return [f"{file.path}: {words}" for words in _missing(source, first)]
    return []


def _missing(source: JsonLinesSource, first: Mapping[str, object]) -> Iterator[str]:
    for name, column in source.columns.mapped().items():
        value: object = first
        for key in column.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if name in ("text", "id") and value is None:
            yield f"the first line has no {column!r} for {name}; it has {', '.join(map(repr, first))}"
        elif isinstance(value, dict | list) or (name != "id" and not isinstance(value, str | None)):
            yield f"{column!r} must be a string, got {json.dumps(value)[:80]} in the first line"


def read(split: InputSplit, source: JsonLinesSource) -> Iterator[pa.RecordBatch]:
    """Yield the records of the lines that start in the split, in order; empty lines are no records."""
    schema = kept_strings(source.keep)
    parser = _Parser(source)
    for piece in read_lines(split.location, split.path, split.start, split.end, source.max_record_bytes):
        if not isinstance(piece, Lines):
            yield failed_record(schema, source, split.path, piece.offset, piece.error, piece.raw)
            continue
        lines = _object_lines(piece.data)
        for lines_parsed, found in parser.parse(lines):
            positions = piece.offset + lines_parsed.starts
            if isinstance(found, str):
                line = lines_parsed.bytes()
                error = found + size_in_words(len(line))
                yield failed_record(schema, source, split.path, int(positions[0]), error, bytes(line[:RAW_BYTES]))
            else:
                yield make_records(
                    schema,
                    source,
                    split.path,
                    positions,
                    **found,
                )


class _ObjectLines(NamedTuple):
    """Lines of `data` that are not empty: where each starts and ends, and whether it looks like an object."""

    data: bytes
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    braced: npt.NDArray[np.bool_]

    def bytes(self) -> memoryview:
        return memoryview(self.data)[int(self.starts[0]) : int(self.ends[-1])]

    def slice(self, first: int, last: int) -> _ObjectLines:
        return _ObjectLines(self.data, self.starts[first:last], self.ends[first:last], self.braced[first:last])


def _object_lines(data: bytes) -> _ObjectLines:
    """Find the lines that are not empty, and which of them begin and end as an object does.

    Arrow's parser does not care where lines end. With a brace at both ends of every line and as many rows as lines,
    each row is the line in its place: no line that is only a part of an object can end in `}` and be followed by `{`.
    """
    ends = line_ends(data)
    starts = np.concatenate(([0], ends[:-1]))
    octets = np.frombuffer(data, np.uint8)
    last = ends - 1 - (octets[ends - 1] == ord("\n"))
    last -= octets[last] == ord("\r")
    braced = (octets[starts] == ord("{")) & (octets[last] == ord("}"))
    filled = braced.copy()
    for line in np.flatnonzero(~braced):  # empty, indented or broken: the exceptions
        content = data[starts[line] : ends[line]].strip(_SPACE)
        filled[line] = bool(content)
        braced[line] = content.startswith(b"{") and content.endswith(b"}")
    return _ObjectLines(data, starts[filled], ends[filled], braced[filled])


class _Parser:
    """Arrow's JSON parser with the columns of one source as its schema."""

    def __init__(self, source: JsonLinesSource) -> None:
        self._columns = {**source.columns.mapped(), **{name: name for name in source.keep}}
        self._kept = frozenset(source.keep)
        # An id may be a string or a number; Arrow wants to know which.
        id_types = (pa.string(), pa.int64()) if source.columns.id else (pa.string(),)
        self._options = [
            pa.json.ParseOptions(explicit_schema=self._schema(id_type), unexpected_field_behavior="ignore")
            for id_type in id_types
        ]

    def _schema(self, id_type: pa.DataType) -> pa.Schema:
        tree: dict[str, Any] = {}
        for name, column in self._columns.items():
            *parents, leaf = [column] if name in self._kept else column.split(".")
            branch = tree
            for parent in parents:
                branch = branch.setdefault(parent, {})
            branch[leaf] = id_type if name == "id" else pa.string()

        def fields(branch: dict[str, Any]) -> list[pa.Field]:
            return [
                pa.field(key, pa.struct(fields(value)) if isinstance(value, dict) else value)
                for key, value in branch.items()
            ]

        return pa.schema(fields(tree))

    def parse(self, lines: _ObjectLines) -> Iterator[tuple[_ObjectLines, dict[str, pa.Array] | str]]:
        """Yield runs of lines with their columns, and each line that cannot be parsed with its error, in order."""
        count = len(lines.starts)
        if not count:
            return
        failure = "" if lines.braced.all() else "the line must be a JSON object"
        if not failure:
            for options in self._options:
                table, failure = _parsed(lines, options)
                if table is not None:
                    yield lines, {name: self._column(table, name) for name in self._columns}
                    return
        if count == 1:
            yield lines, self._error(bytes(lines.bytes()[: RAW_BYTES + 1]).strip(_SPACE), failure)
        else:
            yield from self.parse(lines.slice(0, count // 2))
            yield from self.parse(lines.slice(count // 2, count))

    def _column(self, table: pa.Table, name: str) -> pa.Array:
        column = self._columns[name]
        first, *rest = [column] if name in self._kept else column.split(".")
        values = table[first].combine_chunks()
        for key in rest:
            values = pc.struct_field(values, key)
        return values.cast(pa.large_string() if name == "text" else pa.string())

    def _error(self, line: bytes, failure: str) -> str:
        """Say what is wrong with a single line, in the words of the column if it is a matter of type."""
        try:
            value = json.loads(line) if len(line) <= RAW_BYTES else None  # a longer one keeps Arrow's words
        except UnicodeDecodeError as error:
            return f"invalid_encoding: not UTF-8 at byte {error.start} of the line"
        except (ValueError, RecursionError) as error:
            return f"broken_record: not JSON: {error}"
        if value is not None and not isinstance(value, dict):
            return f"broken_record: the line must be a JSON object, got {type(value).__name__}"
        for name, column in self._columns.items():
            found: object = value
            for key in [column] if name in self._kept else column.split("."):
                found = found.get(key) if isinstance(found, dict) else None
            if found is not None and not isinstance(found, str) and (name != "id" or not isinstance(found, int)):
                return f"wrong_type: {column!r} must be a string, got {json.dumps(found)[:80]}"
        return f"broken_record: {failure}"


def _parsed(lines: _ObjectLines, options: pa.json.ParseOptions) -> tuple[pa.Table | None, str]:
    """Parse lines as one block; without a table, say why."""
    content = pa.py_buffer(lines.bytes())
    offsets = pa.py_buffer(np.array([0, content.size], np.int64))
    try:
        pa.LargeStringArray.from_buffers(1, offsets, content).validate(full=True)  # Arrow's parser takes any bytes
        table = pa.json.read_json(
            pa.BufferReader(content),
            read_options=pa.json.ReadOptions(use_threads=False, block_size=content.size + 1),
            parse_options=options,
        )
    except pa.ArrowInvalid as error:
        return None, " ".join(str(error).split())
    if table.num_rows != len(lines.starts):
        return None, f"the line must be one JSON object, got {table.num_rows}"
    return table, ""
