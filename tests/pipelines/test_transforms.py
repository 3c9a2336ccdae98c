"""The stages as Beam transforms, in a pipeline that is not ours, give what `run_stages` gives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from pydantic import ValidationError

from pipelines.transforms import Ingest, Stage
from schemas.recipe import RecipeError
from tests.recipes import one_source

ROOT = Path(__file__).parent.parent.parent
BASQUE = "Gizon-emakume guztiak aske jaiotzen dira, duintasun eta eskubide berberak dituztela. " * 3
RECIPE = (
    one_source("pages", kind="text", paths="*.txt")
    + """
[[ingest]]
stage = "normalize"
[[ingest]]
stage = "identify_language"
[[ingest]]
stage = "filter_language"
keep = ["eus_Latn"]
"""
)


def block(texts: list[str | None], **columns: Any) -> pa.RecordBatch:
    ids = [str(number) for number in range(len(texts))]
    return pa.RecordBatch.from_pydict({"id": ids, "text": texts, **columns})


def rows(found: pa.RecordBatch, *names: str) -> Iterator[tuple[Any, ...]]:
    yield from zip(*(found[name].to_pylist() for name in names), strict=True)


def test_a_stage_keeps_and_rejects() -> None:
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        done = (
            pipeline
            | beam.Create([block(["short", "x" * 300], rating=[1, 2])])
            | Stage("filter_length", min_code_points=200)
        )
        kept = done.kept | "kept" >> beam.FlatMap(rows, "id", "rating")
        rejected = done.rejected | "rejected" >> beam.FlatMap(
            rows, "id", "text", "stage", "value", "threshold", "fate"
        )
        assert_that(kept, equal_to([("1", 2)]), "what is kept has the columns it came with")
        assert_that(
            rejected,
            equal_to([("0", "short", "filter_length", 5.0, 200.0, "dropped")]),
            "what is not says why",
        )


def test_every_row_comes_out_once_with_a_row_that_fails() -> None:
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        done = pipeline | beam.Create([block([BASQUE, None, BASQUE])]) | Stage("filter_length")
        fates = done.rejected | "rejected" >> beam.FlatMap(rows, "id", "fate")
        assert_that(
            done.kept | "kept" >> beam.FlatMap(rows, "id"), equal_to([("0",), ("2",)]), "kept"
        )
        assert_that(fates, equal_to([("1", "failed")]), "failed")


def test_a_recipe_runs_its_ingest_stages(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE)
    english = (
        "All human beings are born free and equal in dignity and rights. They are endowed with reason. "
        * 3
    )
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        done = pipeline | beam.Create([block([BASQUE + "\u200e", english])]) | Ingest(recipe)
        kept = done.kept | "kept" >> beam.FlatMap(rows, "text", "language", "script")
        rejected = done.rejected | "rejected" >> beam.FlatMap(rows, "id", "language", "stage")
        assert_that(kept, equal_to([(BASQUE, "eus", "Latn")]), "normalized and labelled")
        assert_that(rejected, equal_to([("1", "eng", "filter_language")]), "another language")


def test_counts_and_milliseconds_are_beam_metrics() -> None:
    pipeline = beam.Pipeline(runner=FnApiRunner())
    pipeline | beam.Create([block(["a", ""]), block(["c"])]) | Stage("filter_length")
    result = pipeline.run()
    result.wait_until_finish()
    found = {
        (counter.key.metric.namespace, counter.key.metric.name): counter.committed
        for counter in result.metrics().query()["counters"]
    }
    assert found["glotmill", "documents"] == 3
    assert found["glotmill", "kept"] == 2
    assert found["filter_length", "dropped"] == 1
    assert found["filter_length", "milliseconds"] >= 0


def test_columns_of_documents_are_cast_and_others_travel_on() -> None:
    given = block(["a"], language_score=pa.array([1], pa.int8()), rating=[b"x"])
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        done = pipeline | beam.Create([given]) | Stage("filter_length")
        assert_that(
            done.kept | beam.FlatMap(rows, "language_score", "rating"), equal_to([(1.0, b"x")])
        )
    with (
        pytest.raises(Exception, match="language_score"),
        beam.Pipeline(runner=FnApiRunner()) as pipeline,
    ):
        pipeline | beam.Create([block(["a"], language_score=["high"])]) | Stage("filter_length")


def test_the_documented_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = re.search(
        r"```python\n(.*?)```", (ROOT / "docs/beam.md").read_text(encoding="utf-8"), re.DOTALL
    )
    assert example
    (tmp_path / "corpus.toml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)
    exec(example[1], {})  # noqa: S102  the example of our own documentation
    written = pq.read_table(next(tmp_path.glob("kept*")))
    assert written["language"].to_pylist() == ["eus"]


def test_mistakes_are_found_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="min_code_points"):
        Stage("filter_length", min_code_points="many")
    with pytest.raises(ValidationError, match="filter_lenght"):
        Stage("filter_lenght")
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE.replace("filter_language", "filter_languages"))
    with pytest.raises(RecipeError, match="filter_language"):
        Ingest(recipe)
