"""Bad input, through the whole job: either one line before anything runs, or a failed row while the
rest goes on."""

from __future__ import annotations

import gzip
import json
import os
import re
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from pipelines.build.plan import make_plan
from schemas.recipe import RecipeError
from tests.recipes import one_source
from tests.running import glotmill

GOOD = "Gizon-emakume guztiak aske jaiotzen dira, duintasun eta eskubide berberak dituztela."
RECIPE = (
    one_source("bad", "input", kind="{format}", paths="{path}", options="{more}")
    + """
{stages}
"""
)
EXTRACT = '[[ingest]]\nstage = "extract_text"\n'


RUN = ("run", "bad.toml", "--output", "out")


def run_limited(folder: Path, file_bytes: int) -> subprocess.CompletedProcess[str]:
    """Run in a process of its own, none of whose files may grow past `file_bytes`."""
    command = [sys.executable, "-m", "pipelines.command_line.program", *RUN]
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes)),
    )


def write_recipe(folder: Path, kind: str, path: str, more: str = "", stages: str = "") -> None:
    (folder / "bad.toml").write_text(
        RECIPE.format(format=kind, path=path, more=more, stages=stages)
    )


def json_line(text: str) -> bytes:
    return json.dumps({"text": text}, ensure_ascii=False).encode() + b"\n"


def warc_record(url: str, text: str) -> bytes:
    http = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><body><p>"
        + text.encode()
        + b"</p></body></html>"
    )
    head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2026-01-01T00:00:00Z\r\n"
    head += f"WARC-Record-ID: <urn:x:{url}>\r\nContent-Type: application/http; msgtype=response\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(http) + http + b"\r\n\r\n"


def truncated_gzip(folder: Path) -> None:
    packed = gzip.compress(
        b"".join(json_line(f"{GOOD} {os.urandom(30).hex()}") for _ in range(2000)), mtime=0
    )
    (folder / "a.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    write_recipe(folder, "jsonl", "a.jsonl.gz")


def broken_warc_record(folder: Path) -> None:
    records = [warc_record(f"https://e.org/{i}", f"{GOOD} {i}") for i in range(3)]
    records[1] = records[1].replace(b"Content-Length: ", b"Content-Length: x", 1)
    (folder / "a.warc").write_bytes(b"".join(records))
    write_recipe(folder, "warc", "a.warc", stages=EXTRACT)


def invalid_utf8(folder: Path) -> None:
    (folder / "a.jsonl").write_bytes(json_line(GOOD) + b'{"text": "\xff\xfe"}\n')
    write_recipe(folder, "jsonl", "a.jsonl")


def nul_bytes(folder: Path) -> None:
    (folder / "a.txt").write_bytes(GOOD.encode() + b"\nb\x00i\x00nary\n")
    write_recipe(folder, "text", "a.txt", more='unit = "line"')


def duplicate_id(folder: Path) -> None:
    pq.write_table(
        pa.table({"text": [GOOD, f"{GOOD} bi", f"{GOOD} hiru"], "key": ["a", "b", "a"]}),
        folder / "a.parquet",
    )
    write_recipe(folder, "parquet", "a.parquet", more='columns = { id = "key" }')


def one_huge_document(folder: Path) -> None:
    with (folder / "a.txt").open("w") as file:
        file.write((GOOD + "\n") * (200_000_000 // (len(GOOD) + 1)))
    (folder / "b.txt").write_text(GOOD)
    write_recipe(folder, "text", "*.txt", stages='[[ingest]]\nstage = "identify_language"\n')


def empty_file(folder: Path) -> None:
    (folder / "a.jsonl").write_bytes(b"")
    (folder / "b.jsonl").write_bytes(json_line(GOOD))
    write_recipe(folder, "jsonl", "*.jsonl")


ROWS = {
    "truncated gzip: what came before the break is kept": (truncated_gzip, "failed", 1, 100),
    "a WARC with a broken record: the others are kept": (broken_warc_record, "failed", 1, 1),
    "invalid UTF-8": (invalid_utf8, "failed", 1, 1),
    "NUL bytes": (nul_bytes, "failed", 1, 1),
    "a duplicate id: the first document keeps it": (duplicate_id, "duplicate", 1, 2),
    "one document of 200 MB is a document": (one_huge_document, "failed", 0, 2),
    "an empty file has no documents": (empty_file, "failed", 0, 1),
}


@pytest.mark.parametrize(("make", "fate", "count", "published"), ROWS.values(), ids=ROWS.keys())
def test_bad_rows_are_reported_and_the_rest_goes_on(
    make: Callable[[Path], None], fate: str, count: int, published: int, tmp_path: Path
) -> None:
    make(tmp_path)
    ran = glotmill(*RUN, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    fates = Counter(ds.dataset(tmp_path / "out/ledger").to_table()["fate"].to_pylist())
    assert fates[fate] >= count
    assert (fates[fate] > 0) == (count > 0)
    assert fates["published"] >= published
    if fates["failed"]:
        rejects = ds.dataset(tmp_path / "out/rejects").to_table()
        assert rejects.num_rows == fates["failed"]
        assert all(rejects["detail"].to_pylist())


def no_column(folder: Path) -> None:
    pq.write_table(pa.table({"content": [GOOD]}), folder / "a.parquet")
    write_recipe(folder, "parquet", "a.parquet")


def wrong_type(folder: Path) -> None:
    pq.write_table(pa.table({"text": [1, 2]}), folder / "a.parquet")
    write_recipe(folder, "parquet", "a.parquet")


def nested(folder: Path) -> None:
    pq.write_table(pa.table({"text": [[GOOD]]}), folder / "a.parquet")
    write_recipe(folder, "parquet", "a.parquet")


def matches_nothing(folder: Path) -> None:
    write_recipe(folder, "parquet", "*.parquet")


def no_extraction(folder: Path) -> None:
    (folder / "a.warc").write_bytes(warc_record("https://e.org/", GOOD))
    write_recipe(folder, "warc", "a.warc")


BEFORE = {
    "a Parquet without the named column": (no_column, r"bad\.toml: .*a\.parquet.*'text'.*content"),
    "a column of the wrong type": (wrong_type, r"a\.parquet.*text.*int64"),
    "a nested column": (nested, r"a\.parquet.*text.*list"),
    "a path that matches nothing": (matches_nothing, r"\*\.parquet"),
    "HTML without extraction": (no_extraction, r'begin with \[\[ingest\]\] stage = "extract_text"'),
}


@pytest.mark.parametrize(("make", "message"), BEFORE.values(), ids=BEFORE.keys())
def test_one_line_before_anything_runs(
    make: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    make(tmp_path)
    ran = glotmill(*RUN, cwd=tmp_path)
    assert ran.returncode == 2
    (line,) = ran.stderr.strip().splitlines()
    assert re.search(message, line), line
    assert not (tmp_path / "out").exists()


def test_a_full_disk_stops_with_one_line_and_the_same_command_goes_on(tmp_path: Path) -> None:
    """No file may grow past 20 kB, which is how a full disk shows to a writer; then the limit is
    lifted."""
    for number in range(3):
        lines = (json_line(f"{GOOD} {os.urandom(40).hex()}") for _ in range(800 * number + 10))
        (tmp_path / f"{number}.jsonl").write_bytes(b"".join(lines))
    write_recipe(tmp_path, "jsonl", "*.jsonl")
    ran = run_limited(tmp_path, 20_000)
    assert ran.returncode == 1
    (line,) = ran.stderr.strip().splitlines()
    assert "File too large" in line
    assert line.endswith("nothing finished is lost: fix it, then run the same command again")
    for file in (tmp_path / "out").rglob("documents-*.parquet"):
        pq.read_table(file)
    assert not list((tmp_path / "out").glob("data/**/*.parquet"))
    assert glotmill(*RUN, cwd=tmp_path).returncode == 0
    published = ds.dataset(tmp_path / "out/data").count_rows()
    assert published == 10 + 810 + 1610


def test_a_file_without_read_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root reads everything, so the answer of the system is given by hand here."""
    from pipelines.build.plan import make_plan
    from schemas.recipe import RecipeError

    (tmp_path / "a.jsonl").write_bytes(json_line(GOOD))
    write_recipe(tmp_path, "jsonl", "a.jsonl")
    make_plan(tmp_path / "bad.toml")
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    with pytest.raises(RecipeError, match=r"a\.jsonl.*permission"):
        make_plan(tmp_path / "bad.toml")


ALL_AT_ONCE = """[corpus]
name = "Under Served"

[[sources]]
name = "a"
format = "jsonl"
paths = [
  "good.jsonl",
  "none.jsonl",
]
keep = ["genre",
  "rank"]
columns = { url = "adress" }

[[ingest]]
stage = "filter_language"
keep = ["eu", "eus_Latn", "fra_Xxxx1"]
"""


def test_mistakes_in_words_and_in_files_come_in_one_list_each_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "good.jsonl").write_text('{"text": "a"}\n')
    (tmp_path / "recipe.toml").write_text(ALL_AT_ONCE)
    with pytest.raises(RecipeError) as raised:
        make_plan(tmp_path / "recipe.toml")
    lines = [
        ("line 2: ", "corpus.name"),
        ("line 9: ", "'none.jsonl' matches no file"),
        ("line 11: ", "has 'genre' to keep"),
        ("line 12: ", "has 'rank' to keep"),
        ("line 13: ", "has 'adress' for url"),
        ("line 17: ", "got 'eu'; did you mean eus_Latn"),
        ("line 17: ", "got 'fra_Xxxx1'"),
    ]
    assert len(raised.value.problems) == len(lines), raised.value.problems
    for problem, (line, words) in zip(raised.value.problems, lines, strict=True):
        assert problem.startswith(line)
        assert words in problem
