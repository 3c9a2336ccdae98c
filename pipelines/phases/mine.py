"""Mine sentence pairs from published pages: keys travel, texts go from storage to storage.

    each split      (keys of the address without a language code and of its number, row) of each label
    all keys        rows of two languages with one key, alone with it in their language
    each split      its pages and theirs, aligned: SENTENCE_PAIR

Both pages are published documents, so what was taken out of these is in no pair.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from pipelines.catalogue.stages import Recipe
from pipelines.phases.augment import merge_yields, write_sentence_pairs, yields_of
from pipelines.phases.order import WITHDRAW
from pipelines.phases.run_context import Run
from pipelines.staging.staged import SplitAfter, StagedSplit, removals
from pipelines.staging.store import Store
from pipelines.staging.tasks import Phase, Task, TaskResult, Worker, task_folder
from schemas.card.translation import TranslationYield
from schemas.language import one_code, one_label, parse_label
from schemas.manifest import FileRecord
from stages.keys import hash_keys
from stages.translation.options import MiningConfig

# `number` is 0 where the address has none
ADDRESSED = np.dtype([("key", "<u8"), ("number", "<u8"), ("row", "<i8"), ("label", "<u4")])
MATCHED = np.dtype([("row", "<i8"), ("split", "<i8"), ("other", "<i8"), ("direction", "<i8")])


class AddressResult(TaskResult):
    """The labels of a split, in the order of their numbers in the array of addresses."""

    labels: tuple[str, ...]


class AddressWorker(Worker[AddressResult]):
    """Writes the key of each published page of one split, by label."""

    phase = "mine-addresses"
    result = AddressResult

    def __init__(self, store: Store, labels: Sequence[str], phases: Sequence[Phase]) -> None:
        self.store, self.labels, self.phases = store, labels, phases

    def run(self, task: Task) -> AddressResult:
        from stages.translation.mining import mirror_addresses, page_numbers

        after = SplitAfter(self.store, StagedSplit.model_validate(task.payload), self.phases)
        wanted = [run for run in after.split.runs if one_label(run.label) in self.labels]
        found, labels = [np.empty(0, ADDRESSED)], dict[str, int]()
        for run, table in after.runs(["url"], wanted):
            rows = np.flatnonzero(after.kept(run))
            label = one_label(run.label)
            language = one_code(parse_label(label).language)
            urls = table["url"].combine_chunks().take(pa.array(rows))
            keys = mirror_addresses(urls, [language] * len(rows))
            there = keys.is_not_null().to_numpy()
            own = np.empty(int(there.sum()), ADDRESSED)
            own["key"] = _hashed(keys.drop_nulls())
            numbers = page_numbers(keys.drop_nulls())
            own["number"] = np.where(numbers.is_null(), 0, _hashed(numbers.fill_null("")))
            own["row"] = run.first_row + rows[there]
            own["label"] = labels.setdefault(label, len(labels))
            found.append(own)
        self.store.save_array(_addresses_file(task.name), np.concatenate(found))
        return AddressResult(labels=tuple(labels))


def _hashed(keys: pl.Series) -> npt.NDArray[np.uint64]:
    return hash_keys(keys.to_arrow().cast(pa.large_string()))["low"]


def _addresses_file(split: str) -> str:
    return f"{task_folder(AddressWorker.phase, split)}/addresses.npy"


def _matched_file(split: str) -> str:
    return f"staging/mine-matched/{split}.npy"


class MinedResult(TaskResult):
    """The files of mined pairs, and what they hold."""

    files: tuple[FileRecord, ...]
    yields: tuple[TranslationYield, ...]


class MineWorker(Worker[MinedResult]):
    """Aligns the pages of one split with those of the same address, and writes the pairs."""

    phase = "publish-mined"
    result = MinedResult

    def __init__(self, store: Store, recipe: Recipe, phases: Sequence[Phase]) -> None:
        self.store, self.recipe, self.phases = store, recipe, phases

    def run(self, task: Task) -> MinedResult:
        stages = mining_stages(self.recipe)
        outputs = {output for stage in stages for output in stage.outputs}
        pairs = list(self._mined(task, stages))
        files = (
            write_sentence_pairs(self.store, outputs, pairs, f"bitext/mined-{task.name}")
            if pairs
            else ()
        )
        yields = (found for batch in pairs for found in yields_of(batch))
        return MinedResult(files=tuple(files), yields=merge_yields(yields))

    def _mined(self, task: Task, stages: Sequence[MiningConfig]) -> Iterator[pa.RecordBatch]:
        from stages.translation.mining import mined_pairs

        split, *others = map(StagedSplit.model_validate, task.payload["splits"])
        matched = self.store.load_array(_matched_file(split.name))
        ours = self._pages(split, matched["row"])
        theirs = [
            self._pages(other, matched["other"][matched["split"] == place])
            for place, other in enumerate(others)
        ]
        ways = [(stage, direction) for stage in stages for direction in stage.pairs]
        for number, (stage, direction) in enumerate(ways):
            own = matched[matched["direction"] == number]
            rows = [
                (*ours[row], *theirs[place][other])
                for row, place, other, _ in own.tolist()  # pages, each of which is aligned alone
            ]
            if rows:
                columns = ["source_id", "source", "target_id", "target"]
                found = mined_pairs(pl.DataFrame(rows, columns, orient="row"), direction, stage)
                if found.num_rows:
                    yield found

    def _pages(
        self, split: StagedSplit, rows: npt.NDArray[np.int64]
    ) -> Mapping[int, tuple[str, str]]:
        """Read the id and text of some rows of a split."""
        after = SplitAfter(self.store, split, self.phases)
        rows = np.unique(rows)
        held = [
            run
            for run in split.runs
            if np.diff(np.searchsorted(rows, [run.first_row, run.first_row + run.rows]))[0]
        ]
        pages: dict[int, tuple[str, str]] = {}
        for run, table in after.runs(["id", "text"], held):
            start, end = np.searchsorted(rows, [run.first_row, run.first_row + run.rows])
            own = table.take(pa.array(rows[start:end] - run.first_row))
            both = zip(own["id"].to_pylist(), own["text"].to_pylist(), strict=True)
            pages |= dict(zip(rows[start:end].tolist(), both, strict=True))
        return pages


def mining_stages(recipe: Recipe) -> list[MiningConfig]:
    """List the stages that mine sentence pairs."""
    return [stage for stage in recipe.augment if isinstance(stage, MiningConfig)]


def mined_labels(recipe: Recipe) -> list[str]:
    """List the labels of the directions in which pages are matched; none where the recipe does not
    mine."""
    pairs = (pair for stage in mining_stages(recipe) for pair in stage.pairs)
    return sorted({one_label(str(label)) for pair in pairs for label in pair})


def mine(
    run: Run, read: Sequence[StagedSplit], phases: Sequence[Phase]
) -> tuple[list[FileRecord], tuple[TranslationYield, ...]]:
    """Mine the published pages of all splits that were read; returns the files, and what they
    hold. Holds 32 bytes for each page in a language of the recipe's directions."""
    directions = [pair for stage in mining_stages(run.recipe) for pair in stage.pairs]
    if not directions:
        return [], ()
    splits = [split for split in read if split.documents]
    labels, store = mined_labels(run.recipe), run.store.remembering()
    earlier = [phase for phase in phases if phase != WITHDRAW]
    addressed = run.tasks(
        AddressWorker(run.store, labels, earlier), [split.task() for split in splits]
    )
    parts = []
    read_ahead = store.read_ahead(splits, lambda split: [_addresses_file(split.name)])
    for place, split in enumerate(read_ahead):
        own = store.load_array(_addresses_file(split.name))
        if WITHDRAW in phases:
            gone = removals(store, [WITHDRAW], split.name)["row"].to_numpy()
            own = own[~np.isin(own["row"], gone)]
        numbers = [labels.index(label) for label in addressed[split.name].labels]
        label = np.asarray(numbers, np.int64)[own["label"]] if len(own) else np.empty(0, np.int64)
        columns = {name: own[name] for name in ("key", "number", "row")} | {"label": label}
        parts.append(pl.DataFrame(columns).with_columns(split=pl.lit(place, pl.Int64)))
    pages = pl.concat(parts) if parts else pl.DataFrame()
    matched = _matched(pages, labels, directions) if len(pages) else pl.DataFrame()
    tasks = []
    for place, split in enumerate(splits if len(matched) else []):
        theirs = matched.filter(pl.col("split") == place)
        if not len(theirs):
            continue
        others = sorted(theirs["their_split"].unique().to_list())
        array = np.empty(len(theirs), MATCHED)
        array["row"], array["other"] = theirs["row"], theirs["their_row"]
        array["split"] = np.searchsorted(others, theirs["their_split"].to_numpy())
        array["direction"] = theirs["direction"]
        run.store.save_array(_matched_file(split.name), array)
        named = [split, *(splits[other] for other in others)]
        tasks.append(
            Task(
                name=f"{place:05d}-{split.name}",
                weight_bytes=split.task().weight_bytes,
                payload={"splits": [one.model_dump() for one in named]},
            )
        )
    done = run.tasks(MineWorker(run.store, run.recipe, phases), tasks)
    files = [file for task in tasks for file in done[task.name].files]
    return files, merge_yields(part for task in tasks for part in done[task.name].yields)


def _matched(
    pages: pl.DataFrame, labels: Sequence[str], directions: Sequence[object]
) -> pl.DataFrame:
    """Match pages of one address, and of what is left those of one number, by direction; a key that
    several pages of a language have is none."""
    found = []
    for number, pair in enumerate(directions):
        source, target = (labels.index(one_label(side)) for side in str(pair).split(" -> "))
        by_address = _joined(pages, "key", source, target)
        numbered = pages.filter(pl.col("number") != 0)
        by_number = _joined(numbered, "number", source, target)
        taken = [
            by_address.select("split", "row"),
            by_address.select(split="their_split", row="their_row"),
        ]
        for both, (split, row) in zip(
            taken, (("split", "row"), ("their_split", "their_row")), strict=True
        ):
            by_number = by_number.join(
                both, left_on=(split, row), right_on=("split", "row"), how="anti"
            )
        matched = pl.concat([by_address, by_number])
        found.append(matched.with_columns(direction=pl.lit(number, pl.Int64)))
    return pl.concat(found).sort("direction", "split", "row")


def _joined(pages: pl.DataFrame, key: str, source: int, target: int) -> pl.DataFrame:
    """Join the pages of two languages that are alone in theirs with a key."""
    alone = pages.filter(pl.len().over(key, "label") == 1)
    ours, theirs = (alone.filter(pl.col("label") == label) for label in (source, target))
    return ours.join(
        theirs.select(key, their_row="row", their_split="split"), on=key, how="inner"
    ).select("row", "split", "their_row", "their_split")
