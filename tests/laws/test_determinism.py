"""Law 2: the same recipe over the same input gives the same bytes, however it was run; law 3: also
after kill -9."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.laws.mixed_corpus import write_mixed_corpus
from tests.running import digests, processes_in, run, start

KILLS = 10


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mixed_corpus(tmp_path_factory.mktemp("input"), 3000)


@pytest.fixture(scope="module")
def expected(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    output = tmp_path_factory.mktemp("expected") / "out"
    run(recipe, output, "--workers", "1")
    found = digests(output)
    assert len([name for name in found if name.startswith("data/")]) > 10, (
        "several shards, or the law says little"
    )
    return found


@pytest.mark.parametrize(
    "options",
    [
        ("--workers", "2"),
        ("--workers", "1", "--block-bytes", "4096"),
        ("--workers", "2", "--block-bytes", "50000", "--max-edges", "0"),
        ("--runner", "apache_beam.runners.portability.fn_api_runner.FnApiRunner"),
    ],
    ids=[
        "2 workers",
        "small blocks",
        "2 workers, other blocks, no edge in memory",
        "a runner of Beam",
    ],
)
def test_workers_blocks_and_runners_do_not_show(
    recipe: Path, expected: dict[str, str], tmp_path: Path, options: tuple[str, ...]
) -> None:
    run(recipe, tmp_path / "out", *options)
    assert digests(tmp_path / "out") == expected


def test_killed_at_random_moments_and_resumed(
    recipe: Path, expected: dict[str, str], tmp_path: Path
) -> None:
    """Each kill comes at a moment drawn from a fixed seed, later and later, so that every phase is
    met."""
    moments, output, kills = random.Random(1), tmp_path / "out", 0
    while kills < KILLS:
        process = start(recipe, output, "--workers", "2", "--block-bytes", "8192")
        deadline = time.monotonic() + moments.uniform(0.3, 2.0 + 0.8 * kills)
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        if process.poll() is not None:
            assert process.returncode == 0, process.communicate()[1]
            shutil.rmtree(output)  # the run outpaced the kill: begin anew, and kill the next
            continue
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        kills += 1
        _wait_until_gone(process.pid)
        for file in output.glob("data/**/*.parquet"):
            pq.read_table(file)  # whatever has its final name is whole
    run(recipe, output, "--workers", "2")
    assert digests(output) == expected


def _wait_until_gone(session: int) -> None:
    deadline = time.monotonic() + 10
    while processes_in(session) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not processes_in(session), "workers outlived the run that asked for them"
