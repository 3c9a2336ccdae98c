"""Score documents by a fastText classifier: the probability of the classes that the recipe calls
positive.

Any classifier serves: of quality (text that people recommend against random pages), of a domain, of
toxicity. What it was trained on decides what its score means: a classifier of English quality says
nothing of other languages, so name its `languages`. The model reads a text as one line, as
fastText's own tools do.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.columns import require_columns
from schemas.document import DOCUMENT
from schemas.language import one_label
from schemas.model_signals import CLASSIFIER_SCORES
from stages.batches import Filtered, Measured, reject
from stages.classification.options import ClassificationConfig
from stages.fasttext_files import open_classifier

_PREFIX = "__label__"


class Classifier(NamedTuple):
    """A loaded model: n one-line texts in, their scores in [0, 1] out; the sha256 is the file's."""

    scores: Callable[[list[str]], NDArray[np.float64]]
    sha256: str


def load_classifier(config: ClassificationConfig) -> Classifier:
    """Load the model of a recipe, once a process.

    Raises FileNotFoundError if there is none, and ValueError if it is no fastText classifier or
    lacks a class.
    """
    return _load(config.model, config.positive)


@cache
def _load(path: str, positive: tuple[str, ...]) -> Classifier:
    model, sha256 = open_classifier(path)
    wanted = {_PREFIX + name.removeprefix(_PREFIX) for name in positive}
    if missing := sorted(wanted - set(model.labels)):
        some = ", ".join(label.removeprefix(_PREFIX) for label in sorted(model.labels)[:20])
        names = ", ".join(label.removeprefix(_PREFIX) for label in missing)
        raise ValueError(f"{path} has no class {names}; it has {some}")

    def scores(texts: list[str]) -> NDArray[np.float64]:
        found, probabilities = model.predict(texts, k=len(model.labels))
        return np.asarray(
            [
                min(sum(p for name, p in zip(names, values, strict=True) if name in wanted), 1.0)
                for names, values in zip(found, probabilities, strict=True)  # of unequal length
            ],
            np.float64,
        )

    return Classifier(scores, sha256)


def classify_text(
    batch: pa.RecordBatch,
    classify: Callable[[list[str]], NDArray[np.float64]],
    config: ClassificationConfig,
) -> Filtered:
    """Split n documents into kept and rejected by their score; the two sum to n, order kept.

    Reasons: `low_` and `high_` with the score's name; value and threshold are scores. Documents
    without a letter, and of languages that the model is not for, have no score and pass. Raises
    SchemaError if `text` is missing or mistyped, or `language` and `script` where they decide.

    >>> block = pa.record_batch({"text": pa.array(["Kaixo", "KAIXO!!!", "..."], pa.large_string())})
    >>> shouting = lambda texts: np.array([0.9 if "!" in text else 0.1 for text in texts])
    >>> options = {"model": "own.ftz", "score": "noise", "positive": ["loud"], "max_score": 0.5}
    >>> config = ClassificationConfig(**options)
    >>> kept, rejected = classify_text(block, shouting, config)
    >>> kept["text"].to_pylist(), rejected["reason"].to_pylist(), rejected["value"].to_pylist()
    (['Kaixo', '...'], ['high_noise'], [0.9])
    """
    deciding = ("language", "script") if config.languages else ()
    require_columns(batch, DOCUMENT, ("text", *deciding))
    texts = pc.utf8_slice_codeunits(batch["text"], 0, config.max_code_points)
    texts = pc.utf8_trim_whitespace(pc.replace_substring_regex(texts, r"\s+", " "))
    asked = pc.match_substring_regex(texts, r"\pL")
    if config.languages:
        labels = pc.binary_join_element_wise(batch["language"], batch["script"], "_")
        asked = pc.and_(
            asked, pc.is_in(labels, pa.array([one_label(label) for label in config.languages]))
        )
    rows = np.flatnonzero(pc.fill_null(asked, False).to_numpy(zero_copy_only=False))
    scores = np.full(batch.num_rows, np.nan)
    if len(rows):
        chosen = texts.take(pa.array(rows))
        scores[rows] = classify(
            (pc.utf8_lower(chosen) if config.lower_case else chosen).to_pylist()
        )
    low = scores < (-1 if config.min_score is None else config.min_score)
    high = scores > (2 if config.max_score is None else config.max_score)
    out = pa.array(low | high)
    limits = np.where(
        low, config.min_score or 0.0, 1.0 if config.max_score is None else config.max_score
    )
    rejected = reject(
        batch.filter(out),
        config.stage,
        pa.array(
            np.where(low, f"low_{config.score}", f"high_{config.score}").tolist(), pa.string()
        ).filter(out),
        Measured(pa.array(scores).filter(out), pa.array(limits).filter(out)),
    )
    kept = _with_scores(batch, scores, config.score) if config.keep_signals else batch
    return Filtered(kept.filter(pc.invert(out)), rejected)


def _with_scores(batch: pa.RecordBatch, scores: NDArray[np.float64], name: str) -> pa.RecordBatch:
    """Append the score to those of other classifiers that ran before."""
    entries = [
        [] if np.isnan(score) else [{"name": name, "score": float(score)}]
        for score in scores.tolist()
    ]
    if CLASSIFIER_SCORES.name in batch.schema.names:
        before = batch[CLASSIFIER_SCORES.name].to_pylist()
        entries = [[*(old or ()), *new] for old, new in zip(before, entries, strict=True)]
        batch = batch.drop_columns([CLASSIFIER_SCORES.name])
    return batch.append_column(
        CLASSIFIER_SCORES, pa.array([row or None for row in entries], CLASSIFIER_SCORES.type)
    )
