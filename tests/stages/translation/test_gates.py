"""Signals of translated sentences, each with a neighbour that must pass."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
import pytest

from stages.engines.engine import parse_direction
from stages.translation.gates import (
    copied_share,
    expected_log_ratio,
    judge_sentences,
    lost_numbers,
    repeated_code_points,
    same_answers,
    unknown_share,
)
from stages.translation.options import GateConfig

EUS_SPA = parse_direction("eus_Latn -> spa_Latn")
BASQUE = "Norbanako guztiek dute bizitzeko, aske izateko eta segurtasunerako eskubidea."
SPANISH = "Todo individuo tiene derecho a la vida, a la libertad y a la seguridad de su persona."


def spanish(texts: pa.Array) -> pa.RecordBatch:
    """Identify as Spanish what has a Spanish word."""
    languages = [
        "spa" if " y " in text else "eus" if " eta " in text else "und"
        for text in texts.to_pylist()
    ]
    scores = pa.array([0.9] * len(texts), pa.float32())
    groups = pa.nulls(len(texts), pa.string())
    return pa.record_batch(
        {"language": languages, "language_group": groups, "language_score": scores}
    )


FACTS = {
    "a good one passes": (SPANISH, None),
    "nothing": ("  ", "no_output"),
    "the source again": (BASQUE, "wrong_language"),
    "half of it": ("Todo individuo tiene derecho", "cut_off"),
    "four times as much": (
        f"{SPANISH[:-1]}; {SPANISH[:-1]}; {SPANISH[:-1]}; {SPANISH}",
        "length_ratio|repetition",
    ),
    "another script": (
        "\u0412\u0441\u0435 \u0438\u043c\u0435\u044e\u0442 \u043f\u0440\u0430\u0432\u043e.",
        "wrong_script",
    ),
    "a circle": ("Todo individuo " + "tiene derecho " * 5 + "y vida.", "repetition"),
    "a line break": (SPANISH.replace(", ", ",\n"), "line_break_added"),
}


@pytest.mark.parametrize(("target", "reason"), FACTS.values(), ids=FACTS.keys())
def test_reasons(target: str, reason: str | None) -> None:
    frame = pl.DataFrame(
        {
            "source": [BASQUE],
            "target": [target],
            "answer": [target],
            "whole": [True],
            "markup": [False],
        }
    ).with_columns(error=pl.lit(None, pl.String))
    found = judge_sentences(frame, EUS_SPA, GateConfig(), spanish).reasons[0]
    assert (found is None) if reason is None else found in reason.split("|")


def test_numbers_are_the_same_in_all_digits() -> None:
    sources = pl.Series(
        ["5 etxe", "5 etxe", "5 eta 5", "1.500", "\u0968\u0966 \u0918\u0930", "bat", "2024"]
    )
    targets = pl.Series(["\u0665 x", "cinco", "5", "1,500", "20", "1", "24"])
    assert lost_numbers(sources, targets).to_list() == [
        False,
        True,
        True,
        False,
        False,
        False,
        True,
    ]


def test_loops_are_counted_and_typography_is_none() -> None:
    texts = pl.Series(
        [
            "abcabcabcabc",
            "abcabcabc",
            "........................",
            "la la la la la",
            "",
            "\u597d" * 30,
        ]
    )
    assert repeated_code_points(texts).to_list() == [12, 0, 0, 14, 0, 30]


def test_shares() -> None:
    copied, words = copied_share(pl.Series(["Casa Verde hoy"]), pl.Series(["casa nova hoxe"]))
    assert (round(copied[0], 2), words[0]) == (0.33, 3)
    assert unknown_share(pl.Series(["*bat bi *hiru"]), pl.Series(["bat"])).to_list() == [2 / 3]
    assert unknown_share(pl.Series(["*bat bi"]), pl.Series(["*bat"])).to_list() == [0]


def test_one_answer_to_three_sentences_is_none() -> None:
    long = "una respuesta que es siempre la misma"
    targets = pl.Series([long] * 3 + ["s\u00ed"] * 3)
    assert same_answers(pl.Series(list("abcdef")), targets).to_list() == [True] * 3 + [False] * 3
    assert same_answers(pl.Series(["A!", "a", "b"]), pl.Series([long] * 3)).to_list() == [False] * 3


def test_lengths_of_languages() -> None:
    assert expected_log_ratio(parse_direction("eng_Latn -> spa_Latn")) == pytest.approx(
        0.117, abs=0.001
    )
    assert expected_log_ratio(parse_direction("eng_Latn -> qaa_Latn")) == 0
