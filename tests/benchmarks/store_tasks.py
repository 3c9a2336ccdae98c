"""What many tasks cost that do nothing, on an object store: `make bench NAME=store_tasks`.

Ten thousand tasks, of which each says how long its name is, on S3 by moto in this process, two
workers: the first half; all, so that the second half is left; all once more, when nothing is left.

- `seconds`, `requests`: of the three, on the clock and as the server counts them;
- `overhead_seconds`: of the last two, less what the second half of the tasks took in the first;
- `cpu_seconds`: of launcher and server.
"""

from __future__ import annotations

import argparse
import importlib
import json
import time

import pytest

from pipelines.runners.local import Runner, run_tasks
from pipelines.staging.store import Store
from pipelines.staging.tasks import Task, TaskResult, Worker
from tests.object_stores import s3_server

TASKS = 10_000


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
    tasks = [Task(name=f"task-{number:06d}") for number in range(count)]
    seconds, requests = [], []
    with pytest.MonkeyPatch.context() as environment, s3_server(environment) as server:
        worker = NameWorker(Store(f"{server.url}/out"))
        for asked in (tasks[: count // 2], tasks, tasks):
            began, before = time.monotonic(), len(server.requests)
            done = run_tasks(worker, asked, Runner(workers=2), lambda *_: None)
            if len(done) != len(asked):
                raise RuntimeError(f"{len(done)} of {len(asked)} tasks are done")
            seconds.append(round(time.monotonic() - began, 1))
            requests.append(len(server.requests) - before)
    found = {"tasks": count, "seconds": seconds, "requests": requests}
    found["cpu_seconds"] = round(time.process_time(), 1)
    found["overhead_seconds"] = round(seconds[1] - seconds[0] + seconds[2], 1)
    print(json.dumps(found))


if __name__ == "__main__":
    importlib.import_module("tests.benchmarks.store_tasks").main()  # as workers know it
