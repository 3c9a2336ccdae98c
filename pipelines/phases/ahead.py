"""Phases through which a split goes without waiting for another: on a cluster, one job.

ingest ──┬── deduplication, if any: all splits meet ──┐
         └────────────────────────────────────────────┴── decontaminate ── measure ── hold out ──┐
  augment: the made split ── addresses to mine by ── name what is withdrawn ── synthesize ───────┘
  └── decontaminate ── measure ── hold out ── name what is withdrawn
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from pipelines.catalogue.stages import bounded_share, makes_documents
from pipelines.phases.augment import PHASE as AUGMENT
from pipelines.phases.augment import AugmentWorker, augment_task
from pipelines.phases.decontaminate import decontamination_worker
from pipelines.phases.ingest import IngestWorker
from pipelines.phases.made_share import SizeWorker, size_task
from pipelines.phases.mine import AddressWorker, mined_labels
from pipelines.phases.order import MADE_SHARE, dedup_phases, phases_after_ingest
from pipelines.phases.publish.splits import PARENT, SplitWorker, chooses_splits, split_task
from pipelines.phases.run_context import Run
from pipelines.phases.synthesize import SynthesisWorker, synthesis_task
from pipelines.phases.withdraw import NamingWorker, asks_sites
from pipelines.staging.staged import StagingResult, staged_split
from pipelines.staging.tasks import Link, Task, as_it_is, the_same
from schemas.card.proof import PublishingGate
from schemas.withdrawal import NamedRegister


def links_after_deduplication(
    run: Run, registers: Sequence[NamedRegister], gate: PublishingGate | None
) -> list[Link]:
    """List the phases that the recipe has for a split, from what deduplication left of it to what
    is made of it.

    Documents are held out or, by the `gate`, published apart in clusters that deduplication finds,
    and after it that waits for all splits. Synthesis does then, too: its rows go where their
    documents go.
    """
    phases, made_here = (
        phases_after_ingest(run.recipe),
        any(map(makes_documents, run.recipe.augment)),
    )
    held_out, after_all = [], chooses_splits(run.recipe, gate) and bool(dedup_phases(run.recipe))
    if chooses_splits(run.recipe, gate) and not after_all:
        choosing = SplitWorker(run.store, run.recipe.publish, gate)
        held_out.append(Link(choosing, split_task, the_same))
    named = []
    if run.recipe.withdrawn and not asks_sites(run.recipe.withdrawn):
        naming = NamingWorker(run.store, run.recipe, registers, phases)
        named.append(Link(naming, as_it_is, the_same))
    links = [*_looked_through(run, of_made=False), *held_out]
    if run.recipe.synthesize and not after_all:
        worker = SynthesisWorker(run.store, run.recipe, phases)
        links.append(Link(worker, synthesis_task, the_same))
    links += named
    if labels := mined_labels(run.recipe):
        links.append(Link(AddressWorker(run.store, labels, phases), as_it_is, the_same))
    if made_here:
        links.append(Link(AugmentWorker(run.store, run.recipe, phases), augment_task, _made_split))
        links += [*_looked_through(run, of_made=True), *held_out, *named]
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
    """Return the task of a made split, which says of what it was made."""
    split = staged_split(augment_task(task).name, result, AUGMENT)
    payload = split.model_dump() | {PARENT: task.payload}
    return [split.task().model_copy(update={"payload": payload})] if split.documents else []
