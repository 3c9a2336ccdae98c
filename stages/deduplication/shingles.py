"""Shingles: the overlapping runs of words or grapheme clusters whose sets near duplicates are
compared by.

A text is a sequence of units. Where words are spaced a unit is a word; in scripts that are written
in one run (Thai, Lao, Khmer, Burmese, Han, Kana, Javanese and others) it is a grapheme cluster. A
shingle is `words` units long where it begins with a word, `graphemes` where it begins with a
cluster. The choice is made at each unit and never for the whole document, so a Thai page that
quotes English, or the other way round, is cut the same wherever its parts stand, and text added in
another script changes no shingle of the rest. Tibetan has no spaces but ends each syllable with a
tsheg, which separates as a space does: its units are syllables.

What counts:

- Texts are compared in NFC, in simple case folding (Turkish dotted capital I as i; sharp s stays).
- Letters, numbers and all combining marks (vowel signs, tones, nuktas, viramas) make units, and so
  do the zero-width joiner and non-joiner, which are spelling in Persian and Sinhala. Punctuation,
  symbols, white space and controls separate, the zero-width space of Khmer too. Other format
  characters (soft hyphen, direction marks) and variation selectors are ignored.
- A cluster is a letter with its marks; a letter after a virama that stacks (Khmer coeng, Javanese
  pangkon) joins its cluster. In these scripts this is UAX #29, but that every mark stays with its
  letter (the annex lets some vowel signs and tones of Burmese and Tai Tham stand alone) and that
  not only consonants stack.
- A text too short for a shingle is compared whole, as one shingle. A text without letters or
  numbers has no shingle: it is no near duplicate of anything (equal ones are found by the exact
  stage).

Units and shingles are hashed to 64 bits with arithmetic written out here, so that signatures stored
in an index outlive the versions of the libraries. A unit is hashed by its folded UTF-8, eight bytes
at a time. Two different shingles of a corpus of 10^9 share a hash with probability 0.03, and one
chance equality changes a similarity by one shingle.

Arrays are over bytes as long as that will do: units of letters, marks and separators are cut out of
UTF-8 as it is. Only a piece of text that holds something else (scripts without spaces, joiners,
invisible characters, capitals that are longer or shorter in small) is decoded, which takes three
times as long and gives the same units.

Sources: UAX #15 (NFC), UAX #29 (grapheme clusters), UAX #14 classes SA, AK, AS and ID (scripts
without spaces between words); SplitMix64 (Steele, Lea, Flood 2014) as finalizer.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple, TypeVar

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.columns import require_columns
from schemas.document import DOCUMENT
from stages.keys import mix64
from stages.segmentation import CODE_POINTS, LOOKED_UP, UnitKind, unit_kinds

_SEPARATOR, _WORD, _MARK, _JOINER, _CLUSTER, _CLUSTER_MARK, _STACKER, _IGNORED = map(int, UnitKind)
_OF_CLUSTERS = np.isin(np.arange(8), [_CLUSTER, _CLUSTER_MARK, _STACKER])
# What NFC does with a code point: nothing, compose it with what is before if that is the right one,
# always something.
_STABLE, _COMPOSES, _CHANGES = range(3)
_CODE_POINT_BITS = 21
# What it takes to make a unit of UTF-8 in place; _ELSE is all that needs a look at its neighbours,
# or another length.
_LETTER, _BETWEEN, _CAPITAL, _ELSE, _RULED = range(5)
_PIECE_BYTES = 1 << 19  # UTF-8 worked on at once: a few arrays of that size, by some 300 calls

_PLACES = np.arange(_PIECE_BYTES + 1, dtype=np.uint32)  # of bytes, and the end
_CASE = np.uint8(0x20)  # the bit that tells a small letter of ASCII from its capital
# what a code point has of its first byte in UTF-8, if that is one of two, and of each further one
_LAST_BITS, _NEXT_BITS = np.uint8(0x1F), np.uint8(0x3F)
_FIRST = -64  # the least first byte of a letter in UTF-8, with a sign
# bytes of text to each code point beyond ASCII, or of three or four bytes, up to which these are
# many
_MANY = 8

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_BLOCK = 8  # bytes of a unit hashed at once
_BLOCK_MASKS = np.array([(1 << 8 * count) - 1 for count in range(_BLOCK + 1)], np.uint64)

Number = TypeVar("Number", bound=np.generic)


class Shingles(NamedTuple):
    """Shingles of n texts: those of text i are `hashes[offsets[i] : offsets[i + 1]]`, in order,
    with repetitions."""

    hashes: NDArray[np.uint64]
    offsets: NDArray[np.int64]


class _Piece(NamedTuple):
    """Texts `first` to `last` whole, or a part of text `first` alone: the bytes from `start` to
    `end`."""

    first: int
    last: int
    start: int
    end: int
    final: bool  # no more of these texts follows


class _Units(NamedTuple):
    """The units of some texts, in order: their hashes, whether each is a grapheme cluster, how many
    each text has."""

    hashes: NDArray[np.uint64]
    clusters: NDArray[np.bool_]
    counts: NDArray[np.int64]


class _Cut(NamedTuple):
    """Units as places in folded UTF-8, `_BLOCK` bytes of which follow the last; fields as in
    `_Units`."""

    folded: bytearray | NDArray[np.uint8]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    clusters: NDArray[np.bool_]
    counts: NDArray[np.int64]


def shingle_hashes(batch: pa.RecordBatch, words: int, graphemes: int) -> Shingles:
    """Hash the shingles of n documents, of so many words or grapheme clusters. Raises SchemaError
    without `text`.

    Memory for all but the result is bounded, whatever the length of a document: texts are worked on
    512 KiB at a time, and a longer one is cut at spaces, or inside a run of letters that is as long
    without a space.
    """
    require_columns(batch, DOCUMENT, ("text",))
    octets, offsets = _utf8(batch["text"].cast(pa.large_string()))
    longest = max(words, graphemes)
    made = [np.empty(0, np.uint64)]
    counts = np.zeros(batch.num_rows, np.int64)
    carried = _NO_UNITS
    for piece in _pieces(octets, offsets):
        cuts = np.clip(offsets[piece.first : piece.last + 1], piece.start, piece.end) - piece.start
        units = _units(octets[piece.start : piece.end], cuts)
        if len(carried.hashes):  # then the piece is of one text
            units = _Units(
                np.concatenate([carried.hashes, units.hashes]),
                np.concatenate([carried.clusters, units.clusters]),
                units.counts + len(carried.hashes),
            )
        # A shingle that may reach into the next piece is made there.
        ready = len(units.hashes) if piece.final else max(0, len(units.hashes) - longest + 1)
        carried = _Units(units.hashes[ready:], units.clusters[ready:], units.counts)
        hashes, shingles = _windows(
            units, words, graphemes, ready, counts[piece.first : piece.last] == 0
        )
        made.append(hashes)
        counts[piece.first : piece.last] += shingles
    return Shingles(np.concatenate(made), np.concatenate([[0], counts.cumsum()]))


def _windows(
    units: _Units, words: int, graphemes: int, ready: int, fresh: NDArray[np.bool_]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Hash the shingles that begin at the first `ready` units, and count them for each text.

    A `fresh` text, of which no shingle was made yet, is one shingle if it is too short for any.
    Sums are made at all units first; those of the last units of each text, which lack room, are
    left out.
    """
    total, counts = len(units.hashes), units.counts
    ends = counts.cumsum()
    has_clusters = bool(units.clusters.any())
    shorter, longest = sorted((words, graphemes)) if has_clusters else (words, words)
    factors = _odd(longest)
    products = np.empty(total, np.uint64)

    def add(sums: NDArray[np.uint64], first: int, last: int) -> NDArray[np.uint64]:
        for place in range(first, min(last, total)):
            room = total - place
            sums[:room] += np.multiply(units.hashes[place:], factors[place], out=products[:room])
        return sums

    sums = add(units.hashes * factors[0], 1, shorter)
    if has_clusters:
        sums = np.where(
            units.clusters == (graphemes > words), add(sums.copy(), shorter, longest), sums
        )
    # The last units of each text (texts, rooms), which have room for so many.
    rooms = np.arange(1, longest)
    there = counts[:, None] >= rooms
    at = (ends[:, None] - rooms)[there]
    needs = np.where(units.clusters[at], graphemes, words) if has_clusters else words
    lack = needs > np.broadcast_to(rooms, there.shape)[there]
    begins = np.ones(total, np.bool_)
    begins[at[lack]] = False
    there[there] = lack
    shingles = counts - np.count_nonzero(there, axis=1)
    short = np.zeros(len(ends), np.bool_)
    if ready == total:
        short = fresh & (shingles == 0) & (counts > 0)
    else:
        begins[ready:] = False
        shingles = np.array([np.count_nonzero(begins)])  # of the one text that goes on
    if short.any():
        heads = (ends - counts)[short]
        begins[heads] = True
        sums[heads] = 0
        for place in range(longest - 1):
            reaching = heads[counts[short] > place]
            sums[reaching] += units.hashes[reaching + place] * factors[place]
        shingles[short] = 1
    return sums[begins], shingles


def _units(octets: NDArray[np.uint8], cuts: NDArray[np.int64]) -> _Units:
    """Cut texts, which begin and end at `cuts`, or a part of one text, into units in NFC and hash
    them."""
    heads = octets >= 0xC0
    leads = _places(heads)
    code_points = _decode_at(leads, octets, heads)
    ways = _tables().ways.take(code_points)
    at = _places(ways != 0)
    ways = ways[at]
    suspects = leads[_suspects(leads, code_points, at[ways >= _RULED])]
    leads, code_points = leads[at], code_points[at]
    ways &= _RULED - 1
    hard = (np.diff(np.searchsorted(leads[ways == _ELSE], cuts)) > 0) | (
        np.diff(np.searchsorted(suspects, cuts)) > 0
    )
    if 2 * np.diff(cuts)[hard].sum() > len(octets):
        hard[:] = True
    easy = (
        _NO_UNITS
        if hard.all()
        else _hash_units(_cut_letters(octets, cuts, leads, code_points, ways))
    )
    if not hard.any():
        return easy
    texts = _strings(octets, cuts).filter(pa.array(hard))
    decoded = _hash_units(_cut_code_points(*_utf8(_composed(texts) if len(suspects) else texts)))
    return decoded if hard.all() else _put_in(decoded, hard, easy)


def _places(marks: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the places of n marks that are set, as `np.flatnonzero` does in three times the
    time."""
    if len(marks) > len(_PLACES):
        return np.flatnonzero(marks)
    return _chosen(_PLACES[: len(marks)], marks).astype(np.int64)


def _put_in(found: _Units, which: NDArray[np.bool_], units: _Units) -> _Units:
    """Replace the units of some of n texts by those found."""
    stay = np.repeat(~which, units.counts)
    counts = units.counts.copy()
    counts[which] = found.counts
    places = np.repeat(which, counts)
    hashes, clusters = np.empty(len(places), np.uint64), np.empty(len(places), np.bool_)
    hashes[places], hashes[~places] = found.hashes, units.hashes[stay]
    clusters[places], clusters[~places] = found.clusters, units.clusters[stay]
    return _Units(hashes, clusters, counts)


def _hash_units(cut: _Cut) -> _Units:
    """Hash units by their blocks, and the place of each block in its unit."""
    # one begins at every byte
    blocks = np.ndarray(len(cut.folded) - _BLOCK + 1, "<u8", cut.folded, strides=(1,))

    def scrambled(
        at: NDArray[np.int64], left: NDArray[np.int64], places: NDArray[np.uint64]
    ) -> NDArray[np.uint64]:
        return mix64((blocks[at] & _BLOCK_MASKS.take(left, mode="clip")) + places * _GOLDEN)

    hashes = scrambled(cut.starts, cut.lengths, np.ones(1, np.uint64))
    longer = _places(cut.lengths > _BLOCK)
    starts, left = cut.starts[longer] + _BLOCK, cut.lengths[longer] - _BLOCK
    for place in (2, 3):  # few words are longer than these
        hashes[longer] += scrambled(starts, left, np.full(1, place, np.uint64))
        rest = np.flatnonzero(left > _BLOCK)
        longer, starts, left = longer[rest], starts[rest] + _BLOCK, left[rest] - _BLOCK
    if len(longer):
        counts = -(-left // _BLOCK)
        firsts = counts.cumsum() - counts
        places = np.arange(int(counts.sum())) - np.repeat(firsts, counts)
        at, remaining = (
            np.repeat(starts, counts) + places * _BLOCK,
            np.repeat(left, counts) - places * _BLOCK,
        )
        hashes[longer] += np.add.reduceat(
            scrambled(at, remaining, (places + 4).astype(np.uint64)), firsts
        )
    return _Units(hashes, cut.clusters, cut.counts)


def _cut_letters(
    octets: NDArray[np.uint8],
    cuts: NDArray[np.int64],
    leads: NDArray[np.int64],
    code_points: NDArray[np.int64],
    ways: NDArray[np.uint8],
) -> _Cut:
    """Cut texts of letters, marks and separators alone at the bytes of separators."""
    tables = _tables()
    size = len(octets)
    folded = np.zeros(size + _BLOCK, np.uint8)
    # ASCII by arithmetic, modulo 256, which takes a third of the time of a table: a letter or a
    # digit is inside a word, and so is every byte of what is beyond ASCII, until it is looked up.
    letters = (octets | _CASE) - ord("a") < 26
    np.bitwise_or(octets, letters * _CASE, out=folded[:size])
    edged = np.zeros(size + 2, np.bool_)  # with nothing before the first byte and after the last
    inside = edged[1:-1]
    np.logical_or(letters, octets - ord("0") < 10, out=inside)
    inside |= octets >= 0x80
    between = np.flatnonzero(ways == _BETWEEN)
    for length, first in enumerate((0, 0, 0x800, 0x10000)):
        inside[leads[between[code_points[between] >= first]] + length] = False
    capitals = np.flatnonzero(ways == _CAPITAL)
    if len(capitals):
        small = (
            tables.folded.take(code_points[capitals]).astype("<u4").tobytes().decode("utf-32-le")
        )
        written = np.frombuffer(small.encode(), np.uint8)
        firsts = np.flatnonzero((written & 0xC0) != 0x80)
        counts = np.diff(np.append(firsts, len(written)))
        folded[np.arange(len(written)) + np.repeat(leads[capitals] - firsts, counts)] = written
    begins, ends = edged[1:] > edged[:-1], edged[1:] < edged[:-1]
    inner = cuts[(cuts > 0) & (cuts < size)]
    # words of two texts without a separator between
    between = inner[inside[inner] & inside[inner - 1]]
    begins[between] = ends[between] = True
    starts = _places(begins)
    lengths = _places(ends) - starts
    counts = np.diff(np.searchsorted(starts, cuts))
    return _Cut(folded, starts, lengths, np.zeros(len(starts), np.bool_), counts)


def _decode_at(
    leads: NDArray[np.int64], octets: NDArray[np.uint8], heads: NDArray[np.bool_]
) -> NDArray[np.intp]:
    """Decode the code points of two to four bytes of UTF-8 that begin at `leads`, which `heads`
    marks: all that the text has.

    Where these are many, each byte and the next are taken for one, and those at `leads` are chosen:
    to work on bytes as they follow each other takes a third as long as to look them up.
    """
    if _MANY * len(leads) < len(octets):
        firsts = octets[leads]
        code_points = (firsts & _LAST_BITS).astype(np.intp) << 6 | octets[leads + 1] & _NEXT_BITS
    else:
        firsts = _chosen(octets, heads)
        pairs = (octets & _LAST_BITS).astype(np.uint16)
        pairs <<= 6
        pairs[:-1] |= octets[1:] & _NEXT_BITS
        code_points = _chosen(pairs, heads).astype(np.intp)
    longer = np.flatnonzero(firsts >= 0xE0)
    if _MANY * len(longer) > len(octets):
        code_points = _decode(octets)
        return _chosen(code_points, code_points >= 0x80)
    if len(longer):
        at = leads[longer]
        code_points[longer] = (code_points[longer] & 0x3FF) << 6 | octets[at + 2] & _NEXT_BITS
        longest = longer[firsts[longer] >= 0xF0]
        code_points[longest] = (code_points[longest] & 0x7FFF) << 6 | octets[
            leads[longest] + 3
        ] & _NEXT_BITS
    return code_points


def _chosen(values: NDArray[Number], marks: NDArray[np.bool_]) -> NDArray[Number]:
    """Return those of n values that are marked, as `values[marks]`.

    Polars looks at 64 marks at once and branches at none; NumPy takes up to twenty times as long.
    """
    chosen: NDArray[Number] = pl.Series(values).filter(pl.Series(marks)).to_numpy()
    return chosen


def _decode(octets: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Decode UTF-8 to code points; NumPy takes from a table three times as fast by integers of its
    own width."""
    return np.frombuffer(octets.tobytes().decode().encode("utf-32-le"), np.uint32).astype(np.intp)


def _cut_code_points(octets: NDArray[np.uint8], cuts: NDArray[np.int64]) -> _Cut:
    """Cut texts of any code points."""
    tables = _tables()
    code_points = _decode(octets)
    cuts = np.append(0, pc.utf8_length(_strings(octets, cuts)).to_numpy().cumsum())
    kinds = tables.kinds.take(code_points)
    before = _before(kinds, cuts)
    ignored = kinds == _IGNORED
    ignored |= (kinds == _JOINER) & ((before == _SEPARATOR) | (before == _IGNORED))  # between emoji
    if ignored.any():
        cuts = cuts - np.searchsorted(_places(ignored), cuts)
        code_points, kinds = _chosen(code_points, ~ignored), _chosen(kinds, ~ignored)
        before = _before(kinds, cuts)
    begins = (kinds != _SEPARATOR) & (
        (before == _SEPARATOR)
        | ((kinds == _CLUSTER) & (before != _STACKER))
        | ((kinds == _WORD) & ((before == _CLUSTER) | (before == _CLUSTER_MARK)))
    )
    at = _places(begins)
    counts = np.diff(np.searchsorted(at, cuts))
    letters = kinds != _SEPARATOR
    small = tables.folded.take(_chosen(code_points, letters))
    folded = bytearray(small.astype("<u4").tobytes().decode("utf-32-le").encode())
    starts = _places(np.frombuffer(folded, np.int8) >= _FIRST)
    starts = _chosen(starts, _chosen(begins, letters))
    folded += bytes(_BLOCK)
    lengths = np.diff(np.append(starts, len(folded) - _BLOCK))
    return _Cut(folded, starts, lengths, _OF_CLUSTERS[kinds[at]], counts)


def _before(kinds: NDArray[np.uint8], cuts: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Give each code point the kind of the one before it in its text, the first that of a
    separator."""
    before = np.concatenate([np.full(1, _SEPARATOR, np.uint8), kinds[:-1]])[: len(kinds)]
    before[cuts[cuts < len(before)]] = _SEPARATOR
    return before


def _pieces(octets: NDArray[np.uint8], offsets: NDArray[np.int64]) -> Iterator[_Piece]:
    """Cut n texts into pieces of 512 KiB: as many whole texts as fit, or part of one that does
    not."""
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


def _suspects(
    leads: NDArray[np.int64], code_points: NDArray[np.int64], ruled: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Choose from the code points that NFC has rules for, `ruled`, those where a text may not be in
    it.

    Given are the places and values of all code points of more than a byte. A vectorized form of the
    quick check of UAX #15, which also looks up what would compose: most of what may is what it does
    not compose with, in Bengali, Tamil or Malayalam in every word.
    """
    tables = _tables()
    here, before = code_points[ruled], code_points[ruled - 1]
    joined = leads[ruled - 1] + 2 + (before >= 0x800) + (before >= 0x10000) == leads[ruled]
    classes, forms = tables.classes.take(here), tables.forms.take(here)
    earlier = np.where(joined, tables.classes.take(before), 0)
    wrong = (forms == _CHANGES) | (classes > 0) & (earlier > classes)
    may = np.flatnonzero(forms == _COMPOSES)
    pairs = before[may] << _CODE_POINT_BITS | here[may]
    known = tables.compositions[np.searchsorted(tables.compositions, pairs)] == pairs
    # Marks of a lower class between a letter and this one do not keep them from composing, nor does
    # a mark of a higher class that is part of the letter: e with acute and a dot below is e with
    # dot below and an acute.
    known |= tables.tails.take(before[may]) > classes[may]
    wrong[may] |= np.where(earlier[may] == 0, known | ~joined[may], earlier[may] < classes[may])
    return ruled[wrong]


def _composed(texts: pa.Array) -> pa.Array:
    """Put large strings in NFC, each by one C call, of the version of Unicode that the tables are
    of.

    By a later one a letter that the tables do not know would be composed or not as other letters
    next to it ask for it.
    """
    return pa.array(
        [unicodedata.normalize("NFC", text) for text in texts.to_pylist()], pa.large_string()
    )


def _strings(octets: NDArray[np.uint8], cuts: NDArray[np.int64]) -> pa.Array:
    """View n texts, which begin and end at `cuts`, as large strings."""
    return pa.Array.from_buffers(
        pa.large_string(), len(cuts) - 1, [None, pa.py_buffer(cuts), pa.py_buffer(octets)]
    )


def _utf8(texts: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """View n large strings without nulls as (bytes, n + 1 offsets into them)."""
    if not len(texts):  # Arrow may leave out the buffers of an empty array
        return np.empty(0, np.uint8), np.zeros(1, np.int64)
    offsets = np.frombuffer(texts.buffers()[1], np.int64)[
        texts.offset : texts.offset + len(texts) + 1
    ]
    return np.frombuffer(texts.buffers()[2] or b"", np.uint8)[: offsets[-1]], offsets


class _Tables(NamedTuple):
    """For each code point: what it is to a unit, its small letter, how to cut it in place (`_RULED`
    more if NFC has rules for it), its combining class, its form in NFC, the class of its last part
    if it is composed of several; the pairs that NFC composes.
    """

    kinds: NDArray[np.uint8]
    folded: NDArray[np.uint32]
    ways: NDArray[np.uint8]
    classes: NDArray[np.uint8]
    forms: NDArray[np.uint8]
    tails: NDArray[np.uint8]
    compositions: NDArray[np.int64]


@cache
def _tables() -> _Tables:
    """Read Unicode's categories and scripts into tables, once in a process; takes about 0.1 s."""
    kinds = unit_kinds()
    places = np.concatenate([np.arange(start, stop) for start, stop in LOOKED_UP])
    letters = list(map(chr, places.tolist()))
    folded = np.arange(CODE_POINTS, dtype=np.uint32)
    small = map(str.casefold, letters)
    folded[places] = [
        ord(one if len(one) == 1 else _folded(letter))
        for one, letter in zip(small, letters, strict=True)
    ]
    ways = np.full(CODE_POINTS, _ELSE, np.uint8)
    ways[(kinds == _WORD) | (kinds == _MARK)] = _LETTER
    ways[kinds == _SEPARATOR] = _BETWEEN
    changed = np.flatnonzero((ways == _LETTER) & (folded != np.arange(CODE_POINTS)))
    sizes, others = (
        np.searchsorted([0x80, 0x800, 0x10000], these, "right")
        for these in (changed, folded[changed])
    )
    ways[changed] = np.where(sizes == others, _CAPITAL, _ELSE)
    classes = np.zeros(CODE_POINTS, np.uint8)
    classes[places] = list(map(unicodedata.combining, letters))
    forms, tails, compositions = _forms(letters)
    ways[(classes > 0) | (forms != _STABLE)] += _RULED
    return _Tables(
        *(kinds, folded, ways, classes, forms, tails, compositions),
    )


def _folded(letter: str) -> str:
    """Fold the case of a letter to one code point: of a capital that becomes two, the first.

    >>> _folded("\u0130"), _folded("\u1e9e"), _folded("\u03c2")  # I with dot, capital sharp s, final sigma
    ('i', 'ß', 'σ')
    """
    folded = letter.casefold()
    return folded if len(folded) == 1 else letter.lower()[0]


def _forms(letters: list[str]) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int64]]:
    """Say of each code point what NFC does with it, and the class of its last part if it is
    composed of several; and list the pairs that NFC composes, sorted, but for Hangul's.
    """
    forms, tails = np.full(CODE_POINTS, _STABLE, np.uint8), np.zeros(CODE_POINTS, np.uint8)
    pairs = [np.iinfo(np.int64).max]  # greater than any
    for letter, decomposition in zip(letters, map(unicodedata.decomposition, letters), strict=True):
        if not decomposition or decomposition[0] == "<":  # the latter are for compatibility
            continue
        parts = [int(part, 16) for part in decomposition.split()]
        if not unicodedata.is_normalized("NFC", letter):
            forms[ord(letter)] = _CHANGES
        elif len(parts) == 2:
            forms[parts[1]], tails[ord(letter)] = _COMPOSES, unicodedata.combining(chr(parts[1]))
            pairs.append(parts[0] << _CODE_POINT_BITS | parts[1])
    forms[0x1161:0x1176] = forms[0x11A8:0x11C3] = _CHANGES  # vowels and finals of Hangul
    return forms, tails, np.sort(np.array(pairs))


@cache
def _odd(count: int) -> NDArray[np.uint64]:
    """Return `count` fixed random odd numbers, one for each place in a shingle."""
    return mix64(np.arange(1, count + 1, dtype=np.uint64) * _GOLDEN) | np.uint64(1)


_NO_UNITS = _Units(np.empty(0, np.uint64), np.empty(0, np.bool_), np.empty(0, np.int64))
