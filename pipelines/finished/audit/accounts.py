"""Does the ledger account for every document, and does it point at the documents that are there?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_cards.sections.funnel import count_fates, merge_fates
from pipelines.finished.audit.documents import Shard
from pipelines.finished.audit.parted import PARTS, PLACED, Parted, placed, same
from pipelines.staging.store import Store
from schemas.card.card import Card
from schemas.card.funnel import FateCount
from schemas.columns import SchemaError
from schemas.finding import Finding, error, note
from schemas.ledger import FATES, LEDGER
from schemas.manifest import Manifest
from stages.keys import KEY, hash_keys

CHECK = "ledger"


class Ledger(NamedTuple):
    """What the ledger's files say: keys of all ids, and of those that ids refer to, parted by key;
    published documents, parted by the numbers of their files in `names`."""

    fates: tuple[FateCount, ...]
    rows_by_file: dict[str, dict[str, int]]
    ids: Parted
    referred: dict[str, Parted]
    published: Parted
    nowhere: int  # published documents without a file
    names: list[str]
    findings: list[Finding]


def read_ledger(store: Store, paths: Sequence[str]) -> Ledger:
    """Read the ledger, a row group in memory at a time; about 60 bytes of each document go to disk."""
    fates: list[tuple[FateCount, ...]] = []
    counted: dict[str, dict[str, int]] = {}
    names: dict[str, int] = {}
    findings: list[Finding] = []
    ids, published, nowhere = Parted(KEY), Parted(PLACED, by="file"), 0
    referred = {"duplicate_of": Parted(KEY), "parent_id": Parted(KEY)}
    for path in paths:
        own: Counter[str] = Counter()
        try:
            for table in store.row_groups(path):
                for batch in table.combine_chunks().to_batches():
                    fates.append(count_fates(batch))
                    own.update(batch["fate"].to_pylist())
                    ids.add(_keys(batch["id"]))
                    for column, found in referred.items():
                        found.add(_keys(batch[column].drop_null()))
                    out = batch.filter(pc.equal(batch["fate"], "published"))
                    rows = pc.fill_null(out["row"], -1).to_numpy(zero_copy_only=False)
                    places = placed(_keys(out["id"]), _numbered(out["shard"], names), rows)
                    there = places["file"] >= 0
                    published.add(places[there])
                    nowhere += int(np.count_nonzero(~there))
        except (OSError, pa.ArrowException, SchemaError, KeyError, ValueError) as problem:
            findings.append(
                error(
                    CHECK,
                    f"cannot be read as a ledger: {' '.join(str(problem).split())[:300]}",
                    path,
                )
            )
        counted[path] = dict(own)
        if unknown := sorted(set(own) - set(FATES)):
            findings.append(
                error(CHECK, f"has fates that there are not: {', '.join(map(str, unknown))}", path)
            )
    return Ledger(
        merge_fates(fates),
        counted,
        ids,
        referred,
        published,
        nowhere,
        list(names),
        findings,
    )


def _keys(ids: pa.Array) -> npt.NDArray[np.void]:
    return hash_keys(ids.cast(pa.large_string()))


def _numbered(values: pa.Array, names: dict[str, int]) -> npt.NDArray[np.int64]:
    encoded = values.dictionary_encode()
    numbers = np.array(
        [names.setdefault(name, len(names)) for name in encoded.dictionary.to_pylist()], np.int64
    )
    indices = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    return np.where(indices < 0, -1, numbers[indices] if len(numbers) else -1)


def place_findings(ledger: Ledger, shards: Iterable[Shard]) -> Iterator[Finding]:
    """Hold each published row of the ledger against the document that stands at that place, and the
    other way round."""
    by_path = {shard.path: shard for shard in shards}
    for number, documents in ledger.published.by_file():
        path, rows = ledger.names[number], documents["number"]
        shard = by_path.get(path)
        if shard is None:
            yield error(
                CHECK,
                f"says of {len(rows):,} documents that they are in {path}, which is not there",
            )
            continue
        if len(np.unique(rows)) < len(rows) or len(rows) != len(shard.keys):
            yield error(
                CHECK,
                f"has {len(rows):,} rows for the {len(shard.keys):,} documents of this file",
                path,
            )
        inside = (rows >= 0) & (rows < len(shard.keys))
        wrong = int(np.count_nonzero(~inside)) + int(
            np.count_nonzero(~same(shard.keys.load()[rows[inside]], documents[inside]))
        )
        if wrong:
            yield error(CHECK, f"names another document at {wrong:,} places of this file", path)
    if ledger.nowhere:
        yield error(CHECK, f"does not say where {ledger.nowhere:,} published documents are")
    for path in sorted(by_path.keys() - set(ledger.names)):
        yield error(CHECK, "has no row for any document of this file", path)


def reference_findings(ledger: Ledger, manifest: Manifest) -> Iterator[Finding]:
    """Find documents that the ledger calls duplicates of, or made from, documents that it does not
    know."""
    for column, keys in ledger.referred.items():
        missing = sum(
            int(
                np.count_nonzero(~np.isin(keys.part(number)["low"], ledger.ids.part(number)["low"]))
            )
            for number in range(PARTS)
        )
        if not missing:
            continue
        if column == "duplicate_of" and manifest.indexes:
            yield note(
                CHECK,
                f"{missing:,} documents repeat documents of earlier corpora, which are not looked at",
            )
        else:
            words = "duplicates of" if column == "duplicate_of" else "made from"
            yield error(
                CHECK, f"calls {missing:,} documents {words} documents that it has no row for"
            )


def account_findings(ledger: Ledger, manifest: Manifest, card: Card | None) -> Iterator[Finding]:
    """Hold the ledger's counts against the phases and splits of the manifest, and against the
    card."""
    by_phase: dict[str, Counter[str]] = {}
    for row in ledger.fates:
        by_phase.setdefault(row.phase, Counter())[row.fate] += row.documents
    names = {"dropped": "dropped", "duplicates": "duplicate", "failed": "failed"}
    left: int | None = None
    for phase in manifest.phases:
        if left is not None and phase.documents_in != left:
            yield error(
                CHECK,
                f"{phase.phase}: {phase.documents_in:,} documents come in, {left:,} were left before",
            )
        left = phase.kept
        out = phase.dropped + phase.duplicates + phase.failed
        if phase.documents_in + phase.created != phase.kept + out:
            yield error(
                CHECK, f"{phase.phase}: documents in and made are not those kept and turned away"
            )
        for field, fate in names.items():
            stated, counted = getattr(phase, field), by_phase.get(phase.phase, Counter())[fate]
            if stated != counted:
                yield error(
                    CHECK,
                    f"{phase.phase}: {stated:,} {field} by the manifest, {counted:,} in the ledger",
                )
    published = sum(row.documents for row in ledger.fates if row.fate == "published")
    if left is not None and left != published:
        yield error(CHECK, f"has {published:,} published documents, {left:,} by the manifest")
    for position, split in enumerate(manifest.splits):
        found = ledger.rows_by_file.get(f"ledger/{position:05d}-{split.id}.parquet")
        if found is not None and sum(found.values()) != split.documents_in:
            path = f"ledger/{position:05d}-{split.id}.parquet"
            yield error(
                CHECK,
                f"has {sum(found.values()):,} rows, the split {split.documents_in:,} documents",
                path,
            )
        if split.documents_in != split.staged + split.dropped + split.failed:
            yield error(
                CHECK, f"split {split.id}: documents in are not those staged, dropped and failed"
            )
    if card is not None and ledger.fates != card.fates:
        yield error("card", "the funnel is not what the ledger counts")


def schema_findings(store: Store, paths: Sequence[str]) -> Iterator[Finding]:
    """Find ledger files with other columns than LEDGER."""
    import pyarrow.parquet as pq

    for path in paths:
        try:
            with store.open(path) as stream:
                schema = pq.read_schema(stream)
        except (OSError, pa.ArrowException):
            continue  # said where the file is read
        if not schema.equals(LEDGER, check_metadata=False):
            yield error(CHECK, "has other columns than a ledger", path)
