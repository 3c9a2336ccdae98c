"""Cut texts into tokens, change some of the distinct ones, and put the texts together again, byte
for byte.

A token is a run of letters that a scheme converts, or anything between two of them. What people
write for machines is kept whole and never converted: addresses, code, placeholders, tags, names
with digits or underscores in them, numbers.

Each distinct token is converted once, so an engine sees a vocabulary and not a text; joining is a
matter of offsets, for the tokens of a text lie one after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

# What is left alone, in the order tried. Repetition is bounded where a failed try would read on and
# on. An address ends at white space, quotes, brackets and full-width signs.
ADDRESSES = "|".join(
    (
        r"(?i:(?:https?|ftp)://|www\.)"
        r"[^\s<>\x{22}\x{ab}\x{bb}\x{2018}-\x{201f}\x{3000}-\x{303f}\x{ff00}-\x{ff65}]*",
        r"(?i:mailto:)?[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}",
        r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}\.(?:com|edu|eu|gov|info|int|io|net|org)"
        r"(?-u:\b)(?:/[^\s<>\x{22}]*)?",  # (an edge of ASCII words: Unicode's makes the whole pattern ten times slower)
    )
)
PROTECTED = "|".join(
    (
        ADDRESSES,
        r"```(?s:.*?)```",
        r"`[^`\n]*`",
        r"@[A-Za-z0-9_]+",
        r"\$?\{[^{}\n]{0,100}\}",
        r"%(?:\([A-Za-z0-9_]+\)|[0-9]+\$)?[-+0#']*[0-9]*(?:\.[0-9]+)?(?:hh?|ll?|[qjzt])?[A-Za-z%@]",
        r"</?[A-Za-z!][^<>]*>",
        r"&(?:[A-Za-z][A-Za-z0-9]*|#[0-9]+|#x[0-9A-Fa-f]+);",
        r"\\[a-z]+",
        r"[\p{Latin}_]*[0-9_](?:[0-9.,:/]*[0-9])?"
        r"(?:[\p{Latin}\p{M}0-9_]*\p{Latin}['\x{2018}\x{2019}\x{2bb}\x{2bc}])?[\p{Latin}\p{M}0-9_]*",
        r"\p{N}[\p{N}.,:/]*",
    )
)
_STARTERS = r"`@${%<&\\"  # signs that what is protected may begin with


class Runs(NamedTuple):
    """What of a text may be converted, as patterns in Rust's syntax.

    `starts` is the inside of a class of the characters that a run begins with, `run` the pattern of
    a whole run, `protected` the pattern of what is none, though it look like one.
    """

    starts: str
    run: str
    protected: str = PROTECTED


def convert_tokens(
    texts: pa.Array, runs: Runs, convert: Callable[[pl.Series], pl.Series]
) -> pa.Array:
    """Replace the runs in n texts (large_string, no nulls) by what `convert` makes of the distinct
    ones.

    `convert` gets distinct runs in the order of their first occurrence, and returns as many
    strings.
    """
    between = rf"[[\p{{L}}\p{{M}}_]--[{runs.starts}]]+|[^\p{{L}}\p{{M}}\p{{N}}_{_STARTERS}[{runs.starts}]]+|(?s:.)"
    pieces = pl.Series(texts).str.extract_all(f"{runs.protected}|{runs.run}|{between}").to_arrow()
    words = pc.dictionary_encode(pieces.flatten().cast(pa.large_string()))
    distinct = pl.Series(words.dictionary, dtype=pl.String)
    chosen = distinct.str.contains(f"^(?:{runs.run})$") & ~distinct.str.contains(
        f"^(?:{runs.protected})$"
    )
    at = chosen.arg_true()
    changed = distinct.scatter(at, convert(distinct.gather(at))) if len(at) else distinct
    return _joined(
        changed.to_arrow().cast(pa.large_string()).take(words.indices), np.asarray(pieces.offsets)
    )


def _joined(words: pa.Array, starts: npt.NDArray[np.int64]) -> pa.Array:
    """Join consecutive strings into texts: `starts[i]` is the first of text i."""
    ends = np.frombuffer(words.buffers()[1], np.int64)[words.offset :]
    offsets = ends[starts] if len(ends) else np.zeros(len(starts), np.int64)
    return pa.LargeStringArray.from_buffers(
        len(starts) - 1, pa.py_buffer(offsets.tobytes()), words.buffers()[2]
    )
