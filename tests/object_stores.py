"""S3 and Google Cloud Storage on loopback: servers that count what they are asked, and fail as
planted."""

from __future__ import annotations

import contextlib
import io
import re
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import fsspec
import pytest
from fsspec import register_implementation

from pipelines.staging.store import DONE

BUCKET = "corpora"


class Fault(NamedTuple):
    """An answer in place of the right one; of status 0: none, the connection ends."""

    status: int
    content: bytes = b""


CUT = Fault(0)
BUSY = Fault(
    503, b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"
)
BROKEN = Fault(500, b"<Error><Code>InternalError</Code><Message>planted</Message></Error>")
STRANGER = {
    "s3": Fault(
        403,
        b"<Error><Code>InvalidAccessKeyId</Code><Message>The AWS Access Key Id you provided does not exist in our "
        b"records.</Message></Error>",
    ),
    "gs": Fault(403, b'{"error": {"code": 403, "message": "no permission for this object"}}'),
}


class ObjectServer:
    """A server of one protocol with an empty bucket: its URL, and the requests that it got."""

    def __init__(self, protocol: str) -> None:
        self.url = f"{protocol}://{BUCKET}"
        self.protocol = protocol
        self.requests: list[tuple[str, str]] = []  # method, path with its query
        self.fault: Callable[[str, str], Fault | None] = lambda _method, _path: None

    def open(self) -> Any:
        """Connect to the server anew, as a command that has just started."""
        fsspec.get_filesystem_class(self.protocol).clear_instance_cache()
        return fsspec.filesystem(self.protocol, use_listings_cache=False)

    def answered(self, handler: BaseHTTPRequestHandler, name: str = "") -> bool:
        """Count a request, and answer it if a fault is planted.

        The body of an upload may name the object that the path does not: its name is put behind,
        and so are the tasks that an object marks as done.
        """
        path = f"{handler.path}#{name}" if name else handler.path
        if handler.command in ("PUT", "POST") and DONE in path:
            content = handler.rfile.read(int(handler.headers.get("content-length") or 0))
            handler.rfile = io.BytesIO(content)
            names = re.findall(rb'^ "([^"]+)": ', content, re.MULTILINE)
            path = f"{path}#{b','.join(names).decode()}"
        self.requests.append((handler.command, path))
        fault = self.fault(handler.command, path)
        if fault is None:
            return False
        handler.rfile.read(int(handler.headers.get("content-length") or 0))
        handler.close_connection = True
        if fault.status:
            handler.send_response(fault.status)
            handler.send_header("content-length", str(len(fault.content)))
            handler.send_header("connection", "close")
            handler.end_headers()
            if handler.command != "HEAD":
                handler.wfile.write(fault.content)
        return True


@contextlib.contextmanager
def s3_server(environment: pytest.MonkeyPatch) -> Iterator[ObjectServer]:
    """Serve S3 by moto, with credentials in the environment, where its clients look for them."""
    try:
        from moto.core.base_backend import BackendDict
        from moto.moto_server.werkzeug_app import (
            DomainDispatcherApplication,
            MotoRequestHandler,
            create_backend_app,
        )
        from s3fs import S3FileSystem
        from werkzeug.serving import make_server
    except ImportError as missing:
        pytest.skip(f"{missing.name} is not installed; it comes with glotmill[test]")
    served = ObjectServer("s3")

    class Handler(MotoRequestHandler):
        disable_nagle_algorithm = True  # an answer in two pieces would wait for 40 ms

        def log_request(self, *_answer: object) -> None:
            """Keep the test's output clean."""

        def run_wsgi(self) -> None:
            if not served.answered(self):
                super().run_wsgi()

    BackendDict.reset()  # what another server of this process was given outlives it
    application = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Handler)
    environment.setenv("AWS_ACCESS_KEY_ID", "test")
    environment.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    environment.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    with _serving(server):
        served.open().mkdir(BUCKET)
        served.requests.clear()
        yield served
        S3FileSystem.clear_instance_cache()


SECRET = "a-secret-that-no-log-may-show"  # noqa: S105


@contextlib.contextmanager
def gcs_server(environment: pytest.MonkeyPatch) -> Iterator[ObjectServer]:
    """Serve Google Cloud Storage by gcp-storage-emulator, in memory."""
    # read on import; with it, gcsfs asks Google by gRPC of what kind a bucket is
    environment.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    environment.setenv("NO_GCE_CHECK", "true")  # no credentials are looked for at Google's machines
    try:
        from gcp_storage_emulator.server import RequestHandler, Router
        from gcp_storage_emulator.storage import Storage
        from gcsfs.core import GCSFileSystem
        from google.auth.compute_engine import _metadata
    except ImportError as missing:
        pytest.skip(f"{missing.name} is not installed; it comes with glotmill[test]")
    # read on import, too: nobody waits for Google's machines
    environment.setattr(_metadata, "_NO_GCE_CHECK", True)
    # imported earlier, the package may have made another class its own
    register_implementation("gs", GCSFileSystem, clobber=True)
    served = ObjectServer("gs")
    one_at_a_time = threading.Lock()  # the emulator's storage is not made for threads

    class Handler(RequestHandler):
        rfile: Any

        def answer(self) -> None:
            name = ""
            if self.command == "POST" and (length := self.headers.get("content-length")):
                self.rfile = io.BytesIO(self.rfile.read(int(length)))
                found = re.search(rb'"name": ?"([^"]+)"', self.rfile.getvalue()[:4096])
                name = found[1].decode() if found else ""
            if not served.answered(self, name):
                with one_at_a_time:
                    Router(self).handle(self.command)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer  # noqa: N815

    storage = Storage(use_memory_fs=True)
    storage.create_bucket(BUCKET, {"name": BUCKET})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, storage))
    environment.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{server.server_port}")
    with _serving(server):
        GCSFileSystem.clear_instance_cache()
        yield served
        GCSFileSystem.clear_instance_cache()


@contextlib.contextmanager
def _serving(server: Any) -> Iterator[None]:
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield
    server.shutdown()
    server.server_close()


SERVERS = {"s3": s3_server, "gs": gcs_server}
