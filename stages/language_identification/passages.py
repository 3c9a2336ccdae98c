"""Cut documents into passages: what a language model is asked about, and how much each counts.

A page is rarely in one language throughout, and much of it is in none. So the unit of identification is not the
document but the passage: a line with enough letters, or a run of shorter lines of one script put together. Lines
that are code, addresses, numbers or markup (`no_language`) are left out, and say so.

What comes out is ready for any model: lower case (in capitals lid.176 is right on 18 % of sentences), no control
characters, noncharacters, addresses or tags.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from stages.script_detection import count_scripts, main_scripts, utf8_bytes

LINE_CODE_POINTS = 1000  # a longer line is judged by its beginning, and counts with all its length
SHORT_LINE_LETTERS = 60  # shorter lines of one script are put together
PASSAGE_LETTERS = 200  # up to about this many letters
MIN_LETTER_SHARE = 0.5  # of what is neither space nor mark; running text of any script has over 0.8
MIN_LINE_LETTERS = 2
MAX_CODE_MARKS = 0.06  # brackets, operators and the like, of all code points; running text has next to none
SAMPLE_WINDOWS = 8

_BREAKS = r"[\r\x0B\x0C\x1C-\x1E\x{85}\x{2028}\x{2029}]"
_CONTROLS = r"[\p{Cc}\p{Noncharacter_Code_Point}--\n]"
_NO_LANGUAGE = (
    r"(?:https?|ftp)://\S+|\bwww\.\S+|[\w.+-]+@[\w-]+\.[\w.-]+"  # addresses
    r"|</?[A-Za-z!][^<>]{0,500}>|&#?\w{1,10};"  # tags and entities
    r"|[A-Za-z0-9+/=_-]{30,}"  # base64, hashes, keys
    r"|\b(?:0x)?[0-9A-Fa-f]*[0-9][0-9A-Fa-f]{6,}\b"  # hexadecimal numbers
    r"|\b\w*[A-Za-z0-9]_\w+|\b[A-Za-z0-9]+(?:\.[A-Za-z_][A-Za-z0-9_]*)*\("  # snake_case, calls()
    r"|(?:[A-Za-z]:)?(?:[\w.-]*[/\\]){2,}[\w.-]*"  # paths
)
_CODE_MARKS = r"[{}\[\]<>=|\\$#^~`+*_;@]"


class Passages(NamedTuple):
    """Passages of n documents, in order: the document each belongs to, its text, script and weight in letters."""

    documents: NDArray[np.int64]
    texts: pa.Array
    scripts: list[str]
    letters: NDArray[np.float64]


def cut_passages(texts: pa.Array, max_code_points: int) -> Passages:
    """Cut n texts (no nulls) into passages; of a text over `max_code_points`, evenly spread pieces that sum to that."""
    sampled = sample_long_texts(texts, max_code_points)
    lines = pl.Series(sampled).str.replace_all(_BREAKS, "\n").str.split("\n")
    frame = pl.DataFrame({"document": np.arange(len(texts)), "line": lines}).explode("line")
    frame = frame.with_columns(pl.col("line").str.strip_chars()).filter(pl.col("line").str.len_bytes() > 0)
    frame = frame.with_columns(
        whole=pl.col("line").str.len_bytes(),
        line=pl.col("line").str.slice(0, LINE_CODE_POINTS),
    ).with_columns(weight=pl.col("whole") / pl.col("line").str.len_bytes())
    text = readable(frame["line"])
    counts = count_scripts(text.to_arrow())
    original = frame["line"].str.len_chars().to_numpy()
    marks = frame["line"].str.count_matches(_CODE_MARKS).to_numpy()
    letters = counts.letters
    linguistic = (
        (letters >= MIN_LINE_LETTERS)
        & (letters >= MIN_LETTER_SHARE * (counts.code_points - counts.neutral))
        & (letters >= MIN_LETTER_SHARE / 2 * original)
        & (marks <= MAX_CODE_MARKS * original)
    )
    frame = frame.select(
        "document",
        "weight",
        text=text,
        script=pl.Series(main_scripts(counts), dtype=pl.String),
        letters=letters,
    ).filter(linguistic)
    return _join_short_lines(frame)


def readable(lines: pl.Series) -> pl.Series:
    """Make lines ready for a model: lower case, and blanks for controls, noncharacters, addresses, tags and the
    like.
    """
    return lines.str.replace_all(_CONTROLS, " ").str.replace_all(_NO_LANGUAGE, " ").str.to_lowercase()


def _join_short_lines(frame: pl.DataFrame) -> Passages:
    """Put short lines of one document and script together, up to about PASSAGE_LETTERS."""
    long = pl.col("letters") >= SHORT_LINE_LETTERS
    changed = (
        long
        | long.shift(1, fill_value=True)
        | (pl.col("document") != pl.col("document").shift(1))
        | (pl.col("script") != pl.col("script").shift(1))
    )
    frame = frame.with_columns(run=changed.fill_null(True).cum_sum())
    before = pl.col("letters").cum_sum().over("run") - pl.col("letters")
    joined = (
        frame.with_columns(part=before // PASSAGE_LETTERS)
        .group_by("run", "part", maintain_order=True)
        .agg(
            pl.col("document").first(),
            pl.col("text").str.join(" "),
            pl.col("script").first(),
            weight=(pl.col("letters") * pl.col("weight")).sum(),
        )
    )
    return Passages(
        joined["document"].to_numpy(),
        joined["text"].to_arrow().cast(pa.large_string()),
        joined["script"].to_list(),
        joined["weight"].to_numpy(),
    )


def sample_long_texts(texts: pa.Array, max_code_points: int) -> pa.Array:
    """Shorten each text of more than `max_code_points` to evenly spread windows, joined by newlines.

    Only the windows are decoded, however long the text.
    """
    lengths = pc.utf8_length(texts).to_numpy(zero_copy_only=False)
    long = np.flatnonzero(lengths > max_code_points)
    if not len(long):
        return texts
    data, offsets = utf8_bytes(texts)
    kept = max(max_code_points // SAMPLE_WINDOWS, 1)
    pieces: list[str] = []
    for row in long.tolist():  # a block holds few documents of this length
        start, stop = int(offsets[row]), int(offsets[row + 1])
        size = min(4 * kept, stop - start)
        begins = np.linspace(start, stop - size, SAMPLE_WINDOWS).astype(np.int64).tolist()
        windows = [bytes(data[begin : begin + size]).decode("utf-8", "ignore")[:kept] for begin in begins]
        pieces.append("\n".join(windows))
    mask = np.zeros(len(texts), bool)
    mask[long] = True
    whole = texts.cast(pa.large_string())
    return pc.replace_with_mask(whole, pa.array(mask), pa.array(pieces, pa.large_string()))
