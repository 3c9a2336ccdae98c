"""Groups of near neighbours: languages in one script that every model takes for each other.

A group has a label of its own: the ISO 639-3 macrolanguage or ISO 639-5 collection where there is
one, and otherwise a code from ISO 639's range for local use (`qaa` to `qtz`).

Members are what texts of packages show (`tests.benchmarks.language_identification --confusions`):
labels that share the score of sentences, so that the sum is sure where neither is, or that are
taken for each other both ways. A language that is taken for a large one with a high score (Asturian
for Spanish) is in no group: adding up would not help it. Added by knowledge, since there was no
text of them: `lbj`, `sip`, `int`, `rki`, `tvn`, `prs`, and most varieties of Arabic and Chinese.
"""

from __future__ import annotations

from collections.abc import Mapping

from schemas.language import LanguageScript, parse_label

GROUPS: Mapping[str, tuple[str, ...]] = {
    "hbs_Latn": ("bos", "cnr", "hbs", "hrv", "srp"),
    "hbs_Cyrl": ("bos", "cnr", "hbs", "srp"),
    "msa_Latn": ("bjn", "ind", "msa", "zlm", "zsm"),
    "nor_Latn": ("nno", "nob"),
    "aka_Latn": ("aka", "fat"),
    "que_Latn": (
        "que",
        "qug",
        "quy",
        "quz",
        "qva",
        "qvc",
        "qvh",
        "qvi",
        "qvm",
        "qvn",
        "qwh",
        "qxn",
        "qxu",
    ),
    "kon_Latn": ("kon", "ktu"),
    "qmd_Latn": ("bam", "dyu", "emk"),  # Manding; ISO 639-5 has none
    "qrd_Latn": ("haq", "kin", "run"),  # Rwanda-Rundi; ISO 639-5 has none
    "qnk_Latn": ("cgg", "nyn"),  # Nkore-Kiga; ISO 639-5 has none
    "qcv_Latn": ("kea", "pov"),  # Upper Guinea Creole; ISO 639-5 has none
    "qcc_Cyrl": ("ady", "kbd"),  # Circassian; ISO 639-5 has none
    # Hindi and its eastern neighbours; ISO 639-5 has none
    "qhi_Deva": (
        "awa",
        "bho",
        "hin",
        "mag",
    ),
    "ara_Arab": ("acm", "afb", "ajp", "apc", "apd", "ara", "arq", "ars", "ary", "arz", "ayl"),
    "qng_Latn": ("nbl", "nde", "ssw", "xho", "zul"),  # Nguni; ISO 639-5 has none
    # languages written in Classical Tibetan's manner; ISO 639-5 has none
    "qtb_Tibt": (
        "bod",
        "dzo",
        "lbj",
        "sip",
    ),
    # Burmese and what is written like it; ISO 639-5 has none
    "qbm_Mymr": (
        "int",
        "mya",
        "rki",
        "tvn",
    ),
    "fas_Arab": ("fas", "prs"),
    "qst_Latn": ("nso", "sot", "tsn"),  # Sotho-Tswana; ISO 639-5 has none
    "zho_Hani": ("cjy", "gan", "hak", "hsn", "nan", "wuu", "yue", "zho"),
    "zho_Hans": ("cjy", "gan", "hak", "hsn", "nan", "wuu", "yue", "zho"),
    "zho_Hant": ("cjy", "gan", "hak", "hsn", "nan", "wuu", "yue", "zho"),
}


def group_of(label: str) -> str | None:
    """Return the group that a label belongs to, or None.

    >>> group_of("hrv_Latn"), group_of("hrv_Cyrl"), group_of("slv_Latn")
    ('hbs_Latn', None, None)
    """
    language, script = parse_label(label)
    return next(
        (g for g, members in GROUPS.items() if g.endswith(script) and language in members), None
    )


def members_of(group: str) -> tuple[str, ...]:
    """Return the labels of a group's members, none if it is no group."""
    return tuple(str(LanguageScript(member, group[4:])) for member in GROUPS.get(group, ()))
