"""Records that are kept by key: all are found again, by this attempt and the next, and memory does
not hold them."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from pipelines.staging import segments
from pipelines.staging.segments import Segments
from pipelines.staging.store import Store


def key_of(number: int) -> bytes:
    return hashlib.blake2b(str(number).encode(), digest_size=16).digest()


@pytest.mark.parametrize("url", ["{}", "memory://{}"])
def test_records_are_found_by_any_attempt(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "_RECENT", 16)
    store = Store(url.format(tmp_path))
    for attempt in range(3):
        kept = Segments(store, "own")
        for number in range(100 * attempt, 100 * attempt + 100):
            kept.add(key_of(number), {"response": f"\u0b95 {number}", "lone": "\ud800"})
        for number in range(100 * attempt + 100):
            assert kept.get(key_of(number)) == {"response": f"\u0b95 {number}", "lone": "\ud800"}
        assert kept.get(key_of(999)) is None
        assert key_of(999) not in kept
        assert list(kept.keys()) == sorted(map(key_of, range(100 * attempt + 100)))
        if store.local:
            assert len(kept._recent) <= 16
        kept.close()


def test_a_line_that_a_kill_cut_off_is_left_out(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    kept = Segments(store, "own")
    for number in range(3):
        kept.add(key_of(number), {"response": "a" * 50})
    kept.close()
    (file,) = (tmp_path / "own").iterdir()
    file.write_bytes(file.read_bytes()[:-10])
    again = Segments(store, "own")
    assert [key_of(number) in again for number in range(3)] == [True, True, False]
    again.add(key_of(2), {"response": "b"})
    assert again.get(key_of(2)) == {"response": "b"}


def test_a_line_that_a_full_disk_took_a_part_of_spoils_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, write, room = Store(str(tmp_path)), os.write, [7, 0]

    def take_a_part(file: int, line: bytes) -> int:
        size = room.pop(0) if room else len(line)
        if not size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(file, line[:size])

    kept = Segments(store, "own")
    monkeypatch.setattr(os, "write", take_a_part)
    with pytest.raises(OSError, match="No space left"):
        kept.add(key_of(0), {"response": "a" * 50})
    room[:] = [9]
    for number in (1, 2):
        kept.add(key_of(number), {"response": f"{number}" * 50})
    kept.close()
    again = Segments(store, "own")
    assert [key_of(number) in again for number in range(3)] == [False, True, True]
    assert again.get(key_of(1)) == {"response": "1" * 50}
