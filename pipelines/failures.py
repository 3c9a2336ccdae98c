"""Which errors are the user's to mend: each is said in one line that ends with what to do."""

from __future__ import annotations

from pipelines.runners import WorkerError
from pipelines.staging import StagingError
from schemas.recipe import RecipeError
from stages.reading.files import SourceError

MISUSED: tuple[type[Exception], ...] = (RecipeError, SourceError, StagingError)
FAILED: tuple[type[Exception], ...] = (WorkerError, OSError)
