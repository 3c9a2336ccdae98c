"""Scripts are marked as a reader of the language would see them, and nothing else changes."""

from __future__ import annotations

import pyarrow as pa
import pytest

from schemas.columns import SchemaError
from schemas.document import SCRIPT_MARKS
from schemas.ledger import CHANGE
from stages.script_marking import ScriptMarkingConfig, mark_scripts

ROWS = [  # text, language, script; shares, mixed words, unusual
    ("Kaixo", "eus", "Latn", {"Latn": 1.0}, 0, False),
    ("Кайшо", "eus", "Cyrl", {"Cyrl": 1.0}, 0, True),
    ("тил til", "uzb", "Cyrl", {"Cyrl": 0.5, "Latn": 0.5}, 0, False),
    ("м\u0430ma m\u0430ma дом", "rus", "Cyrl", {"Cyrl": 0.5455, "Latn": 0.4545}, 2, False),
    ("日本語のテキスト", "jpn", "Jpan", {"Kana": 0.5, "Hani": 0.375, "Hira": 0.125}, 0, False),
    ("1995 \U0001f600", "eus", "Zyyy", {}, 0, False),
    ("", None, None, {}, 0, False),
]


def batch_of(
    rows: list[tuple[str, str | None, str | None, dict[str, float], int, bool]],
) -> pa.RecordBatch:
    return pa.record_batch(
        {
            "text": pa.array([row[0] for row in rows], pa.large_string()),
            "language": pa.array([row[1] for row in rows], pa.string()),
            "script": pa.array([row[2] for row in rows], pa.string()),
            "shelf": pa.array(range(len(rows))),
        }
    )


def test_marks() -> None:
    batch = batch_of(ROWS)
    marked, changes = mark_scripts(batch, ScriptMarkingConfig())
    assert [marked.schema.field(name) for name in SCRIPT_MARKS.names] == list(SCRIPT_MARKS)
    assert marked.select(batch.schema.names).equals(batch)
    for row, found in zip(ROWS, marked.to_pylist(), strict=True):
        shares = {entry["script"]: entry["share"] for entry in found["script_shares"]}
        assert shares == pytest.approx(row[3], abs=1e-3), row[0]
        assert list(shares.values()) == sorted(shares.values(), reverse=True)
        assert (found["mixed_script_words"], found["unusual_script"]) == row[4:], row[0]
    assert changes.schema == CHANGE
    assert [
        (row["rule"], row["language"], row["script"], row["documents"])
        for row in changes.to_pylist()
    ] == [
        ("unusual_script", "eus", "Cyrl", 1),
        ("words_of_two_scripts", "rus", "Cyrl", 1),
    ]


def test_marks_are_written_anew_and_depend_on_the_row_alone() -> None:
    config = ScriptMarkingConfig()
    once = mark_scripts(batch_of(ROWS), config).batch
    assert mark_scripts(once, config).batch.equals(once)
    parts = [mark_scripts(batch_of(part), config).batch for part in (ROWS[:3], ROWS[3:])]
    assert [row | {"shelf": 0} for part in parts for row in part.to_pylist()] == [
        row | {"shelf": 0} for row in once.to_pylist()
    ]


def test_nothing_gives_nothing() -> None:
    assert mark_scripts(batch_of([]), ScriptMarkingConfig()).batch.num_rows == 0
    with pytest.raises(SchemaError, match="'language' is missing"):
        mark_scripts(batch_of(ROWS).drop_columns(["language"]), ScriptMarkingConfig())
