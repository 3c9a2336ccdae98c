"""Keep documents of the wanted languages, and say of each other one why it goes.

By default everything goes that has no language (`zxx`) or none that is sure enough (`und`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from schemas.columns import require_columns
from schemas.document import DOCUMENT
from schemas.language import (
    NO_LINGUISTIC_CONTENT,
    UNDETERMINED,
    one_label,
    parse_labels,
    stands_for_member,
)
from schemas.language_groups import members_of
from stages.batches import Filtered, Measured, StageConfig, reject


class LanguageFilteringConfig(StageConfig):
    """Options of `filter_language`."""

    stage: Literal["filter_language"] = "filter_language"
    keep: tuple[str, ...] = Field(
        default=(),
        description="Labels to keep, such as `eus_Latn`; none: every language but `und` and `zxx`. A member of a "
        "macrolanguage stands for what identification calls it (`kmr_Latn`: `kur_Latn`, `arb_Arab`: `ara_Arab`), a "
        "group of near neighbours for all of them (`hbs_Latn`), and simplified or traditional Chinese also for texts "
        "without a letter that tells (`zho_Hani`). `glotmill plan` shows what each stands for.",
    )
    unclear: Literal["keep", "reject"] = Field(
        default="keep",
        description="What becomes of a document whose language is likeliest but not clear among near neighbours "
        "(`language_group` names them).",
    )

    def misplaced(self, part: str, before: Sequence[str]) -> Iterator[str]:
        if "identify_language" not in before:
            yield "filter_language needs identify_language before it"

    def named_labels(self) -> Iterable[str]:
        return self.keep

    @field_validator("keep")
    @classmethod
    def _labels(cls, keep: tuple[str, ...]) -> tuple[str, ...]:
        parse_labels(keep)
        return keep


# What a text may be in that is wanted in one of these: ISO 15924's `Hani` is both, and that of
# texts that do not tell.
_HAN = {"Hans": ("Hani",), "Hant": ("Hani",), "Hani": ("Hans", "Hant")}


def kept_labels(keep: Sequence[str]) -> tuple[str, ...]:
    """Return the labels that documents to keep have: macrolanguages for their members, a group for
    all of its own.

    Simplified and traditional Chinese share most letters: a text whose letters are in both is kept
    with either.

    >>> kept_labels(["kmr_Latn", "nor_Latn", "hbs_Latn"])
    ('kur_Latn', 'nob_Latn', 'hbs_Latn', 'bos_Latn', 'cnr_Latn', 'hrv_Latn', 'srp_Latn')
    """
    labels = [one_label(label) for label in keep]
    # `msa_Latn` is Standard Malay alone
    groups = [label for label in labels if not stands_for_member(label[:3])]
    found = [*labels, *(member for group in groups for member in members_of(group))]
    scripts = [f"{label[:3]}_{script}" for label in found for script in _HAN.get(label[4:], ())]
    return tuple(dict.fromkeys([*found, *scripts]))


def filter_language(batch: pa.RecordBatch, config: LanguageFilteringConfig) -> Filtered:
    """Split n identified documents into kept and rejected; the two sum to n, order kept.

    Reasons: `undetermined_language`, `no_linguistic_content`, `unwanted_language` (detail: the
    label), `unclear_language` (detail: the group); the value is the language's score. A document
    not yet identified (null) is undetermined. Raises SchemaError if `language`, `script` or
    `language_score` is missing or mistyped, or `language_group` where it decides.

    >>> scores = pa.array([0.9, 0.9], pa.float32())
    >>> block = pa.record_batch(
    ...     {"language": ["eus", "eng"], "script": ["Latn", "Latn"], "language_score": scores}
    ... )
    >>> kept, rejected = filter_language(block, LanguageFilteringConfig(keep=["eus_Latn"]))
    >>> kept["language"].to_pylist(), rejected["reason"].to_pylist(), rejected["detail"].to_pylist()
    (['eus'], ['unwanted_language'], ['eng_Latn'])
    """
    deciding = ("language_group",) if config.unclear == "reject" else ()
    require_columns(batch, DOCUMENT, ("language", "script", "language_score", *deciding))
    language = pc.fill_null(batch["language"], UNDETERMINED)
    label = pc.binary_join_element_wise(language, pc.fill_null(batch["script"], "Zyyy"), "_")
    undetermined, no_content = (
        pc.equal(language, UNDETERMINED),
        pc.equal(language, NO_LINGUISTIC_CONTENT),
    )
    wanted = (
        pc.is_in(label, pa.array(kept_labels(config.keep), pa.string()))
        if config.keep
        else pa.repeat(pa.scalar(True), len(label))
    )
    unclear = pa.repeat(pa.scalar(False), len(label))
    if config.unclear == "reject":
        unclear = pc.and_(wanted, pc.is_valid(batch["language_group"]))
        label = pc.if_else(unclear, batch["language_group"], label)
    out = pc.or_(pc.or_(undetermined, no_content), pc.or_(pc.invert(wanted), unclear))
    reason = pc.case_when(
        pc.make_struct(undetermined, no_content, unclear),
        "undetermined_language",
        "no_linguistic_content",
        "unclear_language",
        "unwanted_language",
    )
    return Filtered(
        batch.filter(pc.invert(out)),
        reject(
            batch.filter(out),
            config.stage,
            reason.filter(out),
            Measured(batch["language_score"].filter(out)),
            detail=label.filter(out),
        ),
    )
