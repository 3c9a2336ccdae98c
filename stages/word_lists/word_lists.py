"""Judge documents by the words of their language: enough stop words, and words that its neighbours
do not have.

Identification calls much that is in no known language after one that it knows. Text with few of the
frequent words of a language is a list, code, or in another language; text with none of the words
that only this language has is likely in a neighbour of it. Where identification is not sure, one
such word can settle it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.columns import require_columns
from schemas.document import DOCUMENT
from schemas.language import UNDETERMINED, one_label
from schemas.language_groups import members_of
from schemas.model_signals import WORD_SIGNALS
from stages.batches import Filtered, Measured, reject, set_columns
from stages.word_lists.lists import WordList, as_texts, stop_word_shares, words_of
from stages.word_lists.options import WordListsConfig

REQUIRED = ("text", "language", "script", "language_group", "runner_up_language")


def word_lists(
    batch: pa.RecordBatch, lists: Mapping[str, WordList], config: WordListsConfig
) -> Filtered:
    """Split n documents into kept and rejected by the word lists of their languages; the two sum to
    n, order kept.

    Reasons: `few_stop_words` (value and threshold are shares of the words), `no_own_words` (numbers
    of words). Documents in a language without a list pass. Raises SchemaError if a column of
    REQUIRED is missing or mistyped.
    """
    require_columns(batch, DOCUMENT, REQUIRED)
    if config.own_words == "rescue":
        batch = _rescued(batch, lists, config.min_own_words)
    labels = _labels(batch)
    shares, own = np.full(batch.num_rows, np.nan), np.full(batch.num_rows, -1)
    least = np.zeros(batch.num_rows)
    for label in sorted(set(labels) & lists.keys()):
        rows = np.flatnonzero(np.asarray(labels, object) == label)
        texts = as_texts(batch["text"].take(pa.array(rows)))
        shares[rows] = stop_word_shares(texts, lists[label].stop_words)
        least[rows] = lists[label].least_stop_word_share
        if lists[label].own_words:
            own[rows] = own_words(texts, lists[label].own_words)
    few = (shares < least) & config.stop_words
    none = (
        (own >= 0)
        & (own < config.min_own_words)
        & ~np.isnan(shares)
        & (config.own_words == "require")
        & ~few
    )
    out = pa.array(few | none)
    rejected = reject(
        batch.filter(out),
        config.stage,
        pa.array(np.where(few, "few_stop_words", "no_own_words").tolist(), pa.string()).filter(out),
        Measured(
            pa.array(np.where(few, shares, own)).filter(out),
            pa.array(np.where(few, least, config.min_own_words)).filter(out),
        ),
    )
    kept = batch
    if config.keep_signals:
        kept = kept.drop_columns([name for name in WORD_SIGNALS.names if name in kept.schema.names])
        for field, values, missing in zip(
            WORD_SIGNALS, (shares, own), (np.isnan(shares), own < 0), strict=True
        ):
            kept = kept.append_column(field, pa.array(values, mask=missing).cast(field.type))
    return Filtered(kept.filter(pc.invert(out)), rejected)


def own_words(texts: pl.Series, words: tuple[str, ...]) -> NDArray[np.int64]:
    """Count the different own words of a language in each of n texts ."""
    found = words_of(texts)
    hits = found.filter(found["word"].is_in(list(words))).unique(["row", "word"])
    return np.bincount(hits["row"].to_numpy(), minlength=len(texts))


def _labels(batch: pa.RecordBatch) -> list[str]:
    joined = pc.binary_join_element_wise(batch["language"], batch["script"], "_")
    return [one_label(label) if label else "" for label in joined.to_pylist()]


def _rescued(batch: pa.RecordBatch, lists: Mapping[str, WordList], least: int) -> pa.RecordBatch:
    """Name the language of documents where identification was not sure, and the words of one
    candidate alone say so.

    Candidates are the label that was likeliest for a document of unknown language, and the members
    of an unclear one's group. The score stays: it is that of identification.
    """
    languages, groups = batch["language"].to_pylist(), batch["language_group"].to_pylist()
    second, scripts = batch["runner_up_language"].to_pylist(), batch["script"].to_pylist()
    candidates: dict[str, list[int]] = {}
    # two look-ups each
    for row, (language, group) in enumerate(zip(languages, groups, strict=True)):
        likely = (
            members_of(group)
            if group
            else [second[row]]
            if language == UNDETERMINED and second[row]
            else []
        )
        for label in likely:
            if label in lists and lists[label].own_words and label[4:] == scripts[row]:
                candidates.setdefault(label, []).append(row)
    hits: dict[int, dict[str, int]] = {}
    for label, rows in sorted(candidates.items()):
        texts = as_texts(batch["text"].take(pa.array(rows)))
        for row, count in zip(rows, own_words(texts, lists[label].own_words).tolist(), strict=True):
            if count >= least:
                hits.setdefault(row, {})[label] = count
    for row, found in hits.items():
        if len(found) == 1:
            languages[row], groups[row] = next(iter(found))[:3], None
    return set_columns(
        batch,
        language=pa.array(languages, pa.string()),
        language_group=pa.array(groups, pa.string()),
    )
