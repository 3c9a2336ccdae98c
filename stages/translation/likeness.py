"""How alike sentences are in their letters: chrF, and the parts of words and numbers that two
sentences of different languages share.

Both work on all code points in a row (a part of a text is a place and a length), so that no loop
goes over sentences. Parts are compared by 64-bit hashes: of a billion of them two different ones
meet with a probability of 3 %.

chrF: Popovic 2015, "chrF: character n-gram F-score for automatic MT evaluation", in the definition
of sacrebleu 2.6: n-grams of 1 to 6 code points without white space, precision and recall averaged
over the orders that both texts have, F with beta = 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from stages.batches import code_points
from stages.digits import in_ascii_digits

CHRF_ORDER, CHRF_BETA = 6, 2
_PART = r"\p{L}{4}|[0-9]+"
_PRIME = np.uint64(0x100000001B3)
_OWNER = np.uint64(0x9E3779B97F4A7C15)


def sentence_chrf(hypotheses: pl.Series, references: pl.Series) -> npt.NDArray[np.float64]:
    """Measure n hypotheses, each by its reference: chrF in [0, 100], 0 where either has no letter.

    >>> sentence_chrf(pl.Series(["the cat", "a"]), pl.Series(["the cat", "b"])).tolist()
    [100.0, 0.0]
    """
    n = len(hypotheses)
    sides = [_in_a_row(texts.str.replace_all(r"\s+", "")) for texts in (hypotheses, references)]
    hashes = [np.zeros(len(points), np.uint64) for points, _ in sides]
    precision, recall, orders = np.zeros(n), np.zeros(n), np.zeros(n)
    for order in range(1, CHRF_ORDER + 1):
        grams, counts = [], []
        for side, (points, owner) in enumerate(sides):
            last = len(points) - order + 1
            hashes[side] = hashes[side][: max(last, 0)] * _PRIME + points[order - 1 :]
            whole = owner[: max(last, 0)] == owner[order - 1 :]
            own = owner[: max(last, 0)][whole]
            grams.append(_counted(hashes[side][whole], own))
            counts.append(np.bincount(own, minlength=n))
        (keys, owners, found), (other_keys, _, other_found) = grams
        met, ours, theirs = np.intersect1d(
            keys, other_keys, assume_unique=True, return_indices=True
        )
        del met
        matches = np.bincount(
            owners[ours], np.minimum(found[ours], other_found[theirs]), minlength=n
        )
        both = (counts[0] > 0) & (counts[1] > 0)
        precision[both] += matches[both] / counts[0][both]
        recall[both] += matches[both] / counts[1][both]
        orders += both
    precision, recall = precision / np.maximum(orders, 1), recall / np.maximum(orders, 1)
    weight = float(CHRF_BETA**2)
    below = weight * precision + recall
    return np.where(
        below > 0, 100 * (1 + weight) * precision * recall / np.where(below > 0, below, 1), 0.0
    )


def _in_a_row(texts: pl.Series) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """Return the code points of n texts, one after the other, and the text that each stands in."""
    lengths = texts.str.len_chars().to_numpy().astype(np.int64)
    return code_points(texts).astype(np.uint64), np.repeat(np.arange(len(lengths)), lengths)


def _counted(
    hashes: npt.NDArray[np.uint64], owners: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Count what stands several times in a text: keys, ascending, their texts and counts."""
    keys, firsts, counts = np.unique(_keys(hashes, owners), return_index=True, return_counts=True)
    return keys, owners[firsts], counts


def _keys(hashes: npt.NDArray[np.uint64], owners: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """Make one key of a hash and the number of its text."""
    mixed = (hashes ^ (hashes >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    return (mixed ^ (mixed >> np.uint64(32))) + owners.astype(np.uint64) * _OWNER


class Parts(NamedTuple):
    """Parts of texts, each once in a text: the text that it stands in, its hash, and its weight."""

    owners: npt.NDArray[np.int64]
    hashes: npt.NDArray[np.uint64]
    weights: npt.NDArray[np.float64]


def parts_of(texts: pl.Series) -> Parts:
    """Take n texts apart into runs of four letters, from the beginning of each word on, and whole
    numbers.

    Words of two languages that begin by the same four letters are mostly cognates or names (Simard,
    Foster and Isabelle 1992, "Using cognates to align sentences in bilingual corpora"). A weight is
    the logarithm of how rare a part is among the texts.
    """
    plain = in_ascii_digits(texts).str.normalize("NFKD").str.to_lowercase()
    parts = (
        pl.DataFrame(
            {
                "row": np.arange(len(texts)),
                "part": plain.str.replace_all(r"\p{M}", "").str.extract_all(_PART),
            }
        )
        .explode("part")
        .drop_nulls("part")
        .unique(maintain_order=True)
    )
    hashes = parts["part"].hash().to_numpy()
    _, which, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    return Parts(parts["row"].to_numpy(), hashes, np.log((len(texts) + 1) / counts)[which])


def shared_parts(
    sources: pl.Series, targets: pl.Series, shifts: Sequence[int]
) -> dict[int, npt.NDArray[np.float64]]:
    """Compare each of n targets with the source that stands some places further on: by shift, n
    cosines of the weighted parts that both have; 0 where there is no such source."""
    n = len(sources)
    ours, theirs = parts_of(sources), parts_of(targets)
    norms = [
        np.sqrt(np.bincount(side.owners, side.weights**2, minlength=n)) for side in (ours, theirs)
    ]
    # A part and the text that it stands in are one number. Theirs are sorted once, so that they are
    # looked up in order whatever the shift.
    numbers = np.unique(ours.hashes)
    ours = ours._replace(hashes=np.searchsorted(numbers, ours.hashes).astype(np.uint64))
    theirs = _known(theirs, numbers)
    width = n + 2 * max(map(abs, shifts), default=0)
    places = [side.hashes.astype(np.int64) * width + side.owners for side in (ours, theirs)]
    orders = [np.argsort(place) for place in places]
    keys, weights = places[0][orders[0]], ours.weights[orders[0]]
    asked, owners = places[1][orders[1]], theirs.owners[orders[1]]
    their_weights = theirs.weights[orders[1]]
    found = {}
    for shift in shifts:
        at = np.minimum(np.searchsorted(keys, asked + shift), max(len(keys) - 1, 0))
        inside = (owners + shift >= 0) & (owners + shift < n)
        met = (keys[at] == asked + shift) & inside if len(keys) else inside & False
        dot = np.bincount(owners[met], weights[at[met]] * their_weights[met], minlength=n)
        other = np.arange(n) + shift
        norm = norms[1] * norms[0][np.clip(other, 0, n - 1)]
        there = (other >= 0) & (other < n) & (norm > 0)
        found[shift] = np.where(there, dot / np.where(norm > 0, norm, 1), 0.0)
    return found


def _known(parts: Parts, hashes: npt.NDArray[np.uint64]) -> Parts:
    """Return the parts whose hashes are among some, ascending ones, by their places there."""
    at = np.minimum(np.searchsorted(hashes, parts.hashes), max(len(hashes) - 1, 0))
    met = hashes[at] == parts.hashes if len(hashes) else np.zeros(len(at), bool)
    return Parts(parts.owners[met], at[met].astype(np.uint64), parts.weights[met])


def shared_matrix(
    sources: pl.Series, targets: pl.Series
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Compare n sources with m targets: the weighted parts that each two share, as an (n, m)
    product, and the norms of either."""
    sides = [parts_of(texts) for texts in (sources, targets)]
    sizes = len(sources), len(targets)
    norms: list[npt.NDArray[np.float64]] = [
        np.sqrt(np.bincount(side.owners, side.weights**2, minlength=size))
        for side, size in zip(sides, sizes, strict=True)
    ]
    ours, theirs = (
        pl.DataFrame(
            {"part": side.hashes, f"row{place}": side.owners, f"weight{place}": side.weights}
        )
        for place, side in enumerate(sides)
    )
    met = ours.join(theirs, on="part")
    dots = np.bincount(
        (met["row0"] * sizes[1] + met["row1"]).to_numpy(),
        (met["weight0"] * met["weight1"]).to_numpy(),
        minlength=sizes[0] * sizes[1],
    )
    return dots.reshape(sizes).astype(np.float64), norms[0], norms[1]
