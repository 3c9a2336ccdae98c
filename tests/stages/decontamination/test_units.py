"""Folded units: what is one word in whichever spelling, what stays another, and that the places are
right."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.decontamination import units as units_module
from stages.decontamination.units import Units, cut_units


def units_of(*texts: str) -> list[tuple[int, str, int]]:
    """Return (text, the unit as it is written, its hash) of each unit."""
    found = []
    for units in cut_units(pa.array(texts, pa.large_string())):
        for number, start, end, hash_ in zip(
            units.texts, units.starts, units.ends, units.hashes, strict=True
        ):
            found.append((int(number), texts[number].encode()[start:end].decode(), int(hash_)))
    return found


def written(text: str) -> list[str]:
    return [unit for _, unit, _ in units_of(text)]


CUTS = {
    "eus: words, punctuation aside": ("Kaixo, mundua! 2x", ["Kaixo", "mundua", "2x"]),
    "fra: an apostrophe is inside its word": ("l'\u00e9t\u00e9 vient", ["l'\u00e9t\u00e9", "vient"]),
    "hin: vowel signs and the virama stay in the word": ("\u0939\u093f\u0928\u094d\u0926\u0940 \u092e\u0947\u0902",
        ["\u0939\u093f\u0928\u094d\u0926\u0940", "\u092e\u0947\u0902"]),
    "tha: clusters": ("\u0e14\u0e35\u0e21\u0e32\u0e01", ["\u0e14\u0e35", "\u0e21", "\u0e32", "\u0e01"]),
    "khm: a stacked letter joins its cluster": (
        "\u1781\u17d2\u1798\u17c2\u179a", ["\u1781\u17d2\u1798\u17c2", "\u179a"]),
    "bod: syllables": (
        "\u0f56\u0f7c\u0f51\u0f0b\u0f66\u0f90\u0f51\u0f0b", ["\u0f56\u0f7c\u0f51", "\u0f66\u0f90\u0f51"]),
    "jpn and eng: each by its own unit": ("\u65e5\u672cabc", ["\u65e5", "\u672c", "abc"]),
    "khm: zero-width space separates": ("\u1780\u200b\u1781", ["\u1780", "\u1781"]),
    "a mark of a dropped kind goes with its letter": ("e\u0301 x", ["e\u0301", "x"]),
    "nothing but punctuation": ("?! -- \u3002", []),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CUTS.values(), ids=CUTS.keys())
def test_units(text: str, expected: list[str]) -> None:
    assert written(text) == expected


SAME = {
    "case": ("KAIXO", "kaixo"),
    "yor: without tones and underdots": ("\u1eb9\u0300d\u1eb9\u0300", "ede"),
    "vie: without tones": ("ti\u1ebfng", "tieng"),
    "ara: without vowel points": (
        "\u0643\u0650\u062a\u0627\u0628\u064c",
        "\u0643\u062a\u0627\u0628",
    ),
    "ara: hamza seats": ("\u0623\u062d\u0645\u062f", "\u0627\u062d\u0645\u062f"),
    "fas: keheh and Farsi yeh on an Arabic keyboard": (
        "\u06a9\u062a\u0627\u0628\u06cc",
        "\u0643\u062a\u0627\u0628\u064a",
    ),
    "fas: zero-width non-joiner": ("\u0645\u06cc\u200c\u0631", "\u0645\u06cc\u0631"),
    "heb: without points": (
        "\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd",
        "\u05e9\u05dc\u05d5\u05dd",
    ),
    "hin: without nukta": ("\u0921\u093c", "\u0921"),
    "mlt: barred h typed without": ("g\u0127ajn", "ghajn"),
    "hin: digits of any script": ("\u0967\u0968", "12"),
    "full-width letters": ("\uff21\uff22", "ab"),
    "uzb: apostrophes of every kind": ("o\u02bbzbek", "o'zbek"),
    "tur: dotted and dotless i": ("\u0130stanbul \u0131", "istanbul i"),
}
DIFFERENT = {
    "hin: vowel signs are letters": ("\u0915\u093f", "\u0915\u0940"),
    "tha: vowel signs are letters": ("\u0e01\u0e34", "\u0e01\u0e35"),
    "div: vowel signs are letters": ("\u0788\u07a8", "\u0788\u07a6"),
    "jpn: voiced kana are letters": ("\u304c", "\u304b"),
    "srp: Cyrillic is not Latin": ("\u0430", "a"),
    "order": ("ab", "ba"),
    "a letter more": ("aa", "a"),
}


def hashes(text: str) -> list[int]:
    return [hash_ for _, _, hash_ in units_of(text)]


@pytest.mark.parametrize(("left", "right"), SAME.values(), ids=SAME.keys())
def test_one_unit_in_two_spellings(left: str, right: str) -> None:
    assert hashes(left) == hashes(right)


@pytest.mark.parametrize(("left", "right"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_two_units(left: str, right: str) -> None:
    assert hashes(left) != hashes(right)


texts = st.lists(
    st.text(st.sampled_from("ab \u00e9\u0301'\u0e01\u0e34\u17d2\u1780.\u200b\u4e00")), max_size=4
)


@given(texts, st.integers(0, 2))
def test_units_depend_on_their_text_alone(given_texts: list[str], offset: int) -> None:
    array = pa.array(given_texts, pa.large_string())
    together = [
        (int(n), int(s), int(e), int(h))
        for units in cut_units(array.slice(offset))
        for n, s, e, h in zip(units.texts, units.starts, units.ends, units.hashes, strict=True)
    ]
    alone = [
        (number, int(s), int(e), int(h))
        for number, text in enumerate(given_texts[offset:])
        for units in cut_units(pa.array([text], pa.large_string()))
        for s, e, h in zip(units.starts, units.ends, units.hashes, strict=True)
    ]
    assert together == alone
    for number, start, end, _ in together:
        given_texts[offset + number].encode()[start:end].decode()  # raises inside a code point


def test_a_long_text_in_pieces_has_the_units_it_has_as_a_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "".join(f"w\u00f6rd{n} \u0e01\u0e34{chr(0x4E00 + n)} " for n in range(300))
    (whole,) = cut_units(pa.array([text], pa.large_string()))
    monkeypatch.setattr(units_module, "_PIECE_BYTES", 257)
    monkeypatch.setattr(units_module, "_OVERLAP_BYTES", 64)
    pieces = list(cut_units(pa.array(["before", text, "behind"], pa.large_string())))
    assert len(pieces) > 20

    def rows(many: list[Units], text_number: int) -> set[tuple[int, int, int]]:
        return {
            (int(s), int(e), int(h))
            for units in many
            for n, s, e, h in zip(units.texts, units.starts, units.ends, units.hashes, strict=True)
            if n == text_number
        }

    # the last of a piece may be half a unit
    last = {int(units.ends[-1]) for units in pieces if len(units.ends)}
    assert {unit for unit in rows(pieces, 1) - rows([whole], 0) if unit[1] not in last} == set()
    assert rows([whole], 0) <= rows(pieces, 1)
    assert np.concatenate([units.texts for units in pieces])[[0, -1]].tolist() == [0, 2]
