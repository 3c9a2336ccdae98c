"""TRANSLATION_MARKS: what a document says of its translation; SENTENCE_PAIR, DOCUMENT_PAIR: two
texts of one content.

TRANSLATION_SAMPLE: what a model is trained on, made of such pairs.
"""

from __future__ import annotations

import pyarrow as pa

from schemas.columns import column
from schemas.document import DOCUMENT

TRANSLATION_MARKS = pa.schema(
    [
        column(
            "translated_from",
            pa.string(),
            "Language and script of the text that was translated, as `eus_Latn`; null if it was not translated.",
            nullable=True,
        ),
        column(
            "translation_engine",
            pa.string(),
            "Engine and version; null if not translated.",
            nullable=True,
        ),
        column(
            "translation_model",
            pa.string(),
            "Model or mode of the engine; null if not translated.",
            nullable=True,
        ),
        column(
            "translation_sentences", pa.int64(), "Sentences that were translated.", nullable=True
        ),
        column(
            "translation_rejected_share",
            pa.float32(),
            "Share in [0, 1] of their code points that is left out, as a gate rejected the sentence.",
            nullable=True,
        ),
        column(
            "translation_copied_share",
            pa.float32(),
            "Share in [0, 1] of the words that stand in the source sentence as well, by its length on average.",
            nullable=True,
        ),
        column(
            "translation_unknown_share",
            pa.float32(),
            "Share in [0, 1] of the words that the engine marked as unknown to it, by length on average.",
            nullable=True,
        ),
        column(
            "translation_round_trip_chrf",
            pa.float32(),
            "chrF in [0, 100] of the sentences translated back, by length on average; null if none was.",
            nullable=True,
        ),
    ]
)

SENTENCE_PAIR = pa.schema(
    [
        DOCUMENT.field("id"),
        column("parent_id", pa.string(), "Id of the document that the source sentence stands in."),
        column("line", pa.int64(), "Number of its line there, from 0."),
        column("sentence", pa.int64(), "Number of the sentence in the document, from 0."),
        column("source_language", pa.string(), "Language and script of `source`, as `eus_Latn`."),
        column("target_language", pa.string(), "Language and script that `target` should be in."),
        column("source", pa.large_string(), "Sentence as the document has it."),
        column(
            "target", pa.large_string(), "Its translation, with all that was protected put back."
        ),
        column(
            "reason",
            pa.string(),
            "Gate that rejected the translation, or the stage that dropped its document afterwards; null if none did.",
            nullable=True,
        ),
        column("published", pa.bool_(), "True if the translated document passed as a whole."),
        column("generator", pa.string(), "Engine and model that wrote `target`."),
        column(
            "length_log_ratio",
            pa.float64(),
            "Logarithm of target over source length, less what is usual between the two languages.",
        ),
        column(
            "copied_share",
            pa.float64(),
            "Words of the target that stand in the source too, over its words.",
        ),
        column(
            "unknown_share",
            pa.float64(),
            "Words that the engine marked as unknown to it, over all.",
        ),
        column(
            "language_score",
            pa.float32(),
            "Probability of the language that was found in `target`; null if it is too short to look.",
            nullable=True,
        ),
        column("repeated_code_points", pa.int64(), "Code points of the longest loop in `target`."),
        column(
            "round_trip_chrf",
            pa.float32(),
            "chrF in [0, 100] of `target`, translated back, by `source`; null if it was not, or is too short.",
            nullable=True,
        ),
        column(
            "neighbour_gain",
            pa.float32(),
            "How much better `target` fits a neighbour's source than its own, as a logarithm; null if it stands alone.",
            nullable=True,
        ),
        column(
            "similarity",
            pa.float32(),
            "Cosine of the embeddings of `source` and `target`; null without a model.",
            nullable=True,
        ),
        column(
            "margin_score",
            pa.float32(),
            "That cosine over the mean of those with the nearest sentences on either side; null without a model.",
            nullable=True,
        ),
    ]
)

DOCUMENT_PAIR = pa.schema(
    [
        DOCUMENT.field("id"),
        column("parent_id", pa.string(), "Id of the document that was translated."),
        SENTENCE_PAIR.field("source_language"),
        SENTENCE_PAIR.field("target_language"),
        column("source", pa.large_string(), "Text of the document."),
        column("target", pa.large_string(), "Its translation, with as many lines."),
        SENTENCE_PAIR.field("generator"),
    ]
)

TRANSLATION_SAMPLE = pa.schema(
    [
        column("id", pa.string(), "Id of the translated document."),
        column("place", pa.int64(), "Number of the sentence or window in the document, from 0."),
        column(
            "source_language",
            pa.string(),
            "Language and script that is translated from, as `eus_Latn`.",
        ),
        column(
            "target_language",
            pa.string(),
            "Language and script of `completion`; of a window, that comes second.",
        ),
        column(
            "auxiliary_language",
            pa.string(),
            "Language and script of a further translation that the prompt shows; null without one.",
            nullable=True,
        ),
        column(
            "prompt",
            pa.large_string(),
            "What the model is shown, and not trained on; empty in windows.",
        ),
        column("completion", pa.large_string(), "What the model learns to write."),
        column(
            "rejected",
            pa.large_string(),
            "A translation that is worse; null but in preferences.",
            nullable=True,
        ),
        column(
            "reason", pa.string(), "Gate that rejected it; null but in preferences.", nullable=True
        ),
    ]
)
