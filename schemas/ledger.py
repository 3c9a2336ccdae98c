"""LEDGER: the fate of every document; REJECTION: why a stage turned a row away; CHANGE: what one
changed, counted."""

from __future__ import annotations

import pyarrow as pa

from schemas.columns import column
from schemas.document import DOCUMENT

FATES = ("published", "dropped", "duplicate", "failed")

REJECTION = pa.schema(
    [
        column("stage", pa.string(), "Stage that decided."),
        column("reason", pa.string(), "What was wrong, as a short snake_case word."),
        column(
            "value", pa.float64(), "Measured value; null if the reason has none.", nullable=True
        ),
        column(
            "threshold",
            pa.float64(),
            "Limit that the value was held against; null if none.",
            nullable=True,
        ),
        column(
            "detail",
            pa.string(),
            "Last line of the error, or other words to the reason; null if none.",
            nullable=True,
        ),
    ]
)

CHANGE = pa.schema(
    [
        column("rule", pa.string(), "Rule of the stage, or scheme, that changed the documents."),
        DOCUMENT.field("language"),
        DOCUMENT.field("script"),
        column("documents", pa.int64(), "Documents that it changed."),
        column(
            "code_points",
            pa.int64(),
            "Code points that it changed: positions that differ in texts that kept their length; in all others "
            "together what came in or what went, whichever is more.",
        ),
    ]
)

LEDGER = pa.schema(
    [
        *(
            DOCUMENT.field(name)
            for name in ("id", "source", "path", "position", "url", "language", "script")
        ),
        *(DOCUMENT.field(name) for name in ("language_score", "parent_id")),
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
        column(
            "row",
            pa.int64(),
            "Row number in that file, from 0; null unless published.",
            nullable=True,
        ),
        column(
            "rewritten_by",
            pa.string(),
            "Stages after ingest that took parts of the text out, in running order, with commas; null if none did.",
            nullable=True,
        ),
    ]
)
