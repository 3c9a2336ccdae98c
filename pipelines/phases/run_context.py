"""A run: what every phase is given, once, of where the corpus goes, how it is made, and what does
the work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pipelines.catalogue.stages import Recipe
from pipelines.runners.local import (
    LOCAL,
    Composition,
    Runner,
    run_function,
    run_groups,
    run_shuffle,
    run_tasks,
)
from pipelines.runners.together import in_turn
from pipelines.staging.store import Store
from pipelines.staging.tasks import (
    Group,
    Link,
    Report,
    Result,
    Task,
    Worker,
    finished,
    group_of,
)


class Run(NamedTuple):
    """The output folder, the recipe, the machine that does the work, and what is called for each
    finished task."""

    store: Store
    recipe: Recipe
    runner: Runner
    report: Report
    ask: Callable[[Group], dict[str, Any]] | None = None  # for tasks, where others ask as well

    def tasks(self, worker: Worker[Result], tasks: Sequence[Task]) -> dict[str, Result]:
        """Run the tasks of a phase that are not finished; returns the results of all by name. See
        `run_tasks`."""
        if self.ask:
            done = finished(worker, tasks)
            if len(done) < len(tasks):
                return self.ask(group_of(worker, tasks))
            for task in tasks:  # done ahead: what comes next need not wait for a job of others
                self.report(task, done[task.name])
            return done
        return run_tasks(worker, tasks, self.runner, self.report)

    def together(self, *functions: Callable[[Run], Any]) -> list[Any]:
        """Run functions that do not wait for each other: in order, or, on a cluster, in turn, so
        that what all ask for is one job. Returns their results."""
        if self.runner.name == LOCAL:
            return [function(self) for function in functions]

        def asking(function: Callable[[Run], Any]) -> Callable[[Callable[[Group], Any]], Any]:
            return lambda ask: function(self._replace(ask=ask))

        return in_turn(
            [asking(function) for function in functions],
            lambda groups: run_groups(groups, self.runner, self.report),
        )

    def ahead(self, links: Sequence[Link], coming: Sequence[Task]) -> None:
        """On a cluster, do as one job the tasks of phases to come that wait for no others.

        Nothing depends on it: these phases find their tasks done, and do what is not.
        """
        if links and self.runner.name != LOCAL:
            run_groups([Group(links, coming)], self.runner, self.report)

    def shuffle(
        self, name: str, compose: str, *arguments: Any, before: Group | None = None
    ) -> None:
        """Run the shuffle that `compose` ("module:function") makes of the store and `arguments`,
        after the tasks of `before`."""
        composition = Composition(name, compose, (self.store, *arguments))
        run_shuffle(composition, self.runner, self.report, before)

    def function(self, name: str, *arguments: Any) -> Any:
        """Call `name` ("module:function") with the store and `arguments` in a process whose memory
        ends with it."""
        return run_function(name, (self.store, *arguments))
