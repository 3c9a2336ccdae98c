"""LEDGER: the fate of every document, one row each; REJECTION: why a stage turned a row away."""

from __future__ import annotations

import pyarrow as pa

from schemas.columns import column
from schemas.document import DOCUMENT

FATES = ("published", "dropped", "duplicate", "failed")

REJECTION = pa.schema(
    [
        column("stage", pa.string(), "Stage that decided."),
        column("reason", pa.string(), "What was wrong, as a short snake_case word."),
        column("value", pa.float64(), "Measured value; null if the reason has none.", nullable=True),
        column("threshold", pa.float64(), "Limit that the value was held against; null if none.", nullable=True),
        column(
            "detail",
            pa.string(),
            "Last line of the error, or other words to the reason; null if none.",
            nullable=True,
        ),
    ]
)

LEDGER = pa.schema(
    [
        *(DOCUMENT.field(name) for name in ("id", "source", "path", "position", "url", "language", "script")),
        DOCUMENT.field("language_score"),
        column("fate", pa.string(), "One of: published, dropped, duplicate, failed."),
        column("phase", pa.string(), "Phase that decided the fate."),
        *(REJECTION.field(name).with_nullable(True) for name in REJECTION.names),
        column(
            "duplicate_of",
            pa.string(),
            "Id of the document that was kept instead; null unless duplicate.",
            nullable=True,
        ),
        column(
            "shard",
            pa.string(),
            "Published file that holds the document; null unless published.",
            nullable=True,
        ),
        column("row", pa.int64(), "Row number in that file, from 0; null unless published.", nullable=True),
    ]
)
