"""The history of one document, told from the ledger: where it came from, which stages it passed, how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow.compute as pc

from pipelines.catalogue import Recipe
from pipelines.chain import stage_chain
from pipelines.staging import StagingError, Store
from schemas.recipe import parse_recipe


def find_in_ledger(store: Store, document: str) -> list[dict[str, Any]]:
    """Find the ledger rows of a document id: none, one, or several if a source used the id more than once."""
    return _find(store, "ledger", "", "id", document)


def _find(store: Store, folder: str, start: str, column: str, value: str) -> list[dict[str, Any]]:
    """Find the rows with a value in the files of a folder whose names start so."""
    rows: list[dict[str, Any]] = []
    for name in sorted(name for name in store.names(folder) if name.startswith(start)):
        for table in store.row_groups(f"{folder}/{name}"):
            rows += table.filter(pc.equal(table[column], value)).to_pylist()
    return rows


def document_history(store: Store, document: str) -> Iterator[str]:
    """Yield the lines of a document's history; raises StagingError if the corpus or the document is not there."""
    if not store.exists("manifest.json"):
        raise StagingError(
            f"{store.url} holds no finished corpus; finish it with glotmill run, or name another --corpus"
        )
    rows = find_in_ledger(store, document)
    if not rows:
        raise StagingError(
            f"no document {document} in the ledger of {store.url}; ids are in the column `id` of its files"
        )
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
    if row["fate"] == "duplicate":
        similarity = f", similarity {row['value']:g}" if row["value"] is not None else ""
        detail = f" {row['detail']}" if row["detail"] else ""
        return f"duplicate of {row['duplicate_of']}{detail}{similarity}"
    measured = f", measured {row['value']:g}" if row["value"] is not None else ""
    limit = f", threshold {row['threshold']:g}" if row["threshold"] is not None else ""
    detail = f": {row['detail']}" if row["detail"] else ""
    return f"{row['fate']}, {row['reason']}{measured}{limit}{detail}"
