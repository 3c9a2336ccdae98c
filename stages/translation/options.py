"""What a recipe may set of translation; read with every recipe, so nothing is imported that does
the work."""

from __future__ import annotations

import hashlib
import string
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from schemas.card.versions import ModelVersion
from schemas.language import parse_labels
from stages.batches import StageConfig, located
from stages.engines.engine import Direction, parse_direction
from stages.engines.options import (
    ApertiumConfig,
    EmbeddingsConfig,
    EngineConfig,
    PublishResponses,
    Reuse,
    named_engine,
)

# Of 45 pairs Basque to Spanish of the Declaration of Human Rights 4 % have less by a 4-bit multilingual
# E5 small; of those with the translation of another sentence 84 %.
MIN_MARGIN_SCORE = 0.98

Protected = Literal["urls", "numbers", "code", "markup", "math", "names"]
PROTECTED: tuple[Protected, ...] = ("urls", "numbers", "code", "markup")


def _known_directions(directions: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(parse_direction(direction)) for direction in directions)


Directions = Annotated[tuple[str, ...], AfterValidator(_known_directions)]


class GateConfig(StageConfig):
    """Limits of what is published of translations. A sentence or document beyond one is rejected,
    with that reason."""

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
        default=40,
        ge=1,
        description="Letters from which on the language of a single sentence is looked at.",
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
        default=24,
        ge=8,
        description="Code points that go round in a circle, four times or more, unlike the source.",
    )
    min_round_trip_chrf: float = Field(
        default=30.0,
        ge=0,
        le=100,
        description="chrF, of 100, that a sentence has at least where it is translated back into the source language. "
        "Lines of the Declaration of Human Rights reach 20 at the median beside the translation of another line, "
        "and 45 to 92 beside their own.",
    )
    min_round_trip_letters: int = Field(
        default=20,
        ge=1,
        description="Letters of the source from which on its way there and back is measured.",
    )
    embeddings: EmbeddingsConfig | None = Field(
        default=None,
        description='Model of sentence embeddings in both languages, as { model = "sentence-transformers/LaBSE" }: '
        "a sentence and its translation must be nearer to each other than to others (`min_margin_score`).",
    )
    min_similarity: float = Field(
        default=0.0,
        ge=-1,
        le=1,
        description="Cosine of the embeddings of both, at least; what is usual depends on the model.",
    )
    min_margin_score: float = Field(
        default=MIN_MARGIN_SCORE,
        ge=0,
        description="That cosine over the mean of those with the four nearest sentences on either side, at least "
        "(ratio margin, Artetxe and Schwenk 2019).",
    )
    max_neighbour_gain: float = Field(
        default=2.0,
        ge=0,
        description="How much better a translation may fit the source of a neighbouring line than its own, in "
        "logarithms of likelihood, by length, numbers, names and cognates: what is beyond was moved.",
    )

    def at_home(self, base: str) -> Self:
        """Return the limits with the absolute path of a model that is a folder."""
        embeddings = self.embeddings and self.embeddings.at_home(base)
        return self.model_copy(update={"embeddings": embeddings})

    def named_models(self, base: str) -> Iterator[ModelVersion]:
        """Name the model of embeddings, if there is one; raises EngineError."""
        if self.embeddings:
            from stages.engines.embeddings import load_embeddings

            name = self.embeddings.model
            found = load_embeddings(self.embeddings.at_home(base)).version
            yield found.model_copy(update={"name": name})


class TranslationConfig(StageConfig):
    """Options of `translate_documents`."""

    stage: Literal["translate"] = "translate"
    directions: Directions = Field(
        default=(), description='From which language to which, as ["eus_Latn -> spa_Latn"].'
    )
    targets: tuple[str, ...] = Field(
        default=(),
        description="Instead of `directions`: languages to translate into, from those that `donors` says.",
    )
    donors: Literal["auto"] | None = Field(
        default=None,
        description="`auto`: each target is translated from the `max_donors` candidates that are nearest to it, by "
        "kinship, place, syntax, sounds and words; the card has the distances.",
    )
    donor_candidates: tuple[str, ...] = Field(
        default=(),
        description="Languages that donors are chosen from, as those of the sources; by default all that Apertium's "
        "installed modes translate into the target.",
    )
    max_donors: int = Field(default=2, ge=1, description="Donors of each target.")
    engine: EngineConfig = Field(
        default_factory=named_engine,
        description='What translates: a name, as "apertium", or a table with its options, as { kind = "recorded" }.',
    )
    round_trip: EngineConfig | None = Field(
        default=None,
        description="What translates back, by name or as a table: each sentence that passes the other gates is put "
        "into its source language again and compared (`gates.min_round_trip_chrf`).",
    )
    outputs: tuple[
        Literal["documents", "document_pairs", "sentence_pairs", "tmx", "moses"], ...
    ] = Field(
        default=("documents",),
        description="`documents`: translated ones among the others, with `parent_id`. `document_pairs`: both texts, in "
        "the folder `document_pairs`. `sentence_pairs`: each sentence with its translation, signals and, if it was "
        "rejected, the reason, in the folder `bitext`. `tmx`, `moses`: those that passed, there as well, as "
        "translation tools read them. Without `documents` the corpus itself has no translations.",
    )
    protect: tuple[Protected, ...] = Field(
        default=PROTECTED,
        description="What the engine gets placeholders for: addresses, numbers with separators, code, markup, "
        "formulas, names.",
    )
    fields: tuple[str, ...] = Field(
        default=(),
        description="Kept columns that are translated with the text, as `question`; a dot leads into JSON, as "
        "`messages.content`. All strings below are translated, JSON in a string too; keys and numbers stay. A record "
        "is dropped if one sentence is rejected.",
    )
    spans: dict[str, str] = Field(
        default={},
        description='By column of answers, the one that they stand in, as { answers = "text" }, and so for arguments '
        "of tool calls. What stands there literally is found again in the translation, `answer_start` with it. What "
        "does not is translated by itself if it has several words, and else stays.",
    )
    untouched: tuple[str, ...] = Field(
        default=("role", "name", "type", "id", "tool_call_id", "url", "language"),
        description="Keys of JSON whose values stay as they are, where no path names them.",
    )
    glossary: str | None = Field(
        default=None,
        description="UTF-8 file with a source term, a tab and its translation on each line.",
    )
    max_sentence_code_points: int = Field(
        default=600,
        ge=40,
        le=1000,
        description="A longer sentence is cut at a comma or space, else between letters.",
    )
    gates: GateConfig = Field(
        default_factory=GateConfig, description="Limits of what is published."
    )
    share: float | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="Most of what is published of a language that may be made by `[[augment]]`; which documents are "
        "left out beyond it goes by the hash of their ids. Of several stages the least one holds.",
    )
    share_of: Literal["documents", "bytes"] = Field(
        default="documents", description="What `share` counts."
    )
    reuse: Reuse = ()
    publish_responses: PublishResponses = False

    @field_validator("targets", "donor_candidates")
    @classmethod
    def _labels(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        parse_labels(labels)
        return tuple(dict.fromkeys(labels))

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.donors is None:
            if not self.directions:
                raise ValueError(
                    'name directions, as ["eus_Latn -> spa_Latn"], or targets and donors = "auto"'
                )
            if self.targets or self.donor_candidates:
                raise ValueError('targets and donor_candidates go with donors = "auto"')
        elif self.directions or not self.targets:
            raise ValueError('donors = "auto" goes with targets, as ["eus_Latn"], not directions')
        elif not self.donor_candidates and not isinstance(self.engine, ApertiumConfig):
            raise ValueError(
                f'donors = "auto" with the engine {self.engine.kind} needs donor_candidates, '
                'as ["spa_Latn", "fra_Latn"]'
            )
        return self

    def at_home(self, base: str) -> Self:
        """Return the options with absolute paths, and directions for chosen donors; raises
        EngineError where there are none to choose."""
        glossary = located(self.glossary, base) if self.glossary else None
        return self.model_copy(
            update={
                "reuse": tuple(located(path, base) for path in self.reuse),
                "glossary": glossary,
                "gates": self.gates.at_home(base),
                "directions": self.directions or self._chosen_directions(),
            }
        )

    def _chosen_directions(self) -> tuple[str, ...]:
        from stages.translation.donors import choose_donors

        return tuple(
            f"{donor} -> {target}"
            for target in self.targets
            for donor in choose_donors(target, self.donor_candidates, self.max_donors)
        )

    def named_models(self, base: str) -> Iterator[ModelVersion]:
        yield from self.gates.named_models(base)
        if self.glossary:
            from stages.translation.protection import read_glossary

            path = located(self.glossary, base)
            read_glossary(path)
            sha256 = hashlib.sha256(Path(path).read_bytes()).hexdigest()
            yield ModelVersion(name=self.glossary, version="file", sha256=sha256)

    def misplaced(self, part: str, before: Sequence[str]) -> Iterator[str]:
        if "identify_language" not in before:
            yield 'translate goes by language and script, so it needs [[ingest]] stage = "identify_language"'

    def named_labels(self) -> Iterable[str]:
        read = [str(pair.source) for pair in self.pairs] or self.donor_candidates
        return (*read, *(self.written if self.gates.language else ()))

    @property
    def written(self) -> list[str]:
        """The labels of what is translated into."""
        return [str(pair.target) for pair in self.pairs] or list(self.targets)

    @property
    def gives_pairs(self) -> bool:
        """Tell whether sentence pairs are published in any form."""
        return not {"sentence_pairs", "tmx", "moses"}.isdisjoint(self.outputs)

    @property
    def pairs(self) -> tuple[Direction, ...]:
        return tuple(parse_direction(direction) for direction in self.directions)


class _Gated(StageConfig):
    """What stages that judge pairs have in common."""

    gates: GateConfig = Field(default_factory=GateConfig, description="Limits of pairs.")

    def at_home(self, base: str) -> Self:
        return self.model_copy(update={"gates": self.gates.at_home(base)})

    def named_models(self, base: str) -> Iterator[ModelVersion]:
        return self.gates.named_models(base)


class BitextConfig(_Gated):
    """Options of `filter_bitext`."""

    stage: Literal["filter_bitext"] = "filter_bitext"
    gates: GateConfig = Field(
        default_factory=GateConfig,
        description="Limits of pairs; `language = false` for a language that no model of identification knows.",
    )


class GivenPairsConfig(_Gated):
    """Options of `given_pairs`: pairs that a source brought are published as those that an engine
    made."""

    stage: Literal["given_pairs"] = "given_pairs"
    outputs: tuple[Literal["sentence_pairs", "tmx", "moses"], ...] = Field(
        default=("sentence_pairs",),
        min_length=1,
        description="Forms of the pairs, in the folder `bitext`.",
    )
    gates: GateConfig = Field(
        default_factory=GateConfig,
        description="Limits of pairs; languages are looked at by `filter_bitext` alone.",
    )
    round_trip: EngineConfig | None = Field(
        default=None,
        description="What translates the target back, as in `translate`, for the pairs of `directions`.",
    )
    directions: Directions = Field(
        default=(), description='Directions of `round_trip`, as ["eus_Latn -> spa_Latn"].'
    )
    reuse: Reuse = ()
    publish_responses: PublishResponses = False

    @model_validator(mode="after")
    def _both(self) -> Self:
        if bool(self.directions) != (self.round_trip is not None):
            raise ValueError(
                'round_trip and directions go together, as round_trip = "apertium", '
                'directions = ["eus_Latn -> spa_Latn"]'
            )
        return self

    def at_home(self, base: str) -> Self:
        reuse = tuple(located(path, base) for path in self.reuse)
        return super().at_home(base).model_copy(update={"reuse": reuse})

    @property
    def pairs(self) -> tuple[Direction, ...]:
        return tuple(parse_direction(direction) for direction in self.directions)


class MiningConfig(_Gated):
    """Options of `mine`: sentence pairs of published pages that stand at one address but for the
    code of their language."""

    stage: Literal["mine"] = "mine"
    directions: Directions = Field(
        min_length=1, description='From which language to which, as ["eng_Latn -> eus_Latn"].'
    )
    outputs: tuple[Literal["sentence_pairs", "tmx", "moses"], ...] = Field(
        default=("sentence_pairs",),
        min_length=1,
        description="Forms of the pairs, in the folder `bitext`, in files that begin with `mined`.",
    )
    min_margin: float = Field(
        default=3.0,
        ge=0,
        description="What the cheapest alignment without a pair costs more, at least, as a logarithm of likelihood. "
        "At 3, 99 % of the pairs are right in LibreOffice's help, with 9 pairs to 10 paragraphs that both have.",
    )
    min_aligned_share: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="Sentences of the shorter page that are aligned, at least; of other pages nothing is taken.",
    )

    def misplaced(self, part: str, before: Sequence[str]) -> Iterator[str]:
        if "identify_language" not in before:
            yield 'mine goes by language and script, so it needs [[ingest]] stage = "identify_language"'

    def named_labels(self) -> Iterable[str]:
        return (str(label) for pair in self.pairs for label in pair)

    @property
    def pairs(self) -> tuple[Direction, ...]:
        return tuple(parse_direction(direction) for direction in self.directions)


PROMPT_FIELDS = ("source", "source_language", "target_language", "auxiliary", "auxiliary_language")


class PairSamplesConfig(StageConfig):
    """Options of `mapping_samples`, `preference_samples` and `interleaved_samples`: what pairs are
    made into."""

    stage: Literal["sample_pairs"] = "sample_pairs"
    form: Literal["mapping", "preference", "interleaved"] = Field(
        description="`mapping`: a sentence as prompt, its translation as completion. `preference`: a translation that "
        "passed all gates next to one of the same sentence that did not. `interleaved`: lines of a document and the "
        "same lines of its translation in one window."
    )
    prompt: str = Field(
        default="{source}\n",
        description="How a prompt is written, with {source}, and names of languages as {source_language} and "
        "{target_language}.",
    )
    reverse_share: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="Share of the pairs that are also asked from the target back to the source, by a hash; a small one "
        "is strategic downsampling.",
    )
    auxiliary: dict[str, str] = Field(
        default={},
        description="By language, a related one whose translation of the same sentence the prompt shows where there "
        'is one, as { glg_Latn = "spa_Latn" }.',
    )
    auxiliary_prompt: str = Field(
        default="{auxiliary}\n{source}\n",
        description="How a prompt is written then, with {auxiliary} and {auxiliary_language} next to the fields above.",
    )
    auxiliary_share: float = Field(
        default=0.5, ge=0, le=1, description="Share of those pairs that show it, by a hash."
    )
    max_window_code_points: int = Field(
        default=8000,
        ge=100,
        description="Length of a window, both languages together; a longer line stands alone.",
    )
    overlap_lines: int = Field(
        default=1,
        ge=0,
        description="Lines of a window that begin the next one as well, for the context.",
    )

    @field_validator("prompt", "auxiliary_prompt")
    @classmethod
    def _complete(cls, prompt: str) -> str:
        try:
            fields = [
                name for _, name, _, _ in string.Formatter().parse(prompt) if name is not None
            ]
        except ValueError as error:
            raise ValueError(f"a prompt must have whole {{fields}}, got {error}") from None
        if unknown := [name for name in fields if name not in PROMPT_FIELDS]:
            raise ValueError(
                f"a prompt may have {', '.join(PROMPT_FIELDS)}, got {', '.join(unknown)}"
            )
        if "source" not in fields:
            raise ValueError("a prompt must have {source}")
        return prompt

    @field_validator("auxiliary")
    @classmethod
    def _labels(cls, auxiliary: dict[str, str]) -> dict[str, str]:
        parse_labels([*auxiliary, *auxiliary.values()])
        return auxiliary

    def misplaced(self, part: str, before: Sequence[str]) -> Iterator[str]:
        if not {"translate", "given_pairs"} & set(before):
            yield 'sample_pairs needs pairs: put [[augment]] stage = "translate" or "given_pairs" before it'
