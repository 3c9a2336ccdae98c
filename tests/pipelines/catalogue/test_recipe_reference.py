"""The reference page says what the models say."""

from __future__ import annotations

from pathlib import Path

from pipelines.catalogue.reference import reference


def test_page_is_up_to_date() -> None:
    page = Path(__file__).parents[3] / "docs" / "recipe.md"
    generated = "\n".join(reference()).rstrip() + "\n"
    assert page.read_text() == generated, (
        "run: python -m pipelines.catalogue.reference > docs/recipe.md"
    )


def test_every_key_has_a_meaning() -> None:
    rows = [line for line in "\n".join(reference()).splitlines() if line.startswith("| `")]
    assert len(rows) > 40
    assert not [row for row in rows if row.replace("\\|", "").split("|")[4].strip() == ""]
