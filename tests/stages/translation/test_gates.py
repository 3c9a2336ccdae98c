"""Signals of translated sentences, each with a neighbour that must pass."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
import pytest
from sacrebleu.metrics.chrf import CHRF

from stages.engines.engine import parse_direction
from stages.translation.gates import (
    TranslateBack,
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


def spanish(texts: pa.Array, expected: str | None = None) -> pa.RecordBatch:
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


def test_raised_numbers_and_fractions_are_numbers() -> None:
    half, squared = "\u00bd", "\u00b2"
    sources = pl.Series(["3\u00bd l", f"{half} l", f"10 m{squared}", f"10 m{squared}", "H\u2082O"])
    targets = pl.Series([f"3 {half} l", "l", "10 m2", "10 m", "H2O"])
    assert lost_numbers(sources, targets).to_list() == [False, True, False, True, False]


AFR_NLD = parse_direction("afr_Latn -> nld_Latn")
COPIES = {
    "an address that stays": (
        "Gaan na https://example.org/af en skryf aan info@example.org.",
        "Gaan na https://example.org/af en schrijft aan info@example.org.",
        None,
    ),
    "code that stays": (
        "Gebruik `git commit --all` en lees dit.",
        "Gebruik `git commit --all` en leest dit.",
        None,
    ),
    "a copy with an address": (
        "Gaan na https://example.org/af en skryf aan info@example.org.",
        "Gaan na https://example.org/af en skryf aan info@example.org.",
        "copied_source",
    ),
}


@pytest.mark.parametrize(("source", "target", "reason"), COPIES.values(), ids=COPIES.keys())
def test_what_no_translation_changes_is_not_copied(
    source: str, target: str, reason: str | None
) -> None:
    judged = judge_sentences(frame_of([(source, target)]), AFR_NLD, GateConfig(), None)
    assert judged.reasons[0] == reason


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


def frame_of(pairs: list[tuple[str, str]]) -> pl.DataFrame:
    sources, targets = zip(*pairs, strict=True)
    columns = {"source": sources, "target": targets, "answer": targets}
    flags = [pl.lit(value).alias(name) for name, value in (("whole", True), ("markup", False))]
    return pl.DataFrame(columns).with_columns(*flags, pl.lit(None, pl.String).alias("error"))


def back(table: dict[str, str | None]) -> TranslateBack:
    """Translate back by a table; null is what the engine fails at."""

    def translate(targets: pl.Series) -> pl.DataFrame:
        texts = [table[target] for target in targets]
        errors = [None if text is not None else "died" for text in texts]
        return pl.DataFrame(
            {"target": texts, "error": errors}, {"target": pl.String, "error": pl.String}
        )

    return translate


WAYS_BACK = {
    "comes back in other words": (BASQUE.replace("guztiek", "orok"), None),
    "comes back as another sentence": (
        "Inor ezingo da arrazoirik gabe atxilotu, preso hartu edo erbesteratu.",
        "round_trip",
    ),
    "does not come back": ("", "round_trip"),
    "the engine fails on the way back": (None, "engine_failed"),
}


@pytest.mark.parametrize(("returned", "reason"), WAYS_BACK.values(), ids=WAYS_BACK.keys())
def test_sentences_are_translated_back(returned: str | None, reason: str | None) -> None:
    judged = judge_sentences(
        frame_of([(BASQUE, SPANISH)]), EUS_SPA, GateConfig(), None, back({SPANISH: returned})
    )
    assert judged.reasons[0] == reason
    assert judged.errors[0] == ("died" if reason == "engine_failed" else None)
    chrf = judged.signals["round_trip_chrf"][0]
    assert chrf == pytest.approx(CHRF().sentence_score(returned or "", [BASQUE]).score, abs=1e-9)


def test_short_sentences_and_rejected_ones_have_no_way_back() -> None:
    frame = frame_of([("Bai.", "S\u00ed."), (BASQUE, "")])
    judged = judge_sentences(frame, EUS_SPA, GateConfig(), None, back({"S\u00ed.": "Ez."}))
    assert judged.reasons.to_list() == [None, "no_output"]
    assert judged.signals["round_trip_chrf"].to_list() == [None, None]


LINES = [
    ("Luis nació en 1931 en Ourense.", "Luis naceu en 1931 en Ourense."),
    ("El sistema operativo no responde a la solicitud.", "O sistema operativo non responde."),
    ("Todo individuo tiene derecho a la vida.", "Todo individuo ten dereito á vida."),
    ("Nadie podrá ser detenido ni desterrado.", "Ninguén poderá ser detido nin desterrado."),
]
ALIKE = [(f"Página {n} de la guía.", f"Páxina {n} da guía.") for n in (1, 2, 3, 4)]


def moved(pairs: list[tuple[str, str]], *places: int) -> list[tuple[str, str]]:
    return [(source, pairs[place][1]) for (source, _), place in zip(pairs, places, strict=True)]


MOVED = {
    "in place": (LINES, []),
    "two exchanged": (moved(LINES, 0, 2, 1, 3), [1, 2]),
    "all one place early": (moved(LINES, 1, 2, 3, 0), [0, 1, 2]),
    "alike, in place": (ALIKE, []),
    "alike but for numbers, exchanged": (moved(ALIKE, 0, 2, 1, 3), [1, 2]),
    "alone": (LINES[:1], []),
}


@pytest.mark.parametrize(("pairs", "rejected"), MOVED.values(), ids=MOVED.keys())
def test_lines_that_were_moved(pairs: list[tuple[str, str]], rejected: list[int]) -> None:
    direction = parse_direction("spa_Latn -> glg_Latn")
    reasons = judge_sentences(frame_of(pairs), direction, GateConfig(), None).reasons
    assert [place for place, reason in enumerate(reasons) if reason] == rejected
    own = [{"fits_neighbour", "number_lost"} & {reason} for reason in reasons if reason]
    assert all(own)


def test_neighbours_are_of_one_document() -> None:
    direction = parse_direction("spa_Latn -> glg_Latn")
    pairs = frame_of(moved(LINES, 0, 2, 1, 3))
    for documents, rejected in (([0, 0, 1, 1], []), ([0, 1, 1, 2], [1, 2])):
        frame = pairs.with_columns(document=pl.Series(documents))
        judged = judge_sentences(frame, direction, GateConfig(), None)
        found = (judged.reasons == "fits_neighbour").fill_null(False)
        assert found.arg_true().to_list() == rejected
    assert judged.signals["neighbour_gain"].is_null().to_list() == [True, False, False, True]
