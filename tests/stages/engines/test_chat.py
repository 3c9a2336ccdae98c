"""Chat completion: what is kept of each kind of answer, and how a model is found."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from stages.engines.chat import CUT_OFF, REFUSED, ChatRequest, Completion, Message
from stages.engines.engine import EngineError, Identity
from stages.engines.options import ChatEndpointConfig, LlamaCppConfig
from tests.endpoints import FaultyEndpoint, completion

pytest.importorskip("openai", reason="openai is not installed; pip install 'glotmill[synthesize]'")

from stages.engines.endpoint import ChatEndpoint
from stages.engines.llama_cpp import find_gguf

SCHEMA = '{"type": "object"}'
REQUEST = ChatRequest(
    (Message("system", "Be short."), Message("user", "Kaixo \u0905")), 64, 0.5, 7, SCHEMA
)


def endpoint(url: str) -> ChatEndpoint:
    config = ChatEndpointConfig(
        base_url=url, model="m", timeout_seconds=2, first_pause_seconds=0.01, max_attempts=2
    )
    return ChatEndpoint(config)


def test_the_server_gets_all_that_the_key_depends_on() -> None:
    seen: list[dict[str, Any]] = []

    def answer(body: dict[str, Any]) -> dict[str, Any]:
        seen.append(body)
        return completion(' {"a": 1}\n')

    with FaultyEndpoint(answer).serving() as server:
        given = endpoint(server.base_url).ask(REQUEST)
    (body,) = seen
    asked = json.loads(REQUEST.question)
    assert body["messages"] == asked["messages"] == [m._asdict() for m in REQUEST.messages]
    assert (body["temperature"], body["seed"], body["max_tokens"]) == (0.5, 7, 64)
    assert body["response_format"]["json_schema"]["schema"] == asked["schema"] == {"type": "object"}
    assert Completion.of(given) == Completion(' {"a": 1}\n', "stop"), "as it came"
    identity = Identity("e", "m", "1")
    changed = [
        REQUEST._replace(seed=8),
        REQUEST._replace(temperature=0.6),
        REQUEST._replace(max_tokens=65),
        REQUEST._replace(schema=None),
        REQUEST._replace(messages=REQUEST.messages[:1]),
    ]
    keys = {request.key(identity) for request in (REQUEST, *changed)} | {
        REQUEST.key(identity._replace(version="2"))
    }
    assert len(keys) == 7


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (completion("half of", finish="length"), Completion("half of", CUT_OFF)),
        (completion(""), Completion("")),
        ({"choices": [{"message": {"content": None}, "finish_reason": None}]}, Completion("")),
    ],
)
def test_what_came_is_an_answer(body: dict[str, Any], expected: Completion) -> None:
    with FaultyEndpoint(lambda _: body).serving() as server:
        assert Completion.of(endpoint(server.base_url).ask(REQUEST)) == expected
    assert server.requests == 1


@pytest.mark.parametrize("pause", [0.0, 0.05], ids=["fast", "slow"])
def test_an_answer_without_end_is_cut_off(pause: float) -> None:
    stop = threading.Event()

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1 << 16)
            connection.sendall(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
            )
            chunk = b"x" * (16_384 if not pause else 16)
            while not stop.wait(pause):
                try:
                    connection.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        given = endpoint(f"http://127.0.0.1:{listener.getsockname()[1]}/v1").ask(REQUEST)
        stop.set()
        thread.join()
    assert Completion.of(given).finish == CUT_OFF
    assert given.completion_tokens == REQUEST.max_tokens, "so many may be paid for"


def test_an_answer_that_there_is_not_is_refused() -> None:
    from stages.engines.chat import RecordedGenerator

    given = RecordedGenerator(Identity("e", "m", "1")).ask(REQUEST)
    assert given.text is None
    assert Completion.of(given).finish == REFUSED


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"model": "no-such-package"}, "no installed package; pip install no-such-package"),
        ({"model": "numpy"}, "must hold one GGUF file"),
        ({"model": "org/name"}, "say which GGUF by `file`"),
    ],
)
def test_a_model_that_is_not_there_is_one_line(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(EngineError, match=problem):
        find_gguf(LlamaCppConfig(**options))


def test_what_is_no_gguf_is_named(tmp_path: Path) -> None:
    pytest.importorskip(
        "xllamacpp", reason="xllamacpp is not installed; pip install 'glotmill[synthesize]'"
    )
    from stages.engines.llama_cpp import LlamaCpp

    (tmp_path / "m.gguf").write_bytes(b"GGML....")
    with pytest.raises(EngineError, match=r"m\.gguf must be a GGUF file"):
        LlamaCpp(LlamaCppConfig(model=str(tmp_path / "m.gguf")))
