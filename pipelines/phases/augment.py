"""The augment phase: documents made from documents that deduplication and decontamination left; and
pairs of texts.

The new documents of a split are staged as a split of their own, `<split>-augment`, after all splits
that were read, so that the documents that were read keep their places. Each says by `parent_id`
what it was made from.

Pairs are no documents. They are made last, of what is published, and lie in a folder of their own.
One whose new text holds evaluation text is left out; its document stays, since what it says was
looked through before.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import IO

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.catalogue.binding import Ask, BoundAugment, bind_augment, bind_pairs
from pipelines.catalogue.stages import (
    Recipe,
    gives_pairs,
    makes_documents,
    publishes_responses,
    reused_responses,
    sampling_stages,
    translation_outputs,
)
from pipelines.phases.asking import RESPONSES, AskingWorker, kept_responses
from pipelines.phases.decontaminate import load_index
from pipelines.phases.ingest import REJECTS, REJECTS_GROUP_BYTES, GroupedFile, fate_rows
from pipelines.phases.publish.shards import LEDGER_GROUP_BYTES, file_record
from pipelines.phases.run_context import Run
from pipelines.phases.withdraw import looked_up, withdrawn_ids, without_withdrawn
from pipelines.staging.parts import PartsWriter
from pipelines.staging.regrouping import Regrouper
from pipelines.staging.staged import SplitAfter, StagedSplit, StagingResult, staged_split
from pipelines.staging.store import Store
from pipelines.staging.tasks import Phase, Task, TaskResult, Worker, task_folder
from schemas.card.translation import RejectedSentences, TranslationYield
from schemas.ledger import LEDGER
from schemas.manifest import FileRecord
from schemas.translation import DOCUMENT_PAIR, SENTENCE_PAIR, TRANSLATION_MARKS, TRANSLATION_SAMPLE
from stages.batches import run_stages, set_columns
from stages.decontamination.matching import ItemIndex, find_contamination
from stages.script_detection import detect_scripts
from stages.translation.exchange import TMX_END, TMX_HEAD, moses_lines, passed_pairs, tmx_units
from stages.translation.samples import document_pairs, interleaved_samples, samples_of_sentences
from stages.transliteration.transliterate import PAIR

PHASE = "augment"


PAIRS = "sentence_pairs.parquet"
DOCUMENTS = "document_pairs.parquet"


class AugmentResult(StagingResult):
    """What was made of one split: by stage and source, how many documents, those turned away among
    them."""

    turned_away: int = 0
    created: tuple[tuple[str, str, int], ...]
    translations: tuple[TranslationYield, ...] = ()


class AugmentWorker(AskingWorker[AugmentResult]):
    """Makes new documents from what earlier phases left of one split, and accounts for those that
    were turned away."""

    phase = PHASE
    result = AugmentResult

    def setup(self) -> None:
        self.stages = bind_augment(self.recipe)
        outputs = translation_outputs(self.recipe)
        self.keeps_sentences = not outputs.isdisjoint({"sentence_pairs", "tmx", "moses", "samples"})
        self.keeps_documents = not outputs.isdisjoint({"document_pairs", "samples"})

    def run(self, task: Task) -> AugmentResult:
        folder = task_folder(PHASE, task.name)
        split = self.split_of(task)
        writer = PartsWriter(self.store, folder, self.recipe.engine.part_bytes)
        created: Counter[tuple[str, str]] = Counter()  # by stage and source
        responses = self.responses_of(task, reused_responses(self.recipe))
        kept = 0
        yields: list[TranslationYield] = []
        with contextlib.ExitStack() as files:
            files.callback(responses.close)
            turned_away = _TurnedAway(self.store, folder, files)
            part_bytes = self.recipe.engine.part_bytes
            pairs = GroupedFile(
                self.store,
                f"{folder}/{PAIRS}",
                SENTENCE_PAIR,
                Regrouper("source", part_bytes),
                files,
            )
            documents = GroupedFile(
                self.store,
                f"{folder}/{DOCUMENTS}",
                DOCUMENT_PAIR,
                Regrouper("source", part_bytes),
                files,
            )
            for _, block in split.blocks():
                made = _MadeOfBlock(self.stages, block, responses.ask)
                for batch in made.published:
                    writer.add(batch)
                    kept += batch.num_rows
                turned_away.add(made.rejected, made.failed)
                for batch, alone in zip(made.pairs, made.alone, strict=True):
                    yields += yields_of(batch, pairs_only=alone)
                for batch in made.pairs if self.keeps_sentences else ():
                    pairs.add(batch)
                for batch in made.translated if self.keeps_documents else ():
                    documents.add(document_pairs(block, batch))
                created += made.created
            for file in (turned_away, pairs, documents):
                file.close()
        if publishes_responses(self.recipe):
            responses.publish(f"{folder}/{RESPONSES}")
        by_stage = tuple((*key, count) for key, count in sorted(created.items()))
        return AugmentResult(
            kept=kept,
            turned_away=turned_away.rows,
            parts=writer.close(),
            created=by_stage,
            translations=merge_yields(yields),
        )


def yields_of(pairs: pa.RecordBatch, *, pairs_only: bool = False) -> Iterator[TranslationYield]:
    """Count the SENTENCE_PAIRs of a block, in which documents stand whole, by direction and engine;
    `pairs_only` says that the documents themselves are not published."""
    keys = ["source_language", "target_language", "generator"]
    for key, own in pl.DataFrame(pl.from_arrow(pairs)).group_by(keys, maintain_order=True):
        reasons = own["reason"].drop_nulls().value_counts().sort("reason")
        yield TranslationYield(
            **dict(zip(keys, map(str, key), strict=True)),
            documents=own["id"].n_unique(),
            passed_documents=own.filter("published")["id"].n_unique(),
            sentences=len(own),
            pairs_only=pairs_only,
            rejected=tuple(
                RejectedSentences(reason=reason, sentences=count)
                for reason, count in reasons.iter_rows()
            ),
        )


def merge_yields(parts: Iterable[TranslationYield]) -> tuple[TranslationYield, ...]:
    """Add up counts by direction and engine, sorted by these."""
    totals: dict[tuple[str, str, str], Counter[str]] = {}
    rejected: dict[tuple[str, str, str], Counter[str]] = {}
    alone: set[tuple[str, str, str]] = set()
    for part in parts:
        key = part.source_language, part.target_language, part.generator
        if part.pairs_only:
            alone.add(key)
        counts = {
            name: getattr(part, name) for name in ("documents", "passed_documents", "sentences")
        }
        totals.setdefault(key, Counter()).update(counts)
        rejected.setdefault(key, Counter()).update(
            {one.reason: one.sentences for one in part.rejected}
        )
    return tuple(
        TranslationYield(
            source_language=key[0],
            target_language=key[1],
            generator=key[2],
            **totals[key],
            pairs_only=key in alone,
            rejected=tuple(
                RejectedSentences(reason=r, sentences=n) for r, n in sorted(rejected[key].items())
            ),
        )
        for key in sorted(totals)
    )


class _MadeOfBlock:
    """What the stages of a recipe make of one block, after the filters among them.

    `published` are the documents that go into the corpus, `translated` all translations that
    passed, `pairs` their sentences; of documents that are not to be published, nothing is counted
    or accounted for.
    """

    def __init__(self, stages: Sequence[BoundAugment], block: pa.RecordBatch, ask: Ask) -> None:
        self.rejected: list[pa.RecordBatch] = []
        self.failed: list[pa.RecordBatch] = []
        self.created: Counter[tuple[str, str]] = Counter()  # by stage and source
        made: list[tuple[bool, pa.RecordBatch]] = []  # if they are published
        self.pairs: list[pa.RecordBatch] = []
        self.alone: list[bool] = []  # if the documents of these pairs are made, and not published
        for stage in stages:
            if stage.make:
                new = stage.make(block, ask)
                made.append((stage.published, _with_marks(new.documents)))
                if new.pairs is not None:
                    self.pairs.append(new.pairs)
                    of_others = pc.any(pc.not_equal(new.pairs["id"], new.pairs["parent_id"]))
                    self.alone.append(not stage.published and bool(of_others.as_py()))
                turned_away = [
                    ([new.rejected] if new.rejected else [], [new.failed] if new.failed else [])
                ]
                for batch in (new.documents, new.rejected, new.failed) if stage.published else ():
                    for count in pc.value_counts(batch["source"]).to_pylist() if batch else ():
                        self.created[stage.name, count["values"]] += count["counts"]
            elif stage.choose:
                outcomes = [
                    (published, run_stages(batch, [stage.choose])) for published, batch in made
                ]
                made = [(published, outcome.kept) for published, outcome in outcomes]
                turned_away = [
                    (outcome.rejected, outcome.failed)
                    for published, outcome in outcomes
                    if published
                ]
                gone = [
                    batch["id"]
                    for _, outcome in outcomes
                    for batch in (*outcome.rejected, *outcome.failed)
                ]
                self.pairs = [_without_documents(batch, gone, stage.name) for batch in self.pairs]
            if stage.published:
                self.rejected += [batch for rejected, _ in turned_away for batch in rejected]
                self.failed += [batch for _, failed in turned_away for batch in failed]
        self.published = [batch for published, batch in made if published]
        self.translated = [batch for _, batch in made]


def _with_marks(made: pa.RecordBatch) -> pa.RecordBatch:
    """Give documents the columns of translations, so that all that are made of a split have the
    same."""
    for field in TRANSLATION_MARKS:
        if field.name not in made.schema.names:
            made = made.append_column(field, pa.nulls(made.num_rows, field.type))
    return made


def _without_documents(
    pairs: pa.RecordBatch, gone: Sequence[pa.Array], stage: str
) -> pa.RecordBatch:
    """Say of sentence pairs whose documents are gone that a stage dropped these."""
    if not gone:
        return pairs
    dropped = pc.is_in(pairs["id"], pa.concat_arrays(gone))
    reason = pc.if_else(pc.and_(dropped, pc.is_null(pairs["reason"])), stage, pairs["reason"])
    return set_columns(
        pairs, reason=reason, published=pc.and_(pairs["published"], pc.invert(dropped))
    )


def _without_ids(samples: pa.RecordBatch, gone: Sequence[pa.Array]) -> pa.RecordBatch:
    """Leave out the samples that were made of pairs of some documents."""
    if not any(map(len, gone)):
        return samples
    return samples.filter(pc.invert(pc.is_in(samples["id"], pa.concat_arrays(gone))))


class _TurnedAway:
    """The ledger and the rejects of what was made of a split and is not published."""

    def __init__(self, store: Store, folder: str, files: contextlib.ExitStack) -> None:
        self.rows = 0
        self._ledger = GroupedFile(
            store, f"{folder}/ledger.parquet", LEDGER, Regrouper("id", LEDGER_GROUP_BYTES), files
        )
        self._rejects = GroupedFile(
            store,
            f"{folder}/rejects.parquet",
            REJECTS,
            Regrouper("raw", REJECTS_GROUP_BYTES),
            files,
        )

    def add(self, rejected: Sequence[pa.RecordBatch], failed: Sequence[pa.RecordBatch]) -> None:
        for fate, batches in (("dropped", rejected), ("failed", failed)):
            for batch in batches:
                self.rows += batch.num_rows
                self._ledger.add(fate_rows(batch, fate, PHASE))
        for batch in failed:
            raw = batch["text"].cast(pa.large_binary())
            columns = [raw if field.name == "raw" else batch[field.name] for field in REJECTS]
            self._rejects.add(pa.RecordBatch.from_arrays(columns, schema=REJECTS))

    def close(self) -> None:
        self._ledger.close()
        self._rejects.close()


def write_sentence_pairs(
    store: Store, outputs: Collection[str], pairs: Iterable[pa.RecordBatch], target: str
) -> Iterator[FileRecord]:
    """Write sentence pairs in the forms that any stage asks for; one row group is in memory at
    a time."""
    rows, files = 0, contextlib.ExitStack()
    with files:
        parquet = tmx = None
        texts: dict[str, IO[bytes]] = {}
        if "sentence_pairs" in outputs:
            parquet = files.enter_context(
                store.writing_parquet(f"{target}.parquet", SENTENCE_PAIR, compression="zstd")
            )
        if "tmx" in outputs:
            tmx = files.enter_context(
                files.enter_context(store.writing(f"{target}.tmx")).open("wb")
            )
            tmx.write(TMX_HEAD)
        for batch in pairs:
            left = pa.Table.from_batches([batch])
            rows += left.num_rows
            if parquet and left.num_rows:
                parquet.write_table(left)
            passed = passed_pairs(left)
            if tmx:
                tmx.write(tmx_units(passed))
            for name, lines in moses_lines(passed).items() if "moses" in outputs else ():
                if name not in texts:
                    path = files.enter_context(store.writing(f"{target}.{name}"))
                    texts[name] = files.enter_context(path.open("wb"))
                texts[name].write(lines)
        if tmx:
            tmx.write(TMX_END)
    if parquet:
        yield file_record(store, f"{target}.parquet", rows)
    for name in [*(["tmx"] if tmx else []), *sorted(texts)]:
        yield file_record(store, f"{target}.{name}")


class MadeResult(TaskResult):
    """The files of pairs, samples and responses."""

    files: tuple[FileRecord, ...]


class MadeWorker(Worker[MadeResult]):
    """Publishes the pairs, the samples made of them, and the responses of one split."""

    phase = "publish-made"
    result = MadeResult

    def __init__(self, store: Store, recipe: Recipe, earlier: Sequence[Phase]) -> None:
        self.store, self.recipe, self.earlier = store, recipe, earlier

    def setup(self) -> None:
        self._index: ItemIndex | None = None
        self.withdrawn = withdrawn_ids(self.store)

    def run(self, task: Task) -> MadeResult:
        split = StagedSplit.model_validate(task.payload)
        folder, files = task_folder(PHASE, f"{split.name}-{PHASE}"), []
        there = self.store.below(folder)
        if RESPONSES in there:
            target = f"responses/{task.name}.parquet"
            if self._publish_responses(split, folder, target):
                files.append(file_record(self.store, target))
        if PAIRS in there:
            pairs = (self._decontaminated(batch) for batch in self._batches(f"{folder}/{PAIRS}"))
            files += write_sentence_pairs(
                self.store, translation_outputs(self.recipe), pairs, f"bitext/{task.name}"
            )
        if DOCUMENTS in there and "document_pairs" in translation_outputs(self.recipe):
            files += self._write_parquet(
                f"document_pairs/{task.name}.parquet",
                DOCUMENT_PAIR,
                (self._decontaminated(batch) for batch in self._batches(f"{folder}/{DOCUMENTS}")),
            )
        for place, config in enumerate(sampling_stages(self.recipe)):
            interleaved = config.form == "interleaved"
            name = DOCUMENTS if interleaved else PAIRS
            if name not in there:
                continue
            staged = f"{folder}/{name}"
            left = [
                self._decontaminated(batch) for batch in self._batches(staged, with_withdrawn=True)
            ]
            gone = [batch["id"].filter(self._is_withdrawn(batch)) for batch in left]
            make = interleaved_samples if interleaved else samples_of_sentences
            # Sentences of several directions lie apart in a split, and samples join them, so a
            # split is taken whole.
            blocks = (
                _without_ids(make(pa.Table.from_batches(part), config), gone)
                for part in ([[b] for b in left] if interleaved else [left])
            )
            files += self._write_parquet(
                f"samples/{place}-{config.form}/{task.name}.parquet", TRANSLATION_SAMPLE, blocks
            )
        return MadeResult(files=tuple(files))

    def _batches(self, staged: str, *, with_withdrawn: bool = False) -> Iterator[pa.RecordBatch]:
        for table in self.store.row_groups(staged):
            for batch in table.combine_chunks().to_batches():
                stays = None if with_withdrawn else pc.invert(self._is_withdrawn(batch))
                yield batch if stays is None else batch.filter(stays)

    def _is_withdrawn(self, pairs: pa.RecordBatch) -> pa.Array:
        """Tell of which pairs the translated document or its parent is withdrawn."""
        gone = np.zeros(pairs.num_rows, bool)
        for name in ("id", "parent_id"):
            gone[looked_up(self.withdrawn, pairs[name])[0]] = True
        return pa.array(gone)

    def _publish_responses(self, split: StagedSplit, folder: str, target: str) -> bool:
        """Publish the responses of a split, without those that were given for withdrawn documents
        alone; say if there is any."""
        after = SplitAfter(self.store, split, self.earlier)
        if not len(looked_up(self.withdrawn, after.ids())[0]):
            self.store.copy(f"{folder}/{RESPONSES}", target)
            return True
        responses = kept_responses(self.store, PHASE, f"{split.name}-{PHASE}")
        asked: set[bytes] = set()
        stages, ask = bind_augment(self.recipe), responses.recorded(asked)
        for _, block in after.blocks():
            _MadeOfBlock(stages, without_withdrawn(self.withdrawn, block, ["id"]), ask)
        rows = responses.publish(target, asked)
        responses.close()
        return bool(rows)

    def _write_parquet(
        self, path: str, schema: pa.Schema, blocks: Iterable[pa.RecordBatch]
    ) -> Iterator[FileRecord]:
        """Write blocks, if any of them has rows."""
        rows = 0
        with contextlib.ExitStack() as files:
            writer = None
            for block in blocks:
                if block.num_rows:
                    writer = writer or files.enter_context(
                        self.store.writing_parquet(path, schema, compression="zstd")
                    )
                    writer.write_batch(block)
                    rows += block.num_rows
        if rows:
            yield file_record(self.store, path, rows)

    def _decontaminated(self, pairs: pa.RecordBatch) -> pa.RecordBatch:
        """Leave out the pairs whose target holds evaluation text: their sources were looked through
        before."""
        if not self.recipe.decontaminate:
            return pairs
        self._index = self._index or load_index(self.store)
        labels = pc.split_pattern(pairs["target_language"], "_")
        language, script = (pc.list_element(labels, place) for place in (0, 1))
        written = {
            "id": pairs["id"],
            "text": pairs["target"],
            "language": language,
            "script": script,
        }
        found = find_contamination(
            pa.record_batch(written), self._index, self.recipe.decontaminate
        )["row"]
        return pairs.filter(pc.invert(pc.is_in(pa.array(range(pairs.num_rows), pa.int64()), found)))


def publish_made(
    run: Run, read: Sequence[StagedSplit], phases: Sequence[Phase]
) -> list[FileRecord]:
    """Publish the pairs, samples and responses of all splits that the recipe asks for, as they were
    made after `phases`, without what was withdrawn since; returns the files."""
    if translation_outputs(run.recipe) <= {"documents"} and not publishes_responses(run.recipe):
        return []
    splits = [split for split in read if split.documents]
    tasks = [
        split.task().model_copy(update={"name": f"{position:05d}-{split.name}-{PHASE}"})
        for position, split in enumerate(splits)
    ]
    done = run.tasks(MadeWorker(run.store, run.recipe, phases), tasks)
    return [file for task in tasks for file in done[task.name].files]


class PairResult(TaskResult):
    """The file of pairs, if there are any."""

    file: FileRecord | None


class PairWorker(Worker[PairResult]):
    """Writes the pairs of texts that the published documents of one split give."""

    phase = "publish-pairs"
    result = PairResult

    def __init__(self, store: Store, recipe: Recipe, phases: Sequence[Phase]) -> None:
        self.store, self.recipe, self.phases = store, recipe, phases

    def setup(self) -> None:
        self.stages = bind_pairs(self.recipe)
        self._index: ItemIndex | None = None

    def run(self, task: Task) -> PairResult:
        split = SplitAfter(self.store, StagedSplit.model_validate(task.payload), self.phases)
        file, rows = f"pairs/{task.name}.parquet", 0
        writer: pq.ParquetWriter | None = None
        with contextlib.ExitStack() as files:
            for _, block in split.blocks():
                for give in self.stages:
                    made = self._decontaminated(give(block))
                    rows += made.num_rows
                    if made.num_rows:
                        writer = writer or files.enter_context(
                            self.store.writing_parquet(file, PAIR, compression="zstd")
                        )
                        writer.write_batch(made)
        return PairResult(file=file_record(self.store, file, rows) if rows else None)

    def _decontaminated(self, made: pa.RecordBatch) -> pa.RecordBatch:
        if not self.recipe.decontaminate or not made.num_rows:
            return made
        self._index = self._index or load_index(self.store)
        new = made["romanization"]
        written = {
            "id": made["id"],
            "text": new,
            "language": made["language"],
            "script": detect_scripts(new),
        }
        found = find_contamination(
            pa.record_batch(written), self._index, self.recipe.decontaminate
        )["row"]
        return made.filter(pc.invert(pc.is_in(pa.array(range(made.num_rows), pa.int64()), found)))


def write_pairs(run: Run, read: Sequence[StagedSplit], phases: Sequence[Phase]) -> list[FileRecord]:
    """Write the pairs of all splits that were read, if the recipe asks for any; returns the files
    for the manifest."""
    if not any(map(gives_pairs, run.recipe.augment)):
        return []
    tasks = [
        split.task().model_copy(update={"name": f"{position:05d}-{split.name}"})
        for position, split in enumerate(read)
        if split.documents
    ]
    done = run.tasks(PairWorker(run.store, run.recipe, phases), tasks)
    return [file for task in tasks if (file := done[task.name].file)]


def augment(
    run: Run, staged: Sequence[StagedSplit], earlier: Sequence[Phase]
) -> tuple[list[StagedSplit], Counter[tuple[str, str]], tuple[TranslationYield, ...]]:
    """Make the new documents of all splits: their splits, in order, how many by stage and source,
    and the yields."""
    if not any(map(makes_documents, run.recipe.augment)):
        return [], Counter(), ()
    tasks = [augment_task(split.task()) for split in staged if split.documents]
    done = run.tasks(AugmentWorker(run.store, run.recipe, earlier), tasks)
    created: Counter[tuple[str, str]] = Counter()
    for result in done.values():
        for stage, source, count in result.created:
            created[stage, source] += count
    made = [task.name for task in tasks if done[task.name].kept or done[task.name].turned_away]
    yields = merge_yields(part for task in tasks for part in done[task.name].translations)
    return [staged_split(name, done[name], PHASE) for name in made], created, yields


def augment_task(task: Task) -> Task:
    """Return the task of making documents of a split, whose name that of the made split is."""
    return task.model_copy(update={"name": f"{task.name}-{PHASE}"})
