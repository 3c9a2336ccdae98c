"""Every strategy through one run: its rows are published, each by its kind, and come again from
responses alone."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from stages.synthesis.table import STRATEGIES
from tests.endpoints import FaultyEndpoint, completion
from tests.recipes import one_source
from tests.running import digests, run
from tests.stages.synthesis.test_strategies import (
    ADVICE,
    ANSWER,
    BASQUE,
    BREAD,
    GOOD,
    QUESTION,
    WEATHER,
)

pytest.importorskip("openai", reason="openai is not installed; pip install 'glotmill[synthesize]'")

METHODS = [
    path
    for path in sorted((Path(__file__).parents[3] / "examples/methods").glob("*.toml"))
    if "[[synthesize]]" in path.read_text(encoding="utf-8")
]
# files of a recipe's own, and what has tests of its own
OWN = {
    "prompt_template",
    "template_instructions",
    "extractive_qa",
}
ONCE = {  # answers to what several strategies ask, and to calls of functions
    frozenset({"question"}): {"question": "Zein arkitekto ospetsuk marraztu zuen Bilboko museo hori?"},
    frozenset({"questions"}): {"questions": ["Zein izen du museoaren eraikina marraztu zuenak?"]},
    frozenset({"pairs"}): {"pairs": [{"question": QUESTION, "answer": "Frank Gehry"}]},
    frozenset({"answer"}): {"answer": "Frank Gehry"},
    frozenset({"request", "name", "arguments", "result"}): {
        "request": "Zer eguraldi egingo du bihar Bilbo hirian?", "name": "get_weather", "arguments": {"city": "Bilbo"},
        "result": {"sky": "euria"},
    },
}  # fmt: skip

TEMPLATES = """
label = "eus_Latn"
version = "1"
[[templates]]
name = "topic"
user = "Zein da testu honen gaia? {{ text }}"
assistant = "{{ topic }}"
"""


def planted(body: dict[str, Any]) -> dict[str, Any]:
    """Answer by the properties that are asked for, with what the strategies' own tests call
    good."""
    if "response_format" not in body:
        return completion(BREAD)
    wanted = frozenset(body["response_format"]["json_schema"]["schema"]["properties"])
    said = "\n".join(message["content"] for message in body["messages"])
    if wanted == {"answer"} and "copied" not in said and "Copy" not in said:
        return completion(json.dumps({"answer": "He did." if "in English" in said else ANSWER}))
    if "as somebody would type it" in said:
        return completion(json.dumps(ADVICE))
    known = {
        frozenset(answer): answer
        for _, answers, _ in GOOD.values()
        for answer in answers
        if isinstance(answer, dict) and set(answer) != {"answer"}
    }
    return completion(json.dumps((known | ONCE)[wanted]))


def write_files(folder: Path) -> None:
    """Write what the recipes name: a page of Basque with an English paragraph, functions, names."""
    page = {"text": BASQUE.text, "topic": "museoak", **BASQUE.columns}
    (folder / "pages.jsonl").write_text(json.dumps(page) + "\n")
    (folder / "templates.toml").write_text(TEMPLATES)
    (folder / "tools.json").write_text(json.dumps([WEATHER]))
    (folder / "names.tsv").write_text("Nerbioi\tNervion\n")


def recipe(folder: Path, engine: str, name: str) -> Path:
    write_files(folder)
    options = {strategy: chosen for strategy, (chosen, _, _) in GOOD.items()}
    options |= {
        "function_calls": {"tools": "tools.json"},
        "entity_insertions": {"table": "names.tsv"},
    }
    options["code_switching"] = {"table": "names.tsv"}
    tables = []
    for strategy in sorted(set(STRATEGIES) - OWN):
        asks = "" if strategy in ("entity_insertions", "code_switching") else engine
        written = ", ".join(f"{key} = {toml(value)}" for key, value in options[strategy].items())
        tables.append(f'[[synthesize]]\nstrategy = "{strategy}"\n{asks}options = {{ {written} }}\n')
    source = one_source(
        "strategies", options='columns = { text = "text", date = "date" }\nkeep = ["english"]'
    )
    path = folder / f"{name}.toml"
    path.write_text(f'{source}\n[[ingest]]\nstage = "identify_language"\n' + "".join(tables))
    return path


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(each)}" for key, each in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


@pytest.mark.parametrize("path", METHODS, ids=lambda path: path.stem)
def test_each_published_method_is_a_recipe_that_runs(path: Path, tmp_path: Path) -> None:
    write_files(tmp_path)
    with FaultyEndpoint(planted).serving() as server:
        text = path.read_text(encoding="utf-8").replace("http://127.0.0.1:8000/v1", server.base_url)
        (tmp_path / path.name).write_text(text, encoding="utf-8")
        run(tmp_path / path.name, tmp_path / "out")
    (strategy,) = re.findall('^strategy = "(.*)"$', text, re.MULTILINE)
    files = sorted((tmp_path / "out/synthetic").rglob("*.parquet"))
    rows = [row for file in files for row in pq.read_table(file).to_pylist()]
    assert {row["strategy"].split("/")[0] for row in rows} == {strategy}


def test_every_strategy_publishes(tmp_path: Path) -> None:
    with FaultyEndpoint(planted).serving() as server:
        engine = (
            f'engine = {{ kind = "endpoint", base_url = "{server.base_url}", model = "planted" }}\n'
        )
        run(recipe(tmp_path, engine, "first"), tmp_path / "out")
    rows = [
        row
        for path in sorted((tmp_path / "out/synthetic").rglob("*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]
    rejected = [
        (row["stage"], row["reason"])
        for path in (tmp_path / "out/ledger").rglob("*.parquet")
        for row in pq.read_table(path).to_pylist()
        if row["phase"] == "synthesize"
    ]
    assert {row["strategy"].split("/")[0] for row in rows} == set(STRATEGIES) - OWN, rejected
    assert {row["parent_id"] for row in rows} == {rows[0]["parent_id"]}
    assert {row["language"] for row in rows} == {"eus"}
    run(
        recipe(tmp_path, 'engine = "recorded"\nreuse = ["out/responses"]\n', "again"),
        tmp_path / "again",
    )
    before, after = digests(tmp_path / "out"), digests(tmp_path / "again")
    compared = [path for path in before if path.split("/")[0] in ("data", "synthetic", "ledger")]
    assert {path: before[path] for path in compared} == {path: after[path] for path in compared}
    assert QUESTION in json.dumps(rows, default=str, ensure_ascii=False)
