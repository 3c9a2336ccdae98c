"""Arabic script: presentation forms, elongation, letters typed on the keyboard of another language,
hamza, harakat.

One look has several code points in this script, and which of them is right depends on the language.
KAF and YEH are the letters of Arabic, Uyghur and Jawi, KEHEH and FARSI YEH those of Persian, Urdu
and Kurdish; Pashto has five letters of the shape of yeh, and they stay as they are. A letter is
changed only where the orthography has no use for it and one of its own letters looks the same in
that place.

Sources: Unicode Standard 17, section 9.2 and the character annotations of the Arabic code charts;
DoNotEmit.txt of the Unicode Character Database 17; CLDR 44 exemplar characters; for Kurdish heh
also Mahmudi et al. 2019 (Automated Kurdish Text Normalization). Where they leave a choice, ours is
said at the table.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from stages.normalization.options import NormalizationOptions
from stages.normalization.rules import (
    CodePoints,
    Rule,
    any_of,
    code_point_class,
    edit_code_points,
    replace_sequences,
    written_in,
)
from stages.vowel_letters import uyghur_ae

KAF, KEHEH, SWASH_KAF = "\u0643", "\u06a9", "\u06aa"
YEH, ALEF_MAKSURA, FARSI_YEH = "\u064a", "\u0649", "\u06cc"
TEH_MARBUTA = "\u0629"
HEH, HEH_DOACHASHMEE, HEH_GOAL, AE = "\u0647", "\u06be", "\u06c1", "\u06d5"
TATWEEL, HAMZA_ABOVE, ZWNJ, ZWJ = "\u0640", "\u0654", "\u200c", "\u200d"

_BLOCKS = [*map(chr, range(0x600, 0x780)), *map(chr, range(0x870, 0x900))]
_LETTERS = "".join(c for c in _BLOCKS if unicodedata.category(c) == "Lo")
_MARKS = "".join(c for c in _BLOCKS if unicodedata.category(c) == "Mn")
_JOINING = _LETTERS.translate({0x621: None, 0x674: None})  # the two hamzas join nothing
_LETTER, _MARK = code_point_class(_LETTERS), code_point_class(_MARKS)
_Apply = Callable[[pl.Series, str | None, str | None, NormalizationOptions], pl.Series]


def _arabic(language: str | None, script: str | None) -> bool:
    """Hold for Arabic script, or an unknown one: rules of Unicode, not of an orthography."""
    return script in ("Arab", None)


# ---- presentation forms

# Words as one symbol that fonts still use as such: two honorifics, whose letters would put words
# into the sentence, and the currency sign of the Iranian keyboard.
_SYMBOLS = "\ufdfa\ufdfb\ufdfc"


def _letters_of(form: str) -> str:
    """Return the letters of a presentation form; a mark shown on a space or tatweel is the mark
    alone."""
    letters = "".join(
        chr(int(number, 16)) for number in unicodedata.decomposition(form).split()[1:]
    )
    marks = letters.lstrip(" " + TATWEEL)
    return marks if marks and all(mark in _MARKS for mark in marks) else letters


FORMS: Mapping[str, str] = {
    form: _letters_of(form)
    for form in map(chr, [*range(0xFB50, 0xFE00), *range(0xFE70, 0xFEFF)])
    if unicodedata.decomposition(form).startswith(
        ("<isolated>", "<initial>", "<medial>", "<final>")
    )
    and form not in _SYMBOLS
}


def _fold_forms(
    texts: pl.Series, language: str | None, script: str | None, options: NormalizationOptions
) -> pl.Series:
    return replace_sequences(texts, FORMS)


# ---- what stands next to a letter


def _members(letters: str) -> npt.NDArray[np.bool_]:
    """Make a table of some letters by code point; its last entry stands for everything above
    them."""
    table = np.zeros(0x901, bool)
    table[[ord(letter) for letter in letters]] = True
    return table


_IS_LETTER, _IS_MARK, _IS_JOINING = _members(_LETTERS), _members(_MARKS), _members(_JOINING)


def _in(points: CodePoints, table: npt.NDArray[np.generic]) -> npt.NDArray[Any]:
    return table[np.minimum(points, 0x900)]


def _beside(points: CodePoints, places: npt.NDArray[np.int64]) -> tuple[CodePoints, CodePoints]:
    """Return the code points before and after each of some places that hold no mark, passing over
    marks (harakat)."""
    bases = np.flatnonzero(~_in(points, _IS_MARK))
    at = np.searchsorted(bases, places)
    return points[bases[at - 1]], points[bases[at + 1]]


# ---- elongation


def _remove_tatweel(
    texts: pl.Series, language: str | None, script: str | None, options: NormalizationOptions
) -> pl.Series:
    """Remove tatweel between letters; of a run after the last letter of a word leave one."""

    def edit(points: CodePoints) -> tuple[CodePoints, npt.NDArray[np.bool_]]:
        tatweel = points == ord(TATWEEL)
        first = tatweel & ~np.append(False, tatweel[:-1])
        run = np.cumsum(first)  # number of the run that a tatweel is part of
        starts, ends = (
            np.flatnonzero(first),
            np.flatnonzero(tatweel & ~np.append(tatweel[1:], False)),
        )
        behind_letter = _in(_beside(points, starts)[0], _IS_LETTER)
        # a mark on a tatweel (Quranic superscript alef) needs its seat, so what follows must be a
        # letter itself
        between = behind_letter & _in(points[ends + 1], _IS_LETTER)
        removed = np.zeros(len(points), bool)
        removed[tatweel] = between[run[tatweel] - 1] | (
            behind_letter[run[tatweel] - 1] & ~first[tatweel]
        )
        return points, ~removed

    return edit_code_points(texts, edit)


# ---- letters, each for the languages that write it so

PERSIAN_LETTERS = {KAF: KEHEH, YEH: FARSI_YEH, ALEF_MAKSURA: FARSI_YEH}
PERSIAN = ("fas", "haz", "glk", "mzn", "lrc", "bqi", "luz", "tgk_Arab", "azb", "aze_Arab", "bal")
KURDISH = ("ckb", "kur_Arab", "sdh")
URDU_LETTERS = PERSIAN_LETTERS | {HEH: HEH_GOAL, TEH_MARBUTA: "\u06c3"}  # TEH MARBUTA GOAL
URDU = ("urd", "pnb", "pan_Arab", "skr", "hno")
# Pashto has YEH (i), FARSI YEH (ay), E (e), YEH WITH TAIL and YEH WITH HAMZA ABOVE (both ey): only
# ALEF MAKSURA, which it has not, is changed, to the letter of the same shape.
PASHTO_LETTERS = {KAF: KEHEH, ALEF_MAKSURA: FARSI_YEH}
# KEHEH is kh, SWASH KAF k
SINDHI_LETTERS = {
    KAF: SWASH_KAF,
    FARSI_YEH: YEH,
    ALEF_MAKSURA: YEH,
    HEH_GOAL: HEH,
}
UYGHUR = ("uig", "kaz_Arab", "kir_Arab")
ARABIC = (
    *(
        "ara",
        "abv",
        "acm",
        "acq",
        "aeb",
        "afb",
        "ajp",
        "apc",
        "apd",
        "arq",
        "ars",
        "ary",
        "arz",
        "ayl",
        "ayn",
        "ayp",
    ),
    *("pga", "shu"),
)


def _replace(replacements: Mapping[str, str]) -> _Apply:
    """Make the function of a rule that replaces sequences whatever stands next to them."""
    return lambda texts, language, script, options: replace_sequences(texts, replacements)


def _by_shape(
    letter: str,
    before_letter: str,
    elsewhere: str | None,
    after_letter: Mapping[str, str] | None = None,
) -> _Apply:
    """Make the function of a rule that reads a letter by the shape it takes.

    It becomes `before_letter` where another letter follows (initial and medial shape). At the end
    of a word it becomes what `after_letter` gives for the letter before it, or else `elsewhere`, or stays
    if that is None. A letter that stands alone is a symbol (the HEH of the Hijri year) and stays.
    """
    # all letters lie below the last entry, which stands for everything above
    table = np.zeros(0x901, np.uint32)
    table[[ord(c) for c in _LETTERS]] = ord(elsewhere or letter)
    for previous, written in (after_letter or {}).items():
        table[ord(previous)] = ord(written)

    def edit(points: CodePoints) -> tuple[CodePoints, npt.NDArray[np.bool_]]:
        places = np.flatnonzero(points == ord(letter))
        previous, following = _beside(points, places)
        at_end = _in(previous, table)
        # tatweel draws the shape that a letter has before another one, and only that is its use
        # after a last letter
        joined = _in(following, _IS_JOINING) | ((following == ord(TATWEEL)) & (at_end > 0))
        edited = points.copy()
        edited[places] = np.select(
            [joined, at_end > 0], [np.full(len(places), ord(before_letter)), at_end], ord(letter)
        )
        return edited, np.ones(len(points), bool)

    return lambda texts, language, script, options: edit_code_points(texts, edit)


# HEH has the shape of h before a letter and of the vowel AE at the end of a word. These
# orthographies have a letter for each, so HEH is never right: at the end of a word it is h after a
# vowel letter that is never a consonant as well, else AE (the Sorani endings -ewe and -ye). Words
# in -h after a consonant are lost to AE. Uyghur was also typed with HEH for the vowel within a
# word, which syllables tell (`uyghur_ae`).
_KURDISH_HEH = _by_shape(
    HEH, HEH_DOACHASHMEE, AE, dict.fromkeys("\u0627\u06c6\u06ce\u06d5", HEH_DOACHASHMEE)
)
_UYGHUR_HEH = _by_shape(
    HEH,
    HEH_DOACHASHMEE,
    AE,
    dict.fromkeys("\u0627\u0648\u06c7\u06c6\u06c8\u06d0\u0649\u06d5", HEH_DOACHASHMEE),
)
# FARSI YEH has the dots of YEH before a letter and the bare shape of ALEF MAKSURA elsewhere.
_UYGHUR_YEH = _by_shape(FARSI_YEH, YEH, ALEF_MAKSURA)
_ARABIC_YEH = _by_shape(FARSI_YEH, YEH, None)


def _uyghur_letters(
    texts: pl.Series, language: str | None, script: str | None, options: NormalizationOptions
) -> pl.Series:
    # a substitution a text
    vowels = pl.Series([uyghur_ae(text) for text in texts.to_list()], dtype=pl.String)
    shaped = _UYGHUR_YEH(_UYGHUR_HEH(vowels, language, script, options), language, script, options)
    return replace_sequences(shaped, {KEHEH: KAF})


def _arabic_letters(
    texts: pl.Series, language: str | None, script: str | None, options: NormalizationOptions
) -> pl.Series:
    return replace_sequences(_ARABIC_YEH(texts, language, script, options), {KEHEH: KAF})


# ---- hamza

# DoNotEmit.txt: Hamza_Form, Deprecated and Preferred_Spelling.
HAMZA_SEQUENCES = {
    ALEF_MAKSURA + HAMZA_ABOVE: "\u0626",
    "\u0673": "\u0627\u065f",
}
# The letters with high hamza are of Kazakh, where Unicode prefers the hamza as a letter of its own.
# Elsewhere they were typed for the letters that look like them.
HIGH_HAMZA_SEQUENCES = {
    "\u0675": "\u0674\u0627",
    "\u0676": "\u0674\u0648",
    "\u0677": "\u0674\u06c7",
    "\u0678": "\u0674\u0649",
    "\u0678" + HAMZA_ABOVE: "\u0674\u0626",
}
_OTHERS_WITH_HAMZA = (
    *("snd", "kas", "uzb", "uig", "tuk", "msa", "ind", "bjn"),
    *("ace", "min", "hau", "ful", "wol", "swa", "som"),
)
HAMZA_LETTERS = {
    "\u0675": "\u0623",
    "\u0676": "\u0624",
    "\u0678": "\u0626",
    "\u0678" + HAMZA_ABOVE: "\u0626",
}
# At the end of a word FARSI YEH with the mark is the ezafe of Urdu and Persian, and stays.
_YEH_HAMZA = f"{FARSI_YEH}{HAMZA_ABOVE}({_LETTER})"
# The chart calls U+06C0 a ligature, not a letter: "for ezafe, use 0654 over the
# language-appropriate base letter". Its decomposition has AE as the base, which is right in neither
# language.
PERSIAN_EZAFE = {"\u06c0": HEH + HAMZA_ABOVE}
URDU_EZAFE = {"\u06c0": "\u06c2", HEH_GOAL + HAMZA_ABOVE: "\u06c2"}

# ---- harakat

HARAKAT = "".join(map(chr, range(0x64B, 0x653)))
# Arabic also does without the small letters and the signs of the Quran; Urdu spells with
# SUPERSCRIPT ALEF.
ARABIC_SIGNS = (
    HARAKAT
    + "\u0670"
    + "".join(
        map(
            chr,
            [
                *range(0x610, 0x61B),
                *range(0x6D6, 0x6DD),
                *range(0x6DF, 0x6E5),
                0x6E7,
                0x6E8,
                *range(0x6EA, 0x6EE),
            ],
        )
    )
)


def _strip(marks: str) -> _Apply:
    return lambda texts, language, script, options: texts.str.replace_all(
        code_point_class(marks), ""
    )


def _letter_rule(
    name: str, description: str, source: str, languages: Iterable[str], letters: Mapping[str, str]
) -> Rule:
    return Rule(
        name, description, source, written_in(*languages), any_of(letters), _replace(letters)
    )


_CHARTS = "Unicode code charts, Arabic (names list); CLDR 44 exemplar characters"
_NOT_EMIT = "Unicode Character Database 17, DoNotEmit.txt; Unicode Standard 17, section 9.2"

RULES = (
    Rule(
        "arabic_presentation_forms",
        "Positional forms and ligatures become the letters they show; two honorifics and the rial sign stay symbols.",
        "Unicode Standard 17, section 9.2; UnicodeData.txt decompositions",
        _arabic,
        any_of(FORMS),
        _fold_forms,
    ),
    _letter_rule(
        "kurdish_ae",
        "HEH with a joiner becomes what the joiner makes it look like: AE, or HEH DOACHASHMEE.",
        "Mahmudi et al. 2019, Automated Kurdish Text Normalization",
        KURDISH,
        {HEH + ZWNJ: AE, HEH + ZWJ: HEH_DOACHASHMEE},
    ),
    # Off: writers type both spellings, and a default changes one only where the living orthography
    # has one answer.
    Rule(
        "kurdish_heh",
        "HEH typed for the h (HEH DOACHASHMEE) or the vowel (AE) of Kurdish becomes the one that its place shows.",
        "CLDR 44 exemplar characters (ckb); Mahmudi et al. 2019, Automated Kurdish Text Normalization",
        written_in(*KURDISH),
        HEH,
        _KURDISH_HEH,
        default=False,
    ),
    Rule(
        "uyghur_letters",
        "KEHEH, FARSI YEH and HEH in Uyghur, and in Kazakh and Kyrgyz of China, become KAF, YEH or ALEF MAKSURA, "
        "HEH DOACHASHMEE or AE.",
        _CHARTS,
        written_in(*UYGHUR),
        code_point_class((KEHEH, FARSI_YEH, HEH)),
        _uyghur_letters,
    ),
    Rule(
        "arabic_letters",
        "KEHEH and, inside a word, FARSI YEH become the KAF and YEH of Arabic; at the end of a word FARSI YEH may "
        "stand for either yeh and stays.",
        _CHARTS,
        written_in(*ARABIC),
        code_point_class((KEHEH, FARSI_YEH)),
        _arabic_letters,
    ),
    _letter_rule(
        "persian_letters",
        "KAF and YEH of an Arabic keyboard become KEHEH and FARSI YEH: Persian and its neighbours, Kurdish, Balochi.",
        _CHARTS,
        (*PERSIAN, *KURDISH),
        PERSIAN_LETTERS,
    ),
    _letter_rule(
        "urdu_letters",
        "KAF, YEH, HEH and TEH MARBUTA become KEHEH, FARSI YEH, HEH GOAL and TEH MARBUTA GOAL: Urdu, Punjabi, Saraiki.",
        _CHARTS,
        URDU,
        URDU_LETTERS,
    ),
    _letter_rule(
        "kashmiri_letters",
        "KAF and YEH become KEHEH and FARSI YEH; HEH stands for HEH GOAL or HEH DOACHASHMEE, and stays.",
        _CHARTS,
        ("kas_Arab",),
        PERSIAN_LETTERS,
    ),
    _letter_rule(
        "pashto_letters",
        "KAF becomes KEHEH and ALEF MAKSURA FARSI YEH; the five yehs of Pashto stay.",
        _CHARTS,
        ("pus",),
        PASHTO_LETTERS,
    ),
    _letter_rule(
        "sindhi_letters",
        "KAF becomes SWASH KAF, FARSI YEH and ALEF MAKSURA YEH, HEH GOAL HEH; KEHEH is a letter of its own.",
        _CHARTS,
        ("snd_Arab",),
        SINDHI_LETTERS,
    ),
    _letter_rule(
        "uzbek_arabic_kaf",
        "KAF becomes KEHEH in Uzbek of Afghanistan; its yehs are left alone.",
        _CHARTS,
        ("uzb_Arab",),
        {KAF: KEHEH},
    ),
    _letter_rule(
        "jawi_gaf",
        "KAF WITH DOT ABOVE becomes KEHEH WITH DOT ABOVE, the recommended gaf of Malay.",
        "Unicode code charts, Arabic (U+06AC, U+0762)",
        ("msa_Arab",),
        {"\u06ac": "\u0762"},
    ),
    Rule(
        "arabic_tatweel",
        "Elongation between letters is removed; at the edge of a word one tatweel stays (the Hijri sign, prefixes).",
        "Unicode Standard 17, section 9.2 (tatweel)",
        _arabic,
        f"{_LETTER}{_MARK}*{TATWEEL}+(?:{_LETTER}|{TATWEEL})",
        _remove_tatweel,
    ),
    Rule(
        "arabic_hamza",
        "Hamza sequences and letters that Unicode says not to use become those it prefers.",
        _NOT_EMIT,
        _arabic,
        any_of(HAMZA_SEQUENCES),
        _replace(HAMZA_SEQUENCES),
    ),
    Rule(
        "kazakh_high_hamza",
        "Letters with high hamza become the high hamza and a letter.",
        _NOT_EMIT,
        written_in("kaz_Arab", "kir_Arab"),
        any_of(HIGH_HAMZA_SEQUENCES),
        _replace(HIGH_HAMZA_SEQUENCES),
    ),
    Rule(
        "arabic_high_hamza",
        "Letters with high hamza, which are of Kazakh, become ALEF, WAW and YEH WITH HAMZA ABOVE in other languages.",
        "Unicode code charts, Arabic (U+0675 to U+0678: Kazakh)",
        written_in(
            *ARABIC,
            *PERSIAN,
            *KURDISH,
            *URDU,
            "pus",
            *(f"{language}_Arab" for language in _OTHERS_WITH_HAMZA),
        ),
        any_of(HAMZA_LETTERS),
        _replace(HAMZA_LETTERS),
    ),
    Rule(
        "arabic_yeh_hamza",
        "FARSI YEH with a hamza typed as a mark becomes YEH WITH HAMZA ABOVE in a word; at its end it is the ezafe.",
        _NOT_EMIT,
        written_in(*PERSIAN, *KURDISH, *URDU, "pus"),
        _YEH_HAMZA,
        lambda texts, language, script, options: texts.str.replace_all(_YEH_HAMZA, "\u0626$1"),
    ),
    _letter_rule(
        "persian_ezafe",
        "The ligature U+06C0 becomes HEH and HAMZA ABOVE.",
        "Unicode code charts, Arabic (U+06C0)",
        ("fas", "haz"),
        PERSIAN_EZAFE,
    ),
    _letter_rule(
        "urdu_ezafe",
        "The ligature U+06C0 becomes HEH GOAL WITH HAMZA ABOVE.",
        "Unicode code charts, Arabic (U+06C0, U+06C2)",
        URDU,
        URDU_EZAFE,
    ),
    Rule(
        "arabic_harakat",
        "Vowel signs are removed from Arabic, with the signs of the Quran, where the recipe asks for it.",
        "Unicode Standard 17, section 9.2 (tashkil)",
        written_in(*ARABIC),
        code_point_class(ARABIC_SIGNS),
        _strip(ARABIC_SIGNS),
        wanted=lambda options: options.diacritics == "strip",
    ),
    Rule(
        "persian_harakat",
        "Vowel signs are removed from Persian, Urdu, Pashto and Sindhi where the recipe asks for it; never from "
        "languages that spell with them (Kashmiri, Ajami).",
        "Unicode Standard 17, section 9.2 (tashkil)",
        written_in(*PERSIAN, *URDU, "pus", "snd_Arab"),
        code_point_class(HARAKAT),
        _strip(HARAKAT),
        wanted=lambda options: options.diacritics == "strip",
    ),
)
