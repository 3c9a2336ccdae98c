"""The folder of a model that a recipe names: a folder here, or what the Hub has under a name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from stages.engines.engine import EngineError


def model_folder(model: str, revision: str | None, wanted: Sequence[str] | None = None) -> Path:
    """Return the folder of a model; a Hub name is fetched by the Hub's client, or found in its
    cache.

    `wanted` are patterns of the files that are needed, by default all. Raises EngineError.
    """
    if Path(model).is_dir():
        return Path(model)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    name = model.removeprefix("hf://")
    patterns = None if wanted is None else list(wanted)
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=patterns))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
        raise EngineError(
            f"no model {model!r}: it is no folder, and the Hub has none ({' '.join(str(error).split())[:120]})"
        ) from None


def files_sha256(paths: Iterable[Path]) -> str:
    """Return the hex SHA-256 of what files hold, one after the other."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            hashlib.file_digest(file, lambda: digest)
    return digest.hexdigest()
