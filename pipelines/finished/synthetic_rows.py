"""The history of a synthetic row: its document, and every question and answer that made it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.staging.store import Store

_ID_DIGITS = 32  # only whole ids are looked for: rows are many, and no list of their ids is kept


def synthetic_history(store: Store, row_id: str) -> Iterator[str]:
    """Yield the lines of a row's history; none if no configuration has a row of this id."""
    if len(row_id) != _ID_DIGITS:
        return
    for configuration in sorted(store.names("synthetic")):
        for name in sorted(store.names(f"synthetic/{configuration}")):
            path = f"synthetic/{configuration}/{name}"
            for table in store.row_groups(path):
                for row in table.filter(pc.equal(table["id"], row_id)).to_pylist():
                    yield from _history(store, row, path)


def _history(store: Store, row: dict[str, Any], path: str) -> Iterator[str]:
    yield f"row           {row['id']}, in {path}"
    yield f"made from     {row['parent_id']}, from code point {row['passage_start']}"
    yield f"language      {row['language']}_{row['script']}"
    yield f"strategy      {row['strategy']}"
    yield f"generator     {row['generator']}, {row['generator_version'] or 'no version'}, seed {row['seed']}"
    for sha256 in row["prompts"]:
        yield f"prompt        {sha256}, on the card"
    wanted = pa.array([bytes.fromhex(key) for key in row["responses"]], pa.binary(16))
    for name in sorted(store.names("responses")):
        for table in store.row_groups(f"responses/{name}"):
            for response in table.filter(pc.is_in(table["key"], wanted)).to_pylist():
                yield f"response      {response['key'].hex()}"
                for message in json.loads(response["sentence"])["messages"]:
                    yield from _indented(f"[{message['role']}]\n{message['content']}")
                yield from _indented(f"[answer]\n{json.loads(response['response'])['content']}")


def _indented(text: str) -> Iterator[str]:
    return (f"  {line}" for line in text.split("\n"))
