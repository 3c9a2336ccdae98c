"""CARD: what a data card must hold, as facts; nothing here knows how they are shown.

Every figure on a card is a sum of integers that were counted where the rows were written, so that it does not
depend on the order of addition and can be counted again from the published Parquet files alone.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from schemas.language import parse_label

LENGTH_BINS = 40  # bin k holds lengths of k binary digits: 0, 1, 2-3, 4-7, ...; the last one all longer ones
SHARE_BINS = 20  # bin k holds [k/20, (k+1)/20); the last one also 1
SAMPLES_KEPT = 5  # for each language
SAMPLE_CODE_POINTS = 600
CLUSTERS_KEPT = 10  # for each deduplication stage
EXAMPLES_KEPT = 3  # of the documents removed in a cluster

Count = Annotated[int, Field(ge=0)]


class CardPart(BaseModel):
    """A part of a card: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Sample(CardPart):
    """The beginning of one published document, chosen by the hash of its id."""

    key: str = Field(description="Hex BLAKE2b-64 of the document's id; the smallest keys are the samples.")
    id: str
    text: str = Field(description=f"At most {SAMPLE_CODE_POINTS} code points, cut between graphemes.")
    code_points: Count = Field(description="Length of the whole document.")
    source: str
    url: str | None
    licence: str | None
    language_score: float | None = Field(description="Rounded to four digits.")
    synthetic: bool


class TextVolume(CardPart):
    """How much text: documents, Unicode code points, bytes in UTF-8."""

    documents: Count = 0
    code_points: Count = 0
    utf8_bytes: Count = 0


class TextStatistics(TextVolume):
    """What the card says about the documents of one language and script; sums over any partition of the rows."""

    words: Count | None = Field(
        default=0,
        description="Runs of characters between white space (or Ethiopic wordspace) that hold a letter or a digit; "
        "null for languages whose spelling does not separate words by spaces.",
    )
    arrow_bits: Count = Field(
        default=0, description="Size in Arrow memory of values and offsets, in bits; without validity bitmaps."
    )
    lengths: tuple[Count, ...] = Field(
        default=(0,) * LENGTH_BINS,
        description="Documents by binary digits of their length in code points: 0, 1, 2-3, 4-7, ...",
    )
    scores: tuple[Count, ...] = Field(
        default=(0,) * SHARE_BINS, description="Documents by language score, in steps of 0.05."
    )
    score_millionths: Count = Field(default=0, description="Sum of the language scores, each rounded to 1e-6.")
    other_language_shares: tuple[Count, ...] = Field(
        default=(0,) * SHARE_BINS, description="Documents by share of letters in other languages, in steps of 0.05."
    )
    other_language_millionths: Count = Field(default=0, description="Sum of those shares, each rounded to 1e-6.")
    sources: dict[str, TextVolume] = Field(default_factory=dict)
    made: dict[str, TextVolume] = Field(
        default_factory=dict, description="Of these, by source, the texts that a model or a rule made from others."
    )
    licences: dict[str, Count] = Field(default_factory=dict, description="Documents by licence, where one is known.")
    generators: dict[str, Count] = Field(default_factory=dict, description="Documents by the engine that wrote them.")
    declared: dict[str, Count] = Field(
        default_factory=dict,
        description="Documents by the language that their page declares, where it does: ISO 639-3, or `unreadable`.",
    )
    page_kinds: dict[str, Count] = Field(default_factory=dict, description="Documents by the kind of their page.")
    page_access: dict[str, Count] = Field(
        default_factory=dict, description="Documents by what stands in the place of their page's content."
    )
    extraction_fallbacks: dict[str, Count] = Field(
        default_factory=dict, description="Documents by the fall-back that finding their main text needed."
    )
    runner_ups: dict[str, Count] = Field(default_factory=dict, description="Documents by second best label.")
    years: dict[str, Count] = Field(default_factory=dict, description="Documents by year, where a date is known.")
    sampling_weights: dict[int, Count] = Field(
        default_factory=dict, description="Documents by `sampling_weight`, where there is that column."
    )
    nulls: dict[str, Count] = Field(default_factory=dict, description="Null values by column.")
    samples: tuple[Sample, ...] = ()

    @property
    def num_bytes(self) -> int:
        """Bytes of these rows as one Arrow table: values, offsets, and a bitmap for each column with nulls."""
        bitmaps = sum(1 for nulls in self.nulls.values() if nulls)
        return -(-self.arrow_bits // 8) + bitmaps * -(-self.documents // 8)


Fate = Literal["published", "dropped", "duplicate", "failed"]


class FateCount(CardPart):
    """How many documents of one source and language met the same fate, for the same reason."""

    source: str
    language: str | None = Field(description="`language_Script`; null if the document was never identified.")
    fate: Fate
    phase: str
    stage: str | None
    reason: str | None
    made: bool = Field(default=False, description="True if a step of the run made these documents from others.")
    documents: Count


class Step(CardPart):
    """A place in the chain where documents may leave it, or join it, in running order."""

    phase: str
    stage: str
    created: Count = Field(default=0, description="Documents that the step made from others.")


class ChangeCount(CardPart):
    """What one rule of a stage, or one scheme, changed in the documents of one language and script."""

    stage: str
    rule: str
    label: str = Field(description="`language_Script`.")
    documents: Count
    code_points: Count


class Identity(CardPart):
    """What the corpus is called and who answers for it."""

    name: str = Field(pattern=r"[A-Za-z0-9][A-Za-z0-9._-]*")
    title: str
    description: str
    version: str
    licence: str | None = Field(default=None, description="SPDX identifier or other words; null: see the sources.")
    licence_url: str | None = None
    homepage: str | None = None
    contact: str | None = None
    tags: tuple[str, ...] = ()
    limitations: tuple[str, ...] = ()


class SourceRow(CardPart):
    """A source of the recipe, and the number of documents its readers yielded."""

    name: str
    documents: Count
    created: Count = Field(default=0, description="Documents that were made from those of this source.")
    licence: str | None = None
    url: str | None = None
    description: str = ""


class ColumnRow(CardPart):
    """A published column, from the field of the Arrow schema."""

    name: str
    kind: str = Field(description="Arrow type.")
    nullable: bool
    description: str
    feature: dict[str, Any] = Field(description="The column as `dataset_info` of a Hub card declares it.")


PUBLISHED_SPLITS = ("train", "validation", "test", "doubtful")  # the last is a subset of its own, `eus_Latn_doubtful`


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


class ModelVersion(CardPart):
    """A model that a stage used."""

    name: str
    version: str
    sha256: str | None = None


class IndexVersion(CardPart):
    """The index of an earlier corpus, whose documents are not published again."""

    path: str = Field(description="As the recipe names it.")
    corpus: str
    version: str
    documents: Count = Field(description="Published documents of that corpus.")
    sha256: str = Field(description="Of its `index.json`, which holds those of all its files.")


class DuplicateExample(CardPart):
    """A document that was removed for another one."""

    id: str
    similarity: float | None = Field(
        ge=0, le=1, description="With the document kept, to four digits; null where keys were compared, not texts."
    )
    text: str = Field(description=f"At most {SAMPLE_CODE_POINTS} code points, cut between graphemes.")
    code_points: Count = Field(description="Length of the whole document.")


class DuplicateCluster(CardPart):
    """A document that was kept, and what one stage removed for it."""

    keeper: str = Field(description="Id of the document kept.")
    label: str = Field(description="Its `language_Script`.")
    documents: Count = Field(description="The document kept and those removed for it.")
    text: str = Field(description=f"Of the document kept: at most {SAMPLE_CODE_POINTS} code points.")
    code_points: Count
    examples: tuple[DuplicateExample, ...] = Field(
        description=f"Up to {EXAMPLES_KEPT} of the removed: the least similar ones, then by the order of the input."
    )


class DedupReport(CardPart):
    """What one deduplication stage did. What a kind of stage does not count is null."""

    stage: str
    removed: Count = Field(description="Documents that left the corpus here: duplicates, or too little text was left.")
    compared: Count | None = Field(default=None, description="Pairs of candidates whose similarity was measured.")
    refused: Count | None = Field(default=None, description="Those of them that turned out to be no duplicates.")
    exhausted_buckets: Count | None = Field(
        default=None, description="Buckets with more kept documents than others of the bucket were compared with."
    )
    rewritten: Count | None = Field(default=None, description="Documents that went on with a part taken out.")
    code_points: int | None = Field(
        default=None,
        description="By how much those are shorter; negative if the mask is longer than what it stands for.",
    )
    clusters: tuple[DuplicateCluster, ...] = Field(default=(), description="The largest, of two documents or more.")

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
    by_label: dict[str, tuple[SizeWeight, ...]] = Field(description="By `language_Script`, sizes ascending.")


class EvaluationSetVersion(CardPart):
    """An evaluation set that was looked for, and what tells one version of it from another."""

    name: str
    hub: str | None = Field(description="Its name on the Hugging Face Hub; null if it was read from files.")
    revision: str | None = Field(description="Commit on the Hub; null for files.")
    texts: Count = Field(description="Texts of all its fields.")
    files: dict[str, str] = Field(description="Hex SHA-256 of each file that was read.")


class ContaminationRate(CardPart):
    """How much of an evaluation set stood in the corpus, in one language."""

    evaluation_set: str
    language: str | None = Field(description="ISO 639-3 code of the set's texts; null if unknown.")
    texts: Count = Field(description="Texts of the set in this language, equal ones counted once.")
    texts_checked: Count = Field(description="Those of them that are long enough to be looked for.")
    texts_found: Count = Field(description="Those of them that stood in the corpus.")
    documents: Count = Field(description="Documents of the corpus that held any of them.")

    @model_validator(mode="after")
    def _are_parts(self) -> ContaminationRate:
        if not self.texts_found <= self.texts_checked <= self.texts:
            raise ValueError(
                f"{self.evaluation_set}: texts found, checked and all must ascend, got {self.texts_found}, "
                f"{self.texts_checked}, {self.texts}"
            )
        return self


class Removal(CardPart):
    """What became of the documents that held evaluation text."""

    mode: Literal["drop", "mask"]
    masked: Count = Field(description="Those that went on with that text taken out; the fates tell the others.")


class JudgedPrecision(CardPart):
    """What humans said of the matches with an evaluation set."""

    evaluation_set: str
    judged: Count
    right: Count

    @model_validator(mode="after")
    def _right_were_judged(self) -> JudgedPrecision:
        if self.right > self.judged:
            raise ValueError(f"{self.evaluation_set}: {self.right} matches right of {self.judged} judged")
        return self


class FilterLimit(CardPart):
    """A limit of the quality filter in one language, where the rule dropped something or the limit was learned."""

    rule: str = Field(description="`all`: all rules together, of which there are false positives alone.")
    label: str = Field(description="`language_Script`.")
    side: Literal["min", "max"]
    limit: float = Field(description="Of a long text; a short one has slack, and the ledger has the limit it met.")
    learned_from: str | None = Field(default=None, description="Language or script of the reference; null: a default.")
    false_positives: float | None = Field(
        default=None, ge=0, le=1, description="Share of good pages dropped, measured when the limit was learned."
    )


class Refiltering(CardPart):
    """Other limits of `filter_quality` that a finished corpus was held against."""

    options: str = Field(description="Options that are not the default, as JSON.")
    manifest_sha256: str = Field(description="Of the manifest of the corpus before.", pattern=r"[0-9a-f]{64}")


class Card(CardPart):
    """All facts of a card. Building one checks that no document is lost between the sources and the files."""

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
    indexes: tuple[IndexVersion, ...] = Field(default=(), description="What the corpus was deduplicated against.")
    deduplication: tuple[DedupReport, ...] = Field(default=(), description="Its stages, in running order.")
    sampling: SamplingWeights | None = Field(default=None, description="Null if the recipe asks for no weights.")
    splits: SplitRule | None = Field(default=None, description="Null if everything is `train`.")
    expected_precision: dict[str, float] = Field(
        default={},
        description="Share in [0, 1] of the documents identified as each label that are expected to be in it, as "
        "models confuse languages and this corpus mixes them; empty where other models or the sources named languages.",
    )
    unmatched_labels: tuple[str, ...] = Field(
        default=(), description="Labels that the recipe keeps and no published document has."
    )
    evaluation_sets: tuple[EvaluationSetVersion, ...] = Field(default=(), description="What was looked for.")
    contamination: tuple[ContaminationRate, ...] = ()
    removal: Removal | None = Field(default=None, description="Null if no evaluation set was looked for.")
    judged: tuple[JudgedPrecision, ...] = ()
    filter_limits: tuple[FilterLimit, ...] = Field(default=(), description="By rule and label.")
    refilterings: tuple[Refiltering, ...] = Field(default=(), description="In the order they were made.")
    judging_sheet: str | None = Field(
        default=None, description="Path within the corpus of the sampled matches that wait for a judgement."
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
        found = {(row.phase, row.stage or "") for row in self.fates if row.fate != "published" and row.documents}
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
