"""Documents whose language is doubtful are published as a subset of their own, which loads by its
name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.recipes import one_source
from tests.running import glotmill, run

EUS = "Gaur goizean lagunekin mendira joan naiz eta ibilaldi luzea egin dugu."
# surely Bosnian, Croatian or Serbian, and surely no one can say which
HBS = "Sva ljudska bića rađaju se slobodna i jednaka u dostojanstvu i pravima."
RECIPE = (
    one_source("doubtful", "texts")
    + """
[[ingest]]
stage = "identify_language"
min_score = 0.8

[[ingest]]
stage = "language_purity"
doubtful = "apart"
"""
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("doubtful")
    texts = [EUS, f"{EUS} Bihar ere bai.", HBS]
    (folder / "texts.jsonl").write_text(
        "".join(json.dumps({"text": text}) + "\n" for text in texts), "utf-8"
    )
    (folder / "recipe.toml").write_text(RECIPE, "utf-8")
    run(folder / "recipe.toml", folder / "out")
    return folder / "out"


def test_doubtful_documents_are_a_subset_of_their_own(corpus: Path) -> None:
    import datasets

    files = sorted(
        str(path.relative_to(corpus / "data")) for path in corpus.glob("data/*/*.parquet")
    )
    doubtful = [path for path in files if "/doubtful-" in path]
    assert len(doubtful) == 1
    assert [path for path in files if path not in doubtful] == [
        "eus_Latn/train-00000-of-00001.parquet"
    ]
    label = doubtful[0].split("/")[0]

    def loaded(name: str) -> int:
        cache = str(corpus.with_name("cache"))
        return int(
            datasets.load_dataset(str(corpus), name, split="train", cache_dir=cache).num_rows
        )

    assert (loaded("all"), loaded("eus_Latn"), loaded(f"{label}_doubtful")) == (2, 2, 1)


def test_the_audit_counts_them_all(corpus: Path) -> None:
    done = glotmill("audit", corpus)
    assert done.returncode == 0, done.stdout
    assert "3 documents" in done.stdout


def test_the_card_says_how_pure_labels_are_expected_to_be(corpus: Path) -> None:
    expected = json.loads((corpus / "card.json").read_text("utf-8"))["expected_precision"]
    assert expected["eus_Latn"] == 1.0
    assert set(expected) <= {path.name for path in (corpus / "data").iterdir()}
