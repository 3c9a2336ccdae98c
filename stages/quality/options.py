"""Options of `filter_quality`, apart from what the stage itself needs to run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, field_validator

from schemas.language import parse_label
from stages.batches import StageConfig
from stages.quality.rules import ENGLISH_STOP_WORDS, FAMILIES, RULE_NAMES, Family, Limits
from stages.quality.segmenters import Segmenter, default_segmenter

OwnLimits = Mapping[str, Mapping[str, float | Literal[False]]]


class QualityFilteringConfig(StageConfig):
    """Options of `filter_quality`."""

    stage: Literal["filter_quality"] = "filter_quality"
    families: tuple[Family, ...] = Field(
        default=FAMILIES,
        min_length=1,
        description="Families of rules that decide, of gopher_quality, gopher_repetition, fineweb and c4.",
    )
    limits: Limits = Field(
        default="fair",
        description="`fair`: limits by language and script, measured on good text in some 400 languages; a rule that "
        "cannot be right for a language is off. `published`: those of the papers, made for English.",
    )
    thresholds: dict[str, dict[str, float | Literal[False]]] = Field(
        default={},
        description='Limits of your own, by label (`eng_Latn`), language, script or "any", then by rule, such as '
        "{ Thai = { too_few_words = 30 } }; false: the rule is off. docs/quality.md lists the rules.",
    )
    stop_words: dict[str, tuple[str, ...]] = Field(
        default={"eng_Latn": ENGLISH_STOP_WORDS},
        description="Stop words by label; for other languages the rule of stop words is off.",
    )
    segmenter: Literal["auto"] | Segmenter = Field(
        default="auto",
        description="What divides text that is written without spaces: `icu` (ICU's break iterators), `graphemes` (one "
        "unit for each letter with its marks), `auto` (icu where PyICU is installed). The manifest names it.",
    )
    keep_signals: bool = Field(
        default=False, description="Keep what was measured in the corpus, as columns, for `glotmill refilter`."
    )

    @field_validator("thresholds")
    @classmethod
    def _known(cls, thresholds: OwnLimits) -> OwnLimits:
        for place, limits in thresholds.items():
            if "_" in place:
                parse_label(place)
            if unknown := [name for name in limits if name not in RULE_NAMES]:
                raise ValueError(f"{place}: no rule is called {', '.join(unknown)}; there are {', '.join(RULE_NAMES)}")
        return thresholds

    @field_validator("stop_words")
    @classmethod
    def _labels(cls, stop_words: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
        for label, words in stop_words.items():
            parse_label(label)
            if not words:
                raise ValueError(f"{label}: the list of stop words is empty; leave the language out")
        return stop_words

    @property
    def resolved_segmenter(self) -> Segmenter:
        """The segmenter that `auto` stands for on this machine."""
        return default_segmenter() if self.segmenter == "auto" else self.segmenter
