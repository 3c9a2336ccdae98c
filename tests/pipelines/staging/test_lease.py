"""A lease of an object store: held while its holder writes it anew, and lapsed when it does not."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from pipelines.staging import lease
from pipelines.staging.lease import HeldError, Lease, held, parse
from pipelines.staging.store import StagingError, Store
from schemas.failures import FailureError


class Place:
    """Where one lease may lie."""

    def __init__(self, found: Lease | None = None) -> None:
        self.found = found
        self.reads = 0

    def read(self) -> Lease | None:
        self.reads += 1
        return self.found and dict(self.found)

    def write(self, own: Lease, only_new: bool) -> None:
        if not only_new or self.found is None:
            self.found = dict(own)

    def remove(self) -> None:
        self.found = None

    def held(self) -> Any:
        return held(self.read, self.write, self.remove)


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


ELSEWHERE: Lease = {"holder": "x", "process": ["another machine", 1, 1], "renewed": 7}


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "RENEWED_SECONDS", 0.02)
    monkeypatch.setattr(lease, "LAPSED_SECONDS", 0.2)


def test_a_lease_is_held_by_one_and_given_back() -> None:
    place = Place()
    with place.held():
        with pytest.raises(HeldError), place.held():
            pass
        assert place.found is not None
    assert place.found is None


def test_a_holder_writes_it_anew() -> None:
    place, renewed = Place(), threading.Event()

    def write(own: Lease, only_new: bool) -> None:
        if own["renewed"] > 1:
            renewed.set()
        place.write(own, only_new)

    with held(place.read, write, place.remove):
        assert renewed.wait(30)


def test_what_nobody_writes_anew_lapses() -> None:
    place = Place(ELSEWHERE)
    with place.held():
        assert place.found is not None
        assert place.found["holder"] != "x"


def test_what_changes_is_held_by_another_machine() -> None:
    place = Place(ELSEWHERE)

    def read() -> Lease | None:
        if place.reads and place.found:
            place.found["renewed"] += 1
        return place.read()

    with pytest.raises(HeldError), held(read, place.write, place.remove):
        pass
    assert place.found
    assert place.found["holder"] == "x"


@pytest.mark.parametrize("found", [{}, {"process": ["no", 0, 0]}], ids=["no JSON", "another form"])
def test_a_lease_that_says_nothing_lapses_too(found: Lease) -> None:
    with Place(found).held():
        pass


def test_of_a_process_that_is_no_more_nobody_waits_for_the_end() -> None:
    place = Place()
    with place.held():
        own = dict(place.found or {})
    where, number, started = own["process"]
    left = Place(own | {"process": [where, number, started - 1]})  # its number was given again
    with left.held():
        pass
    assert left.reads == 2, "once before it is written, and once after"


def test_a_process_that_ended_and_that_nobody_waited_for_holds_nothing() -> None:
    """As in a container whose first process waits for no other."""
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    ended = process.pid
    os.waitid(os.P_PID, ended, os.WEXITED | os.WNOWAIT)
    where, _, _ = lease._process(os.getpid())
    started = int(Path(f"/proc/{ended}/stat").read_text().rpartition(")")[2].split()[19])
    place = Place({"holder": "x", "process": [where, ended, started], "renewed": 7})
    with place.held():
        assert place.reads == 2, "once before it is written, and once after"
    process.wait()


def test_a_holder_that_was_taken_for_dead_has_lost_it() -> None:
    """As a machine that slept: it neither writes over the other's lease nor removes it."""
    place = Place()
    with place.held() as is_lost:
        assert not is_lost()
        place.found = dict(ELSEWHERE)
        wait_for(is_lost)
    assert place.found == ELSEWHERE


def test_of_two_that_find_a_lapsed_one_at_once_one_goes_on() -> None:
    """The second has read it before the first wrote, and writes after the first has looked."""
    place, has_written = Place(ELSEWHERE), threading.Event()

    def read() -> Lease | None:
        return place.read() if has_written.is_set() else ELSEWHERE

    def write(own: Lease, only_new: bool) -> None:
        place.write(own, only_new)
        has_written.set()

    with place.held() as is_first_lost, held(read, write, place.remove) as is_second_lost:
        wait_for(is_first_lost)
        assert not is_second_lost()
    assert place.found is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"holder": "x", "process": "a"}'])
def test_what_is_no_lease_is_nobodys(content: bytes) -> None:
    assert parse(content) == {}


def test_of_a_store_a_run_that_has_lost_its_lease_asks_nothing_more() -> None:
    store = Store(f"memory://{uuid4()}")
    with store.locked():
        store.write("a.txt", b"a")
        store.fs.pipe_file(store.full("staging/lease.json"), json.dumps(ELSEWHERE).encode())
        with pytest.raises(StagingError, match=r"another run has taken over .*: wait for it, or"):
            wait_for(lambda: store.exists("never.txt"))
    assert json.loads(store.read("staging/lease.json")) == ELSEWHERE


def refused(error: OSError, *, is_there: bool) -> Any:
    """Answer conditional writes as some stores do; what is to be written may be there already."""
    real = MemoryFileSystem.pipe_file

    def pipe_file(self: Any, path: str, value: bytes, mode: str = "overwrite", **_: Any) -> None:
        if mode == "overwrite" or is_there:
            real(self, path, value)
        if mode == "create":
            raise error

    return pipe_file


@pytest.mark.parametrize(
    ("error", "is_there"),
    [
        (OSError(errno.ENOSYS, "NotImplemented"), False),
        (OSError(errno.EINVAL, "PreconditionFailed"), True),  # a try before, whose answer was lost
        (FileExistsError("412"), True),
        (OSError(errno.EIO, "ConditionalRequestConflict"), True),
    ],
)
def test_a_store_that_knows_no_condition_or_was_asked_twice_gives_the_lease(
    monkeypatch: pytest.MonkeyPatch, error: OSError, is_there: bool
) -> None:
    store = Store(f"memory://{uuid4()}")
    monkeypatch.setattr(MemoryFileSystem, "pipe_file", refused(error, is_there=is_there))
    with store.locked():
        assert store.names("staging") == {"lease.json"}
    assert store.names("staging") == set()


def test_a_store_that_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(f"memory://{uuid4()}")
    error = OSError(errno.EIO, "planted")
    monkeypatch.setattr(MemoryFileSystem, "pipe_file", refused(error, is_there=False))
    words = r"staging/lease\.json cannot be written: .*planted"
    with pytest.raises(FailureError, match=words), store.locked():
        pass
