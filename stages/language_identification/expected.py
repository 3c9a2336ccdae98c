"""Look quickly whether sentences are in the language that they should be in.

Most translations are. A sentence that the fast model is sure of needs no cutting into passages and
no slow model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from schemas.document import DOCUMENT
from schemas.language import one_label
from stages.language_identification.cascade import Cascade, Identifier
from stages.language_identification.identify import LanguageIdentificationConfig
from stages.language_identification.passages import LONG_LINE, readable

# Score of the expected language from which on nothing more is asked. Of Basque that Apertium
# translates into Spanish 83 % of the sentences reach it (0.9: 41 %). Of sentences in a neighbour of
# the expected language (14 pairs, Declaration of Human Rights), 12 each of Asturian and Indonesian
# reach it, which the whole identification takes for the expected language as well.
SURELY = 0.7
IDENTIFIED = ("language", "language_group", "language_score", "runner_up_language")


class Identify(Protocol):
    """Identification of n texts without a document: the columns IDENTIFIED.

    `expected` is the language that they should be in, if there is one.
    """

    def __call__(self, texts: pa.Array, expected: str | None = None) -> pa.RecordBatch: ...


def with_expectation(
    whole: Callable[[pa.Array], pa.RecordBatch],
    identifier: Identifier,
    config: LanguageIdentificationConfig,
) -> Identify:
    """Bind a quick look at the model to an identification, which gets the texts that this says
    nothing of."""

    def identify(texts: pa.Array, expected: str | None = None) -> pa.RecordBatch:
        scores = np.zeros(len(texts), np.float32)
        if expected is not None:
            scores = sure_scores(texts, expected, identifier, config)
        left = scores == 0
        if left.all():
            return whole(texts)
        rest = whole(texts.filter(pa.array(left)))
        known = {"language": expected, "language_score": scores}
        found = {name: np.full(len(texts), known.get(name), object) for name in IDENTIFIED}
        for name, values in found.items():
            values[left] = rest[name].to_numpy(zero_copy_only=False)
        return pa.record_batch(
            {name: pa.array(found[name], DOCUMENT.field(name).type) for name in IDENTIFIED}
        )

    return identify


def sure_scores(
    texts: pa.Array,
    expected: str,
    identifier: Identifier,
    config: LanguageIdentificationConfig,
) -> NDArray[np.float32]:
    """Score those of n texts that a model is sure are in a language; 0 for the others, and for what
    has several lines or a long one."""
    lines = pl.Series(texts, dtype=pl.String)
    short = ~lines.str.contains("\n") & (lines.str.len_chars() <= LONG_LINE)
    quick = identifier.at_once if isinstance(identifier, Cascade) else identifier
    found = quick(readable(lines.filter(short)).to_list())
    own = found.languages.index(expected) if expected in found.languages else -2
    least = [s for label, s in config.least_scores.items() if one_label(label).startswith(expected)]
    best = found.scores[:, 0]
    scores = np.zeros(len(texts), np.float32)
    scores[short.to_numpy()] = np.where(
        (found.codes[:, 0] == own) & (best >= max([SURELY, *least])), best, 0
    )
    return scores
