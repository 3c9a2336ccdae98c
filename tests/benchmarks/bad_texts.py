"""Bad text planted in many languages: repetition, menus, lists of names, symbols, numbers, code.

The words are those of the Declaration, so that a filter cannot tell by the words. Everything is
drawn from a seed.
"""

from __future__ import annotations

import argparse
import inspect
import json
import random
import tarfile
import textwrap
from collections.abc import Callable, Sequence

import polars as pl

from schemas.orthography import words_are_spaced

SIZES = (8, 20, 60, 200)  # words, lines or names
LANGUAGES = 5  # one in so many
_SYMBOLS = "#@*&^%$~=+<>|\\/_-\u2606\u2605\u25ba"
_UNSPACED_WORD = 4  # code points


def bad_texts(good: pl.DataFrame, seed: int = 3) -> pl.DataFrame:
    """Plant bad text with the words of good text (columns text, language, script): source is its
    kind, and `size`."""
    draw = random.Random(seed)
    rows = []
    labels = (
        good.select("language", "script")
        .unique()
        .sort("language", "script")
        .gather_every(LANGUAGES)
    )
    for language, script in labels.iter_rows():
        texts = good.filter(pl.col("language") == language, pl.col("script") == script)[
            "text"
        ].to_list()[:20]
        lines = list(
            dict.fromkeys(line for text in texts for line in text.splitlines() if len(line) > 20)
        )
        if len(lines) < max(3, LANGUAGES):
            continue
        spaced = words_are_spaced(f"{language}_{script}")
        words = list(dict.fromkeys(word for line in lines for word in _words(line, spaced)))
        for size in SIZES:
            planted = _planted(draw, lines, words, " " if spaced else "")
            rows += [(kind, size, language, script, make(size)) for kind, make in planted.items()]
    return pl.DataFrame(rows, schema=["source", "size", "language", "script", "text"], orient="row")


def _words(line: str, spaced: bool) -> Sequence[str]:
    if spaced:
        return line.split()
    return [
        line[at : at + _UNSPACED_WORD]
        for at in range(0, len(line) - _UNSPACED_WORD, _UNSPACED_WORD)
    ]


def _planted(
    draw: random.Random, lines: Sequence[str], words: Sequence[str], space: str
) -> dict[str, Callable[[int], str]]:
    def some(count: int) -> str:
        return space.join(draw.choices(words, k=count))

    def name() -> str:
        return " ".join(word.title() for word in draw.choices(words, k=2))

    def symbols() -> str:
        return "".join(draw.choices(_SYMBOLS, k=draw.randint(2, 8)))

    def number() -> str:
        return f"{draw.choice(words)} {draw.random() * 100:.2f} {draw.randint(1, 9999)} {draw.randint(1, 28)}.4.2024"

    def code(size: int) -> str:
        source = inspect.getsource(
            draw.choice((json.decoder, tarfile, argparse, textwrap))
        ).splitlines()
        start = draw.randrange(max(1, len(source) - size))
        return "\n".join(source[start : start + size])

    line, phrase, three = draw.choice(lines), some(3), draw.sample(lines, 3)
    return {
        "one line, repeated": lambda size: "\n".join([line] * size),
        "one sentence, repeated in a line": lambda size: " ".join([line] * size),
        "three words, repeated": lambda size: space.join([phrase] * size),
        "three lines, in turn": lambda size: "\n".join((three * size)[:size]),
        "menu, a line each": lambda size: "\n".join(some(draw.randint(1, 3)) for _ in range(size)),
        "menu with bullets": lambda size: "\n".join(
            "\u2022 " + some(draw.randint(1, 3)) for _ in range(size)
        ),
        "menu in a line": lambda size: " | ".join(some(draw.randint(1, 2)) for _ in range(size)),
        "names, a line each": lambda size: "\n".join(name() for _ in range(size)),
        "names with commas": lambda size: ", ".join(name() for _ in range(size)),
        "names with numbers": lambda size: "\n".join(
            f"{name()} {draw.randint(10**6, 10**7)}" for _ in range(size)
        ),
        "symbols": lambda size: " ".join(symbols() for _ in range(size)),
        "symbols among words": lambda size: " ".join(
            draw.choice(words) if draw.random() < 0.4 else symbols() for _ in range(size)
        ),
        "table of numbers": lambda size: "\n".join(number() for _ in range(size)),
        "hash tags": lambda size: " ".join("#" + draw.choice(words) for _ in range(size)),
        "lines cut off": lambda size: "\n".join(some(6) + "..." for _ in range(size)),
        "program": code,
    }
