"""Two engines in a row: from a language into a third one, and from there into the target.

Few engines have a direct way between small languages. What the first engine marks as unknown
reaches the second as plain words; a sentence that the first fails on is not put to the second.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from stages.engines.engine import (
    Answer,
    Engine,
    Identity,
    always,
    parameters_json,
    placeholder_pattern,
)

_MARKED = re.compile(r"(?<!\w)[*#@~]+(?=\w)")


class Pivot:
    """The two engines as one."""

    def __init__(self, first: Engine, second: Engine, via: str) -> None:
        self.first, self.second = first, second
        self.placeholder = first.placeholder
        models = [f"{engine.identity.engine} {engine.identity.model}" for engine in (first, second)]
        self.identity = Identity(
            "pivot",
            f" > {via} > ".join(models),
            f"{first.identity.version} > {second.identity.version}",
            parameters_json(
                {
                    "first": first.identity.parameters,
                    "second": second.identity.parameters,
                    "placeholder": self.placeholder,
                }
            ),
        )
        self._theirs = re.compile(placeholder_pattern(first.placeholder))
        self._back = re.compile(placeholder_pattern(second.placeholder))

    def check(self) -> None:
        """Check both."""
        self.first.check()
        self.second.check()

    def translate(
        self, sentences: Sequence[str], go_on: Callable[[], bool] = always
    ) -> Iterator[tuple[int, Answer]]:
        """Ask the first engine all sentences, the second what it answers, each once."""
        places: dict[str, list[tuple[int, Answer]]] = {}  # of sentences with the same answer
        for place, answer in self.first.translate(sentences, go_on):
            if not answer.text:
                yield place, answer
                continue
            middle = self._theirs.sub(
                lambda found: self.second.placeholder.format(found[1]), answer.text
            )
            places.setdefault(_MARKED.sub("", middle), []).append((place, answer))
        middles = list(places)
        for number, answer in self.second.translate(middles, go_on):
            text = answer.text and self._back.sub(
                lambda found: self.placeholder.format(found[1]), answer.text
            )
            for paid, (place, before) in enumerate(places[middles[number]]):
                own = answer if paid == 0 else Answer(None)  # asked once, so paid for once
                prompt = before.prompt_tokens + own.prompt_tokens
                yield (
                    place,
                    Answer(
                        text, answer.error, prompt, before.completion_tokens + own.completion_tokens
                    ),
                )

    def close(self) -> None:
        """Close both."""
        self.first.close()
        self.second.close()
