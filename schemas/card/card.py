"""CARD: what a data card must hold, as facts; nothing here knows how they are shown.

Every figure on a card is a sum of integers that were counted where the rows were written, so that
it does not depend on the order of addition and can be counted again from the published Parquet
files alone.
"""

from __future__ import annotations

from collections import Counter

from pydantic import Field, field_validator, model_validator

from schemas.card.changes import ChangeCount
from schemas.card.columns import ColumnRow
from schemas.card.contamination import (
    ContaminationRate,
    EvaluationSetVersion,
    JudgedPrecision,
    Removal,
)
from schemas.card.duplicates import DedupReport, SamplingWeights
from schemas.card.filters import FilterLimit, Refiltering
from schemas.card.funnel import FateCount, Step
from schemas.card.identity import Identity, SourceRow
from schemas.card.part import CardPart
from schemas.card.proof import LanguageProof, PublishingGate
from schemas.card.splits import PublishedFile, SplitRule
from schemas.card.statements import Statements
from schemas.card.statistics import TextStatistics
from schemas.card.synthesis import SyntheticFile, SyntheticYield
from schemas.card.translation import DonorDistances, TranslationYield
from schemas.card.versions import IndexVersion, ModelVersion
from schemas.card.withdrawal import Withdrawal
from schemas.language import parse_label


class Card(CardPart):
    """All facts of a card. Building one checks that no document is lost between the sources and the
    files."""

    identity: Identity
    sources: tuple[SourceRow, ...]
    recipe: str = Field(description="The recipe, verbatim.")
    steps: tuple[Step, ...]
    fates: tuple[FateCount, ...]
    statistics: dict[str, TextStatistics] = Field(description="By `language_Script`.")
    columns: tuple[ColumnRow, ...]
    files: tuple[PublishedFile, ...]
    packages: dict[str, str] = Field(default_factory=dict)
    models: tuple[ModelVersion, ...] = ()
    changes: tuple[ChangeCount, ...] = Field(default=(), description="By stage, rule and label.")
    indexes: tuple[IndexVersion, ...] = Field(
        default=(), description="What the corpus was deduplicated against."
    )
    deduplication: tuple[DedupReport, ...] = Field(
        default=(), description="Its stages, in running order."
    )
    sampling: SamplingWeights | None = Field(
        default=None, description="Null if the recipe asks for no weights."
    )
    splits: SplitRule | None = Field(default=None, description="Null if everything is `train`.")
    expected_precision: dict[str, float] = Field(
        default={},
        description="Share in [0, 1] of the documents identified as each label that are expected to be in it, as "
        "models confuse languages and this corpus mixes them; empty where other models or the sources named languages.",
    )
    unmatched_labels: tuple[str, ...] = Field(
        default=(), description="Labels that the recipe keeps and no published document has."
    )
    evaluation_sets: tuple[EvaluationSetVersion, ...] = Field(
        default=(), description="What was looked for."
    )
    contamination: tuple[ContaminationRate, ...] = ()
    removal: Removal | None = Field(
        default=None, description="Null if no evaluation set was looked for."
    )
    judged: tuple[JudgedPrecision, ...] = ()
    statements: Statements = Field(
        default=Statements(), description="What people say of the corpus."
    )
    proofs: tuple[LanguageProof, ...] = Field(
        default=(), description="What speakers judged, by label."
    )
    gate: PublishingGate | None = Field(
        default=None, description="Null if the recipe asks for no least precision."
    )
    filter_limits: tuple[FilterLimit, ...] = Field(default=(), description="By rule and label.")
    refilterings: tuple[Refiltering, ...] = Field(
        default=(), description="In the order they were made."
    )
    translations: tuple[TranslationYield, ...] = Field(
        default=(), description="By direction and engine."
    )
    donors: tuple[DonorDistances, ...] = Field(
        default=(), description="By target language, nearest first: what it may be translated from."
    )
    synthesis: tuple[SyntheticYield, ...] = Field(
        default=(), description="By strategy and language."
    )
    synthetic: tuple[SyntheticFile, ...] = Field(
        default=(), description="By configuration and split."
    )
    withdrawal: Withdrawal | None = Field(
        default=None, description="Null if the recipe takes nothing back."
    )
    judging_sheet: str | None = Field(
        default=None,
        description="Path within the corpus of the sampled matches that wait for a judgement.",
    )

    @field_validator("statistics")
    @classmethod
    def _labels_are_safe(cls, statistics: dict[str, TextStatistics]) -> dict[str, TextStatistics]:
        return {str(parse_label(label)): statistics[label] for label in sorted(statistics)}

    @model_validator(mode="after")
    def _conserves(self) -> Card:
        if problems := [*self._lost(), *self._unknown_steps(), *self._weighed_otherwise()]:
            raise ValueError("; ".join(problems))
        return self

    def _lost(self) -> list[str]:
        read = Counter({source.name: source.documents + source.created for source in self.sources})
        fated: Counter[str] = Counter()
        ledger: Counter[str] = Counter()
        for row in self.fates:
            fated[row.source] += row.documents
            if row.fate == "published":
                ledger[row.language or "no language"] += row.documents
        written: Counter[str] = Counter()
        for file in self.files:
            written[file.language] += file.documents
        counted = Counter({label: part.documents for label, part in self.statistics.items()})
        return [
            *(
                f"source {name!r}: {read[name]} documents read or made, but the ledger has the fate of {fated[name]}"
                for name in sorted(read.keys() | fated.keys())
                if read[name] != fated[name]
            ),
            *(
                f"{label}: {ledger[label]} documents published by the ledger, {counted[label]} in the statistics, "
                f"{written[label]} in the files"
                for label in sorted(ledger.keys() | counted.keys() | written.keys())
                if not ledger[label] == counted[label] == written[label]
            ),
        ]

    def _unknown_steps(self) -> list[str]:
        known = {(step.phase, step.stage) for step in self.steps}
        found = {
            (row.phase, row.stage or "")
            for row in self.fates
            if row.fate != "published" and row.documents
        }
        names = ", ".join(f"{step.phase}/{step.stage}" for step in self.steps)
        return [
            f"step {phase}/{stage} of the ledger is not among the steps of the card; there are {names}"
            for phase, stage in sorted(found - known)
        ]

    def _weighed_otherwise(self) -> list[str]:
        problems = []
        for label, part in self.statistics.items() if self.sampling else ():
            planned: Counter[int] = Counter()
            for row in self.sampling.by_label.get(label, ()) if self.sampling else ():
                planned[row.weight] += row.documents
            if planned != Counter(part.sampling_weights):
                problems.append(
                    f"{label}: documents by sampling weight are {dict(sorted(planned.items()))} by the rule, "
                    f"{part.sampling_weights} in the files"
                )
        return problems
