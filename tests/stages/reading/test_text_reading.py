"""Plain text and HTML folders: a document a file, or a document a line."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.source import HtmlSource
from stages.reading.files import FILES_PER_SPLIT, grouped_files
from stages.reading.sources import plan_splits

Rows = list[dict[str, Any]]

LINES: dict[str, tuple[bytes, list[tuple[int, str | None, str | None]]]] = {
    "empty and white lines are no documents": (
        b"bat\n\n \t\r\nbi",
        [(0, "bat", None), (9, "bi", None)],
    ),
    "a carriage return ends no line but belongs to its end": (
        b"bat\r\nb\ri\r\n",
        [(0, "bat", None), (5, "b\ri", None)],
    ),
    "a byte order mark is no text": (b"\xef\xbb\xbfbat\n", [(3, "bat", None)]),
    "white space at the edges is kept": (b"  bat \n", [(0, "  bat ", None)]),
    "invalid UTF-8 fails its line": (
        b"bat\n\xff\xfe\nhiru\n",
        [(0, "bat", None), (4, None, "invalid_encoding: the text is not utf-8"), (7, "hiru", None)],
    ),
    "a character is not completed by the next line": (
        b"\xe2\n\x82\xac\n",
        [
            (0, None, "invalid_encoding: the text is not utf-8"),
            (2, None, "invalid_encoding: the text is not utf-8"),
        ],
    ),
    "NUL fails its line": (
        b"a\0\0\nbi\n",
        [
            (0, None, "nul_in_text: text holds too many NULs for a text: more than 1 in 100"),
            (4, "bi", None),
        ],
    ),
    "nothing": (b"", []),
}


@pytest.mark.parametrize(("content", "expected"), LINES.values(), ids=LINES.keys())
def test_lines(
    content: bytes,
    expected: list[tuple[int, str | None, str | None]],
    tmp_path: Path,
    read_all: Callable[..., Rows],
) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(content))
    for path in ("a.txt", "a.txt.gz"):
        rows = read_all(format="text", unit="line", paths=[path])
        assert [(row["position"], row["text"], row["error"]) for row in rows] == expected


@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80
)
@given(
    st.lists(st.text(st.sampled_from("a\u0f56\u1e0d\r \U0001e900"), max_size=6), max_size=12),
    st.integers(1, 50),
)
def test_lines_are_the_same_for_every_split(
    tmp_path: Path, read_all: Callable[..., Rows], lines: list[str], split_bytes: int
) -> None:
    (tmp_path / "a.txt").write_text("\n".join(lines), newline="")
    whole = read_all(format="text", unit="line", paths=["a.txt"])
    assert [row["text"] for row in whole] == [line.rstrip("\r") for line in lines if line.strip()]
    assert (
        read_all(
            format="text", unit="line", paths=["a.txt"], split_bytes=split_bytes, block_bytes=3
        )
        == whole
    )


def test_lines_in_an_encoding_of_old(tmp_path: Path, read_all: Callable[..., Rows]) -> None:
    (tmp_path / "a.txt").write_bytes("\u4f60\u597d\n\u8b1d\u8b1d\n".encode("big5") + b"\xff\xff\n")
    rows = read_all(format="text", unit="line", paths=["a.txt"], encoding="big5")
    assert [row["text"] for row in rows] == ["\u4f60\u597d", "\u8b1d\u8b1d", None]
    assert rows[2]["error"] == "invalid_encoding: the text is not big5"


def test_files_are_documents(tmp_path: Path, read_all: Callable[..., Rows]) -> None:
    (tmp_path / "a.txt").write_bytes("\ufeffbat\n\nbi\n".encode())
    (tmp_path / "b.txt").write_bytes("hiru".encode("utf-16"))
    (tmp_path / "c.txt.gz").write_bytes(gzip.compress(b"lau"))
    (tmp_path / "d.txt.gz").write_bytes(gzip.compress(b"bost" * 1000)[:-9])
    (tmp_path / "empty.txt").write_bytes(b"")
    rows = read_all(format="text", paths=["*.txt*"])
    assert [(row["path"], row["text"]) for row in rows] == [
        ("a.txt", "bat\n\nbi\n"),
        ("b.txt", None),
        ("c.txt.gz", "lau"),
        ("d.txt.gz", None),
    ]
    assert rows[1]["error"] == "invalid_encoding: the text is not utf-8"
    assert rows[3]["error"] == "broken_stream: the .gz stream is truncated"
    assert rows[3]["raw"].startswith(b"bost")
    assert read_all(format="text", paths=["b.txt"], encoding="utf-16")[0]["text"] == "hiru"


def test_a_folder_of_pages(tmp_path: Path, read_all: Callable[..., Rows]) -> None:
    for name in (
        "site/index.html",
        "site/eu/Lehena.HTM",
        "site/eu/z.xhtml",
        "site/eu/z.css",
        "site/b.html.gz",
        "site/empty.html",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        page = b"" if "empty" in name else b"<p>\xff" + name.encode()
        (tmp_path / name).write_bytes(gzip.compress(page) if name.endswith(".gz") else page)
    rows = read_all(format="html", paths=["site", "site/*.html"], licence="CC0-1.0")
    assert [row["path"] for row in rows] == [
        "site/b.html.gz",
        "site/eu/Lehena.HTM",
        "site/eu/z.xhtml",
        "site/index.html",
    ]
    assert rows[0]["raw"] == b"<p>\xffsite/b.html.gz"
    assert {
        (row["text"], row["media_type"], row["charset"], row["licence"], row["position"])
        for row in rows
    } == {(None, "text/html", None, "CC0-1.0", 0)}
    assert len({row["id"] for row in rows}) == 4


def test_a_page_over_the_limit_fails_between_its_neighbours(
    tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    for name, size in (("a", 10), ("b", 3 << 20), ("c", 10)):
        (tmp_path / f"{name}.html").write_bytes(b"x" * size)
    rows = read_all(format="html", paths=["*.html"], max_record_bytes=2 << 20)
    assert [bool(row["error"]) for row in rows] == [False, True, False]
    assert rows[1]["error"] == "too_large: the file exceeds max_record_bytes, which is 2097152"


def test_many_small_files_are_few_splits(tmp_path: Path) -> None:
    for number in range(250):
        (tmp_path / f"{number:03}.html").write_bytes(b"<p>kaixo</p>")
    source = HtmlSource(format="html", name="pages", paths=("*.html",))
    assert [len(split.files) for split in plan_splits(source, str(tmp_path))] == [250]
    splits = plan_splits(source, str(tmp_path), split_bytes=1200)
    assert [len(split.files) for split in splits] == [100, 100, 50]
    assert [split.size_bytes for split in splits] == [1200, 1200, 600]
    assert [file.path for split in splits for file in split.files] == [
        f"{number:03}.html" for number in range(250)
    ]
    assert splits == plan_splits(source, str(tmp_path), split_bytes=1200)
    many = [splits[0].files[0]] * (FILES_PER_SPLIT + 1)
    assert [len(split.files) for split in grouped_files("pages", many, 1 << 40)] == [
        FILES_PER_SPLIT,
        1,
    ]


def test_a_group_of_files_is_another_split_if_one_of_them_changes(tmp_path: Path) -> None:
    source = HtmlSource(format="html", name="pages", paths=("*.html",))
    for name in "abc":
        (tmp_path / f"{name}.html").write_bytes(b"<p>")
    (before,) = plan_splits(source, str(tmp_path))
    (tmp_path / "b.html").write_bytes(b"<p>longer")
    (after,) = plan_splits(source, str(tmp_path))
    assert before.id != after.id
