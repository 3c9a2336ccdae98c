"""How much of each evaluation set stood in the corpus, and what became of the documents that held
it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from schemas.card.part import CardPart, Count


class EvaluationSetVersion(CardPart):
    """An evaluation set that was looked for, and what tells one version of it from another."""

    name: str
    hub: str | None = Field(
        description="Its name on the Hugging Face Hub; null if it was read from files."
    )
    revision: str | None = Field(description="Commit on the Hub; null for files.")
    texts: Count = Field(description="Texts of all its fields.")
    files: dict[str, str] = Field(description="Hex SHA-256 of each file that was read.")


class ContaminationRate(CardPart):
    """How much of an evaluation set stood in the corpus, in one language."""

    evaluation_set: str
    language: str | None = Field(description="ISO 639-3 code of the set's texts; null if unknown.")
    texts: Count = Field(description="Texts of the set in this language, equal ones counted once.")
    texts_checked: Count = Field(description="Those of them that are long enough to be looked for.")
    texts_found: Count = Field(description="Those of them that stood in the corpus.")
    documents: Count = Field(description="Documents of the corpus that held any of them.")

    @model_validator(mode="after")
    def _are_parts(self) -> ContaminationRate:
        if not self.texts_found <= self.texts_checked <= self.texts:
            raise ValueError(
                f"{self.evaluation_set}: texts found, checked and all must ascend, got {self.texts_found}, "
                f"{self.texts_checked}, {self.texts}"
            )
        return self


class Removal(CardPart):
    """What became of the documents that held evaluation text."""

    mode: Literal["drop", "mask"]
    masked: Count = Field(
        description="Those that went on with that text taken out; the fates tell the others."
    )


class JudgedPrecision(CardPart):
    """What humans said of the matches with an evaluation set."""

    evaluation_set: str
    judged: Count
    right: Count

    @model_validator(mode="after")
    def _right_were_judged(self) -> JudgedPrecision:
        if self.right > self.judged:
            raise ValueError(
                f"{self.evaluation_set}: {self.right} matches right of {self.judged} judged"
            )
        return self
