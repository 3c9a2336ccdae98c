"""The stage on blocks: which documents change, what new documents and pairs say of themselves."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.columns import SchemaError, description
from schemas.document import DOCUMENT
from schemas.ledger import CHANGE
from stages.transliteration.conditions import load_condition
from stages.transliteration.options import TransliterationConfig, WordCondition
from stages.transliteration.schemes import RULES_VERSION
from stages.transliteration.transliterate import (
    PAIR,
    PROVENANCE,
    pairs,
    parallel_rows,
    transliterate_batch,
)

pytest.importorskip("icu", reason="the stage needs glotmill[icu]")
CONFIG = TransliterationConfig(schemes={"uzn_Cyrl": "uzbek_1995", "srp_Cyrl": "serbian"})
ROWS = [
    ("a", "Ўзбек тили", "uzb", "Cyrl"),
    ("b", "Русский язык", "rus", "Cyrl"),
    ("c", "Његош", "srp", "Cyrl"),
    ("d", "O\u02bbzbek", "uzb", "Latn"),
    ("e", "тил", None, None),
    ("f", "1995 \U0001f600", "uzb", "Cyrl"),
    ("g", "тил", "uzb", "Cyrl"),
]


def documents(rows: list[tuple[str, str, str | None, str | None]]) -> pa.RecordBatch:
    ids, texts, languages, scripts = (
        map(list, zip(*rows, strict=True)) if rows else ([], [], [], [])
    )
    columns = {"id": ids, "text": texts, "language": languages, "script": scripts}
    known = columns | {
        "source": ["web"] * len(rows),
        "synthetic": [False] * len(rows),
        "cluster_size": [3] * len(rows),
    }
    fields = [
        DOCUMENT.field(name)
        for name in DOCUMENT.names
        if name in {*known, *PROVENANCE.names, "parent_id", "generator"}
    ]
    arrays = [pa.array(known.get(field.name, [None] * len(rows)), field.type) for field in fields]
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def test_covered_documents_are_replaced_and_others_pass() -> None:
    batch = documents(ROWS)
    made, changes = transliterate_batch(batch, CONFIG)
    assert made.schema.equals(batch.schema, check_metadata=True)
    assert list(zip(made["text"].to_pylist(), made["script"].to_pylist(), strict=True)) == [
        ("O\u02bbzbek tili", "Latn"),
        ("Русский язык", "Cyrl"),
        ("Njegoš", "Latn"),
        ("O\u02bbzbek", "Latn"),
        ("тил", None),
        ("1995 \U0001f600", "Cyrl"),
        ("til", "Latn"),
    ]
    assert changes.schema == CHANGE
    assert {(row["rule"], row["language"], row["documents"]) for row in changes.to_pylist()} == {
        ("uzbek_1995", "uzb", 2),
        ("serbian", "srp", 1),
    }
    assert made["transliterated_from"].to_pylist() == [
        "uzb_Cyrl", None, "srp_Cyrl", None, None, None, "uzb_Cyrl"
    ]  # fmt: skip
    assert made["transliteration_scheme"][0].as_py() == "uzbek_1995"
    changed = ("text", "script", *PROVENANCE.names)
    untouched = [name for name in batch.schema.names if name not in changed]
    assert made.select(untouched).equals(batch.select(untouched))


def test_parallel_documents_say_what_they_were_made_from() -> None:
    made = parallel_rows(documents(ROWS), CONFIG)
    rows = made.to_pylist()
    assert [(r["parent_id"], r["text"], r["script"]) for r in rows] == [
        ("a", "O\u02bbzbek tili", "Latn"),
        ("c", "Njegoš", "Latn"),
        ("g", "til", "Latn"),
    ], "one for each document that changed, in their order"
    assert rows[0] | {"id": "", "source": ""} == {
        "id": "",
        "source": "",
        "text": "O\u02bbzbek tili",
        "language": "uzb",
        "script": "Latn",
        "parent_id": "a",
        "synthetic": True,
        "generator": f"rules {RULES_VERSION}",
        "cluster_size": None,
        "transliterated_from": "uzb_Cyrl",
        "transliteration_scheme": "uzbek_1995",
        "transliteration_version": RULES_VERSION,
    }
    assert [made.schema.field(field.name) for field in PROVENANCE] == list(PROVENANCE)
    assert len({r["id"] for r in rows} | {row[0] for row in ROWS}) == len(ROWS) + 3
    assert all(len(r["id"]) == 32 for r in rows)


def test_ids_depend_on_parent_scheme_and_nothing_else() -> None:
    batch = documents(ROWS)
    whole = parallel_rows(batch, CONFIG)["id"].to_pylist()
    apart = [
        i
        for k in range(batch.num_rows)
        for i in parallel_rows(batch.slice(k, 1), CONFIG)["id"].to_pylist()
    ]
    assert apart == whole
    other = parallel_rows(batch, TransliterationConfig(schemes={"uzb_Cyrl": "uzbek_2023"}))[
        "id"
    ].to_pylist()
    assert not set(other) & set(whole)


def test_new_documents_say_what_they_were_made_of_whether_the_batch_had_the_columns_or_not() -> (
    None
):
    batch = documents(ROWS)
    for asked in (batch, batch.drop_columns(PROVENANCE.names)):
        made = parallel_rows(asked, CONFIG)
        assert made["transliterated_from"].to_pylist() == ["uzb_Cyrl", "srp_Cyrl", "uzb_Cyrl"]
    assert parallel_rows(batch, CONFIG).schema.equals(batch.schema, check_metadata=True)


def test_pairs_hold_both_texts() -> None:
    made = pairs(documents(ROWS), CONFIG)
    assert made.schema.equals(PAIR, check_metadata=True)
    assert made.to_pylist()[1] == {
        "id": "c",
        "language": "srp",
        "script": "Cyrl",
        "original": "Његош",
        "romanization": "Njegoš",
        "transliteration_scheme": "serbian",
        "transliteration_version": RULES_VERSION,
    }


@pytest.mark.parametrize("make", [parallel_rows, pairs])
def test_nothing_gives_nothing(make: Callable[..., pa.RecordBatch]) -> None:
    assert make(documents([]), CONFIG).num_rows == 0
    assert make(documents([ROWS[1]]), CONFIG).num_rows == 0
    assert transliterate_batch(documents([]), CONFIG).batch.num_rows == 0


def test_a_star_takes_whatever_has_no_scheme_of_its_own() -> None:
    config = TransliterationConfig(schemes={"uzb_Cyrl": "uzbek_1995", "*": "uroman"})
    made = transliterate_batch(documents(ROWS[:4]), config).batch
    assert made["text"].to_pylist() == [
        "O\u02bbzbek tili",
        "Russky yazyk",
        "Njegosh",
        "O\u02bbzbek",
    ]


def test_with_a_condition_the_script_is_the_one_that_most_letters_are_in() -> None:
    rows: list[tuple[str, str, str | None, str | None]] = [
        ("a", "il-ktieb u l-kompjuter", "mlt", "Latn"),
        ("b", "ktieb kelb", "mlt", "Latn"),
    ]
    config = TransliterationConfig(schemes={"mlt_Latn": "maltese_arabic"})
    condition = load_condition(WordCondition(words=("ktieb", "kelb")))
    made = transliterate_batch(documents(rows), config, condition).batch
    assert made["text"].to_pylist() == ["الكتاب u l-kompjuter", "كتاب كلب"]
    assert made["script"].to_pylist() == ["Latn", "Arab"]
    assert parallel_rows(documents(rows), config, condition)["script"].to_pylist() == [
        "Latn",
        "Arab",
    ]


@pytest.mark.parametrize(
    ("schemes", "message"),
    [
        (
            {"uzb_Cyrl": "serbian"},
            "no transliteration serbian from uzb_Cyrl; there is srp hbs bos cnr hrv: Cyrl to",
        ),
        ({"uzb_Cyrl": "klingon"}, r"unknown scheme 'klingon' \(known: ala_lc, "),
        (
            {"uzb_Cyrl": "klingon", "srp_Cyrl": "serbo"},
            r"'klingon' .*\n.*'serbo', did you mean 'serbian'",
        ),
        ({"Uzbek": "uzbek_1995"}, "language must look like uzb_Cyrl"),
        (
            {"*": "serbian"},
            '"\\*" must be "uroman", the scheme for every language and script, got \'serbian\'',
        ),
        ({}, "at least 1 item"),
    ],
)
def test_a_recipe_that_cannot_be_followed_is_refused(schemes: dict[str, str], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TransliterationConfig(schemes=schemes)


def test_a_batch_without_languages_is_refused() -> None:
    with pytest.raises(SchemaError, match="'language' is missing"):
        transliterate_batch(documents(ROWS).drop_columns(["language"]), CONFIG)


def test_every_column_is_described() -> None:
    assert all(map(description, [*PROVENANCE, *PAIR]))


words = st.sampled_from(
    ["тил", "Ўзбек", "til", " ", "\n", "1995", "https://a.uz/ё", "\u0301", "\U0001f600", "ъ", "%s"]
)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.lists(words, max_size=6).map("".join), max_size=5), st.integers(0, 5))
def test_rows_do_not_depend_on_where_they_lie(texts: list[str], cut: int) -> None:
    batch = documents([(str(n), text, "uzb", "Cyrl") for n, text in enumerate(texts)])
    whole = transliterate_batch(batch, CONFIG).batch["text"].to_pylist()
    halves = (batch.slice(0, cut), batch.slice(cut))
    parts = [transliterate_batch(half, CONFIG).batch["text"].to_pylist() for half in halves]
    assert parts[0] + parts[1] == whole
