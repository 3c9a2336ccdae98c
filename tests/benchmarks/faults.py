"""Faults of every kind over a recipe of all phases: `make chaos`, or `make bench NAME=faults`.

Each trial meets several faults, is started again after each that ends it, and must end with the
bytes of the undisturbed run: tests/chaos/trials.py says what else is held. `FAULTS` (300) and
`SEED` (1) of the environment choose how many, and which.

Each line after a trial is JSON, as is the last: `faults` that happened, `runs` of the command, `documents_lost`,
`bytes_differ` (trials), `problems`, and `by_kind` of fault.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.chaos.failing_store import FailingStore
from tests.chaos.store_trials import StoreScene, draw_store_trials, store_environment
from tests.chaos.trials import Scene, Tally, draw_trials

FAULTS_OF_A_TRIAL = 16


def main() -> None:
    count, seed = (int(os.environ.get(name) or n) for name, n in (("FAULTS", 300), ("SEED", 1)))
    of_store = count // 10
    store = FailingStore()
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        store.serving() as address,
        store_environment(address),
        contextlib.closing(Scene(Path(folder), workers=2)) as scene,
    ):
        tally, told = scene.tally, 0
        stored = StoreScene(scene, store)
        trials: list[Callable[[], None]] = [
            *(
                partial(scene.try_faults, trial)
                for trial in draw_trials(scene.places, seed, count - of_store, FAULTS_OF_A_TRIAL)
            ),
            *(
                partial(stored.try_faults, trial)
                for trial in draw_store_trials(stored.places, seed, of_store, FAULTS_OF_A_TRIAL)
            ),
        ]
        for trial in trials:
            trial()
            print(*tally.problems[told:], sep="\n", end="\n" * (told < len(tally.problems)))
            told = len(tally.problems)
            print(json.dumps(_figures(tally)), flush=True)


def _figures(tally: Tally) -> dict[str, Any]:
    return {
        "faults": tally.faults.total(),
        "runs": tally.runs,
        "documents_lost": tally.documents_lost.total(),
        "bytes_differ": tally.bytes_differ.total(),
        "problems": len(tally.problems),
        "by_kind": {
            kind: {
                "faults": tally.faults[kind],
                "documents_lost": tally.documents_lost[kind],
                "bytes_differ": tally.bytes_differ[kind],
            }
            for kind in sorted(tally.faults)
        },
    }


if __name__ == "__main__":
    main()
