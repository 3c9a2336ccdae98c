"""Options of `language_model`, apart from what the stage itself needs to run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from schemas.card.versions import ModelVersion
from schemas.language import parse_labels
from stages.batches import StageConfig, file_version, located


class LanguageModelConfig(StageConfig):
    """Options of `language_model`."""

    stage: Literal["language_model"] = "language_model"
    models: dict[str, str] = Field(
        min_length=1,
        description='Models by label, such as `{eus_Latn = "eus.arpa"}`, as `glotmill lm train` writes them. Documents '
        "of other languages pass.",
    )
    max_percentile: float = Field(
        default=0.99,
        gt=0,
        le=1,
        description="Greatest share of the reference (trusted text that the model has not seen) that "
        "may be likelier than a document; 1: unlikely text is not dropped.",
    )
    min_percentile: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Least share of the reference that must be likelier; what is very likely repeats itself. 0: off.",
    )
    keep_signals: bool = Field(
        default=False, description="Keep bits a character and percentile in the corpus, as columns."
    )

    @field_validator("models")
    @classmethod
    def _labels(cls, models: Mapping[str, str]) -> Mapping[str, str]:
        parse_labels(models)
        return models

    def at_home(self, base: str) -> Self:
        return self.model_copy(
            update={"models": {label: located(path, base) for label, path in self.models.items()}}
        )

    def named_models(self, base: str) -> Iterator[ModelVersion]:
        from stages.language_models.reference import load_judged

        for written, path in zip(
            self.models.values(), self.at_home(base).models.values(), strict=True
        ):
            load_judged(path)  # to see if it is there and whole
            yield file_version(written, path)

    def misplaced(self, part: str, before: Sequence[str]) -> Iterator[str]:
        if "identify_language" not in before:
            yield "language_model goes by language and script, so it needs identify_language before it"

    def named_labels(self) -> Iterable[str]:
        return self.models

    @model_validator(mode="after")
    def _some_pass(self) -> Self:
        if self.min_percentile >= self.max_percentile:
            raise ValueError(
                f"min_percentile must be below max_percentile, got {self.min_percentile} and {self.max_percentile}"
            )
        return self
