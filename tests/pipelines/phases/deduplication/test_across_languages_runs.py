"""`across_languages` through whole runs: pages in several languages are marked, or one stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest

from pipelines.build.plan import make_plan
from schemas.recipe import RecipeError
from tests.declaration import DECLARATION
from tests.recipes import one_source
from tests.running import digests, glotmill, run

RECIPE = (
    one_source("languages", paths="*.jsonl", split_bytes=2000)
    + """
[[ingest]]
stage = "identify_language"

[[dedup]]
stage = "across_languages"
"""
)
SPREAD = ("eus_Latn", "spa_Latn", "hin_Deva", "isl_Latn", "afr_Latn", "nld_Latn")
ANCHORS = (
    "LibreOffice 24.2, HTML5, MP3, ODF 1.3, 12.500 km, 1948, +34 945 0199, https://odf.example/{}"
)
OTHERS = "DVD {0}1, ISBN 978{0}, 19{0}7, 33{0}4, VHS {0}, CD 7{0}, 64{0}0, 9{0}1, USB {0}"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One page in six languages, and for each language a page of its own."""
    folder = tmp_path_factory.mktemp("languages")
    for place, label in enumerate(SPREAD):
        text = "\n".join(DECLARATION[label])
        rows = [f"{text}\n{ANCHORS.format(12)}", f"{text}\n{OTHERS.format(place + 20)}"]
        lines = "".join(json.dumps({"text": row}) + "\n" for row in rows)
        (folder / f"{place}.jsonl").write_text(lines)
    return folder


def recipe(corpus: Path, more: str = "", name: str = "recipe") -> Path:
    (corpus / f"{name}.toml").write_text(RECIPE + more)
    return corpus / f"{name}.toml"


def rows(output: Path) -> list[dict[str, Any]]:
    return ds.dataset(output / "data").to_table().to_pylist()


def test_pages_are_marked_and_all_stay(corpus: Path, tmp_path: Path) -> None:
    run(recipe(corpus), tmp_path / "out")
    found = {
        (row["language"], "odf.example" in row["text"]): row["page_languages"]
        for row in rows(tmp_path / "out")
    }
    assert len(rows(tmp_path / "out")) == 12
    assert {number for (_, same), number in found.items() if same} == {6}
    assert {number for (_, same), number in found.items() if not same} == {1}
    card = json.loads((tmp_path / "out/card.json").read_bytes())
    assert card["statistics"]["eus_Latn"]["page_languages"] == {"1": 1, "6": 1}
    (report,) = card["deduplication"]
    (cluster,) = report["clusters"]
    assert (report["removed"], report["marks"], cluster["documents"]) == (0, True, 6)
    labels = [example["label"] for example in cluster["examples"]]
    assert {cluster["label"], *labels} <= set(SPREAD)
    assert len({cluster["label"], *labels}) == 1 + len(labels)
    assert "all of which stay" in (tmp_path / "out/report.html").read_text()
    readme = (tmp_path / "out/README.md").read_text()
    assert "| `eus_Latn` | 2 | 1 | 50.0% | 1 |" in readme
    audit = glotmill("audit", tmp_path / "out")
    assert audit.returncode == 0, audit.stdout
    run(recipe(corpus), tmp_path / "two", "--workers", "2")
    assert digests(tmp_path / "out") == digests(tmp_path / "two")


def test_copies_in_one_language_are_of_the_same_page(corpus: Path, tmp_path: Path) -> None:
    """The first document that is read has a copy, of which only the anchors are the same."""
    first = "\n".join(reversed(DECLARATION[SPREAD[0]]))
    copy = {"text": f"{first}\n{ANCHORS.format(12)}"}
    (tmp_path / "a.jsonl").write_text(json.dumps(copy) + "\n")
    for file in corpus.glob("*.jsonl"):
        (tmp_path / f"b{file.name}").write_bytes(file.read_bytes())
    run(recipe(tmp_path), tmp_path / "out")
    numbers = [
        row["page_languages"] for row in rows(tmp_path / "out") if "odf.example" in row["text"]
    ]
    assert numbers == [6] * 7


def test_one_of_them_stays_on_request(corpus: Path, tmp_path: Path) -> None:
    run(recipe(corpus, 'action = "drop"\n', "drop"), tmp_path / "out")
    left = rows(tmp_path / "out")
    assert sum("odf.example" in row["text"] for row in left) == 1
    assert len(left) == 7, "pages of their own stay"
    card = json.loads((tmp_path / "out/card.json").read_bytes())
    (report,) = card["deduplication"]
    assert (report["removed"], report["marks"]) == (5, False)
    assert all(example["label"] is None for example in report["clusters"][0]["examples"])
    assert "page_languages" not in left[0]


def test_a_page_in_many_languages_is_evidence_of_translation(corpus: Path, tmp_path: Path) -> None:
    ingest = '[[ingest]]\nstage = "identify_language"\n'
    more = ingest + '[[ingest]]\nstage = "translated_pages"\n'
    weights = "weights = { same_page = 0.25, many_languages = 0 }\n"
    (corpus / "evidence.toml").write_text(RECIPE.replace(ingest, more + weights))
    run(corpus / "evidence.toml", tmp_path / "out")
    found = {
        ("odf.example" in row["text"], row["translation_evidence"])
        for row in rows(tmp_path / "out")
    }
    assert found == {(True, "same_page"), (False, None)}
    assert {
        (row["translation_evidence"], row["translation_weight"]) for row in rows(tmp_path / "out")
    } == {("same_page", 0.25), (None, 1.0)}
    audit = glotmill("audit", tmp_path / "out")
    assert audit.returncode == 0, audit.stdout
    for file in sorted(corpus.glob("*.jsonl"))[:4]:
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "few.toml").write_text(RECIPE.replace(ingest, more))
    run(tmp_path / "few.toml", tmp_path / "few")
    assert {row["page_languages"] for row in rows(tmp_path / "few")} == {1, 4}
    assert {row["translation_evidence"] for row in rows(tmp_path / "few")} == {None}
    assert "translation_weight" not in rows(tmp_path / "few")[0]
    (tmp_path / "few.toml").write_text(RECIPE.replace(ingest, more + "weights = { x = 1 }\n"))
    with pytest.raises(RecipeError, match="weights"):
        make_plan(tmp_path / "few.toml")


def test_wrong_recipes_are_refused(corpus: Path) -> None:
    with pytest.raises(RecipeError, match='against goes with action = "drop"'):
        make_plan(recipe(corpus, 'against = ["index"]\n', "against"))
    without = RECIPE.replace('[[ingest]]\nstage = "identify_language"\n', "")
    (corpus / "without.toml").write_text(without)
    with pytest.raises(
        RecipeError, match="across_languages compares languages, and no stage finds"
    ):
        make_plan(corpus / "without.toml")
    with pytest.raises(RecipeError, match="marks a page once"):
        make_plan(
            recipe(corpus, '[[dedup]]\nstage = "across_languages"\nwithin = "host"\n', "twice")
        )
    make_plan(recipe(corpus, '[[dedup]]\nstage = "across_languages"\naction = "drop"\n', "both"))
