"""The text of pages that show none: frameworks send it as JSON, and a script writes the page.

Looked at are JSON-LD and scripts of the type `application/json` (Next.js, Gatsby, Drupal). Of all
running text in them, the part that holds most is taken: from the top down to each value with more
than half of all, as long as there is one. That must end at one text, or at a list (of paragraphs),
of which no part is taken unless it holds nearly all. Settings and translations of an interface are
tables of many texts, of which none holds the half.
"""

from __future__ import annotations

import html
import json
import re
from typing import Any

import numpy as np
from turbohtml import Document

from stages.extraction.letters import WEIGHT_UNIT, as_code_points, letters

_DATA = 'script[type="application/ld+json" i],script[type="application/json" i]'
_ALL = 0.9  # of a list's running text is nearly all
_RUNNING = 25  # weighted letters, as LONG of `features`
_FEWEST = 6  # code points; letters of no script weigh so much that fewer would be running text
_MARKUP = re.compile(r"</?[A-Za-z][^<>]{0,1000}>")
_NO_TEXT = re.compile(r"[!-~]{100}")  # in ASCII without a space: keys, addresses, images


def text_in_scripts(document: Document) -> str:
    """Return the running text in a page's data as markup; empty if there is none.

    >>> from turbohtml import parse
    >>> text_in_scripts(parse('<script type="application/json">{"a": ["The ferry has not sailed since Tuesday"]}'))
    '<p>The ferry has not sailed since Tuesday</p>'
    """
    data = [_parsed(script.text) for script in document.select(_DATA)]
    values, parents = _values(data)
    own = [_weight(value) if isinstance(value, str) else 0.0 for value in values]
    weights = own.copy()
    for place in range(len(values) - 1, 0, -1):
        weights[parents[place]] += weights[place]
    # No two parts side by side hold more than half: those that do are a chain, the innermost last.
    most = 0
    for place, weight in enumerate(weights):
        if weight > weights[0] / 2:
            if most and isinstance(values[most], list) and weight < _ALL * weights[most]:
                break  # a paragraph that is longer than all others
            most = place
    if isinstance(values[most], dict):
        return ""
    inside = [place == most for place in range(len(values))]
    for place in range(most + 1, len(values)):
        inside[place] = inside[parents[place]]
    texts = (
        value
        for value, within, weight in zip(values, inside, own, strict=True)
        if within and weight
    )
    return "".join(map(_as_markup, dict.fromkeys(texts)))


def _parsed(script: str) -> Any:
    try:
        return json.loads(script, strict=False)
    except (ValueError, RecursionError):
        return None


def _values(data: Any) -> tuple[list[Any], list[int]]:
    """List parsed JSON and all values in it, in order, with the place of what each lies in."""
    values: list[Any] = []
    parents: list[int] = []
    waiting = [(data, 0)]
    while waiting:
        value, parent = waiting.pop()
        if isinstance(value, dict | list):
            parts = value.values() if isinstance(value, dict) else value
            waiting += (
                (part, len(values))
                for part in reversed(parts)
                if isinstance(part, str | dict | list)
            )
        values.append(value)
        parents.append(parent)
    return values, parents


def _weight(text: str) -> float:
    """Weigh the letters of a running text; 0 for what is none."""
    if len(text) < _FEWEST:
        return 0.0
    text = _MARKUP.sub(" ", text)
    if _NO_TEXT.search(text):
        return 0.0
    counts = letters().counts[0].take(as_code_points(text))
    weight = float((counts >> np.uint64(32)).sum()) / float(WEIGHT_UNIT)
    return weight if weight >= _RUNNING else 0.0


def _as_markup(text: str) -> str:
    if _MARKUP.search(text):
        return f"<div>{text}</div>"
    parts = re.split(r"\n\s*\n", html.escape(text, quote=False))
    return "".join(f"<p>{part}</p>".replace("\n", "<br>") for part in parts)
