"""The published files, and how documents are divided into train, validation and test."""

from __future__ import annotations

from pydantic import Field

from schemas.card.part import CardPart, Count

# each a configuration of its own, such as `eus_Latn_doubtful`
SUBSETS_APART = (
    "doubtful",
    "unproved",
)
PUBLISHED_SPLITS = ("train", "validation", "test", *SUBSETS_APART)


class SplitRule(CardPart):
    """How documents were parted into `train`, `validation` and `test`."""

    test: float = Field(description="Share of the groups in [0, 0.5].")
    validation: float = Field(description="Share of the groups in [0, 0.5].")
    groups: Count | None = Field(
        description="Groups of several documents that deduplication found alike and kept; null if no near "
        "deduplication looked for such."
    )
    largest_group: Count = Field(description="Documents; a group that is larger is `train`.")


class PublishedFile(CardPart):
    """A shard."""

    path: str
    language: str
    split: str = Field(pattern=r"[a-z_]+")
    documents: Count
    size_bytes: Count
    num_bytes: Count = Field(default=0, description="Bytes of its rows as one Arrow table.")
    sha256: str = Field(pattern=r"[0-9a-f]{64}")
