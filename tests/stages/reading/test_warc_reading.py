"""WARC and WET: every record by itself, HTTP undone, nothing lost behind a broken one."""

from __future__ import annotations

import bz2
import gzip
import io
import random
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import brotli  # type: ignore[import-untyped]
import pytest
import zstandard
from fastwarc.warc import WarcRecord, WarcRecordType
from hypothesis import example, given
from hypothesis import strategies as st

from stages.reading.records import SKIPPED
from stages.reading.warc import _frames

Rows = list[dict[str, Any]]
PAGE = "<html lang=eu><p>Kaixo, mundua! \u00f1</p></html>".encode()


def record(
    number: int = 0,
    body: bytes = PAGE,
    http: Sequence[bytes] = (b"Content-Type: text/html; charset=UTF-8",),
    status: bytes = b"HTTP/1.1 200 OK",
    kind: bytes = b"response",
    length: int | None = None,
    headers: bytes = b"",
) -> bytes:
    """Write a record by hand, so that it may be as wrong as a test needs it."""
    is_http = kind in (b"response", b"request")
    block = b"\r\n".join([status, *http, b"", body]) if is_http else body
    media = b"application/http; msgtype=response" if is_http else b"text/html; charset=latin-1"
    if kind == b"conversion":
        media = b"text/plain"
    head = [
        b"WARC/1.0",
        b"WARC-Type: " + kind,
        b"WARC-Target-URI: http://example.org/%d" % number,
        b"WARC-Date: 2024-05-06T07:08:%02dZ" % number,
        *([headers] if headers else []),
        b"Content-Type: " + media,
        b"Content-Length: %d" % (len(block) if length is None else length),
    ]
    return b"\r\n".join([*head, b"", block, b"", b""])


@pytest.fixture
def read_warc(tmp_path: Path, read_all: Callable[..., Rows]) -> Callable[..., Rows]:
    """Return a function that reads records as a plain archive, by member and as one member: the
    rows must agree."""

    def rows(records: Sequence[bytes], **source: Any) -> Rows:
        content = b"".join(records)
        archives = {
            "plain.warc": content,
            "members.warc.gz": b"".join(map(gzip.compress, records)),
            "whole.warc.gz": gzip.compress(content),
            "whole.warc.zst": zstandard.compress(content),
            "whole.warc.bz2": bz2.compress(content),
        }
        found = []
        for name, archive in archives.items():
            (tmp_path / name).write_bytes(archive)
            read = read_all(format="warc", paths=[name], **source)
            assert len({row["id"] for row in read}) == len(read)
            found.append(
                [{key: row[key] for key in row if key not in ("id", "path")} for row in read]
            )
        assert all(other == found[0] for other in found[1:])
        return found[0]

    return rows


def test_a_response_is_a_page_with_its_address_and_charset(read_warc: Callable[..., Rows]) -> None:
    first, second = read_warc(
        [record(1), record(2, http=[b"content-type: TEXT/plain"])], licence="CC0-1.0"
    )
    assert (first["raw"], first["text"], first["media_type"], first["charset"]) == (
        PAGE,
        None,
        "text/html",
        "utf-8",
    )
    assert (first["url"], first["date"], first["licence"]) == (
        "http://example.org/1",
        "2024-05-06T07:08:01Z",
        "CC0-1.0",
    )
    assert (first["position"], second["position"]) == (0, len(record(1)))
    assert (second["media_type"], second["charset"], second["error"]) == ("text/plain", None, None)


def test_what_fastwarc_writes_is_read(tmp_path: Path, read_all: Callable[..., Rows]) -> None:
    stream = io.BytesIO()
    for kind, content in (
        (WarcRecordType.warcinfo, b"software: test\r\n"),
        (WarcRecordType.response, b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + PAGE),
        (WarcRecordType.metadata, b"fetchTimeMs: 1\r\n"),
    ):
        written = WarcRecord()
        written.init_headers(kind)
        if kind == WarcRecordType.response:
            written.is_http = True
            written.headers["WARC-Target-URI"] = "http://example.org/"
        written.set_bytes_content(content)
        written.write(stream, checksum_data=True)
    (tmp_path / "a.warc").write_bytes(stream.getvalue())
    info, row, metadata = read_all(format="warc", paths=["a.warc"])
    assert (row["raw"], row["url"], row["error"]) == (PAGE, "http://example.org/", None)
    assert [other["error"].partition(":")[0] for other in (info, metadata)] == [
        "warcinfo_record",
        "metadata_record",
    ]


def test_wet_has_text_and_the_language_that_the_crawl_identified(
    read_warc: Callable[..., Rows],
) -> None:
    text = "Kaixo, mundua!\n\u0f56\u0f7c\u0f51\u0f0b".encode()
    _, first, second = read_warc(
        [
            record(kind=b"warcinfo", body=b"isPartOf: x\r\n"),
            record(
                1,
                kind=b"conversion",
                body=text,
                headers=b"WARC-Identified-Content-Language: eus,bod",
            ),
            record(2, kind=b"conversion", body=b"\xff\xfe"),
        ]
    )
    assert (first["text"], first["raw"], first["declared_language"]) == (
        text.decode(),
        None,
        "eus,bod",
    )
    assert (second["error"], second["raw"]) == (
        "invalid_encoding: the text is not UTF-8",
        b"\xff\xfe",
    )


def test_a_resource_is_a_page_without_http(read_warc: Callable[..., Rows]) -> None:
    (row,) = read_warc([record(kind=b"resource")])
    assert (row["raw"], row["media_type"], row["charset"]) == (PAGE, "text/html", "latin-1")


def test_the_bookkeeping_of_an_archive_is_no_document_and_counted_by_type(
    read_warc: Callable[..., Rows],
) -> None:
    kinds = (
        b"warcinfo",
        b"request",
        b"metadata",
        b"revisit",
        b"continuation",
        b"unheard-of",
        b"REQUEST",
    )
    rows = read_warc([record(number, kind=kind) for number, kind in enumerate(kinds)])
    reasons = [row["error"].partition(":")[0] for row in rows]
    known = [f"{kind.decode()}_record" for kind in kinds[:5]]
    assert reasons == [*known, "unknown_record_type", "request_record"]
    assert set(reasons) <= SKIPPED.keys()
    assert rows[5]["error"] == "unknown_record_type: 'unheard-of'"
    assert [row["url"] for row in rows] == [f"http://example.org/{number}" for number in range(7)]
    assert not any(row["raw"] or row["text"] for row in rows)


HEADERS: dict[str, Callable[[bytes], bytes]] = {
    "names in lower case": lambda octets: octets.replace(b"WARC-T", b"warc-t").replace(
        b"Content-L", b"content-l"
    ),
    "names in capitals": lambda octets: octets.replace(b"WARC-Type", b"WARC-TYPE").replace(
        b"Length", b"LENGTH"
    ),
    "lines that end in LF": lambda octets: octets.replace(b"\r\n\r\nHTTP", b"\n\nHTTP").replace(
        b"0\r\nWARC", b"0\nWARC"
    ),
    "a folded line": lambda octets: octets.replace(b"WARC-Type: ", b"WARC-Type:\r\n  "),
    "a space before the colon": lambda octets: octets.replace(
        b"Content-Length:", b"Content-Length :"
    ),
    "a field twice": lambda octets: octets.replace(
        b"Content-Length", b"WARC-Type: request\r\nContent-Length"
    ),
    "a line that is no field": lambda octets: octets.replace(
        b"Content-Length", b"nonsense\r\nContent-Length"
    ),
    "the media type in capitals": lambda octets: octets.replace(
        b"application/http", b"Application/HTTP"
    ),
    "no media type": lambda octets: octets.replace(
        b"Content-Type: application/http; msgtype=response\r\n", b""
    ),
    "an address in brackets": lambda octets: octets.replace(
        b"http://example.org/0", b"<http://example.org/0>"
    ),
    "version 0.17": lambda octets: octets.replace(b"WARC/1.0", b"WARC/0.17"),
    "version 1.2": lambda octets: octets.replace(b"WARC/1.0", b"WARC/1.2"),
    "version 2.0": lambda octets: octets.replace(b"WARC/1.0", b"WARC/2.0"),
}


@pytest.mark.parametrize("change", HEADERS.values(), ids=HEADERS.keys())
def test_a_header_may_be_written_in_many_ways(
    change: Callable[[bytes], bytes], read_warc: Callable[..., Rows]
) -> None:
    changed = change(record())
    assert changed != record()
    row, other = read_warc([changed, record(1)])
    assert (row["raw"], row["url"], row["error"]) == (PAGE, "http://example.org/0", None)
    assert (other["raw"], other["error"]) == (PAGE, None)


HTTP_HEADERS: dict[str, tuple[bytes, str | None]] = {
    "lines that end in LF": (
        b"HTTP/1.1 200 OK\nServer: x\ncontent-type: text/html; charset=koi8-r\n\n",
        "koi8-r",
    ),
    "mixed line ends": (b"HTTP/1.1 200 OK\r\nServer: x\nContent-Type: text/html\r\n\n", None),
    "a charset in parts, which is not HTTP's": (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset*=a; charset*0=b\r\n\r\n",
        None,
    ),
    "twice, the last counts": (
        b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Type: TEXT/HTML;charset='KOI8-R'\r\n\r\n",
        "koi8-r",
    ),
    "HTTP/2 without a reason": (b"HTTP/2 200\r\nContent-Type: text/html\r\n\r\n", None),
    "an interim response before it": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n",
        None,
    ),
}


@pytest.mark.parametrize(("header", "charset"), HTTP_HEADERS.values(), ids=HTTP_HEADERS.keys())
def test_an_http_header_may_be_written_in_many_ways(
    header: bytes, charset: str | None, read_warc: Callable[..., Rows]
) -> None:
    block = header + PAGE
    whole = record(kind=b"resource", body=block).replace(
        b"text/html; charset=latin-1", b"application/http"
    )
    (row,) = read_warc([whole.replace(b"resource", b"response", 1)])
    assert (row["raw"], row["media_type"], row["charset"], row["error"]) == (
        PAGE,
        "text/html",
        charset,
        None,
    )


ADDRESSES: dict[str, tuple[bytes, str | None]] = {
    "what wget notes": (
        b"metadata://gnu.org/software/wget/warc/MANIFEST.txt",
        "not_web: the scheme of the address is ",
    ),
    "in brackets": (b"<metadata://gnu.org/software/wget/warc/wget.log>", "not_web: "),
    "a name that was looked up": (b"dns:example.org", "not_web: "),
    "a listing": (b"ftp://example.org/", "not_web: "),
    "what a browser saw": (b"urn:text:https://example.org/", "not_web: "),
    "a page": (b"HTTPS://example.org/", None),
    "a file": (b"file://var/www/index.html", None),
}


@pytest.mark.parametrize(("address", "error"), ADDRESSES.values(), ids=ADDRESSES.keys())
def test_a_resource_is_a_document_by_its_address(
    address: bytes, error: str | None, read_warc: Callable[..., Rows]
) -> None:
    (row,) = read_warc([record(kind=b"resource").replace(b"http://example.org/0", address)])
    assert (row["error"] or "").startswith(error or "")
    assert (row["raw"] == PAGE) == (error is None)


def test_a_segment_is_no_page(read_warc: Callable[..., Rows]) -> None:
    segment, page = read_warc([record(headers=b"WARC-Segment-Number: 1"), record(1)])
    assert (
        segment["error"]
        == "broken_record: the record is one of several segments, which are not joined"
    )
    assert segment["raw"].startswith(b"WARC/1.0")
    assert page["error"] is None


NO_DOCUMENTS: dict[str, tuple[bytes, str]] = {
    "not found": (record(status=b"HTTP/1.1 404 Not Found"), "http_status: 404"),
    "moved": (record(status=b"HTTP/1.1 301 Moved", body=b""), "http_status: 301"),
    "an image": (record(http=[b"Content-Type: image/png"]), "media_type: image/png"),
    "a PDF resource": (
        record(kind=b"resource").replace(
            b"text/html; charset=latin-1", b"application/pdf;charset=bin"
        ),
        "media_type: application/pdf",
    ),
    "no type": (record(http=[], body=b"%PDF-1.4"), "media_type: none is declared"),
    "no type, and a tag that HTML does not begin with": (
        record(http=[], body=b"<svg>"),
        "media_type: none is declared",
    ),
}


@pytest.mark.parametrize("http", [[], [b"Content-Type: html"], [b"Content-Type:"]])
def test_a_page_that_declares_no_type_is_known_by_how_it_begins(
    http: list[bytes], read_warc: Callable[..., Rows]
) -> None:
    body = b"\n<!DOCTYPE html>" + PAGE
    (row,) = read_warc([record(http=http, body=body)])
    assert (row["raw"], row["media_type"], row["error"]) == (body, "text/html", None)


@pytest.mark.parametrize(("response", "error"), NO_DOCUMENTS.values(), ids=NO_DOCUMENTS.keys())
def test_a_response_that_is_no_document_is_skipped_with_its_reason(
    response: bytes, error: str, read_warc: Callable[..., Rows]
) -> None:
    skipped, page = read_warc([response, record(1)])
    assert (skipped["error"], skipped["raw"], skipped["text"]) == (error, None, None)
    assert skipped["url"] == "http://example.org/0"
    assert error.partition(":")[0] in SKIPPED
    assert page["error"] is None


def chunked(body: bytes) -> bytes:
    return (
        b"".join(b"%x;x=y\r\n%b\r\n" % (len(part), part) for part in (body[:7], body[7:]))
        + b"0\r\n\r\n"
    )


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


ENCODED: dict[str, tuple[Sequence[bytes], bytes]] = {
    "chunked": ([b"Transfer-Encoding: chunked"], chunked(PAGE)),
    "gzip": ([b"Content-Encoding: gzip"], gzip.compress(PAGE)),
    "gzip in chunks": (
        [b"Content-Encoding: gzip", b"Transfer-Encoding: chunked"],
        chunked(gzip.compress(PAGE)),
    ),
    "brotli": ([b"Content-Encoding: br"], brotli.compress(PAGE)),
    "zstd": ([b"Content-Encoding: zstd"], zstandard.compress(PAGE)),
    "deflate": ([b"Content-Encoding: deflate"], zlib.compress(PAGE)),
    "bare deflate": ([b"Content-Encoding: deflate"], raw_deflate(PAGE)),
    "twice": ([b"Content-Encoding: gzip, br"], brotli.compress(gzip.compress(PAGE))),
    "identity": ([b"Content-Encoding: identity"], PAGE),
    "chunking undone, its header left": ([b"Transfer-Encoding: chunked"], PAGE),
    "gzip undone, its header left": ([b"Content-Encoding: gzip"], PAGE),
    "brotli undone, its header left": ([b"Content-Encoding: br"], PAGE),
    "text that is no brotli": ([b"Content-Encoding: br"], b"Kaixo, mundua!"),
    "text that is no deflate": ([b"Content-Encoding: deflate"], b"Kaixo, mundua!"),
    **{
        f"{name}, which is no coding": ([b"Content-Encoding: " + name.encode()], PAGE)
        for name in (
            "none",
            "utf8",
            "UTF-8",
            "binary",
            '"gzip"',
            "aws-chunked",
            "sdch",
            "text/html",
            "",
        )
    },
    "a quoted coding": ([b'Content-Encoding: "gzip"'], gzip.compress(PAGE)),
    "a quoted coding without magic": ([b'Content-Encoding: "br"'], brotli.compress(PAGE)),
    "all codings that the client named": (
        [b"Content-Encoding: gzip, deflate"],
        gzip.compress(PAGE),
    ),
    "gzip twice, said once": ([b"Content-Encoding: gzip"], gzip.compress(gzip.compress(PAGE))),
    "gzip without a header": ([], gzip.compress(PAGE)),
    "bytes after gzip": ([b"Content-Encoding: gzip"], gzip.compress(PAGE) + b"\r\n<!-- 12 ms -->"),
    "gzip as a transfer coding": (
        [b"Transfer-Encoding: gzip, chunked"],
        chunked(gzip.compress(PAGE)),
    ),
    "chunks whose lines end in LF": (
        [b"Transfer-Encoding: Chunked"],
        b"%X\n%b\n0\n\n" % (len(PAGE), PAGE),
    ),
}


@pytest.mark.parametrize(("headers", "body"), ENCODED.values(), ids=ENCODED.keys())
def test_http_encodings_are_undone(
    headers: Sequence[bytes], body: bytes, read_warc: Callable[..., Rows]
) -> None:
    (row,) = read_warc([record(http=[b"Content-Type: text/html", *headers], body=body)])
    assert (row["raw"], row["error"]) == (body if body.startswith(b"Kaixo") else PAGE, None)


BROKEN_HTTP: dict[str, tuple[Sequence[bytes], bytes, str]] = {
    "gzip cut off": (
        [b"Content-Encoding: gzip"],
        gzip.compress(PAGE * 99)[:-20],
        "the gzip stream is truncated",
    ),
    "brotli cut off": ([b"Content-Encoding: br"], brotli.compress(PAGE * 99)[:-5], ""),
    "deflate cut off": (
        [b"Content-Encoding: deflate"],
        zlib.compress(PAGE * 99)[:-9],
        "the deflate stream is truncated",
    ),
    "a chunk cut off": (
        [b"Transfer-Encoding: chunked"],
        chunked(PAGE)[:-20],
        "the chunk at byte 16 of the payload is cut",
    ),
    "no last chunk": (
        [b"Transfer-Encoding: chunked"],
        chunked(PAGE)[:-5],
        "no chunk begins at byte 64 of the payload",
    ),
    "an unknown coding": (
        [b"Content-Encoding: sdch"],
        bytes(range(256)),
        "content coding 'sdch' is not read, and the payload is no plain text",
    ),
    "what is neither gzip nor text": (
        [b"Content-Encoding: gzip"],
        bytes(range(256)),
        "content coding 'gzip' is not read",
    ),
    "a bomb": (
        [b"Content-Encoding: gzip"],
        gzip.compress(b"a" * (8 << 20)),
        "the payload decodes to more than max_record_bytes, which is 1048576",
    ),
    "a bomb in brotli": (
        [b"Content-Encoding: br"],
        brotli.compress(b"a" * (8 << 20)),
        "the payload decodes to more than max_record_bytes, which is 1048576",
    ),
}


@pytest.mark.parametrize(("headers", "body", "words"), BROKEN_HTTP.values(), ids=BROKEN_HTTP.keys())
def test_a_broken_message_fails_alone(
    headers: Sequence[bytes], body: bytes, words: str, read_warc: Callable[..., Rows]
) -> None:
    broken = record(http=[b"Content-Type: text/html", *headers], body=body)
    failed, page = read_warc([broken, record(1)], max_record_bytes=1 << 20)
    assert failed["error"].startswith(f"broken_record: {words}")
    assert failed["raw"] == broken.rstrip(b"\r\n") or failed["raw"].startswith(broken[:100])
    assert failed["url"] == "http://example.org/0"
    assert (page["raw"], page["error"]) == (PAGE, None)


def test_a_response_without_a_status_fails(read_warc: Callable[..., Rows]) -> None:
    (row,) = read_warc([record(status=b"garbage")])
    assert row["error"] == "broken_record: the response has no HTTP status line"


BROKEN_RECORDS: dict[str, tuple[bytes, str]] = {
    "a broken version line": (
        record().replace(b"WARC/1.0", b"WRAC/1.0"),
        "broken_record: the record has no WARC/1.x line",
    ),
    "no length": (
        record().replace(b"Content-Length", b"Content-Langth"),
        "broken_record: the record has no Content-Length",
    ),
    "a negative length": (record(length=-5), "broken_record: the record has no Content-Length"),
    "too short a length": (
        record(length=40),
        "broken_record: the record goes on after the 40 bytes of its Content-Length",
    ),
    "a length past the next record": (
        record(length=len(PAGE) + 200),
        "broken_record: the record goes on after the ",
    ),
    "a length past the end": (
        record(length=10**6),
        "broken_record: the record is cut off or its length wrong, ",
    ),
    "garbage": (b"\xff\x00 garbage\r\n\r\n" * 50, "broken_record: the record has no WARC/1.x line"),
    "an endless header": (
        record(headers=b"X-Long: " + b"a" * 100_000),
        "broken_record: the record has no end of its header",
    ),
}


@pytest.mark.parametrize(("broken", "error"), BROKEN_RECORDS.values(), ids=BROKEN_RECORDS.keys())
def test_a_broken_record_fails_alone(
    broken: bytes, error: str, read_warc: Callable[..., Rows]
) -> None:
    first, failed, *rest = read_warc([record(1), broken, record(2), record(3)])
    assert (first["raw"], first["position"]) == (PAGE, 0)
    assert failed["error"].startswith(error)
    assert failed["position"] == len(record(1))
    assert failed["raw"].strip() == broken.strip() or failed["raw"] == broken[: 1 << 20]
    assert [(row["url"], row["error"]) for row in rest] == [
        ("http://example.org/2", None),
        ("http://example.org/3", None),
    ]


@pytest.mark.slow
def test_a_record_over_the_limit_is_passed_over_without_being_held(
    read_warc: Callable[..., Rows],
) -> None:
    failed, page = read_warc(
        [record(body=b"WARC/1.0\r\n" * 200_000), record(1)], max_record_bytes=1 << 20
    )
    assert failed["error"].startswith(
        "too_large: the record has 2000059 bytes, max_record_bytes is 1048576"
    )
    assert failed["raw"].startswith(b"WARC/1.0\r\nWARC-Type: response")
    assert (page["url"], page["error"]) == ("http://example.org/1", None)


@pytest.mark.parametrize("claimed", [300_000_000, 2_000_000, 10**17])
def test_a_length_that_is_too_large_takes_no_good_record_along(
    claimed: int, read_warc: Callable[..., Rows]
) -> None:
    records = [record(0), record(1, length=claimed), *(record(number) for number in range(2, 60))]
    first, failed, *rest = read_warc(records, max_record_bytes=1 << 20)
    assert first["error"] is None
    words = f"too_large: the record has {claimed} bytes, max_record_bytes is 1048576, but another record begins after "
    assert failed["error"] == f"{words}{len(records[1])} of them (its header is kept)"
    assert [(row["url"], row["error"]) for row in rest] == [
        (f"http://example.org/{n}", None) for n in range(2, 60)
    ]


def test_a_record_that_is_right_may_be_followed_by_garbage(read_warc: Callable[..., Rows]) -> None:
    page, failed, other = read_warc([record(), b"garbage\r\n", record(1)])
    assert (page["error"], failed["error"], other["error"]) == (
        None,
        "broken_record: the record has no WARC/1.x line",
        None,
    )


def test_a_record_that_was_cut_off_in_a_line_takes_no_other_along(
    read_warc: Callable[..., Rows],
) -> None:
    failed, *pages = read_warc([record()[:-30], record(1), record(2)])
    assert failed["error"].startswith("broken_record: ")
    assert [(page["url"], page["error"]) for page in pages] == [
        ("http://example.org/1", None),
        ("http://example.org/2", None),
    ]


def test_a_record_without_a_type_fails(read_warc: Callable[..., Rows]) -> None:
    failed, page = read_warc([record().replace(b"WARC-Type", b"WARC-Tipe"), record(1)])
    assert failed["error"] == "broken_record: the record has no WARC-Type"
    assert failed["raw"].startswith(b"WARC/1.0")
    assert page["error"] is None


@pytest.mark.parametrize(
    "packed", [False, True], ids=["dictionary as it is", "dictionary compressed"]
)
def test_zstd_frames_share_the_dictionary_of_the_first_frame(
    packed: bool, tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    dictionary = zstandard.train_dictionary(
        4000, [record(number, body=b"%d" % number * 50) for number in range(500)]
    )
    octets = zstandard.compress(dictionary.as_bytes()) if packed else dictionary.as_bytes()
    compressor = zstandard.ZstdCompressor(dict_data=dictionary, write_checksum=True)
    frames = [compressor.compress(record(number)) for number in range(4)]
    skippable = b"\x50\x2a\x4d\x18\x03\0\0\0abc"
    begin = b"\x5d\x2a\x4d\x18" + len(octets).to_bytes(4, "little") + octets
    damaged = frames[2][:-3] + b"???"  # its checksum
    (tmp_path / "a.warc.zst").write_bytes(
        begin + frames[0] + skippable + frames[1] + damaged + frames[3]
    )
    rows = read_all(format="warc", paths=["a.warc.zst"])
    assert [row["url"] for row in rows if not row["error"]] == [
        f"http://example.org/{n}" for n in (0, 1, 3)
    ]
    assert [row["error"].partition(":")[0] for row in rows if row["error"]] in (
        ["broken_stream"],
        [],
    )


@pytest.mark.parametrize("cut", [60, 300])
def test_a_truncated_archive_gives_what_precedes_and_one_failed_record(
    cut: int, tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    noise = random.Random(7).randbytes(500)
    records = [record(number, body=noise) for number in range(3)]
    (tmp_path / "members.warc.gz").write_bytes(b"".join(map(gzip.compress, records))[:-cut])
    (tmp_path / "plain.warc").write_bytes(b"".join(records)[:-cut])
    for name, error in (
        ("members.warc.gz", "broken_stream: the .gz stream is truncated"),
        ("plain.warc", "broken_record: the record is cut off or its length wrong, it has "),
    ):
        *pages, failed = read_all(format="warc", paths=[name])
        assert [page["url"] for page in pages] == ["http://example.org/0", "http://example.org/1"]
        assert failed["error"].startswith(error)
        assert failed["position"] == len(records[0]) + len(records[1])


def test_a_damaged_member_does_not_take_the_others_along(
    tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    members = [gzip.compress(record(number)) for number in range(4)]
    members[1] = (
        members[1][:60] + bytes(byte ^ 0xFF for byte in members[1][60:80]) + members[1][80:]
    )
    (tmp_path / "a.warc.gz").write_bytes(b"".join(members))
    rows = read_all(format="warc", paths=["a.warc.gz"])
    assert [row["url"] for row in rows if not row["error"]] == [
        f"http://example.org/{number}" for number in (0, 2, 3)
    ]
    assert [row["error"].partition(":")[0] for row in rows if row["error"]] == ["broken_stream"]
    assert len({row["id"] for row in rows}) == len(rows)


PIECES = st.lists(
    st.sampled_from(
        [
            record(),
            record(kind=b"warcinfo"),
            record(length=9),
            b"WARC/1.0\r\n\r\n",
            b"\r\n",
            b"x\nWARC/1.1\r\n",
            b"Content-Length: 3\r\n\r\n",
        ]
    ),
    max_size=8,
).map(b"".join)


@given(PIECES, st.lists(st.integers(1, 400), max_size=30))
@example(b"WARC/1.0\r\n\r\n", [1])  # less than the longest version line is left
def test_frames_do_not_depend_on_how_the_bytes_arrive(content: bytes, sizes: list[int]) -> None:
    pieces, start = [], 0
    for size in sizes:
        pieces.append(content[start : start + size])
        start += size
    pieces = [piece for piece in [*pieces, content[start:]] if piece]
    frames = list(_frames(iter(pieces), 1 << 20))
    assert frames == list(_frames(iter([content] if content else []), 1 << 20))
    offsets = [frame.offset for frame in frames]
    assert offsets == sorted(set(offsets))
    for frame in frames:
        assert content[frame.offset :].startswith(frame.octets)


def test_blocks_change_nothing_but_the_cutting(
    tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    (tmp_path / "a.warc").write_bytes(b"".join(record(number % 60) for number in range(300)))
    whole = read_all(format="warc", paths=["a.warc"])
    assert len(whole) == 300
    assert read_all(format="warc", paths=["a.warc"], block_bytes=200) == whole


def test_an_address_that_is_not_utf8_is_still_a_string(read_warc: Callable[..., Rows]) -> None:
    (row,) = read_warc([record().replace(b"example.org/0", b"example.org/\xe9")])
    assert row["url"].startswith("http://example.org/")
    assert row["error"] is None
