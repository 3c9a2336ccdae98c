"""Translation by an endpoint that fails: nothing is lost, nothing is asked twice, and no budget is
overrun."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.declaration import DIRECTIONS, sentence_table
from tests.endpoints import FaultyEndpoint, completion
from tests.pipelines.phases.test_translate import assert_laws, make, rows
from tests.running import digests, run, start

pytest.importorskip("openai", reason="openai is not installed; pip install 'glotmill[translate]'")

TABLES = {one: other for pair in DIRECTIONS for one, other in sentence_table(*pair).items()}


def translated(body: dict[str, Any]) -> dict[str, Any]:
    """Answer from the tables; what is in brackets is kept."""
    sentence = body["messages"][-1]["content"].rpartition("\n\n")[2]
    marked = re.search(r" ?\([^)]*\)", sentence)
    target = TABLES.get(sentence.replace(marked[0], "") if marked else sentence, sentence)
    return completion(target[:-1].rstrip() + marked[0] + target[-1] if marked else target)


def endpoint_recipe(folder: Path, base_url: str, more: str = "") -> Path:
    engine = f'kind = "endpoint", base_url = "{base_url}", model = "planted", timeout_seconds = 3'
    return make(
        folder, f"engine = {{ {engine}, first_pause_seconds = 0.01, concurrency = 4{more} }}\n"
    )


@pytest.mark.slow
def test_faults_lose_nothing_and_ask_nothing_twice(tmp_path: Path) -> None:
    with FaultyEndpoint(translated).serving() as server:
        recipe = endpoint_recipe(tmp_path, server.base_url)
        run(recipe, tmp_path / "calm")
        assert set(server.answered.values()) == {1}
        calm = dict(server.answered)
        server.answered.clear()
        server.every = 3
        run(recipe, tmp_path / "faulty")
        assert dict(server.answered) == calm, (
            "every sentence was answered once, however often it was asked"
        )
    assert digests(tmp_path / "calm") == digests(tmp_path / "faulty")
    assert_laws(tmp_path / "calm")
    assert len([row for row in rows(tmp_path / "calm/data") if row["synthetic"]]) == 2 * len(
        DIRECTIONS
    )
    assert {row["prompt_tokens"] for row in rows(tmp_path / "calm/responses")} == {50}


@pytest.mark.slow
def test_a_budget_stops_the_run_which_goes_on_with_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FaultyEndpoint(translated).serving() as server:
        recipe = endpoint_recipe(tmp_path, server.base_url, ", token_budget = 1000")
        process = start(recipe, tmp_path / "out", "--workers", "1")
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 1
        assert re.search(
            r"the budget of 1,000 tokens is spent \(1,[0-3]00\); every answer is kept", errors
        ), errors
        assert "Traceback" not in errors
        assert 10 <= server.answered.total() <= 13, "100 tokens an answer, four on their way"
        monkeypatch.setenv("GLOTMILL_TOKEN_BUDGET", "1000000")
        run(recipe, tmp_path / "out", "--workers", "1")
        assert set(server.answered.values()) == {1}, "what was paid for is not asked again"
        run(recipe, tmp_path / "whole", "--workers", "2")
    assert digests(tmp_path / "out") == digests(tmp_path / "whole")


def test_a_dead_endpoint_is_one_line(tmp_path: Path) -> None:
    with FaultyEndpoint(translated).serving() as server:
        recipe = endpoint_recipe(tmp_path, server.base_url)
    process = start(recipe, tmp_path / "out")
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 2
    assert re.search(r"augment\[0\]: no endpoint answers at http://127.0.0.1:\d+/v1: ", errors)
    assert "Traceback" not in errors
