"""Functions that ask for tasks, run in turn, so that what they ask for can be done as one job.

function 1 ── asks for tasks ┐             ┌ goes on with its results ── asks again …
function 2 ── asks for tasks ┼─ one job ──┼ goes on …
function 3 ── ends           ┘             └
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from queue import SimpleQueue
from threading import Thread
from typing import Generic, NamedTuple, TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")
Returned = TypeVar("Returned")
Asking = Callable[[Callable[[Asked], Answer]], Returned]  # it is given what it asks by


class _Question(NamedTuple, Generic[Asked]):
    asked: Asked


class _End(NamedTuple, Generic[Returned]):
    returned: Returned


class _Turn(Generic[Asked, Answer, Returned]):
    """A function in a thread of its own, which runs only while `begin` or `go_on` waits for it."""

    def __init__(self, function: Asking[Asked, Answer, Returned]) -> None:
        self._function = function
        self._answers: SimpleQueue[Answer] = SimpleQueue()
        self._said: SimpleQueue[_Question[Asked] | _End[Returned] | BaseException] = SimpleQueue()

    def begin(self) -> _Question[Asked] | _End[Returned]:
        Thread(target=self._run, daemon=True).start()
        return self._next()

    def go_on(self, answer: Answer) -> _Question[Asked] | _End[Returned]:
        self._answers.put(answer)
        return self._next()

    def _next(self) -> _Question[Asked] | _End[Returned]:
        said = self._said.get()
        if isinstance(said, BaseException):
            raise said
        return said

    def _run(self) -> None:
        try:
            self._said.put(_End(self._function(self._ask)))
        except BaseException as failure:  # raised where the turn was given
            self._said.put(failure)

    def _ask(self, asked: Asked) -> Answer:
        self._said.put(_Question(asked))
        return self._answers.get()


def in_turn(
    functions: Sequence[Asking[Asked, Answer, Returned]],
    answer: Callable[[list[Asked]], Sequence[Answer]],
) -> list[Returned]:
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
    said = [turn.begin() for turn in turns]
    while waiting := {
        place: each.asked for place, each in enumerate(said) if isinstance(each, _Question)
    }:
        for place, given in zip(waiting, answer(list(waiting.values())), strict=True):
            said[place] = turns[place].go_on(given)
    return [each.returned for each in said if isinstance(each, _End)]
