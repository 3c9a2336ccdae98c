"""A run for tests that call a phase by itself."""

from __future__ import annotations

from typing import Any

from pipelines.catalogue.stages import Recipe
from pipelines.phases.ingest import IngestResult
from pipelines.phases.run_context import Run
from pipelines.runners.local import Runner
from pipelines.staging.store import Store

LEAST_RECIPE: dict[str, Any] = {
    "corpus": {"name": "own"},
    "sources": [{"name": "pages", "format": "jsonl", "paths": ["pages.jsonl"]}],
}


def phase_run(store: Store, recipe: Recipe | None = None, **runner: Any) -> Run:
    """Make a run by one worker, whose tasks report to nobody."""
    return Run(
        store,
        recipe or Recipe.model_validate(LEAST_RECIPE),
        Runner(**{"workers": 1} | runner),
        lambda *_: None,
    )


def ingested(store: Store, split: str) -> IngestResult:
    """Read what the ingest phase found in a split, of a run whose staging folder was kept."""
    return IngestResult.model_validate_json(store.read(store.mark_file("staging/ingest", split)))
