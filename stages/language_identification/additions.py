"""Add a model of a few languages to the cascade, so that new languages do not cost the others.

`glotmill lid train --with-neighbours` writes such a model, and next to it (`mine.ftz.json`) what it
adds: the new labels, and how far its score for them is to be trusted among all languages of their
scripts. A recipe names both: `model = ["cascade", "mine.ftz"]`.

The model is asked about passages in the scripts of its new labels alone. Its neighbours and its
class of other languages are there to tell the new ones from them, and are no answers. Where a
passage is in the new language with probability P, the scores that the cascade gives to others are
multiplied by 1 - P.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.language import parse_label
from stages.language_identification.answers import Answers, answers_of
from stages.language_identification.calibration import isotonic
from stages.language_identification.cascade import CANDIDATES, Candidates, Identifier, text_scripts
from stages.language_identification.fasttext_model import FastTextModel
from stages.language_identification.labels import same_script

_NEGLIGIBLE = 0.02  # a lower probability leaves the cascade's answer as it is


class Addition(NamedTuple):
    """The labels that a model adds, and the map from its score for the likelier of them to a
    probability."""

    labels: tuple[str, ...]
    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    def write(self, model: str) -> None:
        """Write the file next to the model."""
        Path(f"{model}.json").write_text(json.dumps(self._asdict()) + "\n", "utf-8")


def read_addition(model: str) -> Addition:
    """Read what the model at this path adds.

    Raises FileNotFoundError if it was trained alone, and ValueError if the file says something
    else.
    """
    path = Path(f"{model}.json")
    if not path.is_file():
        raise FileNotFoundError(
            f"{model} cannot be added to the cascade: no {path.name} next to it says what it adds; train it "
            "by glotmill lid train --with-neighbours, or name the model alone"
        )
    try:
        content = json.loads(path.read_text("utf-8"))
        labels = tuple(str(parse_label(label)) for label in content["labels"])
        scores, probabilities = (
            tuple(map(float, content[name])) for name in ("scores", "probabilities")
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} must hold labels, scores and probabilities: {error!r}; train the model again"
        ) from None
    if not labels or len(scores) != len(probabilities) or list(scores) != sorted(scores):
        raise ValueError(
            f"{path} must hold labels and as many rising scores as probabilities; train the model again"
        )
    return Addition(labels, scores, probabilities)


def fit_addition(
    labels: Sequence[str],
    scores: NDArray[np.float64],
    right: NDArray[np.bool_],
    weights: NDArray[np.float64],
) -> Addition:
    """Learn the map of n scores (see `new_scores`), of which some are `right`, weighing each
    passage."""
    scored = scores > 0
    x, y = isotonic(scores[scored], right[scored].astype(np.float64), weights=weights[scored])
    return Addition(tuple(sorted(labels)), (0.0, *x, 1.0), (0.0, *y, y[-1] if y else 0.0))


def new_scores(
    model: FastTextModel, labels: Sequence[str], texts: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return which of `labels` a model finds likelier in n texts in their scripts, and its score;
    0: none of them."""
    scripts = text_scripts(texts)
    best, scores = np.zeros(len(texts), np.int64), np.zeros(len(texts))
    asked = np.flatnonzero(
        [any(same_script(label[4:], script) for label in labels) for script in scripts.tolist()]
    )
    if not len(asked):
        return best, scores
    found = model([texts[row] for row in asked.tolist()])
    for number, label in enumerate(labels):
        wanted = [name == label[:3] for name in found.languages]
        in_script = np.asarray(
            [same_script(label[4:], script) for script in scripts[asked].tolist()]
        )
        mine = np.append(wanted, False)[found.codes] & in_script[:, None]
        score = np.where(mine, found.scores, 0).max(axis=1)
        better = score > scores[asked]
        best[asked[better]], scores[asked[better]] = number, score[better]
    return best, scores


class Extended:
    """An identifier with the languages of one more model."""

    def __init__(self, identifier: Identifier, model: FastTextModel, addition: Addition) -> None:
        self.identifier, self.model, self.addition = identifier, model, addition
        self.name = f"{identifier.name} + {model.name}"
        self.version = f"{identifier.version}, {model.version}"
        joined = "\n".join((identifier.sha256, model.sha256, json.dumps(addition)))
        self.sha256 = hashlib.sha256(joined.encode()).hexdigest()
        more = answers_of((label[:3], label[4:]) for label in addition.labels)
        known = identifier.answers
        self.answers = Answers(known.languages | more.languages, known.labels | more.labels)

    def __call__(self, texts: Sequence[str]) -> Candidates:
        """Identify n lower-case passages; each row depends on its own text alone."""
        found = self.identifier(texts)
        labels = self.addition.labels
        languages = tuple(sorted({*found.languages, *(label[:3] for label in labels)}))
        number = {language: position for position, language in enumerate(languages)}
        places = np.asarray([*(number[language] for language in found.languages), -1])
        codes, scores = places[found.codes], found.scores.copy()
        best, score = new_scores(self.model, labels, texts)
        probability = np.interp(score, self.addition.scores, self.addition.probabilities)
        rows = np.flatnonzero(probability >= _NEGLIGIBLE)
        new = np.asarray([number[label[:3]] for label in labels])[best[rows]]
        p = probability[rows].astype(np.float32)
        others = np.where(codes[rows] == new[:, None], 0, scores[rows] * (1 - p[:, None]))
        all_codes = np.concatenate([new[:, None], np.where(others > 0, codes[rows], -1)], axis=1)
        all_scores = np.concatenate([p[:, None], others], axis=1)
        order = np.argsort(-all_scores, axis=1, kind="stable")[:, :CANDIDATES]
        codes[rows] = np.take_along_axis(all_codes, order, axis=1)
        scores[rows] = np.take_along_axis(all_scores, order, axis=1)
        return Candidates(languages, codes, scores)
