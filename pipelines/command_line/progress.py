"""Progress of a run, from the done markers alone: the bar of `glotmill run`, and `glotmill status`
elsewhere."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from pipelines.staging.store import PLAN, StagingError, Store
from pipelines.staging.tasks import Report, TaskResult
from pipelines.staging.tasks import Task as Work

# phases after ingest, in running order
_LATER = (
    "dedup",
    "augment",
    "decontaminate",
    "synthesize",
    "publish",
)


LINE_SECONDS = 30.0  # between lines where there is no terminal to draw a bar on


class _Rate(ProgressColumn):
    """Documents, MB a second and time left, once there is something to divide."""

    def render(self, task: Task) -> Text:
        documents = task.fields.get("documents", 0)
        elapsed, fresh = task.elapsed or 0.0, task.completed - task.fields.get("before", 0)
        if not elapsed or not fresh:
            return Text(f"{documents:,} documents")
        rate = fresh / elapsed
        left = f", {minutes((task.total - task.completed) / rate)} left" if task.total else ""
        return Text(f"{documents:,} documents, {rate / 1e6:.1f} MB/s{left}")


def minutes(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


@contextmanager
def progress_of(console: Console, weights: dict[str, int]) -> Iterator[Report]:
    """Show how far a run is: a bar on a terminal, elsewhere a line every 30 s."""
    if console.is_terminal:
        with progress_bar(console, weights) as report:
            yield report
    else:
        lines = ProgressLines(weights)
        with lines.printed_every(LINE_SECONDS, console):
            yield lines.report


class ProgressLines:
    """Counts what tasks report, for a log that somebody reads later."""

    def __init__(self, weights: dict[str, int]) -> None:
        self._weights = weights
        self._total = max(sum(weights.values()), 1)
        self._read: set[str] = set()  # splits; what is done ahead of its phase is reported twice
        self._documents = self._bytes = self._later = 0

    def report(self, task: Work, result: TaskResult) -> None:
        if task.name in self._weights and "bytes_in" in (counts := result.counts()):
            if task.name in self._read:
                return
            self._read.add(task.name)
            self._documents += counts["documents_in"]
            self._bytes += self._weights[task.name]
        else:
            self._later += 1

    def line(self) -> str:
        if self._later:
            return f"phases after ingest: {self._later:,} tasks done, {self._documents:,} documents read"
        share = self._bytes / self._total
        splits = f"{len(self._read):,} of {len(self._weights):,} splits"
        return f"ingest: {share:.0%} of the input, {splits}, {self._documents:,} documents"

    @contextmanager
    def printed_every(self, seconds: float, console: Console) -> Iterator[None]:
        """Print a line from a thread of its own until the block ends."""
        ended = threading.Event()

        def print_lines() -> None:
            begun = time.monotonic()
            while not ended.wait(seconds):
                print(
                    f"glotmill: {minutes(time.monotonic() - begun)} {self.line()}",
                    file=console.file,
                    flush=True,
                )

        printer = threading.Thread(target=print_lines, daemon=True)
        printer.start()
        try:
            yield
        finally:
            ended.set()
            printer.join()


@contextmanager
def progress_bar(console: Console, weights: dict[str, int]) -> Iterator[Report]:
    """Show a bar over the ingest of splits of the given bytes; other phases show the task they
    finished last."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        _Rate(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("ingest", total=sum(weights.values()), documents=0)
        later = progress.add_task("", total=None, visible=False)
        read: set[str] = set()  # splits; what is done ahead of its phase is reported twice

        def report(task: Work, result: TaskResult) -> None:
            if task.name in weights and "bytes_in" in (counts := result.counts()):
                if task.name in read:
                    return
                read.add(task.name)
                documents = progress.tasks[bar].fields["documents"] + counts["documents_in"]
                progress.update(bar, advance=weights[task.name], documents=documents)
            else:
                progress.update(
                    later,
                    visible=True,
                    description="phases after ingest",
                    advance=task.weight_bytes,
                )

        yield report


class Status(NamedTuple):
    """How far a run is: splits, documents and bytes of the ingest phase, and seconds since it
    began."""

    phase: str  # ingest, or a later one with its stage: dedup near
    running: bool | None  # None where only a run on this machine could be seen
    splits_done: int
    splits: int
    documents: int
    bytes_done: int
    bytes: int
    seconds: float


def read_status(store: Store) -> Status:
    """Read how far a run is from its plan and markers; raises StagingError if none has begun
    there."""
    try:
        weights: dict[str, int] = store.read_json(PLAN)["weights"]
    except FileNotFoundError:
        raise StagingError(
            f"no run has begun in {store.url}; begin one with glotmill run RECIPE --output {store.url}"
        ) from None
    marked = store.read_marks("staging/ingest")
    done = [name for name in weights if name in marked]
    later = [name for name in store.names("staging") if name.startswith(_LATER)]
    return Status(
        phase=_last_phase(later),
        running=store.is_locked(),
        splits_done=len(done),
        splits=len(weights),
        documents=sum(json.loads(marked[name])["documents_in"] for name in done),
        bytes_done=sum(weights[name] for name in done),
        bytes=sum(weights.values()),
        seconds=max(0.0, time.time() - store.fs.modified(store.full(PLAN)).timestamp()),
    )


def stopped_run(store: Store) -> str:
    """Say how far an earlier run came that did not finish; empty if there is none."""
    if store.exists("manifest.json") or not store.exists(PLAN):
        return ""
    found = read_status(store)
    return f"{found.splits_done:,} of {found.splits:,} splits are read, it was in {found.phase}"


def _last_phase(folders: Sequence[str]) -> str:
    """Name the last of the phases that have folders, a deduplication with its stage.

    >>> _last_phase(["dedup-0-exact", "dedup-1-near-removed", "dedup-1-near"]), _last_phase([])
    ('dedup near', 'ingest')
    """
    if not folders:
        return "ingest"
    family, *rest = max(folders, key=lambda name: (_LATER.index(name.split("-")[0]), name)).split(
        "-"
    )
    return f"{family} {rest[1]}" if family == "dedup" and len(rest) > 1 else family
