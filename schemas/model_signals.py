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

WORD_SIGNALS = pa.schema(
    [
        column(
            "stop_word_share",
            pa.float32(),
            "Share in [0, 1] of the words that are on the stop list of the document's language; null where there is no "
            "list, and for texts of fewer than 20 words.",
            nullable=True,
        ),
        column(
            "own_words",
            pa.int64(),
            "Different words of the text that only its language has among those of its script; null where no list is.",
            nullable=True,
        ),
    ]
)

CLASSIFIER_SCORES = column(
    "classifier_scores",
    pa.list_(pa.struct([("name", pa.string()), ("score", pa.float32())])),
    "Scores in [0, 1] of the classifiers that the recipe names, in the order of its stages; only if the recipe asks.",
    nullable=True,
)

OTHER_LANGUAGE_SPANS = column(
    "other_language_spans",
    pa.list_(pa.struct([("start", pa.int64()), ("end", pa.int64()), ("label", pa.string())])),
    "Lines of the text in another language or script: code points from `start` up to `end`, and the label; only if the "
    "recipe asks.",
    nullable=True,
)

LANGUAGES_AGREE = column(
    "languages_agree",
    pa.bool_(),
    "True if the second model that the recipe names finds the same language; null for texts without one.",
    nullable=True,
)

DOUBTFUL = column(
    "doubtful",
    pa.bool_(),
    "True if two models disagree on the language, or it is not clear among near neighbours: published apart.",
    nullable=True,
)

# What was measured of a text, and holds for no other one that is made of it; doubt about its
# language does.
TEXT_SIGNALS = pa.schema(
    [
        *LANGUAGE_MODEL_SIGNALS,
        *WORD_SIGNALS,
        CLASSIFIER_SCORES,
        OTHER_LANGUAGE_SPANS,
        LANGUAGES_AGREE,
    ]
)
MODEL_SIGNALS = pa.schema([*TEXT_SIGNALS, DOUBTFUL])
