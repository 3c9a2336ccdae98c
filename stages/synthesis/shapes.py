"""Shapes that strategies share: JSON Schemas of answers, turns of conversations, rows of questions
with answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.language import language_name, parse_label
from stages.synthesis.gates import span_answer
from stages.synthesis.passages import Passage
from stages.synthesis.strategy import Rejection, Row

TEXT: Mapping[str, Any] = {"type": "string", "minLength": 1}
ENGLISH = "eng_Latn"


def object_of(**properties: Mapping[str, Any]) -> dict[str, Any]:
    """Write the schema of an object that has just these properties."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def list_of(item: Mapping[str, Any], most: int, least: int = 1) -> dict[str, Any]:
    """Write the schema of a list of `least` to `most` items."""
    return {"type": "array", "items": dict(item), "minItems": least, "maxItems": most}


def turn(role: str, content: str) -> dict[str, str]:
    """Write a turn of a conversation."""
    return {"role": role, "content": content.strip()}


def conversation(turns: Sequence[Mapping[str, Any]], **more: Any) -> Row:
    """Make a row of a conversation without tools; `more` are `labels`, `likeness` and the like of a
    Row."""
    return Row("conversation", {"messages": list(turns), "tools": None}, **more)


def language_of(passage: Passage) -> str:
    """Return the English name of a passage's language, for prompts in English."""
    return language_name(parse_label(passage.label).language)


def question_row(question: str, answer: str, passage: Passage) -> Row | Rejection:
    """Make a row of a question, if its answer stands in the passage."""
    answers = span_answer(answer, passage.text)
    if answers is None:
        return Rejection("answer_not_in_context", answer[:200])
    values = {
        "title": passage.url or passage.document_id,
        "context": passage.text,
        "answers": answers,
    }
    return Row("question_answer", values | {"question": question.strip()})
