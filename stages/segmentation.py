"""What each code point is to a unit of text: a word where words are spaced, a grapheme cluster
where they are not.

Letters, numbers and all combining marks (vowel signs, tones, nuktas, viramas) make units, and so do
the zero-width joiner and non-joiner, which are spelling in Persian and Sinhala. Punctuation,
symbols, white space and controls separate, the zero-width space of Khmer too. Other format
characters and variation selectors are ignored.

Sources: UAX #29 (grapheme clusters), UAX #14 classes SA, AK, AS and ID (scripts without spaces
between words).
"""

from __future__ import annotations

import unicodedata
from enum import IntEnum
from functools import cache

import numpy as np
from numpy.typing import NDArray

from schemas.orthography import UNSPACED_SCRIPTS

_KANA_LENGTH_MARKS = (0x30FC, 0xFF70)  # of script Common, as both kinds of Kana use them
# Letters after these join the cluster: Indic_Syllabic_Category Invisible_Stacker, and the viramas
# of unspaced scripts.
_STACKERS = (0x1039, 0x17D2, 0x1A60, 0x1B44, 0xA9C0, 0x11F42)
_JOINERS = (0x200C, 0x200D)
_KANA_VOICING = (0x3099, 0x309A)  # combining, of script Inherited
_SPACING_VOWELS = (0x0E33, 0x0EB3)  # Thai and Lao sara am: letters by category, marks by UAX #29
_ZERO_WIDTH_SPACE = 0x200B  # a format character by category; between words in Khmer and Burmese
_VARIATION_SELECTORS = (
    *range(0xFE00, 0xFE10),
    *range(0xE0100, 0xE01F0),
    0x180B,
    0x180C,
    0x180D,
    0x180F,
)
# All but Han, Hangul and Tangut; above are also variation selectors, tags and private use.
LOOKED_UP = (
    *((0, 0x3400), (0x4DC0, 0x4E00), (0xA000, 0xAC00), (0xD7A4, 0xE000)),
    *((0xF900, 0x17000), (0x18AFF, 0x20000), (0x2F800, 0x2FA20)),
)
CODE_POINTS = 0x110000


class UnitKind(IntEnum):
    """What a code point is to a unit. Marks of unspaced scripts are their own kind: a word may
    follow a cluster."""

    SEPARATOR, WORD, MARK, JOINER, CLUSTER, CLUSTER_MARK, STACKER, IGNORED = range(8)


_SEPARATOR, _WORD, _MARK, _JOINER, _CLUSTER, _CLUSTER_MARK, _STACKER, _IGNORED = map(int, UnitKind)


@cache
def unit_kinds() -> NDArray[np.uint8]:
    """Return the UnitKind of each code point. Read from Unicode's categories and scripts once in a
    process."""
    from fontTools.unicodedata import Scripts  # type: ignore[import-untyped, unused-ignore]

    kinds = np.full(CODE_POINTS, _WORD, np.uint8)
    for first, end, script in zip(
        Scripts.RANGES, [*Scripts.RANGES[1:], CODE_POINTS], Scripts.VALUES, strict=True
    ):
        if script in UNSPACED_SCRIPTS:
            kinds[first:end] = _CLUSTER
    kinds[list(_KANA_LENGTH_MARKS)] = _CLUSTER
    # Unicode says the same of all other code points: letters, or not assigned.
    places = np.concatenate([np.arange(start, stop) for start, stop in LOOKED_UP])
    letters = list(map(chr, places.tolist()))
    categories = np.frombuffer("".join(map(unicodedata.category, letters)).encode(), "S2")
    majors = categories.view("S1")[::2]
    between = [majors == major for major in (b"P", b"S", b"Z")] + [
        categories == minor for minor in (b"Cc", b"Cs")
    ]
    kinds[places[np.any(between, axis=0)]] = _SEPARATOR
    kinds[places[categories == b"Cf"]] = _IGNORED
    marks = places[majors == b"M"]
    kinds[marks] = np.where(kinds[marks] == _CLUSTER, _CLUSTER_MARK, _MARK)
    kinds[0xE0000:0xE1000] = _IGNORED  # tags and variation selectors
    for these, kind in (
        (_SPACING_VOWELS, _CLUSTER_MARK),
        (_KANA_VOICING, _CLUSTER_MARK),
        (_JOINERS, _JOINER),
        (_STACKERS, _STACKER),
        (_VARIATION_SELECTORS, _IGNORED),
        ([_ZERO_WIDTH_SPACE], _SEPARATOR),
    ):
        kinds[list(these)] = kind
    return kinds
