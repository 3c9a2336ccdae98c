"""An engine that is missing is told before the work begins, and only where it is needed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.build.plan import make_plan
from pipelines.catalogue.engines import engine_versions, open_engine
from schemas.recipe import RecipeError
from stages.engines.engine import KEY_BYTES, EngineError, Identity, parse_direction
from stages.engines.options import RecordedConfig
from stages.normalization.southeast_asian import load_zawgyi
from stages.translation.options import TranslationConfig
from tests.recipes import one_source

RECIPE = (
    one_source("engines", "lines", kind="text", paths="lines.txt")
    + """
[[ingest]]
stage = "identify_language"
"""
)
NORMALIZE = '[[ingest]]\nstage = "normalize"\n'
KEEP_BASQUE = '[[ingest]]\nstage = "filter_language"\nkeep = ["eus_Latn"]\n'
KEEP_BURMESE = KEEP_BASQUE.replace("eus_Latn", "mya_Mymr")
TRANSLITERATE = '[[ingest]]\nstage = "transliterate"\nschemes = { srp_Cyrl = "serbian", deu_Latn = "serbian" }\n'


@pytest.fixture
def no_icu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "icu", None)
    load_zawgyi.cache_clear()
    yield
    load_zawgyi.cache_clear()


@pytest.mark.usefixtures("no_icu")
@pytest.mark.parametrize(
    ("stages", "told"),
    [
        (NORMALIZE, "the rule zawgyi needs PyICU"),
        (KEEP_BURMESE + NORMALIZE, "the rule zawgyi needs PyICU"),
        (NORMALIZE + KEEP_BASQUE, None),
        (KEEP_BASQUE + NORMALIZE, None),
        (NORMALIZE + 'disable = ["zawgyi"]\n', None),
    ],
    ids=["any language", "Burmese", "Basque, filtered later", "Basque", "rule disabled"],
)
def test_zawgyi_is_converted_where_there_may_be_burmese(
    stages: str, told: str | None, tmp_path: Path
) -> None:
    (tmp_path / "lines.txt").write_text("Kaixo\n")
    (tmp_path / "recipe.toml").write_text(RECIPE + stages)
    if told is None:
        make_plan(tmp_path / "recipe.toml")
        return
    with pytest.raises(RecipeError, match=told):
        make_plan(tmp_path / "recipe.toml")


def test_a_pair_that_no_scheme_has_is_told_with_those_it_has(tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("Kaixo\n")
    (tmp_path / "recipe.toml").write_text(RECIPE + TRANSLITERATE)
    with pytest.raises(RecipeError, match="no transliteration serbian from deu_Latn; there is "):
        make_plan(tmp_path / "recipe.toml")


@pytest.mark.usefixtures("no_icu")
def test_the_quickstart_needs_no_icu() -> None:
    assert make_plan(Path("pipelines/recipes/quickstart.toml")).splits


EUS_SPA = parse_direction("eus_Latn -> spa_Latn")
RULES = Identity("apertium", "eus-spa", "3.7")
COLD = Identity("endpoint", "nllb", "1", '{"temperature":0.0}')
WARM = Identity("endpoint", "nllb", "1", '{"temperature":0.7}')
CHOICES: dict[str, tuple[dict[str, Any], Identity | str]] = {
    "none is named": ({}, r"got engine apertium, model eus-spa, .*; engine endpoint, .*; name one"),
    "the engine": ({"engine": "apertium"}, RULES),
    "the model, of two temperatures": (
        {"model": "nllb"},
        r"got engine endpoint, .*0\.7\}; name one",
    ),
    "a temperature": ({"parameters": {"temperature": 0.7}}, WARM),
    "a model that is not there": ({"model": "madlad"}, r"got engine apertium, [^;]*;.*0\.7\}$"),
}


@pytest.mark.parametrize(("named", "expected"), CHOICES.values(), ids=CHOICES.keys())
def test_whose_responses_are_taken_where_a_folder_holds_those_of_several(
    named: dict[str, Any], expected: Identity | str, tmp_path: Path
) -> None:
    answers = [(RULES, EUS_SPA), (COLD, EUS_SPA), (WARM, EUS_SPA), (COLD, EUS_SPA.back)]
    rows = [
        {"key": bytes([place]) * KEY_BYTES, **identity._asdict(), "direction": str(direction)}
        for place, (identity, direction) in enumerate(answers)
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    config, folders = RecordedConfig(**named), (str(tmp_path),)
    if isinstance(expected, Identity):
        assert open_engine(config, EUS_SPA, folders).identity == expected
        assert open_engine(RecordedConfig(), EUS_SPA.back, folders).identity == COLD
        return
    with pytest.raises(EngineError, match=expected):
        open_engine(config, EUS_SPA, folders)


@pytest.mark.parametrize("named", [{}, {"parameters": {"temperature": 0.7}}])
def test_a_plan_names_the_recorded_engine_of_each_direction_once(
    named: dict[str, Any], tmp_path: Path
) -> None:
    rows = [
        {"key": bytes([place]) * KEY_BYTES, **WARM._asdict(), "direction": str(direction)}
        for place, direction in enumerate((EUS_SPA, EUS_SPA.back))
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    engine = {"kind": "recorded", **named}
    directions = [str(EUS_SPA), str(EUS_SPA.back)]
    stage = TranslationConfig.model_validate(
        {"directions": directions, "engine": engine, "reuse": [str(tmp_path)]}
    )
    names = [found.name for found in engine_versions(stage)]
    assert names == [f"endpoint nllb ({direction})" for direction in directions]
    both = stage.model_copy(update={"round_trip": RecordedConfig(**named)})
    assert [found.name for found in engine_versions(both)] == names
