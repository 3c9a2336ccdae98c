"""The interface of a strategy: it turns a passage into questions, and answers into rows or
rejections.

A strategy is a generator function. It yields questions, gets the replies, may ask more, and returns
its rows:

    def make(self, passage):
        replies = yield [Ask("summary.1", {"document": passage.text})]
        ...
        return [Row("retrieval", {"query": query, "positive": passage.text, "negatives": []})]

What is the same for all strategies is not its business: prompts are rendered and hashed, an answer
that is not of the form that was asked for is asked again a bounded number of times, responses are
kept, rows are named and judged.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

from stages.batches import StageConfig
from stages.engines.chat import CUT_OFF, REFUSED, ChatRequest, Completion
from stages.synthesis.options import SynthesisConfig
from stages.synthesis.passages import Passage
from stages.synthesis.prompt_files import Prompt

_OTHER_TEMPERATURE = 0.7  # at temperature 0, a second question gives the first answer again


class Ask(NamedTuple):
    """A question: a prompt by the name of its file, what is filled in, and the JSON Schema of the
    answer, if any.

    `sample` counts answers to the same question: each has a seed of its own.
    """

    prompt: str
    values: Mapping[str, Any]
    schema: Mapping[str, Any] | None = None
    sample: int = 0
    temperature: float | None = None  # that of the recipe if None
    max_tokens: int | None = None  # likewise


class Reply(NamedTuple):
    """An answer: its text, its JSON value where a schema was given, or the `problem` for which
    there is none."""

    text: str
    value: Any = None
    problem: str | None = None  # no_output, cut_off, invalid_json, engine_failed
    detail: str | None = None


class Row(NamedTuple):
    """A row of a configuration, by the columns that are its own.

    `labels` name the language and script of texts that are not in those of the passage: by column,
    or `messages[1]` for a turn. `label` is that of the row as a whole, the passage's if None.
    `likeness` is the text by which the row could repeat another one, its question if None; an empty
    one repeats none. `template` is the hash of the template that made the row, where no prompt did.
    """

    configuration: str
    values: Mapping[str, Any]
    labels: Mapping[str, str] = {}
    label: str | None = None
    likeness: str | None = None
    template: str | None = None


class Rejection(NamedTuple):
    """What a strategy itself turns away, and why."""

    reason: str
    detail: str | None = None
    value: float | None = None
    threshold: float | None = None


Made = Sequence[Row | Rejection]
Talk = Generator[Sequence[Ask], list[Reply], Made]


class Strategy(ABC):
    """A method of synthesis. `prompts` names the built-in files that it asks by, as `Ask` does."""

    version: ClassVar[str] = "1"
    configurations: tuple[str, ...]  # that its rows are of
    prompts: ClassVar[tuple[str, ...]] = ()
    gates: tuple[str, ...] = ()  # besides those that every row of a configuration goes through
    whole_documents: bool = False  # instead of passages
    Options: ClassVar[type[StageConfig]] = StageConfig

    def __init__(self, options: Any, config: SynthesisConfig) -> None:
        """Take checked options. Raises OSError or ValueError for files that cannot be used."""
        self.options, self.config = options, config

    @abstractmethod
    def make(self, passage: Passage) -> Talk:
        """Ask about a passage, and return rows and rejections."""

    def more_prompts(self) -> Mapping[str, Prompt]:
        """Return prompts that are not built in, by their names in `Ask`."""
        return {}

    def files(self) -> Sequence[str]:
        """Return the paths of files that decide what is made: a change of one is refused on
        resume."""
        return ()

    def own_texts(self) -> Sequence[str]:
        """Return texts that prompts show, such as examples, which no row may repeat."""
        return ()

    def templates(self) -> Sequence[Prompt]:
        """Return the templates that rows are made by without a question; rows name them as they
        name prompts."""
        return ()


class Asked(NamedTuple):
    """A question as it was put, and the answer to each attempt."""

    ask: Ask
    requests: tuple[ChatRequest, ...]
    completions: tuple[Completion, ...]
    reply: Reply


def hold_talk(
    talk: Generator[Sequence[Ask], list[Reply], Any],
    prompts: Mapping[str, Prompt],
    config: SynthesisConfig,
) -> Generator[Sequence[ChatRequest], list[Completion], tuple[Any, list[Asked]]]:
    """Put a strategy's questions as chat requests, and ask again where an answer has not the form.

    Returns what the strategy returned, and all that was asked.
    """
    log: list[Asked] = []
    try:
        asks = next(talk)
        while True:
            attempts: list[list[tuple[ChatRequest, Completion]]] = [[] for _ in asks]
            replies: list[Reply | None] = [None] * len(asks)
            open_places = list(range(len(asks)))
            for attempt in range(config.max_attempts):
                requests = [
                    request_of(asks[place], prompts, config, attempt) for place in open_places
                ]
                completions = yield requests
                for place, request, completion in zip(
                    open_places, requests, completions, strict=True
                ):
                    attempts[place].append((request, completion))
                    replies[place] = read_reply(completion, asks[place].schema)
                open_places = [
                    place for place in open_places if _may_pass(replies[place], asks[place])
                ]
                if not open_places:
                    break
            answered = [reply for reply in replies if reply is not None]
            for ask, tried, reply in zip(asks, attempts, answered, strict=True):
                log.append(
                    Asked(ask, tuple(r for r, _ in tried), tuple(c for _, c in tried), reply)
                )
            asks = talk.send(answered)
    except StopIteration as stop:
        return stop.value, log


def _may_pass(reply: Reply | None, ask: Ask) -> bool:
    return reply is not None and reply.problem in ("no_output", "invalid_json")


def request_of(
    ask: Ask, prompts: Mapping[str, Prompt], config: SynthesisConfig, attempt: int = 0
) -> ChatRequest:
    """Write a question as a chat request; further attempts and samples have other seeds, and no
    temperature of 0."""
    temperature = config.temperature if ask.temperature is None else ask.temperature
    return ChatRequest(
        prompts[ask.prompt].render(ask.values),
        ask.max_tokens or config.max_answer_tokens,
        max(temperature, _OTHER_TEMPERATURE) if attempt or ask.sample else temperature,
        config.seed + ask.sample * config.max_attempts + attempt,
        None if ask.schema is None else _canonical(ask.schema),
    )


def read_reply(completion: Completion, schema: Mapping[str, Any] | None) -> Reply:
    """Read an answer: is it there, whole, and of the form that was asked for?"""
    text = completion.content.strip()
    if completion.finish == REFUSED:
        return Reply("", None, "engine_failed", text)
    if completion.finish == CUT_OFF:
        return Reply(text, None, "cut_off", "the answer reached the limit of tokens")
    if not text:
        return Reply("", None, "no_output")
    if schema is None:
        return Reply(text)
    try:
        value = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        return Reply(text, None, "invalid_json", str(error)[:200])
    wrong = next(_validator(_canonical(schema)).iter_errors(value), None)
    if wrong is not None:
        return Reply(text, None, "invalid_json", f"{wrong.json_path}: {wrong.message}"[:200])
    return Reply(text, value)


def _canonical(schema: Mapping[str, object]) -> str:
    """Write a schema with its properties in their own order, which a constrained model keeps to."""
    return json.dumps(schema, ensure_ascii=False)


@lru_cache(64)
def _validator(schema: str) -> Any:
    """Make the validator of a schema once: that takes fifty times what a validation takes."""
    from jsonschema.validators import validator_for  # type: ignore[import-untyped]

    own = json.loads(schema)
    kind = validator_for(own)
    kind.check_schema(own)
    return kind(own)


def rejection_of(reply: Reply) -> Rejection:
    """Turn an answer away for its problem."""
    return Rejection(reply.problem or "no_output", reply.detail)
