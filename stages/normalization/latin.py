"""Latin orthographies: the letter each has, where keyboards and fonts offered another that looks
like it.

Source: CLDR exemplar sets for the letters of each language; further sources stand with their rules.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt

from stages.normalization.rules import (
    BOUNDARY,
    About,
    CodePoints,
    among,
    code_point_class,
    edit_rule,
    everywhere,
    in_word,
    letter_map,
    letter_rule,
    pattern_rule,
    written_in,
)

OKINA, APOSTROPHE = "\u02bb", "\u02bc"
# What is typed for a letter that looks like an apostrophe: ' ` and the quotation marks, primes and
# accents like it.
_TYPED = "'`\u00b4\u02b9\u02bb\u02bc\u02bd\u02bf\u02c8\u2018\u2019\u201b\u2032\u2035\uff07"
_NOT_OKINA = code_point_class(set(_TYPED) - {OKINA})
_NOT_APOSTROPHE = code_point_class(set(_TYPED) - {APOSTROPHE})
_IN_WORD = r"[\p{L}\p{M}]"
_VOWELS = "aeiou\u0101\u0113\u012b\u014d\u016b\u00e1\u00e9\u00ed\u00f3\u00fa"
_VOWELS += _VOWELS.upper()

_LIGATURES = {
    "\ufb00": "ff",
    "\ufb01": "fi",
    "\ufb02": "fl",
    "\ufb03": "ffi",
    "\ufb04": "ffl",
    "\ufb05": "\u017ft",
    "\ufb06": "st",
    "\u0149": "\u02bcn",
}
_DIGRAPHS = {
    letter: unicodedata.normalize("NFKC", letter)
    for letter in "\u01c4\u01c5\u01c6\u01c7\u01c8\u01c9\u01ca\u01cb\u01cc\u0132\u0133"
}

# Vietnamese: a tone typed before the circumflex or breve of the same letter, which NFC does not
# reorder.
_TONE_FIRST = {
    unicodedata.normalize("NFC", letter + tone) + quality: letter + quality + tone
    for letter, quality in (
        "a\u0302",
        "a\u0306",
        "e\u0302",
        "o\u0302",
        "A\u0302",
        "A\u0306",
        "E\u0302",
        "O\u0302",
    )
    for tone in "\u0300\u0301\u0303\u0309"
}

# Letters under which Yoruba and Igbo have a dot, with the tones that NFC composes first.
_DOTTED = "".join(
    unicodedata.normalize("NFC", letter + tone)
    for letter in "eosiuEOSIU"
    for tone in ("", "\u0300", "\u0301", "\u0302", "\u0304", "\u030c")
    if len(unicodedata.normalize("NFC", letter + tone)) == 1
)
_NASAL = "".join(
    unicodedata.normalize("NFC", letter + tone) for letter in "aioAIO" for tone in ("", "\u0301")
)


def _shifted(values: npt.NDArray[np.bool_], places: int) -> npt.NDArray[np.bool_]:
    """Return at each place the value some places further on (or back, if negative); False beyond
    the ends."""
    shifted = np.zeros_like(values)
    if places > 0:
        shifted[:-places] = values[places:]
    else:
        shifted[-places:] = values[:places]
    return shifted


def _foreign(
    points: CodePoints, typed: npt.NDArray[np.bool_], word: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Mark apostrophes that are of a foreign name: `L'Oreal`, `O'Hagan`, `Martin's`, `rock'n'roll`.

    They stand before a capital and a small letter, before an s that ends the word, or around an n.
    """
    capital, small = _is_upper()[points], _is_lower()[points]
    name = _shifted(capital, 1) & _shifted(small, 2)
    possessive = _shifted(points == ord("s"), 1) & ~_shifted(word | typed, 2)
    and_ = (_shifted(points == ord("n"), 1) & _shifted(typed, 2)) | (
        _shifted(points == ord("n"), -1) & _shifted(typed, -2)
    )
    return name | possessive | and_


@cache
def _is_upper() -> npt.NDArray[np.bool_]:
    return _of_category("Lu")


@cache
def _is_lower() -> npt.NDArray[np.bool_]:
    return _of_category("Ll")


def _of_category(category: str) -> npt.NDArray[np.bool_]:
    table = np.zeros(BOUNDARY + 1, bool)
    table[[p for p in range(0x2000) if unicodedata.category(chr(p)) == category]] = True
    return table


class _Quotes:
    """Where the apostrophes of an array of code points stand, and whether their line quotes with
    them."""

    def __init__(self, points: CodePoints) -> None:
        typed = among(points, _TYPED)
        word = in_word(points) & ~typed
        self.before = np.append(BOUNDARY, points[:-1]).astype(np.uint32)
        self.after = np.append(points[1:], BOUNDARY).astype(np.uint32)
        follows, precedes = np.append(False, word[:-1]), np.append(word[1:], False)
        beside_another = among(self.before, _TYPED) | among(self.after, _TYPED)
        self.medial = typed & follows & precedes & ~_foreign(points, typed, word)
        self.initial = typed & ~follows & precedes & ~beside_another
        self.final = typed & follows & ~precedes & ~beside_another
        line = np.cumsum((points == ord("\n")) | (points == BOUNDARY))
        size = int(line[-1]) + 1
        self.opened = (np.bincount(line[self.initial], minlength=size) > 0)[line]
        self.closed = (np.bincount(line[self.final], minlength=size) > 0)[line]


def _apostrophes(
    letter: str, choose: Callable[[_Quotes], npt.NDArray[np.bool_]]
) -> Callable[[CodePoints], tuple[CodePoints, npt.NDArray[np.bool_]]]:
    """Make the edit that turns the chosen apostrophes into a letter."""

    def edit(points: CodePoints) -> tuple[CodePoints, npt.NDArray[np.bool_]]:
        points[choose(_Quotes(points))] = ord(letter)
        return points, np.ones(len(points), bool)

    return edit


RULES = (
    letter_rule(
        About(
            "latin_ligatures",
            "Typographic ligatures (ff, fi, fl, st) and the Afrikaans digraph U+0149 become their letters.",
            "Unicode Standard, section 7.1",
            everywhere,
        ),
        _LIGATURES,
    ),
    letter_rule(
        About(
            "latin_digraphs",
            "The one-code digraphs of South Slavic languages (d\u017e, lj, nj) and Dutch (ij) become two letters.",
            "Unicode Standard, section 7.1; CLDR exemplar sets hr, bs, sr_Latn, nl",
            written_in("hrv", "bos_Latn", "srp_Latn", "nld"),
        ),
        _DIGRAPHS,
    ),
    letter_rule(
        About(
            "romanian_comma_below",
            "Romanian s and t with cedilla get the comma below that the language writes.",
            "CLDR exemplar set ro; ISO 8859-16",
            written_in("ron_Latn"),
        ),
        letter_map("\u015f\u015e\u0163\u0162", "\u0219\u0218\u021b\u021a"),
    ),
    letter_rule(
        About(
            "turkic_dotted_i",
            "A dot above that lower-casing left on a dotted i is removed.",
            "Unicode Standard, section 3.13; SpecialCasing.txt",
            written_in("tur", "aze_Latn", "crh_Latn", "tat_Latn", "gag_Latn", "kaz_Latn"),
        ),
        {"i\u0307": "i", "\u0131\u0307": "i"},
    ),
    letter_rule(
        About(
            "azerbaijani_schwa",
            "The turned e of African alphabets becomes the schwa of Azerbaijani, whose small letter looks the same.",
            "CLDR exemplar set az",
            written_in("aze_Latn"),
        ),
        letter_map("\u01dd\u018e", "\u0259\u018f"),
    ),
    letter_rule(
        About(
            "hausa_hooked_letters",
            "b, d and k with a dot below become the hooked letters that the dots stand for.",
            "CLDR exemplar set ha",
            written_in("hau_Latn"),
        ),
        letter_map("\u1e05\u1e04\u1e0d\u1e0c\u1e33\u1e32", "\u0253\u0181\u0257\u018a\u0199\u0198"),
    ),
    # Off: writers type both spellings, and a default changes one only where the living orthography
    # has one answer.
    edit_rule(
        About(
            "hausa_glottal_stop",
            "The apostrophe inside a Hausa word, and before its y, becomes the letter U+02BC.",
            "CLDR exemplar set ha",
            written_in("hau_Latn"),
        ),
        rf"{_IN_WORD}{_NOT_APOSTROPHE}{_IN_WORD}|{_NOT_APOSTROPHE}[yY]",
        _apostrophes(
            APOSTROPHE, lambda at: at.medial | (at.initial & among(at.after, "yY") & ~at.closed)
        ),
    )._replace(default=False),
    pattern_rule(
        About(
            "yoruba_dot_below",
            "A line or macron below e, o, s (Yoruba) or i, o, u (Igbo) becomes the dot below of today's spelling.",
            "CLDR exemplar sets yo, ig",
            written_in("yor", "ibo"),
        ),
        rf"({code_point_class(_DOTTED)})[\x{{329}}\x{{331}}]",
        "${1}\u0323",
    ),
    letter_rule(
        About(
            "vietnamese_mark_order",
            "A tone typed before the circumflex or breve of its letter is put after it.",
            "Unicode Standard, section 7.1 (Vietnamese)",
            written_in("vie_Latn"),
        ),
        _TONE_FIRST,
    ),
    letter_rule(
        About(
            "stroked_d",
            "The capitals Eth and African D become the stroked D that they look like.",
            "CLDR exemplar sets vi, hr, bs, sr_Latn, se, smn",
            written_in("vie_Latn", "hrv", "bos_Latn", "srp_Latn", "sme", "smn"),
        ),
        letter_map("\u00d0\u0189", "\u0110\u0110"),
    ),
    letter_rule(
        About(
            "icelandic_eth",
            "The stroked and the African D become the Eth that they look like as capitals.",
            "CLDR exemplar sets is, fo",
            written_in("isl", "fao"),
        ),
        letter_map("\u0110\u0189\u0111", "\u00d0\u00d0\u00f0"),
    ),
    letter_rule(
        About(
            "ewe_african_d",
            "Eth and the stroked D become the African D that they look like as capitals.",
            "CLDR exemplar set ee",
            written_in("ewe"),
        ),
        letter_map("\u00d0\u0110\u0111\u00f0", "\u0189\u0189\u0256\u0256"),
    ),
    pattern_rule(
        About(
            "catalan_middle_dot",
            "Bullets and dot operators typed between two l become the middle dot U+00B7.",
            "Institut d'Estudis Catalans, Ortografia catalana (2017)",
            written_in("cat"),
        ),
        r"([lL])[\x{2022}\x{2027}\x{2219}\x{22c5}]([lL])",
        "${1}\u00b7${2}",
    ),
    letter_rule(
        About(
            "catalan_l_with_dot",
            "The letter L with middle dot becomes l and a middle dot.",
            "CLDR exemplar set ca",
            written_in("cat"),
        ),
        {"\u0140": "l\u00b7", "\u013f": "L\u00b7"},
    ),
    edit_rule(
        About(
            "polynesian_okina",
            "The glottal stop of Hawaiian, Tongan and Wallisian before a vowel becomes U+02BB; quotation marks stay.",
            "CLDR exemplar sets haw, to, wls",
            written_in("haw", "ton", "wls"),
        ),
        rf"{_NOT_OKINA}{code_point_class(_VOWELS)}",
        _apostrophes(
            OKINA, lambda at: among(at.after, _VOWELS) & (at.medial | (at.initial & ~at.closed))
        ),
    ),
    edit_rule(
        About(
            "uzbek_turned_comma",
            "The apostrophe of o\u02bb and g\u02bb becomes U+02BB.",
            "CLDR exemplar set uz; Uzbek alphabet of 1995",
            written_in("uzb_Latn"),
        ),
        rf"[oOgG]{_NOT_OKINA}",
        _apostrophes(
            OKINA, lambda at: among(at.before, "oOgG") & (at.medial | (at.final & ~at.opened))
        ),
    ),
    edit_rule(
        About(
            "uzbek_apostrophe",
            "The apostrophe after any other letter of an Uzbek word becomes the letter U+02BC.",
            "CLDR exemplar set uz; Uzbek alphabet of 1995",
            written_in("uzb_Latn"),
        ),
        rf"[[\p{{L}}\p{{M}}]--[oOgG]]{_NOT_APOSTROPHE}{_IN_WORD}",
        _apostrophes(APOSTROPHE, lambda at: at.medial & ~among(at.before, "oOgG")),
    ),
    # Off: writers type U+0027 or U+2019, all 97 of the Declaration and all 240 of the message
    # catalogues at hand.
    pattern_rule(
        About(
            "breton_ch",
            "The apostrophe of the Breton letter c\u02bch becomes U+02BC; that of elision stays.",
            "CLDR exemplar set br",
            written_in("bre"),
        ),
        rf"([cC]){_NOT_APOSTROPHE}([hH])",
        "${1}\u02bc${2}",
    )._replace(default=False),
    edit_rule(
        About(
            "letter_apostrophes",
            "The glottal stop or ejective inside a word of Guarani, Quechua and Skolt Sami becomes U+02BC.",
            "CLDR exemplar sets gn, qu, sms",
            written_in("grn", "que", "quz", "quy", "sms"),
        ),
        rf"{_IN_WORD}{_NOT_APOSTROPHE}{_IN_WORD}",
        _apostrophes(APOSTROPHE, lambda at: at.medial),
    ),
    edit_rule(
        About(
            "navajo_glottal_stop",
            "The glottal stop of Navajo, inside a word or at its end, becomes U+02BC; quotation marks stay.",
            "CLDR exemplar set nv",
            written_in("nav"),
        ),
        rf"{_IN_WORD}{_NOT_APOSTROPHE}",
        _apostrophes(APOSTROPHE, lambda at: at.medial | (at.final & ~at.opened)),
    ),
    pattern_rule(
        About(
            "navajo_ogonek",
            "A cedilla under a, i or o becomes the ogonek that marks nasal vowels.",
            "CLDR exemplar set nv",
            written_in("nav"),
        ),
        rf"({code_point_class(_NASAL)})\x{{327}}",
        "${1}\u0328",
    ),
    letter_rule(
        About(
            "navajo_e_ogonek",
            "The letter e with cedilla becomes e with ogonek.",
            "CLDR exemplar set nv",
            written_in("nav"),
        ),
        letter_map("\u0229\u0228", "\u0119\u0118"),
    ),
)
