"""A table of limits by language, which `glotmill tune` learns and a recipe names: `learned = "limits.toml"`.

The table says what it was learned for: the version of the signals, the segmenter with its version, the method and the
reference. Limits of other signals or other words mean nothing, so such a table is refused.

    format = "glotmill-limits/1"
    signals = "glotmill-signals/1"
    segmenter = "icu"
    segmenter_version = "ICU 72.1"
    method = "tail"
    reference = "out/reference"

    [languages.eus_Latn]
    pages = 812
    learned_from = "eus_Latn"
    language_score = 0.62

    [languages.eus_Latn.limits]
    top_2_gram = 0.2113

    [languages.eus_Latn.false_positives]
    top_2_gram = 0.0123
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from schemas.language import parse_label
from schemas.orthography import words_are_spaced
from schemas.quality_signals import SIGNALS_VERSION
from stages.quality.rules import RULE_NAMES
from stages.quality.segmenters import Segmenter, segmenter_version

ALL = "all"  # of false positives: those of all rules together
Method = Literal["budget", "mean_std", "quantile", "tail", "median_ratio"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LanguageLimits(_Part):
    """What was learned for a language and script."""

    pages: int = Field(ge=0, description="Pages of the reference in the language.")
    learned_from: str | None = Field(
        default=None, description="The language's label, or its script where it has too few pages; null: nothing."
    )
    language_score: float | None = Field(default=None, ge=0, le=1, description="Least score of identify_language.")
    limits: dict[str, float] = {}
    false_positives: dict[str, float] = Field(
        default={}, description="Share of good pages that were not learned from and that the rule would drop."
    )

    @field_validator("limits")
    @classmethod
    def _known(cls, limits: dict[str, float]) -> dict[str, float]:
        if unknown := sorted(set(limits) - set(RULE_NAMES)):
            raise ValueError(f"no rule is called {', '.join(unknown)}")
        return limits


class LimitsTable(_Part):
    """A table of limits, as the file has it."""

    format: Literal["glotmill-limits/1"] = "glotmill-limits/1"
    signals: str = SIGNALS_VERSION
    segmenter: str
    segmenter_version: str
    method: Method
    reference: str = ""
    languages: dict[str, LanguageLimits] = {}

    @field_validator("languages")
    @classmethod
    def _labels(cls, languages: Mapping[str, LanguageLimits]) -> Mapping[str, LanguageLimits]:
        for label in languages:
            parse_label(label)
        return languages

    @property
    def by_label(self) -> dict[str, dict[str, float]]:
        """The limits alone."""
        return {label: dict(one.limits) for label, one in self.languages.items()}

    @property
    def scores(self) -> dict[str, float]:
        """The least language scores, of languages that have one."""
        return {name: one.language_score for name, one in self.languages.items() if one.language_score is not None}

    def require(self, segmenter: Segmenter, path: str) -> None:
        """Raise ValueError if the limits hold for other signals or other words than are measured here."""
        if self.signals != SIGNALS_VERSION:
            raise ValueError(f"{path}: the limits are of {self.signals}, what is measured is {SIGNALS_VERSION}")
        unspaced = [label for label, one in self.languages.items() if one.limits and not words_are_spaced(label)]
        if not unspaced:
            return
        learned = (self.segmenter, self.segmenter_version)
        if learned != (segmenter, segmenter_version(segmenter)):
            raise ValueError(
                f"{path}: the limits of {unspaced[0]} hold for words by {' '.join(learned)}, here words are by "
                f"{segmenter} {segmenter_version(segmenter)}; run glotmill tune again"
            )

    def to_toml(self) -> str:
        """Write the file."""
        head = self.model_dump(exclude={"languages"})
        lines = ['# Limits that `glotmill tune` learned. A recipe takes them by  learned = "THIS FILE"  in a stage.']
        lines += [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in head.items()]
        for label, one in sorted(self.languages.items()):
            lines += ["", f"[languages.{label}]"]
            lines += [
                f"{name} = {json.dumps(value)}"
                for name, value in one.model_dump(exclude={"limits", "false_positives"}).items()
                if value is not None
            ]
            for part in ("limits", "false_positives"):
                if values := getattr(one, part):
                    lines += ["", f"[languages.{label}.{part}]"]
                    lines += [f"{name} = {json.dumps(value)}" for name, value in values.items()]
        return "\n".join(lines) + "\n"


@cache
def load_limits(path: str) -> LimitsTable:
    """Read a table. Raises ValueError in one line if the file is none, OSError if it cannot be read."""
    try:
        return LimitsTable.model_validate(tomllib.loads(Path(path).read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ValueError(f"{path} is no table of limits: {' '.join(str(problem).split())}") from None
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{path} is no table of limits: {place}: {first['msg']}") from None
