"""The sample texts of `gflanguages`: real text with gold codes, the same on every machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from schemas.source import GflanguagesSource
from stages.reading.sources import plan_splits

Rows = list[dict[str, Any]]


def test_one_document_for_each_language_and_script(read_all: Callable[..., Rows]) -> None:
    rows = read_all(format="gflanguages", licence="Apache-2.0")
    assert len(rows) >= 750
    assert len({row["id"] for row in rows}) == len(rows)
    assert not any(row["error"] for row in rows)
    assert [row["path"] for row in rows] == sorted(row["path"] for row in rows)
    assert {row["licence"] for row in rows} == {"Apache-2.0"}


SAMPLES = {
    "eus: Latin": ("eu_Latn", "askatasuna"),
    "uzb: Cyrillic beside Latin": ("uz_Cyrl", "\u04b3\u0443\u049b\u0443\u049b"),
    "uzb: Latin beside Cyrillic": ("uz_Latn", "huquq"),
    "bod: Tibetan": ("bo_Tibt", "\u0f0b"),
    "khm: Khmer": ("km_Khmr", "\u179f"),
}


@pytest.mark.parametrize(("code", "word"), SAMPLES.values(), ids=SAMPLES.keys())
def test_the_declared_language_is_the_gold_code(
    code: str, word: str, read_all: Callable[..., Rows]
) -> None:
    (row,) = [row for row in read_all(format="gflanguages") if row["declared_language"] == code]
    assert word in row["text"]
    assert row["path"].endswith(f"/{code}")


def test_the_split_names_the_version_and_no_folder_of_this_machine(tmp_path: Any) -> None:
    source = GflanguagesSource(format="gflanguages", name="samples")
    (split,) = plan_splits(source, str(tmp_path))
    assert split.path.startswith("gflanguages-")
    assert "/" not in split.path
    assert split.file_bytes > 1_000_000


def test_blocks_change_nothing_but_the_cutting(read_all: Callable[..., Rows]) -> None:
    assert read_all(format="gflanguages", block_bytes=5000) == read_all(format="gflanguages")
