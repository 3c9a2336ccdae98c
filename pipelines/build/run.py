"""Run the phases of a plan in order: how a document goes from a source into a published file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipelines.build.facts import CorpusFacts, corpus_card, corpus_manifest
from pipelines.build.plan import Plan
from pipelines.build.publishing import publish
from pipelines.phases.ahead import ingest_link, links_after_deduplication
from pipelines.phases.augment import augment
from pipelines.phases.bundles import bundle
from pipelines.phases.decontaminate import decontaminate, read_evaluation_sets
from pipelines.phases.deduplication.deduplicate import deduplicate
from pipelines.phases.deduplication.index_reading import stage_known_documents
from pipelines.phases.deduplication.shuffle_records import KnownSplit
from pipelines.phases.ingest import IngestWorker
from pipelines.phases.made_share import bound_made_share
from pipelines.phases.order import MADE_SHARE, dedup_phases, phases_after_ingest
from pipelines.phases.publish.gate import publishing_gate
from pipelines.phases.publish.shards import file_record, write_card
from pipelines.phases.publish.splits import choose_splits
from pipelines.phases.run_context import Run
from pipelines.phases.withdraw import withdraw
from pipelines.staging.staged import BEFORE_MAKING, StagedSplit, staged_split
from pipelines.staging.store import MANIFEST, RECIPE
from pipelines.staging.tasks import Phase
from stages.reading.files import check_unchanged


def run_phases(run: Run, plan: Plan, block_bytes: int) -> None:
    """Run all phases that are not finished yet; the manifest is written last."""
    facts = CorpusFacts(plan, run.recipe)
    known = stage_known_documents(run, plan.indexes, plan.base)
    if run.recipe.decontaminate:
        facts.evaluation_sets = read_evaluation_sets(run, plan.evaluation_sets)
    facts.proofs, facts.gate = publishing_gate(run.recipe.publish)
    read = _read(run, plan, facts, IngestWorker(run.store, run.recipe, block_bytes), known)
    made = _make(run, facts, read)
    _choose(run, plan, facts, read, made)
    files = publish(run, plan, facts, read, made)
    check_unchanged(plan.files)
    run.store.write(RECIPE, plan.recipe_text.encode())
    files += [*write_card(run.store, corpus_card(facts)), file_record(run.store, RECIPE)]
    manifest = corpus_manifest(facts, files).model_dump_json(indent=1)
    run.store.write(MANIFEST, manifest.encode() + b"\n")


def _read(
    run: Run,
    plan: Plan,
    facts: CorpusFacts,
    reader: IngestWorker,
    known: Mapping[Phase, Sequence[KnownSplit]],
) -> list[StagedSplit]:
    """Read the sources through the stages of ingest, and mark duplicates."""
    later = links_after_deduplication(run, plan.registers, facts.gate)
    deduplicating = dedup_phases(run.recipe)
    if not deduplicating:
        run.ahead([ingest_link(reader), *later], plan.ingest_tasks())
    facts.ingested = run.tasks(reader, plan.ingest_tasks())
    read = [staged_split(split.id, facts.ingested[split.id]) for split in plan.splits]
    if deduplicating:
        deduplicate(run, read, known)
        run.ahead(later, [split.task() for split in read if split.documents])
    return read


def _make(run: Run, facts: CorpusFacts, read: Sequence[StagedSplit]) -> list[StagedSplit]:
    """Take evaluation texts out, and make further documents of those that are left."""
    phases = phases_after_ingest(run.recipe)
    decontamination = run.recipe.decontaminate
    if decontamination:
        facts.masked = decontaminate(run, decontamination, read)
    bundle(run, BEFORE_MAKING, read, [phase for phase in phases if phase != MADE_SHARE])
    made, facts.created, facts.translations = augment(run, read, phases)
    if decontamination:  # what was made is looked through too
        facts.masked += decontaminate(run, decontamination, made)
    bound_made_share(run, read, made, phases)
    return made


def _choose(
    run: Run,
    plan: Plan,
    facts: CorpusFacts,
    read: Sequence[StagedSplit],
    made: Sequence[StagedSplit],
) -> None:
    """Part documents into splits for training and tests, and leave out what was withdrawn."""
    facts.split_rule, facts.withdrawal = run.together(
        lambda run: choose_splits(run, read, made, dedup_phases(run.recipe), facts.gate),
        lambda run: withdraw(run, plan.registers, read, made, phases_after_ingest(run.recipe)),
    )
