"""Signatures, bands and similarities, against their formulas and against exact sets."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from stages.deduplication import near
from stages.deduplication.keepers import Met, remove_duplicates
from stages.deduplication.near import (
    band_keys,
    band_shape,
    between_contents,
    between_scripts,
    contents,
    distinct_shingles,
    estimated_similarity,
    exact_similarity,
    firsts_of_content,
    near_duplicates,
    near_signatures,
    shingled_documents,
    signatures,
    similarity_of,
)
from stages.deduplication.options import NearDeduplicationConfig
from stages.deduplication.shingles import Shingles, shingle_hashes
from stages.keys import KEY, mix64

DEFAULT = NearDeduplicationConfig()


def sets(*lists: NDArray[np.uint64]) -> Shingles:
    lengths = [0, *map(len, lists)]
    return Shingles(np.concatenate([np.empty(0, np.uint64), *lists]), np.cumsum(lengths))


def pairs_at(similarity: float, count: int, size: int, seed: int) -> Shingles:
    """Make 2 * count sets of random hashes; the sets 2i and 2i + 1 have the given Jaccard
    similarity."""
    shared = round(2 * size * similarity / (1 + similarity))
    random = np.random.default_rng(seed).integers(0, 1 << 64, (count, 2 * size - shared), np.uint64)
    left, right = random[:, :size], random[:, size - shared :]
    return sets(*np.stack([left, right], axis=1).reshape(2 * count, size))


def test_known_answers() -> None:
    """Signatures and keys are stored in indexes: they never change."""
    made = signatures(
        sets(np.array([1, 2, 3], np.uint64)), NearDeduplicationConfig(bands=2, rows=2)
    )
    assert made.tolist() == [[2021784390, 174134441, 435726589, 2649113185]]
    assert band_keys(made, NearDeduplicationConfig(bands=2, rows=2)).tolist() == [
        [(3816904073713663385, 8575705939037146576), (10330697731860893289, 14771277920065514276)]
    ]


def test_a_signature_depends_on_the_set_alone() -> None:
    shingles = np.random.default_rng(0).integers(0, 1 << 64, 100, np.uint64)
    repeated = np.concatenate([shingles[::-1], shingles[:50]])
    made = signatures(sets(shingles, repeated, shingles[:0]), DEFAULT)
    assert made.dtype == np.uint32
    assert made.shape == (3, 112)
    assert np.array_equal(made[0], made[1])
    assert (made[2] == 2**32 - 1).all()


def test_another_seed_makes_another_signature() -> None:
    shingles = sets(np.arange(1000, dtype=np.uint64))
    assert (
        signatures(shingles, DEFAULT) != signatures(shingles, NearDeduplicationConfig(seed=1))
    ).mean() > 0.9


@pytest.mark.parametrize("size", [20, 400])
@pytest.mark.parametrize("similarity", [0.0, 0.25, 0.5, 0.8, 0.9, 1.0])
def test_estimates_are_unbiased(similarity: float, size: int) -> None:
    count = 2000
    shingles = pairs_at(similarity, count, size, seed=1)
    shared = round(2 * size * similarity / (1 + similarity))
    exact = shared / (2 * size - shared)
    made = signatures(shingles, DEFAULT)
    estimates = estimated_similarity(made[0::2], made[1::2])
    deviation = np.sqrt(exact * (1 - exact) / 112)  # of independent slots; these are no worse
    assert abs(estimates.mean() - exact) <= 4 * deviation / np.sqrt(count) + 1e-3
    assert estimates.std() <= deviation * 1.1


@pytest.mark.parametrize("similarity", [0.5, 0.7, 0.8, 0.9])
def test_candidates_are_as_many_as_the_formula_says(similarity: float) -> None:
    count = 3000
    keys = band_keys(signatures(pairs_at(similarity, count, 200, seed=2), DEFAULT), DEFAULT)
    exact = round(400 * similarity / (1 + similarity)) / (
        400 - round(400 * similarity / (1 + similarity))
    )
    expected = 1 - (1 - exact**8) ** 14
    found = (keys[0::2] == keys[1::2]).any(axis=1).mean()
    assert abs(found - expected) < 4 * np.sqrt(expected * (1 - expected) / count) + 0.01


def test_band_keys_tell_bands_rows_and_positions_apart() -> None:
    config = NearDeduplicationConfig(bands=3, rows=2)
    made = np.array([[1, 2, 1, 2, 2, 1], [1, 2, 9, 9, 2, 1], [0, 0, 0, 0, 0, 0]], np.uint32)
    keys = band_keys(made, config)
    assert keys.dtype == KEY
    assert keys.shape == (3, 3)
    assert (keys[0] == keys[1]).tolist() == [True, False, True]
    assert len(np.unique(keys)) == 3 * 3 - 2
    assert len(np.unique(keys["high"])) == len(np.unique(keys["low"])) == 3 * 3 - 2


def test_documents_without_letters_are_not_signed() -> None:
    batch = pa.record_batch(
        {"text": pa.array(["", "kaixo mundua", "...", "Kaixo, mundua!"], pa.large_string())}
    )
    made = near_signatures(batch, DEFAULT)
    assert made.rows.tolist() == [1, 3]
    assert made.scripts.tolist() == [0, 0]
    assert made.preference.shape == (2, 0)
    assert np.array_equal(made.signatures[0], made.signatures[1])
    assert len(near_signatures(batch.slice(0, 0), DEFAULT).rows) == 0


def test_documents_of_one_script_are_not_compared() -> None:
    scripts = np.array([1, 1, 2, 0, 0], np.uint8)
    compare = between_scripts(lambda left, right: np.full(len(left), 0.9), scripts)
    left, right = np.array([0, 0, 2, 3, 1]), np.array([1, 2, 1, 4, 1])
    assert compare(left, right).tolist() == [0.0, 0.9, 0.9, 0.9, 0.0]


MIXED = st.lists(
    st.sampled_from(mix64(np.arange(1, 11, dtype=np.uint64)).tolist()), min_size=1, max_size=12
)
HASHES = st.lists(st.integers(0, 9).map(lambda number: number << 60 | number), max_size=12)


@settings(deadline=None)
@given(st.lists(HASHES, min_size=1, max_size=6), st.integers(1, 40))
def test_exact_similarity_is_that_of_sets(lists: list[list[int]], compared: int) -> None:
    """Whatever number of shingles is compared at once."""
    distinct = distinct_shingles(sets(*[np.array(hashes, np.uint64) for hashes in lists]))
    assert [part.tolist() for part in np.split(distinct.hashes, distinct.offsets[1:-1])] == [
        sorted({number >> 20 for number in hashes}) for hashes in lists
    ]
    left, right = (
        places.ravel() for places in np.meshgrid(np.arange(len(lists)), np.arange(len(lists)))
    )
    original = near._SORTED
    try:
        near._SORTED = compared
        found = exact_similarity(distinct, left, right)
    finally:
        near._SORTED = original
    assert found.tolist() == [
        len({*lists[a]} & {*lists[b]}) / max(1, len({*lists[a]} | {*lists[b]}))
        for a, b in zip(left.tolist(), right.tolist(), strict=True)
    ]
    assert exact_similarity(distinct, left[:0], right[:0]).tolist() == []


def test_contents_are_those_of_shingles_in_any_order_each_as_often() -> None:
    lists = [[3, 5, 9], [9, 3, 5], [3, 5, 9, 9], [3, 5], [3, 5, 10], [], []]
    made = contents(sets(*[mix64(np.array(hashes, np.uint64)) for hashes in lists]))
    assert len(np.unique(made[1:])) == 5
    assert made[0] == made[1]
    assert made[5] == made[6]
    assert contents(sets()).tolist() == []


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), MIXED), min_size=1, max_size=8))
def test_the_shingles_of_the_first_of_each_content_are_enough(
    documents: list[tuple[int, list[int]]],
) -> None:
    clusters = np.array([cluster for cluster, _ in documents], np.uint64)
    all_sets = sets(*[np.array(hashes, np.uint64) for _, hashes in documents])
    needed = shingled_documents(clusters, contents(all_sets))
    some = sets(
        *[
            np.array(h if make else [], np.uint64)
            for (_, h), make in zip(documents, needed, strict=True)
        ]
    )
    firsts = firsts_of_content(clusters, contents(all_sets))
    compare = between_contents(
        similarity_of(np.empty(0, np.uint32), distinct_shingles(some), DEFAULT), firsts
    )
    left, right = np.nonzero(clusters[:, None] == clusters)
    exact = exact_similarity(distinct_shingles(all_sets), left, right, DEFAULT.threshold)
    assert compare(left, right).tolist() == exact.tolist()
    assert needed.sum() <= len({(cluster, tuple(sorted(hashes))) for cluster, hashes in documents})


def words(*numbers: range) -> str:
    return " ".join(f"w{number}" for part in numbers for number in part)


# each resembles the next by 0.86
CHAIN = [words(range(start, start + 100)) for start in (0, 7, 14, 21)]


@pytest.mark.parametrize("verify", ["signature", "shingles"])
def test_a_chain_of_documents_is_not_one_duplicate(verify: str) -> None:
    config = NearDeduplicationConfig.model_validate({"verify": verify, "bands": 40, "rows": 4})
    batch = pa.record_batch(
        {"text": pa.array([*CHAIN, "", CHAIN[0].upper() + "!"], pa.large_string())}
    )
    made = near_signatures(batch, config)
    keys = band_keys(made.signatures, config)
    distinct = distinct_shingles(shingle_hashes(batch.take(pa.array(made.rows)), 5, 8))
    assert exact_similarity(distinct, np.array([0, 0]), np.array([1, 2])).tolist() == [
        89 / 103,
        82 / 110,
    ]
    found = near_duplicates(
        keys, np.arange(len(made.rows)), similarity_of(made.signatures, distinct, config), config
    )
    gone = dict(
        zip(made.rows[found.removed].tolist(), made.rows[found.keepers].tolist(), strict=True)
    )
    assert gone == {1: 0, 3: 2, 5: 0}, "the third resembles the first by 0.75 alone"
    assert found.refused >= 1


@settings(deadline=None)
@given(
    st.integers(1, 5).flatmap(
        lambda bands: st.lists(st.lists(st.integers(0, 3), min_size=bands, max_size=bands))
    )
)
def test_buckets_of_the_same_documents_say_nothing_new(rows: list[list[int]]) -> None:
    """What is decided is what all buckets say together, those of the same documents among them."""
    bands = len(rows[0]) if rows else 1
    numbers = np.array(rows, np.int64).reshape(-1, bands) + 4 * np.arange(bands)
    keys = np.zeros(numbers.shape, KEY)
    keys["high"], keys["low"] = mix64(numbers.astype(np.uint64)), numbers
    documents = np.repeat(np.arange(len(rows)), bands)

    def similar(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
        return (left * right % 3 == 0).astype(float)

    expected = remove_duplicates(
        Met(numbers.ravel(), documents), np.arange(len(rows)), similar, DEFAULT.threshold
    )
    found = near_duplicates(keys, np.arange(len(rows)), similar, DEFAULT)
    assert [part.tolist() for part in found[:3]] == [part.tolist() for part in expected[:3]]
    assert found[3:] == expected[3:]


def test_without_verification_a_shared_band_is_enough() -> None:
    config = NearDeduplicationConfig(verify="none", bands=40, rows=1)
    batch = pa.record_batch({"text": pa.array([CHAIN[0], CHAIN[3]], pa.large_string())})
    made = near_signatures(batch, config)
    keys = band_keys(made.signatures, config)
    found = near_duplicates(
        keys, np.arange(2), similarity_of(made.signatures, None, config), config
    )
    assert found.removed.tolist() == [1]
    with pytest.raises(ValueError, match="distinct shingles must be given"):
        similarity_of(made.signatures, None, NearDeduplicationConfig(verify="shingles"))


def test_bands_from_a_threshold() -> None:
    """The worked example of datasketch: 128 permutations at 0.5 make 25 bands of 5."""
    config = NearDeduplicationConfig(bands="optimum", threshold=0.5, permutations=128)
    assert band_shape(config) == (25, 5)
    assert signatures(sets(np.arange(9, dtype=np.uint64)), config).shape == (1, 125)


REFUSED = {
    "threshold 0": {"threshold": 0.0},
    "threshold over 1": {"threshold": 1.5},
    "no bands": {"bands": 0},
    "bands in words": {"bands": "many"},
    "no shingle": {"word_shingle": 0},
    "unknown": {"rowss": 8},
}


@pytest.mark.parametrize("options", REFUSED.values(), ids=REFUSED.keys())
def test_options(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(options))):
        NearDeduplicationConfig.model_validate(options)
