"""Labels of language models, mapped to the codes of this project.

Models name a class in their own way: `__label__eus_Latn` (GlotLID, OpenLID, NLLB), `__label__eu`
(lid.176), `zh-Hant` (CLD2), `ber-Zber` (fun_langid, after BCP 47). `read_label` turns each into an
ISO 639-3 code, collapsed as `schemas.language.one_code` says, and the script, if the label names
one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from schemas.language import NO_LINGUISTIC_CONTENT, UNDETERMINED, one_code, to_iso639_3

_SEPARATOR = re.compile(r"[-_]")
_SCRIPT = re.compile(r"[A-Z][a-z]{3}")

# Codes that mean one thing in a model and another in ISO 639.
LID_176_CODES: Mapping[str, str] = {
    "als": "gsw",  # Wikipedia's name for Alemannic; ISO 639-3 has Tosk Albanian under it
    "eml": "egl",  # retired; Emilian is the larger half
    "bh": "bho",  # a collection; Wikipedia's is Bhojpuri
    "sh": "hbs",
    "no": "nob",
    "nah": "nah",  # a collection that ISO 639-3 does not have; kept
}
CLD2_CODES: Mapping[str, str] = {
    "sr-ME": "cnr",
    "zh": "zho_Hans",
    "zh-Hant": "zho_Hant",
    "un": UNDETERMINED,
    "xxx": UNDETERMINED,
    "zzb": UNDETERMINED,  # jokes: Bork, Elmer Fudd, Hacker, Pig Latin, Klingon
    "zze": UNDETERMINED,
    "zzh": UNDETERMINED,
    "zzp": UNDETERMINED,
    "tlh": UNDETERMINED,
}
FUN_LANGID_CODES: Mapping[str, str] = {
    "ber": "zgh",  # fun_langid's Berber in Tifinagh and Latin is mostly Standard Moroccan
    "ber-Latn": "kab",
    "zh": "zho_Hans",
    "zh-Hant": "zho_Hant",
}


@cache
def _iso_639_3(code: str) -> str:
    if code in (NO_LINGUISTIC_CONTENT, UNDETERMINED):
        return code
    return one_code(to_iso639_3(code) or UNDETERMINED)


def read_label(label: str, codes: Mapping[str, str] | None = None) -> tuple[str, str | None]:
    """Return (ISO 639-3 code, ISO 15924 code or None); `und` for what is no language code at all.

    `codes` holds a model's own meanings; it is asked first, for the whole label and then for its
    first part.

    >>> read_label("__label__uzn_Cyrl"), read_label("eu"), read_label("zh-Hant"), read_label("nonsense")
    (('uzb', 'Cyrl'), ('eus', None), ('zho', 'Hant'), ('und', None))
    >>> read_label("__label__als"), read_label("__label__als", LID_176_CODES)
    (('sqi', None), ('gsw', None))
    """
    codes = codes or {}
    label = label.removeprefix("__label__")
    label = codes.get(label, label)
    language, *parts = _SEPARATOR.split(label)
    script = next((part for part in parts if _SCRIPT.fullmatch(part)), None)
    return _iso_639_3(codes.get(language, language)), script


# Scripts that one language alone is written in today, as far as texts on the web go. A script
# shared with a smaller language (Georgian with Mingrelian, Lao with Khmu, Ethiopic, Tibetan,
# Hebrew, Greek with its ancient form) is not here. Source: CLDR's language and script data, the
# samples of gflanguages, and the Unicode Standard's script chapters.
ONE_LANGUAGE_SCRIPTS: Mapping[str, str] = {
    "Adlm": "ful",
    "Cher": "chr",
    "Hang": "kor",
    "Java": "jav",
    "Jpan": "jpn",
    "Kore": "kor",
    "Limb": "lif",
    "Lisu": "lis",
    "Mtei": "mni",
    "Nkoo": "nqo",
    "Olck": "sat",
    "Osge": "osa",
    "Rohg": "rhg",
    "Saur": "saz",
    "Sinh": "sin",
    "Sund": "sun",
    "Sylo": "syl",
    "Talu": "khb",
    "Tale": "tdd",
    "Telu": "tel",
    "Thaa": "div",
    "Vaii": "vai",
    "Yiii": "iii",
}

_SAME_SCRIPT = {"Hans": "Hani", "Hant": "Hani", "Kore": "Hang", "Hira": "Jpan", "Kana": "Jpan"}


def same_script(one: str, other: str) -> bool:
    """Tell whether two ISO 15924 codes can name the writing of one text: `Hans` and `Hani`, `Hang`
    and `Kore`."""
    return _SAME_SCRIPT.get(one, one) == _SAME_SCRIPT.get(other, other)


def merged(
    languages: tuple[str, ...], merge: Mapping[str, tuple[str, ...]]
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the languages after merging, and where each of the old ones went.

    >>> merged(("bos", "eus", "hrv"), {"hbs": ("bos", "hrv", "srp")})
    (('eus', 'hbs'), array([1, 0, 1]))
    """
    new_code = {one_code(old): new for new, members in merge.items() for old in members}
    renamed = [new_code.get(language, language) for language in languages]
    names, numbers = np.unique(np.asarray(renamed, np.str_), return_inverse=True)
    return tuple(names.tolist()), numbers
