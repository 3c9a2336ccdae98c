"""Near duplicates: MinHash signatures of documents, the bands they meet in, and how similar two of them are.

Documents whose signatures agree in a whole band become candidates; a candidate is a duplicate only if its similarity
with the document that is kept passes the threshold (`keepers`). With b bands of r rows, two documents of Jaccard
similarity s become candidates with probability 1 - (1 - s^r)^b. The default, 14 bands of 8 rows, is FineWeb-2's: it
proposes 92.4 % of the pairs at 0.8, 99.96 % at 0.9 and 77 % at 0.75. Verification at 0.8 then refuses what the bands
propose below that, which FineWeb-2 deletes. `bands = "optimum"` takes the bands and rows that minimize the false
candidates and the misses at the threshold, by datasketch's rule.

Signatures are rensa's R-MinHash, version 2 (Fast Similarity Sketching): each slot is an unbiased estimate, and the
same set of shingles gives the same signature on every machine.

Sources: Broder 1997 (resemblance), Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, chapter 3 (bands);
Penedo et al. 2025, FineWeb-2 (14 x 8, word 5-grams); Dahlgaard, Knudsen, Thorup 2017, Fast Similarity Sketching.
"""

from __future__ import annotations

import itertools
from typing import Annotated, Literal, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field
from rensa import RMinHash  # type: ignore[import-untyped, unused-ignore]

from stages.batches import StageConfig
from stages.deduplication.exact import KEY
from stages.deduplication.keepers import Removals, Similarity, remove_duplicates
from stages.deduplication.shingles import Shingles, mix64, shingle_hashes

_COMPARED = 1 << 22  # shingles compared at once: about 150 MiB, or one pair of longer texts
_HIGH, _LOW = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)


class NearDeduplicationConfig(StageConfig):
    """Options of near deduplication."""

    stage: Literal["near"] = "near"
    threshold: float = Field(
        default=0.8,
        gt=0,
        le=1,
        description="Least Jaccard similarity of a duplicate with the document that is kept.",
    )
    bands: Annotated[int, Field(ge=1, le=1024)] | Literal["optimum"] = Field(
        default=14,
        description='Bands of a signature, or "optimum": bands and rows chosen for the threshold among `permutations`.',
    )
    rows: int = Field(default=8, ge=1, le=64, description="Rows of a band; more rows make fewer candidates.")
    permutations: int = Field(
        default=112, ge=2, le=4096, description='Longest signature that "optimum" may choose; unused otherwise.'
    )
    word_shingle: int = Field(default=5, ge=1, le=100, description="Words in a shingle, where words are spaced.")
    grapheme_shingle: int = Field(
        default=8,
        ge=1,
        le=100,
        description="Grapheme clusters in a shingle, in scripts written without spaces between words. At 8, 586 pairs "
        "of help pages are on average as similar in Japanese and Chinese as in six spaced languages by 5 words, within "
        "0.01; at 5 they are 0.01 to 0.02 more similar, at 12 some 0.03 less.",
    )
    seed: int = Field(default=0, ge=0, lt=1 << 64, description="Seed of the signatures.")
    verify: Literal["signature", "shingles", "none"] = Field(
        default="shingles",
        description="How a candidate is compared with the document that is kept: by the exact Jaccard similarity of "
        "the shingles (precision 0.99 on edited pages in 19 scripts), by the share of equal signature slots (0.94, "
        "without reading the texts again), or not at all (0.46: then a shared template is enough).",
    )


class Signed(NamedTuple):
    """What n documents are compared by, without the documents that have no letters, which resemble nothing.

    `rows` (m,) are the places of the m others in the batch, in order; `signatures` (m, bands * rows) belong to them.
    Documents of one number in `scripts` (m,), other than 0, are not compared with each other. `preference` (m, k) are
    sort keys that go before the recipe's own: of two rows, the lexicographically smaller is preferred.
    """

    rows: NDArray[np.int64]
    signatures: NDArray[np.uint32]
    scripts: NDArray[np.uint8]
    preference: NDArray[np.uint64]


def band_shape(config: NearDeduplicationConfig) -> tuple[int, int]:
    """Return (bands, rows): as given, or datasketch's optimum for the threshold."""
    if config.bands != "optimum":
        return config.bands, config.rows
    from datasketch import MinHashLSH  # type: ignore[import-untyped, unused-ignore]

    lsh = MinHashLSH(threshold=config.threshold, num_perm=config.permutations)
    return lsh.b, lsh.r


def near_signatures(batch: pa.RecordBatch, config: NearDeduplicationConfig) -> Signed:
    """Make the signatures of n documents, whatever their scripts. Raises SchemaError without `text`."""
    shingles = shingle_hashes(batch, config.word_shingle, config.grapheme_shingle)
    rows = np.flatnonzero(np.diff(shingles.offsets))
    made = signatures(shingles, config)[rows]
    return Signed(rows, made, np.zeros(len(rows), np.uint8), np.empty((len(rows), 0), np.uint64))


def signatures(shingles: Shingles, config: NearDeduplicationConfig) -> NDArray[np.uint32]:
    """Make the MinHash signatures (n, bands * rows) of n sets of shingles; of an empty set, all ones bits."""
    bands, rows = band_shape(config)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(shingles.hashes, shingles.offsets, bands * rows, config.seed)
    slots = itertools.chain.from_iterable(matrix.to_rows())  # rensa gives lists, and no buffer
    count = len(shingles.offsets) - 1
    return np.fromiter(slots, np.uint32, count * bands * rows).reshape(count, bands * rows)


def band_keys(signatures: NDArray[np.uint32], config: NearDeduplicationConfig) -> NDArray[np.void]:
    """Make the KEYs (n, bands) of n signatures: equal where the band and all its rows are."""
    bands, rows = band_shape(config)
    slots = signatures.reshape(len(signatures), bands, rows)
    keys = np.empty((len(signatures), bands), KEY)
    for part, factor in (("high", _HIGH), ("low", _LOW)):
        state = np.broadcast_to(mix64(np.arange(1, bands + 1, dtype=np.uint64) * factor), keys.shape)
        for row in range(rows):
            state = mix64((state ^ slots[:, :, row]) * factor)
        keys[part] = state
    return keys


def estimated_similarity(left: NDArray[np.uint32], right: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Estimate the Jaccard similarity of n pairs from their signatures (n, slots): the share of equal slots."""
    return np.count_nonzero(left == right, axis=1) / left.shape[1]


def distinct_shingles(shingles: Shingles) -> Shingles:
    """Sort the shingles of each of n texts and leave out repetitions."""
    owners = np.repeat(np.arange(len(shingles.offsets) - 1), np.diff(shingles.offsets))
    hashes = shingles.hashes[np.lexsort((shingles.hashes, owners))]
    first = np.ones(len(hashes), np.bool_)
    first[1:] = (hashes[1:] != hashes[:-1]) | (owners[1:] != owners[:-1])
    return Shingles(hashes[first], np.append(0, first.cumsum())[shingles.offsets])


def exact_similarity(distinct: Shingles, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
    """Compute the Jaccard similarity of n pairs of texts, given by their places in `distinct_shingles`.

    Two texts without shingles have similarity 0. Shingles are compared by 44 bits of their hash, so that a text of 10^6
    may show one shared shingle too many.
    """
    sizes = np.diff(distinct.offsets)
    shared = np.zeros(len(left), np.int64)
    reach = np.append(0, (sizes[left] + sizes[right]).cumsum())
    start = 0
    while start < len(left):
        end = max(start + 1, int(np.searchsorted(reach, reach[start] + _COMPARED, side="right")) - 1)
        end = min(end, start + (1 << 20))
        texts = np.concatenate([left[start:end], right[start:end]])
        counts = sizes[texts]
        pairs = np.repeat(np.tile(np.arange(end - start, dtype=np.uint64), 2), counts)
        ends = counts.cumsum()
        at = np.arange(len(pairs)) + np.repeat(distinct.offsets[texts] - ends + counts, counts)
        packed = np.sort(pairs << np.uint64(44) | distinct.hashes[at] >> np.uint64(20))
        equal = packed[1:][packed[1:] == packed[:-1]] >> np.uint64(44)
        shared[start:end] = np.bincount(equal.astype(np.int64), minlength=end - start)
        start = end
    return shared / np.maximum(sizes[left] + sizes[right] - shared, 1)


def similarity_of(
    signatures: NDArray[np.uint32], distinct: Shingles | None, config: NearDeduplicationConfig
) -> Similarity:
    """Choose the similarity that `config.verify` names; raise ValueError if it lacks `distinct_shingles`."""
    if config.verify == "none":
        return lambda left, right: np.ones(len(left))
    if config.verify == "signature":
        return lambda left, right: estimated_similarity(signatures[left], signatures[right])
    if distinct is None:
        raise ValueError('distinct shingles must be given with verify = "shingles", got none')
    return lambda left, right: exact_similarity(distinct, left, right)


def between_scripts(similarity: Similarity, scripts: NDArray[np.uint8]) -> Similarity:
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
    keys: NDArray[np.void], ranks: NDArray[np.int64], similarity: Similarity, config: NearDeduplicationConfig
) -> Removals:
    """Decide which of n documents to remove, given their KEYs (n, bands) and ranks (n,); see `remove_duplicates`.

    The n documents may be all there are or whole clusters of them: the answer for a document is the same.
    """
    flat = keys.ravel()
    order = np.argsort(flat["high"])
    flat = flat[order]
    firsts = np.ones(len(flat), np.bool_)
    firsts[1:] = flat[1:] != flat[:-1]
    return remove_duplicates(firsts.cumsum(), order // keys.shape[1], ranks, similarity, config.threshold)
