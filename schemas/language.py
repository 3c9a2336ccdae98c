"""Language and script codes, parsed and checked once: `uzb_Cyrl` is ISO 639-3 and ISO 15924.

Codes come from hostile places (file names, model labels, HTML attributes), and become folder names, so
`parse_label` is the only way in: what it returns is safe to join to a path.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

UNDETERMINED = "und"  # ISO 639-3: there is language, nobody can say which
NO_LINGUISTIC_CONTENT = "zxx"  # ISO 639-3: there is no language
COMMON_SCRIPT = "Zyyy"  # ISO 15924: undetermined script

_LABEL = re.compile(r"([a-z]{3})_([A-Z][a-z]{3})")

# Labels that models and sources use and ISO 639-3 does not: collections, retired and private codes.
_REPLACED = {
    "sh": "hbs",
    "iw": "heb",
    "in": "ind",
    "ji": "yid",
    "jw": "jav",
    "mo": "ron",
    "bh": "bho",  # a collection (Bihari); Bhojpuri is what web corpora hold under it
    "eml": "egl",  # retired 2009 into egl and rgn; Emilian is the larger
    "als": "als",  # Tosk Albanian in ISO 639-3; lid.176 means Alemannic and is mapped by its own table
    "no": "nor",
}


# One code for a language, whatever a source calls it. ISO 639-1 codes, and so the names of web pages, data sets and
# most gold labels (`uz_Cyrl`, `ar_Arab`), are those of macrolanguages, while models tend to use the individual
# language that is nearly always meant. We collapse to the macrolanguage's code where one member is its standard
# language; other members keep their own code (`arz` is not `ara`, `yue` not `zho`, `ckb` not `kur`, `azb` not `aze`).
# Source: the ISO 639-3 macrolanguage mappings; the choice of members is ours.
_STANDARD_MEMBERS = {
    "aka": "twi",
    "ara": "arb",
    "aym": "ayr ayc",
    "aze": "azj",
    "bal": "bcc bgn bgp",
    "bik": "bcl",
    "bua": "bxr",
    "chm": "mhr",
    "doi": "dgo",
    "est": "ekk",
    "fas": "pes prs",
    "grn": "gug",
    "iku": "ike",
    "kau": "knc",
    "kok": "gom knn",
    "kom": "kpv",
    "kon": "kng",
    "kur": "kmr",
    "lav": "lvs",
    "mlg": "plt",
    "mon": "khk",
    "msa": "zsm zlm",
    "nep": "npi",
    "ori": "ory",
    "orm": "gaz",
    "pus": "pbt pbu pst",
    "sqi": "als",
    "srd": "src sro",
    "swa": "swh",
    "syr": "aii",
    "uzb": "uzn uzs",
    "yid": "ydd",
    "zha": "zyb",
    "zho": "cmn",
    "zza": "diq kiu",
    # and the other way round, where the member is what everyone writes
    "fil": "tgl",  # Filipino is standardized Tagalog; sources use either code for the same text
    "nob": "nor",  # Norwegian with no further word is Bokmål; Nynorsk says so
    "pnb": "lah",  # Lahnda is a group; what is written under it is Western Punjabi
}
_ONE_CODE = {member: code for code, members in _STANDARD_MEMBERS.items() for member in members.split()}


def one_code(language: str) -> str:
    """Return the code that this project uses for an ISO 639-3 language; most are their own.

    >>> one_code("uzn"), one_code("cmn"), one_code("yue"), one_code("eus")
    ('uzb', 'zho', 'yue', 'eus')
    """
    return _ONE_CODE.get(language, language)


class LanguageScript(NamedTuple):
    """A language (ISO 639-3) in a script (ISO 15924), written `uzb_Cyrl`."""

    language: str
    script: str

    def __str__(self) -> str:
        return f"{self.language}_{self.script}"


def parse_label(label: str) -> LanguageScript:
    """Parse `uzb_Cyrl`; anything that is not three small letters, `_`, and a titled script raises ValueError.

    >>> parse_label("uzb_Cyrl").script
    'Cyrl'
    >>> parse_label("../etc")
    Traceback (most recent call last):
    ...
    ValueError: language must look like uzb_Cyrl (ISO 639-3, ISO 15924), got '../etc'
    """
    match = _LABEL.fullmatch(label)
    if not match:
        raise ValueError(f"language must look like uzb_Cyrl (ISO 639-3, ISO 15924), got {label!r}")
    return LanguageScript(match[1], match[2])


@cache
def to_iso639_3(code: str) -> str | None:
    """Map an ISO 639-1, -2 or -3 code, or a retired one, to ISO 639-3; None if there is no such code.

    >>> to_iso639_3("eu"), to_iso639_3("baq"), to_iso639_3("eus"), to_iso639_3("iw"), to_iso639_3("q9")
    ('eus', 'eus', 'eus', 'heb', None)
    """
    from iso639 import Lang
    from iso639.exceptions import DeprecatedLanguageValue, InvalidLanguageValue

    code = _REPLACED.get(code, code)
    try:
        return Lang(code).pt3 or None
    except DeprecatedLanguageValue as retired:
        return retired.change_to or None
    except InvalidLanguageValue:
        return None


@cache
def language_name(code: str) -> str:
    """Return the English name of an ISO 639-3 code: the usual one, or that of the standard, or the code itself.

    >>> language_name("uig"), language_name("zho"), language_name("und")
    ('Uyghur', 'Chinese', 'Undetermined')
    """
    if code in _SPECIAL_NAMES:
        return _SPECIAL_NAMES[code]
    if code in (usual := _usual_names()):
        return usual[code]
    from iso639 import Lang
    from iso639.exceptions import InvalidLanguageValue

    try:
        return str(Lang(code).name)
    except InvalidLanguageValue:
        return code


@cache
def names_table() -> dict[str, dict[str, Any]]:
    """Read the table of names: `languages` by `language_Script` with name and autonym, `scripts` by code."""
    table: dict[str, dict[str, Any]] = json.loads(
        resources.files("schemas").joinpath("language_names.json").read_bytes()
    )
    return table


@cache
def _usual_names() -> dict[str, str]:
    """Names by language alone: those of its first script in the alphabet, without what they say of the script."""
    names: dict[str, str] = {}
    for label, (name, _) in sorted(names_table()["languages"].items()):
        names.setdefault(label[:3], name.split(" (")[0])
    return names


_SPECIAL_NAMES = {UNDETERMINED: "Undetermined", NO_LINGUISTIC_CONTENT: "No linguistic content"}
