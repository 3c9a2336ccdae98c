"""A file that is read from its beginning and holds much of the input is shared among splits, which
together read what one would."""

from __future__ import annotations

import bz2
import gzip
import itertools
import json
import lzma
from pathlib import Path
from typing import Any

import pytest
import zstandard

from stages.reading import sources
from stages.reading.sources import Listing, plan_sources, read_split
from tests.stages.reading.conftest import SOURCE

WORDS = [f"{n} " + "hitz " * (n * 37 % 60) for n in range(2000)]
LINES = b"".join(json.dumps({"text": word}).encode() + b"\n" for word in WORDS)


def record(number: int, text: str) -> bytes:
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>" + text.encode()
    return (
        b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/%d\r\n"
        b"Content-Type: application/http\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n"
    ) % (number, len(page), page)


RECORDS = [record(n, word) for n, word in enumerate(WORDS[:300])]
TABLE = "".join(f"{n}\t{word}\n" for n, word in enumerate(WORDS)).encode()
ZIPPED = gzip.compress(LINES)
BY_LINE = {"unit": "line"}
BY_COLUMN = {"columns": {"id": "key"}, "quote": ""}


def by_member(pieces: list[bytes]) -> bytes:
    return b"".join(map(gzip.compress, pieces))


def pieces(content: bytes, size: int) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


def damaged(content: bytes) -> bytes:
    """Change a byte after two thirds."""
    at = len(content) * 2 // 3
    return content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]


SHARED: dict[str, tuple[str, bytes, dict[str, Any]]] = {
    "lines, gzip": ("a.jsonl.gz", ZIPPED, {}),
    "lines, zstd": ("a.jsonl.zst", zstandard.compress(LINES), {}),
    "lines, bzip2": ("a.jsonl.bz2", bz2.compress(LINES), {}),
    "lines, xz": ("a.jsonl.xz", lzma.compress(LINES), {}),
    "lines, a member each": ("a.jsonl.gz", by_member(LINES.splitlines(keepends=True)), {}),
    "lines, members that end within them": ("a.jsonl.gz", by_member(pieces(LINES, 999)), {}),
    "lines that end in two characters": (
        "a.jsonl.gz",
        gzip.compress(LINES.replace(b"\n", b"\r\n")),
        {},
    ),
    "lines, the last without an end": ("a.jsonl.gz", gzip.compress(LINES[:-1]), {}),
    "lines, bzip2, cut off": ("a.jsonl.bz2", bz2.compress(LINES)[:-9], {}),
    "lines, cut off": ("a.jsonl.gz", ZIPPED[: len(ZIPPED) * 2 // 3], {}),
    "lines, some too long": ("a.jsonl.gz", ZIPPED, {"max_record_bytes": 200}),
    "text after a byte order mark": ("a.text.gz", gzip.compress(b"\xef\xbb\xbf" + LINES), BY_LINE),
    "a table without quoting": ("a.tsv.gz", gzip.compress(b"key\ttext\n" + TABLE), BY_COLUMN),
    "an archive": ("a.warc", b"".join(RECORDS), {}),
    "an archive, a member a record": ("a.warc.gz", by_member(RECORDS), {}),
    "an archive, one member": ("a.warc.gz", gzip.compress(b"".join(RECORDS)), {}),
    "an archive, cut off": ("a.warc.gz", by_member(RECORDS)[:-99], {}),
    "an archive, cut off, one member": ("a.warc.gz", gzip.compress(b"".join(RECORDS))[:-999], {}),
    "an archive, some too large": ("a.warc.gz", by_member(RECORDS), {"max_record_bytes": 300}),
    "an archive with damage": (
        "a.warc.gz",
        by_member(RECORDS[:99]) + b"no member" + by_member(RECORDS[99:]),
        {},
    ),
}
HUGE = 40 * len(LINES)  # longer than most shares together
LOPSIDED: dict[str, tuple[str, bytes, dict[str, Any]]] = {
    "a line": (
        "a.jsonl.gz",
        gzip.compress(LINES + b'{"text": "' + b"a" * HUGE + b'"}\n' + LINES),
        {},
    ),
    "a line that is too long": (
        "a.jsonl.gz",
        gzip.compress(LINES + b'{"text": "' + b"a" * HUGE + b'"}\n' + LINES),
        {"max_record_bytes": 4096},
    ),
    "a record": ("a.warc.gz", by_member([*RECORDS[:9], record(9, "a" * HUGE), *RECORDS[10:]]), {}),
    "a record that is too large": (
        "a.warc.gz",
        by_member([*RECORDS[:9], record(9, "a" * HUGE), *RECORDS[10:]]),
        {"max_record_bytes": 1 << 16},
    ),
}
WHOLE: dict[str, tuple[str, bytes, dict[str, Any]]] = {
    "a table with quoting": ("a.tsv.gz", gzip.compress(b"key\ttext\n" + TABLE), {"quote": '"'}),
    "a table in CSV, whose rows have line feeds": (
        "a.csv.gz",
        gzip.compress(b"key,text\n" + b'1,"a\nb ""c"" d"\n' * 999),
        {},
    ),
    "a text that is one document": ("a.text.gz", gzip.compress(LINES), {"unit": "file"}),
    "no gzip at all": ("a.jsonl.gz", LINES, {}),
    "lines, damaged": ("a.jsonl.gz", damaged(ZIPPED), {}),
}


def rows_of(splits: list[Any], source: Any) -> list[list[dict[str, Any]]]:
    return [
        [row for block in read_split(split, source) for row in block.to_pylist()]
        for split in splits
    ]


def planned(folder: Path, file: tuple[str, bytes, dict[str, Any]], split_bytes: int) -> Any:
    name, content, options = file
    if not (folder / name).exists():
        (folder / name).write_bytes(content)
    kind = name.split(".")[1]
    source = SOURCE.validate_python({"name": "s", "format": kind, "paths": [name], **options})
    return source, plan_sources([source], Listing(str(folder)), split_bytes)[0]


@pytest.mark.parametrize("shares", [2, 3, 16])
@pytest.mark.parametrize("file", SHARED.values(), ids=SHARED.keys())
def test_shares_of_a_file_have_each_record_once_and_in_order(
    tmp_path: Path, file: tuple[str, bytes, dict[str, Any]], shares: int
) -> None:
    source, whole = planned(tmp_path, file, 1 << 30)
    _, splits = planned(tmp_path, file, len(file[1]) // shares)
    assert (len(whole), len(splits)) == (1, shares)
    assert len({split.id for split in splits}) == shares
    (expected,), found = rows_of(whole, source), rows_of(splits, source)
    assert list(itertools.chain.from_iterable(found)) == expected
    if not any(
        (row["error"] or "").startswith("broken") for row in expected
    ):  # then all is guessed
        assert max(map(len, found)) < 2 * len(expected) / shares


@pytest.mark.parametrize("shares", [2, 16])
@pytest.mark.parametrize("file", LOPSIDED.values(), ids=LOPSIDED.keys())
def test_what_is_longer_than_a_share_is_read_by_one(
    tmp_path: Path, file: tuple[str, bytes, dict[str, Any]], shares: int
) -> None:
    source, whole = planned(tmp_path, file, 1 << 30)
    _, splits = planned(tmp_path, file, len(file[1]) // shares)
    assert len(splits) == shares
    (expected,), found = rows_of(whole, source), rows_of(splits, source)
    assert list(itertools.chain.from_iterable(found)) == expected
    assert len(expected) == (2 * len(WORDS) + 1 if file[0] == "a.jsonl.gz" else len(RECORDS))


@pytest.mark.parametrize("file", WHOLE.values(), ids=WHOLE.keys())
def test_a_file_without_offsets_is_read_whole(
    tmp_path: Path, file: tuple[str, bytes, dict[str, Any]]
) -> None:
    _, (split,) = planned(tmp_path, file, len(file[1]) // 4)
    assert (split.start, split.end) == (0, -1)


def test_only_a_file_with_more_than_its_part_of_the_input_is_shared(tmp_path: Path) -> None:
    """To pass over records takes time: of many files alike, none would be waited for."""
    for name, copies in (*((f"{n:02d}", 1) for n in range(20)), ("large", 9)):
        (tmp_path / f"{name}.jsonl.gz").write_bytes(ZIPPED * copies)
    source = SOURCE.validate_python({"name": "s", "format": "jsonl", "paths": ["*.jsonl.gz"]})
    (splits,) = plan_sources([source], Listing(str(tmp_path)), 1024)
    counts = [sum(split.path == f"{name}.jsonl.gz" for split in splits) for name in ("07", "large")]
    assert counts == [1, 9 * sources.SHARES // 29]


def test_the_size_of_splits_follows_the_input_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one file with 90 % of the bytes no split has more than a sixteenth, whatever the number of
    workers, which the plan is not told."""
    monkeypatch.setattr(sources, "split_bytes_for", lambda size: min(size // 64, 2048))
    (tmp_path / "large.jsonl").write_bytes(LINES)
    for number in range(5):
        (tmp_path / f"small-{number}.jsonl").write_bytes(LINES[: len(LINES) // 45])
    source = SOURCE.validate_python({"name": "s", "format": "jsonl", "paths": ["*.jsonl"]})
    (splits,) = plan_sources([source], Listing(str(tmp_path)))
    assert max(split.size_bytes for split in splits) <= sum(s.size_bytes for s in splits) / 16
