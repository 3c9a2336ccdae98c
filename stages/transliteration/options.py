"""What a recipe may set of transliteration; read with every recipe, so nothing is imported that
does the work."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from schemas.card.versions import ModelVersion
from schemas.language import parse_label
from stages.batches import StageConfig, located
from stages.transliteration.schemes import Scheme, scheme_for


class _ConditionConfig(StageConfig):
    negate: bool = Field(default=False, description="Change the tokens that do not match instead.")


class WordCondition(_ConditionConfig):
    """Change the words of a list, whatever their case."""

    by: Literal["words"] = "words"
    words: tuple[str, ...] = Field(default=(), description="The words.")
    path: str | None = Field(default=None, description="UTF-8 file of words, one a line.")

    @model_validator(mode="after")
    def _some(self) -> WordCondition:
        if not self.words and self.path is None:
            raise ValueError("a condition by words needs words or a path, got neither")
        return self


class LabelCondition(_ConditionConfig):
    """Change the words that a file gives one of these labels, such as an etymology or a
    language."""

    by: Literal["labels"] = "labels"
    path: str = Field(description="UTF-8 file with a word, a tab and its label on each line.")
    labels: tuple[str, ...] = Field(min_length=1, description="Labels of words to change.")


class ModelCondition(_ConditionConfig):
    """Change the words that a fastText model gives one of these labels."""

    by: Literal["model"] = "model"
    path: str = Field(description="fastText model (.bin or .ftz) that was trained on words.")
    labels: tuple[str, ...] = Field(
        min_length=1, description="Labels of words to change, without `__label__`."
    )
    min_score: float = Field(default=0.5, ge=0, le=1, description="Least probability of the label.")


class PatternCondition(_ConditionConfig):
    """Change the words in which a pattern is found."""

    by: Literal["regex"] = "regex"
    pattern: str = Field(min_length=1, description="Regular expression in Rust's syntax.")

    @field_validator("pattern")
    @classmethod
    def _valid(cls, pattern: str) -> str:
        import polars as pl

        try:
            pl.Series([""]).str.contains(pattern)
        except pl.exceptions.ComputeError as error:
            raise ValueError(
                f"pattern must be a regular expression in Rust's syntax, got {pattern!r}"
            ) from error
        return pattern


class ScriptCondition(_ConditionConfig):
    """Change the words that are in one of these scripts from end to end; for schemes that take any
    script."""

    by: Literal["script"] = "script"
    scripts: tuple[str, ...] = Field(min_length=1, description="ISO 15924 codes, such as Khmr.")

    @field_validator("scripts")
    @classmethod
    def _valid(cls, scripts: tuple[str, ...]) -> tuple[str, ...]:
        import polars as pl

        for script in scripts:
            try:
                pl.Series([""]).str.contains(rf"\p{{{script}}}")
            except pl.exceptions.ComputeError as error:
                raise ValueError(
                    f"scripts must be ISO 15924 codes that Unicode has, got {script!r}"
                ) from error
        return scripts


ConditionConfig = Annotated[
    WordCondition | LabelCondition | ModelCondition | PatternCondition | ScriptCondition,
    Field(discriminator="by"),
]


NEEDED = {
    "ingest": "identify_language before it",
    "augment": '[[ingest]] stage = "identify_language"',
}
ANY = "*"  # in a recipe's schemes: every language and script that has no scheme of its own


class TransliterationConfig(StageConfig):
    """Options of `transliterate_batch`, `parallel_rows` and `pairs`."""

    stage: Literal["transliterate"] = "transliterate"
    schemes: dict[str, str] = Field(
        min_length=1,
        description='Scheme by language and script, as { uzb_Cyrl = "uzbek_1995" }; "*" stands for all others.',
    )
    mode: Literal["replace", "parallel", "pair"] = Field(
        default="replace",
        description="Replace the text; or keep it and add a document next to it; or give pairs of both.",
    )
    condition: ConditionConfig | None = Field(
        default=None, description="Which tokens are changed; without it all that the scheme covers."
    )

    @property
    def condition_file(self) -> str | None:
        """The file that the condition names, if it names any."""
        return getattr(self.condition, "path", None)

    def at_home(self, base: str) -> Self:
        if self.condition is None or self.condition_file is None:
            return self
        condition = self.condition.model_copy(update={"path": located(self.condition_file, base)})
        return self.model_copy(update={"condition": condition})

    def named_models(self, base: str) -> Iterator[ModelVersion]:
        for scheme in chosen_schemes(self):
            yield ModelVersion(name=str(scheme), version=scheme.version)
        if self.condition and self.condition_file:
            from stages.transliteration.conditions import load_condition

            home = self.at_home(base)
            if home.condition and home.condition_file:
                load_condition(home.condition)
                sha256 = hashlib.sha256(Path(home.condition_file).read_bytes()).hexdigest()
                yield ModelVersion(name=self.condition_file, version="file", sha256=sha256)

    def misplaced(self, part: str, before: Sequence[str]) -> Iterator[str]:
        if "identify_language" not in before:
            yield f"transliterate goes by language and script, so it needs {NEEDED[part]}"
        if part == "ingest" and self.mode != "replace":
            yield (
                f'mode = "{self.mode}" makes documents of those that are left in the end; put the stage under '
                '[[augment]], or choose mode = "replace"'
            )
        if part == "augment" and self.mode == "replace":
            yield (
                'mode = "replace" changes documents in place; put the stage under [[ingest]], or '
                'choose mode = "parallel" or "pair"'
            )

    def named_labels(self) -> Iterable[str]:
        return (label for label in self.schemes if label != ANY)

    @field_validator("schemes")
    @classmethod
    def _known(cls, schemes: dict[str, str]) -> dict[str, str]:
        problems = []
        for label, name in schemes.items():
            try:
                if label != ANY:
                    scheme_for(name, *parse_label(label))
                elif name != "uroman":
                    raise ValueError(
                        f'"*" must be "uroman", the scheme for every language and script, got {name!r}'
                    )
            except ValueError as error:
                problems.append(str(error))
        if problems:
            raise ValueError("\n".join(problems))
        return schemes


def chosen_schemes(config: TransliterationConfig) -> list[Scheme]:
    """List the schemes that a config names, sorted, each once."""
    named = [
        scheme_for(name, *(("und", "Zyyy") if label == ANY else parse_label(label)))
        for label, name in config.schemes.items()
    ]
    return sorted(set(named), key=str)
