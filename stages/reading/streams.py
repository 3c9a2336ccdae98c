"""Files as streams of uncompressed bytes in bounded memory: what can be read before a break, then
why it broke.

A compressed file is hostile until proven otherwise: 32 kB of zstd may hold a gigabyte.
Decompression therefore goes in steps whose output is bounded, and whoever reads decides how much of
a record to hold (`max_record_bytes`).
"""

from __future__ import annotations

import bz2
import codecs
import contextlib
import lzma
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, NamedTuple, Protocol, cast

import fsspec
import numpy as np
import numpy.typing as npt
import zstandard
from isal import igzip_lib

from stages.reading.records import RAW_BYTES, Unreadable, size_in_words

# most bytes that one step of decompression returns (zstd: 64 MiB in the worst case)
CHUNK_BYTES = 1 << 20
LINES_BYTES = 8 << 20  # about how many bytes of whole lines are handed on at once

_INPUT_BYTES = 1 << 16
# zstd has no bound on its output, but its blocks do: 128 KiB from 4 bytes, so 2 KiB of input are 64
# MiB at the very most.
_ZSTD_INPUT_BYTES = 2048
# of places in a row that look like a member and are none, after which a file is given up
_RESUMPTIONS = 1000
_SAMPLE_BYTES = 4 << 20  # of a compressed file, by which its uncompressed size is estimated
# What damaged members may yield, beyond which reading goes on after all that they went over: so
# many bytes, and so many for each byte of the file.
_SPOILED_BYTES, _SPOILED_RATIO = 1 << 26, 16
_MEMBER_BYTES = 16  # no beginning of a member that _MEMBERS looks for is longer
_ZSTD_WINDOW_BYTES = 1 << 27  # what the zstd command line accepts without --long
_ZSTD_DICTIONARY_FRAME = b"\x5d\x2a\x4d\x18"
_ZSTD_DICTIONARY_BYTES = 1 << 25  # IIPC's specification asks for at least 1 << 23
_XZ_MEMORY_BYTES = 1 << 28


class _Decoder(Protocol):
    """One compressed member or frame, as the standard library's bz2 and lzma decode it."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _ZstdFrame:
    """zstandard's decompression object with the manners of bz2's."""

    needs_input = True  # it never holds output back

    def __init__(self, decompressor: zstandard.ZstdDecompressor) -> None:
        self._frame = decompressor.decompressobj()

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._frame.decompress(data)

    @property
    def eof(self) -> bool:
        return self._frame.eof

    @property
    def unused_data(self) -> bytes:
        return self._frame.unused_data


_ZSTD = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES)
_DECODERS: Mapping[str, tuple[Callable[[], _Decoder], int]] = {
    # Intel's igzip makes 384 MB/s of web pages on one core where zlib makes 165 and fastwarc's own
    # gzip reader 250.
    ".gz": (lambda: igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP), _INPUT_BYTES),
    ".bz2": (bz2.BZ2Decompressor, _INPUT_BYTES),
    ".xz": (lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY_BYTES), _INPUT_BYTES),
    ".zst": (lambda: _ZstdFrame(_ZSTD), _ZSTD_INPUT_BYTES),
}
# How a member begins. Where a method, a level or the first block's mark follows the magic, it is
# part of it.
_MEMBERS: Mapping[str, re.Pattern[bytes]] = {
    ".gz": re.compile(rb"\x1f\x8b\x08"),
    ".bz2": re.compile(rb"BZh[1-9]1AY&SY"),
    ".xz": re.compile(rb"\xfd7zXZ\x00"),
    ".zst": re.compile(rb"\x28\xb5\x2f\xfd"),
}
COMPRESSIONS = tuple(_DECODERS)
# Endings of compressed files that are not read: refused by name, so that they are not taken for
# broken text.
UNREAD_COMPRESSIONS = (
    ".zip",
    ".7z",
    ".rar",
    ".lz4",
    ".br",
    ".lzma",
    ".lz",
    ".lzo",
    ".z",
    ".tar",
    ".tgz",
    ".snappy",
)

IgzipError = cast("type[Exception]", igzip_lib.error)  # its stub declares an instance
_DECODING_ERRORS = (
    IgzipError,
    OSError,
    EOFError,
    lzma.LZMAError,
    zstandard.ZstdError,
)


class BrokenStreamError(Exception):
    """A compressed stream ends or goes wrong; `rest` is the first MiB of the bytes that could not
    be decoded."""

    def __init__(self, words: str, rest: bytes) -> None:
        super().__init__(words)
        self.rest = rest


def compression_of(path: str) -> str:
    """Return the ending of `path` that names its compression, or an empty string for a plain
    file."""
    return next((ending for ending in COMPRESSIONS if path.lower().endswith(ending)), "")


_UTF_16_OR_32 = re.compile(  # a byte-order mark, or letters of ASCII
    rb"\xff\xfe|\xfe\xff|\x00\x00\xfe\xff|[^\x00]\x00[^\x00]\x00|\x00[^\x00]\x00[^\x00]|[^\x00]\x00{3}|\x00{3}[^\x00]"
)
LINES_END_IN_CR = (
    "its lines end in a carriage return alone; convert the file to lines that end in a line feed"
)
_CONTAINERS = {
    b"PAR1": "Parquet",
    b"PK\x03\x04": "a zip archive",
    b"%PDF-": "PDF",
    b"SQLite format 3\x00": "SQLite",
    b"ARROW1\x00\x00": "Arrow IPC",
    b"Obj\x01": "Avro",
}


def known_as(head: bytes) -> str:
    """Say what a file is that should be lines of text, by its first bytes; empty if it may be text.

    >>> known_as(b"PAR1"), known_as("{}".encode("utf-16")), known_as(b'{"text": "BZh"}')
    ('it is Parquet, not lines of text', 'it is UTF-16 or UTF-32; convert it to UTF-8', '')
    """
    for ending, member in _MEMBERS.items():
        if member.match(head):
            return f"it is compressed; name it {ending}"
    if head[257:262] == b"ustar":
        return "it is a tar archive; unpack it"
    if _UTF_16_OR_32.match(head):
        return "it is UTF-16 or UTF-32; convert it to UTF-8"
    return next(
        (
            f"it is {name}, not lines of text"
            for magic, name in _CONTAINERS.items()
            if head.startswith(magic)
        ),
        "",
    )


def open_file(location: str) -> IO[bytes]:
    """Open a file of any store for reading. In a local name nothing is a pattern, a chain of URLs
    or a protocol."""
    if "://" not in location:
        return Path(location).open("rb")
    return fsspec.open(location, "rb").open()


def chunks(file: _Readable, path: str) -> Iterator[bytes]:
    """Yield the uncompressed bytes of a file, compressed as the ending of `path` says, in chunks of
    bounded size.

    Raises BrokenStreamError where the stream is truncated or damaged, after everything before that
    was yielded.
    """
    compression = compression_of(path)
    if compression:
        try:
            yield from _Members(compression).chunks(file)
        except BrokenStreamError as broken:
            broken.rest += file.read(max(RAW_BYTES - len(broken.rest), 0))
            raise
    else:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def estimated_bytes(location: str, path: str, file_bytes: int) -> int:
    """Estimate the uncompressed size of a file by its first _SAMPLE_BYTES; 0 if none of it can be
    read."""
    if not compression_of(path):
        return file_bytes
    uncompressed = 0
    with open_file(location) as file:
        counted = _Counted(file)
        with contextlib.suppress(BrokenStreamError):
            for chunk in chunks(counted, path):
                uncompressed += len(chunk)
                if max(counted.total, uncompressed // 16) >= _SAMPLE_BYTES:
                    break
    return file_bytes * uncompressed // max(counted.total, 1)


class _Members:
    """The members of a compressed file, one after the other, and what they share: a dictionary."""

    def __init__(self, compression: str) -> None:
        self._compression = compression
        self._make, self._input_bytes = _DECODERS[compression]
        self.member_bytes = 0  # that the member which is being read has yielded

    def chunks(self, file: _Readable) -> Iterator[bytes]:
        data = file.read(self._input_bytes)
        while data:
            if self._compression == ".zst":
                data = self._pass_dictionary(data, file)
            decoder = self._make()
            # the member's input so far, or somewhat more than its last MiB
            held, held_bytes = (
                deque([data]),
                len(data),
            )
            self.member_bytes = 0
            while not decoder.eof:
                if decoder.needs_input and not data:
                    data = file.read(self._input_bytes)
                    if not data:
                        raise self._broken("is truncated", b"".join(held))
                    held.append(data)
                    held_bytes += len(data)
                    while held_bytes - len(held[0]) >= RAW_BYTES:
                        held_bytes -= len(held.popleft())
                try:
                    chunk = decoder.decompress(data, CHUNK_BYTES)
                except _DECODING_ERRORS as error:
                    raise self._broken(f"is damaged ({error})", b"".join(held)) from error
                data = b""
                if chunk:
                    self.member_bytes += len(chunk)
                    yield chunk
            data = decoder.unused_data or file.read(self._input_bytes)
            while data and not (data := data.lstrip(b"\0")):  # padding, which gzip ignores too
                data = file.read(self._input_bytes)

    def _pass_dictionary(self, data: bytes, file: _Readable) -> bytes:
        """Take the dictionary from the frame that holds one for all that follow; return what comes
        after it.

        Source: IIPC, Zstandard Compression for WARC Files 1.0: a skippable frame at the beginning
        of the file, with the dictionary as it is or as a frame of its own. Here it may also stand
        later, as in files that were joined.
        """
        data += _read_up_to(file, 8 - len(data))
        if not data.startswith(_ZSTD_DICTIONARY_FRAME):
            return data
        end = 8 + int.from_bytes(data[4:8], "little")
        if end - 8 > _ZSTD_DICTIONARY_BYTES:
            raise self._broken(
                f"has a dictionary of {end - 8} bytes, at most {_ZSTD_DICTIONARY_BYTES} are read",
                data,
            )
        data += _read_up_to(file, end - len(data))
        if len(data) < end:
            raise self._broken("is truncated", data)
        dictionary = data[8:end]
        try:
            if _MEMBERS[".zst"].match(dictionary):
                reader = _ZSTD.stream_reader(dictionary, read_across_frames=False)
                dictionary = reader.read(_ZSTD_DICTIONARY_BYTES)
            shared = zstandard.ZstdCompressionDict(
                dictionary, dict_type=zstandard.DICT_TYPE_FULLDICT
            )
            decompressor = zstandard.ZstdDecompressor(
                dict_data=shared, max_window_size=_ZSTD_WINDOW_BYTES
            )
            decompressor.decompressobj()  # raises if the dictionary is none
        except zstandard.ZstdError as error:
            raise self._broken(f"has a dictionary that is damaged ({error})", data) from error
        self._make = lambda: _ZstdFrame(decompressor)
        return data[end:] or file.read(self._input_bytes)

    def _broken(self, words: str, rest: bytes) -> BrokenStreamError:
        return BrokenStreamError(f"the {self._compression} stream {words}", rest)


def _read_up_to(file: _Readable, size: int) -> bytes:
    """Read `size` bytes, less only where the file ends."""
    pieces = []
    while size > 0 and (piece := file.read(size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def chunks_and_breaks(file: IO[bytes], path: str) -> Iterator[bytes | BrokenStreamError]:
    """Yield chunks as `chunks` does, but where a file of many members is damaged, the break and
    then what follows.

    Reading goes on at the next bytes that look like the beginning of a member and can be decoded,
    be they among those that the damaged member went over: where its own end is lost, it reads on
    into the members after it. What damaged members yield is bounded, since a file may be written so
    that each byte begins one that reads to the end.
    """
    compression = compression_of(path)
    if not compression:
        yield from chunks(file, path)
        return
    members = _Members(compression)
    counted = _Counted(file)
    rest: bytes | None = b""
    attempts = 0  # since something could be decoded
    spoiled_bytes = 0
    while rest is not None and attempts < _RESUMPTIONS:
        try:
            for chunk in members.chunks(_Joined(rest, counted)):
                attempts = 0
                yield chunk
            return
        except BrokenStreamError as broken:
            if not attempts:
                yield broken
            attempts += 1
            spoiled_bytes += members.member_bytes
            again = (
                broken.rest
                if spoiled_bytes <= _SPOILED_BYTES + _SPOILED_RATIO * counted.total
                else b""
            )
            rest = _next_member(_MEMBERS[compression], again, counted)


def _next_member(begins: re.Pattern[bytes], rest: bytes, file: _Readable) -> bytes | None:
    """Return the bytes from the next beginning of a member on, those that were read; None if there
    is none."""
    found = begins.search(rest, 1)  # not where the damaged one begins
    while not found:
        more = file.read(CHUNK_BYTES)
        if not more:
            return None
        rest = rest[-_MEMBER_BYTES:] + more
        found = begins.search(rest, 1)
    return rest[found.start() :]


class _Counted:
    """A file that counts the bytes that are read from it."""

    def __init__(self, file: _Readable) -> None:
        self._file = file
        self.total = 0

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self.total += len(data)
        return data


class _Joined:
    """A file with bytes put back in front of it."""

    def __init__(self, first: bytes, file: _Readable) -> None:
        self._first = first
        self._file = file

    def read(self, size: int) -> bytes:
        if not self._first:
            return self._file.read(size)
        head, self._first = self._first[:size], self._first[size:]
        return head


def read_whole(location: str, path: str, max_bytes: int) -> bytes | Unreadable:
    """Read a file that is one record; Unreadable if it is broken or longer than `max_bytes` once
    uncompressed."""
    content = bytearray()
    with open_file(location) as file:
        try:
            for chunk in chunks(file, path):
                content += chunk
                if len(content) > max_bytes:
                    words = f"too_large: the file exceeds max_record_bytes, which is {max_bytes}"
                    return Unreadable(0, words, bytes(content[:RAW_BYTES]))
        except BrokenStreamError as error:
            return Unreadable(
                0, f"broken_stream: {error}", bytes(content[:RAW_BYTES]) or error.rest
            )
    return bytes(content)


class Lines(NamedTuple):
    """Whole lines: the bytes from `offset` of the uncompressed file, each line but the file's last
    with its newline."""

    offset: int
    data: bytes


def read_lines(
    location: str, path: str, start: int, end: int, max_line_bytes: int
) -> Iterator[Lines | Unreadable]:
    """Yield the lines of a file that start in [start, end), in order, some MiB at a time; end -1 is
    the file's end.

    A byte order mark at the beginning of the file is no part of its first line. A line of more than
    `max_line_bytes` is skipped as Unreadable without being held; a broken stream ends with
    Unreadable, its raw the line that is cut off or, if there is none, the compressed bytes from the
    break.
    """
    with open_file(location) as file:
        if start:
            # A line belongs to the split in which it starts: skip the one that started before.
            if compression_of(path):
                stream = _from(chunks(file, path), start - 1)
            else:
                file.seek(start - 1)
                stream = chunks(file, path)
            yield from _lines(stream, start - 1, start, end, max_line_bytes)
        else:
            yield from _lines(chunks(file, path), 0, 0, end, max_line_bytes)


def _from(stream: Iterator[bytes], offset: int) -> Iterator[bytes]:
    """Yield what a stream has from `offset` on; nothing if it ends or breaks before."""
    passed, chunk = 0, b""
    while passed <= offset:
        try:
            chunk = next(stream, b"")
        except BrokenStreamError:  # which is told by who reads what comes before it
            return
        if not chunk:
            return
        passed += len(chunk)
    yield chunk[len(chunk) - (passed - offset) :]
    yield from stream


def _lines(
    stream: Iterator[bytes], offset: int, start: int, end: int, max_line_bytes: int
) -> Iterator[Lines | Unreadable]:
    skipping = start > offset  # until the newline that ends a line of the split before
    whole: list[bytes] = []  # whole lines from `offset` on
    whole_bytes = 0
    begun: list[bytes] = []  # the line after them, as far as it was read and is worth holding
    begun_bytes = 0  # its length, held or not
    position = offset  # of the next chunk
    finished = False
    while not finished:
        try:
            chunk = next(stream, b"")
        except BrokenStreamError as error:
            if skipping:
                return  # the line that is cut off started in the split before
            yield from _whole_lines(offset, whole, max_line_bytes)
            yield Unreadable(
                offset + whole_bytes,
                f"broken_stream: {error}",
                b"".join(begun)[:RAW_BYTES] or error.rest,
            )
            return
        if not chunk:
            break
        if position == 0 and chunk.startswith(codecs.BOM_UTF8):
            chunk = chunk[len(codecs.BOM_UTF8) :]
            offset = position = len(codecs.BOM_UTF8)
        if end >= 0 and position + len(chunk) >= end:
            # ends the line that holds the byte before `end`
            last = chunk.find(b"\n", max(end - 1 - position, 0))
            if last >= 0:
                chunk, finished = chunk[: last + 1], True
        position += len(chunk)
        if skipping:
            first = chunk.find(b"\n")
            skipping = first < 0
            chunk = b"" if skipping else chunk[first + 1 :]
            offset = position - len(chunk)
        last = chunk.rfind(b"\n") + 1
        if last and begun_bytes > max_line_bytes:
            first = chunk.find(b"\n")
            yield _too_long(offset, begun_bytes + first, max_line_bytes, b"".join(begun))
            offset, begun, begun_bytes = position - len(chunk) + first + 1, [], 0
            chunk, last = chunk[first + 1 :], last - first - 1
        if last:
            whole += [*begun, chunk[:last]]
            whole_bytes += begun_bytes + last
            begun, begun_bytes = [], 0
        if last < len(chunk):
            begun_bytes += len(chunk) - last
            if begun_bytes <= max_line_bytes:
                begun.append(chunk[last:])
            elif len(begun) != 1 or len(begun[0]) != RAW_BYTES:
                begun = [b"".join([*begun, chunk[last:]])[:RAW_BYTES]]
        if whole_bytes >= LINES_BYTES or (whole and begun_bytes > max_line_bytes):
            yield from _whole_lines(offset, whole, max_line_bytes)
            offset, whole_bytes = offset + whole_bytes, 0
    if begun_bytes > max_line_bytes:
        yield from _whole_lines(offset, whole, max_line_bytes)
        yield _too_long(offset + whole_bytes, begun_bytes, max_line_bytes, b"".join(begun))
    else:
        whole += begun
        del begun
        yield from _whole_lines(offset, whole, max_line_bytes)


def _whole_lines(
    offset: int, pieces: list[bytes], max_line_bytes: int
) -> Iterator[Lines | Unreadable]:
    """Join `pieces`, and empty the list, so that a long line is not held twice while it is being
    used."""
    data = b"".join(pieces)
    pieces.clear()
    start = 0
    if len(data) > max_line_bytes:
        ends = line_ends(data)
        starts = np.concatenate(([0], ends[:-1]))
        lengths = ends - starts - (np.frombuffer(data, np.uint8)[ends - 1] == ord("\n"))
        for long in np.flatnonzero(lengths > max_line_bytes):
            begin, end, length = int(starts[long]), int(ends[long]), int(lengths[long])
            if begin > start:
                yield Lines(offset + start, data[start:begin])
            yield _too_long(
                offset + begin, length, max_line_bytes, data[begin : begin + min(length, RAW_BYTES)]
            )
            start = end
    if start < len(data):
        yield Lines(offset + start, data[start:])


def line_ends(data: bytes) -> npt.NDArray[np.int64]:
    """Return where each line of `data` ends, its newline included; the last line needs none."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n")) + 1
    return ends if data.endswith(b"\n") or not data else np.append(ends, len(data))


def _too_long(offset: int, length: int, max_line_bytes: int, head: bytes) -> Unreadable:
    words = f"too_large: the line has {length} bytes, max_record_bytes is {max_line_bytes}"
    return Unreadable(offset, words + size_in_words(length), head[:RAW_BYTES])
