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
    pairs_only: bool = Field(
        default=False,
        description="True if pairs of these translations are published and the translations themselves are not, so "
        "that the ledger has no row for them.",
    )


class DonorDistances(CardPart):
    """How far a donor is from a target language: from 0, the same, to 1; null where nothing is
    known of one of them."""

    target_language: str = Field(description="`language_Script` that is translated into.")
    donor_language: str = Field(description="`language_Script` that may be translated from.")
    distance: float = Field(description="Mean of the distances that are known, nearest first.")
    genetic: float | None = Field(description="By families and branches (Glottolog).")
    geographic: float | None = Field(
        description="By where they are spoken, of half the circumference of the Earth."
    )
    syntactic: float | None = Field(description="By features of syntax (URIEL).")
    phonological: float | None = Field(description="By features of sounds (URIEL).")
    inventory: float | None = Field(description="By the sounds that they have (URIEL).")
    lexical: float | None = Field(
        description="By three letters in a row in the same articles of the Declaration of Human Rights."
    )
    chosen: bool = Field(default=False, description="Whether it is translated from.")
