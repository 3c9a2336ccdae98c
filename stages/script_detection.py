"""Count the scripts (ISO 15924) of each text, and name the one it is written in.

A code point counts for its value of the Unicode Script property; Common and Inherited (punctuation,
emoji, combining accents) count for none, nor do the decimal digits of any script. Three writing
systems are not one script each, so `main_scripts` names them by the codes that ISO 15924 has for
the mixture, which are also what data sets and models use:

- Japanese mixes Han with Hiragana and Katakana: `Jpan` if at least a tenth of those letters are
  Kana.
- Korean is Hangul with some Han: `Kore`.
- Han alone is `Hans` or `Hant` by whichever letters of one side outnumber those of the other, and
  `Hani` where neither does (a few letters that both sides share). A letter belongs to one side if
  it is in GB 2312 (the simplified standard) and not in Big5 (the traditional one), or the other way
  round.

Source: Unicode Standard Annex #24 (Scripts.txt, as fontTools ships it); GB/T 2312-1980 and Big5 as
Python's codecs hold them.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.language import COMMON_SCRIPT, one_code, to_iso639_3
from schemas.written_languages import written_languages

# of Kana and Han; running Japanese has over half, Chinese quoting Japanese has little
JAPANESE_KANA_SHARE = 0.1
_CHUNK_BYTES = 1 << 18  # UTF-8 decoded at once, which with the arrays below stays in cache
_CODE_POINTS = 0x110000
_SPACES = np.frombuffer(b" \n", np.uint8)


class ScriptCounts(NamedTuple):
    """Letters of n texts by script: `counts[i, j]` code points of text i are in `scripts[j]`.

    `scripts` is in alphabetical order and has no Zyyy, Zinh or Zzzz; Han letters stand under `Hans`
    or `Hant` where one side alone has them, else under `Hani`. `code_points` counts everything,
    `neutral` white space and the marks that take the script of their letter (Inherited).
    """

    scripts: tuple[str, ...]
    counts: NDArray[np.int64]
    code_points: NDArray[np.int64]
    neutral: NDArray[np.int64]

    @property
    def letters(self) -> NDArray[np.int64]:
        """Code points of each text that belong to any script: letters, syllables and their own
        marks."""
        return self.counts.sum(axis=1)

    @property
    def shares(self) -> NDArray[np.float64]:
        """Share in [0, 1] of the letters of text i that are in `scripts[j]`; all 0 for a text
        without letters."""
        return self.counts / np.maximum(self.letters, 1)[:, None]

    def of(self, *scripts: str) -> NDArray[np.int64]:
        """Letters of each text in any of `scripts`."""
        return self.counts[:, [self.scripts.index(s) for s in scripts if s in self.scripts]].sum(
            axis=1
        )


class WordCounts(NamedTuple):
    """Words of n texts, and those of them that hold letters of two scripts."""

    words: NDArray[np.int64]
    mixed: NDArray[np.int64]


@cache
def script_table() -> tuple[tuple[str, ...], NDArray[np.uint8]]:
    """Return (codes, table): the script of code point c is `codes[table[c]]`.

    Common and unassigned code points are `Zyyy`, which is entry 0; white space joins the Inherited
    ones, entry 1.
    """
    from fontTools.unicodedata import Scripts  # type: ignore[import-untyped, unused-ignore]

    ranges = np.asarray([*Scripts.RANGES, _CODE_POINTS])
    values = [COMMON_SCRIPT if v == "Zzzz" else v for v in Scripts.VALUES]
    codes = (COMMON_SCRIPT, "Zinh", *sorted({*values, "Hans", "Hant"} - {COMMON_SCRIPT, "Zinh"}))
    number = {code: position for position, code in enumerate(codes)}
    table = np.repeat(np.asarray([number[v] for v in values], np.uint8), np.diff(ranges))
    table[[c for c in range(0x20000) if chr(c).isdecimal()]] = (
        0  # Unicode gives most of them the script's own value
    )
    table[[c for c in range(0x3001) if chr(c).isspace()]] = 1
    simplified, traditional = _code_points_of("gb2312"), _code_points_of("big5")
    for code, one, other in (("Hans", simplified, traditional), ("Hant", traditional, simplified)):
        alone = np.setdiff1d(one, other)
        table[alone[table[alone] == number["Hani"]]] = number[code]
    return codes, table


def _code_points_of(encoding: str) -> NDArray[np.uint32]:
    """List the code points of a double-byte encoding by decoding every pair of bytes it could
    use."""
    pairs = (bytes((high, low)) for high in range(0xA1, 0xFF) for low in range(0x40, 0xFF))
    return np.unique(
        np.frombuffer(b"".join(pairs).decode(encoding, "ignore").encode("utf-32-le"), np.uint32)
    )


def count_scripts(texts: pa.Array) -> ScriptCounts:
    """Count the letters of n texts (string or large_string, no nulls) by script.

    Memory is bounded: text is decoded 256 KiB at a time, inside a document where it is longer than
    that.
    """
    codes, table = script_table()
    data, offsets = utf8_bytes(texts)
    whole_lengths = pc.utf8_length(texts).to_numpy(zero_copy_only=False).astype(np.int64)
    totals = np.zeros((len(texts), 0), np.int64)
    present: list[int] = []
    columns = np.full(len(codes), -1, np.intp)  # of the scripts that are present
    for first, last, start, end in _chunks(data, offsets):
        points = np.frombuffer(bytes(data[start:end]).decode().encode("utf-32-le"), np.uint32)
        # three times as fast by integers of NumPy's own width
        scripts = table.take(points.astype(np.intp))
        column = columns.take(scripts)
        if column.min() < 0:
            new = np.unique(scripts[column < 0]).tolist()
            present += new
            totals = np.pad(totals, ((0, 0), (0, len(new))))
            columns[present] = np.arange(len(present))
            column = columns.take(scripts)
        lengths = whole_lengths[first:last].copy()
        # only the first and the last text of a chunk can lie partly outside
        for row in {
            first,
            last - 1,
        }:
            inside = data[max(int(offsets[row]), start) : min(int(offsets[row + 1]), end)]
            lengths[row - first] = np.count_nonzero((inside & 0xC0) != 0x80)
        width = len(present)
        column += np.repeat(np.arange(0, (last - first) * width, width), lengths)
        counts = np.bincount(column, minlength=(last - first) * width)
        totals[first:last] += counts.reshape(last - first, width)
    order = sorted(position for position in present if position > 1)
    return ScriptCounts(
        tuple(codes[position] for position in order),
        totals[:, [present.index(position) for position in order]],
        totals.sum(axis=1),
        totals[:, present.index(1)] if 1 in present else np.zeros(len(texts), np.int64),
    )


def utf8_bytes(texts: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """View n texts without nulls as (bytes, n + 1 offsets into them); no copy of large_string."""
    texts = texts.cast(pa.large_string())
    offsets = np.frombuffer(texts.buffers()[1], np.int64)[
        texts.offset : texts.offset + len(texts) + 1
    ]
    if not len(offsets):  # Arrow may leave out the offsets of an empty array
        offsets = np.zeros(1, np.int64)
    data = texts.buffers()[2]
    return np.frombuffer(data if data is not None else b"", np.uint8), offsets


def _chunks(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], at_spaces: bool = False
) -> list[tuple[int, int, int, int]]:
    """Cut the texts into (first text, end text, start byte, end byte) of about 256 KiB, never
    inside a code point.

    With `at_spaces` they are cut at the end of a text or after a space or line feed, if the last
    4,096 bytes have one.
    """
    chunks = []
    start, stop = int(offsets[0]), int(offsets[-1])
    ends = offsets[1:].tolist()
    while start < stop:
        end = min(start + _CHUNK_BYTES, stop)
        while end < stop and data[end] & 0xC0 == 0x80:
            end -= 1
        if at_spaces and end < stop:
            window = max(start, end - 4096)
            spaces = np.flatnonzero(np.isin(data[window:end], _SPACES))
            texts = bisect_right(ends, end)
            cut = max(
                window + int(spaces[-1]) + 1 if len(spaces) else 0, ends[texts - 1] if texts else 0
            )
            end = cut if cut > window else end
        first = bisect_right(ends, start)
        last = bisect_right(ends, end - 1) + 1
        chunks.append((first, last, start, end))
        start = end
    return chunks


def count_mixed_words(texts: pa.Array) -> WordCounts:
    """Count the words of n texts (no nulls), and those that mix scripts; memory is bounded as in
    `count_scripts`.

    A word is a run of letters and marks with at least one letter of a script. Han, Kana, Hangul and
    Bopomofo mix by nature and count as one script; marks that take the script of their letter, and
    modifier letters, as none.
    """
    table = _word_table()
    data, offsets = utf8_bytes(texts)
    words, mixed = np.zeros(len(texts), np.int64), np.zeros(len(texts), np.int64)
    for first, last, start, end in _chunks(data, offsets, at_spaces=True):
        points = np.frombuffer(bytes(data[start:end]).decode().encode("utf-32-le"), np.uint32)
        # The first code point of each text of the chunk; a text that began in an earlier chunk goes
        # on in this one.
        begins = (
            np.cumsum((data[start:end] & 0xC0) != 0x80)[np.maximum(offsets[first:last] - start, 0)]
            - 1
        )
        breaks = np.zeros(len(points), bool)
        breaks[begins[offsets[first:last] >= start]] = True
        kinds = table[points]
        at = np.flatnonzero(kinds > _MARK)
        if not len(at):
            continue
        number = np.cumsum((kinds == _NO_WORD) | breaks)[at]  # letters of one word have one number
        opens = np.append(True, number[1:] != number[:-1])
        word = np.cumsum(opens) - 1
        differ = np.append(False, (kinds[at][1:] != kinds[at][:-1]) & ~opens[1:])
        row = np.searchsorted(begins, at[opens], side="right") - 1
        words[first:last] += np.bincount(row, minlength=last - first)
        mixed[first:last] += np.bincount(row[np.unique(word[differ])], minlength=last - first)
    return WordCounts(words, mixed)


_NO_WORD, _MARK = 0, 1


@cache
def _word_table() -> NDArray[np.uint8]:
    """Make the table of what a code point is in a word: no part, a mark of any script, or a letter
    of one (from 2)."""
    codes, scripts = script_table()
    east_asian = [
        codes.index(code) for code in ("Hani", "Hans", "Hant", "Hira", "Kana", "Hang", "Bopo")
    ]
    number = np.arange(len(codes), dtype=np.uint8)
    number[east_asian] = min(east_asian)
    table = np.where(scripts > 1, number[scripts], _NO_WORD).astype(np.uint8)
    for point in range(0x20000):
        category = unicodedata.category(chr(point))
        if category in ("Mn", "Me", "Mc", "Lm") and scripts[point] < 2:
            table[point] = _MARK
        elif category[0] not in "LM":
            table[point] = _NO_WORD
    return table


@cache
def scripts_of_languages() -> Mapping[str, frozenset[str]]:
    """Map ISO 639-3 languages (as `one_code` has them) to the ISO 15924 scripts that they are
    written in.

    Source: the language tags of Google Fonts, as the package gflanguages holds them; to Chinese is
    added `Hani`, for texts that do not tell, and to Japanese and Korean what part of them may be
    written in alone.
    """
    found: dict[str, set[str]] = {
        "zho": {"Hani"},
        "yue": {"Hani"},
        "jpn": {"Hani"},
        "kor": {"Hang"},
    }
    for language in written_languages():
        code = one_code(to_iso639_3(language.language) or language.language)
        found.setdefault(code, set()).add(language.script)
    return {code: frozenset(scripts) for code, scripts in found.items()}


def unusual_scripts(languages: pa.Array, scripts: pa.Array) -> pa.Array:
    """Mark those of n documents whose language is not written in their script.

    What is unknown is not marked: a null, a language without an entry in `scripts_of_languages`,
    and `Zyyy`.
    """
    known = scripts_of_languages()
    pairs = pa.record_batch([languages, scripts], ["language", "script"])
    distinct = (
        pa.Table.from_batches([pairs]).group_by(["language", "script"]).aggregate([]).to_pylist()
    )
    unusual = [
        f"{pair['language']}_{pair['script']}"
        for pair in distinct
        if pair["script"] not in (None, COMMON_SCRIPT)
        and pair["script"] not in known.get(pair["language"], (pair["script"],))
    ]
    labels = pc.binary_join_element_wise(languages, scripts, "_")
    return pc.fill_null(pc.is_in(labels, pa.array(unusual, pa.string())), False)


def main_scripts(found: ScriptCounts) -> list[str]:
    """Name the script that each of n texts is written in; `Zyyy` where there are no letters.

    The script with the most letters wins; of equals, the first in the alphabet.
    """
    if not found.scripts:
        return [COMMON_SCRIPT] * len(found.counts)
    han = found.of("Hani", "Hans", "Hant")
    kana = found.of("Hira", "Kana")
    hangul = found.of("Hang")
    simplified, traditional = found.of("Hans"), found.of("Hant")
    chinese = np.select(
        [simplified > traditional, traditional > simplified], ["Hans", "Hant"], "Hani"
    )
    japanese = (kana > 0) & (kana >= JAPANESE_KANA_SHARE * (han + kana))
    east_asian = {
        "Jpan": np.where(japanese, han + kana, 0),
        "Kore": np.where(
            ~japanese & (hangul >= JAPANESE_KANA_SHARE * (han + hangul)), han + hangul, hangul
        ),
    }
    taken = (east_asian["Jpan"] > 0) | (east_asian["Kore"] > hangul)
    east_asian["Hani"] = np.where(taken, 0, han)
    others = [s for s in found.scripts if s not in ("Hani", "Hans", "Hant", "Hira", "Kana", "Hang")]
    names = np.asarray(sorted([*others, *east_asian]))
    counts = np.stack(
        [east_asian[n] if n in east_asian else found.of(n) for n in names.tolist()], axis=1
    )
    best = names[counts.argmax(axis=1)]
    best = np.where(best == "Hani", chinese, best)
    return np.where(counts.max(axis=1) > 0, best, COMMON_SCRIPT).tolist()


CONTENT = 3  # Latin letters that say as much as one Han, Kana or Hangul letter, by the length of translations


def by_content(found: ScriptCounts) -> ScriptCounts:
    """Count each Han, Kana and Hangul letter as CONTENT letters, so that a foreign name does not
    outweigh its sentence.

    >>> main_scripts(by_content(count_scripts(pa.array(["\u4ed6\u7684\u82f1\u6587\u540d\u5b57\u53eb Harry Potter"]))))
    ['Hani']
    """
    east_asian = [
        script in ("Hani", "Hans", "Hant", "Hira", "Kana", "Hang", "Bopo")
        for script in found.scripts
    ]
    counts = found.counts * np.where(east_asian, CONTENT, 1)
    more = counts.sum(axis=1) - found.letters
    return found._replace(counts=counts, code_points=found.code_points + more)


def detect_scripts(texts: pa.Array) -> pa.Array:
    """Return the main script of n texts as an ISO 15924 code each; null texts count as empty."""
    return pa.array(main_scripts(by_content(count_scripts(pc.fill_null(texts, "")))), pa.string())
