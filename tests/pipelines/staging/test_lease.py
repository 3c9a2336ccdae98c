"""A lease of an object store: held while its holder writes it anew, and lapsed when it does not."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from pipelines.staging import lease
from pipelines.staging.lease import HeldError, Lease, held


class Place:
    """Where one lease may lie."""

    def __init__(self, found: Lease | None = None) -> None:
        self.found = found
        self.reads = 0

    def read(self) -> Lease | None:
        self.reads += 1
        return self.found and dict(self.found)

    def write(self, own: Lease, only_new: bool) -> bool:
        if only_new and self.found is not None:
            return False
        self.found = dict(own)
        return True

    def remove(self) -> None:
        self.found = None

    def held(self) -> Any:
        return held(self.read, self.write, self.remove)


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

    def write(own: Lease, only_new: bool) -> bool:
        if own["renewed"] > 1:
            renewed.set()
        return Place.write(place, own, only_new)

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
