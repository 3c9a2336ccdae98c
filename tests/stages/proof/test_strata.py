"""Documents that may be in another language stand in doubtful strata, and are drawn more often."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from stages.proof.sheet import SHEET, as_sheet, draw, passages, read_answers
from stages.proof.strata import STRATA, strata
from stages.sheets import sheet_bytes


def table(**columns: Sequence[object]) -> pa.Table:
    return pa.table({"language": ["yor"] * len(next(iter(columns.values()))), **columns})


def named(found: pa.Table) -> list[str]:
    return [STRATA[number] for number in strata(found)]


def test_the_score_alone() -> None:
    assert named(table(language_score=[0.99, 0.95, 0.8, 0.5, None])) == [
        *("sure", "likely", "unsure", "doubtful", "doubtful")
    ]


def test_what_a_page_declares_counts_for_and_against() -> None:
    scores = [0.95, 0.95, 0.95, 0.95]
    declared = ["yo-NG", "en", None, "no such tag"]
    assert named(table(language_score=scores, declared_language=declared)) == [
        "sure",
        "unsure",
        "likely",
        "likely",
    ]


def test_unclear_members_mixed_texts_and_models_that_differ() -> None:
    sure = [0.999] * 3
    assert named(table(language_score=sure, language_group=[None, "hbs", None])) == [
        "sure",
        "unsure",
        "sure",
    ]
    assert named(table(language_score=sure, other_language_share=[0.1, 0.3, None])) == [
        "sure",
        "unsure",
        "sure",
    ]
    assert named(table(language_score=[0.99] * 3, languages_agree=[True, False, None])) == [
        "sure",
        "likely",
        "sure",
    ]


def test_drawing_is_the_same_for_any_order_and_grows_with_the_budget() -> None:
    ids = [f"d{number}" for number in range(1000)]
    of = np.asarray([0] * 900 + [3] * 100, np.int8)
    small, large = (draw(pa.array(ids, pa.large_string()), of, budget) for budget in (40, 80))
    assert {ids[place] for place in small} < {ids[place] for place in large}
    # a tenth of the documents, over a quarter of the answers
    assert np.bincount(of[small])[3] >= 10
    turned = draw(pa.array(ids[::-1], pa.large_string()), of[::-1], 40)
    assert [ids[::-1][place] for place in turned] == [ids[place] for place in small]
    first = of[large[: len(large) // 2]]
    assert np.bincount(first)[3] == pytest.approx(np.bincount(of[large])[3] / 2, abs=1)


def test_passages_are_cut_at_spaces_and_stand_in_the_text() -> None:
    text = " ".join(f"w\u1ecdnyi{number}" for number in range(300))
    ids = pa.array([f"d{number}" for number in range(20)], pa.large_string())
    found = passages([text] * 20, ids)
    for before, passage, after in found.iter_rows():
        assert f"{before}{passage}{after}" in text
        assert set(passage.split()) <= set(text.split())
    assert found["passage"].n_unique() > 5
    unspaced = "\u0f40" * 1000
    assert "".join(passages([unspaced], ids[:1])["passage"]) in unspaced
    assert passages([""], ids[:1]).row(0) == ("", "", "")


def sheet(**changed: Sequence[str]) -> bytes:
    columns = {
        "document": ["a", "b"], "label": ["yor_Latn"] * 2, "stratum": ["sure"] * 2, "stratum_documents": [9, 9],
        "before": ["", ""], "passage": ["=1+1", "two\nlines"], "after": ["", ""], "url": [None, None],
    }  # fmt: skip
    empty = as_sheet(pl.DataFrame(columns, schema_overrides={"url": pl.String}))
    values = {name: changed.get(name, empty[name].to_pylist()) for name in SHEET.names}
    return sheet_bytes(pa.table(values))


def test_a_sheet_comes_back() -> None:
    answers = read_answers([sheet(judgement=[" Correct", "wrong_language"])])
    assert answers.sizes == {"yor_Latn": [9, 0, 0, 0]}
    assert answers.judged["judgement"].to_list() == ["correct", "wrong_language"]
    assert b'"\'=1+1"' in sheet()
    assert b'"two lines"' in sheet()


def test_a_sheet_typed_by_hand_comes_back() -> None:
    typed = sheet(judgement=["Wrong language", "not-language "])
    for ending in (b"", b"\n\n", b",,,,,,,,,\n"):
        answers = read_answers([typed + ending])
        assert answers.judged["judgement"].to_list() == ["wrong_language", "not_language"]
    with pytest.raises(ValueError, match=r"row 4 \(''\)"):
        read_answers([typed + b"x,,,\n"])


def test_speakers_who_differ_cannot_tell() -> None:
    answers = read_answers(
        [sheet(judgement=["correct", ""]), sheet(judgement=["not_language", "correct"])]
    )
    assert answers.judged["judgement"].to_list() == ["cannot_tell", "correct"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"judgement": ["good", ""]}, r"row 2 \('good'\)"),
        ({"judgement": ["", ""]}, "got none"),
        ({"judgement": ["correct", ""], "stratum": ["sure", "odd"]}, "row 3"),
        ({"judgement": ["correct", "correct"], "stratum_documents": ["9", "8"]}, "several sizes"),
    ],
)
def test_answers_that_are_none(changed: dict[str, list[str]], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_answers([sheet(**changed)])
