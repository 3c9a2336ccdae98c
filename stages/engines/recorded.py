"""Answers from kept responses alone: for reruns, audits and tests without the engine that gave
them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

from stages.engines.engine import Answer, Identity, always


class Recorded:
    """Stands for the engine whose responses were kept; those are looked up before it is asked, so
    it knows no more."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.placeholder: str = json.loads(identity.parameters).get("placeholder", "\u27e6{}\u27e7")

    def translate(
        self, sentences: Sequence[str], go_on: Callable[[], bool] = always
    ) -> Iterator[tuple[int, Answer]]:
        """Refuse every sentence: what is known was not asked here."""
        for place, sentence in enumerate(sentences if go_on() else ()):
            yield (
                place,
                Answer(None, f"no response of {self.identity} is recorded for {sentence[:100]!r}"),
            )

    def check(self) -> None:
        """Say nothing: the responses are there."""

    def close(self) -> None:
        """Nothing was started."""
