"""The difference of two versions of a corpus is what was changed in the input and the recipe, and
nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.build.output import build
from pipelines.build.plan import make_plan
from pipelines.finished.diff import CorpusDifference, difference, difference_lines
from pipelines.runners.local import Runner
from pipelines.staging.store import StagingError, Store

RECIPE = """
[corpus]
name = "two"
version = "{version}"
[[sources]]
name = "lines"
format = "jsonl"
paths = ["lines.jsonl"]
columns = {{ id = "id" }}
[[ingest]]
stage = "identify_language"
"""
BASQUE = "Gizon-emakume guztiak aske jaiotzen dira, duintasun eta eskubide berberak dituztela."
MALTESE = "Il-bnedmin kollha jitwieldu \u0127ielsa u ugwali fid-dinjit\u00e0 u d-drittijiet."


def write(folder: Path, texts: dict[str, str], version: str = "1.0.0") -> Store:
    folder.mkdir()
    (folder / "lines.jsonl").write_text(
        "".join(json.dumps({"id": i, "text": t}) + "\n" for i, t in texts.items())
    )
    (folder / "recipe.toml").write_text(RECIPE.format(version=version))
    output = str(folder / "out")
    build(make_plan(folder / "recipe.toml", output), output, Runner(workers=1), lambda *_: None)
    return Store(output)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Store:
    texts = {
        "stays": BASQUE,
        "goes": f"{BASQUE} Bi.",
        "changes": f"{BASQUE} Hiru.",
        "moves": f"{BASQUE} Lau.",
    }
    return write(tmp_path_factory.mktemp("first") / "v1", texts)


@pytest.fixture(scope="module")
def found(first: Store, tmp_path_factory: pytest.TempPathFactory) -> CorpusDifference:
    texts = {
        "stays": BASQUE,
        "changes": f"{BASQUE} Hamar.",
        "moves": MALTESE,
        "comes": f"{BASQUE} Bost.",
    }
    return difference(first, write(tmp_path_factory.mktemp("second") / "v2", texts, "2.0.0"))


def test_a_corpus_does_not_differ_from_itself(first: Store) -> None:
    same = difference(first, first)
    assert same.is_empty
    assert list(difference_lines(same, 20)) == ["no difference"]


def test_documents_are_counted_by_change_label_and_source(found: CorpusDifference) -> None:
    assert found.documents == {
        ("added", "eus_Latn", "lines"): 1,
        ("removed", "eus_Latn", "lines"): 1,
        ("rewritten", "eus_Latn", "lines"): 1,
        ("rewritten", "mlt_Latn", "lines"): 1,
        ("moved", "mlt_Latn", "lines"): 1,
    }


def test_figures_versions_and_recipe_that_changed_are_named(found: CorpusDifference) -> None:
    assert found.figures["mlt_Latn", "documents"] == (None, 1)
    assert found.figures["eus_Latn", "documents"] == (4, 3)
    assert found.versions == {"corpus": ("two 1.0.0", "two 2.0.0")}
    assert {'-version = "1.0.0"', '+version = "2.0.0"'} <= set(found.recipe)
    assert any(line == "added      1 documents" for line in difference_lines(found, 20))
    assert json.loads(json.dumps(found.as_json()))["versions"]["corpus"]["new"] == "two 2.0.0"


def test_a_folder_without_a_corpus(first: Store, tmp_path: Path) -> None:
    with pytest.raises(StagingError, match="no finished corpus"):
        difference(first, Store(str(tmp_path)))
