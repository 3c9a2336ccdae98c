"""Options of `language_purity`, apart from what the stage itself needs to run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, Self, cast

from pydantic import Field, model_validator

from schemas.card.versions import ModelVersion
from stages.batches import StageConfig, located
from stages.language_identification.cascade import Identifier
from stages.language_identification.identify import LanguageIdentificationConfig, load_identifier


class LanguagePurityConfig(StageConfig):
    """Options of `language_purity`."""

    stage: Literal["language_purity"] = "language_purity"
    model: str = Field(
        default="cascade",
        description="What identifies lines: `cascade`, or a fastText model by path or Hub file.",
    )
    max_other_share: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Greatest share of the letters that may be in lines of another language or script; a document with "
        "more is dropped. 1: none is.",
    )
    other_lines: Literal["keep", "cut", "mark"] = Field(
        default="keep",
        description="What becomes of those lines in documents that stay: `cut` takes them out, `mark` says in "
        "`other_language_spans` where they are.",
    )
    second_model: str | None = Field(
        default=None,
        description="A fastText model that is asked about the document as well; `languages_agree` says if it names the "
        "same language.",
    )
    doubtful: Literal["keep", "apart"] = Field(
        default="keep",
        description="`apart` publishes documents in a configuration of their own (`eus_Latn_doubtful`) if the second "
        "model disagrees, or identification could not tell among near neighbours.",
    )

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if (
            self.max_other_share == 1
            and self.other_lines == "keep"
            and not self.second_model
            and self.doubtful == "keep"
        ):
            raise ValueError(
                "the stage decides nothing: set max_other_share below 1, other_lines, second_model or doubtful"
            )
        return self

    def at_home(self, base: str) -> Self:
        home = {name: located(path, base) for name, path in self._files().items()}
        return self.model_copy(update=home)

    def named_models(self, base: str) -> Iterator[ModelVersion]:
        resolved = self.at_home(base)._files()
        for name, path in self._files().items():
            identifier = load_identifier(LanguageIdentificationConfig(model=resolved[name]))
            yield ModelVersion(name=path, version=identifier.version, sha256=identifier.sha256)

    def misplaced(self, part: str, before: Sequence[str]) -> Iterator[str]:
        if "identify_language" not in before:
            yield "language_purity asks what is not in the document's language, so it needs identify_language before it"

    def identifiers(self) -> tuple[Identifier, Identifier | None]:
        """Load the models."""
        first, second = (
            load_identifier(LanguageIdentificationConfig(model=model)) if model else None
            for model in (self.model, self.second_model)
        )
        return cast("Identifier", first), second

    def _files(self) -> dict[str, str]:
        named = {"model": self.model, "second_model": self.second_model or "cascade"}
        return {name: path for name, path in named.items() if path != "cascade"}
