"""Reject documents that are too short or too long to be of use.

Lengths are code points, so that a limit means about the same in every script (a Khmer letter takes
three UTF-8 bytes, a Basque one takes one). Documents of a few words are mostly navigation; a
document of tens of millions of code points is mostly a dump of something that is not text.
"""

from __future__ import annotations

from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from schemas.columns import require_columns
from schemas.document import DOCUMENT
from stages.batches import Filtered, Measured, StageConfig, reject


class LengthFilteringConfig(StageConfig):
    """Options of `filter_length`."""

    stage: Literal["filter_length"] = "filter_length"
    min_code_points: int = Field(
        default=1, ge=0, description="Shortest text that is kept, in code points."
    )
    max_code_points: int = Field(
        default=20_000_000,
        ge=1,
        description="Longest text that is kept, in code points; longer ones are rarely text.",
    )

    @model_validator(mode="after")
    def _in_order(self) -> LengthFilteringConfig:
        if self.min_code_points > self.max_code_points:
            raise ValueError(
                f"min_code_points must not exceed max_code_points, got {self.min_code_points} > {self.max_code_points}"
            )
        return self


def filter_length(batch: pa.RecordBatch, config: LengthFilteringConfig) -> Filtered:
    """Split n documents into kept and rejected (`too_short`, `too_long`); the two sum to n, order
    kept.

    Raises SchemaError if `text` is missing or mistyped.

    >>> block = pa.record_batch({"text": pa.array(["Kaixo", "Kaixo, mundu osoa!"], pa.large_string())})
    >>> kept, rejected = filter_length(block, LengthFilteringConfig(min_code_points=10))
    >>> kept["text"].to_pylist(), rejected["reason"].to_pylist(), rejected["value"].to_pylist()
    (['Kaixo, mundu osoa!'], ['too_short'], [5.0])
    """
    require_columns(batch, DOCUMENT, ("text",))
    lengths = pc.utf8_length(batch["text"])
    short = pc.less(lengths, config.min_code_points)
    long = pc.greater(lengths, config.max_code_points)
    out = pc.or_(short, long)
    return Filtered(
        batch.filter(pc.invert(out)),
        reject(
            batch.filter(out),
            config.stage,
            pc.if_else(short, "too_short", "too_long").filter(out),
            Measured(
                lengths.filter(out),
                pc.if_else(short, config.min_code_points, config.max_code_points).filter(out),
            ),
        ),
    )
