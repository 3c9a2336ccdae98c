"""Run the phases of a plan in order, and finish with card and manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_cards.sections.columns import column_rows
from data_cards.sections.funnel import merge_fates
from data_cards.statistics import merge
from pipelines.build.plan import Plan
from pipelines.catalogue.stages import Recipe, unmatched_labels
from pipelines.phases.augment import PHASE as AUGMENT
from pipelines.phases.augment import augment, write_pairs
from pipelines.phases.chain import dedup_phases, phases_after_ingest, stage_chain
from pipelines.phases.decontaminate import (
    contamination_of,
    decontaminate,
    publish_findings,
    read_evaluation_sets,
    versions_of,
)
from pipelines.phases.deduplication.index_reading import stage_known_documents
from pipelines.phases.deduplication.index_writing import write_index
from pipelines.phases.deduplication.phase import deduplicate
from pipelines.phases.deduplication.report import dedup_reports
from pipelines.phases.ingest import IngestWorker
from pipelines.phases.publish.sampling_weights import write_sampling_weights
from pipelines.phases.publish.shards import (
    LedgerWorker,
    Piece,
    ShardWorker,
    file_record,
    plan_shards,
    published_schema,
    write_card,
)
from pipelines.phases.publish.splits import choose_splits, numbers_in_split
from pipelines.runners.local import RunnerConfig, run_tasks
from pipelines.staging.staged import StagedSplit, kept_rows, removals, staged_split
from pipelines.staging.store import MANIFEST, RECIPE, Store
from pipelines.staging.tasks import Counts, Report, Task
from schemas.card import (
    PUBLISHED_SPLITS,
    Card,
    ChangeCount,
    FateCount,
    Identity,
    PublishedFile,
    Removal,
    SourceRow,
    Step,
    TextStatistics,
)
from schemas.ledger import FATES
from schemas.manifest import EvaluationSetRecord, FileRecord, Manifest, PhaseRecord, SplitRecord
from schemas.recipe import recipe_hash
from schemas.split import InputFile
from stages.reading.files import check_unchanged


def run_phases(store: Store, plan: Plan, config: RunnerConfig, report: Report, block_bytes: int) -> None:
    """Run all phases that are not finished yet; the manifest is written last."""
    recipe = plan.recipe
    known = stage_known_documents(store, recipe, plan.indexes, plan.base, config, report)
    looked_for: Mapping[str, Counts] = {}
    if recipe.decontaminate:
        looked_for = read_evaluation_sets(store, recipe, plan.evaluation_sets, config, report)
    ingested = run_tasks(IngestWorker(store, recipe, block_bytes), plan.ingest_tasks(), config, report)
    staged = [staged_split(split.id, ingested[split.id]) for split in plan.splits]
    deduplicate(store, recipe, staged, known, config, report)
    phases = phases_after_ingest(recipe)
    if recipe.decontaminate:
        masked = decontaminate(store, recipe.decontaminate, staged, phases, config, report)
    augmented, created = augment(store, recipe, staged, phases, config, report)
    read, staged = staged, [*staged, *augmented]
    found: Counts = {"files": [], "rates": [], "sheet": None}
    removal = None
    if recipe.decontaminate:  # what was made is looked through too
        masked += decontaminate(store, recipe.decontaminate, augmented, phases, config, report)
        removal = Removal(mode=recipe.decontaminate.mode, masked=masked)
        found = publish_findings(store, staged, phases, config, report)
    rule = choose_splits(store, recipe.publish, read, augmented, dedup_phases(recipe), config, report)
    survivors = _survivors(store, staged, phases)
    pieces = plan_shards(staged, survivors, recipe.publish.shard_bytes)
    weighting = write_sampling_weights(store, recipe, staged, phases)
    schema = published_schema(list(_staged_schemas(store, staged)), weighted=weighting is not None)
    shards = run_tasks(ShardWorker(store, recipe, phases, schema), shard_tasks(pieces), config, report)
    ledgers = run_tasks(LedgerWorker(store, phases), ledger_tasks(plan, staged, pieces), config, report)
    findings = {
        "deduplication": dedup_reports(store, read, dedup_phases(recipe)),
        "sampling": weighting,
        "splits": rule,
        "evaluation_sets": versions_of(plan.evaluation_sets, looked_for),
        "contamination": contamination_of(found),
        "removal": removal,
        "judging_sheet": found["sheet"],
    }
    paired = write_pairs(store, recipe, read, phases, config, report)
    index = write_index(store, recipe, read, phases, config, report)
    files = [*index, *(FileRecord.model_validate(file) for file in (*found["files"], *paired))]
    _finish(store, plan, ingested, created, shards, ledgers, schema, findings, files)


def shard_tasks(pieces: Sequence[Piece]) -> list[Task]:
    by_shard: dict[str, list[Piece]] = {}
    for piece in pieces:
        by_shard.setdefault(piece.shard, []).append(piece)
    return [
        Task(
            name=shard.removeprefix("data/").replace("/", "-"),
            weight_bytes=sum(piece.run.text_bytes for piece in group),
            payload={"pieces": [piece.model_dump() for piece in group]},
        )
        for shard, group in sorted(by_shard.items())
    ]


def ledger_tasks(plan: Plan, staged: Sequence[StagedSplit], pieces: Sequence[Piece]) -> list[Task]:
    by_split: dict[str, list[Piece]] = {}
    for piece in pieces:
        by_split.setdefault(piece.split, []).append(piece)
    return [
        Task(
            name=f"{position:05d}-{split.name}",
            weight_bytes=split.documents,
            payload={
                "split": split.model_dump(),
                "pieces": [piece.model_dump() for piece in by_split.get(split.name, ())],
            },
        )
        for position, split in enumerate(staged)
    ]


def _survivors(store: Store, staged: Sequence[StagedSplit], phases: Sequence[str]) -> dict[tuple[str, int], list[int]]:
    """Count what is left of each run, by published split."""
    counts = {}
    for split in staged:
        removed = removals(store, phases, split.name)["row"].to_numpy()
        for run in split.runs:
            left = numbers_in_split(store, split.name, run)[kept_rows(run, removed)]
            counts[split.name, run.first_row] = np.bincount(left, minlength=len(PUBLISHED_SPLITS)).tolist()
    return counts


def _staged_schemas(store: Store, staged: Sequence[StagedSplit]) -> Iterator[pa.Schema]:
    for split in staged:
        if split.files:  # all parts of a split have the same columns
            with store.fs.open(store.full(split.files[0]), "rb") as stream:
                yield pq.read_schema(stream)


def _files(plan: Plan) -> Iterable[InputFile]:
    """Return every file that the plan reads, once."""
    read = [file for split in plan.splits for file in split.files]
    read += [file.file for found in plan.evaluation_sets for file in found.files]
    return dict.fromkeys(read)


def _finish(
    store: Store,
    plan: Plan,
    ingested: Mapping[str, Counts],
    created: Counter[tuple[str, str]],
    shards: Mapping[str, Counts],
    ledgers: Mapping[str, Counts],
    schema: pa.Schema,
    findings: Mapping[str, Any],
    files: Sequence[FileRecord],
) -> None:
    recipe = plan.recipe
    check_unchanged(_files(plan))
    fates = merge_fates([FateCount.model_validate(fate) for fate in counts["fates"]] for counts in ledgers.values())
    by_label: dict[str, list[TextStatistics]] = {}
    for counts in shards.values():
        by_label.setdefault(counts["label"], []).append(TextStatistics.model_validate_json(counts["statistics"]))
    read = Counter[str]()
    for split in plan.splits:
        read[split.source] += ingested[split.id]["documents_in"]
    card = Card(
        identity=Identity(
            name=recipe.corpus.name,
            title=(recipe.corpus.title or recipe.corpus.name) + ("" if plan.limit is None else " (trial run)"),
            description=recipe.corpus.description,
            version=recipe.corpus.version,
            licence=recipe.corpus.licence,
            homepage=recipe.corpus.homepage or None,
            contact=recipe.corpus.contact or None,
            limitations=() if plan.limit is None else (_trial_notice(plan.limit),),
        ),
        sources=tuple(
            SourceRow(
                name=source.name,
                documents=read[source.name],
                created=sum(count for (_, name), count in created.items() if name == source.name),
                licence=source.licence,
                url=source.url,
                description=source.description or "",
            )
            for source in recipe.sources
        ),
        recipe=plan.recipe_text,
        steps=tuple(_steps(recipe, created)),
        fates=fates,
        changes=_changes(ingested),
        unmatched_labels=tuple(unmatched_labels(recipe, by_label)),
        statistics={label: merge(parts) for label, parts in sorted(by_label.items())},
        columns=column_rows(schema),
        files=tuple(
            PublishedFile(
                path=counts["file"]["path"],
                language=counts["label"],
                split=counts["split"],
                documents=counts["file"]["rows"],
                size_bytes=counts["file"]["bytes"],
                num_bytes=TextStatistics.model_validate_json(counts["statistics"]).num_bytes,
                sha256=counts["file"]["sha256"],
            )
            for _, counts in sorted(shards.items())
        ),
        packages=plan.packages,
        models=plan.models,
        indexes=plan.indexes,
        **findings,
    )
    store.write(RECIPE, plan.recipe_text.encode())
    files = [*files, *write_card(store, card), FileRecord.model_validate(file_record(store, RECIPE))]
    files += [FileRecord.model_validate(counts["file"]) for counts in shards.values()]
    files += [FileRecord.model_validate(file) for counts in ledgers.values() for file in counts["files"]]
    manifest = Manifest(
        corpus=recipe.corpus.name,
        version=recipe.corpus.version,
        recipe_sha256=recipe_hash(plan.recipe_text),
        packages=plan.packages,
        models={model.name: model.sha256 or model.version for model in plan.models},
        indexes={version.path: version.sha256 for version in plan.indexes},
        phases=tuple(_phase_records(recipe, fates, created.total())),
        splits=tuple(
            SplitRecord(
                id=split.id,
                source=split.source,
                path=split.path,
                start=split.start,
                end=split.end,
                file_bytes=split.file_bytes,
                documents_in=ingested[split.id]["documents_in"],
                staged=ingested[split.id]["kept"],
                dropped=ingested[split.id]["dropped"],
                failed=ingested[split.id]["failed"],
                error=ingested[split.id].get("error"),
            )
            for split in plan.splits
        ),
        evaluation_sets=tuple(
            EvaluationSetRecord(name=found.name, revision=found.revision, files=found.files)
            for found in card.evaluation_sets
        ),
        files=tuple(sorted(files, key=lambda file: file.path)),
    )
    store.write(MANIFEST, manifest.model_dump_json(indent=1).encode() + b"\n")


def _trial_notice(limit: int) -> str:
    records = "record" if limit == 1 else f"{limit:,} records"
    return f"This is a trial run over the first {records} of each source, made to look at the stages, not to train on."


def _steps(recipe: Recipe, created: Counter[tuple[str, str]]) -> Iterator[Step]:
    by_stage = Counter[str]()
    for (stage, _), count in created.items():
        by_stage[stage] += count
    for phase, stage in stage_chain(recipe):
        yield Step(phase=phase, stage=stage, created=by_stage[stage] if phase == AUGMENT else 0)


def _changes(ingested: Mapping[str, Counts]) -> tuple[ChangeCount, ...]:
    """Add up what the stages of all splits changed."""
    total = Counter[tuple[str, str, str, str]]()
    for counts in ingested.values():
        for *key, count in counts["changes"]:
            total[tuple(key)] += count
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


def _phase_records(recipe: Recipe, fates: Sequence[FateCount], created: int) -> Iterator[PhaseRecord]:
    """Reckon each phase's account from the ledger's counts: what comes out of one goes into the next."""
    left = sum(row.documents for row in fates) - created
    for phase in dict.fromkeys(["ingest", "dedup", *(phase for phase, _ in stage_chain(recipe))]):
        made = created if phase == AUGMENT else 0
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
