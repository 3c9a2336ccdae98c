"""Any server that speaks OpenAI's chat completions: vLLM, llama.cpp, hosted models; asked in
parallel, metered.

`Completions` is the client. A question that fails for a passing reason (429, 5xx, time-out, a
connection that was cut, an answer that is no JSON) is asked again after a pause that doubles, with
jitter, or that the server names. An endpoint that stays dead ends the run with what was answered
kept, since its documents are not at fault. An answer is read as it comes: one that is longer than
any of so many tokens, or does not end in time, is cut off.

For a translator, an answer that was cut off at the limit of tokens is an error of its sentence: at
temperature 0 a second question would give the same. Examples from other languages go before the
question (linguistically diverse prompting, Nguyen et al. 2024).
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from schemas.language import language_name
from stages.engines.chat import (
    CUT_OFF,
    MAX_ANSWER_BYTES,
    REFUSED,
    STOPPED,
    ChatRequest,
    Completion,
    Message,
)
from stages.engines.engine import Answer, Direction, EngineError, Identity, always, parameters_json
from stages.engines.optional import require
from stages.engines.options import ChatEndpointConfig, EndpointConfig, ServerConfig

_LONGEST_PAUSE = 60.0  # seconds
# of an answer at most, and some for short ones: byte-level vocabularies take three a letter
_TOKENS_A_CODE_POINT = 2
_MORE_TOKENS = 256
_ENVELOPE_BYTES = 1 << 16  # of an answer's JSON, around the content
_ESCAPED = 6  # bytes that JSON may take for one: \\u0041


class _PassingError(Exception):
    """A question failed for a reason that may pass; `seconds` is what the server asks to wait, if
    it does."""

    def __init__(self, words: str, seconds: float | None = None) -> None:
        super().__init__(words)
        self.seconds = seconds


class Completions:
    """A client of one model at an address."""

    def __init__(self, config: ServerConfig, more: Mapping[str, Any] | None = None) -> None:
        require("endpoint")
        import openai

        self.config, self._more = config, dict(more or {})
        self._client = openai.OpenAI(
            base_url=config.base_url,
            api_key=os.environ.get(config.api_key_variable)
            or "none",  # servers on loopback ask for none
            timeout=config.timeout_seconds,
            max_retries=0,
        )

    def check(self) -> None:
        """Raise EngineError unless the endpoint lists its models: nothing is paid for that."""
        import openai

        try:
            self._client.models.list()
        except openai.APIConnectionError as error:
            raise EngineError(
                f"no endpoint answers at {self.config.base_url}: {_line(error)}"
            ) from None
        except (openai.AuthenticationError, openai.PermissionDeniedError):
            raise EngineError(self._refused()) from None
        except (openai.APIError, ValueError):
            return  # it is there, and lists no models

    def complete(self, request: ChatRequest) -> tuple[Completion, int, int]:
        """Ask until there is an answer: with the tokens of question and answer.

        Raises EngineError where `max_attempts` failed: the endpoint is dead.
        """
        failure: _PassingError | None = None
        for attempt in range(self.config.max_attempts):
            if failure is not None:
                pause = min(_LONGEST_PAUSE, self.config.first_pause_seconds * 2 ** (attempt - 1))
                time.sleep(failure.seconds or pause * random.uniform(0.5, 1.5))  # noqa: S311 - never in an output
            try:
                return self._ask(request)
            except _PassingError as error:
                failure = error
        raise EngineError(
            f"the endpoint {self.config.base_url} failed {self.config.max_attempts} times for one question "
            f"({failure}); what it answered is kept: run the same command again to go on"
        )

    def _ask(self, request: ChatRequest) -> tuple[Completion, int, int]:
        import httpx2
        import openai

        schema = None if request.schema is None else json.loads(request.schema)
        answer_form = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": schema, "strict": True},
        }
        try:
            # The raw text is parsed here: the client takes whatever JSON comes, or none, for an
            # answer.
            with self._client.chat.completions.with_streaming_response.create(
                model=self.config.model,
                messages=[message._asdict() for message in request.messages],  # type: ignore[misc]
                temperature=request.temperature,
                seed=request.seed,
                max_tokens=request.max_tokens,
                response_format=openai.omit if schema is None else answer_form,  # type: ignore[arg-type]
                extra_body=self._more or None,
            ) as raw:
                content = self._read_all(raw.iter_bytes(), request)
            if content is None:
                return Completion("", CUT_OFF), 0, request.max_tokens
            return _read(json.loads(content))
        except openai.APITimeoutError:
            raise _PassingError(
                f"no answer within {self.config.timeout_seconds:g} seconds"
            ) from None
        except openai.APIConnectionError as error:
            raise _PassingError(_line(error)) from None
        except (openai.AuthenticationError, openai.PermissionDeniedError):
            raise EngineError(self._refused()) from None
        except openai.NotFoundError as error:
            raise EngineError(
                f"{self.config.base_url} has no model {self.config.model!r}: {_line(error)}"
            ) from None
        except openai.APIStatusError as error:
            if error.status_code in (408, 409, 425, 429) or error.status_code >= 500:
                raise _PassingError(f"HTTP {error.status_code}", _retry_after(error)) from None
            return Completion(f"HTTP {error.status_code}: {_line(error)}", REFUSED), 0, 0
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            raise _PassingError("an answer that is no chat completion") from None
        except httpx2.HTTPError as error:  # while the answer was read
            raise _PassingError(_line(error)) from None

    def _read_all(self, chunks: Iterator[bytes], request: ChatRequest) -> bytes | None:
        """Read an answer whole; None if it is longer than so many tokens can be, or does not end in
        time."""
        deadline = time.monotonic() + self.config.timeout_seconds
        parts, length = [], 0
        for chunk in chunks:
            parts.append(chunk)
            length += len(chunk)
            if length > _ENVELOPE_BYTES + _ESCAPED * MAX_ANSWER_BYTES * request.max_tokens:
                return None
            if time.monotonic() > deadline:
                return None
        return b"".join(parts)

    def _refused(self) -> str:
        return f"{self.config.base_url} refuses the key: put a right one into {self.config.api_key_variable}"

    def close(self) -> None:
        """Close the client's connections."""
        self._client.close()


class ChatEndpoint:
    """A model at an address, as a generator."""

    def __init__(self, config: ChatEndpointConfig) -> None:
        self._completions = Completions(config)
        self.concurrency = config.concurrency
        self.identity = Identity("endpoint", config.model, config.model_version)

    def ask(self, request: ChatRequest) -> Answer:
        """Answer one question; raises EngineError if the endpoint is dead."""
        completion, *tokens = self._completions.complete(request)
        return Answer(completion.kept(), None, *tokens)

    def check(self) -> None:
        """Raise EngineError unless the endpoint answers."""
        self._completions.check()

    def close(self) -> None:
        """Close the client's connections."""
        self._completions.close()


class Endpoint:
    """A model at an address, as a translator."""

    placeholder = "\u27e6{}\u27e7"

    def __init__(self, config: EndpointConfig, direction: Direction) -> None:
        self._completions = Completions(config)
        self.config = config
        self._names = {
            "source": language_name(direction.source.language),
            "target": language_name(direction.target.language),
        }
        parameters = {
            "placeholder": self.placeholder,
            "prompt": config.prompt,
            "examples": config.examples,
        }
        fixed = {"temperature": 0, "seed": config.seed}
        self.identity = Identity(
            "endpoint", config.model, config.model_version, parameters_json(parameters | fixed)
        )

    def check(self) -> None:
        """Raise EngineError unless the endpoint answers."""
        self._completions.check()

    def translate(
        self, sentences: Sequence[str], go_on: Callable[[], bool] = always
    ) -> Iterator[tuple[int, Answer]]:
        """Ask `concurrency` questions at a time while `go_on` says so; yield answers as they
        come."""
        waiting: dict[Future[Answer], int] = {}
        places = iter(range(len(sentences)))
        with ThreadPoolExecutor(self.config.concurrency) as pool:
            try:
                while True:
                    while len(waiting) < self.config.concurrency and go_on():
                        place = next(places, None)
                        if place is None:
                            break
                        waiting[pool.submit(self._answer, sentences[place])] = place
                    if not waiting:
                        return
                    done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                    for future in sorted(done, key=waiting.__getitem__):
                        yield waiting.pop(future), future.result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _answer(self, sentence: str) -> Answer:
        most = _MORE_TOKENS + _TOKENS_A_CODE_POINT * len(sentence)
        request = ChatRequest(tuple(self._messages(sentence)), most, seed=self.config.seed)
        completion, *tokens = self._completions.complete(request)
        if completion.finish == CUT_OFF:
            return Answer(None, "the answer was cut off at the limit of tokens", *tokens)
        if completion.finish == REFUSED:
            return Answer(None, completion.content, *tokens)
        return Answer(completion.content.strip(), None, *tokens)

    def _messages(self, sentence: str) -> Iterator[Message]:
        for source, target in self.config.examples:
            yield Message("user", self.config.prompt.format(sentence=source, **self._names))
            yield Message("assistant", target)
        yield Message("user", self.config.prompt.format(sentence=sentence, **self._names))

    def close(self) -> None:
        """Close the client's connections."""
        self._completions.close()


def _read(body: Any) -> tuple[Completion, int, int]:
    """Read a chat completion and its tokens; KeyError and the like if it is none."""
    choice = body["choices"][0]
    usage = body.get("usage") or {}
    tokens = int(usage.get("prompt_tokens", 0)), int(usage.get("completion_tokens", 0))
    content = choice["message"]["content"]
    if not isinstance(content, str | None):
        raise TypeError("content must be a string")
    return Completion(content or "", choice.get("finish_reason") or STOPPED), *tokens


def _retry_after(error: Any) -> float | None:
    """Return the seconds that a server asks to wait, at most a minute; None if it does not say."""
    try:
        return min(_LONGEST_PAUSE, max(0.0, float(error.response.headers["retry-after"])))
    except (KeyError, ValueError):
        return None


def _line(error: BaseException) -> str:
    cause = error.__cause__ or error
    return " ".join(str(cause).split())[:200] or type(error).__name__
