"""A phase that changes texts: each split's blocks go through one function, and what comes back
changed is staged.

Next to the parts, by row: the texts that changed (REWRITTEN), and the rows that the function turned
away or failed on (REMOVED). A text that comes back as it was takes no room.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.staging.staged import (
    REMOVED,
    REWRITTEN,
    SplitAfter,
    StagedSplit,
    removal_file,
    rewritten_file,
)
from pipelines.staging.store import Store
from pipelines.staging.tasks import Phase, Task, TaskResult, Worker, task_folder
from schemas.columns import arrange
from stages.batches import BoundStage, Filtered, run_stages

ROW = "row of the split"  # the name cannot be a column of a user's: it has spaces, which `keep` refuses


class Rewriter(Protocol):
    """Knows what to do with the texts of a split; pickled to the workers, where `open` loads what
    is heavy."""

    columns: tuple[str, ...]

    def open(self, split: StagedSplit) -> None:
        """Load what the next calls for this split need."""

    def rewrite(self, block: pa.RecordBatch) -> Filtered:
        """Change texts of a block; `block[ROW]` are the rows' places in the split, and stay with
        them."""

    def findings(self) -> pa.Table | None:
        """Return what was found in the split next to what was changed, to be staged with it."""


def rewriting_tasks(phase: Phase) -> str:
    """Name the tasks in which a phase rewrites."""
    return f"{phase.name}-rewritten"


class RewriteResult(TaskResult):
    """How many texts were changed, how many rows turned away, and how many code points fewer the
    texts have."""

    rewritten: int = 0
    removed: int = 0
    code_points: int = 0


class RewriteWorker(Worker[RewriteResult]):
    """Rewrites in one phase what earlier phases left of one split."""

    result = RewriteResult

    def __init__(
        self, store: Store, earlier: Sequence[Phase], phase: Phase, rewriter: Rewriter
    ) -> None:
        self.store, self.earlier, self.rewriting, self.rewriter = store, earlier, phase, rewriter
        self.phase = rewriting_tasks(phase)

    def run(self, task: Task) -> RewriteResult:
        staged = StagedSplit.model_validate(task.payload)
        split = SplitAfter(self.store, staged, self.earlier)
        self.rewriter.open(staged)
        stage = BoundStage(self.rewriting.stage, self.rewriter.rewrite)
        removed, rewritten, shorter = [REMOVED.empty_table()], 0, 0
        writer: pq.ParquetWriter | None = None
        with contextlib.ExitStack() as files:  # of texts, there is a file only if any changed
            for places, block in split.blocks(self.rewriter.columns):
                outcome = run_stages(block.append_column(ROW, pa.array(places)), [stage])
                for fate, turned_away in (
                    ("dropped", outcome.rejected),
                    ("failed", outcome.failed),
                ):
                    removed += [_removed(batch, fate) for batch in turned_away]
                changed, lost = _changed(block, places, outcome.kept)
                if changed.num_rows:
                    writer = writer or files.enter_context(
                        self.store.writing_parquet(
                            rewritten_file(self.rewriting, task.name),
                            REWRITTEN,
                            compression="zstd",
                            write_statistics=["row"],
                        )
                    )
                    writer.write_table(changed, row_group_size=changed.num_rows)
                    rewritten += changed.num_rows
                    shorter += lost
        table = pa.concat_tables(removed).sort_by("row")
        if table.num_rows:
            with self.store.writing_parquet(
                removal_file(self.rewriting, task.name), REMOVED, compression="zstd"
            ) as writer:
                writer.write_table(table)
        if (findings := self.rewriter.findings()) is not None:
            with self.store.writing_parquet(
                f"{task_folder(self.phase, task.name)}/findings.parquet",
                findings.schema,
                compression="zstd",
            ) as writer:
                writer.write_table(findings)
        return RewriteResult(rewritten=rewritten, removed=table.num_rows, code_points=shorter)


def _removed(batch: pa.RecordBatch, fate: str) -> pa.Table:
    """Project rows that a stage turned away onto REMOVED."""
    columns = {name: batch[name] for name in ("reason", "value", "threshold", "detail")}
    columns |= {"row": batch[ROW], "fate": pa.repeat(fate, batch.num_rows)}
    return arrange(columns, REMOVED, batch.num_rows)


def _changed(
    block: pa.RecordBatch, places: npt.NDArray[np.int64], kept: pa.RecordBatch
) -> tuple[pa.Table, int]:
    """Return the texts of `kept` that are not what they were in `block`, and how many code points
    they are shorter."""
    before = block["text"].take(pa.array(np.searchsorted(places, kept[ROW].to_numpy())))
    differs = pc.not_equal(before, kept["text"])
    changed = pa.table([kept[ROW].filter(differs), kept["text"].filter(differs)], REWRITTEN)
    lengths = (
        pc.sum(pc.utf8_length(texts)).as_py() or 0
        for texts in (before.filter(differs), changed["text"])
    )
    was, now = lengths
    return changed, was - now
