"""Keep documents of the wanted languages, and say of each other one why it goes.

By default everything goes that has no language (`zxx`) or none that is sure enough (`und`).
"""

from __future__ import annotations

from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from schemas.columns import require_columns
from schemas.document import DOCUMENT
from schemas.language import NO_LINGUISTIC_CONTENT, UNDETERMINED, parse_label
from stages.batches import Filtered, StageConfig, reject


class LanguageFilteringConfig(StageConfig):
    """Options of `filter_language`."""

    stage: Literal["filter_language"] = "filter_language"
    keep: tuple[str, ...] = Field(
        default=(),
        description="Labels to keep, such as `eus_Latn`; none: every language but `und` and `zxx`.",
    )

    @field_validator("keep")
    @classmethod
    def _labels(cls, keep: tuple[str, ...]) -> tuple[str, ...]:
        for label in keep:
            parse_label(label)
        return keep


def filter_language(batch: pa.RecordBatch, config: LanguageFilteringConfig) -> Filtered:
    """Split n identified documents into kept and rejected; the two sum to n, order kept.

    Reasons: `undetermined_language`, `no_linguistic_content`, `unwanted_language` (detail: the label); the value is
    the language's score. A document not yet identified (null) is undetermined. Raises SchemaError if `language`,
    `script` or `language_score` is missing or mistyped.
    """
    require_columns(batch, DOCUMENT, ("language", "script", "language_score"))
    language = pc.fill_null(batch["language"], UNDETERMINED)
    label = pc.binary_join_element_wise(language, pc.fill_null(batch["script"], "Zyyy"), "_")
    undetermined, no_content = pc.equal(language, UNDETERMINED), pc.equal(language, NO_LINGUISTIC_CONTENT)
    wanted = (
        pc.is_in(label, pa.array(config.keep, pa.string())) if config.keep else pa.repeat(pa.scalar(True), len(label))
    )
    out = pc.or_(pc.or_(undetermined, no_content), pc.invert(wanted))
    reason = pc.case_when(
        pc.make_struct(undetermined, no_content), "undetermined_language", "no_linguistic_content", "unwanted_language"
    )
    return Filtered(
        batch.filter(pc.invert(out)),
        reject(
            batch.filter(out),
            config.stage,
            reason.filter(out),
            value=batch["language_score"].filter(out),
            detail=label.filter(out),
        ),
    )
