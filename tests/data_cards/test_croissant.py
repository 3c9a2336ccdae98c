"""`croissant.json` is valid to its own library, which loads the records that the shards hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlcroissant
import pyarrow.parquet as pq
import pytest

from data_cards.pages import croissant
from schemas.card.card import Card


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
