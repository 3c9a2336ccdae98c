"""The dedup phase of `near` over pages that are staged already, in a process that imports nothing
else.

python -m tests.benchmarks.dedup_phase FOLDER [--verify signature] [--signed] [--max-edges N]
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from pipelines.catalogue.stages import Recipe
from pipelines.phases.deduplication.deduplicate import deduplicate
from pipelines.phases.run_context import Run
from pipelines.runners.local import Runner, fork_server, warm_up
from pipelines.staging.staged import StagedSplit
from pipelines.staging.store import Store
from schemas.recipe import parse_recipe

STAGED = "staging/staged.json"
PHASE = "dedup-0-near"
RECIPE = """
[corpus]
name = "help_pages"

[[sources]]
name = "help"
format = "warc"
paths = ["{paths}"]

[[ingest]]
stage = "extract_text"

[[ingest]]
stage = "identify_language"

[[dedup]]
stage = "near"
"""


def read_splits(store: Store) -> list[StagedSplit]:
    return [StagedSplit.model_validate(split) for split in store.read_json(STAGED)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--verify", default="shingles", help="what the stage compares candidates by"
    )
    parser.add_argument("--signed", action="store_true", help="the signatures are made already")
    parser.add_argument("--max-edges", type=int, help="edges whose clusters are found in memory")
    arguments = parser.parse_args()
    fork_server()  # as `glotmill run` does
    warm_up()
    store = Store(str(arguments.folder))
    for left in (f"{PHASE}-removed", "cluster-sizes", *([] if arguments.signed else [PHASE])):
        store.remove(f"staging/{left}")
    recipe = parse_recipe(RECIPE.format(paths="*.warc") + f'verify = "{arguments.verify}"', Recipe)
    runner = Runner(workers=1)
    if arguments.max_edges is not None:
        runner = replace(runner, max_edges=arguments.max_edges)
    deduplicate(Run(store, recipe, runner, lambda *_: None), read_splits(store), {})


if __name__ == "__main__":
    main()
