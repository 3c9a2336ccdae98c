"""Language and script codes, parsed and checked once: `uzb_Cyrl` is ISO 639-3 and ISO 15924.

Codes come from hostile places (file names, model labels, HTML attributes), and become folder names,
so `parse_label` is the only way in: what it returns is safe to join to a path.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from schemas.written_languages import written_languages

UNDETERMINED = "und"  # ISO 639-3: there is language, nobody can say which
NO_LINGUISTIC_CONTENT = "zxx"  # ISO 639-3: there is no language
COMMON_SCRIPT = "Zyyy"  # ISO 15924: undetermined script

_LABEL = re.compile(r"([a-z]{3})_([A-Z][a-z]{3})")
_LANGUAGE_OR_SCRIPT = re.compile("[a-z]{3}|[A-Z][a-z]{3}")

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


# One code for a language, whatever a source calls it. ISO 639-1 codes, and so the names of web
# pages, data sets and most gold labels (`uz_Cyrl`, `ar_Arab`), are those of macrolanguages, while
# models tend to use the individual language that is nearly always meant. We collapse to the
# macrolanguage's code where one member is its standard language; other members keep their own code
# (`arz` is not `ara`, `yue` not `zho`, `ckb` not `kur`, `azb` not `aze`). Source: the ISO 639-3
# macrolanguage mappings; the choice of members is ours.
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
    "ful": "ffm fub fuc fue fuf fuh fuq fuv",  # written alike; sources say which less often than not
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
# Parts of a writing system, which texts mix.
_ONE_SCRIPT = {"Hang": "Kore", "Hira": "Jpan", "Kana": "Jpan", "Hrkt": "Jpan"}
_ONE_CODE = {
    member: code for code, members in _STANDARD_MEMBERS.items() for member in members.split()
}


def one_code(language: str) -> str:
    """Return the code that this project uses for an ISO 639-3 language; most are their own.

    >>> one_code("uzn"), one_code("cmn"), one_code("yue"), one_code("eus")
    ('uzb', 'zho', 'yue', 'eus')
    """
    return _ONE_CODE.get(language, language)


def stands_for_member(language: str) -> bool:
    """Tell whether a macrolanguage's code is that of one member here, as `msa` is of Standard Malay
    and `hbs` of none.

    >>> stands_for_member("msa"), stands_for_member("hbs")
    (True, False)
    """
    return language in _STANDARD_MEMBERS


class LanguageScript(NamedTuple):
    """A language (ISO 639-3) in a script (ISO 15924), written `uzb_Cyrl`."""

    language: str
    script: str

    def __str__(self) -> str:
        return f"{self.language}_{self.script}"


def parse_label(label: str) -> LanguageScript:
    """Parse `uzb_Cyrl`; anything that is not three small letters, `_`, and a titled script raises
    ValueError.

    >>> parse_label("uzb_Cyrl").script
    'Cyrl'
    >>> parse_label("../etc")
    Traceback (most recent call last):
    ...
    ValueError: language must look like uzb_Cyrl (ISO 639-3, ISO 15924), got '../etc'
    """
    match = _LABEL.fullmatch(label)
    if not match:
        meant = " or ".join(_meant(label))
        offer = f"; did you mean {meant}" if meant else ""
        raise ValueError(
            f"language must look like uzb_Cyrl (ISO 639-3, ISO 15924), got {label!r}{offer}"
        )
    return LanguageScript(match[1], match[2])


def one_label(label: str) -> str:
    """Return the label that this project uses for a language and script: members of macrolanguages
    are mapped.

    So are the parts of Korean and Japanese writing that documents are not told apart by.

    >>> one_label("uzn_Cyrl"), one_label("kmr_Latn"), one_label("yue_Hant"), one_label("kor_Hang")
    ('uzb_Cyrl', 'kur_Latn', 'yue_Hant', 'kor_Kore')
    """
    language, script = parse_label(label)
    return f"{one_code(language)}_{_ONE_SCRIPT.get(script, script)}"


def parse_labels(labels: Iterable[str], problems: Iterable[str] = ()) -> None:
    """Check labels; raises one ValueError with a line for every one that is none, and for every one
    of `problems`, what else is wrong with the same value."""
    found = []
    for label in labels:
        try:
            parse_label(label)
        except ValueError as error:
            found.append(str(error))
    found += problems
    if found:
        raise ValueError("\n".join(found))


def parse_places(places: Iterable[str], problems: Iterable[str] = ()) -> None:
    """Check names of what a value holds for: labels, languages (`uzb`), scripts (`Cyrl`) or `any`;
    raises as `parse_labels` does.

    >>> parse_places(["uzb_Cyrl", "uzb", "Cyrl", "any"])
    >>> parse_places(["Basque"])
    Traceback (most recent call last):
    ...
    ValueError: language must look like uzb_Cyrl (ISO 639-3, ISO 15924), got 'Basque'; did you mean eus_Latn
    """
    parse_labels((name for name in places if not _LANGUAGE_OR_SCRIPT.fullmatch(name)), problems)


def _meant(label: str) -> list[str]:
    """Guess the labels that were meant: `eu`, `eus`, `EUS_latn`, `sr-Cyrl` or `Basque`; none if
    nothing is near.
    """
    if len(label) > 40:
        return []
    first, *rest = re.split(r"[-_@ ]", label.strip())
    named = {"language": first.lower() if len(first) <= 3 else _code_of_name(label)}
    code = to_iso639_3(named["language"]) if named["language"] else None
    if not code:
        return []
    script = next((part.title() for part in rest if re.fullmatch(r"[A-Za-z]{4}", part)), None)
    return [f"{one_code(code)}_{script}"] if script else usual_labels(code)


def usual_labels(code: str) -> list[str]:
    """Return an ISO 639-3 language in the script that most speakers write; of equals in one that
    has its letters listed, else in all of them.

    Source: gflanguages.

    >>> usual_labels("eus")
    ['eus_Latn']
    """
    spoken = [
        ((language.population, language.has_letters), language.script)
        for language in written_languages()
        if one_code(to_iso639_3(language.language) or "") == one_code(code)
    ]
    return [
        f"{one_code(code)}_{own}"
        for own in sorted({own for size, own in spoken if size == max(spoken)[0]})
    ]


def _code_of_name(name: str) -> str | None:
    from iso639 import Lang
    from iso639.exceptions import InvalidLanguageValue

    try:
        return Lang(name.strip().title()).pt3 or None
    except InvalidLanguageValue:
        return None


@cache
def to_iso639_3(code: str) -> str | None:
    """Map an ISO 639-1, -2 or -3 code, or a retired one, to ISO 639-3; None if there is no such
    code.

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
def macrolanguage(code: str) -> str | None:
    """Return the code that this project uses for the macrolanguage of an ISO 639-3 code; None if it
    is in none.

    >>> macrolanguage("ayh"), macrolanguage("eus")
    ('ara', None)
    """
    from iso639 import Lang
    from iso639.exceptions import InvalidLanguageValue

    try:
        above = Lang(code).macro()
    except InvalidLanguageValue:
        return None
    return one_code(above.pt3) if above else None


@cache
def language_name(code: str) -> str:
    """Return the English name of an ISO 639-3 code: the usual one, or that of the standard, or the
    code itself.

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
    """Read the table of names: `languages` by `language_Script` with name and autonym, `scripts` by
    code."""
    table: dict[str, dict[str, Any]] = json.loads(
        resources.files("schemas").joinpath("language_names.json").read_bytes()
    )
    return table


@cache
def _usual_names() -> dict[str, str]:
    """Names by language alone: those of its first script in the alphabet, without what they say of
    the script."""
    names: dict[str, str] = {}
    for label, (name, _) in sorted(names_table()["languages"].items()):
        names.setdefault(label[:3], name.split(" (")[0])
    return names


_SPECIAL_NAMES = {
    UNDETERMINED: "Undetermined",
    NO_LINGUISTIC_CONTENT: "No linguistic content",
    "qbm": "Burmese languages",
    "qcc": "Circassian languages",
    "qcv": "Upper Guinea Creole",
    "qhi": "Hindi and its eastern neighbours",
    "qmd": "Manding languages",
    "qng": "Nguni languages",
    "qnk": "Nkore-Kiga",
    "qrd": "Rwanda-Rundi",
    "qst": "Sotho-Tswana languages",
    "qtb": "Tibetan languages",
}
