"""What the README shows works as it stands."""

from __future__ import annotations

import re
from pathlib import Path

from pipelines.catalogue.checks import stage_problems
from pipelines.catalogue.stages import DEDUP_STAGES, DUPLICATE_ID, INGEST_STAGES, Recipe
from schemas.recipe import parse_recipe

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_recipe_is_one() -> None:
    recipes = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    assert recipes
    for text in recipes:
        assert not stage_problems(parse_recipe(text, Recipe, "README.md"))


def test_the_table_names_every_stage_and_files_that_are_there() -> None:
    table = README.partition("## Stages")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)`.*\]\(([^)]+)\) \|$", table, re.MULTILINE))
    assert {*INGEST_STAGES, *DEDUP_STAGES, "translate"} - {DUPLICATE_ID} <= rows.keys()
    assert all((ROOT / path).exists() for path in rows.values())
