"""Near duplicates across splits: the shuffle finds what one process finds over all documents at
once."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from pipelines.build.plan import make_plan
from pipelines.phases.deduplication.cluster_sizes import find_cluster_sizes
from pipelines.phases.deduplication.kinds import DedupPhase
from pipelines.phases.deduplication.near import near_shuffle
from pipelines.phases.deduplication.shuffle_records import Deciding
from pipelines.phases.order import dedup_phases
from pipelines.staging.staged import staged_split
from pipelines.staging.store import Store
from pipelines.staging.tasks import Phase
from stages.deduplication.keepers import preference_keys, preference_ranks
from stages.deduplication.near import (
    band_keys,
    distinct_shingles,
    near_duplicates,
    near_signatures,
    similarity_of,
)
from stages.deduplication.options import KeeperOrder, NearDeduplicationConfig
from stages.deduplication.shingles import shingle_hashes
from tests.laws.mixed_corpus import passages
from tests.phase_runs import ingested, phase_run
from tests.recipes import one_source
from tests.running import run

RECIPE = (
    one_source("near", "lines", split_bytes=20_000)
    + """
[[dedup]]
stage = "near"
verify = "{verify}"

{keepers}
"""
)
LONGEST = KeeperOrder(by=("longest", "id"))
CLEANEST = KeeperOrder(by=("cleanest", "first"))


def edited(text: str, edits: int, chance: random.Random) -> str:
    """Replace some words by numbers: the more, the less similar."""
    words = text.split(" ")
    for place in chance.sample(range(len(words)), min(edits, len(words))):
        words[place] = str(chance.randrange(10**6))
    return " ".join(words)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    chance = random.Random(3)
    return [edited(text, chance.choice([0, 1, 2, 5, 20]), chance) for text in passages() * 12]


def expected_removals(
    texts: list[str], ids: list[str], order: KeeperOrder, verify: str
) -> dict[str, tuple[str, float]]:
    batch = pa.record_batch(
        {
            "text": pa.array(texts, pa.large_string()),
            "id": ids,
            "script": pa.nulls(len(ids), pa.string()),
            "other_language_share": pa.nulls(len(ids), pa.float32()),
        }
    )
    config = NearDeduplicationConfig.model_validate({"verify": verify})
    made = near_signatures(batch, config)
    ranks = preference_ranks(preference_keys(batch, order)[made.rows])
    distinct = distinct_shingles(
        shingle_hashes(batch, config.word_shingle, config.grapheme_shingle)
    )
    assert len(made.rows) == len(texts), "each text has letters"
    keys = band_keys(made.signatures, config)
    found = near_duplicates(keys, ranks, similarity_of(made.signatures, distinct, config), config)
    places = (made.rows[found.removed].tolist(), made.rows[found.keepers].tolist())
    edges = zip(*places, found.similarities.tolist(), strict=True)
    return {ids[removed]: (ids[keeper], similarity) for removed, keeper, similarity in edges}


@pytest.mark.parametrize(
    ("order", "verify"),
    [(CLEANEST, "shingles"), (LONGEST, "signature")],
    ids=[
        "the cleanest is kept by default, compared by shingles",
        "the longest is kept, compared by signature",
    ],
)
def test_the_shuffle_agrees_with_one_process(
    texts: list[str], order: KeeperOrder, verify: str, tmp_path: Path
) -> None:
    keepers = "" if order == CLEANEST else f"[keepers]\nby = {json.dumps(order.by)}"
    (tmp_path / "lines.jsonl").write_text(
        "".join(json.dumps({"text": text}) + "\n" for text in texts)
    )
    (tmp_path / "near.toml").write_text(RECIPE.format(keepers=keepers, verify=verify))
    run(tmp_path / "near.toml", tmp_path / "out", "--keep-staging")
    ledger = ds.dataset(tmp_path / "out/ledger").to_table().sort_by("position").to_pylist()
    expected = expected_removals(texts, [row["id"] for row in ledger], order, verify)
    duplicates = [row for row in ledger if row["fate"] == "duplicate"]
    assert {row["id"]: (row["duplicate_of"], row["value"]) for row in duplicates} == expected
    assert 20 < sum(similarity == 1 for _, similarity in expected.values()) < len(expected) - 20
    assert 50 < len(expected) < len(texts) - 50, "some go and some stay, or this says little"
    card = (tmp_path / "out/report.html").read_text()
    assert ("decided by cleanest: " in card, "decided by longest" in card) == (
        not keepers,
        bool(keepers),
    )
    if not keepers:
        _alternating_stars_give_the_same(tmp_path)


def _alternating_stars_give_the_same(folder: Path) -> None:
    """Run the shuffle once more with no edge allowed in memory, and compare the removal lists."""
    store, plan = Store(str(folder / "out")), make_plan(folder / "near.toml")
    removed = folder / "out/staging/dedup-0-near-removed"
    before = {file.name: pq.read_table(file) for file in sorted(removed.glob("*.parquet"))}
    for file in removed.iterdir():
        file.unlink()
    staged = [staged_split(split.id, ingested(store, split.id)) for split in plan.splits]
    assert len(staged) > 3
    phase = DedupPhase(Phase("dedup", "near", 0), (), staged)
    how = Deciding(NearDeduplicationConfig(), CLEANEST, 0)
    counts = near_shuffle(phase_run(store, max_edges=0), phase, how)
    assert counts.edges
    assert {file.name: pq.read_table(file) for file in sorted(removed.glob("*.parquet"))} == before
    sizes = folder / "out/staging/cluster-sizes"
    found = {file.name: np.load(file).tolist() for file in sorted(sizes.iterdir())}
    find_cluster_sizes(phase_run(store, max_edges=0), staged, [phase.phase])
    assert found
    assert {file.name: np.load(file).tolist() for file in sorted(sizes.iterdir())} == found


def test_what_a_later_stage_removes_brings_what_stood_behind_it(tmp_path: Path) -> None:
    """Three stages over four splits, in memory and by shuffles."""
    (tmp_path / "lines.jsonl").write_text(
        "".join(
            json.dumps({"text": text, "url": f"https://e.org/{n % 7}"}) + "\n"
            for n, text in enumerate(passages() * 3)
        )
    )
    stages = "".join(f'[[dedup]]\nstage = "{stage}"\n' for stage in ("exact", "url", "near"))
    source = one_source("near", "lines", options='columns = { url = "url" }', split_bytes=20_000)
    (tmp_path / "near.toml").write_text(source + stages)
    run(tmp_path / "near.toml", tmp_path / "out", "--keep-staging")
    store, plan = Store(str(tmp_path / "out")), make_plan(tmp_path / "near.toml")
    staged = [staged_split(split.id, ingested(store, split.id)) for split in plan.splits]
    sizes = tmp_path / "out/staging/cluster-sizes"
    found = {file.name: np.load(file).tolist() for file in sorted(sizes.iterdir())}
    find_cluster_sizes(phase_run(store, max_edges=0), staged, dedup_phases(plan.recipe))
    assert max(size for split in found.values() for _, size in split) > 3
    assert {file.name: np.load(file).tolist() for file in sorted(sizes.iterdir())} == found
