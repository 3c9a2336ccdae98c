"""What differs is marked, word by word where words are spaced, else by grapheme; nothing of the
text is lost."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_cards.display import graphemes
from data_cards.sections.differences import marked_differences

KHMER = (
    "\u1798\u1793\u17bb\u179f\u17d2\u179f"  # "human being": a subscript consonant and a vowel sign
)
# one, two, three
BIR, IKKI, UCH = (
    "\u0628\u0649\u0631",
    "\u0626\u0649\u0643\u0643\u0649",
    "\u0626\u06c8\u0686",
)
SEMS = "\u0f66\u0f7a\u0f58\u0f66\u0f0b"  # "mind", with its tsheg
FACTS = {
    "eus: a word in the middle": ("bat bi hiru", "bat lau hiru", ["lau "]),
    "eus: the same but for white space": ("bat  bi\nhiru", "bat bi hiru", []),
    "uig: a word at the end": (f"{BIR} {IKKI}", f"{BIR} {UCH}", [UCH]),
    "bod: one syllable": (
        f"{SEMS}\u0f45\u0f53\u0f0b",
        f"{SEMS}\u0f58\u0f7a\u0f51\u0f0b",
        ["\u0f58\u0f7a\u0f51\u0f0b"],
    ),
    "khm: no word ends, so a grapheme": (KHMER * 6, KHMER * 5 + "\u1780" + KHMER, ["\u1780"]),
    "nothing shared": ("bat", "bi", ["bi"]),
    "nothing before": ("", "bi", ["bi"]),
    "nothing left": ("bat", "", []),
}


@pytest.mark.parametrize(("kept", "other", "marked"), FACTS.values(), ids=FACTS.keys())
def test_marked_differences(kept: str, other: str, marked: list[str]) -> None:
    assert [text for new, text in marked_differences(kept, other) if new] == marked


def test_the_end_of_an_excerpt_is_no_difference() -> None:
    longer = "bat bi hiru lau bost"
    assert marked_differences("bat bi hiru", longer) == [
        (False, "bat bi hiru "),
        (True, "lau bost"),
    ]
    assert marked_differences("bat bi hiru", longer, kept_goes_on=True) == [(False, longer)]
    assert marked_differences("bat", "bi", kept_goes_on=True) == [(True, "bi")]


@given(st.text(max_size=80), st.text(max_size=80), st.booleans())
def test_nothing_is_lost(kept: str, other: str, goes_on: bool) -> None:
    assert (
        "".join(text for _, text in marked_differences(kept, other, kept_goes_on=goes_on)) == other
    )
    assert "".join(graphemes(other)) == other


def test_hostile_repetition_is_quick() -> None:
    begin = time.process_time()
    marked_differences("ab" * 300, "ba" * 150 + "aab" * 100)
    assert time.process_time() - begin < 1
