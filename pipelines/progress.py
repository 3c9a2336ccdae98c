"""Progress of a run, from the done markers alone: the bar of `glotmill run`, and `glotmill status` elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from pipelines.staging import PLAN, StagingError, Store
from pipelines.tasks import Counts, Report, marker
from pipelines.tasks import Task as Work

_LATER = ("dedup", "augment", "decontaminate", "publish")  # phases after ingest, in running order


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
def progress_bar(console: Console, weights: dict[str, int]) -> Iterator[Report]:
    """Show a bar over the ingest of splits of the given bytes; other phases show the task they finished last."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), _Rate(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("ingest", total=sum(weights.values()), documents=0)
        later = progress.add_task("", total=None, visible=False)

        def report(task: Work, counts: Counts) -> None:
            if task.name in weights and "bytes_in" in counts:
                documents = progress.tasks[bar].fields["documents"] + counts["documents_in"]
                progress.update(bar, advance=weights[task.name], documents=documents)
            else:
                progress.update(later, visible=True, description="phases after ingest", advance=task.weight_bytes)

        yield report


class Status(NamedTuple):
    """How far a run is: splits, documents and bytes of the ingest phase, and seconds since it began."""

    phase: str
    splits_done: int
    splits: int
    documents: int
    bytes_done: int
    bytes: int
    seconds: float


def read_status(store: Store) -> Status:
    """Read how far a run is from its plan and markers; raises StagingError if none has begun there."""
    if not store.exists(PLAN):
        raise StagingError(f"no run has begun in {store.url}; begin one with glotmill run RECIPE --output {store.url}")
    weights: dict[str, int] = store.read_json(PLAN)["weights"]
    begun = store.names("staging/ingest")
    done = [name for name in weights if name in begun and store.exists(marker("ingest", name))]
    later = sorted(name for name in store.names("staging") if name.startswith(_LATER))
    return Status(
        phase=max((name.split("-")[0] for name in later), key=_LATER.index, default="ingest"),
        splits_done=len(done),
        splits=len(weights),
        documents=sum(store.read_json(marker("ingest", name))["documents_in"] for name in done),
        bytes_done=sum(weights[name] for name in done),
        bytes=sum(weights.values()),
        seconds=max(0.0, time.time() - store.fs.modified(store.full(PLAN)).timestamp()),
    )
