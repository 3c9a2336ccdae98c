"""Limits of the quality filter, and other limits that a finished corpus was filtered by."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.card.part import CardPart


class FilterLimit(CardPart):
    """A limit of the quality filter in one language, where the rule dropped something or the limit
    was learned."""

    rule: str = Field(
        description="`all`: all rules together, of which there are false positives alone."
    )
    label: str = Field(description="`language_Script`.")
    side: Literal["min", "max"]
    limit: float = Field(
        description="Of a long text; a short one has slack, and the ledger has the limit it met."
    )
    learned_from: str | None = Field(
        default=None, description="Language or script of the reference; null: a default."
    )
    false_positives: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Share of good pages dropped, measured when the limit was learned.",
    )


class Refiltering(CardPart):
    """Other limits of `filter_quality` that a finished corpus was held against."""

    options: str = Field(description="Options that are not the default, as JSON.")
    manifest_sha256: str = Field(
        description="Of the manifest of the corpus before.", pattern=r"[0-9a-f]{64}"
    )
