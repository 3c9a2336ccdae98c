"""Answers that are kept are the answers that the identifier gives, and are not asked for again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from stages.language_identification import remembered
from stages.language_identification.answers import Answers
from stages.language_identification.cascade import CANDIDATES, Candidates
from stages.language_identification.remembered import Remembered


class Counting:
    """An identifier that answers by a text's length, and notes what it was asked."""

    name, version, sha256 = "counting", "1", "0" * 64
    answers = Answers(frozenset({"eus", "xho"}), frozenset())

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts: Sequence[str]) -> Candidates:
        self.asked += texts
        lengths = np.asarray([[len(text)] for text in texts], np.int64).reshape(-1, 1)
        codes = np.concatenate([lengths % 2, 1 - lengths % 2, np.full_like(lengths, -1)], axis=1)
        scores = (1 / (lengths + np.arange(1, CANDIDATES + 1))).astype(np.float32)
        return Candidates(("eus", "xho"), codes, scores)


def assert_same(found: Candidates, expected: Candidates) -> None:
    assert found.languages == expected.languages
    assert found.codes.tolist() == expected.codes.tolist()
    assert found.scores.tolist() == expected.scores.tolist()
    assert found.codes.dtype == np.int64
    assert found.scores.dtype == np.float32


def test_what_was_asked_is_answered_alike_and_asked_once() -> None:
    counting = Counting()
    identifier = Remembered(counting)
    for texts in (["kaixo", "molo", ""], [], ["molo", "egun on", "kaixo"], ["egun on"]):
        assert_same(identifier(texts), Counting()(texts))
    assert counting.asked == ["kaixo", "molo", "", "egun on"]


def test_what_does_not_come_again_is_forgotten_and_what_does_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remembered, "MAX_BYTES", 700)  # two short texts with their answers
    counting = Counting()
    identifier = Remembered(counting)
    for number in range(8):
        texts = ["menu", f"page {number}"]
        assert_same(identifier(texts), Counting()(texts))
    identifier(["page 0"])
    assert counting.asked.count("menu") == 1
    assert counting.asked.count("page 0") == 2


def test_long_texts_are_forgotten_by_their_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "MAX_BYTES", 2_000)
    counting = Counting()
    identifier = Remembered(counting)
    short, long, longer = "a" * 1_200, "b" * 1_200, "c" * 6_000
    for text in (short, long, short, longer, short, long):
        assert_same(identifier([text]), Counting()([text]))
    assert [counting.asked.count(text) for text in (short, long)] == [1, 2]
