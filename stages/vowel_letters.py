"""Tell the vowels of Kurdish and Uyghur from the consonants that an Arabic keyboard has the same
key for.

Both languages write every vowel. On an Arabic keyboard HEH is typed for AE (the vowel) and for HEH
DOACHASHMEE (h), and in Uyghur YEH for ALEF MAKSURA (i) and for YEH (y). Syllables tell them apart:
neither language begins one with two consonants, nor has a vowel after a vowel without HAMZA ON YEH
between. So the letter is a vowel after a consonant, unless a vowel follows; it is a consonant at
the beginning of a word, after a vowel and before one. WAW and YEH, which Kurdish has for vowels and
consonants, count as consonants before the letter and as neither after it.

Sources: Hahn 1991, Spoken Uyghur, section 2 (syllables); Thackston 2006, Sorani Kurdish
(orthography).
"""

from __future__ import annotations

import re

HEH, AE, YEH, ALEF_MAKSURA, HAMZA_ON_YEH = "\u0647", "\u06d5", "\u064a", "\u0649", "\u0626"
_UYGHUR_VOWELS = "\u0627\u0648\u06c7\u06c6\u06c8\u06d0\u0649\u06d5"
_KURDISH_VOWELS = "\u0627\u06c6\u06ce\u06d5"


def _after_consonant(letter: str, vowels: str) -> re.Pattern[str]:
    # What is replaced is no consonant of the next match: of a row of HEH every second one is the
    # vowel.
    return re.compile(rf"([^\W\d_{vowels}][\u064b-\u065f]*){letter}(?![{vowels}])")


_UYGHUR_AE = _after_consonant(HEH, _UYGHUR_VOWELS)
_UYGHUR_I = _after_consonant(YEH, _UYGHUR_VOWELS)
_KURDISH_AE = _after_consonant(HEH, _KURDISH_VOWELS)


def uyghur_ae(text: str) -> str:
    """Write AE for the HEH that stand for it in Uyghur.

    >>> uyghur_ae("\u0645\u0647\u0643\u062a\u0647\u067e") == "\u0645\u06d5\u0643\u062a\u06d5\u067e"  # mektep, school
    True
    >>> uyghur_ae("\u062a\u0647\u0646\u0647\u0627") == "\u062a\u06d5\u0646\u0647\u0627"  # tenha, lonely
    True
    """
    return _UYGHUR_AE.sub(rf"\1{AE}", text)


def uyghur_i(text: str) -> str:
    """Write ALEF MAKSURA for the YEH that stand for i in Uyghur."""
    return _UYGHUR_I.sub(rf"\1{ALEF_MAKSURA}", text)


def kurdish_ae(text: str) -> str:
    """Write AE for the HEH that stand for it in Kurdish.

    >>> kurdish_ae("\u0628\u0647\u0647\u0627\u0631") == "\u0628\u06d5\u0647\u0627\u0631"  # behar, spring
    True
    """
    return _KURDISH_AE.sub(rf"\1{AE}", text)
