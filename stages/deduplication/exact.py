"""Exact duplicates: documents whose normalized texts are the same.

Texts are compared by BLAKE2b-128 of their normalized form (RFC 7693), so two different texts share
a key with probability 2^-128 for each pair: no billion-document corpus loses a text to a collision,
which 64 bits could not say. Normalization is Unicode NFC and white space only. Case, punctuation
and marks distinguish words in many languages, so they stay unless the recipe says otherwise.
"""

from __future__ import annotations

import hashlib
import re

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from schemas.columns import require_columns
from schemas.document import DOCUMENT
from stages.deduplication.options import ExactDeduplicationConfig
from stages.keys import KEY, hash_keys
from stages.script_detection import utf8_bytes

_LONG_BYTES = 1 << 22  # a text of more is normalized in pieces
_SPACE = re.compile(rb"[ \n]")


def normalized_texts(texts: pa.Array, config: ExactDeduplicationConfig) -> pa.Array:
    """Normalize n texts for comparison: NFC, runs of white space as one space, none at either
    end."""
    expression = pl.col("text").str.normalize("NFC").str.replace_all(r"\s+", " ").str.strip_chars()
    if config.fold_case:
        expression = expression.str.to_lowercase()
    frame = pl.DataFrame({"text": pl.Series(texts)})
    return frame.select(expression).to_series().to_arrow().cast(pa.large_string())


def exact_keys(batch: pa.RecordBatch, config: ExactDeduplicationConfig) -> npt.NDArray[np.void]:
    """Give n documents their n KEYs; equal keys are equal normalized texts. Raises SchemaError
    without `text`.

    >>> texts = pa.array(["caf\u00e9  \\n", "cafe\u0301", "cafe"], pa.large_string())
    >>> first, second, third = exact_keys(pa.record_batch({"text": texts}), ExactDeduplicationConfig())
    >>> bool(first == second), bool(first == third)
    (True, False)
    """
    require_columns(batch, DOCUMENT, ("text",))
    texts = batch["text"]
    octets, offsets = utf8_bytes(texts)
    long = np.diff(offsets) > _LONG_BYTES
    if not long.any():
        return hash_keys(normalized_texts(texts, config))
    keys = np.zeros(len(texts), KEY)
    if len(texts) > 1:
        keys[:] = hash_keys(normalized_texts(pc.if_else(pa.array(long), "", texts), config))
    for row in np.flatnonzero(long).tolist():
        keys[row] = np.frombuffer(
            _long_digest(octets[offsets[row] : offsets[row + 1]].data, config), KEY
        )[0]
    return keys


def _long_digest(text: memoryview, config: ExactDeduplicationConfig) -> bytes:
    """Hash a text as `hash_keys` does its normalized form, piece by piece, so that no copy of the
    whole is made.

    Pieces end with a space or a line: there, normalization of one does not depend on the next.
    """
    digest = hashlib.blake2b(digest_size=16)
    begun = False
    start = 0
    while start < len(text):
        end = _end_of_piece(text, start + _LONG_BYTES)
        piece = normalized_texts(
            pa.array([str(text[start:end], "utf-8")], pa.large_string()), config
        )[0].as_buffer()
        if len(piece):
            digest.update(b" " if begun else b"")
            digest.update(piece)
            begun = True
        start = end
    return digest.digest()


def _end_of_piece(text: memoryview, place: int) -> int:
    """Return the end of the first white space of ASCII after a place, or of the text."""
    while place < len(text):
        found = _SPACE.search(text[place : place + _LONG_BYTES])
        if found:
            return place + found.end()
        place += _LONG_BYTES
    return len(text)


def id_keys(batch: pa.RecordBatch) -> npt.NDArray[np.void]:
    """Give n documents the KEYs of their ids, by which an id that a source uses twice is found."""
    require_columns(batch, DOCUMENT, ("id",))
    return hash_keys(batch["id"].cast(pa.large_string()))
