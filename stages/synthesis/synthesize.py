"""From a passage to rows: hold a strategy's conversation, judge what it made, and write down where
each row is from.

    passage -> questions -> replies -> rows -> gates -> asked again, scored -> languages -> table of
    a configuration

All of it but the languages is one conversation a passage, so that conversations can be held side by
side. A passage on which a strategy raises is a failure of that passage, and the others go on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from schemas.language import language_name, parse_label
from schemas.synthesis import CONFIGURATIONS, synthetic_schema
from stages.batches import error_line
from stages.engines.chat import ChatRequest, Completion
from stages.engines.engine import Identity, parameters_json
from stages.synthesis.gates import Candidate, OwnWords, judge_row, question_of
from stages.synthesis.matching import same_answer
from stages.synthesis.options import SynthesisConfig
from stages.synthesis.passages import Passage
from stages.synthesis.prompt_files import Prompt, built_in_prompt, read_prompt
from stages.synthesis.strategy import Ask, Asked, Rejection, Reply, Row, Strategy, Talk, hold_talk

_AGAIN, _RUBRIC = "answer_again.2", "rubric.2"
_ANSWER = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}
_SCORE = {
    "type": "object",
    "properties": {"score": {"type": "number", "minimum": 1, "maximum": 5}},
    "required": ["score"],
    "additionalProperties": False,
}


class Bound(NamedTuple):
    """A strategy with its options, prompts and the identity of its generator."""

    strategy: Strategy
    config: SynthesisConfig
    identity: Identity
    prompts: Mapping[str, Prompt]
    own_words: OwnWords

    @property
    def name(self) -> str:
        return f"{self.config.name}/{self.strategy.version}"

    @property
    def parameters(self) -> str:
        """Write what answers depend on, apart from prompt, generator and seed."""
        own = {
            "temperature": self.config.temperature,
            "max_answer_tokens": self.config.max_answer_tokens,
        }
        options = self.strategy.options.model_dump(mode="json")
        shown = _without_folders(options, set(self.strategy.files()))
        return parameters_json(
            own | {"generator": json.loads(self.identity.parameters), "options": shown}
        )


def _without_folders(value: object, files: Collection[str]) -> object:
    """Name files by their names alone: where they lie differs from machine to machine."""
    if isinstance(value, dict):
        return {name: _without_folders(one, files) for name, one in value.items()}
    if isinstance(value, list):
        return [_without_folders(one, files) for one in value]
    return Path(value).name if isinstance(value, str) and value in files else value


def bind_strategy(strategy: Strategy, config: SynthesisConfig, identity: Identity) -> Bound:
    """Read the prompts of a strategy; raises OSError or ValueError for a file that cannot be
    used."""
    prompts = {name: built_in_prompt(name) for name in strategy.prompts}
    prompts |= strategy.more_prompts()
    words = [*(prompt.literal for prompt in prompts.values()), *strategy.own_texts()]
    if config.gates.samples:
        prompts[_AGAIN] = built_in_prompt(_AGAIN)
    if judge := config.gates.judge:
        prompts[_RUBRIC] = read_prompt(judge.rubric) if judge.rubric else built_in_prompt(_RUBRIC)
    return Bound(strategy, config, identity, prompts, OwnWords(words))


class Verified(NamedTuple):
    """A row that passed, and what was measured of it."""

    candidate: Candidate
    keys: tuple[str, ...]  # hex, of the responses that made it
    prompts: tuple[str, ...]  # hex SHA-256
    agreement: float | None = None
    judge_score: float | None = None


class Outcome(NamedTuple):
    """What became of a passage."""

    passage: Passage
    rows: list[Verified]
    rejections: list[Rejection]
    asked: list[Asked]
    made: int  # rows and rejections of the strategy, before the gates
    error: str | None = None  # why the strategy failed on it


def converse_about(
    passage: Passage, bound: Bound
) -> Generator[Sequence[ChatRequest], list[Completion], Outcome]:
    """Hold the conversation about one passage; an empty one stands for a document that is too short
    to ask about."""
    if not passage.text.strip():
        return Outcome(passage, [], [Rejection("too_short", "no passage is long enough")], [], 1)
    try:
        return (yield from _converse(passage, bound))
    except (MemoryError, OSError, ImportError):
        raise  # the machine's trouble, not the passage's
    except Exception as error:
        # As for any stage: whatever a strategy trips over is that passage's fate, in the ledger.
        return Outcome(
            passage, [], [Rejection("error", error_line(error))], [], 1, error_line(error)
        )


def _converse(
    passage: Passage, bound: Bound
) -> Generator[Sequence[ChatRequest], list[Completion], Outcome]:
    made, asked = yield from hold_talk(bound.strategy.make(passage), bound.prompts, bound.config)
    rejections, candidates = [], []
    for one in made:
        if isinstance(one, Rejection):
            rejections.append(one)
            continue
        candidate = Candidate(_checked(one, bound), passage)
        rejection = judge_row(candidate, bound.own_words, bound.config.gates, bound.strategy.gates)
        if rejection is None:
            candidates.append(candidate)
        else:
            rejections.append(rejection)
    verified, asked_again = yield from hold_talk(
        _verify(candidates, asked, bound), bound.prompts, bound.config
    )
    rows = [one for one in verified if isinstance(one, Verified)]
    rejections += [one for one in verified if isinstance(one, Rejection)]
    return Outcome(passage, rows, rejections, [*asked, *asked_again], len(made))


def _checked(row: Row, bound: Bound) -> Row:
    """See that a row has the columns of its configuration; raises ValueError or an error of Arrow
    if it has not."""
    if row.configuration not in bound.strategy.configurations:
        raise ValueError(f"the strategy gives rows of {row.configuration}, and does not name it")
    schema = CONFIGURATIONS[row.configuration]
    if set(row.values) != set(schema.names):
        raise ValueError(f"a row of {row.configuration} must have {', '.join(schema.names)}")
    for field in schema:
        pa.array([row.values[field.name]], field.type)
    return row


def _verify(candidates: Sequence[Candidate], asked: Sequence[Asked], bound: Bound) -> Talk:
    """Ask the questions of rows again, and have rows scored, where the recipe says so."""
    gates, keys, prompts = bound.config.gates, _keys(asked, bound), _prompts(asked, bound)
    answerable = [
        gates.samples > 0 and "question" in candidate.row.values for candidate in candidates
    ]
    asks: list[Ask] = []
    for candidate, repeat in zip(candidates, answerable, strict=True):
        name = language_name(parse_label(candidate.label).language)
        common = {"language": name, "document": candidate.passage.text}
        if repeat:
            values = {
                "question": candidate.row.values["question"],
                "choices": candidate.row.values.get("choices"),
            }
            asks += [
                Ask(_AGAIN, common | values, _ANSWER, sample + 1, max_tokens=128)
                for sample in range(gates.samples)
            ]
        if gates.judge:
            asks.append(
                Ask(_RUBRIC, common | {"row": shown_row(candidate.row)}, _SCORE, max_tokens=64)
            )
    replies: list[Reply] = []
    if asks:
        replies = yield asks
    at = iter(replies)
    results: list[Any] = []
    for candidate, repeat in zip(candidates, answerable, strict=True):
        own = [next(at) for _ in range(gates.samples)] if repeat else []
        score = next(at) if gates.judge else None
        own_prompts = (candidate.row.template,) if candidate.row.template else prompts
        results.append(_weighed(Verified(candidate, keys, own_prompts), own, score, bound))
    return results


def _weighed(
    row: Verified, again: Sequence[Reply], score: Reply | None, bound: Bound
) -> Verified | Rejection:
    gates = bound.config.gates
    if again:
        answers = _answers(row.candidate.row)
        agreeing = sum(
            not reply.problem
            and any(same_answer(reply.value["answer"], answer) for answer in answers)
            for reply in again
        )
        agreement = agreeing / len(again)
        if agreement < gates.min_agreement:
            return Rejection(
                "inconsistent",
                row.candidate.row.values["question"][:200],
                agreement,
                gates.min_agreement,
            )
        row = row._replace(agreement=agreement)
    if score is not None and gates.judge is not None:
        if score.problem:
            return Rejection("judge_failed", score.detail or score.problem)
        given = float(score.value["score"])
        if given < gates.judge.min_score:
            return Rejection(
                "judge_rejected", question_of(row.candidate)[:200], given, gates.judge.min_score
            )
        row = row._replace(judge_score=given)
    return row


def _answers(row: Row) -> list[str]:
    if "answers" in row.values:
        return list(row.values["answers"]["text"])
    return [row.values["choices"][row.values["answer"]]]


def shown_row(row: Row) -> str:
    """Write the own columns of a row as JSON, without its context."""
    return json.dumps(
        {name: value for name, value in row.values.items() if name != "context"}, ensure_ascii=False
    )


def _keys(asked: Sequence[Asked], bound: Bound) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(
            request.key(bound.identity).hex() for one in asked for request in one.requests
        )
    )


def _prompts(asked: Sequence[Asked], bound: Bound) -> tuple[str, ...]:
    return tuple(dict.fromkeys(bound.prompts[one.ask.prompt].sha256 for one in asked))


def row_id(row: Verified, place: int, bound: Bound) -> str:
    """Name a row by all that made it: document, place in it, strategy, generator, seed, responses,
    its number."""
    passage = row.candidate.passage
    parts = (
        *(
            passage.document_id,
            str(passage.start),
            bound.name,
            *bound.identity,
            str(bound.config.seed),
        ),
        *(bound.parameters, *row.prompts, *row.keys, row.candidate.row.configuration, str(place)),
    )
    return hashlib.blake2b(
        "\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16
    ).hexdigest()


def rows_table(configuration: str, rows: Sequence[tuple[str, Verified]], bound: Bound) -> pa.Table:
    """Write rows with their ids as a table of their configuration."""
    identity = bound.identity
    records = []
    for own_id, row in rows:  # each cost an answer
        passage, label = row.candidate.passage, parse_label(row.candidate.label)
        records.append(
            {
                **row.candidate.row.values,
                "id": own_id,
                "parent_id": passage.document_id,
                "language": label.language,
                "script": label.script,
                "source": passage.source,
                "url": passage.url,
                "licence": passage.licence,
                "synthetic": True,
                "strategy": bound.name,
                "generator": "none"
                if identity.engine == "none"
                else f"{identity.engine} {identity.model}",
                "generator_version": identity.version,
                "seed": bound.config.seed,
                "parameters": bound.parameters,
                "prompts": list(row.prompts),
                "responses": list(row.keys),
                "passage_start": passage.start,
                "agreement": row.agreement,
                "judge_score": row.judge_score,
            }
        )
    return pa.Table.from_pylist(records, synthetic_schema(configuration))
