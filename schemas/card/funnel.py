"""The fate of every document, counted by source, language and stage."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.card.part import CardPart, Count

Fate = Literal["published", "dropped", "duplicate", "failed"]


class FateCount(CardPart):
    """How many documents of one source and language met the same fate, for the same reason."""

    source: str
    language: str | None = Field(
        description="`language_Script`; null if the document was never identified."
    )
    fate: Fate
    phase: str
    stage: str | None
    reason: str | None
    made: bool = Field(
        default=False, description="True if a step of the run made these documents from others."
    )
    documents: Count


class Step(CardPart):
    """A place in the chain where documents may leave it, or join it, in running order."""

    phase: str
    stage: str
    created: Count = Field(default=0, description="Documents that the step made from others.")
