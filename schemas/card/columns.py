"""The published columns."""

from __future__ import annotations

from pydantic import Field

from schemas.card.part import CardPart


class ColumnRow(CardPart):
    """A published column, from the field of the Arrow schema."""

    name: str
    kind: str = Field(description="Arrow type.")
    nullable: bool
    description: str
    feature: dict[str, object] = Field(
        description="The column as `dataset_info` of a Hub card declares it."
    )
