"""Functions that ask for tasks, run in turn, so that what they ask for can be done as one job.

function 1 ── asks for tasks ┐             ┌ goes on with its results ── asks again …
function 2 ── asks for tasks ┼─ one job ──┼ goes on …
function 3 ── ends           ┘             └
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple


class _Said(NamedTuple):
    """What a function in its thread came to: it asks for something, or ended, or failed."""

    asked: Any = None
    answer: Any = None
    failure: BaseException | None = None
    ended: bool = False


class _Turn:
    """A function in a thread of its own, which runs only while `go_on` waits for it."""

    def __init__(self, function: Callable[[Callable[[Any], Any]], Any]) -> None:
        self._answers: SimpleQueue[Any] = SimpleQueue()
        self._said: SimpleQueue[_Said] = SimpleQueue()
        self._thread = Thread(target=self._run, args=(function,), daemon=True)
        self._thread.start()

    def go_on(self, answer: Any = None) -> _Said:
        self._answers.put(answer)
        said = self._said.get()
        if said.failure:
            raise said.failure
        return said

    def _run(self, function: Callable[[Callable[[Any], Any]], Any]) -> None:
        self._answers.get()
        try:
            self._said.put(_Said(answer=function(self._ask), ended=True))
        except BaseException as failure:  # raised where the turn was given
            self._said.put(_Said(failure=failure))

    def _ask(self, asked: Any) -> Any:
        self._said.put(_Said(asked))
        return self._answers.get()


def in_turn(
    functions: Sequence[Callable[[Callable[[Any], Any]], Any]],
    answer: Callable[[list[Any]], Sequence[Any]],
) -> list[Any]:
    """Run functions until all have ended, and return their results.

    Each is given a function to ask by. It goes on when all others have asked as well, or ended, and
    `answer` has answered all that were asked for. One function runs at a time.

    >>> def tell(ask):
    ...     return ask(1) + ask(2)
    >>> in_turn([tell, lambda ask: ask(30), lambda ask: 0], lambda all: print(all) or all)
    [1, 30]
    [2]
    [3, 30, 0]
    """
    turns = [_Turn(function) for function in functions]
    said = [turn.go_on() for turn in turns]
    while waiting := [place for place, what in enumerate(said) if not what.ended]:
        answers = answer([said[place].asked for place in waiting])
        for place, given in zip(waiting, answers, strict=True):
            said[place] = turns[place].go_on(given)
    return [what.answer for what in said]
