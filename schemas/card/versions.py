"""Versions of the models and indexes that a corpus depends on."""

from __future__ import annotations

from pydantic import Field

from schemas.card.part import CardPart, Count


class ModelVersion(CardPart):
    """A model that a stage used."""

    name: str
    version: str
    sha256: str | None = None


class IndexVersion(CardPart):
    """The index of an earlier corpus, whose documents are not published again."""

    path: str = Field(description="As the recipe names it.")
    corpus: str
    version: str
    documents: Count = Field(description="Published documents of that corpus.")
    sha256: str = Field(description="Of its `index.json`, which holds those of all its files.")
