"""The index of a corpus: keys of its documents, by which a next version finds what is already
there.

`index/index.json` (CorpusIndex) describes it and names every file with its SHA-256; the files are
Parquet, EQUAL_KEYS or `signed_keys`. No text is in it, and no text can be got back from it.
"""

from __future__ import annotations

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from schemas.columns import column

FORMAT = "glotmill-index/1"
FOLDER = "index"
HEAD = "index.json"

EQUAL_KEYS = pa.schema(
    [
        column(
            "id",
            pa.string(),
            "Id of the published document with this key, or of the one published instead of the document that had it.",
        ),
        column(
            "key", pa.binary(16), "BLAKE2b-128 of what is compared; equal keys mean duplicates."
        ),
    ]
)


def signed_keys(slots: int) -> pa.Schema:
    """Describe the entries of a stage that compares MinHash signatures of so many slots."""
    return pa.schema(
        [
            column("id", pa.string(), "Id of the published document."),
            column(
                "signature",
                pa.binary(4 * slots),
                "MinHash signature: little-endian integers of 4 bytes.",
            ),
            column(
                "script",
                pa.uint32(),
                "Number of the script; those of one number, other than 0, are not compared.",
            ),
        ]
    )


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class IndexFile(_Record):
    """One file of an index; `path` is relative to the folder of `index.json`, one folder deep."""

    path: str = Field(pattern=r"^[0-9a-z][0-9a-z_-]{0,99}/[0-9a-z][0-9a-z_-]{0,199}\.parquet$")
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    rows: int = Field(ge=1)


class IndexedStage(_Record):
    """The keys of one deduplication stage, and all that decides what they are."""

    stage: str = Field(pattern=r"^[a-z_]{1,50}$")
    settings: dict[str, object] = Field(description="Options of the stage that its keys depend on.")
    texts: tuple[dict[str, object], ...] = Field(
        description="Stages before it that change texts, with their options."
    )
    probe: str = Field(
        description="SHA-256 of the keys of texts that are always the same: says what code made them."
    )
    packages: dict[str, str] = Field(
        description="Distributions that took part in that, with their versions."
    )
    entries: int = Field(ge=0)
    files: tuple[IndexFile, ...]


class CorpusIndex(_Record):
    """The head of an index."""

    format: str
    corpus: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,95}$")
    version: str = Field(max_length=50)
    documents: int = Field(ge=0, description="Published documents of the corpus.")
    stages: tuple[IndexedStage, ...]
