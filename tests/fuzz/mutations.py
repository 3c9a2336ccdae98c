"""Damaged files for the fuzzers: seeded mutations of good bytes, a budget in cases or seconds,
bounded time for each.

A fuzzer is one test file a format, `test_fuzz_<format>.py`. It takes `cases(...)` of a good file
and states the laws:
nothing raises, every record whose bytes are untouched is read, every other record is accounted for,
time is linear in the size of the file. A case is a pure function of its number, so that a failure
is repeated by its number alone:

    FUZZ_FIRST=1234 .venv/bin/pytest -x tests/fuzz/test_fuzz_warc.py

`make test` runs a fixed number of cases; `make fuzz NAME=warc SECONDS=600` goes on for so long with
each test. Read the good file first: that checks it, and loads what is imported late, which no case
should be charged with.
"""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from schemas.source import Source
from stages.reading.sources import plan_splits, read_split

_SOURCE: TypeAdapter[Source] = TypeAdapter(Source)
_MAX_MUTATIONS = 6  # of one case
_MAX_REGION_BYTES = 400  # that one mutation removes, repeats or moves
_SECONDS = 1.0  # CPU time that reading a case may take, however short it is
_SECONDS_PER_MB = 2.0


class Case(NamedTuple):
    """A damaged file; `intact` are the records of the good file that it still holds byte for byte,
    by their number."""

    number: int
    content: bytes
    intact: tuple[int, ...]


def cases(records: Sequence[bytes], tokens: Sequence[bytes], count: int) -> Iterator[Case]:
    """Yield `count` damaged copies of the file that `records` make, or as many as FUZZ_SECONDS
    allow.

    `tokens` are short strings with a meaning in the format, which chance would not hit.
    """
    first = int(os.environ.get("FUZZ_FIRST", "0"))
    seconds = float(os.environ.get("FUZZ_SECONDS", "0"))
    end = time.monotonic() + seconds
    number = first
    while time.monotonic() < end if seconds else number < first + count:
        yield _case(number, records, tokens)
        number += 1


def _case(number: int, records: Sequence[bytes], tokens: Sequence[bytes]) -> Case:
    random_ = random.Random(number)
    # Each record is damaged by itself or not at all, so that it is known which are intact.
    pieces: list[bytes] = list(records)
    damaged: set[int] = set()
    for _ in range(random_.randint(1, _MAX_MUTATIONS)):
        place = random_.randrange(len(pieces))
        pieces[place] = mutated(pieces[place], tokens, random_)
        damaged.add(place)
    if random_.random() < 0.1:  # the file is cut off
        last = random_.randrange(len(pieces))
        pieces[last:] = [pieces[last][: random_.randrange(len(pieces[last]) + 1)]]
        damaged.update(range(last, len(records)))
    intact = tuple(place for place in range(len(records)) if place not in damaged)
    return Case(number, b"".join(pieces), intact)


def mutated(content: bytes, tokens: Sequence[bytes], random_: random.Random) -> bytes:
    """Return `content` with one change at a random place."""
    start = random_.randrange(len(content) + 1)
    # most regions are short
    end = min(len(content), start + 1 + int(random_.random() ** 3 * _MAX_REGION_BYTES))
    region = content[start:end]
    replacement: Callable[[], bytes] = random_.choice(
        [
            lambda: b"",
            lambda: region + region,
            lambda: region[::-1],
            lambda: random_.randbytes(len(region)),
            lambda: bytes(octet ^ (1 << random_.randrange(8)) for octet in region[:1]) + region[1:],
            lambda: random_.choice(tokens) + region,
            lambda: random_.choice(tokens),
            lambda: region * random_.randint(2, 50),
            lambda: (
                str(random_.choice([-1, 0, 1, 255, 65536, 2**31, 2**63, 10**30])).encode() + region
            ),
        ]
    )
    return content[:start] + replacement() + content[end:]


@contextlib.contextmanager
def bounded(case: Case) -> Iterator[None]:
    """Name the case if what runs within fails, and fail if it takes more CPU time than its size
    allows."""
    begin = time.process_time()
    try:
        yield
    except BaseException as error:
        error.add_note(f"case {case.number}: repeat it with FUZZ_FIRST={case.number}")
        raise
    spent, allowed = (
        time.process_time() - begin,
        _SECONDS + _SECONDS_PER_MB * len(case.content) / 1e6,
    )
    assert spent < allowed, (
        f"case {case.number} took {spent:.1f} s, its {len(case.content)} bytes may take {allowed:.1f}"
    )


def read_rows(folder: Path, **source: Any) -> list[dict[str, Any]]:
    """Read a source, whose paths are relative to `folder`, as the pipelines do, and return its
    rows."""
    parsed = _SOURCE.validate_python({"name": "fuzz", **source})
    splits = plan_splits(parsed, str(folder))
    return [
        row for split in splits for block in read_split(split, parsed) for row in block.to_pylist()
    ]
