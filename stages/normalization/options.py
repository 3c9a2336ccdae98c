"""What a recipe may set of normalization; read with every recipe, so nothing is imported that does
the work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, field_validator, model_validator

from schemas.alternatives import did_you_mean
from schemas.language import parse_label
from stages.batches import StageConfig


class NormalizationOptions(StageConfig):
    """Options that rules look at; `NormalizationConfig` adds the choice of rules."""

    form: Literal["NFC", "NFKC"] = Field(
        default="NFC",
        description='NFC keeps meaning; NFKC also folds compatibility characters ("10\u00b3" becomes "103").',
    )
    digits: Literal["keep", "native", "ascii"] = Field(
        default="keep",
        description="Digits of the scripts that have their own: as written, those of the language's locale, or 0 to 9.",
    )
    diacritics: Literal["keep", "strip"] = Field(
        default="keep",
        description="Vowel signs that readers do without: Arabic harakat, Hebrew points and accents.",
    )
    han: Literal["keep", "simplified", "traditional"] = Field(
        default="keep",
        description="Chinese letters: as written, or converted by OpenCC; many-to-one in both directions, so lossy.",
    )


class NormalizationConfig(NormalizationOptions):
    """Options of `normalize`."""

    stage: Literal["normalize"] = "normalize"
    disable: tuple[str, ...] = Field(default=(), description="Rules that are not to run, by name.")
    enable: tuple[str, ...] = Field(
        default=(), description="Rules to run that do not by default, by name."
    )

    def require_engines(self, kept: Sequence[str]) -> None:
        from stages.normalization.east_asian import load_opencc
        from stages.normalization.normalize import chosen_rules
        from stages.normalization.southeast_asian import load_zawgyi

        for rule in chosen_rules(self):
            expected = not kept or any(rule.applies(*parse_label(label)) for label in kept)
            if rule.name == "zawgyi" and expected:
                load_zawgyi()
            if rule.name == "chinese_conversion" and expected:
                load_opencc("t2s")

    @field_validator("disable", "enable")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        # the tables take a while, and few recipes choose among them
        from stages.normalization.normalize import (
            RULES,
        )

        known = [rule.name for rule in RULES]
        if wrong := [name for name in names if name not in known]:
            raise ValueError("\n".join(_no_rule(name, known) for name in wrong))
        return names

    @model_validator(mode="after")
    def _not_both(self) -> NormalizationConfig:
        if both := sorted(set(self.disable) & set(self.enable)):
            raise ValueError(f"a rule must not be both enabled and disabled, got {', '.join(both)}")
        return self


def _no_rule(name: str, known: Sequence[str]) -> str:
    near = did_you_mean(name, known)
    return f"must name a normalization rule, got {name!r}{near or '; the rules are ' + ', '.join(known)}"
