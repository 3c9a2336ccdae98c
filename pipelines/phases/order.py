"""The order of things: the phases after ingest and the stages in them, as recipes, ledgers and
cards name them."""

from __future__ import annotations

from pipelines.catalogue.stages import (
    DUPLICATE_ID,
    Recipe,
    bounded_share,
    filters_made,
    makes_documents,
)
from pipelines.staging.tasks import Phase

DECONTAMINATE = Phase("decontaminate", "decontaminate")
WITHDRAW = Phase("withdraw", "withdraw")
MADE_SHARE = Phase("augment", "share", 0)  # bounds what was made, before anything is withdrawn


def dedup_phases(recipe: Recipe) -> list[Phase]:
    """List the dedup phases of a recipe, in order: `dedup-0-duplicate_id`, `dedup-1-exact`."""
    brings_ids = any(
        getattr(getattr(source, "columns", None), "id", None) for source in recipe.sources
    )
    stages = [DUPLICATE_ID] if brings_ids else []
    stages += [stage.stage for stage in recipe.dedup]
    return [Phase("dedup", stage, position) for position, stage in enumerate(stages)]


def phases_after_ingest(recipe: Recipe) -> list[Phase]:
    """List all phases that may remove or rewrite what ingest staged, in order."""
    return [
        *dedup_phases(recipe),
        *([DECONTAMINATE] if recipe.decontaminate else []),
        *([MADE_SHARE] if bounded_share(recipe) else []),
    ]


def phases_to_publish(recipe: Recipe) -> list[Phase]:
    """List all phases that may remove or rewrite what was staged, found or made, in order."""
    return [*phases_after_ingest(recipe), *([WITHDRAW] if recipe.withdrawn else [])]


def stage_chain(recipe: Recipe) -> list[tuple[str, str]]:
    """List (phase, stage) of every place where a document may leave the chain, in running order."""
    ingest = ["read", *(stage.stage for stage in recipe.ingest), "require_text"]
    later = [(phase.family, phase.stage) for phase in phases_after_ingest(recipe)]
    places = len(dedup_phases(recipe))
    augment = [
        ("augment", stage.stage)
        for stage in recipe.augment
        if makes_documents(stage) or filters_made(stage)
    ]
    synthesize = list(dict.fromkeys(("synthesize", stage.name) for stage in recipe.synthesize))
    return (
        [("ingest", stage) for stage in ingest]
        + later[:places]
        + augment
        + later[places:]
        + synthesize
        + ([(WITHDRAW.family, WITHDRAW.stage)] if recipe.withdrawn else [])
    )
