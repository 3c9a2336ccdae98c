"""Tasks as jobs of a Beam runner named by its class: here the one that runs in this process."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from pipelines.phases.run_context import Run
from pipelines.runners import cluster
from pipelines.runners.beam_tasks import RunTask
from pipelines.runners.local import (
    Composition,
    Runner,
    WorkerError,
    run_groups,
    run_shuffle,
    run_tasks,
)
from pipelines.runners.shuffles import Shuffle
from pipelines.staging.store import Store
from pipelines.staging.tasks import (
    Group,
    Link,
    Task,
    TaskResult,
    Worker,
    as_it_is,
    finished,
    group_of,
    nothing,
)
from tests.all_phases import write_all_phases
from tests.declaration import DECLARATION
from tests.phase_runs import phase_run
from tests.running import digests, glotmill, run

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


def unreported(_task: Task, _result: TaskResult) -> None:
    """Report to nobody."""


def tasks(count: int) -> list[Task]:
    return [Task(name=f"task-{number}") for number in range(count)]


@pytest.mark.parametrize("in_graph", [1_000, 3], ids=["in the graph", "in files"])
def test_tasks_run_as_a_job_and_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_graph: int
) -> None:
    monkeypatch.setattr(cluster, "TASKS_IN_GRAPH", in_graph)
    monkeypatch.setattr(cluster, "TASKS_IN_FILE", 2)
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
    why = "the job failed at task lengths bad: ValueError: first line there is no such number: 7; "
    assert line.startswith(why)
    assert line.endswith("run the same command again to go on")
    assert "Traceback" in caught.value.details


def test_markers_that_no_worker_wrote_are_missed(tmp_path: Path) -> None:
    with pytest.raises(
        WorkerError,
        match=r"3 of 3 tasks left no marker in .*, the first task-0: all workers must see",
    ):
        run_tasks(ElsewhereWorker(Store(str(tmp_path / "out"))), tasks(3), RUNNER, lambda *_: None)


def test_groups_are_one_job_and_go_along_their_chains(tmp_path: Path) -> None:
    """What goes on is the task that came, once for each letter of its name that is a digit."""
    jobs: list[str] = []
    runner = replace(RUNNER, announce=jobs.append)
    store = Store(str(tmp_path))
    first, second, third = LengthWorker(store), LengthWorker(store), LengthWorker(store)
    second.phase, third.phase = "longer", "alone"
    links = [Link(first, as_it_is, digits), Link(second, longer, nothing)]
    given = [Task(name="a12"), Task(name="b")]
    done = run_groups([Group(links, given), group_of(third, given[:1])], runner, unreported)
    assert done == [
        {"a12": LengthResult(length=3), "b": LengthResult(length=1)},
        {"a12": LengthResult(length=3)},
    ]
    of_second = {f"a12-{digit}-longer": LengthResult(length=12) for digit in "12"}
    assert finished(second, [Task(name=name) for name in [*of_second, "b-longer"]]) == of_second
    assert [job.partition(": ")[2] for job in jobs] == ["lengths and alone, 3 tasks"]


def digits(task: Task, result: LengthResult) -> list[Task]:
    assert result.length == len(task.name)
    return [Task(name=f"{task.name}-{letter}") for letter in task.name if letter.isdigit()]


def longer(task: Task) -> Task:
    return task.model_copy(update={"name": f"{task.name}-longer"})


def test_what_functions_ask_for_in_turn_is_one_job(tmp_path: Path) -> None:
    jobs: list[str] = []
    runner = replace(RUNNER, announce=jobs.append)
    run = phase_run(Store(str(tmp_path)))._replace(runner=runner)

    def ask(phase: str, *rounds: int) -> Callable[[Run], int]:
        def asking(run: Run) -> int:
            worker, found = LengthWorker(run.store), 0
            for number, count in enumerate(rounds):
                worker.phase = f"{phase}-{number}"
                results = run.tasks(worker, tasks(count))
                found += sum(result.length for result in results.values())
            return found

        return asking

    assert run.together(ask("a", 2, 1), ask("b"), ask("c", 3)) == [18, 0, 18]
    told = [job.partition(": ")[2] for job in jobs]
    assert told == ["a-0 and c-0, 5 tasks", "a-1, 1 tasks"]
    with pytest.raises(ValueError, match="of this function"):
        run.together(ask("d", 1), fails)


def fails(_: Run) -> None:
    raise ValueError("a fault of this function")


def test_a_small_phase_needs_no_job(tmp_path: Path) -> None:
    jobs: list[str] = []
    worker = LengthWorker(Store(str(tmp_path)))
    worker.in_launcher = True
    done = run_tasks(worker, tasks(2), replace(RUNNER, announce=jobs.append), unreported)
    assert len(done) == 2
    assert not jobs


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
    arguments = [11, 25, 1, 0, 35], str(tmp_path)
    run_shuffle(Composition("scatter", f"{__name__}:scattered", arguments), runner, unreported)
    written = {path.name: path.read_text() for path in sorted(tmp_path.iterdir())}
    assert written == {"0.txt": "0,again,1,11,again,again,", "2.txt": "25,35,again,again,"}


def lengths_of(folder: str, count: int) -> Shuffle:
    """Send the results of tasks, which are done in the same job, to one file."""
    return Shuffle(
        range(count + 1), (partial(send_length, folder), partial(write_group, Path(folder)))
    )


def send_length(folder: str, element: int) -> list[tuple[int, bytes]]:
    if not element:  # the first one has no task
        return [(0, b"none,")]
    marker = Path(folder, f"staging/lengths/task-{element - 1}/done.json")
    return [(0, marker.read_bytes())]


@pytest.mark.parametrize("runner", [RUNNER, Runner()], ids=["as a job", "on this machine"])
@pytest.mark.parametrize("in_graph", [1_000, 2], ids=["in the graph", "in files"])
def test_tasks_are_done_before_the_elements_of_a_shuffle_that_need_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runner: Runner, in_graph: int
) -> None:
    monkeypatch.setattr(cluster, "TASKS_IN_GRAPH", in_graph)
    monkeypatch.setattr(cluster, "TASKS_IN_FILE", 2)
    jobs: list[str] = []
    composition = Composition("gather", f"{__name__}:lengths_of", (str(tmp_path), 3))
    before = group_of(LengthWorker(Store(str(tmp_path))), tasks(3))
    for _ in range(2):  # the second time, the tasks are done
        run_shuffle(composition, replace(runner, announce=jobs.append), unreported, before)
        assert (tmp_path / "0.txt").read_text() == "none," + 3 * '{"length":6}'
    assert len(jobs) == (0 if runner == Runner() else 2)


def failing(folder: str) -> Shuffle:
    return Shuffle([0], (lambda _: [(1, b"")], partial(write_group, Path(folder, "nowhere"))))


@pytest.mark.parametrize("runner", [RUNNER, Runner()], ids=["as a job", "on this machine"])
def test_a_shuffle_that_fails_says_why(tmp_path: Path, runner: Runner) -> None:
    failing_one = Composition("fail", f"{__name__}:failing", (str(tmp_path),))
    with pytest.raises(
        WorkerError, match=r"No such file or directory: .*1\.txt'.*; nothing finished is lost"
    ):
        run_shuffle(failing_one, runner, unreported)


def test_without_deduplication_a_recipe_takes_three_jobs(tmp_path: Path) -> None:
    """Evaluation texts are taken out, test documents held out, documents, rows of instructions and
    pairs made, and pages withdrawn with their copies."""
    recipe = write_all_phases(tmp_path)
    text = recipe.read_text().replace("index = true\n", "")
    stages = [part for part in text.split("\n\n") if not part.startswith("[[dedup]]")]
    mining = '[[augment]]\nstage = "mine"\ndirections = ["eus_Latn -> spa_Latn"]'
    recipe.write_text("\n\n".join([*stages, mining]))
    with (tmp_path / "pages.jsonl").open("a") as pages:
        for label, code in (("eus_Latn", "eu"), ("spa_Latn", "es")):
            page = {"text": "\n".join(DECLARATION[label]), "shelf": "s9"}
            pages.write(json.dumps(page | {"url": f"https://example.org/{code}/rights"}) + "\n")
    local, beam = tmp_path / "local", tmp_path / "beam"
    run(recipe, local)
    assert list((local / "bitext").glob("mined*")), "pages are matched"
    done = glotmill("run", recipe, "--output", beam, "--runner", RUNNER.name)
    assert done.returncode == 0, done.stderr
    assert digests(beam) == digests(local)
    jobs = [line.partition(": ")[2] for line in done.stderr.splitlines() if ": job " in line]
    assert len(jobs) == 3, jobs


class CountedWorker(LengthWorker):
    """Counts how often it is set up."""

    set_up = 0

    def setup(self) -> None:
        CountedWorker.set_up += 1


def test_a_thread_keeps_the_models_of_a_chain(tmp_path: Path) -> None:
    """As Dask goes along it: with each partition through all of its phases."""
    steps = []
    for phase in ("first", "second", "third"):
        worker = CountedWorker(Store(str(tmp_path)))
        worker.phase = phase
        steps.append(RunTask(Link(worker, as_it_is, nothing)))
    for _ in range(4):
        for step in steps:
            step.setup()
            assert step.link.worker.phase == pickle.loads(step.packed).worker.phase  # noqa: S301
    assert CountedWorker.set_up == 3
