"""Tasks and shuffles as jobs of a Beam runner on other machines, watched from here.

A job says little while it runs, so this process lists the markers of its tasks every few seconds
and reports what is new. A long list of tasks goes into files, of which the job's graph holds the
names only: a graph of 100,000 tasks would have 11 MB, and services refuse graphs of 10 MB.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.runners.beam_tasks import RunTask
from pipelines.runners.local import Runner, WorkerError
from pipelines.runners.shuffles import Shuffle
from pipelines.staging.store import Store
from pipelines.staging.tasks import Report, Result, Task, Worker, finished

TASKS_IN_GRAPH = 1_000  # above it, tasks go into files of as many
POLL_SECONDS = 5.0  # between two listings of markers
AGAIN = "nothing finished is lost: run the same command again to go on"


def run_on_beam(
    worker: Worker[Result], tasks: Sequence[Task], runner: Runner, report: Report
) -> dict[str, Result]:
    """Run tasks as one job, and return their results by name.

    Raises WorkerError if the job fails, or leaves a task without its marker.
    """
    by_name = {task.name: task for task in tasks}
    done: dict[str, Result] = {}

    def look() -> None:
        new = finished(worker, tasks, done.keys())
        done.update(new)
        for name, result in new.items():
            report(by_name[name], result)

    run_job(runner, lambda pipeline: _compose(pipeline, worker, tasks), look)
    if missing := [task.name for task in tasks if task.name not in done]:
        raise WorkerError(
            f"the job of {worker.phase} ended, and {len(missing):,} of {len(tasks):,} tasks left no marker in "
            f"{worker.store.url}, the first {missing[0]}: all workers must see --output under this name; choose a "
            "folder that they share, or an object store"
        )
    return done


def shuffle_on_beam(shuffle: Shuffle, runner: Runner) -> None:
    """Run the rounds of a shuffle as one job. Raises WorkerError if it fails."""
    run_job(runner, lambda pipeline: compose_shuffle(pipeline, shuffle))


def compose_shuffle(pipeline: beam.Pipeline, shuffle: Shuffle) -> None:
    """Put the rounds of a shuffle on a pipeline, a `GroupByKey` between each two of them."""
    records = (
        pipeline
        | "Elements" >> beam.Create(list(shuffle.elements), reshuffle=False)
        | "Spread" >> beam.Reshuffle()
    )
    for number, work in enumerate(shuffle.rounds):
        if number:
            records |= f"Group{number}" >> beam.GroupByKey()
        records |= f"Round{number}{type(work).__name__}" >> beam.FlatMap(work).with_output_types(
            tuple[int, Any]
        )


def run_job(
    runner: Runner,
    compose: Callable[[beam.Pipeline], object],
    look: Callable[[], None] = lambda: None,
) -> None:
    """Run the pipeline that `compose` builds; `look` is called every few seconds, and when the job
    has ended.

    Raises WorkerError with the job's failure in one line. The job runs in a thread of its own: some
    runners return when it is submitted, others when it is over.
    """
    failures: list[tuple[BaseException, str]] = []
    ended = threading.Event()

    def submit() -> None:
        try:
            pipeline = beam.Pipeline(
                runner=runner.name, options=PipelineOptions(list(runner.beam_options))
            )
            compose(pipeline)
            pipeline.run().wait_until_finish()
        except BaseException as error:  # the thread that waits raises it
            failures.append((error, traceback.format_exc()))
        finally:
            ended.set()

    threading.Thread(target=submit, daemon=True).start()
    while not ended.wait(POLL_SECONDS):
        look()
    look()
    if failures:
        error, details = failures[0]
        words = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise WorkerError(
            f"the job failed: {type(error).__name__}: {(words or ['no reason given'])[-1]}; {AGAIN}",
            details,
        )


def _compose(pipeline: beam.Pipeline, worker: Worker[Any], tasks: Sequence[Task]) -> None:
    phase = worker.phase
    if len(tasks) <= TASKS_IN_GRAPH:
        listed = pipeline | f"{phase} tasks" >> beam.Create(
            [task.model_dump() for task in tasks], reshuffle=False
        )
    else:
        files = list(_write_lists(worker.store, phase, tasks))
        names = pipeline | f"{phase} lists" >> beam.Create(files, reshuffle=False)
        listed = names | f"{phase} tasks" >> beam.ParDo(_ReadList(worker.store))
    listed | f"{phase} spread" >> beam.Reshuffle() | phase >> beam.ParDo(RunTask(worker))


def _write_lists(store: Store, phase: str, tasks: Sequence[Task]) -> Iterator[str]:
    for start in range(0, len(tasks), TASKS_IN_GRAPH):
        file = f"staging/{phase}-tasks/{start:08d}.json"
        store.write_json(
            file, [task.model_dump(mode="json") for task in tasks[start : start + TASKS_IN_GRAPH]]
        )
        yield file


class _ReadList(beam.DoFn):
    def __init__(self, store: Store) -> None:
        self.store = store

    def process(self, file: str) -> Iterator[dict[str, Any]]:
        yield from self.store.read_json(file)
