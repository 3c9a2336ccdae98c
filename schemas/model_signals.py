"""Columns that stages with models or word lists measure; each is there only if a recipe asks."""

from __future__ import annotations

import pyarrow as pa

from schemas.columns import column

LANGUAGE_MODEL_SIGNALS = pa.schema(
    [
        column(
            "language_model_bits",
            pa.float32(),
            "Bits a character under the language model of the document's language; null where the recipe names none.",
            nullable=True,
        ),
        column(
            "language_model_percentile",
            pa.float32(),
            "Share in [0, 1] of trusted documents that are likelier under that model; null where there is none.",
            nullable=True,
        ),
    ]
)

MODEL_SIGNALS = pa.schema([*LANGUAGE_MODEL_SIGNALS])
