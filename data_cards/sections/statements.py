"""The statements section: what people say of the corpus, and which questions nobody has answered
yet."""

from __future__ import annotations

from typing import Any, NamedTuple

from schemas.card.card import Card
from schemas.card.statements import questions


class Statement(NamedTuple):
    """An answer under its heading."""

    heading: str
    answer: str


def statements(card: Card) -> list[Statement]:
    """Return the statements that were given, in the order of the questions."""
    given = card.statements.model_dump()
    return [Statement(_heading(name), given[name]) for name in questions() if given[name].strip()]


def missing_statements(card: Card) -> list[str]:
    """Name the questions that nobody has answered."""
    given = card.statements.model_dump()
    return [_heading(name) for name in questions() if not given[name].strip()]


def _heading(name: str) -> str:
    return name.replace("_", " ").capitalize()


def views(card: Card) -> dict[str, Any]:
    """Name what the templates show of this section."""
    return {"statements": statements(card), "missing_statements": missing_statements(card)}
