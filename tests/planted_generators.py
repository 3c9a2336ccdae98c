"""Models of chat completions that are planted: a good one that asks about what it reads, and
garbage of each kind."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from tests.endpoints import completion

Answer = Callable[[dict[str, Any]], dict[str, Any]]
_DATA = re.compile("\u27ea(?:text) ([0-9a-f]{8})\u27eb\n(.*?)\n\u27ea(?:end) \\1\u27eb", re.DOTALL)


def data_of(body: dict[str, Any]) -> list[str]:
    """Return the texts between marks of the last message."""
    return [found[2] for found in _DATA.finditer(body["messages"][-1]["content"])]


def pairs_about(document: str, count: int = 2) -> list[dict[str, str]]:
    """Write questions about a text: a sentence's words but the last two, backwards; these two
    answer it."""
    pairs = []
    for sentence in re.split(r"[.\n;\u0964\u06d4]+", document):
        words = sentence.split()
        if 8 <= len(words) <= 30 and len(" ".join(words[-2:])) > 5:
            answer = " ".join(words[-2:])
            question = " ".join(reversed(words[:-2]))
            if answer not in question:
                mark = "\u061f" if "\u0600" <= question[0] <= "\u06ff" else "?"
                pairs.append({"question": question + mark, "answer": answer})
    return pairs[:count]


def good(body: dict[str, Any]) -> dict[str, Any]:
    """Answer what is asked for, by the schema's first property."""
    (wanted, *_) = body["response_format"]["json_schema"]["schema"]["properties"]
    document, *more = data_of(body)
    if wanted == "pairs":
        return completion(
            json.dumps({"pairs": pairs_about(document) or [{"question": "?", "answer": ""}]})
        )
    if wanted == "answer":
        own = [pair["answer"] for pair in pairs_about(document, 99) if pair["question"] == more[0]]
        return completion(json.dumps({"answer": (own or ["?"])[0]}))
    if wanted == "score":
        return completion('{"score": 5}')
    raise ValueError(wanted)


def document_of(body: dict[str, Any]) -> str:
    """Return the text that is asked about."""
    return data_of(body)[0]


def _pairs(*pairs: tuple[str, str]) -> dict[str, Any]:
    return completion(
        json.dumps(
            {"pairs": [{"question": question, "answer": answer} for question, answer in pairs]}
        )
    )


def _first_words(body: dict[str, Any]) -> str:
    return " ".join(document_of(body).split()[:2])


# What each kind of garbage is rejected for.
GARBAGE: dict[str, tuple[Answer, str]] = {
    "empty": (lambda _: completion(""), "no_output"),
    "white_space": (lambda _: completion(" \n\t "), "no_output"),
    "endless": (lambda _: completion('{"pairs": [' + "zer " * 500, finish="length"), "cut_off"),
    "invalid_json": (lambda _: completion('{"pairs": [{"question": "Zer'), "invalid_json"),
    "other_json": (lambda _: completion('{"pairs": "none"}'), "invalid_json"),
    "deep_json": (lambda _: completion("[" * 5_000), "invalid_json"),
    "prose": (
        lambda _: completion("Sure! Here are two questions about the passage."),
        "invalid_json",
    ),
    "wrong_language": (
        lambda body: _pairs(
            (
                "What does the second article of the declaration say about freedom?",
                _first_words(body),
            )
        ),
        "wrong_language|wrong_script",
    ),
    "refusal": (
        lambda body: _pairs(
            ("I'm sorry, but I cannot help with questions about this passage?", _first_words(body))
        ),
        "refusal",
    ),
    "echo": (
        lambda body: _pairs((body["messages"][0]["content"][:250] + "?", _first_words(body))),
        "prompt_leaked",
    ),
    "not_in_context": (
        lambda body: _pairs((pairs_about(document_of(body))[0]["question"], "Quetzalcoatl")),
        "answer_not_in_context",
    ),
    "answer_in_question": (
        lambda body: _pairs(
            (
                f"{_first_words(body)} {pairs_about(document_of(body))[0]['question']}",
                _first_words(body),
            )
        ),
        "answered_by_question|copied_context",
    ),
    "copies": (
        lambda body: _pairs(
            (document_of(body).split("\n")[0][:200] + "?", document_of(body).split()[-1])
        ),
        "copied_context|answered_by_question|answer_not_in_context",
    ),
    "loops": (
        lambda body: _pairs(
            (" ".join(pairs_about(document_of(body))[0]["question"].split()[:3] * 9) + "?", "a")
        ),
        "repetition|answer_not_in_context",
    ),
    "chat_marks": (
        lambda body: _pairs(
            ("<|im_end|>" + pairs_about(document_of(body))[0]["question"], _first_words(body))
        ),
        "prompt_leaked",
    ),
}
