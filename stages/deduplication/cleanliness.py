"""How clean a copy of a text is, so that of near duplicates the one is kept that is whole and has no frame around it.

A score is compared only with those of texts that say almost the same, so it need not judge what kind of text it is. It
counts code points, of East Asian scripts three for each letter:

    content      all lines but frames
    - frames     short lines without an end mark (menus, notices, share buttons), and a line after one that holds a
                 digit (the comment of a reader: name and date, then what was said)
    - damage     10 for each replacement or control character and each sequence that is UTF-8 read as Windows-1252
    - other      the share of the text that is in another language, if identification measured it
    - cut        three tenths of the text, if it breaks off: its last line is long and has no end mark

A text of short lines in the main (a poem, a list) has no frames that differ from it: all of it is content.

The marks of sentences are those of `schemas.orthography`; in Thai and Lao, which have none, no text breaks off.
"""

from __future__ import annotations

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
COLUMNS = ("text", "script", "other_language_share")

_ENDS = "".join(rf"\x{{{point:x}}}" for point in (*SENTENCE_TERMINAL, *OTHER_END_MARKS, *PAUSE_MARKS, 0x3A))
_ENDS_WELL = rf"[{_ENDS}][\p{{Pe}}\p{{Pf}}\p{{Pi}}\x22\x27\s]*$"
_WIDE = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]"
# UTF-8 that was read as Windows-1252: what its lead bytes C2 to EF are there, and the bytes after them.
_AFTER = "".join(rf"\x{{{ord(sign):x}}}" for sign in bytes(range(0x80, 0xC0)).decode("cp1252", "ignore"))
_MISREAD = rf"[\x{{c2}}-\x{{df}}][{_AFTER}\x{{80}}-\x{{9f}}]|[\x{{e0}}-\x{{ef}}][{_AFTER}\x{{80}}-\x{{9f}}]{{2}}"
_DAMAGED = rf"[\x{{fffd}}\x{{80}}-\x{{9f}}\x{{0}}-\x{{8}}\x{{e}}-\x{{1f}}]|{_MISREAD}"


def cleanliness(batch: pa.RecordBatch) -> NDArray[np.int64]:
    """Score n documents, in code points: of two copies of a text the greater one is the cleaner.

    Raises SchemaError if one of COLUMNS is missing or mistyped; they may be null, but for the text.
    """
    require_columns(batch, DOCUMENT, COLUMNS)
    frame = pl.DataFrame({name: pl.Series(batch[name]) for name in COLUMNS}).with_row_index("row")
    lines = (
        frame.select("row", line=pl.col("text").str.split("\n"))
        .explode("line")
        .with_columns(pl.col("line").str.strip_chars())
        .filter(pl.col("line").str.len_bytes() > 0)
        .with_columns(
            weight=pl.col("line").str.len_chars() + 2 * pl.col("line").str.count_matches(_WIDE),
            ends=pl.col("line").str.contains(_ENDS_WELL),
            digit=pl.col("line").str.contains(r"\p{Nd}"),
        )
        .with_columns(frame=(pl.col("weight") < SHORT) & ~pl.col("ends"))
    )
    # What follows such a line, within the same text, is what a reader said.
    heads = pl.col("frame") & pl.col("digit")
    said = heads.shift(1, fill_value=False) & (pl.col("row") == pl.col("row").shift(1)) & (pl.col("weight") < 4 * SHORT)
    by_text = (
        lines.with_columns(frame=pl.col("frame") | said)
        .group_by("row", maintain_order=True)
        .agg(
            total=pl.col("weight").sum(),
            frames=(pl.col("weight") * pl.col("frame")).sum(),
            breaks_off=(~pl.col("ends") & (pl.col("weight") >= SHORT)).last(),
        )
    )
    scored = frame.join(by_text, on="row", how="left", maintain_order="left").with_columns(
        pl.col("total", "frames").fill_null(0).cast(pl.Int64), pl.col("breaks_off").fill_null(False)
    )
    framed = pl.when(2 * pl.col("frames") > pl.col("total")).then(0).otherwise(pl.col("frames"))
    cut = pl.col("breaks_off") & ~pl.col("script").is_in(WITHOUT_END_MARKS).fill_null(False)
    lost = pl.col("other_language_share").fill_null(0.0).cast(pl.Float64) + CUT_SHARE * cut
    damage = DAMAGE * pl.col("text").str.count_matches(_DAMAGED).cast(pl.Int64)
    score = pl.col("total") - 2 * framed - damage - (pl.col("total") * lost).round().cast(pl.Int64)
    return scored.select(score).to_series().to_numpy()
