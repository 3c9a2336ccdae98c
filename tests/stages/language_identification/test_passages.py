"""What a model is asked: lines without the names that would decide its answer."""

from __future__ import annotations

import polars as pl
import pytest

from stages.language_identification.passages import judge_lines

NAMES_LEFT_OUT = {
    "fra": (
        "Bruce Perens a dirigé Debian d'avril 1996 à décembre 1997.",
        "a dirigé d'avril 1996 à décembre 1997.",
    ),
    "hau": (
        "Amina Yusuf ta koma Kano bayan shekaru goma.",
        "ta koma bayan shekaru goma.",
    ),
    "ell": (
        "Ο Νίκος Καζαντζάκης γεννήθηκε το 1883 στο Ηράκλειο της Κρήτης.",
        "γεννήθηκε το 1883 στο της .",
    ),
    "rus": (
        "Владимир Высоцкий родился в 1938 году в Москве и работал в Театре.",
        "родился в 1938 году в и работал в .",
    ),
}
WHOLE = {
    "a heading": "Universal Declaration of Human Rights",
    "nouns of German": "Die Bürger der Stadt Köln wählten den Rat.",
    "capitals": "DIE WÜRDE DES MENSCHEN IST UNANTASTBAR UND",
    "one name": "Amina ta koma gida bayan shekaru goma a birnin.",
    "too little beside the names": "Nelson Mandela o belegwe leng?",
    "no capitals, as in Georgian": "ბრუს პერენსი ხელმძღვანელობდა დებიანს 1996 წლის აპრილიდან.",
}


@pytest.mark.parametrize("language", NAMES_LEFT_OUT)
def test_names_that_fill_a_line_are_left_out(language: str) -> None:
    line, left = NAMES_LEFT_OUT[language]
    judged = judge_lines(pl.Series([line]))
    assert " ".join(judged["text"][0].split()) == left
    assert judged["linguistic"][0]
    assert judged["letters"][0] == judge_lines(pl.Series([line.lower()]))["letters"][0], (
        "the line counts as long as it is"
    )


@pytest.mark.parametrize("kind", WHOLE)
def test_other_lines_are_asked_whole(kind: str) -> None:
    assert judge_lines(pl.Series([WHOLE[kind]]))["text"][0] == WHOLE[kind].lower()
