"""Read CSV and TSV: a document a row, each row by itself.

The csv module reads rows one by one, in C. Arrow's CSV parser is several times faster and was not enough: one value
that is not UTF-8, one quotation mark that is never closed or one row that is longer than its block ends the whole file
there, and it does not say where in the file a row lies. Here each of these is a failed row and the next one is read.

Source: RFC 4180, and Python's csv in its strict mode for what counts as broken quoting.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

import pyarrow as pa

from schemas.source import CsvSource, TsvSource
from schemas.split import InputFile, InputSplit
from stages.reading.files import line_splits, shortened, whole_file_split
from stages.reading.records import RAW_BYTES, failed_record, kept_strings, make_records, size_in_words
from stages.reading.streams import Lines, Unreadable, line_ends, read_lines

DelimitedSource = CsvSource | TsvSource

_BATCH_BYTES = 8 << 20
_BATCH_ROWS = 8192
_HEADER_BYTES = 1 << 20  # longest header


def plan(source: DelimitedSource, files: Sequence[InputFile], split_bytes: int) -> Iterator[InputSplit]:
    """Split files without quoting by byte range; with quoting a newline may lie in a value, and a file is one split."""
    if not source.quote:
        return line_splits(source.name, files, split_bytes)
    return (whole_file_split(source.name, file) for file in files if file.file_bytes)


def problems(source: DelimitedSource, files: Sequence[InputFile]) -> list[str]:
    """List the columns that the headers lack or have twice, reading the first row of each file."""
    found = []
    wanted = {**source.columns.mapped(), **{name: name for name in source.keep}}
    for file in files:
        header = _header(source, file.location, file.path)
        if isinstance(header, str):
            found.append(f"{file.path}: {header}")
            continue
        names = ", ".join(map(repr, header))
        for name, column in wanted.items():
            times = header.count(column)
            if header and times != 1:
                lacks = f"no column {column!r}" if not times else f"{times} columns {column!r}"
                found.append(f"{file.path}: {lacks} for {name}; the header has {names}"[:500])
    return shortened(found)


def _header(source: DelimitedSource, location: str, path: str) -> list[str] | str:
    """Return the column names of a file, empty if the file is, or what is wrong with its first row."""
    if source.header is not None:
        return list(source.header)
    pieces = read_lines(location, path, 0, -1 if source.quote else 1, _HEADER_BYTES)
    for _, fields, _, error in _rows(source, pieces, _HEADER_BYTES):
        return f"its header cannot be read: {error}" if error else fields
    return []


def read(split: InputSplit, source: DelimitedSource) -> Iterator[pa.RecordBatch]:
    """Yield the records of the rows that start in the split, in order; empty lines are no rows.

    Position is the byte offset of the row in the uncompressed file.
    """
    schema = kept_strings(source.keep)
    header = _header(source, split.location, split.path)
    if isinstance(header, str):
        yield failed_record(schema, source, split.path, split.start, f"broken_record: {header}")
        return
    wanted = {**source.columns.mapped(), **{name: name for name in source.keep}}
    places = [header.index(column) for column in wanted.values()] if header else []
    pieces = read_lines(split.location, split.path, split.start, split.end, source.max_record_bytes)
    rows = _rows(source, pieces, source.max_record_bytes)
    if source.header is None and split.start == 0:
        next(rows, None)
    positions: list[int] = []
    values: list[list[str]] = []
    held_bytes = 0

    def batch() -> pa.RecordBatch:
        columns = dict(zip(wanted, map(list, zip(*values, strict=True)), strict=True))
        return make_records(
            schema,
            source,
            split.path,
            positions,
            **columns,
        )

    for position, fields, octets, error in rows:
        if not error and len(fields) != len(header):
            error = f"wrong_field_count: the row has {len(fields)} values, the header {len(header)} names"
        if not error:
            positions.append(position)
            values.append([fields[place] for place in places])
            held_bytes += len(octets)
        if positions and (error or held_bytes >= _BATCH_BYTES or len(positions) >= _BATCH_ROWS):
            yield batch()
            positions, values, held_bytes = [], [], 0
        if error:
            error += size_in_words(len(octets))
            yield failed_record(schema, source, split.path, position, error, octets[:RAW_BYTES])
    if positions:
        yield batch()


_Row = tuple[int, list[str], bytes, str]  # where it starts, its values, its bytes, what is wrong with it


def _rows(source: DelimitedSource, pieces: Iterator[Lines | Unreadable], max_record_bytes: int) -> Iterator[_Row]:
    """Yield every row that is not empty, the broken ones with an error in place of values."""
    csv.field_size_limit(2**31 - 1)  # of the whole process; the feed is what limits a row
    feed = _Feed(pieces, source.encoding, max_record_bytes)
    rows = csv.reader(
        feed,
        delimiter=source.delimiter,
        quotechar=source.quote or None,
        quoting=csv.QUOTE_MINIMAL if source.quote else csv.QUOTE_NONE,
        strict=True,
    )
    while not feed.finished:
        feed.begin()
        fields: list[str] = []
        error = ""
        try:
            fields = next(rows)
        except (StopIteration, _RowEndsError):
            pass  # what the feed holds by now, if anything, is a row that has no end
        except csv.Error as broken:
            error = f"broken_record: {broken}"
        octets = b"".join(feed.held)
        if feed.held and (error := error or feed.error):
            yield feed.start, [], octets, error
        elif fields:
            yield feed.start, fields, octets, ""
        if feed.unreadable is not None:
            yield feed.unreadable.offset, [], feed.unreadable.raw, feed.unreadable.error


class _RowEndsError(Exception):
    """The row that is being read cannot go on."""


class _Feed:
    """Hands the csv module one line after another, and remembers the lines of the row that it is in."""

    def __init__(self, pieces: Iterator[Lines | Unreadable], encoding: str, max_record_bytes: int) -> None:
        self._lines = self._cut(pieces)
        self._encoding = encoding
        self._max_record_bytes = max_record_bytes
        self.finished = False
        self.begin()

    def begin(self) -> None:
        """Start a row."""
        self.held: list[bytes] = []
        self.start = 0
        self.error = ""
        self.unreadable: Unreadable | None = None
        self._held_bytes = 0

    @staticmethod
    def _cut(pieces: Iterator[Lines | Unreadable]) -> Iterator[tuple[int, bytes] | Unreadable]:
        for piece in pieces:
            if isinstance(piece, Lines):
                start = 0
                for end in line_ends(piece.data).tolist():
                    yield piece.offset + start, piece.data[start:end]
                    start = end
            else:
                yield piece

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        line = next(self._lines, None)
        if line is None:
            self.finished = True
            raise StopIteration
        if isinstance(line, Unreadable):
            self.unreadable = line
            self.error = "broken_record: the row is cut off by what cannot be read"
            raise _RowEndsError
        offset, octets = line
        if not self.held:
            self.start = offset
        self.held.append(octets)
        self._held_bytes += len(octets)
        if self._held_bytes > self._max_record_bytes:
            self.error = f"too_large: the row exceeds max_record_bytes, which is {self._max_record_bytes}"
            raise _RowEndsError
        try:
            return octets.decode(self._encoding)
        except UnicodeDecodeError:
            self.error = f"invalid_encoding: the row is not {self._encoding}"
            return octets.decode(self._encoding, "replace")
