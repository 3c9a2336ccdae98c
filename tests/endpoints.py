"""A server of chat completions on loopback that fails as real ones do, and counts what it
answered."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FAULTS = ("429", "500", "cut", "garbage", "no_choices", "hang")
SLOW = 4.0  # seconds that a hanging answer takes; clients give up before


class FaultyEndpoint:
    """Answers by a function of the request, but every n-th time with the next of the FAULTS."""

    def __init__(self, answer: Callable[[dict[str, Any]], dict[str, Any]], every: int = 0) -> None:
        self.every, self.answered, self.requests = every, Counter[str](), 0
        self._lock = threading.Lock()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send(200, b'{"object": "list", "data": []}')

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                fault = owner._next_fault()
                if fault in ("429", "500"):
                    self._send(int(fault), b'{"error": {"message": "planted"}}')
                elif fault == "garbage":
                    self._send(200, b"<html>\xff not JSON")
                elif fault == "no_choices":
                    self._send(200, b'{"choices": []}')
                elif fault == "cut":
                    self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{")
                    self.close_connection = True
                else:
                    if fault == "hang":
                        time.sleep(SLOW)
                        return
                    question = body["messages"][-1]["content"]
                    content = json.dumps(answer(body)).encode()
                    with owner._lock:
                        owner.answered[question.rpartition("\n\n")[2]] += 1
                    self._send(200, content)

            def _send(self, status: int, content: bytes) -> None:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    self.send_response(status)
                    self.send_header("content-type", "application/json")
                    self.send_header("content-length", str(len(content)))
                    self.send_header("retry-after", "0.01")
                    self.end_headers()
                    self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def _next_fault(self) -> str | None:
        with self._lock:
            self.requests += 1
            if not self.every or self.requests % self.every:
                return None
            return FAULTS[self.requests // self.every % len(FAULTS)]

    @contextlib.contextmanager
    def serving(self) -> Iterator[FaultyEndpoint]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


def completion(
    content: str, finish: str = "stop", tokens: tuple[int, int] = (50, 50)
) -> dict[str, Any]:
    """Write a chat completion."""
    choice = {
        "index": 0,
        "finish_reason": finish,
        "message": {"role": "assistant", "content": content},
    }
    return {
        "choices": [choice],
        "usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]},
    }
