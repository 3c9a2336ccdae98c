"""What a recipe may set of translation; read with every recipe, so nothing is imported that does the work."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator

from schemas.card.versions import ModelVersion
from stages.batches import StageConfig, located
from stages.engines.engine import Direction, parse_direction
from stages.engines.options import EngineConfig, named_engine

Protected = Literal["urls", "numbers", "code", "markup", "names"]


class GateConfig(StageConfig):
    """Limits of what is published of translations. A sentence or document beyond one is rejected, with that reason."""

    max_rejected_share: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Share of a document's code points in sentences that were rejected; a document beyond it is, too.",
    )
    language: bool = Field(
        default=True,
        description="Look whether sentences and documents are in the target language; only a model that knows it can.",
    )
    min_language_letters: int = Field(
        default=40, ge=1, description="Letters from which on the language of a single sentence is looked at."
    )
    max_copied_share: float = Field(
        default=0.9,
        ge=0,
        le=1,
        description="Words of a translation, of four or more, that stand in its source as well.",
    )
    max_unknown_share: float = Field(
        default=0.35, ge=0, le=1, description="Words that the engine marks as unknown to it."
    )
    length_tolerance: float = Field(
        default=0.5,
        gt=0,
        description="How far the logarithm of target over source length may be from the languages' own, plus 5.5 over "
        "the root of the source's length. Of human translations of the Declaration of Human Rights 1 in 100 articles "
        "is further away.",
    )
    min_repeated: int = Field(
        default=24, ge=8, description="Code points that go round in a circle, four times or more, unlike the source."
    )


class TranslationConfig(StageConfig):
    """Options of `translate_documents`."""

    stage: Literal["translate"] = "translate"
    directions: tuple[str, ...] = Field(
        min_length=1, description='From which language to which, as ["eus_Latn -> spa_Latn"].'
    )
    engine: EngineConfig = Field(
        default_factory=named_engine,
        description='What translates: a name, as "apertium", or a table with its options, as { kind = "recorded" }.',
    )
    outputs: tuple[Literal["documents", "sentence_pairs", "tmx", "moses"], ...] = Field(
        default=("documents",),
        description="`documents`: translated ones among the others, with `parent_id`. `sentence_pairs`: each sentence "
        "with its translation, signals and, if it was rejected, the reason, in the folder `bitext`. `tmx`, `moses`: "
        "those that passed, there as well, as translation tools read them.",
    )
    protect: tuple[Protected, ...] = Field(
        default=("urls", "numbers", "code", "markup"),
        description="What the engine gets placeholders for: addresses, numbers with separators, code, markup, names.",
    )
    glossary: str | None = Field(
        default=None, description="UTF-8 file with a source term, a tab and its translation on each line."
    )
    max_sentence_code_points: int = Field(
        default=600, ge=40, le=1000, description="A longer sentence is cut at a comma or space, else between letters."
    )
    gates: GateConfig = Field(default_factory=GateConfig, description="Limits of what is published.")
    reuse: tuple[str, ...] = Field(
        default=(),
        description="Folders of responses that were paid for before, as `../v1/responses`; those are not asked again.",
    )
    publish_responses: bool = Field(
        default=False, description="Write all responses into the folder `responses`, for a next version to `reuse`."
    )

    @field_validator("engine", mode="before")
    @classmethod
    def _by_name(cls, engine: object) -> object:
        return {"kind": engine} if isinstance(engine, str) else engine

    @field_validator("directions")
    @classmethod
    def _known(cls, directions: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(parse_direction(direction)) for direction in directions)

    def at_home(self, base: str) -> Self:
        glossary = located(self.glossary, base) if self.glossary else None
        return self.model_copy(
            update={"reuse": tuple(located(path, base) for path in self.reuse), "glossary": glossary}
        )

    def named_models(self, base: str) -> Iterator[ModelVersion]:
        if self.glossary:
            from stages.translation.protection import read_glossary

            path = located(self.glossary, base)
            read_glossary(path)
            sha256 = hashlib.sha256(Path(path).read_bytes()).hexdigest()
            yield ModelVersion(name=self.glossary, version="file", sha256=sha256)

    def misplaced(self, part: str, before: Sequence[str]) -> Iterator[str]:
        if "identify_language" not in before:
            yield 'translate goes by language and script, so it needs [[ingest]] stage = "identify_language"'

    @property
    def gives_pairs(self) -> bool:
        """Tell whether sentence pairs are published in any form."""
        return set(self.outputs) != {"documents"}

    @property
    def pairs(self) -> tuple[Direction, ...]:
        return tuple(parse_direction(direction) for direction in self.directions)
