"""Zero-width joiner and non-joiner: kept where they join or part letters, removed where they do
nothing.

They are spelling in Persian, Urdu, Kurdish, Hindi, Bengali, Sinhala, Khmer and many more, and noise
in scripts whose letters do not join. What decides is not the language of the document but the
letters on both sides, so that a Persian word quoted in a Basque text keeps its spelling:

- cursive scripts (Arabic, Syriac, Mongolian, N'Ko, Adlam ...): a non-joiner is kept between two
  letters that would join without it; a joiner where a letter joins it on one side only, since two
  letters that join need none between them;
- scripts with a virama (Indic, Sinhala, Khmer, Burmese ...): a joiner is kept next to the virama, a
  non-joiner too if a letter stands on its other side; next to a Khmer register shifter both are
  kept, and before a Hebrew point;
- emoji: a joiner is kept between two pictographs, with skin tones and variation selectors after the
  first.

Of several in a row the first is kept.

Source: Unicode Standard, sections 9.2, 12.1, 16.4 and 23.2; the rules CONTEXTJ of RFC 5892,
appendix A, to which the joiner next to a virama and the cursive joiner are added; UTS #51 for
emoji. Joining types are from the idna package.
"""

from __future__ import annotations

import unicodedata
from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl
from idna.idnadata import joining_types

from stages.normalization.rules import (
    BOUNDARY,
    About,
    CodePoints,
    among,
    code_point_class,
    edit_rule,
    everywhere,
)

ZWNJ, ZWJ = 0x200C, 0x200D

# What a code point is to a joiner; a bit each.
(
    _JOINS_AFTER,
    _JOINS_BEFORE,
    _TRANSPARENT,
    _VIRAMA,
    _LETTER,
    _PICTOGRAPH,
    _PICTOGRAPH_MARK,
    _SHIFTER,
) = (1 << bit for bit in range(8))

# Marks of combining class 9 that do not form conjuncts: Thai phinthu, Lao and Tibetan signs.
_NO_CONJUNCTS = "\u0e3a\u0eba\u0f84"
_KHMER_SHIFTERS = "\u17c9\u17ca"  # register shifters
_HEBREW_POINTS = range(0x591, 0x5C8)


def _with_joining_type(*types: str) -> list[int]:
    """List the code points of some joining types; the package stores ranges as (first << 32 |
    end)."""
    return [
        point
        for kind in types
        for r in joining_types[kind]
        for point in range(r >> 32, r & 0xFFFFFFFF)
    ]


_AFTER = [p for p in _with_joining_type("D", "L", "C") if p != ZWJ]
_BEFORE = [p for p in _with_joining_type("D", "R", "C") if p != ZWJ]
_VIRAMAS = [
    point
    for point in range(0x900, 0x12000)
    if unicodedata.combining(chr(point)) == 9 and chr(point) not in _NO_CONJUNCTS
]
_AFTER_CLASS, _BEFORE_CLASS, _VIRAMA_CLASS = (
    code_point_class(points) for points in (_AFTER, _BEFORE, _VIRAMAS)
)

# What may change: whatever is not plainly one of the contexts above. Rare contexts (marks between
# letter and joiner, a joiner before a virama) are left to the exact look.
_CANDIDATES = "|".join(
    (
        rf"(?:^|[^{_AFTER_CLASS[1:-1]}{_VIRAMA_CLASS[1:-1]}])\x{{200c}}",
        rf"{_AFTER_CLASS}\x{{200c}}(?:$|[^{_BEFORE_CLASS[1:-1]}])",
        rf"{_VIRAMA_CLASS}\x{{200c}}(?:$|\P{{L}})",
        rf"(?:^|[^{_VIRAMA_CLASS[1:-1]}\p{{Extended_Pictographic}}\x{{fe0f}}\x{{1f3fb}}-\x{{1f3ff}}])\x{{200d}}",
        r"(?:^|\P{Extended_Pictographic})[\x{fe0f}\x{1f3fb}-\x{1f3ff}]\x{200d}",
        r"[\p{Extended_Pictographic}\x{fe0f}\x{1f3fb}-\x{1f3ff}]\x{200d}(?:$|\P{Extended_Pictographic})",
        r"[\x{200c}\x{200d}]{2}",
    )
)


@cache
def _kinds() -> npt.NDArray[np.uint8]:
    """Make the table of the bits above by code point, 0 for BOUNDARY."""
    table = np.zeros(BOUNDARY + 1, np.uint8)
    letters = [chr(point) for point in range(0x323B0) if not 0xD800 <= point < 0xE000]
    frame = pl.DataFrame({"letter": letters})
    of_class = {
        _LETTER: r"\p{L}",
        _PICTOGRAPH: r"\p{Extended_Pictographic}",
        _TRANSPARENT: r"[\p{Mn}\p{Me}\p{Cf}]",
    }
    points = np.asarray([ord(letter) for letter in letters])
    for bit, pattern in of_class.items():
        table[points[frame["letter"].str.contains(pattern).to_numpy()]] |= bit
    named = {
        _JOINS_AFTER: _AFTER,
        _JOINS_BEFORE: _BEFORE,
        _VIRAMA: _VIRAMAS,
        _SHIFTER: [*map(ord, _KHMER_SHIFTERS), *_HEBREW_POINTS],
    }
    for bit, members in named.items():
        table[members] |= bit
    table[[0xFE0F, *range(0x1F3FB, 0x1F400)]] |= _PICTOGRAPH_MARK
    table[range(0x1F3FB, 0x1F400)] &= ~np.uint8(_PICTOGRAPH)
    return table


def _nearest(
    kinds: npt.NDArray[np.uint8], at: npt.NDArray[np.int64], skipped: int
) -> tuple[npt.NDArray[np.uint8], ...]:
    """Return what stands before and after each place in `at`, passing over code points of the kinds
    `skipped`."""
    solid = np.flatnonzero(kinds & skipped == 0)  # holds both ends, which are boundaries
    after = np.searchsorted(solid, at)
    return kinds[solid[after - 1]], kinds[solid[after]]


def _edit(points: CodePoints) -> tuple[CodePoints, npt.NDArray[np.bool_]]:
    joiner = (points == ZWNJ) | (points == ZWJ)
    kept = ~joiner | ~np.append(False, joiner[:-1])
    points, kinds = points[kept], _kinds()[points[kept]]
    at = np.flatnonzero((points == ZWNJ) | (points == ZWJ))
    before, after = kinds[at - 1], kinds[at + 1]
    cursive_before, cursive_after = _nearest(kinds, at, _TRANSPARENT)
    joins_before, joins_after = cursive_before & _JOINS_AFTER > 0, cursive_after & _JOINS_BEFORE > 0
    beside_shifter = (after & _SHIFTER > 0) | among(points[at - 1], _KHMER_SHIFTERS)
    virama_before, virama_after = (
        before & _VIRAMA > 0,
        (after & _VIRAMA > 0) & (before & _LETTER > 0),
    )
    picture_before, _ = _nearest(kinds, at, _PICTOGRAPH_MARK)
    keeps_zwnj = (
        (joins_before & joins_after) | (virama_before & (after & _LETTER > 0)) | virama_after
    )
    keeps_zwj = (
        (joins_before ^ joins_after)
        | virama_before
        | virama_after
        | ((picture_before & _PICTOGRAPH > 0) & (after & _PICTOGRAPH > 0))
    )
    stays = np.ones(len(points), bool)
    stays[at] = np.where(points[at] == ZWJ, keeps_zwj, keeps_zwnj) | beside_shifter
    return points[stays], np.ones(np.count_nonzero(stays), bool)


RULES = (
    edit_rule(
        About(
            "joiners",
            "Zero-width joiners and non-joiners stay where letters join, next to a "
            "virama and in emoji; elsewhere they go.",
            "Unicode Standard, section 23.2; RFC 5892, appendix A; UTS #51",
            everywhere,
        ),
        _CANDIDATES,
        _edit,
    ),
)
