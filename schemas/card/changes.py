"""What stages changed in texts, counted by rule and label."""

from __future__ import annotations

from pydantic import Field

from schemas.card.part import CardPart, Count


class ChangeCount(CardPart):
    """What one rule of a stage, or one scheme, changed in the documents of one language and
    script."""

    stage: str
    rule: str
    label: str = Field(description="`language_Script`.")
    documents: Count
    code_points: Count
