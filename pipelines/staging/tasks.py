"""Tasks with done markers: what makes a phase resumable, and what `glotmill status` reads.

A phase is a list of tasks, each a pure function of files that are complete. A task writes its
files, then its marker `staging/<phase>/<task>/done.json` with what it counted; on an object store
one file marks many tasks, or one. Running a phase is running the tasks without a mark.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict

from pipelines.staging.store import Store
from stages.batches import BoundStage


class Phase(NamedTuple):
    """A phase after ingest: what ledger and card call it, the stage that it runs, its place among
    others of its family.

    >>> Phase("dedup", "exact", 1).name, Phase("decontaminate", "decontaminate").name
    ('dedup-1-exact', 'decontaminate')
    """

    family: str
    stage: str
    position: int | None = None

    @property
    def name(self) -> str:
        """Name the folders of its files."""
        return (
            self.family if self.position is None else f"{self.family}-{self.position}-{self.stage}"
        )


class Task(BaseModel):
    """A piece of a phase's work: its name within the phase, its weight, and what its worker needs
    to know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    weight_bytes: int = 0
    payload: dict[str, Any] = {}


class TaskResult(BaseModel):
    """What a task counted and wrote; its marker keeps it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def counts(self) -> dict[str, int]:
        """Return all that is a number, by name."""
        return {name: value for name, value in self if isinstance(value, int)}


Result = TypeVar("Result", bound=TaskResult)


class Worker(ABC, Generic[Result]):
    """Does tasks of one phase. Pickled to the worker processes."""

    phase: str
    store: Store
    result: type[Result]
    in_launcher: bool = False  # its tasks are so small that no job on a cluster is worth its start
    bound_stages: Sequence[
        BoundStage
    ] = ()  # that its tasks put blocks through, known after `setup`

    def setup(self) -> None:  # most workers have nothing to load
        """Load what is heavy, once in each process."""

    @abstractmethod
    def run(self, task: Task) -> Result:
        """Do a task: write its files, and return what was counted."""


class PiecewiseWorker(Worker[Result]):
    """A worker whose phase goes on without a task that ends every process that does it."""

    @abstractmethod
    def give_up(self, task: Task, reason: str) -> Result:
        """Write down that the task failed, in place of what it should have written; count its
        documents as failed."""

    @abstractmethod
    def halves(self, task: Task) -> list[Task]:
        """Cut a task into two, to find by themselves the pieces that end a process; empty if it is
        one piece."""

    @abstractmethod
    def without(self, task: Task, pieces: Sequence[tuple[Task, str]]) -> Task:
        """Return the task that writes down of these pieces of it that they failed, and why, and
        does the rest."""


Report = Callable[[Task, TaskResult], None]


class Link(NamedTuple):
    """A phase in a chain of them: its worker, the task that it has for what comes along the chain,
    and what goes on from there."""

    worker: Worker[Any]
    task: Callable[[Task], Task]
    after: Callable[[Task, Any], list[Task]]


def as_it_is(task: Task) -> Task:
    """Do what comes along a chain."""
    return task


def the_same(task: Task, _: TaskResult) -> list[Task]:
    """Let what came along a chain go on."""
    return [task]


def nothing(_task: Task, _: TaskResult) -> list[Task]:
    """End a chain."""
    return []


class Group(NamedTuple):
    """What goes along a chain of phases, none of which waits for other tasks than its own."""

    links: Sequence[Link]
    coming: Sequence[Task]

    @property
    def worker(self) -> Worker[Any]:
        """Return the worker of the first phase."""
        return self.links[0].worker

    @property
    def tasks(self) -> list[Task]:
        """List the tasks of the first phase."""
        return [self.links[0].task(task) for task in self.coming]


def group_of(worker: Worker[Any], tasks: Sequence[Task]) -> Group:
    """Make a group of tasks of which nothing goes on."""
    return Group([Link(worker, as_it_is, nothing)], tasks)


def phase_folder(phase: str) -> str:
    return f"staging/{phase}"


def task_folder(phase: str, task: str) -> str:
    return f"{phase_folder(phase)}/{task}"


def run_task(worker: Worker[Result], task: Task) -> Result:
    """Do one task and write its marker; a marker that is there already means that nothing is left
    to do."""
    with contextlib.suppress(FileNotFoundError):
        marker = worker.store.mark_file(phase_folder(worker.phase), task.name)
        return worker.result.model_validate_json(worker.store.read(marker))
    result = worker.run(task)
    return mark(worker.store, worker.phase, task, result)


def give_up_task(worker: PiecewiseWorker[Result], task: Task, reason: str) -> Result:
    """Mark a task as done that cannot be done."""
    return mark(worker.store, worker.phase, task, worker.give_up(task, reason))


def mark(store: Store, phase: str, task: Task, result: Result) -> Result:
    """Write the marker of a task, all of whose files are there, and return what it says."""
    marker = store.mark_file(phase_folder(phase), task.name)
    store.write(marker, result.model_dump_json().encode())
    return result


def finished(
    worker: Worker[Result], tasks: Sequence[Task], but: Collection[str] = ()
) -> dict[str, Result]:
    """Read the markers of a phase's finished tasks, by task name, `but` those of some tasks."""
    marked = worker.store.read_marks(phase_folder(worker.phase), but, gather=True)
    return {
        task.name: worker.result.model_validate_json(marked[task.name])
        for task in tasks
        if task.name in marked
    }
