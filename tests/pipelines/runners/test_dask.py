"""Runs on a Dask cluster of two hosts: the bytes of a local run, whoever is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.all_phases import write_all_phases
from tests.dask_cluster import NAMESPACES, DaskCluster, dask_cluster
from tests.running import digests, run

pytest.importorskip(
    "distributed", reason="distributed is not installed; pip install 'glotmill[dask]'"
)
pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]
# A task of the first job, a round of a shuffle, and a task of the last job, in which phases go
# together. A worker that is killed there starts anew, and imports all: four CPU seconds.
PLACES = ("task ingest", "round FindDuplicates", "task publish-shards")


class Corpus(NamedTuple):
    """A recipe, and what it gives on this machine alone."""

    recipe: Path
    expected: dict[str, str]


@pytest.fixture(scope="module")
def kills(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kills")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, kills: Path) -> Iterator[DaskCluster]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLOTMILL_KILLS", str(kills))
        patch.setenv("PYTHONPATH", str(ROOT))
        folder = tmp_path_factory.mktemp("dask")
        with dask_cluster(folder, preload=ROOT / "tests/worker_killer.py") as started:
            if started.where != NAMESPACES:
                warnings.warn("no network namespaces here: two workers on loopback", stacklevel=1)
            yield started


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """The corpus of all phases."""
    folder = tmp_path_factory.mktemp("all-phases")
    recipe = write_all_phases(folder)
    run(recipe, folder / "out", "--workers", "1")
    return Corpus(recipe, digests(folder / "out"))


def launched(cluster: DaskCluster, recipe: Path, output: Path) -> subprocess.Popen[str]:
    """Begin a run whose launcher is next to the scheduler."""
    command = [*cluster.beside, sys.executable, "-m", "pipelines.command_line.app", "run"]
    return subprocess.Popen(
        [*command, str(recipe), "--output", str(output), *cluster.options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def finish(cluster: DaskCluster, recipe: Path, output: Path) -> str:
    """Run to the end; returns what was told on the way."""
    launcher = launched(cluster, recipe, output)
    _, told = launcher.communicate(timeout=280)
    assert launcher.returncode == 0, told
    return told


def test_workers_and_the_launcher_are_killed(
    cluster: DaskCluster, corpus: Corpus, kills: Path, tmp_path: Path
) -> None:
    """A worker is killed at each place, and no run ends for that; the launcher is killed once."""
    output = tmp_path / "out"
    (kills / "armed").write_text("\n".join(PLACES))
    launcher = launched(cluster, corpus.recipe, output)
    deadline = time.monotonic() + 200
    while not list(output.glob("staging/dedup-1-near/*/done.json")):
        assert launcher.poll() is None, launcher.communicate()[1]
        assert time.monotonic() < deadline, "no task was done"
        time.sleep(0.01)
    os.killpg(launcher.pid, signal.SIGKILL)
    launcher.communicate()
    assert names_in(kills) == {"task ingest", "round FindDuplicates"}
    assert not (output / "manifest.json").exists()
    assert "going on with the run" in finish(cluster, corpus.recipe, output)
    (kills / "armed").unlink()
    assert names_in(kills) == set(PLACES), "a worker is killed at each place"
    assert digests(output) == corpus.expected


def names_in(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()} - {"armed"}
