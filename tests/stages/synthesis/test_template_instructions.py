"""Templates in the target language: their format, and the conversations that they make."""

# ruff: noqa: E501 - a fact stands on a line
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stages.synthesis.passages import Passage
from stages.synthesis.strategies.template_instructions import read_templates

GOOD = """
label = "eus_Latn"
version = "1"

[[templates]]
name = "topic"
user = "Zer gairi buruzkoa da testu hau?\\n\\n{{ text }}"
assistant = "{{ topic }}"

[templates.values.topic]
sport = "kirola"
"""
PROBLEMS = {
    "not TOML": ("label = ", "not TOML"),
    "a language that there is not": (GOOD.replace("eus_Latn", "zzzz"), "label: "),
    "no templates": ('label = "eus_Latn"\nversion = "1"', "templates: Field required"),
    "an unknown key": (GOOD.replace("assistant =", "asistant ="), "asistant: "),
    "not Jinja": (GOOD.replace("{{ topic }}", "{{ topic"), "template topic: "),
    "words for what is not used": (GOOD.replace("{{ topic }}", "gaia"), "gives words for topic"),
    "own words in another script": (GOOD.replace("Zer gairi buruzkoa da testu hau?", "यह पाठ किस विषय का है?"), "must be in Latn"),
    "one name twice": (GOOD + GOOD[GOOD.index("[[templates]]") :], "got topic more than once"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "problem"), PROBLEMS.values(), ids=PROBLEMS.keys())
def test_a_bad_file_is_named_with_what_is_wrong(text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "eus.toml").write_text(text)
    with pytest.raises(ValueError, match=problem):
        read_templates(str(tmp_path / "eus.toml"))


def made(folder: Path, **columns: Any) -> Any:
    from stages.synthesis.options import SynthesisConfig
    from stages.synthesis.table import load_strategy

    (folder / "eus.toml").write_text(GOOD)
    config = SynthesisConfig(
        strategy="template_instructions", options={"files": [str(folder / "eus.toml")]}
    )
    passage = Passage(
        "d", "Athletic taldeak irabazi du {{ topic }}.", 0, "eus_Latn", "s", columns=columns
    )
    talk = load_strategy(config).make(passage)
    with pytest.raises(StopIteration) as stop:
        next(talk)
    (row,) = stop.value.value
    return row


def test_a_labelled_document_is_a_conversation(tmp_path: Path) -> None:
    row = made(tmp_path, topic="sport")
    user, assistant = row.values["messages"]
    assert (
        user["content"]
        == "Zer gairi buruzkoa da testu hau?\n\nAthletic taldeak irabazi du {{ topic }}."
    )
    assert (user["role"], assistant) == ("user", {"role": "assistant", "content": "kirola"})


def test_a_document_without_a_value_or_a_word_is_rejected(tmp_path: Path) -> None:
    assert made(tmp_path).reason == "no_value"
    assert made(tmp_path, topic="weather")[:2] == ("no_word", "topic: topic = weather")
