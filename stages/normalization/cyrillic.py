"""Cyrillic orthographies: letters of their own, where a keyboard or font offered those of a
neighbour.

Source: CLDR exemplar sets for the letters of each language, Unicode Standard, section 7.4.
"""

from __future__ import annotations

import polars as pl

from stages.normalization.options import NormalizationOptions
from stages.normalization.rules import (
    About,
    Rule,
    letter_map,
    letter_rule,
    pattern_rule,
    written_in,
)

# Languages of the Caucasus that write ejectives and pharyngeals with the palochka.
_PALOCHKA = (
    *("abq", "ady", "agx", "aqc", "ava_Cyrl", "che_Cyrl", "dar", "inh_Cyrl"),
    *("kbd", "lbe", "lez", "rut", "tab", "tkr_Cyrl", "xdq"),
)
_STICK = r"[1Il|\x{406}\x{456}]"
_SMALL, _ANY = r"[\p{Cyrillic}&&\p{Ll}--[\x{456}]]", r"[\p{Cyrillic}&&\p{L}--[\x{406}\x{456}]]"
# Latin letters that are left for `look_alike_letters`
_LIKE_SMALL, _LIKE_ANY = (
    "[aceopxy]",
    "[aceopxyABCEHKMOPTX]",
)


def _palochka(
    texts: pl.Series, language: str | None, script: str | None, options: NormalizationOptions
) -> pl.Series:
    """Write the small palochka next to a small letter, the capital between capitals."""
    for before, after, letter in (
        *((_SMALL, f"{_ANY}|{_LIKE_ANY}", "\u04cf"), (f"{_ANY}|{_LIKE_ANY}", _SMALL, "\u04cf")),
        *((_ANY, _LIKE_SMALL, "\u04cf"), (_LIKE_SMALL, _ANY, "\u04cf")),
        *((_ANY, f"{_ANY}|{_LIKE_ANY}", "\u04c0"), (_LIKE_ANY, _ANY, "\u04c0")),
    ):
        texts = texts.str.replace_all(f"({before}){_STICK}({after})", f"${{1}}{letter}${{2}}")
    return texts


RULES = (
    # Off: writers type both spellings, and a default changes one only where the living orthography
    # has one answer.
    pattern_rule(
        About(
            "ukrainian_apostrophe",
            "The apostrophe before \u044f, \u044e, \u0454, \u0457 becomes the letter "
            "U+02BC; elsewhere it is punctuation.",
            "CLDR exemplar set uk",
            written_in("ukr", "rue"),
        ),
        r"(\p{Cyrillic})['`*\x{b4}\x{2b9}\x{2bb}\x{2018}\x{2019}\x{201b}\x{2032}]"
        r"([\x{44f}\x{44e}\x{454}\x{457}\x{42f}\x{42e}\x{404}\x{407}])",
        "${1}\u02bc${2}",
    )._replace(default=False),
    Rule(
        "palochka",
        "The digit 1, I, l or a bar between letters becomes the palochka of the languages of the Caucasus.",
        "Unicode Standard, section 7.4 (palochka); CLDR exemplar sets ce, av, ady, kbd, lez",
        written_in(*_PALOCHKA),
        rf"{_ANY}{_STICK}(?:{_ANY}|{_LIKE_ANY})|{_LIKE_ANY}{_STICK}{_ANY}",
        _palochka,
    ),
    letter_rule(
        About(
            "kazakh_letters",
            "Bashkir, Yakut and Sami forms of ka and en, and the barred o of Latin, become those of Kazakh.",
            "CLDR exemplar set kk",
            written_in("kaz_Cyrl"),
        ),
        letter_map(
            "\u04a1\u04a0\u049d\u049c\u04a5\u04a4\u04ca\u04c9\u04c8\u04c7\u0275\u019f",
            "\u049b\u049a\u049b\u049a\u04a3\u04a2\u04a3\u04a2\u04a3\u04a2\u04e9\u04e8",
        ),
    ),
    letter_rule(
        About(
            "kyrgyz_letters",
            "Yakut and Sami forms of en, the straight u with stroke and the barred o of Latin become those of Kyrgyz.",
            "CLDR exemplar set ky",
            written_in("kir_Cyrl"),
        ),
        letter_map(
            "\u04a5\u04a4\u04ca\u04c9\u04c8\u04c7\u04b1\u04b0\u0275\u019f",
            "\u04a3\u04a2\u04a3\u04a2\u04a3\u04a2\u04af\u04ae\u04e9\u04e8",
        ),
    ),
    letter_rule(
        About(
            "abkhaz_letters",
            "Pe and ghe with middle hook become the letters with descender that Abkhaz has used since 2007.",
            "CLDR exemplar set ab; Unicode 5.2, U+0524 to U+0525",
            written_in("abk"),
        ),
        letter_map("\u04a7\u04a6\u0495\u0494", "\u0525\u0524\u04f7\u04f6"),
    ),
)
