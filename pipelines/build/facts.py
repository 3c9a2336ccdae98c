"""What the phases of a run found out, and the card and the manifest that say it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa

from data_cards.sections.columns import column_rows
from data_cards.sections.funnel import merge_fates
from data_cards.statistics import merge, with_commonest_hosts
from pipelines.build.plan import Plan
from pipelines.catalogue.filter_limits import filter_limits
from pipelines.catalogue.stage_checks import unmatched_labels
from pipelines.catalogue.stages import Recipe
from pipelines.catalogue.statements import read_statements
from pipelines.phases.augment import PHASE as AUGMENT
from pipelines.phases.decontaminate import FindingsResult, ItemResult, versions_of
from pipelines.phases.ingest import IngestResult
from pipelines.phases.order import stage_chain
from pipelines.phases.publish.shards import LedgerResult, ShardResult
from pipelines.phases.synthesize import PHASE as SYNTHESIZE
from pipelines.phases.synthesize import Synthesized
from pipelines.phases.withdraw import causes_of_recipe, with_synthetic_rows
from schemas.card.card import Card
from schemas.card.changes import ChangeCount
from schemas.card.contamination import Removal
from schemas.card.duplicates import DedupReport, SamplingWeights
from schemas.card.funnel import FateCount, Step
from schemas.card.identity import Identity, SourceRow
from schemas.card.proof import LanguageProof, PublishingGate
from schemas.card.splits import PublishedFile, SplitRule
from schemas.card.statements import Statements
from schemas.card.statistics import HOSTS_SHOWN, TextStatistics
from schemas.card.translation import DonorDistances, TranslationYield
from schemas.card.withdrawal import Withdrawal
from schemas.ledger import FATES
from schemas.manifest import EvaluationSetRecord, FileRecord, Manifest, PhaseRecord, SplitRecord
from schemas.recipe import recipe_hash
from stages.language_identification.answers import expected_precisions
from stages.language_identification.identify import LanguageIdentificationConfig
from stages.translation.donors import donor_table
from stages.translation.options import TranslationConfig


@dataclass
class CorpusFacts:
    """What the phases of a run found out; each field is filled by the phase that finds it out."""

    plan: Plan
    recipe: Recipe
    ingested: Mapping[str, IngestResult] = field(default_factory=dict)  # by split
    evaluation_sets: Mapping[str, ItemResult] = field(default_factory=dict)  # by name
    masked: int = 0  # documents out of which evaluation texts were taken
    contamination: FindingsResult | None = None
    # documents made, by stage and source
    created: Counter[tuple[str, str]] = field(default_factory=Counter)
    translations: tuple[TranslationYield, ...] = ()
    proofs: tuple[LanguageProof, ...] = ()
    gate: PublishingGate | None = None
    split_rule: SplitRule | None = None
    sampling: SamplingWeights | None = None
    synthesis: Synthesized | None = None
    withdrawal: Withdrawal | None = None  # of documents
    deduplication: tuple[DedupReport, ...] = ()
    schema: pa.Schema = field(default_factory=lambda: pa.schema([]))  # of what is published
    shards: Mapping[str, ShardResult] = field(default_factory=dict)
    ledgers: Mapping[str, LedgerResult] = field(default_factory=dict)

    @property
    def made(self) -> dict[str, Counter[tuple[str, str]]]:
        """Documents made, and rows made and turned away, by phase: by stage and source."""
        return {
            AUGMENT: self.created,
            SYNTHESIZE: self.synthesis.created if self.synthesis else Counter(),
        }

    @cached_property
    def fates(self) -> tuple[FateCount, ...]:
        """Count the documents by what became of them; the ledgers are written by then."""
        return merge_fates(result.fates for result in self.ledgers.values())


def corpus_card(facts: CorpusFacts) -> Card:
    """Put a card together from what the phases found out."""
    plan, recipe, found = facts.plan, facts.recipe, facts.contamination
    by_label: dict[str, list[TextStatistics]] = {}
    for shard in facts.shards.values():
        by_label.setdefault(shard.label, []).append(shard.statistics)
    return Card(
        identity=_identity(recipe, plan.limit),
        sources=tuple(_sources(facts)),
        recipe=plan.recipe_text,
        steps=tuple(_steps(recipe, facts.made)),
        fates=facts.fates,
        changes=_changes(facts.ingested),
        filter_limits=filter_limits(recipe, facts.fates),
        expected_precision=_expected_precision(recipe, facts.fates),
        unmatched_labels=tuple(unmatched_labels(recipe, by_label)),
        statistics={
            label: with_commonest_hosts(merge(parts), HOSTS_SHOWN)
            for label, parts in sorted(by_label.items())
        },
        columns=column_rows(facts.schema),
        files=tuple(
            PublishedFile(
                path=shard.file.path,
                language=shard.label,
                split=shard.split,
                documents=shard.kept,
                size_bytes=shard.file.bytes,
                num_bytes=shard.statistics.num_bytes,
                sha256=shard.file.sha256,
            )
            for _, shard in sorted(facts.shards.items())
        ),
        packages=plan.packages,
        models=plan.models,
        indexes=plan.indexes,
        deduplication=facts.deduplication,
        sampling=facts.sampling,
        splits=facts.split_rule,
        statements=read_statements(recipe.corpus.statements)
        if recipe.corpus.statements
        else Statements(),
        proofs=facts.proofs,
        gate=facts.gate,
        evaluation_sets=versions_of(plan.evaluation_sets, facts.evaluation_sets),
        withdrawal=facts.withdrawal
        and with_synthetic_rows(
            facts.withdrawal,
            facts.synthesis.withdrawn if facts.synthesis else {},
            causes_of_recipe(recipe, plan.registers),
        ),
        contamination=found.rates if found else (),
        removal=Removal(mode=recipe.decontaminate.mode, masked=facts.masked)
        if recipe.decontaminate
        else None,
        judging_sheet=found.sheet if found else None,
        translations=facts.translations,
        donors=_donors(recipe),
        synthesis=facts.synthesis.yields if facts.synthesis else (),
        synthetic=facts.synthesis.configurations if facts.synthesis else (),
    )


def _donors(recipe: Recipe) -> tuple[DonorDistances, ...]:
    """Measure again how far the languages are that donors were chosen from, for the card."""
    return tuple(
        one
        for stage in recipe.augment
        if isinstance(stage, TranslationConfig) and stage.donors
        for target in stage.targets
        for one in donor_table(
            target,
            stage.donor_candidates,
            {str(pair.source) for pair in stage.pairs if str(pair.target) == target},
        )
    )


def _expected_precision(recipe: Recipe, fates: Sequence[FateCount]) -> dict[str, float]:
    """Estimate how pure each label's documents were when the cascade had named their languages."""
    identifying = [
        stage for stage in recipe.ingest if isinstance(stage, LanguageIdentificationConfig)
    ]
    if not identifying or any(
        stage.model_files or stage.declared != "ignore" for stage in identifying
    ):
        return {}  # other models named languages, or the sources did
    read = Counter[str]()
    for row in fates:
        if row.language and not row.made:
            read[row.language] += row.documents
    return {label: round(share, 3) for label, share in expected_precisions(read).items()}


def corpus_manifest(facts: CorpusFacts, files: Sequence[FileRecord]) -> Manifest:
    """Put the manifest together; `files` are all but shards, ledger and findings."""
    plan = facts.plan
    written = [*files, *(shard.file for shard in facts.shards.values())]
    written += [file for ledger in facts.ledgers.values() for file in ledger.files]
    written += facts.contamination.files if facts.contamination else ()
    return Manifest(
        corpus=facts.recipe.corpus.name,
        version=facts.recipe.corpus.version,
        recipe_sha256=recipe_hash(plan.recipe_text),
        packages=plan.packages,
        models={model.name: model.sha256 or model.version for model in plan.models},
        indexes={version.path: version.sha256 for version in plan.indexes},
        registers={found.file: found.sha256 for found in plan.registers},
        phases=tuple(
            _phase_records(
                facts.recipe,
                facts.fates,
                {phase: made.total() for phase, made in facts.made.items()},
            )
        ),
        splits=tuple(_split_records(facts)),
        evaluation_sets=tuple(
            EvaluationSetRecord(name=found.name, revision=found.revision, files=found.files)
            for found in versions_of(plan.evaluation_sets, facts.evaluation_sets)
        ),
        files=tuple(sorted(written, key=lambda file: file.path)),
    )


def _identity(recipe: Recipe, limit: int | None) -> Identity:
    corpus = recipe.corpus
    return Identity(
        name=corpus.name,
        title=(corpus.title or corpus.name) + ("" if limit is None else " (trial run)"),
        description=corpus.description,
        version=corpus.version,
        licence=corpus.licence,
        homepage=corpus.homepage or None,
        contact=corpus.contact or None,
        limitations=() if limit is None else (_trial_notice(limit),),
    )


def _trial_notice(limit: int) -> str:
    records = "record" if limit == 1 else f"{limit:,} records"
    return f"This is a trial run over the first {records} of each source, made to look at the stages, not to train on."


def _sources(facts: CorpusFacts) -> Iterator[SourceRow]:
    read = Counter[str]()
    for split in facts.plan.splits:
        read[split.source] += facts.ingested[split.id].documents_in
    for source in facts.recipe.sources:
        yield SourceRow(
            name=source.name,
            documents=read[source.name],
            created=sum(
                n
                for made in facts.made.values()
                for (_, name), n in made.items()
                if name == source.name
            ),
            licence=source.licence,
            url=source.url,
            description=source.description or "",
        )


def _split_records(facts: CorpusFacts) -> Iterator[SplitRecord]:
    for split in facts.plan.splits:
        ingested = facts.ingested[split.id]
        yield SplitRecord(
            id=split.id,
            source=split.source,
            path=split.path,
            start=split.start,
            end=split.end,
            file_bytes=split.file_bytes,
            documents_in=ingested.documents_in,
            staged=ingested.kept,
            dropped=ingested.dropped,
            failed=ingested.failed,
            error=ingested.error,
        )


def _steps(recipe: Recipe, made: Mapping[str, Counter[tuple[str, str]]]) -> Iterator[Step]:
    by_step = Counter[tuple[str, str]]()
    for phase, created in made.items():
        for (stage, _), count in created.items():
            by_step[phase, stage] += count
    for phase, stage in stage_chain(recipe):
        yield Step(phase=phase, stage=stage, created=by_step[phase, stage])


def _changes(ingested: Mapping[str, IngestResult]) -> tuple[ChangeCount, ...]:
    """Add up what the stages of all splits changed."""
    total = Counter[tuple[str, str, str, str]]()
    for result in ingested.values():
        for *key, count in result.changes:
            total[tuple(key)] += count  # type: ignore[index]
    return tuple(
        ChangeCount(
            stage=stage,
            rule=rule,
            label=label,
            documents=total[stage, rule, label, "documents"],
            code_points=total[stage, rule, label, "code_points"],
        )
        for stage, rule, label in sorted({key[:3] for key in total})
    )


def _phase_records(
    recipe: Recipe, fates: Sequence[FateCount], created: Mapping[str, int]
) -> Iterator[PhaseRecord]:
    """Reckon each phase's account from the ledger's counts: what comes out of one goes into the
    next."""
    left = sum(row.documents for row in fates) - sum(created.values())
    for phase in dict.fromkeys(["ingest", "dedup", *(phase for phase, _ in stage_chain(recipe))]):
        made = created.get(phase, 0)
        out = Counter(dict.fromkeys(FATES, 0))
        for row in fates:
            if row.phase == phase:
                out[row.fate] += row.documents
        kept = left + made - sum(out.values())
        yield PhaseRecord(
            phase=phase,
            documents_in=left,
            created=made,
            kept=kept,
            dropped=out["dropped"],
            duplicates=out["duplicate"],
            failed=out["failed"],
        )
        left = kept
