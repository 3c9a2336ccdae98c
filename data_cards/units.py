"""Find the words of texts, and hash them, where they lie in memory: a block of texts at a time.

A word is a run of characters between white space (or Ethiopic wordspace) that holds a letter or a
digit. What is white space, a letter and a digit the Unicode tables of Polars say, as `\\s`, `\\p{L}`
and `\\p{N}`.

    texts      Kaixo, mundua! | -- Agur
    bytes      K a i x o ,   m u n d u a ! \\n - -   A g u r \\n
    starts     ^             ^                      ^
    ends                   ^               ^              ^
    documents  [0, 2, 3]    the first word of each, and the number of words
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

_WORD_BYTES = 8
HASHED_BYTES = 4 * _WORD_BYTES  # of a unit: of longer ones as many, half from each end
_PADDING = b"\0" * _WORD_BYTES
# Odd factors: the fractional parts of the golden ratio, and of SplitMix64 and MurmurHash3.
_FACTORS = np.array(
    [
        *(0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB),
        *(0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53),
    ],
    np.uint64,
)
# of the first k bytes of a little-endian word
_MASKS = np.array([(1 << 8 * k) - 1 for k in range(_WORD_BYTES + 1)], np.uint64)
_LEADS = (0xC2, 0xE1, 0xE2, 0xE3)  # with which white space beyond ASCII begins in UTF-8
# 1 for the bytes that are white space or may begin it
_MAY_PART = bytes(byte in (*range(0x09, 0x0E), 0x20, *_LEADS) for byte in range(256))


class Units(NamedTuple):
    """The m units of n texts: `bytes` are those of all texts, a line feed after each, and padding;
    `starts` and `ends` (m,) are places in them; `documents` (n + 1,) the first unit of each."""

    bytes: npt.NDArray[np.uint8]
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    documents: npt.NDArray[np.int64]


def find_words(texts: pa.Array) -> Units:
    """Find the words of n large strings."""
    content, text_ends = _joined(texts)
    ends, after = _white_space(content)
    starts = np.concatenate([after[:0], [0], after[:-1]]) if len(ends) else ends
    apart = ends > starts
    if not apart.all():
        starts, ends = starts[apart], ends[apart]
    words = _are_words(content, starts, ends)
    return _of_texts(content, starts[words], ends[words], text_ends)


def find_characters(texts: pa.Array) -> Units:
    """Find the code points of n large strings that are no white space."""
    content, text_ends = _joined(texts)
    body = content[:-_WORD_BYTES]
    starts = np.flatnonzero((body & 0xC0) != 0x80)
    ends = np.append(starts[1:], len(body))
    black = np.ones(len(body), bool)
    black[_white_space(content)[0]] = False
    black = black[starts]
    return _of_texts(content, starts[black], ends[black], text_ends)


def hash_units(units: Units) -> npt.NDArray[np.uint64]:
    """Hash m units to 64 bits each, eight bytes at a time."""
    starts, ends = units.starts, units.ends
    lengths = ends - starts
    words = _unaligned(units.bytes, "<u8")
    hashes: npt.NDArray[np.uint64] = words[starts] & _MASKS[np.minimum(lengths, _WORD_BYTES)]
    hashes *= _FACTORS[0]
    hashes += lengths.view(np.uint64) * _FACTORS[1]
    longer = np.flatnonzero(lengths > _WORD_BYTES)
    hashes[longer] += words[ends[longer] - _WORD_BYTES] * _FACTORS[2]
    longer = longer[lengths[longer] > 2 * _WORD_BYTES]
    hashes[longer] += words[starts[longer] + _WORD_BYTES] * _FACTORS[3]
    hashes[longer] += words[ends[longer] - 2 * _WORD_BYTES] * _FACTORS[4]
    _mix(hashes)
    return hashes


def hash_trigrams(
    hashes: npt.NDArray[np.uint64], documents: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint64]:
    """Hash three units in a row, from each of m units on; those that a document ends in are all
    ones."""
    trigrams = hashes * _FACTORS[0]
    trigrams[:-1] += hashes[1:]
    trigrams[:-1] *= _FACTORS[1]
    trigrams[:-2] += hashes[2:]
    _mix(trigrams)
    first, after = documents[:-1], documents[1:]
    for back in (1, 2):
        trigrams[(after - back)[after - back >= first]] = np.iinfo(np.uint64).max
    return trigrams


def distinct_in_openings(
    hashes: npt.NDArray[np.uint64], documents: npt.NDArray[np.int64], size: int
) -> tuple[int, int]:
    """Count the documents of at least `size` units, and add up how many different ones the first
    `size` of each are."""
    first = documents[:-1][np.diff(documents) >= size]
    # 32 bits: of 100 units two share them by chance once in a million documents
    opening = hashes.astype(np.uint32)[first[:, None] + np.arange(size)]
    opening.sort(axis=1)
    return len(first), len(first) + int(np.count_nonzero(opening[:, 1:] != opening[:, :-1]))


def _mix(values: npt.NDArray[np.uint64]) -> None:
    values ^= values >> np.uint64(32)
    values *= _FACTORS[2]
    values ^= values >> np.uint64(29)


def _unaligned(content: npt.NDArray[np.uint8], kind: str) -> npt.NDArray[Any]:
    """View bytes as numbers that begin at each of them."""
    size = np.dtype(kind).itemsize
    return np.ndarray((len(content) - size + 1,), kind, content, strides=(1,))


def _joined(texts: pa.Array) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Copy n texts into one array with a line feed after each; returns it, padded, and where each
    text ends."""
    # a loop that makes one slice a text
    offsets = np.frombuffer(texts.buffers()[1], np.int64, len(texts) + 1, texts.offset * 8)
    content = memoryview(texts.buffers()[2] or b"")
    parts = [content[start:end] for start, end in pairwise(offsets.tolist())]
    joined = b"\n".join([*parts, _PADDING])
    return np.frombuffer(joined, np.uint8), np.cumsum(np.diff(offsets) + 1)


def _of_texts(
    content: npt.NDArray[np.uint8],
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    text_ends: npt.NDArray[np.int64],
) -> Units:
    documents = np.concatenate([[0], np.searchsorted(starts, text_ends)])
    return Units(content, starts, ends, documents)


def _white_space(
    content: npt.NDArray[np.uint8],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Find white space: where each begins and where it ends."""
    marks = content.tobytes().translate(_MAY_PART)
    begins = np.flatnonzero(np.frombuffer(marks, bool))
    lead = content[begins]
    after = begins + 1
    wide = np.flatnonzero(lead > 0x7F)
    if not len(wide):
        return begins, after
    places = begins[wide]
    second, third = (content[places + place].astype(np.intp) & 0x3F for place in (1, 2))
    leads = lead[wide].astype(np.intp)
    points = np.where(leads == 0xC2, 0x80 | second, (leads & 0x0F) << 12 | second << 6 | third)
    white = _classes().white[points]
    after[wide] += np.where(leads == 0xC2, 1, 2)
    kept = np.ones(len(begins), bool)
    kept[wide[~white]] = False
    return begins[kept], after[kept]


def _are_words(
    content: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Tell which runs, none of them empty, hold a letter or a digit: most begin with one."""
    kept = _are_alphanumeric(content, starts)
    rest = np.flatnonzero(~kept)
    if not len(rest):
        return kept
    lengths = ends[rest] - starts[rest]
    firsts = np.cumsum(lengths) - lengths
    places = np.arange(lengths.sum()) + np.repeat(starts[rest] - firsts, lengths)
    kept[rest] = np.logical_or.reduceat(_are_alphanumeric(content, places), firsts)
    return kept


def _are_alphanumeric(
    content: npt.NDArray[np.uint8], places: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Tell at which bytes a letter or a digit begins."""
    found: npt.NDArray[np.bool_] = _classes().pairs[_unaligned(content, "<u2")[places]]
    rest = np.flatnonzero(~found & (content[places] >= 0xE0))
    if not len(rest):
        return found
    lead, *others = (content[places[rest] + n].astype(np.intp) for n in range(4))
    second, third, fourth = (byte & 0x3F for byte in others)
    points = (lead & 0x0F) << 12 | second << 6 | third
    found[rest] = _alphanumeric(0)[points]
    if len(wide := np.flatnonzero(lead >= 0xF0)):
        points = (lead[wide] & 0x07) << 18 | second[wide] << 12 | third[wide] << 6 | fourth[wide]
        planes = points >> 16
        for plane in np.unique(planes).tolist():  # 16 at most
            of_plane = planes == plane
            found[rest[wide[of_plane]]] = _alphanumeric(plane)[points[of_plane] & 0xFFFF]
    return found


class _Classes(NamedTuple):
    """`white`: is this code point below U+10000 white space or Ethiopic wordspace? `pairs`: do
    these two bytes, the first one lowest, begin with a letter or a digit?"""

    white: npt.NDArray[np.bool_]
    pairs: npt.NDArray[np.bool_]


@cache
def _classes() -> _Classes:
    alphanumeric = _alphanumeric(0)
    pairs = np.zeros((256, 256), bool)  # second byte, first byte
    pairs[:, :0x80] = alphanumeric[:0x80]
    pairs[0x80:0xC0, 0xC2:0xE0] = alphanumeric[0x80:0x800].reshape(-1, 64).T
    # of a code point of three bytes two are sure if all that begin so are
    pairs[0x80:0xC0, 0xE0:0xF0] = alphanumeric.reshape(16, 64, 64).all(axis=2).T
    return _Classes(_match(r"[\s\x{1361}]", 0), pairs.ravel())


@cache
def _alphanumeric(plane: int) -> npt.NDArray[np.bool_]:
    """Tell which code points of a plane are letters or digits."""
    return _match(r"[\p{L}\p{N}]", plane)


def _match(kind: str, plane: int) -> npt.NDArray[np.bool_]:
    numbers = range(plane << 16, (plane + 1) << 16)
    points = pl.Series(["" if 0xD800 <= n < 0xE000 else chr(n) for n in numbers])
    return points.str.contains(kind).to_numpy()
