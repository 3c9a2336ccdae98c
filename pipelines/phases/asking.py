"""What the phases that ask engines share: a worker that keeps the responses of its split."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipelines.catalogue.stages import Recipe
from pipelines.staging.responses import KeptResponses, Meter
from pipelines.staging.staged import SplitAfter, StagedSplit
from pipelines.staging.store import Store
from pipelines.staging.tasks import Phase, Result, Task, Worker, task_folder
from stages.engines.options import raised_budget

RESPONSES = "responses.parquet"  # staged, of one split


class AskingWorker(Worker[Result]):
    """Works on what earlier phases left of one split, and asks engines; what they answered is kept."""

    def __init__(self, store: Store, recipe: Recipe, earlier: Sequence[Phase]) -> None:
        self.store, self.recipe, self.earlier = store, recipe, earlier
        self.raised = raised_budget()  # here, as workers may have the environment of an earlier run

    def split_of(self, task: Task) -> SplitAfter:
        """Return the split of a task, as the earlier phases left it."""
        return SplitAfter(self.store, StagedSplit.model_validate(task.payload), self.earlier)

    def responses_of(self, task: Task, reuse: Iterable[str]) -> KeptResponses:
        """Open the responses of a task; those in the folders `reuse`, each looked at once, are not
        asked for again."""
        given = tuple(dict.fromkeys(reuse))
        return kept_responses(self.store, self.phase, task.name, given, self.raised)


def kept_responses(
    store: Store, phase: str, task: str, reuse: tuple[str, ...] = (), raised: int | None = None
) -> KeptResponses:
    """Open the responses that a task of a phase keeps; `raised` is a budget in place of the
    recipe's."""
    meter = Meter(store, f"staging/{phase}/tokens.log", raised)
    return KeptResponses(store, f"{task_folder(phase, task)}/responses", reuse, meter)
