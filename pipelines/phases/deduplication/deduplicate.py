"""The dedup phase: the deduplication stages of a recipe one after another, and what each kept
document stands for.

Stages run in the recipe's order, each over what the ones before it kept, so that no document is
removed in favour of one that is itself removed. A source that brings its own ids is first checked
for ids used twice.

Of documents that repeat each other the recipe's `[keepers]` says which one is kept. Without it that
is the cleanest one of near duplicates, and of equals and other duplicates the first one in the
order of the input: sources as the recipe lists them, then file and position.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipelines.catalogue.stages import marks_page_languages
from pipelines.phases.deduplication.cluster_sizes import find_cluster_sizes
from pipelines.phases.deduplication.kinds import DedupPhase, kinds_of
from pipelines.phases.deduplication.shuffle_records import KnownSplit
from pipelines.phases.order import dedup_phases
from pipelines.phases.run_context import Run
from pipelines.staging.staged import StagedSplit, removal_folder
from pipelines.staging.tasks import Phase

_MARKS = "pipelines.phases.deduplication.page_languages:write_page_languages"


def deduplicate(
    run: Run, staged: Sequence[StagedSplit], known: Mapping[Phase, Sequence[KnownSplit]]
) -> None:
    """Write the removal lists of every dedup stage, under
    `staging/dedup-N-stage-removed/<split>.parquet`.

    `known` are the documents of indexes, by the phase that compares with them.
    """
    splits = [split for split in staged if split.documents]
    if not splits:
        return
    phases = dedup_phases(run.recipe)
    for position, (phase, kind) in enumerate(
        zip(phases, kinds_of(run.recipe, phases), strict=True)
    ):
        done = f"{removal_folder(phase)}/done.json"
        if not run.store.exists(done):
            counts = kind.find(
                run, DedupPhase(phase, phases[:position], splits, known.get(phase, ()))
            )
            if marks_page_languages(kind.config):
                run.function(_MARKS, splits, phase)
            run.store.write_json(done, counts.model_dump())
    find_cluster_sizes(run, splits, phases)
