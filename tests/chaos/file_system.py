"""A file system of ours: the files of one folder under `chaos://`, whose reads pass through places.

Their addresses do not name the folder, so splits, and with them places, have the same names on
every machine and in every run.
"""

from __future__ import annotations

import os
from typing import Any

import fsspec
from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from tests.chaos.places import reach

PROTOCOL = "chaos"
FOLDER = "GLOTMILL_TEST_CHAOS"  # the variable that names the folder


class WatchedFileSystem(AbstractFileSystem):
    """Files of this machine as those of a store, each of whose reads reaches a place."""

    protocol = PROTOCOL
    cachable = False
    _local = LocalFileSystem()

    def ls(self, path: str, detail: bool = True, **_: Any) -> Any:
        names = sorted(entry.name for entry in os.scandir(self._here(path)))
        found = [self.info("/".join(filter(None, (path, name)))) for name in names]
        return found if detail else [entry["name"] for entry in found]

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        found = self._local.info(self._here(path))
        return {name: found[name] for name in ("size", "type", "mtime")} | {
            "name": self._strip_protocol(path)
        }

    def _open(self, path: str, mode: str = "rb", **_: Any) -> Any:
        return _WatchedFile(self._local.open(self._here(path), mode), path)

    def _here(self, path: str) -> str:
        return os.path.join(os.environ[FOLDER], self._strip_protocol(path))  # noqa: PTH118


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
