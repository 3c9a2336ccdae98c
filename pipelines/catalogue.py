"""The one table of stages a recipe may name, and the recipe model that is closed over them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from schemas.card import ModelVersion
from schemas.recipe import Recipe as AnyRecipe
from stages.batches import BoundStage, StageConfig, StageFunction
from stages.deduplication.exact import ExactDeduplicationConfig, exact_keys, id_keys
from stages.deduplication.keepers import KeeperOrder
from stages.deduplication.near import NearDeduplicationConfig
from stages.deduplication.url import UrlDeduplicationConfig, UrlKeys, url_keys
from stages.extraction import ExtractionConfig, extract_text
from stages.language_filtering import LanguageFilteringConfig, filter_language
from stages.language_identification.cascade import embedded_identity
from stages.language_identification.identify import (
    LanguageIdentificationConfig,
    identify_language,
    load_identifier,
)
from stages.length_filtering import LengthFilteringConfig, filter_length

DUPLICATE_ID = "duplicate_id"

IngestStage = Annotated[
    ExtractionConfig | LanguageIdentificationConfig | LanguageFilteringConfig | LengthFilteringConfig,
    Field(discriminator="stage"),
]
DedupStage = Annotated[
    ExactDeduplicationConfig | UrlDeduplicationConfig | NearDeduplicationConfig, Field(discriminator="stage")
]


class Recipe(AnyRecipe[IngestStage, DedupStage]):
    """A recipe whose stages are the ones below."""

    keepers: KeeperOrder | None = Field(
        default=None,
        description="Which of several duplicates is kept; without it the first one, in the order of the input.",
    )


class IngestEntry(NamedTuple):
    """How a stage of the ingest phase gets its options and loads its models."""

    config: type[StageConfig]
    bind: Callable[[Any], StageFunction]


class Keyed(NamedTuple):
    """The documents of a block that a deduplication stage compares, by their rows in it, and a KEY for each."""

    rows: npt.NDArray[np.int64]
    keys: npt.NDArray[np.void]


class DedupEntry(NamedTuple):
    """What columns a deduplication stage reads, and how it makes keys of which equal ones mean duplicates."""

    config: type[StageConfig] | None
    columns: tuple[str, ...]
    keys: Callable[[pa.RecordBatch, Any], Keyed] | None


def _bind_identification(config: LanguageIdentificationConfig) -> StageFunction:
    return partial(identify_language, identify=load_identifier(config), config=config)


INGEST_STAGES = {
    "extract_text": IngestEntry(ExtractionConfig, lambda config: partial(extract_text, config=config)),
    "identify_language": IngestEntry(LanguageIdentificationConfig, _bind_identification),
    "filter_language": IngestEntry(LanguageFilteringConfig, lambda config: partial(filter_language, config=config)),
    "filter_length": IngestEntry(LengthFilteringConfig, lambda config: partial(filter_length, config=config)),
}

DEDUP_STAGES = {
    DUPLICATE_ID: DedupEntry(None, ("id",), lambda batch, _: _all(id_keys(batch))),
    "exact": DedupEntry(ExactDeduplicationConfig, ("text",), lambda batch, config: _all(exact_keys(batch, config))),
    "url": DedupEntry(UrlDeduplicationConfig, ("url",), lambda batch, config: _present(url_keys(batch, config))),
    # Its keys are only the beginning: see pipelines/near_shuffle.py.
    "near": DedupEntry(NearDeduplicationConfig, ("text", "script"), None),
}


def _all(keys: npt.NDArray[np.void]) -> Keyed:
    return Keyed(np.arange(len(keys)), keys)


def _present(found: UrlKeys) -> Keyed:
    return Keyed(np.flatnonzero(found.present), found.keys[found.present])


def bind_ingest(recipe: Recipe) -> list[BoundStage]:
    """Bind the recipe's ingest stages to their options and models, in order; this loads the models."""
    return [BoundStage(config.stage, INGEST_STAGES[config.stage].bind(config)) for config in recipe.ingest]


def at_home(recipe: Recipe, base: str) -> Recipe:
    """Make the recipe's relative model files absolute: they lie relative to its folder, as its sources do."""
    ingest = tuple(
        stage.model_copy(update={"model": str(Path(base, stage.model))})
        if isinstance(stage, LanguageIdentificationConfig) and _is_file(stage)
        else stage
        for stage in recipe.ingest
    )
    return recipe.model_copy(update={"ingest": ingest})


def _is_file(config: LanguageIdentificationConfig) -> bool:
    return config.model != "cascade" and "://" not in config.model


def models(recipe: Recipe, base: str) -> tuple[ModelVersion, ...]:
    """Name the models of the recipe's stages, for plan, manifest and card; a model file is loaded, to see if it is one.

    Raises FileNotFoundError or ValueError for a model that is not there or not one.
    """
    named = []
    for written, stage in zip(recipe.ingest, at_home(recipe, base).ingest, strict=True):
        if isinstance(stage, LanguageIdentificationConfig) and isinstance(written, LanguageIdentificationConfig):
            if written.model == "cascade":
                version, sha256 = embedded_identity()
            else:
                identifier = load_identifier(stage)
                version, sha256 = identifier.version, identifier.sha256
            named.append(ModelVersion(name=written.model, version=version, sha256=sha256))
    return tuple(dict.fromkeys(named))


def stage_problems(recipe: Recipe) -> list[str]:
    """List what is wrong with the stages as a chain; each alone has been checked by its own model."""
    names = [stage.stage for stage in recipe.ingest]
    problems = []
    raw = [source.name for source in recipe.sources if source.format in ("html", "warc")]
    if raw and "extract_text" not in names:
        problems.append(
            f"ingest: sources {', '.join(raw)} bring HTML and no stage takes the text out; begin with "
            '[[ingest]] stage = "extract_text"'
        )
    if "extract_text" in names[1:]:
        problems.append(f"ingest[{names.index('extract_text', 1)}]: extract_text must be the first stage")
    if "filter_language" in names and "identify_language" not in names[: names.index("filter_language")]:
        problems.append("ingest: filter_language needs identify_language before it")
    return problems
