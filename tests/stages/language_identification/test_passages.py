"""Lines that were judged before are judged alike, and once, whatever blocks they come in."""

from __future__ import annotations

from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from stages.language_identification import passages
from stages.language_identification.passages import cut_passages, judge_lines

MENU = "Hasiera\nBerriak | Kirolak\nSartu edo eman izena"
BLOCKS = (
    [f"{MENU}\nGaur goizean mendira joan naiz.", f"{MENU}\nimport os\nhahaha hahaha hahaha"],
    ["Сегодня мы ходили на рынок, это Windows.", f"{MENU}\nhttps://example.org/a/b", ""],
    [MENU, "他的英文名字叫 Harry Potter\nimport os", MENU],
    [f"{MENU}\n{'egun on ' * 80}"],
)


def cut(texts: list[str]) -> list[Any]:
    found = cut_passages(pa.array(texts, pa.large_string()), 1000)
    return [column if isinstance(column, list) else column.tolist() for column in found]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines that were judged, since the last of them was forgotten."""
    lines: list[str] = []

    def judge(some: pl.Series) -> pl.DataFrame:
        lines.extend(some.to_list())
        return judge_lines(some)

    monkeypatch.setattr(passages, "judge_lines", judge)
    passages._judged_lines.cache_clear()
    return lines


def alone() -> list[Any]:
    """Cut each block by itself."""
    found = []
    for block in BLOCKS:
        passages._judged_lines.cache_clear()
        found.append(cut(block))
    passages._judged_lines.cache_clear()
    return found


def test_lines_are_judged_once_and_cut_alike_in_whatever_blocks(asked: list[str]) -> None:
    expected = alone()
    asked.clear()
    assert [cut(block) for block in BLOCKS] == expected
    assert len(asked) == len(set(asked))
    assert asked.count("Berriak | Kirolak") == 1


@pytest.mark.parametrize("most", [0, 2_000])
def test_beyond_the_limit_lines_are_forgotten_and_judged_again(
    asked: list[str], monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    expected = alone()
    asked.clear()
    monkeypatch.setattr(passages, "MAX_JUDGED_BYTES", most)
    assert [cut(block) for block in BLOCKS] == expected
    assert asked.count("import os") == 2
    judged = passages._judged_lines()
    assert len(judged._rows) == len(judged._frame)
    assert judged._bytes + judged._frame.estimated_size() <= most
