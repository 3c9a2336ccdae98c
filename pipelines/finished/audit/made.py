"""Do pairs, training samples and responses stand by the documents that they were made of, in the
languages and the numbers that the card states?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import permutations

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.finished.audit.parted import PARTS, Parted, Records, same
from pipelines.phases.augment import merge_yields, yields_of
from pipelines.staging.responses import RESPONSE
from pipelines.staging.store import Store
from schemas.card.card import Card
from schemas.card.translation import TranslationYield
from schemas.finding import Finding, error
from schemas.language import one_label
from schemas.manifest import Manifest
from schemas.translation import DOCUMENT_PAIR, SENTENCE_PAIR, TRANSLATION_SAMPLE
from stages.keys import KEY, hash_keys
from stages.transliteration.transliterate import PAIR

CHECK = "made"
SCHEMAS = {
    "bitext": SENTENCE_PAIR,
    "document_pairs": DOCUMENT_PAIR,
    "pairs": PAIR,
    "responses": RESPONSE,
    "samples": TRANSLATION_SAMPLE,
}
# Columns of ids, each with those that name the language of its document: it has one of them.
_DOCUMENTS: dict[str, dict[str, tuple[str, ...]]] = {
    "bitext": {"id": ("target_language",), "parent_id": ("source_language",)},
    "document_pairs": {"id": ("target_language",), "parent_id": ("source_language",)},
    "samples": {"id": ("source_language", "target_language", "auxiliary_language")},
}
_UNKNOWN = -1  # of a document whose language the ledger does not say, or a row that names none
_SIDES = 3  # languages of a row, at most
# a row that names a document by the key of its id: its file, its column, and the labels, as
# numbers, that the document may have; and whether it may be one that was made for its pairs alone, which the
# ledger has no row for
_NAMED = np.dtype(
    [
        *KEY.descr,
        ("file", "<i4"),
        ("column", "<i4"),
        ("labels", "<i4", (_SIDES,)),
        ("apart", "<i4"),
    ]
)
_KNOWN = np.dtype([*KEY.descr, ("label", "<i4"), ("gone", "<i4")])  # a document of the ledger
_COLUMNS = ("id", "parent_id")


def made_findings(
    store: Store,
    present: Sequence[str],
    manifest: Manifest,
    card: Card | None,
    report: Callable[[str], None],
) -> Iterator[Finding]:
    """Look through all files, a row group in memory at a time; what they name, and if they name
    anything what the ledger knows, goes to disk."""
    yield from _row_findings(store, present, manifest)
    yields: list[TranslationYield] = []
    numbers: dict[str, int] = {}
    ways = {
        way
        for one in (card.translations if card else ())
        for way in permutations((one.source_language, one.target_language))
    }
    named = Parted(_NAMED)
    for place, path in enumerate(present):
        kind = path.split("/")[0]
        if kind not in SCHEMAS or not path.endswith(".parquet"):
            continue
        report(path)
        try:
            with store.open(path) as stream:
                schema = pq.read_schema(stream)
            if not schema.equals(SCHEMAS[kind], check_metadata=False):
                yield error(CHECK, f"has other columns than {kind}", path)
                continue
            unstated = 0
            for table in store.row_groups(path):
                if card is not None and "target_language" in table.schema.names:
                    sides = ["source_language", "target_language"]
                    for found in table.group_by(sides).aggregate([([], "count_all")]).to_pylist():
                        if tuple(found[side] for side in sides) not in ways:
                            unstated += found["count_all"]
                for column, languages in _DOCUMENTS.get(kind, {}).items():
                    rows = np.empty(table.num_rows, _NAMED)
                    keys = _keys(table[column])
                    rows["high"], rows["low"], rows["file"] = keys["high"], keys["low"], place
                    rows["column"], rows["labels"] = _COLUMNS.index(column), _UNKNOWN
                    rows["apart"] = column == "id" and _apart(table, card)
                    for side, language in enumerate(languages):
                        rows["labels"][:, side] = _numbered(table[language], numbers)
                    named.add(rows)
                if kind == "bitext" and table.num_rows:
                    yields += yields_of(table.combine_chunks().to_batches()[0])
        except (OSError, pa.ArrowException, ValueError) as problem:
            yield error(CHECK, f"cannot be read: {' '.join(str(problem).split())[:300]}", path)
            continue
        if unstated:
            words = f"{unstated:,} rows are between languages that the card has no yield of"
            yield error(CHECK, words, path)
    if named.size:
        yield from _document_findings(named, _known(store, present, numbers), present)
    if card is not None and any(path.startswith("bitext/") for path in present):
        yield from _yield_findings(merge_yields(yields), card)


def _row_findings(store: Store, present: Sequence[str], manifest: Manifest) -> Iterator[Finding]:
    there = set(present)
    for record in manifest.files:
        if record.rows is None or record.path not in there or record.path.startswith("data/"):
            continue
        if not record.path.endswith(".parquet"):
            continue
        try:
            with store.open(record.path) as stream:
                rows = pq.read_metadata(stream).num_rows
        except (OSError, pa.ArrowException):
            continue  # said where the file is read
        if rows != record.rows:
            words = f"has {rows:,} rows, {record.rows:,} by the manifest"
            yield error(CHECK, words, record.path)


def _apart(table: pa.Table, card: Card | None) -> npt.NDArray[np.bool_]:
    """Say of n rows whether their translations may be ones of which the recipe publishes pairs
    alone: those of their direction and generator, or, of samples, that name none, of either way."""
    keys = ["source_language", "target_language", "generator"]
    ways: list[tuple[str, ...]] = [
        (one.source_language, one.target_language, one.generator)
        for one in (card.translations if card else ())
        if one.pairs_only
    ]
    if "generator" not in table.schema.names:
        keys.pop()
        ways = [way for *both, _ in ways for way in permutations(both)]
    if not ways:
        return np.zeros(table.num_rows, bool)
    known = pl.DataFrame(ways, keys, orient="row").unique().with_columns(apart=True)
    rows = pl.DataFrame(pl.from_arrow(table.select(keys))).cast(pl.String)
    found = rows.join(known, on=keys, how="left", maintain_order="left")
    return found["apart"].fill_null(False).to_numpy()


def _keys(ids: pa.ChunkedArray) -> Records:
    return hash_keys(ids.cast(pa.large_string()).combine_chunks())


def _numbered(labels: pa.ChunkedArray, numbers: dict[str, int]) -> npt.NDArray[np.int32]:
    encoded = labels.combine_chunks().dictionary_encode()
    own = [
        numbers.setdefault(one_label(label), len(numbers))
        for label in encoded.dictionary.to_pylist()
    ]
    places = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    return np.where(places < 0, _UNKNOWN, np.array([*own, _UNKNOWN], np.int32)[places])


def _known(store: Store, present: Sequence[str], numbers: dict[str, int]) -> Parted:
    """Read what the ledger says of the language of each document, and whether it is withdrawn."""
    known = Parted(_KNOWN)
    columns = ["id", "language", "script", "reason"]
    for path in (path for path in present if path.startswith("ledger/")):
        try:
            for table in store.row_groups(path, columns):
                rows = np.empty(table.num_rows, _KNOWN)
                keys = _keys(table["id"])
                rows["high"], rows["low"] = keys["high"], keys["low"]
                both = [table[name].cast(pa.string()) for name in ("language", "script")]
                rows["label"] = _numbered(pc.binary_join_element_wise(*both, "_"), numbers)
                withdrawn = pc.fill_null(pc.equal(table["reason"], "withdrawn"), False)
                rows["gone"] = withdrawn.to_numpy(zero_copy_only=False)
                known.add(rows)
        except (OSError, pa.ArrowException, KeyError, ValueError):
            continue  # said where the ledger is read
    return known


def _document_findings(named: Parted, known: Parted, present: Sequence[str]) -> Iterator[Finding]:
    """Hold rows against what the ledger says of the documents that they name, a part of the keys
    at a time."""
    words = (
        "a document that the ledger has no row for",
        "a withdrawn document",
        "a document in another language than the row says",
    )
    counts: Counter[tuple[int, int, int]] = Counter()
    for number in range(PARTS):
        rows, documents = named.part(number), known.part(number)
        if not len(rows):
            continue
        order = np.argsort(documents["low"], kind="stable")
        documents = documents[order] if len(order) else np.zeros(1, _KNOWN)
        found = documents[
            np.minimum(np.searchsorted(documents["low"], rows["low"]), len(documents) - 1)
        ]
        there = same(found, rows)
        gone = there & (found["gone"] == 1)
        stated = (rows["labels"] == found["label"][:, None]).any(axis=1)
        foreign = there & ~gone & ~stated & (found["label"] != _UNKNOWN)
        for kind, wrong in enumerate((~there & (rows["apart"] == 0), gone, foreign)):
            own = rows[wrong]
            both = zip(own["file"].tolist(), own["column"].tolist(), strict=True)
            counts.update((file, column, kind) for file, column in both)
    for (file, column, kind), count in sorted(counts.items()):
        message = f"{count:,} rows name as {_COLUMNS[column]} {words[kind]}"
        yield error(CHECK, message, present[file])


def _yield_findings(counted: Sequence[TranslationYield], card: Card) -> Iterator[Finding]:
    """Compare the sentences of each direction with those of the card; where pairs may have been
    taken out since they were counted, no more than these may be there."""
    taken_out = card.withdrawal is not None or card.removal is not None
    stated = {(y.source_language, y.target_language, y.generator): y for y in card.translations}
    for found in counted:
        key = found.source_language, found.target_language, found.generator
        way = f"{found.source_language} to {found.target_language} by {found.generator}"
        if key not in stated:
            yield error(CHECK, f"{found.sentences:,} pairs from {way} are in no yield of the card")
        elif found.sentences > stated[key].sentences or (
            not taken_out and _counts(found) != _counts(stated[key])
        ):
            words = f"{found.sentences:,} sentences, {stated[key].sentences:,} by the card"
            yield error(CHECK, f"pairs from {way} are not those that were counted: {words}")


def _counts(found: TranslationYield) -> tuple[object, ...]:
    return found.documents, found.passed_documents, found.sentences, found.rejected
