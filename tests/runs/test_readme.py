"""What the README and the pages of docs/ show works as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipelines.catalogue.stage_checks import stage_problems
from pipelines.catalogue.stages import DEDUP_STAGES, DUPLICATE_ID, INGEST_STAGES, Recipe
from schemas.recipe import parse_recipe

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_recipe_is_one(page: Path) -> None:
    """A block of TOML that begins with `[corpus]` is a recipe; others are parts of one."""
    recipes = re.findall(
        r"```toml\n(\[corpus\]\n.*?)```", page.read_text(encoding="utf-8"), re.DOTALL
    )
    assert recipes or page.name != "README.md"
    for text in recipes:
        assert not stage_problems(parse_recipe(text, Recipe, page.name))


def test_the_table_names_every_stage_and_files_that_are_there() -> None:
    table = README.partition("## Stages")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)`.*\]\(([^)]+)\) \|$", table, re.MULTILINE))
    assert {*INGEST_STAGES, *DEDUP_STAGES, "translate"} - {DUPLICATE_ID} <= rows.keys()
    assert all((ROOT / path).exists() for path in rows.values())
