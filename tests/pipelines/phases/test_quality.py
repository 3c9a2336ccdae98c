"""Quality filters in a run: nothing is lost, whatever a text is; other limits later, from the
signals alone."""

from __future__ import annotations

import json
import random
import shutil
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import gflanguages
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from pipelines.command_line.app import app
from schemas.quality_signals import QUALITY_SIGNALS
from stages.quality import filter_quality
from stages.quality import options as quality_options
from stages.quality.learned_limits import load_limits
from stages.quality.rules import limit_of
from tests.recipes import one_source
from tests.running import run

RECIPE = """
[corpus]
name = "signals"
licence = "cc0-1.0"

[engine]
split_bytes = 20000

[[sources]]
name = "lines"
format = "jsonl"
paths = ["lines.jsonl"]
licence = "CC0-1.0"

[[ingest]]
stage = "identify_language"

[[ingest]]
stage = "datatrove"
block = "datatrove.pipeline.formatters.SymbolLinesFormatter"
arguments = { symbols_to_remove = ["|"] }

[[ingest]]
stage = "filter_quality"
keep_signals = true
thresholds = { any = { too_few_words = 5 } }
"""
ODD = [
    "",
    " ",
    "1 2 3",
    "🙂🙂🙂",
    "\ufdd0",
    "...",
    "x" * 300_000,
    "word " * 60_000,
    "\n" * 1000,
    "{" * 1000,
    "ก" * 5000,
]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quality")
    samples = [language.sample_text for _, language in sorted(gflanguages.LoadLanguages().items())]
    texts = [
        f"{sample.specimen_48}\n|\n{sample.specimen_36}" for sample in samples if sample.specimen_48
    ][:160]
    lines = [
        json.dumps({"text": text})
        for text in [*ODD, *texts, *(f"{text}\n{text}" for text in texts[:20])]
    ]
    (folder / "lines.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "r.toml").write_text(RECIPE)
    run(folder / "r.toml", folder / "out", "--workers", "1")
    return folder / "out"


def rows_of(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = ds.dataset(folder / "ledger").to_table().to_pylist()
    return rows


def test_every_document_has_one_fate_with_its_measure(corpus: Path) -> None:
    rows = rows_of(corpus)
    assert len(rows) == len(ODD) + 180
    assert Counter(row["fate"] for row in rows).keys() == {"published", "dropped"}
    dropped = [row for row in rows if row["stage"] == "filter_quality"]
    assert len(dropped) > len(ODD)
    assert all(row["value"] is not None and row["threshold"] is not None for row in dropped)
    tables = [pq.read_table(path) for path in sorted(corpus.glob("data/*/*.parquet"))]
    assert all(set(QUALITY_SIGNALS.names) <= set(table.schema.names) for table in tables)
    assert not any("\n|\n" in text for table in tables for text in table["text"].to_pylist())
    models = json.loads((corpus / "manifest.json").read_text())["models"]
    assert any(name.startswith("segmenter ") for name in models)
    assert "datatrove" in models


def refilter(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["refilter", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.output


def test_other_limits_hold_from_the_signals_alone(corpus: Path, tmp_path: Path) -> None:
    options = tmp_path / "options.toml"
    options.write_text('families = ["gopher_quality"]\n[thresholds.any]\ntoo_few_words = 60\n')
    said = refilter(corpus, "--options", options, "--output", tmp_path / "out")
    before, after = rows_of(corpus), rows_of(tmp_path / "out")
    assert [row["id"] for row in before] == [row["id"] for row in after]
    published = [row for row in after if row["fate"] == "published"]
    gone = [row for row in after if row["phase"] == "refilter"]
    assert gone
    assert published
    assert len(gone) + len(published) == sum(row["fate"] == "published" for row in before)
    assert said.splitlines()[-1] == (
        f"{len(gone) + len(published)} documents = {len(published)} kept + {len(gone)} dropped"
    )
    assert {row["reason"] for row in gone if row["value"] < 60} <= {
        "too_few_words",
        *(r["reason"] for r in gone),
    }
    shards = {
        row["shard"]: pq.read_table(tmp_path / "out" / row["shard"]).to_pylist()
        for row in published
    }
    assert sum(map(len, shards.values())) == len(published)
    assert all(shards[row["shard"]][row["row"]]["id"] == row["id"] for row in published)
    assert min(document["words"] for rows in shards.values() for document in rows) >= 60
    assert refilter(corpus, "--options", options) == said, "counting alone says the same"


def test_what_refilter_writes_is_a_corpus_that_audit_finds_right(
    corpus: Path, tmp_path: Path
) -> None:
    options = tmp_path / "options.toml"
    options.write_text("[thresholds.any]\ntoo_few_words = 60\n")
    refilter(corpus, "--options", options, "--output", tmp_path / "out")
    done = CliRunner().invoke(app, ["audit", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    last = manifest["phases"][-1]
    assert (last["phase"], last["documents_in"]) == ("refilter", last["kept"] + last["dropped"])
    assert {file["path"].split("/")[0] for file in manifest["files"]} >= {
        "data",
        "ledger",
        "README.md",
        "card.json",
    }
    card = json.loads((tmp_path / "out" / "card.json").read_text())
    assert [step["stage"] for step in card["steps"] if step["phase"] == "refilter"] == [
        "filter_quality"
    ]
    assert json.loads(card["refilterings"][0]["options"]) == {
        "thresholds": {"any": {"too_few_words": 60.0}}
    }
    assert sum(part["documents"] for part in card["statistics"].values()) == last["kept"]
    again = tmp_path / "again"
    options.write_text("[thresholds.any]\ntoo_few_words = 70\n")
    refilter(tmp_path / "out", "--options", options, "--output", again)
    assert CliRunner().invoke(app, ["audit", str(again)]).exit_code == 0, "and again from there"
    shard = next((tmp_path / "out" / "data").glob("*/*.parquet"))
    shard.write_bytes(shard.read_bytes()[:-1])
    assert CliRunner().invoke(app, ["audit", str(tmp_path / "out")]).exit_code == 1


def test_the_same_limits_drop_nothing_more(corpus: Path, tmp_path: Path) -> None:
    options = tmp_path / "options.toml"
    options.write_text("[thresholds.any]\ntoo_few_words = 5\n")
    kept = sum(row["fate"] == "published" for row in rows_of(corpus))
    assert refilter(corpus, "--options", options) == f"{kept} documents = {kept} kept + 0 dropped\n"


def test_limits_are_those_of_the_segmenter_that_measured_the_corpus(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether PyICU is installed here or not."""
    other = tmp_path / "other"
    shutil.copytree(corpus, other)
    models = json.loads((other / "manifest.json").read_text())["models"]
    measured = next(name for name in models if name.startswith("segmenter "))
    stated = (other / "manifest.json").read_text()
    (other / "manifest.json").write_text(stated.replace(measured, "segmenter icu"))
    held: list[str] = []

    def held_against(*given: Any) -> Any:
        held.append(given[-1].segmenter)
        return limit_of(*given)

    monkeypatch.setattr(filter_quality, "limit_of", held_against)
    for here in ("icu", "graphemes"):
        monkeypatch.setattr(quality_options, "default_segmenter", lambda here=here: here)
        refilter(other)
    assert set(held) == {"icu"}
    (tmp_path / "o.toml").write_text('segmenter = "graphemes"')
    done = CliRunner().invoke(app, ["refilter", str(other), "--options", str(tmp_path / "o.toml")])
    assert "was measured with 'icu', and its signals are all that is read" in str(done.exception)
    (tmp_path / "o.toml").write_text('segmenter = "icu"')
    refilter(other, "--options", tmp_path / "o.toml")
    (other / "manifest.json").write_text(stated.replace(measured, "another model"))
    done = CliRunner().invoke(app, ["refilter", str(other)])
    assert "manifest.json does not name the segmenter" in str(done.exception)


def test_a_corpus_without_signals_is_refused_in_one_line(corpus: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(corpus, other)
    shard = next(other.glob("data/*/*.parquet"))
    pq.write_table(pq.read_table(shard, columns=["text", "language", "script"]), shard)
    said = "holds no quality signals; run its recipe with keep_signals = true"
    done = CliRunner().invoke(app, ["refilter", str(other)])
    assert done.exit_code == 1
    assert said in str(done.exception)
    card = (other / "card.json").read_text()
    (other / "card.json").write_text(card.replace("keep_signals = true", "keep_signals = false"))
    assert said in str(CliRunner().invoke(app, ["refilter", str(other)]).exception)
    (tmp_path / "bad.toml").write_text("families = 3")
    done = CliRunner().invoke(
        app, ["refilter", str(other), "--options", str(tmp_path / "bad.toml")]
    )
    assert "families: Input should be a valid tuple" in str(done.exception)


WORDS = [
    "etxe",
    "mendi",
    "ibai",
    "zuri",
    "gorri",
    "handi",
    "txiki",
    "lagun",
    "ikasle",
    "liburu",
    "kale",
    "herri",
    "ur",
]


def page(numbers: random.Random, repeated: int = 0) -> str:
    sentences = [" ".join(numbers.choices(WORDS, k=12)).capitalize() + "." for _ in range(12)]
    return " ".join([*sentences, *sentences[:1] * repeated])


LEARNING = (
    one_source("learned", "lines", options='keep = ["language", "script"]')
    + """
[[ingest]]
stage = "identify_language"
declared = "where_unknown"
learned = "limits.toml"

[[ingest]]
stage = "filter_quality"
learned = "limits.toml"

[[ingest]]
stage = "personal_data"
"""
)


def test_limits_are_learned_named_by_a_recipe_and_shown_on_the_card(tmp_path: Path) -> None:
    numbers = random.Random(4)
    reference = [json.dumps({"text": page(numbers)}) for _ in range(300)]
    again = reference[:5] * 20  # a page that repeats is one
    (tmp_path / "reference.jsonl").write_text("\n".join(reference + again))
    command = [
        "tune",
        str(tmp_path / "reference.jsonl"),
        "--label",
        "eus_Latn",
        "--output",
        str(tmp_path / "limits.toml"),
    ]
    done = CliRunner().invoke(app, [*command, "--report", str(tmp_path / "limits.html")])
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("eus_Latn\t300 pages\t")
    assert "would drop no page of the reference" in done.stderr
    assert CliRunner().invoke(app, [*command, "--method", "mean_std"]).exit_code != 0, (
        "no English pages"
    )
    report = (tmp_path / "limits.html").read_text()
    assert "top_2_gram" in report
    assert "<svg" in report
    learned = tomllib.loads((tmp_path / "limits.toml").read_text())["languages"]["eus_Latn"]
    assert learned["limits"]["top_2_gram"] < 0.27
    passages = [
        language.sample_text.specimen_48
        for _, language in sorted(gflanguages.LoadLanguages().items())
    ]
    basque = gflanguages.LoadLanguages()["eu_Latn"].sample_text
    good = [basque.specimen_48, basque.specimen_36, basque.specimen_32]
    bad = [f"{text} {text[:60]} {text[:60]} {text[:60]}" for text in good]
    (tmp_path / "lines.jsonl").write_text(
        "\n".join(
            json.dumps({"text": f"{t} ane@example.eus"}) for t in [*good, *bad, *passages[:4]]
        )
    )
    (tmp_path / "r.toml").write_text(LEARNING.replace('keep = ["language", "script"]\n', ""))
    run(tmp_path / "r.toml", tmp_path / "out", "--workers", "1")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert len(manifest["models"]["limits.toml"]) == 64
    card = json.loads((tmp_path / "out" / "card.json").read_text())
    everything = {
        limit["rule"]: limit for limit in card["filter_limits"] if limit["label"] == "eus_Latn"
    }
    assert everything["all"]["false_positives"] == learned["false_positives"]["all"]
    readme = (tmp_path / "out" / "README.md").read_text()
    assert "## Filters" in readme
    assert "| `eus_Latn` |" in readme.split("False positives are")[1]
    assert "| `email` | " in readme.split("replaced by its type")[1]
    assert 'id="filters"' in (tmp_path / "out" / "report.html").read_text()
    assert CliRunner().invoke(app, ["audit", str(tmp_path / "out")]).exit_code == 0
    (tmp_path / "limits.toml").write_text(
        (tmp_path / "limits.toml").read_text().replace("signals/3", "signals/9")
    )
    load_limits.cache_clear()  # as in another process
    done = CliRunner().invoke(app, ["plan", str(tmp_path / "r.toml")])
    assert done.exit_code != 0
