"""What the parts of a card have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0)]


class CardPart(BaseModel):
    """A part of a card: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
