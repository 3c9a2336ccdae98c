"""Cut texts into folded units with their places: what documents and evaluation items are compared
by.

A unit is a word, or a grapheme cluster in scripts that are written without spaces (the division
that near-duplicate shingles make). Other than there, units keep their byte span, because matches
are shown and masked, and they are folded further, because a benchmark that lost its tone marks on
the way is still the benchmark: eight words in a row do not become another text by it. Folded are

- compatibility forms, case, and the decimal digits of all scripts;
- marks that are habitually left out: accents and tones on Latin, Greek and Cyrillic letters, Arabic
  and Hebrew vowel points, nuktas. Vowel signs of Indic scripts, Thai, Khmer, Thaana and others are
  letters, and stay;
- letters that keyboards confuse: Arabic kaf and keheh, the yehs, heh and its look-alikes, bars and
  strokes through Latin letters;
- apostrophes, format characters and tatweel, which are skipped; all other punctuation separates.

Ligatures that stand for several letters stay as they are. Sources: UAX #15 (NFKC, NFD), UAX #24
(Script), the Unicode Character Database as Python ships it (categories, combining classes: 7 is
nukta, 9 virama).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.orthography import UNSPACED_LABELS
from stages.keys import mix64
from stages.script_detection import script_table, utf8_bytes

_SEPARATOR, _WORD, _CLUSTER, _MARK, _STACKER, _IGNORED = range(6)
_POINTED_SCRIPTS = frozenset({"Zinh", "Latn", "Grek", "Cyrl", "Arab", "Hebr", "Syrc"})
_APOSTROPHES = (
    "'`\u00b4\u2018\u2019\u02b9\u02bb\u02bc\u02bd\u05f3\u0640"  # with tatweel, which is as empty
)
_ZERO_WIDTH_SPACE = 0x200B  # separates words in Khmer and Burmese
_ASAT = 0x103A  # Burmese: ends a syllable, and joins nothing to it as the virama does
_VARIANTS = str.maketrans(
    {
        **dict.fromkeys("\u06a9\u06aa", "\u0643"),  # keheh, swash kaf: kaf
        # Farsi yeh, alef maksura, yeh barree, e: yeh
        **dict.fromkeys("\u06cc\u0649\u06d2\u06d0", "\u064a"),
        # heh goal, heh doachashmee, ae, teh marbutas: heh
        **dict.fromkeys("\u06c1\u06be\u06d5\u0629\u06c3", "\u0647"),
        # dotless i, bars and strokes
        **dict(zip("\u0131\u0111\u0142\u00f8\u0127\u0167", "idloht", strict=True)),
    }
)
_LAST_ASSIGNED = 0x323B0
_CODE_POINTS = 0x110000
_PIECE_BYTES = 1 << 20  # worked on at once: bounds the arrays below at about 60 MiB
_OVERLAP_BYTES = 1 << 16  # of two pieces of one text, so that no run of units is lost between them
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_BASE = 0xA24BAED4963EE407  # odd, so it has an inverse modulo 2^64


class Units(NamedTuple):
    """Units of some texts, in order: hash, whether it is a grapheme cluster, text, and bytes in
    that text."""

    hashes: npt.NDArray[np.uint64]
    clusters: npt.NDArray[np.bool_]
    texts: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]


def cut_units(texts: pa.Array) -> Iterator[Units]:
    """Yield the units of n texts in NFC (no nulls), a mebibyte of text at a time.

    A longer text comes in pieces that overlap by 64 KiB, so that units there come twice.
    """
    octets, offsets = utf8_bytes(texts)
    first, count = 0, len(texts)
    while first < count:
        start = int(offsets[first])
        last = max(first + 1, int(np.searchsorted(offsets, start + _PIECE_BYTES, side="right")) - 1)
        end = int(offsets[last])
        while end - start > _PIECE_BYTES:  # then it is one text
            stop = _code_point_before(octets, start + _PIECE_BYTES)
            yield _units(
                octets[start:stop], first, np.array([int(offsets[first]), stop]) - start, start
            )
            start = _code_point_before(octets, stop - _OVERLAP_BYTES)
        yield _units(octets[start:end], first, np.append(offsets[first:last], end) - start, start)
        first = last


def _code_point_before(octets: npt.NDArray[np.uint8], place: int) -> int:
    while octets[place] & 0xC0 == 0x80:
        place -= 1
    return place


def _units(
    octets: npt.NDArray[np.uint8], first: int, cuts: npt.NDArray[np.int64], base: int
) -> Units:
    """Cut bytes that hold the texts from number `first` on, which begin at `cuts`; `cuts[0] < 0` is
    a later piece."""
    tables = _tables()
    code_points = np.frombuffer(octets.tobytes().decode().encode("utf-32-le"), np.uint32).astype(
        np.intp
    )
    places = np.flatnonzero((octets & 0xC0) != 0x80)
    kinds = tables.kinds.take(code_points)
    if len(code_points) and (ignored := kinds == _IGNORED).any():
        code_points, kinds, places = code_points[~ignored], kinds[~ignored], places[~ignored]
    before = np.concatenate([np.zeros(1, np.uint8), kinds[:-1]])
    heads = np.searchsorted(places, cuts[:-1])
    before[heads[heads < len(kinds)]] = _SEPARATOR
    opens = (kinds != _SEPARATOR) & (
        (before == _SEPARATOR)
        | ((kinds == _CLUSTER) & (before != _STACKER))
        | ((kinds == _WORD) & tables.unspaced.take(np.concatenate([[0], code_points[:-1]])))
    )
    at = np.flatnonzero(opens)
    if cuts[0] < 0 and len(at):
        at = at[1:]  # the first unit may be half of one, and is whole in the piece before
    if not len(at):
        nothing = np.empty(0, np.int64)
        return Units(nothing.astype(np.uint64), nothing.astype(bool), nothing, nothing, nothing)
    powers, inverses = _powers()
    sums = np.add.reduceat(tables.values.take(code_points) * powers[: len(code_points)], at)
    events = np.flatnonzero(opens | (kinds == _SEPARATOR))
    after = np.append(events, len(kinds))[np.searchsorted(events, at) + 1]
    starts = places[at]
    owners = np.searchsorted(cuts, starts, side="right") - 1
    ends = np.minimum(np.append(places, len(octets))[after], cuts[owners + 1])
    return Units(
        mix64(sums * inverses[at]),
        tables.unspaced.take(code_points[at]),
        owners + first,
        starts - cuts[owners],
        ends - cuts[owners],
    )


class _Tables(NamedTuple):
    """For each code point: what it is to a unit, a random value shared with what folds to it,
    whether unspaced."""

    kinds: npt.NDArray[np.uint8]
    values: npt.NDArray[np.uint64]
    unspaced: npt.NDArray[np.bool_]


@cache
def _tables() -> _Tables:
    """Read Unicode's data into tables, once in a process; takes about 0.5 s."""
    codes, numbers = script_table()
    scripts = np.asarray([*codes])[numbers]
    unspaced = np.isin(scripts, [*UNSPACED_LABELS])
    kinds = np.where(unspaced, _CLUSTER, _WORD).astype(np.uint8)
    folded = np.arange(_CODE_POINTS, dtype=np.uint64)
    for code_point in range(_LAST_ASSIGNED):  # a table of Unicode, once
        letter = chr(code_point)
        category = unicodedata.category(letter)
        if letter in _APOSTROPHES or (category == "Cf" and code_point != _ZERO_WIDTH_SPACE):
            kinds[code_point] = _IGNORED
        elif category[0] in "PSZ" or category in ("Cc", "Cs", "Cf"):
            kinds[code_point] = _SEPARATOR
        elif category[0] == "M":
            pointed = category != "Mc" and scripts[code_point] in _POINTED_SCRIPTS
            combining = unicodedata.combining(letter)
            kinds[code_point] = _IGNORED if pointed or combining == 7 else _MARK
            if combining == 9 and code_point != _ASAT:
                kinds[code_point] = _STACKER
        else:
            folded[code_point] = ord(fold_letter(letter, str(scripts[code_point])))
    kinds[0xE0000:0xE1000] = _IGNORED  # tags and variation selectors
    values = mix64((folded + np.uint64(1)) * _GOLDEN)
    values[kinds == _SEPARATOR] = 0
    return _Tables(kinds, values, unspaced)


def fold_letter(letter: str, script: str) -> str:
    """Fold one letter or digit of an ISO 15924 script to one code point; one that stands for
    several stays.

    >>> fold_letter("\u1eb8", "Latn"), fold_letter("\u0667", "Arab"), fold_letter("\u06a9", "Arab")
    ('e', '7', '\u0643')
    """
    plain = unicodedata.normalize("NFKC", letter).casefold()
    if script in _POINTED_SCRIPTS:
        plain = "".join(
            c for c in unicodedata.normalize("NFD", plain) if unicodedata.category(c) != "Mn"
        )
    plain = plain.translate(_VARIANTS)
    if len(plain) != 1:
        return letter
    digit = unicodedata.decimal(plain, None)
    return plain if digit is None else str(digit)


@cache
def _powers() -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Return the powers of the base of unit hashes, as many as a piece can have code points, and
    their inverses."""
    return tuple(  # type: ignore[return-value]
        np.concatenate([np.ones(1, np.uint64), np.full(_PIECE_BYTES, base, np.uint64)]).cumprod(
            dtype=np.uint64
        )
        for base in (_BASE, pow(_BASE, -1, 1 << 64))
    )
