"""Records that are translated column by column, with an engine that is a table of words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from stages.engines.engine import Answer, Identity, parse_direction
from stages.translation.options import TranslationConfig
from stages.translation.protection import Protection
from stages.translation.translate import Translated, Translator, translate_documents
from tests.stages.translation.test_translate import batch_of

DIRECTION = "eng_Latn -> spa_Latn"
WORDS = {
    "Ada was born in": "Ada nació en",
    "in 1815.": "en 1815.",
    "London": "Londres",
    "Where was Ada born?": "¿Dónde nació Ada?",
    "When was Ada born?": "¿Cuándo nació Ada?",
    "What is the weather in": "Qué tiempo hace en",
    "tomorrow morning?": "mañana por la mañana?",
    "It will rain.": "Va a llover.",
    "He sits on the bank": "Se sienta en el banco",
    "He sits on the bench": "Se sienta en el banco",
    "He sleeps in a bed": "Duerme en una cama",
    "house": "casa",
    "She has 3 apples and buys 4.": "Tiene 3 manzanas y compra 4.",
    "So she has": "Así que tiene",
    "apples.": "manzanas.",
}
TEXT = "Ada was born in London in 1815."
_WORDS = re.compile("|".join(re.escape(word) for word in sorted(WORDS, key=len, reverse=True)))


def engine(sentence: str) -> str:
    return _WORDS.sub(lambda found: WORDS[found[0]], sentence)


def translated(
    columns: dict[str, Any], answer: Callable[[str], str] = engine, **options: Any
) -> Translated:
    """Translate one record; its columns are strings, or written as JSON."""
    config = TranslationConfig.model_validate({"directions": [DIRECTION], **options})
    protection = Protection(config.protect, "({})")
    batch = batch_of([columns["text"]], "eng")
    for name, value in columns.items():
        if name != "text":
            batch = batch.append_column(
                name, pa.array([value if isinstance(value, str) else json.dumps(value)])
            )
    ask = lambda sentences: [Answer(answer(sentence)) for sentence in sentences]  # noqa: E731
    translator = Translator(
        parse_direction(DIRECTION), Identity("table", "table", "1"), protection, ask
    )
    return translate_documents(batch, [translator], config, None)


def record(found: Translated, *names: str) -> dict[str, Any]:
    assert found.made.num_rows == 1, (
        found.rejected["reason"].to_pylist(),
        found.rejected["detail"].to_pylist(),
    )
    row = found.made.to_pylist()[0]
    return {name: json.loads(row[name]) if row[name][:1] in "[{" else row[name] for name in names}


SQUAD: dict[str, Any] = {"fields": ["question"], "spans": {"answers.text": "text"}}


def question(answer: str, start: int, asked: str = "Where was Ada born?") -> dict[str, Any]:
    return {"text": TEXT, "question": asked, "answers": {"text": [answer], "answer_start": [start]}}


ANSWERS = {
    "a word": ("London", 16, "Londres"),
    "a number": ("1815", 26, "1815"),
    "several words": ("in London", 13, "en Londres"),
}


@pytest.mark.parametrize(("answer", "start", "expected"), ANSWERS.values(), ids=ANSWERS.keys())
def test_an_answer_is_found_again(answer: str, start: int, expected: str) -> None:
    assert TEXT.startswith(answer, start)
    table = WORDS | {"Ada was born (0)in London(1) in 1815.": "Ada nació (0)en Londres(1) en 1815."}
    table |= {"Ada was born in London in (0)1815(1).": "Ada nació en Londres en (0)1815(1)."}
    found = translated(question(answer, start), lambda s: table.get(s) or engine(s), **SQUAD)
    row = record(found, "text", "question", "answers")
    assert row["text"] == "Ada nació en Londres en 1815."
    assert row["question"] == "¿Dónde nació Ada?"
    (text,), (begin,) = row["answers"]["text"], row["answers"]["answer_start"]
    assert (text, row["text"][begin : begin + len(text)]) == (expected, expected)


def test_an_engine_that_puts_spaces_around_marks_changes_nothing() -> None:
    spaced = lambda sentence: re.sub(r"(\(\d\))", r" \1 ", engine(sentence))  # noqa: E731
    row = record(translated(question("London", 16), spaced, **SQUAD), "text", "answers")
    assert row["text"] == "Ada nació en Londres en 1815."
    assert row["answers"] == {"text": ["Londres"], "answer_start": [13]}


def test_an_answer_whose_marks_are_lost_is_looked_for() -> None:
    """Without the answer's own translation in the text the record is dropped."""

    def unmarked(sentence: str) -> str:
        return engine(re.sub(r"\(\d\)", "", sentence))

    row = record(translated(question("London", 16), unmarked, **SQUAD), "text", "answers")
    assert row == {
        "text": "Ada nació en Londres en 1815.",
        "answers": {"text": ["Londres"], "answer_start": [13]},
    }
    elsewhere = lambda sentence: "La capital" if sentence == "London" else unmarked(sentence)  # noqa: E731
    found = translated(question("London", 16), elsewhere, **SQUAD)
    assert not found.made.num_rows
    assert found.rejected["reason"].to_pylist() == ["answer_lost"]


def test_marks_in_another_order_are_lost() -> None:
    turned = lambda sentence: engine(sentence).replace("(0)Londres(1)", "(1)Londres(0)")  # noqa: E731
    row = record(translated(question("London", 16), turned, **SQUAD), "answers")
    assert row["answers"]["answer_start"] == [13], "it was looked for"


def test_an_answer_that_stands_nowhere_drops_the_record() -> None:
    found = translated(question("Paris", 16), **SQUAD)
    assert found.rejected["reason"].to_pylist() == ["answer_lost"]
    moved = translated(question("London", 3), **SQUAD)
    assert record(moved, "answers")["answers"]["answer_start"] == [13], "a wrong start is set right"


def test_several_paths_lead_into_one_string_of_json() -> None:
    note = json.dumps({"a": "It will rain.", "b": ["house"], "c": "house"})
    found = translated(
        {"text": "It will rain.", "notes": [{"note": note}]},
        fields=["notes.note.a", "notes.note.b"],
    )
    (row,) = record(found, "notes")["notes"]
    assert json.loads(row["note"]) == {"a": "Va a llover.", "b": ["casa"], "c": "house"}


def test_a_question_without_an_answer_stays_one() -> None:
    empty = {
        "text": TEXT,
        "question": "When was Ada born?",
        "answers": {"text": [], "answer_start": []},
    }
    row = record(translated(empty, **SQUAD), "question", "answers")
    assert row == {"question": "¿Cuándo nació Ada?", "answers": {"text": [], "answer_start": []}}


def test_sentence_pairs_have_no_marks() -> None:
    found = translated(question("London", 16), outputs=["sentence_pairs"], **SQUAD)
    assert found.pairs["source"].to_pylist()[0] == TEXT
    assert found.pairs["target"].to_pylist()[0] == "Ada nació en Londres en 1815."


def test_a_record_with_one_rejected_sentence_is_dropped() -> None:
    cut = lambda sentence: "¿Dónde" if sentence.startswith("Where") else engine(sentence)  # noqa: E731
    found = translated(question("London", 16), cut, **SQUAD)
    assert found.rejected["reason"].to_pylist() == ["rejected_sentences"]


CHAT = [
    {"role": "user", "content": "What is the weather in London tomorrow morning?"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {
                    "name": "get_weather",
                    "arguments": '{"city": "London", "days": 1, "unit": "house", "note": ["It will rain."]}',
                },
            }
        ],
    },
    {
        "role": "tool",
        "tool_call_id": "call_1",
        "name": "get_weather",
        "content": '{"forecast": "It will rain."}',
    },
]


def test_a_tool_call_keeps_its_keys_and_code() -> None:
    options: dict[str, Any] = {
        "fields": ["messages.content"],
        "spans": {"messages.tool_calls.function.arguments": "messages.content"},
    }
    found = translated({"text": "It will rain.", "messages": CHAT}, **options)
    messages = record(found, "messages")["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "tool"]
    assert messages[0]["content"] == "Qué tiempo hace en Londres mañana por la mañana?"
    call = messages[1]["tool_calls"][0]
    assert (call["id"], call["type"], call["function"]["name"]) == (
        "call_1",
        "function",
        "get_weather",
    )
    arguments = json.loads(call["function"]["arguments"])
    assert arguments == {"city": "Londres", "days": 1, "unit": "house", "note": ["Va a llover."]}
    assert json.loads(messages[2]["content"]) == {"forecast": "Va a llover."}


def test_keys_that_are_untouched_keep_their_values() -> None:
    messages = [{"role": "house", "content": "house", "url": "house"}]
    row = record(
        translated({"text": "It will rain.", "messages": messages}, fields=["messages"]), "messages"
    )
    assert row["messages"] == [{"role": "house", "content": "casa", "url": "house"}]


def test_choices_that_become_equal_drop_the_record() -> None:
    beds = ["He sits on the bank", "He sleeps in a bed"]
    row = record(
        translated({"text": "It will rain.", "choices": beds, "answer": 1}, fields=["choices"]),
        "choices",
    )
    assert row["choices"] == ["Se sienta en el banco", "Duerme en una cama"]
    same = translated(
        {"text": "It will rain.", "choices": [*beds, "He sits on the bench"]}, fields=["choices"]
    )
    assert same.rejected["reason"].to_pylist() == ["same_choice"]


def test_formulas_stay_as_they_are() -> None:
    answer = "So she has 3 + 4 = <<3+4=7>>7 apples.\n#### 7"
    columns = {"text": "She has 3 apples and buys 4.", "answer": answer}
    found = translated(columns, fields=["answer"], protect=["math", "markup", "numbers"])
    assert record(found, "answer")["answer"] == "Así que tiene 3 + 4 = <<3+4=7>>7 manzanas.\n#### 7"


HOSTILE = {
    "nested too deeply": "[" * 500 + "]" * 500,
    "broken JSON": '{"text": "house"',
    "many lines": "house\n\n\nhouse",
    "marks of its own": "house \U0010f000house\U0010f001",
}


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_columns_are_text(value: str) -> None:
    found = translated({"text": "It will rain.", "note": value}, fields=["note"])
    rows = [*found.made.to_pylist(), *found.rejected.to_pylist()]
    assert len(rows) == 1
    assert all(row["note"].count("\n") == value.count("\n") for row in rows)
