"""Search a corpus, made by glotmill or elsewhere, for what is left of what registers name.

Rows are found by what the register names (id, address, source, licence, hash of the text), by the
document that they were made of, and by their texts, where the withdrawn texts are at hand. A corpus
of ours tells by its ledger which documents the register names, and shows samples on its card. Of
the corpus one batch of rows is in memory at a time; of the withdrawn texts their keys and shingles,
some 3 kB each.

What cannot be looked for in a file, as it lacks the column or is neither Parquet nor CSV, is
listed: a search proves nothing of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from pipelines.staging.store import CARD, MANIFEST, StagingError, Store
from schemas.card.card import Card
from schemas.failures import MisuseError
from schemas.withdrawal import NamedRegister
from stages.deduplication.copies import (
    CopyIndex,
    SignedTexts,
    find_copies,
    index_of,
    sign_texts,
    threshold_of,
)
from stages.keys import hash_keys
from stages.withdrawal.causes import NONE, Names, causes_of

BATCH_ROWS = 2048
KEPT = 1000  # rows that are listed; all are counted
_CSV_BLOCK = 16 << 20  # bytes read at once; a longer row cannot be read
_OF_LEDGER = ("host", "url_prefix", "id", "source")  # kinds whose columns a ledger has
_PARENTS = ("parent_id", "document")  # columns of ids of what a row was made of
_SIGNED = ("language", "script", "runner_up_language", "declared_language")
# Files of a corpus that say what became of withdrawn documents, and hold no texts.
_LEDGER = "ledger"
_ACCOUNTS = (f"{_LEDGER}/", "staging/", "decontamination/rates.parquet")
_NO_ROWS = (*_ACCOUNTS, "index/")
# What lies next to data and holds none of it: by name, and by ending.
_NO_DATA = re.compile(
    r"(?i)(readme|licen[cs]e|notice|citation|changelog|sha256sums)(\.(txt|rst|cff|bib|sig))?$"
    r"|(dataset_infos?|state)\.json$"
    r"|.*\.(md|py|svg|png|jpe?g|gif|webp|ico|pdf|ya?ml|toml|sig|sha256)$"
)
# Of a corpus of ours: what is written of its card, whose samples are searched, and of its rows.
_WRITTEN = ("croissant.json", "report.html", "statistics.json", CARD, MANIFEST)
_LABEL = re.compile("([a-z]{3})_([A-Z][a-z]{3})")


class Left(NamedTuple):
    """A row that is left: its file and place, what it was found by, for which cause, how similar."""

    path: str
    row: int
    by: str
    cause: str
    similarity: float | None = None


class Unsearched(NamedTuple):
    """A file of which nothing is proved, or not all, and why."""

    path: str
    why: str


class Proof(NamedTuple):
    """What a search looked through and found; `rows` are the first KEPT, `counts` by (file, by)."""

    files: int
    searched: int
    texts: int  # withdrawn texts that copies were looked for of
    counts: dict[tuple[str, str], int]
    rows: list[Left]
    unsearched: list[Unsearched]

    @property
    def left(self) -> int:
        return sum(self.counts.values())

    def as_json(self) -> dict[str, Any]:
        return {
            "left": self.left,
            "files": self.files,
            "rows_searched": self.searched,
            "texts_looked_for": self.texts,
            "counts": [
                {"path": path, "by": by, "rows": rows}
                for (path, by), rows in sorted(self.counts.items())
            ],
            "rows": [row._asdict() for row in self.rows],
            "unsearched": [found._asdict() for found in self.unsearched],
        }


class _Wanted(NamedTuple):
    """What is looked for: names, sorted keys of withdrawn ids with their causes, signed texts.
    `resolved` are the kinds of entries whose documents are all known by their ids."""

    names: Names
    causes: list[str]
    keys: npt.NDArray[np.uint64]
    of_keys: npt.NDArray[np.int32]
    indexes: dict[str, CopyIndex]
    resolved: frozenset[str]

    def missing(self, columns: Collection[str], text: str) -> list[str]:
        """List the kinds of entries that nothing in a file of these columns can tell."""
        if self.indexes and text in columns:
            return []
        linked = not {"id", *_PARENTS}.isdisjoint(columns)
        return [
            kind
            for kind, column in self.names.column_of_kind.items()
            if (text if column == "text" else column) not in columns
            and not (linked and kind in self.resolved)
        ]


class _Ids:
    """Gathers keys of ids that are looked for, each with the number of its cause."""

    def __init__(self) -> None:
        self._keys = [np.empty(0, np.uint64)]
        self._numbers = [np.empty(0, np.int32)]

    def add(self, ids: pa.Array, numbers: npt.NDArray[np.int32]) -> None:
        """Take n ids; null is none."""
        known = ids.is_valid().to_numpy(zero_copy_only=False)
        self._keys.append(hash_keys(ids.cast(pa.large_string()).drop_null())["low"])
        self._numbers.append(numbers[known])

    def sorted(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32]]:
        keys = np.concatenate(self._keys)
        order = np.argsort(keys, kind="stable")
        return keys[order], np.concatenate(self._numbers)[order]


def prove_removal(
    registers: Sequence[NamedRegister],
    corpus: Store,
    texts: Store | None,
    text: str,
    report: Callable[[str], None],
) -> Proof:
    """Search the Parquet and CSV files of a corpus. `texts` is a folder of text files, each a
    withdrawn text, or a corpus that still has what the registers name; `text` the column of texts.
    Text files in a folder called by their label (`srp_Cyrl`) are looked for in other scripts, too.

    Raises MisuseError if there is nothing to look for, StagingError if there is nothing to search.
    """
    entries = sum(len(found.register.withdrawn) for found in registers)
    if not entries and texts is None:
        raise MisuseError("the register names nothing: there is nothing to look for")
    paths = _parquet_files(corpus)
    if not paths:
        raise StagingError(f"{corpus.url} holds no Parquet file to search")
    inside = corpus.path_of(texts.url) if texts else None
    others = [
        path for path in _other_files(corpus) if inside is None or not path.startswith(f"{inside}/")
    ]
    paths += [path for path in others if path.endswith(".csv")]
    wanted, count = _wanted(registers, corpus, texts, text, report)
    counts: Counter[tuple[str, str]] = Counter()
    rows: list[Left] = []
    searched = 0
    columns = [text if name == "text" else name for name in wanted.names.columns]
    columns += ["id", *_PARENTS, *([text, *_SIGNED] if wanted.indexes else ())]
    unsearched = [
        Unsearched(path, "is neither Parquet nor CSV")
        for path in others
        if not path.endswith(".csv")
    ]

    def look(path: str, first: int, batch: pa.RecordBatch) -> None:
        for found in _search(batch, path, first, wanted, text):
            counts[found.path, found.by] += 1
            if len(rows) < KEPT:
                rows.append(found)

    for path in paths:
        report(path)
        try:
            kinds = wanted.missing(_text_columns(corpus, path), text)
            if kinds:
                unsearched.append(Unsearched(path, _why_not(kinds, wanted.names, text)))
            for first, batch in _batches(corpus, path, columns):
                searched += batch.num_rows
                look(path, first, batch)
        except (OSError, pa.ArrowException) as problem:
            unsearched.append(Unsearched(path, f"cannot be read: {_one_line(problem)}"))
    if corpus.exists(MANIFEST) and corpus.exists(CARD):
        report(CARD)
        if (samples := _samples(corpus)) is None:
            unsearched.append(Unsearched(CARD, "cannot be read as a card"))
        else:
            look(CARD, 0, samples)
    return Proof(len(paths), searched, count, dict(counts), rows, unsearched)


def _why_not(kinds: Sequence[str], names: Names, text: str) -> str:
    lacking = dict.fromkeys(names.column_of_kind[kind] for kind in kinds)
    columns = " or ".join(text if name == "text" else name for name in lacking)
    return f"has no text column {columns}, so it was not searched by {', '.join(kinds)}"


def _one_line(problem: Exception) -> str:
    return " ".join(str(problem).split())[:200]


def _samples(corpus: Store) -> pa.RecordBatch | None:
    """Read the samples on a card, as rows of documents; None if it is no card."""
    try:
        card = Card.model_validate_json(corpus.read(CARD))
    except ValueError:
        return None
    shown = [sample for of_label in card.statistics.values() for sample in of_label.samples]
    return pa.RecordBatch.from_pydict(
        {
            name: pa.array([getattr(sample, name) for sample in shown], pa.large_string())
            for name in ("id", "url", "source", "licence", "text")
        }
    )


def _other_files(store: Store) -> list[str]:
    """List the files of a folder that may hold data and are no Parquet, relative to it."""
    if store.fs.isfile(store.root):
        return []
    own = store.exists(MANIFEST)
    return [
        path
        for path in _files(store)
        if not path.endswith(".parquet")
        and not any(part.startswith(".") for part in path.split("/"))
        and not _NO_DATA.match(PurePosixPath(path).name)
        and not (own and (path in _WRITTEN or path.startswith(_NO_ROWS)))
    ]


def _parquet_files(store: Store) -> list[str]:
    """List the Parquet files of a folder, relative to it, without the accounts of a corpus of
    ours; "" for a single file."""
    if store.fs.isfile(store.root):
        return [""] if store.root.endswith(".parquet") else []
    passed = _ACCOUNTS if store.exists(MANIFEST) else ()
    return [
        path for path in _files(store) if path.endswith(".parquet") and not path.startswith(passed)
    ]


def _files(store: Store) -> list[str]:
    root = store.root.rstrip("/") + "/"
    return sorted(str(path).removeprefix(root) for path in store.fs.find(store.root))


def _text_columns(store: Store, path: str) -> set[str]:
    """Name the columns of a file that can be read as text. Raises OSError or ArrowException."""
    with store.open(path) as stream:
        csv = path.endswith(".csv")
        schema = _open_csv(stream).schema if csv else pq.read_schema(stream)
    return {field.name for field in schema if csv or _is_readable(field.name, field.type)}


def _open_csv(stream: Any, strings: Collection[str] = ()) -> pa.RecordBatchReader:
    return pa.csv.open_csv(
        stream,
        pa.csv.ReadOptions(block_size=_CSV_BLOCK, use_threads=False),
        pa.csv.ParseOptions(newlines_in_values=True),
        pa.csv.ConvertOptions(column_types=dict.fromkeys(strings, pa.large_string())),
    )


def _batches(
    store: Store, path: str, columns: Sequence[str]
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Read the given ones of a file's columns in batches, each with the number of its first row.
    Raises OSError or ArrowException."""
    first = 0
    if path.endswith(".csv"):
        with store.open(path) as stream:
            for batch in _open_csv(stream, columns):
                yield first, batch
                first += batch.num_rows
        return
    with store.open(path) as stream, pq.ParquetFile(stream) as parquet:
        own = [name for name in dict.fromkeys(columns) if name in parquet.schema_arrow.names]
        for batch in parquet.iter_batches(BATCH_ROWS, columns=own, use_threads=False):
            yield first, batch
            first += batch.num_rows


def _search(
    batch: pa.RecordBatch, path: str, first: int, wanted: _Wanted, text: str
) -> Iterator[Left]:
    """Say of each row of a batch that is left what it was found by: one thing, the plainest."""
    known = np.zeros(batch.num_rows, bool)
    renamed = _as_document(batch, text)
    if renamed.num_columns:  # without one, a batch of Arrow's has no rows
        for row, number in _caused(wanted.names.find(renamed), known):
            yield Left(path, first + row, "name", wanted.causes[number])
    for column in ("id", *_PARENTS):
        if column in renamed.schema.names and len(wanted.keys):
            numbers = _by_id(renamed[column], wanted)
            for row, number in _caused(numbers, known):
                by = "id" if column == "id" else "made of it"
                yield Left(path, first + row, by, wanted.causes[number])
    if not wanted.indexes or "text" not in renamed.schema.names:
        return
    signed = sign_texts(renamed)
    for way, index in wanted.indexes.items():
        copies = find_copies(signed[way], index, threshold_of(way))
        for row, number, similarity in zip(
            copies.rows.tolist(), copies.numbers.tolist(), copies.similarity.tolist(), strict=True
        ):
            if not known[row]:
                known[row] = True
                by = "copy" if way == "near" else "copy in another script"
                yield Left(path, first + row, by, wanted.causes[number], round(similarity, 4))


def _as_document(batch: pa.RecordBatch, text: str) -> pa.RecordBatch:
    """Give a batch the column names of documents, as strings, and texts without nulls."""
    columns = {
        field.name: batch[field.name].cast(pa.large_string() if field.name == text else pa.string())
        for field in batch.schema
        if _is_readable(field.name, field.type)
    }
    if text in columns:
        columns["text"] = columns[text].fill_null("")
    elif "text" in columns:
        del columns["text"]
    return pa.RecordBatch.from_pydict(columns)


def _is_readable(name: str, kind: pa.DataType) -> bool:
    """Tell if a column can be read as text: strings, and ids that are integers."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or (name in ("id", *_PARENTS) and pa.types.is_integer(kind))
    )


def _caused(
    numbers: npt.NDArray[np.int32], known: npt.NDArray[np.bool_]
) -> Iterator[tuple[int, int]]:
    """Yield the rows that have a cause and are not known yet, and know them from then on."""
    rows = np.flatnonzero((numbers != NONE) & ~known)
    known[rows] = True
    yield from zip(rows.tolist(), numbers[rows].tolist(), strict=True)


def _by_id(ids: pa.Array, wanted: _Wanted) -> npt.NDArray[np.int32]:
    keys = hash_keys(ids.cast(pa.large_string()).fill_null(""))["low"]
    at = np.minimum(np.searchsorted(wanted.keys, keys), len(wanted.keys) - 1)
    hits = (wanted.keys[at] == keys) & ids.is_valid().to_numpy(zero_copy_only=False)
    return np.where(hits, wanted.of_keys[at], np.int32(NONE))


def _wanted(
    registers: Sequence[NamedRegister],
    corpus: Store,
    texts: Store | None,
    text: str,
    report: Callable[[str], None],
) -> tuple[_Wanted, int]:
    """Gather what is looked for; returns it and how many withdrawn texts there are."""
    names, found = Names(registers), causes_of(registers)
    causes = [f"{cause} ({cause.kind})" for cause in found]
    ids, resolved = _Ids(), set[str]()
    for number, entry in enumerate(e for r in registers for e in r.register.withdrawn):
        ids.add(pa.array(entry.id, pa.string()), np.full(len(entry.id), number, np.int32))
    if corpus.exists(MANIFEST):
        resolved |= _known_to_ledger(corpus, registers, names, ids)
    parts: dict[str, list[tuple[SignedTexts, npt.NDArray[np.int32]]]] = {}
    count = 0
    columns = ["id", "url", "source", "licence", text, *_SIGNED]

    def add(block: pa.RecordBatch, numbers: npt.NDArray[np.int32]) -> None:
        for way, signed in sign_texts(block).items():
            parts.setdefault(way, []).append((signed, numbers[signed.rows]))

    for path in _parquet_files(texts) if texts else ():
        report(path)
        for _, batch in _batches_of_texts(texts, path, columns) if texts else ():
            renamed = _as_document(batch, text)
            numbers = names.find(renamed)
            rows = np.flatnonzero(numbers != NONE)
            if "id" in renamed.schema.names:
                ids.add(renamed["id"].take(pa.array(rows)), numbers[rows])
                resolved |= {
                    kind
                    for kind, column in names.column_of_kind.items()
                    if column in renamed.schema.names
                }
            copied = rows[[found[number].copies == "withdraw" for number in numbers[rows].tolist()]]
            if "text" in renamed.schema.names and len(copied):
                add(renamed.take(pa.array(copied)), numbers[copied])
                count += len(copied)
    for path in _text_files(texts) if texts else ():
        content = texts.read(path).decode("utf-8", "replace") if texts else ""
        causes.append(f"text {path}")
        columns_of_text = {"text": pa.array([content], pa.large_string())}
        if label := _LABEL.fullmatch(PurePosixPath(path).parent.name):
            columns_of_text |= {"language": pa.array([label[1]]), "script": pa.array([label[2]])}
        block = pa.RecordBatch.from_pydict(columns_of_text)
        add(block, np.array([len(causes) - 1], np.int32))
        count += 1
    if texts is not None and not count:
        raise MisuseError(
            f"{texts.url} holds no text that the register names, and no .txt file: copies cannot be looked for"
        )
    indexes = {way: index_of(own) for way, own in parts.items()}
    return _Wanted(names, causes, *ids.sorted(), indexes, frozenset(resolved)), count


def _batches_of_texts(
    texts: Store, path: str, columns: Sequence[str]
) -> Iterator[tuple[int, pa.RecordBatch]]:
    try:
        yield from _batches(texts, path, columns)
    except (OSError, pa.ArrowException) as problem:
        raise StagingError(
            f"{texts.full(path)} cannot be read, so nothing is proved: {_one_line(problem)}"
        ) from None


def _known_to_ledger(
    corpus: Store, registers: Sequence[NamedRegister], names: Names, ids: _Ids
) -> set[str]:
    """Gather the ids of all documents that a corpus of ours withdrew for these registers, and of
    all that they name; return the kinds of entries of which no document is missed."""
    numbers = {str(cause): number for number, cause in enumerate(causes_of(registers))}
    files = sorted(corpus.names(_LEDGER))
    for file in files:
        try:
            for table in corpus.row_groups(f"{_LEDGER}/{file}"):
                found = names.find(table)
                gone = pc.equal(table["reason"], "withdrawn").fill_null(False).to_numpy()
                known = table.filter(pa.array(gone))["detail"].combine_chunks().dictionary_encode()
                of_details = [
                    numbers.get(str(detail).rpartition(", ")[0], NONE)
                    for detail in known.dictionary.to_pylist()  # a few for each entry
                ]
                places = known.indices.fill_null(len(of_details)).to_numpy(zero_copy_only=False)
                of_rows = np.array([*of_details, NONE], np.int32)[places]
                found[gone] = np.where(found[gone] == NONE, of_rows, found[gone])
                rows = np.flatnonzero(found != NONE)
                ids.add(table["id"].take(pa.array(rows)).combine_chunks(), found[rows])
        except (OSError, pa.ArrowException, KeyError):
            return set()  # what it does not tell is looked for in each file
    applied = _applied(corpus)
    if files and all(found.sha256 in applied for found in registers):
        return set(names.column_of_kind)
    return {kind for kind in names.column_of_kind if kind in _OF_LEDGER} if files else set()


def _applied(corpus: Store) -> set[str]:
    """Return the SHA-256 of each register that a corpus of ours was built with."""
    try:
        withdrawal = Card.model_validate_json(corpus.read(CARD)).withdrawal
    except (OSError, ValueError):
        return set()
    return {record.sha256 for record in withdrawal.registers} if withdrawal else set()


def _text_files(store: Store) -> list[str]:
    return [path for path in _files(store) if path.endswith(".txt")]


def proof_lines(proof: Proof, shown: int) -> Iterator[str]:
    """Tell a search in lines of text, at most `shown` rows that are left."""
    for row in proof.rows[:shown]:
        alike = "" if row.similarity is None else f", similarity {row.similarity:g}"
        yield f"left     {row.path} row {row.row:,}: by {row.by}{alike}, {row.cause}"
    for file in proof.unsearched[:shown]:
        yield f"unknown  {file.path or 'the file'}: {file.why}"
    if len(proof.unsearched) > shown:
        yield f"unknown  and {len(proof.unsearched) - shown:,} more files; --json lists them all"
    if proof.left > shown:
        yield f"left     and {proof.left - shown:,} more; --json lists the first {KEPT:,}"
    copies = (
        f"copies of {proof.texts:,} texts"
        if proof.texts
        else "no copies, as no texts were given (--texts)"
    )
    looked = f"{proof.searched:,} rows of {proof.files:,} files searched by name and for {copies}"
    found = f"{proof.left:,} left" if proof.left else "nothing is left"
    if proof.unsearched:
        found += f" of what could be searched; nothing is proved of {len(proof.unsearched):,} files"
    yield f"{looked}: {found}"
