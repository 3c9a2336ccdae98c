"""What workers on other machines must have before they begin: the versions that the plan was made
with, and the files that the recipe names.

A task's bytes follow from its input, the recipe and the packages. So a worker whose image has other
versions than the launcher's ends the job at once, and names them. Files of the recipe, such as word
lists and models, are put on the staging store once, under their SHA-256, and every worker lays them
out under the same paths as they have here.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import os
import platform
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pipelines.staging.store import Store
from schemas.failures import FailureError, MisuseError

MOST_BYTES = 4 << 30  # of all files that are staged; more belongs into the image of the workers

_PATH = 4096  # bytes, the longest path of Linux


class StagedFile(NamedTuple):
    """A file of a recipe: its path on this machine and on every worker, and its content's name."""

    path: str
    sha256: str


class WorkerSite(NamedTuple):
    """What a worker's machine must have. Pickled to the workers."""

    store: Store  # where the files are
    files: tuple[StagedFile, ...] = ()
    packages: tuple[tuple[str, str], ...] = ()

    def prepare(self) -> None:
        """Check the versions of this machine, and lay out the files that it lacks.

        Raises FailureError that names every version that differs.
        """
        if wrong := sorted(_differing(dict(self.packages))):
            raise FailureError(
                f"the workers have other packages than this machine: {', '.join(wrong)}; build their image anew from "
                "the same lock file"
            )
        for file in self.files:
            path = Path(file.path)
            if not (path.is_file() and _sha256(path) == file.sha256):
                _lay_out(self.store, file, path)


def _differing(wanted: Mapping[str, str]) -> Iterator[str]:
    for name, version in wanted.items():
        if name == "python":  # of one minor version, all give the same bytes
            version = version.rpartition(".")[0]
        if (here := _version_here(name)) != version:
            yield f"{name} {here}, here {version}"


def _version_here(name: str) -> str:
    """Return the version of what a plan names, a distribution or one of three others."""
    if name == "python":
        return platform.python_version().rpartition(".")[0]
    if name == "unicode":
        return unicodedata.unidata_version
    try:
        if name == "icu":  # the library, which PyICU is built against
            return str(importlib.import_module("icu").ICU_VERSION)
        return importlib.metadata.version(name)
    except ImportError:  # as what no distribution has is too
        return "none"


def _lay_out(store: Store, file: StagedFile, path: Path) -> None:
    """Write a file under its name at once: several processes of a machine may do so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as target, store.open(file.sha256) as source:
        while chunk := source.read(1 << 20):
            target.write(chunk)
    Path(partial).chmod(0o644)
    Path(partial).replace(path)


def stage_files(paths: Iterable[Path], store: Store) -> tuple[StagedFile, ...]:
    """Put files where workers find them, each content once; raises MisuseError if they are too many
    bytes."""
    found = sorted(set(paths))
    sizes = {path: path.stat().st_size for path in found}
    if sum(sizes.values()) > MOST_BYTES:
        largest = max(found, key=lambda path: sizes[path])
        raise MisuseError(
            f"the recipe's files have {sum(sizes.values()):,} bytes, at most {MOST_BYTES:,} are staged: bake the "
            f"largest, {largest}, into the image of the workers under this path"
        )
    staged = tuple(StagedFile(str(path), _sha256(path)) for path in found)
    there = store.names("")
    for file in staged:
        if file.sha256 not in there:
            with store.writing(file.sha256) as partial:
                partial.write_bytes(Path(file.path).read_bytes())
            there.add(file.sha256)
    return staged


def files_of(recipe: object) -> list[Path]:
    """List the local files that a recipe names by absolute paths, and those in folders that it
    names; `recipe` is its dump, or a part of that."""
    if isinstance(recipe, Mapping):
        return [path for value in recipe.values() for path in files_of(value)]
    if isinstance(recipe, str):
        # a class of one's own is written path.py:Class
        path = Path(recipe if not recipe.partition(".py:")[2] else recipe.rpartition(":")[0])
        if not path.is_absolute() or path == Path("/") or "\0" in recipe or len(recipe) > _PATH:
            return []
        return [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    if isinstance(recipe, Sequence) and not isinstance(recipe, bytes):
        return [path for value in recipe for path in files_of(value)]
    return []


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
