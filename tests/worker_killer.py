"""Loaded by Dask's workers before they work (`--preload`): a worker kills itself once at each of the
places that the file `armed` lists, in the folder that GLOTMILL_KILLS names.

- `task PHASE`: the first task of a phase; its files are written, its marker is not;
- `round CLASS`: the first call of a round of a shuffle; what it did is done, and what it found is
  lost.

Without a list, these are all places. A file named after each says that the kill has happened.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from apache_beam.runners.dask import transform_evaluator

from pipelines.staging import tasks

FOLDER = Path(os.environ["GLOTMILL_KILLS"])


def kill_once(place: str) -> None:
    """Kill this process, unless one was killed at this place before."""
    armed = FOLDER / "armed"
    if armed.exists() and (not (listed := armed.read_text()) or place in listed.splitlines()):
        try:
            (FOLDER / place).touch(exist_ok=False)
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)


def dask_setup(worker: Any) -> None:
    """Put the places into what this worker calls."""
    mark, run_bundle = tasks.mark, transform_evaluator.apply_dofn_to_bundle

    def killed_before_marker(store: Any, phase: str, task: Any, result: Any) -> Any:
        kill_once(f"task {phase}")
        return mark(store, phase, task, result)

    def killed_after_bundle(items: Any, arguments: Any, *others: Any) -> Any:
        results = run_bundle(items, arguments, *others)
        called = getattr(arguments[0].do_fn, "_fn", None)
        if type(called).__module__.startswith("pipelines."):
            kill_once(f"round {type(called).__name__}")
        return results

    tasks.mark = killed_before_marker
    transform_evaluator.apply_dofn_to_bundle = killed_after_bundle
