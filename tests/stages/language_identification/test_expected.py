"""Sentences that the fast model is sure of are not cut into passages; all others are."""

from __future__ import annotations

import pyarrow as pa
import pytest

from stages.language_identification.expected import (
    IDENTIFIED,
    SURELY,
    sure_scores,
    with_expectation,
)
from stages.language_identification.identify import LanguageIdentificationConfig, load_identifier

SPANISH = "Todos los seres humanos nacen libres e iguales en dignidad y derechos."
GALICIAN = "Todos os seres humanos nacen libres e iguais en dignidade e dereitos."
GERMAN = "Alle Menschen sind frei und gleich an W\u00fcrde und Rechten geboren."
PLAIN = LanguageIdentificationConfig()

LOOKS = {
    "a plain sentence is sure": (SPANISH, "spa", PLAIN, True),
    "so it is in capitals": (SPANISH.upper(), "spa", PLAIN, True),
    "another language is not": (GERMAN, "spa", PLAIN, False),
    "nor is a neighbour's sentence": (GALICIAN, "spa", PLAIN, False),
    "several lines go the whole way": (f"{SPANISH}\n{GERMAN}", "spa", PLAIN, False),
    "so does a long line": (SPANISH * 8, "spa", PLAIN, False),
    "a language that no model has is sure of nothing": (SPANISH, "xxx", PLAIN, False),
    "a threshold above the score holds": (
        SPANISH,
        "spa",
        LanguageIdentificationConfig(thresholds={"spa_Latn": 1.0}),
        False,
    ),
}


@pytest.mark.parametrize(("text", "expected", "config", "sure"), LOOKS.values(), ids=LOOKS.keys())
def test_what_is_sure(
    text: str, expected: str, config: LanguageIdentificationConfig, sure: bool
) -> None:
    texts = pa.array([text], pa.large_string())
    (score,) = sure_scores(texts, expected, load_identifier(config), config)
    assert (score >= SURELY) if sure else score == 0


def test_only_what_is_not_sure_goes_the_whole_way() -> None:
    shown: list[str] = []

    def whole(texts: pa.Array) -> pa.RecordBatch:
        shown.extend(texts.to_pylist())
        rows = len(texts)
        columns = (["deu"] * rows, [None] * rows, [0.5] * rows, [None] * rows)
        return pa.record_batch(dict(zip(IDENTIFIED, map(pa.array, columns), strict=True)))

    identify = with_expectation(whole, load_identifier(PLAIN), PLAIN)
    texts = pa.array([SPANISH, GERMAN, SPANISH], pa.large_string())
    assert identify(texts, "spa")["language"].to_pylist() == ["spa", "deu", "spa"]
    assert shown == [GERMAN]
    assert identify(texts)["language"].to_pylist() == ["deu"] * 3
