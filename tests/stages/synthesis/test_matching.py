"""Answers in their contexts: exact, and as readers of the script would match them."""

# ruff: noqa: E501 - a fact stands on a line
from __future__ import annotations

import pytest

from stages.synthesis.matching import find_span, same_answer

FACTS = {
    "as it stands": ("Bilbo", "Hiria Bilbo da.", "Bilbo"),
    "a suffix of the language may follow": ("Bilbo", "Bilbotik dator.", "Bilbo"),
    "not from the middle of a word": ("art", "Ez da karta.", None),
    "case": ("BILBO", "Hiria Bilbo da.", "Bilbo"),
    "quotation marks and a full stop around": ("\u201cBilbo\u201d.", "Hiria Bilbo da.", "Bilbo"),
    "white space": ("bi hitz", "Hemen bi\n hitz daude.", "bi\n hitz"),
    "Arabic vowel points": (
        "\u0645\u062f\u0631\u0633\u0629",
        "\u0647\u0630\u0647 \u0645\u064e\u062f\u0652\u0631\u064e\u0633\u064e\u0629\u064c \u062c\u062f\u064a\u062f\u0629",
        "\u0645\u064e\u062f\u0652\u0631\u064e\u0633\u064e\u0629\u064c",
    ),
    "Persian kaf for the Arabic one": ("\u0643\u062a\u0627\u0628", "\u0627\u06cc\u0646 \u06a9\u062a\u0627\u0628", "\u06a9\u062a\u0627\u0628"),
    "digits of another script": ("1948", "\u0938\u0928\u094d \u0967\u096f\u096a\u096e \u092e\u0947\u0902", "\u0967\u096f\u096a\u096e"),
    "Devanagari vowel signs are letters": ("\u0915\u0941\u0932", "\u0915\u093e\u0932", None),
    "not half of a letter with its mark": ("\u0915", "\u0915\u093f\u0938", None),
    "tones of Yoruba are letters": ("\u1ecdk\u1ecd", "\u1ecdk\u1ecd\u0301 \u1ecdb\u1eb9", None),
    "composed and not": ("caf\u00e9", "le cafe\u0301 noir", "cafe\u0301"),
    "within unspaced text": ("\u6771\u4eac", "\u9996\u90fd\u306f\u6771\u4eac\u3067\u3059", "\u6771\u4eac"),
    "Thai": ("\u0e01\u0e23\u0e38\u0e07\u0e40\u0e17\u0e1e", "\u0e2d\u0e22\u0e39\u0e48\u0e17\u0e35\u0e48\u0e01\u0e23\u0e38\u0e07\u0e40\u0e17\u0e1e\u0e04\u0e23\u0e31\u0e1a", "\u0e01\u0e23\u0e38\u0e07\u0e40\u0e17\u0e1e"),
    "nothing": ("...", "Hiria Bilbo da.", None),
}  # fmt: skip


@pytest.mark.parametrize(("answer", "context", "expected"), FACTS.values(), ids=FACTS.keys())
def test_find_span(answer: str, context: str, expected: str | None) -> None:
    span = find_span(answer, context)
    assert (span and span.text) == expected
    if span:
        assert context[span.start : span.start + len(span.text)] == span.text, "found text"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Bilbo", "bilbo.", True),
        ("1948an", "1948", True),
        ("Gizon-emakume guztiak", "gizon-emakume guztiak aske", True),
        ("a", "Gizon-emakume guztiak aske jaiotzen dira", False),
        ("Bilbo", "Gasteiz", False),
        ("", "", False),
    ],
)
def test_same_answer(one: str, other: str, same: bool) -> None:
    assert same_answer(one, other) is same
    assert same_answer(other, one) is same
