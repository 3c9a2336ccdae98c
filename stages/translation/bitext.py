"""Filter bitext by the gates that translations pass: pairs that somebody else made, in the columns
of a source.

A document's `translation` stands next to its text, and `translation_direction` says what both are
in, as `eus_Latn -> spa_Latn`. What has no translation passes. Web-crawled bitext is the reason: of
the pairs of small languages in such sets often fewer than half are translations at all (Kreutzer et
al. 2022, "Quality at a Glance").
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from schemas.columns import require_columns
from schemas.document import DOCUMENT
from schemas.translation import SENTENCE_PAIR
from stages.batches import Filtered, reject
from stages.engines.engine import Direction, parse_direction
from stages.translation.gates import Identify, Judged, in_other_language, judge_sentences
from stages.translation.options import BitextConfig, GateConfig, GivenPairsConfig
from stages.translation.protection import adds_markup
from stages.translation.translate import Translator, translate_back

STAGE = "filter_bitext"
TRANSLATION, DIRECTION = "translation", "translation_direction"


def filter_bitext(
    batch: pa.RecordBatch, identify: Identify | None, config: BitextConfig
) -> Filtered:
    """Split n documents into kept and rejected by their translations; the two sum to n, order kept.

    Reasons are those of `judge_sentences`, `wrong_source_language`, and `no_direction` where it
    cannot be read; the detail is the translation. Raises SchemaError if `text` is missing or
    mistyped.

    >>> block = pa.record_batch(
    ...     {
    ...         "text": pa.array(["Kaixo, 3 lagun.", "Agur, 3 lagun."], pa.large_string()),
    ...         "translation": pa.array(["Hola, 3 amigos.", "Hola, 4 amigos."], pa.large_string()),
    ...         "translation_direction": ["eus_Latn->spa_Latn"] * 2,
    ...     }
    ... )
    >>> kept, rejected = filter_bitext(block, None, BitextConfig())
    >>> kept.num_rows, rejected["reason"].to_pylist()
    (1, ['number_lost'])
    """
    require_columns(batch, DOCUMENT, ("text",))
    if TRANSLATION not in batch.schema.names or DIRECTION not in batch.schema.names:
        return Filtered(batch, reject(batch.slice(0, 0), STAGE, ""))
    frame = pl.DataFrame(
        {
            "source": pl.Series(pc.fill_null(batch["text"], ""), dtype=pl.String),
            "target": pl.Series(batch[TRANSLATION], dtype=pl.String),
            "direction": pl.Series(batch[DIRECTION], dtype=pl.String),
        }
    ).with_row_index("row")
    paired = frame.filter(pl.col("target").is_not_null())
    reasons = pl.Series([None] * len(frame), dtype=pl.String)
    look = partial(_reasons, identify=identify if config.gates.language else None, config=config)
    for (words,), own in paired.group_by("direction", maintain_order=True):
        reasons = reasons.scatter(own["row"], look(own, _direction(words)))
    out = reasons.is_not_null().to_arrow()
    rejected = batch.filter(out)
    excerpts = pc.utf8_slice_codeunits(rejected[TRANSLATION], 0, 200)
    return Filtered(
        batch.filter(pc.invert(out)),
        reject(rejected, STAGE, reasons.drop_nulls().to_arrow(), detail=excerpts),
    )


def _direction(words: object) -> Direction | None:
    try:
        return parse_direction(words) if isinstance(words, str) else None
    except ValueError:
        return None


def _reasons(
    pairs: pl.DataFrame,
    direction: Direction | None,
    identify: Identify | None,
    config: BitextConfig,
) -> pl.Series:
    if direction is None:
        return pl.Series(["no_direction"] * len(pairs))
    judged = judge_pairs(pairs, direction, identify, config.gates)
    back = Direction(direction.target, direction.source)
    wrong = in_other_language(_one_line(pairs["source"]), back, config.gates, identify)
    return pl.select(
        pl.coalesce(judged.reasons, pl.when(pl.lit(wrong)).then(pl.lit("wrong_source_language")))
    ).to_series()


def _one_line(texts: pl.Series) -> pl.Series:
    """Write n texts in one line: a pair may have several, and white space is no matter of the
    translation."""
    return texts.str.replace_all(r"\s+", " ").str.strip_chars()


def judge_pairs(
    pairs: pl.DataFrame,
    direction: Direction,
    identify: Identify | None,
    gates: GateConfig,
    back: Translator | None = None,
) -> Judged:
    """Judge pairs that nobody here made: columns source, target, and document where there are
    several; `back` translates targets."""
    source, target = _one_line(pairs["source"]), _one_line(pairs["target"])
    frame = pl.DataFrame(
        {
            "source": source,
            "target": target,
            "answer": target,
            "error": pl.Series([None] * len(pairs), dtype=pl.String),
            "whole": np.ones(len(pairs), bool),
            "markup": adds_markup(target, source),
        }
    ).hstack([pairs[name] for name in ("document",) if name in pairs.columns])
    return judge_sentences(frame, direction, gates, identify, back and translate_back(back))


def given_pairs(
    batch: pa.RecordBatch,
    config: GivenPairsConfig,
    back: Mapping[str, Translator] = MappingProxyType({}),
) -> pa.RecordBatch:
    """Give a SENTENCE_PAIR for each of n documents that brought a translation, by direction, in
    their order; `back` has who translates back by direction."""
    require_columns(batch, DOCUMENT, ("id", "text", "source"))
    if TRANSLATION not in batch.schema.names or DIRECTION not in batch.schema.names:
        return _none()
    names = {
        "id": "id",
        "text": "source",
        TRANSLATION: "target",
        DIRECTION: "direction",
        "source": "origin",
    }
    frame = (
        pl.DataFrame(pl.from_arrow(batch.select(list(names))))
        .rename(names)
        .filter(pl.col("target").is_not_null())
    )
    parts = [_none()]
    for (words,), own in frame.group_by("direction", maintain_order=True):
        if direction := _direction(words):
            returned = back.get(str(direction))
            judged = judge_pairs(own, direction, None, config.gates, returned)
            known = own.with_columns(
                judged.reasons,
                *judged.signals,
                parent_id="id",
                line=pl.lit(0),
                sentence=pl.lit(0),
                source_language=pl.lit(str(direction.source)),
                target_language=pl.lit(str(direction.target)),
                published=judged.reasons.is_null(),
                generator=pl.format("given by {}", "origin"),
            )
            arrays = [known[field.name].to_arrow().cast(field.type) for field in SENTENCE_PAIR]
            parts.append(pa.RecordBatch.from_arrays(arrays, schema=SENTENCE_PAIR))
    return pa.concat_batches(parts)


def _none() -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], SENTENCE_PAIR)
