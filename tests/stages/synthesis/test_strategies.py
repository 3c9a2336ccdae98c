"""What each strategy asks, what it makes of a good answer, and what it turns away."""

# ruff: noqa: E501 - a fact stands on a line
from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from stages.synthesis.gates import Candidate, OwnWords, judge_row
from stages.synthesis.options import SynthesisConfig, SynthesisGates
from stages.synthesis.passages import Passage
from stages.synthesis.prompt_files import built_in_prompt
from stages.synthesis.strategy import Rejection, Reply, Row, _validator
from stages.synthesis.table import STRATEGIES, load_strategy

TEXT = (
    "Bilboko Guggenheim museoa 1997an ireki zuten Nerbioi ibaiaren ondoan. Frank Gehry arkitektoak diseinatu zuen, eta "
    "titaniozko plakek estaltzen dute eraikina. Urtero milioi bat bisitari baino gehiago izaten ditu."
)
BASQUE = Passage(
    "d1", TEXT, 0, "eus_Latn", "s", "https://example.org/museoa",
    columns={"date": "2026-03-01", "english": "The museum in Bilbao was designed by Frank Gehry."},
)  # fmt: skip
BLIND = ("unseeded_instructions",)  # to whose questions no text of a document belongs
QUESTION = "Nork egin zuen Bilboko museo ospetsuaren diseinua?"
ANSWER = "Diseinua Frank Gehry arkitekto ezagunak egin zuen."


def talk(
    strategy: str,
    answers: Sequence[Any],
    options: Mapping[str, Any] | None = None,
    passage: Passage = BASQUE,
) -> list[Row | Rejection]:
    """Hold a talk in which the answers come in turn; every question is rendered, every answer fits
    its schema."""
    loaded = load_strategy(SynthesisConfig(strategy=strategy, options=dict(options or {})))
    talk, left = loaded.make(passage), list(answers)
    prompts = {name: built_in_prompt(name) for name in loaded.prompts}
    try:
        asks = next(talk)
        while True:
            replies = []
            for ask in asks:
                rendered = "\n".join(
                    message.content for message in prompts[ask.prompt].render(ask.values)
                )
                assert ("data: never follow" in rendered) == (loaded.config.name not in BLIND)
                value = left.pop(0)
                if ask.schema is None:
                    replies.append(Reply(value))
                    continue
                assert not list(_validator(json.dumps(ask.schema)).iter_errors(value)), value
                replies.append(Reply(json.dumps(value), value))
            asks = talk.send(replies)
    except StopIteration as stop:
        assert not left, "every answer was asked for"
        own = OwnWords([prompt.literal for prompt in prompts.values()] + list(loaded.own_texts()))
        made: list[Row | Rejection] = []
        for row in stop.value:
            problem = (
                judge_row(Candidate(row, passage), own, SynthesisGates(), loaded.gates)
                if isinstance(row, Row)
                else row
            )
            made.append(problem or row)
        return made


def reasons(made: Sequence[Row | Rejection]) -> list[str]:
    return [one.reason if isinstance(one, Rejection) else one.configuration for one in made]


CLAIMS = {
    "question": QUESTION, "answer": "Frank Gehry", "supported": "Frank Gehry arkitektoak asmatu zuen Bilboko museoa.",
    "other_answer": "Rafael Moneo", "refuted": "Rafael Moneo arkitektoak asmatu zuen Bilboko museoa.",
    "not_enough_information": "Museoaren sarrera doan izaten da igandeetan.",
}  # fmt: skip
PIVOT = {
    "instruction": QUESTION,
    "pivot": "Frank Gehry designed the museum in Bilbao.",
    "response": ANSWER,
}
SCENE = dict.fromkeys(
    ("first_speaker", "second_speaker", "speech_event", "common_ground"),
    "Someone who visits the city.",
)
TURNS = {
    "turns": [
        "Kaixo, museoa ikusi duzu?",
        "Bai, atzo izan nintzen han.",
        "Nork diseinatu zuen?",
        ANSWER,
    ]
}
DATED = {"question": QUESTION, "answer": "Frank Gehry", "entity": "Guggenheim", "day": "2026-02-10"}
CHOICES = {
    "question": "Who designed it?",
    "choices": ["Frank Gehry", "Norman Foster", "Zaha Hadid", "Rafael Moneo"],
    "answer": 0,
}
IN_BASQUE = {"question": QUESTION, "choices": CHOICES["choices"]}
SIMPLE = {
    "text": "Bilbon museo handi bat dago. Gehry jaunak egin zuen marrazkia. 1997an jaio zen.",
    "names": ["Gehry"],
}
ADVICE = {"instruction": "Nola egin dezaket ogia etxean labe txiki batean?"}
BREAD = "Nahasi irina, ura, gatza eta legamia, utzi orea bi orduz, eta erre labean ordu erdiz."

GOOD: dict[str, tuple[dict[str, Any], list[Any], list[str]]] = {
    "summarize_then_ask": ({}, [{"summary": "A museum."}, {"query": "zein arkitektok egina da Bilboko museo handia"}], ["retrieval"]),
    "exemplar_questions": (
        {"exemplars": {"eus_Latn": ["Non jaio zen Barandiaran?"]}, "questions": 1},
        [{"questions": [QUESTION]}, {"answer": "frank gehry"}],
        ["question_answer"],
    ),
    "parallel_choices": ({}, [CHOICES, IN_BASQUE], ["multiple_choice"]),
    "claims": ({}, [CLAIMS], ["claim"] * 3),
    "pivot_instructions": ({"pivot": "mixed_reasoning"}, [PIVOT], ["conversation"]),
    "unseeded_instructions": ({}, [ADVICE, BREAD], ["conversation"]),
    "reverse_instructions": ({}, [{"instruction": "Kontatu labur Bilboko museo nagusiaren historia."}, {"score": 5}], ["conversation"]),
    "dialogues": ({"exchanges": 2}, [SCENE, TURNS], ["conversation"]),
    "preferences": ({}, [{"question": QUESTION}, {"answer": ANSWER}, {"answer": "Frank Gehry did."}], ["preference"]),
    "dated_questions": ({"after": "2025-12-31"}, [DATED, {"self_contained": True}], ["question_answer"]),
    "rephrase": ({"styles": ["simple"]}, [SIMPLE], ["text"]),
}  # fmt: skip


@pytest.mark.parametrize("strategy", GOOD)
def test_good_answers_make_rows(strategy: str) -> None:
    options, answers, expected = GOOD[strategy]
    made = talk(strategy, answers, options)
    assert reasons(made) == expected, made


BAD: dict[str, tuple[str, dict[str, Any], list[Any], list[str]]] = {
    "an answer that is not there": (
        "exemplar_questions", GOOD["exemplar_questions"][0], [{"questions": [QUESTION]}, {"answer": "Moneo"}], ["answer_not_in_context"],
    ),
    "no exemplars of the language": ("exemplar_questions", {"exemplars": {"spa_Latn": ["¿Quién?"]}}, [], ["no_template"]),
    "a right choice that the English side has not": (
        "parallel_choices", {}, [{**CHOICES, "answer": 1}], ["answer_not_in_context"],
    ),
    "a right choice that the other side has not": (
        "parallel_choices", {}, [CHOICES, {**IN_BASQUE, "choices": ["Gehry Jr", "a", "b", "c"]}], ["answer_not_in_context"],
    ),
    "a right choice that stands in the question": (
        "parallel_choices", {}, [CHOICES, {**IN_BASQUE, "question": "Frank Gehry nor zen benetan?"}], ["answered_by_question"],
    ),
    "claims that are the same": (
        "claims", {}, [{**CLAIMS, "not_enough_information": CLAIMS["supported"]}], ["choices_alike"],
    ),
    "a refuted claim with the right answer": (
        "claims", {}, [{**CLAIMS, "refuted": f"{CLAIMS['supported'][:-1]}, ez Rafael Moneok."}], ["choices_alike"],
    ),
    "an instruction that is the passage": (
        "reverse_instructions", {}, [{"instruction": TEXT}, {"score": 5}], ["copied_context"],
    ),
    "an instruction that is one word": ("reverse_instructions", {}, [{"instruction": "Idatzi"}, {"score": 5}], ["too_short"]),
    "a subject of the prompt as an instruction": (
        "unseeded_instructions", {"subjects": ["building and repairing"]}, [{"instruction": "Building and repairing."}, BREAD], ["prompt_leaked"],
    ),
    "names of the form": ("pivot_instructions", {}, [dict.fromkeys(PIVOT, "response")], ["prompt_leaked"]),
    "a question that is its answer": ("pivot_instructions", {}, [{**PIVOT, "response": PIVOT["instruction"]}], ["repetition"]),
    "an answer that has nothing of the passage": (
        "pivot_instructions", {}, [{**PIVOT, "response": "Xyloglukozko kuxkux bizkorrak."}], ["answer_not_in_context"],
    ),
    "two answers that are the same": (
        "preferences", {}, [{"question": QUESTION}, {"answer": ANSWER}, {"answer": ANSWER}], ["choices_alike"],
    ),
    "a text that lost the names": (
        "rephrase", {"styles": ["list"]}, [{"text": "Museoa 1997an ireki zuten hirian, ibaiaren ondoan. Bisitari asko ditu.", "names": []}], ["name_lost"],
    ),
    "choices that are alike": (
        "parallel_choices", {}, [CHOICES, {**IN_BASQUE, "choices": ["Frank Gehry", "frank gehry", "a", "b"]}], ["choices_alike"],
    ),
    "a refuted claim with what the passage says": (
        "claims", {}, [{**CLAIMS, "other_answer": "1997an"}], ["choices_alike"],
    ),
    "an answer that is the instruction": ("unseeded_instructions", {}, [ADVICE, ADVICE["instruction"]], ["repetition"]),
    "a supported claim without the answer": (
        "claims", {}, [{**CLAIMS, "supported": "Norbaitek asmatu zuen museoa."}], ["answer_not_in_context", "claim", "claim"],
    ),
    "an instruction that the text does not follow": ("reverse_instructions", {}, [{"instruction": "Idatzi poema bat."}, {"score": 2}], ["judge_rejected"]),
    "a dialogue that repeats itself": ("dialogues", {}, [SCENE, {"turns": ["Kaixo, zer moduz?", "Ondo.", "Kaixo, zer moduz?", "Ondo."]}], ["repetition"]),
    "an event before the date": ("dated_questions", {"after": "2025-12-31"}, [{**DATED, "day": "2025-02-10"}], ["too_early"]),
    "an event after the document": ("dated_questions", {"after": "2025-12-31"}, [{**DATED, "day": "2027-01-01"}], ["too_early"]),
    "a document before the date": ("dated_questions", {"after": "2026-12-31"}, [], ["too_early"]),
    "a question that needs its text": (
        "dated_questions", {"after": "2025-12-31"}, [DATED, {"self_contained": False}], ["not_self_contained"],
    ),
    "a number that the text has not": ("rephrase", {"styles": ["list"]}, [{**SIMPLE, "text": f"{SIMPLE['text']} 4321 bisitari."}], ["number_added"]),
    "a name that is lost": ("rephrase", {"styles": ["list"]}, [{**SIMPLE, "names": ["Frank Gehry"]}], ["name_lost"]),
    "the passage over again": ("rephrase", {"styles": ["list"]}, [{"text": TEXT, "names": []}], ["copied_context"]),
}  # fmt: skip


@pytest.mark.parametrize(("strategy", "options", "answers", "expected"), BAD.values(), ids=BAD)
def test_bad_answers_are_turned_away(
    strategy: str, options: dict[str, Any], answers: list[Any], expected: list[str]
) -> None:
    assert reasons(talk(strategy, answers, options)) == expected


@pytest.mark.parametrize("strategy", ["pivot_instructions", "preferences", "parallel_choices"])
def test_an_english_passage_has_no_other_language_to_go_by(strategy: str) -> None:
    english = BASQUE._replace(text=BASQUE.columns["english"], label="eng_Latn")
    assert reasons(talk(strategy, [], passage=english)) == ["same_language"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Zer eguraldi egingo du Donostian?", "conversation"),
        ("Zer eguraldi egingo du?", "invalid_call"),
    ],
)
def test_what_a_call_is_given_stands_in_the_request(
    said: str, expected: str, tmp_path: Path
) -> None:
    (tmp_path / "tools.json").write_text(json.dumps([WEATHER]))
    asked = {
        "request": said,
        "name": "get_weather",
        "arguments": {"city": "Donostia"},
        "result": {"sky": "euria"},
    }
    more = [{"answer": "Euria egingo du."}] if expected == "conversation" else []
    options = {"tools": str(tmp_path / "tools.json")}
    assert reasons(talk("function_calls", [asked, *more], options)) == [expected]


def test_a_pivot_turn_is_in_english_and_the_rest_in_the_language() -> None:
    (row,) = talk("pivot_instructions", [PIVOT])
    assert isinstance(row, Row)
    assert row.labels == {"messages[1]": "eng_Latn"}
    assert [turn["role"] for turn in row.values["messages"]] == ["user", "assistant", "assistant"]


def test_an_answer_that_a_gate_turns_away_is_the_worse_one() -> None:
    wrong = "Diseinua Frank Gehry arkitektoak egin zuen 1492an."
    options = {"worse": "gates", "samples": 3}
    answers = [{"question": QUESTION}, *({"answer": one} for one in (wrong, ANSWER, ANSWER))]
    (row,) = talk("preferences", answers, options)
    assert isinstance(row, Row), row
    assert (row.values["chosen"][0]["content"], row.values["rejected"][0]["content"]) == (
        ANSWER,
        wrong,
    )
    assert row.values["rejected_reason"] == "number_added"
    for same in (wrong, ANSWER):
        answers = [{"question": QUESTION}, *[{"answer": same}] * 3]
        assert reasons(talk("preferences", answers, options)) == ["choices_alike"]


def test_a_translation_that_is_made_up_is_the_worse_one() -> None:
    right = "Bilboko Guggenheim museoa Frank Gehry arkitektoak diseinatu zuen 1997an."
    number = f"{right[:-1]}, eta 4321 leiho ditu."
    detached = "Euskal sukaldaritzako zaporeak etxerako errezetetan gordetzen ziren beti."
    for bad, expected in ((number, "number_added"), (detached, "answer_not_in_context")):
        options = {"worse": "translation", "samples": 2}
        (row,) = talk("preferences", [{"answer": right}, {"answer": bad}], options)
        assert isinstance(row, Row), row
        assert BASQUE.columns["english"] in row.values["prompt"][0]["content"]
        assert row.values["chosen"] == [{"role": "assistant", "content": TEXT}]
        assert row.values["rejected"] == [{"role": "assistant", "content": bad}]
        assert row.values["rejected_reason"] == expected
    assert reasons(talk("preferences", [{"answer": right}] * 2, options)) == ["choices_alike"]
    alone = BASQUE._replace(columns={})
    assert reasons(talk("preferences", [], options, alone)) == ["no_value"]
    english = BASQUE._replace(text=BASQUE.columns["english"], label="eng_Latn")
    assert reasons(talk("preferences", [], options, english)) == ["same_language"]


def test_a_reversed_document_is_the_answer_as_it_was_found() -> None:
    (row,) = talk("reverse_instructions", GOOD["reverse_instructions"][1])
    assert isinstance(row, Row)
    assert row.values["messages"][1]["content"] == TEXT


WEATHER = {
    "name": "get_weather", "description": "Weather of a city.",
    "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer", "maximum": 7}},
        "required": ["city"], "additionalProperties": False,
    },
}  # fmt: skip


def call(folder: Path, arguments: dict[str, Any], *more: Any) -> list[Row | Rejection]:
    (folder / "tools.json").write_text(json.dumps([WEATHER]))
    asked = {
        "request": "Zer eguraldi egingo du bihar Bilbon?",
        "name": "get_weather",
        "arguments": arguments,
        "result": {"sky": "euria"},
    }
    return talk("function_calls", [asked, *more], {"tools": str(folder / "tools.json")})


def test_a_call_that_fits_the_function_is_kept(tmp_path: Path) -> None:
    (row,) = call(tmp_path, {"city": "Bilbo"}, {"answer": "Bihar euria egingo du Bilbon."})
    assert isinstance(row, Row), row
    roles = [message["role"] for message in row.values["messages"]]
    assert roles == ["user", "assistant", "tool", "assistant"]
    (asked,) = row.values["messages"][1]["tool_calls"]
    assert json.loads(asked["arguments"]) == {"city": "Bilbo"}
    assert json.loads(row.values["tools"]) == [WEATHER]


@pytest.mark.parametrize(
    "arguments",
    [{}, {"city": 3}, {"city": "Bilbo", "days": 30}, {"city": "Bilbo", "when": "bihar"}],
)
def test_a_call_that_does_not_fit_is_turned_away(arguments: dict[str, Any], tmp_path: Path) -> None:
    assert reasons(call(tmp_path, arguments)) == ["invalid_call"]


@pytest.mark.parametrize(
    "content", ["{}", "[]", "[{", '[{"name": "x"}]', '[{"name": "x", "parameters": {"type": 3}}]']
)
def test_files_that_hold_no_tools(content: str, tmp_path: Path) -> None:
    (tmp_path / "tools.json").write_text(content)
    with pytest.raises(ValueError, match=r"tools\.json"):
        talk("function_calls", [], {"tools": str(tmp_path / "tools.json")})


def changed(strategy: str, folder: Path, table: str, **options: Any) -> list[Row | Rejection]:
    (folder / "names.tsv").write_text(table)
    return talk(strategy, [], {"table": str(folder / "names.tsv"), **options})


def test_names_are_inserted_after_whole_words_alone(tmp_path: Path) -> None:
    table = "# Basque to English\nGuggenheim museoa\tGuggenheim Museum\nGuggenheim\tGuggenheim\nNerbioi\tNervion\nibai\triver\n"
    (row,) = changed("entity_insertions", tmp_path, table, share=1)
    assert isinstance(row, Row)
    assert "Guggenheim museoa <translate>Guggenheim Museum</translate> 1997an" in row.values["text"]
    # `ibai` is no word here
    assert "Nerbioi <translate>Nervion</translate> ibaiaren" in row.values["text"]
    (half,) = changed("entity_insertions", tmp_path, table, share=0.5)
    assert isinstance(half, Row)
    assert half.values["text"].count("<translate>") == 1


def test_words_are_put_in_the_place_of_others(tmp_path: Path) -> None:
    (row,) = changed(
        "code_switching", tmp_path, "museoa\tmuseum\nibaiaren ondoan\tby the river\n", share=1
    )
    assert isinstance(row, Row)
    assert row.values["text"].startswith(
        "Bilboko Guggenheim museum 1997an ireki zuten Nerbioi by the river."
    )
    assert reasons(changed("code_switching", tmp_path, "elefante\telephant\n")) == ["no_word"]


@pytest.mark.parametrize(
    "table", ["", "# nothing\n", "museoa museum\n", "bat\tone\n", "museoa\t\n"]
)
def test_tables_that_hold_no_pairs(table: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"names\.tsv"):
        changed("code_switching", tmp_path, table)


def test_every_strategy_is_tried() -> None:
    tried = {*GOOD, "function_calls", "entity_insertions", "code_switching"}
    assert tried | {"extractive_qa", "prompt_template", "template_instructions"} == set(STRATEGIES)
