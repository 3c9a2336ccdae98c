"""Read CSV and TSV: a document a row, each row by itself.

The csv module reads rows one by one, in C. Arrow's CSV parser is several times faster and was not
enough: one value that is not UTF-8, one quotation mark that is never closed or one row that is
longer than its block ends the whole file there, and it does not say where in the file a row lies.
Here each of these is a failed row and the next one is read. Where quoting is broken, nobody knows
which line is the first of the next row: only the line that the row begins with fails, and the lines
after it are read again, each as the beginning of a row.

Source: RFC 4180, and Python's csv in its strict mode for what counts as broken quoting.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence

import pyarrow as pa

from schemas.source import CsvSource, TsvSource
from schemas.split import InputFile, InputSplit
from stages.reading.files import line_splits, shortened, whole_file_split
from stages.reading.records import (
    RAW_BYTES,
    Unreadable,
    failed_record,
    kept_strings,
    make_records,
    size_in_words,
)
from stages.reading.streams import LINES_END_IN_CR, Lines, known_as, line_ends, read_lines

DelimitedSource = CsvSource | TsvSource

_BATCH_BYTES = 8 << 20
_BATCH_ROWS = 8192
_HEADER_BYTES = 1 << 20  # longest header
_NO_END = "broken_record: a quotation mark is never closed"


def plan(
    source: DelimitedSource, files: Sequence[InputFile], split_bytes: int
) -> Iterator[InputSplit]:
    """Split files without quoting by byte range; with quoting a newline may lie in a value, and a
    file is one split."""
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
    """Return the column names of a file, empty if the file is, or what is wrong with its first
    row."""
    if source.header is not None:
        return list(source.header)
    pieces = read_lines(location, path, 0, -1 if source.quote else 1, _HEADER_BYTES)
    for _, fields, octets, error in _rows(source, pieces, _HEADER_BYTES):
        return _header_fault(octets, error) if error or known_as(octets) else fields
    return []


def _header_fault(octets: bytes, error: str) -> str:
    if kind := known_as(octets):
        return kind
    if b"\r" in octets.rstrip(b"\r\n"):
        return LINES_END_IN_CR
    return f"its header cannot be read: {error}"


def read(split: InputSplit, source: DelimitedSource) -> Iterator[pa.RecordBatch]:
    """Yield the records of the rows that start in the split, in order; empty lines are no rows.

    Position is the byte offset of the row in the uncompressed file.
    """
    schema = kept_strings(source.keep)
    header = _header(source, split.location, split.path)
    if isinstance(header, str):
        yield failed_record(
            schema, source, split.path, Unreadable(split.start, f"broken_record: {header}")
        )
        return
    wanted = {**source.columns.mapped(), **{name: name for name in source.keep}}
    places = [header.index(column) for column in wanted.values()] if header else []
    pieces = read_lines(split.location, split.path, split.start, split.end, source.max_record_bytes)
    rows = _rows(source, pieces, source.max_record_bytes)
    if source.header is None and split.start == 0:
        next(rows, None)
    positions: list[int] = []
    values: list[list[str | None]] = []
    errors: list[str | None] = []
    raw: list[bytes | None] = []
    held_bytes = 0

    def batch() -> pa.RecordBatch:
        columns = dict(zip(wanted, map(list, zip(*values, strict=True)), strict=True))
        return make_records(schema, source, split.path, positions, error=errors, raw=raw, **columns)

    for position, fields, octets, error in rows:
        if not error and len(fields) != len(header):
            error = f"wrong_field_count: the row has {len(fields)} values, the header {len(header)} names"
        positions.append(position)
        values.append([None] * len(places) if error else [fields[place] for place in places])
        errors.append(error + size_in_words(len(octets)) if error else None)
        raw.append(octets[:RAW_BYTES] if error else None)
        held_bytes += len(octets)
        if held_bytes >= _BATCH_BYTES or len(positions) >= _BATCH_ROWS:
            yield batch()
            positions, values, errors, raw, held_bytes = [], [], [], [], 0
    if positions:
        yield batch()


# where it starts, its values, its bytes, what is wrong with it
_Row = tuple[int, list[str], bytes, str]


def _rows(
    source: DelimitedSource, pieces: Iterator[Lines | Unreadable], max_record_bytes: int
) -> Iterator[_Row]:
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
        try:
            fields = next(rows)
        except (StopIteration, _RowEndsError):
            pass  # what the feed holds by now, if anything, is a row that has no end
        except csv.Error as error:
            feed.broken = feed.broken or f"broken_record: {error}"
        broken = feed.broken + feed.read_again() if feed.held and feed.broken else ""
        octets = b"".join(feed.held)
        if feed.held and (words := broken or feed.undecodable):
            yield feed.start, [], octets, words
        elif fields:
            yield feed.start, fields, octets, ""
        if feed.unreadable is not None:
            yield feed.unreadable.position, [], feed.unreadable.raw or b"", feed.unreadable.error


class _RowEndsError(Exception):
    """The row that is being read cannot go on."""


class _Feed:
    """Hands the csv module one line after another, and remembers the lines of the row that it is
    in.

    The csv module asks for a second line of a row within a quoted value only. What happens from
    there on does not depend on where the row began. So a row that gets into a quoted value before
    the place where an earlier row broke, having got there in one too, breaks at the same place. It
    is not read as far as that again: time is linear.
    """

    def __init__(
        self, pieces: Iterator[Lines | Unreadable], encoding: str, max_record_bytes: int
    ) -> None:
        self._lines = self._cut(pieces)
        self._again: list[
            tuple[int, bytes] | Unreadable
        ] = []  # to be read before them, the last one first
        self._encoding = encoding
        self._max_record_bytes = max_record_bytes
        # a quoted value that goes on at a line which starts here or before does not end well
        self._doomed_to = -1
        self._doom = ""
        self.finished = False
        self.begin()

    def begin(self) -> None:
        """Start a row."""
        self.held: list[bytes] = []
        self.start = 0
        self.broken = ""  # why the row cannot go on
        self.undecodable = ""
        self.unreadable: Unreadable | None = None
        self._held_bytes = 0

    def read_again(self) -> str:
        """Go back to the second line of a row that broke; say so, if it has one, for the end of the
        error."""
        offset = self.start + len(self.held[0])
        last = self.start + self._held_bytes - len(self.held[-1])
        if last > self._doomed_to:
            self._doomed_to, self._doom = last, self.broken
        again = []
        for octets in self.held[1:]:
            again.append((offset, octets))
            offset += len(octets)
        self._again += reversed(again)
        del self.held[1:]
        if not again:
            return ""
        self.finished = False
        return f"; the {len(again)} lines after it that were read as a part of it are read again as rows"

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
        line = self._again.pop() if self._again else next(self._lines, None)
        if line is None:
            self.finished = True
            self._doomed_to = sys.maxsize
            self.broken = self._doom = _NO_END
            raise StopIteration
        if isinstance(line, Unreadable):
            if self.held:
                self._again.append(line)
                self._doomed_to = line.position
                self.broken = self._doom = (
                    "broken_record: the row is cut off by what cannot be read"
                )
            else:
                self.unreadable = line
            raise _RowEndsError
        offset, octets = line
        if not self.held:
            self.start = offset
        elif offset <= self._doomed_to:
            self._again.append(line)
            self.broken = self._doom
            raise _RowEndsError
        self.held.append(octets)
        self._held_bytes += len(octets)
        if self._held_bytes > self._max_record_bytes:
            self.broken = self._doom = (
                f"too_large: the row exceeds max_record_bytes, which is {self._max_record_bytes}"
            )
            raise _RowEndsError
        try:
            return octets.decode(self._encoding)
        except UnicodeDecodeError:
            self.undecodable = f"invalid_encoding: the row is not {self._encoding}"
            return octets.decode(self._encoding, "replace")
