"""Sentences of many scripts, and that nothing is lost between them."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.translation.sentences import cut_sentences


def cut(text: str, longest: int = 600) -> pl.DataFrame:
    return cut_sentences(pa.array([text], pa.large_string()), longest)


def together(frame: pl.DataFrame) -> str:
    lines = frame.group_by("line", maintain_order=True).agg(
        (pl.col("lead") + pl.col("text") + pl.col("gap")).str.join("")
    )
    return "\n".join(lines["lead"].to_list())


FACTS = {
    "eus: a small letter behind an ordinal goes on": (
        "3. artikulua da. Hori da.",
        ["3. artikulua da.", "Hori da."],
    ),
    "eng: an abbreviation does not end a sentence": (
        "Ask Dr. Who. He knows.",
        ["Ask Dr. Who.", "He knows."],
    ),
    "eng: a single letter does not either": ("J. Smith left. I saw.", ["J. Smith left.", "I saw."]),
    "isl: consonants alone are cut": (
        "Klukkan er kl. 12:30 og b\u00edll. 12 menn.",
        ["Klukkan er kl. 12:30 og b\u00edll.", "12 menn."],
    ),
    "hrv: with a capital, too": ("Gdje je Str. 12? Tu.", ["Gdje je Str. 12?", "Tu."]),
    "deu: capitals alone are whole": ("Das ist ein PDF. Gut.", ["Das ist ein PDF.", "Gut."]),
    "eng: quotation marks close": ('He said "Go." Then left.', ['He said "Go."', "Then left."]),
    "spa: opening marks": ("Ven. \u00bfQui\u00e9n? Yo.", ["Ven.", "\u00bfQui\u00e9n?", "Yo."]),
    "eng: no end inside a number or a name": (
        "Version 3.5 of a.b is out",
        ["Version 3.5 of a.b is out"],
    ),
    "hin: danda": (
        "\u092f\u0939 \u0939\u0948\u0964 \u0935\u0939\u0965 \u0914\u0930?",
        ["\u092f\u0939 \u0939\u0948\u0964", "\u0935\u0939\u0965", "\u0914\u0930?"],
    ),
    "amh: full stop": (
        "\u1230\u120b\u121d\u1362 \u1290\u12cd\u1362",
        ["\u1230\u120b\u121d\u1362", "\u1290\u12cd\u1362"],
    ),
    "amh: two word spaces are one": ("\u1230\u1361\u1361 \u1290", ["\u1230\u1361\u1361", "\u1290"]),
    "amh: one word space is none": ("\u1230\u1361\u1290", ["\u1230\u1361\u1290"]),
    "khm: khan": ("\u1793\u17d4\u1798\u17d5 \u1780", ["\u1793\u17d4", "\u1798\u17d5", "\u1780"]),
    "mya: section, not the little one": (
        "\u1015\u104a\u1015\u104b \u1014",
        ["\u1015\u104a\u1015\u104b", "\u1014"],
    ),
    "bod: shad": ("\u0f56\u0f0d \u0f51\u0f0d", ["\u0f56\u0f0d", "\u0f51\u0f0d"]),
    "zho: no spaces": (
        "\u597d\u3002\u4e16\uff01\u4eba",
        ["\u597d\u3002", "\u4e16\uff01", "\u4eba"],
    ),
    "ara: question mark": (
        "\u0645\u0627\u061f \u0644\u0627.",
        ["\u0645\u0627\u061f", "\u0644\u0627."],
    ),
    "urd: full stop": ("\u06c1\u06d2\u06d4 \u0648\u06c1", ["\u06c1\u06d2\u06d4", "\u0648\u06c1"]),
    "hye: full stop": ("\u0531\u0589 \u0532", ["\u0531\u0589", "\u0532"]),
    "a bullet leads its line": ("- one\n  2) two\n---", ["one", "two", ""]),
}


@pytest.mark.parametrize(("text", "sentences"), FACTS.values(), ids=FACTS.keys())
def test_sentences(text: str, sentences: list[str]) -> None:
    frame = cut(text)
    assert frame["text"].to_list() == sentences
    assert together(frame) == text


def test_thai_is_cut_at_spaces_where_a_line_is_long() -> None:
    long = "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35 " * 60
    parts = cut(long)["text"].to_list()
    assert all(len(part) <= 120 and part.startswith("\u0e2a\u0e27") for part in parts)
    assert len(cut("\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35 " * 5)) == 1


def test_what_is_too_long_is_cut_where_it_hurts_least() -> None:
    assert set(map(len, cut("bat, bi " * 12_500, 100)["text"].to_list())) <= set(range(80, 101))
    assert [len(part) for part in cut("a" * 250, 100)["text"].to_list()] == [100, 100, 50]
    marked = "e\u0301" * 120
    assert not any(part.startswith("\u0301") for part in cut(marked, 99)["text"].to_list())


@given(st.text(st.sampled_from("aB.! \n-1\u0964\u3002\u1361\u2029\r\t\u0301\"'"), max_size=60))
def test_nothing_is_lost(text: str) -> None:
    frame = cut(text, 40)
    assert together(frame) == text
    assert frame["line"].n_unique() == text.count("\n") + 1
