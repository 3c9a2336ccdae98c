"""Bound the share of made text: of each language at most so much of what is published was made.

Found documents are counted after deduplication and decontamination, then those made are taken in the order of
the hash of their ids until the bound is reached; the rest is left out. So the same documents stay
whatever the number of workers, and few change where a source grows. A language of which nothing was
found gets no made text, since all of it would be made. What is withdrawn later lets none in, so
that a withdrawal only ever takes rows away.

Why: models trained on too much generated text lose what is rare (Shumailov et al. 2024, "AI models
collapse when trained on recursively generated data"); mixed with found text they do not
(Gerstgrasser et al. 2024, "Is Model Collapse Inevitable?").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.catalogue.stages import bounded_share
from pipelines.phases.order import MADE_SHARE
from pipelines.phases.run_context import Run
from pipelines.staging.staged import REMOVED, SplitAfter, StagedSplit, removal_file
from pipelines.staging.store import Store
from pipelines.staging.tasks import Phase, Task, TaskResult, Worker, task_folder
from schemas.columns import arrange
from stages.keys import hash_keys

REASON = "over_share"
MADE = np.dtype([("row", "<i8"), ("order", "<u8"), ("size", "<i8"), ("label", "<u4")])


class SizeResult(TaskResult):
    """What is left of one split by label: documents or bytes of text."""

    sizes: tuple[tuple[str, int], ...]


class SizeWorker(Worker[SizeResult]):
    """Measures what earlier phases left of one split; of made documents, each."""

    phase = "augment-share"
    result = SizeResult

    def __init__(self, store: Store, phases: Sequence[Phase], by_bytes: bool) -> None:
        self.store, self.phases, self.by_bytes = store, phases, by_bytes

    def run(self, task: Task) -> SizeResult:
        split = SplitAfter(
            self.store, StagedSplit.model_validate(task.payload["split"]), self.phases
        )
        made = [np.empty(0, MADE)]
        labels: dict[str, int] = {}
        sizes = Counter[str]()
        columns = ["id", "text"] if self.by_bytes else ["id"]
        for run, table in split.runs(columns):
            rows = np.flatnonzero(split.kept(run))
            kept = table.take(pa.array(rows)).combine_chunks()
            own = np.empty(len(rows), MADE)
            own["row"], own["label"] = (
                run.first_row + rows,
                labels.setdefault(run.label, len(labels)),
            )
            own["size"] = (
                pc.binary_length(kept["text"]).to_numpy() if self.by_bytes else np.int64(1)
            )
            sizes[run.label] += int(own["size"].sum())
            if task.payload["made"] and len(rows):
                ids = pa.chunked_array(kept["id"].chunks).cast(pa.large_string()).combine_chunks()
                own["order"] = hash_keys(ids)["low"]
                made.append(own)
        if task.payload["made"]:
            self.store.save_array(_made_file(task.name), np.concatenate(made))
        return SizeResult(sizes=tuple((label, sizes[label]) for label in labels))


def size_task(task: Task, *, of_made: bool) -> Task:
    """Return the task of measuring a split, of documents that were read or made."""
    return task.model_copy(update={"payload": {"split": task.payload, "made": of_made}})


def _made_file(split: str) -> str:
    return f"{task_folder(SizeWorker.phase, split)}/made.npy"


def bound_made_share(
    run: Run, read: Sequence[StagedSplit], made: Sequence[StagedSplit], phases: Sequence[Phase]
) -> None:
    """Leave out the made documents that are beyond the bound of the recipe, if it has one.

    `phases` are those that may have removed documents; this one is none of them. Holds 28 bytes for
    each made document.
    """
    bound = bounded_share(run.recipe)
    if bound is None:
        return
    share, by_bytes = bound
    earlier = [phase for phase in phases if phase != MADE_SHARE]
    tasks = [
        size_task(split.task(), of_made=of_made)
        for splits, of_made in ((read, False), (made, True))
        for split in splits
        if split.documents
    ]
    done = run.tasks(SizeWorker(run.store, earlier, by_bytes), tasks)
    found = Counter[str]()
    for split in read:
        if split.documents:
            found.update(dict(done[split.name].sizes))
    held = [split for split in made if split.documents]
    labels: dict[str, int] = {}
    parts = []
    for place, split in enumerate(held):
        own = run.store.load_array(_made_file(split.name)).copy()
        codes = [labels.setdefault(label, len(labels)) for label, _ in done[split.name].sizes]
        own["label"] = np.asarray(codes, "<u4")[own["label"]]
        parts.append((np.full(len(own), place), own))
    if not parts:
        return
    owners, documents = (np.concatenate(column) for column in zip(*parts, strict=True))
    out, values = beyond_share(documents, np.array([found[label] for label in labels]), share)
    names = np.array(list(labels))
    for place, split in enumerate(held):
        own = out & (owners == place)
        rows = np.argsort(documents["row"][own])
        codes = documents["label"][own][rows]
        unit = "bytes" if by_bytes else "documents"
        columns = {
            "row": pa.array(documents["row"][own][rows]),
            "fate": pa.repeat("dropped", len(rows)),
            "reason": pa.repeat(REASON, len(rows)),
            "value": pa.array(values[codes]),
            "threshold": pa.repeat(share, len(rows)),
            "detail": pa.array([f"made {unit} of {label}" for label in names[codes]], pa.string()),
        }
        with run.store.writing_parquet(
            removal_file(MADE_SHARE, split.name), REMOVED, compression="zstd"
        ) as writer:
            writer.write_table(arrange(columns, REMOVED, len(rows)))


def beyond_share(
    documents: npt.NDArray[np.void], found: npt.NDArray[np.int64], share: float
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
    """Say of n MADE documents which are beyond the bound, and of each label what share all of them
    would be.

    Of a label of which the size f was found, the sizes made sum up to share * f / (1 - share) at
    most.
    """
    order = np.lexsort((documents["row"], documents["order"], documents["label"]))
    labels, sizes = documents["label"][order], documents["size"][order]
    before = np.cumsum(sizes) - sizes
    starts = np.flatnonzero(np.diff(labels, prepend=np.uint32(0xFFFFFFFF)))
    together = np.cumsum(sizes) - np.repeat(before[starts], np.diff([*starts, len(labels)]))
    # A whole number of documents; the smallest float above a bound such as 0.3 * 7 / 0.7 is none.
    most = np.floor(share * found / (1 - share) + 1e-9)
    out = np.zeros(len(documents), bool)
    out[order] = together > most[labels]
    made = np.bincount(documents["label"], documents["size"], minlength=len(found))
    return out, made / np.maximum(made + found, 1)
