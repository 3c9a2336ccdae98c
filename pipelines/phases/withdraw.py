"""The withdraw phase: take back what registers name and pages reserve, with its copies and all that
was made of it.

It comes last, when all is decided: what is kept, for what, in which split and with which weight,
and what was made. So a corpus with a withdrawal is the corpus without it, less some rows. A
document that was removed as a duplicate of a withdrawn one does not come back in its place.

A document is withdrawn, in this order of causes, if

1. an entry names it, or its page reserves itself (named);
2. it stands for a named document that a deduplication stage removed, or its text is a copy of a
   named one's (stages.deduplication.copies), unless the entry keeps copies (copy);
3. it was made from a withdrawn document (made), or has a text like 2.

What is written: a removal list for each split, as every phase that removes writes one; and the keys
of the ids of all withdrawn documents, by which rows that are no documents go with theirs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.catalogue.stages import DUPLICATE_ID, Recipe
from pipelines.phases.ingest import PHASE as INGEST
from pipelines.phases.ingest import ROBOTS, ROBOTS_SCHEMA
from pipelines.phases.order import WITHDRAW
from pipelines.phases.run_context import Run
from pipelines.staging.staged import (
    REMOVED,
    SplitAfter,
    StagedSplit,
    first_numbers,
    removal_file,
    removal_folder,
    removals,
)
from pipelines.staging.store import Store
from pipelines.staging.tasks import Phase, Task, TaskResult, Worker, task_folder
from schemas.addresses import canonical_address
from schemas.card.duplicates import DedupReport
from schemas.card.withdrawal import RegisterRecord, Withdrawal, WithdrawnCount, WithdrawnEntry
from schemas.columns import arrange
from schemas.withdrawal import KINDS, OPT_OUT, TDM_OPEN, NamedRegister, WithdrawnConfig
from stages.deduplication.components import connected_components
from stages.deduplication.copies import (
    WAYS,
    CopyIndex,
    SignedTexts,
    find_copies,
    index_of,
    sign_texts,
    threshold_of,
)
from stages.keys import hash_keys
from stages.withdrawal.causes import NONE, Cause, Names, causes_of
from stages.withdrawal.opt_out import (
    ROBOTS_FILE,
    TDM_FILE,
    Rule,
    allowed,
    reservation_rules,
    reserved,
    robots_rules,
)

NAMED, COPIES = "withdraw-named", "withdraw-copies"
HOW = ("named", "copies", "made")  # how a document came under a cause
_CAUSED = np.dtype([("row", "<i8"), ("cause", "<i4")])
_INDEX = "staging/withdraw-index"
_IDS = "staging/withdraw-ids.npy"
_ROBOTS = "staging/withdraw-robots.parquet"
_KEYED = np.dtype([("key", "<u8"), ("cause", "<i4")])
_BLOCK_COLUMNS = ("text", "language", "script", "runner_up_language", "declared_language")


def causes_of_recipe(recipe: Recipe, registers: Sequence[NamedRegister]) -> list[Cause]:
    """List the causes that the recipe knows, entries first."""
    config = recipe.withdrawn
    return causes_of(registers, config.opt_out, config.opt_out_copies) if config else []


def asks_sites(config: WithdrawnConfig) -> bool:
    """Say if files of sites decide, which may lie in any split."""
    return not {"robots", "tdm_reservation"}.isdisjoint(config.opt_out)


class NamedResult(TaskResult):
    """How many documents of a split are named, those that an earlier phase removed among them."""

    named: int


class NamingWorker(Worker[NamedResult]):
    """Finds the named documents of one split, and signs their texts where copies are to be
    found."""

    phase = NAMED
    result = NamedResult

    def __init__(
        self,
        store: Store,
        recipe: Recipe,
        registers: Sequence[NamedRegister],
        phases: Sequence[Phase],
    ) -> None:
        self.store, self.registers, self.phases = store, registers, phases
        self.causes = causes_of_recipe(recipe, registers)
        config = recipe.withdrawn
        self.opt_out, self.agents = (config.opt_out, config.agents) if config else ((), ())
        self.asks_sites = config is not None and asks_sites(config)

    def setup(self) -> None:
        self.names = Names(self.registers)

    def run(self, task: Task) -> NamedResult:
        split = SplitAfter(self.store, StagedSplit.model_validate(task.payload), self.phases)
        folder = task_folder(NAMED, task.name)
        found = [np.empty(0, _CAUSED)]
        parts: dict[str, list[tuple[SignedTexts, npt.NDArray[np.int32]]]] = {}
        wanted = list(dict.fromkeys([*self.names.columns, *_BLOCK_COLUMNS, "url", OPT_OUT.name]))
        of_sites = self._rules_of(split) if self.asks_sites else _SiteRules({}, {})
        with_copies = np.array([cause.copies == "withdraw" for cause in self.causes])
        for run, table in split.runs(wanted):
            causes = self.names.find(table)
            self._add_signals(causes, table, of_sites)
            rows = np.flatnonzero(causes != NONE)
            if not len(rows):
                continue
            own = np.empty(len(rows), _CAUSED)
            own["row"], own["cause"] = rows + run.first_row, causes[rows]
            found.append(own)
            copied = rows[with_copies[causes[rows]]]
            for block in table.take(pa.array(copied)).combine_chunks().to_batches():
                for way, signed in sign_texts(block).items():
                    parts.setdefault(way, []).append((signed, causes[copied][signed.rows]))
        together = np.concatenate(found)
        self.store.save_array(f"{folder}/named.npy", together)
        for way, own_parts in parts.items():
            self.store.save_arrays(f"{folder}/{way}.bin", index_of(own_parts))
        return NamedResult(named=len(together))

    def _add_signals(
        self,
        causes: npt.NDArray[np.int32],
        table: pa.Table,
        of_sites: _SiteRules,
    ) -> None:
        """Give documents that no entry names the first signal that their pages give."""
        first = len(self.causes) - len(self.opt_out)
        urls = table["url"].to_pylist() if any(of_sites) else []
        for number, signal in enumerate(self.opt_out, start=first):
            if signal != "robots":
                said = pc.fill_null(pc.match_substring(table[OPT_OUT.name], signal), False)
                given = np.array(said.to_numpy(zero_copy_only=False), bool)
            if signal == "tdm_reservation" and of_sites.tdm:
                open_ = pc.fill_null(pc.match_substring(table[OPT_OUT.name], TDM_OPEN), False)
                by_file = np.array([_is_reserved(url, of_sites.tdm) for url in urls], bool)
                given |= by_file & ~np.array(open_.to_numpy(zero_copy_only=False), bool)
            elif signal == "robots":
                given = np.zeros(table.num_rows, bool)
                if of_sites.robots:
                    given = np.array([_is_disallowed(url, of_sites.robots) for url in urls], bool)
            causes[given & (causes == NONE)] = number

    def _rules_of(self, split: SplitAfter) -> _SiteRules:
        """Read the rules of each origin that a split has pages of, those of robots.txt for every
        agent."""
        origins: set[str] = set()
        for _, table in split.runs(["url"]):
            found = (canonical_address(url) for url in pc.unique(table["url"]).to_pylist() if url)
            origins.update(address[1].partition("/")[0] for address in found if address)
        rules = _SiteRules({}, {})
        for table in self.store.row_groups(_ROBOTS) if self.store.exists(_ROBOTS) else ():
            own = table.filter(pc.is_in(table["origin"], pa.array(sorted(origins), pa.string())))
            for row in own.to_pylist():
                if row["file"] == TDM_FILE:
                    own_rules = reservation_rules(row["content"])
                    rules.tdm.setdefault(row["origin"], []).append(own_rules)
                elif row["file"] == ROBOTS_FILE:
                    rules.robots.setdefault(row["origin"], []).extend(
                        robots_rules(row["content"], agent) for agent in self.agents
                    )
        return rules


class _SiteRules(NamedTuple):
    """Rules of robots.txt and of tdmrep.json, by origin."""

    robots: dict[str, list[list[Rule]]]
    tdm: dict[str, list[list[Rule]]]


def _is_reserved(url: str | None, rules: Mapping[str, Sequence[Sequence[Rule]]]) -> bool:
    address = canonical_address(url) if url else None
    if address is None:
        return False
    origin, slash, rest = address[1].partition("/")
    return any(reserved(own, slash + rest) for own in rules.get(origin, ()))


def _is_disallowed(url: str | None, robots: Mapping[str, Sequence[Sequence[Rule]]]) -> bool:
    address = canonical_address(url) if url and robots else None
    if address is None:
        return False
    origin, slash, rest = address[1].partition("/")
    return any(not allowed(rules, slash + rest) for rules in robots.get(origin, ()))


def gather_robots(store: Store, splits: Sequence[str]) -> None:
    """Choose the robots.txt and tdmrep.json of each origin: the last one that was fetched, wherever it lies; of
    several of one time all count. So no order of files or records decides anything."""
    files = [f"{task_folder(INGEST, split)}/{ROBOTS}" for split in splits]
    tables = [
        store.read_parquet(file)
        for file in store.read_ahead(files, lambda file: [file])
        if store.exists(file)
    ]
    if not tables:
        return
    found = pl.DataFrame(pl.from_arrow(pa.concat_tables(tables))).with_columns(
        pl.col("date").fill_null("")
    )
    last = (
        found.filter(pl.col("date") == pl.col("date").max().over("origin", "file"))
        .unique()
        .sort("origin", "file", "content")
    )
    with store.writing_parquet(_ROBOTS, ROBOTS_SCHEMA) as writer:
        writer.write_table(last.to_arrow().cast(ROBOTS_SCHEMA), row_group_size=10_000)


def _load(store: Store, file: str) -> CopyIndex | None:
    return CopyIndex(*store.load_arrays(file)) if store.exists(file) else None


def join_indexes(store: Store, splits: Sequence[str]) -> bool:
    """Make one index of those of all splits, for each way; say if there is anything to look for."""
    joined_any = False
    for way in WAYS:
        files = [f"{task_folder(NAMED, split)}/{way}.bin" for split in splits]
        found = (_load(store, file) for file in store.read_ahead(files, lambda file: [file]))
        indexes = [index for index in found if index is not None and len(index.numbers)]
        if not indexes:
            continue
        firsts = np.cumsum([0, *(len(index.numbers) for index in indexes)])
        keys = np.concatenate([index.keys for index in indexes])
        texts = np.concatenate(
            [index.texts + first for index, first in zip(indexes, firsts, strict=False)]
        )
        order = np.argsort(keys, kind="stable")
        counts = np.concatenate([np.diff(index.offsets) for index in indexes])
        joined = CopyIndex(
            keys[order],
            texts[order],
            np.concatenate([index.numbers for index in indexes]),
            np.concatenate([index.scripts for index in indexes]),
            np.concatenate([index.shingles for index in indexes]),
            np.append(0, counts.cumsum()),
        )
        store.save_arrays(f"{_INDEX}/{way}.bin", joined)
        joined_any = True
    return joined_any


class CopyWorker(Worker[NamedResult]):
    """Finds the documents of one split whose texts are copies of withdrawn ones; of those that an
    earlier phase removed, too, whose texts reports and sheets may show."""

    phase = COPIES
    result = NamedResult

    def __init__(self, store: Store, phases: Sequence[Phase]) -> None:
        self.store, self.phases = store, phases

    def setup(self) -> None:
        found = {way: _load(self.store, f"{_INDEX}/{way}.bin") for way in WAYS}
        self.indexes = {way: index for way, index in found.items() if index is not None}

    def run(self, task: Task) -> NamedResult:
        split = SplitAfter(self.store, StagedSplit.model_validate(task.payload), self.phases)
        found = [np.empty(0, _CAUSED)]
        for run, table in split.runs(list(_BLOCK_COLUMNS)):
            for block in table.combine_chunks().to_batches():  # one, if the run has rows
                signed = sign_texts(block)
                for way, index in self.indexes.items():
                    copies = find_copies(signed[way], index, threshold_of(way))
                    own = np.empty(len(copies.rows), _CAUSED)
                    own["row"], own["cause"] = copies.rows + run.first_row, copies.numbers
                    found.append(own)
        together = np.concatenate(found)
        self.store.save_array(f"{task_folder(COPIES, task.name)}/copies.npy", together)
        return NamedResult(named=len(together))


def write_removals(
    store: Store,
    staged: Sequence[StagedSplit],
    read: int,
    phases: Sequence[Phase],
    causes: Sequence[Cause],
) -> dict[str, Any]:
    """Write the removal list of every split, and the keys of all withdrawn ids.

    `staged` are the splits that were read, the first `read`, then those that were made of them. 5
    bytes are held for each document, and as much as `write_cluster_sizes` holds for duplicates.
    Returns how many published documents each cause took out, by HOW, and which causes name any
    document at all.
    """
    store.remove(removal_folder(WITHDRAW))  # what a kill left
    bases = first_numbers(staged)
    total = int(bases[-1])
    cause, how = np.full(total, NONE, np.int32), np.zeros(total, np.int8)

    def apply(documents: npt.NDArray[np.int64], given: npt.NDArray[np.int32], kind: int) -> None:
        free = cause[documents] == NONE
        cause[documents[free]], how[documents[free]] = given[free], kind

    def apply_found(path: str, split: StagedSplit, base: int, kind: int) -> None:
        if store.exists(path):
            found = store.load_array(path)
            order = np.argsort(found["cause"], kind="stable")[::-1]  # so that the first stays
            best = np.full(split.documents, NONE, np.int32)
            best[found["row"][order]] = found["cause"][order]
            rows = np.flatnonzero(best != NONE)
            apply(rows + base, best[rows], kind)

    numbered = list(zip(staged, bases.tolist(), strict=False))
    for split, base in store.read_ahead(numbered, lambda pair: [_named_file(pair[0])]):
        apply_found(_named_file(split), split, base, 0)
    named = np.unique(cause[cause != NONE]).tolist()
    if named:
        apply(*_stood_for(store, numbered, phases, cause, causes), 1)
    for split, base in store.read_ahead(numbered[:read], lambda pair: [_copies_file(pair[0])]):
        apply_found(_copies_file(split), split, base, 1)
    keyed = _keys_of_withdrawn(store, staged[:read], bases, cause)
    for split, base in store.read_ahead(numbered[read:], lambda pair: [_copies_file(pair[0])]):
        rows, given = looked_up(keyed, _column(store, split, "parent_id"))
        apply(rows + base, given, 2)
        apply_found(_copies_file(split), split, base, 1)
    made = _keys_of_withdrawn(store, staged[read:], bases[read:], cause)
    together = np.concatenate([keyed, made])
    store.save_array(_IDS, together[np.argsort(together["key"], kind="stable")])
    counts: Counter[tuple[int, int]] = Counter()
    for split, base in store.read_ahead(numbered, partial(_removal_files, phases)):
        gone = removals(store, phases, split.name)["row"].to_numpy()
        own = cause[base : base + split.documents].copy()
        own[gone] = NONE
        rows = np.flatnonzero(own != NONE)
        kinds = how[base + rows]
        counts.update(zip(own[rows].tolist(), kinds.tolist(), strict=True))
        _write_list(store, split, _Withdrawn(rows, own[rows], kinds), causes)
    return {
        "named": named,
        "counts": [[*key, documents] for key, documents in sorted(counts.items())],
    }


def _named_file(split: StagedSplit) -> str:
    return f"{task_folder(NAMED, split.name)}/named.npy"


def _copies_file(split: StagedSplit) -> str:
    return f"{task_folder(COPIES, split.name)}/copies.npy"


def _removal_files(phases: Sequence[Phase], numbered: tuple[StagedSplit, int]) -> list[str]:
    return [removal_file(phase, numbered[0].name) for phase in phases]


class _Withdrawn(NamedTuple):
    """The withdrawn rows of a split, each with the number of its cause, and a place in HOW."""

    rows: npt.NDArray[np.int64]
    causes: npt.NDArray[np.int32]
    kinds: npt.NDArray[np.int8]


def _write_list(
    store: Store, split: StagedSplit, withdrawn: _Withdrawn, causes: Sequence[Cause]
) -> None:
    path, rows = removal_file(WITHDRAW, split.name), withdrawn.rows
    if not len(rows):
        return
    with store.writing_parquet(path, REMOVED, compression="zstd") as writer:
        details = [
            detail_of(causes[number], HOW[kind])
            for number, kind in zip(
                withdrawn.causes.tolist(), withdrawn.kinds.tolist(), strict=True
            )
        ]
        columns = {
            "row": pa.array(rows),
            "fate": pa.repeat("dropped", len(rows)),
            "reason": pa.repeat("withdrawn", len(rows)),
            "detail": pa.array(details, pa.string()),
        }
        writer.write_table(arrange(columns, REMOVED, len(rows)))


def detail_of(cause: Cause, how: str) -> str:
    """Write why a row was withdrawn, as the ledger says it; never what the entry names."""
    return f"{cause}, {cause.kind if how == 'named' else how.replace('copies', 'copy')}"


def _stood_for(
    store: Store,
    numbered: Sequence[tuple[StagedSplit, int]],
    phases: Sequence[Phase],
    cause: npt.NDArray[np.int32],
    causes: Sequence[Cause],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Find the documents that deduplication joined to a named one: each removed document with what
    was kept for it, and that with what was kept for it in turn."""
    none = np.empty(0, np.int64), np.empty(0, np.int32)
    edges = [np.empty((0, 2), np.uint64)]
    for phase in phases:
        if phase.stage == DUPLICATE_ID:
            continue  # an id used twice says nothing about the texts
        for split, base in store.read_ahead(numbered, partial(_removal_files, [phase])):
            table = removals(store, [phase], split.name)
            table = table.filter(pc.is_valid(table["keeper"]))
            removed = table["row"].to_numpy().astype(np.uint64) + np.uint64(base)
            edges.append(np.stack([removed, table["keeper"].to_numpy()], axis=1))
    together = np.concatenate(edges)
    if not len(together):
        return none
    nodes, components = connected_components(together)
    _, places = np.unique(components, return_inverse=True)
    spreads = np.array([each.copies == "withdraw" for each in causes])
    given = cause[nodes.astype(np.int64)]
    named = (given != NONE) & spreads[np.maximum(given, 0)]
    nobody = len(causes)
    first = np.full(places.max() + 1, nobody, np.int64)
    np.minimum.at(first, places[named], given[named])
    joined = first[places] < nobody
    return nodes[joined].astype(np.int64), first[places][joined].astype(np.int32)


def _keys_of_withdrawn(
    store: Store,
    splits: Sequence[StagedSplit],
    bases: npt.NDArray[np.uint64],
    cause: npt.NDArray[np.int32],
) -> npt.NDArray[np.void]:
    """Make (key of id, cause) of all withdrawn documents, sorted by key."""
    found = [np.empty(0, _KEYED)]
    for split, base in zip(splits, bases.tolist(), strict=False):
        own = cause[base : base + split.documents]
        rows = np.flatnonzero(own != NONE)
        if len(rows):
            keyed = np.empty(len(rows), _KEYED)
            keyed["key"] = hash_keys(_column(store, split, "id").take(pa.array(rows)))["low"]
            keyed["cause"] = own[rows]
            found.append(keyed)
    together = np.concatenate(found)
    return together[np.argsort(together["key"], kind="stable")]


def _column(store: Store, split: StagedSplit, name: str) -> pa.Array:
    columns = [store.read_parquet(file, [name])[name] for file in split.files]
    chunks = [chunk.cast(pa.large_string()) for column in columns for chunk in column.chunks]
    return pa.chunked_array(chunks, pa.large_string()).combine_chunks()


def looked_up(
    keyed: npt.NDArray[np.void], ids: pa.Array | pa.ChunkedArray
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Find which of n ids are withdrawn, given sorted keys: their places and causes. Null is
    none."""
    if not len(keyed) or not len(ids):
        return np.empty(0, np.int64), np.empty(0, np.int32)
    if isinstance(ids, pa.ChunkedArray):
        ids = ids.combine_chunks()
    keys = hash_keys(pc.fill_null(ids.cast(pa.large_string()), ""))["low"]
    at = np.minimum(np.searchsorted(keyed["key"], keys), len(keyed) - 1)
    hits = np.flatnonzero(
        (keyed["key"][at] == keys) & ids.is_valid().to_numpy(zero_copy_only=False)
    )
    return hits, keyed["cause"][at[hits]]


def withdrawn_ids(store: Store) -> npt.NDArray[np.void]:
    """Load (key of id, cause) of all withdrawn documents, sorted by key; none without the phase."""
    return store.load_array(_IDS) if store.exists(_IDS) else np.empty(0, _KEYED)


Rows = TypeVar("Rows", pa.Table, pa.RecordBatch)


def without_withdrawn(keyed: npt.NDArray[np.void], rows: Rows, columns: Sequence[str]) -> Rows:
    """Leave out the rows of which any of some columns holds a withdrawn id."""
    kept = np.ones(rows.num_rows, bool)
    for name in columns:
        kept[looked_up(keyed, rows[name])[0]] = False
    return rows if kept.all() else rows.filter(pa.array(kept))


def shown_reports(store: Store, reports: Sequence[DedupReport]) -> tuple[DedupReport, ...]:
    """Leave out of the examples of deduplication those that show a withdrawn text."""
    withdrawn = withdrawn_ids(store)

    def stays(id_: str) -> bool:
        return not len(looked_up(withdrawn, pa.array([id_]))[0])

    return tuple(
        report.model_copy(
            update={
                "clusters": tuple(
                    cluster.model_copy(
                        update={"examples": tuple(e for e in cluster.examples if stays(e.id))}
                    )
                    for cluster in report.clusters
                    if stays(cluster.keeper)
                )
            }
        )
        for report in reports
    )


def withdraw(
    run: Run,
    registers: Sequence[NamedRegister],
    read: Sequence[StagedSplit],
    made: Sequence[StagedSplit],
    phases: Sequence[Phase],
) -> Withdrawal | None:
    """Write the removal lists of what is withdrawn; returns what the card tells of it, the rows of
    synthesis aside. None if the recipe takes nothing back."""
    config = run.recipe.withdrawn
    if config is None:
        return None
    done = f"{removal_folder(WITHDRAW)}/done.json"
    causes = causes_of_recipe(run.recipe, registers)
    if not run.store.exists(done):
        splits = [split for split in (*read, *made) if split.documents]
        tasks = [split.task() for split in splits]
        if asks_sites(config):
            run.function("pipelines.phases.withdraw:gather_robots", [split.name for split in read])
        named = run.tasks(NamingWorker(run.store, run.recipe, registers, phases), tasks)
        names = [split.name for split in splits]
        if any(result.named for result in named.values()) and run.function(
            "pipelines.phases.withdraw:join_indexes", names
        ):
            run.tasks(CopyWorker(run.store, phases), tasks)
        of_read = sum(1 for split in read if split.documents)
        counts = run.function(
            "pipelines.phases.withdraw:write_removals", splits, of_read, phases, causes
        )
        run.store.write_json(done, counts)
    return _told(config, registers, causes, run.store.read_json(done))


def _told(
    config: WithdrawnConfig,
    registers: Sequence[NamedRegister],
    causes: Sequence[Cause],
    found: dict[str, Any],
) -> Withdrawal:
    by_kind: dict[str, Counter[str]] = {}
    named = set(found["named"])
    for number, cause in enumerate(causes):
        counts = by_kind.setdefault(cause.kind, Counter())
        counts["entries"] += bool(cause.register)
        counts["unmatched"] += bool(cause.register) and number not in named
    for number, how, documents in found["counts"]:
        by_kind[causes[number].kind][HOW[how]] += documents
    kinds = [kind for kind in (*KINDS, *config.opt_out) if kind in by_kind]
    return Withdrawal(
        registers=tuple(
            RegisterRecord(
                file=found.file,
                sha256=found.sha256,
                private=found.register.private,
                entries=len(found.register.withdrawn),
            )
            for found in registers
        ),
        entries=tuple(_entries(registers)),
        opt_out=config.opt_out,
        agents=config.agents if config.opt_out else (),
        counts=tuple(
            WithdrawnCount(
                kind=kind,
                **{
                    name: by_kind[kind][name]
                    for name in WithdrawnCount.model_fields
                    if name != "kind"
                },
            )
            for kind in kinds
        ),
    )


def with_synthetic_rows(
    told: Withdrawal, rows: Mapping[int, int], causes: Sequence[Cause]
) -> Withdrawal:
    """Add the rows of synthesis that were withdrawn, by cause, to what was made of documents."""
    more: Counter[str] = Counter()
    for number, count in rows.items():
        more[causes[number].kind] += count
    counts = (
        found.model_copy(update={"made": found.made + more[found.kind]}) for found in told.counts
    )
    return told.model_copy(update={"counts": tuple(counts)})


def _entries(registers: Sequence[NamedRegister]) -> Iterator[WithdrawnEntry]:
    for found in registers:
        for number, entry in enumerate(found.register.withdrawn, start=1):
            if not found.register.private:
                yield WithdrawnEntry(
                    register_file=found.file,
                    number=number,
                    kind=entry.kind,
                    values=tuple(
                        f"https://{value}" if entry.kind == "url_prefix" else value
                        for value in entry.values
                    ),
                    date=entry.date.isoformat() if entry.date else "",
                    reason=entry.reason,
                    copies=entry.copies,
                )
