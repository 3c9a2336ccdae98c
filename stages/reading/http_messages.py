"""Read an HTTP response as it was archived: status, media type, charset, and the payload with its
codings undone.

Archives hold what servers sent and what crawlers made of it. A crawler may have undone a coding and
left its header; a server may name a coding that is none (`none`, `utf-8`, `aws-chunked`), quote its
name, or compress twice and say so once. So the bytes decide and the header is a hint: what begins
as gzip or zstd is decoded, what cannot be decoded as its header says and looks like text is text.

Sources: RFC 9110, RFC 9112; WHATWG MIME Sniffing for what bytes are binary; WHATWG Fetch, "extract
a MIME type", for a repeated Content-Type.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from fastwarc.stream_io import BrotliReader
from isal import igzip_lib

from stages.reading.streams import CHUNK_BYTES, BrokenStreamError, IgzipError, chunks

HEADER_END = re.compile(rb"\r?\n\r?\n")
_HEADER_BYTES = 1 << 20  # longest header of a message
_STATUS_LINE = re.compile(
    rb"[\r\n]*HTTP(?:/\d{1,3}(?:\.\d{1,3})?)?[ \t]+(\d{3})(?!\d)", re.IGNORECASE
)
_FOLDS = re.compile(rb"\r?\n[ \t]+")
_FIELD = re.compile(rb"^([^\s:][^:\r\n]*?)[ \t]*:[ \t]*([^\r\n]*)", re.MULTILINE)
_MEDIA_TYPE = re.compile(rb"""\s*["']?([\w!#$&^.+-]+/[\w!#$&^.+-]+)""")
_CHARSET = re.compile(rb"""\bcharset[ \t]*=[ \t]*["']?([\w.:+-]{1,40})""", re.IGNORECASE)
_CHUNK_HEADER = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
_CHUNK_END = re.compile(rb"\r?\n")
_CODING = re.compile(rb"[a-z0-9-]+")
# The binary data bytes of WHATWG MIME Sniffing, section 3, in the part of a resource that is looked
# at (section 5.2).
_BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_SNIFFED_BYTES = 1445
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")
_MARKUP = re.compile(rb"\s*<")
# How HTML begins that is declared as nothing (WHATWG MIME Sniffing, section 7.1).
_HTML = re.compile(
    rb"(?:\xef\xbb\xbf)?[\t\n\f\r ]*+<(?:(?:!DOCTYPE HTML|HTML|HEAD|SCRIPT|IFRAME|H1|DIV|FONT|TABLE|A|STYLE|TITLE|"
    rb"BODY|BR|B|P)[ >]|!--)",
    re.IGNORECASE,
)
_ROUNDS = 4  # most codings over one another


class BrokenMessageError(Exception):
    """The HTTP message is damaged."""


class _PayloadTooLargeError(BrokenMessageError):
    """What a payload decodes to is over the limit, whatever it looks like."""


class Message(NamedTuple):
    """A response: `media_type` in lower case, empty if none is declared; the payload not decoded
    yet."""

    status: int
    media_type: str
    charset: str | None
    content_codings: Sequence[bytes]
    transfer_codings: Sequence[bytes]
    payload: bytes
    reservations: str | None = None  # what its header reserves, see `reservation_lines`


def header_fields(header: bytes) -> list[tuple[bytes, bytes]]:
    """Return the fields of a header as (name in lower case, value), in order, folded lines joined.

    Lines end in CRLF or LF, also mixed. A line without a colon, such as the first of a message, is
    no field.

    >>> header_fields(b"HTTP/1.1 200 OK\\r\\nCONTENT-type : text/html;\\n charset=utf-8\\r\\n\\r\\n")
    [(b'content-type', b'text/html; charset=utf-8')]
    """
    if _FOLDS.search(header):
        header = _FOLDS.sub(b" ", header)
    return [(name.lower(), value.rstrip()) for name, value in _FIELD.findall(header)]


def reservation_lines(fields: Sequence[tuple[bytes, bytes]]) -> str | None:
    """Write down what header fields say of `noai` and of the TDM Reservation Protocol, a line each,
    in small letters; None if nothing.

    >>> reservation_lines([(b"x-robots-tag", b"noindex, NoAI"), (b"tdm-reservation", b"1")])
    'noindex, noai\\ntdm-reservation: 1'
    """
    found = []
    for name, value in fields:
        text = value.decode("latin-1").strip().lower()
        if name == b"x-robots-tag" and "noai" in text:
            found.append(text[:1000])
        elif name == b"tdm-reservation":
            found.append(f"tdm-reservation: {text[:10]}")
    return "\n".join(found) or None


def sniffed_media_type(payload: bytes) -> str:
    """Return `text/html` if a payload begins as HTML does, else nothing: for a resource that
    declares no type.

    >>> sniffed_media_type(b" <!doctype html><p>"), sniffed_media_type(b"<pre>"), sniffed_media_type(b"%PDF")
    ('text/html', '', '')
    """
    return "text/html" if _HTML.match(payload) else ""


def media_type_and_charset(values: Sequence[bytes]) -> tuple[str, str | None]:
    """Return what Content-Type declares: the last value that is a media type, with its charset.

    A value without charset keeps that of the one before, if both name the same type. RFC 2231's
    `charset*` is none of HTTP's and is not read.

    >>> media_type_and_charset([b"Text/HTML;charset='UTF-8'", b"text/html"])
    ('text/html', 'utf-8')
    >>> media_type_and_charset([b"text/html; charset*=a; charset*0=b"])
    ('text/html', None)
    """
    media_type, charset = "", None
    for value in values:
        for part in value.split(b","):
            named = _MEDIA_TYPE.match(part)
            if not named:
                continue
            essence = named[1].decode("ascii", "replace").lower()
            declared = _CHARSET.search(part, named.end())
            if declared:
                charset = declared[1].decode("ascii", "replace").lower()
            elif essence != media_type:
                charset = None
            media_type = essence
    return media_type, charset


def is_message(block: bytes) -> bool:
    """Say whether a record's block begins as a response does."""
    return _STATUS_LINE.match(block) is not None


def parse_message(block: bytes) -> Message:
    """Parse the header of a response; an interim one (1xx) before it is passed over.

    Raises BrokenMessageError if it has no status line or its header does not end.
    """
    begin = 0
    while True:
        status_line = _STATUS_LINE.match(block, begin)
        if not status_line:
            raise BrokenMessageError("the response has no HTTP status line")
        status = int(status_line[1])
        end = HEADER_END.search(block, status_line.end(), begin + _HEADER_BYTES)
        if end and 100 <= status < 200 and _STATUS_LINE.match(block, end.end()):
            begin = end.end()
            continue
        if not end and status == 200:
            raise BrokenMessageError("the header of the HTTP response does not end")
        payload_begins = end.end() if end else len(block)
        fields = header_fields(block[begin : min(payload_begins, begin + _HEADER_BYTES)])
        media_type, charset = media_type_and_charset(
            [value for name, value in fields if name == b"content-type"]
        )
        return Message(
            status,
            media_type,
            charset,
            _codings(fields, b"content-encoding"),
            _codings(fields, b"transfer-encoding"),
            block[payload_begins:],
            reservation_lines(fields),
        )


def _codings(fields: Sequence[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    """Return the words of a list of codings, without quotes and parameters."""
    values = [value.lower() for field, value in fields if field == name]
    return [
        word for value in values for part in value.split(b",") for word in _CODING.findall(part)[:1]
    ]


def decoded_payload(message: Message, max_bytes: int) -> bytes:
    """Return the payload of a message with its codings undone, which may not exceed `max_bytes`.

    Raises BrokenMessageError if it does, or if what is there is neither what its header says nor
    text.
    """
    payload = message.payload
    if b"chunked" in message.transfer_codings:
        payload = _dechunked(payload)
    declared = [
        coding
        for coding in (*message.content_codings, *message.transfer_codings)
        if coding in _HINTED
    ]
    unread = [coding for coding in message.content_codings if coding != b"identity"]
    for _ in range(_ROUNDS):
        by_magic = next(
            (decode for magic, decode in _BY_MAGIC.items() if payload.startswith(magic)), None
        )
        if by_magic:
            payload, unread = _held(by_magic(payload), max_bytes), []
        elif declared and payload:
            decode = _HINTED[declared.pop()]
            if _MARKUP.match(payload):
                continue  # the crawler undid the coding and left its header
            try:
                decoded = _held(decode(payload), max_bytes)
            except _PayloadTooLargeError:
                raise
            except (OSError, BrokenMessageError) as error:
                if not _is_text(payload):
                    raise BrokenMessageError(" ".join(str(error).split())) from error
            else:
                if decoded or not _is_text(payload):  # `;` alone is an empty stream of Brotli
                    payload, unread = decoded, []
        else:
            break
    if unread and not _is_text(payload):
        names = b", ".join(unread)[:40].decode("ascii", "replace")
        raise BrokenMessageError(
            f"content coding {names!r} is not read, and the payload is no plain text"
        )
    return payload


def _is_text(payload: bytes) -> bool:
    return payload.startswith(_BYTE_ORDER_MARKS) or not _BINARY.search(payload, 0, _SNIFFED_BYTES)


def _held(decoding: Iterator[bytes], max_bytes: int) -> bytes:
    decoded = bytearray()
    for chunk in decoding:
        decoded += chunk
        if len(decoded) > max_bytes:
            raise _PayloadTooLargeError(
                f"the payload decodes to more than max_record_bytes, which is {max_bytes}"
            )
    return bytes(decoded)


def _dechunked(payload: bytes) -> bytes:
    """Undo HTTP's chunking (RFC 9112, section 7.1), with lines that end in CRLF or LF."""
    parts: list[bytes] = []
    position = 0
    while header := _CHUNK_HEADER.match(payload, position):
        end = header.end() + int(header[1], 16)
        if end == header.end():
            return b"".join(parts)
        parts.append(payload[header.end() : end])
        line_end = _CHUNK_END.match(payload, end)
        if not line_end:
            raise BrokenMessageError(
                f"the chunk at byte {position} of the payload is cut off or its length wrong"
            )
        position = line_end.end()
    if position:
        raise BrokenMessageError(f"no chunk begins at byte {position} of the payload")
    return payload  # many crawlers undo the chunking and leave its header


def _gzip(payload: bytes) -> Iterator[bytes]:
    """Decode the members of a payload; what follows them and is none is ignored, as browsers do."""
    while payload.startswith(_GZIP_MAGIC):
        decoder = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
        yield from _inflated(decoder, payload, "gzip")
        payload = decoder.unused_data


def _deflate(payload: bytes) -> Iterator[bytes]:
    """Inflate a zlib stream, or the bare deflate stream that some servers send under the same
    name."""
    is_zlib = payload[0] & 0x0F == 8 and int.from_bytes(payload[:2], "big") % 31 == 0
    flag = igzip_lib.DECOMP_ZLIB if is_zlib else igzip_lib.DECOMP_DEFLATE
    yield from _inflated(igzip_lib.IgzipDecompressor(flag=flag), payload, "deflate")


def _inflated(decoder: igzip_lib.IgzipDecompressor, payload: bytes, name: str) -> Iterator[bytes]:
    try:
        while not decoder.eof and (payload or not decoder.needs_input):
            yield decoder.decompress(payload, CHUNK_BYTES)
            payload = b""
    except IgzipError as error:
        raise BrokenMessageError(f"the {name} stream is damaged ({error})") from error
    if not decoder.eof:
        raise BrokenMessageError(f"the {name} stream is truncated")


def _brotli(payload: bytes) -> Iterator[bytes]:
    reader = BrotliReader(io.BytesIO(payload))
    while chunk := reader.read(CHUNK_BYTES):
        yield chunk


def _zstd(payload: bytes) -> Iterator[bytes]:
    try:
        yield from chunks(io.BytesIO(payload), ".zst")
    except BrokenStreamError as error:
        raise BrokenMessageError(str(error)) from error


_GZIP_MAGIC = b"\x1f\x8b\x08"
_BY_MAGIC: Mapping[bytes, Callable[[bytes], Iterator[bytes]]] = {
    _GZIP_MAGIC: _gzip,
    b"\x28\xb5\x2f\xfd": _zstd,
}
# Codings without a mark of their own: tried where the header names them.
_HINTED: Mapping[bytes, Callable[[bytes], Iterator[bytes]]] = {
    b"br": _brotli,
    b"deflate": _deflate,
    b"x-deflate": _deflate,
}
