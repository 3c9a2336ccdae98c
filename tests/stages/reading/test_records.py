"""Records are checked alike for all formats, and blocks are cut where the rows say, not where they
came from."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import Any, NamedTuple

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.document import RECORD
from stages.reading.records import (
    BLOCK_ROWS,
    FAILURES,
    RAW_BYTES,
    SKIPPED,
    cut_blocks,
    decode_strings,
    document_ids,
    kept_strings,
    make_records,
    record_schema,
)


class FromTest(NamedTuple):
    """As much of a source as records need."""

    name: str = "s"
    licence: str | None = None
    max_record_bytes: int = 1000


TEST = FromTest()


def records(texts: list[str | None], source: FromTest = TEST, **columns: Any) -> pa.RecordBatch:
    return make_records(record_schema(), source, "p.txt", range(len(texts)), text=texts, **columns)


def test_an_id_is_the_hash_of_source_path_and_position() -> None:
    expected = [
        hashlib.blake2b(b"s\0%b\0%d" % at, digest_size=16).hexdigest()
        for at in ((b"a", 0), (b"a", 7), (b"b", 7))
    ]
    assert document_ids("s", ["a", "a", "b"], [0, 7, 7]) == expected


def test_ids_of_documents_do_not_change_between_releases() -> None:
    assert document_ids("web", ["data/a.jsonl"], [42]) == ["8f1e10edb7720a0bc40f0c10df7754ee"]


def test_what_a_record_lacks_is_null_and_the_licence_of_the_source_fills_gaps() -> None:
    batch = records(
        ["bat", "bi"], FromTest(licence="CC0-1.0"), url=["", "http://x"], licence=[None, "MIT"]
    )
    assert batch.schema == RECORD
    first, second = batch.to_pylist()
    assert (first["url"], second["url"]) == (None, "http://x")
    assert (first["licence"], second["licence"]) == ("CC0-1.0", "MIT")
    assert {
        first[name]
        for name in ("raw", "media_type", "charset", "date", "declared_language", "error")
    } == {None}


FAILING: dict[str, tuple[str | None, dict[str, Any], str]] = {
    "null text": (None, {}, "no_text: text is null or missing"),
    "NUL in the text": (
        "a\0b\0",
        {},
        "nul_in_text: text holds too many NULs for a text: more than 1 in 100",
    ),
    "longer than max_record_bytes": (
        "a" * 1001,
        {},
        "too_large: the record exceeds max_record_bytes, which is 1000",
    ),
    "empty id": (
        "a",
        {"id": [""]},
        "invalid_id: id must be 1 to 256 bytes without control characters",
    ),
    "null id": (
        "a",
        {"id": [None]},
        "invalid_id: id must be 1 to 256 bytes without control characters, got null",
    ),
    "id of 257 bytes": (
        "a",
        {"id": ["\u00e9" * 128 + "x"]},
        "invalid_id: id must be 1 to 256 bytes without control characters",
    ),
    "id with a newline": (
        "a",
        {"id": ["x\ny"]},
        "invalid_id: id must be 1 to 256 bytes without control characters",
    ),
    "id with a C1 control": (
        "a",
        {"id": ["x\u0085y"]},
        "invalid_id: id must be 1 to 256 bytes without control characters",
    ),
    "the reader's own error comes first": (
        None,
        {"error": ["broken_record: x"]},
        "broken_record: x",
    ),
}


@pytest.mark.parametrize(("text", "columns", "error"), FAILING.values(), ids=FAILING.keys())
def test_a_row_that_is_no_document_fails_with_its_bytes(
    text: str | None, columns: dict[str, Any], error: str
) -> None:
    row = records([text], **columns).to_pylist()[0]
    assert row["error"] == error
    assert row["text"] is None
    assert row["raw"] == (None if text is None else text.encode())
    assert row["id"] == document_ids("s", ["p.txt"], [0])[0]
    assert error.partition(":")[0] in FAILURES


GOOD_IDS = {
    "a letter": "x",
    "256 bytes": "\u00e9" * 128,
    "a path": "../../etc/passwd",
    "Tibetan": "\u0f56\u0f7c\u0f51",
}


@pytest.mark.parametrize("mapped", GOOD_IDS.values(), ids=GOOD_IDS.keys())
def test_an_id_of_the_source_is_kept(mapped: str) -> None:
    assert records(["a"], id=[mapped]).to_pylist()[0]["id"] == mapped


def test_a_failed_row_keeps_the_first_mebibyte_and_says_so() -> None:
    row = records(["\0" * (1 << 20) + "a"], FromTest(max_record_bytes=10 << 20)).to_pylist()[0]
    assert row["raw"] == b"\0" * RAW_BYTES
    assert (
        row["error"] == "nul_in_text: text holds too many NULs for a text: more than 1 in 100 "
        f"(the first {RAW_BYTES} of {RAW_BYTES + 1} bytes are kept)"
    )


def test_no_reason_is_both_a_failure_and_a_skip() -> None:
    assert not FAILURES.keys() & SKIPPED.keys()


def test_a_value_that_is_not_utf8_is_null_and_named() -> None:
    # \xe2 begins a character that the next value must not complete
    strings, undecodable = decode_strings(
        pa.array([b"a", b"\xe2", b"\x82\xac", None, "\u20ac".encode()])
    )
    assert strings.to_pylist() == ["a", None, None, None, "\u20ac"]
    assert undecodable.tolist() == [False, True, True, False, False]


def test_unchecked_strings_are_checked() -> None:
    offsets = pa.array([0, 1, 2], pa.int32()).buffers()[1]
    strings = pa.StringArray.from_buffers(2, offsets, pa.py_buffer(b"\xffa"))
    assert decode_strings(strings)[1].tolist() == [True, False]


@given(
    st.lists(st.integers(0, 40), max_size=30),
    st.lists(st.integers(0, 30), max_size=6),
    st.integers(1, 60),
)
def test_blocks_depend_on_the_rows_alone(
    lengths: list[int], cuts: list[int], block_bytes: int
) -> None:
    whole = make_records(
        kept_strings(["extra"]),
        FromTest(),
        "p",
        range(len(lengths)),
        text=["a" * (length // 2) for length in lengths],
        extra=["b" * (length - length // 2) for length in lengths],
    )
    edges = sorted({0, len(lengths), *(min(cut, len(lengths)) for cut in cuts)})
    pieces = [whole.slice(start, end - start) for start, end in pairwise(edges)]
    blocks = list(cut_blocks(pieces, block_bytes))
    assert blocks == list(cut_blocks([whole], block_bytes))
    assert [row for block in blocks for row in block["position"].to_pylist()] == list(
        range(len(lengths))
    )
    sizes = [
        sum(lengths[position] for position in block["position"].to_pylist()) for block in blocks
    ]
    assert all(
        size <= block_bytes or block.num_rows == 1
        for size, block in zip(sizes, blocks, strict=True)
    )
    # greedy: the first row of a block did not fit into the one before it
    for (block, after), size in zip(pairwise(blocks), sizes, strict=False):
        assert (
            size + lengths[after["position"][0].as_py()] > block_bytes
            or block.num_rows == BLOCK_ROWS
        )


def test_a_block_has_at_most_so_many_rows() -> None:
    rows = BLOCK_ROWS + 1
    batch = make_records(record_schema(), FromTest(), "p", range(rows), text=[""] * rows)
    assert [block.num_rows for block in cut_blocks([batch], 1 << 30)] == [BLOCK_ROWS, 1]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a\0b", "ab"),
        ("\0" + "egun on " * 40 + "\0", "egun on " * 40),
        ("\0a\0b\0", None),
        ("egun on", "egun on"),
    ],
    ids=["one NUL", "two in a long text", "UTF-16", "none"],
)
def test_a_few_nuls_do_not_cost_the_text(text: str, read: str | None) -> None:
    assert records([text])["text"].to_pylist() == [read]
