"""The Beam side of running tasks: one DoFn for all phases, which counts in Beam's metrics."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.metrics import Metrics

from pipelines.staging.tasks import Task, TaskResult, Worker, run_task
from stages.batches import BoundStage


class RunTask(beam.DoFn):
    """Do a task and emit its name with its result; the worker's models are loaded once in
    `setup`."""

    def __init__(self, worker: Worker[Any]) -> None:
        self.worker = worker

    def setup(self) -> None:
        self.worker.setup()
        self.worker.bound_stages = [timed(stage) for stage in self.worker.bound_stages]

    def process(self, element: dict[str, Any]) -> Iterator[tuple[str, TaskResult]]:
        task = Task.model_validate(element)
        result = run_task(self.worker, task)
        for name, count in result.counts().items():
            count_in(self.worker.phase, name, count)
        yield task.name, result


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
            count_in(stage.name, "milliseconds", round(1000 * (time.process_time() - began)))

    return stage._replace(function=run)
