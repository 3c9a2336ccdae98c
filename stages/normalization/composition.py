"""Unicode normalization forms: NFC for every text, NFKC on request.

Most text is in NFC already, and composing it anew to find out costs more than all other rules. A
text can only change if it holds a code point that NFC never leaves (a singleton such as U+0340, a
letter excluded from composition such as U+0958), a pair that composes, two marks out of canonical
order (the first may be composed with its letter), or a code point newer than this Python's Unicode
data, of which that is not known; the pattern is built from these.

Source: UAX #15. Polars normalizes by its own, newer tables; a code point that they do not know
stays as it is.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from functools import cache

import polars as pl

from stages.normalization.options import NormalizationOptions
from stages.normalization.rules import Rule, code_point_class, everywhere, neither

# Assigned code points end here, but for private use and the selectors of plane 14; what follows
# counts as newer.
_LAST_KNOWN = 0x323AF
_LETTERS = [*map(chr, range(0xD800)), *map(chr, range(0xE000, _LAST_KNOWN + 1))]  # no surrogates
_DECOMPOSED = list(filter(unicodedata.decomposition, _LETTERS))


@cache
def _nfc_pattern() -> str:
    """Write a pattern that every text not in NFC matches."""
    newer = [letter for letter in _LETTERS if unicodedata.category(letter) == "Cn"]
    never = [letter for letter in _DECOMPOSED if unicodedata.normalize("NFC", letter) != letter]
    firsts: dict[str, list[str]] = defaultdict(list)
    for letter in sorted(set(_DECOMPOSED) - set(never)):
        parts = unicodedata.decomposition(letter).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            firsts[chr(int(parts[1], 16))].append(chr(int(parts[0], 16)))
    marks: dict[int, list[str]] = defaultdict(list)  # by combining class
    # marks and composed letters, by the class of their last mark
    endings: dict[int, list[str]] = defaultdict(list)
    for letter in filter(unicodedata.combining, _LETTERS):
        marks[unicodedata.combining(letter)].append(letter)
    for letter in sorted({*_DECOMPOSED, *_flat(marks.values())}):
        if order := unicodedata.combining(unicodedata.normalize("NFD", letter)[-1]):
            endings[order].append(letter)
    disordered = (
        f"{code_point_class(_flat(endings[o] for o in endings if o > order))}{code_point_class(marks[order])}"
        for order in sorted(marks)[:-1]
    )
    pairs = (
        rf"{code_point_class(first)}\p{{M}}*{code_point_class(second)}"
        for first, second in _merged(firsts)
    )
    hangul = r"[\x{1100}-\x{1112}][\x{1161}-\x{1175}]|[\x{ac00}-\x{d7a3}][\x{11a8}-\x{11c2}]"
    beyond = rf"[\x{{{_LAST_KNOWN + 1:x}}}-\x{{e0000}}]"
    return "|".join([code_point_class([*never, *newer]), beyond, hangul, *pairs, *disordered])


def _flat(lists: Iterable[list[str]]) -> list[str]:
    return [letter for letters in lists for letter in letters]


def _merged(firsts: dict[str, list[str]]) -> list[tuple[list[str], list[str]]]:
    """Group the second letters of composing pairs that go with the same first letters."""
    grouped: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for second, letters in firsts.items():
        grouped[tuple(letters)].append(second)
    return [(list(letters), seconds) for letters, seconds in grouped.items()]


def _nfkc_pattern() -> str:
    compatible = [
        letter for letter in _DECOMPOSED if unicodedata.normalize("NFKC", letter) != letter
    ]
    return f"{code_point_class(compatible)}|{_nfc_pattern()}"


def _compose(
    texts: pl.Series, language: str | None, script: str | None, options: NormalizationOptions
) -> pl.Series:
    return texts.str.normalize("NFC")


def _fold(
    texts: pl.Series, language: str | None, script: str | None, options: NormalizationOptions
) -> pl.Series:
    return texts.str.normalize("NFKC")


RULES = (
    Rule(
        "nfc",
        "Letters and marks are composed and put in canonical order (NFC), Hangul Jamo into syllables.",
        "UAX #15",
        everywhere,
        _nfc_pattern(),
        _compose,
        looks_at=neither,
    ),
    Rule(
        "nfkc",
        "Compatibility characters are folded (NFKC): superscripts, ligatures, width; only if `form` asks for it.",
        "UAX #15",
        everywhere,
        _nfkc_pattern(),
        _fold,
        looks_at=neither,
        wanted=lambda options: options.form == "NFKC",
    ),
)
