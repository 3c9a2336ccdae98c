"""Tasks with done markers: what makes a phase resumable, and what `glotmill status` reads.

A phase is a list of tasks, each a pure function of files that are complete. A task writes its files, then its marker
`staging/<phase>/<task>/done.json` with what it counted. Running a phase is running the tasks without a marker.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from pipelines.staging.store import Store

Counts = dict[str, Any]  # what a task reports: JSON values


class Task(BaseModel):
    """A piece of a phase's work: its name within the phase, its weight, and what its worker needs to know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    weight_bytes: int = 0
    payload: dict[str, Any] = {}


class Worker(Protocol):
    """Does tasks of one phase. Pickled to the workers; `setup` loads what is heavy, once in each process."""

    phase: str
    store: Store

    def setup(self) -> None: ...

    def run(self, task: Task) -> Counts: ...


@runtime_checkable
class GivingUp(Worker, Protocol):
    """A worker whose phase goes on without a task that ends every process that does it."""

    def give_up(self, task: Task, reason: str) -> Counts:
        """Write down that the task failed, in place of what it should have written; count its documents as failed."""
        ...

    def halves(self, task: Task) -> list[Task]:
        """Cut a task into two, to find by themselves the pieces that end a process; empty if it is one piece."""
        ...

    def without(self, task: Task, pieces: Sequence[tuple[Task, str]]) -> Task:
        """Return the task that writes down of these pieces of it that they failed, and why, and does the rest."""
        ...


Report = Callable[[Task, Counts], None]


def task_folder(phase: str, task: str) -> str:
    return f"staging/{phase}/{task}"


def marker(phase: str, task: str) -> str:
    return f"{task_folder(phase, task)}/done.json"


def run_task(worker: Worker, task: Task) -> Counts:
    """Do one task and write its marker; a marker that is there already means that nothing is left to do."""
    path = marker(worker.phase, task.name)
    if worker.store.exists(path):
        done: Counts = worker.store.read_json(path)
        return done
    counts = worker.run(task)
    worker.store.write_json(path, counts)
    return counts


def give_up_task(worker: GivingUp, task: Task, reason: str) -> Counts:
    """Mark a task as done that cannot be done."""
    counts = worker.give_up(task, reason)
    worker.store.write_json(marker(worker.phase, task.name), counts)
    return counts


def finished(store: Store, phase: str, tasks: Sequence[Task]) -> dict[str, Counts]:
    """Read the markers of a phase's finished tasks, by task name."""
    begun = store.names(f"staging/{phase}")
    return {
        task.name: store.read_json(marker(phase, task.name))
        for task in tasks
        if task.name in begun and store.exists(marker(phase, task.name))
    }
