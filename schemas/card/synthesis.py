"""Facts of synthetic rows: what each strategy asked, and what came of it; the published files, with
samples."""

from __future__ import annotations

from pydantic import Field

from schemas.card.part import CardPart, Count


class RejectedRows(CardPart):
    """Rows of synthesis that were turned away for one reason."""

    reason: str
    rows: Count


class SyntheticYield(CardPart):
    """What one strategy asked in one language, and what came of it: made = published + rejected."""

    strategy: str = Field(description="Its name, and its version after a slash.")
    label: str = Field(description="`language_Script` of the documents.")
    generator: str = Field(description="Engine, version and model; `none` for templates.")
    documents: Count = Field(description="Documents that it was given.")
    passages: Count = Field(description="Pieces of them that it asked about.")
    questions: Count = Field(description="Different questions that the generator was asked.")
    answered: Count = Field(
        description="Passages of which every question got an answer of the right form."
    )
    made: Count = Field(description="Rows and refusals of the strategy, before the gates.")
    prompt_tokens: Count
    completion_tokens: Count
    published: dict[str, Count] = Field(description="Rows by configuration.")
    rejected: tuple[RejectedRows, ...] = Field(description="By reason.")
    prompts: dict[str, str] = Field(description="Texts of prompts and templates by their SHA-256.")


class SyntheticSample(CardPart):
    """A published row."""

    strategy: str
    id: str
    row: str = Field(description="Its own columns as JSON; long texts are cut.")


class SyntheticFile(CardPart):
    """A published file of synthetic rows."""

    name: str = Field(description="Configuration of its rows.")
    split: str
    path: str
    rows: Count
    size_bytes: Count
    num_bytes: Count = Field(description="Bytes of its rows as one Arrow table.")
    samples: tuple[SyntheticSample, ...]
