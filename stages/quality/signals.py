"""Measure what quality filters decide by: one pass over a block of texts, all languages alike.

    texts     joined with line feeds, about 256 Ki code points at a time
    classes   one class for each code point (character_classes)
    words     [start, end) of each, by changes of class; where words are not spaced, by the segmenter
    lines     [start, end) of each, by line ends
    hashes    of any span by two prefix sums: sum(c_i r^i) r^-start mod 2^64, scrambled
    n-grams   hash of n words, packed with the place of the first: one sort finds those that repeat

Words are runs of letters, marks and digits, with CONNECTORS inside where they stand between two of
these ("don't", "3.5", "example.org"); some of these marks need a digit (`_joins`). A word needs a
letter or a digit. Syllables are the words of Tibetan script, which the tsheg divides as a space
does. Where words are not spaced the segmenter cuts runs: `icu`, the break iterators of ICU, or
`graphemes`, one unit for each letter with its marks.

An n-gram repeats if its words stood in the text before in the same order. Only where an (n-1)-gram
repeats can an n-gram: each round sorts what the round before left.

A text longer than 1 Mi code points is measured in pieces, which end at a line end, or at a space,
or anywhere:
repetition counts within a piece, and a line that is longer counts as several. So memory apart from
the text is bounded.

Sources: Rae et al. 2021, arXiv:2112.11446, table A1 (Gopher); Raffel et al. 2020, JMLR 21/140 (C4);
Penedo et al. 2024, arXiv:2406.17557 (FineWeb); docs/quality.md has each definition next to those of
four projects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.columns import require_columns
from schemas.document import DOCUMENT
from schemas.orthography import PAUSE_MARKS
from schemas.quality_signals import DUPLICATE_GRAMS, QUALITY_SIGNALS, TOP_GRAMS
from stages.keys import mix64
from stages.quality.character_classes import (
    ELLIPSES,
    END_MARKS_OF_SCRIPTS,
    SPACED_BULLETS,
    SPACED_END_MARKS,
    WORDSPACE,
    Class,
    tables,
)
from stages.quality.segmenters import (
    CHINESE_SCRIPTS,
    Divide,
    Segmenter,
    load_icu,
    load_nlpo3,
    load_rjieba,
)
from stages.script_detection import script_table
from stages.segmentation import CODE_POINTS, UnitKind, unit_kinds

SHORT_LINE = 30  # code points (FineWeb)
LONG_LINE = 200  # code points (mC4: a paragraph)
MAX_WORD = 1000  # code points; C4 removes a line with a longer one
MIN_LINE_WORDS = 3  # C4
# What C4 removes lines for (https://github.com/tensorflow/datasets, c4_utils.py), in English as it
# is there.
C4_PHRASES = (
    *("javascript", "terms of use", "privacy policy", "cookie policy"),
    *("uses cookies", "use of cookies", "use cookies"),
)
LOREM_IPSUM = "lorem ipsum"
HYPHENS = (0x2D, 0x2010, 0x2011)

_CHUNK = 1 << 18  # code points worked on at once, which with what is made of them stays in cache
_PIECE = 1 << 20  # code points of a text from which on it is cut
_BASE = 0x9E3779B97F4A7C15 | 1
_WITH_DIGITS = (0x21, 0x2C, 0x3B)  # marks that join only next to a digit: "3,5", "Sheet1!A2"
# marks that join only where a digit follows: "1/2", "10:30", "x=1"
_BEFORE_DIGITS = (
    0x2F,
    0x3A,
    0x3D,
)
_ON_WORDS = (*HYPHENS, 0x2F)
_FIRST_WIDE = 0x2E80
# Latin letters that say as much as one Han, Kana or Hangul letter (script_detection.CONTENT)
_WIDE = 3

Array = NDArray[np.int64]
Hashes = NDArray[np.uint64]
Flags = NDArray[np.bool_]


class _Words(NamedTuple):
    """Words of some texts in order: hash, length in code points, whether it has a letter, number of
    its text."""

    hashes: Hashes
    lengths: Array
    alphabetic: Flags
    texts: Array


class _Lines(NamedTuple):
    """Lines of some texts in order; `lengths` and `hashes` are of what is inside white space, 0 of
    blank lines."""

    hashes: Hashes
    lengths: Array
    texts: Array
    short: Flags
    bullets: Flags
    ellipses: Flags
    closed: Flags
    symbols: Flags
    sentences: Array  # that C4 would count


class _Scan(NamedTuple):
    """What was found in a chunk: words, lines, and for each text counts of `_COUNTS`."""

    words: _Words
    lines: _Lines
    counts: Array  # of shape (len(_COUNTS), texts)


_COUNTS = ("code points", "marks", "hashes", "ellipses", "curly_brackets")


def measure_quality(
    batch: pa.RecordBatch,
    segmenter: Segmenter,
    stop_words: Mapping[str, Sequence[str]] | None = None,
) -> pa.RecordBatch:
    """Measure n texts: n rows of QUALITY_SIGNALS. `stop_words` are lists by language and script
    (`eng_Latn`).

    What a text does not have is 0: of an empty text every signal. Raises SchemaError if `text`,
    `language` or `script` is missing or mistyped.

    >>> row = {"text": ["One, two.\\nOne, two."], "language": ["eng"], "script": ["Latn"]}
    >>> block = pa.record_batch(row, pa.schema([DOCUMENT.field(name) for name in row]))
    >>> found = measure_quality(block, "graphemes").to_pylist()[0]
    >>> found["words"], found["tokens"], found["lines"], found["duplicate_line_share"], found["end_mark_line_share"]
    (4, 8, 2, 0.5, 1.0)
    """
    require_columns(batch, DOCUMENT, ("text", "language", "script"))
    rows = batch.num_rows
    texts, scripts = batch["text"].to_pylist(), batch["script"].to_pylist()
    labels = pc.binary_join_element_wise(batch["language"], batch["script"], "_").to_pylist()
    frame = pl.Series(batch["text"].cast(pa.large_string()))
    phrases = frame.str.contains_any(list(C4_PHRASES), ascii_case_insensitive=True).to_numpy()
    found: dict[str, NDArray[np.float64] | Array] = {
        field.name: np.zeros(rows, np.int64 if pa.types.is_integer(field.type) else np.float64)
        for field in QUALITY_SIGNALS
    }
    stops = _StopWords.of(stop_words or {}, labels)
    for first, last in _chunks([len(text) for text in texts]):
        pieces = _pieces(texts[first]) if last == first + 1 else iter([texts[first:last]])
        totals: dict[str, Array] = {}
        present = np.zeros(0, np.int64)
        own = _Scripts.of(scripts[first:last])
        for piece in pieces:
            scan = _scan(piece, own, np.flatnonzero(phrases[first:last]), segmenter)
            for name, values in _totals(scan, last - first).items():
                totals[name] = totals[name] + values if name in totals else values
            present = np.union1d(present, stops.present(scan.words, first, last))
        for field in QUALITY_SIGNALS:
            if field.name in totals:
                whole = totals[_WHOLES[field.name]] if field.name in _WHOLES else 1
                found[field.name][first:last] = totals[field.name] / np.maximum(whole, 1)
        found["stop_words"][first:last] = np.bincount(
            present // stops.width, minlength=last - first
        )
    found["lorem_ipsum"] = (
        frame.str.contains_any([LOREM_IPSUM], ascii_case_insensitive=True)
        .to_numpy()
        .astype(np.int64)
    )
    arrays = [
        pa.array(found[field.name], mask=~stops.listed if field.name == "stop_words" else None)
        for field in QUALITY_SIGNALS
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=QUALITY_SIGNALS)


class _Scripts(NamedTuple):
    """What follows from the scripts of some texts: the end mark of each script alone, 0 for none;
    whether Chinese."""

    end_marks: NDArray[np.uint32]
    chinese: Flags

    @classmethod
    def of(cls, scripts: Sequence[str | None]) -> _Scripts:
        marks = [END_MARKS_OF_SCRIPTS.get(script or "", 0) for script in scripts]
        return cls(
            np.asarray(marks, np.uint32), np.isin(np.asarray([*scripts], np.str_), CHINESE_SCRIPTS)
        )


def _chunks(lengths: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Divide texts into runs of about `_CHUNK` code points; one longer than `_PIECE` is alone."""
    first = size = 0
    for row, length in enumerate(lengths):  # adds up numbers, once for a document
        if row > first and size + length > _CHUNK:
            yield first, row
            first, size = row, 0
        size += length
    if len(lengths) > first:
        yield first, len(lengths)


def _pieces(text: str) -> Iterator[list[str]]:
    """Cut a long text at line ends, spaces or, where it has neither, anywhere."""
    start = 0
    while len(text) - start > _PIECE:
        end = start + _PIECE
        for mark in "\n ":
            at = text.rfind(mark, start, end)
            if at > start:
                end = at + 1
                break
        yield [text[start:end].removesuffix("\n")]
        start = end
    yield [text[start:]]


def _scan(texts: Sequence[str], scripts: _Scripts, phrases: Array, segmenter: Segmenter) -> _Scan:
    """Find the words and lines of texts, of which `phrases` have one of C4_PHRASES."""
    table = tables()
    joined = "\n".join(["", *texts, ""])
    points = np.frombuffer(joined.encode("utf-32-le"), np.uint32)
    kinds = table.classes.take(points)
    sizes = np.fromiter(map(len, texts), np.int64, len(texts))
    begins = np.cumsum(np.append(1, sizes[:-1] + 1))
    bounds = np.append(begins, len(points))

    def of_texts(places: Array) -> Array:
        return np.diff(np.searchsorted(places, bounds))

    inside = kinds >= Class.IGNORED
    marks = np.flatnonzero((kinds >= Class.CLOSING) & ~inside)
    connectors = marks[kinds[marks] == Class.CONNECTOR]
    inner = connectors[inside[connectors - 1] & inside[connectors + 1]]
    inside[inner[_joins(points, kinds, inner)]] = True
    spans = _Spans(points, kinds, inside, begins)
    starts, ends = _spans(inside)
    if (kinds == Class.UNSPACED).any():
        starts, ends = _cut_unspaced(spans, starts, ends, segmenter, scripts)
    starts, ends = _with_letters(kinds, starts, ends)

    sums = np.zeros(len(points) + 1, np.uint64)
    powers, inverses = _powers()
    np.cumsum(points * powers[: len(points)], out=sums[1:])

    def hashes(first: Array, last: Array) -> Hashes:
        return mix64((sums[last] - sums[first]) * inverses[first])

    letters = np.zeros(len(points) + 1, np.int32)
    np.cumsum(kinds >= Class.LETTER, out=letters[1:])
    word_counts = of_texts(starts)
    words = _Words(
        hashes(starts, ends),
        ends - starts,
        letters[ends] > letters[starts],
        np.repeat(np.arange(len(texts)), word_counts),
    )

    marks = marks[~inside[marks]]
    signs = points[marks]
    dots = marks[signs == 0x2E]
    dot_runs, dot_ends = _runs(dots)
    ellipses = np.repeat(dot_runs, (dot_ends - dot_runs) // 3)
    counts = np.stack(
        [
            sizes,
            of_texts(marks[(signs != points[marks - 1]) & ~_on_words(signs, marks, inside)]),
            of_texts(marks[signs == 0x23]),
            of_texts(ellipses) + of_texts(marks[_set_of(ELLIPSES)[signs]]),
            of_texts(marks[signs == 0x7B]),
        ]
    )
    lines = _lines(spans, starts, ends, marks, scripts.end_marks)
    line_hashes = hashes(lines.firsts, lines.lasts)
    line_hashes[lines.firsts == lines.lasts] = 0
    kept = lines.c4
    if len(phrases):
        hits = [
            begins[text] + place
            for text in phrases
            if text < len(texts)
            for place in _phrase_places(texts[text])
        ]
        kept[np.searchsorted(lines.firsts, hits, side="right") - 1] = False
    return _Scan(
        words,
        _Lines(
            line_hashes,
            lines.lasts - lines.firsts,
            lines.texts,
            lines.short,
            lines.bullets,
            lines.ellipses,
            lines.closed,
            lines.symbols,
            np.where(kept, np.maximum(lines.sentences, 1), 0),
        ),
        counts,
    )


def _joins(points: NDArray[np.uint32], kinds: NDArray[np.uint8], connectors: Array) -> Flags:
    """Tell which connectors between letters and digits join them, as spaCy's tokenizers do for most
    languages.

    A stop divides a small letter from a capital ("end.Next"); a colon, a slash or an equals sign,
    what stands before it from a letter ("and/or"); a comma, a semicolon or an exclamation mark, two
    letters; a plus sign, two digits; a hyphen, two letters or two digits.
    """
    signs = points[connectors]
    before, after = points[connectors - 1], points[connectors + 1]
    digit_before, digit_after = (
        kinds[connectors - 1] == Class.DIGIT,
        kinds[connectors + 1] == Class.DIGIT,
    )
    table = tables()
    divides = (signs == 0x2E) & table.small[before] & table.capitals[after]
    divides |= _set_of(_WITH_DIGITS)[signs] & ~digit_before & ~digit_after
    divides |= _set_of(_BEFORE_DIGITS)[signs] & ~digit_after
    divides |= (signs == 0x2B) & digit_before & digit_after
    divides |= _set_of(HYPHENS)[signs] & (digit_before == digit_after)
    return ~divides


@cache
def _set_of(marks: tuple[int, ...]) -> Flags:
    """Mark some code points in a table of all, which is faster to look up than `np.isin`."""
    table = np.zeros(CODE_POINTS, np.bool_)
    table[list(marks)] = True
    return table


def _on_words(signs: NDArray[np.uint32], marks: Array, inside: Flags) -> Flags:
    """Tell which marks count with the word next to them: a hyphen or slash on one side of it, a
    stop before it."""
    before, after = inside[marks - 1], inside[marks + 1]
    return (before != after) & (_set_of(_ON_WORDS)[signs] | ((signs == 0x2E) & after))


class _Spans(NamedTuple):
    """A chunk of texts, one code point after another: values, classes, whether in a word; where
    each text begins."""

    points: NDArray[np.uint32]
    kinds: NDArray[np.uint8]
    inside: Flags
    begins: Array


class _FoundLines(NamedTuple):
    """Lines as places in a chunk, [firsts, lasts) without the white space around, and what they
    are."""

    firsts: Array
    lasts: Array
    texts: Array
    short: Flags
    bullets: Flags
    ellipses: Flags
    closed: Flags
    symbols: Flags
    sentences: Array
    c4: Flags


def _lines(
    spans: _Spans, starts: Array, ends: Array, marks: Array, own_marks: NDArray[np.uint32]
) -> _FoundLines:
    """Find the lines of a chunk with its words, [starts, ends), and its punctuation outside
    words."""
    points, kinds, _, begins = spans
    table = tables()
    breaks = np.flatnonzero(kinds == Class.LINE_END)
    line_starts, line_ends = breaks[:-1] + 1, breaks[1:]
    texts = np.searchsorted(begins, line_starts, side="right") - 1
    content = np.flatnonzero(kinds > Class.LINE_END)
    first, last = np.searchsorted(content, line_starts), np.searchsorted(content, line_ends) - 1
    blank = last < first
    content = np.append(content, 0)  # so that any place of a blank line can be looked up
    heads, tails = content[first], content[last]
    firsts, lasts = np.where(blank, line_starts, heads), np.where(blank, line_starts, tails + 1)

    signs = points[marks]
    quotes = (kinds[marks] == Class.CLOSING) | (signs == 0x27) | (signs == 0x2019)
    # The last code point that is no closing mark: closing marks before the end are few, so they are
    # gone through.
    closing = np.zeros(len(points), np.bool_)
    closing[marks[quotes]] = True
    open_ends = np.maximum.accumulate(
        np.where(closing | (kinds <= Class.LINE_END), 0, np.arange(len(points)))
    )[np.maximum(line_ends - 1, 0)]
    open_ends = np.maximum(open_ends, np.where(blank, 0, heads))
    final = points[open_ends]
    ellipses = _set_of(ELLIPSES)[final] | (
        (final == 0x2E)
        & (points[open_ends - 1] == 0x2E)
        & (points[np.maximum(open_ends - 2, 0)] == 0x2E)
    )
    ended = table.end_marks[final] | ((final == own_marks[texts]) & (final > 0))
    ended |= (final == WORDSPACE) & (points[open_ends - 1] == WORDSPACE)
    head = points[heads]
    bullets = table.bullets[head] | (
        _set_of(SPACED_BULLETS)[head]
        & (kinds[np.minimum(heads + 1, len(kinds) - 1)] == Class.SPACE)
    )
    closed = ended | _set_of(PAUSE_MARKS)[final]
    for flags in (ellipses, ended, closed, bullets):
        flags &= ~blank

    word_bounds = np.searchsorted(starts, line_starts)
    line_words = np.diff(np.append(word_bounds, len(starts)))
    lengths = lasts - firsts
    wide = np.zeros(len(lengths), np.int64)
    places = np.flatnonzero(_is_wide(points)) if points.max() >= _FIRST_WIDE else marks[:0]
    if east_asian := len(places):
        wide = np.searchsorted(places, line_ends) - np.searchsorted(places, line_starts)
    short = (lengths + (_WIDE - 1) * wide if east_asian else lengths) <= SHORT_LINE

    ending = marks[table.end_marks[signs] & ~_set_of(ELLIPSES)[signs]]
    after = ending + 1
    final_mark = ~table.end_marks[points[after]] & (
        ~_set_of(SPACED_END_MARKS)[points[ending]]
        | (kinds[after] <= Class.CLOSING)
        | closing[after]
    )
    sentence_ends = ending[final_mark]
    pairs = marks[(signs == WORDSPACE) & (points[marks - 1] == WORDSPACE)]
    final_places = np.sort(np.concatenate([sentence_ends, pairs]))
    sentences = np.searchsorted(final_places, line_ends) - np.searchsorted(
        final_places, line_starts
    )
    has_long = np.zeros(len(lengths), np.bool_)
    if len(long_words := starts[ends - starts > MAX_WORD]):
        has_long[np.searchsorted(line_starts, long_words, side="right") - 1] = True
    c4 = closed & ~ellipses & ~has_long & (line_words >= MIN_LINE_WORDS)
    return _FoundLines(
        firsts,
        lasts,
        texts,
        short & ~blank,
        bullets,
        ellipses,
        closed,
        (line_words == 0) & ~blank,
        sentences,
        c4,
    )


def _is_wide(points: NDArray[np.uint32]) -> Flags:
    """Find letters of Han, Kana, Hangul, Bopomofo and Yi."""
    return (
        (points >= _FIRST_WIDE)
        & (
            (points < 0xA4D0)
            | ((points >= 0xAC00) & (points < 0xD7A4))
            | ((points >= 0x20000) & (points < 0x40000))
        )
        & ((points < 0x3000) | (points > 0x3020))
    )


def _spans(inside: Flags) -> tuple[Array, Array]:
    """Return the [starts, ends) of runs of true; the first and the last value are false."""
    edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
    return edges[::2], edges[1::2]


def _runs(places: Array) -> tuple[Array, Array]:
    """Return the [starts, ends) of runs of neighbouring places."""
    if not len(places):
        return places, places
    cuts = np.flatnonzero(np.diff(places) != 1) + 1
    return places[np.append(0, cuts)], places[np.append(cuts - 1, len(places) - 1)] + 1


def _with_letters(kinds: NDArray[np.uint8], starts: Array, ends: Array) -> tuple[Array, Array]:
    """Leave out words without a letter or digit: joiners of emoji, marks on nothing, connectors
    between pieces."""
    doubtful = np.flatnonzero(kinds[starts] < Class.DIGIT)
    if not len(doubtful):
        return starts, ends
    core = np.append(0, np.cumsum(kinds >= Class.DIGIT))
    keep = np.ones(len(starts), np.bool_)
    keep[doubtful] = core[ends[doubtful]] > core[starts[doubtful]]
    return starts[keep], ends[keep]


def _cut_unspaced(
    spans: _Spans, starts: Array, ends: Array, segmenter: Segmenter, scripts: _Scripts
) -> tuple[Array, Array]:
    """Cut the runs that have letters of scripts without spaces into words; the others stay."""
    points, kinds, _, _ = spans
    unspaced = np.append(0, np.cumsum(kinds == Class.UNSPACED))
    runs = unspaced[ends] > unspaced[starts]
    first, last = starts[runs], ends[runs]
    # The runs, with a space after each, as one text: `places` are those of its code points in the
    # chunk.
    sizes = last - first + 1
    heads = np.cumsum(sizes) - sizes
    places = np.arange(int(sizes.sum())) + np.repeat(first - heads, sizes)
    text = points[places]
    text[heads + sizes - 1] = 0x20
    run_kinds = kinds[places]
    cores = run_kinds >= Class.DIGIT
    letters = run_kinds == Class.UNSPACED
    earlier = np.maximum.accumulate(np.where(cores, np.arange(len(cores)), 0))
    after_one = np.append(False, letters[earlier][:-1])
    cuts = np.flatnonzero(cores & (letters != after_one))  # ICU would join Thai and Latin letters
    if segmenter != "graphemes":
        breaks = _icu_breaks(text)
        for divide, own in _libraries(spans, places, text, segmenter, scripts):
            breaks = _library_breaks(text, own, divide, breaks)
        cuts = np.concatenate([cuts, breaks])
        letters &= ~_icu_dictionaries()[text]
    if letters.any():
        stacked = np.append(False, (unit_kinds()[text] == UnitKind.STACKER)[:-1])
        cuts = np.concatenate([cuts, np.flatnonzero(letters & ~stacked)])
    opens = np.zeros(len(text), np.bool_)
    opens[cuts[cuts < len(text)]] = True
    opens[heads] = True
    closes = heads + sizes - 1  # the spaces
    opens[closes] = True
    cuts = np.flatnonzero(opens)
    is_space = text[cuts] == 0x20
    begin = places[cuts[~is_space]]
    finish = places[cuts[np.flatnonzero(~is_space) + 1]]
    return np.sort(np.concatenate([starts[~runs], begin])), np.sort(
        np.concatenate([ends[~runs], finish])
    )


def _libraries(
    spans: _Spans, places: Array, text: NDArray[np.uint32], segmenter: Segmenter, scripts: _Scripts
) -> Iterator[tuple[Divide, Flags]]:
    """Yield what divides a part of a text better than ICU, and its part: `places` are those in the
    chunk."""
    if "nlpo3" in segmenter and (thai := _letters_of("Thai")[text]).any():
        yield load_nlpo3(), thai
    if "rjieba" in segmenter and scripts.chinese.any():
        of_texts = np.searchsorted(spans.begins, places, side="right") - 1
        chinese = _letters_of(*CHINESE_SCRIPTS)[text] & scripts.chinese[of_texts]
        if chinese.any():
            yield load_rjieba(), chinese


def _library_breaks(text: NDArray[np.uint32], own: Flags, divide: Divide, breaks: Array) -> Array:
    """Put the word boundaries that a library finds within its `own` parts of a text in the place of
    others there."""
    starts, ends = (places - 1 for places in _spans(np.concatenate([[False], own, [False]])))
    sizes = ends - starts + 1  # with a line feed after each, where no word goes on
    places = np.arange(int(sizes.sum())) + np.repeat(starts - (np.cumsum(sizes) - sizes), sizes)
    joined = text[places]
    joined[np.cumsum(sizes) - 1] = 0x0A
    words = divide(joined.tobytes().decode("utf-32-le"))
    found = np.cumsum(np.fromiter(map(len, words), np.int64, len(words)))
    if int(found[-1]) != len(joined):
        raise ValueError(
            f"a segmenter changed the text: {len(joined)} code points became {found[-1]}"
        )
    inside = np.append(own, False) & np.append(False, own)  # between two letters of a part
    found = places[found[:-1]]
    # nlpO3 may cut before a vowel sign
    before_letters = tables().classes[text[found]] >= Class.DIGIT
    return np.concatenate([breaks[~inside[breaks]], found[inside[found] & before_letters]])


@cache
def _letters_of(*scripts: str) -> Flags:
    """Mark the code points of scripts."""
    codes, numbers = script_table()
    return np.isin(np.asarray(codes), scripts)[numbers]


@cache
def _icu_dictionaries() -> Flags:
    """Mark the letters of scripts that ICU has dictionaries of: Thai, Lao, Khmer, Burmese, Han and
    Kana."""
    dictionaries = _letters_of(
        "Thai", "Laoo", "Khmr", "Mymr", "Hani", "Hans", "Hant", "Hira", "Kana"
    ).copy()
    dictionaries[[0x30FC, 0xFF70]] = True  # length marks of Kana, of no script
    return dictionaries


def _icu_breaks(text: NDArray[np.uint32]) -> Array:
    """Find the word boundaries of a text by ICU, as places of code points."""
    icu = load_icu()
    iterator = icu.BreakIterator.createWordInstance(icu.Locale.getRoot())
    iterator.setText(icu.UnicodeString(text.tobytes().decode("utf-32-le")))
    breaks = np.fromiter(iterator, np.int64)
    if (text > 0xFFFF).any():  # ICU counts UTF-16
        breaks = np.searchsorted(np.cumsum(1 + (text > 0xFFFF)), breaks, side="right")
        breaks = np.unique(breaks)
    return breaks


def _phrase_places(text: str) -> Iterator[int]:
    """Find C4_PHRASES in a text that has some, in any case. U+0130 alone would grow in small
    letters."""
    small = text.replace("\u0130", "i").lower()
    for phrase in C4_PHRASES:
        place = small.find(phrase)
        while place >= 0:
            yield place
            place = small.find(phrase, place + 1)


@cache
def _powers() -> tuple[Hashes, Hashes]:
    """Return the powers of the base of hashes, as many as a chunk can have code points, and their
    inverses."""
    room = _PIECE + _CHUNK + 2
    powers, inverses = (
        np.concatenate([np.ones(1, np.uint64), np.full(room, base, np.uint64)]).cumprod(
            dtype=np.uint64
        )
        for base in (_BASE, pow(_BASE, -1, 1 << 64))
    )
    return powers, inverses


# What the total of a signal is divided by.
_WHOLES = {
    "mean_word_length": "words",
    "alphabetic_word_share": "words",
    "mean_line_length": "lines",
    "duplicate_paragraph_share": "paragraphs",
    **dict.fromkeys(
        ("alphabetic_token_share", "hash_share", "ellipsis_share", "line_break_share"), "tokens"
    ),
    **{
        f"{name}_line_share": "lines"
        for name in ("bullet", "ellipsis", "symbol", "short", "end_mark", "duplicate")
    },
    **{f"duplicate_{part}_character_share": "characters" for part in ("line", "paragraph")},
    **{f"top_{n}_gram_share": "characters" for n in TOP_GRAMS},
    **{f"duplicate_{n}_gram_share": "characters" for n in DUPLICATE_GRAMS},
}


def _totals(scan: _Scan, texts: int) -> dict[str, Array]:
    """Add up what was found, for each of n texts, by the name of the signal it is a share or mean
    of."""
    words, lines = scan.words, scan.lines
    characters, marks, hashes, ellipses, curly = scan.counts

    def of_texts(which: Array, weights: NDArray[np.generic] | None = None) -> Array:
        return np.bincount(which, weights, minlength=texts).astype(np.int64)

    counts = of_texts(words.texts)
    alphabetic = of_texts(words.texts[words.alphabetic])
    shown = lines.lengths > 0
    lengths, of_line = lines.lengths[shown], lines.texts[shown]
    again = _repeats(_keyed(lines.hashes[shown], of_line))
    paragraphs = _paragraphs(lines)
    copies = _repeats(_keyed(paragraphs.hashes, paragraphs.texts))
    flags = {
        "bullet": lines.bullets,
        "ellipsis": lines.ellipses,
        "symbol": lines.symbols,
        "short": lines.short,
        "end_mark": lines.closed,
    }
    return {
        "characters": characters,
        "words": counts,
        "tokens": counts + marks,
        "mean_word_length": of_texts(words.texts, words.lengths),
        "alphabetic_word_share": alphabetic,
        "alphabetic_token_share": alphabetic,
        "hash_share": hashes,
        "ellipsis_share": ellipses,
        "lines": of_texts(of_line),
        "mean_line_length": of_texts(of_line, lengths),
        **{f"{name}_line_share": of_texts(lines.texts[which]) for name, which in flags.items()},
        "line_break_share": of_texts(lines.texts) - 1,
        "long_lines": of_texts(lines.texts[lines.lengths >= LONG_LINE]),
        "c4_sentences": of_texts(lines.texts, lines.sentences),
        "curly_brackets": curly,
        "duplicate_line_share": of_texts(of_line[again]),
        "duplicate_line_character_share": of_texts(of_line[again], lengths[again]),
        "paragraphs": of_texts(paragraphs.texts),
        "duplicate_paragraph_share": of_texts(paragraphs.texts[copies]),
        "duplicate_paragraph_character_share": of_texts(
            paragraphs.texts[copies], paragraphs.lengths[copies]
        ),
        **_repeated_grams(words, texts),
    }


class _Paragraphs(NamedTuple):
    hashes: Hashes
    lengths: Array
    texts: Array


def _paragraphs(lines: _Lines) -> _Paragraphs:
    """Join lines without an empty one between them."""
    shown = lines.lengths > 0
    at = np.flatnonzero(shown)
    if not len(at):
        return _Paragraphs(lines.hashes[at], at, at)
    opens = np.append(True, (np.diff(at) > 1) | (np.diff(lines.texts[at]) > 0))
    heads = np.flatnonzero(opens)
    places = np.arange(len(at)) - np.repeat(heads, np.diff(np.append(heads, len(at))))
    terms = mix64(lines.hashes[at] + places.astype(np.uint64) * np.uint64(_BASE))
    return _Paragraphs(
        np.add.reduceat(terms, heads),
        np.add.reduceat(lines.lengths[at], heads),
        lines.texts[at][heads],
    )


def _keyed(hashes: Hashes, texts: Array) -> Hashes:
    """Make equal hashes of different texts differ."""
    return mix64(hashes + texts.astype(np.uint64) * np.uint64(_BASE))


class _Groups(NamedTuple):
    """Things that occur more than once: their places in the order of groups, each in its own order,
    and group heads."""

    places: Array
    heads: Array  # into `places`
    sizes: Array


def _groups(keys: Hashes) -> _Groups:
    """Find equal ones of n keys: the low bits of each give way to its place, and one sort brings
    equals together.

    With 2^b things 64 - b bits of hash are compared: of the words of a chunk 46, of 50 MB of text
    41.
    """
    bits = np.uint64(max(len(keys) - 1, 1).bit_length())
    low = (np.uint64(1) << bits) - np.uint64(1)
    packed = np.sort((keys & ~low) | np.arange(len(keys), dtype=np.uint64))
    same = (packed[1:] ^ packed[:-1]) <= low
    member = np.append(same, False) | np.append(False, same) if len(keys) else same
    places = (packed[member] & low).astype(np.int64)
    heads = np.flatnonzero(~np.append(False, same)[member]) if len(keys) else np.zeros(0, np.int64)
    return _Groups(places, heads, np.diff(np.append(heads, len(places))))


def _repeats(keys: Hashes) -> Array:
    """Return the places of keys that are equal to an earlier one."""
    if len(keys) < 2:
        return np.zeros(0, np.int64)
    groups = _groups(keys)
    again = np.ones(len(groups.places), np.bool_)
    again[groups.heads] = False
    return groups.places[again]


def _repeated_grams(words: _Words, texts: int) -> dict[str, Array]:
    """Count the code points in the most frequent short n-grams and in long ones met before, for
    each of n texts."""
    total = len(words.hashes)
    sums = np.append(0, np.cumsum(words.lengths))
    factors = mix64(np.arange(1, max(DUPLICATE_GRAMS) + 1, dtype=np.uint64)) | np.uint64(1)
    at = np.arange(total)  # places where an n-gram may repeat
    grams = _keyed(words.hashes, words.texts)
    found = {}
    for n in range(2, max(DUPLICATE_GRAMS) + 1):
        at = at[at + n <= total]
        at = at[words.texts[at] == words.texts[np.minimum(at + n - 1, total - 1)]] if total else at
        grams[at] += words.hashes[at + n - 1] * factors[n - 1]
        groups = _groups(mix64(grams[at]))
        places = at[groups.places]
        firsts = places[groups.heads]
        if n in TOP_GRAMS:
            best = np.zeros(texts, np.int64)
            # The most frequent, of equals the first: the count in the high bits, in the low ones
            # how far from the end.
            np.maximum.at(best, words.texts[firsts], groups.sizes << 32 | (total - firsts))
            place = np.where(best, total - (best & ((1 << 32) - 1)), 0)
            found[f"top_{n}_gram_share"] = (best >> 32) * (
                sums[np.minimum(place + n, total)] - sums[place] + n - 1
            )
        else:
            again = np.ones(len(places), np.bool_)
            again[groups.heads] = False
            covered = np.zeros(total, np.bool_)
            repeated = places[again]
            for offset in range(n):
                covered[repeated + offset] = True
            found[f"duplicate_{n}_gram_share"] = np.bincount(
                words.texts[covered], words.lengths[covered], minlength=texts
            ).astype(np.int64)
        repeats = np.zeros(total + 1, np.bool_)
        repeats[places] = True
        at = np.flatnonzero(repeats[:-1] & repeats[1:])
    return found


class _StopWords(NamedTuple):
    """Stop words as hashes, sorted, with the number of each word; which of n texts has a list, and
    which."""

    listed: Flags
    lists: Array  # number of the list of each text, -1 for none
    hashes: Hashes  # of word and list
    numbers: Array

    @classmethod
    def of(
        cls, stop_words: Mapping[str, Sequence[str]], labels: Sequence[str | None]
    ) -> _StopWords:
        names = list(stop_words)
        number = {name: position for position, name in enumerate(names)}
        lists = np.fromiter(
            (number.get(label or "", -1) for label in labels), np.int64, len(labels)
        )
        entries = [
            (form, position, place)
            for position, name in enumerate(names)
            for place, word in enumerate(dict.fromkeys(stop_words[name]))
            for form in dict.fromkeys([word, word.capitalize()])
        ]
        hashes = _keyed(
            np.array([word_hash(form) for form, _, _ in entries], np.uint64),
            np.array([position for _, position, _ in entries], np.int64),
        )
        order = np.argsort(hashes)
        numbers = np.array([place for _, _, place in entries], np.int64)
        return cls(lists >= 0, lists, hashes[order], numbers[order])

    @property
    def width(self) -> int:
        """The longest list, at least 1."""
        return int(self.numbers.max(initial=0)) + 1

    def present(self, words: _Words, first: int, last: int) -> Array:
        """List the stop words of texts [first, last), whose words are given, as text x width +
        word; a capital may begin one.
        """
        if not self.listed[first:last].any():
            return np.zeros(0, np.int64)
        lists = self.lists[first:last][words.texts]
        keys = _keyed(words.hashes, np.maximum(lists, 0))
        at = np.minimum(np.searchsorted(self.hashes, keys), len(self.hashes) - 1)
        hit = (self.hashes[at] == keys) & (lists >= 0)
        return np.unique(words.texts[hit] * self.width + self.numbers[at[hit]])


def word_hash(word: str) -> int:
    """Hash one word as `measure_quality` does."""
    points = np.frombuffer(word.encode("utf-32-le"), np.uint32)
    return int(mix64(np.array([(points * _powers()[0][: len(points)]).sum()], np.uint64))[0])
