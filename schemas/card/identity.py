"""What the corpus is called, and the sources that it comes from."""

from __future__ import annotations

from pydantic import Field

from schemas.card.part import CardPart, Count


class Identity(CardPart):
    """What the corpus is called and who answers for it."""

    name: str = Field(pattern=r"[A-Za-z0-9][A-Za-z0-9._-]*")
    title: str
    description: str
    version: str
    licence: str | None = Field(
        default=None, description="SPDX identifier or other words; null: see the sources."
    )
    licence_url: str | None = None
    homepage: str | None = None
    contact: str | None = None
    tags: tuple[str, ...] = ()
    limitations: tuple[str, ...] = ()


class SourceRow(CardPart):
    """A source of the recipe, and the number of documents its readers yielded."""

    name: str
    documents: Count
    created: Count = Field(
        default=0, description="Documents that were made from those of this source."
    )
    licence: str | None = None
    url: str | None = None
    description: str = ""
