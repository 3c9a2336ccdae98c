"""Keep what an identifier answered last, so that passages that come again are not identified again.

Notices, menus, licences and what no translator reached stand on many pages of a crawl: 70 % of the
text that CCNet read was in paragraphs that repeat (Wenzek et al. 2020). A block of pages asks for
each of its passages once; with this, passages of the blocks before it are not asked for again. An
answer depends on its own text alone, so nothing but time changes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

from stages.language_identification.cascade import CANDIDATES, Candidates, Identifier

MAX_BYTES = 4_000_000  # of a generation: some 8,000 passages, about what a block of pages asks for
_ANSWER = np.dtype([("codes", np.int64, CANDIDATES), ("scores", np.float32, CANDIDATES)])
# besides the text: an entry in a dictionary that is half full, and its answer
_BYTES_OF_ANSWER = 96 + sys.getsizeof(bytes(_ANSWER.itemsize))


class Remembered:
    """An identifier with its last answers, in two generations: the one that is filling, and the one
    before.

    What is asked for again moves into the one that is filling, so what often comes again stays.
    """

    def __init__(self, identifier: Identifier) -> None:
        self.identifier = identifier
        self.name, self.version = identifier.name, identifier.version
        self.sha256, self.answers = identifier.sha256, identifier.answers
        self._languages = identifier([]).languages
        self._new: dict[str, bytes] = {}
        self._old: dict[str, bytes] = {}
        self._bytes = 0  # of the generation that is filling

    def __call__(self, texts: Sequence[str]) -> Candidates:
        """Identify n lower-case passages; each row depends on its own text alone."""
        new, old = self._new, self._old
        added = {text: old[text] for text in texts if text in old and text not in new}
        unknown = [text for text in texts if text not in new and text not in old]
        if unknown:
            _, codes, scores = self.identifier(unknown)
            answers = np.empty(len(unknown), _ANSWER)
            answers["codes"], answers["scores"] = codes, scores
            octets, size = answers.tobytes(), _ANSWER.itemsize
            pieces = (octets[at : at + size] for at in range(0, len(octets), size))
            added.update(zip(unknown, pieces, strict=True))
        octets = b"".join([new.get(text) or added[text] for text in texts])
        self._keep(added)
        found = np.frombuffer(octets, _ANSWER, len(texts))
        return Candidates(self._languages, found["codes"].copy(), found["scores"].copy())

    def _keep(self, answers: dict[str, bytes]) -> None:
        self._new.update(answers)
        self._bytes += sum(map(sys.getsizeof, answers)) + _BYTES_OF_ANSWER * len(answers)
        if self._bytes > MAX_BYTES:
            self._new, self._old, self._bytes = {}, self._new, 0
