"""Report how much of real texts comes back identical from a scheme and its reverse, and what is lost most often.

Whether a scheme is reversible by its letters is one thing (`Scheme.reversible_words`); whether texts are written with
those letters is another: they have capitals, punctuation, words of other languages, and spellings that were never the
standard's. A loss is the part of a token that differs from what came back, what both ends share left out, with one
letter of that on each side.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from stages.transliteration.schemes import Scheme, reverse_of
from stages.transliteration.tokens import Runs, convert_tokens
from stages.transliteration.transliterate import runs_of, transliterate

_LONGEST_TOKEN = 64  # code points; a longer one is counted as changed, but its loss is not looked for


class Loss(NamedTuple):
    """What was in a text, what came back instead, and how often."""

    source: str
    returned: str
    times: int


class Reversibility(NamedTuple):
    """Of `texts` texts `identical` came back; of `tokens` tokens that the scheme may change `changed` did not."""

    scheme: Scheme
    texts: int
    identical: int
    tokens: int
    changed: int
    losses: tuple[Loss, ...]

    @property
    def share(self) -> float:
        """Share of texts in [0, 1] that came back identical; 1 of none."""
        return self.identical / self.texts if self.texts else 1.0


def reversibility(texts: pa.Array, scheme: Scheme, most: int = 20) -> Reversibility:
    """Send n texts (no nulls) there and back, and name the commonest losses: at most `most`, by count and letters.

    Raises ValueError for a scheme that has no reverse.
    """
    back = reverse_of(scheme)
    if back is None:
        raise ValueError(f"nothing leads back from {scheme.name}, {scheme.source} to {scheme.target}")
    texts = texts.cast(pa.large_string())
    returned = transliterate(transliterate(texts, scheme), back)
    identical = int(pc.sum(pc.equal(texts, returned)).as_py() or 0)
    counted = _tokens(texts, runs_of(scheme))
    tokens = counted["token"].to_arrow().cast(pa.large_string())
    pairs = counted.with_columns(returned=pl.Series(transliterate(transliterate(tokens, scheme), back)))
    changed = pairs.filter(pl.col("token") != pl.col("returned"))
    total, lost = int(counted["count"].sum()), int(changed["count"].sum())
    return Reversibility(scheme, len(texts), identical, total, lost, _losses(changed, most))


def _tokens(texts: pa.Array, runs: Runs) -> pl.DataFrame:
    """Count the tokens of all texts that a scheme may change."""
    found: list[pl.Series] = []

    def seen(tokens: pl.Series) -> pl.Series:
        found.append(tokens)
        return tokens

    convert_tokens(texts, runs, seen)
    pieces = pl.Series("token", texts).str.extract_all(f"{runs.protected}|{runs.run}").explode().drop_nulls()
    counts = pieces.to_frame().group_by("token").len("count")
    distinct = pl.concat(found) if found else pl.Series([], dtype=pl.String)
    return distinct.alias("token").to_frame().join(counts, on="token", how="inner", maintain_order="left")


def _losses(changed: pl.DataFrame, most: int) -> tuple[Loss, ...]:
    short = changed.filter(
        (pl.col("token").str.len_chars() <= _LONGEST_TOKEN) & (pl.col("returned").str.len_chars() <= _LONGEST_TOKEN)
    )
    if short.is_empty():
        return ()
    before, after = _code_points(short["token"]), _code_points(short["returned"])
    lengths = short.select(before=pl.col("token").str.len_chars(), after=pl.col("returned").str.len_chars())
    length_before, length_after = (lengths[name].to_numpy().astype(np.int64) for name in ("before", "after"))
    shortest = np.minimum(length_before, length_after)
    head = np.minimum(_equal_places(before, after), shortest)
    tail = np.minimum(_equal_places(_reversed(before, length_before), _reversed(after, length_after)), shortest - head)
    start = np.maximum(head - 1, 0)
    kept_tail = np.maximum(tail - 1, 0)
    cut = short.with_columns(
        start=pl.Series(start),
        size=pl.Series(length_before - start - kept_tail),
        other=pl.Series(length_after - start - kept_tail),
    ).select(
        "count",
        source=pl.col("token").str.slice(pl.col("start"), pl.col("size")),
        returned=pl.col("returned").str.slice(pl.col("start"), pl.col("other")),
    )
    ranked = cut.group_by("source", "returned").agg(pl.col("count").sum())
    best = ranked.sort(["count", "source", "returned"], descending=[True, False, False]).head(most)
    return tuple(Loss(*row) for row in best.select("source", "returned", "count").iter_rows())


def _code_points(words: pl.Series) -> npt.NDArray[np.uint32]:
    """View n words as n rows of code points, zeros behind the end."""
    fixed = np.asarray(words.to_list(), dtype=f"<U{_LONGEST_TOKEN}")
    return fixed.view(np.uint32).reshape(len(words), _LONGEST_TOKEN)


def _reversed(rows: npt.NDArray[np.uint32], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.uint32]:
    places = lengths[:, None] - 1 - np.arange(rows.shape[1])
    turned: npt.NDArray[np.uint32] = np.where(places >= 0, np.take_along_axis(rows, np.maximum(places, 0), axis=1), 0)
    return turned


def _equal_places(one: npt.NDArray[np.uint32], other: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    """Count the places at which both rows are equal before the first at which they are not."""
    equal: npt.NDArray[np.int64] = np.cumprod(one == other, axis=1, dtype=np.int64).sum(axis=1)
    return equal
