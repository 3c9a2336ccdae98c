"""The manifest: the record of a run, with the SHA-256 of every file, by which a stranger can check
a corpus.

It holds nothing that differs between two runs of the same recipe over the same input: no clock, no
host, no path of this machine, no number of workers.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileRecord(_Record):
    """One file of the corpus."""

    path: str  # relative to the corpus folder, with forward slashes
    bytes: int
    sha256: str
    rows: int | None = None  # for Parquet


class EvaluationSetRecord(_Record):
    """One evaluation set: its commit on the Hub, if it is from there, and the files that were
    read."""

    name: str
    revision: str | None
    files: dict[str, str]  # path, as the recipe names it or on the Hub -> sha256


class SplitRecord(_Record):
    """One split of the input and what became of its records; the counts sum."""

    id: str
    source: str
    path: str
    start: int
    end: int
    file_bytes: int
    documents_in: int
    staged: int
    dropped: int
    failed: int
    error: str | None = None  # why the split failed as a whole; null if it was read


class PhaseRecord(_Record):
    """One phase: documents in + created = kept + dropped + duplicates + failed."""

    phase: str
    documents_in: int
    created: int = 0  # made from other documents
    kept: int
    dropped: int
    duplicates: int
    failed: int


class Manifest(_Record):
    """What went in, what was done, and what came out."""

    format: str = "glotmill-manifest/1"
    corpus: str
    version: str
    recipe_sha256: str
    packages: dict[str, str]  # distribution -> version
    models: dict[str, str]  # model -> sha256 of its file, or the distribution's version
    indexes: dict[
        str, str
    ] = {}  # index of an earlier corpus, as the recipe names it -> sha256 of its index.json
    registers: dict[str, str] = {}  # register of withdrawals, as the recipe names it -> sha256
    phases: tuple[PhaseRecord, ...]
    splits: tuple[SplitRecord, ...]
    evaluation_sets: tuple[EvaluationSetRecord, ...] = ()
    files: tuple[FileRecord, ...]
