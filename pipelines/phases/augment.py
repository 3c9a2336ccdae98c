"""The augment phase: documents made from documents that deduplication and decontamination left; and pairs of texts.

The new documents of a split are staged as a split of their own, `<split>-augment`, behind all splits that were read, so
that the documents that were read keep their places. Each says by `parent_id` what it was made from.

Pairs are no documents. They are made last, of what is published, and lie in a folder of their own. One whose new text
holds evaluation text is left out; its document stays, since what it says was looked through before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.catalogue.binding import bind_augment, bind_pairs
from pipelines.catalogue.stages import Recipe
from pipelines.phases.decontaminate import load_index
from pipelines.phases.publish.shards import file_record
from pipelines.phases.run import Run
from pipelines.staging.parts import PartsWriter
from pipelines.staging.staged import SplitAfter, StagedSplit, StagingResult, staged_split
from pipelines.staging.store import Store
from pipelines.staging.tasks import Phase, Task, TaskResult, Worker, task_folder
from schemas.manifest import FileRecord
from stages.decontamination.matching import ItemIndex, find_contamination
from stages.script_detection import detect_scripts
from stages.transliteration.transliterate import PAIR

PHASE = "augment"


class AugmentResult(StagingResult):
    """What was made of one split: by stage and source, how many documents."""

    created: tuple[tuple[str, str, int], ...]


class AugmentWorker(Worker[AugmentResult]):
    """Makes new documents from what earlier phases left of one split."""

    phase = PHASE
    result = AugmentResult

    def __init__(self, store: Store, recipe: Recipe, earlier: Sequence[Phase]) -> None:
        self.store, self.recipe, self.earlier = store, recipe, earlier

    def setup(self) -> None:
        self.stages = bind_augment(self.recipe)

    def run(self, task: Task) -> AugmentResult:
        split = SplitAfter(self.store, StagedSplit.model_validate(task.payload), self.earlier)
        writer = PartsWriter(self.store, task_folder(PHASE, task.name), self.recipe.engine.part_bytes)
        created: Counter[tuple[str, str]] = Counter()  # by stage and source
        for _, block in split.blocks():
            for stage, make in self.stages:
                made = make(block)
                writer.add(made)
                for count in pc.value_counts(made["source"]).to_pylist():
                    created[stage, count["values"]] += count["counts"]
        by_stage = tuple((*key, count) for key, count in sorted(created.items()))
        return AugmentResult(kept=created.total(), parts=writer.close(), created=by_stage)


class PairResult(TaskResult):
    """The file of pairs, if there are any."""

    file: FileRecord | None


class PairWorker(Worker[PairResult]):
    """Writes the pairs of texts that the published documents of one split give."""

    phase = "publish-pairs"
    result = PairResult

    def __init__(self, store: Store, recipe: Recipe, phases: Sequence[Phase]) -> None:
        self.store, self.recipe, self.phases = store, recipe, phases

    def setup(self) -> None:
        self.stages = bind_pairs(self.recipe)
        self._index: ItemIndex | None = None

    def run(self, task: Task) -> PairResult:
        split = SplitAfter(self.store, StagedSplit.model_validate(task.payload), self.phases)
        file, rows = f"pairs/{task.name}.parquet", 0
        with self.store.writing_parquet(file, PAIR, compression="zstd") as writer:
            for _, block in split.blocks():
                for give in self.stages:
                    made = self._decontaminated(give(block))
                    rows += made.num_rows
                    if made.num_rows:
                        writer.write_batch(made)
        if not rows:
            self.store.remove(file)
            return PairResult(file=None)
        return PairResult(file=file_record(self.store, file, rows))

    def _decontaminated(self, made: pa.RecordBatch) -> pa.RecordBatch:
        if not self.recipe.decontaminate or not made.num_rows:
            return made
        self._index = self._index or load_index(self.store)
        new = made["romanization"]
        written = {"id": made["id"], "text": new, "language": made["language"], "script": detect_scripts(new)}
        found = find_contamination(pa.record_batch(written), self._index, self.recipe.decontaminate)["row"]
        return made.filter(pc.invert(pc.is_in(pa.array(range(made.num_rows), pa.int64()), found)))


def write_pairs(run: Run, read: Sequence[StagedSplit], phases: Sequence[Phase]) -> list[FileRecord]:
    """Write the pairs of all splits that were read, if the recipe asks for any; returns the files for the manifest."""
    if not any(stage.mode == "pair" for stage in run.recipe.augment):
        return []
    tasks = [
        split.task().model_copy(update={"name": f"{position:05d}-{split.name}"})
        for position, split in enumerate(read)
        if split.documents
    ]
    done = run.tasks(PairWorker(run.store, run.recipe, phases), tasks)
    return [file for task in tasks if (file := done[task.name].file)]


def augment(
    run: Run, staged: Sequence[StagedSplit], earlier: Sequence[Phase]
) -> tuple[list[StagedSplit], Counter[tuple[str, str]]]:
    """Make the new documents of all splits: their splits, in the same order, and how many by stage and source."""
    if not any(stage.mode == "parallel" for stage in run.recipe.augment):
        return [], Counter()
    tasks = [_renamed(split.task()) for split in staged if split.documents]
    done = run.tasks(AugmentWorker(run.store, run.recipe, earlier), tasks)
    created: Counter[tuple[str, str]] = Counter()
    for result in done.values():
        for stage, source, count in result.created:
            created[stage, source] += count
    splits = [staged_split(task.name, done[task.name], PHASE) for task in tasks]
    return [split for split in splits if split.documents], created


def _renamed(task: Task) -> Task:
    return task.model_copy(update={"name": f"{task.name}-{PHASE}"})
