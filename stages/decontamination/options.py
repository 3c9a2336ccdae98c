"""What a recipe may set of decontamination; read with every recipe, so nothing is imported that
does the work."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from schemas.alternatives import unknown
from stages.batches import StageConfig
from stages.decontamination.evaluation_sets import EvaluationSet, known_sets


class DecontaminationConfig(StageConfig):
    """Options of decontamination."""

    stage: Literal["decontaminate"] = "decontaminate"
    evaluation_sets: tuple[str | EvaluationSet, ...] = Field(
        default=(),
        description="What is looked for: sets of the registry by name, or described here.",
    )
    mode: Literal["drop", "mask"] = Field(
        default="drop",
        description="Drop a document that holds evaluation text, or take the text out of it.",
    )
    words: int = Field(
        default=8,
        ge=2,
        le=100,
        description="Words in an n-gram, where words are spaced, and least number to find.",
    )
    graphemes: int = Field(
        default=16,
        ge=2,
        le=400,
        description="Grapheme clusters in an n-gram, in scripts without spaces between words.",
    )
    min_item_words: int = Field(
        default=5,
        ge=1,
        description="Shorter texts are not looked for: they stand in honest documents by chance.",
    )
    min_item_graphemes: int = Field(
        default=10, ge=1, description="The same, for scripts without spaces."
    )
    min_overlap: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Least share of a text's units that the n-grams found must cover.",
    )
    max_texts: int = Field(
        default=10,
        ge=1,
        description="N-grams of more different evaluation texts than this are ignored, as templates.",
    )
    across_scripts: bool = Field(
        default=True, description="Compare languages written in several scripts by skeleton too."
    )
    mask: str = Field(
        default="", description="What is written in place of evaluation text that is taken out."
    )
    min_code_points: int = Field(
        default=100,
        ge=0,
        description="A document that was masked is rejected if less than this remains of it.",
    )

    @field_validator("evaluation_sets")
    @classmethod
    def _known(cls, sets: tuple[str | EvaluationSet, ...]) -> tuple[str | EvaluationSet, ...]:
        names = [entry if isinstance(entry, str) else entry.name for entry in sets]
        known = sorted(known_sets())
        if wrong := [entry for entry in sets if isinstance(entry, str) and entry not in known]:
            raise ValueError(
                "\n".join(unknown("evaluation set", name, known) for name in dict.fromkeys(wrong))
            )
        if len(set(names)) < len(names):
            raise ValueError(f"evaluation_sets must name each set once, got {names}")
        return sets

    @model_validator(mode="after")
    def _shorter_than_an_ngram(self) -> DecontaminationConfig:
        if self.min_item_words > self.words or self.min_item_graphemes > self.graphemes:
            raise ValueError(
                "min_item_words and min_item_graphemes must not exceed words and graphemes, got "
                f"{self.min_item_words} > {self.words} or {self.min_item_graphemes} > {self.graphemes}"
            )
        return self
