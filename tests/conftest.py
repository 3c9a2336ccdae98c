"""Servers that several parts of the tests talk to."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve S3 on loopback, and return the URL of an empty bucket there."""
    try:
        from moto.server import ThreadedMotoServer
        from s3fs import S3FileSystem
    except ImportError as missing:
        if os.environ.get("GLOTMILL_REQUIRE_ENGINES") == "1":
            raise
        pytest.skip(f"{missing.name} is not installed; it comes with glotmill[test]")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    S3FileSystem.clear_instance_cache()
    S3FileSystem().mkdir("corpora")
    yield "s3://corpora"
    S3FileSystem().rm("corpora", recursive=True)  # the server's state is this process's and outlives it
    S3FileSystem.clear_instance_cache()
    server.stop()
