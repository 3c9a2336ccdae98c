"""Run the phases of a plan in order: how a document goes from a source into a published file."""

from __future__ import annotations

from pipelines.build.facts import CorpusFacts, corpus_card, corpus_manifest
from pipelines.build.plan import Plan
from pipelines.phases.augment import augment, publish_made, write_pairs
from pipelines.phases.decontaminate import decontaminate, publish_findings, read_evaluation_sets
from pipelines.phases.deduplication.deduplicate import deduplicate
from pipelines.phases.deduplication.index_reading import stage_known_documents
from pipelines.phases.deduplication.index_writing import write_index
from pipelines.phases.deduplication.report import dedup_reports
from pipelines.phases.ingest import IngestWorker
from pipelines.phases.made_share import bound_made_share
from pipelines.phases.mine import mine
from pipelines.phases.order import dedup_phases, phases_after_ingest, phases_to_publish
from pipelines.phases.publish.gate import publishing_gate
from pipelines.phases.publish.sampling_weights import write_sampling_weights
from pipelines.phases.publish.shards import file_record, publish_ledger, publish_shards, write_card
from pipelines.phases.publish.splits import choose_splits
from pipelines.phases.run_context import Run
from pipelines.phases.synthesize import synthesize
from pipelines.phases.withdraw import shown_reports, withdraw
from pipelines.staging.staged import staged_split
from pipelines.staging.store import MANIFEST, RECIPE
from stages.reading.files import check_unchanged


def run_phases(run: Run, plan: Plan, block_bytes: int) -> None:
    """Run all phases that are not finished yet; the manifest is written last."""
    known = stage_known_documents(run, plan.indexes, plan.base)
    facts = CorpusFacts(plan, run.recipe)
    decontamination = run.recipe.decontaminate
    if decontamination:
        facts.evaluation_sets = read_evaluation_sets(run, plan.evaluation_sets)
    facts.ingested = run.tasks(
        IngestWorker(run.store, run.recipe, block_bytes), plan.ingest_tasks()
    )
    read = [staged_split(split.id, facts.ingested[split.id]) for split in plan.splits]
    deduplicate(run, read, known)
    if decontamination:
        facts.masked = decontaminate(run, decontamination, read)
    phases = phases_after_ingest(run.recipe)
    made, facts.created, facts.translations = augment(run, read, phases)
    staged = [*read, *made]
    if decontamination:  # what was made is looked through too
        facts.masked += decontaminate(run, decontamination, made)
    bound_made_share(run, read, made, phases)
    facts.proofs, facts.gate = publishing_gate(run.recipe.publish)
    facts.split_rule = choose_splits(run, read, made, dedup_phases(run.recipe), facts.gate)
    facts.withdrawal = withdraw(run, plan.registers, read, made, phases)
    left = phases_to_publish(run.recipe)
    if decontamination:
        facts.contamination = publish_findings(run, staged)
    synthesized = synthesize(run, read, phases, plan.registers)
    facts.synthesis = synthesized
    facts.sampling = write_sampling_weights(run, staged, phases, left)
    facts.shards, pieces, facts.schema = publish_shards(
        run, staged, left, weighted=facts.sampling is not None
    )
    facts.ledgers = publish_ledger(
        run, [*staged, *synthesized.splits], left, pieces, plan.registers
    )
    facts.deduplication = shown_reports(
        run.store, dedup_reports(run, read, dedup_phases(run.recipe))
    )
    mined, yields = mine(run, read, left)
    facts.translations += yields
    files = [
        *mined,
        *write_pairs(run, read, left),
        *publish_made(run, read, phases),
        *write_index(run, read, left),
    ]
    files += synthesized.files
    check_unchanged(plan.files)
    run.store.write(RECIPE, plan.recipe_text.encode())
    files += [*write_card(run.store, corpus_card(facts)), file_record(run.store, RECIPE)]
    run.store.write(
        MANIFEST, corpus_manifest(facts, files).model_dump_json(indent=1).encode() + b"\n"
    )
