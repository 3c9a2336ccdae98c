"""Options of `filter_quality` and `datatrove`, apart from what the stages themselves need to
run."""

from __future__ import annotations

import hashlib
import importlib.metadata
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from schemas.alternatives import unknown
from schemas.card.versions import ModelVersion
from schemas.language import parse_labels, parse_places
from stages.batches import StageConfig, located
from stages.quality.learned_limits import load_limits, require_limits_for
from stages.quality.rules import ENGLISH_STOP_WORDS, FAMILIES, RULE_NAMES, Family, Limits
from stages.quality.segmenters import Segmenter, default_segmenter, segmenter_version

OwnLimits = Mapping[str, Mapping[str, float | Literal[False]]]


class QualityFilteringConfig(StageConfig):
    """Options of `filter_quality`."""

    stage: Literal["filter_quality"] = "filter_quality"
    families: tuple[Family, ...] = Field(
        default=FAMILIES,
        min_length=1,
        description="Families of rules that decide, of gopher_quality, gopher_repetition, fineweb, c4 and symbols.",
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
    learned: str | None = Field(
        default=None,
        description="Table of limits by language that `glotmill tune` wrote, relative to the recipe's folder; "
        "`thresholds` come before them. A table of other signals or of another segmenter is refused.",
    )
    alphabetic_over: Literal["words", "tokens"] = Field(
        default="words",
        description="What the words with a letter are a share of: words, as in the paper, or words and punctuation "
        "marks, as in datatrove, which drops text with much punctuation.",
    )
    stop_words: dict[str, tuple[str, ...]] = Field(
        default={"eng_Latn": ENGLISH_STOP_WORDS},
        description="Stop words by label; for other languages the rule of stop words is off.",
    )
    segmenter: Literal["auto"] | Segmenter = Field(
        default="auto",
        description="What divides text that is written without spaces: `icu` (ICU's break iterators), `rjieba` (jieba "
        "for Chinese, ICU for others), `nlpo3` (newmm for Thai), `rjieba+nlpo3` (both), `graphemes` (one unit for each "
        "letter with its marks), `auto` (icu where PyICU is installed). The manifest names it and its version.",
    )
    tokenizer: Literal["native", "datatrove"] = Field(
        default="native",
        description="`datatrove`: words and definitions of datatrove's filters, some 40 times as slow, to decide as "
        "they do (with `limits` published).",
    )
    keep_signals: bool = Field(
        default=False,
        description="Keep what was measured in the corpus, as columns, for `glotmill refilter`.",
    )

    @field_validator("thresholds")
    @classmethod
    def _known(cls, thresholds: OwnLimits) -> OwnLimits:
        wrong = (
            f"{place}: {unknown('rule', name, RULE_NAMES)}"
            for place, limits in thresholds.items()
            for name in limits
            if name not in RULE_NAMES
        )
        parse_places(thresholds, wrong)
        return thresholds

    @field_validator("stop_words")
    @classmethod
    def _labels(cls, stop_words: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
        empty = (label for label, words in stop_words.items() if not words)
        parse_labels(
            stop_words,
            (
                f"{label}: the list of stop words is empty; leave the language out"
                for label in empty
            ),
        )
        return stop_words

    @model_validator(mode="after")
    def _of_our_signals(self) -> QualityFilteringConfig:
        if self.learned and (self.tokenizer != "native" or self.alphabetic_over != "words"):
            raise ValueError(
                'learned limits are of our own signals: leave out tokenizer and alphabetic_over = "tokens"'
            )
        return self

    @property
    def resolved_segmenter(self) -> Segmenter:
        """The segmenter that `auto` stands for on this machine."""
        return default_segmenter() if self.segmenter == "auto" else self.segmenter

    def at_home(self, base: str) -> Self:
        return (
            self.model_copy(update={"learned": located(self.learned, base)})
            if self.learned
            else self
        )

    def named_models(self, base: str) -> Iterator[ModelVersion]:
        segmenter = self.resolved_segmenter
        version = segmenter_version(segmenter)
        if self.learned:
            path = located(self.learned, base)
            table = load_limits(path)
            require_limits_for(table, segmenter, version, self.learned)
            sha256 = hashlib.sha256(Path(path).read_bytes()).hexdigest()
            yield ModelVersion(name=self.learned, version=table.method, sha256=sha256)
        yield ModelVersion(name=f"segmenter {segmenter}", version=version)
        if self.tokenizer == "datatrove":
            yield _datatrove()

    def misplaced(self, part: str, before: Sequence[str]) -> Iterator[str]:
        if "identify_language" not in before:
            yield "filter_quality judges by language and script, so it needs identify_language before it"


def _datatrove() -> ModelVersion:
    return ModelVersion(name="datatrove", version=importlib.metadata.version("datatrove"))


class BlockListConfig(StageConfig):
    """Options of `filter_blocked`: lists of words, domains and addresses that documents are dropped
    for."""

    stage: Literal["filter_blocked"] = "filter_blocked"
    words: tuple[tuple[str, str], ...] = Field(
        default=(),
        description='Word lists by label, language, script or `any`, such as { eus = "basque.txt" }: UTF-8, a word or '
        "phrase a line, relative to the recipe's folder.",
    )
    domains: tuple[str, ...] = Field(
        default=(), description="Files of domains, one a line; their subdomains are dropped, too."
    )
    urls: tuple[str, ...] = Field(default=(), description="Files of addresses, one a line.")
    max_matches: int = Field(
        default=2,
        ge=0,
        description="Listed words that a document may have; with more it is dropped.",
    )

    @field_validator("words", mode="before")
    @classmethod
    def _by_name(cls, words: object) -> object:
        if isinstance(words, Mapping):
            return tuple(sorted(words.items()))
        if isinstance(words, str) or (isinstance(words, list) and str in map(type, words)):
            raise ValueError('words must name the language of each list: { eus = "basque.txt" }')
        return words

    @field_validator("words")
    @classmethod
    def _named(cls, words: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        parse_places(name for name, _ in words)
        return words

    @model_validator(mode="after")
    def _some(self) -> BlockListConfig:
        if not (self.words or self.domains or self.urls):
            raise ValueError("filter_blocked needs a list: words, domains or urls")
        return self

    def at_home(self, base: str) -> Self:
        return self.model_copy(
            update={
                "words": tuple((name, located(path, base)) for name, path in self.words),
                "domains": tuple(located(path, base) for path in self.domains),
                "urls": tuple(located(path, base) for path in self.urls),
            }
        )

    def named_models(self, base: str) -> Iterator[ModelVersion]:
        from stages.quality.block_lists import entries, files_of, load_block_lists

        found = entries(load_block_lists(self.at_home(base)))
        for path in files_of(self):
            sha256 = hashlib.sha256(Path(located(path, base)).read_bytes()).hexdigest()
            yield ModelVersion(name=path, version=f"{found} entries in all lists", sha256=sha256)

    def misplaced(self, part: str, before: Sequence[str]) -> Iterator[str]:
        if any(name != "any" for name, _ in self.words) and "identify_language" not in before:
            yield "filter_blocked takes word lists by language, so it needs identify_language before it"


_BLOCK = re.compile(
    r"datatrove\.pipeline\.(filters|formatters)(\.[a-z][a-z0-9_]*)*\.[A-Z][A-Za-z0-9]*"
)
_BY_CHANCE = ("SamplerFilter", "LambdaFilter")


class DatatroveConfig(StageConfig):
    """Options of `datatrove`: a filter or formatter block of that library, run as a stage."""

    stage: Literal["datatrove"] = "datatrove"
    block: str = Field(
        description="Class of the block, such as `datatrove.pipeline.filters.GopherQualityFilter`."
    )
    arguments: dict[str, Any] = Field(
        default={}, description="Arguments of the block, as datatrove names them."
    )
    by_language: bool = Field(
        default=False,
        description="Make a block for each language and give it `language`; needs identify_language before it. A "
        "language that datatrove has no tokenizer for gets that of English.",
    )

    def named_models(self, base: str) -> Iterator[ModelVersion]:
        from stages.quality.datatrove_block import load_block

        load_block(self, None)  # to see if the block is there and takes its arguments
        yield _datatrove()

    def misplaced(self, part: str, before: Sequence[str]) -> Iterator[str]:
        if self.by_language and "identify_language" not in before:
            yield "by_language needs identify_language before it"

    @field_validator("block")
    @classmethod
    def _a_block(cls, block: str) -> str:
        if not _BLOCK.fullmatch(block):
            raise ValueError(
                "block must be a class under datatrove.pipeline.filters or datatrove.pipeline.formatters, got "
                f"{block!r}"
            )
        if block.endswith(_BY_CHANCE):
            raise ValueError(
                f"{block} cannot run as a stage: it keeps by chance, or by code that no recipe can hold"
            )
        return block

    @field_validator("arguments")
    @classmethod
    def _no_writer(cls, arguments: dict[str, Any]) -> dict[str, Any]:
        if "exclusion_writer" in arguments:
            raise ValueError(
                "exclusion_writer is not needed: what a block rejects stands in the ledger"
            )
        if arguments.get("keep_fraction"):
            raise ValueError("keep_fraction keeps by chance, in the order of work; leave it out")
        return arguments
