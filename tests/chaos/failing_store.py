"""An S3 server on loopback that fails as real ones do, at requests that are named in advance.

A place is a method and an object, such as `PUT out/staging/plan.json`: which ones a run reaches
does not depend on time.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

SLOW_SECONDS = 2.0
BUCKET = "corpora"
KINDS = (
    "store answers 500",
    "store is busy",
    "store is slow",
    "store is down",
    "connection cut",
    "kill group",
)
_ERROR = b"<?xml version='1.0'?><Error><Code>%s</Code><Message>planted</Message></Error>"


class FailingStore:
    """moto's S3, behind faults: kinds by place. `broken` ones go on until they are taken away."""

    def __init__(self) -> None:
        from moto.core.base_backend import BackendDict
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        BackendDict.reset()  # what another server of this process was given outlives it
        self._application = DomainDispatcherApplication(create_backend_app)
        self.faults: dict[str, str] = {}
        self.met: list[str] = []
        self.places: set[str] = set()
        self.kill: Callable[[], None] = lambda: None  # those who ask
        self._lock = threading.Lock()

    def __call__(self, environment: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        place = f"{environment['REQUEST_METHOD']} {environment['PATH_INFO'].lstrip('/')}"
        kind = self._fault(place)
        if kind in ("store answers 500", "store is down"):
            return _refusal(start_response, "500 Internal Server Error", b"InternalError")
        if kind == "store is busy":
            return _refusal(start_response, "503 Slow Down", b"SlowDown")
        if kind == "kill group":
            self.kill()
        if kind == "store is slow":
            time.sleep(SLOW_SECONDS)
        answer: Iterable[bytes] = self._application(environment, start_response)
        return _cut(answer) if kind == "connection cut" else answer

    def _fault(self, place: str) -> str | None:
        with self._lock:
            self.places.add(place)
            kind = self.faults.get(place)
            if kind:
                if place not in self.met:
                    self.met.append(place)
                if kind != "store is down":  # which goes on until the run has ended
                    del self.faults[place]
            return kind

    @contextlib.contextmanager
    def serving(self) -> Iterator[str]:
        """Give the address of the server while the block lasts."""
        from werkzeug.serving import WSGIRequestHandler, make_server

        class Silent(WSGIRequestHandler):
            def log(self, *_: object) -> None:
                """Say nothing."""

        server = make_server("127.0.0.1", 0, self, threaded=True, request_handler=Silent)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def _refusal(start_response: Any, status: str, code: bytes) -> Iterable[bytes]:
    content = _ERROR % code
    headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(content)))]
    start_response(status, headers)
    return [content]


def _cut(answer: Iterable[bytes]) -> Iterator[bytes]:
    """Send half of an answer, and close the connection."""
    content = b"".join(answer)
    yield content[: len(content) // 2]
    raise ConnectionAbortedError("planted")
