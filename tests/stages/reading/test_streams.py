"""Compressed and plain files as bounded streams: nothing before a break is lost, nothing after it
is held."""

from __future__ import annotations

import bz2
import collections
import gzip
import io
import lzma
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.reading.records import RAW_BYTES, Unreadable
from stages.reading.streams import (
    CHUNK_BYTES,
    BrokenStreamError,
    Lines,
    chunks,
    chunks_and_breaks,
    compression_of,
    read_lines,
    read_whole,
)

COMPRESSORS: Mapping[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}
TEXT = "".join(f"{number} \u0f56\u0f7c\u0f51\u0f0b\n" for number in range(50_000)).encode()


@pytest.mark.parametrize("ending", COMPRESSORS)
def test_members_behind_one_another_and_padding_are_one_stream(ending: str) -> None:
    compress = COMPRESSORS[ending]
    packed = compress(TEXT) + compress(b"") + compress(b"end") + b"\0" * 1000
    assert b"".join(chunks(io.BytesIO(packed), f"a{ending}")) == TEXT + b"end"


@pytest.mark.parametrize("ending", COMPRESSORS)
def test_what_precedes_a_truncation_is_delivered(ending: str) -> None:
    compress = COMPRESSORS[ending]
    whole, cut = compress(TEXT), compress(TEXT[::-1])
    read = bytearray()
    stream = chunks(io.BytesIO(whole + cut[: len(cut) - 20]), f"a{ending}")
    with pytest.raises(BrokenStreamError, match=f"the {ending} stream is truncated"):
        collections.deque(map(read.extend, stream), maxlen=0)
    assert bytes(read).startswith(TEXT)


@pytest.mark.parametrize("ending", COMPRESSORS)
def test_what_is_not_the_compression_its_name_says_is_damaged_and_handed_back(ending: str) -> None:
    with pytest.raises(BrokenStreamError, match=f"the {ending} stream is damaged") as broken:
        list(chunks(io.BytesIO(b"plain text, " * 10), f"a{ending}"))
    assert broken.value.rest == b"plain text, " * 10


@pytest.mark.parametrize("ending", COMPRESSORS)
@pytest.mark.slow
def test_a_bomb_is_read_in_bounded_steps(ending: str) -> None:
    bomb = COMPRESSORS[ending](b"\0" * (96 << 20))
    sizes = [len(chunk) for chunk in chunks(io.BytesIO(bomb), f"a{ending}")]
    assert sum(sizes) == 96 << 20
    assert max(sizes) <= (CHUNK_BYTES if ending != ".zst" else 64 << 20)


@pytest.mark.parametrize("ending", COMPRESSORS)
def test_a_bomb_that_is_one_record_fails_without_being_held(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"bomb{ending}"
    path.write_bytes(COMPRESSORS[ending](b"a" * (32 << 20) + b"\nshort\n"))
    long, short = list(read_lines(str(path), path.name, 0, -1, 1000))
    assert isinstance(long, Unreadable)
    assert long.error.startswith("too_large: the line has 33554432 bytes, max_record_bytes is 1000")
    assert len(long.raw or b"") == RAW_BYTES
    assert short == Lines((32 << 20) + 1, b"short\n")
    whole = read_whole(str(path), path.name, 1000)
    assert isinstance(whole, Unreadable)
    assert whole.error == "too_large: the file exceeds max_record_bytes, which is 1000"


def test_a_window_larger_than_the_limit_is_refused_not_allocated() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=30, enable_ldm=True)
    packed = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    with pytest.raises(BrokenStreamError, match="damaged"):
        list(chunks(io.BytesIO(packed.compress(TEXT) + packed.flush()), "a.zst"))


def test_a_damaged_gzip_member_does_not_take_the_others_along() -> None:
    members = [gzip.compress(bytes([65 + number]) * 1000 + b"%d" % number) for number in range(4)]
    damaged = bytearray(members[1])
    damaged[-6] ^= 0xFF  # its checksum
    found = list(
        chunks_and_breaks(io.BytesIO(members[0] + damaged + members[2] + members[3]), "a.warc.gz")
    )
    assert [type(piece) for piece in found].count(BrokenStreamError) == 1
    read = b"".join(piece for piece in found if isinstance(piece, bytes))
    assert read.startswith(b"A" * 1000)
    assert read.endswith(b"D" * 1000 + b"3")
    assert b"C" * 1000 + b"2" in read


def test_a_file_of_false_beginnings_is_given_up() -> None:
    found = list(chunks_and_breaks(io.BytesIO(b"\x1f\x8b\x08\xff" * 50_000), "a.gz"))
    assert [type(piece) for piece in found] == [BrokenStreamError]


def test_compression_is_told_by_the_ending() -> None:
    assert [compression_of(name) for name in ("a.jsonl.GZ", "a.gz.txt", "a.zst", "gz")] == [
        ".gz",
        "",
        ".zst",
        "",
    ]


CONTENT = st.lists(
    st.sampled_from(
        [b"\n", b"\r\n", b"a", b"", "\u0f56\u0f7c".encode(), b"\xff", b"\0", b"{}", b"\xef\xbb\xbf"]
    ),
    max_size=40,
).map(b"".join)


@settings(deadline=None)
@given(CONTENT, st.integers(1, 45))
def test_ranges_of_every_size_read_each_line_once_and_whole(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, split_bytes: int
) -> None:
    path = tmp_path_factory.mktemp("lines") / "lines"
    path.write_bytes(content)
    pieces = [
        piece
        for start in range(0, len(content), split_bytes)
        for piece in read_lines(
            str(path), "lines", start, min(start + split_bytes, len(content)), 1 << 20
        )
    ]
    assert all(isinstance(piece, Lines) for piece in pieces)
    mark = b"\xef\xbb\xbf"
    assert b"".join(
        piece.data for piece in pieces if isinstance(piece, Lines)
    ) == content.removeprefix(mark)
    for piece in pieces:
        assert isinstance(piece, Lines)
        assert content[piece.offset :].startswith(piece.data)
        before = content[: piece.offset]
        assert before in (b"", mark) or before.endswith(b"\n"), "a piece does not begin with a line"


@settings(deadline=None)
@given(CONTENT, st.integers(1, 12))
def test_a_line_is_too_long_wherever_it_lies(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, max_line_bytes: int
) -> None:
    folder = tmp_path_factory.mktemp("long")
    (folder / "plain").write_bytes(content)
    (folder / "packed.zst").write_bytes(zstandard.compress(content))
    mark = b"\xef\xbb\xbf"
    offset = len(mark) if content.startswith(mark) else 0
    expected: list[tuple[int, bytes]] = []
    for line in content[offset:].split(b"\n"):
        if len(line) > max_line_bytes:
            expected.append((offset, line))
        offset += len(line) + 1
    for name in ("plain", "packed.zst"):
        pieces = list(read_lines(str(folder / name), name, 0, -1, max_line_bytes))
        assert [
            (piece.position, piece.raw) for piece in pieces if isinstance(piece, Unreadable)
        ] == expected


def test_a_cut_off_line_is_the_raw_of_the_break(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    packed = gzip.compress(b"first\n" * 1000 + bytes(range(32, 127)) * 500)
    path.write_bytes(packed[:-30])
    *lines, broken = read_lines(str(path), path.name, 0, -1, 1 << 20)
    assert b"".join(piece.data for piece in lines if isinstance(piece, Lines)) == b"first\n" * 1000
    assert isinstance(broken, Unreadable)
    assert broken.position == 6000
    assert broken.error == "broken_stream: the .gz stream is truncated"
    assert broken.raw is not None
    assert broken.raw.startswith(bytes(range(32, 127)))
