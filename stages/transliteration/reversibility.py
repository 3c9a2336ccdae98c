"""Report how much of real texts comes back identical from a scheme and its reverse, and why the
rest does not.

Whether a scheme is reversible by its letters is one thing (`Scheme.reversible_words`); whether
texts are written with those letters is another: they have capitals, punctuation, words of other
languages, and spellings that were never the standard's. So texts are compared as a whole, piece by
piece between their white space: a loss that depends on what stands next to a word is found as well.
A loss is the part of a piece that differs from what came back, what both ends share left out, with
one letter of that on each side; its reason is the first of REASONS that explains it.

Texts are compared in Unicode NFC. `masked` leaves out the pieces that a reversible scheme does not
promise to bring back, and of what it leaves in every text comes back (a test shows it on running
text of every such scheme).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from stages.transliteration.alphabets import APOSTROPHES
from stages.transliteration.engines import rules_of
from stages.transliteration.schemes import Scheme, reverse_of
from stages.transliteration.tokens import Runs, convert_tokens
from stages.transliteration.transliterate import (
    JOINERS,
    covered_words,
    in_nfc,
    letters_of,
    runs_of,
    transliterate,
)

_LONGEST_PIECE = 64  # code points; of a longer one the reason is counted, but the part that differs is not looked for
REASONS = (
    "white space",
    "invisible characters inside a word",
    "capitals",
    "apostrophes or punctuation",
    "a word already in the target script",
    "a word joined to digits or signs",
    "letters",
)


class Loss(NamedTuple):
    """What was in a text, what came back instead, why (one of REASONS), and how often."""

    source: str
    returned: str
    reason: str
    times: int


class Reversibility(NamedTuple):
    """Of `texts` texts `identical` came back.

    `tokens` counts the words that the scheme may change, `left` those of them that its alphabet
    does not cover, which stay in their own script. `changed` counts the pieces between white space
    that did not come back, and `reasons` says of how many why, in the order of REASONS.
    """

    scheme: Scheme
    texts: int
    identical: int
    tokens: int
    left: int
    changed: int
    reasons: tuple[tuple[str, int], ...]
    losses: tuple[Loss, ...]

    @property
    def share(self) -> float:
        """Share of texts in [0, 1] that came back identical; 1 of none."""
        return self.identical / self.texts if self.texts else 1.0


def reversibility(texts: pa.Array, scheme: Scheme, most: int = 20) -> Reversibility:
    """Send n texts (no nulls) there and back, and name the commonest losses: at most `most`, by
    count and letters.

    Raises ValueError for a scheme that has no reverse.
    """
    texts = in_nfc(texts)
    returned = transliterate(transliterate(texts, scheme), _back(scheme))
    identical = int(pc.sum(pc.equal(texts, returned)).as_py() or 0)
    tokens = _tokens(texts, runs_of(scheme))
    covered = covered_words(tokens["token"].str.replace_all(f"[{JOINERS}]", ""), scheme)
    left = int(tokens.filter(~covered)["count"].sum())
    pieces = _explained(_pieces(pl.Series(texts), pl.Series(returned)), scheme)
    by_reason = dict(pieces.group_by("reason").agg(pl.col("count").sum()).iter_rows())
    reasons = tuple((reason, int(by_reason[reason])) for reason in REASONS if reason in by_reason)
    total, changed = int(tokens["count"].sum()), int(pieces["count"].sum())
    return Reversibility(
        scheme, len(texts), identical, total, left, changed, reasons, _losses(pieces, most)
    )


def masked(texts: pa.Array, scheme: Scheme) -> pa.Array:
    """Leave out of n texts (no nulls) every piece between white space that holds what a scheme does
    not promise.

    What stays are the words of `Scheme.reversible_words`, with punctuation at their ends but for
    signs that the way back would convert, and pieces without a letter, mark or digit.
    """
    back = _back(scheme)
    signs = (
        rules_of(back).alone if back.engine == "rules" else "`,;:" if back.engine != "indic" else ""
    )
    signs = APOSTROPHES + signs if back.engine != "pyewts" else "!-~"
    end = rf"[^\p{{L}}\p{{M}}\p{{N}}\p{{Cf}}\s{_class(signs)}]*"
    promised = f"^{end}(?:{scheme.reversible_words})?{end}$"
    pieces = pl.Series(in_nfc(texts)).str.extract_all(r"\S+|\s+")
    kept = pieces.list.eval(
        pl.when(pl.element().str.contains(rf"^\s|{promised}"))
        .then(pl.element())
        .otherwise(pl.lit(""))
    )
    return kept.list.join("").to_arrow().cast(pa.large_string())


def _class(signs: str) -> str:
    return signs if signs == "!-~" else "".join(f"\\x{{{ord(sign):x}}}" for sign in signs)


def _back(scheme: Scheme) -> Scheme:
    back = reverse_of(scheme)
    if back is None:
        raise ValueError(
            f"nothing leads back from {scheme.name}, {scheme.source} to {scheme.target}"
        )
    return back


def _tokens(texts: pa.Array, runs: Runs) -> pl.DataFrame:
    """Count the tokens of all texts that a scheme may change."""
    found: list[pl.Series] = []

    def seen(tokens: pl.Series) -> pl.Series:
        found.append(tokens)
        return tokens

    convert_tokens(texts, runs, seen)
    pieces = (
        pl.Series("token", texts)
        .str.extract_all(f"{runs.protected}|{runs.run}")
        .explode()
        .drop_nulls()
    )
    counts = pieces.to_frame().group_by("token").len("count")
    distinct = pl.concat(found) if found else pl.Series([], dtype=pl.String)
    return (
        distinct.alias("token")
        .to_frame()
        .join(counts, on="token", how="inner", maintain_order="left")
    )


def _pieces(texts: pl.Series, returned: pl.Series) -> pl.DataFrame:
    """Count the pieces of texts that came back otherwise: `piece`, `returned`, `count`.

    A text that came back with other white space is one piece.
    """
    frame = pl.DataFrame({"piece": texts, "returned": returned}).filter(
        pl.col("piece") != pl.col("returned")
    )
    cut = pl.col("piece", "returned").str.extract_all(r"\S+")
    same_space = (
        pl.col("piece").str.extract_all(r"\s+") == pl.col("returned").str.extract_all(r"\s+")
    ) & (pl.col("piece").str.count_matches(r"\S+") == pl.col("returned").str.count_matches(r"\S+"))
    aligned = frame.filter(same_space).select(cut).explode("piece", "returned")
    found = pl.concat([aligned, frame.filter(~same_space)]).filter(
        pl.col("piece") != pl.col("returned")
    )
    return found.group_by("piece", "returned").len("count").sort("piece", "returned")


def _explained(pieces: pl.DataFrame, scheme: Scheme) -> pl.DataFrame:
    """Add the `reason` of each piece: the first of REASONS after whose removal both are equal, or
    that it shows."""
    target = letters_of(scheme.target)
    piece, returned = pl.col("piece"), pl.col("returned")

    def equal_without(pattern: str) -> pl.Expr:
        return piece.str.replace_all(pattern, "") == returned.str.replace_all(pattern, "")

    return pieces.with_columns(
        reason=pl.when(equal_without(r"\s+"))
        .then(pl.lit(REASONS[0]))
        .when(equal_without(f"[{JOINERS}]"))
        .then(pl.lit(REASONS[1]))
        .when(piece.str.to_lowercase() == returned.str.to_lowercase())
        .then(pl.lit(REASONS[2]))
        .when(equal_without(r"[^\p{L}\p{M}\p{N}]|\p{Lm}"))
        .then(pl.lit(REASONS[3]))
        .when(piece.str.contains(target))
        .then(pl.lit(REASONS[4]))
        .when(piece.str.contains(r"[\p{N}_%$&@<{\x60\\]"))
        .then(pl.lit(REASONS[5]))
        .otherwise(pl.lit(REASONS[6]))
    )


def _losses(pieces: pl.DataFrame, most: int) -> tuple[Loss, ...]:
    short = pieces.filter(
        (pl.col("piece").str.len_chars() <= _LONGEST_PIECE)
        & (pl.col("returned").str.len_chars() <= _LONGEST_PIECE)
    )
    if short.is_empty():
        return ()
    before, after = _code_points(short["piece"]), _code_points(short["returned"])
    lengths = short.select(
        before=pl.col("piece").str.len_chars(), after=pl.col("returned").str.len_chars()
    )
    length_before, length_after = (
        lengths[name].to_numpy().astype(np.int64) for name in ("before", "after")
    )
    shortest = np.minimum(length_before, length_after)
    head = np.minimum(_equal_places(before, after), shortest)
    tail = np.minimum(
        _equal_places(_reversed(before, length_before), _reversed(after, length_after)),
        shortest - head,
    )
    start = np.maximum(head - 1, 0)
    kept_tail = np.maximum(tail - 1, 0)
    cut = short.with_columns(
        start=pl.Series(start),
        size=pl.Series(length_before - start - kept_tail),
        other=pl.Series(length_after - start - kept_tail),
    ).select(
        "count",
        "reason",
        source=pl.col("piece").str.slice(pl.col("start"), pl.col("size")),
        returned=pl.col("returned").str.slice(pl.col("start"), pl.col("other")),
    )
    ranked = cut.group_by("source", "returned", "reason").agg(pl.col("count").sum())
    best = ranked.sort(
        ["count", "source", "returned", "reason"], descending=[True, False, False, False]
    ).head(most)
    return tuple(
        Loss(*row) for row in best.select("source", "returned", "reason", "count").iter_rows()
    )


def _code_points(words: pl.Series) -> npt.NDArray[np.uint32]:
    """View n words as n rows of code points, zeros after the end."""
    fixed = np.asarray(words.to_list(), dtype=f"<U{_LONGEST_PIECE}")
    return fixed.view(np.uint32).reshape(len(words), _LONGEST_PIECE)


def _reversed(
    rows: npt.NDArray[np.uint32], lengths: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint32]:
    places = lengths[:, None] - 1 - np.arange(rows.shape[1])
    turned: npt.NDArray[np.uint32] = np.where(
        places >= 0, np.take_along_axis(rows, np.maximum(places, 0), axis=1), 0
    )
    return turned


def _equal_places(
    one: npt.NDArray[np.uint32], other: npt.NDArray[np.uint32]
) -> npt.NDArray[np.int64]:
    """Count the places at which both rows are equal before the first at which they are not."""
    equal: npt.NDArray[np.int64] = np.cumprod(one == other, axis=1, dtype=np.int64).sum(axis=1)
    return equal
