"""Keep the tables of a model as plain arrays in the user's cache, so that a start maps them instead
of making them.

Unpacking and indexing the two slow models of the cascade takes 1.4 CPU s; mapping their arrays
takes a few milliseconds, and the workers of one machine share the memory. The files are NumPy's own
format and are read without pickle. The folder is `glotmill` in `XDG_CACHE_HOME` or `~/.cache`;
where it cannot be written, a start takes longer and nothing else changes.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


def cache_folder() -> Path:
    """Return the folder for what can be made again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "glotmill"


def kept_arrays(name: str, make: Callable[[], Arrays], folder: Path | None = None) -> Arrays:
    """Return the arrays of `name` (model, versions, format), mapped read-only from the cache; made
    where it lacks them.

    A folder appears whole, by renaming. Damaged files are made anew.
    """
    kept = (folder or cache_folder()) / "models" / name
    try:
        return _mapped(kept)
    except (OSError, ValueError):
        arrays = make()
    try:
        _keep(kept, arrays)
    except OSError:
        return arrays  # a read-only or full home: this process has what it needs
    return arrays


def _mapped(kept: Path) -> Arrays:
    names = (kept / "names").read_text("utf-8").split()
    # As plain arrays: every access to one of NumPy's class for mapped files is a call of Python.
    return {
        name: np.asarray(np.load(kept / f"{name}.npy", mmap_mode="r", allow_pickle=False))
        for name in names
    }


def _keep(kept: Path, arrays: Arrays) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=kept.parent, prefix=".making-"))
    try:
        for name, array in arrays.items():
            np.save(made / f"{name}.npy", array, allow_pickle=False)
        (made / "names").write_text("\n".join(arrays), "utf-8")
        if kept.exists():  # damaged: another process that has it open keeps its files
            shutil.rmtree(kept)
        made.rename(kept)
    except OSError:
        shutil.rmtree(made, ignore_errors=True)
        raise
