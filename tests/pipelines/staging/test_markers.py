"""Markers on an object store: one listing, reads side by side, and few reads when a run goes on."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from pipelines.command_line.progress import read_status
from pipelines.runners.local import Runner, run_tasks
from pipelines.staging.store import ONE_DONE, PLAN, TOGETHER_LEAST, Store
from pipelines.staging.tasks import Task, TaskResult, Worker, finished, run_task
from tests.object_stores import ObjectServer, s3_server


class CountResult(TaskResult):
    """As the ingest phase counts."""

    documents_in: int


class CountWorker(Worker[CountResult]):
    """Counts a document for each letter of a task's name."""

    phase = "ingest"
    result = CountResult

    def __init__(self, store: Store) -> None:
        self.store = store

    def run(self, task: Task) -> CountResult:
        return CountResult(documents_in=len(task.name))


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store(f"memory://{uuid4()}")
    yield opened
    opened.fs.rm(opened.root, recursive=True)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """List the files that are read."""
    read: list[str] = []
    real = MemoryFileSystem.cat_file

    def counted(self: MemoryFileSystem, path: str, *arguments: object, **options: object) -> bytes:
        read.append(path)
        return bytes(real(self, path, *arguments, **options))

    monkeypatch.setattr(MemoryFileSystem, "cat_file", counted)
    return read


def test_what_many_markers_say_is_read_again_from_one_file(store: Store, reads: list[str]) -> None:
    worker, count = CountWorker(store), 3 * TOGETHER_LEAST
    tasks = [Task(name=f"{number:04d}") for number in range(count)]
    for task in tasks[: count - 1]:
        run_task(worker, task)
    reads.clear()
    first = finished(worker, tasks)
    assert len(reads) == count - 1
    run_task(worker, tasks[-1])
    reads.clear()
    assert finished(worker, tasks[-1:], first.keys()).keys() == {tasks[-1].name}
    last = store.mark_file("staging/ingest", tasks[-1].name)
    assert reads == [store.full(last)], "known ones are not read"
    reads.clear()
    assert len(finished(worker, tasks)) == count
    assert len(reads) == 2, "one file of many, and one of one"


def test_few_markers_are_not_put_together(store: Store) -> None:
    worker, tasks = CountWorker(store), [Task(name=name) for name in "abc"]
    for task in tasks:
        run_task(worker, task)
    assert len(finished(worker, tasks)) == 3
    assert all(ONE_DONE in path for path in store.fs.find(store.root))


def test_status_is_one_listing_and_the_reads(store: Store, reads: list[str]) -> None:
    worker = CountWorker(store)
    store.write_json(PLAN, {"weights": {"a": 10, "bb": 30, "ccc": 60}})
    for name in ("a", "ccc"):
        run_task(worker, Task(name=name))
    reads.clear()
    status = read_status(store)
    assert (status.splits_done, status.splits, status.documents) == (2, 3, 4)
    assert (status.bytes_done, status.bytes) == (70, 100)
    assert len(reads) == 3, "the plan and two markers"


@pytest.fixture
def s3_worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[CountWorker, ObjectServer]]:
    with s3_server(monkeypatch) as server:
        yield CountWorker(Store(f"{server.url}/out")), server


def test_short_tasks_are_marked_together_and_not_done_again(
    s3_worker: tuple[CountWorker, ObjectServer],
) -> None:
    worker, server = s3_worker
    tasks = [Task(name=f"{number:04d}") for number in range(1200)]
    for asked, most in ((tasks[:700], 350), (tasks, 250), (tasks, 5)):
        server.requests.clear()
        done = run_tasks(worker, asked, Runner(workers=2), lambda *_: None)
        assert done == {task.name: CountResult(documents_in=4) for task in asked}
        assert len(server.requests) <= most, "at most one for two tasks, and few when all are done"
    assert not [path for method, path in server.requests if method == "PUT"]


def test_marks_of_two_runs_of_a_phase_stand_next_to_each_other(
    s3_worker: tuple[CountWorker, ObjectServer],
) -> None:
    worker, _ = s3_worker
    for name in ("made", "read"):  # as decontamination looks through what was read, then made
        run_tasks(worker, [Task(name=name)], Runner(workers=1), lambda *_: None)
    run_task(worker, Task(name="by a cluster"))
    tasks = [Task(name=name) for name in ("by a cluster", "made", "read", "never")]
    assert finished(worker, tasks).keys() == {"by a cluster", "made", "read"}
    worker.store.remove("staging/ingest")
    assert finished(worker, tasks) == {}
