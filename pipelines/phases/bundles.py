"""What phases wrote of each split, put together where the next ones begin, so that their tasks ask
an object store once for all of it (`Store.bundle`). A local disk needs none of this."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.phases.run_context import Run
from pipelines.staging.staged import StagedSplit
from pipelines.staging.tasks import Phase


def bundle(run: Run, folder: str, splits: Sequence[StagedSplit], phases: Sequence[Phase]) -> None:
    """Put together what `phases`, which are done, wrote of each split."""
    if phases and not run.store.local:
        run.function("pipelines.staging.staged:write_bundles", folder, splits, phases)
