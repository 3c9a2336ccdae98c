"""The language filter keeps what is wanted and says why the rest goes."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.columns import SchemaError
from schemas.document import DOCUMENT
from stages.language_filtering import LanguageFilteringConfig, filter_language

FIELDS = pa.schema([DOCUMENT.field(name) for name in ("language", "script", "language_score")])


def batch_of(rows: list[tuple[str | None, str | None, float | None]]) -> pa.RecordBatch:
    columns = [pa.array([row[i] for row in rows], FIELDS.field(i).type) for i in range(3)]
    return pa.RecordBatch.from_arrays(columns, schema=FIELDS)


FACTS = {
    "eus is kept by default": (("eus", "Latn", 0.9), (), None),
    "und goes by default": (("und", "Latn", 0.4), (), ("undetermined_language", "und_Latn")),
    "zxx goes by default": (("zxx", "Zyyy", 1.0), (), ("no_linguistic_content", "zxx_Zyyy")),
    "a document never identified is undetermined": (
        (None, None, None),
        (),
        ("undetermined_language", "und_Zyyy"),
    ),
    "uzb: wanted in Cyrillic": (("uzb", "Cyrl", 0.9), ("uzb_Cyrl",), None),
    "uzb: not wanted in Latin": (
        ("uzb", "Latn", 0.9),
        ("uzb_Cyrl",),
        ("unwanted_language", "uzb_Latn"),
    ),
    "rus is not wanted": (("rus", "Cyrl", 0.8), ("uzb_Cyrl",), ("unwanted_language", "rus_Cyrl")),
    "kmr is what identification calls kur": (("kur", "Latn", 0.9), ("kmr_Latn",), None),
    "arb is ara, and arz is not": (
        ("arz", "Arab", 0.9),
        ("arb_Arab",),
        ("unwanted_language", "arz_Arab"),
    ),
    "a group stands for its members": (("hrv", "Latn", 0.4), ("hbs_Latn",), None),
    "a group's script counts": (
        ("srp", "Cyrl", 0.9),
        ("hbs_Latn",),
        ("unwanted_language", "srp_Cyrl"),
    ),
    "zho_Hani: no letter tells, so it may be simplified": (
        ("zho", "Hani", 0.9),
        ("zho_Hans",),
        None,
    ),
    "zho_Hant is not simplified": (
        ("zho", "Hant", 0.9),
        ("zho_Hans",),
        ("unwanted_language", "zho_Hant"),
    ),
    "zho_Hani wants both": (("zho", "Hant", 0.9), ("zho_Hani",), None),
    "yue_Hani is not zho": (("yue", "Hani", 0.9), ("zho_Hans",), ("unwanted_language", "yue_Hani")),
    "kor_Hang is what is called Kore": (("kor", "Kore", 0.9), ("kor_Hang",), None),
    "msa is Standard Malay, not Indonesian": (
        ("ind", "Latn", 0.9),
        ("zsm_Latn",),
        ("unwanted_language", "ind_Latn"),
    ),
    "und stays und beside a list": (
        ("und", "Cyrl", 0.1),
        ("uzb_Cyrl",),
        ("undetermined_language", "und_Cyrl"),
    ),
}


@pytest.mark.parametrize(("row", "keep", "expected"), FACTS.values(), ids=FACTS.keys())
def test_filter_language(
    row: tuple[str, str, float], keep: tuple[str, ...], expected: tuple[str, str] | None
) -> None:
    kept, rejected = filter_language(batch_of([row]), LanguageFilteringConfig(keep=keep))
    assert [(r["reason"], r["detail"]) for r in rejected.to_pylist()] == (
        [expected] if expected else []
    )
    assert kept.num_rows == (0 if expected else 1)
    if expected and row[2] is not None:
        assert rejected["value"].to_pylist() == pytest.approx([row[2]])


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["eus", "und", "zxx", "rus"]),
            st.just("Latn"),
            st.floats(0, 1, width=32),
        )
    )
)
def test_kept_and_rejected_sum_to_the_input_in_order(
    rows: list[tuple[str | None, str | None, float | None]],
) -> None:
    kept, rejected = filter_language(batch_of(rows), LanguageFilteringConfig(keep=("eus_Latn",)))
    assert [(r["language"], r["language_score"]) for r in kept.to_pylist()] == [
        (r[0], r[2]) for r in rows if r[0] == "eus"
    ]
    assert rejected["language"].to_pylist() == [r[0] for r in rows if r[0] != "eus"]


def test_every_label_that_is_none_is_named_with_what_was_meant() -> None:
    with pytest.raises(
        ValidationError, match=r"got 'basque'; did you mean eus_Latn\n.* got 'sr-cyrl'; .* srp_Cyrl"
    ):
        LanguageFilteringConfig(keep=("basque", "hau_Latn", "sr-cyrl"))


def test_a_language_of_two_scripts_is_offered_in_both() -> None:
    with pytest.raises(ValidationError, match="got 'got'; did you mean got_Goth or got_Runr"):
        LanguageFilteringConfig(keep=("got",))


def test_unclear_members_are_kept_or_rejected_by_choice() -> None:
    fields = [*FIELDS, DOCUMENT.field("language_group")]
    values = [["hrv", "hrv", "srp"], ["Latn"] * 3, [0.9, 0.4, 0.4], [None, "hbs_Latn", "hbs_Latn"]]
    batch = pa.RecordBatch.from_arrays(
        [pa.array(column, field.type) for column, field in zip(values, fields, strict=True)],
        schema=pa.schema(fields),
    )
    assert filter_language(batch, LanguageFilteringConfig(keep=("hrv_Latn",))).kept.num_rows == 2
    kept, rejected = filter_language(
        batch, LanguageFilteringConfig(keep=("hrv_Latn",), unclear="reject")
    )
    assert kept["language_score"].to_pylist() == pytest.approx([0.9])
    assert [(row["reason"], row["detail"]) for row in rejected.to_pylist()] == [
        ("unclear_language", "hbs_Latn"),
        ("unwanted_language", "srp_Latn"),
    ]


def test_missing_columns_are_named() -> None:
    with pytest.raises(SchemaError, match="'script' is missing"):
        filter_language(
            batch_of([("eus", "Latn", 1.0)]).drop_columns(["script"]), LanguageFilteringConfig()
        )
