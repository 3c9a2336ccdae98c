"""Near deduplication of what is hard: nothing, one word, very long, all equal, none equal, a
template of a million."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from numpy.typing import NDArray

from pipelines.phases.deduplication.kinds import DedupPhase
from pipelines.phases.deduplication.near import near_shuffle
from pipelines.phases.deduplication.shuffle_records import Deciding, DedupCounts, signature_dtype
from pipelines.staging.staged import RowRun, StagedSplit, removals
from pipelines.staging.store import Store
from pipelines.staging.tasks import Phase
from stages.deduplication.near import (
    band_keys,
    distinct_shingles,
    estimated_similarity,
    exact_similarity,
    near_duplicates,
    near_signatures,
)
from stages.deduplication.options import KeeperOrder, NearDeduplicationConfig
from stages.deduplication.shingles import shingle_hashes
from tests.phase_runs import phase_run
from tests.recipes import one_source
from tests.running import run

CONFIG = NearDeduplicationConfig()
TEMPLATES = NearDeduplicationConfig(verify="signature")
RECIPE = (
    one_source("hard", "lines", split_bytes=20_000)
    + """
[[dedup]]
stage = "near"
"""
)


def test_empty_texts_one_word_and_a_corpus_of_copies(tmp_path: Path) -> None:
    """Of texts without letters none resembles another; one word is compared whole, and the copy
    with an end mark stays; of 400 equal copies the first stays.
    """
    chance = np.random.default_rng(1)
    copy = " ".join(map(str, chance.integers(0, 10**9, 40).tolist()))
    different = [" ".join(map(str, chance.integers(0, 10**9, 40).tolist())) for _ in range(100)]
    texts = [
        "",
        "",
        "...",
        "...",
        "kaixo",
        "Kaixo!",
        "agur",
        *different[:50],
        *[copy] * 400,
        *different[50:],
    ]
    (tmp_path / "lines.jsonl").write_text(
        "".join(json.dumps({"text": text}) + "\n" for text in texts)
    )
    (tmp_path / "hard.toml").write_text(RECIPE)
    run(tmp_path / "hard.toml", tmp_path / "out")
    ledger = ds.dataset(tmp_path / "out/ledger").to_table().sort_by("position").to_pylist()
    place = {row["id"]: number for number, row in enumerate(ledger)}
    found = {
        place[row["id"]]: place[row["duplicate_of"]] for row in ledger if row["fate"] == "duplicate"
    }
    first = texts.index(copy)
    assert found == {4: 5} | dict.fromkeys(range(first + 1, first + 400), first)
    kept = ds.dataset(tmp_path / "out/data").to_table(columns=["text", "cluster_size"]).to_pylist()
    sizes = {row["text"]: row["cluster_size"] for row in kept}
    assert sizes == {text: 1 for text in texts if text != "kaixo"} | {"Kaixo!": 2, copy: 400}


LONG: dict[str, Callable[[np.random.Generator], str]] = {
    "words": lambda chance: " ".join(map(str, chance.integers(0, 10**9, 10**6).tolist())),
    "one word of letters": lambda chance: "a" * 10_000_000,
    "one run of Thai letters": lambda chance: "\u0e01" * 3_000_000,
    "capitals outside ASCII": lambda chance: "\u00c1\u0130 " * 2_000_000,
}


@pytest.mark.parametrize("kind", LONG)
def test_a_very_long_document(kind: str) -> None:
    """About 10 MB, beside the same with a number behind it and one twice as long: memory grows with
    the shingles."""
    text = LONG[kind](np.random.default_rng(2))
    near_signatures(batch_of("a"), CONFIG)  # the tables are made
    batch = batch_of(text, text + " 7", text + " " + text[::-1] if kind == "words" else "else")
    tracemalloc.start()
    try:
        signed = near_signatures(batch, CONFIG)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    made = shingle_hashes(batch, CONFIG.word_shingle, CONFIG.grapheme_shingle)
    assert peak < 3 * made.hashes.nbytes + 2 * batch["text"].nbytes + (32 << 20)
    distinct = distinct_shingles(made)
    similar = exact_similarity(distinct, np.array([0, 0]), np.array([1, 2]))
    estimated = estimated_similarity(signed.signatures[[0, 0]], signed.signatures[[1, 2]])
    expected = {
        "words": (1.0, 0.5),
        # it is cut every 256 KiB: two shingles, and one that ends in 7
        "one word of letters": (
            2 / 3,
            0.0,
        ),
        "one run of Thai letters": (0.5, 0.0),  # of equal clusters, and one that ends in 7
        "capitals outside ASCII": (1 / 2, 0.0),
    }[kind]
    assert similar == pytest.approx(expected, abs=1e-4)
    assert estimated == pytest.approx(expected, abs=0.2)


def batch_of(*texts: str) -> pa.RecordBatch:
    return pa.record_batch({"text": pa.array(texts, pa.large_string())})


MANY = 100_000
SLOTS = 112


def all_equal(chance: np.random.Generator) -> NDArray[np.uint32]:
    return np.repeat(chance.integers(0, 1 << 32, (1, SLOTS), np.uint32), MANY, axis=0)


def none_equal(chance: np.random.Generator) -> NDArray[np.uint32]:
    return chance.integers(0, 1 << 32, (MANY, SLOTS), np.uint32)


def one_template(chance: np.random.Generator) -> NDArray[np.uint32]:
    signatures = none_equal(chance)
    signatures[:, :8] = 1  # the first band
    return signatures


SKEWED = {
    "all equal": (all_equal, MANY - 1, MANY - 1),
    "none equal": (none_equal, 0, 0),
    "a band that all share": (one_template, 0, 32 * MANY),
}


@pytest.mark.parametrize(("make", "removed", "most"), SKEWED.values(), ids=SKEWED.keys())
def test_comparisons_and_memory_grow_with_the_documents(
    make: Callable[[np.random.Generator], NDArray[np.uint32]], removed: int, most: int
) -> None:
    """So does memory: 64 MiB of signatures that are compared at once, and 300 bytes for each
    document."""
    signatures = make(np.random.default_rng(3))
    keys = band_keys(signatures, CONFIG)
    tracemalloc.start()
    try:
        found = near_duplicates(
            keys,
            np.arange(MANY),
            lambda left, right: estimated_similarity(signatures[left], signatures[right]),
            CONFIG,
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found.removed) == removed
    assert found.compared <= most
    assert peak < (64 << 20) + 300 * MANY


def test_a_template_of_many_documents_through_the_shuffle(tmp_path: Path) -> None:
    """All share a band, and so are of one cluster; every tenth is a copy of the one before, and no
    other is one."""
    counts, removed = shuffle_template(tmp_path, 20_000)
    assert removed == {place: place - 1 for place in range(10, 20_000, 10)}
    assert counts.clustered == 20_000
    assert counts.compared is not None
    assert counts.compared <= 33 * 20_000
    assert counts.exhausted_buckets == 1


def shuffle_template(folder: Path, count: int) -> tuple[DedupCounts, dict[int, int]]:
    """Shuffle signatures that share the first band; return what was counted, and which went for
    which."""
    signatures = np.random.default_rng(4).integers(0, 1 << 32, (count, SLOTS), np.uint32)
    signatures[:, :8] = 1
    signatures[10::10] = signatures[9:-1:10]
    store, splits = Store(str(folder)), []
    size = min(count // 2, 50_000)
    for start in range(0, count, size):
        staged = np.zeros(size, signature_dtype(TEMPLATES, 0))
        staged["row"], staged["signature"] = np.arange(size), signatures[start : start + size]
        name, file = f"{start:08d}", f"staging/ingest/{start:08d}/documents-00000.parquet"
        store.save_array(f"staging/dedup-0-near/{name}/keys.npy", staged)
        ids = pa.table({"id": [str(start + place) for place in range(size)]})
        with store.writing_parquet(file, ids.schema) as writer:
            writer.write_table(ids)
        documents = RowRun(
            file=file, row_group=0, label="und_Zyyy", first_row=0, rows=size, text_bytes=size
        )
        splits.append(StagedSplit(name=name, documents=size, runs=(documents,)))
    phase = Phase("dedup", "near", 0)
    first = KeeperOrder(by=("first",))
    counts = near_shuffle(
        phase_run(store), DedupPhase(phase, (), splits), Deciding(TEMPLATES, first, 0)
    )
    removed: dict[int, int] = {}
    for split in splits:
        table = removals(store, [phase], split.name)
        places = table["row"].to_numpy() + int(split.name)
        removed |= dict(zip(places.tolist(), table["keeper"].to_pylist(), strict=True))
    return counts, removed
