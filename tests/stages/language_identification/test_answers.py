"""A label that no document can get is an error with the nearest that one can."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.catalogue.stage_checks import (
    dropped_kin,
    label_problems,
    labels_meant,
    unmatched_labels,
)
from pipelines.catalogue.stages import Recipe
from schemas.card.funnel import FateCount
from stages.language_identification.additions import Addition
from stages.language_identification.answers import (
    Answers,
    embedded_answers,
    expected_precisions,
    language_list,
)

POSSIBLE = [
    "eus_Latn",
    "kmr_Latn",
    "arb_Arab",
    "pes_Arab",
    "uzn_Cyrl",
    "npi_Deva",
    "zsm_Latn",
    "ekk_Latn",
    "zho_Hani",
]
IMPOSSIBLE = {
    "a script that Basque is not known in": ("eus_Cyrl", "eus_Latn"),
    "a variety that its macrolanguage stands for": ("ayh_Arab", "ara_Arab"),
    "no language": ("qqq_Latn", "glotmill languages"),
}


@pytest.mark.parametrize("label", POSSIBLE)
def test_members_and_macrolanguages_are_possible(label: str) -> None:
    assert embedded_answers().problem(label) is None


@pytest.mark.parametrize(("label", "offer"), IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_impossible_labels_come_with_the_nearest(label: str, offer: str) -> None:
    problem = embedded_answers().problem(label)
    assert problem is not None
    assert offer in problem


def recipe(**stages: object) -> Recipe:
    source = {"name": "a", "format": "text", "paths": ["a.txt"], "licence": "CC0-1.0"}
    corpus = {"name": "c", "licence": "CC0-1.0"}
    return Recipe.model_validate({"corpus": corpus, "sources": [source], **stages})


IDENTIFY = {"stage": "identify_language"}
ANSWERS = Answers(
    frozenset({"eus", "hrv", "srp", "uzb"}),
    frozenset({"eus_Latn", "hrv_Latn", "srp_Latn", "uzb_Cyrl"}),
)
KEEP = {
    "possible": ({}, ["eus_Latn", "uzn_Cyrl"], []),
    "two impossible ones are both named": ({}, ["eus_Cyrl", "fra_Latn"], ["eus_Cyrl", "fra_Latn"]),
    "a group": ({}, ["hbs_Latn"], []),
    "a merged language": (
        {"merge": {"hbs": ["hrv", "srp"]}},
        ["hrv_Latn"],
        ["hrv_Latn is merged into hbs"],
    ),
    "what it is merged into": ({"merge": {"hbs": ["hrv", "srp"]}}, ["hbs_Latn"], []),
    "a merged language that the model lacks": (
        {"merge": {"hbs": ["hrv", "bos"]}},
        ["hbs_Latn"],
        ["answer bos"],
    ),
    "a threshold": ({"thresholds": {"fra_Latn": 0.5}}, ["eus_Latn"], ["fra_Latn"]),
}


@pytest.mark.parametrize(("options", "keep", "named"), KEEP.values(), ids=KEEP.keys())
def test_labels_of_a_recipe(options: dict[str, object], keep: list[str], named: list[str]) -> None:
    found = label_problems(
        recipe(ingest=[IDENTIFY | options, {"stage": "filter_language", "keep": keep}]), ANSWERS
    )
    assert len(found) == len(named)
    assert all(name in problem for name, problem in zip(named, found, strict=True))


def test_transliteration_makes_scripts_that_no_model_answers() -> None:
    chain = [
        IDENTIFY,
        {"stage": "transliterate", "mode": "replace", "schemes": {"uzb_Cyrl": "uzbek_1995"}},
        {"stage": "filter_language", "keep": ["uzb_Latn"]},
    ]
    assert label_problems(recipe(ingest=chain), ANSWERS) == []
    assert len(label_problems(recipe(ingest=[chain[0], chain[2]]), ANSWERS)) == 1


def test_kept_labels_that_nothing_matched_are_named() -> None:
    chain = [IDENTIFY, {"stage": "filter_language", "keep": ["kmr_Latn", "hau_Latn", "hbs_Latn"]}]
    assert unmatched_labels(recipe(ingest=chain), {"kur_Latn", "srp_Latn"}) == ["hau_Latn"]
    assert unmatched_labels(recipe(ingest=[IDENTIFY]), {"eus_Latn"}) == []
    chinese = [IDENTIFY, {"stage": "filter_language", "keep": ["zho_Hans"]}]
    assert unmatched_labels(recipe(ingest=chinese), {"zho_Hani"}) == []
    assert unmatched_labels(recipe(ingest=chinese), {"zho_Hant"}) == ["zho_Hans"]


def test_what_was_dropped_in_the_language_of_a_label_is_counted() -> None:
    def fate(language: str, reason: str, documents: int) -> FateCount:
        return FateCount(
            source="a",
            language=language,
            fate="dropped",
            phase="ingest",
            stage="filter_language",
            reason=reason,
            documents=documents,
        )

    fates = [
        fate("uzb_Latn", "unwanted_language", 3),
        fate("uzb_Latn", "unwanted_language", 2),
        fate("uzb_Cyrl", "too_short", 7),
        fate("kaz_Cyrl", "unwanted_language", 9),
    ]
    assert dropped_kin("uzn_Cyrl", fates) == {"uzb_Latn": 5}
    assert dropped_kin("eus_Latn", fates) == {}


def test_the_plan_says_what_labels_stand_for() -> None:
    chain = [
        IDENTIFY | {"thresholds": {"npi_Deva": 0.7, "eus_Latn": 0.6}},
        {
            "stage": "filter_language",
            "keep": ["npi_Deva", "zho_Hans", "kor_Hang", "eus_Latn", "hbs_Cyrl"],
        },
    ]
    assert list(labels_meant(recipe(ingest=chain))) == [
        "ingest[0] identify_language: npi_Deva stands for nep_Deva",
        "ingest[1] filter_language: npi_Deva stands for nep_Deva",
        "ingest[1] filter_language: zho_Hans stands for zho_Hans, zho_Hani",
        "ingest[1] filter_language: kor_Hang stands for kor_Kore",
        "ingest[1] filter_language: hbs_Cyrl stands for hbs_Cyrl, bos_Cyrl, cnr_Cyrl, srp_Cyrl",
    ]


def test_the_list_says_what_is_answered_and_what_is_taken_for_another() -> None:
    rows = {row.label: row for row in language_list()}
    assert rows["hrv_Latn"].group == "hbs_Latn"
    assert rows["eus_Latn"].right == 1.0
    assert "taken for Zulu" in (rows["nde_Latn"].remark or "")
    assert "eus_Cyrl" not in rows


def test_the_list_has_what_models_add(tmp_path: Path) -> None:
    model = str(tmp_path / "mine.ftz")
    Addition(("nbl_Latn",), (0.0, 1.0), (0.0, 1.0)).write(model)
    rows = {row.label: row for row in language_list(("cascade", model))}
    assert rows["nbl_Latn"].remark == f"added by {model}"
    assert rows["eus_Latn"] in language_list()
    assert len(rows) == len(language_list())  # it was there as taken for Zulu


def test_a_label_that_a_neighbour_leaks_into_is_expected_to_be_impure() -> None:
    little, much = (
        expected_precisions({"kbd_Cyrl": 1000, "ady_Cyrl": adyghe}) for adyghe in (10, 100)
    )
    assert much["kbd_Cyrl"] < little["kbd_Cyrl"] == pytest.approx(0.99, abs=0.01), (
        "two in five Adyghe texts are taken for Kabardian"
    )
    assert little["ady_Cyrl"] == much["ady_Cyrl"] == 1
    assert expected_precisions({"zho_Hans": 90, "wuu_Hans": 10}) == {"zho_Hans": 1.0}, (
        "no Wu text of the benchmark is called so"
    )
    assert expected_precisions({"eus_Latn": 5}) == {"eus_Latn": 1.0}
    assert expected_precisions({"qqq_Latn": 5, "und_Latn": 3}) == {}, (
        "what the benchmark has no text of"
    )
    assert expected_precisions({}) == {}
