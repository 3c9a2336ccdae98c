"""Exact duplicates: what counts as the same text, and that the first of equals is kept."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.deduplication.exact import exact_keys
from stages.deduplication.options import ExactDeduplicationConfig
from stages.keys import first_of_equals, hash_keys

AS_WRITTEN = ExactDeduplicationConfig()
FOLDED = ExactDeduplicationConfig(fold_case=True)


def same(left: str, right: str, config: ExactDeduplicationConfig) -> bool:
    keys = exact_keys(pa.record_batch({"text": pa.array([left, right], pa.large_string())}), config)
    return bool(keys[0] == keys[1])


FACTS = {
    "yor: composed and decomposed tone are the same text": (
        "\u00e8d\u00e8",
        "e\u0300de\u0300",
        AS_WRITTEN,
        True,
    ),
    "yor: another tone is another word": ("\u00e8d\u00e8", "\u00e9d\u00e8", AS_WRITTEN, False),
    "div: vowel signs are letters, not decoration": (
        "\u0788\u07a8",
        "\u0788\u07a6",
        AS_WRITTEN,
        False,
    ),
    "fas: zero-width non-joiner is spelling": (
        "\u0645\u06cc\u200c\u0631",
        "\u0645\u06cc\u0631",
        AS_WRITTEN,
        False,
    ),
    "eus: white space is layout": (" kaixo \r\n\tmundua\u00a0", "kaixo mundua", AS_WRITTEN, True),
    "eus: case is kept unless asked": ("Kaixo", "KAIXO", AS_WRITTEN, False),
    "eus: case is folded when asked": ("Kaixo", "KAIXO", FOLDED, True),
    "eus: words are not glued": ("kai xo", "kaixo", FOLDED, False),
}


@pytest.mark.parametrize(("left", "right", "config", "expected"), FACTS.values(), ids=FACTS.keys())
def test_same_text(left: str, right: str, config: ExactDeduplicationConfig, expected: bool) -> None:
    assert same(left, right, config) is expected


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.text("ab \n\u00a0\u0301\u0323\u03a3e"), max_size=4),
    st.sampled_from([AS_WRITTEN, FOLDED]),
)
def test_a_long_text_has_the_key_that_it_has_as_a_whole(
    monkeypatch: pytest.MonkeyPatch, texts: list[str], config: ExactDeduplicationConfig
) -> None:
    batch = pa.record_batch({"text": pa.array(texts, pa.large_string())})
    monkeypatch.setattr("stages.deduplication.exact._LONG_BYTES", 1 << 22)
    whole = exact_keys(batch, config)
    monkeypatch.setattr("stages.deduplication.exact._LONG_BYTES", 3)
    assert exact_keys(batch, config).tolist() == whole.tolist()


@given(st.lists(st.text()), st.integers(0, 3))
def test_keys_are_blake2b_of_each_value_wherever_its_slice_lies(
    values: list[str], offset: int
) -> None:
    keys = hash_keys(pa.array(values, pa.large_string()).slice(offset))
    expected = b"".join(
        hashlib.blake2b(v.encode(), digest_size=16).digest() for v in values[offset:]
    )
    assert keys.tobytes() == expected


@given(st.lists(st.sampled_from("abcde")), st.randoms())
def test_the_lowest_number_of_equals_is_kept(values: list[str], random: object) -> None:
    keys = hash_keys(pa.array(values, pa.large_string()))
    order = list(range(len(values)))
    random.shuffle(order)  # type: ignore[attr-defined]
    duplicates, keepers = first_of_equals(keys[order], np.array(order, np.uint64))
    first = {value: values.index(value) for value in values}
    expected = [(n, first[value]) for n, value in enumerate(values) if first[value] != n]
    assert list(zip(duplicates.tolist(), keepers.tolist(), strict=True)) == expected
