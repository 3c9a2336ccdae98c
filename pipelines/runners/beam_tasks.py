"""The Beam side of running tasks: one DoFn for all phases, and the pipeline a local worker process runs."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.metrics import Metrics
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipelines.staging.tasks import Task, TaskResult, Worker, run_task
from stages.batches import BoundStage

# A local worker's queue ends. They cannot be pickled into a pipeline, but the runner is in this very process, and
# functions of a module are pickled by name.
_CLAIMS: list[Iterator[dict[str, Any]]] = []
_ANSWER: list[Callable[[tuple[TaskResult, None]], None]] = []
FAILURES: list[Exception] = []  # what a task raised, before Beam wraps it in its own words


class RunTask(beam.DoFn):
    """Do a task and emit its name with its result; the worker's models are loaded once in `setup`."""

    def __init__(self, worker: Worker[Any]) -> None:
        self.worker = worker

    def setup(self) -> None:
        self.worker.setup()
        self.worker.bound_stages = [timed(stage) for stage in self.worker.bound_stages]

    def process(self, element: dict[str, Any]) -> Iterator[tuple[str, TaskResult]]:
        task = Task.model_validate(element)
        try:
            result = run_task(self.worker, task)
        except Exception as error:
            FAILURES.append(error)
            raise
        for name, count in result.counts().items():
            count_in(self.worker.phase, name, count)
        yield task.name, result


def count_in(namespace: str, name: str, by: int) -> None:
    """Add to one of Beam's counters, which a cluster shows while a job runs."""
    Metrics.counter(namespace, name).inc(by)


def timed(stage: BoundStage) -> BoundStage:
    """Let a stage count, under its name, the `documents` that reach it and its CPU `milliseconds`."""

    def run(block: pa.RecordBatch) -> Any:
        began = time.process_time()
        try:
            return stage.function(block)
        finally:
            count_in(stage.name, "documents", block.num_rows)
            count_in(stage.name, "milliseconds", round(1000 * (time.process_time() - began)))

    return stage._replace(function=run)


def local_pipeline(options: Sequence[str] = ()) -> beam.Pipeline:
    """Make a pipeline for the in-process runner, without the folder that Beam makes for other languages' transforms."""
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions(list(options)))
    shutil.rmtree(pipeline.local_tempdir)  # a worker that is ended would leave it
    return pipeline


def _claim(_: int) -> Iterator[dict[str, Any]]:
    return _CLAIMS[0]


def _answer(done: tuple[str, TaskResult]) -> None:
    _ANSWER[0]((done[1], None))


def run_claims(
    worker: Worker[Any], claims: Iterator[dict[str, Any]], answer: Callable[[tuple[TaskResult, None]], None]
) -> None:
    """Run a pipeline over the tasks that `claims` yields, one after another, answering for each as it ends."""
    _CLAIMS[:], _ANSWER[:] = [claims], [answer]
    with local_pipeline() as pipeline:
        (
            pipeline
            | "Lane" >> beam.Create([0], reshuffle=False)
            | "Claim" >> beam.FlatMap(_claim)
            | "RunTask" >> beam.ParDo(RunTask(worker))
            | "Answer" >> beam.Map(_answer)
        )
