"""Phases through which a split goes without waiting for another: on a cluster, one job.

ingest ──┬── deduplication, if any: all splits meet ──┐
         └────────────────────────────────────────────┴── decontaminate ── measure ── synthesize
             measure ── decontaminate ── augment: the made split ─────────────────────┘
"""

from __future__ import annotations

from functools import partial

from pipelines.catalogue.stages import bounded_share, makes_documents
from pipelines.phases.augment import PHASE as AUGMENT
from pipelines.phases.augment import AugmentWorker, augment_task
from pipelines.phases.decontaminate import decontamination_worker
from pipelines.phases.ingest import IngestWorker
from pipelines.phases.made_share import SizeWorker, size_task
from pipelines.phases.order import MADE_SHARE, phases_after_ingest
from pipelines.phases.publish.splits import chooses_splits
from pipelines.phases.run_context import Run
from pipelines.phases.synthesize import SynthesisWorker, synthesis_task
from pipelines.staging.staged import StagingResult, staged_split
from pipelines.staging.tasks import Link, Task, as_it_is, the_same
from schemas.card.proof import PublishingGate


def links_after_deduplication(run: Run, gate: PublishingGate | None) -> list[Link]:
    """List the phases that the recipe has for a split, from what deduplication left of it to what
    is made of it.

    Synthesis is one of them where no document is held out or, by the `gate`, published apart: its
    rows go where their documents go.
    """
    phases, made_here = (
        phases_after_ingest(run.recipe),
        any(map(makes_documents, run.recipe.augment)),
    )
    links = list(_looked_through(run, of_made=False))
    if run.recipe.synthesize and not chooses_splits(run.recipe, gate):
        worker = SynthesisWorker(run.store, run.recipe, phases)
        links.append(Link(worker, synthesis_task, the_same))
    if made_here:
        links.append(Link(AugmentWorker(run.store, run.recipe, phases), augment_task, _made_split))
        links += _looked_through(run, of_made=True)
    return links


def ingest_link(worker: IngestWorker) -> Link:
    return Link(worker, as_it_is, _read_split)


def _looked_through(run: Run, *, of_made: bool) -> list[Link]:
    recipe, links = run.recipe, []
    if recipe.decontaminate:
        worker = decontamination_worker(run.store, recipe, recipe.decontaminate)
        links.append(Link(worker, as_it_is, the_same))
    if bound := bounded_share(recipe):
        earlier = [phase for phase in phases_after_ingest(recipe) if phase != MADE_SHARE]
        measuring = SizeWorker(run.store, earlier, bound[1])
        links.append(Link(measuring, partial(size_task, of_made=of_made), the_same))
    return links


def _read_split(task: Task, result: StagingResult) -> list[Task]:
    split = staged_split(task.name, result)
    return [split.task()] if split.documents else []


def _made_split(task: Task, result: StagingResult) -> list[Task]:
    split = staged_split(augment_task(task).name, result, AUGMENT)
    return [split.task()] if split.documents else []
