"""Greek: final sigma, letters borrowed from mathematics and units, accents typed before a capital.

Source: Unicode Standard, section 7.2. Oxia and tonos are one accent and are unified by NFC.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stages.normalization.rules import (
    BOUNDARY,
    About,
    CodePoints,
    code_point_class,
    edit_rule,
    letter_map,
    pattern_rule,
    written_in,
)

_VARIANTS = letter_map(
    "\u00b5\u03d0\u03d1\u03d5\u03d6\u03f0\u03f1", "\u03bc\u03b2\u03b8\u03c6\u03c0\u03ba\u03c1"
)
_TABLE = np.arange(BOUNDARY + 1, dtype=np.uint32)
_TABLE[[ord(letter) for letter in _VARIANTS]] = [ord(letter) for letter in _VARIANTS.values()]


def _variants(points: CodePoints) -> tuple[CodePoints, npt.NDArray[np.bool_]]:
    """Replace the variants that stand next to an ordinary letter of Greek."""
    greek = ((points >= 0x386) & (points < 0x3D0)) | ((points >= 0x1F00) & (points < 0x2000))
    next_to_one = np.append(False, greek[:-1]) | np.append(greek[1:], False)
    return np.where(next_to_one, _TABLE[points], points), np.ones(len(points), bool)


RULES = (
    edit_rule(
        About(
            "greek_letter_variants",
            "The micro sign and the symbols for beta, theta, phi, pi, kappa, rho become "
            "letters next to a Greek letter.",
            "Unicode Standard, section 7.2 (Greek letters as symbols)",
            written_in("ell", "grc", "pnt"),
        ),
        code_point_class(_VARIANTS),
        _variants,
    ),
    pattern_rule(
        About(
            "greek_final_sigma",
            "Sigma at the end of a word becomes final sigma; before an apostrophe, full "
            "stop or hyphen it may be cut off.",
            "Unicode Standard, section 3.13 (final sigma)",
            written_in("ell", "grc"),
        ),
        r"(\p{Greek}\p{M}*)\x{3c3}($|[\s,;:!?)\]\x{387}\x{b7}\x{bb}\x{201d}\x{2026}])",
        "${1}\u03c2${2}",
    ),
    # Off: in message catalogues three of five such words are two whose space is missing, two are
    # slips.
    pattern_rule(
        About(
            "greek_medial_sigma",
            "Final sigma before another letter becomes sigma.",
            "Unicode Standard, section 3.13 (final sigma)",
            written_in("ell"),
        ),
        r"\x{3c2}([\p{Greek}&&\p{L}])",
        "\u03c3${1}",
    )._replace(default=False),
    pattern_rule(
        About(
            "greek_capital_tonos",
            "A spacing accent before a capital vowel becomes the accent of the letter.",
            "Unicode Standard, section 7.2",
            written_in("ell"),
        ),
        r"(^|[^\p{L}\p{M}])[\x{384}\x{b4}\x{1ffd}]([\x{391}\x{395}\x{397}\x{399}\x{39f}\x{3a5}\x{3a9}])",
        "${1}${2}\u0301",
    ),
)
