"""What a code point is to a quality signal: one class each, and the marks that end sentences in every script.

End marks are Unicode's property Sentence_Terminal, with what it leaves out and writers end sentences by: the shads of
Tibetan, khan of Khmer, sof pasuq of Hebrew, kunddaliya of Sinhala, the Thai signs that close a chapter, the ellipsis
and the forms for vertical lines. Two word separators end a sentence in Ethiopic (typed for the full stop). In Greek
U+003B and in Armenian U+003A end one too, as they look like the marks of these scripts (U+037E, U+0589) and are on
their keyboards. A mark counts through closing quotes and brackets behind it.

Sources: Unicode 15.0, PropList.txt; The Unicode Standard, chapters 6.2, 13.4 (Tibetan), 16.4 (Khmer), 19.1 (Ethiopic).
"""

from __future__ import annotations

import unicodedata
from enum import IntEnum
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.segmentation import UnitKind, unit_kinds

SENTENCE_TERMINAL = (
    *(0x0021, 0x002E, 0x003F, 0x0589, *range(0x061D, 0x0620), 0x06D4, *range(0x0700, 0x0703), 0x07F9, 0x0837, 0x0839),
    *(0x083D, 0x083E, 0x0964, 0x0965, 0x104A, 0x104B, 0x1362, 0x1367, 0x1368, 0x166E, 0x1735, 0x1736, 0x1803, 0x1809),
    *(0x1944, 0x1945, *range(0x1AA8, 0x1AAC), 0x1B5A, 0x1B5B, 0x1B5E, 0x1B5F, 0x1B7D, 0x1B7E, 0x1C3B, 0x1C3C),
    *(0x1C7E, 0x1C7F, 0x203C, 0x203D, *range(0x2047, 0x204A), 0x2E2E, 0x2E3C, 0x2E53, 0x2E54, 0x3002, 0xA4FF),
    *(0xA60E, 0xA60F, 0xA6F3, 0xA6F7, 0xA876, 0xA877, 0xA8CE, 0xA8CF, 0xA92F, 0xA9C8, 0xA9C9, *range(0xAA5D, 0xAA60)),
    *(0xAAF0, 0xAAF1, 0xABEB, 0xFE52, 0xFE56, 0xFE57, 0xFF01, 0xFF0E, 0xFF1F, 0xFF61, 0x10A56, 0x10A57),
    *(*range(0x10F55, 0x10F5A), *range(0x10F86, 0x10F8A), 0x11047, 0x11048, *range(0x110BE, 0x110C2)),
    *(*range(0x11141, 0x11144), 0x111C5, 0x111C6, 0x111CD, 0x111DE, 0x111DF, 0x11238, 0x11239, 0x1123B, 0x1123C),
    *(
        0x112A9,
        0x1144B,
        0x1144C,
        0x115C2,
        0x115C3,
        *range(0x115C9, 0x115D8),
        0x11641,
        0x11642,
        *range(0x1173C, 0x1173F),
    ),
    *(0x11944, 0x11946, 0x11A42, 0x11A43, 0x11A9B, 0x11A9C, 0x11C41, 0x11C42, 0x11EF7, 0x11EF8, 0x11F43, 0x11F44),
    *(0x16A6E, 0x16A6F, 0x16AF5, 0x16B37, 0x16B38, 0x16B44, 0x16E98, 0x1BC9F, 0x1DA88),
)
OTHER_END_MARKS = (
    *(0x05C3, 0x0DF4, 0x0E5A, 0x0E5B, *range(0x0F0D, 0x0F13), 0x0F14, 0x17D4, 0x17D5, 0x17DA, 0x2026, 0x22EF),
    *(0xFE12, 0xFE15, 0xFE16, 0xFE19),
)
# Commas and semicolons: a line of a law, a poem or a list in prose ends in one, a line of a menu does not.
PAUSE_MARKS = (
    *(0x2C, 0x3B, 0x0387, 0x055D, 0x060C, 0x061B, 0x1363, 0x1364, 0x1802, 0x1808, 0x3001, 0xA4FE, 0xFF0C, 0xFF1B),
)
SPACED_END_MARKS = (0x21, 0x2E, 0x3F)  # these end a sentence only before a space: "3.5", "example.org", "a?b=1"
ELLIPSES = (0x2026, 0x22EF, 0xFE19)
WORDSPACE = 0x1361  # Ethiopic; two of them are a full stop
END_MARKS_OF_SCRIPTS = {"Grek": 0x3B, "Armn": 0x3A}
# Bullets as writers and list renderers make them. A hyphen or an asterisk is one where a space follows.
BULLETS = (
    *(0x2022, 0x2023, 0x2043, 0x204C, 0x204D, 0x2219, 0x25CB, 0x25CF, 0x25D8, 0x25E6, 0x25AA, 0x25AB, 0x25A0, 0x25B6),
    *(0x25B8, 0x25BA, 0x29BE, 0x29BF, 0x27A2, 0x30FB, 0xFF65, 0xF0B7),
)
SPACED_BULLETS = (0x2A, 0x2B, 0x2D, 0x00B7, 0x2010, 0x2011, 0x2012, 0x2013, 0x2014)
CONNECTORS = "'\u2019._:@&+%,/="  # inside a word if letters or digits stand on both sides
TSHEGS = (0x0F0B, 0x0F0C)
LINE_ENDS = (0x0A, 0x0B, 0x0C, 0x85, 0x2028, 0x2029)

_CODE_POINTS = 0x110000
_ASSIGNED = 0x20000  # above are Han letters, variation selectors, tags and private use


class Class(IntEnum):
    """The class of a code point; from IGNORED on it is part of words."""

    SPACE, LINE_END, SEPARATOR, CLOSING, CONNECTOR, PUNCTUATION, IGNORED, MARK, DIGIT, LETTER, UNSPACED = range(11)


class Tables(NamedTuple):
    """For each code point: its class, and whether it is an end mark, a bullet."""

    classes: NDArray[np.uint8]
    end_marks: NDArray[np.bool_]
    bullets: NDArray[np.bool_]


@cache
def tables() -> Tables:
    """Read Unicode's data into tables, once in a process; takes about 0.1 s."""
    kinds = unit_kinds()
    classes = np.full(_CODE_POINTS, Class.LETTER, np.uint8)
    classes[kinds == UnitKind.CLUSTER] = Class.UNSPACED
    categories = np.frombuffer("".join(map(unicodedata.category, map(chr, range(_ASSIGNED)))).encode(), "S2")
    majors = categories.view("S1")[::2]
    low = classes[:_ASSIGNED]
    for major in (b"P", b"S"):
        low[majors == major] = Class.PUNCTUATION
    low[majors == b"N"] = Class.DIGIT
    low[np.isin(categories, [b"Nl"])] = Class.LETTER  # runes, cuneiform and the Han zero are read as letters
    low[majors == b"M"] = Class.MARK
    low[majors == b"Z"] = Class.SPACE
    low[np.isin(categories, [b"Cc", b"Cs"])] = Class.SEPARATOR
    points = np.arange(_CODE_POINTS)
    classes[((points & 0xFFFE) == 0xFFFE) | ((points >= 0xFDD0) & (points < 0xFDF0))] = Class.SEPARATOR  # noncharacters
    low[np.isin(categories, [b"Pe", b"Pf", b"Pi"])] = Class.CLOSING
    classes[np.isin(kinds, [UnitKind.CLUSTER_MARK, UnitKind.STACKER])] = Class.MARK
    classes[np.isin(kinds, [UnitKind.JOINER, UnitKind.IGNORED])] = Class.IGNORED
    classes[[*map(ord, CONNECTORS)]] = Class.CONNECTOR
    classes[0x22] = Class.CLOSING
    classes[[*map(ord, " \t\r"), 0x200B]] = Class.SPACE
    classes[list(TSHEGS)] = Class.SPACE
    classes[list(LINE_ENDS)] = Class.LINE_END
    end_marks, bullets = np.zeros(_CODE_POINTS, np.bool_), np.zeros(_CODE_POINTS, np.bool_)
    end_marks[[*SENTENCE_TERMINAL, *OTHER_END_MARKS]] = True
    bullets[list(BULLETS)] = True
    return Tables(classes, end_marks, bullets)
