"""The default identifier: CLD2 first, py3langid and fun_langid where it is not sure, combined by calibrated noisy-or.

A script that one language alone uses answers before any model. The rest goes to CLD2, which is the fastest and mostly
right: if its calibrated probability reaches `ACCEPT`, that is the answer. What is left (a fifth to a half of passages)
goes to the other two, and the three are combined. Accepting at 0.8 instead of 0.9 costs no accuracy and a third less
time; the benchmark `language_identification` measures both.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from schemas.language import UNDETERMINED
from stages.language_identification.answers import Answers, answers_by
from stages.language_identification.calibration import (
    Calibration,
    ModelCalibration,
    Trust,
    fit_model,
    isotonic,
    known_labels,
    load_calibration,
    noisy_or,
    write_calibration,
)
from stages.language_identification.embedded_models import CLD2, FunLangID, LabelTable, Opinions, Py3Langid
from stages.language_identification.labels import ONE_LANGUAGE_SCRIPTS
from stages.script_detection import by_content, count_scripts, main_scripts

ACCEPT = 0.8
CANDIDATES = 3
CROP = (4, 45)  # code points of the crops that calibration adds
SLOW_CODE_POINTS = 400  # the slow models read no more of a passage


class Candidates(NamedTuple):
    """The best languages of n texts: `codes[i, r]` indexes `languages`, best first, -1 for none; `scores` in [0, 1]."""

    languages: tuple[str, ...]
    codes: NDArray[np.int64]
    scores: NDArray[np.float32]


class Identifier(Protocol):
    """What names the language of texts: lower-case passages in, `Candidates` out, one row a passage.

    `name`, `version` and `sha256` (of the model file, or of the calibration table) go into the manifest.
    """

    name: str
    version: str
    sha256: str
    answers: Answers

    def __call__(self, texts: Sequence[str]) -> Candidates: ...


class Model(Protocol):
    """One embedded model."""

    name: str
    version: str
    bins: int
    batch: int  # texts to ask for at once
    labels: LabelTable

    def __call__(self, texts: Sequence[str]) -> Opinions: ...


class OneLanguageScript:
    """A model that knows only scripts: the language that alone uses the text's script."""

    name = "script"
    version = "1"
    bins = 1
    labels = LabelTable(tuple(ONE_LANGUAGE_SCRIPTS.values()), tuple(ONE_LANGUAGE_SCRIPTS))

    @staticmethod
    def opinions(scripts: NDArray[np.str_]) -> Opinions:
        """Answer n texts by their main scripts."""
        number = {script: position for position, script in enumerate(ONE_LANGUAGE_SCRIPTS)}
        labels = np.asarray([[number.get(script, -1)] for script in scripts.tolist()], np.int64).reshape(-1, 1)
        return Opinions(labels, np.zeros_like(labels))


class Cascade:
    """The embedded models behind one calibration table. Loading takes about a second and 150 MB."""

    name = "cascade"

    def __init__(
        self,
        calibration: Calibration | None = None,
        accept: float = ACCEPT,
        models: tuple[Model, ...] | None = None,
    ) -> None:
        self.calibration = calibration or load_calibration()
        self.accept = accept
        self.fast, *self.slow = models or embedded_models()
        tables = [OneLanguageScript.labels, self.fast.labels, *(model.labels for model in self.slow)]
        self.languages = tuple(sorted({language for table in tables for language in table.languages}))
        number = {language: position for position, language in enumerate(self.languages)}
        self._numbers = [np.asarray([number[language] for language in table.languages]) for table in tables]
        names = (OneLanguageScript.name, self.fast.name, *(model.name for model in self.slow))
        self._trust = {
            name: Trust(self.calibration.models[name], table, self.calibration.known)
            for name, table in zip(names, tables, strict=True)
        }
        self.answers = answers_by(self.calibration)
        self.version, self.sha256 = identity((self.fast, *self.slow), self.calibration)

    def __call__(self, texts: Sequence[str]) -> Candidates:
        """Identify n lower-case passages; each row depends on its own text alone."""
        if not len(texts):
            return Candidates(
                self.languages, np.empty((0, CANDIDATES), np.int64), np.empty((0, CANDIDATES), np.float32)
            )
        scripts = text_scripts(texts)
        codes = np.full((len(texts), CANDIDATES), -1, np.int64)
        scores = np.zeros((len(texts), CANDIDATES), np.float32)
        sole = OneLanguageScript.opinions(scripts)
        codes[:, :1] = np.where(sole.labels >= 0, self._numbers[0][sole.labels], -1)
        scores[:, :1] = self._scores(OneLanguageScript.name, sole, scripts)
        rest = np.flatnonzero(scores[:, 0] < self.accept)
        if len(rest):
            opinions = self.fast([texts[row] for row in rest.tolist()])
            first = self._scores(self.fast.name, opinions, scripts[rest])
            fast = np.where(opinions.labels >= 0, self._numbers[1][opinions.labels], -1)
            codes[rest], scores[rest] = noisy_or(fast, first)
            unsure = np.flatnonzero(first.max(axis=1) < self.accept)
            if len(unsure):
                rows = rest[unsure]
                beginnings = [texts[row][:SLOW_CODE_POINTS] for row in rows.tolist()]
                codes[rows], scores[rows] = self._combine(beginnings, scripts[rows], fast[unsure], first[unsure])
        return Candidates(self.languages, codes, scores)

    def _combine(
        self,
        texts: list[str],
        scripts: NDArray[np.str_],
        fast: NDArray[np.int64],
        first: NDArray[np.float32],
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Ask the slow models, and combine with what the fast one said."""
        languages, scores = [fast], [first]
        for number, model in zip(self._numbers[2:], self.slow, strict=True):
            opinions = batched(model, texts)
            languages.append(np.where(opinions.labels >= 0, number[opinions.labels], -1))
            scores.append(self._scores(model.name, opinions, scripts))
        combined, raw = noisy_or(np.concatenate(languages, axis=1), np.concatenate(scores, axis=1))
        x, y = self.calibration.combined
        mapped = np.where(raw > 0, np.interp(raw, x, y), 0).astype(np.float32)
        return combined[:, :CANDIDATES], mapped[:, :CANDIDATES]

    def _scores(self, name: str, opinions: Opinions, scripts: NDArray[np.str_]) -> NDArray[np.float32]:
        return self.calibration.models[name].scores(opinions, scripts, self._trust[name])


def identity(models: Sequence[type[Model] | Model], calibration: Calibration) -> tuple[str, str]:
    """Name models with their versions, and hash the table they are trusted by; neither needs the models loaded."""
    version = " ".join(f"{model.name} {model.version}" for model in models)
    return version, hashlib.sha256(write_calibration(calibration).encode()).hexdigest()


def embedded_identity() -> tuple[str, str]:
    """Return version and sha256 of the default cascade, without loading it."""
    return identity((CLD2, Py3Langid, FunLangID), load_calibration())


def embedded_models() -> tuple[Model, ...]:
    """Load the models of the cascade: the fast one, then the slow ones."""
    return CLD2(), Py3Langid(), FunLangID()


def text_scripts(texts: Sequence[str]) -> NDArray[np.str_]:
    """Return the main script of each text."""
    return np.asarray(main_scripts(by_content(count_scripts(pa.array(texts, pa.large_string())))), dtype="<U4")


def crop(texts: Sequence[str], shortest: int, longest: int, seed: int) -> list[str]:
    """Cut a random piece of `shortest` to `longest` code points out of each text."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    cropped = []
    for text in texts:  # two random numbers and a slice
        length = chance.randint(shortest, longest)
        start = chance.randint(0, max(0, len(text) - length))
        cropped.append(text[start : start + length].strip() or text[:length])
    return cropped


def calibrate(
    texts: Sequence[str],
    gold: Sequence[str],
    sources: Mapping[str, object],
    seed: int = 0,
    weights: NDArray[np.float64] | None = None,
) -> Calibration:
    """Learn the cascade's table from n lower-case passages with gold labels (`eus_Latn`; `zxx_Zyyy` for noise).

    `weights` says how many passages each stands for; by default one.

    Each text is joined by a crop of 4 to 45 code points, so that scores mean the same for short text. Half of the
    texts, drawn with `seed`, teach the models' tables, the other half the map of combined scores; then all teach the
    tables.
    """
    order = np.random.default_rng(seed).permutation(2 * len(texts))
    weight = np.tile(np.ones(len(texts)) if weights is None else weights, 2)[order]
    texts, gold = [*texts, *crop(texts, *CROP, seed)], [*gold, *gold]
    texts, gold = [texts[row] for row in order.tolist()], [gold[row] for row in order.tolist()]
    known = known_labels(label for label in gold if not label.startswith("zxx"))
    scripts = text_scripts(texts)
    everything = np.arange(len(texts))
    teach, check = everything[::2], everything[1::2]
    models = embedded_models()
    opinions = {model.name: batched(model, texts) for model in models}
    opinions[OneLanguageScript.name] = OneLanguageScript.opinions(scripts)
    tables = {model.name: (model.labels, model.bins) for model in models}
    tables[OneLanguageScript.name] = (OneLanguageScript.labels, OneLanguageScript.bins)

    def fitted(rows: NDArray[np.int64]) -> dict[str, ModelCalibration]:
        return {
            name: fit_model(
                Opinions(opinions[name].labels[rows], opinions[name].evidence[rows]),
                table,
                bins,
                scripts[rows].tolist(),
                [gold[row] for row in rows.tolist()],
                known,
                weight[rows],
            )
            for name, (table, bins) in tables.items()
        }

    identity = (np.asarray([0.0, 1.0]), np.asarray([0.0, 1.0]))
    trial = Cascade(Calibration(fitted(teach), known, identity, sources), models=models)
    first = trial._scores("pycld2", Opinions(*(part[check] for part in opinions["pycld2"])), scripts[check])
    unsure = check[first.max(axis=1) < ACCEPT]
    answer = trial([texts[row] for row in unsure.tolist()])
    right = np.asarray([trial.languages[c] == gold[row][:3] for c, row in zip(answer.codes[:, 0], unsure, strict=True)])
    x, y = isotonic(answer.scores[:, 0], right.astype(np.float64), weights=weight[unsure])
    combined = (np.asarray([0.0, *x, 1.0]), np.asarray([0.0, *y, 1.0]))
    languages = frozenset(trial.languages) - {UNDETERMINED}
    return Calibration(fitted(everything), known, combined, sources, languages)


def batched(model: Model, texts: Sequence[str]) -> Opinions:
    """Ask a model about n texts in the batches that suit it; each row's answer depends on its own text alone."""
    parts = [model(texts[start : start + model.batch]) for start in range(0, len(texts), model.batch)]
    return Opinions(np.concatenate([p.labels for p in parts]), np.concatenate([p.evidence for p in parts]))
