"""Search a corpus, made by glotmill or elsewhere, for what is left of what registers name.

Rows are found by what the register names (id, address, source, licence, hash of the text), by the
document that they were made of, and by their texts, where the withdrawn texts are at hand. Of the
corpus one batch of rows is in memory at a time; of the withdrawn texts their keys and shingles, some
3 kB each.
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
import pyarrow.parquet as pq

from pipelines.staging.store import MANIFEST, StagingError, Store
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
_PARENTS = ("parent_id", "document")  # columns of ids of what a row was made of
_SIGNED = ("language", "script", "runner_up_language", "declared_language")
# Files of a corpus that say what became of withdrawn documents, and hold no texts.
_ACCOUNTS = ("ledger/", "staging/")


_LABEL = re.compile("([a-z]{3})_([A-Z][a-z]{3})")


class Left(NamedTuple):
    """A row that is left: its file and place, what it was found by, for which cause, how similar."""

    path: str
    row: int
    by: str
    cause: str
    similarity: float | None = None


class Proof(NamedTuple):
    """What a search looked through and found; `rows` are the first KEPT, `counts` by (file, by)."""

    files: int
    searched: int
    texts: int  # withdrawn texts that copies were looked for of
    counts: dict[tuple[str, str], int]
    rows: list[Left]
    unsearched: list[str]  # files without any column by which something is looked for

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
            "unsearched": self.unsearched,
        }


class _Wanted(NamedTuple):
    """What is looked for: names, sorted keys of withdrawn ids with their causes, signed texts."""

    names: Names
    causes: list[str]
    keys: npt.NDArray[np.uint64]
    of_keys: npt.NDArray[np.int32]
    indexes: dict[str, CopyIndex]


def prove_removal(
    registers: Sequence[NamedRegister],
    corpus: Store,
    texts: Store | None,
    text: str,
    report: Callable[[str], None],
) -> Proof:
    """Search the Parquet files of a corpus. `texts` is a folder of text files, each a withdrawn
    text, or a corpus that still has what the registers name; `text` the column of texts. Text files
    in a folder called by their label (`srp_Cyrl`) are looked for in other scripts, too.

    Raises MisuseError if there is nothing to look for, StagingError if there is nothing to search.
    """
    entries = sum(len(found.register.withdrawn) for found in registers)
    if not entries and texts is None:
        raise MisuseError("the register names nothing: there is nothing to look for")
    paths = _parquet_files(corpus)
    if not paths:
        raise StagingError(f"{corpus.url} holds no Parquet file to search")
    wanted, count = _wanted(registers, texts, text, report)
    counts: Counter[tuple[str, str]] = Counter()
    rows: list[Left] = []
    searched = 0
    columns = [text if name == "text" else name for name in wanted.names.columns]
    columns += ["id", *_PARENTS, *([text, *_SIGNED] if wanted.indexes else ())]
    looked_for = {name for name in wanted.names.columns if name != "text"}
    looked_for |= {"id", *_PARENTS} if len(wanted.keys) else set()
    looked_for |= {text} if wanted.indexes or "text" in wanted.names.columns else set()
    unsearched = []
    for path in paths:
        report(path)
        if not _has_any(corpus, path, looked_for):
            unsearched.append(path)
        for first, batch in _batches(corpus, path, columns):
            searched += batch.num_rows
            for found in _search(batch, path, first, wanted, text):
                counts[found.path, found.by] += 1
                if len(rows) < KEPT:
                    rows.append(found)
    return Proof(len(paths), searched, count, dict(counts), rows, unsearched)


def _parquet_files(store: Store) -> list[str]:
    """List the Parquet files of a folder, relative to it, without the accounts of a corpus of
    ours; "" for a single file."""
    root = store.root.rstrip("/") + "/"
    if store.fs.isfile(store.root):
        return [""] if store.root.endswith(".parquet") else []
    found = (str(path).removeprefix(root) for path in store.fs.find(store.root))
    passed = _ACCOUNTS if store.exists(MANIFEST) else ()
    return sorted(
        path for path in found if path.endswith(".parquet") and not path.startswith(passed)
    )


def _has_any(store: Store, path: str, columns: Collection[str]) -> bool:
    """Tell if a file has one of some columns as text; of one that cannot be read, yes."""
    try:
        with store.open(path) as stream:
            schema = pq.read_schema(stream)
    except (OSError, pa.ArrowException):
        return True  # said where it is read
    return any(field.name in columns and _is_string(field.type) for field in schema)


def _batches(
    store: Store, path: str, columns: Sequence[str]
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Read the given ones of a file's columns in batches, each with the number of its first row."""
    first = 0
    try:
        with store.open(path) as stream, pq.ParquetFile(stream) as parquet:
            own = [name for name in dict.fromkeys(columns) if name in parquet.schema_arrow.names]
            for batch in parquet.iter_batches(BATCH_ROWS, columns=own, use_threads=False):
                yield first, batch
                first += batch.num_rows
    except (OSError, pa.ArrowException) as error:
        words = " ".join(str(error).split())[:200]
        raise StagingError(
            f"{store.full(path)} cannot be read, so nothing is proved: {words}"
        ) from None


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
        if column in batch.schema.names and len(wanted.keys):
            numbers = _by_id(batch[column], wanted)
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
    """Give a batch the column names of documents, and texts without nulls."""
    columns = {name: batch[name] for name in batch.schema.names if _is_text(batch, name)}
    if text in columns:
        columns["text"] = columns[text].cast(pa.large_string()).fill_null("")
    elif "text" in columns and text != "text":
        del columns["text"]
    return pa.RecordBatch.from_pydict(columns)


def _is_text(batch: pa.RecordBatch, name: str) -> bool:
    return _is_string(batch.schema.field(name).type)


def _is_string(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


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
    texts: Store | None,
    text: str,
    report: Callable[[str], None],
) -> tuple[_Wanted, int]:
    """Gather what is looked for; returns it and how many withdrawn texts there are."""
    names, found = Names(registers), causes_of(registers)
    causes = [f"{cause} ({cause.kind})" for cause in found]
    ids: list[tuple[str, int]] = [
        (value, number)
        for number, entry in enumerate(e for r in registers for e in r.register.withdrawn)
        for value in entry.id
    ]
    parts: dict[str, list[tuple[SignedTexts, npt.NDArray[np.int32]]]] = {}
    count = 0
    columns = ["id", "url", "source", "licence", text, *_SIGNED]

    def add(block: pa.RecordBatch, numbers: npt.NDArray[np.int32]) -> None:
        for way, signed in sign_texts(block).items():
            parts.setdefault(way, []).append((signed, numbers[signed.rows]))

    for path in _parquet_files(texts) if texts else ():
        report(path)
        for _, batch in _batches(texts, path, columns) if texts else ():
            renamed = _as_document(batch, text)
            numbers = names.find(renamed)
            rows = np.flatnonzero(numbers != NONE)
            if "id" in renamed.schema.names:
                own = renamed["id"].take(pa.array(rows)).to_pylist()
                ids += zip(own, numbers[rows].tolist(), strict=True)
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
    keys = hash_keys(pa.array([id_ for id_, _ in ids], pa.large_string()))["low"]
    order = np.argsort(keys, kind="stable")
    of_keys = np.array([number for _, number in ids], np.int32)[order]
    indexes = {way: index_of(own) for way, own in parts.items()}
    return _Wanted(names, causes, keys[order], of_keys, indexes), count


def _text_files(store: Store) -> list[str]:
    root = store.root.rstrip("/") + "/"
    found = (str(path).removeprefix(root) for path in store.fs.find(store.root))
    return sorted(path for path in found if path.endswith(".txt"))


def proof_lines(proof: Proof, shown: int) -> Iterator[str]:
    """Tell a search in lines of text, at most `shown` rows that are left."""
    for row in proof.rows[:shown]:
        alike = "" if row.similarity is None else f", similarity {row.similarity:g}"
        yield f"left     {row.path} row {row.row:,}: by {row.by}{alike}, {row.cause}"
    for path in proof.unsearched[:shown]:
        yield f"unknown  {path}: no column by which the register names anything: nothing is proved of it"
    if proof.left > shown:
        yield f"left     and {proof.left - shown:,} more; --json lists the first {KEPT:,}"
    copies = (
        f"copies of {proof.texts:,} texts"
        if proof.texts
        else "no copies, as no texts were given (--texts)"
    )
    looked = f"{proof.searched:,} rows of {proof.files:,} files searched by name and for {copies}"
    yield f"{looked}: {proof.left:,} left" if proof.left else f"{looked}: nothing is left"
