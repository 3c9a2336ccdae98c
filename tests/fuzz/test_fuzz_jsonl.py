"""Damaged JSON Lines: a line that is untouched and begins after a newline is read; every other is
accounted for."""

from __future__ import annotations

import json
from pathlib import Path

from tests.fuzz.mutations import bounded, cases, read_rows

TEXTS = [f"testua {number} \u0f56\u0f7c\u0f51" for number in range(12)]
RECORDS = [
    json.dumps({"text": text, "id": str(n), "n": n, "x": [1, {"y": None}]}).encode() + b"\n"
    for n, text in enumerate(TEXTS)
]
KEPT = '[1, {"y": null}]'
TOKENS = (
    b"\n",
    b"\r",
    b"{",
    b"}",
    b"[",
    b'"',
    b"\\",
    b"\\ud800",
    b"\0",
    b"\xff",
    b"NaN",
    b"\xef\xbb\xbf",
    b"1e999",
)


def test_damaged_lines_fail_alone(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"".join(RECORDS))
    assert [row["text"] for row in read_rows(tmp_path, format="jsonl", paths=["a.jsonl"])] == TEXTS
    for case in cases(RECORDS, TOKENS, 100):
        (tmp_path / "a.jsonl").write_bytes(case.content)
        with bounded(case):
            rows = read_rows(tmp_path, format="jsonl", paths=["a.jsonl"], keep=["n", "x"])
            found = {(row["text"], row["n"], row["x"]) for row in rows}
            lines = set(case.content.split(b"\n"))
            assert all(
                (TEXTS[number], str(number), KEPT) in found
                for number in case.intact
                if RECORDS[number].rstrip() in lines
            )
            filled = [
                line
                for line in case.content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
                if line.strip(b" \t\r\n")
            ]
            assert len(rows) == len(filled)
