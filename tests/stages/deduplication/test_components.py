"""Clusters: in memory and by alternating stars the same, and what a plain search finds."""

from __future__ import annotations

import itertools
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stages.deduplication.components import (
    Components,
    Edges,
    both_ways,
    connected_components,
    downwards,
    large_star,
    small_star,
    star_components,
)


def searched(edges: list[tuple[int, int]]) -> dict[int, int]:
    """Find the smallest node of each node's component by searching from each."""
    neighbours = defaultdict(set)
    for left, right in edges:
        neighbours[left].add(right)
        neighbours[right].add(left)
    component: dict[int, int] = {}
    for node in sorted(neighbours):
        waiting = [node]
        while waiting:
            found = waiting.pop()
            if found not in component:
                component[found] = node
                waiting.extend(neighbours[found])
    return component


def packed(edges: list[tuple[int, int]]) -> Edges:
    return np.array(edges, np.uint64).reshape(-1, 2)


def as_dict(found: Components) -> dict[int, int]:
    assert (np.diff(found.nodes.astype(object)) > 0).all(), "nodes ascend"
    return dict(zip(found.nodes.tolist(), found.components.tolist(), strict=True))


NODES = st.one_of(
    st.integers(0, 30), st.integers(0, 2**64 - 1), st.sampled_from([2**32 - 1, 2**32, 2**64 - 1])
)
EDGES = st.lists(st.tuples(NODES, NODES), max_size=60)


@settings(deadline=None)
@given(EDGES)
def test_components_are_what_a_search_finds(edges: list[tuple[int, int]]) -> None:
    expected = searched(edges)
    assert as_dict(connected_components(packed(edges))) == expected
    assert as_dict(star_components(packed(edges))[0]) == expected


@settings(deadline=None)
@given(EDGES, st.integers(1, 5))
def test_steps_work_on_partitions(edges: list[tuple[int, int]], partitions: int) -> None:
    """Pairs go to the partition of their node, as a shuffle would send them; loops end with the
    counts."""

    def spread(pairs: Edges) -> list[Edges]:
        return [pairs[pairs[:, 0] % np.uint64(partitions) == p] for p in range(partitions)]

    now = packed(edges)
    for _ in range(100):
        large = [large_star(part) for part in spread(both_ways(now))]
        small = [
            small_star(part)
            for part in spread(downwards(np.concatenate([step.edges for step in large])))
        ]
        now = np.concatenate([step.edges for step in small])
        if not sum(step.changed for step in large + small):
            break
    else:
        pytest.fail("100 rounds were not enough for 60 edges")
    found = dict(now.tolist())
    assert len(found) == len(now), "each node is tied once"
    assert found == {
        node: smallest for node, smallest in searched(edges).items() if node != smallest
    }


def same(edges: Edges) -> int:
    expected = connected_components(edges)
    found, rounds = star_components(edges)
    assert np.array_equal(found.nodes, expected.nodes)
    assert np.array_equal(found.components, expected.components)
    return rounds


@pytest.mark.parametrize("density", [0.3, 0.5, 1.0, 4.0])
def test_random_graphs(density: float) -> None:
    """Below, at and above the density at which a giant component appears (half as many edges as
    nodes)."""
    count = 50_000
    edges = (
        np.random.default_rng(7).integers(0, count, (round(density * count), 2)).astype(np.uint64)
    )
    assert same(edges) <= 12


@pytest.mark.slow
def test_a_million_edges() -> None:
    edges = np.random.default_rng(8).integers(0, 1_000_000, (1_000_000, 2)).astype(np.uint64)
    assert same(edges) <= 12


def path(count: int) -> Edges:
    return np.stack([np.arange(count - 1), np.arange(1, count)], axis=1).astype(np.uint64)


@pytest.mark.slow
@pytest.mark.parametrize("shuffled", [False, True])
def test_rounds_on_a_path_grow_as_its_logarithm(shuffled: bool) -> None:
    rounds = []
    for count in (300, 9_000, 270_000):
        numbers: NDArray[np.uint64] = np.arange(count, dtype=np.uint64)
        if shuffled:
            numbers = np.random.default_rng(9).permutation(numbers)
        found, taken = star_components(numbers[path(count).astype(np.int64)])
        assert not found.components.any()
        rounds.append(taken)
    assert rounds[-1] <= 25
    assert all(later - earlier <= 8 for earlier, later in itertools.pairwise(rounds))


def test_a_star_takes_two_rounds() -> None:
    leaves = np.arange(1, 1_000_001, dtype=np.uint64)
    edges = np.stack([np.zeros_like(leaves), leaves], axis=1)
    assert star_components(edges)[1] <= 2
