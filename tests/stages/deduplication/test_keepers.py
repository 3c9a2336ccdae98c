"""What is kept and what goes: never by a chain, always for a kept document, the same in any
order."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from schemas.columns import SchemaError
from stages.deduplication import keepers
from stages.deduplication.keepers import (
    Met,
    Removals,
    cluster_sizes,
    deciding_criterion,
    preference_keys,
    preference_ranks,
    remove_duplicates,
    remove_known,
)
from stages.deduplication.options import KeeperOrder

Matrix = dict[tuple[int, int], float]


def decide(
    buckets: list[list[int]],
    ranks: list[int],
    similar: Matrix,
    threshold: float = 0.5,
    max_keepers: int = 32,
) -> Removals:
    """Run on buckets written as lists of documents; pairs not in `similar` have similarity 0."""

    def similarity(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
        pairs = zip(left.tolist(), right.tolist(), strict=True)
        return np.array([similar.get((min(pair), max(pair)), 0.0) for pair in pairs], np.float64)

    owners = [owner for owner, members in enumerate(buckets) for _ in members]
    documents = [document for members in buckets for document in members]
    return remove_duplicates(
        Met(np.array(owners, np.int64), np.array(documents, np.int64)),
        np.array(ranks),
        similarity,
        threshold,
        max_keepers,
    )


def went(removals: Removals) -> dict[int, int]:
    return dict(zip(removals.removed.tolist(), removals.keepers.tolist(), strict=True))


def one_by_one(
    buckets: list[list[int]], ranks: list[int], similar: Matrix, threshold: float, max_keepers: int
) -> dict[int, int]:
    """Go through the documents in order of preference; each goes for the most preferred that it
    resembles."""
    kept_in: list[list[int]] = [[] for _ in buckets]
    removed = {}
    for document in sorted(range(len(ranks)), key=lambda document: ranks[document]):
        mine = [owner for owner, members in enumerate(buckets) if document in members]
        others = {other for owner in mine for other in kept_in[owner]}
        alike = [
            o for o in others if similar.get((min(document, o), max(document, o)), 0.0) >= threshold
        ]
        if alike:
            removed[document] = min(alike, key=lambda other: ranks[other])
            continue
        for owner in mine:
            if len(kept_in[owner]) < max_keepers and len(buckets[owner]) > 1:
                kept_in[owner].append(document)
    return removed


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[list[int]], list[int], Matrix]:
    count = draw(st.integers(1, 14))
    buckets = draw(
        st.lists(st.lists(st.integers(0, count - 1), unique=True, min_size=count // 2), max_size=6)
    )
    ranks = draw(st.permutations(range(count)))
    pairs = [(left, right) for right in range(count) for left in range(right)]
    values = draw(
        st.lists(
            st.sampled_from([0.2, 0.3, 0.4, 0.5, 0.9]), min_size=len(pairs), max_size=len(pairs)
        )
    )
    return buckets, ranks, dict(zip(pairs, values, strict=True))


@settings(deadline=None)
@given(graphs(), st.integers(1, 4), st.sampled_from([0, 0, 1, 2, 64]))
def test_the_answer_is_that_of_going_through_one_by_one(
    graph: tuple[list[list[int]], list[int], Matrix], max_keepers: int, rounds: int
) -> None:
    """With any number of rounds before the rest is gone through singly."""
    buckets, ranks, similar = graph
    original = keepers._ROUNDS
    try:
        keepers._ROUNDS = rounds
        found = decide(buckets, ranks, similar, 0.5, max_keepers)
    finally:
        keepers._ROUNDS = original
    expected = one_by_one(buckets, ranks, similar, 0.5, max_keepers)
    assert went(found).keys() == expected.keys()
    assert went(found) == expected or rounds, "in rounds another keeper may be the first"
    assert len(set(found.removed.tolist())) == len(found.removed)
    assert found.compared - found.refused >= len(found.removed), "one may pass with several"


@settings(deadline=None)
@given(graphs(), st.integers(1, 4))
def test_guarantees(graph: tuple[list[list[int]], list[int], Matrix], max_keepers: int) -> None:
    buckets, ranks, similar = graph
    found = decide(buckets, ranks, similar, 0.5, max_keepers)
    gone = went(found)
    for (document, keeper), similarity in zip(
        gone.items(), found.similarities.tolist(), strict=True
    ):
        assert keeper not in gone, "the keeper is kept"
        assert ranks[keeper] < ranks[document], "the keeper is preferred"
        assert similar[min(document, keeper), max(document, keeper)] == similarity >= 0.5, (
            "they are similar"
        )
        assert any(document in members and keeper in members for members in buckets), "they meet"
    assert found.compared <= max_keepers * sum(map(len, buckets)), "no quadratic step"
    if max_keepers >= len(ranks):
        for members in buckets:
            stay = [member for member in members if member not in gone]
            assert all(similar[min(a, b), max(a, b)] < 0.5 for a in stay for b in stay if a != b)


@settings(deadline=None)
@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_is_of_no_account(
    graph: tuple[list[list[int]], list[int], Matrix], random: Any
) -> None:
    buckets, ranks, similar = graph
    names = list(range(len(ranks)))
    random.shuffle(names)
    shuffled = [[names[member] for member in members] for members in buckets]
    random.shuffle(shuffled)
    for members in shuffled:
        random.shuffle(members)
    renamed = {tuple(sorted((names[a], names[b]))): value for (a, b), value in similar.items()}
    new_ranks = [0] * len(ranks)
    for old, new in enumerate(names):
        new_ranks[new] = ranks[old]
    found, again = decide(buckets, ranks, similar), decide(shuffled, new_ranks, renamed)  # type: ignore[arg-type]
    assert {names[document]: names[keeper] for document, keeper in went(found).items()} == went(
        again
    )
    assert (found.compared, found.refused, found.exhausted) == (
        again.compared,
        again.refused,
        again.exhausted,
    )


CHAIN = [[0, 1], [1, 2]]


@settings(deadline=None)
@given(graphs(), st.data(), st.sampled_from([1, 2, 32]))
def test_known_documents_are_as_if_preferred_and_all_kept(
    graph: tuple[list[list[int]], list[int], Matrix], data: st.DataObject, most: int
) -> None:
    """The known first, then the others among themselves: what goes is what goes one by one, and
    goes for the same."""
    buckets, ranks, similar = graph
    known = data.draw(st.integers(0, len(ranks)))
    apart = {pair: 0.0 if pair[1] < known else value for pair, value in similar.items()}
    monkeypatch = pytest.MonkeyPatch()
    with monkeypatch.context() as patched:
        patched.setattr(keepers, "MAX_KEEPERS", most)
        of_known = decide_known(buckets, known, similar)
    gone = went(of_known)
    assert all(other < known <= document for document, other in gone.items())
    for document in range(known, len(ranks)):
        first = {
            other
            for members in buckets
            if document in members
            for other in sorted(members)[:most]
            if other < known
        }
        alike = [other for other in first if similar[other, document] >= 0.5]
        assert (document in gone) == bool(alike)
        assert not alike or gone[document] in alike
    if most == 32:
        left = [[d for d in members if d >= known and d not in gone] for members in buckets]
        order = [*range(known), *(known + rank for rank in ranks[known:])]
        assert (
            gone.keys() | went(decide(left, ranks, similar)).keys()
            == one_by_one(buckets, order, apart, 0.5, 32).keys()
        )


def decide_known(buckets: list[list[int]], known: int, similar: Matrix) -> Removals:
    def similarity(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.array(
            [similar[pair] for pair in zip(right.tolist(), left.tolist(), strict=True)], np.float64
        )

    owners = [owner for owner, members in enumerate(buckets) for _ in members]
    documents = [document for members in buckets for document in members]
    return remove_known(
        np.array(owners, np.int64), np.array(documents, np.int64), known, similarity, 0.5
    )


def test_a_bucket_of_many_known_documents_takes_few_comparisons_each() -> None:
    documents = np.arange(30_000)
    found = remove_known(
        np.zeros_like(documents), documents, 20_000, lambda left, _: np.zeros(len(left)), 0.5
    )
    assert (found.compared, found.refused, found.exhausted) == (10_000 * 32, 10_000 * 32, 1)
    alike = remove_known(np.zeros_like(documents), documents, 20_000, all_similar, 0.5)
    assert (alike.compared, len(alike.removed), set(alike.keepers.tolist())) == (
        10_000,
        10_000,
        {0},
    )


def test_nothing_goes_by_a_chain() -> None:
    found = decide(CHAIN, [0, 1, 2], {(0, 1): 0.9, (1, 2): 0.9})
    assert went(found) == {1: 0}, "c resembles b, which is gone, and does not meet a"


def test_the_middle_of_a_chain_may_stand_for_both_ends() -> None:
    assert went(decide(CHAIN, [1, 0, 2], {(0, 1): 0.9, (1, 2): 0.9})) == {0: 1, 2: 1}


def test_what_is_refused_may_keep_others() -> None:
    """In one bucket c does not resemble a, is kept, and d goes for c."""
    found = decide([[0, 1, 2, 3]], [0, 1, 2, 3], {(0, 1): 0.8, (2, 3): 0.8})
    assert went(found) == {1: 0, 3: 2}
    assert (found.compared, found.refused) == (4, 2)


def test_a_document_that_is_too_different_is_kept() -> None:
    found = decide([[0, 1]], [0, 1], {(0, 1): 0.49})
    assert (went(found), found.compared, found.refused) == ({}, 1, 1)


def test_nothing_to_decide() -> None:
    assert went(decide([], [], {})) == {}
    assert went(decide([[], [0], [0, 0]], [0], {(0, 0): 1.0})) == {}


LARGE = 200_000


def all_similar(left: NDArray[np.int64], _right: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.ones(len(left))


def test_all_equal_take_one_comparison_each() -> None:
    found = remove_duplicates(
        Met(np.repeat(np.arange(14), LARGE), np.tile(np.arange(LARGE), 14)),
        np.arange(LARGE)[::-1],
        all_similar,
        0.8,
    )
    assert (found.keepers == LARGE - 1).all()
    assert found.compared == len(found.removed) == LARGE - 1


def test_a_skewed_bucket_without_duplicates_takes_few_comparisons_each() -> None:
    found = remove_duplicates(
        Met(np.zeros(LARGE, np.int64), np.arange(LARGE)),
        np.arange(LARGE),
        lambda left, right: np.zeros(len(left)),
        0.8,
        max_keepers=8,
    )
    assert len(found.removed) == 0
    assert found.compared == found.refused <= 8 * LARGE
    assert found.exhausted == 1


@pytest.mark.parametrize("in_order", [False, True])
def test_a_long_chain(in_order: bool) -> None:
    """Each resembles its neighbours alone, and in order each has to wait for the one before."""
    count = 20_000
    ranks = np.arange(count) if in_order else np.random.default_rng(3).permutation(count)
    ends = np.stack([np.arange(count - 1), np.arange(1, count)], axis=1)
    found = remove_duplicates(
        Met(np.repeat(np.arange(count - 1), 2), ends.ravel()), ranks, all_similar, 0.8
    )
    kept = np.setdiff1d(np.arange(count), found.removed)
    assert (np.diff(kept) > 1).all(), "no two neighbours are kept"
    assert (np.abs(found.removed - found.keepers) == 1).all()
    assert len(found.removed) == count // 2 if in_order else len(found.removed) > count // 2


@settings(deadline=None)
@given(graphs())
def test_cluster_sizes(graph: tuple[list[list[int]], list[int], Matrix]) -> None:
    found = decide(*graph)
    names, sizes = cluster_sizes(found)
    expected = {
        keeper: count + 1 for keeper, count in sorted(Counter(found.keepers.tolist()).items())
    }
    assert dict(zip(names.tolist(), sizes.tolist(), strict=True)) == expected
    assert sizes.sum() - len(names) == len(found.removed)


def preferred(order: KeeperOrder, **columns: pa.Array) -> list[int]:
    """Return the documents from the most to the least preferred."""
    keys = preference_keys(pa.record_batch(columns), order)
    assert keys.dtype == np.uint64
    assert keys.shape[1] == order.sort_keys
    return np.argsort(preference_ranks(keys)).tolist()


IDS = pa.array(["a", "b", "c", "d", "e"])


def test_source_priority() -> None:
    order = KeeperOrder(by=("source",), sources=("wiki", "news"))
    sources = pa.array(["web", "news", "wiki", "news", "wiki"])
    found = preferred(order, id=IDS, source=sources)
    assert [set(found[:2]), set(found[2:4]), found[4]] == [{2, 4}, {1, 3}, 0]


@pytest.mark.parametrize("kind", [pa.float32(), pa.float64()])
def test_quality(kind: pa.DataType) -> None:
    scores = pa.array([0.5, None, -math.inf, 0.75, -0.5], kind)
    assert preferred(KeeperOrder(by=("quality",), quality="score"), id=IDS, score=scores) == [
        3,
        0,
        4,
        2,
        1,
    ]


def test_whole_numbers_are_a_quality_too_and_nan_is_none() -> None:
    order = KeeperOrder(by=("quality",), quality="score")
    assert preferred(order, id=IDS, score=pa.array([3, 10, -2, 0, 7])) == [1, 4, 0, 3, 2]
    assert preferred(order, id=IDS[:2], score=pa.array([math.nan, -1e300])) == [1, 0]
    zeros = preference_keys(pa.record_batch({"id": IDS[:2], "score": pa.array([0.0, -0.0])}), order)
    assert zeros[0, 0] == zeros[1, 0]


def test_strings_that_say_numbers_are_a_quality() -> None:
    scores = pa.array(["10", "9.5", "good", None, "-1e3"])
    found = preferred(KeeperOrder(by=("quality",), quality="score"), id=IDS, score=scores)
    assert [found[:3], set(found[3:])] == [[0, 1, 4], {2, 3}]


def test_length_is_in_code_points() -> None:
    """A Khmer letter takes three bytes, and is one."""
    texts = pa.array(["\u1780\u1781", "abc", "", "abcd", "a"], pa.large_string())
    assert preferred(KeeperOrder(by=("longest",)), id=IDS, text=texts) == [3, 1, 0, 4, 2]
    assert preferred(KeeperOrder(by=("shortest",)), id=IDS, text=texts) == [2, 4, 0, 1, 3]


def test_dates() -> None:
    dates = pa.array(["2024-05-01", "2024-05-01T10:30:00Z", None, "last week", "2023"])
    assert preferred(KeeperOrder(by=("newest",)), id=IDS, date=dates)[:3] == [1, 0, 4]
    assert preferred(KeeperOrder(by=("oldest",)), id=IDS, date=dates)[:3] == [4, 0, 1]
    seconds = pa.array(["2024-05-01 10:30:01", "2024-05-01T10:30", "2024-05-01T10:30:00.5+02:00"])
    assert preferred(KeeperOrder(by=("newest",)), id=IDS[:3], date=seconds)[0] == 0
    # in its digits, no ISO 8601
    persian = pa.array(["\u06f1\u06f4\u06f0\u06f3-\u06f0\u06f2", "0001", None])
    assert preferred(KeeperOrder(by=("newest",)), id=IDS[:3], date=persian)[0] == 1


def test_criteria_are_asked_in_order() -> None:
    columns = {
        "id": IDS[:3],
        "date": pa.array(["2024", "2024", "2025"]),
        "text": pa.array(["aa", "aaa", "a"], pa.large_string()),
    }
    assert preferred(KeeperOrder(by=("newest", "longest")), **columns) == [2, 1, 0]
    assert preferred(KeeperOrder(by=("longest", "newest")), **columns) == [1, 0, 2]


@settings(deadline=None)
@given(st.lists(st.text(), unique=True, min_size=1), st.randoms(use_true_random=False))
def test_of_equals_the_id_decides_wherever_it_stands(ids: list[str], random: Any) -> None:
    texts = pa.array(["same"] * len(ids), pa.large_string())
    order = [
        ids[place]
        for place in preferred(
            KeeperOrder(by=("longest",)), id=pa.array(ids, pa.string()), text=texts
        )
    ]
    random.shuffle(ids)
    assert order == [
        ids[place]
        for place in preferred(
            KeeperOrder(by=("longest",)), id=pa.array(ids, pa.string()), text=texts
        )
    ]
    named = KeeperOrder(by=("longest", "id"))
    assert order == [
        ids[place] for place in preferred(named, id=pa.array(ids, pa.string()), text=texts)
    ]
    alone = KeeperOrder(by=("id",))
    assert alone.columns == ("id",)
    assert order == [ids[place] for place in preferred(alone, id=pa.array(ids, pa.string()))]


def test_equals_go_by_the_order_of_the_input_if_the_order_ends_in_first() -> None:
    order = KeeperOrder(by=("longest", "first"))
    assert order.columns == ("text",)
    assert order.criteria == order.by
    assert preferred(order, text=pa.array(["aa", "bbb", "cc", "ddd"], pa.large_string())) == [
        1,
        3,
        0,
        2,
    ]
    alone = KeeperOrder(by=("first",))
    assert preferred(alone, text=pa.array(["aa", "bbb"], pa.large_string())) == [0, 1]
    assert KeeperOrder(by=("longest",)).criteria == ("longest", "id")


def test_deciding_criterion() -> None:
    order = KeeperOrder(by=("newest", "longest"))
    keys = np.array([[1, 5, 9, 9], [1, 7, 0, 0], [2, 0, 0, 0], [1, 5, 9, 8]], np.uint64)
    found = [deciding_criterion(order.criteria, keys[0], other) for other in keys[1:]]
    assert found == ["longest", "newest", "id"]


def test_missing_columns() -> None:
    batch = pa.record_batch({"id": IDS})
    with pytest.raises(SchemaError, match="'text' is missing"):
        preference_keys(batch, KeeperOrder(by=("longest",)))
    with pytest.raises(SchemaError, match="'score' is missing"):
        preference_keys(batch, KeeperOrder(by=("quality",), quality="score"))
    lists = pa.record_batch({"id": IDS[:1], "score": pa.array([[1]])})
    with pytest.raises(SchemaError, match=r"'score' is list<.*> \(expected a number\)"):
        preference_keys(lists, KeeperOrder(by=("quality",), quality="score"))
    assert KeeperOrder(by=("quality", "oldest", "longest"), quality="score").columns == (
        "id",
        "score",
        "date",
        "text",
    )


REFUSED = {
    "twice the same criterion": ({"by": ("longest", "longest")}, "repeat"),
    "longest and shortest": ({"by": ("longest", "shortest")}, "longest and shortest"),
    "first before others": ({"by": ("first", "longest")}, "by must end where it says first"),
    "id and first": ({"by": ("id", "first")}, "by must end where it says id"),
    "id before others": ({"by": ("id", "longest")}, "by must end where it says id"),
    "sources without source": (
        {"sources": ("a",)},
        "sources order what by = .*source.* looks at, got by = ",
    ),
    "unknown criterion": ({"by": ("best",)}, "best"),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_options(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        KeeperOrder.model_validate(options)
