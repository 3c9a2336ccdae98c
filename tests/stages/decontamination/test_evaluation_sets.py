"""The registry of evaluation sets, and the texts that are taken out of their rows."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import pytest
from iso639 import iter_langs
from pydantic import ValidationError

from schemas.language import one_code
from stages.decontamination.evaluation_sets import (
    ITEM,
    EvaluationSet,
    evaluation_items,
    evaluation_set,
    known_sets,
    language_code,
)
from stages.decontamination.options import DecontaminationConfig


def taken(
    rows: list[dict[str, Any]], source: EvaluationSet, config: str = "c"
) -> list[tuple[str, str, str | None, str]]:
    items = evaluation_items(pa.Table.from_pylist(rows), source, config, f"{config}/test")
    assert items.schema == ITEM
    assert set(items["part"].to_pylist()) <= {f"{config}/test"}
    return [(r["item"], r["field"], r["language"], r["text"]) for r in items.to_pylist()]


EXAMPLES = {
    "flores_200": ("uzn_Latn", {"id": 7, "sentence": "Gap"}, [("7", "sentence", "uzb", "Gap")]),
    "mlqa": ("mlqa.hi.hi", {"id": "x", "context": "C", "question": "Q"},
             [("x", "context", "hin", "C"), ("x", "question", "hin", "Q")]),
    "tydiqa_goldp": ("secondary_task", {"id": "swahili-12-3", "context": "C", "question": "Q"},
                     [("swahili-12-3", "context", "swa", "C"), ("swahili-12-3", "question", "swa", "Q")]),
    "tydiqa_primary": ("primary_task", {"language": "thai", "question_text": "Q", "document_plaintext": "D"},
                       [("0", "question_text", "tha", "Q")]),
    "xstory_cloze": ("eu", {"story_id": "s", **dict.fromkeys([f"input_sentence_{n}" for n in range(1, 5)]),
                            "sentence_quiz1": "Q", "sentence_quiz2": "R", "answer_right_ending": 1},
                     [("s", "sentence_quiz1", "eus", "Q"), ("s", "sentence_quiz2", "eus", "R")]),
    "tumlu_mini": ("crimean-tatar", {"question": "Q", "choices": ["a", "b"]},
                   [("0", "question", "crh", "Q"), ("0", "choices", "crh", "a"), ("0", "choices", "crh", "b")]),
    "miracl": ("yo", {"query_id": "q", "query": "Q", "positive_passages": [{"text": "P"}, {"text": "R"}]},
               [("q", "query", "yor", "Q"), ("q", "positive_passages.text", "yor", "P"),
                ("q", "positive_passages.text", "yor", "R")]),
    "mmmlu": ("SW_KE", {"Question": "Q", "A": "a", "B": "", "C": " ", "D": None},
              [("0", "Question", "swa", "Q"), ("0", "A", "swa", "a")]),
    "ntrex_128": ("default", {"eng_Latn": "E", "mlt_Latn": "M", "id": "x"},
                  [("0", "eng_Latn", "eng", "E"), ("0", "mlt_Latn", "mlt", "M")]),
}  # fmt: skip

CONFIGS = {
    "global_mmlu: Filipino has three letters": ("global_mmlu", "fil", "fil"),
    "global_mmlu: Yoruba": ("global_mmlu", "yo", "yor"),
    "xwinograd: Japanese": ("xwinograd", "jp", "jpn"),
    "include_44: Basque": ("include_44", "Basque", "eus"),
    "include_44: Macedonian": ("include_44", "North Macedonian", "mkd"),
    "afriqa: questions in Fon": ("afriqa", "fon", "fon"),
    "afriqa_french: asked about French": ("afriqa_french", "fon", "fra"),
    "afriqa_english: asked about English": ("afriqa_english", "yor", "eng"),
    "flores_200: Central Kanuri in Arabic script": ("flores_200", "knc_Arab", "kau"),
}
NOT_READ = {
    "afriqa_french: Yoruba is asked about English": ("afriqa_french", "yor"),
    "flores_200: a pair of languages": ("flores_200", "eng_Latn-eus_Latn"),
    "mlqa: questions about a text in another language": ("mlqa", "mlqa.ar.de"),
    "xcopa: what a machine translated": ("xcopa", "translation-et"),
    "xnli: all languages in one": ("xnli", "all_languages"),
}


@pytest.mark.parametrize(("name", "config", "language"), CONFIGS.values(), ids=CONFIGS.keys())
def test_a_configuration_says_its_language(name: str, config: str, language: str) -> None:
    source = evaluation_set(name)
    assert re.fullmatch(source.configs, config)
    row = dict.fromkeys([*source.fields, *filter(None, [source.item_field])], "x")
    assert {item[2] for item in taken([row], source, config)} == {language}


@pytest.mark.parametrize(("name", "config"), NOT_READ.values(), ids=NOT_READ.keys())
def test_a_configuration_that_is_not_read(name: str, config: str) -> None:
    assert not re.fullmatch(evaluation_set(name).configs, config)


@pytest.mark.parametrize(("name", "example"), EXAMPLES.items(), ids=EXAMPLES.keys())
def test_texts_of_a_known_set(
    name: str, example: tuple[str, dict[str, Any], list[tuple[str, str, str | None, str]]]
) -> None:
    config, row, expected = example
    assert taken([row], evaluation_set(name), config) == expected


def test_every_known_set_can_be_read() -> None:
    assert {"flores_200", "belebele", "xnli", "xquad", "mlqa", "tydiqa_goldp", "sib_200", "afriqa", "tumlu_mini",
            "global_mmlu", "mgsm", "miracl"} <= set(known_sets())  # fmt: skip
    for name, source in known_sets().items():
        assert source.name == name
        assert source.hub
        assert source.splits
        assert re.compile(source.configs)


CODES = {
    "ISO 639-1": ("sw", "swa"),
    "ISO 639-1: English, although there is a language En": ("en", "eng"),
    "ISO 639-1: Hausa, although there is a language Ha": ("ha", "hau"),
    "ISO 639-3: Danish, although there is a language Dan": ("dan_Latn", "dan"),
    "ISO 639-3 of a member": ("uzn", "uzb"),
    "with a script": ("azj_Latn", "aze"),
    "with a region": ("zh-CN", "zho"),
    "in capitals": ("AR", "ara"),
    "an English name": ("indonesian", "ind"),
    "an English name of two words": ("crimean-tatar", "crh"),
    "an English name with a script": ("uyghur-latin", "uig"),
    "an English name of two words with a script": ("crimean-tatar-cyrillic", "crh"),
    "Modern Greek, of INCLUDE": ("Greek", "ell"),
    "Macedonian, of INCLUDE": ("North Macedonian", "mkd"),
    "Japanese, of XWinograd": ("jp", "jpn"),
    "a first word that is no language": ("north", None),
    "a name that ISO 639 gave up, and a code": ("the", "the"),
    "no language": ("default", None),
    "nothing": ("", None),
}


def test_every_code_is_itself() -> None:
    for language in iter_langs():
        for code in filter(None, (language.pt1, language.pt3)):
            assert language_code(code) == one_code(language.pt3), code


@pytest.mark.parametrize(("name", "code"), CODES.values(), ids=CODES.keys())
def test_language_code(name: str, code: str | None) -> None:
    assert language_code(name) == code


OWN = EvaluationSet(name="own", paths=("own.jsonl",), fields=("a.b",), language="eus")


def test_an_id_is_no_text() -> None:
    source = EvaluationSet(name="own", paths=("a.jsonl",), fields=("t",), item_field="key")
    rows: list[dict[str, Any]] = [
        {"t": "Kaixo", "key": "\u1eb9" * 100_000},
        {"t": "Agur", "key": " a\x1b[2J\r\n\u0085b "},
        {"t": "Bai", "key": None},
    ]
    assert [row[0] for row in taken(rows, source)] == ["\u1eb9" * 200, " a [2J b ", "2"]


def test_lists_within_structures_within_lists() -> None:
    rows: list[dict[str, Any]] = [
        {"a": [{"b": ["x", "y"]}, {"b": []}]},
        {"a": []},
        {"a": [{"b": ["z"]}]},
    ]
    assert taken(rows, OWN) == [
        ("0", "a.b", "eus", "x"),
        ("0", "a.b", "eus", "y"),
        ("2", "a.b", "eus", "z"),
    ]


def test_no_rows() -> None:
    table = pa.table({"a": pa.array([], pa.struct([("b", pa.string())]))})
    assert evaluation_items(table, OWN, "c", "c/test").num_rows == 0


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"c": "x"}, "field must be one of c, got 'a.b'"),
        ({"a": {"c": "x"}}, "field must lead to text, got 'a.b'"),
    ],
)
def test_a_missing_field_is_named(row: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        taken([row], OWN)


def test_a_set_of_a_column_a_language_without_such_columns_is_refused() -> None:
    with pytest.raises(
        ValueError,
        match=r"columns must be named by language and script, such as eng_Latn, got \['a'\]",
    ):
        taken([{"a": "x"}], evaluation_set("ntrex_128"))


REFUSED = {
    "neither hub nor paths": ({"name": "a", "fields": ["t"]}, "a must have either hub or paths"),
    "no pattern": (
        {"name": "a", "hub": "o/a", "fields": ["t"], "configs": "("},
        "configs of a must be a regular",
    ),
    "no group": (
        {"name": "a", "hub": "o/a", "fields": ["t"], "language_pattern": "x"},
        "must have a group",
    ),
    "a path as a Hub name": (
        {"name": "a", "hub": "../../x/y", "fields": ["t"]},
        "String should match pattern",
    ),
}


@pytest.mark.parametrize(("entry", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_wrong_description_is_refused(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        EvaluationSet.model_validate(entry)


def test_every_set_that_is_not_known_is_named_with_what_was_likely_meant() -> None:
    with pytest.raises(ValidationError) as caught:
        DecontaminationConfig(evaluation_sets=("flores_201", "belebele", "xnly"))
    lines = [line for line in str(caught.value).splitlines() if "unknown" in line]
    assert [
        "'flores_201', did you mean 'flores_200'?" in lines[0],
        "'xnly', did you mean 'xnli'?" in lines[1],
    ] == [True] * 2


def test_a_recipe_names_sets_of_the_registry_or_describes_its_own() -> None:
    assert DecontaminationConfig(evaluation_sets=("flores_200", OWN)).evaluation_sets == (
        "flores_200",
        OWN,
    )
    with pytest.raises(
        ValidationError,
        match=r"unknown evaluation set 'flores_300', did you mean 'flores_200'\? \(known",
    ):
        DecontaminationConfig(evaluation_sets=("flores_300",))
    with pytest.raises(ValidationError, match="evaluation_sets must name each set once"):
        DecontaminationConfig(evaluation_sets=("mgsm", "mgsm"))
