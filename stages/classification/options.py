"""Options of `classify_text`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from schemas.card.versions import ModelVersion
from schemas.language import parse_labels
from stages.batches import StageConfig, located


class ClassificationConfig(StageConfig):
    """Options of `classify_text`."""

    stage: Literal["classify_text"] = "classify_text"
    model: str = Field(
        description="A fastText classifier, by path or Hub file, such as `hf://owner/name/model.bin`."
    )
    score: str = Field(
        default="quality",
        pattern="^[a-z][a-z0-9_]*$",
        description="What the score is called in the ledger and the corpus, such as quality, domain or toxicity.",
    )
    positive: tuple[str, ...] = Field(
        min_length=1,
        description='Classes of the model whose probabilities add up to the score, such as ["hq"].',
    )
    min_score: float | None = Field(
        default=None, ge=0, le=1, description="Documents with a lower score are dropped."
    )
    max_score: float | None = Field(
        default=None, ge=0, le=1, description="Documents with a higher score are dropped."
    )
    languages: tuple[str, ...] = Field(
        default=(),
        description="Labels that the model is for, such as `eng_Latn`; documents of others get no score and pass. "
        "None: all.",
    )
    lower_case: bool = Field(
        default=False, description="Give the model small letters, if it was trained on such."
    )
    max_code_points: int = Field(
        default=20_000, ge=100, description="Code points read of a longer document."
    )
    keep_signals: bool = Field(
        default=False, description="Keep the score in the corpus, in `classifier_scores`."
    )

    @field_validator("languages")
    @classmethod
    def _labels(cls, languages: tuple[str, ...]) -> tuple[str, ...]:
        parse_labels(languages)
        return languages

    @model_validator(mode="after")
    def _some_pass(self) -> Self:
        if (
            self.min_score is not None
            and self.max_score is not None
            and self.min_score > self.max_score
        ):
            raise ValueError(
                f"min_score must not be above max_score, got {self.min_score} and {self.max_score}"
            )
        if self.min_score is None and self.max_score is None and not self.keep_signals:
            raise ValueError("the score decides nothing: set min_score, max_score or keep_signals")
        return self

    def at_home(self, base: str) -> Self:
        return self.model_copy(update={"model": located(self.model, base)})

    def named_models(self, base: str) -> Iterator[ModelVersion]:
        from stages.classification.classify_text import load_classifier

        sha256 = load_classifier(self.at_home(base)).sha256
        yield ModelVersion(name=self.model, version="fastText classifier", sha256=sha256)

    def misplaced(self, part: str, before: Sequence[str]) -> Iterator[str]:
        if self.languages and "identify_language" not in before:
            yield "classify_text asks for languages, so it needs identify_language before it"
