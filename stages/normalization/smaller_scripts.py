"""Armenian and Canadian syllabics: punctuation and dots of their own, typed as what a keyboard has.

Source: Unicode Standard, sections 7.6 and 20.2.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stages.normalization.rules import (
    About,
    CodePoints,
    among,
    edit_rule,
    pattern_rule,
    written_in,
)

_DOTS = "\u00b7\u2027\u2219\u22c5"


def _middle_dots(points: CodePoints) -> tuple[CodePoints, npt.NDArray[np.bool_]]:
    """Replace dots that stand next to a syllable."""
    syllable = ((points >= 0x1401) & (points <= 0x167F)) | ((points >= 0x18B0) & (points <= 0x18FF))
    next_to_one = np.append(False, syllable[:-1]) | np.append(syllable[1:], False)
    points[among(points, _DOTS) & next_to_one] = 0x1427
    return points, np.ones(len(points), bool)


RULES = (
    pattern_rule(
        About(
            "armenian_full_stop",
            "A colon that ends a word is the full stop U+0589, which looks like it.",
            "Unicode Standard, section 7.6",
            written_in("Armn", "hye", "hyw"),
        ),
        r"([\p{Armenian}&&\p{L}]):($|\s)",
        "${1}\u0589${2}",
    ),
    edit_rule(
        About(
            "syllabics_middle_dot",
            "A middle dot next to a syllable of Canadian syllabics becomes the letter U+1427.",
            "Unicode Standard, section 20.2",
            written_in("Cans"),
        ),
        rf"[\x{{1401}}-\x{{167f}}\x{{18b0}}-\x{{18ff}}][{_DOTS}]|[{_DOTS}][\x{{1401}}-\x{{167f}}\x{{18b0}}-\x{{18ff}}]",
        _middle_dots,
    ),
)
