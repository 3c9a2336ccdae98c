"""What many tasks cost beyond their work, on an object store: `make bench NAME=store_tasks`.

Ten thousand files on S3 by moto in this process are planned. Then as many tasks are run by two
workers: the first half; all, so that the second half is left; all once more, when nothing is left.
A task only says how long its name is, so that all that is measured is overhead: listing, dealing
out, marking, reading marks. Listings find three files of each task that is done, as of real ones;
these lie there already, and are put there without requests, as the input is.

- `seconds`, `requests`: of the four, on the clock and as the server counts them;
- `overhead_seconds`: of all four together;
- `cpu_seconds`: of launcher and server.
"""

from __future__ import annotations

import argparse
import importlib
import json
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from pipelines.build.plan import make_plan
from pipelines.runners.local import Runner, run_tasks
from pipelines.staging.store import Store
from pipelines.staging.tasks import Task, TaskResult, Worker, task_folder
from tests.object_stores import BUCKET, s3_server
from tests.recipes import one_source

TASKS = 10_000
FILES = ("documents-00000.parquet", "ledger.parquet", "rejects.parquet")  # of a task of ingest


class NameResult(TaskResult):
    """How long a task's name is."""

    length: int


class NameWorker(Worker[NameResult]):
    """Measures the names of tasks."""

    phase = "names"
    result = NameResult

    def __init__(self, store: Store) -> None:
        self.store = store

    def run(self, task: Task) -> NameResult:
        return NameResult(length=len(task.name))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--tasks", type=int, default=TASKS)
    count = parser.parse_args().tasks
    with (
        tempfile.TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as environment,
        s3_server(environment) as server,
    ):
        recipe = Path(folder) / "many.toml"
        recipe.write_text(one_source("many", paths=f"{server.url}/input/*.jsonl"))
        _put(f"input/{number:06d}.jsonl" for number in range(count))
        seconds, requests, steps = [], [], _steps(recipe, f"{server.url}/out", count)
        for step in steps:
            began, before = time.monotonic(), len(server.requests)
            if (done := step()) not in (count // 2, count):
                raise RuntimeError(f"{done} of {count} tasks are done")
            seconds.append(round(time.monotonic() - began, 1))
            requests.append(len(server.requests) - before)
    found = {"tasks": count, "seconds": seconds, "requests": requests}
    found["cpu_seconds"] = round(time.process_time(), 1)
    found["overhead_seconds"] = round(sum(seconds), 1)
    print(json.dumps(found))


def _steps(recipe: Path, output: str, count: int) -> list[Callable[[], int]]:
    """Plan, and run tasks three times; each returns how many there are."""
    worker = NameWorker(Store(output))
    tasks = [Task(name=f"{number:06d}") for number in range(count)]
    _put(f"out/{task_folder(worker.phase, task.name)}/{file}" for task in tasks for file in FILES)

    def run(asked: list[Task]) -> int:
        return len(run_tasks(worker, asked, Runner(workers=2), lambda *_: None))

    return [
        lambda: len(make_plan(recipe, output).ingest_tasks()),
        lambda: run(tasks[: count // 2]),
        lambda: run(tasks),
        lambda: run(tasks),
    ]


def _put(names: Iterable[str]) -> None:
    """Put short files into the bucket, behind the server's back."""
    from moto.core.models import DEFAULT_ACCOUNT_ID
    from moto.s3.models import s3_backends

    for name in names:
        s3_backends[DEFAULT_ACCOUNT_ID]["aws"].put_object(BUCKET, name, b'{"text": "Kaixo."}\n')


if __name__ == "__main__":
    importlib.import_module("tests.benchmarks.store_tasks").main()  # as workers know it
