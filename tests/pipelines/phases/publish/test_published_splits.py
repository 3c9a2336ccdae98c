"""Documents are parted into `train`, `validation` and `test` by a hash, and what belongs together
is not parted."""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from huggingface_hub import DatasetCard

from pipelines.build.output import BuildOptions, build
from pipelines.build.plan import make_plan
from pipelines.phases.deduplication.shuffle_records import MEMBER
from pipelines.phases.publish.splits import (
    LARGEST_GROUP,
    TEST,
    SplitWorker,
    clusters_folder,
    write_groups,
)
from pipelines.runners.local import Runner
from pipelines.staging.staged import RowRun, StagedSplit, staged_split
from pipelines.staging.store import Store
from pipelines.staging.tasks import Phase
from schemas.card.card import Card
from schemas.recipe import PublishConfig
from tests.phase_runs import ingested
from tests.recipes import one_source
from tests.running import digests, run

NEAR, ACROSS = Phase("dedup", "near", 1), Phase("dedup", "across_scripts", 2)

pytest.importorskip("icu", reason="the letter tables of transliteration run on PyICU")

RECIPE = (
    one_source("parted", options='columns = { id = "key" }', split_bytes=40_000)
    + """
[[ingest]]
stage = "identify_language"

[[dedup]]
stage = "near"

[[augment]]
stage = "transliterate"
schemes = { srp_Cyrl = "serbian" }
mode = "parallel"

[publish]
test = 0.2
validation = 0.1
"""
)
WORDS = re.findall(
    r"\w+",
    "Сва људска бића рађају се слободна и једнака у достојанству и правима. Она су обдарена разумом и свешћу и треба "
    "једни према другима да поступају у духу братства. Свако има право на живот, слободу и безбедност личности. Нико "
    "се не сме држати у ропству или ропском положају: ропство и трговина робљем забрањени су у свим облицима.",
)
FILES = ("train", "validation", "test")


def pages() -> list[dict[str, str]]:
    """Pages, half of them alone and half in chains, each like the one before it and less like the
    first."""
    chance = random.Random(5)
    found = []
    for group in range(120):
        text = chance.choices(WORDS, k=100)
        for link in range(5 if group % 2 else 1):
            for place in chance.sample(range(100), 3 if link else 0):
                text[place] = f"{text[place]}{chance.choice(WORDS)}"
            found.append({"text": " ".join(text), "key": f"{group}/{link}"})
    chance.shuffle(found)
    return found


def write(folder: Path, found: list[dict[str, str]]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "pages.jsonl").write_text(
        "".join(json.dumps(page, ensure_ascii=False) + "\n" for page in found)
    )
    (folder / "parted.toml").write_text(RECIPE)
    return folder / "parted.toml"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parted")
    run(write(folder, pages()), folder / "out", "--workers", "1", "--keep-staging")
    return folder / "out"


def split_of(out: Path) -> dict[str, str]:
    """Return the published split of each id."""
    found = {}
    for file in sorted(out.glob("data/*/*.parquet")):
        for key in ds.dataset(file).to_table(columns=["id"])["id"].to_pylist():
            found[key] = file.name.split("-")[0]
    return found


def rows(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ds.dataset(folder).to_table().to_pylist()
    return found


def clusters_of(out: Path) -> list[set[str]]:
    """Return the ids of the documents of each cluster, as deduplication left them in the staging
    folder."""
    store, clusters = Store(str(out)), defaultdict[int, set[str]](set)
    for split in make_plan(out.parent / "parted.toml").splits:
        staged = staged_split(split.id, ingested(store, split.id))
        ids = [
            key
            for file in staged.files
            for key in store.read_parquet(file, ["id"])["id"].to_pylist()
        ]
        file = f"{clusters_folder(NEAR)}/{split.id}.npy"
        for row, cluster in store.load_array(file).tolist() if store.exists(file) else ():
            clusters[cluster].add(ids[row])
    return list(clusters.values())


def test_clusters_and_made_documents_stay_together(out: Path) -> None:
    where = split_of(out)
    made = [row for row in rows(out / "data") if row["parent_id"]]
    assert len(made) == len(where) / 2
    assert all(where[row["id"]] == where[row["parent_id"]] for row in made)
    kept = [[where[key] for key in cluster & where.keys()] for cluster in clusters_of(out)]
    several = [splits for splits in kept if len(splits) > 1]
    assert len(several) > 20, "the test needs documents that are alike and were kept"
    assert all(len(set(splits)) == 1 for splits in several)
    assert {splits[0] for splits in several} == set(FILES), "clusters are in every split"
    shares = [list(where.values()).count(name) / len(where) for name in FILES]
    assert shares == pytest.approx([0.7, 0.1, 0.2], abs=0.12)


def test_ledger_names_the_place_of_every_document(out: Path) -> None:
    shards = {
        str(path.relative_to(out)): ds.dataset(path).to_table(columns=["id"])["id"]
        for path in out.glob("data/*/*")
    }
    published = [row for row in rows(out / "ledger") if row["fate"] == "published"]
    assert len(published) == sum(map(len, shards.values()))
    assert all(shards[row["shard"]][row["row"]].as_py() == row["id"] for row in published)
    assert all(row["shard"] is None for row in rows(out / "ledger") if row["fate"] != "published")


def test_card_lists_the_splits(out: Path) -> None:
    card, readme = (
        Card.model_validate_json((out / "card.json").read_text()),
        (out / "README.md").read_text(),
    )
    metadata = vars(DatasetCard(readme).data)
    where = split_of(out)
    assert [s["split"] for s in metadata["configs"][0]["data_files"]] == list(FILES)
    told = {s["name"]: s["num_examples"] for s in metadata["dataset_info"][0]["splits"]}
    assert told == {name: list(where.values()).count(name) for name in FILES}
    assert {file.split for file in card.files} == set(FILES)
    section = readme.split("## Splits")[1].split("## ")[0]
    assert "20% for test" in section
    lines = [line.split("|")[1:-1] for line in section.splitlines() if line.startswith("|")]
    assert [cell.strip() for cell in lines[0]] == ["Subset", *FILES]
    counted = np.array([[int(cell) for cell in line[1:]] for line in lines[2:]])
    assert counted.sum(axis=0).tolist() == [told[name] for name in FILES]


def test_datasets_loads_a_split(out: Path, tmp_path: Path) -> None:
    found = datasets.load_dataset(
        str(out), split="test", verification_mode="all_checks", cache_dir=str(tmp_path)
    )
    assert set(found["id"]) == {key for key, name in split_of(out).items() if name == "test"}


def test_workers_and_blocks_change_no_byte(out: Path, tmp_path: Path) -> None:
    plan = make_plan(write(tmp_path, pages()))
    build(
        plan,
        str(tmp_path / "out"),
        Runner(workers=3),
        lambda task, counts: None,
        BuildOptions(block_bytes=4000),
    )
    assert digests(tmp_path / "out") == digests(out)


def members_of(store: Store, clusters: list[list[int]], phase: Phase = NEAR) -> None:
    members = [(row, number) for number, cluster in enumerate(clusters) for row in cluster]
    store.save_array(f"{clusters_folder(phase)}/s.npy", np.array(members, MEMBER))


def parted(store: Store, ids: list[str], phases: list[Phase]) -> list[int]:
    """Choose the splits of one staged split of documents with these ids."""
    with store.writing_parquet("staging/s.parquet", pa.schema([("id", pa.string())])) as writer:
        writer.write_table(pa.table({"id": ids}))
    part = RowRun(
        file="staging/s.parquet",
        row_group=0,
        label="eus_Latn",
        first_row=0,
        rows=len(ids),
        text_bytes=1,
    )
    split = StagedSplit(name="s", documents=len(ids), runs=(part,))
    write_groups(store, [split], phases)
    worker = SplitWorker(store, PublishConfig(test=0.4))
    worker.run(
        split.task().model_copy(update={"payload": {"split": split.model_dump(), "parent": None}})
    )
    found: list[int] = store.load_array("staging/publish-splits/s/splits.npy").tolist()
    return found


def test_the_order_of_documents_decides_nothing(tmp_path: Path) -> None:
    """The same ids in the same clusters, the other way round."""
    ids = [f"d{number}" for number in range(60)]
    clusters = [[number, number + 20, number + 40] for number in range(10)]
    one, two = Store(str(tmp_path / "one")), Store(str(tmp_path / "two"))
    members_of(one, clusters)
    members_of(two, [[59 - row for row in cluster] for cluster in clusters])
    found = parted(one, ids, [NEAR])
    assert parted(two, ids[::-1], [NEAR])[::-1] == found
    assert all(len({found[row] for row in cluster}) == 1 for cluster in clusters)
    assert len({found[cluster[0]] for cluster in clusters}) == 2


def test_clusters_of_two_stages_are_tied(tmp_path: Path) -> None:
    store, phases = Store(str(tmp_path)), [NEAR, ACROSS]
    members_of(store, [[row, row + 1] for row in range(0, 40, 4)])
    members_of(store, [[row + 1, row + 2] for row in range(0, 40, 4)], phases[1])
    found = parted(store, [f"d{number}" for number in range(40)], phases)
    assert all(len(set(found[row : row + 3])) == 1 for row in range(0, 40, 4))
    assert any(found[row] != found[row + 3] for row in range(0, 40, 4)), "the fourth is alone"


@pytest.mark.parametrize(("size", "splits"), [(LARGEST_GROUP, 2), (LARGEST_GROUP + 1, 1)])
def test_a_template_that_many_pages_share_is_train(size: int, splits: int, tmp_path: Path) -> None:
    """Of 20 groups some are test, unless they are too large."""
    store = Store(str(tmp_path))
    members_of(store, [list(range(group * size, (group + 1) * size)) for group in range(20)])
    found = parted(store, [str(number) for number in range(20 * size)], [NEAR])
    assert len(set(found)) == splits
    assert (TEST in found) == (splits == 2)


@pytest.mark.parametrize(("test", "validation"), [(0.6, 0.0), (0.5, 0.5), (-0.1, 0.0)])
def test_shares_leave_documents_to_train(test: float, validation: float) -> None:
    with pytest.raises(ValueError, match="test"):
        PublishConfig(test=test, validation=validation)
    assert PublishConfig(test=0.5, validation=0.4).test == 0.5
