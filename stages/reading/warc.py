"""Read WARC (web pages with their HTTP headers) and WET (text extracted from them).

The frame of a record is found here, in a stream of bounded memory; fastwarc parses the record and undoes HTTP's
chunking and compression. fastwarc's own iterator (2.0.1) was not enough: it gives up at the first broken record, ends
silently where a file is truncated, and numbers the records of a file that was compressed as a whole all alike. Here a
broken record fails alone and reading goes on at the next line that begins a record.

Documents are responses and resources with HTML or plain text, status 200, and conversions (WET). Requests, metadata,
revisits and warcinfo are the archive's own bookkeeping and yield nothing. Other responses are skipped with their
reason.

Source: WARC 1.1, ISO 28500:2017; position is the record's offset in the uncompressed stream.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from email.message import Message
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from fastwarc.stream_io import BrotliReader
from fastwarc.warc import WarcHeader, WarcRecord, WarcRecordType
from isal import igzip_lib

from schemas.source import WarcSource
from schemas.split import InputFile, InputSplit
from stages.reading.files import whole_file_split
from stages.reading.records import RAW_BYTES, decode_strings, make_records, record_schema, size_in_words
from stages.reading.streams import CHUNK_BYTES, BrokenStreamError, IgzipError, chunks, chunks_and_breaks, open_file

_HEADER_BYTES = 1 << 16  # longest header block of a record
_BATCH_BYTES = 8 << 20
_BATCH_ROWS = 4096

_VERSION_LINE = re.compile(rb"WARC/[01]\.\d{1,3}\r?\n")
_VERSION_BYTES = 16  # a version line is not longer
_NEXT_RECORD = re.compile(rb"\n(WARC/[01]\.\d{1,3}\r?\n)")
_NEWLINES = re.compile(rb"[\r\n]+")
_CHUNK_HEADER = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")
_CONTENT_LENGTH = re.compile(rb"\nContent-Length:[ \t]*(\d{1,18})[ \t]*\r?\n", re.IGNORECASE)
_HEADER_END = re.compile(rb"\r?\n\r?\n")

_DOCUMENTS = WarcRecordType.response | WarcRecordType.resource | WarcRecordType.conversion
_TEXT_TYPES = ("text/html", "application/xhtml+xml", "text/plain")


class _Frame(NamedTuple):
    """One record as it stands in the stream, or what is wrong with the bytes there."""

    offset: int
    octets: bytes
    error: str | None


def plan(source: WarcSource, files: Sequence[InputFile], _split_bytes: int) -> Iterator[InputSplit]:
    """Return one split a file: an archive has no index of its records."""
    return (whole_file_split(source.name, file) for file in files if file.file_bytes)


def problems(_source: WarcSource, _files: Sequence[InputFile]) -> list[str]:
    """Return nothing: a WARC has no columns."""
    return []


def read(split: InputSplit, source: WarcSource) -> Iterator[pa.RecordBatch]:
    """Yield the documents of an archive in order, and what could not be read or is no document, with its reason."""
    rows: list[dict[str, Any]] = []
    held_bytes = 0
    # Record by record: each is a message of its own, with headers and an encoding of its own.
    with open_file(split.location) as file:
        for frame in _frames(chunks_and_breaks(file, split.path), source.max_record_bytes):
            row = _row(frame, source.max_record_bytes)
            if row is None:
                continue
            rows.append(row)
            held_bytes += len(frame.octets)
            if held_bytes >= _BATCH_BYTES or len(rows) >= _BATCH_ROWS:
                yield _batch(rows, split, source)
                rows, held_bytes = [], 0
    if rows:
        yield _batch(rows, split, source)


def _frames(stream: Iterator[bytes | BrokenStreamError], max_record_bytes: int) -> Iterator[_Frame]:
    """Find the records of an archive: each whole, or in pieces that say what is wrong."""
    window = _Window(stream)
    while True:
        window.drop_newlines()
        if not window.fill(1):
            if window.failure is None:
                return
            yield window.pass_break(window.failure)
            continue
        header = window.search(_HEADER_END, _HEADER_BYTES)
        begins = _VERSION_LINE.match(window.held)
        length = _CONTENT_LENGTH.search(window.held, 0, header.end()) if header else None
        if not begins or not header or not length:
            missing = "WARC/1.x line" if not begins else "end of its header" if not header else "Content-Length"
            yield window.broken(f"broken_record: the record has no {missing}")
            continue
        header_bytes, content_bytes = header.end(), int(length[1])  # a match looks into `held`, which moves on below
        record_bytes = header_bytes + content_bytes
        if content_bytes > max_record_bytes:
            offset, head = window.offset, bytes(window.held[:header_bytes])
            skipped = window.skip(record_bytes)
            words = f"too_large: the record has {content_bytes} bytes, max_record_bytes is {max_record_bytes}"
            if skipped < record_bytes:
                words += f", and the file ends after {skipped} of them"
            yield _Frame(offset, head, f"{words} (its header is kept)")
            continue
        # A record ends with an empty line; without one its length is wrong, unless it is the last of the file.
        whole = window.fill(record_bytes + 1) or len(window.held) == record_bytes
        if not whole:
            held = len(window.held)
            yield window.broken(
                f"broken_record: the record is cut off or its length wrong, it has {held} of {record_bytes} bytes"
            )
        elif window.held[record_bytes : record_bytes + 1].strip(b"\r\n"):
            yield window.broken(
                f"broken_record: the record goes on after the {content_bytes} bytes of its Content-Length"
            )
        else:
            offset, octets = window.offset, bytes(window.held[:record_bytes])
            window.skip(record_bytes)
            yield _Frame(offset, octets, None)


class _Window:
    """The part of a stream that is being looked at: `held` begins at `offset` of the uncompressed file."""

    def __init__(self, stream: Iterator[bytes | BrokenStreamError]) -> None:
        self._stream = stream
        self.held = bytearray()
        self.offset = 0
        self.failure: BrokenStreamError | None = None

    def fill(self, size: int) -> bool:
        """Hold at least `size` bytes; False if the stream ends or breaks before."""
        while len(self.held) < size:
            chunk = next(self._stream, b"") if self.failure is None else b""
            if isinstance(chunk, BrokenStreamError):
                self.failure, chunk = chunk, b""
            if not chunk:
                return False
            self.held += chunk
        return True

    def pass_break(self, failure: BrokenStreamError) -> _Frame:
        """Go on behind a break in the stream; it counts as one byte, so that no two records share an offset."""
        frame = _Frame(self.offset, failure.rest, f"broken_stream: {failure}")
        self.offset += 1
        self.failure = None
        return frame

    def search(self, pattern: re.Pattern[bytes], limit: int) -> re.Match[bytes] | None:
        """Find `pattern` in the first `limit` bytes."""
        found = pattern.search(self.held, 0, limit)
        if not found and len(self.held) < limit:
            self.fill(limit)
            found = pattern.search(self.held, 0, limit)
        return found

    def skip(self, size: int) -> int:
        """Go on by `size` bytes without holding them; return by how many the stream allowed."""
        left = size
        while left > len(self.held):
            left -= self._drop(len(self.held))
            if not self.fill(1):
                return size - left
        self._drop(left)
        return size

    def _drop(self, size: int) -> int:
        del self.held[:size]
        self.offset += size
        return size

    def drop_newlines(self) -> None:
        while self.fill(1) and (found := _NEWLINES.match(self.held)):
            self._drop(found.end())

    def broken(self, error: str) -> _Frame:
        """Give up the bytes here, up to the next line that begins a record or the end of the stream."""
        offset, head, passed = self.offset, bytearray(), 0

        def give_up(size: int) -> int:
            head.extend(self.held[: min(size, RAW_BYTES - len(head))])
            return self._drop(size)

        while not (found := _NEXT_RECORD.search(self.held)):
            # The line may lie across two chunks: hold on to more than its length.
            passed += give_up(max(len(self.held) - _VERSION_BYTES, 0))
            if not self.fill(len(self.held) + 1):
                passed += give_up(len(self.held))
                if self.failure is not None:  # one row for the break and the record that it cuts off
                    error = self.pass_break(self.failure).error or error
                break
        else:
            passed += give_up(found.start(1))
        return _Frame(offset, bytes(head), error + size_in_words(passed))


def _row(frame: _Frame, max_record_bytes: int) -> dict[str, Any] | None:
    """Parse one record into the columns it fills; None if it is the archive's own bookkeeping."""
    row: dict[str, Any] = {"position": frame.offset}
    if frame.error:
        return row | {"error": frame.error, "raw": frame.octets[:RAW_BYTES]}
    record = WarcRecord.from_bytes(frame.octets)
    if not record.record_type & _DOCUMENTS:
        return None
    row["url"] = record.headers.get(WarcHeader.WARC_TARGET_URI)
    row["date"] = record.headers.get(WarcHeader.WARC_DATE)
    if record.record_type == WarcRecordType.conversion:
        return row | {
            "octets": record.reader.read(),
            "declared_language": record.headers.get("WARC-Identified-Content-Language"),
        }
    try:
        media_type, charset, payload = _payload(record, max_record_bytes)
    except _SkippedError as skipped:
        return row | {"error": str(skipped)}
    except (OSError, BrokenStreamError, _BrokenRecordError) as error:
        words = f"broken_record: {' '.join(str(error).split())}"
        return row | {"error": words + size_in_words(len(frame.octets)), "raw": frame.octets[:RAW_BYTES]}
    return row | {"raw": payload, "media_type": media_type, "charset": charset}


class _SkippedError(Exception):
    """The record was read well and is no document; the message is its error."""


class _BrokenRecordError(Exception):
    """The HTTP message within a record is damaged."""


def _payload(record: WarcRecord, max_record_bytes: int) -> tuple[str, str | None, bytes]:
    """Return media type, declared charset and payload of a response or resource, with HTTP's encodings undone."""
    if not record.is_http:
        media_type, charset = _content_type(record.headers.get(WarcHeader.CONTENT_TYPE))
        _require_text_type(media_type)
        return media_type, charset, record.reader.read()
    record.parse_http()
    payload = record.reader.read()
    headers = record.http_headers
    if headers is None or headers.status_code is None:
        raise _BrokenRecordError("the response has no HTTP status line")
    if headers.status_code != 200:
        raise _SkippedError(f"http_status: {headers.status_code}")
    media_type = (record.http_content_type or "").lower()
    _require_text_type(media_type)
    if "chunked" in (headers.get("Transfer-Encoding") or "").lower():
        payload = _dechunked(payload)
    for coding in reversed((headers.get("Content-Encoding") or "").lower().split(",")):
        payload = _decoded(payload, coding.strip(), max_record_bytes)
    return media_type, record.http_charset, payload


def _content_type(header: str | None) -> tuple[str, str | None]:
    message = Message()
    message["Content-Type"] = header or ""
    return message.get_content_type() if header else "", message.get_content_charset()


def _require_text_type(media_type: str) -> None:
    if media_type not in _TEXT_TYPES:
        raise _SkippedError(f"media_type: {media_type[:100] or 'none is declared'}")


def _dechunked(payload: bytes) -> bytes:
    """Undo HTTP's chunking (RFC 9112, section 7.1); fastwarc's decoder stops at chunk extensions."""
    parts: list[bytes] = []
    position = 0
    while header := _CHUNK_HEADER.match(payload, position):
        end = header.end() + int(header[1], 16)
        if end == header.end():
            return b"".join(parts)
        parts.append(payload[header.end() : end])
        if not payload.startswith(b"\r\n", end):
            raise _BrokenRecordError(f"the chunk at byte {position} of the payload is cut off or its length wrong")
        position = end + 2
    if position:
        raise _BrokenRecordError(f"no chunk begins at byte {position} of the payload")
    return payload  # many crawlers undo the chunking and leave its header


def _decoded(payload: bytes, coding: str, max_record_bytes: int) -> bytes:
    """Undo one HTTP content coding, holding no more than `max_record_bytes` and a chunk."""
    if coding in ("", "identity", "utf-8"):  # the last is a common mistake
        return payload
    if coding not in _CODINGS:
        raise _BrokenRecordError(f"content coding {coding[:40]!r} is not read; {', '.join(_CODINGS)} are")
    looks_coded, decode = _CODINGS[coding]
    if not looks_coded(payload):
        return payload  # many crawlers undo the coding and leave its header
    decoded = bytearray()
    for chunk in decode(payload):
        decoded += chunk
        if len(decoded) > max_record_bytes:
            raise _BrokenRecordError(f"the payload decodes to more than max_record_bytes, which is {max_record_bytes}")
    return bytes(decoded)


def _brotli(payload: bytes) -> Iterator[bytes]:
    reader = BrotliReader(io.BytesIO(payload))
    while chunk := reader.read(CHUNK_BYTES):
        yield chunk


def _deflate(payload: bytes) -> Iterator[bytes]:
    """Inflate a zlib stream, or the bare deflate stream that some servers send under the same name."""
    is_zlib = payload[0] & 0x0F == 8 and int.from_bytes(payload[:2], "big") % 31 == 0
    decoder = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_ZLIB if is_zlib else igzip_lib.DECOMP_DEFLATE)
    try:
        while not decoder.eof and (payload or not decoder.needs_input):
            yield decoder.decompress(payload, CHUNK_BYTES)
            payload = b""
    except IgzipError as error:
        raise _BrokenRecordError(f"the deflate stream is damaged ({error})") from error
    if not decoder.eof:
        raise _BrokenRecordError("the deflate stream is truncated")


# Each HTTP content coding: how its payload looks, and how it is undone in bounded steps.
_CODINGS: Mapping[str, tuple[Callable[[bytes], bool], Callable[[bytes], Iterator[bytes]]]] = {
    "gzip": (lambda payload: payload.startswith(b"\x1f\x8b"), lambda payload: chunks(io.BytesIO(payload), ".gz")),
    "x-gzip": (lambda payload: payload.startswith(b"\x1f\x8b"), lambda payload: chunks(io.BytesIO(payload), ".gz")),
    "zstd": (
        lambda payload: payload.startswith(b"\x28\xb5\x2f\xfd"),
        lambda payload: chunks(io.BytesIO(payload), ".zst"),
    ),
    "deflate": (lambda payload: bool(payload) and not payload.lstrip().startswith(b"<"), _deflate),
    "br": (lambda payload: bool(payload) and not payload.lstrip().startswith(b"<"), _brotli),
}


def _batch(rows: list[dict[str, Any]], split: InputSplit, source: WarcSource) -> pa.RecordBatch:
    schema = record_schema()
    columns = {
        name: [row.get(name) for row in rows] for name in ("raw", "media_type", "charset", "url", "date", "error")
    }
    text, undecodable = decode_strings(pa.array([row.get("octets") for row in rows], pa.large_binary()))
    for place in np.flatnonzero(undecodable).tolist():
        columns["error"][place] = "invalid_encoding: the text is not UTF-8"
        columns["raw"][place] = rows[place]["octets"]
    return make_records(
        schema,
        source,
        split.path,
        [row["position"] for row in rows],
        text=text,
        declared_language=[row.get("declared_language") for row in rows],
        **columns,
    )
