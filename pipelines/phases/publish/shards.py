"""The publish phase: plan the shards from row-group counts, write them in the Hub's layout, finish
the ledger.

No text is shuffled: a shard is a list of staged row groups, and whoever writes it reads those. Rows
keep the order of the input, so that a next version of the corpus differs where it differs and
nowhere else.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from data_cards.sections.funnel import count_fates, merge_fates
from data_cards.statistics import Asked, measure, merge, with_commonest_hosts
from pipelines.catalogue.counted import asked_of
from pipelines.catalogue.stages import Recipe, marks_page_languages, page_weights
from pipelines.phases.deduplication.page_languages import mark_pages, page_languages
from pipelines.phases.ingest import REJECTS
from pipelines.phases.order import WITHDRAW
from pipelines.phases.publish.sampling_weights import sampling_weights
from pipelines.phases.publish.splits import numbers_in_split
from pipelines.phases.run_context import Run
from pipelines.phases.withdraw import looked_up, withdrawn_ids, without_withdrawn
from pipelines.staging.regrouping import Regrouper
from pipelines.staging.staged import (
    Footers,
    RowRun,
    SplitAfter,
    StagedSplit,
    cluster_sizes,
    kept_rows,
    removals,
    splits_ahead,
)
from pipelines.staging.store import CARD, Store
from pipelines.staging.tasks import Phase, Task, TaskResult, Worker, task_folder
from schemas.card.card import Card
from schemas.card.funnel import FateCount
from schemas.card.splits import PUBLISHED_SPLITS
from schemas.card.statistics import TextStatistics
from schemas.column_types import widened
from schemas.columns import arrange
from schemas.document import (
    DOCUMENT,
    PAGE_LANGUAGES,
    SAMPLING_WEIGHT,
    TRANSLATION_EVIDENCE,
    TRANSLATION_WEIGHT,
)
from schemas.language import parse_label
from schemas.ledger import LEDGER
from schemas.manifest import FileRecord
from schemas.withdrawal import OPT_OUT, NamedRegister
from stages.translated_pages import evidence_weights
from stages.withdrawal.causes import NONE, Names

SHARDS = "publish-shards"
LEDGERS = "publish-ledger"
# Where phases that stage documents account for those that they turn away, by how they name what
# they make of a split.
_ACCOUNTS = {"-augment": "augment", "-synthesize": "synthesize-checked"}
# of text, measured at once: to begin takes 2 ms, and runs of a rare language are short
MEASURED_BYTES = 1 << 20
LEDGER_GROUP_BYTES = 8 << 20  # of ids and what Regrouper counts for a row: about 80,000 rows

# As the Hub's own writer does it: pages that can be skipped by an index, and cut by content, so
# that a next version re-uploads only what changed.
PUBLISHED: dict[str, Any] = {
    "compression": "zstd",
    "write_page_index": True,
    "use_content_defined_chunking": True,
}


class Piece(BaseModel):
    """One run of one split as a shard takes it: `rows` survivors of it are in the shard, from its
    row `first_row` on.

    Of a run's survivors a shard holds those of one published split, a place in PUBLISHED_SPLITS.
    """

    model_config = ConfigDict(frozen=True)

    split: str
    run: RowRun
    shard: str
    first_row: int
    rows: int
    published: int = 0


def plan_shards(
    splits: Sequence[StagedSplit],
    survivors: Mapping[tuple[str, int], Sequence[int]],
    shard_bytes: int,
    left: Mapping[tuple[str, int], Sequence[int]] | None = None,
) -> list[Piece]:
    """Assign every run that has survivors to shards of its label, in order.

    `survivors` counts by (split, first row) the rows of each published split. A split of a label
    whose text takes n times `shard_bytes` gets ceil(n) shards of about equal size.

    `left` counts what is left of the survivors, where some were withdrawn: shards begin where they
    would begin with all of them, and keep their names, so that a shard without a withdrawn row has
    the same bytes. One of which nothing is left is not written.
    """
    left = survivors if left is None else left
    by_label: dict[tuple[str, int], list[tuple[str, RowRun, int, int]]] = {}
    for split in splits:
        for run in split.runs:
            place = split.name, run.first_row
            for published, (rows, kept) in enumerate(
                zip(survivors[place], left[place], strict=True)
            ):
                if rows:
                    key = (str(parse_label(run.label)), published)
                    by_label.setdefault(key, []).append((split.name, run, rows, kept))
    pieces = []
    for (label, published), runs in sorted(by_label.items(), key=lambda item: item[0]):
        sizes = [run.text_bytes * rows // run.rows for _, run, rows, _ in runs]
        total = sum(sizes)
        wanted = max(1, -(-total // shard_bytes))
        # the shard in whose share of the label's bytes a run begins; shares that no run begins in
        # do not count
        begins = np.cumsum([0, *sizes[:-1]]) * wanted // max(total, 1)
        used, indices = np.unique(begins, return_inverse=True)
        filled = dict.fromkeys(range(len(used)), 0)
        for (split_name, run, _, kept), index in zip(runs, indices.tolist(), strict=True):
            if not kept:
                continue
            shard = (
                f"data/{label}/{PUBLISHED_SPLITS[published]}-{index:05d}-of-{len(used):05d}.parquet"
            )
            first = filled[index]
            pieces.append(
                Piece(
                    split=split_name,
                    run=run,
                    shard=shard,
                    first_row=first,
                    rows=kept,
                    published=published,
                )
            )
            filled[index] += kept
    return pieces


def published_schema(schemas: Sequence[pa.Schema], added: Sequence[pa.Field] = ()) -> pa.Schema:
    """Unite the schemas of all staged parts: the document's columns, then others by name; null
    where a part has none.

    A column that two sources type differently has the type that holds both, or is a string where
    there is none. `added` are columns that publishing itself fills, after the document's.
    """
    fields: dict[str, pa.Field] = {}
    for schema in schemas:
        for field in schema:
            known = fields.setdefault(field.name, field)
            if known.type != field.type:
                fields[field.name] = field.with_type(widened(known.type, field.type) or pa.string())
    others = sorted(name for name in fields if name not in (*DOCUMENT.names, OPT_OUT.name))
    return pa.schema([*DOCUMENT, *added, *(fields[name].with_nullable(True) for name in others)])


def plan_published(
    run: Run, staged: Sequence[StagedSplit], phases: Sequence[Phase], *, weighted: bool
) -> tuple[list[Piece], pa.Schema]:
    """Say where each run of what is left is published, and give the schema of the published
    files."""
    added = [
        *([PAGE_LANGUAGES] if any(map(marks_page_languages, run.recipe.dedup)) else []),
        *([SAMPLING_WEIGHT] if weighted else []),
        *([TRANSLATION_WEIGHT] if page_weights(run.recipe) else []),
    ]
    store = run.store.remembering()
    planned = _survivors(store, staged, [phase for phase in phases if phase != WITHDRAW])
    left = _survivors(store, staged, phases) if WITHDRAW in phases else planned
    pieces = plan_shards(staged, planned, run.recipe.publish.shard_bytes, left)
    schema = published_schema(list(_staged_schemas(store, staged)), added)
    return pieces, schema


def publish_shards(
    run: Run, phases: Sequence[Phase], pieces: Sequence[Piece], schema: pa.Schema
) -> dict[str, ShardResult]:
    """Write the published files; returns what is in them."""
    return run.tasks(ShardWorker(run.store, run.recipe, phases, schema), _shard_tasks(pieces))


def _shard_tasks(pieces: Sequence[Piece]) -> list[Task]:
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


def _survivors(
    store: Store, staged: Sequence[StagedSplit], phases: Sequence[Phase]
) -> dict[tuple[str, int], list[int]]:
    """Count what is left of each run, by published split."""
    counts = {}
    for split in splits_ahead(store, staged, phases):
        removed = removals(store, phases, split.name)["row"].to_numpy()
        for run in split.runs:
            left = numbers_in_split(store, split.name, run)[kept_rows(run, removed)]
            counts[split.name, run.first_row] = np.bincount(
                left, minlength=len(PUBLISHED_SPLITS)
            ).tolist()
    return counts


def _staged_schemas(store: Store, staged: Sequence[StagedSplit]) -> Iterator[pa.Schema]:
    for split in store.read_ahead(staged, lambda split: split.files[:1]):
        if split.files:  # all parts of a split have the same columns
            with store.open(split.files[0]) as stream:
                yield pq.read_schema(stream)


class ShardResult(TaskResult):
    """A published file, and what is in it."""

    documents_in: int
    kept: int
    label: str
    split: str
    file: FileRecord
    statistics: TextStatistics


class ShardWorker(Worker[ShardResult]):
    """Writes one published Parquet file and measures what is in it."""

    phase = SHARDS
    result = ShardResult

    def __init__(
        self, store: Store, recipe: Recipe, phases: Sequence[Phase], schema: pa.Schema
    ) -> None:
        self.store, self.recipe, self.phases, self.schema = store, recipe, phases, schema
        self.footers = Footers()

    def setup(self) -> None:
        self.asked = asked_of(self.recipe.card)

    def run(self, task: Task) -> ShardResult:
        pieces = [Piece.model_validate(piece) for piece in task.payload["pieces"]]
        shard, label = pieces[0].shard, pieces[0].run.label
        # values that repeat or compare
        short = [name for name in self.schema.names if name not in ("id", "text")]
        options = PUBLISHED | {
            "compression_level": self.recipe.publish.compression_level,
            "use_dictionary": short,
            "write_statistics": ["id", *short],
        }
        groups, measured = (
            Regrouper("text", self.recipe.publish.row_group_bytes),
            Regrouper("text", MEASURED_BYTES),
        )
        parts, rows = [], 0
        asked = self.asked.of_file(sum(piece.rows for piece in pieces))
        with self.store.writing_parquet(shard, self.schema, **options) as writer:
            for table in self._survivors(pieces):
                columns = dict(zip(table.schema.names, table.columns, strict=True))
                for batch in (
                    arrange(columns, self.schema, table.num_rows).combine_chunks().to_batches()
                ):
                    rows += batch.num_rows
                    parts += [_measured(together, label, asked) for together in measured.add(batch)]
                    for group in groups.add(batch):
                        writer.write_table(group, row_group_size=group.num_rows)
            parts += [_measured(together, label, asked) for together in measured.flush()]
            for group in groups.flush():
                writer.write_table(group, row_group_size=group.num_rows)
        return ShardResult(
            documents_in=rows,
            kept=rows,
            label=label,
            split=PUBLISHED_SPLITS[pieces[0].published],
            file=file_record(self.store, shard, rows),
            statistics=with_commonest_hosts(merge(parts)),
        )

    def _survivors(self, pieces: Sequence[Piece]) -> Iterator[pa.Table]:
        """Yield what is left of each piece, with the texts as they are now, and what each document
        stands for."""
        published = pieces[0].published
        for name, group in itertools.groupby(pieces, key=lambda piece: piece.split):
            runs = tuple(piece.run for piece in group)
            split = SplitAfter(
                self.store,
                StagedSplit(name=name, documents=0, runs=runs),
                self.phases,
                self.footers,
            )
            for run, table in split.runs():
                kept = split.kept(run) & (numbers_in_split(self.store, name, run) == published)
                table = table.filter(pa.array(kept))
                if self.recipe.dedup:
                    rows = np.flatnonzero(kept) + run.first_row
                    sizes = cluster_sizes(self.store, name, rows)
                    place = table.schema.get_field_index("cluster_size")
                    table = table.set_column(place, DOCUMENT.field("cluster_size"), pa.array(sizes))
                    if PAGE_LANGUAGES.name in self.schema.names:
                        table = mark_pages(table, page_languages(self.store, name, rows))
                    if SAMPLING_WEIGHT.name in self.schema.names:
                        weights = sampling_weights(self.store, run.label, sizes)
                        table = table.append_column(SAMPLING_WEIGHT, pa.array(weights))
                if TRANSLATION_WEIGHT.name in self.schema.names:
                    table = table.append_column(TRANSLATION_WEIGHT, self._page_weights(table))
                yield table

    def _page_weights(self, table: pa.Table) -> pa.ChunkedArray:
        """Weigh pages by their evidence of translation; documents that were made have none."""
        name = TRANSLATION_EVIDENCE.name
        none = pa.chunked_array([pa.nulls(table.num_rows, pa.string())])
        evidence = table[name] if name in table.schema.names else none
        return evidence_weights(evidence, page_weights(self.recipe))


def _measured(rows: pa.Table, label: str, asked: Asked) -> TextStatistics:
    return measure(rows.combine_chunks().to_batches()[0], label, asked)


def publish_ledger(
    run: Run,
    staged: Sequence[StagedSplit],
    phases: Sequence[Phase],
    pieces: Sequence[Piece],
    registers: Sequence[NamedRegister] = (),
) -> dict[str, LedgerResult]:
    """Write the ledger of every split, and the records that failed; what is withdrawn leaves
    neither raw bytes nor, if its register is private, an address."""
    worker = LedgerWorker(run.store, phases, run.recipe, registers)
    return run.tasks(worker, _ledger_tasks(staged, pieces))


def _ledger_tasks(staged: Sequence[StagedSplit], pieces: Sequence[Piece]) -> list[Task]:
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


class LedgerResult(TaskResult):
    """The files of one split's ledger, and its documents by fate."""

    files: tuple[FileRecord, ...]
    fates: tuple[FateCount, ...]


class LedgerWorker(Worker[LedgerResult]):
    """Writes the final ledger of one split: each of its documents once, with its fate; and its
    rejects."""

    phase = LEDGERS
    result = LedgerResult

    def __init__(
        self,
        store: Store,
        phases: Sequence[Phase],
        recipe: Recipe,
        registers: Sequence[NamedRegister] = (),
    ) -> None:
        self.store, self.phases, self.registers = store, phases, registers
        self.licences = {source.name: source.licence for source in recipe.sources}

    def setup(self) -> None:
        private = [found for found in self.registers if found.register.private]
        self.names, self.private_names = Names(self.registers), Names(private)
        self.private = tuple(f"{found.file} " for found in private)  # how their causes begin
        self.withdrawn = withdrawn_ids(self.store)

    def run(self, task: Task) -> LedgerResult:
        split = SplitAfter(
            self.store, StagedSplit.model_validate(task.payload["split"]), self.phases
        )
        pieces: dict[int, list[Piece]] = {}
        for piece in map(Piece.model_validate, task.payload["pieces"]):
            pieces.setdefault(piece.run.first_row, []).append(piece)
        rows, fates = 0, []
        file = f"ledger/{task.name}.parquet"
        groups = Regrouper("id", LEDGER_GROUP_BYTES)
        with self.store.writing_parquet(file, LEDGER, compression="zstd") as writer:
            for table in self._tables(split, pieces):
                for batch in self._discreet(table).combine_chunks().to_batches():
                    rows += batch.num_rows
                    fates.append(count_fates(batch))
                    for group in groups.add(batch):
                        writer.write_table(group, row_group_size=group.num_rows)
            for group in groups.flush():
                writer.write_table(group, row_group_size=group.num_rows)
        files = [file_record(self.store, file, rows)]
        target = f"rejects/{task.name}.parquet"
        if self._write_rejects(split, target):
            files.append(file_record(self.store, target))
        return LedgerResult(files=tuple(files), fates=merge_fates(fates))

    def _discreet(self, ledger: pa.Table) -> pa.Table:
        """Leave out the addresses of what private registers name or take out."""
        if not self.private:
            return ledger
        hidden = pa.array(self.private_names.find(self._with_licences(ledger)) != NONE)
        for beginning in self.private:
            because = pc.and_(
                pc.equal(ledger["reason"], "withdrawn"),
                pc.starts_with(ledger["detail"], beginning),
            )
            hidden = pc.or_(hidden, pc.fill_null(because, False))
        place = ledger.schema.get_field_index("url")
        urls = pc.if_else(hidden, pa.scalar(None, pa.string()), ledger["url"])
        return ledger.set_column(place, LEDGER.field("url"), urls)

    def _with_licences(self, ledger: pa.Table) -> pa.Table:
        """Give documents that nobody read any further the licence of their source."""
        licences = [self.licences.get(source) for source in ledger["source"].to_pylist()]
        return ledger.append_column("licence", pa.array(licences, pa.string()))

    def _withdrawn_of(self, turned_away: str) -> pa.Array:
        """List the ids of a ledger that are named, or were made of a withdrawn document; where
        addresses are named, also those of records whose address could not be read."""
        gone = [pa.array([], pa.string())]
        for table in self.store.row_groups(turned_away):
            found = self.names.find(self._with_licences(table)) != NONE
            found[looked_up(self.withdrawn, table["parent_id"])[0]] = True
            if "url" in self.names.columns:
                found |= table["url"].is_null().to_numpy()
            gone += table["id"].filter(pa.array(found)).chunks
        return pa.concat_arrays(gone)

    def _tables(
        self, split: SplitAfter, pieces: Mapping[int, Sequence[Piece]]
    ) -> Iterator[pa.Table]:
        """Yield LEDGER tables: what ingest turned away, in reading order, then the staged rows, in
        theirs."""
        turned_away = f"{_accounts_folder(split.split.name)}/ledger.parquet"
        if self.store.exists(turned_away):
            yield from self.store.row_groups(turned_away)
        identity = [name for name in LEDGER.names if name in DOCUMENT.names]
        reasons = [
            name for name in split.removals.schema.names if name in LEDGER.names and name != "row"
        ]
        for run, table in split.runs(identity):
            kept = split.kept(run)
            start = int(np.searchsorted(split.removed, run.first_row))
            # for each row of the run, its place in the removal list, null if it was kept
            place = pa.array(np.cumsum(~kept) - 1 + start, mask=kept)
            published = np.where(
                kept, numbers_in_split(self.store, split.split.name, run), len(PUBLISHED_SPLITS)
            )
            shards = pa.nulls(run.rows, pa.string())
            rows = np.zeros(run.rows, np.int64)
            for piece in pieces.get(run.first_row, ()):
                own = published == piece.published
                shards = pc.if_else(pa.array(own), piece.shard, shards)
                rows[own] = np.arange(piece.first_row, piece.first_row + piece.rows)
            columns = {name: table[name] for name in identity}
            columns |= {name: split.removals[name].take(place) for name in reasons}
            columns |= {
                "fate": pc.fill_null(columns["fate"], "published"),
                "phase": pc.fill_null(columns["phase"], "publish"),
                "shard": shards,
                "row": pa.array(rows, mask=~kept),
                "rewritten_by": split.rewritten_by(run),
            }
            yield arrange(columns, LEDGER, table.num_rows)

    def _write_rejects(self, split: SplitAfter, target: str) -> bool:
        """Keep the raw records that failed in ingest, and the texts that failed later; say whether
        there are any."""
        early = f"{_accounts_folder(split.split.name)}/rejects.parquet"
        failed = split.removals.filter(pc.equal(split.removals["fate"], "failed"))
        gone: pa.Array = pa.array([], pa.string())
        if self.registers and self.store.exists(early):
            gone = self._withdrawn_of(early.replace("rejects.parquet", "ledger.parquet"))
        if not failed.num_rows and not len(gone):
            if found := self.store.exists(early):
                self.store.copy(early, target)
            return found
        with self.store.writing_parquet(target, REJECTS, compression="zstd") as writer:
            if self.store.exists(early):
                for table in self.store.row_groups(early):
                    writer.write_table(table.filter(pc.invert(pc.is_in(table["id"], gone))))
            rows = failed["row"].to_numpy()
            for run, table in split.runs(
                [*(name for name in REJECTS.names if name in DOCUMENT.names), "text"]
            ):
                start, end = np.searchsorted(rows, (run.first_row, run.first_row + run.rows))
                if start < end:
                    taken = table.take(pa.array(rows[start:end] - run.first_row))
                    reasons = failed.slice(start, end - start)
                    columns = {name: taken[name] for name in taken.schema.names}
                    columns |= {name: reasons[name] for name in ("stage", "detail")}
                    columns["raw"] = taken["text"].cast(pa.large_binary())
                    rejects = arrange(columns, REJECTS, taken.num_rows)
                    writer.write_table(without_withdrawn(self.withdrawn, rejects, ["id"]))
        return True


def _accounts_folder(split: str) -> str:
    """Name the folder where the phase that staged a split accounts for what it turned away."""
    phases = (phase for ending, phase in _ACCOUNTS.items() if split.endswith(ending))
    return task_folder(next(phases, "ingest"), split)


def write_card(store: Store, card: Card) -> list[FileRecord]:
    """Write a card's facts, from which it can be written again, and all files that show them;
    return their records."""
    # templates take a while to import, and only one process renders
    from data_cards.pages.markdown import (
        card_files,
    )

    written = {CARD: card.model_dump_json(indent=1).encode() + b"\n", **card_files(card)}
    for path, content in written.items():
        store.write(path, content)
    return [
        FileRecord(path=path, bytes=len(content), sha256=store.sha256(path))
        for path, content in written.items()
    ]


def file_record(store: Store, path: str, rows: int | None = None) -> FileRecord:
    """Describe a finished file for the manifest."""
    return FileRecord(path=path, bytes=store.size(path), sha256=store.sha256(path), rows=rows)
