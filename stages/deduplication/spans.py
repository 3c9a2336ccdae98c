"""Repeated spans: runs of at least `min_bytes` equal bytes that stand in several documents,
whatever is around them.

Passages that are quoted, syndicated or pasted repeat without their lines being equal. Two rounds of
keys find all of them, and no text travels:

1. Winnowing (Schleimer, Wilkerson, Aiken 2003) picks, of every `min_bytes` consecutive bytes, the
   least of the hashes of `fingerprint_bytes` bytes in them, the last one of equals. A span that two
   documents share has the same pick in both, so it holds a fingerprint that the shuffle finds in
   both (`span_fingerprints`, `frequent_keys`). About 2 in `min_bytes - fingerprint_bytes + 2` bytes
   are picked.
2. Around fingerprints that are shared, and nowhere else, windows become keys of 128 bits
   (`span_windows`). A byte is part of a repeated span exactly if it lies in a window that enough
   documents have: no pair of texts is compared, so no step is quadratic, and nothing is missed by
   comparing with only one of many.

    text          . . . A A A A A A A A A . . .    A: bytes that another document has, too
    fingerprint             f f f                  picked in both documents
    a window          w w w w w w                  begins before A: in this document alone
    another             w w w w w w                within A: in both documents
    the span            [A A A A A A A A A]        all bytes in windows that enough documents have

With `stride` 1 these are all windows of `min_bytes` bytes, and spans are found to the byte. A
longer stride sends a fraction: windows that begin every so many bytes before a shared fingerprint,
which is the same place in every document that shares it, and are `stride` - 1 bytes shorter, so
that every span of `min_bytes` still has one. Windows that begin or end with a line, a sentence or a
text near such a fingerprint are sent, too. A span that begins or ends elsewhere may be found
without up to `stride` - 1 bytes there, and one that is up to as much shorter than `min_bytes` may
be found too; what is taken out is still equal to the byte.

`remove_spans` then takes the spans out. Spans shrink until they begin and end between words, and
one of the separators that they hold stays, so that every word of what is left is a word of the
original:

- Where words are spaced a cut lies next to white space (Tibetan: tsheg or shad; Ethiopic:
  wordspace), never at other punctuation: a web address, a date or an abbreviation is not halved.
- In scripts that are written in one run, punctuation and the zero-width space part too. Inside a
  run nothing is cut, as no rule of code points tells where a word of Thai or Chinese ends.
- Of the white space at both ends of a span the stronger stays: a blank line, a line break, a space.

The default of 200 bytes is about the 50 tokens of Lee et al. 2022 in English.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.columns import require_columns
from schemas.document import DOCUMENT
from schemas.orthography import UNSPACED_SCRIPTS
from stages.batches import Filtered, Measured, reject, set_columns
from stages.deduplication.lines import look_up
from stages.deduplication.options import SpanDeduplicationConfig
from stages.keys import KEY, mix64
from stages.script_detection import script_table, utf8_bytes
from stages.segmentation import UnitKind, unit_kinds

_PIECE_BYTES = 1 << 20  # worked on at once: bounds the arrays below at about 100 MiB
_PLACE_BITS = np.uint64(22)  # enough for a place in a piece and the window after it
_BASES = (0x9FB21C651E98DF25, 0xD6E8FEB86659FD93)  # odd, so they have inverses modulo 2^64
_LOOK_AHEAD = 256  # bytes first looked at for a place to cut; 16 times as many in each further look
_LONGEST_SPACE = 64  # bytes of white space looked at next to a cut
_WORD = re.compile(r"\w")
_LINE_BREAK = re.compile("\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# their own punctuation parts words or syllables as a space does
_POINTED_SCRIPTS = (
    "Tibt",
    "Ethi",
)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class SpanKeys(NamedTuple):
    """Distinct keys of n documents: `keys[i]` is of the document of row `rows[i]`; ordered by row,
    then key."""

    keys: npt.NDArray[np.void]
    rows: npt.NDArray[np.int64]


class Spans(NamedTuple):
    """Spans of n documents, in order: the row of each, and the bytes of its text from `starts` to
    `ends`."""

    rows: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]


class RemovedSpans(NamedTuple):
    """Documents without their repeated spans, and what was taken from each of the n documents that
    came in."""

    documents: Filtered
    spans: npt.NDArray[np.int64]
    octets: npt.NDArray[np.int64]


def span_fingerprints(batch: pa.RecordBatch, config: SpanDeduplicationConfig) -> SpanKeys:
    """Pick the fingerprints of n documents, each once a document. Raises SchemaError without
    `text`.

    >>> passage = "Gizon-emakume guztiak aske jaiotzen dira, duintasun eta eskubide berberak. " * 2
    >>> texts = pa.array([passage, f"1. {passage}", ""], pa.large_string())
    >>> config = SpanDeduplicationConfig(min_bytes=100)
    >>> found = span_fingerprints(pa.record_batch({"text": texts}), config)
    >>> bool(np.isin(found.keys[found.rows == 0], found.keys[found.rows == 1]).all())
    True
    """
    require_columns(batch, DOCUMENT, ("text",))
    return _distinct(
        (_fingerprint_keys(piece.hashes[piece.picked]), piece.rows[piece.picked])
        for piece in _pieces(batch["text"], config)
    )


def span_windows(
    batch: pa.RecordBatch, shared: npt.NDArray[np.void], config: SpanDeduplicationConfig
) -> SpanKeys:
    """Make the keys of the windows of n documents around fingerprints that are shared, each once a
    document.

    `shared` are the KEYs of the fingerprints that enough documents have, sorted.
    """
    return _distinct(
        (keys, piece.rows[starts]) for piece, starts, keys in _windows(batch, shared, config)
    )


def repeated_spans(
    batch: pa.RecordBatch,
    documents: npt.NDArray[np.uint64],
    shared: npt.NDArray[np.void],
    repeated: npt.NDArray[np.void],
    config: SpanDeduplicationConfig,
) -> Spans:
    """Find the spans of n documents, whose numbers are `documents`, that are to be taken out, to
    the byte.

    `repeated` are the windows that enough documents have, with the first of them: FREQUENT sorted
    by key. With `keep_first`, a passage that stands here first is left: a run of windows that do,
    if at least a window's length of it was not seen in an earlier document. What is new in a
    shorter run stays in any case, as no earlier document has it. What such passages leave of a span
    is left too, if it is shorter than a window: words out of the midst of a passage, of which the
    rest stays.
    """
    _, offsets = utf8_bytes(batch["text"])
    base = int(offsets[0])
    size = int(offsets[-1]) - base
    taken, left = np.zeros((2, size), bool)
    if len(repeated):
        for piece, starts, keys in _windows(batch, shared, config):
            place, hit = look_up(keys, repeated["key"])
            first = (
                hit
                & config.keep_first
                & (repeated["first"][place] == documents[piece.rows[starts]])
            )
            here = slice(piece.base - base, piece.base - base + len(piece.data))
            for covered, these in ((taken, hit & ~first), (left, first)):
                covered[here] |= _covered(starts[these], config.window_bytes, len(piece.data))
    bounds = offsets[(offsets > base) & (offsets < offsets[-1])] - base
    starts, ends = _runs(left, bounds)
    unseen = np.add.reduceat(left & ~taken, starts, dtype=np.int64) if len(starts) else starts
    short = unseen < config.window_bytes
    # a slice a passage
    for start, end in zip(starts[short].tolist(), ends[short].tolist(), strict=True):
        left[start:end] = False
    starts, ends = _runs(taken & ~left, bounds)
    whole = ends - starts >= config.window_bytes
    starts, ends = starts[whole], ends[whole]
    rows = np.searchsorted(offsets, starts + base, side="right") - 1
    return Spans(rows, starts + base - offsets[rows], ends + base - offsets[rows])


def remove_spans(
    batch: pa.RecordBatch,
    documents: npt.NDArray[np.uint64],
    shared: npt.NDArray[np.void],
    repeated: npt.NDArray[np.void],
    config: SpanDeduplicationConfig,
) -> RemovedSpans:
    """Take the repeated spans out of n documents (see `repeated_spans`), shrunk to whole words.

    A document that loses none stays as it is. One that does is rejected, with the text it came
    with, if fewer than `min_code_points` remain (`too_short_without_repeated_spans`), or no word
    that is surely its own, if that is not 0 (`nothing_but_repeated_spans`). Order is kept.
    """
    found = repeated_spans(batch, documents, shared, repeated, config)
    spans = _between_words(batch["text"], found, config.mask)
    counts = np.bincount(spans.rows, minlength=batch.num_rows)
    octets = np.bincount(spans.rows, spans.ends - spans.starts, minlength=batch.num_rows).astype(
        np.int64
    )
    text = _replaced(batch["text"], spans, config.mask.encode())
    changed = pa.array(counts > 0)
    after = pc.utf8_length(text)
    asked = config.min_code_points > 0
    nothing = pc.and_(
        changed, pa.array(asked & ~_has_own_words(batch["text"], found, config.stride - 1))
    )
    short = pc.or_(nothing, pc.and_(changed, pc.less(after, config.min_code_points)))
    return RemovedSpans(
        Filtered(
            set_columns(batch, text=text).filter(pc.invert(short)),
            reject(
                batch.filter(short),
                config.stage,
                pc.if_else(
                    nothing, "nothing_but_repeated_spans", "too_short_without_repeated_spans"
                ).filter(short),
                Measured(
                    after.filter(short),
                    pc.if_else(nothing, None, config.min_code_points).filter(short),
                ),
            ),
        ),
        counts,
        octets,
    )


def _has_own_words(texts: pa.Array, spans: Spans, unsure_bytes: int) -> npt.NDArray[np.bool_]:
    """Tell of each text whether there is a word outside its spans, of which up to `unsure_bytes`
    may be missing at an end; a passage that goes on there is taken to do so in its line."""
    octets, offsets = utf8_bytes(texts)
    has_own = np.ones(len(texts), bool)
    rows, firsts, counts = np.unique(spans.rows, return_index=True, return_counts=True)
    for row, first, last in zip(
        rows.tolist(), firsts.tolist(), (firsts + counts).tolist(), strict=True
    ):
        # Documents with spans are few, and mostly their first words answer.
        text = octets[offsets[row] : offsets[row + 1]]
        begins = np.append(0, spans.ends[first:last]).tolist()
        ends = np.append(spans.starts[first:last], len(text)).tolist()
        has_own[row] = any(
            _WORD.search(
                _surely_apart(text[begin:end].tobytes(), begin > 0, end < len(text), unsure_bytes)
            )
            for begin, end in zip(begins, ends, strict=True)
        )
    return has_own


def _surely_apart(part: bytes, follows: bool, precedes: bool, unsure_bytes: int) -> str:
    """Return what of a part of a text cannot belong to the spans that it follows or precedes."""
    start, end = 0, len(part)
    if follows:
        line_break = part.find(b"\n", 0, unsure_bytes)
        start = unsure_bytes if line_break < 0 else line_break
    if precedes:
        line_break = part.rfind(b"\n", max(start, end - unsure_bytes))
        end = end - unsure_bytes if line_break < 0 else line_break
    return part[start : max(start, end)].decode("utf-8", "ignore")


def _runs(
    marked: npt.NDArray[np.bool_], bounds: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """List where runs of marked bytes start and end; a run never goes over one of `bounds`, the
    ends of documents."""
    before = np.concatenate([[False], marked[:-1]])
    after = np.concatenate([marked[1:], [False]])
    before[bounds] = False
    after[bounds - 1] = False
    return np.flatnonzero(marked & ~before), np.flatnonzero(marked & ~after) + 1


def _covered(starts: npt.NDArray[np.int64], length: int, size: int) -> npt.NDArray[np.bool_]:
    """Mark the places from 0 to `size` that lie within `length` from any of `starts` on."""
    change = np.zeros(size + 1, np.int32)
    np.add.at(change, starts, 1)
    np.add.at(change, starts + length, -1)
    return np.cumsum(change[:-1], dtype=np.int32) > 0


class _Piece(NamedTuple):
    """Bytes of some texts from `base` on: the row of each place, the hash of the fingerprint there,
    which are picked.

    `room` is how many bytes there are from each place to the end of its text, or of the piece.
    """

    base: int
    rows: npt.NDArray[np.int64]
    hashes: npt.NDArray[np.uint64]
    picked: npt.NDArray[np.int64]
    room: npt.NDArray[np.int64]
    data: npt.NDArray[np.uint8]


def _pieces(texts: pa.Array, config: SpanDeduplicationConfig) -> Iterator[_Piece]:
    """Yield the texts in pieces of a mebibyte, with what is needed to pick around their ends as if
    there were none."""
    data, offsets = utf8_bytes(texts)
    reach = config.min_bytes
    width = reach - config.fingerprint_bytes + 1
    for begin in range(int(offsets[0]), int(offsets[-1]), _PIECE_BYTES):
        # Windows that begin up to `reach` before the piece may pick in it, and those that begin in
        # it reach beyond.
        first = max(int(offsets[0]), begin - reach)
        stop = min(int(offsets[-1]), begin + _PIECE_BYTES + 2 * reach)
        part = data[first:stop]
        cuts = np.clip(offsets, first, stop)
        rows = np.repeat(np.arange(len(offsets) - 1), np.diff(cuts))
        room = cuts[rows + 1] - np.arange(first, stop)
        hashes = _rolling(part, config.fingerprint_bytes, 0, slice(None))
        least = _last_least(hashes, width)
        picked = np.zeros(len(hashes), bool)
        picked[least[room[: len(least)] >= reach]] = True
        yield _Piece(first, rows, hashes, np.flatnonzero(picked), room, part)


def _windows(
    batch: pa.RecordBatch, shared: npt.NDArray[np.void], config: SpanDeduplicationConfig
) -> Iterator[tuple[_Piece, npt.NDArray[np.int64], npt.NDArray[np.void]]]:
    """Yield pieces with the places in them where windows around shared fingerprints begin, and
    their keys."""
    require_columns(batch, DOCUMENT, ("text",))
    if not len(shared):
        return
    _, offsets = utf8_bytes(batch["text"])
    for piece in _pieces(batch["text"], config):
        found = piece.picked[look_up(_fingerprint_keys(piece.hashes[piece.picked]), shared)[1]]
        begins = np.zeros(len(piece.data), bool)
        for back in range(0, config.min_bytes - config.fingerprint_bytes + 1, config.stride):
            begins[(found - back)[found >= back]] = True
        begins[_windows_at_edges(piece, offsets, found, config)] = True
        starts = np.flatnonzero(begins & (piece.room >= config.window_bytes))
        if not len(starts):
            continue
        windows = np.empty(len(starts), KEY)
        for part, number in (("high", 0), ("low", 1)):
            windows[part] = _rolling(piece.data, config.window_bytes, number, starts)
        yield piece, starts, windows


def _windows_at_edges(
    piece: _Piece,
    offsets: npt.NDArray[np.int64],
    found: npt.NDArray[np.int64],
    config: SpanDeduplicationConfig,
) -> npt.NDArray[np.int64]:
    """List where windows begin that begin or end with a line, a sentence or a text, and have one of
    `found` in reach.

    bytes   . \\n H e r e   i t   i s .   T h e n
    begins        ^                        ^            `found` are the places of shared fingerprints, sorted
    ends    ^                            ^
    """
    line_break, stop = piece.data == ord("\n"), np.isin(piece.data, list(b".!?"))
    space = line_break | (piece.data == ord(" "))
    apart = np.zeros(len(piece.data) + 1, bool)  # place i: a text ends before byte i
    apart[
        offsets[(offsets >= piece.base) & (offsets <= piece.base + len(piece.data))] - piece.base
    ] = True
    begins, ends = apart[:-1].copy(), apart[1:].copy()
    begins[1:] |= line_break[:-1]
    begins[2:] |= stop[:-2] & space[1:-1]
    ends[:-1] |= line_break[1:] | (stop[:-1] & space[1:])
    begin, end = np.flatnonzero(begins & ~space), np.flatnonzero(ends & ~space) + 1
    reach = config.min_bytes - config.fingerprint_bytes

    def holds(first: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        return np.searchsorted(found, first + reach, side="right") > np.searchsorted(found, first)

    windows = np.concatenate(
        [begin[holds(begin)], end[holds(end - config.min_bytes)] - config.window_bytes]
    )
    return windows[windows >= 0]


def _rolling(
    octets: npt.NDArray[np.uint8], length: int, number: int, at: slice | npt.NDArray[np.int64]
) -> npt.NDArray[np.uint64]:
    """Hash the runs of `length` bytes that begin at some places, by the first or the second
    base."""
    powers, inverses = _powers(number, len(octets))
    sums = np.concatenate(
        [np.zeros(1, np.uint64), np.cumsum(_octet_values().take(octets) * powers, dtype=np.uint64)]
    )
    count = max(0, len(octets) - length + 1)
    return mix64((sums[length : length + count][at] - sums[:count][at]) * inverses[:count][at])


def _last_least(hashes: npt.NDArray[np.uint64], width: int) -> npt.NDArray[np.int64]:
    """Return for every `width` consecutive hashes the place of the least, the last of equals.

    Equal means equal in the upper 42 bits, which the bytes decide alone. The least of a window is
    the lesser of a suffix's and a prefix's least in blocks of the window's width (van Herk 1992,
    Gil and Werman 1993).
    """
    count = len(hashes) - width + 1
    if count < 1:
        return np.empty(0, np.int64)
    low = (np.uint64(1) << _PLACE_BITS) - np.uint64(1)
    ranked = np.full(-(-len(hashes) // width) * width, np.iinfo(np.uint64).max, np.uint64)
    ranked[: len(hashes)] = (hashes & ~low) | (low - np.arange(len(hashes), dtype=np.uint64))
    blocks = ranked.reshape(-1, width)
    prefix = np.minimum.accumulate(blocks, axis=1).ravel()
    suffix = np.minimum.accumulate(blocks[:, ::-1], axis=1)[:, ::-1].ravel()
    least = np.minimum(suffix[:count], prefix[width - 1 : width - 1 + count])
    return (low - (least & low)).astype(np.int64)


def _fingerprint_keys(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.void]:
    keys = np.zeros(len(hashes), KEY)
    keys["high"] = hashes
    return keys


def _distinct(pieces: Iterable[tuple[npt.NDArray[np.void], npt.NDArray[np.int64]]]) -> SpanKeys:
    """Put the keys of pieces together, each key of a row once, in a piece and in all."""
    found = [
        SpanKeys(np.empty(0, KEY), np.empty(0, np.int64)),
        *(_once(*piece) for piece in pieces),
    ]
    return _once(
        np.concatenate([keys for keys, _ in found]), np.concatenate([rows for _, rows in found])
    )


def _once(keys: npt.NDArray[np.void], rows: npt.NDArray[np.int64]) -> SpanKeys:
    order = np.lexsort((keys["low"], keys["high"], rows))
    keys, rows = keys[order], rows[order]
    new = np.ones(len(keys), bool)
    new[1:] = (keys[1:] != keys[:-1]) | (rows[1:] != rows[:-1])
    return SpanKeys(keys[new], rows[new])


def _between_words(texts: pa.Array, spans: Spans, mask: str) -> Spans:
    """Shrink spans until they begin and end between words, and leave the separator that parts what
    is around them."""
    octets, offsets = utf8_bytes(texts)
    starts, ends = spans.starts.copy(), spans.ends.copy()
    for number, (row, start, end) in enumerate(
        zip(*(values.tolist() for values in spans), strict=True)
    ):
        # Spans are few, and only some bytes at each end of one are looked at.
        text = octets[offsets[row] : offsets[row + 1]]
        start = _next_cut(text, start, end)
        starts[number], ends[number] = _without_separator(
            text, start, _last_cut(text, start, end), bool(mask)
        )
    some = ends > starts
    return Spans(spans.rows[some], starts[some], ends[some])


def _next_cut(text: npt.NDArray[np.uint8], start: int, end: int) -> int:
    """Return the first place from `start` on where the text may be cut; `end` if there is none
    before it."""
    start, reach = _letter_start(text, start, 1), _LOOK_AHEAD
    while start < end:
        stop = _letter_start(text, min(start + reach, end), -1)
        places = _cuts(text, start, stop)
        if len(places):
            return int(places[0])
        if start + reach >= end:
            break
        reach *= 16
    return end


def _last_cut(text: npt.NDArray[np.uint8], start: int, end: int) -> int:
    """Return the last place up to `end` where the text may be cut; `start` if there is none after
    it."""
    end, reach = _letter_start(text, end, -1), _LOOK_AHEAD
    while start < end:
        places = _cuts(text, _letter_start(text, max(start, end - reach), 1), end)
        if len(places):
            return int(places[-1])
        if end - reach <= start:
            break
        reach *= 16
    return start


def _letter_start(text: npt.NDArray[np.uint8], place: int, step: int) -> int:
    """Step from inside a code point to where the next one starts, or this one."""
    while 0 < place < len(text) and text[place] & 0xC0 == 0x80:
        place += step
    return place


def _cuts(text: npt.NDArray[np.uint8], first: int, last: int) -> npt.NDArray[np.int64]:
    """List the places from `first` to `last`, at both of which a code point starts, where the text
    may be cut.

    text    w o r d   w o r d .     a place lies before each code point, and one after the last;
    place  ^       ^ ^         ^    ^ marks those where the text may be cut
    """
    begin = _letter_start(text, max(0, first - 1), -1)
    stop = _letter_start(text, min(len(text), last + 1), 1)
    code_points = _code_points(text[begin:stop])
    kinds, parting = unit_kinds().take(code_points), _parting().take(code_points)
    one_run = np.isin(kinds, (UnitKind.CLUSTER, UnitKind.CLUSTER_MARK, UnitKind.STACKER))
    separator = kinds == UnitKind.SEPARATOR
    # no mark, no joiner
    beginning = np.isin(kinds, (UnitKind.SEPARATOR, UnitKind.WORD, UnitKind.CLUSTER))
    between = (
        parting[:-1] | parting[1:] | (separator[:-1] & one_run[1:]) | (one_run[:-1] & separator[1:])
    )
    free = np.concatenate([[begin == 0], beginning[1:] & between, [stop == len(text)]])
    lengths = 1 + sum((code_points >= least).astype(np.int64) for least in (0x80, 0x800, 0x10000))
    places = np.concatenate([[begin], begin + np.cumsum(lengths)])
    return places[free & (places >= first) & (places <= last)]


def _code_points(octets: npt.NDArray[np.uint8]) -> npt.NDArray[np.intp]:
    return np.frombuffer(octets.tobytes().decode().encode("utf-32-le"), np.uint32).astype(np.intp)


@cache
def _parting() -> npt.NDArray[np.bool_]:
    """Say of each code point whether words end at it, whatever is next to it.

    White space, the zero-width space, and the punctuation of scripts that are written in one run,
    or that point words or syllables apart.
    """
    codes, numbers = script_table()
    scripts = {codes.index(code) for code in (*UNSPACED_SCRIPTS, *_POINTED_SCRIPTS)}
    kinds = unit_kinds()
    parting = np.zeros(len(kinds), bool)
    for code_point in np.flatnonzero(
        kinds == UnitKind.SEPARATOR
    ).tolist():  # a table of Unicode, once
        letter = chr(code_point)
        wide = unicodedata.east_asian_width(letter) in "WF"
        parting[code_point] = (
            letter.isspace() or letter == "\u200b" or wide or numbers[code_point] in scripts
        )
    return parting


def _without_separator(
    text: npt.NDArray[np.uint8], start: int, end: int, masked: bool
) -> tuple[int, int]:
    """Shrink a span by the separator at one of its ends that has to stay, or by those at both ends
    around a mask.

    before  left |lead      span      trail| right  after
    """
    head, tail = (
        _letters(text, start, min(end, start + _LONGEST_SPACE)),
        _letters(text, max(start, end - _LONGEST_SPACE), end),
    )
    lead, trail = head[: len(head) - len(head.lstrip())], tail[len(tail.rstrip()) :]
    if len(lead.encode()) == end - start:
        return start, start  # white space alone
    if masked:
        return start + len(lead.encode()), end - len(trail.encode())
    if start == 0 or end == len(text):
        return start, end
    before, after = (
        _letters(text, max(0, start - _LONGEST_SPACE), start),
        _letters(text, end, end + _LONGEST_SPACE),
    )
    left, right = before[len(before.rstrip()) :], after[: len(after) - len(after.lstrip())]
    wanted = max(_strength(left + lead), _strength(trail + right))
    if not wanted and not _separates(before[-1]) and not _separates(after[0]):
        # Both are letters of one run, so the span begins or ends with punctuation that parts them.
        return (
            (start + len(head[0].encode()), end)
            if _separates(head[0])
            else (start, end - len(tail[-1].encode()))
        )
    if _strength(left + right) >= wanted:
        return start, end
    return (
        (start + len(lead.encode()), end)
        if _strength(left + lead) == wanted
        else (start, end - len(trail.encode()))
    )


def _letters(text: npt.NDArray[np.uint8], start: int, end: int) -> str:
    """Decode a part of a text, without the code points that lie in it in part."""
    return text[start:end].tobytes().decode("utf-8", "ignore")


def _strength(space: str) -> int:
    """Rank white space: 0 for none, 1 for a space, 2 for a line break, 3 for a blank line.

    >>> [_strength(space) for space in ("", " ", "\\r\\n", " \\n\\n")]
    [0, 1, 2, 3]
    """
    return min(3, bool(space) + len(_LINE_BREAK.findall(space)))


def _separates(letter: str) -> bool:
    return bool(unit_kinds()[ord(letter)] == UnitKind.SEPARATOR)


def _replaced(texts: pa.Array, spans: Spans, mask: bytes) -> pa.Array:
    """Write n texts with `mask` in place of spans."""
    data, offsets = utf8_bytes(texts)
    begins, ends = offsets[spans.rows] + spans.starts, offsets[spans.rows] + spans.ends
    octets, last = data.data, int(offsets[0])
    parts: list[memoryview | bytes] = []
    # a slice a span, copied once at the end
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        parts += (octets[last:begin], mask)
        last = end
    written = b"".join([*parts, octets[last : int(offsets[-1])]])
    shifts = np.concatenate([[0], np.cumsum(len(mask) - (ends - begins))])
    moved = offsets - offsets[0] + shifts[np.searchsorted(begins, offsets)]
    buffers = [None, pa.py_buffer(moved), pa.py_buffer(written)]
    return pa.Array.from_buffers(pa.large_string(), len(texts), buffers)


@cache
def _octet_values() -> npt.NDArray[np.uint64]:
    return mix64(np.arange(1, 257, dtype=np.uint64) * _GOLDEN)


@cache
def _all_powers(number: int, count: int) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    base = _BASES[number]
    return tuple(  # type: ignore[return-value]
        np.concatenate([np.ones(1, np.uint64), np.full(count, factor, np.uint64)]).cumprod(
            dtype=np.uint64
        )
        for factor in (base, pow(base, -1, 1 << 64))
    )


def _powers(number: int, count: int) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Return the first powers of a base and their inverses; made once in a process, for a round
    number of bytes."""
    powers, inverses = _all_powers(number, 1 << max(12, (count - 1).bit_length()))
    return powers[:count], inverses[:count]
