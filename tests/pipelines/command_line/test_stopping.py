"""Ctrl-C and TERM end a run with one line; status and the next run say how far it came. What a kill
leaves is looked at in `tests/chaos/`."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from pipelines.command_line.progress import ProgressLines, read_status, stopped_run
from pipelines.staging.store import Store
from pipelines.staging.tasks import Task, TaskResult
from tests.recipes import one_source
from tests.running import glotmill, processes_in, run, start

RECIPE = (
    one_source("long", "lines", split_bytes=20000)
    + """
[[ingest]]
stage = "identify_language"

[[dedup]]
stage = "exact"
"""
)
GROUP = {"Ctrl-C": (signal.SIGINT, True, 130), "TERM": (signal.SIGTERM, False, 143)}


@pytest.fixture
def scratch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The temporary folder of what is run."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setenv("TMPDIR", folder)
        yield Path(folder)


@pytest.mark.parametrize(("number", "to_all", "code"), GROUP.values(), ids=GROUP.keys())
def test_a_signal_ends_the_run_with_one_line_and_leaves_no_temporary_folder(
    number: int, to_all: bool, code: int, tmp_path: Path, scratch: Path
) -> None:
    with (tmp_path / "lines.jsonl").open("w") as file:
        for line in range(60_000):
            file.write(json.dumps({"text": f"Herri eta nazio guztiak {line}"}) + "\n")
    (tmp_path / "long.toml").write_text(RECIPE)
    process = start(tmp_path / "long.toml", tmp_path / "out", "--workers", "2")
    deadline = time.monotonic() + 120
    while (
        not list((tmp_path / "out").glob("staging/ingest/*/done.json"))
        and time.monotonic() < deadline
    ):
        time.sleep(0.02)
    assert Store(str(tmp_path / "out")).is_locked()
    (os.killpg if to_all else os.kill)(process.pid, number)
    _, errors = process.communicate(timeout=60)
    *progress, last = errors.splitlines()
    assert (process.returncode, last) == (
        code,
        "glotmill: stopped; run the same command again to go on",
    )
    assert all(re.match(r"glotmill: \d+:\d\d (ingest|phases after)", line) for line in progress), (
        errors
    )
    while processes_in(process.pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    store = Store(str(tmp_path / "out"))
    assert read_status(store).running is False
    assert " splits are read, it was in " in stopped_run(store)
    assert not list(scratch.iterdir())


def test_a_second_signal_ends_the_run_at_once_and_with_the_same_line(tmp_path: Path) -> None:
    (tmp_path / "lines.jsonl").write_text('{"text": "Herri eta nazio guztiak"}\n' * 60_000)
    (tmp_path / "long.toml").write_text(RECIPE)
    process = start(tmp_path / "long.toml", tmp_path / "out", "--workers", "2")
    while not Store(str(tmp_path / "out")).is_locked() and process.poll() is None:
        time.sleep(0.02)
    for _ in range(5):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.01)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (
        130,
        "glotmill: stopped; run the same command again to go on\n",
    )
    deadline = time.monotonic() + 30
    while processes_in(process.pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not processes_in(process.pid)


def test_neither_a_whole_run_nor_a_failed_one_leaves_a_temporary_folder(
    tmp_path: Path, scratch: Path
) -> None:
    (tmp_path / "lines.jsonl").write_text('{"text": "Herri eta nazio guztiak"}\n' * 40_000)
    (tmp_path / "long.toml").write_text(RECIPE.replace("20000", "600000"))
    run(tmp_path / "long.toml", tmp_path / "out", "--workers", "2")
    assert not list(scratch.iterdir())
    (tmp_path / "lines.jsonl").write_text("broken\n" + '{"text": null}\n' * 60_000)
    process = start(tmp_path / "long.toml", tmp_path / "failed", "--workers", "2")
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 1, errors
    assert not list(scratch.iterdir())


class Read(TaskResult):
    """What the task of a split tells as it ends."""

    bytes_in: int
    documents_in: int


def test_lines_where_there_is_no_terminal() -> None:
    written = io.StringIO()
    lines = ProgressLines({"a": 300, "b": 100})
    with lines.printed_every(0.02, Console(file=written)):
        for _ in range(2):  # a job that goes ahead reports it, and its phase again
            lines.report(Task(name="a"), Read(bytes_in=300, documents_in=1200))
        time.sleep(0.1)
    assert (
        "glotmill: 0:00 ingest: 75% of the input, 1 of 2 splits, 1,200 documents\n"
        in written.getvalue()
    )
    lines.report(Task(name="shard"), TaskResult())
    assert lines.line() == "phases after ingest: 1 tasks done, 1,200 documents read"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_libraries_are_loaded_is_answered_too(number: int, tmp_path: Path) -> None:
    """A library that takes its time stands in for a slow disk."""
    (tmp_path / "typer.py").write_text(
        "import time\nprint('loading', flush=True)\ntime.sleep(60)\n"
    )
    code = "from pipelines.command_line.program import console; console()"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "loading\n"
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert errors == "glotmill: stopped; run the same command again to go on\n"
    assert process.returncode == 128 + number


def test_a_second_run_is_refused_before_it_looks_at_the_input(tmp_path: Path) -> None:
    """The input of the first may change meanwhile, which is no mistake of the recipe."""
    recipe, out = tmp_path / "own.toml", tmp_path / "out"
    recipe.write_text(one_source("own", options='columns = { text = "text", url = "url" }'))
    (tmp_path / "pages.jsonl").write_text('{"text": "Kaixo mundua."}\n')
    with Store(str(out)).locked():
        refused = glotmill("run", recipe, "--output", out)
        elsewhere = glotmill("run", recipe, "--output", tmp_path / "other")
    assert refused.returncode == elsewhere.returncode == 2
    assert refused.stderr.startswith(f"glotmill: another run is writing to {out}: wait for it")
    assert "no line of the first MiB" in elsewhere.stderr
    assert "no line of the first MiB" in glotmill("run", recipe, "--output", out).stderr
    in_recipe = tmp_path / "out/own"
    with Store(str(in_recipe)).locked():
        assert glotmill("run", recipe, cwd=tmp_path).stderr.startswith("glotmill: another run is")
