"""What each code point of a text is, and how much a letter of its script says: tables for whole
arrays of code points.

A Han sign says about as much as three Latin letters, so a page of Chinese has a third of the
letters of its translation. Counts of letters are therefore weighted: the weights are ratios of the
lengths of the Universal Declaration of Human Rights in languages of the script to its length in
languages of the Latin script, rounded.

Sentence marks and commas are those of all scripts. Some scripts write neither: no rule may need
them.
"""

from __future__ import annotations

import functools
import unicodedata
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

CODE_POINTS = 0x32000  # beyond: planes without letters in common use, read as the last code point of the table

SENTENCE_MARKS = ".!?\u0589\u061f\u06d4\u0700\u0701\u0702\u0964\u0965\u0f0d\u0f0e\u104a\u104b\u1362\u1367\u1368\u166e"
SENTENCE_MARKS += "\u17d4\u17d5\u1803\u1809\u1c3b\u1c7e\u1c7f"
SENTENCE_MARKS += "\u2026\u2cf9\u3002\ua4ff\ua60e\ua6f3\uff01\uff0e\uff1f\uff61"
COMMAS = (
    ",;\u055d\u060c\u061b\u1363\u1364\u1365\u1802\u1808\u3001\ua4fe\ua60d\ua6f5\uff0c\uff1b\uff64"
)

# (first, last, weight) of scripts whose letters say more than a letter of an alphabet.
_HEAVY = (
    (0x1200, 0x139F, 1.8),  # Ethiopic
    (0x2D80, 0x2DDF, 1.8),
    (0x13A0, 0x13FF, 1.5),  # Cherokee
    (0x1400, 0x167F, 1.6),  # Canadian syllabics
    (0xA500, 0xA63F, 1.5),  # Vai
    (0x3040, 0x30FF, 1.7),  # kana
    (0x31F0, 0x31FF, 1.7),
    (0xFF66, 0xFF9F, 1.7),
    (0x3100, 0x312F, 1.7),  # Bopomofo
    (0xA000, 0xA4CF, 2.2),  # Yi
    (0xAC00, 0xD7A3, 2.2),  # Hangul syllables
    (0x3400, 0x4DBF, 3.0),  # Han
    (0x4E00, 0x9FFF, 3.0),
    (0xF900, 0xFAFF, 3.0),
    (0x20000, 0x31FFF, 3.0),
)

_MIXER = np.uint64(0x9E3779B97F4A7C15)  # any odd number of many bits
LETTER, DIGIT, SENTENCE_MARK, COMMA, SPACE, OTHER = 1, 2, 3, 4, 5, 0


WEIGHT_UNIT = np.float32(10)  # weights are counted in tenths, so that their sums are exact


class Letters(NamedTuple):
    """Tables by code point."""

    classes: npt.NDArray[np.uint8]
    counts: npt.NDArray[np.uint64]
    """3 x code points. What is summed over a text, two counts of 32 bits in one word (high, low):

    weight in tenths (0 for all but letters and vowel signs), 1 for all but white space
    1 for a digit, 1 for a sentence mark
    a number that tells texts apart (0 for white space), 1 for a comma
    """


@functools.cache
def letters() -> Letters:
    """Build the tables; about 30 ms, once a process."""
    points = "".join(map(chr, range(CODE_POINTS)))
    categories = np.array(list(map(unicodedata.category, points)), "U2")
    major = categories.astype("U1")
    classes = np.zeros(CODE_POINTS, np.uint8)
    classes[major == "L"] = LETTER
    classes[categories == "Nd"] = DIGIT
    classes[(major == "Z") | np.isin(np.arange(CODE_POINTS), [9, 10, 11, 12, 13, 0x200B])] = SPACE
    classes[list(map(ord, SENTENCE_MARKS))] = SENTENCE_MARK
    classes[list(map(ord, COMMAS))] = COMMA
    weights = (classes == LETTER).astype(np.float64)
    # Vowel signs stand for letters of an alphabet; accents, points and harakat do not.
    weights[0x0900:][major[0x0900:] == "M"] = 1
    for first, last, weight in _HEAVY:
        weights[first : last + 1] *= weight
    said = classes != SPACE
    mixed = (np.arange(CODE_POINTS, dtype=np.uint64) + _MIXER) ** np.uint64(3) >> np.uint64(32)
    high = (np.rint(weights * float(WEIGHT_UNIT)), classes == DIGIT, mixed * said)
    low = (said, classes == SENTENCE_MARK, classes == COMMA)
    counts = np.array(high).astype(np.uint64) << np.uint64(32) | np.array(low).astype(np.uint64)
    return Letters(classes, counts)


def as_code_points(text: str) -> npt.NDArray[np.int64]:
    """Write a text as an array; what lies beyond the tables becomes their last place."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.int64)
    return np.minimum(points, CODE_POINTS - 1, out=points)
