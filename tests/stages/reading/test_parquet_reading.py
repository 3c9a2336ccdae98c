"""Parquet: split by row groups, checked by the footers, one row failing at a time."""

from __future__ import annotations

import datetime
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_cards.sections.columns import hub_feature
from schemas.source import ParquetSource
from stages.reading.records import lost_rows, record_schema

Rows = list[dict[str, Any]]


def test_columns_are_mapped_kept_and_written_as_strings(
    tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    when = datetime.datetime(2024, 5, 6, 7, 8, 9, 123456)
    table = pa.table(
        {
            "body": ["Kaixo mundua", None],
            "number": pa.array([7, 8], pa.uint32()),
            "meta": [{"url": "http://a", "web": {"language": "eu"}}, None],
            "day": [datetime.date(2024, 5, 6)] * 2,
            "when": pa.array([when, None], pa.timestamp("us", "Europe/Madrid")),
            "naive": pa.array([when, None], pa.timestamp("ns")),
            "tags": [["a", "b"], []],
            "dotted.name": ["x", "y"],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    columns = {
        "text": "body",
        "id": "number",
        "url": "meta.url",
        "declared_language": "meta.web.language",
    }
    source = {"format": "parquet", "paths": ["a.parquet"], "keep": ["tags", "number"]}
    first, second = read_all(**source, columns=columns | {"date": "when", "licence": "dotted.name"})
    assert (first["text"], first["id"], first["url"], first["declared_language"]) == (
        "Kaixo mundua",
        "7",
        "http://a",
        "eu",
    )
    assert (first["date"], first["licence"], first["tags"], first["number"]) == (
        "2024-05-06T07:08:09Z",
        "x",
        ["a", "b"],
        7,
    )
    assert (first["path"], first["position"], second["position"]) == ("a.parquet", 0, 1)
    assert second["error"] == "no_text: text is null or missing"
    assert second["url"] is None
    assert read_all(**source, columns=columns | {"date": "day"})[0]["date"] == "2024-05-06"
    assert (
        read_all(**source, columns=columns | {"date": "naive"})[0]["date"] == "2024-05-06T07:08:09"
    )


@pytest.mark.parametrize(
    "kind",
    [
        pa.string(),
        pa.large_string(),
        pa.binary(),
        pa.large_binary(),
        pa.dictionary(pa.int32(), pa.string()),
    ],
)
def test_every_kind_of_string_is_read(
    kind: pa.DataType, tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    texts = ["\u0f56\u0f7c\u0f51", "", "\u0f56\u0f7c\u0f51"] * 50
    pq.write_table(
        pa.table({"text": pa.array(texts).cast(kind)}), tmp_path / "a.parquet", row_group_size=40
    )
    assert [row["text"] for row in read_all(format="parquet", paths=["*.parquet"])] == texts


def test_splits_and_blocks_change_nothing_but_the_cutting(
    tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    texts = [f"{number} " * (number % 90) for number in range(1000)]
    pq.write_table(pa.table({"text": texts}), tmp_path / "a.parquet", row_group_size=70)
    pq.write_table(pa.table({"text": texts[:9]}), tmp_path / "b.parquet")
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "empty.parquet")
    whole = read_all(format="parquet", paths=["*.parquet"])
    assert [row["text"] for row in whole] == texts + texts[:9]
    assert [row["position"] for row in whole] == [*range(1000), *range(9)]
    assert len({row["id"] for row in whole}) == 1009
    assert read_all(format="parquet", paths=["*.parquet"], split_bytes=1, block_bytes=100) == whole
    assert (
        read_all(format="parquet", paths=["*.parquet"], split_bytes=20_000, block_bytes=1) == whole
    )


def test_bytes_that_are_not_utf8_fail_their_row_alone(
    tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    table = pa.table(
        {"text": [b"bat", b"\xff\xfe", b"hiru"], "url": [b"http://a", b"http://b", b"\xff"]}
    )
    pq.write_table(table, tmp_path / "a.parquet")
    rows = read_all(format="parquet", paths=["a.parquet"], columns={"url": "url"})
    assert [row["error"] for row in rows] == [
        None,
        "invalid_encoding: 'text' is not UTF-8",
        "invalid_encoding: 'url' is not UTF-8",
    ]
    assert [row["raw"] for row in rows] == [None, b"\xff\xfe", b"hiru"]
    assert rows[0]["text"] == "bat"


@pytest.mark.parametrize("dictionary", [False, True], ids=["plain", "dictionary"])
@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.binary(), pa.large_binary()], ids=str
)
def test_strings_that_are_not_utf8_fail_their_row_alone(
    tmp_path: Path, read_all: Callable[..., Rows], kind: pa.DataType, dictionary: bool
) -> None:
    octets = pa.array([b"bat", b"a\xffb", b"hiru", None, b"bost"])
    octets = octets.cast(pa.large_binary()) if "large" in str(kind) else octets
    kept = pa.array([b"1", b"2", b"\xff", b"4", b"5"]).view(pa.string())
    table = pa.table({"text": octets.view(kind), "kept": kept})
    pq.write_table(table, tmp_path / "a.parquet", use_dictionary=dictionary)
    rows = read_all(format="parquet", paths=["a.parquet"], keep=["kept"])
    assert [row["text"] for row in rows] == ["bat", None, None, None, "bost"]
    assert [row["error"] and row["error"].split(" is ")[0] for row in rows] == [
        None,
        "invalid_encoding: 'text'",
        "invalid_encoding: 'kept'",
        "no_text: text",
        None,
    ]
    assert [row["raw"] for row in rows[:3]] == [None, b"a\xffb", b"hiru"]
    assert [rows[0]["kept"], rows[4]["kept"]] == ["1", "5"]


def test_strings_within_lists_and_structs_fail_their_row_alone(
    tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    strings = pa.array([b"bat", b"a\xffb", b"hiru", b"lau"]).view(pa.string())
    pages = pa.StructArray.from_arrays([strings, pa.array([1, 2, 3, 4])], ["text", "size"])
    broken = pa.array([b"x", b"y", b"z", b"\xff", b"v"]).view(pa.string())
    tags = pa.ListArray.from_arrays(pa.array([0, 1, 2, 4, 5], pa.int32()), broken)
    pq.write_table(pa.table({"page": pages, "tags": tags}), tmp_path / "a.parquet")
    rows = read_all(
        format="parquet", paths=["a.parquet"], columns={"text": "page.text"}, keep=["tags"]
    )
    assert [row["text"] for row in rows] == ["bat", None, None, "lau"]
    assert [row["error"] for row in rows] == [
        None,
        "invalid_encoding: 'page.text' is not UTF-8",
        "invalid_encoding: 'tags' is not UTF-8",
        None,
    ]
    assert [rows[0]["tags"], rows[3]["tags"]] == [["x"], ["v"]]


def test_each_row_of_a_damaged_row_group_is_a_failed_record_and_the_next_group_is_read(
    tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    path = tmp_path / "a.parquet"
    texts = [f"testua {number}" for number in range(300)]
    pq.write_table(
        pa.table({"text": texts}),
        path,
        row_group_size=100,
        compression="zstd",
        use_dictionary=False,
    )
    chunk = pq.read_metadata(path).row_group(1).column(0)
    octets = bytearray(path.read_bytes())
    middle = chunk.data_page_offset + chunk.total_compressed_size // 2
    octets[middle : middle + 20] = b"\xff" * 20
    path.write_bytes(octets)
    rows = read_all(format="parquet", paths=["a.parquet"])
    assert [row["text"] for row in rows if not row["error"]] == texts[:100] + texts[200:]
    failed = [row for row in rows if row["error"]]
    assert [row["position"] for row in failed] == list(range(100, 200))
    assert len({row["id"] for row in rows}) == 300
    (error,) = {row["error"] for row in failed}
    assert error.startswith("broken_stream: rows 100 to 199 of row group 1 cannot be decoded: ")


def test_a_footer_that_claims_too_many_rows_is_one_failed_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("stages.reading.records.MOST_LOST_ROWS", 5)
    source = ParquetSource(name="test", format="parquet", paths=("a.parquet",))
    found = [
        lost_rows(record_schema(), source, "a.parquet", range(10, 10 + rows), "crashed: x")
        for rows in (5, 6)
    ]
    few, many = (pa.Table.from_batches(batches).to_pylist() for batches in found)
    assert [row["position"] for row in few] == [10, 11, 12, 13, 14]
    assert [(row["position"], row["error"]) for row in many] == [
        (10, "crashed: x; one record stands for all 6 rows")
    ]


BAD_COLUMNS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a column that is not there": (
        {"columns": {"text": "body"}},
        ["no column 'body' for text; it has 'text', 'n', 'meta', 'tags'"],
    ),
    "a number as text": (
        {"columns": {"text": "n"}},
        ["column 'n' must be a string for text, got int64"],
    ),
    "a list as text": (
        {"columns": {"text": "tags"}},
        ["column 'tags' must be a string for text, got list<element: string>"],
    ),
    "a struct as url": (
        {"columns": {"url": "meta"}},
        ["column 'meta' must be a string for url, got struct<url: string>"],
    ),
    "a field that the struct lacks": (
        {"columns": {"url": "meta.uri"}},
        ["no column 'meta.uri' for url; it has 'text', 'n', 'meta', 'tags'"],
    ),
    "all at once": (
        {"columns": {"text": "n", "date": "n"}, "keep": ["gone"]},
        [
            "column 'n' must be a string for text, got int64",
            "column 'n' must be a string, a date or a timestamp for date, got int64",
            "no column 'gone' to keep; it has 'text', 'n', 'meta', 'tags'",
        ],
    ),
}


@pytest.mark.parametrize(("source", "expected"), BAD_COLUMNS.values(), ids=BAD_COLUMNS.keys())
def test_columns_are_checked_by_the_footer(
    source: dict[str, Any], expected: list[str], tmp_path: Path, problems: Callable[..., list[str]]
) -> None:
    table = pa.table({"text": ["a"], "n": [1], "meta": [{"url": "http://a"}], "tags": [["x"]]})
    pq.write_table(table, tmp_path / "a.parquet")
    found = problems(format="parquet", paths=["a.parquet"], **source)
    assert found == [f"source 'test': a.parquet: {words}" for words in expected]


def test_a_kept_column_must_have_one_type(
    tmp_path: Path, problems: Callable[..., list[str]]
) -> None:
    pq.write_table(pa.table({"text": ["a"], "n": [1]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"text": ["a"], "n": [1.5]}), tmp_path / "b.parquet")
    assert problems(format="parquet", paths=["*.parquet"], keep=["n"]) == [
        "source 'test': b.parquet: kept column 'n' must be of one type in all files, got double after int64"
    ]


MOMENT = datetime.datetime(2026, 5, 1, 12, 30, 15, 250_000)
UNITS: dict[str, tuple[pa.Array, pa.Array, bool]] = {
    "milliseconds and microseconds": (
        pa.array([MOMENT], pa.timestamp("ms")), pa.array([MOMENT], pa.timestamp("us")), True,
    ),
    "of one zone": (
        pa.array([MOMENT], pa.timestamp("ms", "UTC")), pa.array([MOMENT], pa.timestamp("us", "UTC")), True,
    ),
    "times of day": (
        pa.array([MOMENT.time()], pa.time32("ms")), pa.array([MOMENT.time()], pa.time64("ns")), True,
    ),
    "decimals": (
        pa.array([Decimal("1.25")], pa.decimal128(5, 2)), pa.array([Decimal("1.250")], pa.decimal128(9, 3)), True,
    ),
    "nanoseconds end in 2262": (
        pa.array([MOMENT], pa.timestamp("us")), pa.array([MOMENT], pa.timestamp("ns")), False,
    ),
    "with a zone and without": (
        pa.array([MOMENT], pa.timestamp("ms")), pa.array([MOMENT], pa.timestamp("ms", "UTC")), False,
    ),
    "more than 76 digits": (
        pa.array([Decimal(1)], pa.decimal256(70, 0)), pa.array([Decimal(1)], pa.decimal256(70, 30)), False,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("first", "second", "widened"), UNITS.values(), ids=UNITS.keys())
def test_a_kept_column_of_different_units_is_widened(
    first: pa.Array,
    second: pa.Array,
    widened: bool,
    tmp_path: Path,
    problems: Callable[..., list[str]],
) -> None:
    for name, values in (("a", first), ("b", second)):
        pq.write_table(pa.table({"text": ["a"], "n": values}), tmp_path / f"{name}.parquet")
    found = problems(format="parquet", paths=["*.parquet"], keep=["n"])
    assert bool(found) != widened, found


PIECES: dict[str, pa.Array] = {
    "string_view": pa.array(["a", None], pa.string_view()),
    "binary_view": pa.array([b"a", None], pa.binary_view()),
    "null": pa.nulls(2),
    "decimal": pa.array([Decimal("1.20"), None], pa.decimal256(50, 2)),
    "small decimal": pa.array([Decimal("1.20"), None], pa.decimal32(5, 2)),
    "duration": pa.array([datetime.timedelta(seconds=1), None], pa.duration("ms")),
    "time": pa.array([datetime.time(1), None], pa.time32("ms")),
    "fixed bytes": pa.array([b"ab", None], pa.binary(2)),
    "fixed list": pa.array([[1, 2], [3, 4]], pa.list_(pa.int64(), 2)),
    "half": pa.array([1.5, None], pa.float16()),
    "large list": pa.array([["a"], None], pa.large_list(pa.string_view())),
    "dictionary": pa.array(["a", None]).dictionary_encode(),
    "uuid": pa.array([b"0" * 16, None], pa.uuid()),
}


@pytest.mark.parametrize("values", PIECES.values(), ids=PIECES.keys())
def test_every_kind_of_column_is_kept_and_can_be_published(
    values: pa.Array, tmp_path: Path, read_blocks: Callable[..., list[pa.RecordBatch]]
) -> None:
    pq.write_table(pa.table({"text": ["bat", "bi"], "x": values}), tmp_path / "a.parquet")
    (block,) = read_blocks(format="parquet", paths=["*.parquet"], keep=["x"])
    expected = [value.bytes if isinstance(value, UUID) else value for value in values.to_pylist()]
    assert block["x"].to_pylist() == expected
    assert hub_feature(block["x"].type)


def test_a_map_is_kept_as_a_list_of_its_entries(
    tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    kinds = pa.map_(pa.string(), pa.int64())
    pq.write_table(
        pa.table({"text": ["a"], "x": pa.array([[("k", 1)]], kinds)}), tmp_path / "a.parquet"
    )
    assert read_all(format="parquet", paths=["*.parquet"], keep=["x"])[0]["x"] == [
        {"key": "k", "value": 1}
    ]


def test_what_cannot_be_kept_is_refused_before_anything_runs(
    tmp_path: Path, problems: Callable[..., list[str]]
) -> None:
    fixed = pa.array([[1, 2], None], pa.list_(pa.int64(), 2))
    pq.write_table(pa.table({"text": ["a", "b"], "x": fixed}), tmp_path / "a.parquet")
    assert problems(format="parquet", paths=["*.parquet"], keep=["x"]) == [
        "source 'test': a.parquet: column 'x' cannot be kept: fixed_size_list<element: int64>[2] with nulls is not "
        "read; write it as a list"
    ]
    assert problems(format="parquet", paths=["*.parquet"]) == []


@pytest.mark.parametrize(
    "kind", [pa.string_view(), pa.binary_view(), pa.dictionary(pa.int8(), pa.large_string())]
)
def test_shards_of_other_kinds_of_string_and_integer_are_one_source(
    kind: pa.DataType, tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    pq.write_table(
        pa.table({"text": ["a"], "n": pa.array([1], pa.int32())}), tmp_path / "a.parquet"
    )
    texts = (
        pa.array(["b"], kind) if not pa.types.is_dictionary(kind) else pa.array(["b"]).cast(kind)
    )
    pq.write_table(pa.table({"n": pa.array([2**40]), "text": texts}), tmp_path / "b.parquet")
    pq.write_table(pa.table({"text": ["c"], "n": pa.nulls(1)}), tmp_path / "c.parquet")
    rows = read_all(format="parquet", paths=["*.parquet"], keep=["n"])
    assert [(row["text"], row["n"]) for row in rows] == [("a", 1), ("b", 2**40), ("c", None)]


def test_a_file_that_cannot_be_read_is_one_failed_record_and_the_others_are_read(
    tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    pq.write_table(pa.table({"text": ["bat", "bi"]}), tmp_path / "a.parquet")
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-20])
    (tmp_path / "empty.parquet").write_bytes(b"")
    pq.write_table(pa.table([["a"], ["b"]], names=["text", "text"]), tmp_path / "twice.parquet")
    pq.write_table(
        pa.table([["hiru"], ["x"], ["y"]], names=["text", "n", "n"]), tmp_path / "unused.parquet"
    )
    rows = read_all(format="parquet", paths=["*.parquet"])
    assert [(row["path"], row["text"]) for row in rows if not row["error"]] == [
        ("a.parquet", "bat"),
        ("a.parquet", "bi"),
        ("unused.parquet", "hiru"),
    ]
    failed = {row["path"]: row["error"] for row in rows if row["error"]}
    assert sorted(failed) == ["cut.parquet", "empty.parquet", "twice.parquet"]
    assert failed["cut.parquet"].startswith("broken_stream: not a readable Parquet file: ")
    assert failed["twice.parquet"].startswith("broken_stream: its 1 rows have 2 columns 'text'")


def test_an_index_outside_its_dictionary_costs_its_row_group_alone(
    tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    path = tmp_path / "a.parquet"
    texts = [f"testua {number % 3}" for number in range(30)]
    pq.write_table(pa.table({"text": texts}), path, row_group_size=10, compression="none")
    chunk = pq.read_metadata(path).row_group(1).column(0)
    octets = bytearray(path.read_bytes())
    last = chunk.dictionary_page_offset + chunk.total_compressed_size - 1
    assert octets[last] != 0xFF
    octets[last - 1 : last + 1] = b"\xff\xff"  # indices of two bits: 3 is none of the dictionary's
    path.write_bytes(octets)
    rows = read_all(format="parquet", paths=["a.parquet"])
    assert [row["text"] for row in rows if not row["error"]] == texts[:10] + texts[20:]
    failed = [row for row in rows if row["error"]]
    assert [row["position"] for row in failed] == list(range(10, 20))
    assert failed[0]["error"].startswith(
        "broken_stream: rows 10 to 19 of row group 1 cannot be decoded: "
    )


BROKEN_FILES = {"empty": b"", "text": b"not parquet at all, not even nearly", "cut": None}


@pytest.mark.parametrize("content", BROKEN_FILES.values(), ids=BROKEN_FILES.keys())
def test_an_unreadable_footer_is_a_problem(
    content: bytes | None, tmp_path: Path, problems: Callable[..., list[str]]
) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["a"] * 100}), path)
    path.write_bytes(path.read_bytes()[:-20] if content is None else content)
    (problem,) = problems(format="parquet", paths=["a.parquet"])
    assert problem.startswith("source 'test': a.parquet: not a readable Parquet file: ")
    assert "\n" not in problem


BOMB = """
import resource, sys
from pathlib import Path
import pyarrow as pa, pyarrow.parquet as pq
from schemas.source import ParquetSource
from stages.reading.sources import plan_splits, read_split
folder = Path(sys.argv[1])
value = pa.DictionaryArray.from_arrays(pa.array([0] * 2000, pa.int32()), pa.array(["x" * 10_000_000]))
pq.write_table(pa.table({"text": value}), folder / "bomb.parquet", compression="zstd", store_schema=False)
source = ParquetSource(format="parquet", name="bomb", paths=("bomb.parquet",))
(split,) = plan_splits(source, str(folder))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rows = 0
for block in read_split(split, source):
    rows += block.num_rows
    if rows >= 60:
        break
print(rows, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.slow
def test_one_long_value_for_many_rows_is_not_written_out_at_once(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", BOMB, str(tmp_path)], capture_output=True, text=True, check=True
    )
    rows, grown_mib = map(int, run.stdout.split())
    assert (tmp_path / "bomb.parquet").stat().st_size < 100_000
    assert rows >= 60
    assert grown_mib < 400, "2,000 rows of 10 MB in a file of some kB must be read a few at a time"


@pytest.mark.parametrize("name", ["a::b", "a[1]", "a?b", "a%20b", "a#b", "a b*"])
def test_what_a_file_is_called_has_no_meaning(
    name: str, tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    pq.write_table(pa.table({"text": ["bat"]}), tmp_path / f"{name}.parquet")
    assert [row["path"] for row in read_all(format="parquet", paths=["*.parquet"])] == [
        f"{name}.parquet"
    ]
