"""Opt-out signals in archives: what pages reserve by robots.txt, header and meta is withdrawn,
wherever in the archives it stands."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.recipes import one_source
from tests.running import glotmill, run
from tests.withdrawals import basque, table_rows

RECIPE = (
    one_source("archives", kind="warc", paths="*.warc")
    + """
[[ingest]]
stage = "extract_text"
"""
)
OPT_OUT = '\n[withdrawn]\nopt_out = ["robots", "noai", "tdm_reservation"]\n'
ROBOTS = (
    "User-agent: *\nDisallow: /search\n\n"
    "User-agent: GPTBot\nUser-agent: Other\nDisallow: /own*.html$\nAllow: /own/b\n"
)
PAGES = {  # path -> header, meta; the name says why it goes
    "a.example/stays": ("", ""),
    "a.example/own/a.html": ("", ""),  # robots
    "a.example/own/b.html": ("", ""),  # allow is shorter than disallow: robots
    "a.example/own/c.html?d": ("", ""),
    "b.example/own/a.html": ("", ""),
    "c.example/header": ("X-Robots-Tag: noindex, NoAI\r\n", ""),
    "c.example/other-bot": ("X-Robots-Tag: otherbot: noai\r\n", ""),
    "c.example/images": ("X-Robots-Tag: noimageai\r\n", ""),
    "c.example/meta": ("", '<META content="NoAI, noimageai" name=Robots>'),
    "c.example/comment": ("", '<!-- <meta name="robots" content="noai"> -->'),
    "c.example/tdm": ("tdm-reservation: 1\r\n", ""),
    "c.example/tdm-meta": ("", '<meta name="tdm-reservation" content="1">'),
    "d.example/a": ("", ""),  # reserved by the file of its site
    "d.example/a/open": ("", ""),  # a rule before that one leaves it open
    "d.example/a/header": ("tdm-reservation: 0\r\n", ""),  # the page decides over the file
    "d.example/b": ("", ""),
    "e.example/a": ("", ""),  # its file is no JSON
    "c.example/tdm-none": ("tdm-reservation: 1\r\n", '<meta name="tdm-reservation" content="0">'),
}
GONE = {
    "a.example/own/a.html",
    "a.example/own/b.html",
    "c.example/header",
    "c.example/meta",
    "c.example/tdm",
    "c.example/tdm-meta",
    "d.example/a",
}
TDM_FILE = """[{"location": "/a/open", "tdm-reservation": 0}, 7,
 {"location": "/a*", "tdm-reservation": 1, "tdm-policy": "https://d.example/policy"}]"""


def record(url: str, kind: str, body: str, header: str = "", date: str = "2026-01-01") -> bytes:
    content = body.encode()
    http = (
        f"HTTP/1.1 200 OK\r\n{header}Content-Type: {kind}; charset=utf-8\r\n\r\n".encode() + content
    )
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://{url}\r\n"
        f"WARC-Date: {date}T00:00:00Z\r\nContent-Type: application/http; msgtype=response\r\n"
        f"Content-Length: {len(http)}\r\n\r\n"
    )
    return head.encode() + http + b"\r\n\r\n"


def archives(folder: Path, more: str, robots_file: str) -> set[str]:
    folder.mkdir()
    pages = b"".join(
        record(
            url,
            "text/html",
            f"<html><head>{meta}</head><body><main><p>{basque(61_000_000 + place)}</p></main></body></html>",
            header,
        )
        for place, (url, (header, meta)) in enumerate(PAGES.items())
    )
    robots = record("a.example/robots.txt", "text/plain", "User-agent: *\nDisallow: /\n")
    robots += record("A.example/robots.txt", "text/plain", ROBOTS, date="2026-02-01")
    robots += record("d.example/.well-known/tdmrep.json", "application/json", TDM_FILE)
    robots += record("e.example/.well-known/tdmrep.json", "application/json", TDM_FILE[:-9])
    (folder / "m.warc").write_bytes(pages)
    (folder / f"{robots_file}.warc").write_bytes(robots)
    (folder / "archives.toml").write_text(RECIPE + more)
    run(folder / "archives.toml", folder / "out")
    rows = table_rows(folder / "out/data")
    assert "opt-out signals" not in rows[0]
    return {
        row["url"].removeprefix("https://")
        for row in rows
        if "/robots.txt" not in row["url"] and "tdmrep" not in row["url"]
    }


@pytest.mark.parametrize("robots_file", ["a", "z"])
def test_the_order_of_the_archives_does_not_count(tmp_path: Path, robots_file: str) -> None:
    assert archives(tmp_path / "own", OPT_OUT, robots_file) == PAGES.keys() - GONE
    ledger = table_rows(tmp_path / "own/out/ledger")
    details = {row["detail"] for row in ledger if row["reason"] == "withdrawn"}
    assert details == {f"opt-out {s}, {s}" for s in ("robots", "noai", "tdm_reservation")}


def test_signals_count_only_where_the_recipe_says_so(tmp_path: Path) -> None:
    assert archives(tmp_path / "none", "", "a") == PAGES.keys()
    some = '\n[withdrawn]\nopt_out = ["noai"]\nagents = ["otherbot"]\n'
    gone = {"c.example/header", "c.example/meta", "c.example/other-bot"}
    assert archives(tmp_path / "some", some, "a") == PAGES.keys() - gone


def test_audit_finds_a_page_that_opted_out(tmp_path: Path) -> None:
    archives(tmp_path / "own", OPT_OUT, "a")
    out = tmp_path / "own/out"
    clean = glotmill("audit", out, "--second-opinion", "none")
    assert clean.returncode == 0, clean.stdout
    assert (
        "pages that opt out (robots, noai, tdm_reservation) are known by the ledger" in clean.stdout
    )
    gone = [row for row in table_rows(out / "ledger") if row["reason"] == "withdrawn"]
    shard = next((out / "data").rglob("*.parquet"))
    table = pq.read_table(shard)
    ids = table["id"].to_pylist()
    ids[0] = gone[0]["id"]
    place = table.schema.get_field_index("id")
    pq.write_table(table.set_column(place, table.schema.field("id"), pa.array(ids)), shard)
    found = glotmill("audit", out, "--second-opinion", "none")
    assert found.returncode == 1
    assert "1 withdrawn rows are still there, found by name" in found.stdout
