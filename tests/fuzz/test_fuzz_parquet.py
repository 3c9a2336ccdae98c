"""Damaged Parquet: nothing raises, no process ends; if the footer is whole, each row is read or
failed in its place.

Each case is read in a process of its own: a library that ends its process would end the tests.
Footers are read by the process that plans, so their damage is tried by itself, with the length that
frames them mended: in 34,200 cases none ended the process (pyarrow 25).
"""

from __future__ import annotations

import decimal
import io
import itertools
import multiprocessing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.source import ParquetSource
from stages.reading.sources import Listing, plan_splits, source_problems
from tests.fuzz.mutations import Case, bounded, cases, read_rows

TEXTS = [f"testua {number % 7}" for number in range(60)]
TABLE = pa.table({"text": TEXTS, "n": range(60), "tags": [["a", "b"]] * 60, "m": [{"x": "q"}] * 60})
KINDS = {
    "decimal": pa.array([decimal.Decimal("1.5")]),
    "time": pa.array([1], pa.timestamp("us", "UTC")),
    "dictionary": pa.array(["x"]).dictionary_encode(),
    "map": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int32())),
    "pair": pa.array([[1, 2]], pa.list_(pa.int32(), 2)),
    "struct": pa.array([{"x": "q"}]),
}
LENGTHS = (
    b"\xff\xff\xff\xff\x0f",
    b"\xff" * 8 + b"\x7f",
    b"\x19\xfc\xff\xff\xff\xff\x07",
    b"\x18\xff\xff\xff\xff\x07",
)
TOKENS = (b"PAR1", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f", b"ARROW:schema")


def pieces() -> list[bytes]:
    """Return a file cut into its three row groups and its footer."""
    buffer = io.BytesIO()
    pq.write_table(TABLE, buffer, row_group_size=20, compression="none")
    footer = pq.read_metadata(buffer)
    starts = [footer.row_group(group).column(0).dictionary_page_offset for group in range(1, 3)]
    content = buffer.getvalue()
    end = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    bounds = [0, *starts, end, len(content)]
    return [content[first:last] for first, last in itertools.pairwise(bounds)]


def read_case(folder: Path, case: Case, whole: int) -> None:
    """Read one case as the only one of its process; its exit code says what became of it."""
    (folder / "a.parquet").write_bytes(case.content)
    with bounded(case):
        rows = read_rows(folder, format="parquet", paths=["a.parquet"], keep=["n", "tags", "m"])
        if 3 in case.intact and len(case.content) == whole:
            assert [row["position"] for row in rows] == list(range(60))
            for group in set(case.intact) - {3}:
                own = slice(20 * group, 20 * group + 20)
                assert [(row["text"], row["n"], row["error"]) for row in rows[own]] == [
                    (text, n, None) for text, n in zip(TEXTS[own], range(60)[own], strict=True)
                ]


def test_damaged_files_end_no_process(tmp_path: Path) -> None:
    good = pieces()
    whole = sum(map(len, good))
    read_case(tmp_path, Case(-1, b"".join(good), (0, 1, 2, 3)), whole)
    processes = multiprocessing.get_context("fork")
    for case in cases(good, TOKENS, 30):
        process = processes.Process(target=read_case, args=(tmp_path, case, whole))
        process.start()
        process.join(60)
        assert process.exitcode == 0, f"case {case.number}: repeat it with FUZZ_FIRST={case.number}"


def plan_cases(folder: Path) -> None:
    """Plan files with damaged footers, one after another, and look for problems as a recipe's check
    does."""
    buffer = io.BytesIO()
    pq.write_table(pa.table({"text": ["testua"], **KINDS}), buffer, compression="none")
    content = buffer.getvalue()
    end = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    source = ParquetSource(name="fuzz", format="parquet", paths=("a.parquet",), keep=tuple(KINDS))
    for case in cases([content[end:-8]], LENGTHS, 150):
        damaged = content[:end] + case.content + len(case.content).to_bytes(4, "little") + b"PAR1"
        (folder / "a.parquet").write_bytes(damaged)
        with bounded(case):
            if not source_problems(source, Listing(str(folder))):
                plan_splits(source, str(folder))


def test_a_damaged_footer_ends_no_plan(tmp_path: Path) -> None:
    process = multiprocessing.get_context("fork").Process(target=plan_cases, args=(tmp_path,))
    process.start()
    process.join()
    assert process.exitcode == 0
