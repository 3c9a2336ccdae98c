"""`[[synthesize]]` through whole runs: what is published, whatever a model answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from stages.synthesis.prompt_files import built_in_prompt
from tests.declaration import documents
from tests.endpoints import FaultyEndpoint
from tests.planted_generators import good
from tests.running import digests, run

pytest.importorskip("openai", reason="openai is not installed; pip install 'glotmill[synthesize]'")

LABELS = ("eus_Latn", "hin_Deva", "urd_Arab")
RECIPE = """
[corpus]
name = "synthetic"

[engine]
split_bytes = 2048

[[sources]]
name = "pages"
format = "jsonl"
paths = ["pages*.jsonl"]
licence = "CC-BY-4.0"

[[ingest]]
stage = "identify_language"

[publish]
test = 0.3

[[synthesize]]
strategy = "extractive_qa"
"""


def write(folder: Path, more: str, name: str = "recipe") -> Path:
    folder.mkdir(exist_ok=True)
    for label in LABELS:
        lines = (json.dumps({"text": text}) + "\n" for text in documents(label))
        (folder / f"pages-{label}.jsonl").write_text("".join(lines))
    recipe = folder / f"{name}.toml"
    recipe.write_text(RECIPE + more)
    return recipe


def engine(url: str, more: str = "") -> str:
    return f'engine = {{ kind = "endpoint", base_url = "{url}", model = "planted", timeout_seconds = 3{more} }}\n'


def rows(folder: Path) -> list[dict[str, Any]]:
    return [row for path in sorted(folder.rglob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def ledger(output: Path) -> list[dict[str, Any]]:
    return [row for row in rows(output / "ledger") if row["phase"] == "synthesize"]


@pytest.mark.slow
def test_rows_are_grounded_named_and_made_again_from_responses_alone(tmp_path: Path) -> None:
    with FaultyEndpoint(good).serving() as server:
        run(write(tmp_path, engine(server.base_url) + "gates = { samples = 1 }\n"), tmp_path / "out")
        assert set(server.answered.values()) == {1}, "equal questions are asked once"
    found = rows(tmp_path / "out/synthetic/question_answer")
    assert {row["language"] for row in found} == {"eus", "hin", "urd"}
    texts = {row["id"]: row["text"] for row in rows(tmp_path / "out/data")}
    responses = {row["key"].hex(): row for row in rows(tmp_path / "out/responses")}
    card = json.loads((tmp_path / "out/card.json").read_text())
    prompts = {sha256: text for counts in card["synthesis"] for sha256, text in counts["prompts"].items()}
    for row in found:
        (answer,), (start,) = row["answers"]["text"], row["answers"]["answer_start"]
        assert row["context"][start : start + len(answer)] == answer
        assert texts[row["parent_id"]][row["passage_start"] :].startswith(row["context"])
        assert (row["synthetic"], row["licence"], row["seed"]) == (True, "CC-BY-4.0", 0)
        assert prompts[row["prompts"][0]] == built_in_prompt("extractive_qa.1").text
        (key,) = row["responses"]
        assert row["context"] in json.loads(responses[key]["sentence"])["messages"][-1]["content"]
        content = json.loads(json.loads(responses[key]["response"])["content"])
        assert {"question": row["question"], "answer": answer} in content["pairs"]
    for split in ("train", "test"):
        parents = {row["id"] for path in (tmp_path / "out/data").rglob(f"{split}-*") for row in rows_of(path)}
        own = [row for path in (tmp_path / "out/synthetic").rglob(f"{split}-*") for row in rows_of(path)]
        assert own, split
        assert {row["parent_id"] for row in own} <= parents
    for counts in card["synthesis"]:
        rejected = sum(reason["rows"] for reason in counts["rejected"])
        assert counts["made"] == sum(counts["published"].values()) + rejected
    assert len(ledger(tmp_path / "out")) == sum(r["rows"] for c in card["synthesis"] for r in c["rejected"])

    recorded = 'engine = "recorded"\nreuse = ["out/responses"]\ngates = { samples = 1 }\n'
    run(write(tmp_path, recorded, "again"), tmp_path / "again")
    before, after = digests(tmp_path / "out"), digests(tmp_path / "again")
    for path in before:
        if path.split("/")[0] in ("data", "synthetic", "ledger", "responses"):
            assert before[path] == after[path], path


def rows_of(path: Path) -> list[dict[str, Any]]:
    return pq.read_table(path).to_pylist()
