"""Read JSON Lines: an object a line, UTF-8, plain files by byte range.

Lines go to Arrow's JSON parser by the block, with the columns that the recipe names as its schema:
on web text 525 MB a CPU second, where orjson line by line makes 223 (`polars.read_ndjson` makes
810, but reads the number 5 as the text "5" and an unpaired surrogate as NUL). When a block does not
parse, it is halved until the lines that do not stand alone, so that the same parser decides about
every line and a bad neighbour changes nothing. Once some hundreds of lines are left, Python's
parser takes out those that are no JSON or of a wrong type, which Arrow's refuses too. A line is an
object or it fails; a key that stands twice in a line fails too.

Kept columns are strings, whatever a line holds there: another value than a string or null is kept
as its JSON text. No line fails by them, and none depends on what others hold. Blocks of whole
numbers or of booleans are left to Arrow, others to Python's parser, line by line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from schemas.source import JsonLinesSource
from schemas.split import InputFile, InputSplit
from stages.reading.files import line_splits, shortened
from stages.reading.records import (
    ISO_8601,
    RAW_BYTES,
    failed_record,
    kept_strings,
    make_records,
    size_in_words,
)
from stages.reading.streams import (
    LINES_END_IN_CR,
    BrokenStreamError,
    Lines,
    chunks,
    known_as,
    line_ends,
    open_file,
    read_lines,
)

_HEAD_BYTES = 1 << 20  # how far the first line is looked for when a file is checked
_FILES_CHECKED = 5
_SIFTED_LINES = 1024  # of a block that does not parse: two milliseconds' work, of which Arrow's calls are a tenth
_SPACE = b" \t\r\n"
_BROKEN = object()  # what a line that is not JSON stands for
_REMEDY = "write an object a line, as `jq -c '{}'` does"
_SHOWN_BYTES = 80
# How the first line of a file begins that is named as JSON Lines and is none.
_OTHER_FILES = {
    "HTML": re.compile(rb"(?i)<!doctype html|<html\b"),
    "XML": re.compile(rb"<[?!]?[A-Za-z]"),
    "WARC": re.compile(rb"WARC/\d"),
    "a pointer of Git LFS": re.compile(rb"version https://git-lfs\.github\.com/spec/"),
    "a JSON text sequence (RFC 7464)": re.compile(rb"\x1e"),
}
_JSON_TYPES = {str: "strings", list: "arrays", int: "numbers", float: "numbers"}
_FIELDS = {"strings": "{text: .}", "arrays": "{text: .[0]}", "numbers": "{text: tostring}"}
_DELIMITERS = {"csv": ",", "tsv": "\t"}


def plan(
    source: JsonLinesSource, files: Sequence[InputFile], split_bytes: int
) -> Iterator[InputSplit]:
    """Split plain files by byte range; a compressed file is one split."""
    return line_splits(source.name, files, split_bytes)


def problems(source: JsonLinesSource, files: Sequence[InputFile]) -> list[str]:
    """List what the beginnings of the first files show: another kind of JSON, columns that are
    missing or mistyped."""
    found: list[str] = []
    absent: list[set[tuple[str, str]]] = []
    for file in files[:_FILES_CHECKED]:
        try:
            with open_file(file.location) as opened:
                head = next(chunks(opened, file.path), b"")[:_HEAD_BYTES]
        except BrokenStreamError:
            continue  # a matter of that file, for its row in the ledger
        head = head.removeprefix(b"\xef\xbb\xbf")
        if kind := known_as(head) or _other_kind(head) or _no_objects(head, source):
            found.append(f"{file.path}: {kind}")
            continue
        objects = _objects(head)
        if objects:
            found += [f"{file.path}: {words}" for words in _mistyped(source, objects[0])]
            absent.append(
                {pair for pair in _columns(source) if not any(_has(o, *pair) for o in objects)}
            )
    for name, column in _columns(source):
        if (
            absent
            and name not in ("text", "id")
            and all((name, column) in pairs for pairs in absent)
        ):
            found.append(
                f"no line of the first MiB of {files[0].path} has {column!r} {f'for {name}' if name else 'to keep'}"
            )
    return shortened(found)


def _columns(source: JsonLinesSource) -> list[tuple[str, str]]:
    """List what is read: (column of a document, column of the source), the first empty for what is
    kept."""
    return [*source.columns.mapped().items(), *(("", name) for name in source.keep)]


def _other_kind(head: bytes) -> str:
    """Say what the beginning of a file is if it is JSON, and no lines of it; empty if it may be
    lines.

    Lines may be broken, the first too: what is no line must look like something else.
    """
    content = head.lstrip(_SPACE)
    first, _, rest = content.partition(b"\n")
    first = first.rstrip(_SPACE)
    if b"\r" in first and isinstance(_json(first.partition(b"\r")[0]), dict):
        return LINES_END_IN_CR
    # a line that is a whole array is a broken line
    if content.startswith(b"[") and _json(first) is _BROKEN:
        inner = content[1:].lstrip(_SPACE)[:1]
        if inner in (b"{", b"[", b'"', b"]", b""):
            return f"it is a JSON array, not JSON Lines; {_REMEDY.format('.[]')}"
    if content.startswith(b"[{") and not rest.strip(_SPACE):
        return f"it is a JSON array, not JSON Lines; {_REMEDY.format('.[]')}"
    begins = first == b"{" or (first.startswith(b"{") and first.endswith((b",", b"[", b"{")))
    if begins and _json(first) is _BROKEN and rest.lstrip(_SPACE)[:1] in (b'"', b"}"):
        return f"it is JSON printed over several lines, not an object a line; {_REMEDY.format('.')}"
    return ""


def _no_objects(head: bytes, source: JsonLinesSource) -> str:
    """Say what the beginning of a file is if none of its lines begins as an object; else empty.

    One line that does, even a broken one, makes them lines: what is wrong is a matter of each.
    """
    lines = [line.strip(_SPACE) for line in head.split(b"\n")]
    if len(head) == _HEAD_BYTES:
        lines.pop()
    lines = list(filter(None, lines))
    if not lines or any(line.startswith(b"{") for line in lines):
        return ""
    first = lines[0][:_SHOWN_BYTES].decode(errors="replace")
    for kind, beginning in _OTHER_FILES.items():
        if beginning.match(lines[0]):
            return f"it is {kind}, not JSON Lines; it begins with {first!r}"
    values = {type(_json(line)) for line in lines[:_SIFTED_LINES]}
    if len(values) == 1 and (kind := _JSON_TYPES.get(values.pop(), "")):
        return f"its lines are JSON {kind}, not objects; {_REMEDY.format(_FIELDS[kind])}"
    for form, delimiter in _DELIMITERS.items():
        if source.columns.text in [name.strip(' "') for name in first.split(delimiter)]:
            return f'it is no JSON Lines; format = "{form}" would read its first line, {first!r}'
    return f"no line of its first MiB is an object; the first is {first!r}"


def _json(line: bytes) -> object:
    """Parse one line; _BROKEN if it is not JSON, or nested too deeply for Python's parser."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return _BROKEN


def _objects(head: bytes) -> list[dict[str, object]]:
    """Return the objects of the lines that are complete in the first MiB of a file; the first is
    the first line's."""
    lines = head.split(b"\n")
    if len(head) == _HEAD_BYTES:
        lines.pop()
    objects = []
    for line in lines:
        value = _json(line)
        if isinstance(value, dict):
            objects.append(value)
        elif not objects:
            return []  # the first line is broken: a matter of that line
    return objects


def _has(line: dict[str, object], name: str, column: str) -> bool:
    return column in line or bool(name and _value(line, column) is not None)


def _value(line: Mapping[str, object], column: str) -> object:
    value: object = line
    for key in column.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _mistyped(source: JsonLinesSource, first: Mapping[str, object]) -> Iterator[str]:
    for name, column in source.columns.mapped().items():
        value = _value(first, column)
        if name in ("text", "id") and value is None and column in first:
            yield f"{column!r} is null in the first line, for {name}"
        elif name in ("text", "id") and value is None:
            yield f"the first line has no {column!r} for {name}; it has {', '.join(map(repr, first))}"[
                :500
            ]
        elif isinstance(value, dict | list) or (name != "id" and not isinstance(value, str | None)):
            yield f"{column!r} must be a string, got {_shown(value)} in the first line"
        elif (
            name == "date"
            and isinstance(value, str)
            and value
            and not re.fullmatch(ISO_8601, value)
        ):
            yield f"{column!r} must be an ISO 8601 date or time for date, got {value[:80]!r} in the first line"


def read(split: InputSplit, source: JsonLinesSource) -> Iterator[pa.RecordBatch]:
    """Yield the records of the lines that start in the split, in order; empty lines are no
    records."""
    schema = kept_strings(source.keep)
    parser = _Parser(source)
    for piece in read_lines(
        split.location, split.path, split.start, split.end, source.max_record_bytes
    ):
        if not isinstance(piece, Lines):
            yield failed_record(schema, source, split.path, piece)
            continue
        lines = _object_lines(piece.data)
        for lines_parsed, columns in parser.parse(lines):
            yield make_records(
                schema, source, split.path, piece.offset + lines_parsed.starts, **columns
            )


class _ObjectLines(NamedTuple):
    """Lines of `data` that are not empty: where each starts and ends, and whether it looks like an
    object."""

    data: bytes
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    braced: npt.NDArray[np.bool_]

    def octets(self) -> memoryview:
        return memoryview(self.data)[int(self.starts[0]) : int(self.ends[-1])]

    def whole_line(self, number: int) -> bytes:
        return self.data[int(self.starts[number]) : int(self.ends[number])]

    def line(self, number: int) -> bytes:
        """Return one line without the white space around it, as far as it is looked at."""
        start, end = int(self.starts[number]), int(self.ends[number])
        return self.data[start : min(end, start + RAW_BYTES + 1)].strip(_SPACE)

    def slice(self, first: int, last: int) -> _ObjectLines:
        return _ObjectLines(
            self.data, self.starts[first:last], self.ends[first:last], self.braced[first:last]
        )


def _object_lines(data: bytes) -> _ObjectLines:
    """Find the lines that are not empty, and which of them begin and end as an object does.

    Arrow's parser does not care where lines end. With a brace at both ends of every line and as
    many rows as lines, each row is the line in its place: no line that is only a part of an object
    can end in `}` and be followed by `{`.
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
        self._mapped = source.columns.mapped()
        self._kept = source.keep
        self._columns = {**self._mapped, **{name: name for name in source.keep}}
        # An id may be a string or a number; Arrow wants to know which.
        self._id_types = (pa.string(), pa.int64()) if source.columns.id else (pa.string(),)

    def _options(self, kept: Mapping[str, pa.DataType]) -> Iterator[pa.json.ParseOptions]:
        """Yield the options under which a block may parse, given the types of its kept columns."""
        for id_type in self._id_types:
            yield pa.json.ParseOptions(
                explicit_schema=self._schema(id_type, kept), unexpected_field_behavior="ignore"
            )

    def _schema(self, id_type: pa.DataType, kept: Mapping[str, pa.DataType]) -> pa.Schema:
        tree: dict[str, Any] = dict(kept)
        for name, column in self._mapped.items():
            *parents, leaf = column.split(".")
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

    def parse(self, lines: _ObjectLines) -> Iterator[tuple[_ObjectLines, dict[str, Any]]]:
        """Yield runs of lines, in order, with their columns; a line that cannot be parsed has
        `error` and `raw`."""
        count = len(lines.starts)
        if not count:
            return
        columns, failure = self._columns_of(lines)
        if columns is not None:
            yield lines, columns
        elif count == 1:
            yield lines, self._failed([self._error(lines.line(0), failure)], lines)
        elif count <= _SIFTED_LINES and (sifted := self._sifted(lines)) is not None:
            yield lines, sifted
        else:
            yield from self.parse(lines.slice(0, count // 2))
            yield from self.parse(lines.slice(count // 2, count))

    def _columns_of(self, lines: _ObjectLines) -> tuple[dict[str, Any] | None, str]:
        """Parse lines with Arrow; without columns, say why."""
        if not lines.braced.all():
            return None, "the line must be a JSON object"
        strings = dict.fromkeys(self._kept, pa.string())
        table, failure = self._table(lines, strings)
        if table is None and self._kept:
            simple = self._simple_types(lines.whole_line(0))
            if simple not in (None, strings):
                table, _ = self._table(lines, simple)
        if table is not None:
            return {name: self._column(table, name) for name in self._columns}, ""
        if self._kept:
            table, without = self._table(lines, {})
            if table is None:
                return None, without
            kept = [self._texts(lines.whole_line(number)) for number in range(len(lines.starts))]
            if None not in kept:
                columns = {name: self._column(table, name) for name in self._mapped}
                return columns | dict(
                    zip(self._kept, map(_strings, zip(*kept, strict=True)), strict=True)
                ), ""
        return None, failure

    def _table(
        self, lines: _ObjectLines, kept: Mapping[str, pa.DataType]
    ) -> tuple[pa.Table | None, str]:
        failure = ""
        for options in self._options(kept):
            table, failure = _parsed(lines, options)
            if table is not None:
                return table, ""
        return None, failure

    def _simple_types(self, line: bytes) -> dict[str, pa.DataType] | None:
        """Return a type for each kept column of a line if Arrow's values of it are written as in
        JSON, else None."""
        value = _json(line)
        found = (
            [_SIMPLE_TYPES.get(type(value.get(name))) for name in self._kept]
            if isinstance(value, dict)
            else [None]
        )
        return None if None in found else dict(zip(self._kept, found, strict=True))

    def _texts(self, line: bytes) -> list[str | None] | None:
        """Return what a line holds in the kept columns, as strings; None if Python's parser cannot
        say."""
        try:
            pairs = _TEXT_DECODER.decode(line.decode())
        except (ValueError, RecursionError):
            return None
        found = {key: value for key, value in pairs if key in self._kept}
        return (
            None
            if self._key_that_stands_twice(pairs)
            else [_json_text(found.get(name)) for name in self._kept]
        )

    def _key_that_stands_twice(self, pairs: _Object) -> str | None:
        keys = [key for key, _ in pairs if key in self._kept]
        return next((key for key in keys if keys.count(key) > 1), None)

    def _sifted(self, lines: _ObjectLines) -> dict[str, Any] | None:
        """Parse the lines without those that Python's parser refuses; None if it refuses none, or
        too few."""
        errors = [self._refusal(lines.line(number)) for number in range(len(lines.starts))]
        good = np.flatnonzero([error is None for error in errors])
        if len(good) == len(errors):
            return None
        failed = self._failed(errors, lines)
        if not len(good):
            return failed
        pieces = [lines.data[lines.starts[number] : lines.ends[number]] for number in good]
        ends = np.cumsum([len(piece) for piece in pieces])
        starts = np.concatenate(([0], ends[:-1]))
        columns, _ = self._columns_of(
            _ObjectLines(b"".join(pieces), starts, ends, lines.braced[good])
        )
        if columns is None:
            return None
        places = np.zeros(len(errors), np.int64)
        places[good] = np.arange(len(good))
        rows = pa.array(places, mask=np.array([error is not None for error in errors]))
        return failed | {name: values.take(rows) for name, values in columns.items()}

    def _failed(self, errors: list[str | None], lines: _ObjectLines) -> dict[str, Any]:
        """Return the columns of lines of which those with an error failed; what is mapped is
        null."""
        sizes = lines.ends - lines.starts
        words = [
            error and error + size_in_words(size)
            for error, size in zip(errors, sizes.tolist(), strict=True)
        ]
        raw = [
            bytes(lines.data[start : min(end, start + RAW_BYTES)]) if error else None
            for start, end, error in zip(
                lines.starts.tolist(), lines.ends.tolist(), errors, strict=True
            )
        ]
        return {"error": words, "raw": raw} | {name: [None] * len(errors) for name in self._columns}

    def _refusal(self, line: bytes) -> str | None:
        """Say why a line cannot be parsed, if Python's parser knows; what is longer than RAW_BYTES
        is left to Arrow."""
        if len(line) > RAW_BYTES:
            return None
        return self._fault(line)

    def _column(self, table: pa.Table, name: str) -> pa.Array:
        column = self._columns[name]
        first, *rest = [column] if name in self._kept else column.split(".")
        values = table[first].combine_chunks()
        for key in rest:
            values = pc.struct_field(values, key)
        return values.cast(pa.large_string() if name == "text" else pa.string())

    def _error(self, line: bytes, failure: str) -> str:
        """Say what is wrong with a single line that Arrow's parser refused with `failure`."""
        # a longer one keeps Arrow's words
        fault = self._fault(line) if len(line) <= RAW_BYTES else None
        return fault or f"broken_record: {failure}"

    def _fault(self, line: bytes) -> str | None:
        """Say what is wrong with a line, in the words of the column if it is a matter of type; None
        if nothing is."""
        try:
            value = _DECODER.decode(line.decode())
        except UnicodeDecodeError as error:
            return f"invalid_encoding: not UTF-8 at byte {error.start} of the line"
        except RecursionError:
            return None  # Arrow's parser is not recursive
        except ValueError as error:
            return f"broken_record: not JSON: {error}"
        if not isinstance(value, dict):
            return f"broken_record: the line must be a JSON object, got {_type_name(value)}"
        for name, column in self._mapped.items():
            found = _value(value, column)
            if (
                found is not None
                and type(found) is not str
                and not (name == "id" and isinstance(found, _Whole))
            ):
                return f"wrong_type: {column!r} must be a string, got {_shown(found)}"
        if twice := self._kept and self._key_that_stands_twice(_TEXT_DECODER.decode(line.decode())):
            return f"broken_record: the key {twice!r} stands twice"
        return None


class _Whole(str):
    """An integer as it is written: Python's parser refuses those of more than 4,300 digits, which
    Arrow's skips."""

    __slots__ = ()


class _Number(str):
    """A number as it is written."""

    __slots__ = ()


class _Object(list[tuple[str, object]]):
    """The keys and values of an object as they stand there, those that stand twice too."""

    __slots__ = ()


_DECODER = json.JSONDecoder(parse_int=_Whole)
_TEXT_DECODER = json.JSONDecoder(
    parse_int=_Number, parse_float=_Number, parse_constant=_Number, object_pairs_hook=_Object
)
_SIMPLE_TYPES = {str: pa.string(), type(None): pa.string(), bool: pa.bool_(), int: pa.int64()}


def _json_text(value: object) -> str | None:
    """Write a value of _TEXT_DECODER as JSON, numbers as they stood there; a string or null stays
    what it is.

    >>> _json_text([_Number("1.50"), True, "\u0263"])
    '[1.50, true, "\u0263"]'
    """
    if isinstance(value, _Number):
        return "0" if value == "-0" else str(value)  # as Arrow, which reads a whole number
    return value if isinstance(value, str | None) else _nested_text(value)


def _nested_text(value: object) -> str:
    if isinstance(value, _Object):
        return (
            "{" + ", ".join(f"{_quoted(key)}: {_nested_text(inner)}" for key, inner in value) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(_nested_text, value)) + "]"
    return str(value) if isinstance(value, _Number) else _quoted(value)


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _strings(values: Sequence[str | None]) -> pa.Array:
    return pa.array(values, pa.string())


def _shown(value: object) -> str:
    try:
        return str(value)[:80] if isinstance(value, _Whole) else json.dumps(value)[:80]
    except RecursionError:
        return _type_name(value)


def _type_name(value: object) -> str:
    return "int" if isinstance(value, _Whole) else type(value).__name__


def _parsed(lines: _ObjectLines, options: pa.json.ParseOptions) -> tuple[pa.Table | None, str]:
    """Parse lines as one block; without a table, say why."""
    content = pa.py_buffer(lines.octets())
    offsets = pa.py_buffer(np.array([0, content.size], np.int64))
    try:
        # Arrow's parser takes any bytes
        pa.LargeStringArray.from_buffers(1, offsets, content).validate(full=True)
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
