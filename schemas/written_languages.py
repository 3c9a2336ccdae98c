"""In which scripts and countries languages are written, and by how many people.

Source: the package gflanguages, which keeps a text for each language in a script. Its own reader
makes messages of whole texts, samples included; the few fields that are asked for in each run
stand on lines of their own, and are read from them in a tenth of the time.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import NamedTuple

# a field of the message, or the base letters of the message `exemplar_chars` in it
_FIELD = re.compile(
    r'^(?:(id|language|script|region): *"([^"]+)"|(population): *(\d+)|\s*(base): *"(?!"))',
    re.MULTILINE,
)


class WrittenLanguage(NamedTuple):
    """A language in one script."""

    name: str  # as in `eu_Latn`: the package's codes of both
    language: str  # ISO 639-1 or, without one, ISO 639-3
    script: str  # ISO 15924
    population: int  # people who use it in this script; 0: unknown
    regions: tuple[str, ...]  # ISO 3166 codes of countries, and some of larger regions
    has_letters: bool  # its base letters are listed


@cache
def written_languages() -> tuple[WrittenLanguage, ...]:
    """Read the languages of gflanguages, ordered by name.

    >>> next(one for one in written_languages() if one.name == "eu_Latn")[1:]
    ('eu', 'Latn', 1088518, ('ES', 'FR'), True)
    """
    folder = resources.files("gflanguages.data").joinpath("languages")
    texts = (file.read_text("utf-8") for file in folder.iterdir() if "textproto" in file.name)
    return tuple(sorted(map(_read, texts)))


def _read(text: str) -> WrittenLanguage:
    found: dict[str, list[str]] = {"population": ["0"], "region": [], "base": []}
    for field, word, size, number, letters in _FIELD.findall(text):
        if number:
            found[size] = [number]
        else:
            found.setdefault(field or letters, []).append(word)
    return WrittenLanguage(
        found["id"][0],
        found["language"][0],
        found["script"][0],
        int(found["population"][0]),
        tuple(found["region"]),
        bool(found["base"]),
    )
