"""Build a corpus from a recipe: plan it, run its phases in order, and finish with card and manifest.

Everything is resumable: what a phase finished is found by its markers, and an output folder that another recipe
or other input began is refused with the difference named.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import platform
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from data_cards.sections.columns import column_rows
from data_cards.sections.funnel import merge_fates
from data_cards.statistics import merge
from pipelines.catalogue.stages import Recipe, at_home, located, models, stage_problems
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
from pipelines.phases.deduplication.index_reading import plan_indexes, stage_known_documents
from pipelines.phases.deduplication.index_writing import index_problems, write_index
from pipelines.phases.deduplication.phase import deduplicate
from pipelines.phases.deduplication.report import dedup_reports
from pipelines.phases.ingest import BLOCK_BYTES, IngestWorker
from pipelines.phases.publish.sampling_weights import write_sampling_weights
from pipelines.phases.publish.shards import (
    CARD,
    MANIFEST,
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
from pipelines.staging.store import PLAN, StagingError, Store
from pipelines.staging.tasks import Counts, Report, Task
from schemas.card import (
    PUBLISHED_SPLITS,
    Card,
    ChangeCount,
    FateCount,
    Identity,
    IndexVersion,
    ModelVersion,
    PublishedFile,
    Removal,
    SourceRow,
    Step,
    TextStatistics,
)
from schemas.ledger import FATES
from schemas.manifest import EvaluationSetRecord, FileRecord, Manifest, PhaseRecord, SplitRecord
from schemas.recipe import RecipeError, at_line, by_line, parse_recipe, recipe_hash, with_line
from schemas.split import InputFile, InputSplit
from stages.decontamination.evaluation_files import FoundSet, find_evaluation_sets
from stages.reading.files import check_unchanged
from stages.reading.sources import kept_column_problems, plan_splits, source_problems, trial_splits

RECIPE = "recipe.toml"

# What decides the bytes of a corpus beside recipe and input; a change of one is refused on resume. These are what the
# stages import, which a test holds, without CARRIERS.
PACKAGES = (
    "glotmill", "apache-beam", "commonlid", "datasketch", "fasttext-community", "fastwarc", "fonttools", "ftfy",
    "gflanguages", "idna", "isal", "iso639-lang", "numpy", "polars", "py3langid", "pyarrow", "pycld2", "rensa",
    "resiliparse", "scipy", "turbohtml", "zstandard",
)  # fmt: skip
CARRIERS = ("fsspec", "httpx2", "huggingface-hub", "pydantic", "pyyaml")  # fetch bytes or check options, alter no text
ENGINES = ("myanmartools", "opencc", "pyewts", "pyicu", "trafilatura", "uroman")  # of extras: named where installed


class Plan(BaseModel):
    """What a run would do: pure facts of recipe, input and installed packages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe_text: str
    base: str  # folder that relative paths of the recipe start from
    splits: tuple[InputSplit, ...]
    limit: int | None = None  # records of each source that a trial run reads
    packages: dict[str, str]
    models: tuple[ModelVersion, ...]
    evaluation_sets: tuple[FoundSet, ...]
    indexes: tuple[IndexVersion, ...] = ()

    @property
    def recipe(self) -> Recipe:
        return at_home(parse_recipe(self.recipe_text, Recipe), self.base)

    def ingest_tasks(self) -> list[Task]:
        return [Task(name=s.id, weight_bytes=s.size_bytes, payload=s.model_dump()) for s in self.splits]


def output_of(recipe: Recipe, output: str = "", limit: int | None = None) -> str:
    """Return where a recipe's corpus is written: `output`, by default `out/` and the corpus's name.

    A trial run goes by default into a folder of its own.
    """
    return output or f"out/{recipe.corpus.name}" + ("" if limit is None else "-trial")


def make_plan(recipe_path: Path, output: str = "", limit: int | None = None) -> Plan:
    """Check a recipe and list its splits; raises RecipeError with every problem found, before anything runs.

    What lies in the output folder is no input, whatever the recipe's paths match. With a `limit`, only the first so
    many records of each source are read.
    """
    try:
        text = recipe_path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RecipeError(str(recipe_path), ["no such file; `glotmill recipe new` writes one to start from"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(str(recipe_path), [f"cannot be read: {error}"]) from None
    recipe = parse_recipe(text, Recipe, str(recipe_path))
    base = str(recipe_path.resolve().parent)
    target = output_of(recipe, output, limit)
    problems = [problem for source in recipe.sources for problem in source_problems(source, base, target)]
    if not problems:
        problems = [
            at_line(text, "sources", place, "keep") + problem
            for place, problem in kept_column_problems(recipe.sources, base, target)
        ]
    sets: list[FoundSet] = []
    if recipe.decontaminate:
        sets, wrong = find_evaluation_sets(recipe.decontaminate, base)
        problems += [f"decontaminate: {problem}" for problem in wrong]
    index_faults, indexes = plan_indexes(recipe, base, text)
    if problems := [*problems, *stage_problems(recipe), *index_problems(recipe, text), *index_faults]:
        sources = [source.name for source in recipe.sources]
        raise RecipeError(str(recipe_path), by_line(with_line(text, problem, sources) for problem in problems))
    try:
        found_models = models(recipe, base)
    except (OSError, ValueError, ImportError) as error:
        raise RecipeError(str(recipe_path), [f"ingest: {error}"]) from None
    splits: list[InputSplit] = []
    for source in recipe.sources:
        own = plan_splits(source, base, recipe.engine.split_bytes, target)
        splits += own if limit is None else trial_splits(own, source, limit)
    return Plan(
        recipe_text=text,
        base=base,
        splits=tuple(splits),
        limit=limit,
        packages=_packages(),
        models=found_models,
        evaluation_sets=tuple(sets),
        indexes=indexes,
    )


def _packages() -> dict[str, str]:
    packages = {name: _version(name) for name in PACKAGES}
    packages |= {"python": platform.python_version(), "unicode": unicodedata.unidata_version}
    for name in ENGINES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            packages[name] = _version(name)
    return packages


def _version(package: str) -> str:
    """Return a package's version from the first lines of its metadata: to parse all its description takes ten times."""
    metadata = importlib.metadata.distribution(package).read_text("METADATA") or ""
    found = re.search(r"^Version: *(\S+)", metadata.partition("\n\n")[0], re.MULTILINE)
    return found[1] if found else importlib.metadata.version(package)


def build(
    plan: Plan,
    output: str,
    config: RunnerConfig,
    report: Report,
    *,
    block_bytes: int = BLOCK_BYTES,
    restart: bool = False,
    keep_staging: bool = False,
) -> Manifest:
    """Run all phases that are not finished yet and return the manifest, which is written last."""
    store = Store(output)
    _refuse_foreign(store)
    with store.locked():
        if restart:
            _clear(store, plan)
        _agree(store, plan)
        if not store.exists(MANIFEST):
            _run_phases(store, plan, config, report, block_bytes)
        if not keep_staging:
            for name in sorted(store.names("staging") - {"lock"}):
                store.remove(f"staging/{name}")
    return Manifest.model_validate(store.read_json(MANIFEST))


def _run_phases(store: Store, plan: Plan, config: RunnerConfig, report: Report, block_bytes: int) -> None:
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


def _refuse_foreign(store: Store) -> None:
    """Refuse an output folder that holds what no run of ours wrote, before anything is written there."""
    if store.fs.isfile(store.root):
        raise StagingError(f"--output must be a folder, {store.url} is a file")
    if not store.exists(MANIFEST) and not store.exists(PLAN):
        foreign = sorted(store.names("") - {"staging"}) or sorted(store.names("staging") - {"lock", "partial"})
        if foreign:
            raise StagingError(
                f"{store.url} holds other files ({', '.join(foreign[:3])}); choose an empty or new --output"
            )


def _agree(store: Store, plan: Plan) -> None:
    """Begin an output folder, or refuse to go on with one that something else began."""
    facts = {
        "recipe": recipe_hash(plan.recipe_text),
        "input": _input_state(plan),
        "limit": plan.limit,
        "evaluation_sets": _evaluation_state(plan),
        "packages": plan.packages,
        "models": {model.name: model.sha256 or model.version for model in plan.models},
        "indexes": {index.path: index.sha256 for index in plan.indexes},
    }
    if store.exists(MANIFEST):
        manifest = Manifest.model_validate(store.read_json(MANIFEST))
        known = {"recipe": manifest.recipe_sha256, "packages": manifest.packages, "models": manifest.models}
        known["indexes"] = manifest.indexes
        if manifest.splits and {s.id for s in manifest.splits} != {s.id for s in plan.splits}:
            known["input"] = "changed"
        if _sets_read(manifest) != _sets_found(plan):
            known["evaluation_sets"] = "changed"
    elif store.exists(PLAN):
        known = {name: value for name, value in store.read_json(PLAN).items() if name in facts}
    else:
        store.write_json(PLAN, facts | {"weights": {split.id: split.size_bytes for split in plan.splits}})
        return
    changed = [_difference(name, value, facts[name]) for name, value in sorted(known.items()) if facts[name] != value]
    if changed:
        raise StagingError(
            f"{store.url} was begun with other {' and '.join(changed)}: choose another --output, or discard what is "
            "there with --restart"
        )


def _difference(name: str, before: Any, now: Any) -> str:
    """Name a fact of a run that changed, and of many facts of one kind the first three."""
    if not isinstance(before, dict) or not isinstance(now, dict):
        return name
    differing = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
    more = f" and {len(differing) - 3:,} more" if len(differing) > 3 else ""
    return f"{name} ({', '.join(differing[:3])}{more})"


def _input_state(plan: Plan) -> dict[str, str]:
    """Fingerprint every input file by its path in the recipe, size and version."""
    return _fingerprints((split.source, file) for split in plan.splits for file in split.files)


def _evaluation_state(plan: Plan) -> dict[str, str]:
    """Fingerprint the evaluation sets: the commit on the Hub, and every file."""
    revisions = {found.source.name: found.revision for found in plan.evaluation_sets if found.revision}
    return revisions | _fingerprints((found.source.name, f.file) for found in plan.evaluation_sets for f in found.files)


def _sets_found(plan: Plan) -> set[tuple[str, str | None, frozenset[str]]]:
    return {(f.source.name, f.revision, frozenset(x.file.path for x in f.files)) for f in plan.evaluation_sets}


def _sets_read(manifest: Manifest) -> set[tuple[str, str | None, frozenset[str]]]:
    return {(read.name, read.revision, frozenset(read.files)) for read in manifest.evaluation_sets}


def _fingerprints(files: Iterable[tuple[str, InputFile]]) -> dict[str, str]:
    return {f"{owner} {file.path}": f"{file.file_bytes} bytes, {file.version}" for owner, file in files}


def _files(plan: Plan) -> Iterable[InputFile]:
    """Return every file that the plan reads, once."""
    read = [file for split in plan.splits for file in split.files]
    read += [file.file for found in plan.evaluation_sets for file in found.files]
    return dict.fromkeys(read)


OUR_FILES = (
    "README.md",
    "report.html",
    "statistics.json",
    MANIFEST,
    RECIPE,
    CARD,
    "charts",
    "decontamination",
    "data",
    "index",
    "ledger",
    "pairs",
    "rejects",
)


def _clear(store: Store, plan: Plan) -> None:
    """Remove what a run writes, and nothing else; the staging lock stays held. Refuses to remove what is to be read."""
    indexes = {located(index.path, plan.base) for index in plan.indexes}
    inputs = {file.location for split in plan.splits for file in split.files if file.location}
    for address in sorted(indexes | inputs):
        if (inside := store.path_of(address)) and inside.split("/")[0] in {*OUR_FILES, "staging"}:
            raise StagingError(
                f"{store.url} holds {inside}, which the recipe reads: nothing removed; choose another --output"
            )
    staged = sorted(store.names("staging") - {"lock", "plan.json"})
    ours = [MANIFEST, *OUR_FILES, *(f"staging/{name}" for name in staged), PLAN]
    links = [name for name in (*ours, "staging") if store.local and Path(store.full(name)).is_symlink()]
    if links:
        raise StagingError(
            f"{store.full(links[0])} is a symbolic link, and what it leads to may be wanted: nothing removed; remove "
            "the link by hand, or choose another --output"
        )
    store.write_json(PLAN, {"recipe": "", "weights": {}})  # whoever stops us half way finds a run that no recipe began
    for name in ours:
        store.remove(name)


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
