"""An engine that is missing is told before the work begins, and only where it is needed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.build.plan import make_plan
from schemas.recipe import RecipeError
from stages.normalization.southeast_asian import load_zawgyi
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
