"""Hebrew script: presentation forms, points, and the digraphs of Yiddish.

Source: Unicode Standard, section 9.1. Pointed presentation forms (U+FB1D, U+FB2A to U+FB4E) are
taken apart by NFC.
"""

from __future__ import annotations

import unicodedata

from stages.normalization.rules import About, everywhere, letter_rule, pattern_rule, written_in

_WIDE = {
    chr(point): unicodedata.normalize("NFKC", chr(point))
    for point in (*range(0xFB20, 0xFB2A), 0xFB4F)
}
_POINTS_ARE_LETTERS = ("yid", "lad", "jrb", "jpr")  # where vowels are spelled with them

RULES = (
    letter_rule(
        About(
            "hebrew_presentation_forms",
            "Wide and alternative letters and the alef-lamed ligature become ordinary letters.",
            "Unicode Standard, section 9.1 (Alphabetic Presentation Forms)",
            everywhere,
        ),
        _WIDE,
    ),
    pattern_rule(
        About(
            "hebrew_points",
            "Points and accents are removed if `diacritics` asks for it, but in Yiddish "
            "and Ladino, which spell with them.",
            "Unicode Standard, section 9.1",
            lambda language, script: script == "Hebr" and language not in _POINTS_ARE_LETTERS,
        ),
        r"[\x{591}-\x{5bd}\x{5bf}\x{5c1}\x{5c2}\x{5c4}\x{5c5}\x{5c7}]",
        "",
    )._replace(wanted=lambda options: options.diacritics == "strip"),
    # Off: web text has the two letters, and translators the one-code digraphs (1,504 of them in
    # message catalogues).
    letter_rule(
        About(
            "yiddish_digraphs",
            "The one-code digraphs of Yiddish become two letters, as CLDR spells them.",
            "CLDR exemplar set yi",
            written_in("yid"),
        ),
        {"\u05f0": "\u05d5\u05d5", "\u05f1": "\u05d5\u05d9", "\u05f2": "\u05d9\u05d9"},
    )._replace(default=False),
    pattern_rule(
        About(
            "hebrew_gershayim",
            "A quotation mark inside a Hebrew word, which marks an acronym, becomes U+05F4.",
            "Unicode Standard, section 9.1",
            written_in("heb"),
        ),
        r"([\p{Hebrew}&&\p{L}]\p{M}*)[\x{22}\x{201d}\x{201c}]([\p{Hebrew}&&\p{L}])",
        "${1}\u05f4${2}",
    )._replace(default=False),
    pattern_rule(
        About(
            "hebrew_geresh",
            "An apostrophe after a Hebrew letter that it changes (\u05d2, \u05d6, \u05e6) becomes U+05F3.",
            "Unicode Standard, section 9.1",
            written_in("heb"),
        ),
        r"([\x{5d2}\x{5d6}\x{5e6}\x{5e5}])['\x{2019}]([\p{Hebrew}&&\p{L}])",
        "${1}\u05f3${2}",
    )._replace(default=False),
)
