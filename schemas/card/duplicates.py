"""What each deduplication stage removed, with examples, and the sampling weights that follow from
cluster sizes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from schemas.card.part import CardPart, Count
from schemas.card.statistics import SAMPLE_CODE_POINTS

CLUSTERS_KEPT = 10  # for each deduplication stage
EXAMPLES_KEPT = 3  # of the documents removed in a cluster


class DuplicateExample(CardPart):
    """A document that was removed for another one."""

    id: str
    similarity: float | None = Field(
        ge=0,
        le=1,
        description="With the document kept, to four digits; null where keys were compared, not texts.",
    )
    reason: str = Field(
        default="",
        description="The criterion by which the other one was kept, and of `cleanest` in what this one is worse; empty "
        "where an earlier version did not say.",
    )
    text: str = Field(
        description=f"At most {SAMPLE_CODE_POINTS} code points, cut between graphemes."
    )
    code_points: Count = Field(description="Length of the whole document.")
    label: str | None = Field(
        default=None, description="Its `language_Script`; null where it is that of the cluster."
    )


class DuplicateCluster(CardPart):
    """A document that was kept, and what one stage removed for it."""

    keeper: str = Field(description="Id of the document kept.")
    label: str = Field(description="Its `language_Script`.")
    documents: Count = Field(description="The document kept and those removed for it.")
    text: str = Field(
        description=f"Of the document kept: at most {SAMPLE_CODE_POINTS} code points."
    )
    code_points: Count
    examples: tuple[DuplicateExample, ...] = Field(
        description=f"Up to {EXAMPLES_KEPT} of the removed: the least similar ones, then by the order of the input."
    )


class DedupReport(CardPart):
    """What one deduplication stage did. What a kind of stage does not count is null."""

    stage: str
    removed: Count = Field(
        description="Documents that left the corpus here: duplicates, or too little text was left."
    )
    marks: bool = Field(
        default=False,
        description="True if what was found is marked and stays: a cluster is then a page in several languages.",
    )
    compared: Count | None = Field(
        default=None, description="Pairs of candidates whose similarity was measured."
    )
    refused: Count | None = Field(
        default=None, description="Those of them that turned out to be no duplicates."
    )
    exhausted_buckets: Count | None = Field(
        default=None,
        description="Buckets with more kept documents than others of the bucket were compared with.",
    )
    rewritten: Count | None = Field(
        default=None, description="Documents that went on with a part taken out."
    )
    code_points: int | None = Field(
        default=None,
        description="By how much those are shorter; negative if the mask is longer than what it stands for.",
    )
    clusters: tuple[DuplicateCluster, ...] = Field(
        default=(), description="The largest, of two documents or more."
    )

    @model_validator(mode="after")
    def _refused_were_compared(self) -> DedupReport:
        if (self.refused or 0) > (self.compared or 0):
            raise ValueError(f"{self.stage}: refused {self.refused} of {self.compared} compared")
        return self


class SizeWeight(CardPart):
    """Neighbouring cluster sizes with the same sampling weight."""

    least_size: Count
    greatest_size: Count
    documents: Count = Field(description="Published documents of these sizes.")
    removed: Count = Field(
        description="Documents of these sizes that a stage dropped for another reason than repetition."
    )
    weight: Count


class SamplingWeights(CardPart):
    """How often to repeat published documents, by what each stands for."""

    rule: Literal["cluster_size", "removal_rate"]
    by_label: dict[str, tuple[SizeWeight, ...]] = Field(
        description="By `language_Script`, sizes ascending."
    )
