"""Rates, the sheet that a human judges, and the precision that comes of it."""

from __future__ import annotations

import csv
import io

import pyarrow as pa
import pyarrow.csv
import pytest

from stages.decontamination.evaluation_sets import ITEM
from stages.decontamination.judging import (
    FINDING,
    PRECISION,
    RATE,
    SHEET,
    contamination_rates,
    findings,
    items_by_set,
    judged_precision,
    judging_sheet,
)
from stages.decontamination.matching import find_contamination, item_ngrams, numbered_texts
from stages.decontamination.options import DecontaminationConfig

CONFIG = DecontaminationConfig()
FIRST = "=SUM(1) bat bi hiru lau bost sei zazpi zortzi bederatzi"
SECOND = "hamar hamaika hamabi hamahiru hamalau hamabost hamasei hamazazpi"
ITEMS = pa.Table.from_pylist(
    [
        {
            "evaluation_set": s,
            "part": "eus/test",
            "item": str(n),
            "field": "text",
            "language": lang,
            "text": text,
        }
        for n, (s, lang, text) in enumerate(
            [
                ("a", "eus", FIRST),
                ("a", "eus", SECOND),
                ("a", None, SECOND),
                ("b", "eus", FIRST),
                ("b", "eus", "bai"),
            ]
        )
    ],
    ITEM,
)
NUMBERED = numbered_texts(ITEMS)
NAMED = items_by_set(NUMBERED)
INDEX = item_ngrams(NUMBERED, CONFIG)
BATCH = pa.record_batch(
    {
        "id": pa.array(["d0", "d1", "d2"]),
        "text": pa.array([f"x {FIRST} y", f"{FIRST}\n\n{SECOND}", "bai"], pa.large_string()),
        "language": pa.array(["eus"] * 3, pa.string()),
        "script": pa.array(["Latn"] * 3, pa.string()),
    }
)
MATCHES = find_contamination(BATCH, INDEX, CONFIG)


def test_rates_count_texts_once_and_documents_once() -> None:
    rates = contamination_rates([MATCHES], NUMBERED, INDEX.checked)
    assert rates.schema == RATE
    assert [tuple(row.values()) for row in rates.to_pylist()] == [
        ("a", None, 1, 1, 1, 1, 1.0),
        ("a", "eus", 2, 2, 2, 2, 1.0),
        ("b", "eus", 2, 1, 1, 2, 1.0),
    ]
    none = contamination_rates([], NUMBERED, INDEX.checked).to_pylist()
    assert [(r["texts_found"], r["documents"], r["rate"]) for r in none] == [(0, 0, 0.0)] * 3


def test_a_sheet_survives_a_spreadsheet_program() -> None:
    sheet = judging_sheet([MATCHES], NAMED)
    assert sheet.schema == SHEET
    sink = io.BytesIO()
    pyarrow.csv.write_csv(sheet, sink)
    rows = list(csv.DictReader(io.StringIO(sink.getvalue().decode())))
    assert len(rows) == sheet.num_rows > 3
    assert {row["evaluation_set"] for row in rows} == {"a", "b"}
    for row in rows:
        assert not any(
            cell.startswith(("=", "+", "-", "@")) or "\n" in cell for cell in row.values()
        )
    assert {row["item_text"][:5] for row in rows} == {"'=SUM", "hamar"}
    assert all("bost" in row["passage"] for row in rows)


def test_the_sample_is_bounded_and_changes_with_the_seed_alone() -> None:
    small = judging_sheet([MATCHES], NAMED, per_set=1)
    assert small["evaluation_set"].to_pylist() == ["a", "b"]
    assert judging_sheet([MATCHES.slice(2), MATCHES.slice(0, 2)], NAMED, per_set=1) == small
    keys = {
        tuple(judging_sheet([MATCHES], NAMED, per_set=1, seed=seed)["item"].to_pylist())
        for seed in range(20)
    }
    assert len(keys) > 1


def test_a_finding_names_an_item_of_each_set_that_has_the_text() -> None:
    found = findings(MATCHES, NAMED)
    assert found.schema == FINDING
    rows = [(r["document"], r["evaluation_set"], r["item"]) for r in found.to_pylist()]
    assert rows == [
        ("d0", "a", "0"),
        ("d0", "b", "3"),
        ("d1", "a", "0"),
        ("d1", "b", "3"),
        ("d1", "a", "1"),
        ("d1", "a", "2"),
    ]


def test_an_id_that_stands_for_two_documents_is_judged_once() -> None:
    once = judging_sheet([MATCHES], NAMED)
    assert judging_sheet([MATCHES, MATCHES], NAMED) == once
    rates = contamination_rates([MATCHES, MATCHES], NUMBERED, INDEX.checked).to_pylist()
    assert [(r["texts_found"], r["documents"]) for r in rates] == [(1, 2), (2, 4), (1, 4)]


def answered(*answers: tuple[str, str]) -> pa.Table:
    rows: list[dict[str, object]] = [
        dict.fromkeys(SHEET.names, "")
        | {"match": str(n), "evaluation_set": s, "judgement": a, "overlap": 1.0}
        for n, (s, a) in enumerate(answers)
    ]
    return pa.Table.from_pylist(rows, SHEET)


def test_answers_become_precision() -> None:
    found = judged_precision(
        answered(
            *[("b", "yes")] * 8, ("b", " NO "), ("b", ""), ("b", "no"), ("a", "Yes"), ("c", "")
        )
    )
    assert found.schema == PRECISION
    rows = found.to_pylist()
    assert [(r["evaluation_set"], r["judged"], r["right"], r["precision"]) for r in rows] == [
        ("a", 1, 1, 1.0),
        ("b", 10, 8, 0.8),
    ]
    # where 0.8 is as far as 95 % of the samples of 10 stay
    for end in (
        rows[1]["low"],
        rows[1]["high"],
    ):
        assert abs(0.8 - end) == pytest.approx(1.959964 * (end * (1 - end) / 10) ** 0.5)
    assert rows[1]["low"] < 0.8 < rows[1]["high"]
    assert rows[0]["high"] == pytest.approx(1.0)


def test_other_answers_are_named() -> None:
    with pytest.raises(
        ValueError, match=r"judgement must be yes, no or empty, .*got row 3 \('maybe'\)"
    ):
        judged_precision(answered(("a", "yes"), ("a", "maybe")))


def test_a_match_judged_twice_is_named() -> None:
    sheet = answered(("a", "yes"))
    with pytest.raises(
        ValueError, match=r"once for each match; got row 2 \('yes'\), row 3 \('yes'\)"
    ):
        judged_precision(pa.concat_tables([sheet, sheet]))
