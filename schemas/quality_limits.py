"""A table of limits by language, which `glotmill tune` learns and a recipe names: `learned =
"limits.toml"`.

The table says what it was learned for: the version of the signals, the segmenter with its version,
the method and the reference. Limits of other signals or other words mean nothing, so such a table
is refused.

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
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, field_validator

from schemas.language import parse_labels
from schemas.quality_signals import SIGNALS_VERSION

ALL = "all"  # of false positives: those of all rules together
Method = Literal["budget", "mean_std", "quantile", "tail", "median_ratio"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LanguageLimits(_Part):
    """What was learned for a language and script."""

    pages: int = Field(ge=0, description="Pages of the reference in the language.")
    learned_from: str | None = Field(
        default=None,
        description="The language's label, or its script where it has too few pages; null: nothing.",
    )
    language_score: float | None = Field(
        default=None, ge=0, le=1, description="Least score of identify_language."
    )
    limits: dict[str, float] = {}
    false_positives: dict[str, float] = Field(
        default={},
        description="Share of good pages that were not learned from and that the rule would drop.",
    )


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
        parse_labels(languages)
        return languages

    @property
    def by_label(self) -> dict[str, dict[str, float]]:
        """The limits alone."""
        return {label: dict(one.limits) for label, one in self.languages.items()}

    @property
    def scores(self) -> dict[str, float]:
        """The least language scores, of languages that have one."""
        return {
            name: one.language_score
            for name, one in self.languages.items()
            if one.language_score is not None
        }

    def to_toml(self) -> str:
        """Write the file."""
        head = self.model_dump(exclude={"languages"})
        lines = [
            '# Limits that `glotmill tune` learned. A recipe takes them by  learned = "THIS FILE"  in a stage.'
        ]
        lines += [
            f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in head.items()
        ]
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


class Distribution(NamedTuple):
    """How the values of a rule's signal are spread over the pages of a language, and what a limit
    drops of them."""

    rule: str
    signal: str
    side: Literal["min", "max"]
    edges: Sequence[float]
    counts: Sequence[int]  # one less than edges
    limit: float
    learned: bool
    dropped: float
