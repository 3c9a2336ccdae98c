"""Shuffles: rounds of work on records, which are grouped by a key between one round and the next.

    elements ── round ── (key, record) … ── by key ── round ── (key, record) … ── by key ── round
    that writes

On this machine one process does all of it; a runner of Beam spreads each round, with a `GroupByKey`
in between (`cluster.py`). What a phase shuffles is packed: a round yields a few thousand records,
each of many keys.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

# From an element, or a key and its records in any order, to (key, record). Pickled to the processes
# that do it.
Round = Callable[[Any], Iterable[tuple[int, Any]] | None]


class Shuffle(NamedTuple):
    """What the first round is given one by one, and the rounds; the last one writes files and
    yields nothing."""

    elements: Sequence[object]
    rounds: Sequence[Round]
    name: str = "shuffle"  # of its steps in a job


def shuffle_here(shuffle: Shuffle) -> None:
    """Do the rounds in this process; a record is held until the next round has been given it.

    >>> shuffle_here(Shuffle("aba", [lambda letter: [(ord(letter), letter)], print]))
    (97, ['a', 'a'])
    (98, ['b'])
    """
    waiting: deque[Any] = deque(shuffle.elements)
    for work in shuffle.rounds:
        groups: dict[int, list[object]] = {}
        while waiting:
            for key, record in work(waiting.popleft()) or ():
                groups.setdefault(key, []).append(record)
        waiting.extend(sorted(groups.items(), key=lambda group: group[0]))
