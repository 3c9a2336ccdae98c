"""The Beam side of running tasks: a DoFn for all phases, which counts in Beam's metrics."""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.metrics import Metrics

from pipelines.runners.worker_site import WorkerSite
from pipelines.staging.tasks import Link, Task, run_task
from schemas.failures import FailureError
from stages.batches import BoundStage

END_OF_LINE = " (end of task)"  # by which the line is found in what a runner makes of it
LINKS_KEPT = (
    8  # in a thread, with the models of their workers: a chain of phases has so many at most
)
_kept = threading.local()  # the links that this thread did its last tasks for


class TaskError(FailureError):
    """A task failed in a job; its line says which one, and why."""


class RunTask(beam.DoFn):
    """Do the task of a link, and emit what goes on; the worker's models are loaded once in a
    thread, when its machine has what it must have.

    Some runners set up a DoFn for every few elements, as Dask does for each partition, and go with
    each along the whole chain.
    """

    def __init__(self, link: Link, site: WorkerSite | None = None) -> None:
        self.packed, self.site = pickle.dumps(link), site

    def setup(self) -> None:
        kept: dict[bytes, Link] = _kept.__dict__.setdefault("links", {})
        link = kept.pop(self.packed, None)
        if link is None:
            if self.site:
                self.site.prepare()
            link = pickle.loads(self.packed)  # noqa: S301  # our launcher's own
            link.worker.setup()
            link.worker.bound_stages = [timed(stage) for stage in link.worker.bound_stages]
        kept[self.packed] = link  # the last one
        while len(kept) > LINKS_KEPT:
            del kept[next(iter(kept))]
        self.link: Link = link
        self.link.worker.store.forget()  # what was kept may be of an earlier job

    def process(self, element: object) -> Iterator[Any]:
        worker, come = self.link.worker, Task.model_validate(element)
        task = self.link.task(come)
        try:
            result = run_task(worker, task)
        except Exception as error:  # whatever it is, the launcher reports it as one line
            words = " ".join(f"{type(error).__name__}: {error}".split())
            raise TaskError(f"task {worker.phase} {task.name}: {words}{END_OF_LINE}") from error
        for name, count in result.counts().items():
            count_in(worker.phase, name, count)
        for next_task in self.link.after(come, result):
            yield next_task.model_dump()


def count_in(namespace: str, name: str, by: int) -> None:
    """Add to one of Beam's counters, which a cluster shows while a job runs."""
    Metrics.counter(namespace, name).inc(by)


def timed(stage: BoundStage) -> BoundStage:
    """Let a stage count, under its name, the `documents` that reach it and its CPU
    `milliseconds`."""

    def run(block: pa.RecordBatch) -> Any:
        began = time.process_time()
        try:
            return stage.function(block)
        finally:
            count_in(stage.name, "documents", block.num_rows)
            count_in(stage.name, "bytes", block.nbytes)
            count_in(stage.name, "milliseconds", round(1000 * (time.process_time() - began)))

    return stage._replace(function=run)
