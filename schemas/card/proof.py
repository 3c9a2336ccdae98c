"""How sure it is that a label's documents are in its language, as speakers judged them."""

from __future__ import annotations

from pydantic import Field

from schemas.card.part import CardPart, Count


class StratumProof(CardPart):
    """Documents that are about equally likely to be in another language, and what speakers said of
    them."""

    stratum: str
    documents: Count
    answered: Count = Field(
        description="Answers that tell: correct, boilerplate, translated, offensive or not."
    )
    right: Count = Field(description="Those of them that it is the language of the label.")


class LanguageProof(CardPart):
    """The precision of a label."""

    label: str
    strata: tuple[StratumProof, ...] = Field(description="From the surest on.")
    judgements: dict[str, Count] = Field(description="Number of each answer.")
    precision: float = Field(
        description="Estimated share in [0, 1] of its documents that are in the language."
    )
    low: float = Field(description="Lower end of the 95 % interval.")
    high: float = Field(description="Upper end of the 95 % interval.")
    judged_by: str = Field(default="", description="Who answered, in their own words.")


class PublishingGate(CardPart):
    """Which strata of doubt were published under their label: those that the answers prove."""

    min_precision: float = Field(description="Share in [0, 1].")
    proved: dict[str, Count] = Field(
        description="Strata published under each label that was judged, the surest first."
    )
