"""What readers and the Hub call a language: name, autonym, BCP 47 tag, the code in Hub metadata."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from schemas.language import (
    NO_LINGUISTIC_CONTENT,
    UNDETERMINED,
    language_name,
    names_table,
    one_code,
    parse_label,
)

# written from top to bottom (Unicode Standard 17, sections 13.5 and 14.4)
VERTICAL_SCRIPTS = frozenset({"Mong", "Phag"})


def is_language(label: str) -> bool:
    """Tell whether a `language_Script` names a language: not one that nobody could tell, nor what
    has none.

    >>> is_language("eus_Latn"), is_language("und_Latn"), is_language("zxx_Zyyy")
    (True, False, False)
    """
    return label.partition("_")[0] not in (UNDETERMINED, NO_LINGUISTIC_CONTENT)


class LanguageFacts(NamedTuple):
    """Names and codes of a language in a script."""

    label: str  # uig_Arab
    name: str  # Uyghur
    autonym: str | None  # as its writers call it, in this script; null if not known
    script_name: str  # Arabic
    hub_code: str  # ug: ISO 639-1, or ISO 639-3 where there is none
    tag: str  # ug-Arab: BCP 47


@cache
def language_facts(label: str) -> LanguageFacts:
    """Look up a `language_Script` label; unknown languages are called by their code.

    >>> language_facts("uig_Arab").tag, language_facts("nob_Latn").hub_code, language_facts("ady_Cyrl").hub_code
    ('ug-Arab', 'nb', 'ady')
    """
    language, script = parse_label(label)
    table = names_table()
    known = table["languages"]
    name, autonym = known.get(label) or known.get(f"{one_code(language)}_{script}") or ("", "")
    short = table["two_letter_codes"].get(language, language)
    special = language in (UNDETERMINED, NO_LINGUISTIC_CONTENT)
    script_name = table["scripts"].get(script, "no letters" if script == "Zyyy" else script)
    return LanguageFacts(
        label,
        language_name(language) if special or not name else name,
        autonym or None,
        script_name,
        short,
        f"{short}-{script}",
    )
