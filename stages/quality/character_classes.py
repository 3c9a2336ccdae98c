"""What a code point is to a quality signal: one class each, and the marks that end sentences in
every script.

End marks are those of `schemas.orthography`. Two word separators end a sentence in Ethiopic (typed
for the full stop). In Greek U+003B and in Armenian U+003A end one too, as they look like the marks
of these scripts (U+037E, U+0589) and are on their keyboards. A mark counts through closing quotes
and brackets after it.

Sources: Unicode 15.0, PropList.txt; The Unicode Standard, chapters 6.2, 13.4 (Tibetan), 16.4
(Khmer), 19.1 (Ethiopic).
"""

from __future__ import annotations

import unicodedata
from enum import IntEnum
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.orthography import OTHER_END_MARKS, SENTENCE_TERMINAL
from stages.segmentation import UnitKind, unit_kinds

# these end a sentence only before a space: "3.5", "example.org", "a?b=1"
SPACED_END_MARKS = (
    0x21,
    0x2E,
    0x3F,
)
ELLIPSES = (0x2026, 0x22EF, 0xFE19)
WORDSPACE = 0x1361  # Ethiopic; two of them are a full stop
# typed for U+0589 in Armenian, and twice for U+1362 in Ethiopic
END_MARKS_OF_SCRIPTS = {"Grek": 0x3B, "Armn": 0x3A, "Ethi": 0x3A}
# Bullets as writers and list renderers make them. A hyphen or an asterisk is one where a space
# follows.
BULLETS = (
    *(
        0x2022,
        0x2023,
        0x2043,
        0x204C,
        0x204D,
        0x2219,
        0x25CB,
        0x25CF,
        0x25D8,
        0x25E6,
        0x25AA,
        0x25AB,
        0x25A0,
        0x25B6,
    ),
    *(0x25B8, 0x25BA, 0x29BE, 0x29BF, 0x27A2, 0x30FB, 0xFF65, 0xF0B7),
)
SPACED_BULLETS = (0x2A, 0x2B, 0x2D, 0x00B7, 0x2010, 0x2011, 0x2012, 0x2013, 0x2014)
# Inside a word if letters or digits stand on both sides; `signals` says which of them need digits.
# The apostrophes are those that Uzbek, Hawaiian and others are typed with; the middle dot is
# Catalan ("col\u00b7lecci\u00f3").
CONNECTORS = "'\u2018\u2019`\u00b4._:@&+%,/=;!([-\u2010\u2011\u00b7\u2027\u05f3\u05f4"
TSHEGS = (0x0F0B, 0x0F0C)
LINE_ENDS = (0x0A, 0x0B, 0x0C, 0x85, 0x2028, 0x2029)

_CODE_POINTS = 0x110000
_ASSIGNED = 0x20000  # above are Han letters, variation selectors, tags and private use


class Class(IntEnum):
    """The class of a code point; from IGNORED on it is part of words."""

    (
        SPACE,
        LINE_END,
        SEPARATOR,
        CLOSING,
        CONNECTOR,
        PUNCTUATION,
        IGNORED,
        MARK,
        DIGIT,
        LETTER,
        UNSPACED,
    ) = range(11)


class Tables(NamedTuple):
    """For each code point: its class, and whether it is an end mark, a bullet, a small letter, a
    capital."""

    classes: NDArray[np.uint8]
    end_marks: NDArray[np.bool_]
    bullets: NDArray[np.bool_]
    small: NDArray[np.bool_]
    capitals: NDArray[np.bool_]


@cache
def tables() -> Tables:
    """Read Unicode's data into tables, once in a process; takes about 0.1 s."""
    kinds = unit_kinds()
    classes = np.full(_CODE_POINTS, Class.LETTER, np.uint8)
    classes[kinds == UnitKind.CLUSTER] = Class.UNSPACED
    categories = np.frombuffer(
        "".join(map(unicodedata.category, map(chr, range(_ASSIGNED)))).encode(), "S2"
    )
    majors = categories.view("S1")[::2]
    low = classes[:_ASSIGNED]
    for major in (b"P", b"S"):
        low[majors == major] = Class.PUNCTUATION
    low[majors == b"N"] = Class.DIGIT
    # runes, cuneiform and the Han zero are read as letters
    low[np.isin(categories, [b"Nl"])] = Class.LETTER
    low[majors == b"M"] = Class.MARK
    low[majors == b"Z"] = Class.SPACE
    low[np.isin(categories, [b"Cc", b"Cs"])] = Class.SEPARATOR
    points = np.arange(_CODE_POINTS)
    # noncharacters
    classes[((points & 0xFFFE) == 0xFFFE) | ((points >= 0xFDD0) & (points < 0xFDF0))] = (
        Class.SEPARATOR
    )
    low[np.isin(categories, [b"Pe", b"Pf", b"Pi"])] = Class.CLOSING
    classes[np.isin(kinds, [UnitKind.CLUSTER_MARK, UnitKind.STACKER])] = Class.MARK
    classes[np.isin(kinds, [UnitKind.JOINER, UnitKind.IGNORED])] = Class.IGNORED
    classes[[*map(ord, CONNECTORS)]] = Class.CONNECTOR
    classes[0x22] = Class.CLOSING
    classes[[*map(ord, " \t\r"), 0x200B]] = Class.SPACE
    classes[list(TSHEGS)] = Class.SPACE
    classes[list(LINE_ENDS)] = Class.LINE_END
    end_marks, bullets, small, capitals = np.zeros((4, _CODE_POINTS), np.bool_)
    small[:_ASSIGNED], capitals[:_ASSIGNED] = categories == b"Ll", categories == b"Lu"
    end_marks[[*SENTENCE_TERMINAL, *OTHER_END_MARKS]] = True
    bullets[list(BULLETS)] = True
    return Tables(classes, end_marks, bullets, small, capitals)
