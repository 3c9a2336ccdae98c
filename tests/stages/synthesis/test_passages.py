"""Passages: no word is lost or cut, and each fits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stages.synthesis.passages import cut_passages


def test_paragraphs_stay_whole_while_they_fit() -> None:
    text = "\n\n".join(["lehen " * 10, "bigarren " * 10, "hirugarren " * 10])
    found = list(cut_passages(text, 160))
    assert [piece.count("\n\n") for _, piece in found] == [1, 0]
    assert [text[start : start + len(piece)] for start, piece in found] == [
        piece for _, piece in found
    ]


def test_a_long_paragraph_is_cut_behind_sentences() -> None:
    text = "Lehen esaldia da hau. " * 40
    assert all(piece.endswith(".") for _, piece in cut_passages(text, 100))
    assert all(
        piece.endswith("\u0964")
        for _, piece in cut_passages(
            "\u0928\u092e\u0938\u094d\u0924\u0947 \u092d\u093e\u0908\u0964 " * 40, 60
        )
    )


@given(st.text(st.sampled_from("ab. \n\u0964\u4e00\t"), max_size=400), st.integers(20, 90))
def test_every_letter_is_in_one_passage_and_each_fits(text: str, longest: int) -> None:
    found = list(cut_passages(text, longest))
    assert all(0 < len(piece) <= longest for _, piece in found)
    assert all(text[start : start + len(piece)] == piece for start, piece in found)
    assert "".join("".join(piece.split()) for _, piece in found) == "".join(text.split())
