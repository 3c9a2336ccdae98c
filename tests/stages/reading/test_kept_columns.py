"""Kept columns of several sources: one type holds them all, or the recipe is refused at its
plan."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.build.plan import make_plan
from schemas.recipe import RecipeError

RECIPE = """[corpus]
name = "kept"

[[sources]]
name = "first"
format = "parquet"
paths = ["a.parquet"]
keep = ["n"]

[[sources]]
name = "second"
format = "{format}"
paths = ["b.{format}"]
keep = ["n"]
"""


def write_files(folder: Path, first: pa.Array, second: pa.Array, form: str = "parquet") -> Path:
    pq.write_table(pa.table({"text": ["a"], "n": first}), folder / "a.parquet")
    pq.write_table(pa.table({"text": ["b"], "n": second}), folder / "b.parquet")
    (folder / "b.jsonl").write_text('{"text": "b", "n": "x"}\n')
    (folder / "recipe.toml").write_text(RECIPE.format(format=form))
    return folder / "recipe.toml"


def test_types_that_no_column_can_hold_are_refused_with_the_line(tmp_path: Path) -> None:
    recipe = write_files(tmp_path, pa.array([1]), pa.array([[1]]))
    with pytest.raises(
        RecipeError, match=r"line 14: sources\[1\].keep: source 'second': kept column 'n' is list"
    ):
        make_plan(recipe)
    with pytest.raises(
        RecipeError, match=r"kept column 'n' is string, in source 'first' it is int64"
    ):
        make_plan(write_files(tmp_path, pa.array([1]), pa.array([1]), "jsonl"))


def test_types_that_one_column_holds_are_accepted(tmp_path: Path) -> None:
    assert (
        len(
            make_plan(
                write_files(tmp_path, pa.array([1], pa.int8()), pa.array([1], pa.uint32()))
            ).splits
        )
        == 2
    )
    assert (
        len(
            make_plan(
                write_files(tmp_path, pa.array(["x"], pa.string_view()), pa.nulls(1), "jsonl")
            ).splits
        )
        == 2
    )
