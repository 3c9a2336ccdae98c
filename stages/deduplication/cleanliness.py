"""How clean a copy of a text is, so that of near duplicates the one is kept that is whole and has
no frame around it.

A score is compared only with those of texts that say almost the same, so it need not judge what
kind of text it is. It counts code points, of East Asian scripts three for each letter:

    content      all lines but frames
    - frames     short lines without an end mark (menus, notices, share buttons), and a line after one that holds a
                 digit (the comment of a reader: name and date, then what was said)
    - damage     10 for each replacement or control character and each sequence that is UTF-8 read as Windows-1252
    - other      the share of the text that is in another language, if identification measured it
    - cut        three tenths of the text, if it breaks off: its last line is long and has no end mark

A text of short lines in the main (a poem, a list) has no frames that differ from it: all of it is
content.

The marks of sentences are those of `schemas.orthography`; in Thai and Lao, which have none, no text
breaks off.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from schemas.columns import require_columns
from schemas.document import DOCUMENT
from schemas.orthography import OTHER_END_MARKS, PAUSE_MARKS, SENTENCE_TERMINAL

SHORT = 60  # code points of a line that may be part of a frame
DAMAGE = 10  # code points that one damaged character weighs
CUT_SHARE = 0.3  # of the text
WITHOUT_END_MARKS = ("Thai", "Laoo")
# others have no wide letters to speak of
WIDE_SCRIPTS = (
    "Jpan",
    "Hani",
    "Hans",
    "Hant",
    "Hira",
    "Kana",
    "Kore",
    "Hang",
)
COLUMNS = ("text", "script", "other_language_share")

_ENDS = "".join(
    rf"\x{{{point:x}}}" for point in (*SENTENCE_TERMINAL, *OTHER_END_MARKS, *PAUSE_MARKS, 0x3A)
)
_ENDS_WELL = rf"[{_ENDS}][\p{{Pe}}\p{{Pf}}\p{{Pi}}\x22\x27\s]*$"
_WIDE = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]"
# UTF-8 that was read as Windows-1252: what its lead bytes C2 to EF are there, and the bytes after
# them.
_AFTER = "".join(
    rf"\x{{{ord(sign):x}}}" for sign in bytes(range(0x80, 0xC0)).decode("cp1252", "ignore")
)
_MISREAD = rf"[\x{{c2}}-\x{{df}}][{_AFTER}\x{{80}}-\x{{9f}}]|[\x{{e0}}-\x{{ef}}][{_AFTER}\x{{80}}-\x{{9f}}]{{2}}"
_DAMAGED = rf"[\x{{fffd}}\x{{80}}-\x{{9f}}\x{{0}}-\x{{8}}\x{{e}}-\x{{1f}}]|{_MISREAD}"


class Cleanliness(NamedTuple):
    """What n texts are worth as copies, in code points, each array (n,)."""

    total: NDArray[np.int64]  # of all lines
    frames: NDArray[np.int64]  # of lines that frame the text
    damaged: NDArray[np.int64]  # characters, not their weight
    other: NDArray[np.float64]  # share of the text in another language, 0 where it was not measured
    breaks_off: NDArray[np.bool_]

    @property
    def score(self) -> NDArray[np.int64]:
        """Of two copies of a text the one with the greater score is the cleaner."""
        lost = np.round(self.total * (self.other + CUT_SHARE * self.breaks_off)).astype(np.int64)
        return self.total - 2 * self.frames - DAMAGE * self.damaged - lost

    def one(self, place: int) -> Cleanliness:
        """Return what is known of one of the texts."""
        return Cleanliness._make(values[place : place + 1] for values in self)


def cleanliness(batch: pa.RecordBatch) -> Cleanliness:
    """Measure n documents; all but their text may be null.

    Raises SchemaError if one of COLUMNS is missing or mistyped.
    """
    require_columns(batch, DOCUMENT, COLUMNS)
    frame = pl.DataFrame({name: pl.Series(batch[name]) for name in COLUMNS}).with_row_index("row")
    line = pl.col("line")
    wide = pl.col("script").is_null() | pl.col("script").is_in(WIDE_SCRIPTS)
    lines = (
        frame.select("row", wide=wide, line=pl.col("text").str.split("\n"))
        .explode("line")
        .with_columns(line.str.strip_chars())
        .filter(line.str.len_bytes() > 0)
        .with_columns(
            weight=line.str.len_chars().cast(pl.Int64), ends=line.str.contains(_ENDS_WELL)
        )
    )
    rows, weights, ends = (lines[name].to_numpy() for name in ("row", "weight", "ends"))
    in_wide = lines["wide"]
    weights = weights.copy()
    weights[in_wide.to_numpy()] += 2 * lines["line"].filter(in_wide).str.count_matches(
        _WIDE
    ).to_numpy().astype(np.int64)
    frames = (weights < SHORT) & ~ends
    # What follows a line of a frame with a digit, within the same text, is what a reader said.
    heads = np.zeros(len(rows), np.bool_)
    heads[frames] = lines["line"].filter(pl.Series(frames)).str.contains(r"\p{Nd}").to_numpy()
    said = np.append(False, heads[:-1] & (rows[1:] == rows[:-1])) if len(rows) else heads
    framed = frames | (said & (weights < 4 * SHORT))

    def of_texts(values: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.bincount(rows, values, minlength=frame.height).astype(np.int64)

    total, in_frames = of_texts(weights), of_texts(weights * framed)
    in_frames[2 * in_frames > total] = 0
    breaks_off = np.zeros(frame.height, np.bool_)
    breaks_off[rows] = ~ends & (weights >= SHORT)  # of the last line, which is written last
    breaks_off &= ~frame["script"].is_in(WITHOUT_END_MARKS).fill_null(False).to_numpy()
    damaged = frame["text"].str.count_matches(_DAMAGED).cast(pl.Int64).to_numpy()
    other = frame["other_language_share"].fill_null(0.0).cast(pl.Float64).to_numpy()
    return Cleanliness(total, in_frames, damaged, other, breaks_off)


def shortcomings(worse: Cleanliness, better: Cleanliness) -> str:
    """Say in what one copy of a text is worse than another one.

    >>> texts = pa.array(["Bat da.\\nHau da.", "Bat da.\\nHasiera\\nHau da."], pa.large_string())
    >>> columns = [texts, pa.nulls(2, pa.string()), pa.nulls(2, pa.float32())]
    >>> copies = cleanliness(pa.record_batch(columns, pa.schema([DOCUMENT.field(name) for name in COLUMNS])))
    >>> shortcomings(copies.one(1), copies.one(0))
    '7 code points of menus or comments more'
    """
    frames, damaged = (
        int(worse.frames[0] - better.frames[0]),
        int(worse.damaged[0] - better.damaged[0]),
    )
    other = float(worse.other[0] - better.other[0])
    text = int(worse.total[0] - worse.frames[0] - better.total[0] + better.frames[0])
    said = (
        (frames > 0, f"{frames:,} code points of menus or comments more"),
        (damaged > 0, f"{damaged:,} damaged characters more"),
        (other > 0, f"{other:.0%} more of it in another language"),
        (worse.breaks_off[0] > better.breaks_off[0], "breaks off"),
        (text < 0, f"{-text:,} code points of text less"),
    )
    return ", ".join(words for true, words in said if true)
