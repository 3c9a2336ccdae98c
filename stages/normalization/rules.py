"""What a normalization rule is, the options all of them see, and the vectorized edits they are made
of.

A rule is a function on many texts of one language and script. It says which code points or
sequences it can change (`candidates`), so that clean text is passed over in one scan, and it is
idempotent: applied to its own output it changes nothing. Languages are the codes of
`schemas.language.one_code` (`aze`, not `azj`); scripts are those of `stages.script_detection`
(`Jpan`, `Kore`, `Hans`, `Hant`). Either may be unknown (None): rules of Unicode hold then, rules of
an orthography do not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from stages.batches import code_points
from stages.normalization.options import NormalizationOptions

Applies = Callable[[str | None, str | None], bool]
CodePoints = npt.NDArray[np.uint32]
# stands before, between and after texts where `edit_code_points` lays them in a row
BOUNDARY = 0x110000


class Rule(NamedTuple):
    """One rule: for whom it is meant, what it can change, and the change."""

    name: str  # the switch's name in a recipe
    description: str  # one line for the recipe reference and the card
    source: str  # the standard or paper it follows
    applies: Applies  # (ISO 639-3 language, ISO 15924 script) -> whether the rule is meant for them
    candidates: str  # regular expression in Rust's syntax: a text without a match is not changed by the rule
    # n texts (no nulls) of one language and script, each with a candidate -> the same n texts,
    # changed or not
    apply: Callable[[pl.Series, str | None, str | None, NormalizationOptions], pl.Series]
    default: bool = True  # whether it holds without being enabled
    # whether the options give the rule anything to do (`options.digits != "keep"`); if not, it is
    # left out of the scan
    wanted: Callable[[NormalizationOptions], bool] = lambda options: True
    # what of the language and script `apply` looks at: texts for which it is equal may come at once
    looks_at: Callable[[str | None, str | None], object] = lambda language, script: (
        language,
        script,
    )
    # pattern that matches each code point which becomes another one, if that is all the rule does:
    # they need not be found by comparing the texts then
    places: str = ""


def neither(language: str | None, script: str | None) -> None:
    """Say that a rule looks at neither language nor script."""


def everywhere(language: str | None, script: str | None) -> bool:
    """Hold for any language and script, known or not."""
    return True


@dataclass(frozen=True)
class WrittenIn:
    """Holds for languages (`fas`), scripts (`Arab`) and languages in one script (`uzb_Latn`).

    An unknown language counts as `und` and an unknown script as `Zzzz`, where these are named.
    """

    labels: frozenset[str]

    def __call__(self, language: str | None, script: str | None) -> bool:
        language, script = language or "und", script or "Zzzz"
        return (
            language in self.labels
            or script in self.labels
            or f"{language}_{script}" in self.labels
        )


def written_in(*labels: str) -> WrittenIn:
    """Hold for languages, scripts and languages in one script, as given.

    >>> applies = written_in("fas", "uzb_Latn", "Thai")
    >>> applies("fas", "Arab"), applies("uzb", "Latn"), applies("uzb", "Cyrl"), applies(None, "Thai")
    (True, True, False, True)
    """
    return WrittenIn(frozenset(labels))


def not_written_in(*labels: str) -> Applies:
    """Hold wherever `written_in` of the same labels does not, the unknown included."""
    within = written_in(*labels)
    return lambda language, script: not within(language, script)


def code_point_class(points: Iterable[int | str]) -> str:
    """Write code points (numbers or one-letter strings) as a class of a regular expression, with
    ranges.

    >>> code_point_class("abcx")
    '[\\\\x{61}-\\\\x{63}\\\\x{78}]'
    """
    numbers = np.unique([ord(point) if isinstance(point, str) else point for point in points])
    breaks = np.flatnonzero(np.diff(numbers) != 1)
    firsts, lasts = numbers[np.append(0, breaks + 1)], numbers[np.append(breaks, len(numbers) - 1)]
    ranges = (
        f"\\x{{{first:x}}}" + ("" if first == last else f"-\\x{{{last:x}}}")
        for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True)
    )
    return f"[{''.join(ranges)}]"


def any_of(sequences: Iterable[str]) -> str:
    """Write an alternation that matches any of some literal sequences; single letters become one
    class.

    >>> any_of(["b", "a", "xy"])
    '[\\\\x{61}-\\\\x{62}]|\\\\x{78}\\\\x{79}'
    """
    listed = sorted(set(sequences))
    single = [sequence for sequence in listed if len(sequence) == 1]
    longer = [
        "".join(f"\\x{{{ord(point):x}}}" for point in sequence)
        for sequence in listed
        if len(sequence) > 1
    ]
    return "|".join(([code_point_class(single)] if single else []) + longer)


def letter_map(letters: str, replacements: str) -> dict[str, str]:
    """Pair letters with their replacements; the two are of one length."""
    return dict(zip(letters, replacements, strict=True))


class About(NamedTuple):
    """The first fields of a rule: what the recipe reference says of it, and for whom it is meant."""

    name: str
    description: str
    source: str
    applies: Applies


def letter_rule(about: About, letters: Mapping[str, str]) -> Rule:
    """Make a rule that replaces letters or sequences wherever they stand."""

    def apply(
        texts: pl.Series, language: str | None, script: str | None, options: NormalizationOptions
    ) -> pl.Series:
        return replace_sequences(texts, letters)

    one_for_one = all(len(old) == len(new) == 1 and old != new for old, new in letters.items())
    found = any_of(letters)
    return Rule(*about, found, apply, looks_at=neither, places=found if one_for_one else "")


# a pattern that is one class, or one code point
_ONE_CODE_POINT = re.compile(r"\[[^\]]*\]|\\x\{[0-9a-f]+\}")


def pattern_rule(about: About, pattern: str, replacement: str, candidates: str = "") -> Rule:
    """Make a rule that replaces each match of a pattern (Rust's syntax); `${1}` is what its first
    group matched.

    What the pattern matches is the candidates unless they are given.
    """

    def apply(
        texts: pl.Series, language: str | None, script: str | None, options: NormalizationOptions
    ) -> pl.Series:
        return texts.str.replace_all(pattern, replacement)

    return Rule(
        *about,
        candidates or pattern,
        apply,
        looks_at=neither,
        places=pattern if len(replacement) == 1 and _ONE_CODE_POINT.fullmatch(pattern) else "",
    )


def edit_rule(
    about: About,
    candidates: str,
    edit: Callable[[CodePoints], tuple[CodePoints, npt.NDArray[np.bool_]]],
) -> Rule:
    """Make a rule that edits code points, as `edit_code_points` does."""

    def apply(
        texts: pl.Series, language: str | None, script: str | None, options: NormalizationOptions
    ) -> pl.Series:
        return edit_code_points(texts, edit)

    return Rule(*about, candidates, apply, looks_at=neither)


def replace_sequences(texts: pl.Series, replacements: Mapping[str, str]) -> pl.Series:
    """Replace literal sequences, of those that match at one place the longest; one pass, left to
    right."""
    # Polars takes the first pattern that matches
    longest_first = sorted(replacements, key=len, reverse=True)
    return texts.str.replace_many(
        longest_first, [replacements[found] for found in longest_first], leftmost=True
    )


def edit_code_points(
    texts: pl.Series, edit: Callable[[CodePoints], tuple[CodePoints, npt.NDArray[np.bool_]]]
) -> pl.Series:
    """Change n texts as one array of code points, where neighbours are seen by shifting the array.

    `edit` is given BOUNDARY, the first text, BOUNDARY, ..., the last text, BOUNDARY as a fresh
    uint32 array, and answers with what the array becomes and a mask of what is kept of that; each
    BOUNDARY must stay in its place.
    """
    offsets = np.concatenate(([0], np.cumsum(texts.str.len_chars().to_numpy()))).astype(np.int64)
    points, kept = edit(np.insert(code_points(texts), offsets, BOUNDARY))
    ends = np.flatnonzero(points == BOUNDARY)
    if len(ends) != len(offsets) or not kept[ends].all():
        raise AssertionError(
            f"an edit of {len(texts)} texts must keep {len(offsets)} boundaries, got {len(ends)}"
        )
    points = points[kept]
    return from_code_points(
        points[points != BOUNDARY], np.diff(np.flatnonzero(points == BOUNDARY)) - 1
    )


def from_code_points(points: CodePoints, lengths: npt.NDArray[np.int64]) -> pl.Series:
    """Make strings of an array of code points; text i has `lengths[i]` of them."""
    data = points.astype("<u4").tobytes().decode("utf-32-le").encode()
    sizes = np.ones(len(points), np.uint8)
    for first in (0x80, 0x800, 0x10000):
        sizes += points >= first
    ends = np.concatenate(([0], np.cumsum(sizes, dtype=np.int64)))[
        np.concatenate(([0], np.cumsum(lengths)))
    ]
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(data)]
    return pl.Series(pa.Array.from_buffers(pa.large_string(), len(lengths), buffers))


@cache
def _word_parts() -> npt.NDArray[np.bool_]:
    table = np.zeros(BOUNDARY + 1, bool)
    table[[p for p in range(0x20000) if unicodedata.category(chr(p))[0] in "LM"]] = True
    return table


def in_word(points: CodePoints) -> npt.NDArray[np.bool_]:
    """Mark letters and marks (general category L or M) of planes 0 and 1; the apostrophe U+02BC is
    a letter."""
    return _word_parts()[points]


def among(points: CodePoints, members: Sequence[int] | str) -> npt.NDArray[np.bool_]:
    """Mark which code points are among a few; BOUNDARY never is.

    >>> among(np.asarray([97, 98, BOUNDARY], np.uint32), "ac").tolist()
    [True, False, False]
    """
    return np.isin(points, [ord(m) if isinstance(m, str) else m for m in members])
