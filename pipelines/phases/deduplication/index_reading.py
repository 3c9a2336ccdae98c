"""Reading indexes of earlier corpora: checked before anything runs, then staged as splits of known
documents.

To the shuffles an indexed document is a document of a split in front of all others: it has a number
and keys, and no text. It is never removed, never counted, and preferred to every document of the
corpus that is being built.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from pipelines.catalogue.stages import Recipe, against_of, at_home
from pipelines.phases.deduplication.index_writing import (
    IndexedPhase,
    indexed_phases,
    installed_packages,
    key_settings,
    probe,
    text_stages,
)
from pipelines.phases.deduplication.kinds import DedupKind
from pipelines.phases.deduplication.shuffle_records import KnownSplit
from pipelines.phases.run_context import Run
from pipelines.staging.store import Store
from pipelines.staging.tasks import Phase, Task, TaskResult, Worker, phase_folder, task_folder
from schemas.card.versions import IndexVersion
from schemas.corpus_index import FORMAT, HEAD, CorpusIndex, IndexedStage, IndexFile
from schemas.failures import MisuseError
from schemas.recipe import at_line
from stages.batches import located

PHASE = "known-documents"
MAX_HEAD_BYTES = 256 << 20  # of index.json: about a million files
MAX_GROUP_BYTES = 1 << 30  # of a row group, uncompressed, by its own account
_ID = pa.schema([pa.field("id", pa.string(), nullable=False)])


class _UnusableError(Exception):
    """An index, or a file of one, cannot be used; one line says why."""


def plan_indexes(
    recipe: Recipe, base: str, text: str
) -> tuple[list[str], tuple[IndexVersion, ...]]:
    """Check the indexes that a recipe names: every problem with its line, and the indexes, each
    once.

    Reads the heads of the indexes and looks whether their files are there.
    """
    problems: list[str] = []
    versions: dict[str, IndexVersion] = {}
    home = at_home(recipe, base)
    for phase in indexed_phases(recipe):
        addresses = against_of(home.dedup[phase.position])
        for name, address in zip(against_of(phase.kind.config), addresses, strict=True):
            try:
                head, sha256 = _read_head(address)
                _fitting(head, recipe, phase)
                _look_for_files(address, head)
            except _UnusableError as error:
                where = at_line(text, "dedup", phase.position, "against")
                problems.append(f"{where}index {name!r}: {error}")
                continue
            versions[name] = IndexVersion(
                path=name,
                corpus=head.corpus,
                version=head.version,
                documents=head.documents,
                sha256=sha256,
            )
    return list(dict.fromkeys(problems)), tuple(versions[name] for name in sorted(versions))


def _read_head(address: str) -> tuple[CorpusIndex, str]:
    """Read `index.json` and its SHA-256."""
    try:
        store = Store(address)
        if not store.exists(HEAD):
            raise _UnusableError(
                f"there is no {HEAD} in {address}; name the folder `index` of a corpus"
            )
        size = store.size(HEAD)
        if size > MAX_HEAD_BYTES:
            raise _UnusableError(f"{HEAD} must have at most {MAX_HEAD_BYTES:,} bytes, got {size:,}")
        content = store.read(HEAD)
    except (
        OSError,
        ValueError,
        ImportError,
    ) as error:  # what fsspec raises for an address of no kind it knows
        raise _UnusableError(f"{address} cannot be read: {' '.join(str(error).split())}") from None
    try:
        values = json.loads(content)
        found = values.get("format") if isinstance(values, dict) else None
        if found != FORMAT:
            raise _UnusableError(
                f"index has format {found!r}, this glotmill reads {FORMAT!r}; make the index anew"
            )
        head = CorpusIndex.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise _UnusableError(f"{HEAD} is damaged: {where}: {first['msg'].lower()}") from None
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _UnusableError(f"{HEAD} is damaged: {error}") from None
    return head, hashlib.sha256(content).hexdigest()


def _fitting(head: CorpusIndex, recipe: Recipe, phase: IndexedPhase) -> IndexedStage:
    """Choose the part of an index that has the keys of a dedup stage of the recipe, or say how they
    differ."""
    of_stage = [part for part in head.stages if part.stage == phase.kind.stage]
    if not of_stage:
        made = ", ".join(part.stage for part in head.stages) or "no stage"
        raise _UnusableError(f"index has keys of {made}, recipe asks for {phase.kind.stage}")
    differences = [_differences(part, recipe, phase) for part in of_stage]
    for part, differing in zip(of_stage, differences, strict=True):
        if not differing:
            return part
    fewest = min(differences, key=len)
    raise _UnusableError("; ".join(fewest))


def _differences(part: IndexedStage, recipe: Recipe, phase: IndexedPhase) -> list[str]:
    """Name every difference that makes the keys of an index and those of a recipe's stage
    incomparable."""
    found = _options_differ("", part.settings, key_settings(phase.kind))
    texts = text_stages(recipe, phase.position)
    theirs, ours = ([str(stage.get("stage")) for stage in stages] for stages in (part.texts, texts))
    if theirs != ours:
        found.append(f"index has keys of texts {_after(theirs)}, recipe of texts {_after(ours)}")
    else:
        for name, had, has in zip(ours, part.texts, texts, strict=True):
            found += _options_differ(f"{name} ", had, has)
    if not found and part.probe != probe(phase.kind):
        installed = installed_packages()
        versions = [
            f"index has {name} {part.packages.get(name, 'unknown')}, installed is {version}"
            for name, version in installed.items()
            if part.packages.get(name) != version
        ]
        found += versions or [
            f"index has keys that {phase.kind.stage} as it is now makes differently"
        ]
    return found


def _after(stages: Sequence[str]) -> str:
    return f"after {', '.join(stages)}" if stages else "as they were read"


def _options_differ(stage: str, index: dict[str, Any], recipe: dict[str, Any]) -> list[str]:
    return [
        f"index has {stage}{name} {_told(index, name)}, recipe {_told(recipe, name)}"
        for name in sorted(index.keys() | recipe.keys())
        if index.get(name) != recipe.get(name)
    ]


def _told(settings: dict[str, Any], name: str) -> str:
    return json.dumps(settings[name], ensure_ascii=False)[:200] if name in settings else "none"


def _look_for_files(address: str, head: CorpusIndex) -> None:
    """Find every file of an index with the size that its head records; contents are checked when
    they are read."""
    store = Store(address)
    try:
        for folder in sorted(
            {file.path.split("/")[0] for part in head.stages for file in part.files}
        ):
            sizes = {
                str(e["name"]).rsplit("/", 1)[-1]: e["size"]
                for e in store.fs.ls(store.full(folder), detail=True)
            }
            for file in (
                file
                for part in head.stages
                for file in part.files
                if file.path.startswith(f"{folder}/")
            ):
                size = sizes.get(file.path.split("/")[1])
                if size != file.bytes:
                    got = "it is missing" if size is None else f"got {size:,}"
                    raise _UnusableError(
                        f"{file.path} must have {file.bytes:,} bytes, {got}; copy the index anew"
                    )
    except FileNotFoundError as error:
        raise _UnusableError(f"folder {error} is missing; copy the index anew") from None
    except OSError as error:
        raise _UnusableError(f"{address} cannot be read: {' '.join(str(error).split())}") from None


class KnownDocumentsResult(TaskResult):
    """How many entries a file of an index has, or what is wrong with it."""

    entries: int = 0
    damage: str | None = None


class KnownDocumentsWorker(Worker[KnownDocumentsResult]):
    """Stages one file of an index, if it is what its head says: keys as the shuffles want them, and
    ids."""

    phase = PHASE
    result = KnownDocumentsResult

    def __init__(self, store: Store, recipe: Recipe) -> None:
        self.store, self.recipe = store, recipe

    def run(self, task: Task) -> KnownDocumentsResult:
        file = IndexFile.model_validate(task.payload["file"])
        (phase,) = (
            p for p in indexed_phases(self.recipe) if p.position == task.payload["position"]
        )
        with tempfile.TemporaryFile() as copy:
            try:
                _fetch(Store(task.payload["address"]), file, copy)
                table = _read_entries(copy, file, phase.schema)
            except _UnusableError as error:
                return KnownDocumentsResult(damage=str(error))
        folder = task_folder(self.phase, task.name)
        self.store.save_array(f"{folder}/keys.npy", _staged_keys(table, phase.kind))
        with self.store.writing_parquet(f"{folder}/ids.parquet", _ID, compression="zstd") as writer:
            writer.write_table(table.select(["id"]).cast(_ID))
        return KnownDocumentsResult(entries=table.num_rows)


def _fetch(source: Store, file: IndexFile, copy: IO[bytes]) -> None:
    """Copy a file of an index: what is checked here is what is read afterwards."""
    digest, size = hashlib.sha256(), 0
    try:
        with source.fs.open(source.full(file.path), "rb") as stream:
            while size <= file.bytes and (chunk := stream.read(1 << 20)):
                digest.update(chunk)
                size += copy.write(chunk)
    except OSError as error:
        raise _UnusableError(
            f"{file.path} cannot be read: {' '.join(str(error).split())}"
        ) from None
    if (size, digest.hexdigest()) != (file.bytes, file.sha256):
        raise _UnusableError(
            f"{file.path} is damaged: its SHA-256 must be {file.sha256}, got {digest.hexdigest()}; copy the index anew"
        )


def _read_entries(copy: IO[bytes], file: IndexFile, schema: pa.Schema) -> pa.Table:
    """Read a file of an index whose bytes are right; hostile ones may still hold something else
    than entries."""
    try:
        parquet = pq.ParquetFile(copy)
        if not parquet.schema_arrow.equals(schema):
            columns = ", ".join(f"{field.name} {field.type}" for field in parquet.schema_arrow)
            raise _UnusableError(
                f"{file.path} must have the columns {_columns(schema)}, got {columns[:200]}"
            )
        metadata = parquet.metadata
        largest = max(
            (metadata.row_group(n).total_byte_size for n in range(metadata.num_row_groups)),
            default=0,
        )
        if metadata.num_rows != file.rows or largest > MAX_GROUP_BYTES:
            raise _UnusableError(
                f"{file.path} must have {file.rows:,} rows in groups of at most {MAX_GROUP_BYTES:,} bytes, "
                f"got {metadata.num_rows:,} in up to {largest:,}"
            )
        table = parquet.read()
        table.validate(full=True)
    except (pa.ArrowException, OSError) as error:
        raise _UnusableError(
            f"{file.path} is no Parquet file: {' '.join(str(error).split())[:200]}"
        ) from None
    return table


def _columns(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} {field.type}" for field in schema)


def _staged_keys(table: pa.Table, kind: DedupKind) -> npt.NDArray[Any]:
    """Lay out entries as the dedup phase stages the keys of documents; zeros are preferred to
    everything."""
    dtype = kind.staged_dtype()
    staged = np.zeros(table.num_rows, dtype)
    staged[kind.row_field] = np.arange(table.num_rows)
    start = 0
    for batch in table.to_batches():
        some = staged[start : start + batch.num_rows]
        start += batch.num_rows
        for name in batch.schema.names:
            if name == "script":
                some[name] = batch[name].to_numpy(zero_copy_only=False)
            elif name != "id":
                array = batch[name]
                width = array.type.byte_width
                content = memoryview(array.buffers()[1])[array.offset * width :][
                    : len(array) * width
                ]
                some[name] = np.frombuffer(content, dtype[name])
    return staged


def stage_known_documents(
    run: Run, planned: Sequence[IndexVersion], base: str
) -> dict[Phase, list[KnownSplit]]:
    """Stage what the indexes of a recipe hold for each dedup phase, by phase.

    `planned` are the indexes as `plan_indexes` found them, relative to the folder `base`. Raises
    MisuseError, with every damaged file, before anything else has run.
    """
    versions = {located(version.path, base): version for version in planned}
    tasks: list[Task] = []
    splits: dict[Phase, list[KnownSplit]] = {}
    where: dict[str, str] = {}
    for indexed in indexed_phases(run.recipe):
        splits[indexed.phase] = []
        for number, address in enumerate(against_of(indexed.kind.config)):
            name = versions[address].path
            try:
                head, sha256 = _read_head(address)
                if sha256 != versions[address].sha256:
                    raise _UnusableError("changed since this run was planned; run again")
                files = _fitting(head, run.recipe, indexed).files
            except _UnusableError as error:
                raise MisuseError(f"index {name!r}: {error}") from None
            for place, file in enumerate(files):
                task = f"{indexed.phase.name}-{number:03d}-{place:06d}"
                payload = {
                    "position": indexed.position,
                    "address": address,
                    "file": file.model_dump(),
                }
                tasks.append(Task(name=task, weight_bytes=file.bytes, payload=payload))
                folder, where[task] = task_folder(PHASE, task), name
                splits[indexed.phase].append(
                    KnownSplit(task, file.rows, f"{folder}/keys.npy", f"{folder}/ids.parquet", name)
                )
    done = run.tasks(KnownDocumentsWorker(run.store, run.recipe), tasks) if tasks else {}
    damaged = {task: result.damage for task, result in sorted(done.items()) if result.damage}
    if damaged:
        # the same run may go on once the index is whole again
        run.store.remove(phase_folder(PHASE))
        raise MisuseError(
            "\n".join(f"index {where[task]!r}: {damage}" for task, damage in damaged.items())
        )
    return splits
