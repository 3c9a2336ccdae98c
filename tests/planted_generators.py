"""Models of chat completions that are planted: a good one that asks about what it reads, and garbage of each kind."""

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
    """Write questions about a text: a sentence's words but the last two, backwards; these two answer it."""
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
        return completion(json.dumps({"pairs": pairs_about(document) or [{"question": "?", "answer": ""}]}))
    if wanted == "answer":
        own = [pair["answer"] for pair in pairs_about(document, 99) if pair["question"] == more[0]]
        return completion(json.dumps({"answer": (own or ["?"])[0]}))
    if wanted == "score":
        return completion('{"score": 5}')
    raise ValueError(wanted)
