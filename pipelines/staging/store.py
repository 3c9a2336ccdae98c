"""Where a run keeps its files: atomic writes, done markers, one run at a time.

A file appears under its final name complete or not at all. On a local disk it is written next to
its place and renamed; on an object store a local temporary file is put in one request, which those
stores make visible whole. A task's done marker is written after its files, so a task without one is
simply done again.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import fsspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from schemas.failures import MisuseError

MANIFEST = "manifest.json"  # written last: a folder that has it holds a finished corpus
SIGNATURE = "manifest.json.sig"
CARD = "card.json"
RECIPE = "recipe.toml"
PLAN = "staging/plan.json"  # what a run was begun with
PARTIAL = "staging/partial"  # files still being written; emptied when a run starts
GATHERED = "gathered-"  # how files begin in which small files of one name are put together
GATHERED_LEAST = 100


class StagingError(MisuseError):
    """The output folder cannot be used for this run; the message says what to do."""


class Store:
    """A corpus folder on any fsspec file system. Paths are relative to it, with forward slashes."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.fs, self.root = fsspec.url_to_fs(url)
        self.local = isinstance(self.fs, LocalFileSystem)

    def __reduce__(self) -> tuple[type[Store], tuple[str]]:
        """Workers open their own connections, and may have been started in another folder."""
        return Store, (self.root if self.local else self.url,)

    def full(self, path: str) -> str:
        """Return what `self.fs` calls a path of this store."""
        return f"{self.root}/{path}" if path else self.root

    def path_of(self, address: str) -> str | None:
        """Return the path in this store of what is at an address, or None if it is not in this
        store."""
        other = Store(address)
        if type(other.fs) is not type(self.fs):
            return None
        own, its = (
            os.path.realpath(root) if self.local else root for root in (self.root, other.root)
        )
        return its.removeprefix(f"{own}/") if its.startswith(f"{own}/") else None

    def exists(self, path: str) -> bool:
        return bool(self.fs.exists(self.full(path)))

    def open(self, path: str) -> Any:
        """Open a file to read, as a context manager."""
        return self.fs.open(self.full(path), "rb")

    def size(self, path: str) -> int:
        """Return the size of a file in bytes."""
        return int(self.fs.size(self.full(path)))

    def read(self, path: str) -> bytes:
        return bytes(self.fs.cat_file(self.full(path)))

    def read_json(self, path: str) -> Any:
        return json.loads(self.read(path))

    def names(self, folder: str) -> set[str]:
        """List the names in a folder; none if there is no such folder."""
        try:
            return {
                str(entry).rstrip("/").rsplit("/", 1)[-1]
                for entry in self.fs.ls(self.full(folder), detail=False)
            }
        except FileNotFoundError:
            return set()

    def read_each(
        self, folder: str, file: str, but: Collection[str] = (), *, gather: bool = False
    ) -> dict[str, bytes]:
        """Read the file of one name in each folder of `folder`, by the names of these folders,
        `but` some.

        On an object store that is one listing, and reads side by side. To `gather` is to write what
        many reads gave into one file, which takes their place the next time.
        """
        if self.local:
            paths = {
                name: f"{folder}/{name}/{file}" for name in sorted(self.names(folder) - set(but))
            }
            return {name: self.read(path) for name, path in paths.items() if self.exists(path)}
        self.fs.invalidate_cache(self.full(folder))
        listed = self.fs.find(self.full(folder))
        paths = {
            path.rsplit("/", 2)[-2]: path for path in sorted(listed) if path.endswith(f"/{file}")
        }
        found: dict[str, bytes] = {}
        if not but:  # what was gathered since then, the caller has
            prefix = self.full(f"{folder}/{GATHERED}")
            earlier = [path for path in listed if path.startswith(prefix)]
            for content in self.fs.cat(earlier).values() if earlier else ():
                found |= {name: text.encode() for name, text in json.loads(content).items()}
        found = {name: content for name, content in found.items() if name in paths}
        alone = {
            name: path for name, path in paths.items() if name not in found and name not in but
        }
        contents = self.fs.cat(list(alone.values())) if alone else {}
        read = {name: bytes(contents[path]) for name, path in alone.items()}
        if gather and len(read) >= GATHERED_LEAST:
            target = f"{folder}/{GATHERED}{next(iter(read))}-{len(read)}.json"
            self.write_json(target, {name: content.decode() for name, content in read.items()})
        return found | read

    @contextlib.contextmanager
    def writing(self, path: str) -> Iterator[Path]:
        """Give a local path to write to; when the block ends well, the file stands whole under
        `path`."""
        if self.local:
            Path(self.full(PARTIAL)).mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.full(PARTIAL) if self.local else None)
        os.close(handle)
        partial = Path(name)
        try:
            yield partial
            if self.local:
                target = Path(self.full(path))
                target.parent.mkdir(parents=True, exist_ok=True)
                with partial.open("rb") as written:
                    os.fsync(written.fileno())
                partial.chmod(0o644)
                partial.replace(target)
            else:
                self.fs.put_file(str(partial), self.full(path))
        finally:
            partial.unlink(missing_ok=True)

    @contextlib.contextmanager
    def writing_parquet(
        self, path: str, schema: pa.Schema, **options: Any
    ) -> Iterator[pq.ParquetWriter]:
        """Give a Parquet writer; when the block ends well, the file stands whole under `path`.

        The writer gets a Python file, and is closed here whatever happens: left to its destructor,
        a writer on a full disk complains on stderr without our knowledge.
        """
        with self.writing(path) as partial, partial.open("wb") as file:
            writer = pq.ParquetWriter(file, schema, **options)
            try:
                yield writer
            except BaseException:
                with contextlib.suppress(OSError):  # the reason is already on its way
                    writer.close()
                raise
            writer.close()

    def row_groups(self, path: str, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Yield the row groups of a Parquet file, one after another.

        `pyarrow.parquet.read_table` reads a Python file from threads of its own, which may still be
        there when the process ends, and abort it. This reads in the thread that asks.
        """
        with self.open(path) as stream:
            file = pq.ParquetFile(stream)
            for group in range(file.num_row_groups):
                yield file.read_row_group(group, columns=columns, use_threads=False)

    def read_parquet(self, path: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Read a Parquet file whole, in this thread as well."""
        with self.open(path) as stream:
            return pq.ParquetFile(stream).read(columns=columns, use_threads=False)

    def write(self, path: str, content: bytes) -> None:
        with self.writing(path) as partial:
            partial.write_bytes(content)

    def write_json(self, path: str, value: object) -> None:
        """Write JSON whose bytes depend on the value alone."""
        text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)
        self.write(path, text.encode() + b"\n")

    def save_array(self, path: str, values: npt.NDArray[Any]) -> None:
        """Write a NumPy array, atomically."""
        with self.writing(path) as partial, partial.open("wb") as file:
            np.save(file, values, allow_pickle=False)

    def load_array(self, path: str) -> npt.NDArray[Any]:
        """Read a NumPy array: mapped into memory from a local disk, copied from elsewhere."""
        if self.local:
            mapped: npt.NDArray[Any] = np.load(self.full(path), mmap_mode="r", allow_pickle=False)
            return mapped
        copied: npt.NDArray[Any] = np.load(io.BytesIO(self.read(path)), allow_pickle=False)
        return copied

    def remove(self, path: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.fs.rm(self.full(path), recursive=True)

    def copy(self, source: str, target: str) -> None:
        """Copy a file within the store, atomically."""
        if self.local:
            with self.writing(target) as partial:
                shutil.copyfile(self.full(source), partial)
        else:
            self.fs.cp_file(self.full(source), self.full(target))

    def sha256(self, path: str) -> str:
        """Hash a file, streaming."""
        digest = hashlib.sha256()
        with self.open(path) as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
        return digest.hexdigest()

    def is_locked(self) -> bool | None:
        """Say if a run holds this folder; None on an object store, where nobody on this machine can
        know."""
        if not self.local:
            return None
        with contextlib.suppress(FileNotFoundError), Path(self.full("staging/lock")).open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold this folder for one run; a second run on the same machine is refused. Clears what a
        kill left."""
        if not self.local:
            yield
            return
        staging = Path(self.full("staging"))
        staging.mkdir(parents=True, exist_ok=True)
        with (staging / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StagingError(
                    f"another run is writing to {self.url}: wait for it, or choose another --output"
                ) from None
            if not _is_at(lock, staging / "lock"):
                raise StagingError(
                    f"another run has just ended in {self.url}: run the same command again"
                )
            shutil.rmtree(self.full(PARTIAL), ignore_errors=True)
            try:
                yield
            finally:
                if self.names("staging") == {"lock"}:  # there is nothing to go on with
                    (staging / "lock").unlink()
                    staging.rmdir()


def _is_at(file: IO[str], path: Path) -> bool:
    """Say if an open file still stands at `path`."""
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    return False


def require_corpus(store: Store) -> None:
    """Raise StagingError unless a folder holds a finished corpus."""
    if not store.exists(MANIFEST):
        raise StagingError(
            f"{store.url} holds no finished corpus; finish it with glotmill run, or name another folder"
        )
