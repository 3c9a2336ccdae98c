"""Publish what is left of the documents of a run: shards and ledger, and what is made of them."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.build.facts import CorpusFacts
from pipelines.build.plan import Plan
from pipelines.phases.augment import publish_made, write_pairs
from pipelines.phases.bundles import bundle
from pipelines.phases.decontaminate import publish_findings
from pipelines.phases.deduplication.index_writing import write_index
from pipelines.phases.deduplication.report import dedup_reports
from pipelines.phases.mine import mine
from pipelines.phases.order import dedup_phases, phases_after_ingest, phases_to_publish
from pipelines.phases.publish.sampling_weights import write_sampling_weights
from pipelines.phases.publish.shards import plan_published, publish_ledger, publish_shards
from pipelines.phases.run_context import Run
from pipelines.phases.synthesize import (
    find_synthetic_rows,
    publish_responses,
    publish_synthetic_rows,
)
from pipelines.phases.withdraw import shown_reports
from pipelines.staging.staged import BEFORE_PUBLISHING, StagedSplit
from schemas.manifest import FileRecord


def publish(
    run: Run,
    plan: Plan,
    facts: CorpusFacts,
    read: Sequence[StagedSplit],
    made: Sequence[StagedSplit],
) -> list[FileRecord]:
    """Write the documents that are left, and what is made of them now: rows of strategies, mined
    and given pairs, an index. Returns the files next to the shards and the ledger."""
    phases, left = phases_after_ingest(run.recipe), phases_to_publish(run.recipe)
    staged = [*read, *made]
    if run.recipe.decontaminate:
        facts.contamination = publish_findings(run, staged)
    made_rows = find_synthetic_rows(run, read, phases, plan.registers)
    ledgered = [*staged, *(made_rows.splits if made_rows else ())]
    bundle(run, BEFORE_PUBLISHING, ledgered, left)
    facts.sampling = write_sampling_weights(run, staged, phases, left)
    pieces, facts.schema = plan_published(run, staged, left, weighted=facts.sampling is not None)
    (
        facts.synthesis,
        facts.shards,
        facts.ledgers,
        (mined, yields),
        pairs,
        published_made,
        index,
        responses,
    ) = run.together(
        lambda run: publish_synthetic_rows(run, made_rows),
        lambda run: publish_shards(run, left, pieces, facts.schema),
        lambda run: publish_ledger(run, ledgered, left, pieces, plan.registers),
        lambda run: mine(run, read, left),
        lambda run: write_pairs(run, read, left),
        lambda run: publish_made(run, read, phases),
        lambda run: write_index(run, read, left),
        lambda run: publish_responses(run, made_rows, phases),
    )
    facts.deduplication = shown_reports(
        run.store, dedup_reports(run, read, dedup_phases(run.recipe))
    )
    facts.translations += yields
    return [*mined, *pairs, *published_made, *index, *facts.synthesis.files, *responses]
