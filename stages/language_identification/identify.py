"""Name the language of each document, how sure that is, and how much of it is in another.

Order of gates: lines without language are left out, scripts are found, passages are identified (`cascade`, or a
fastText model that the recipe names), and vote for the document with their probability times their letters. A label
below its threshold becomes `und`; a document with no linguistic line, or that a model calls noise, is `zxx`.

Two numbers say two things. `language_score` is how sure the language is: the mean probability, by letters, over the
passages that are not surely in another. `other_language_share` is how mixed the document is: the share of the
letters that are surely in another. Candidates and runner-up carry the expected share of the document's letters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field, field_validator

from schemas.columns import require_columns
from schemas.document import CANDIDATES, DOCUMENT
from schemas.language import NO_LINGUISTIC_CONTENT, UNDETERMINED, parse_label
from stages.batches import StageConfig, set_columns
from stages.language_identification.cascade import Candidates, Cascade, Identifier
from stages.language_identification.labels import merged
from stages.language_identification.passages import Passages, cut_passages
from stages.script_detection import detect_scripts

OTHER_LANGUAGE_SCORE = 0.8  # a passage counts as another language only if it is that sure
WRITTEN = ("language", "script", "language_score", "runner_up_language", "runner_up_score", "other_language_share")
_TOP = 3


class LanguageIdentificationConfig(StageConfig):
    """Options of `identify_language`."""

    stage: Literal["identify_language"] = "identify_language"
    model: str = Field(
        default="cascade",
        description="`cascade` (embedded: CLD2, py3langid, fun_langid), or any fastText model by path or Hub file, "
        "such as `hf://cis-lmu/glotlid/model.bin`.",
    )
    labels: Literal["iso639", "lid176"] = Field(
        default="iso639",
        description="How the fastText model names its classes: ISO 639 codes with or without a script, or the "
        "Wikipedia codes of lid.176, where `als` is Alemannic.",
    )
    min_score: float = Field(
        default=0.5, ge=0, le=1, description="Least score of a label without a threshold of its own; below it is `und`."
    )
    thresholds: Mapping[str, float] = Field(
        default={}, description="Least score by label, such as `{eus_Latn = 0.7}`; below it a document is `und`."
    )
    merge: Mapping[str, tuple[str, ...]] = Field(
        default={},
        description="Languages that are not told apart, by their common code, such as "
        '`{hbs = ["bos", "hrv", "srp", "cnr"]}`; their scores add up.',
    )
    candidates: bool = Field(default=False, description="Keep the three best labels in a column of their own.")
    other_language_share: bool = Field(
        default=True, description="Measure the share of letters in passages of another language."
    )
    max_code_points: int = Field(
        default=20_000,
        ge=1000,
        description="Code points read of a longer document: eight evenly spread pieces that sum to this.",
    )

    @field_validator("thresholds")
    @classmethod
    def _labels_and_shares(cls, thresholds: Mapping[str, float]) -> Mapping[str, float]:
        for label, score in thresholds.items():
            parse_label(label)
            if not 0 <= score <= 1:
                raise ValueError(f"threshold of {label} must be in [0, 1], got {score}")
        return thresholds

    @field_validator("merge")
    @classmethod
    def _language_codes(cls, merge: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
        for code in [*merge, *(member for members in merge.values() for member in members)]:
            parse_label(f"{code}_Zyyy")
        return merge


@cache
def _load(model: str, labels: str) -> Identifier:
    if model == "cascade":
        return Cascade()
    from stages.language_identification.fasttext_model import load_fasttext

    return load_fasttext(model, labels)


def load_identifier(config: LanguageIdentificationConfig) -> Identifier:
    """Load the model that the recipe names, once a process: about a second and 150 MB for the cascade."""
    return _load(config.model, config.labels)


def identify_language(
    batch: pa.RecordBatch, identify: Callable[[list[str]], Candidates], config: LanguageIdentificationConfig
) -> pa.RecordBatch:
    """Set language, script and scores of n documents: the same n rows in the same order out.

    `identify` answers for passages (see `Identifier`). Adds the column CANDIDATES if the recipe asks. Raises
    SchemaError if `text` or a column to set is missing or mistyped.
    """
    require_columns(batch, DOCUMENT, ("text", *WRITTEN))
    passages = cut_passages(batch["text"], config.max_code_points)
    unique = passages.texts.dictionary_encode()
    found = identify(unique.dictionary.to_pylist())
    rows = unique.indices.to_numpy(zero_copy_only=False)
    languages, renumber = merged(found.languages, config.merge)
    codes = np.where(found.codes >= 0, renumber[found.codes], -1)[rows]
    votes = count_votes(passages, codes, found.scores[rows], batch.num_rows)
    return _with_languages(batch, votes, languages, config)


class Votes:
    """The best labels of n documents: shape (n, 3), best first. `language` -1 for none; `script` indexes `scripts`.

    `score` is the expected share of the document's `letters`; `other` are the letters surely not in the best language.
    """

    def __init__(self, count: int, scripts: list[str]) -> None:
        self.scripts = scripts
        self.language = np.full((count, _TOP), -1, np.int64)
        self.script = np.zeros((count, _TOP), np.int64)
        self.score = np.zeros((count, _TOP))
        self.letters: NDArray[np.float64] = np.zeros(count)
        self.other: NDArray[np.float64] = np.zeros(count)


def count_votes(passages: Passages, codes: NDArray[np.int64], scores: NDArray[np.float32], count: int) -> Votes:
    """Sum probability times letters by (document, language, script), over the letters of the document."""
    names, script = np.unique(np.asarray(passages.scripts, dtype="<U4"), return_inverse=True)
    votes = Votes(count, names.tolist())
    votes.letters = np.bincount(passages.documents, passages.letters, count).astype(np.float64)
    passage, rank = np.nonzero((codes >= 0) & (scores > 0))
    language = codes[passage, rank]
    width = int(codes.max(initial=0)) + 1
    key = (passages.documents[passage] * width + language) * max(len(names), 1) + script[passage]
    keys, group = np.unique(key, return_inverse=True)
    total = np.bincount(group, weights=scores[passage, rank].astype(np.float64) * passages.letters[passage])
    label, document = keys % (width * max(len(names), 1)), keys // (width * max(len(names), 1))
    total = np.minimum(total / votes.letters[document], 1)
    order = np.lexsort((label, -total, document))
    place = np.arange(len(order)) - np.searchsorted(document[order], document[order])
    chosen, place = order[place < _TOP], place[place < _TOP]
    votes.language[document[chosen], place] = label[chosen] // max(len(names), 1)
    votes.script[document[chosen], place] = label[chosen] % max(len(names), 1)
    votes.score[document[chosen], place] = total[chosen]
    if len(passages.documents):
        main = votes.language[passages.documents, 0]
        other = (codes[:, 0] >= 0) & (codes[:, 0] != main) & (scores[:, 0] >= OTHER_LANGUAGE_SCORE)
        votes.other = np.bincount(passages.documents, passages.letters * other, count).astype(np.float64)
    return votes


def _with_languages(
    batch: pa.RecordBatch,
    votes: Votes,
    languages: tuple[str, ...],
    config: LanguageIdentificationConfig,
) -> pa.RecordBatch:
    """Apply the thresholds and write the columns."""
    names = np.asarray([*languages, UNDETERMINED], dtype=object)  # index -1 is the last
    scripts = np.asarray([*votes.scripts, ""], dtype=object)
    labels = names[votes.language] + "_" + scripts[votes.script]
    empty = votes.letters <= 0
    distinct, of_distinct = np.unique(labels[:, 0].astype(str), return_inverse=True)
    least = np.asarray([config.thresholds.get(label, config.min_score) for label in distinct.tolist()])[of_distinct]
    noise = names[votes.language[:, 0]] == NO_LINGUISTIC_CONTENT
    score = np.minimum(votes.score[:, 0] * votes.letters / np.maximum(votes.letters - votes.other, 1e-9), 1)
    sure = (votes.language[:, 0] >= 0) & (score >= least)
    known = sure & ~noise
    language = np.select(
        [empty, known, sure], [NO_LINGUISTIC_CONTENT, names[votes.language[:, 0]], NO_LINGUISTIC_CONTENT], UNDETERMINED
    )
    script = scripts[votes.script[:, 0]]
    script[~known] = detect_scripts(batch["text"].filter(pa.array(~known))).to_pylist()
    second = np.where(sure, 1, 0)  # what `und` beat is the best label itself
    every = np.arange(batch.num_rows)
    has_second = (votes.language[every, second] >= 0) & ~empty
    columns = {
        "language": pa.array(language.tolist(), pa.string()),
        "script": pa.array(script.tolist(), pa.string()),
        "language_score": pa.array(np.where(empty, 1.0, score).astype(np.float32)),
        "runner_up_language": pa.array(labels[every, second].tolist(), pa.string(), mask=~has_second),
        "runner_up_score": pa.array(votes.score[every, second].astype(np.float32), mask=~has_second),
    }
    if config.other_language_share:
        share = votes.other / np.maximum(votes.letters, 1)
        columns["other_language_share"] = pa.array(share.astype(np.float32), mask=~known)
    batch = set_columns(batch, **columns)
    return _with_candidates(batch, votes, labels) if config.candidates else batch


def _with_candidates(batch: pa.RecordBatch, votes: Votes, labels: NDArray[np.object_]) -> pa.RecordBatch:
    there = votes.language >= 0
    offsets = np.concatenate([[0], np.cumsum(there.sum(axis=1))]).astype(np.int32)
    entries = pa.StructArray.from_arrays(
        [pa.array(labels[there].tolist(), pa.string()), pa.array(votes.score[there].astype(np.float32))],
        ["label", "score"],
    )
    column = pa.ListArray.from_arrays(pa.array(offsets), entries).cast(CANDIDATES.type)
    position = batch.schema.get_field_index(CANDIDATES.name)
    if position >= 0:
        return batch.set_column(position, CANDIDATES, column)
    return batch.append_column(CANDIDATES, column)


def predict_languages(
    texts: Sequence[str], identify: Callable[[list[str]], Candidates], config: LanguageIdentificationConfig
) -> list[dict[str, Any]]:
    """Identify n texts outside a corpus: one row a text with text, language, script, scores and candidates."""
    fields = [DOCUMENT.field(name) for name in ("text", *WRITTEN)]
    columns = [pa.array(texts, fields[0].type), *(pa.nulls(len(texts), field.type) for field in fields[1:])]
    batch = pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields))
    return identify_language(batch, identify, config.model_copy(update={"candidates": True})).to_pylist()
