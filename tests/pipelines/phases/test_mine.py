"""`[[augment]] stage = "mine"` through whole runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow.dataset as ds
import pytest

from pipelines.build.plan import make_plan
from pipelines.finished.audit.audit import audit
from pipelines.staging.store import Store
from schemas.recipe import RecipeError
from tests.declaration import DECLARATION
from tests.recipes import one_source
from tests.running import digests, run, start

RECIPE = (
    one_source("mined", paths="pages*.jsonl", split_bytes=1024)
    + """columns = { url = "url" }

[[ingest]]
stage = "identify_language"

[[augment]]
stage = "mine"
directions = ["spa_Latn -> glg_Latn", "eng_Latn -> spa_Latn"]
outputs = ["sentence_pairs", "tmx"]
"""
)
PAGES = {
    "https://a.org/es/rights": "spa_Latn",
    "https://a.org/gl/rights": "glg_Latn",
    "https://a.org/rights": "eng_Latn",
    "https://b.org/rights?lang=gl": "glg_Latn",
    "https://b.org/other": "spa_Latn",
    "https://c.org/noticias/48213-derechos": "spa_Latn",
    "https://c.org/novas/48213-dereitos": "glg_Latn",
}


def make(folder: Path, recipe: str = RECIPE) -> Path:
    """Write a file for each page, so that languages lie in splits of their own."""
    for place, (url, label) in enumerate(PAGES.items()):
        text = "\n".join(DECLARATION[label])
        (folder / f"pages{place}.jsonl").write_text(json.dumps({"text": text, "url": url}) + "\n")
    (folder / "recipe.toml").write_text(recipe)
    return folder / "recipe.toml"


def test_pairs_are_mined_of_pages_with_one_address(tmp_path: Path) -> None:
    recipe = make(tmp_path)
    for name, workers in (("out", "2"), ("one", "1")):
        process = start(recipe, tmp_path / name, "--workers", workers)
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
    out = tmp_path / "out"
    assert digests(out) == digests(tmp_path / "one")
    files = sorted((out / "bitext").glob("mined-*.parquet"))
    pairs = ds.dataset(files, format="parquet").to_table().to_pylist()
    passed = {
        (pair["source_language"], pair["source"], pair["target"])
        for pair in pairs
        if pair["reason"] is None
    }
    for source, target in (("spa_Latn", "glg_Latn"), ("eng_Latn", "spa_Latn")):
        mined = {both[1:] for both in passed if both[0] == source}
        assert len(mined) >= 2
        lines = dict(zip(DECLARATION[source], DECLARATION[target], strict=True))
        assert all(lines.get(one, other) == other for one, other in mined)
    published = ds.dataset(out / "data", format="parquet").to_table(columns=["id", "url"])
    urls = dict(zip(*(published[name].to_pylist() for name in ("id", "url")), strict=True))
    assert {urls[pair["parent_id"]] for pair in pairs} == {
        "https://a.org/es/rights",
        "https://a.org/rights",
        "https://c.org/noticias/48213-derechos",
    }
    assert list((out / "bitext").glob("mined-*.tmx"))
    card = (out / "README.md").read_text()
    assert "| `spa_Latn` | `glg_Latn` | mined by address | 2 |" in card
    assert not [f for f in audit(Store(str(out)), lambda _: None).findings if f.severity == "error"]


def test_embeddings_score_what_is_mined(tmp_path: Path) -> None:
    for module in ("onnx", "onnxruntime", "tokenizers"):
        pytest.importorskip(module, reason="not installed; pip install 'glotmill[translate]'")
    from tests.embedding_models import write_model

    labels = ("spa_Latn", "glg_Latn", "eng_Latn")
    lines = zip(*(DECLARATION[label] for label in labels), strict=True)
    known = set[str]()
    concepts = []
    for line in lines:  # a word has the vector of the first line that it stands in
        words = dict.fromkeys(re.findall(r"\w+", " ".join(line).lower()))
        concepts.append([word for word in words if word not in known])
        known |= set(words)
    write_model(tmp_path / "model", concepts)
    gates = 'gates = { embeddings = { model = "model" } }\n'
    run(make(tmp_path, RECIPE + gates), tmp_path / "out", "--workers", "1")
    pairs = ds.dataset(sorted((tmp_path / "out/bitext").glob("*.parquet"))).to_table().to_pylist()
    passed = [pair for pair in pairs if pair["reason"] is None]
    for source, target in (("spa_Latn", "glg_Latn"), ("eng_Latn", "spa_Latn")):
        right = dict(zip(DECLARATION[source], DECLARATION[target], strict=True))
        own = [pair for pair in passed if pair["source_language"] == source]
        assert len(own) >= 2
        assert all(right.get(pair["source"], pair["target"]) == pair["target"] for pair in own)
    assert all(pair["margin_score"] >= 0.98 and pair["similarity"] > 0.5 for pair in passed)
    assert "| model | onnxruntime" in (tmp_path / "out/README.md").read_text()
    wrong = make(tmp_path, RECIPE + gates.replace('"model" }', '"recipe.toml" }'))
    with pytest.raises(RecipeError, match=r"no model 'recipe\.toml'"):
        make_plan(wrong)


WRONG = {
    "no direction": ("[]", "directions"),
    "a language that no model answers": ('["spa_Latn -> qaa_Latn"]', "qaa"),
}


@pytest.mark.parametrize(("directions", "told"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_recipe_is_told(directions: str, told: str, tmp_path: Path) -> None:
    written = RECIPE.replace('["spa_Latn -> glg_Latn", "eng_Latn -> spa_Latn"]', directions)
    with pytest.raises(RecipeError, match=told):
        make_plan(make(tmp_path, written))


def test_languages_must_be_found_out_before(tmp_path: Path) -> None:
    written = RECIPE.replace('[[ingest]]\nstage = "identify_language"\n', "")
    with pytest.raises(RecipeError, match="mine goes by language and script"):
        make_plan(make(tmp_path, written))


def test_a_changed_register_takes_mined_pairs_back(tmp_path: Path) -> None:
    """Pages are matched and aligned anew, also where the staged files of the first run are kept."""
    recipe = make(tmp_path, RECIPE + '\n[withdrawn]\nfiles = ["withdrawn.toml"]\n')
    (tmp_path / "withdrawn.toml").write_text("")
    run(recipe, tmp_path / "out", "--keep-staging")
    before = digests(tmp_path / "out")
    (tmp_path / "withdrawn.toml").write_text('[[withdrawn]]\nurl_prefix = "https://a.org/gl/"\n')
    run(recipe, tmp_path / "out", "--keep-staging")
    run(recipe, tmp_path / "new")
    assert digests(tmp_path / "out") == digests(tmp_path / "new") != before
    pairs = ds.dataset(sorted((tmp_path / "out/bitext").glob("*.parquet"))).to_table()
    assert set(pairs["target_language"].to_pylist()) == {"spa_Latn"}, "its copy is gone, too"
    assert audit(Store(str(tmp_path / "out")), lambda _: None).has_errors is False
