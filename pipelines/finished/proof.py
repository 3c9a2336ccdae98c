"""Let speakers prove that a finished corpus is in its languages: draw what they judge, and take
their answers in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.finished.answers import take_in
from pipelines.staging.corpus import damage_told, read_card
from pipelines.staging.store import Store, require_corpus
from schemas.card.proof import LanguageProof
from schemas.card.splits import SUBSETS_APART
from schemas.columns import require_columns
from schemas.document import DOCUMENT
from schemas.failures import MisuseError
from stages.proof.sheet import as_sheet, draw, language_proof, passages, read_answers
from stages.proof.strata import COLUMNS, STRATA, strata
from stages.sheets import read_sheet, sheet_bytes

ANSWERS_FILE = "proof/answers.csv"


class Drawn(NamedTuple):
    """What is to be judged of a label."""

    label: str
    documents: int
    sheet: pa.Table


def sample(store: Store, labels: Sequence[str], budget: int) -> list[Drawn]:
    """Draw passages of about `budget` found documents of each label; all labels of the corpus if
    none is named.

    Raises StagingError without a finished corpus, MisuseError for a label that it has not.
    """
    require_corpus(store)
    files = _files(store)
    if unknown := sorted(set(labels) - set(files)):
        raise MisuseError(
            f"{store.url} publishes no {', '.join(unknown)}; it has {', '.join(sorted(files)[:20])}"
        )
    return [_drawn(store, label, files[label], budget) for label in labels or sorted(files)]


def take_answers(store: Store, sheets: Sequence[bytes], judged_by: str = "") -> list[LanguageProof]:
    """Take filled sheets into a corpus, in place of earlier answers to its labels; return what they
    prove of each.

    Raises StagingError without a finished corpus, MisuseError for sheets that are not of it, or
    hold other answers.
    """
    require_corpus(store)
    try:
        answers = read_answers(sheets)
    except ValueError as error:
        raise MisuseError(" ".join(str(error).split())) from None
    files = _files(store)
    by_label = answers.judged.partition_by("label", as_dict=True)
    proofs = [
        _proof(store, label, files.get(label, []), own, judged_by)
        for (label,), own in by_label.items()
    ]
    proofs.sort(key=lambda proof: proof.label)
    with store.locked():
        known = {proof.label: proof for proof in read_card(store).proofs}
        known |= {proof.label: proof for proof in proofs}
        take_in(
            store,
            ANSWERS_FILE,
            sheet_bytes(_with_earlier(store, answers.judged)),
            proofs=tuple(proof for _, proof in sorted(known.items())),
        )
    return proofs


def _with_earlier(store: Store, judged: pl.DataFrame) -> pa.Table:
    """Put the answers that the corpus has to other labels to those that come."""
    if not store.exists(ANSWERS_FILE):
        return judged.to_arrow()
    earlier = pl.DataFrame(read_sheet(store.read(ANSWERS_FILE), judged.columns, judged.columns))
    others = earlier.filter(~pl.col("label").is_in(judged["label"].unique()))
    return pl.concat([others.cast(judged.schema), judged]).sort("label", "document").to_arrow()


def _files(store: Store) -> dict[str, list[str]]:
    """Return the shards of each label's own configuration."""
    card = read_card(store)
    files: dict[str, list[str]] = {}
    for file in card.files:
        if file.split not in SUBSETS_APART:
            files.setdefault(file.language, []).append(file.path)
    return {label: sorted(paths) for label, paths in files.items()}


def _documents(store: Store, paths: Sequence[str]) -> pa.Table:
    """Read ids and what tells the stratum of found documents, with their shard (place in `paths`)
    and row."""
    tables = [pa.table({"id": pa.array([], pa.string())})]
    for shard, path in enumerate(paths):
        with damage_told(store, path), store.open(path) as stream:
            file = pq.ParquetFile(stream)
            names = [
                name for name in ("id", "synthetic", *COLUMNS) if name in file.schema_arrow.names
            ]
            table = file.read(names, use_threads=False)
            require_columns(table, DOCUMENT, ("id", "synthetic"))
        table = table.append_column("row", pa.array(np.arange(table.num_rows)))
        table = table.append_column("shard", pa.array(np.full(table.num_rows, shard)))
        tables.append(table.filter(pc.invert(table["synthetic"])))
    return pa.concat_tables(tables, promote_options="default")


def _drawn(store: Store, label: str, paths: Sequence[str], budget: int) -> Drawn:
    found = _documents(store, paths)
    if not found.num_rows:
        return Drawn(label, 0, as_sheet(pl.DataFrame(schema=dict.fromkeys(_PARTS, pl.String))))
    of = strata(found)
    ids = found["id"].cast(pa.large_string()).combine_chunks()
    places = draw(ids, of, budget)
    sizes = np.bincount(of, minlength=len(STRATA))
    shards, rows = (found[name].to_numpy()[places] for name in ("shard", "row"))
    texts, urls = np.empty(len(places), object), np.empty(len(places), object)
    for shard in np.unique(shards).tolist():  # only the rows that were drawn are held
        of_shard = np.flatnonzero(shards == shard)
        base = 0
        for table in store.row_groups(paths[shard], ["text", "url"]):
            here = of_shard[(rows[of_shard] >= base) & (rows[of_shard] < base + table.num_rows)]
            taken = table.take(pa.array(rows[here] - base))
            texts[here], urls[here] = taken["text"].to_pylist(), taken["url"].to_pylist()
            base += table.num_rows
    drawn_ids = ids.take(pa.array(places))
    frame = passages(texts.tolist(), drawn_ids).with_columns(
        document=pl.Series(drawn_ids.to_pylist(), dtype=pl.String),
        label=pl.lit(label),
        stratum=pl.Series(np.asarray(STRATA)[of[places]].tolist(), dtype=pl.String),
        stratum_documents=pl.Series(sizes[of[places]]),
        url=pl.Series(urls.tolist(), dtype=pl.String),
    )
    return Drawn(label, found.num_rows, as_sheet(frame))


_PARTS = ("document", "label", "stratum", "stratum_documents", "before", "passage", "after", "url")


def _proof(
    store: Store, label: str, paths: Sequence[str], answers: pl.DataFrame, judged_by: str
) -> LanguageProof:
    """Count the answers by the strata that the corpus itself gives."""
    found = _documents(store, paths)
    of = strata(found) if found.num_rows else np.empty(0, np.int8)
    places = pc.index_in(
        pa.array(answers["document"].to_list(), pa.string()), found["id"].combine_chunks()
    )
    if places.null_count:
        raise MisuseError(
            f"{label}: {places.null_count:,} of {len(answers):,} judged documents are not in {store.url}; the sheet is "
            "of another corpus, or of another version"
        )
    sizes = np.bincount(of, minlength=len(STRATA)).tolist()
    try:
        return language_proof(
            label, of[places.to_numpy()], answers["judgement"].to_list(), sizes, judged_by
        )
    except ValueError as error:
        raise MisuseError(str(error)) from None
