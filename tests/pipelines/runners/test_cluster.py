"""Tasks as jobs of a Beam runner named by its class: here the one that runs in this process."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import pytest

from pipelines.runners import cluster
from pipelines.runners.local import Runner, WorkerError, run_shuffle, run_tasks
from pipelines.runners.shuffles import Shuffle
from pipelines.staging.store import Store
from pipelines.staging.tasks import Task, TaskResult, Worker

RUNNER = Runner(name="apache_beam.runners.portability.fn_api_runner.fn_runner.FnApiRunner")


class LengthResult(TaskResult):
    """How long a task's name is."""

    length: int


class LengthWorker(Worker[LengthResult]):
    """Counts; a task whose payload says so fails."""

    phase = "lengths"
    result = LengthResult

    def __init__(self, store: Store) -> None:
        self.store = store

    def run(self, task: Task) -> LengthResult:
        if task.payload.get("fails"):
            raise ValueError("first line\nthere is no such number: 7")
        return LengthResult(length=len(task.name))


class ElsewhereWorker(LengthWorker):
    """Writes where the process that waits does not look, as a machine does that has a folder of the
    same name."""

    def run(self, task: Task) -> LengthResult:
        self.store = Store(f"{self.store.url}-of-another-machine")
        return super().run(task)


def tasks(count: int) -> list[Task]:
    return [Task(name=f"task-{number}") for number in range(count)]


@pytest.mark.parametrize("in_graph", [1_000, 3], ids=["in the graph", "in files"])
def test_tasks_run_as_a_job_and_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_graph: int
) -> None:
    monkeypatch.setattr(cluster, "TASKS_IN_GRAPH", in_graph)
    reported: list[str] = []
    worker = LengthWorker(Store(str(tmp_path)))
    done = run_tasks(worker, tasks(8), RUNNER, lambda task, _: reported.append(task.name))
    assert done == {f"task-{number}": LengthResult(length=6) for number in range(8)}
    assert sorted(reported) == sorted(done)
    assert run_tasks(worker, tasks(8), RUNNER, lambda *_: None) == done, (
        "what is finished is read from its markers"
    )


def test_a_job_that_fails_says_why_in_one_line(tmp_path: Path) -> None:
    given = [*tasks(2), Task(name="bad", payload={"fails": True})]
    with pytest.raises(WorkerError) as caught:
        run_tasks(LengthWorker(Store(str(tmp_path))), given, RUNNER, lambda *_: None)
    line = str(caught.value)
    assert "\n" not in line
    assert "there is no such number: 7" in line
    assert line.endswith("run the same command again to go on")
    assert "Traceback" in caught.value.details


def test_markers_that_no_worker_wrote_are_missed(tmp_path: Path) -> None:
    with pytest.raises(
        WorkerError,
        match=r"3 of 3 tasks left no marker in .*, the first task-0: all workers must see",
    ):
        run_tasks(ElsewhereWorker(Store(str(tmp_path / "out"))), tasks(3), RUNNER, lambda *_: None)


def scattered(numbers: Sequence[int], folder: str) -> Shuffle:
    """Send numbers to their last digits, these to their halves, and write what came there."""
    return Shuffle(numbers, (by_last_digit, by_half, partial(write_group, Path(folder))))


def by_last_digit(number: int) -> list[tuple[int, bytes]]:
    return [(number % 10, b"%d," % number), (number % 10, b"again,")]


def by_half(group: tuple[int, Iterable[bytes]]) -> list[tuple[int, bytes]]:
    return [(group[0] // 2, b"".join(sorted(group[1])))]


def write_group(folder: Path, group: tuple[int, Iterable[bytes]]) -> None:
    (folder / f"{group[0]}.txt").write_bytes(b"".join(sorted(group[1])))


@pytest.mark.parametrize("runner", [RUNNER, Runner()], ids=["as a job", "on this machine"])
def test_a_shuffle_brings_together_what_has_one_key(tmp_path: Path, runner: Runner) -> None:
    run_shuffle(
        "tests.pipelines.runners.test_cluster:scattered",
        ([11, 25, 1, 0, 35], str(tmp_path)),
        runner,
    )
    written = {path.name: path.read_text() for path in sorted(tmp_path.iterdir())}
    assert written == {"0.txt": "0,again,1,11,again,again,", "2.txt": "25,35,again,again,"}


def failing(folder: str) -> Shuffle:
    return Shuffle([0], (lambda _: [(1, b"")], partial(write_group, Path(folder, "nowhere"))))


@pytest.mark.parametrize("runner", [RUNNER, Runner()], ids=["as a job", "on this machine"])
def test_a_shuffle_that_fails_says_why(tmp_path: Path, runner: Runner) -> None:
    with pytest.raises(
        WorkerError, match=r"No such file or directory: .*1\.txt'.*; nothing finished is lost"
    ):
        run_shuffle("tests.pipelines.runners.test_cluster:failing", (str(tmp_path),), runner)
