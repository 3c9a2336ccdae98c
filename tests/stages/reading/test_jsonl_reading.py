"""JSON Lines: by byte range, by the block, and each bad line by itself."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Rows = list[dict[str, Any]]

BAD_LINES: dict[str, tuple[bytes, str]] = {
    "not JSON": (b"kaixo", "broken_record: not JSON: Expecting value"),
    "cut off": (b'{"text": "kai', "broken_record: not JSON: Unterminated string starting"),
    "a list": (b'["text"]', "broken_record: the line must be a JSON object, got list"),
    "two objects": (b'{"text": "a"}{"text": "b"}', "broken_record: not JSON: Extra data"),
    "text is null": (b'{"text": null}', "no_text: text is null or missing"),
    "no text": (b'{"id": "a"}', "no_text: text is null or missing"),
    "text is a number": (b'{"text": 5}', "wrong_type: 'text' must be a string, got 5"),
    "text is a list": (b'{"text": ["a"]}', "wrong_type: 'text' must be a string, got [\"a\"]"),
    "text twice": (
        b'{"text": "a", "text": "b"}',
        "broken_record: JSON parse error: Column(/text) was specified twice",
    ),
    "invalid UTF-8": (b'{"text": "\xff"}', "invalid_encoding: not UTF-8 at byte 10 of the line"),
    "an unpaired surrogate": (b'{"text": "\\ud800"}', "broken_record: JSON parse error: "),
    "NUL in the text": (
        b'{"text": "a\\u0000b\\u0000"}',
        "nul_in_text: text holds too many NULs for a text: more than 1 in 100",
    ),
    "a bare NUL": (b'{"text": "a\0b"}', "broken_record: not JSON: Invalid control character"),
    "url is a number": (
        b'{"text": "a", "meta": {"url": 1}}',
        "wrong_type: 'meta.url' must be a string, got 1",
    ),
    "meta is a string": (b'{"text": "a", "meta": "x"}', "broken_record: JSON parse error: "),
    "id is a list": (b'{"text": "a", "id": []}', "wrong_type: 'id' must be a string, got []"),
    "deeper than any text": (b"[" * 5000, "broken_record: "),
}


@pytest.mark.parametrize(("line", "error"), BAD_LINES.values(), ids=BAD_LINES.keys())
def test_a_bad_line_fails_alone(
    line: bytes, error: str, tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    good = [
        b'{"text": "%d", "id": "i%d", "meta": {"url": "http://%d"}}' % (n, n, n) for n in range(20)
    ]
    lines = [*good[:7], line, *good[7:]]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    columns = {"id": "id", "url": "meta.url"}
    # the first line is checked before anything runs, so the bad one stands further down
    rows = read_all(format="jsonl", paths=["a.jsonl"], columns=columns)
    failed = rows.pop(7)
    assert failed["error"].startswith(error)
    assert "\n" not in failed["error"]
    assert failed["text"] is None
    assert failed["position"] == sum(len(each) + 1 for each in lines[:7])
    # those were parsed, and what is kept is the text
    if not error.startswith(("no_text", "nul_in_text")):
        assert failed["raw"] == line + b"\n"
    assert [row["text"] for row in rows] == [str(n) for n in range(20)]
    assert [row["id"] for row in rows] == [f"i{n}" for n in range(20)]
    assert [row["url"] for row in rows] == [f"http://{n}" for n in range(20)]
    assert not any(row["error"] for row in rows)


def test_lines_may_be_indented_empty_and_end_like_windows(
    tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    content = b'\xef\xbb\xbf{"text":"bat"}\r\n\r\n \t \n  {"text":"bi"} \n{"text":"hiru"}'
    (tmp_path / "a.jsonl").write_bytes(content)
    rows = read_all(format="jsonl", paths=["a.jsonl"])
    assert [(row["text"], row["error"]) for row in rows] == [
        ("bat", None),
        ("bi", None),
        ("hiru", None),
    ]
    assert [row["position"] for row in rows] == [
        3,
        content.index(b"  {"),
        content.index(b'{"text":"hiru'),
    ]


def test_ids_may_be_numbers_and_strings_in_one_file(
    tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    ids: list[Any] = [1, "two", 3, None, 2**62, 2**70]
    lines = [json.dumps({"text": "a", "id": each}) for each in ids]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    rows = read_all(format="jsonl", paths=["a.jsonl"], columns={"id": "id"})
    assert [row["id"] for row in rows][:3] == ["1", "two", "3"]
    assert [bool(row["error"]) for row in rows] == [False, False, False, True, False, True]


KEPT_VALUES: dict[str, tuple[list[str], list[str | None]]] = {
    "whole numbers": (["83", "-0", "null"], ["83", "0", None]),
    "numbers of both kinds": (["83", "1.50", "1e300"], ["83", "1.50", "1e300"]),
    "a number after strings": (['"news"', '"83"', "83"], ["news", "83", "83"]),
    "a whole number that no machine type holds": (["1", "9" * 5000], ["1", "9" * 5000]),
    "booleans": (["true", "null", "false"], ["true", None, "false"]),
    "lists and objects, as they stand there": (
        ['[1, 2.0, "\u0263"]', '{"a":{"b":null},"a":true}'],
        ['[1, 2.0, "\u0263"]', '{"a": {"b": null}, "a": true}'],
    ),
    "a string that must not change": (['"true"', '"[1]"'], ["true", "[1]"]),
}


@pytest.mark.parametrize(("written", "kept"), KEPT_VALUES.values(), ids=KEPT_VALUES.keys())
def test_a_kept_value_of_any_type_is_a_string_and_fails_no_line(
    written: list[str], kept: list[str | None], tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    lines = [f'{{"text": "a", "n": {value}, "other": {{"x": 1, "x": 2}}}}' for value in written]
    (tmp_path / "a.jsonl").write_text("\n".join([*lines, '{"text": "b"}']))
    rows = read_all(format="jsonl", paths=["a.jsonl"], keep=["n"])
    assert [row["n"] for row in rows] == [*kept, None]
    assert not any(row["error"] for row in rows)


def test_a_kept_key_that_stands_twice_fails_its_line_alone(
    tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    lines = ['{"text": "a", "n": 1.5}', '{"text": "a", "n": 1, "n": [2]}', '{"text": "a", "n": 2}']
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    rows = read_all(format="jsonl", paths=["a.jsonl"], keep=["n"])
    assert [row["n"] for row in rows] == ["1.5", None, "2"]
    assert [row["error"] for row in rows] == [None, "broken_record: the key 'n' stands twice", None]


PACKED: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}


@pytest.mark.parametrize("ending", PACKED)
def test_a_compressed_file_reads_like_the_plain_one(
    ending: str, tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    content = b"".join(b'{"text": "testua %d"}\n' % number for number in range(1000))
    (tmp_path / f"a.jsonl{ending}").write_bytes(PACKED[ending](content))
    rows = read_all(format="jsonl", paths=[f"a.jsonl{ending}"], split_bytes=100)
    assert [(row["text"], row["position"]) for row in rows[:2]] == [
        ("testua 0", 0),
        ("testua 1", 21),
    ]
    assert len(rows) == 1000


LINE = st.sampled_from(
    [
        '{"text": "\u0f56\u0f7c\u0f51"}',
        '{"text": "bat", "id": 5}',
        '{"text": "bat", "n": 5}',
        '{"text": "bat", "n": 0.50}',
        '{"text": "bat", "n": "5", "id": 6}',
        '{"text": "bat", "n": [true]}',
        '{"text": "bat", "n": 1, "n": 1}',
        '{"text": ""}',
        '{"text": 5}',
        "{",
        "}",
        '{"x": {"text": "q"}',
        ', "y": 1}',
        "",
        " ",
        "\r",
        '{"text":',
        '"b"}',
        "[]",
        '{"a": {}',
        "{}",
    ]
)


@pytest.mark.slow
@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60
)
@given(st.lists(LINE, max_size=25), st.integers(1, 200), st.integers(1, 50))
def test_neighbours_splits_and_blocks_change_nothing(
    tmp_path: Path,
    read_all: Callable[..., Rows],
    lines: list[str],
    split_bytes: int,
    block_bytes: int,
) -> None:
    # a good first line, which is what is checked before anything runs
    first = '{"text": "a", "id": "x", "n": ""}'
    content = "\n".join([first, *lines])
    (tmp_path / "a.jsonl").write_text(content, newline="")
    source = {"format": "jsonl", "paths": ["a.jsonl"], "columns": {"id": "id"}, "keep": ["n"]}
    rows = read_all(**source)
    assert read_all(**source, split_bytes=split_bytes, block_bytes=block_bytes) == rows
    for number, line in enumerate(content.split("\n")):
        (tmp_path / f"{number:02}.jsonl").write_text(first + "\n" + line, newline="")
    alone = [row for row in read_all(**source | {"paths": ["[0-9]*.jsonl"]}) if row["position"]]
    for leftover in tmp_path.glob("[0-9]*"):
        leftover.unlink()
    assert [(row["text"], row["n"], row["error"]) for row in rows] == [
        (row["text"], row["n"], row["error"]) for row in alone
    ]


CHECKED: dict[str, tuple[bytes, list[str]]] = {
    "no text": (
        b'{"body": "a", "url": "x"}\n',
        ["the first line has no 'text' for text; it has 'body', 'url'"],
    ),
    "text is a number": (b'{"text": 5}', ["'text' must be a string, got 5 in the first line"]),
    "text is nested": (
        b'{"text": {"eu": "a"}}',
        ['\'text\' must be a string, got {"eu": "a"} in the first line'],
    ),
    "a broken first line is its own row": (b'not JSON\n{"text": "a"}\n', []),
    "so is a header that was left in": (b'text,url\n<html>\n{"text": "a"}\n', []),
    "a line that begins as an object is one, broken or not": (b"{'text': 'a'}\n", []),
    "no line of another kind": (
        b"Access Denied\n",
        ["no line of its first MiB is an object; the first is 'Access Denied'"],
    ),
    "CSV": (
        b'id,"text"\n1,bat\n',
        ['it is no JSON Lines; format = "csv" would read its first line, \'id,"text"\''],
    ),
    "TSV": (
        b"text\turl\nbat\tx\n",
        ["it is no JSON Lines; format = \"tsv\" would read its first line, 'text\\turl'"],
    ),
    "HTML": (
        b"\r\n <!doctype HTML>\n<p>bat\n",
        ["it is HTML, not JSON Lines; it begins with '<!doctype HTML>'"],
    ),
    "XML": (
        b'<?xml version="1.0"?>\n<x/>',
        ["it is XML, not JSON Lines; it begins with '<?xml version=\"1.0\"?>'"],
    ),
    "a pointer of Git LFS": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n",
        [
            "it is a pointer of Git LFS, not JSON Lines; it begins with 'version https://git-lfs.github.com/spec/v1'"
        ],
    ),
    "strings": (
        b'"bat"\n"bi"\n',
        [
            "its lines are JSON strings, not objects; write an object a line, as `jq -c '{text: .}'` does"
        ],
    ),
    "lines that end in a carriage return": (
        b'{"text": "a"}\r{"text": "b"}\r',
        [
            "its lines end in a carriage return alone; convert the file to lines that end in a line feed"
        ],
    ),
    "a tar archive": (
        b"a.jsonl".ljust(257, b"\0") + b"ustar\x0000",
        ["it is a tar archive; unpack it"],
    ),
    "an empty file": (b"", []),
}


@pytest.mark.parametrize(("content", "expected"), CHECKED.values(), ids=CHECKED.keys())
def test_the_first_line_is_checked_before_anything_runs(
    content: bytes, expected: list[str], tmp_path: Path, problems: Callable[..., list[str]]
) -> None:
    (tmp_path / "a.jsonl").write_bytes(content)
    found = problems(format="jsonl", paths=["a.jsonl"])
    assert found == [f"source 'test': a.jsonl: {words}" for words in expected]


OTHER_JSON: dict[str, tuple[bytes, str]] = {
    "an array in one line": (
        b'[{"text": "a"}, {"text": "b"}]',
        "it is a JSON array, not JSON Lines",
    ),
    "an array, printed": (
        b'[\n  {"text": "a"},\n  {"text": "b"}\n]\n',
        "it is a JSON array, not JSON Lines",
    ),
    "an object, printed": (b'{\n  "text": "a"\n}\n', "it is JSON printed over several lines"),
    "objects, printed by CRLF": (
        b'\xef\xbb\xbf{\r\n "text": "a"\r\n}\r\n',
        "it is JSON printed over several lines",
    ),
}


@pytest.mark.parametrize(("content", "words"), OTHER_JSON.values(), ids=OTHER_JSON.keys())
@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
def test_json_that_is_no_lines_is_named_before_anything_runs(
    name: str, content: bytes, words: str, tmp_path: Path, problems: Callable[..., list[str]]
) -> None:
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    (problem,) = problems(format="jsonl", paths=[name])
    assert problem.startswith(f"source 'test': {name}: {words}")
    assert "jq -c" in problem


def test_mapped_columns_must_be_in_some_line_and_dates_be_dates(
    tmp_path: Path, problems: Callable[..., list[str]], read_all: Callable[..., Rows]
) -> None:
    (tmp_path / "a.jsonl").write_text(
        '{"text": "a"}\n{"text": "b", "when": "2024-05"}\n{"text": "c", "when": "May"}\n'
    )
    source = {"format": "jsonl", "paths": ["a.jsonl"]}
    assert problems(**source, columns={"date": "yesterday"}, keep=["genre"]) == [
        "source 'test': no line of the first MiB of a.jsonl has 'yesterday' for date",
        "source 'test': no line of the first MiB of a.jsonl has 'genre' to keep",
    ]
    assert [row["date"] for row in read_all(**source, columns={"date": "when"})] == [
        None,
        "2024-05",
        None,
    ]
    (tmp_path / "b.jsonl").write_text('{"text": "a", "when": "yesterday"}\n')
    assert problems(format="jsonl", paths=["b.jsonl"], columns={"date": "when"}) == [
        "source 'test': b.jsonl: 'when' must be an ISO 8601 date or time for date, got 'yesterday' in the first line"
    ]


def test_deep_nesting_is_read_where_nobody_asks_for_it(
    tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    deep = b"[" * 5000 + b"]" * 5000
    (tmp_path / "a.jsonl").write_bytes(
        b'{"text": "a", "x": ' + deep + b'}\n{"text": ' + deep + b'}\n{"text": "c"}\n{\n'
    )
    rows = read_all(format="jsonl", paths=["a.jsonl"])
    assert [row["text"] for row in rows] == ["a", None, "c", None]
    assert rows[1]["error"].startswith(
        (
            "broken_record: JSON parse error: Column(/text) changed from string to array",
            "wrong_type: 'text' must be a string, got [[",  # from Python 3.12, which parses so deep
        )
    )


def test_broken_lines_cost_about_what_good_ones_do(
    tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    bad = [b"{", b'{"text": 5}', b'{"text": "a" "b"}', b'{"text": "\xff"}', b"[]"]
    (tmp_path / "a.jsonl").write_bytes(
        b'{"text": "bat"}\n' + b"".join(line + b"\n" for line in bad * 6000)
    )
    begin = time.process_time()
    rows = read_all(format="jsonl", paths=["a.jsonl"])
    assert time.process_time() - begin < 30_000 * 100e-6, (
        "a tenth of a millisecond each, on a slow machine"
    )
    assert [row["error"] and row["error"].partition(":")[0] for row in rows[:6]] == [
        *(
            None,
            "broken_record",
            "wrong_type",
            "broken_record",
            "invalid_encoding",
            "broken_record",
        ),
    ]
    assert len(rows) == 30_001


def test_an_empty_file_has_no_rows(tmp_path: Path, read_all: Callable[..., Rows]) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"")
    (tmp_path / "b.jsonl.gz").write_bytes(b"")
    (tmp_path / "c.jsonl.gz").write_bytes(gzip.compress(b""))
    assert read_all(format="jsonl", paths=["*.jsonl*"]) == []


def test_a_long_line_is_read_up_to_the_limit(tmp_path: Path, read_all: Callable[..., Rows]) -> None:
    text = "\u0f56" * 10_000_000
    (tmp_path / "a.jsonl").write_text(
        json.dumps({"text": "bat"}) + "\n" + json.dumps({"text": text}, ensure_ascii=False)
    )
    rows = read_all(format="jsonl", paths=["a.jsonl"], split_bytes=1 << 20)
    assert [len(row["text"]) for row in rows] == [3, 10_000_000]
    rows = read_all(
        format="jsonl", paths=["a.jsonl"], split_bytes=1 << 20, max_record_bytes=1 << 20
    )
    assert rows[1]["error"].startswith(
        "too_large: the line has 30000012 bytes, max_record_bytes is 1048576 (the first "
    )
    assert len(rows[1]["raw"]) == 1 << 20
