"""Shingles: the overlapping runs of words or grapheme clusters whose sets near duplicates are compared by.

A text is a sequence of units. Where words are spaced a unit is a word; in scripts that are written in one run (Thai,
Lao, Khmer, Burmese, Han, Kana, Javanese and others) it is a grapheme cluster. A shingle is `words` units long where it
begins with a word, `graphemes` where it begins with a cluster. The choice is made at each unit and never for the whole
document, so a Thai page that quotes English, or the other way round, is cut the same wherever its parts stand, and
text added in another script changes no shingle of the rest. Tibetan has no spaces but ends each syllable with a tsheg,
which separates as a space does: its units are syllables.

What counts:

- Texts are compared in NFC, in simple case folding (Turkish dotted capital I as i; sharp s stays).
- Letters, numbers and all combining marks (vowel signs, tones, nuktas, viramas) make units, and so do the zero-width
  joiner and non-joiner, which are spelling in Persian and Sinhala. Punctuation, symbols, white space and controls
  separate, the zero-width space of Khmer too. Other format characters (soft hyphen, direction marks) and variation
  selectors are ignored.
- A cluster is a letter with its marks; a letter behind a virama that stacks (Khmer coeng, Javanese pangkon) joins its
  cluster. In these scripts this is UAX #29, but that every mark stays with its letter (the annex lets some vowel signs
  and tones of Burmese and Tai Tham stand alone) and that not only consonants stack.
- A text too short for a shingle is compared whole, as one shingle. A text without letters or numbers has no shingle:
  it is no near duplicate of anything (equal ones are found by the exact stage).

Units and shingles are hashed to 64 bits with arithmetic written out here, so that signatures stored in an index
outlive the versions of the libraries. Two different shingles of a corpus of 10^9 share a hash with probability 0.03,
and one chance equality changes a similarity by one shingle.

Sources: UAX #15 (NFC), UAX #29 (grapheme clusters), UAX #14 classes SA, AK, AS and ID (scripts without spaces between
words); SplitMix64 (Steele, Lea, Flood 2014) as finalizer.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.columns import require_columns
from schemas.document import DOCUMENT

UNSPACED_SCRIPTS = frozenset(
    {
        *("Thai", "Laoo", "Khmr", "Mymr", "Tale", "Talu", "Lana", "Tavt", "Ahom"),
        *("Bali", "Java", "Kawi", "Batk"),
        *("Hani", "Hira", "Kana", "Bopo", "Yiii", "Tang", "Nshu", "Kits", "Egyp", "Xsux"),
    }
)
_KANA_LENGTH_MARKS = (0x30FC, 0xFF70)  # of script Common, as both kinds of Kana use them
# Letters behind these join the cluster: Indic_Syllabic_Category Invisible_Stacker, and the viramas of unspaced scripts.
_STACKERS = (0x1039, 0x17D2, 0x1A60, 0x1B44, 0xA9C0, 0x11F42)
_JOINERS = (0x200C, 0x200D)
_KANA_VOICING = (0x3099, 0x309A)  # combining, of script Inherited
_SPACING_VOWELS = (0x0E33, 0x0EB3)  # Thai and Lao sara am: letters by category, marks by UAX #29
_ZERO_WIDTH_SPACE = 0x200B  # a format character by category; between words in Khmer and Burmese
_VARIATION_SELECTORS = (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), 0x180B, 0x180C, 0x180D, 0x180F)
_LAST_ASSIGNED = 0x323B0  # above are variation selectors, tags and private use only
_CODE_POINTS = 0x110000

# What a code point is to a unit. Marks of unspaced scripts are told from others, to see where a word follows a cluster.
_SEPARATOR, _WORD, _MARK, _JOINER, _CLUSTER, _CLUSTER_MARK, _STACKER, _IGNORED = range(8)
_OF_CLUSTERS = np.array([_CLUSTER, _CLUSTER_MARK, _STACKER], np.uint8)
_MAY_COMPOSE = 255
_PIECE_BYTES = 1 << 17  # UTF-8 worked on at once: 1 MiB in each array below, which stays in cache

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_BASE = 0xD1342543DE82EF95  # odd, so it has an inverse modulo 2^64


class Shingles(NamedTuple):
    """Shingles of n texts: those of text i are `hashes[offsets[i] : offsets[i + 1]]`, in order, with repetitions."""

    hashes: NDArray[np.uint64]
    offsets: NDArray[np.int64]


class _Piece(NamedTuple):
    """Texts `first` to `last` whole, or a part of text `first` alone: the bytes from `start` to `end`."""

    first: int
    last: int
    start: int
    end: int
    final: bool  # no more of these texts follows


class _Units(NamedTuple):
    """The units of some texts, in order: their hashes, whether each is a grapheme cluster, how many each text has."""

    hashes: NDArray[np.uint64]
    clusters: NDArray[np.bool_]
    counts: NDArray[np.int64]


def mix64(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble 64-bit values one to one: the finalizer of SplitMix64."""
    values = values ^ (values >> np.uint64(30))
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)
    return values


def shingle_hashes(batch: pa.RecordBatch, words: int, graphemes: int) -> Shingles:
    """Hash the shingles of n documents, of so many words or grapheme clusters. Raises SchemaError without `text`.

    Memory beside the result is bounded, whatever the length of a document: texts are worked on 128 KiB at a time, and
    a longer one is cut at spaces, or inside a run of letters that is as long without a space.
    """
    require_columns(batch, DOCUMENT, ("text",))
    texts = _composed(batch["text"])
    octets, offsets = _utf8(texts)
    sizes = pc.utf8_length(texts).to_numpy()
    longest = max(words, graphemes)
    made = []
    counts = np.zeros(batch.num_rows, np.int64)
    carried = _NO_UNITS
    for piece in _pieces(octets, offsets):
        units = _units(octets[piece.start : piece.end], sizes[piece.first : piece.last])
        if len(carried.hashes):  # then the piece is of one text
            units = _Units(
                np.concatenate([carried.hashes, units.hashes]),
                np.concatenate([carried.clusters, units.clusters]),
                units.counts + len(carried.hashes),
            )
        # A shingle that may reach into the next piece is made there.
        ready = len(units.hashes) if piece.final else max(0, len(units.hashes) - longest + 1)
        carried = _Units(units.hashes[ready:], units.clusters[ready:], units.counts)
        hashes, shingles = _windows(units, words, graphemes, ready, counts[piece.first : piece.last] == 0)
        made.append(hashes)
        counts[piece.first : piece.last] += shingles
    return Shingles(np.concatenate([_NO_UNITS.hashes, *made]), np.concatenate([[0], counts.cumsum()]))


def _windows(
    units: _Units, words: int, graphemes: int, ready: int, fresh: NDArray[np.bool_]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Hash the shingles that begin at the first `ready` units, and count them for each text.

    A `fresh` text, of which no shingle was made yet, is one shingle if it is too short for any.
    """
    ends = units.counts.cumsum()
    room = np.repeat(ends, units.counts) - np.arange(len(units.hashes))  # units from here to the end of the text
    lengths = np.where(units.clusters, graphemes, words)
    begins = room >= lengths
    begins[ready:] = False
    shingles = np.diff(np.concatenate([[0], begins.cumsum()])[np.concatenate([[0], ends])])
    if ready == len(units.hashes):
        short = fresh & (shingles == 0) & (units.counts > 0)
        heads = (ends - units.counts)[short]
        begins[heads] = True
        lengths[heads] = room[heads]
        shingles[short] = 1
    at = np.flatnonzero(begins)
    lengths = lengths[at]
    sums = np.zeros(len(at), np.uint64)
    shortest = lengths.min(initial=graphemes)
    for place, factor in enumerate(_odd(int(lengths.max(initial=0)))):
        reaching = slice(None) if place < shortest else lengths > place
        sums[reaching] += units.hashes[at[reaching] + place] * factor
    return mix64(sums), shingles


def _code_points(octets: NDArray[np.uint8], sizes: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Decode texts of so many code points, or a part of one text; returns also where each begins, and the end."""
    # NumPy takes from a table three times as fast by integers of its own width.
    code_points = np.frombuffer(octets.tobytes().decode().encode("utf-32-le"), np.uint32).astype(np.intp)
    cuts = np.concatenate([[0], sizes.cumsum()]) if len(sizes) > 1 else np.array([0, len(code_points)])
    return code_points, cuts


def _units(octets: NDArray[np.uint8], sizes: NDArray[np.int64]) -> _Units:
    """Cut texts of so many code points, or a part of one text, into units and hash them."""
    tables = _tables()
    code_points, cuts = _code_points(octets, sizes)
    kinds = tables.kinds.take(code_points)
    before = _before(kinds, cuts)
    ignored = kinds == _IGNORED
    ignored |= (kinds == _JOINER) & ((before == _SEPARATOR) | (before == _IGNORED))  # between emoji
    if ignored.any():
        cuts = cuts - np.searchsorted(np.flatnonzero(ignored), cuts)
        code_points, kinds = code_points[~ignored], kinds[~ignored]
        before = _before(kinds, cuts)
    at = np.flatnonzero(
        (kinds != _SEPARATOR)
        & (
            (before == _SEPARATOR)
            | ((kinds == _CLUSTER) & (before != _STACKER))
            | ((kinds == _WORD) & ((before == _CLUSTER) | (before == _CLUSTER_MARK)))
        )
    )
    if not len(at):
        return _Units(_NO_UNITS.hashes, _NO_UNITS.clusters, np.zeros(len(sizes), np.int64))
    powers, inverses = _powers()
    sums = np.add.reduceat(tables.values.take(code_points) * powers[: len(code_points)], at)
    return _Units(mix64(sums * inverses[at]), np.isin(kinds[at], _OF_CLUSTERS), np.diff(np.searchsorted(at, cuts)))


def _before(kinds: NDArray[np.uint8], cuts: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Give each code point the kind of the one before it in its text, the first that of a separator."""
    before = np.concatenate([np.full(1, _SEPARATOR, np.uint8), kinds[:-1]])[: len(kinds)]
    before[cuts[cuts < len(before)]] = _SEPARATOR
    return before


def _pieces(octets: NDArray[np.uint8], offsets: NDArray[np.int64]) -> Iterator[_Piece]:
    """Cut n texts into pieces of 128 KiB: as many whole texts as fit, or part of one that does not."""
    first, count = 0, len(offsets) - 1
    while first < count:
        start = int(offsets[first])
        last = int(np.searchsorted(offsets, start + _PIECE_BYTES, side="right")) - 1
        if last > first:
            yield _Piece(first, last, start, int(offsets[last]), final=True)
            first = last
            continue
        stop = int(offsets[first + 1])
        while stop - start > _PIECE_BYTES:
            spaces = np.flatnonzero(octets[start : start + _PIECE_BYTES] == 0x20)
            end = start + (int(spaces[-1]) + 1 if len(spaces) else _PIECE_BYTES)
            while octets[end] & 0xC0 == 0x80:
                end -= 1
            yield _Piece(first, first + 1, start, end, final=False)
            start = end
        yield _Piece(first, first + 1, start, stop, final=True)
        first += 1


def _composed(texts: pa.Array) -> pa.Array:
    """Put n texts (no nulls) in NFC, as large strings; those that are already, which is nearly all, are only looked at.

    The look is a vectorized form of the quick check of UAX #15.
    """
    texts = texts.cast(pa.large_string())
    octets, offsets = _utf8(texts)
    sizes = pc.utf8_length(texts).to_numpy()
    table = _composition_table()
    suspect = np.zeros(len(texts), np.bool_)
    for piece in _pieces(octets, offsets):
        code_points, cuts = _code_points(octets[piece.start : piece.end], sizes[piece.first : piece.last])
        classes = table.take(code_points)
        wrong = classes == _MAY_COMPOSE
        wrong[1:] |= (classes[1:] > 0) & (classes[:-1] > classes[1:])
        places = np.flatnonzero(wrong)
        suspect[piece.first : piece.last] |= np.diff(np.searchsorted(places, cuts)) > 0
    if not suspect.any():
        return texts
    composed = pl.Series(texts.filter(pa.array(suspect))).str.normalize("NFC").to_arrow().cast(pa.large_string())
    return pc.replace_with_mask(texts, pa.array(suspect), composed)


def _utf8(texts: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """View n large strings without nulls as (bytes, n + 1 offsets into them)."""
    if not len(texts):  # Arrow may leave out the buffers of an empty array
        return np.empty(0, np.uint8), np.zeros(1, np.int64)
    offsets = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return np.frombuffer(texts.buffers()[2] or b"", np.uint8), offsets


class _Tables(NamedTuple):
    """For each code point: what it is to a unit, and a random value that it shares with its other case."""

    kinds: NDArray[np.uint8]
    values: NDArray[np.uint64]


@cache
def _tables() -> _Tables:
    """Read Unicode's categories and scripts into tables, once in a process; takes about 0.2 s."""
    from fontTools.unicodedata import Scripts  # type: ignore[import-untyped, unused-ignore]

    kinds = np.full(_CODE_POINTS, _WORD, np.uint8)
    for first, end, script in zip(Scripts.RANGES, [*Scripts.RANGES[1:], _CODE_POINTS], Scripts.VALUES, strict=True):
        if script in UNSPACED_SCRIPTS:
            kinds[first:end] = _CLUSTER
    kinds[list(_KANA_LENGTH_MARKS)] = _CLUSTER
    categories = np.array([unicodedata.category(chr(c)) for c in range(_LAST_ASSIGNED)])
    majors = categories.astype("<U1")
    kinds[:_LAST_ASSIGNED][np.isin(majors, ["P", "S", "Z"]) | np.isin(categories, ["Cc", "Cs"])] = _SEPARATOR
    kinds[:_LAST_ASSIGNED][categories == "Cf"] = _IGNORED
    marks = np.flatnonzero(majors == "M")
    kinds[marks] = np.where(kinds[marks] == _CLUSTER, _CLUSTER_MARK, _MARK)
    kinds[0xE0000:0xE1000] = _IGNORED  # tags and variation selectors
    for these, kind in (
        (_SPACING_VOWELS, _CLUSTER_MARK),
        (_KANA_VOICING, _CLUSTER_MARK),
        (_JOINERS, _JOINER),
        (_STACKERS, _STACKER),
        (_VARIATION_SELECTORS, _IGNORED),
        ([_ZERO_WIDTH_SPACE], _SEPARATOR),
    ):
        kinds[list(these)] = kind
    folded = np.arange(_CODE_POINTS, dtype=np.uint64)
    folded[:_LAST_ASSIGNED] = [ord(_folded(chr(c))) for c in range(_LAST_ASSIGNED)]
    values = mix64((folded + np.uint64(1)) * _GOLDEN)
    values[kinds == _SEPARATOR] = 0
    return _Tables(kinds, values)


def _folded(letter: str) -> str:
    """Fold the case of a letter to one code point: of a capital that becomes two, the first.

    >>> _folded("\u0130"), _folded("\u1e9e"), _folded("\u03c2")  # I with dot, capital sharp s, final sigma
    ('i', 'ß', 'σ')
    """
    folded = letter.casefold()
    return folded if len(folded) == 1 else letter.lower()[0]


@cache
def _composition_table() -> NDArray[np.uint8]:
    """For each code point its combining class, or `_MAY_COMPOSE` where NFC may change it or what is before."""
    table = np.zeros(_CODE_POINTS, np.uint8)
    for code_point in range(_LAST_ASSIGNED):
        letter = chr(code_point)
        table[code_point] = unicodedata.combining(letter)
        parts = unicodedata.decomposition(letter).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            table[int(parts[1], 16)] = _MAY_COMPOSE
    changed = [c for c in range(_LAST_ASSIGNED) if not unicodedata.is_normalized("NFC", chr(c))]
    table[changed] = _MAY_COMPOSE
    table[0x1161:0x1176] = table[0x11A8:0x11C3] = _MAY_COMPOSE  # vowels and finals of Hangul
    return table


@cache
def _odd(count: int) -> NDArray[np.uint64]:
    """Return `count` fixed random odd numbers, one for each place in a shingle."""
    return mix64(np.arange(1, count + 1, dtype=np.uint64) * _GOLDEN) | np.uint64(1)


@cache
def _powers() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the powers of the base of unit hashes, as many as a piece can have code points, and their inverses."""
    return tuple(  # type: ignore[return-value]
        np.concatenate([np.ones(1, np.uint64), np.full(_PIECE_BYTES, base, np.uint64)]).cumprod(dtype=np.uint64)
        for base in (_BASE, pow(_BASE, -1, 1 << 64))
    )


_NO_UNITS = _Units(np.empty(0, np.uint64), np.empty(0, np.bool_), np.empty(0, np.int64))
