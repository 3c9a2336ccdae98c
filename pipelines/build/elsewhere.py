"""What workers on other machines must have for a plan: sources that they see, files of the recipe,
the packages that it was made with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pipelines.build.plan import Plan
from pipelines.runners.worker_site import WorkerSite, files_of, stage_files
from pipelines.staging.store import Store
from schemas.failures import MisuseError

_SHOWN = 3  # files that are named


def worker_site(plan: Plan, staging: str) -> WorkerSite:
    """Put the recipe's files on the staging store, and return what workers must have.

    Raises MisuseError that names sources and indexes on this machine's disk: they are too large to
    be laid out on every worker.
    """
    sources = {f.path for split in plan.splits for f in split.files if "://" not in f.location}
    indexes = {index.path for index in plan.indexes if "://" not in index.path}
    problems = [*_unseen("sources", sorted(sources)), *_unseen("indexes", sorted(indexes))]
    if problems:
        raise MisuseError("\n".join(problems))
    named = plan.recipe.model_dump(exclude={"sources"})
    sets = [f.file.location for found in plan.evaluation_sets for f in found.files]
    local = [Path(location) for location in sets if "://" not in location]
    store = Store(f"{staging.rstrip('/')}/recipe-files")
    files = stage_files([*files_of(named), *local], store)
    return WorkerSite(store, files, tuple(plan.packages.items()))


def _unseen(what: str, names: Sequence[str]) -> Iterator[str]:
    if names:
        more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
        yield (
            f"{what} on this machine are not seen by workers elsewhere: {', '.join(names[:_SHOWN])}{more}; copy them "
            "to a bucket, for instance with gcloud storage cp, and name them by their gs:// addresses"
        )
