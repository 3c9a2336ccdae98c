"""The kinds of deduplication stages, each a class with the same methods; a recipe's stage is one of
them.

- equal (equal.py): documents whose keys are equal are duplicates;
- near (near.py): documents whose signatures meet in a band are compared;
- repeats (repeats.py): parts that many documents share are taken out of their texts.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.catalogue.stages import DEDUP_STAGES, EqualEntry, NearEntry, Recipe, RepeatsEntry
from pipelines.phases.deduplication.shuffle_records import DedupCounts, KnownSplit
from pipelines.phases.run_context import Run
from pipelines.staging.staged import StagedSplit
from pipelines.staging.tasks import Phase, Task, TaskResult
from stages.deduplication.keepers import preference_keys
from stages.deduplication.options import KeeperOrder


class DedupPhase(NamedTuple):
    """A dedup phase of a run: itself, those before it, the splits that have documents, the splits
    of indexes."""

    phase: Phase
    earlier: Sequence[Phase]
    splits: Sequence[StagedSplit]
    known: Sequence[KnownSplit] = ()

    @property
    def tasks(self) -> list[Task]:
        return [split.task() for split in self.splits]


class DedupKind(ABC):
    """How one dedup stage of a recipe finds duplicates, and what an index holds of it."""

    compares_documents = True  # and not parts of their texts
    measures = True  # how similar two duplicates are
    leaves_clusters = False  # of documents that it compared, kept ones among them
    row_field = "row"  # of `staged_dtype`, that numbers the document

    def __init__(self, recipe: Recipe, stage: str, config: Any) -> None:
        self.recipe, self.stage, self.config = recipe, stage, config

    @abstractmethod
    def find(self, run: Run, phase: DedupPhase) -> DedupCounts:
        """Write the removal lists of a phase; returns what was counted."""

    @abstractmethod
    def index_schema(self) -> pa.Schema | None:
        """Describe the entries of an index; none if the stage's keys are not of documents."""

    def key_settings(self) -> dict[str, Any]:
        """Return what decides the keys in addition to the options as they are written."""
        return {}

    @abstractmethod
    def key_arrays(self, block: pa.RecordBatch) -> tuple[npt.NDArray[Any], ...]:
        """Make the keys of a block as arrays, to see whether they are still made as they were."""

    def staged_dtype(self) -> np.dtype[Any]:
        """Describe what is staged for each document; TypeError if the stage's keys are not of
        documents."""
        raise TypeError(f"{self.stage} compares no documents")

    @property
    def keeper_order(self) -> KeeperOrder:
        """Which of several duplicates is kept: as the recipe says, or the first that was read."""
        return self.recipe.keeper_order or KeeperOrder(by=("first",))

    @property
    def criteria(self) -> tuple[str, ...]:
        """Name what tells which of several duplicates is kept, in order of importance."""
        return self.keeper_order.criteria

    @property
    def preference_count(self) -> int:
        """Count the sort keys by which it is decided which of several duplicates is kept."""
        return self.keeper_order.sort_keys

    def columns_read(self, columns: Sequence[str]) -> list[str]:
        """Add to some columns those that sort keys are made of."""
        return list(dict.fromkeys([*columns, *self.keeper_order.columns]))

    def sort_keys(self, block: pa.RecordBatch) -> npt.NDArray[np.uint64]:
        """Make the sort keys (n, k) of n documents."""
        return preference_keys(block, self.keeper_order)


_CLASSES = {
    EqualEntry: "equal:EqualKind",
    NearEntry: "near:NearKind",
    RepeatsEntry: "repeats:RepeatsKind",
}


def kind_of(recipe: Recipe, stage: str, config: Any = None) -> DedupKind:
    """Make the kind of a dedup stage, whose module is imported when it is needed."""
    module, name = _CLASSES[type(DEDUP_STAGES[stage])].split(":")
    kind = getattr(importlib.import_module(f"pipelines.phases.deduplication.{module}"), name)
    return cast("DedupKind", kind(recipe, stage, config))


def kinds_of(recipe: Recipe, phases: Sequence[Phase]) -> list[DedupKind]:
    """Make the kinds of a recipe's dedup phases; the first may be of ids, which the recipe does not
    name."""
    configs = [None] * (len(phases) - len(recipe.dedup)) + list(recipe.dedup)
    return [
        kind_of(recipe, phase.stage, config) for phase, config in zip(phases, configs, strict=True)
    ]


class KeyResult(TaskResult):
    """How many keys, or signatures, were made."""

    keys: int
