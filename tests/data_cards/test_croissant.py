"""`croissant.json` is valid to its own library, which loads the records that the shards hold."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlcroissant
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_cards.pages import croissant
from schemas.card.card import Card
from schemas.card.synthesis import SyntheticFile
from schemas.synthesis import synthetic_schema


def dataset(folder: Path) -> Any:
    return mlcroissant.Dataset(str(folder / croissant.NAME), mapping={"repository": str(folder)})


@pytest.mark.parametrize("label", ["eus_Latn", "uig_Arab"])
def test_records_are_those_of_the_shards(label: str, published: Any) -> None:
    rows = [
        row
        for path in sorted(published.folder.glob(f"data/{label}/*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]
    records = list(dataset(published.folder).records(label))
    assert {record[f"{label}/id"].decode() for record in records} == {row["id"] for row in rows}
    texts = {record[f"{label}/id"].decode(): record[f"{label}/text"].decode() for record in records}
    assert texts == {row["id"]: row["text"] for row in rows}


def test_all_documents_are_one_record_set(published: Any) -> None:
    found = dataset(published.folder)
    assert not found.metadata.issues.errors
    assert sum(1 for _ in found.records("all")) == sum(
        file.documents for file in published.card.files
    )


def test_synthetic_rows_are_record_sets_of_their_own(published: Any, tmp_path: Path) -> None:
    folder = shutil.copytree(published.folder, tmp_path / "corpus")
    path = "synthetic/question_answer/train-00000-of-00001.parquet"
    schema = synthetic_schema("question_answer")
    row = {
        field.name: "x" if pa.types.is_string(field.type) or pa.types.is_large_string(field.type) else None
        for field in schema
    }  # fmt: skip
    answers = {"text": ["bat", "bi"], "answer_start": [0, 4]}
    rows = [row | {"id": str(number), "question": "Zer?", "answers": answers} for number in (0, 1)]
    (folder / path).parent.mkdir(parents=True)
    nullable = pa.schema([field.with_nullable(True) for field in schema])
    pq.write_table(pa.Table.from_pylist(rows, nullable), folder / path)
    file = SyntheticFile(
        name="question_answer",
        split="train",
        path=path,
        rows=2,
        size_bytes=(folder / path).stat().st_size,
        num_bytes=0,
        samples=(),
    )
    card = published.card.model_copy(update={"synthetic": (file,)})
    (folder / croissant.NAME).write_text(croissant.croissant_json(card))
    found = dataset(folder)
    assert not found.metadata.issues.errors
    records = list(found.records("question_answer"))
    assert [record["question_answer/id"] for record in records] == [b"0", b"1"]
    assert {record["question_answer/question"] for record in records} == {b"Zer?"}
    documents = sum(published.documents for published in card.files)
    assert sum(1 for _ in found.records("all")) == documents


def test_every_shard_is_named_with_its_digest(published: Any) -> None:
    described = json.loads(published.text(croissant.NAME))
    named = {
        part["@id"]: part["sha256"]
        for part in described["distribution"]
        if part["@id"].startswith("data/")
    }
    assert named == {file.path: file.sha256 for file in published.card.files}


def test_of_many_languages_one_record_set_is_enough(
    published: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(croissant, "MOST_FEATURE_COPIES", 1)
    described = json.loads(croissant.croissant_json(published.card))
    assert [records["name"] for records in described["recordSet"]] == ["all"]


def test_what_sources_say_is_data(
    make_published: Callable[..., Any], published: Any, tmp_path: Path
) -> None:
    hostile = {
        "title": 'a "title"\n</script>',
        "description": "\u202e@id: other",
        "limitations": ("{}",),
    }
    identity = published.card.identity.model_copy(update=hostile)
    card: Card = published.card.model_copy(update={"identity": identity})
    described = json.loads(croissant.croissant_json(card))
    assert described["alternateName"] == 'a "title" </script>'
    assert described["@type"] == "sc:Dataset"
