"""A file system of ours: local files under `chaos://`, whose reads pass through places."""

from __future__ import annotations

from typing import Any

import fsspec
from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from tests.chaos.places import reach

PROTOCOL = "chaos"


class WatchedFileSystem(AbstractFileSystem):
    """Files of this machine as those of a store, each of whose reads reaches a place."""

    protocol = PROTOCOL
    cachable = False
    _local = LocalFileSystem()

    def ls(self, path: str, detail: bool = True, **options: Any) -> Any:
        return self._local.ls(path, detail, **options)

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        found = self._local.info(path)
        return {name: found[name] for name in ("name", "size", "type", "mtime")}

    def _open(self, path: str, mode: str = "rb", **_: Any) -> Any:
        return _WatchedFile(self._local.open(self._strip_protocol(path), mode), path)


class _WatchedFile:
    def __init__(self, file: Any, path: str) -> None:
        self._file, self._name = file, path.rpartition("/")[2]

    def read(self, size: int = -1) -> bytes:
        reach(f"input/{self._name} read")
        content: bytes = self._file.read(size)
        return content

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> _WatchedFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


fsspec.register_implementation(PROTOCOL, WatchedFileSystem, clobber=True)
