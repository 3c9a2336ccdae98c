"""Keys: what stands for a text, or a part of one, where documents are compared.

A key of 128 bits is BLAKE2b (RFC 7693): two different texts share one with probability 2^-128 for
each pair, so no billion-document corpus loses a text to a collision. Where one chance equality
decides nothing, as in a shingle, 64 bits do, mixed by the finalizer of SplitMix64 (Steele, Lea,
Flood 2014).
"""

from __future__ import annotations

import hashlib
import itertools

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

KEY = np.dtype([("high", "<u8"), ("low", "<u8")])


def hash_keys(values: pa.Array) -> npt.NDArray[np.void]:
    """Hash n large strings or binaries to n KEYs; the loop makes one C call a value, on the bytes
    where they lie."""
    offsets = np.frombuffer(
        values.buffers()[1], np.int64, len(values) + 1, values.offset * 8
    ).tolist()
    bytes_ = memoryview(values.buffers()[2] or b"")
    digests = b"".join(
        hashlib.blake2b(bytes_[start:end], digest_size=16).digest()
        for start, end in itertools.pairwise(offsets)
    )
    return np.frombuffer(digests, KEY)


def text_order(texts: pl.Series) -> pl.Series:
    """Hash n texts to 8 bytes each: sorted by these, texts stand in an order that their content
    alone decides."""
    return pl.Series(
        [hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts.to_list()],
        dtype=pl.Binary,
    )


def is_held_out(texts: pl.Series, share: float) -> pl.Series:
    """Choose a share of n texts by their hash, as booleans: the same texts, whatever others come
    with them.

    >>> is_held_out(pl.Series(["mundua", "kaixo", "agur", "bai"]), 0.5).to_list()
    [True, False, True, True]
    """
    digests = [
        hashlib.blake2b(text.encode(), digest_size=4, person=b"held-out").digest()
        for text in texts.to_list()
    ]
    return pl.Series(np.frombuffer(b"".join(digests), ">u4") < share * 2**32)


def first_of_equals(
    keys: npt.NDArray[np.void],
    documents: npt.NDArray[np.uint64],
    preference: npt.NDArray[np.uint64] | None = None,
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Find which of n documents repeat another: (duplicates, the document each repeats), sorted by
    duplicate.

    Of documents with one key the one is kept whose row of `preference` (n, k) comes first in
    lexicographic order, of equals the one with the lowest number; all others name it directly.
    """
    criteria = () if preference is None else tuple(preference.T[::-1])
    order = np.lexsort((documents, *criteria, keys["low"], keys["high"]))
    keys, documents = keys[order], documents[order]
    starts = np.ones(len(keys), bool)
    starts[1:] = keys[1:] != keys[:-1]
    keepers = documents[np.flatnonzero(starts)[np.cumsum(starts) - 1]] if len(keys) else documents
    repeated = ~starts
    by_number = np.argsort(documents[repeated])
    return documents[repeated][by_number], keepers[repeated][by_number]


def mix64(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Scramble 64-bit values one to one: the finalizer of SplitMix64."""
    values = values ^ (values >> np.uint64(30))
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)
    return values
