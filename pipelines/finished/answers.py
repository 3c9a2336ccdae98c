"""What people answered comes back to a finished corpus.

The card is written again from its own facts, and the manifest after all other files, so that a kill
in between is fixed by doing the same again.
"""

from __future__ import annotations

from typing import Any

from pipelines.phases.publish.shards import file_record, write_card
from pipelines.staging.corpus import read_card, read_manifest
from pipelines.staging.store import MANIFEST, PARTIAL, Store


def take_in(store: Store, path: str, answers: bytes, **facts: Any) -> None:
    """Keep answers with a finished corpus, under `path`, and write its card again with the facts
    that they give."""
    card, manifest = read_card(store).model_copy(update=facts), read_manifest(store)
    store.write(path, answers)
    written = [file_record(store, path), *write_card(store, card)]
    files = {file.path: file for file in (*manifest.files, *written)}
    updated = manifest.model_copy(
        update={"files": tuple(file for _, file in sorted(files.items()))}
    )
    store.write(MANIFEST, updated.model_dump_json(indent=1).encode() + b"\n")
    if store.names("staging") <= {"lock", "partial"}:
        store.remove(PARTIAL)
