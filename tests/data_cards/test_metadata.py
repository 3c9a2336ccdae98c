"""The front matter is what the Hub's libraries read: every subset loads, by the name of its
language and script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pyarrow.parquet as pq
import pytest
import yaml  # type: ignore[import-untyped]
from datasets.info import DatasetInfo, DatasetInfosDict
from huggingface_hub import DatasetCard, DatasetCardData

from data_cards.pages import metadata
from data_cards.pages.metadata import front_matter, hub_licence, size_category
from data_cards.sections.overview import merge_sizes


@pytest.fixture(autouse=True)
def _offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    datasets.disable_progress_bars()


@pytest.mark.parametrize("label", ["eus_Latn", "nor_Latn", "uig_Arab", "und_Zyyy"])
def test_load_dataset_verifies_and_gives_our_rows(label: str, published: Any) -> None:
    found = datasets.load_dataset(
        str(published.folder),
        label,
        split="train",
        verification_mode="all_checks",
        cache_dir=str(published.folder.parent),
    )
    paths = sorted((published.folder / "data" / label).glob("*.parquet"))
    rows = [row for path in paths for row in pq.read_table(path).to_pylist()]
    assert found.to_list() == rows
    assert found.info.splits["train"].num_examples == len(rows)
    # Theirs counts a bitmap for each row group; the fixture's groups of three rows make the most of
    # that.
    assert found.info.splits["train"].num_bytes == pytest.approx(
        published.card.statistics[label].num_bytes, rel=0.02
    )


def test_load_dataset_streams(published: Any) -> None:
    found = datasets.load_dataset(str(published.folder), "bod_Tibt", split="train", streaming=True)
    (path,) = (published.folder / "data" / "bod_Tibt").glob("*-00000-of-*.parquet")
    assert next(iter(found)) == pq.read_table(path).to_pylist()[0]
    assert found.info.features["text"].dtype == "large_string"


def test_without_a_name_every_language_loads(published: Any) -> None:
    found = datasets.load_dataset(str(published.folder), split="train", streaming=True)
    labels = Counter(f"{row['language']}_{row['script']}" for row in found)
    assert labels == {label: part.documents for label, part in published.card.statistics.items()}


def test_a_missing_shard_is_noticed_when_loading(
    make_published: Callable[..., Any], make_row: Callable[..., Any]
) -> None:
    out = make_published({"eus_Latn": [make_row(f"testu {n}", n) for n in range(9)]})
    next((out.folder / "data" / "eus_Latn").glob("*-00001-of-*")).unlink()
    with pytest.raises(datasets.exceptions.NonMatchingSplitsSizesError):
        datasets.load_dataset(
            str(out.folder), "eus_Latn", split="train", cache_dir=str(out.folder / "cache")
        )


def read(published: Any) -> dict[str, Any]:
    return dict(yaml.safe_load(DatasetCard(published.text("README.md")).data.to_yaml()))


def test_norwegian_stays_a_string(published: Any) -> None:
    found = read(published)
    assert found["language"] == ["bo", "eu", "km", "mt", "no", "ug", "yo"]  # und is no language
    assert "- 'no'" in published.text("README.md")


def test_und_stands_only_where_there_is_nothing_else(
    make_published: Callable[..., Any], make_row: Callable[..., Any]
) -> None:
    found = read(make_published({"und_Zyyy": [make_row("123", 0, "und_Zyyy")]}))
    assert found["language"] == ["und"]
    assert found["configs"][0]["default"] is True


def test_undetermined_is_a_subset_beside_a_language(
    make_published: Callable[..., Any], make_row: Callable[..., Any]
) -> None:
    many = [make_row(str(n), n, "und_Zyyy") for n in range(3)]
    found = read(
        make_published({"und_Zyyy": many, "mlt_Latn": [make_row("Kulħadd", 0, "mlt_Latn")]})
    )
    assert [config["config_name"] for config in found["configs"]] == ["all", "mlt_Latn", "und_Zyyy"]


def test_exactly_one_default_and_one_config_for_each_folder(published: Any) -> None:
    found = read(published)
    assert sum(config.get("default", False) for config in found["configs"]) == 1
    names = [config["config_name"] for config in found["configs"]]
    assert names == ["all", *sorted(path.name for path in (published.folder / "data").iterdir())]
    assert [info["config_name"] for info in found["dataset_info"]] == names


def test_infos_are_what_the_datasets_library_would_write(published: Any) -> None:
    infos = {}
    statistics = published.card.statistics
    for label, part in [("all", merge_sizes(statistics.values())), *statistics.items()]:
        files = [file for file in published.card.files if label in ("all", file.language)]
        infos[label] = DatasetInfo(
            features=datasets.Features.from_arrow_schema(
                pq.read_schema(published.folder / files[0].path)
            ),
            splits=datasets.SplitDict.from_split_dict(
                [{"name": "train", "num_bytes": part.num_bytes, "num_examples": part.documents}]
            ),
            download_size=sum((published.folder / file.path).stat().st_size for file in files),
            dataset_size=part.num_bytes,
        )
    theirs = DatasetCardData()
    DatasetInfosDict(infos).to_dataset_card_data(theirs)
    assert read(published)["dataset_info"] == theirs["dataset_info"]


def test_front_matter_has_no_references(published: Any) -> None:
    assert not {"&id", "*id"} & set(front_matter(published.card).replace("\n", " ").split())
    events = yaml.parse(front_matter(published.card))
    assert not [event for event in events if isinstance(event, yaml.AliasEvent)]


def test_hundreds_of_subsets_leave_the_features_to_the_files(
    published: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "MOST_FEATURE_COPIES", 2)
    infos = yaml.safe_load(front_matter(published.card))["dataset_info"]
    assert {frozenset(info) for info in infos} == {
        frozenset({"config_name", "splits", "download_size", "dataset_size"})
    }


HOSTILE_TITLES = ["---\nlicense: mit\n---", "a: b # c", "no", "{{ x }}", "\u202e|\x00", "- 'x\" \\"]


@pytest.mark.parametrize("title", HOSTILE_TITLES)
def test_a_hostile_title_stays_a_title(
    title: str, make_published: Callable[..., Any], make_row: Callable[..., Any]
) -> None:
    found = read(make_published({"eus_Latn": [make_row("bat")]}, title=title, tags=(title,)))
    assert isinstance(found["pretty_name"], str)
    assert found["tags"] == ["glotmill", found["pretty_name"]]
    assert found["license"] == "cc0-1.0"


LICENCES = {
    "CC-BY-SA-4.0": "cc-by-sa-4.0",
    "MPL-2.0": "mpl-2.0",
    "ODbL-1.0": "odbl",
    "GPL-2.0-only": "gpl-2.0",
    "GFDL-1.3-or-later": "gfdl",
    "CC-BY-9.0": None,
    "all rights reserved": None,
}


@pytest.mark.parametrize(("spdx", "expected"), LICENCES.items())
def test_licences(spdx: str, expected: str | None) -> None:
    assert hub_licence(spdx) == expected


def test_a_licence_that_the_hub_does_not_know_is_named(
    make_published: Callable[..., Any], make_row: Callable[..., Any]
) -> None:
    rows = {"eus_Latn": [make_row("bat")]}
    found = read(
        make_published(rows, licence="House licence 3", licence_url="https://example.org/licence")
    )
    assert (found["license"], found["license_name"]) == ("other", "House licence 3")
    assert found["license_link"] == "https://example.org/licence"
    assert read(make_published(rows, licence=None))["license"] == "cc0-1.0", "the sources' own"


SIZES = {
    0: "n<1K",
    1000: "1K<n<10K",
    9_999_999: "1M<n<10M",
    10**12 - 1: "100B<n<1T",
    10**12: "n>1T",
}


@pytest.mark.parametrize(("documents", "expected"), SIZES.items())
def test_size_categories(documents: int, expected: str) -> None:
    assert size_category(documents) == expected
