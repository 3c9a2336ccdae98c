"""CSV and TSV: every row by itself, whatever its quoting does."""

from __future__ import annotations

import csv
import gzip
import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.source import CsvSource

Rows = list[dict[str, Any]]

BAD_ROWS: dict[str, tuple[bytes, str]] = {
    "too few values": (b"1\n", "wrong_field_count: the row has 1 values, the header 2 names"),
    "too many values": (b"1,a,b\n", "wrong_field_count: the row has 3 values, the header 2 names"),
    "invalid UTF-8": (b"1,\xff\n", "invalid_encoding: the row is not utf-8"),
    "letters behind a closing quotation mark": (
        b'1,"a"b\n',
        "broken_record: ',' expected after '\"'",
    ),
    "a bare carriage return": (
        b"1,a\rb\n",
        "broken_record: new-line character seen in unquoted field",
    ),
    "NUL in the text": (
        b"1,a\0b\0\n",
        "nul_in_text: text holds too many NULs for a text: more than 1 in 100",
    ),
    "an empty id": (b",a\n", "invalid_id: id must be 1 to 256 bytes without control characters"),
}


@pytest.mark.parametrize(("row", "error"), BAD_ROWS.values(), ids=BAD_ROWS.keys())
def test_a_bad_row_fails_alone(
    row: bytes, error: str, tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    content = b'id,text\r\n1,"bat, ""bi""\nhiru"\r\n' + row + b"3,azkena\n"
    (tmp_path / "a.csv").write_bytes(content)
    first, bad, last = read_all(format="csv", paths=["a.csv"], columns={"id": "id"})
    assert (first["text"], first["error"], first["position"]) == ('bat, "bi"\nhiru', None, 9)
    assert bad["error"].startswith(error)
    assert bad["position"] == content.index(row)
    assert (last["text"], last["id"], last["error"]) == ("azkena", "3", None)


UNCLOSED: dict[str, tuple[bytes, list[str | None]]] = {
    "to the end of the file": (b'bat\n"bi\nhiru\nlau\n', ["bat", None, "hiru", "lau"]),
    "to the next quoted row": (
        b'bat\n"bi\nhiru\n"lau, bost"\nsei\n',
        ["bat", None, "hiru", "lau, bost", "sei"],
    ),
    "twice": (b'"bat\nbi\n"hiru\n"lau\nbost\n', [None, "bi", None, None, "bost"]),
    "closed in a later line: it is a value": (b'"bat\nbi"\nhiru\n', ["bat\nbi", "hiru"]),
    "a letter like others within a value": (b'bat"\nbi\n', ['bat"', "bi"]),
}


@pytest.mark.parametrize(("content", "expected"), UNCLOSED.values(), ids=UNCLOSED.keys())
def test_a_quotation_mark_that_is_never_closed_costs_its_line_alone(
    content: bytes, expected: list[str | None], tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    (tmp_path / "a.csv").write_bytes(b"text\n" + content)
    rows = read_all(format="csv", paths=["a.csv"])
    assert [row["text"] for row in rows] == expected
    for row in rows:
        assert (row["text"] is None) == (row["error"] or "").startswith("broken_record: ")
        assert row["text"] is not None or b"text\n".__add__(content)[row["position"] :].startswith(
            row["raw"]
        )


def test_lines_that_all_go_on_in_a_quoted_value_take_linear_time(
    tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    (tmp_path / "a.csv").write_bytes(b"id,text\n" + b'a","x\n' * 50_000 + b"1,bat\n")
    begin = time.process_time()
    rows = read_all(format="csv", paths=["a.csv"])
    assert (len(rows), rows[-1]["text"]) == (50_001, "bat")
    assert rows[0]["error"] == (
        "broken_record: a quotation mark is never closed; the 50000 lines after it that were read as a part of it are "
        "read again as rows"
    )
    assert time.process_time() - begin < 10


def test_a_file_whose_lines_end_in_carriage_returns_is_refused_by_name(
    tmp_path: Path, problems: Callable[..., list[str]]
) -> None:
    (tmp_path / "a.csv").write_bytes(b"id,text\r1,bat\r")
    assert problems(format="csv", paths=["a.csv"]) == [
        "source 'test': a.csv: its lines end in a carriage return alone; convert the file to lines that end in a line "
        "feed"
    ]


def test_in_tsv_a_quotation_mark_is_a_letter(tmp_path: Path, read_all: Callable[..., Rows]) -> None:
    (tmp_path / "a.tsv").write_bytes(b'id\ttext\n1\t"Kaixo\n2\tesan zuen" eta joan\n')
    rows = read_all(format="tsv", paths=["a.tsv"], columns={"id": "id"})
    assert [row["text"] for row in rows] == ['"Kaixo', 'esan zuen" eta joan']


def test_header_encoding_delimiter_and_kept_columns(
    tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    (tmp_path / "a.csv").write_bytes("1;\u0f56".encode() + b"\n")
    rows = read_all(format="csv", paths=["a.csv"], header=["n", "text"], delimiter=";", keep=["n"])
    assert [(row["text"], row["n"], row["position"]) for row in rows] == [("\u0f56", "1", 0)]
    (tmp_path / "b.csv").write_bytes(
        "text\n\u0627\u0644\u0633\u0644\u0627\u0645\n".encode("cp1256")
    )
    assert (
        read_all(format="csv", paths=["b.csv"], encoding="windows-1256")[0]["text"]
        == "\u0627\u0644\u0633\u0644\u0627\u0645"
    )


def test_a_row_over_the_limit_fails_alone(tmp_path: Path, read_all: Callable[..., Rows]) -> None:
    (tmp_path / "a.csv").write_bytes(
        b'text\n"' + b"a\n" * 3000 + b'"\nbat\n' + b"b" * 6000 + b"\nbi\n"
    )
    rows = read_all(format="csv", paths=["a.csv"], max_record_bytes=5000)
    errors = [row["error"] for row in rows if row["error"]]
    assert errors[0].startswith(
        "too_large: the row exceeds max_record_bytes, which is 5000; the 2499 lines after it "
    )
    assert errors[-1] == "too_large: the line has 6000 bytes, max_record_bytes is 5000"
    assert rows[-1]["text"] == "bi"


VALUE = st.text(st.sampled_from('a\u0f56,;"\n\r \t'), max_size=6)


@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60
)
@given(
    st.lists(st.tuples(VALUE, VALUE), max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(1, 40),
)
def test_what_a_csv_writer_writes_is_read_back(
    tmp_path: Path,
    read_all: Callable[..., Rows],
    values: list[tuple[str, str]],
    newline: str,
    block_bytes: int,
) -> None:
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator=newline, quoting=csv.QUOTE_ALL).writerows(
        [("text", "other"), *values]
    )
    (tmp_path / "a.csv").write_text(written.getvalue(), newline="")
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(written.getvalue().encode()))
    for path in ("a.csv", "a.csv.gz"):
        rows = read_all(
            format="csv", paths=[path], keep=["other"], block_bytes=block_bytes, split_bytes=5
        )
        assert [(row["text"], row["other"]) for row in rows] == values
        assert not any(row["error"] for row in rows)


@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60
)
@given(st.lists(st.text(st.sampled_from('a\u0f56"'), max_size=5), max_size=12), st.integers(1, 30))
def test_tsv_splits_by_byte_range(
    tmp_path: Path, read_all: Callable[..., Rows], texts: list[str], split_bytes: int
) -> None:
    (tmp_path / "a.tsv").write_text(
        "".join(f"{line}\n" for line in ["id\ttext", *(f"x\t{text}" for text in texts)])
    )
    whole = read_all(format="tsv", paths=["a.tsv"])
    assert [row["text"] for row in whole] == texts
    assert read_all(format="tsv", paths=["a.tsv"], split_bytes=split_bytes) == whole


HEADERS: dict[str, tuple[bytes, dict[str, Any], list[str]]] = {
    "lacks columns": (
        b"id,body\n1,a\n",
        {"keep": ["genre"]},
        [
            "no column 'text' for text; the header has 'id', 'body'",
            "no column 'genre' for genre; the header has 'id', 'body'",
        ],
    ),
    "has one twice": (
        b"text,text\na,b\n",
        {},
        ["2 columns 'text' for text; the header has 'text', 'text'"],
    ),
    "is not UTF-8": (
        b"te\xffxt\n",
        {},
        ["its header cannot be read: invalid_encoding: the row is not utf-8"],
    ),
    "is broken": (
        b'"text\n',
        {},
        ["its header cannot be read: broken_record: a quotation mark is never closed"],
    ),
    "of an empty file": (b"", {}, []),
    "starts with a byte order mark": (b"\xef\xbb\xbftext\n", {}, []),
}


@pytest.mark.parametrize(("content", "source", "expected"), HEADERS.values(), ids=HEADERS.keys())
def test_headers_are_checked_before_anything_runs(
    content: bytes,
    source: dict[str, Any],
    expected: list[str],
    tmp_path: Path,
    problems: Callable[..., list[str]],
) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    assert problems(format="csv", paths=["a.csv"], **source) == [
        f"source 'test': a.csv: {words}" for words in expected
    ]


def test_an_encoding_in_which_a_comma_is_no_comma_is_refused() -> None:
    with pytest.raises(
        ValidationError,
        match="encoding must keep ASCII as it is, got 'utf-16'; convert the files to UTF-8",
    ):
        CsvSource(format="csv", name="a", paths=("a.csv",), encoding="utf-16")
