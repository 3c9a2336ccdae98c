"""Copies of some texts, wherever they stand: what is equal or nearly equal to one of them, in its
own script or in another one of its language.

The texts that are looked for are signed once and kept as sorted arrays, so that a corpus of any
size goes past them. Two texts are copies if their shingles have a Jaccard similarity of THRESHOLD,
and copies in two scripts if their skeletons have that of `across_scripts`. More bands are compared
than where a corpus is deduplicated, as a missed copy is worse here than a comparison in vain: 20
bands of 5 rows propose 99.96 % of the pairs at 0.8 (1 - (1 - s^5)^20).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.document import DOCUMENT
from stages.deduplication.across_scripts import COLUMNS, across_scripts_signatures
from stages.deduplication.near import (
    Signed,
    distinct_shingles,
    exact_similarity,
    meeting_keys,
    near_signatures,
)
from stages.deduplication.options import AcrossScriptsConfig, NearDeduplicationConfig
from stages.deduplication.shingles import Shingles
from stages.script_detection import detect_scripts

THRESHOLD = 0.8
BANDS, ROWS = 20, 5
# Texts looked for that a document is compared with in one band, the first ones: pages of one
# template meet by the thousand, and a copy meets its original in nearly all bands.
MOST_MET = 256
WAYS = ("near", "across_scripts")
_PAIRS = 1 << 18  # compared at once


class SignedTexts(NamedTuple):
    """m of n texts as they are compared in one way: their rows, scripts (0: all are compared), keys
    of bands (m, bands), distinct shingles."""

    rows: npt.NDArray[np.int64]
    scripts: npt.NDArray[np.uint32]
    keys: npt.NDArray[np.uint64]
    distinct: Shingles


class CopyIndex(NamedTuple):
    """m texts that are looked for in one way: sorted keys of bands with the text of each (m *
    bands,); scripts and shingles by text."""

    keys: npt.NDArray[np.uint64]
    texts: npt.NDArray[np.int64]
    numbers: npt.NDArray[np.int32]  # what the caller calls each text
    scripts: npt.NDArray[np.uint32]
    shingles: npt.NDArray[np.uint64]
    offsets: npt.NDArray[np.int64]


class Copies(NamedTuple):
    """k rows that are copies: their places in ascending order, the number of the text that each is
    most like, and how much."""

    rows: npt.NDArray[np.int64]
    numbers: npt.NDArray[np.int32]
    similarity: npt.NDArray[np.float64]


def _with_columns(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Give n texts, which may have no other column, the columns of `across_scripts`."""
    columns: dict[str, Any] = {"text": batch["text"].cast(pa.large_string())}
    for name in COLUMNS[1:]:
        field = DOCUMENT.field(name)
        known = name in batch.schema.names and pa.types.is_string(batch.schema.field(name).type)
        columns[name] = batch[name] if known else pa.nulls(batch.num_rows, field.type)
    if columns["script"].null_count == batch.num_rows:
        columns["script"] = detect_scripts(columns["text"]).cast(pa.string())
    return pa.RecordBatch.from_arrays(
        list(columns.values()), schema=pa.schema([DOCUMENT.field(name) for name in columns])
    )


def sign_texts(batch: pa.RecordBatch) -> dict[str, SignedTexts]:
    """Sign n texts in each of WAYS; what has no letters, or no skeleton, is no row of it."""
    near = NearDeduplicationConfig(threshold=THRESHOLD, bands=BANDS, rows=ROWS)
    across = AcrossScriptsConfig()
    skeletons = across.by_signature
    block = _with_columns(batch)
    return {
        "near": _signed(near_signatures(block, near), near),
        "across_scripts": _signed(across_scripts_signatures(block, across), skeletons),
    }


def threshold_of(way: str) -> float:
    """Return the least similarity of copies."""
    return THRESHOLD if way == "near" else AcrossScriptsConfig().by_signature.threshold


def _signed(made: Signed, config: NearDeduplicationConfig) -> SignedTexts:
    return SignedTexts(
        made.rows,
        made.scripts,
        meeting_keys(made.signatures, config),
        distinct_shingles(made.shingles),
    )


def index_of(parts: Sequence[tuple[SignedTexts, npt.NDArray[np.int32]]]) -> CopyIndex:
    """Index the texts of all parts, at least one, each with a number for every row that was signed.

    320 bytes for each text are held while the keys are sorted.
    """
    signed = [part for part, _ in parts]
    keys = np.concatenate([part.keys for part in signed])
    order = np.argsort(keys, axis=None, kind="stable")
    counts = np.concatenate([np.diff(part.distinct.offsets) for part in signed])
    return CopyIndex(
        keys.ravel()[order],
        order // keys.shape[1],
        np.concatenate([numbers for _, numbers in parts]),
        np.concatenate([part.scripts for part in signed]),
        np.concatenate([part.distinct.hashes for part in signed]),
        np.append(0, counts.cumsum()),
    )


def find_copies(signed: SignedTexts, index: CopyIndex, threshold: float) -> Copies:
    """Find which of the signed texts are copies of indexed ones."""
    best = np.zeros(len(signed.rows))
    number = np.full(len(signed.rows), -1, np.int32)
    for left, right in _meetings(signed, index):
        found = _similarity(signed.distinct, left, index, right, threshold)
        order = np.lexsort((right, -found))  # the most similar first, then the first indexed
        order = order[found[order] >= threshold]
        rows, firsts = np.unique(left[order], return_index=True)
        better = found[order][firsts] > best[rows]
        rows, firsts = rows[better], firsts[better]
        best[rows], number[rows] = found[order][firsts], index.numbers[right[order][firsts]]
    hits = np.flatnonzero(number >= 0)
    return Copies(signed.rows[hits], number[hits], best[hits])


def _meetings(
    signed: SignedTexts, index: CopyIndex
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Yield pairs (place of a signed text, indexed text) that meet in some band, each pair once at
    least."""
    if not len(index.keys) or not len(signed.rows):
        return
    for band in range(signed.keys.shape[1]):
        own = signed.keys[:, band]
        start = np.searchsorted(index.keys, own, side="left")
        end = np.minimum(np.searchsorted(index.keys, own, side="right"), start + MOST_MET)
        met = np.flatnonzero(end > start)
        pairs = (end - start)[met].cumsum()
        cuts = np.searchsorted(pairs, np.arange(_PAIRS, pairs[-1] if len(met) else 0, _PAIRS))
        for rows in np.split(met, np.unique(cuts)):
            counts = (end - start)[rows]
            left = np.repeat(rows, counts)
            within = np.arange(counts.sum()) - np.repeat(counts.cumsum() - counts, counts)
            right = index.texts[np.repeat(start[rows], counts) + within]
            scripts = signed.scripts[left]
            apart = (scripts == 0) | (scripts != index.scripts[right])
            if apart.any():
                yield left[apart], right[apart]


def _similarity(
    distinct: Shingles,
    left: npt.NDArray[np.int64],
    index: CopyIndex,
    right: npt.NDArray[np.int64],
    threshold: float,
) -> npt.NDArray[np.float64]:
    """Compare n pairs by their shingles, of which those of the indexed texts are read as needed."""
    texts, places = np.unique(right, return_inverse=True)
    read = [
        index.shingles[index.offsets[text] : index.offsets[text + 1]] for text in texts.tolist()
    ]
    both = Shingles(
        np.concatenate([distinct.hashes, *read]),
        np.concatenate(
            [distinct.offsets, distinct.offsets[-1] + np.cumsum([len(r) for r in read])]
        ),
    )
    return exact_similarity(both, left, len(distinct.offsets) - 1 + places, threshold)
