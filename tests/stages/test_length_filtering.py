"""The length filter counts code points, and keeps plus rejects what came in."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from stages.length_filtering import LengthFilteringConfig, filter_length


def batch_of(texts: list[str]) -> pa.RecordBatch:
    return pa.record_batch({"text": pa.array(texts, pa.large_string())})


FACTS = {
    "khm: three code points of three bytes each are three": ("\u1780\u17d2\u179a", 3, 3, None),
    "eus: two letters are too short for three": ("ez", 3, 10, ("too_short", 2.0, 3.0)),
    "mlt: eleven letters are too long for ten": (
        "g\u0127ajnsielemm",
        3,
        10,
        ("too_long", 12.0, 10.0),
    ),
    "empty text is too short for one": ("", 1, 10, ("too_short", 0.0, 1.0)),
}


@pytest.mark.parametrize(("text", "low", "high", "expected"), FACTS.values(), ids=FACTS.keys())
def test_filter_length(
    text: str, low: int, high: int, expected: tuple[str, float, float] | None
) -> None:
    kept, rejected = filter_length(
        batch_of([text]), LengthFilteringConfig(min_code_points=low, max_code_points=high)
    )
    found = [(r["reason"], r["value"], r["threshold"]) for r in rejected.to_pylist()]
    assert found == ([expected] if expected else [])
    assert kept.num_rows == (0 if expected else 1)


@given(st.lists(st.text()), st.integers(0, 5), st.integers(5, 20))
def test_kept_and_rejected_sum_to_the_input_in_order(texts: list[str], low: int, high: int) -> None:
    kept, rejected = filter_length(
        batch_of(texts), LengthFilteringConfig(min_code_points=low, max_code_points=high)
    )
    assert kept["text"].to_pylist() == [t for t in texts if low <= len(t) <= high]
    assert rejected["text"].to_pylist() == [t for t in texts if not low <= len(t) <= high]


def test_impossible_range_is_refused() -> None:
    with pytest.raises(
        ValidationError, match="min_code_points must not exceed max_code_points, got 9 > 3"
    ):
        LengthFilteringConfig(min_code_points=9, max_code_points=3)
