"""The damaged files that the fuzzers read: the same for the same number, and true about what they
left alone."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.fuzz.mutations import Case, bounded, cases

RECORDS = [b"<%d>" % number * 20 for number in range(8)]
TOKENS = (b"\n", b"token")


def test_a_case_is_a_function_of_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = list(cases(RECORDS, TOKENS, 30))
    assert drawn == list(cases(RECORDS, TOKENS, 30))
    assert len({case.content for case in drawn}) > 25
    monkeypatch.setenv("FUZZ_FIRST", "29")
    assert list(cases(RECORDS, TOKENS, 1)) == drawn[29:]


def test_what_is_called_intact_is_there_and_the_rest_is_not_forgotten() -> None:
    counts: Counter[int] = Counter()
    for case in cases(RECORDS, TOKENS, 200):
        counts[len(case.intact)] += 1
        assert len(case.intact) < len(RECORDS)
        assert all(RECORDS[number] in case.content for number in case.intact)
    assert len(counts) > 4


def test_a_case_that_takes_too_long_or_raises_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case(7, b"", ())
    monkeypatch.setattr("tests.fuzz.mutations._SECONDS", 0.01)
    with (
        pytest.raises(AssertionError, match=r"case 7 took 0\.\d s, its 0 bytes may take 0\.0"),
        bounded(case),
    ):
        sum(range(10**6))
    with pytest.raises(ZeroDivisionError) as raised, bounded(case):
        _ = 1 / 0
    assert raised.value.__notes__ == ["case 7: repeat it with FUZZ_FIRST=7"]
