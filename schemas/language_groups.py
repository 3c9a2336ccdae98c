"""Groups of near neighbours: languages in one script that every model takes for each other.

A group has a label of its own: the ISO 639-3 macrolanguage or ISO 639-5 collection where there is one, and otherwise a
code from ISO 639's range for local use (`qaa` to `qtz`).

The choice of members is ours: languages that identification is known to take for each other. It was not derived from
a confusion matrix.
"""

from __future__ import annotations

from collections.abc import Mapping

from schemas.language import LanguageScript, parse_label

GROUPS: Mapping[str, tuple[str, ...]] = {
    "hbs_Latn": ("bos", "cnr", "hbs", "hrv", "srp"),
    "hbs_Cyrl": ("bos", "cnr", "hbs", "srp"),
    "msa_Latn": ("bjn", "ind", "msa", "zlm", "zsm"),
    "nor_Latn": ("nno", "nob"),
    "qng_Latn": ("nbl", "nde", "ssw", "xho", "zul"),  # Nguni; ISO 639-5 has none
    "qtb_Tibt": ("bod", "dzo", "lbj", "sip"),  # languages written in Classical Tibetan's manner; ISO 639-5 has none
    "qbm_Mymr": ("int", "mya", "rki", "tvn"),  # Burmese and what is written like it; ISO 639-5 has none
    "fas_Arab": ("fas", "prs"),
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
    language, script = parse_label(label)
    return next((g for g, members in GROUPS.items() if g.endswith(script) and language in members), None)


def members_of(group: str) -> tuple[str, ...]:
    """Return the labels of a group's members, none if it is no group."""
    return tuple(str(LanguageScript(member, group[4:])) for member in GROUPS.get(group, ()))
