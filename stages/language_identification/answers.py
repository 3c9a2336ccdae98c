"""What a model can answer: its languages, and the scripts that they are known in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from schemas.language import language_name, macrolanguage, one_label, parse_label
from schemas.language_groups import group_of
from stages.language_identification.calibration import Calibration, load_calibration
from stages.language_identification.labels import same_script


class Answers(NamedTuple):
    """The languages that a model can answer, and the labels that are known of them (of some none:
    any script)."""

    languages: frozenset[str]
    labels: frozenset[str]

    def possible(self, label: str) -> bool:
        """Tell whether a document can get this label (as `one_label` has it)."""
        language, script = parse_label(label)
        scripts = [known[4:] for known in self.labels if known[:3] == language]
        return language in self.languages and (
            not scripts or any(same_script(script, own) for own in scripts)
        )

    def nearest(self, label: str, count: int = 3) -> list[str]:
        """Return possible labels for one that is not: of the language, its macrolanguage, or one of
        a like name."""
        language, script = parse_label(label)
        there = sorted(known for known in self.labels if known[:3] in self.languages)
        if same := [known for known in there if known[:3] == language]:
            return same[:count]
        wider = f"{macrolanguage(language)}_{script}"
        names = {
            language_name(known[:3]): known for known in there if same_script(known[4:], script)
        }
        close = [
            names[name] for name in get_close_matches(language_name(language), sorted(names), count)
        ]
        above = [wider] if wider in there else []
        return list(dict.fromkeys([*above, *close, *get_close_matches(label, there, count, 0.8)]))[
            :count
        ]

    def problem(self, label: str) -> str | None:
        """Say why no document can get this label, with the nearest that one can; None if one
        can."""
        if self.possible(one_label(label)):
            return None
        nearest = self.nearest(one_label(label))
        offer = (
            f"the nearest it can are {', '.join(nearest)}"
            if nearest
            else "see `glotmill languages`"
        )
        return f"no document can be labelled {label}: the model does not answer it; {offer}"


class LanguageRow(NamedTuple):
    """A label that a model can answer, its name and group, and how documents of ten passages did.

    The documents are those of `tests.benchmarks.language_identification --apart --figures`:
    messages, manuals and the Declaration, by a table that has seen none of them.
    """

    label: str
    name: str
    group: str | None
    right: float | None  # share of documents published under the label; None: not measured
    lost: float | None  # share of those whose best label is right that are published as `und`
    remark: str | None


def expected_precisions(documents: Mapping[str, int]) -> dict[str, float]:
    """Return, for each label that documents have, the share of them that are expected to be in it.

    precision = x r / (x r + (1 - x) f), where r is the share of the documents in a language that
    get its label, f that of all others that get it, and x the share of documents that are in the
    language. r and f are those of the benchmark (`measured.json`), f for the mix of labels that
    these documents have, and x follows from the share of documents with the label, x r + (1 - x) f.
    What the benchmark has no text of can only be worse. A label that no text of the benchmark got
    (Wu, always taken for Chinese) says nothing of how many there are. For the cascade alone.

    >>> found = expected_precisions({"kbd_Cyrl": 90, "ady_Cyrl": 10})  # two in five Adyghe texts are called so
    >>> {label: round(share, 2) for label, share in found.items()}
    {'ady_Cyrl': 1.0, 'kbd_Cyrl': 0.93}
    """
    measured = _measured()
    total = sum(documents.values())
    found = {}
    for label, count in sorted(documents.items()):
        right = (measured[label][0] or 0.0) if label in measured else 0.0
        if not right:
            continue
        false = sum(
            number / (total - count) * measured[other][2].get(label, 0.0)
            for other, number in documents.items()
            if other != label and other in measured and measured[other][0]
        )
        share = min(max((count / total - false) / max(right - false, 1e-9), 0.0), 1.0)
        labelled = share * right + (1 - share) * false
        found[label] = share * right / labelled if labelled else 0.0
    return found


SELDOM = 0.5


def seldom_given(label: str) -> str | None:
    """Say what documents in a label's language are called instead, if the cascade gives fewer than
    half of them the label on the benchmark; None if it gives more, or nothing was measured.

    >>> seldom_given("eus_Latn") is None, (seldom_given("srp_Latn") or "").split(";")[-1]
    (True, ' hbs_Latn stands for all of the group')
    """
    right, _, taken = _measured().get(label, (None, None, {}))
    if right is None or right >= SELDOM:
        return None
    others = sorted(taken.items(), key=lambda other: (-other[1], other[0]))[:3]
    called = ", ".join(f"{other} {share:.0%}" for other, share in others)
    group = group_of(label)
    return (
        f"identification gives {label} to {right:.0%} of the documents in it"
        + (f"; others get {called}" if called else "")
        + (f"; {group} stands for all of the group" if group else "")
    )


@cache
def _measured() -> dict[str, tuple[float | None, float | None, dict[str, float]]]:
    """Read, by label, the shares of documents right, of right ones lost, and of those that get
    another label."""
    rows = json.loads(files(__package__).joinpath("measured.json").read_text("utf-8"))
    return {label: (right, lost, taken) for label, (right, lost, taken) in rows.items()}


# What agreement of passages cannot see: texts in these are taken for another language, with a high
# score.
NO_ANSWER = {
    "bos_Cyrl": "Bosnian in Cyrillic script is taken for Serbian",
    "bpy_Beng": "Bishnupriya is taken for Bengali",
    "ckb_Latn": "Sorani in Latin script is taken for Kurmanji",
    "csw_Cans": "Swampy Cree is taken for Inuktitut",
    "dlg_Cyrl": "Dolgan is taken for Yakut",
    "dty_Deva": "Doteli is taken for Nepali",
    "fit_Latn": "Tornedalen Finnish is taken for Finnish",
    "fkv_Latn": "Kven is taken for Finnish",
    "frc_Latn": "Cajun French is taken for French",
    "gag_Latn": "Gagauz is taken for Turkish",
    "lad_Latn": "Ladino is taken for Spanish",
    "lki_Arab": "Laki is taken for Persian",
    "mey_Arab": "Hassaniya is taken for Arabic",
    "mnc_Mong": "Manchu is taken for Mongolian",
    "nbl_Latn": "Southern Ndebele is taken for Zulu",
    "nde_Latn": "Northern Ndebele is taken for Zulu",
    "ojb_Cans": "Ojibwe is taken for Inuktitut",
    "pcd_Latn": "Picard is taken for Walloon",
    "pnt_Grek": "Pontic is taken for Greek",
    "ryu_Jpan": "Okinawan is taken for Japanese",
    "shi_Arab": "Tashelhit in Arabic script is taken for Arabic",
    "swb_Latn": "Comorian of Mayotte is taken for Swahili",
    "tly_Latn": "Talysh is taken for Azerbaijani",
    "tzm_Latn": "Central Atlas Tamazight in Latin script is taken for Kabyle",
}


def language_list(models: Sequence[str] = ("cascade",)) -> list[LanguageRow]:
    """List the labels that models can answer, sorted; for the cascade also those it is known to
    take for others.

    The models are as a recipe names them: one, or the cascade and then what is added to it, whose
    labels say so.
    """
    with_cascade = models[0] == "cascade"
    if with_cascade:
        found = embedded_answers()
        measured = _measured()
    else:
        from stages.language_identification.fasttext_model import load_fasttext

        found, measured = load_fasttext(models[0]).answers, {}
    added: dict[str, str] = {}
    for path in models[1:]:
        from stages.language_identification.additions import read_addition

        added |= dict.fromkeys(read_addition(path).labels, f"added by {path}")
    more = answers_of((label[:3], label[4:]) for label in added)
    found = Answers(found.languages | more.languages, found.labels | more.labels)
    labels = {label for label in found.labels if found.possible(label)}
    labels |= {
        f"{language}_Zyyy" for language in found.languages - {label[:3] for label in found.labels}
    }
    labels |= NO_ANSWER.keys() if with_cascade else set()
    return [
        LanguageRow(
            label,
            language_name(label[:3]),
            group_of(label),
            None if label in added else measured.get(label, (None, None, {}))[0],
            None if label in added else measured.get(label, (None, None, {}))[1],
            added.get(label)
            or NO_ANSWER.get(label)
            or (_ANY_SCRIPT if label.endswith("_Zyyy") else None),
        )
        for label in sorted(labels)
    ]


_ANY_SCRIPT = "in any script; no text of it was there to calibrate on"


def embedded_answers() -> Answers:
    """Return what the default cascade can answer, without loading its models."""
    return answers_by(load_calibration())


def answers_by(table: Calibration) -> Answers:
    """Return what a cascade with this table can answer."""
    return Answers(
        table.languages, frozenset(label for label in table.known if not label.startswith("*"))
    )


def answers_of(labels: Iterable[tuple[str, str | None]]) -> Answers:
    """Return what a model with these classes (language, script or None) can answer."""
    pairs = list(labels)
    named = frozenset(
        f"{language}_{script}" for language, script in pairs if script not in (None, "Zyyy")
    )
    return Answers(frozenset(language for language, _ in pairs), named)
