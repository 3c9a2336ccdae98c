"""Tasks and shuffles as jobs of a Beam runner on other machines, watched from here.

A job says little while it runs, so this process lists the markers of its tasks every few seconds
and reports what is new. A long list of tasks goes into files, of which the job's graph holds the
names only: a graph of 100,000 tasks would have 11 MB, and services refuse graphs of 10 MB.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import re
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineResult

from pipelines.runners.beam_tasks import END_OF_LINE, RunTask
from pipelines.runners.local import Runner, WorkerError
from pipelines.runners.shuffles import Shuffle
from pipelines.runners.worker_site import WorkerSite
from pipelines.staging.store import AGAIN, Store
from pipelines.staging.tasks import Group, Report, finished
from schemas.failures import store_errors

TASKS_IN_GRAPH = 1_000  # above it, they go into files of which the graph has at most so many names
TASKS_IN_FILE = 20  # at least; a file's tasks are dealt out together where a runner cannot spread
WRITERS = 16  # files with tasks that are written side by side
POLL_SECONDS = 5.0  # between two listings of markers
POLL_SHARE = 0.1  # of the time that listing may take: long listings are made less often
_TASK_LINE = re.compile(f"TaskError: task (.*?){re.escape(END_OF_LINE)}", re.DOTALL)
# Beam would run `pip freeze` for each job, which takes a second, to log where a worker has other
# packages; ours refuse to work then, and say which.
_OWN_OPTIONS = ("--experiments=disable_logging_submission_environment",)
# Beam logs what is no warning, and tracebacks of failures that are reported here in one line.
_QUIET = {
    "apache_beam.runners.common": logging.CRITICAL,
    "apache_beam.utils.subprocess_server": logging.ERROR,
    "PrismRunner": logging.ERROR,
}
_numbers = itertools.count(1)  # of the jobs that this process submits


def run_on_beam(groups: Sequence[Group], runner: Runner, report: Report) -> list[dict[str, Any]]:
    """Run groups of tasks as one job, and return the results of each group by task.

    Raises WorkerError if the job fails, or leaves a task without its marker.
    """
    watched = _Watched(groups, report)
    name = " and ".join(dict.fromkeys(group.worker.phase for group in groups))
    run_job(runner, name, _compose_groups(groups, runner.site), watched)
    return watched.done


def shuffle_on_beam(shuffle: Shuffle, runner: Runner, before: Group | None, report: Report) -> None:
    """Run the rounds of a shuffle as one job, whose last elements each have a task to do `before`.

    Raises WorkerError if the job fails, or leaves a task without its marker.
    """
    watched = _Watched([before] if before else [], report)
    run_job(
        runner,
        shuffle.name,
        lambda pipeline: compose_shuffle(pipeline, shuffle, before, runner.site),
        watched,
    )


class _Watched:
    """The tasks of a job, by groups: what is done of them, as their markers say."""

    def __init__(self, groups: Sequence[Group], report: Report) -> None:
        self.tasks = [(group.worker, group.tasks) for group in groups]
        self.report = report
        self.done: list[dict[str, Any]] = [{} for _ in groups]
        self.total = sum(len(tasks) for _, tasks in self.tasks)

    @property
    def url(self) -> str:
        return self.tasks[0][0].store.url

    def look(self) -> None:
        for (worker, tasks), done in zip(self.tasks, self.done, strict=True):
            new = finished(worker, tasks, done.keys())
            done.update(new)
            for task in tasks:
                if task.name in new:
                    self.report(task, new[task.name])

    def missing(self) -> list[str]:
        return [
            task.name
            for (_, tasks), done in zip(self.tasks, self.done, strict=True)
            for task in tasks
            if task.name not in done
        ]


def run_job(
    runner: Runner, name: str, compose: Callable[[beam.Pipeline], object], watched: _Watched
) -> None:
    """Run the pipeline that `compose` builds; a thread looks at what is done every few seconds.

    Raises WorkerError with the job's failure in one line, or if a task has no marker. The job is
    run by the thread that asks, since job servers that Beam starts want to hear of signals.
    """
    tasks = f", {watched.total:,} tasks" if watched.total else ""
    runner.announce(f"job {next(_numbers)}: {name}{tasks}")
    for logger, level in _QUIET.items():
        logging.getLogger(logger).setLevel(level)
    failure: tuple[Exception, str] | None = None
    result: PipelineResult | None = None
    with _watching(watched):
        try:
            options = PipelineOptions([*_OWN_OPTIONS, *runner.beam_options])
            pipeline = beam.Pipeline(runner=runner.name, options=options)
            compose(pipeline)
            result = pipeline.run()
            result.wait_until_finish()
        except Exception as error:  # whatever a runner raises, it is reported as one line
            failure = error, traceback.format_exc()
        except BaseException:
            if result:
                # what ends this process is reported, whatever comes of the job
                with contextlib.suppress(Exception):
                    result.cancel()
            raise
        finally:
            if client := getattr(result, "client", None):
                client.close()  # Dask's, which goes on asking its scheduler
    watched.look()
    missing = watched.missing()
    if failure:
        raise WorkerError(f"{_failure_line(name, *failure, missing)}; {AGAIN}", failure[1])
    if missing:
        raise WorkerError(
            f"the job of {name} ended, and {len(missing):,} of {watched.total:,} tasks left no "
            f"marker in {watched.url}, the first {missing[0]}: all workers must see --output under this name; choose "
            "a folder that they share, or an object store"
        )


@contextlib.contextmanager
def _watching(watched: _Watched) -> Iterator[None]:
    ended = threading.Event()

    def watch() -> None:
        pause = POLL_SECONDS
        while not ended.wait(pause):
            began = time.monotonic()
            # what cannot be listed now is listed later, at the latest when the job has ended
            with contextlib.suppress(*store_errors()):
                watched.look()
            pause = max(POLL_SECONDS, (time.monotonic() - began) / POLL_SHARE)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def _failure_line(name: str, error: Exception, details: str, missing: list[str]) -> str:
    if found := _TASK_LINE.search(details):
        return f"the job failed at task {found[1]}"
    words = [line.strip() for line in str(error).splitlines() if line.strip()]
    left = f", with {len(missing):,} tasks left, the first {missing[0]}" if missing else ""
    why = (words or ["no reason given"])[-1]
    return f"the job of {name} failed{left}: {type(error).__name__}: {why}"


def _compose_groups(
    groups: Sequence[Group], site: WorkerSite | None = None
) -> Callable[[beam.Pipeline], object]:
    """Lay the groups next to each other, each a chain of steps that are named by their phases.

    They end in one step, since Dask computes the last one and what leads to it.
    """

    def compose(pipeline: beam.Pipeline) -> None:
        ends = [_chain(pipeline, group, site) for group in groups]
        if len(ends) > 1:
            _ = ends | "all" >> beam.Flatten()

    return compose


def _chain(pipeline: beam.Pipeline, group: Group, site: WorkerSite | None) -> Any:
    first = group.worker
    coming = [task.model_dump(mode="json") for task in group.coming]
    chain = _listed(pipeline, first.store, first.phase, coming)
    for place, link in enumerate(group.links):
        label = link.worker.phase + (f", step {place + 1}" if len(group.links) > 1 else "")
        chain |= label >> beam.ParDo(RunTask(link, site))
    return chain


def compose_shuffle(
    pipeline: beam.Pipeline,
    shuffle: Shuffle,
    before: Group | None = None,
    site: WorkerSite | None = None,
) -> None:
    """Put the rounds of a shuffle on a pipeline, a `GroupByKey` between each two of them."""
    elements: list[Any] = list(shuffle.elements)
    if before:
        tasks = [task.model_dump(mode="json") for task in before.coming]
        none = [None] * (len(elements) - len(tasks))
        pairs = list(zip(elements, [*none, *tasks], strict=True))
        listed = _listed(pipeline, before.worker.store, shuffle.name, pairs)
        records = listed | before.worker.phase >> beam.ParDo(_RunBefore(before.links[0], site))
    else:
        records = (
            pipeline
            | f"{shuffle.name} elements" >> beam.Create(elements, reshuffle=False)
            | f"{shuffle.name} spread" >> beam.Reshuffle()
        )
    for number, work in enumerate(shuffle.rounds):
        if number:
            records |= f"{shuffle.name} group {number}" >> beam.GroupByKey()
        label = f"{shuffle.name} round {number + 1} {type(work).__name__.strip('_')}"
        records |= label >> beam.FlatMap(work).with_output_types(tuple[int, Any])


class _RunBefore(RunTask):
    """Do the task that an element may have, of (element, task), and emit the element."""

    def process(self, element: Any) -> Iterator[Any]:
        of, task = element
        if task:
            list(super().process(task))
        yield of


def _listed(pipeline: beam.Pipeline, store: Store, name: str, items: Sequence[Any]) -> Any:
    """Put items, which JSON can hold, on a pipeline, spread over its workers."""
    if len(items) <= TASKS_IN_GRAPH:
        listed = pipeline | f"{name} tasks" >> beam.Create(items, reshuffle=False)
    else:
        files = _write_lists(store, name, items)
        names = pipeline | f"{name} lists" >> beam.Create(files, reshuffle=False)
        listed = names | f"{name} tasks" >> beam.ParDo(_ReadList(store))
    return listed | f"{name} spread" >> beam.Reshuffle()


def _write_lists(store: Store, name: str, items: Sequence[Any]) -> list[str]:
    length = max(TASKS_IN_FILE, -(-len(items) // TASKS_IN_GRAPH))
    folder = f"staging/{name.replace(' ', '-')}-tasks"
    files = {f"{folder}/{start:08d}.json": start for start in range(0, len(items), length)}
    with ThreadPoolExecutor(WRITERS) as writers:  # an object store answers each after a while
        list(
            writers.map(
                lambda file: store.write_json(file, items[files[file] : files[file] + length]),
                files,
            )
        )
    return list(files)


class _ReadList(beam.DoFn):
    def __init__(self, store: Store) -> None:
        self.store = store

    def process(self, file: str) -> Iterator[Any]:
        yield from self.store.read_json(file)
