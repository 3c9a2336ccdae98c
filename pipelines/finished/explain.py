"""The history of one document, from the ledger: where it came from, which stages it passed, how it
ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.catalogue.stages import Recipe
from pipelines.finished.synthetic_rows import synthetic_history
from pipelines.phases.order import stage_chain
from pipelines.staging.corpus import damage_told
from pipelines.staging.store import StagingError, Store, require_corpus
from schemas.alternatives import did_you_mean, unknown
from schemas.language import one_code, to_iso639_3
from schemas.ledger import FATES
from schemas.recipe import parse_recipe

VALUES_SHOWN = 20
_ISO_639_1 = 2  # letters


class LedgerFilter(NamedTuple):
    """Which rows of a ledger are wanted; an empty value wants all."""

    fate: str = ""
    reason: str = ""
    stage: str = ""
    language: str = ""  # `eus` or `eus_Latn`; `eu` is `eus`
    source: str = ""
    id: str = ""  # or how it begins

    def chosen(self, table: pa.Table) -> pa.Table:
        """Return the rows of a LEDGER table that are wanted, in their order."""
        for name in ("fate", "reason", "stage", "source"):
            if value := getattr(self, name):
                table = table.filter(pc.equal(table[name], value))
        if self.language:
            language, _, script = self.language.partition("_")
            if len(language) == _ISO_639_1:
                language = one_code(to_iso639_3(language) or language)
            table = table.filter(pc.equal(table["language"], language))
            table = table.filter(pc.equal(table["script"], script)) if script else table
        return table.filter(pc.starts_with(table["id"], self.id)) if self.id else table


def absent_values(store: Store, wanted: LedgerFilter) -> Iterator[str]:
    """Say of each wanted value that no row of the ledger has which ones there are, at most
    VALUES_SHOWN."""
    for column in ("reason", "stage", "language", "source"):
        value = getattr(wanted, column)
        if not value or next(ledger_rows(store, LedgerFilter(**{column: value})), None):
            continue
        columns = ["language", "script"] if column == "language" else [column]
        there: set[tuple[str, ...]] = set()
        for name in sorted(store.names("ledger")):
            for table in store.row_groups(f"ledger/{name}", columns):
                found = table.group_by(columns).aggregate([]).drop_null()
                there.update(zip(*found.to_pydict().values(), strict=True))
        values = list(map("_".join, sorted(there)))
        shown = values[:VALUES_SHOWN]
        more = f" and {len(values) - len(shown):,} more" if len(shown) < len(values) else ""
        listed = f"{', '.join(shown) or 'none'}{more}"
        yield f"no row has the {column} {value!r}{did_you_mean(value, values)}; there are: {listed}"


def ledger_rows(store: Store, wanted: LedgerFilter) -> Iterator[dict[str, Any]]:
    """Yield the wanted rows of a corpus's ledger, in its order, a row group in memory at a time.

    Raises StagingError if the corpus is not there, or for a fate that no ledger knows.
    """
    require_corpus(store)
    if wanted.fate and wanted.fate not in FATES:
        raise StagingError(unknown("fate", wanted.fate, FATES))
    for name in sorted(store.names("ledger")):
        with damage_told(store, f"ledger/{name}"):
            for table in store.row_groups(f"ledger/{name}"):
                yield from wanted.chosen(table).to_pylist()


def find_in_ledger(store: Store, document: str) -> list[dict[str, Any]]:
    """Find the ledger rows of a document by its id, or by how it begins: several if a source used
    the id repeatedly.

    Raises StagingError if there is none, or if ids of several documents begin so.
    """
    rows = list(ledger_rows(store, LedgerFilter(id=document)))
    same = [row for row in rows if row["id"] == document] or rows
    ids = list(dict.fromkeys(row["id"] for row in same))
    if not ids:
        raise StagingError(
            f"no document {document} in the ledger of {store.url}; ids are in the column `id` of its files"
        )
    if len(ids) > 1:
        shown = ", ".join(ids[:3]) + (f" and {len(ids) - 3:,} more" if len(ids) > 3 else "")
        raise StagingError(
            f"{len(ids):,} documents of {store.url} have ids that begin with {document!r}: {shown}"
        )
    return same


def _find(store: Store, folder: str, start: str, column: str, value: str) -> list[dict[str, Any]]:
    """Find the rows with a value in the files of a folder whose names start so."""
    rows: list[dict[str, Any]] = []
    for name in sorted(name for name in store.names(folder) if name.startswith(start)):
        for table in store.row_groups(f"{folder}/{name}"):
            rows += table.filter(pc.equal(table[column], value)).to_pylist()
    return rows


def document_history(store: Store, document: str) -> Iterator[str]:
    """Yield the lines of a document's history; raises StagingError if the corpus or the document is
    not there."""
    if synthetic := list(synthetic_history(store, document)):
        yield from synthetic
        return
    rows = find_in_ledger(store, document)
    recipe = parse_recipe(store.read("recipe.toml").decode(), Recipe)
    for row in rows:
        yield f"document      {row['id']}"
        yield f"source        {row['source']}, {row['path']}, position {row['position']}"
        if row["url"]:
            yield f"url           {row['url']}"
        if row["language"]:
            score = "" if row["language_score"] is None else f", score {row['language_score']:.3f}"
            yield f"language      {row['language']}_{row['script']}{score}"
        if row["parent_id"]:
            yield f"made from     {row['parent_id']}"
        yield from _stages(store, recipe, row)


def _stages(store: Store, recipe: Recipe, row: dict[str, Any]) -> Iterator[str]:
    rewriting = (row["rewritten_by"] or "").split(", ")
    for phase, stage in stage_chain(recipe):
        if row["parent_id"] and phase in ("ingest", "dedup"):
            continue  # its parent passed these
        if (phase, stage) == (row["phase"], row["stage"]):
            yield f"{phase:13} {stage}: {_decision(row)}"
            return
        masked = _masked(store, row["id"]) if phase == "decontaminate" else ""
        outcome = "rewritten, a part of the text was taken out" if stage in rewriting else "passed"
        yield f"{phase:13} {stage}: {masked or outcome}"
    yield f"publish       {row['shard']}, row {row['row']}"


def _masked(store: Store, document: str) -> str:
    """Say what evaluation text was taken out of a document that went on without it."""
    found = _find(store, "decontamination", "matches-", "document", document)
    sets = sorted({match["evaluation_set"] for match in found})
    return f"rewritten, without what it held of {', '.join(sets)}" if sets else ""


def _decision(row: dict[str, Any]) -> str:
    """Say what became of a document, in one line.

    >>> failed = {"fate": "failed", "reason": "broken_record", "value": None, "threshold": None}
    >>> _decision({**failed, "detail": "broken_record: not JSON"})
    'failed, broken_record: not JSON'
    """
    if row["fate"] == "duplicate":
        similarity = f", similarity {row['value']:g}" if row["value"] is not None else ""
        detail = f" {row['detail']}" if row["detail"] else ""
        return f"duplicate of {row['duplicate_of']}{detail}{similarity}"
    measured = f", measured {row['value']:g}" if row["value"] is not None else ""
    limit = f", threshold {row['threshold']:g}" if row["threshold"] is not None else ""
    detail = f": {row['detail'].removeprefix(row['reason'] + ': ')}" if row["detail"] else ""
    return f"{row['fate']}, {row['reason']}{measured}{limit}{detail}"
