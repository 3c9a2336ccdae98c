"""Runs on Prism, Beam's own portable job service, which `.ci/run` builds: the bytes of a local run.

Whatever Prism runs has gone through Beam's portable model: serialized, and read by workers that
know only that.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.recipes import one_source
from tests.running import digests, run, run_apart

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]
EXACT = '[[ingest]]\nstage = "normalize"\n[[dedup]]\nstage = "exact"\n'
NEAR = '[[dedup]]\nstage = "near"\n'
BUILT = Path("~/.cache/glotmill/prism-2.77.0/prism").expanduser()


@pytest.fixture(scope="module")
def prism() -> str:
    if found := shutil.which("prism") or (BUILT.exists() and str(BUILT)):
        return found
    pytest.skip("Prism is not built here; docs/clusters.md says how")


class Corpus(NamedTuple):
    """A recipe, and what it gives without Prism."""

    recipe: Path
    expected: dict[str, str]


def write_corpus(folder: Path, stages: str) -> Corpus:
    for number in range(3):
        (folder / f"page-{number}.txt").write_text("Gizon-emakume guztiak aske jaiotzen dira.\n")
    recipe = folder / "own.toml"
    recipe.write_text(one_source("own", kind="text", paths="page-*.txt") + stages)
    run(recipe, folder / "local", "--workers", "1")
    return Corpus(recipe, digests(folder / "local"))


def test_prism_started_by_the_run(prism: str, tmp_path: Path) -> None:
    """Tasks, and both kinds of shuffles: by keys, and of clusters. Other phases are tasks, too."""
    corpus = write_corpus(tmp_path, EXACT + NEAR)
    options = "--runner", "prism", "--", f"--prism_location={prism}"
    run_apart(corpus.recipe, tmp_path / "out", *options)
    assert digests(tmp_path / "out") == corpus.expected


def test_a_server_of_its_own_and_workers_of_its_own(prism: str, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path, EXACT)
    jobs, pool = _free_port(), _free_port()
    server = [prism, f"--job_port={jobs}", f"--web_port={_free_port()}", "--serve_http=false"]
    program = "apache_beam.runners.worker.worker_pool_main"
    workers = [sys.executable, "-m", program, f"--service_port={pool}"]
    with _running(server, jobs, tmp_path), _running(workers, pool, tmp_path):
        options = f"--job_endpoint=localhost:{jobs}", "--environment_type=EXTERNAL"
        external = f"--environment_config=localhost:{pool}"
        run_apart(corpus.recipe, tmp_path / "out", "--runner", "prism", "--", *options, external)
    assert digests(tmp_path / "out") == corpus.expected


@contextlib.contextmanager
def _running(command: list[str], port: int, folder: Path) -> Iterator[None]:
    """Run a server while the block runs; its workers find our Python first in PATH."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)}
    with (folder / f"{port}.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=folder)
        try:
            deadline = time.monotonic() + 60
            while socket.socket().connect_ex(("127.0.0.1", port)):
                assert process.poll() is None, (folder / f"{port}.log").read_text()
                assert time.monotonic() < deadline, f"{command[0]} did not listen on {port}"
                time.sleep(0.1)
            yield
        finally:
            process.terminate()
            process.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
