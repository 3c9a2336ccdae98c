"""Judge documents by a language model of their language, trained on trusted text.

The signal is bits a character. The decision goes by percentile: the share of the trusted documents
of the model's reference that are likelier (`reference.py`). Text in another language, half in one,
garbled, or with shuffled words is unlike trusted text; word salad in a language of long words and
stuttering are not found this way, but by the rules on repetition (`filter_quality`).

Short documents scatter more: judge documents of about the length that the reference's have.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.columns import require_columns
from schemas.document import DOCUMENT
from schemas.language import one_label
from schemas.model_signals import LANGUAGE_MODEL_SIGNALS
from stages.batches import Filtered, Measured, reject
from stages.language_models.options import LanguageModelConfig
from stages.language_models.reference import JudgedModel, bits_per_character


def language_model(
    batch: pa.RecordBatch, models: Mapping[str, JudgedModel], config: LanguageModelConfig
) -> Filtered:
    """Split n documents into kept and rejected by the model of their language; the two sum to n,
    order kept.

    `models` are by label (`eus_Latn`). Reasons: `unlike_trusted_text`, `too_predictable`; the value
    is the percentile, the detail bits a character. Documents without a model, and without a
    character, pass. Raises SchemaError if `text`, `language` or `script` is missing or mistyped.
    """
    require_columns(batch, DOCUMENT, ("text", "language", "script"))
    labels = pc.binary_join_element_wise(
        batch["language"], batch["script"], "_"
    ).dictionary_encode()
    places = pc.fill_null(labels.indices, -1).to_numpy(zero_copy_only=False)
    known = {one_label(label): model for label, model in models.items()}
    bits, percentiles = np.full(batch.num_rows, np.nan), np.full(batch.num_rows, np.nan)
    for place, label in enumerate(labels.dictionary.to_pylist()):
        if label in known:
            rows = np.flatnonzero(places == place)
            bits[rows] = bits_per_character(known[label].model, batch["text"].take(pa.array(rows)))
            percentiles[rows] = known[label].reference.percentiles(bits[rows])
    unlike, likely = percentiles > config.max_percentile, percentiles < config.min_percentile
    out = pa.array(unlike | likely)
    rejected = reject(
        batch.filter(out),
        config.stage,
        pa.array(
            np.where(unlike, "unlike_trusted_text", "too_predictable").tolist(), pa.string()
        ).filter(out),
        Measured(
            pa.array(percentiles).filter(out),
            pa.array(np.where(unlike, config.max_percentile, config.min_percentile)).filter(out),
        ),
        detail=pa.array(
            [f"{value:.3f} bits a character" for value in bits[unlike | likely].tolist()],
            pa.string(),
        ),
    )
    kept = batch
    if config.keep_signals:
        kept = kept.drop_columns(
            [name for name in LANGUAGE_MODEL_SIGNALS.names if name in kept.schema.names]
        )
        for field, values in zip(LANGUAGE_MODEL_SIGNALS, (bits, percentiles), strict=True):
            kept = kept.append_column(field, pa.array(values, field.type, mask=np.isnan(values)))
    return Filtered(kept.filter(pc.invert(out)), rejected)
