"""The funnel loses nobody, and a card that would is not built."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from data_cards.sections.funnel import count_fates, funnel, funnel_by_language, merge_fates
from schemas.card.card import Card
from schemas.card.funnel import FateCount, Step
from schemas.columns import SchemaError
from schemas.ledger import LEDGER

STEPS = (
    Step(phase="ingest", stage="read"),
    Step(phase="ingest", stage="filter_length"),
    Step(phase="dedup", stage="exact"),
)
KEPT = {"fate": "published", "phase": "publish", "stage": None, "reason": None}
SHORT = {"fate": "dropped", "phase": "ingest", "stage": "filter_length", "reason": "too_short"}
SAME = {"fate": "duplicate", "phase": "dedup", "stage": "exact", "reason": None}
BROKEN = {"fate": "failed", "phase": "ingest", "stage": "read", "reason": "error"}

ledger_rows = st.lists(
    st.builds(
        lambda fate, source, label: {
            **fate,
            **label,
            "source": source,
            "id": "i",
            "path": "p",
            "position": 0,
        },
        st.sampled_from([KEPT, SHORT, SAME, BROKEN]),
        st.sampled_from(["web", "books"]),
        st.sampled_from(
            [
                {"language": "eus", "script": "Latn"},
                {"language": "und", "script": "Zyyy"},
                {"language": None, "script": None},
            ]
        ),
    ),
    max_size=20,
)


def ledger(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=LEDGER)


@given(ledger_rows, st.integers(0, 20))
def test_every_row_is_counted_once_whatever_the_blocks(
    rows: list[dict[str, Any]], cut: int
) -> None:
    fates = count_fates(ledger(rows))
    assert sum(row.documents for row in fates) == len(rows)
    assert merge_fates([count_fates(ledger(rows[cut:])), count_fates(ledger(rows[:cut]))]) == fates


@given(ledger_rows)
def test_what_leaves_the_last_step_is_what_was_published(rows: list[dict[str, Any]]) -> None:
    steps = funnel(count_fates(ledger(rows)), STEPS)
    assert steps[0].documents_in == len(rows)
    assert [step.documents_out for step in steps[:-1]] == [step.documents_in for step in steps[1:]]
    assert steps[-1].documents_out == sum(row["fate"] == "published" for row in rows)


def test_a_stage_that_runs_twice_loses_its_documents_once() -> None:
    row = {
        "language": "eus",
        "script": "Latn",
        "source": "web",
        "id": "i",
        "path": "p",
        "position": 0,
    }
    steps = funnel(count_fates(ledger([row | SHORT, row | KEPT])), [*STEPS, STEPS[1]])
    assert [(step.step.stage, step.documents_out) for step in steps] == [
        ("read", 2),
        ("filter_length", 1),
        ("exact", 1),
    ]


def test_published_rows_count_where_they_are_published_and_others_as_never_identified() -> None:
    unknown = {
        "language": None,
        "script": None,
        "source": "web",
        "id": "i",
        "path": "p",
        "position": 0,
    }
    fates = count_fates(ledger([unknown | KEPT, unknown | SHORT, unknown | SAME]))
    assert [(row.language, row.fate) for row in fates] == [
        (None, "dropped"),
        (None, "duplicate"),
        ("und_Zyyy", "published"),
    ]


def test_a_ledger_without_its_columns_is_refused() -> None:
    with pytest.raises(SchemaError, match="'fate' is missing"):
        count_fates(pa.record_batch({"source": ["a"]}))


def test_each_language_conserves(published: Any) -> None:
    rows = funnel_by_language(published.card)
    for row in rows:
        assert row.documents_in == row.published + row.dropped + row.duplicate + row.failed
    assert sum(row.documents_in for row in rows) == sum(
        source.documents for source in published.card.sources
    )
    (basque,) = [row for row in rows if row.language == "eus_Latn"]
    assert (basque.dropped, basque.duplicate, basque.failed) == (7, 5, 0)
    assert basque.reasons[0].reason == "too_short"


def rebuilt(card: Card, **changes: Any) -> Card:
    return Card.model_validate(card.model_dump() | changes)


def test_a_card_that_loses_documents_is_refused_with_every_loss(published: Any) -> None:
    card: Card = published.card
    sources = [card.sources[0].model_dump() | {"documents": card.sources[0].documents + 1}]
    files = [file.model_dump() for file in card.files if file.language != "mlt_Latn"]
    with pytest.raises(ValidationError) as error:
        rebuilt(card, sources=sources, files=files)
    total = sum(row.documents for row in card.fates)
    told = (
        f"source 'udhr': {total + 1} documents read or made, but the ledger has the fate of {total}"
    )
    assert told in str(error.value)
    assert (
        "mlt_Latn: 10 documents published by the ledger, 10 in the statistics, 0 in the files"
        in str(error.value)
    )


def test_a_step_that_the_card_does_not_list_is_refused(published: Any) -> None:
    with pytest.raises(
        ValidationError, match="step dedup/exact of the ledger is not among the steps of the card"
    ):
        rebuilt(
            published.card,
            steps=[step.model_dump() for step in published.card.steps if step.stage != "exact"],
        )


def test_a_label_that_is_no_folder_name_is_refused(published: Any) -> None:
    with pytest.raises(ValidationError, match=r"language must look like uzb_Cyrl .* got '\.\./x'"):
        rebuilt(published.card, statistics={"../x": {}})


def test_fates_are_sorted_and_nulls_come_first() -> None:
    def fate(language: str | None) -> FateCount:
        return FateCount(source="web", language=language, **SHORT, documents=1)

    merged = merge_fates([[fate("eus_Latn"), fate(None)], [fate("eus_Latn")]])
    assert [(row.language, row.documents) for row in merged] == [(None, 1), ("eus_Latn", 2)]


def test_found_and_made_documents_with_the_same_fate_are_counted_apart() -> None:
    rows = [
        {**KEPT, "language": "srp", "script": "Latn", "source": "web", "id": i, "path": "p"}
        for i in "abc"
    ]
    rows[2]["parent_id"] = "a"
    fates = count_fates(ledger([{**row, "position": 0} for row in rows]))
    assert [(row.made, row.documents) for row in fates] == [(False, 2), (True, 1)]
