"""Facts of translation: what each engine gave in each direction, and which gate rejected how much
of it."""

from __future__ import annotations

from pydantic import Field

from schemas.card.part import CardPart, Count


class RejectedSentences(CardPart):
    """Translated sentences that were rejected for one reason."""

    reason: str
    sentences: Count


class TranslationYield(CardPart):
    """What one engine gave in one direction; sentences = passed + rejected, in every document that
    holds them."""

    source_language: str = Field(description="`language_Script` that was translated from.")
    target_language: str = Field(description="`language_Script` that was translated into.")
    generator: str = Field(description="Engine, version and model.")
    documents: Count = Field(description="Documents of which a sentence was translated.")
    passed_documents: Count = Field(description="Documents whose translation passed as a whole.")
    sentences: Count = Field(
        description="Sentences that were translated, without those that the engine failed at."
    )
    rejected: tuple[RejectedSentences, ...] = Field(
        description="By reason: a gate, or a filter of the document."
    )
