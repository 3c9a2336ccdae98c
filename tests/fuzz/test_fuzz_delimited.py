"""Damaged CSV: every line is in a row or fails; broken quoting costs no line beyond the one it
begins in."""

from __future__ import annotations

from pathlib import Path

from tests.fuzz.mutations import bounded, cases, read_rows

TEXTS = [f"testua {number}" for number in range(12)]
HEADER = b"id,text\n"
RECORDS = [b'%d,"%s"\n' % (number, text.encode()) for number, text in enumerate(TEXTS)]
TOKENS = (b"\n", b"\r", b'"', b'""', b",", b'",', b',"', b"\0", b"\xff", b"\xef\xbb\xbf", b'"\n"')


def test_damaged_rows_fail_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(HEADER + b"".join(RECORDS))
    assert [row["text"] for row in read_rows(tmp_path, format="csv", paths=["a.csv"])] == TEXTS
    for case in cases(RECORDS, TOKENS, 250):
        (tmp_path / "a.csv").write_bytes(HEADER + case.content)
        with bounded(case):
            rows = read_rows(tmp_path, format="csv", paths=["a.csv"])
            positions = [row["position"] for row in rows]
            assert positions == sorted(set(positions))
            # A line that nobody touched is a row, or lies in a value or a row that damage made
            # longer.
            held = " ".join(
                (row["text"] or "") + (row["raw"] or b"").decode(errors="replace") for row in rows
            )
            assert all(TEXTS[number] in held for number in case.intact)
