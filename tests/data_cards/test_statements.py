"""Only people answer some questions: what they say is on the card as they wrote it, what they left
is named there."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from data_cards.pages.markdown import card_files
from pipelines.catalogue.statements import read_statements
from pipelines.command_line.app import app
from schemas.card.statements import Statements, questions
from schemas.recipe import RecipeError

GIVEN = Statements(
    intended_uses="To train <b>Basque</b> models | and *test* them.", citation="Etxe, 2026"
)


def test_answers_are_shown_and_what_is_missing_is_named(published: Any) -> None:
    files = card_files(published.card.model_copy(update={"statements": GIVEN}))
    readme, report = files["README.md"].decode(), files["report.html"].decode()
    section = readme.partition("## Statements")[2].partition("\n## ")[0]
    assert "### Intended uses" in section
    assert "<b>" not in section
    assert "curation rationale" in section
    assert "citation" not in section.partition("Nobody has stated yet")[2]
    assert "&lt;b&gt;Basque" in report
    described = json.loads(files["croissant.json"])
    assert described["citeAs"] == "Etxe, 2026"
    assert described["rai:dataUseCases"] == [GIVEN.intended_uses]


def test_the_file_to_fill_asks_every_question_and_is_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "card.toml"
    assert CliRunner().invoke(app, ["card", "init", str(file)]).exit_code == 0
    assert list(tomllib.loads(file.read_text())) == list(questions())
    assert read_statements(str(file)) == Statements()
    file.write_text('speakers = "Ni"\n')
    assert CliRunner().invoke(app, ["card", "init", str(file)]).exception
    assert read_statements(str(file)).speakers == "Ni"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'speaker = "x"', "speakers"),
        (b"speakers = 3", "must be text"),
        (b"\xff", "UTF-8"),
        (b"speakers = ", "not TOML"),
    ],
)
def test_mistakes_are_named(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "card.toml").write_bytes(content)
    with pytest.raises((RecipeError, ValueError), match=words):
        read_statements(str(tmp_path / "card.toml"))
