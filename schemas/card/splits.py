"""The published files, and how documents are divided into train, validation and test."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pydantic import Field

from schemas.card.part import CardPart, Count

# each a configuration of its own, such as `eus_Latn_doubtful`
SUBSETS_APART = (
    "doubtful",
    "unproved",
)
PUBLISHED_SPLITS = ("train", "validation", "test", *SUBSETS_APART)


def subset_to_load(
    labels: Iterable[str], filled: Collection[tuple[str, str]]
) -> tuple[str, str] | None:
    """Choose a subset and a split of it to show how to load: the first subset that has `train`,
    else `validation` or `test`; None if there is no such.

    `filled` are the subsets and splits that have documents. A small subset may lack any split.

    >>> subset_to_load(["srp_Latn", "eus_Latn"], {("srp_Latn", "test"), ("eus_Latn", "train")})
    ('eus_Latn', 'train')
    >>> subset_to_load(["srp_Latn"], {("srp_Latn", "test")}), subset_to_load([], {})
    (('srp_Latn', 'test'), None)
    """
    pairs = ((label, split) for split in PUBLISHED_SPLITS[:3] for label in labels)
    return next((pair for pair in pairs if pair in filled), None)


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
