"""One run at a time on an object store, which has no locks: an object that its holder writes anew
every few seconds.

Whoever finds the object waits to see whether it changes. A holder that was killed writes no more,
so that the same command goes on after LAPSED_SECONDS; where it ran on this machine, at once. No
clock of a store or of another machine is read, and ours may jump.

The object is made on condition that there is none, which S3 and Google's store grant. Of two that
find a lapsed one at the same moment, the one that wrote last holds it. A holder that was stopped,
or cut off, for so long that another one took over sees so before it writes anew, and has lost it.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

from schemas.failures import FailureError, store_errors

RENEWED_SECONDS = 5.0
LAPSED_SECONDS = 20.0

Lease = dict[str, Any]


class HeldError(Exception):
    """Another run holds the lease."""


@contextlib.contextmanager
def held(
    read: Callable[[], Lease | None],
    write: Callable[[Lease, bool], object],
    remove: Callable[[], None],
) -> Iterator[Callable[[], bool]]:
    """Hold a lease while the block lasts, and yield what says whether it was lost to another run.
    Raises HeldError if another run holds it.

    `read` returns it, or None if there is none; `write` writes it, if told so only where there is
    none.
    """
    own: Lease = {"holder": uuid4().hex, "process": _process(os.getpid()), "renewed": 0}
    found = read()
    if found is not None and _is_alive(found, read):
        raise HeldError
    write(own, found is None)
    if read() != own:
        raise HeldError
    ended, lost = threading.Event(), threading.Event()

    def renew() -> None:
        while not lost.is_set() and not ended.wait(RENEWED_SECONDS):
            with contextlib.suppress(FailureError, *store_errors()):  # the next one may reach it
                if (read() or own).get("holder") != own["holder"]:
                    lost.set()
                else:
                    own["renewed"] += 1
                    write(own, False)

    renewing = threading.Thread(target=renew, daemon=True)
    renewing.start()
    try:
        yield lost.is_set
    finally:
        ended.set()
        renewing.join()
        if not lost.is_set():
            with contextlib.suppress(FailureError, *store_errors()):  # it lapses
                remove()


def _is_alive(found: Lease, read: Callable[[], Lease | None]) -> bool:
    process = found.get("process", [None])
    own = _process(os.getpid())
    if process[0] == own[0]:  # on this machine
        return bool(process == own or process == _process(process[1]))
    deadline = time.monotonic() + LAPSED_SECONDS
    while time.monotonic() < deadline:
        time.sleep(RENEWED_SECONDS / 2)
        now = read()
        if now != found:
            return now is not None
    return False


def _process(number: int) -> list[Any]:
    """Name a process: where its number counts (machine since its start, and container), its number,
    and when it started, in ticks; nothing for one that is no more."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        where = f"{boot} {Path('/proc/self/ns/pid').readlink()}"
        status = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        if status[0] == "Z":  # it has ended, and its parent does not ask how
            raise ProcessLookupError
    except OSError:  # no Linux, or no such process
        return [uuid4().hex, number, 0]
    return [where, number, int(status[19])]


def parse(content: bytes) -> Lease:
    """Read a lease; what is none is nobody's."""
    with contextlib.suppress(ValueError):
        found = json.loads(content)
        match found:
            case {"holder": str(), "process": [_, int(), int()]}:
                return dict(found)
    return {}
