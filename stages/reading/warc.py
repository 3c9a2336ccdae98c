"""Read WARC (web pages with their HTTP headers) and WET (text extracted from them).

The frame of a record is found here, in a stream of bounded memory, and its header is parsed here.
fastwarc's iterator (2.0.1) was not enough: it gives up at the first broken record, ends silently
where a file is truncated, numbers the records of a file that was compressed as a whole all alike,
and passes over records whose fields are named in lower case or whose lines end in LF. Here a broken
record fails alone and reading goes on at the next line that begins one.

Documents are responses and resources with HTML or plain text, status 200, and conversions (WET).
Each other record is skipped with its reason: responses of another kind, what crawlers note under
addresses that are none of the web, and the archive's own bookkeeping (requests, metadata, revisits,
warcinfo, continuations, types that nobody knows), which is counted by type. A record that was
written in several segments fails: its page is not whole, and the segments may lie in several files.

Any version of the format is read (WARC/0.17 to 2.0); names of fields and types in any case, lines
that end in CRLF or LF, folded lines. Of a field that is repeated, the first counts.

Source: WARC 1.1, ISO 28500:2017; position is the record's offset in the uncompressed stream.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from schemas.source import WarcSource
from schemas.split import InputFile, InputSplit
from schemas.withdrawal import RESERVATIONS
from stages.reading.files import whole_file_split
from stages.reading.http_messages import (
    HEADER_END,
    BrokenMessageError,
    decoded_payload,
    header_fields,
    is_message,
    media_type_and_charset,
    parse_message,
    sniffed_media_type,
)
from stages.reading.records import (
    RAW_BYTES,
    SKIPPED,
    decode_strings,
    make_records,
    record_schema,
    size_in_words,
)
from stages.reading.streams import BrokenStreamError, chunks_and_breaks, open_file

_HEADER_BYTES = 1 << 16  # longest header block of a record
# looked at first, so that version lines without end cost no more than others
_USUAL_HEADER_BYTES = 1 << 12
_BATCH_BYTES = 8 << 20
_BATCH_ROWS = 4096

_VERSION = rb"\d{1,3}\.\d{1,3}[ \t]{0,4}\r?\n"
_VERSION_LINE = re.compile(rb"WARC/" + _VERSION, re.IGNORECASE)
_VERSION_BYTES = 24  # a version line is not longer
# Where reading goes on after a broken record: at a version line, or, where a record was cut off in
# the middle of a line and others were written after it, at one that a field follows. It begins with
# letters as they are, for speed.
_NEXT_RECORD = re.compile(
    rb"WARC/(?:(?<=\nWARC/)%b|%b(?=[\w-]{1,60}[ \t]{0,4}:))" % (_VERSION, _VERSION)
)
_NEXT_RECORD_BYTES = 96  # what it matches and looks at is not longer
_NEWLINES = re.compile(rb"[\r\n]+")
_LENGTH = re.compile(rb"\d{1,18}")
_BETWEEN_BYTES = 128  # looked at after a record: its empty lines and a version line

_DOCUMENTS = (b"response", b"resource", b"conversion")
_TEXT_TYPES = ("text/html", "application/xhtml+xml", "text/plain")
_UTF8 = (None, "utf-8", "utf8", "us-ascii", "ascii")
# TDM Reservation Protocol, the file on the origin server
_RESERVATION_FILE = re.compile(rb"(?i)[\s<]*https?://[^/?#]+/\.well-known/tdmrep\.json[\s>]*")
_HTTP_TYPES = ("application/http", "message/http")
# Addresses of pages; those of files are what crawlers of a folder write.
_PAGE_ADDRESS = re.compile(rb"\s*<?\s*(?:(?:https?|file):|[^:]*$)", re.IGNORECASE)


class _Frame(NamedTuple):
    """One record as it stands in the stream, its fields and where its block begins; or what is
    wrong with the bytes."""

    offset: int
    octets: bytes
    error: str | None
    fields: Mapping[bytes, bytes] = {}
    block_begins: int = 0


class _Header(NamedTuple):
    """What a record says of itself, and the bytes of its header and of the whole."""

    fields: Mapping[bytes, bytes]
    header_bytes: int
    record_bytes: int


def plan(source: WarcSource, files: Sequence[InputFile], _split_bytes: int) -> Iterator[InputSplit]:
    """Return one split a file: an archive has no index of its records, and where one stands is only
    known to who has read those before it."""
    return (whole_file_split(source.name, file) for file in files if file.file_bytes)


def problems(_source: WarcSource, _files: Sequence[InputFile]) -> list[str]:
    """Return nothing: a WARC has no columns."""
    return []


def read(split: InputSplit, source: WarcSource) -> Iterator[pa.RecordBatch]:
    """Yield the documents of an archive in order, and what could not be read or is no document,
    with its reason."""
    rows: list[dict[str, Any]] = []
    held_bytes = 0
    # Record by record: each is a message of its own, with headers and an encoding of its own.
    with open_file(split.location) as file:
        for frame in _frames(chunks_and_breaks(file, split.path), source.max_record_bytes):
            if frame.offset < split.start:
                continue  # another split's
            if 0 <= split.end <= frame.offset:
                break
            row = _row(frame, source.max_record_bytes)
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
        header = window.header(0)
        if isinstance(header, str):
            yield window.broken(f"broken_record: the record has no {header}")
            continue
        fields, header_bytes, record_bytes = header
        content_bytes = record_bytes - header_bytes
        if content_bytes > max_record_bytes:
            yield window.too_large(header, max_record_bytes)
            continue
        error = window.misfit(header, 0)
        if error:
            yield window.broken(f"broken_record: {error}")
        else:
            offset, octets = window.offset, bytes(window.held[:record_bytes])
            window.skip(record_bytes)
            yield _Frame(offset, octets, None, fields, header_bytes)


class _Window:
    """The part of a stream that is being looked at: `held` begins at `offset` of the uncompressed
    file."""

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
        """Go on after a break in the stream; it counts as one byte, so that no two records share an
        offset."""
        frame = _Frame(self.offset, failure.rest, f"broken_stream: {failure}")
        self.offset += 1
        self.failure = None
        return frame

    def header(self, begin: int) -> _Header | str:
        """Parse the header of the record that begins at `begin`, or name what it lacks."""
        version = _VERSION_LINE.match(self.held, begin)
        if not version:
            self.fill(begin + _VERSION_BYTES)  # the last record may have fewer
            version = _VERSION_LINE.match(self.held, begin)
        if not version:
            return "WARC/1.x line"
        found = None
        for limit in (begin + _USUAL_HEADER_BYTES, begin + _HEADER_BYTES):
            self.fill(limit)
            following = _NEXT_RECORD.search(self.held, version.end(), limit)
            found = HEADER_END.search(
                self.held, version.end() - 2, following.start() if following else limit
            )
            if found or following:
                break
        if not found:
            return "end of its header"
        header = bytes(self.held[version.end() : found.end()])
        fields = dict(reversed(header_fields(header)))
        if b"warc-type" not in fields:
            return "WARC-Type"
        length = fields.get(b"content-length", b"")
        if not _LENGTH.fullmatch(length):
            return "Content-Length"
        header_bytes = found.end() - begin
        return _Header(fields, header_bytes, header_bytes + int(length))

    def misfit(self, header: _Header, begin: int) -> str | None:
        """Say what is wrong with the length of the record at `begin`; null if it is right.

        After a record comes the next one, or the end. Where something else follows its newlines, it
        is a record of its own that is broken, unless the block holds a line that begins a record:
        then the length is wrong.
        """
        end = begin + header.record_bytes
        if not self.fill(end + _BETWEEN_BYTES) and len(self.held) < end:
            held = len(self.held) - begin
            return f"the record is cut off or its length wrong, it has {held} of {header.record_bytes} bytes"
        content_bytes = header.record_bytes - header.header_bytes
        newlines = _NEWLINES.match(self.held, end)
        after = newlines.end() if newlines else end
        if after >= min(len(self.held), end + _BETWEEN_BYTES) or _VERSION_LINE.match(
            self.held, after
        ):
            return None
        if not newlines:
            return f"the record goes on after the {content_bytes} bytes of its Content-Length"
        covered = _NEXT_RECORD.search(
            self.held, begin + header.header_bytes, end + _NEXT_RECORD_BYTES
        )
        if covered and covered.start() < end:
            return f"another record begins within the {content_bytes} bytes of its Content-Length"
        return None

    def too_large(self, header: _Header, max_record_bytes: int) -> _Frame:
        """Pass over a record without holding it, up to its end or the first good record that it
        covers.

        Such a record shows that the length is wrong. (An archive in an archive is read as its
        records, too.)
        """
        offset, head = self.offset, bytes(self.held[: header.header_bytes])
        content_bytes = header.record_bytes - header.header_bytes
        words = f"too_large: the record has {content_bytes} bytes, max_record_bytes is {max_record_bytes}"
        left = header.record_bytes
        looked_at = header.header_bytes - 1  # the newline before the block
        while True:
            found = _NEXT_RECORD.search(self.held, looked_at, left)
            if found:
                begin = found.start()
                covered = self.header(begin)
                if (
                    isinstance(covered, _Header)
                    and covered.record_bytes - covered.header_bytes <= max_record_bytes
                    and not self.misfit(covered, begin)
                ):
                    self.skip(begin)
                    passed = self.offset - offset
                    words += f", but another record begins after {passed} of them"
                    break
                # Let go of what was looked at, so that no more is held than one record.
                left -= self._drop(begin)
                looked_at = 1
                continue
            if len(self.held) >= left:
                self.skip(left)
                break
            dropped = self._drop(max(len(self.held) - _NEXT_RECORD_BYTES, 0))
            left -= dropped
            looked_at = max(looked_at - dropped, 0)
            if not self.fill(len(self.held) + 1):
                left -= self._drop(len(self.held))
                words += f", and the file ends after {header.record_bytes - left} of them"
                break
        return _Frame(offset, head, f"{words} (its header is kept)")

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
        """Give up the bytes here, up to the next line that begins a record or the end of the
        stream."""
        offset, head, passed = self.offset, bytearray(), 0

        def give_up(size: int) -> int:
            head.extend(self.held[: min(size, RAW_BYTES - len(head))])
            return self._drop(size)

        while not (found := _NEXT_RECORD.search(self.held, 1)):
            # The line may lie across two chunks: hold on to more than its length.
            passed += give_up(max(len(self.held) - _NEXT_RECORD_BYTES, 0))
            if not self.fill(len(self.held) + 1):
                passed += give_up(len(self.held))
                # one row for the break and the record that it cuts off
                if self.failure is not None:
                    error = self.pass_break(self.failure).error or error
                break
        else:
            passed += give_up(found.start())
        return _Frame(offset, bytes(head), error + size_in_words(passed))


def _row(frame: _Frame, max_record_bytes: int) -> dict[str, Any]:
    """Parse one record into the columns it fills."""
    row: dict[str, Any] = {"position": frame.offset}
    if frame.error:
        return row | {"error": frame.error, "raw": frame.octets[:RAW_BYTES]}
    fields = frame.fields
    kind = fields[b"warc-type"].lower()
    address = fields.get(b"warc-target-uri", b"")
    row["url"] = address.decode("utf-8", "replace")
    row["date"] = fields.get(b"warc-date", b"").decode("utf-8", "replace")
    if kind not in _DOCUMENTS:
        return row | {"error": _bookkeeping(kind.decode("utf-8", "replace"))}
    if not _PAGE_ADDRESS.match(address):
        scheme = address.lstrip(b" <").partition(b":")[0][:40].decode("utf-8", "replace")
        return row | {"error": f"not_web: the scheme of the address is {scheme!r}"}
    try:
        return row | _content(frame, kind, max_record_bytes)
    except _SkippedError as skipped:
        return row | {"error": str(skipped), "raw": skipped.raw}
    except BrokenMessageError as error:
        words = f"broken_record: {error}"
        return row | {
            "error": words + size_in_words(len(frame.octets)),
            "raw": frame.octets[:RAW_BYTES],
        }


def _bookkeeping(kind: str) -> str:
    reason = f"{kind}_record"
    return (
        f"{reason}: {SKIPPED[reason]}"
        if reason in SKIPPED
        else f"unknown_record_type: {kind[:40]!r}"
    )


class _SkippedError(Exception):
    """The record was read well and is no document; the message is its error. `raw` is the payload
    of one that says what its site reserves."""

    raw: bytes | None = None


def _content(frame: _Frame, kind: bytes, max_record_bytes: int) -> dict[str, Any]:
    """Return the payload of a document, with HTTP's encodings undone, and what is declared about
    it.

    Raises _SkippedError or BrokenMessageError.
    """
    fields = frame.fields
    if b"warc-segment-number" in fields:
        raise BrokenMessageError("the record is one of several segments, which are not joined")
    block = frame.octets[frame.block_begins :]
    media_type, charset = media_type_and_charset([fields.get(b"content-type", b"")])
    if media_type in _HTTP_TYPES or (kind == b"response" and is_message(block)):
        message = parse_message(block)
        if message.status != 200:
            raise _SkippedError(f"http_status: {message.status}")
        if message.media_type:
            try:
                _require_text_type(message.media_type)
            except _SkippedError as skipped:
                if _RESERVATION_FILE.fullmatch(fields.get(b"warc-target-uri", b"")):
                    skipped.raw = decoded_payload(message, max_record_bytes)[:RAW_BYTES]
                raise
        payload = decoded_payload(message, max_record_bytes)
        media_type = message.media_type or sniffed_media_type(payload)
        _require_text_type(media_type)
        return {
            "raw": payload,
            "media_type": media_type,
            "charset": message.charset,
            RESERVATIONS.name: message.reservations,
        }
    if kind == b"conversion":
        language = fields.get(b"warc-identified-content-language", b"").decode("utf-8", "replace")
        if not media_type or (media_type == "text/plain" and charset in _UTF8):
            return {"octets": block, "declared_language": language}
        _require_text_type(media_type)
        return {
            "raw": block,
            "media_type": media_type,
            "charset": charset,
            "declared_language": language,
        }
    media_type = media_type or sniffed_media_type(block)
    _require_text_type(media_type)
    return {"raw": block, "media_type": media_type, "charset": charset}


def _require_text_type(media_type: str) -> None:
    if media_type not in _TEXT_TYPES:
        raise _SkippedError(f"media_type: {media_type[:100] or 'none is declared'}")


def _batch(rows: list[dict[str, Any]], split: InputSplit, source: WarcSource) -> pa.RecordBatch:
    schema = record_schema([RESERVATIONS])
    columns = {
        name: [row.get(name) for row in rows]
        for name in ("raw", "media_type", "charset", "url", "date", "error", RESERVATIONS.name)
    }
    text, undecodable = decode_strings(
        pa.array([row.get("octets") for row in rows], pa.large_binary())
    )
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
