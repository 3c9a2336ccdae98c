"""What readers and the Hub call a language: name, autonym, BCP 47 tag, the code in Hub metadata."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from schemas.language import NO_LINGUISTIC_CONTENT, UNDETERMINED, language_name, one_code, parse_label, to_iso639_3

# Scripts whose orthographies put no spaces between words: those of line-breaking class SA (UAX #14), the
# South-East Asian ones of classes AK and AS, Tibetan (a mark ends each syllable), the East Asian ones but Hangul,
# and old scripts written in one run or with dividers of their own. The passages of gflanguages in these scripts run
# for 20 letters or more between spaces, or are spaced by syllable or phrase; Braille has a blank of its own.
_UNSPACED_SCRIPTS = frozenset(
    {
        *("Thai", "Laoo", "Khmr", "Mymr", "Tale", "Talu", "Lana", "Tavt", "Ahom"),
        *("Bali", "Java", "Kawi", "Batk", "Maka", "Diak", "Bhks", "Tibt"),
        *("Hani", "Hans", "Hant", "Jpan", "Hira", "Kana", "Hrkt", "Bopo", "Yiii", "Tang", "Nshu"),
        *("Egyp", "Xsux", "Xpeo", "Sarb", "Samr", "Orkh", "Runr", "Hung", "Lyci", "Cari", "Khoj", "Brai"),
    }
)
# Orthographies that put spaces between syllables: a count of runs would be one of syllables.
_SYLLABLE_SPACED_LANGUAGES = frozenset({("vie", "Latn"), ("lis", "Lisu")})


def words_are_spaced(label: str) -> bool:
    """Tell whether white space separates words in a language and script, so that counting runs counts words.

    >>> words_are_spaced("eus_Latn"), words_are_spaced("khm_Khmr"), words_are_spaced("vie_Latn")
    (True, False, False)
    """
    language, script = parse_label(label)
    return script not in _UNSPACED_SCRIPTS and (language, script) not in _SYLLABLE_SPACED_LANGUAGES


class LanguageFacts(NamedTuple):
    """Names and codes of a language in a script."""

    label: str  # uig_Arab
    name: str  # Uyghur
    autonym: str | None  # as its writers call it, in this script; null if not known
    script_name: str  # Arabic
    hub_code: str  # ug: ISO 639-1, or ISO 639-3 where there is none
    tag: str  # ug-Arab: BCP 47


@cache
def _names() -> dict[tuple[str, str], tuple[str, str]]:
    """Name and autonym by ISO 639-3 code and script; members of a macrolanguage stand in for it where it has none."""
    from gflanguages import LoadLanguages

    found: dict[tuple[str, str], tuple[str, str]] = {}
    stand_ins: dict[tuple[str, str], tuple[str, str]] = {}
    for _, entry in sorted(LoadLanguages().items()):
        if code := to_iso639_3(entry.language):
            # The first entry of a language and script is the plain one; others add a region or a variety.
            names = entry.name, re.sub(r"\s*[(\uff08][^()\uff08\uff09]*[)\uff09]$", "", entry.autonym)
            found.setdefault((code, entry.script), names)
            stand_ins.setdefault((one_code(code), entry.script), names)
    return stand_ins | found


@cache
def _script_names() -> dict[str, str]:
    from gflanguages import LoadScripts

    return {code: script.name for code, script in LoadScripts().items()}


@cache
def language_facts(label: str) -> LanguageFacts:
    """Look up a `language_Script` label; unknown languages are called by their code.

    >>> language_facts("uig_Arab").tag, language_facts("nob_Latn").hub_code, language_facts("ady_Cyrl").hub_code
    ('ug-Arab', 'nb', 'ady')
    """
    from iso639 import Lang
    from iso639.exceptions import InvalidLanguageValue

    language, script = parse_label(label)
    known = _names()
    name, autonym = known.get((language, script)) or known.get((one_code(language), script)) or ("", "")
    try:
        short = Lang(language).pt1 or language
    except InvalidLanguageValue:
        short = language
    special = language in (UNDETERMINED, NO_LINGUISTIC_CONTENT)
    script_name = _script_names().get(script, "no letters" if script == "Zyyy" else script)
    return LanguageFacts(
        label,
        language_name(language) if special or not name else name,
        autonym or None,
        script_name,
        short,
        f"{short}-{script}",
    )
