"""WARC under mutation: an untouched record is always read, every other one is a row of its own or a
failed one."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

from stages.reading.warc import _frames
from tests.fuzz.mutations import Case, bounded, cases, read_rows

TOKENS = (
    b"WARC/1.0\r\n",
    b"\r\nWARC/1.0\r\n\r\n",
    b"\r\n\r\n",
    b"\n",
    b"\r",
    b"\0",
    b"Content-Length: ",
    b"\r\nContent-Length: 300\r\n",
    b"\r\nContent-Length: 300000000\r\n",
    b"WARC-Type: continuation\r\n",
    b"WARC-Type:",
    b"Content-Encoding: gzip\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"charset*=a; charset*0=b",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"\x1f\x8b\x08",
    b"\x28\xb5\x2f\xfd",
    b" \t",
    b":",
    b"\xff\xfe",
)


def page(number: int) -> bytes:
    """Write a response whose page and length differ from those of every other number."""
    html = b"<html><p>%d %s</p></html>" % (number, b"kaixo " * (number + 3))
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
    if number % 3 == 1:
        html = gzip.compress(html, mtime=0)
        http += b"Content-Encoding: gzip\r\n"
    if number % 3 == 2:
        html = b"%x\r\n%b\r\n0\r\n\r\n" % (len(html), html)
        http += b"Transfer-Encoding: chunked\r\n"
    block = http + b"\r\n" + html
    return (
        b"WARC/1.%d\r\nWARC-Type: response\r\nWARC-Target-URI: https://example.org/%d\r\n"
        % (number % 2, number)
        + b"WARC-Date: 2026-01-01T00:00:00Z\r\nContent-Type: application/http; msgtype=response\r\n"
        + b"Content-Length: %d\r\n\r\n%b\r\n\r\n" % (len(block), block)
    )


PAGES = [page(number) for number in range(12)]


def read_the_good_file(folder: Path) -> None:
    (folder / "good.warc").write_bytes(b"".join(PAGES))
    rows = read_rows(folder, format="warc", paths=["good.warc"])
    assert [(row["url"], row["error"]) for row in rows] == [
        (f"https://example.org/{number}", None) for number in range(len(PAGES))
    ]


def hold_the_laws(case: Case, folder: Path, name: str) -> None:
    rows = read_rows(folder, format="warc", paths=[name], max_record_bytes=1 << 20)
    assert len({row["id"] for row in rows}) == len(rows)
    good = Counter(row["url"] for row in rows if not row["error"])
    missing = [number for number in case.intact if not good[f"https://example.org/{number}"]]
    assert not missing, (
        f"untouched records {missing} were not read: {[row['error'] for row in rows if row['error']]}"
    )


def test_untouched_records_are_read_whatever_stands_between_them(tmp_path: Path) -> None:
    read_the_good_file(tmp_path)
    for case in cases(PAGES, TOKENS, count=500):
        (tmp_path / "a.warc").write_bytes(case.content)
        with bounded(case):
            hold_the_laws(case, tmp_path, "a.warc")


def test_every_byte_lies_in_one_frame_or_is_an_empty_line() -> None:
    for case in cases(PAGES, TOKENS, count=300):
        with bounded(case):
            end, passed_over = 0, False
            for frame in _frames(iter([case.content]), 1 << 20):
                assert passed_over or not case.content[end : frame.offset].strip(b"\r\n")
                assert case.content.startswith(frame.octets, frame.offset)
                end = frame.offset + len(frame.octets)
                # only its header is kept
                passed_over = (frame.error or "").startswith("too_large: ")
            assert passed_over or not case.content[end:].strip(b"\r\n")


def test_untouched_members_are_read_whatever_stands_between_them(tmp_path: Path) -> None:
    read_the_good_file(tmp_path)
    for case in cases([gzip.compress(record, mtime=0) for record in PAGES], TOKENS, count=200):
        (tmp_path / "a.warc.gz").write_bytes(case.content)
        with bounded(case):
            hold_the_laws(case, tmp_path, "a.warc.gz")
