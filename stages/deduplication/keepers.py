"""Which of the documents that resemble each other is kept, and which are removed for it.

Resemblance is not transitive: in a chain a~b~c, c may have nothing in common with a. So a cluster
is never reduced to one document. A document is removed only for one that is kept, that meets it in
a bucket (a band of the signature), that comes before it in the order of preference, and whose
similarity with it passes the threshold. In the chain, b goes for a; c goes only if it resembles a,
and is itself kept otherwise.

This is what one gets by going through the documents from the most to the least preferred and
comparing each with the kept ones of its buckets. `remove_duplicates` computes the same answer in
rounds over whole arrays: in each, every document that is the first of all its buckets is kept, and
all others of its buckets are compared with it. So a million equal documents take one round and a
million comparisons.

Source: Blelloch, Fineman, Shun 2012, Greedy Sequential Maximal Independent Set and Matching are
Parallel on Average (the rounds, and that they give the sequential answer).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.columns import SchemaError, require_columns
from schemas.document import DOCUMENT
from stages.deduplication.options import KeeperOrder
from stages.keys import hash_keys

Similarity = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float64]]

MAX_KEEPERS = 32  # of one bucket, with whom any other of it is compared
_ROUNDS = 64  # what is left after these hangs in long chains, and is gone through one by one
_PAIRS = 1 << 16  # compared at once: bounds what the similarity function gathers
_WORST = np.uint64(0xFFFFFFFFFFFFFFFF)


def preference_keys(batch: pa.RecordBatch, order: KeeperOrder) -> NDArray[np.uint64]:
    """Make the `sort_keys` (n, k) of n documents: of two rows, the lexicographically smaller is
    preferred.

    The two last columns are BLAKE2b-128 of the id, unless the order ends in `first`. Dates are ISO
    8601; the time zone is not looked at, and what does not begin with a year counts as missing.
    Raises SchemaError if a column is missing or mistyped.
    """
    known = tuple(name for name in order.columns if name in DOCUMENT.names)
    require_columns(batch, DOCUMENT, known)
    if "quality" in order.by:
        if order.quality not in batch.schema.names:
            raise SchemaError(
                f"batch lacks required columns: '{order.quality}' is missing (expected a number)"
            )
        if pa.types.is_nested(kind := batch.schema.field(order.quality).type):
            raise SchemaError(
                f"batch lacks required columns: '{order.quality}' is {kind} (expected a number)"
            )
    columns: list[NDArray[np.uint64]] = []
    for criterion in order.by:
        if criterion == "source":
            places = pc.index_in(batch["source"], pa.array(order.sources, pa.string()))
            columns.append(
                pc.fill_null(places, len(order.sources))
                .to_numpy(zero_copy_only=False)
                .astype(np.uint64)
            )
        elif criterion == "quality":
            columns.append(_descending(batch[order.quality]))
        elif criterion == "cleanest":
            from stages.deduplication.cleanliness import cleanliness  # it imports Polars

            columns.append((np.iinfo(np.int64).max - cleanliness(batch).score).view(np.uint64))
        elif criterion in ("longest", "shortest"):
            lengths = pc.utf8_length(batch["text"]).to_numpy(zero_copy_only=False).astype(np.uint64)
            columns.append(_WORST - lengths if criterion == "longest" else lengths)
        elif criterion in ("newest", "oldest"):
            moments = _moments(batch["date"])
            missing = moments == _WORST
            columns.append(np.where(missing | (criterion == "oldest"), moments, _WORST - moments))
    if "first" not in order.by:
        ids = hash_keys(batch["id"].cast(pa.large_string()))
        columns += [ids["high"], ids["low"]]
    return np.stack(columns, axis=1) if columns else np.empty((batch.num_rows, 0), np.uint64)


def deciding_criterion(
    criteria: Sequence[str], kept: NDArray[np.uint64], removed: NDArray[np.uint64]
) -> str:
    """Name the first criterion that tells two documents apart, given their sort keys (k,); else the
    last one.

    >>> deciding_criterion(("cleanest", "first"), np.array([3], np.uint64), np.array([3], np.uint64))
    'first'
    """
    differing = np.flatnonzero(kept != removed)
    return criteria[min(int(differing[0]), len(criteria) - 1)] if len(differing) else criteria[-1]


def _descending(values: pa.Array) -> NDArray[np.uint64]:
    """Turn numbers, or strings that say them, into integers in the opposite order; what is no
    number comes last."""
    import polars as pl  # only where the order of keepers asks for it: this module is imported by every worker

    # minus zero is zero
    numbers = pl.Series(values).cast(pl.Float64, strict=False).to_numpy() + 0.0
    bits = numbers.view(np.int64)
    ascending = np.where(bits < 0, ~bits, bits | np.int64(-(1 << 63))).view(np.uint64)
    return np.where(np.isnan(numbers), _WORST, ~ascending)


def _moments(dates: pa.Array) -> NDArray[np.uint64]:
    """Turn ISO 8601 dates and times into integers in the same order, to the second; what is no date
    comes last."""
    import polars as pl

    two = "([0-9]{2})"  # not \d, which is any script's digits
    pattern = f"^([0-9]{{4}})(?:-{two}(?:-{two}(?:[T ]{two}:{two}(?::{two})?)?)?)?"
    parts = pl.Series(dates.cast(pa.string())).str.extract_groups(pattern).struct.unnest()
    digits = parts.select(
        pl.col("1") + pl.concat_str([pl.col(str(group)).fill_null("00") for group in range(2, 7)])
    ).to_series()
    return digits.cast(pl.UInt64).fill_null(int(_WORST)).to_numpy()


def preference_ranks(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Rank n documents by their keys: 0 is the most preferred; equal keys are ranked as they
    come."""
    ranks = np.empty(len(keys), np.int64)
    places = np.arange(len(keys))
    ranks[np.lexsort((places, *keys.T[::-1]))] = places
    return ranks


class Removals(NamedTuple):
    """Documents to remove, in ascending order, each with the kept one it repeats and their
    similarity.

    `compared` pairs were looked at, `refused` of them did not pass the threshold; `exhausted`
    buckets had more kept documents than any other of the bucket was compared with.
    """

    removed: NDArray[np.int64]
    keepers: NDArray[np.int64]
    similarities: NDArray[np.float64]
    compared: int
    refused: int
    exhausted: int


class Met(NamedTuple):
    """Who meets whom: m memberships, each of a document in a bucket, in any order."""

    buckets: NDArray[np.int64]
    documents: NDArray[np.int64]


def remove_duplicates(
    met_in: Met,
    ranks: NDArray[np.int64],
    similarity: Similarity,
    threshold: float,
    max_keepers: int = MAX_KEEPERS,
) -> Removals:
    """Decide which of n documents to remove, given the m buckets in which they meet.

    `met_in.documents` are numbers below n, `ranks` (n,) are distinct, the lowest the most preferred.
    `similarity` compares pairs of documents, given as two arrays of numbers. Guarantees:

    - a removed document shares a bucket with its keeper, the keeper is kept, is preferred to it,
      and their similarity is at least the threshold;
    - two kept documents of a bucket are less similar than the threshold, up to `max_keepers`:
      within a bucket a document is compared with the first so many that are kept. There are at most
      m * max_keepers comparisons;
    - the answer depends neither on the order of the memberships nor on other clusters.

    Of several keepers, a document goes for the one kept in the earliest round, of these the most
    preferred.

        bucket   documents by rank     what happens
        0        0  2  5               0 is kept; 2 and 5 are compared with it; 5 is similar and goes
        1        2  3                  2 was not similar to 0, so it is kept; 3 is compared with 2
        2        5  7                  5 is gone, so 7 is kept
    """
    if len(ranks) >= 1 << 31:
        raise ValueError(f"documents must be fewer than 2^31 at once, got {len(ranks)}")
    by_rank = np.argsort(ranks)
    places = np.empty(len(ranks), np.int64)
    places[by_rank] = np.arange(len(ranks))

    def compare(pairs: NDArray[np.int64]) -> NDArray[np.float64]:
        return _in_parts(lambda left, right: similarity(by_rank[left], by_rank[right]), pairs)

    # From here on a document goes by its place in the order of preference.
    members, owners = _memberships(places[met_in.documents], met_in.buckets)
    kept_in = np.zeros(int(owners.max(initial=-1)) + 1, np.int64)
    decided = np.zeros(len(ranks), np.bool_)
    met = [np.empty((0, 2), np.int64)]
    similarities = [np.empty(0)]
    compared = refused = 0
    for _ in range(_ROUNDS):
        heads = _firsts(owners)
        waiting = np.zeros(len(ranks), np.bool_)
        waiting[members[~heads]] = True
        leads = heads & ~waiting[members]
        decided[members[leads]] = True
        kept_in[owners[leads]] += 1
        leaders = members[heads][heads.cumsum() - 1]
        facing = ~heads & decided[leaders]
        pairs = _distinct(members[facing], leaders[facing])
        found = compare(pairs)
        passed = found >= threshold
        compared += len(pairs)
        refused += int(np.count_nonzero(~passed))
        pairs, found = pairs[passed], found[passed]
        first = _firsts(pairs[:, 0])
        met.append(pairs[first])
        similarities.append(found[first])
        decided[pairs[:, 0]] = True
        stay = ~decided[members] & (kept_in[owners] < max_keepers)
        members, owners = members[stay], owners[stay]
        if not len(members):
            break
    # What is left hangs in chains, where each document waits for the one before: hence a loop over
    # documents.
    kept: dict[int, list[int]] = {}
    by_member = np.argsort(members, kind="stable")
    members, owners = members[by_member], owners[by_member]
    for start, end in itertools.pairwise(
        [*np.flatnonzero(_firsts(members)).tolist(), len(members)]
    ):
        mine = owners[start:end].tolist()
        others = sorted({other for owner in mine for other in kept.get(owner, ())})
        pairs = np.array([(members[start], other) for other in others], np.int64).reshape(-1, 2)
        found = compare(pairs)
        passing = np.flatnonzero(found >= threshold)
        compared += len(pairs)
        refused += len(pairs) - len(passing)
        if len(passing):
            met.append(pairs[passing[:1]])
            similarities.append(found[passing[:1]])
            continue
        for owner in mine:
            if kept_in[owner] < max_keepers:
                kept_in[owner] += 1
                kept.setdefault(owner, []).append(int(members[start]))
    pairs = by_rank[np.concatenate(met)]
    order = np.argsort(pairs[:, 0])
    return Removals(
        pairs[order, 0],
        pairs[order, 1],
        np.concatenate(similarities)[order],
        compared,
        refused,
        int(np.count_nonzero(kept_in >= max_keepers)),
    )


def remove_known(
    buckets: NDArray[np.int64],
    documents: NDArray[np.int64],
    known: int,
    similarity: Similarity,
    threshold: float,
) -> Removals:
    """Decide which documents to remove for one of the `known` first ones, which stay and are
    compared with no other.

    The arguments are as for `remove_duplicates`, whose answer for the documents that remain
    completes this one:
    together they are what it would say if the known documents came first in the order of preference
    and none resembled another. Within a bucket a document is compared with the `MAX_KEEPERS` first
    known ones, one a turn, as long as none
    resembles it. Of several it goes for the one met in the earliest turn, of these the first.
    """
    members, owners = _memberships(documents, buckets)
    firsts = _firsts(owners)
    starts, owners = np.flatnonzero(firsts), firsts.cumsum() - 1
    own = members >= known
    counts = np.bincount(owners[~own], minlength=len(starts))
    exhausted = int(np.count_nonzero(counts >= MAX_KEEPERS))
    bucket_of, waiting = owners[own], members[own]
    decided = np.zeros(int(members.max(initial=-1)) + 1, np.bool_)
    met = [np.empty((0, 2), np.int64)]
    similarities = [np.empty(0)]
    compared = refused = 0
    for turn in range(MAX_KEEPERS):
        facing = (counts[bucket_of] > turn) & ~decided[waiting]
        bucket_of, waiting = bucket_of[facing], waiting[facing]
        if not len(waiting):
            break
        pairs = _distinct(waiting, members[starts[bucket_of] + turn])
        found = _in_parts(similarity, pairs)
        passed = found >= threshold
        compared += len(pairs)
        refused += int(np.count_nonzero(~passed))
        pairs, found = pairs[passed], found[passed]
        first = _firsts(pairs[:, 0])
        met.append(pairs[first])
        similarities.append(found[first])
        decided[pairs[:, 0]] = True
    pairs = np.concatenate(met)
    order = np.argsort(pairs[:, 0])
    return Removals(
        pairs[order, 0],
        pairs[order, 1],
        np.concatenate(similarities)[order],
        compared,
        refused,
        exhausted,
    )


def _in_parts(similarity: Similarity, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    """Compare pairs (m, 2), so many at a time that what `similarity` gathers stays small."""
    parts = [similarity(*pairs[start : start + _PAIRS].T) for start in range(0, len(pairs), _PAIRS)]
    return np.concatenate([np.empty(0), *parts])


def cluster_sizes(removals: Removals) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count each keeper with the documents removed for it: (keepers in ascending order, sizes of at
    least 2)."""
    keepers = np.sort(removals.keepers)
    starts = np.flatnonzero(_firsts(keepers))
    return keepers[starts], np.diff(np.append(starts, len(keepers))) + 1


def _memberships(
    members: NDArray[np.int64], buckets: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sort memberships by bucket and member, without repetitions and without buckets of one; number
    the buckets."""
    order = np.lexsort((members, buckets))
    members, buckets = members[order], buckets[order]
    once = _firsts(members) | _firsts(buckets)
    members, buckets = members[once], buckets[once]
    firsts = _firsts(buckets)
    owners = firsts.cumsum() - 1
    shared = np.bincount(owners)[owners] > 1 if len(owners) else firsts
    return members[shared], owners[shared]


def _distinct(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pair two arrays of numbers below 2^32: the distinct pairs (m, 2), sorted."""
    packed = np.sort(left << 32 | right)
    packed = packed[_firsts(packed)]
    return np.stack([packed >> 32, packed & 0xFFFFFFFF], axis=1)


def _firsts(values: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark where a sorted array changes."""
    marks = np.ones(len(values), np.bool_)
    marks[1:] = values[1:] != values[:-1]
    return marks
