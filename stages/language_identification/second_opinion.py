"""Ask other models what language documents are in, where a corpus says it already.

Each embedded model is asked alone, with its own calibrated scores, and any fastText model as it
is. A model contradicts a label only where it is sure: what it would call `und` is `unsure`, and a
language that it does not know is `unknown`, which is nobody's fault. Near neighbours
(`schemas.language_groups`) and a language and its macrolanguage are not told apart, since no model
tells them apart well enough to contradict another.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pyarrow as pa

from schemas.columns import arrange
from schemas.document import DOCUMENT
from schemas.language import macrolanguage, one_code, parse_label
from schemas.language_groups import group_of
from stages.language_identification.answers import Answers, answers_of
from stages.language_identification.calibration import Trust, load_calibration
from stages.language_identification.cascade import (
    CANDIDATES,
    SLOW_CODE_POINTS,
    Candidates,
    Identifier,
    Model,
    batched,
    embedded_models,
    identity,
    text_scripts,
)
from stages.language_identification.identify import (
    LanguageIdentificationConfig,
    identify_language,
    load_identifier,
)

AGREES, CONTRADICTS, UNSURE, UNKNOWN = VERDICTS = ("agrees", "contradicts", "unsure", "unknown")
READ_CODE_POINTS = 1000  # of a document, in pieces spread over it
_CONFIG = LanguageIdentificationConfig(other_language_share=False, max_code_points=READ_CODE_POINTS)


class Alone:
    """One embedded model, with the scores that the cascade's calibration gives it."""

    def __init__(self, model: Model) -> None:
        calibration = load_calibration()
        self.model, self.name = model, model.name
        self.languages, numbers = np.unique(model.labels.languages, return_inverse=True)
        self._numbers = numbers.astype(np.int64)
        self._calibration = calibration.models[model.name]
        self._trust = Trust(self._calibration, model.labels, calibration.known)
        self.answers = answers_of(zip(*model.labels, strict=True))
        self.version, self.sha256 = identity((model,), calibration)

    def __call__(self, texts: Sequence[str]) -> Candidates:
        """Identify n lower-case passages; of each the beginning is read."""
        if not texts:
            none = np.empty((0, CANDIDATES))
            languages = tuple(self.languages.tolist())
            return Candidates(languages, none.astype(np.int64), none.astype(np.float32))
        beginnings = [text[:SLOW_CODE_POINTS] for text in texts]
        opinions = batched(self.model, beginnings)
        scores = self._calibration.scores(opinions, text_scripts(beginnings), self._trust)
        codes = np.where(opinions.labels >= 0, self._numbers[opinions.labels], -1)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :CANDIDATES]
        return Candidates(
            tuple(self.languages.tolist()),
            np.take_along_axis(codes, order, axis=1),
            np.take_along_axis(scores, order, axis=1),
        )


@cache
def _embedded() -> dict[str, Identifier]:
    return {model.name: Alone(model) for model in embedded_models()}


def embedded_opinions(first: bool) -> list[Identifier]:
    """Return the embedded models, each alone.

    Without `first`, CLD2 is left out: what the cascade labels is mostly what CLD2 alone said.
    """
    found = list(_embedded().values())
    return found if first else found[1:]


def named_opinion(model: str) -> Identifier:
    """Load a model by its name (an embedded one, or `cascade`), its path or its place on the Hub.

    Raises FileNotFoundError or ValueError if there is no such model.
    """
    return (
        _embedded()[model]
        if model in _embedded()
        else load_identifier(LanguageIdentificationConfig(model=model))
    )


def opinions(
    texts: pa.Array, labels: Sequence[str], model: Identifier
) -> tuple[list[str], list[str]]:
    """Say of n texts which of VERDICTS a model has on their labels, and the label that it gives
    itself.

    A label with the script Zyyy is taken to be in whatever script its text is written in.
    """
    count = len(texts)
    block = arrange({"text": texts}, DOCUMENT, count).combine_chunks().to_batches()
    if not block:
        return [], []
    found = identify_language(block[0], model, _CONFIG)
    own = [
        f"{language}_{script}"
        for language, script in zip(
            found["language"].to_pylist(), found["script"].to_pylist(), strict=True
        )
    ]
    # A loop over the documents of a sample.
    return [
        verdict(label.replace("_Zyyy", other[3:]), other, model.answers)
        for label, other in zip(labels, own, strict=True)
    ], own


def verdict(label: str, other: str, answers: Answers) -> str:
    """Compare a label with the one that a model gives which knows some answers.

    >>> known = Answers(frozenset({"eus", "spa", "hrv", "srp"}), frozenset())
    >>> verdict("eus_Latn", "spa_Latn", known), verdict("hrv_Latn", "srp_Latn", known)
    ('contradicts', 'agrees')
    >>> verdict("eus_Latn", "und_Latn", known), verdict("smj_Latn", "spa_Latn", known)
    ('unsure', 'unknown')
    """
    mine, its = parse_label(label), parse_label(other)
    if its.language == "und":
        return UNSURE if _knows(label, answers) else UNKNOWN
    if _is_same(mine.language, its.language, label, other):
        return AGREES
    return CONTRADICTS if _knows(label, answers) else UNKNOWN


@cache
def _is_same(language: str, its: str, label: str, other: str) -> bool:
    codes = {one_code(language), macrolanguage(language)} - {None}
    return bool(codes & {one_code(its), macrolanguage(its)}) or (
        group_of(label) is not None and group_of(label) == group_of(other)
    )


def _knows(label: str, answers: Answers) -> bool:
    language = parse_label(label).language
    own = {one_code(language), language, macrolanguage(language)}
    return bool(own & answers.languages) or group_of(label) is not None
