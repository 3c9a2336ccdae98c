"""Groups of near neighbours: languages in one script that every model takes for each other.

The scores of a group's members add up, so that a document that is surely Bosnian, Croatian or Serbian is not lost
because no one can say which. A group has a label of its own: the ISO 639-3 macrolanguage or ISO 639-5 collection where
there is one, and otherwise a code from ISO 639's range for local use.

Source: the confusion matrix of `tests.benchmarks.language_identification`; a group is a set of languages of which each
is taken for another of the set in over a twentieth of its documents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from schemas.language import LanguageScript

GROUPS: Mapping[str, tuple[str, ...]] = {
    "hbs_Latn": ("bos", "cnr", "hbs", "hrv", "srp"),
    "hbs_Cyrl": ("bos", "cnr", "hbs", "srp"),
    "msa_Latn": ("bjn", "ind", "msa", "zlm", "zsm"),
    "nor_Latn": ("nno", "nob"),
    "qng_Latn": ("nbl", "nde", "ssw", "xho", "zul"),  # Nguni; ISO 639-5 has none
    "qtb_Tibt": ("bod", "dzo", "lbj", "sip"),  # languages written in Classical Tibetan's manner; ISO 639-5 has none
    "fas_Arab": ("fas", "prs"),
    "ful_Latn": ("ful", "fuf", "fub", "fuc", "fue", "fuh", "fuq", "fuv", "ffm"),
    "qst_Latn": ("nso", "sot", "tsn"),  # Sotho-Tswana; ISO 639-5 has none
    "zho_Hani": ("wuu", "yue", "zho"),
    "zho_Hans": ("wuu", "yue", "zho"),
    "zho_Hant": ("wuu", "yue", "zho"),
}


def group_of(label: str) -> str | None:
    """Return the group that a label belongs to, or None.

    >>> group_of("hrv_Latn"), group_of("hrv_Cyrl"), group_of("slv_Latn")
    ('hbs_Latn', None, None)
    """
    language, script = label.split("_")
    return next((g for g, members in GROUPS.items() if g.endswith(script) and language in members), None)


def members_of(group: str) -> tuple[str, ...]:
    """Return the labels of a group's members, none if it is no group."""
    return tuple(str(LanguageScript(member, group[4:])) for member in GROUPS.get(group, ()))


def families(languages: Sequence[str], scripts: Sequence[str]) -> tuple[NDArray[np.int64], list[str | None]]:
    """Number the family of each (language, script), shape (languages, scripts), and name it where it is a group.

    A language without near neighbours is a family of its own; a group is one only where two of its members can be
    answered.
    """
    position = {language: number for number, language in enumerate(languages)}
    numbers = np.arange(len(languages) * len(scripts)).reshape(len(languages), len(scripts))
    names: list[str | None] = [None] * numbers.size
    for group, members in GROUPS.items():
        known = [position[member] for member in members if member in position]
        if group[4:] in scripts and len(known) > 1:
            column = list(scripts).index(group[4:])
            numbers[known, column] = numbers[known[0], column]
            names[numbers[known[0], column]] = group
    return numbers, names
