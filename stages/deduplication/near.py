"""Near duplicates: MinHash signatures of documents, the bands they meet in, and how similar two of
them are.

Documents whose signatures agree in a whole band become candidates; a candidate is a duplicate only
if its similarity with the document that is kept passes the threshold (`keepers`). With b bands of r
rows, two documents of Jaccard similarity s become candidates with probability 1 - (1 - s^r)^b. The
default, 14 bands of 8 rows, is FineWeb-2's: it proposes 92.4 % of the pairs at 0.8, 99.96 % at 0.9
and 77 % at 0.75. Verification at 0.8 then refuses what the bands propose below that, which
FineWeb-2 deletes. `bands = "optimum"` takes the bands and rows that minimize the false candidates
and the misses at the threshold, by datasketch's rule.

Signatures are rensa's R-MinHash, version 2 (Fast Similarity Sketching): each slot is an unbiased
estimate, and the same set of shingles gives the same signature on every machine.

Sources: Broder 1997 (resemblance), Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, chapter
3 (bands); Penedo et al. 2025, FineWeb-2 (14 x 8, word 5-grams); Dahlgaard, Knudsen, Thorup 2017,
Fast Similarity Sketching.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from rensa import RMinHash  # type: ignore[import-untyped, unused-ignore]

from stages.deduplication.keepers import Met, Removals, Similarity, remove_duplicates, remove_known
from stages.deduplication.options import NearDeduplicationConfig
from stages.deduplication.shingles import Shingles, shingle_hashes
from stages.keys import KEY, mix64

_SORTED = 1 << 17  # shingles sorted at once: a few arrays of a MiB, or one longer text or pair
# Documents whose signatures are lists of integers at once: 0.9 MiB with the default bands. Of lists
# that do not fit into the cache each takes twice as long.
_SIGNED = 1 << 8
_BANDED = 1 << 12  # documents whose bands are hashed at once: a few arrays of 0.4 MiB
_PAIR_BITS, _HASH_BITS = 20, np.uint64(44)  # of 64: which text or pair, and its shingle's hash
_HIGH, _LOW = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)


class Signed(NamedTuple):
    """What n documents are compared by, without the documents that have no letters, which resemble
    nothing.

    `rows` (m,) are the places of the m others in the batch, in order; `signatures` (m, bands *
    rows) belong to them. Documents of one number in `scripts` (m,), other than 0, are not compared
    with each other. `preference` (m, k) are sort keys that go before the recipe's own: of two rows,
    the lexicographically smaller is preferred. `contents` (m,) are equal where documents have the
    same `shingles`, each as often.
    """

    rows: NDArray[np.int64]
    signatures: NDArray[np.uint32]
    scripts: NDArray[np.uint32]
    preference: NDArray[np.uint64]
    contents: NDArray[np.uint64]
    shingles: Shingles


def band_shape(config: NearDeduplicationConfig) -> tuple[int, int]:
    """Return (bands, rows): as given, or datasketch's optimum for the threshold."""
    if config.bands != "optimum":
        return config.bands, config.rows
    from datasketch import MinHashLSH  # type: ignore[import-untyped, unused-ignore]

    lsh = MinHashLSH(threshold=config.threshold, num_perm=config.permutations)
    return lsh.b, lsh.r


def near_signatures(batch: pa.RecordBatch, config: NearDeduplicationConfig) -> Signed:
    """Make the signatures of n documents, whatever their scripts; those without a shingle have
    none. Raises SchemaError without `text`.

    >>> article = "Gizon-emakume guztiak aske jaiotzen dira, duintasun berberarekin"
    >>> texts = pa.array([article, "", f"{article}."], pa.large_string())
    >>> signed = near_signatures(pa.record_batch({"text": texts}), NearDeduplicationConfig())
    >>> signed.rows.tolist(), bool((signed.signatures[0] == signed.signatures[1]).all())
    ([0, 2], True)
    """
    shingles = shingle_hashes(batch, config.word_shingle, config.grapheme_shingle)
    rows = np.flatnonzero(np.diff(shingles.offsets))
    made = signatures(shingles, config)[rows]
    no_preference = np.empty((len(rows), 0), np.uint64)
    filled = Shingles(shingles.hashes, np.append(shingles.offsets[rows], shingles.offsets[-1]))
    return Signed(
        rows, made, np.zeros(len(rows), np.uint32), no_preference, contents(filled), filled
    )


def contents(shingles: Shingles) -> NDArray[np.uint64]:
    """Hash n sets of shingles with their repetitions, in any order: the sum modulo 2^64, and how
    many there are.

    Hashes of shingles are as good as random, and so are their sums: of 10^9 pairs of documents
    whose shingles differ, one is taken for equal with probability 5 * 10^-11.
    """
    counts = np.diff(shingles.offsets)
    hashed = mix64(counts.astype(np.uint64))
    filled = np.flatnonzero(counts)
    if len(filled):
        hashed[filled] += np.add.reduceat(shingles.hashes, shingles.offsets[filled])
    return hashed


def firsts_of_content(
    clusters: NDArray[np.uint64], contents: NDArray[np.uint64]
) -> NDArray[np.int64]:
    """Return for each of n documents the place of the first one of its cluster with the same
    content.

    >>> firsts_of_content(np.array([7, 7, 9, 7], np.uint64), np.array([1, 2, 1, 1], np.uint64)).tolist()
    [0, 1, 2, 0]
    """
    order = np.lexsort((contents, clusters))
    begins = np.ones(len(order), np.bool_)
    begins[1:] = (contents[order][1:] != contents[order][:-1]) | (
        clusters[order][1:] != clusters[order][:-1]
    )
    firsts = np.empty(len(order), np.int64)
    firsts[order] = order[begins][begins.cumsum() - 1]
    return firsts


def shingled_documents(
    clusters: NDArray[np.uint64], contents: NDArray[np.uint64]
) -> NDArray[np.bool_]:
    """Choose, of n documents, those whose shingles are needed to compare all that are in one
    cluster.

    That is the first document of each content, where a cluster has several contents: documents of
    one content have similarity 1, and what is found for one of them is true for all.
    """
    firsts = firsts_of_content(clusters, contents) == np.arange(len(clusters))
    _, numbers = np.unique(clusters, return_inverse=True)
    several = np.bincount(numbers[firsts]) > 1
    return firsts & several[numbers]


def signatures(shingles: Shingles, config: NearDeduplicationConfig) -> NDArray[np.uint32]:
    """Make the MinHash signatures (n, bands * rows) of n sets of shingles; of an empty set, all
    ones bits."""
    bands, rows = band_shape(config)
    slots = array("I")
    for first in range(0, len(shingles.offsets) - 1, _SIGNED):
        offsets = shingles.offsets[first : first + _SIGNED + 1]
        hashes = shingles.hashes[offsets[0] : offsets[-1]]
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(
            hashes, offsets - offsets[0], bands * rows, config.seed
        )
        for (
            signature
        ) in matrix.to_rows():  # a loop over documents, since rensa gives lists and no buffer
            slots.fromlist(signature)
    return np.frombuffer(slots, np.uint32).reshape(len(shingles.offsets) - 1, bands * rows)


def band_keys(signatures: NDArray[np.uint32], config: NearDeduplicationConfig) -> NDArray[np.void]:
    """Make the KEYs (n, bands) of n signatures: equal where the band and all its rows are.

    With 3 bands of 2 rows, documents 0 and 2 meet in the middle band, and nowhere else:

        slots        band 0   band 1   band 2        keys
        document 0   7  3  |  5  9  |  2  8     ->   a  d  e
        document 1   4  1  |  5  6  |  3  8     ->   b  f  g
        document 2   7  2  |  5  9  |  1  1     ->   c  d  h
    """
    keys = np.empty((len(signatures), band_shape(config)[0]), KEY)
    for part, factor in (("high", _HIGH), ("low", _LOW)):
        keys[part] = _band_hashes(signatures, factor, config)
    return keys


def meeting_keys(
    signatures: NDArray[np.uint32], config: NearDeduplicationConfig
) -> NDArray[np.uint64]:
    """Make the first halves (n, bands) of the KEYs of n signatures."""
    return _band_hashes(signatures, _HIGH, config)


def _band_hashes(
    signatures: NDArray[np.uint32], factor: np.uint64, config: NearDeduplicationConfig
) -> NDArray[np.uint64]:
    """Hash the rows of each band of n signatures together with the number of the band."""
    bands, rows = band_shape(config)
    begin = mix64(np.arange(1, bands + 1, dtype=np.uint64) * factor)
    hashes = np.empty((len(signatures), bands), np.uint64)
    for start in range(0, len(signatures), _BANDED):
        slots = signatures[start : start + _BANDED].reshape(-1, bands, rows)
        state = np.broadcast_to(begin, slots.shape[:2])
        for row in range(rows):
            state = mix64((state ^ slots[:, :, row]) * factor)
        hashes[start : start + _BANDED] = state
    return hashes


def estimated_similarity(
    left: NDArray[np.uint32], right: NDArray[np.uint32]
) -> NDArray[np.float64]:
    """Estimate the Jaccard similarity of n pairs from their signatures (n, slots): the share of
    equal slots."""
    return np.count_nonzero(left == right, axis=1) / left.shape[1]


def distinct_shingles(shingles: Shingles) -> Shingles:
    """Sort the shingles of each of n texts and leave out repetitions; 44 bits of each hash are
    left.

    Of the shingles of a text of 10^6, two are then the same by chance with probability 0.03.
    """
    counts = np.diff(shingles.offsets)
    sizes = np.zeros(len(counts), np.int64)
    made = []
    for start, end in _portions(shingles.offsets):
        owners = np.repeat(np.arange(end - start, dtype=np.uint64), counts[start:end])
        hashes = shingles.hashes[shingles.offsets[start] : shingles.offsets[end]]
        packed = np.sort(owners << _HASH_BITS | hashes >> np.uint64(_PAIR_BITS))
        first_of = np.ones(len(packed), np.bool_)
        first_of[1:] = packed[1:] != packed[:-1]
        packed = packed[first_of]
        sizes[start:end] = np.bincount(
            (packed >> _HASH_BITS).astype(np.int64), minlength=end - start
        )
        made.append(packed & ((np.uint64(1) << _HASH_BITS) - np.uint64(1)))
    return Shingles(np.concatenate([np.empty(0, np.uint64), *made]), np.append(0, sizes.cumsum()))


def exact_similarity(
    distinct: Shingles, left: NDArray[np.int64], right: NDArray[np.int64], threshold: float = 0
) -> NDArray[np.float64]:
    """Compute the Jaccard similarity of n pairs of texts, given by their places in
    `distinct_shingles`.

    Two texts without shingles have similarity 0. A pair of such different sizes that it must stay
    below the threshold is not looked at; it is given what its sizes allow at most.
    """
    sizes = np.diff(distinct.offsets)
    found = np.minimum(sizes[left], sizes[right]) / np.maximum(
        np.maximum(sizes[left], sizes[right]), 1
    )
    close = np.flatnonzero(found >= threshold)
    left, right = left[close], right[close]
    shared = np.zeros(len(close), np.int64)
    reach = np.append(0, (sizes[left] + sizes[right]).cumsum())
    for start, end in _portions(reach):
        texts = np.concatenate([left[start:end], right[start:end]])
        counts = sizes[texts]
        pairs = np.repeat(np.tile(np.arange(end - start, dtype=np.uint64) << _HASH_BITS, 2), counts)
        ends = counts.cumsum()
        at = np.arange(len(pairs)) + np.repeat(distinct.offsets[texts] - ends + counts, counts)
        # two sorted halves, merged as such
        packed = np.sort(pairs | distinct.hashes.take(at), kind="stable")
        equal = packed[1:][packed[1:] == packed[:-1]] >> _HASH_BITS
        shared[start:end] = np.bincount(equal.astype(np.int64), minlength=end - start)
    found[close] = shared / np.maximum(sizes[left] + sizes[right] - shared, 1)
    return found


def _portions(offsets: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Divide n lists, which begin and end at `offsets`, into runs of so many that they are sorted
    within the cache."""
    start, count = 0, len(offsets) - 1
    while start < count:
        end = int(np.searchsorted(offsets, offsets[start] + _SORTED, side="right")) - 1
        end = min(max(end, start + 1), start + (1 << _PAIR_BITS), count)
        yield start, end
        start = end


def similarity_of(
    signatures: NDArray[np.uint32], distinct: Shingles | None, config: NearDeduplicationConfig
) -> Similarity:
    """Choose the similarity that `config.verify` names; raise ValueError if it lacks
    `distinct_shingles`."""
    if config.verify == "none":
        return lambda left, right: np.ones(len(left))
    if config.verify == "signature":
        return lambda left, right: estimated_similarity(signatures[left], signatures[right])
    if distinct is None:
        raise ValueError('distinct shingles must be given with verify = "shingles", got none')
    return lambda left, right: exact_similarity(distinct, left, right, config.threshold)


def between_contents(similarity: Similarity, firsts: NDArray[np.int64]) -> Similarity:
    """Compare each document by the first one of its content, given the places (n,) of
    `firsts_of_content`."""

    def compare(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
        left, right = firsts[left], firsts[right]
        found = np.ones(len(left))
        apart = np.flatnonzero(left != right)
        found[apart] = similarity(left[apart], right[apart])
        return found

    return compare


def between_scripts(similarity: Similarity, scripts: NDArray[np.unsignedinteger]) -> Similarity:
    """Call documents of one script wholly different, given the `scripts` (n,) of `Signed`."""
    if not scripts.any():
        return similarity

    def compare(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
        found = np.zeros(len(left))
        apart = np.flatnonzero((scripts[left] != scripts[right]) | (scripts[left] == 0))
        found[apart] = similarity(left[apart], right[apart])
        return found

    return compare


def near_duplicates(
    keys: NDArray[np.void],
    ranks: NDArray[np.int64],
    similarity: Similarity,
    config: NearDeduplicationConfig,
) -> Removals:
    """Decide which of n documents to remove, given their KEYs (n, bands) and ranks (n,); see
    `remove_duplicates`.

    The n documents may be all there are or whole clusters of them: the answer for a document is the
    same.
    """
    return remove_duplicates(_met(keys), ranks, similarity, config.threshold)


def known_duplicates(
    keys: NDArray[np.void], known: int, similarity: Similarity, config: NearDeduplicationConfig
) -> Removals:
    """Decide which of n documents to remove for one of the `known` first ones; see
    `remove_known`."""
    return remove_known(*_met(keys), known, similarity, config.threshold)


def _met(keys: NDArray[np.void]) -> Met:
    """Number the buckets in which some of n documents meet, given their KEYs (n, bands), and list
    the documents.

    A band at a time: documents meet in few of their bands, and keys of two bands are never equal. A
    bucket that holds the same documents as one of an earlier band says nothing new and is left out;
    two others are taken for the same with probability 2^-64.
    """
    buckets, documents = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    known = np.empty(0, np.uint64)  # a sum for each bucket so far
    for band in range(keys.shape[1]):
        order = np.argsort(keys[:, band]["high"])
        own = keys[order, band]
        firsts = np.ones(len(own), np.bool_)
        firsts[1:] = own[1:] != own[:-1]
        met = ~firsts
        met[:-1] |= ~firsts[1:]
        numbers, members = firsts[met].cumsum() - 1, order[met]
        sums = np.add.reduceat(mix64((members + 1).astype(np.uint64)), np.flatnonzero(firsts[met]))
        other = ~np.isin(sums, known)
        known = np.concatenate([known, sums[other]])
        kept = other[numbers]
        buckets.append(numbers[kept] + band * len(keys))
        documents.append(members[kept])
    return Met(np.concatenate(buckets), np.concatenate(documents))
