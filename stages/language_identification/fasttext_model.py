"""Identify with any fastText classifier (GlotLID, OpenLID, NLLB's, lid.176, one of `training`), by
path or Hub file."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.language import COMMON_SCRIPT
from stages.fasttext_files import HUB, open_classifier
from stages.language_identification.answers import answers_of
from stages.language_identification.cascade import CANDIDATES, Candidates, text_scripts
from stages.language_identification.labels import LID_176_CODES, read_label, same_script

_ASKED = 8  # labels asked for, so that three remain after the script gate


class FastTextModel:
    """A fastText classifier with the script gate: a label in another script than the text's is not
    an answer."""

    def __init__(self, model: Any, name: str, sha256: str, labels: str = "iso639") -> None:
        self.name = name
        self.version = f"fasttext-community {version('fasttext-community')}"
        self.sha256 = sha256
        self._model = model
        own_codes = LID_176_CODES if labels == "lid176" else None
        read = {label: read_label(label, own_codes) for label in model.labels}
        self.answers = answers_of(read.values())
        self.languages = tuple(sorted({language for language, _ in read.values()}))
        self._number = {label: position for position, label in enumerate(read)}
        self._language = np.asarray(
            [*(self.languages.index(language) for language, _ in read.values()), -1]
        )
        self._scripts = [script for _, script in read.values()]

    def __call__(self, texts: Sequence[str]) -> Candidates:
        """Identify n lower-case passages."""
        asked = min(_ASKED, len(self._number))
        labels = np.full((len(texts), asked), -1, np.int64)
        scores = np.zeros((len(texts), asked), np.float32)
        if len(texts):
            found, probabilities = self._model.predict(
                [text.replace("\n", " ") for text in texts], k=asked
            )
            # of unequal length
            for row, (names, values) in enumerate(zip(found, probabilities, strict=True)):
                labels[row, : len(names)] = [self._number[name] for name in names]
                scores[row, : len(values)] = values
        scores = np.where(self._in_script(texts, labels), np.minimum(scores, 1), 0).astype(
            np.float32
        )
        order = np.argsort(-scores, axis=1, kind="stable")[:, :CANDIDATES]
        scores = np.take_along_axis(scores, order, axis=1)
        labels = np.take_along_axis(labels, order, axis=1)
        return Candidates(self.languages, np.where(scores > 0, self._language[labels], -1), scores)

    def _in_script(self, texts: Sequence[str], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell for each label whether the text is in its script; a label that names none is in
        any."""
        names, script_of = np.unique(text_scripts(texts), return_inverse=True)
        allowed = [
            [own is None or own == COMMON_SCRIPT or same_script(own, name) for own in self._scripts]
            for name in names.tolist()
        ]
        table = np.asarray([[*row, False] for row in allowed], bool).reshape(
            len(names), len(self._scripts) + 1
        )
        return table[script_of[:, None], labels] if len(texts) else np.zeros(labels.shape, bool)


def load_fasttext(path: str, labels: str = "iso639") -> FastTextModel:
    """Load a model from a local path or from `hf://owner/name/file.bin`; its sha256 is that of the
    file.

    Raises FileNotFoundError if there is none, and ValueError if it is not a fastText model.
    """
    if not path.startswith(HUB) and not Path(path).is_file():
        raise FileNotFoundError(
            f"no language model at {path}; name a fastText .bin or .ftz file, or `cascade`"
        )
    model, sha256 = open_classifier(path)
    return FastTextModel(model, path, sha256, labels)
