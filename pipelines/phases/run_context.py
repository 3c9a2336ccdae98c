"""A run: what every phase is given, once, of where the corpus goes, how it is made, and what does
the work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from pipelines.catalogue.stages import Recipe
from pipelines.runners.local import Runner, run_function, run_shuffle, run_tasks
from pipelines.staging.store import Store
from pipelines.staging.tasks import Report, Result, Task, Worker


class Run(NamedTuple):
    """The output folder, the recipe, the machine that does the work, and what is called for each
    finished task."""

    store: Store
    recipe: Recipe
    runner: Runner
    report: Report

    def tasks(self, worker: Worker[Result], tasks: Sequence[Task]) -> dict[str, Result]:
        """Run the tasks of a phase that are not finished; returns the results of all by name. See
        `run_tasks`."""
        return run_tasks(worker, tasks, self.runner, self.report)

    def shuffle(self, compose: str, *arguments: Any) -> None:
        """Run the shuffle that `compose` ("module:function") makes of the store and `arguments`."""
        run_shuffle(compose, (self.store, *arguments), self.runner)

    def function(self, name: str, *arguments: Any) -> Any:
        """Call `name` ("module:function") with the store and `arguments` in a process whose memory
        ends with it."""
        return run_function(name, (self.store, *arguments))
