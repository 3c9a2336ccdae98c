"""Law 1: documents in = published + dropped + duplicates + failed, counted from the files
themselves."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from tests.laws.mixed_corpus import write_mixed_corpus
from tests.running import digests, run


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    run(write_mixed_corpus(folder, 1200), folder / "out")
    return folder / "out"


def test_every_document_has_one_fate(corpus: Path) -> None:
    manifest = json.loads((corpus / "manifest.json").read_text())
    ledger = ds.dataset(corpus / "ledger").to_table()
    fates = Counter(ledger["fate"].to_pylist())
    assert sum(split["documents_in"] for split in manifest["splits"]) == sum(fates.values())
    assert set(fates) == {"published", "dropped", "duplicate", "failed"}, (
        "each fate is met, or the law says little"
    )
    for phase in manifest["phases"]:
        assert (
            phase["documents_in"]
            == phase["kept"] + phase["dropped"] + phase["duplicates"] + phase["failed"]
        )
    assert manifest["phases"][-1]["kept"] == fates["published"]
    addresses = list(
        zip(*(ledger[name].to_pylist() for name in ("source", "path", "position")), strict=True)
    )
    assert len(set(addresses)) == len(addresses), "one row for each record"


def test_published_rows_lie_where_the_ledger_says(corpus: Path) -> None:
    ledger = ds.dataset(corpus / "ledger").to_table().to_pylist()
    shards = {
        str(path.relative_to(corpus)): pq.read_table(path).to_pylist()
        for path in corpus.glob("data/*/*.parquet")
    }
    published = [row for row in ledger if row["fate"] == "published"]
    assert sum(map(len, shards.values())) == len(published)
    for row in published:
        document = shards[row["shard"]][row["row"]]
        assert [document[key] for key in ("id", "source", "path", "position")] == [
            row[key] for key in ("id", "source", "path", "position")
        ]
        assert row["shard"].startswith(f"data/{document['language']}_{document['script']}/")


def test_a_duplicate_names_a_document_that_outlived_it(corpus: Path) -> None:
    """Removed for an equal one by one stage, that one may go by the next: each stage's keepers live
    until then."""
    ledger = ds.dataset(corpus / "ledger").to_table().to_pylist()
    left_at = {row["id"]: row["stage"] for row in ledger if row["phase"] == "dedup"}
    order = ["duplicate_id", "exact", "near", "lines", "spans"]
    duplicates = [row for row in ledger if row["fate"] == "duplicate"]
    assert {row["stage"] for row in duplicates} == {"exact", "near", "duplicate_id"}
    for row in duplicates:
        if row["stage"] != "duplicate_id":
            kept_until = left_at.get(row["duplicate_of"], "published")
            assert kept_until == "published" or order.index(kept_until) > order.index(row["stage"])
    dropped = {
        row["stage"] for row in ledger if row["fate"] == "dropped" and row["phase"] == "dedup"
    }
    assert dropped == {"lines", "spans"}, "both are met, or the laws say little of them"


def test_a_failed_record_leaves_its_bytes(corpus: Path) -> None:
    ledger = ds.dataset(corpus / "ledger").to_table().to_pylist()
    failed = {row["id"]: row for row in ledger if row["fate"] == "failed"}
    rejects = {row["id"]: row for row in ds.dataset(corpus / "rejects").to_table().to_pylist()}
    assert set(failed) == set(rejects)
    assert all(row["detail"] for row in failed.values())
    assert any(row["raw"] == b'{"text": "no end\n' for row in rejects.values())
    assert any(b"\xff\xfe broken" in row["raw"] for row in rejects.values())


def test_the_manifest_names_every_file_with_its_hash(corpus: Path) -> None:
    manifest = json.loads((corpus / "manifest.json").read_text())
    found = digests(corpus)
    del found["manifest.json"]
    assert {file["path"]: file["sha256"] for file in manifest["files"]} == found
