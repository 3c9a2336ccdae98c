"""Markers on an object store: one listing, reads side by side, and few reads when a run goes on."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from pipelines.command_line.progress import read_status
from pipelines.staging.store import GATHERED, GATHERED_LEAST, PLAN, Store
from pipelines.staging.tasks import Task, TaskResult, Worker, finished, marker, run_task


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
    worker, count = CountWorker(store), 3 * GATHERED_LEAST
    tasks = [Task(name=f"{number:04d}") for number in range(count)]
    for task in tasks[: count - 1]:
        run_task(worker, task)
    reads.clear()
    first = finished(worker, tasks)
    assert len(reads) == count - 1
    run_task(worker, tasks[-1])
    reads.clear()
    assert finished(worker, tasks[-1:], first.keys()).keys() == {tasks[-1].name}
    assert reads == [store.full(marker("ingest", tasks[-1].name))], "known ones are not read"
    reads.clear()
    assert len(finished(worker, tasks)) == count
    assert len(reads) == 2, "one file of many, and one of one"


def test_a_result_whose_marker_was_removed_does_not_come_back(store: Store) -> None:
    worker = CountWorker(store)
    tasks = [Task(name=f"{number:04d}") for number in range(GATHERED_LEAST)]
    for task in tasks:
        run_task(worker, task)
    assert len(finished(worker, tasks)) == len(tasks)
    assert any(GATHERED in path for path in store.fs.find(store.root))
    store.remove(marker("ingest", tasks[3].name))
    assert finished(worker, tasks).keys() == {task.name for task in tasks} - {tasks[3].name}


def test_few_markers_are_not_put_together(store: Store) -> None:
    worker, tasks = CountWorker(store), [Task(name=name) for name in "abc"]
    for task in tasks:
        run_task(worker, task)
    assert len(finished(worker, tasks)) == 3
    assert not [path for path in store.fs.find(store.root) if GATHERED in path]


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
