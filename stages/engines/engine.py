"""What an engine is: it takes sentences and gives an answer to each, and its identity decides what
it answers.

Responses are kept by key, so an engine must say all that its answers depend on: its name, model,
version and parameters. An answer to a sentence depends on nothing else, and on no other sentence of
the batch.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from schemas.failures import FailureError
from schemas.language import LanguageScript, parse_label

KEY_BYTES = 16


class EngineError(FailureError):
    """An engine cannot work at all, whatever it is asked; one line that says what to do."""


class Direction(NamedTuple):
    """From which language and script to which."""

    source: LanguageScript
    target: LanguageScript

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}"

    @property
    def back(self) -> Direction:
        """Return the direction from the target into the source."""
        return Direction(self.target, self.source)


def parse_direction(words: str) -> Direction:
    """Read a direction as recipes write it; raises ValueError.

    >>> str(parse_direction("eus_Latn->spa_Latn"))
    'eus_Latn -> spa_Latn'
    """
    source, arrow, target = words.partition("->")
    if not arrow:
        raise ValueError(
            f'a direction must be "source -> target", such as "eus_Latn -> spa_Latn", got {words!r}'
        )
    direction = Direction(parse_label(source.strip()), parse_label(target.strip()))
    if direction.source == direction.target:
        raise ValueError(f"a direction must join two languages or scripts, got {words!r}")
    return direction


class Identity(NamedTuple):
    """All that an engine's answers depend on, apart from the sentence."""

    engine: str
    model: str
    version: str
    parameters: str = "{}"  # JSON with sorted keys

    def __str__(self) -> str:
        return f"{self.engine} {self.version} {self.model}"


def parameters_json(parameters: Mapping[str, Any]) -> str:
    """Write parameters so that equal ones give equal bytes."""
    return json.dumps(parameters, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


class Answer(NamedTuple):
    """What an engine says to one sentence: `text`, or None and the `error` that kept it from
    answering."""

    text: str | None
    error: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0


def always() -> bool:
    """Say that there is no reason to stop."""
    return True


class Engine(Protocol):
    """A translator for one direction."""

    identity: Identity
    placeholder: str  # how a protected part is written, with {} for its number

    def translate(
        self, sentences: Sequence[str], go_on: Callable[[], bool] = always
    ) -> Iterator[tuple[int, Answer]]:
        """Yield an answer to each of n distinct sentences with its place, in any order, as they
        come.

        Where `go_on` says no, nothing more is asked, and what is on its way is still yielded.
        """
        ...

    def check(self) -> None:
        """Raise EngineError unless the engine answers."""
        ...

    def close(self) -> None:
        """End what the engine started."""
        ...


def response_key(identity: Identity, direction: Direction | str, sentence: str) -> bytes:
    """Return the 16 bytes by which a response is kept: BLAKE2b of all that it depends on, parted by
    NUL."""
    parts = "\0".join((*identity, str(direction), sentence))
    return hashlib.blake2b(parts.encode("utf-8", "surrogatepass"), digest_size=KEY_BYTES).digest()


def placeholder_pattern(placeholder: str) -> str:
    """Write the pattern that finds the placeholders of a form, with the number as its group; spaces
    within may vary.

    >>> re.search(placeholder_pattern("[[{}]]"), "see [[ 12 ]]")[1]
    '12'
    """
    before, _, after = placeholder.partition("{}")
    spaced = (r"\s*".join(re.escape(letter) for letter in part) for part in (before, after))
    return r"\s*([0-9]+)\s*".join(spaced)
