"""Where a run keeps its files: atomic writes, done markers, one run at a time.

A file appears under its final name complete or not at all. On a local disk it is written next to
its place and renamed. An object store has no rename, and needs none: what is put there, in one
request or in parts that a last request joins, becomes visible whole. A task's done marker is written
after its files, so a task without one is simply done again; and the manifest after all files, so
what lies in a folder without one is no corpus.

An object store is asked for as little as can be. A file that is short is read by one request, which
also says whether it is there; a worker remembers what it read and wrote, and what it missed; what a
run publishes is hashed as it is written.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import io
import json
import math
import os
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from pipelines.staging import lease
from schemas.credentials import without_credentials
from schemas.failures import FailureError, MisuseError, store_errors
from stages.reading.file_systems import open_file_system

MANIFEST = "manifest.json"  # written last: a folder that has it holds a finished corpus
SIGNATURE = "manifest.json.sig"
CARD = "card.json"
RECIPE = "recipe.toml"
PLAN = "staging/plan.json"  # what a run was begun with
MARKER = "done.json"  # stands in a folder of which all files are written
PARTIAL = "staging/partial"  # files still being written; emptied when a run starts
DONE = "done-"  # how files of an object store begin that mark tasks as done: many, by a number,
ONE_DONE = "done-of-"  # or one, by its name
TOGETHER_LEAST = 100  # marks of single tasks, once read, are put together from so many on


class StagingError(MisuseError):
    """The output folder cannot be used for this run; the message says what to do."""


SHORT_BYTES = 4 << 20  # of an object store: a file up to this length is read by one request
REMEMBERED_BYTES = 64 << 20  # that a worker keeps of what it read last
# S3's file system tries each of its own requests so often, and the client that it uses does as well,
# as AWS_MAX_ATTEMPTS says: 125 tries in all, of which the last came after minutes.
_TRIES = {"s3": 2}
# Listings are not kept, since other processes write too. With more than one part at a time, S3's file
# system asks for the length of each file before it reads it.
_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "s3": {"use_listings_cache": False, "max_concurrency": 1},
    "gs": {"use_listings_cache": False},
    "gcs": {"use_listings_cache": False},
}
BUNDLE_BYTES = 1 << 20  # of short files that are put together
READ_AHEAD = 32  # items whose files are read before they are asked for
_READS = 16  # files that are read side by side, 64 MB at most
PART_BYTES = 16 << 20  # a longer file is put in parts of so many bytes,
_SIDE_BY_SIDE = 4  # so many of them at a time
_ALIGNED = 64  # bytes between the beginnings of arrays in a file, as NumPy aligns them
Item = TypeVar("Item")
AGAIN = "nothing finished is lost: run the same command again to go on"


class _Remembered:
    """What a worker has read and written of an object store, and which files it missed there."""

    def __init__(self) -> None:
        self.files: OrderedDict[str, bytes | None] = OrderedDict()  # None: there is no such file
        self.listed: dict[str, set[str] | None] = {}  # names by folder; None: not complete
        self.bundles: set[str] = set()  # whose files are among these, or were
        self.below: dict[str, set[str]] = {}  # paths of all files in a folder
        self._bytes = 0

    def add(self, path: str, content: bytes | None) -> None:
        """Keep a file, and let go of those that were not asked for longest."""
        self._bytes += len(content or b"") - len(self.files.pop(path, None) or b"")
        self.files[path] = content
        while self._bytes > REMEMBERED_BYTES:
            self._bytes -= len(self.files.popitem(last=False)[1] or b"")

    def forget(self, path: str) -> None:
        """Let go of a file, or of all (empty)."""
        for each in [path] if path else list(self.files):
            self._bytes -= len(self.files.pop(each, None) or b"")
        for folder in [path.rpartition("/")[0]] if path else list(self.listed):
            self.listed.pop(folder, None)
        self.below = {
            folder: paths for folder, paths in self.below.items() if path and folder not in path
        }
        if not path:
            self.bundles.clear()


class Store:
    """A corpus folder on any fsspec file system. Paths are relative to it, with forward slashes.

    The store of a worker lives as long as one phase, whose tasks read only files that are complete:
    it may remember them.
    """

    def __init__(self, url: str, *, of_worker: bool = False) -> None:
        self.url = url
        self.fs, self.root = open_store(url, of_worker=of_worker)
        self.local = isinstance(self.fs, LocalFileSystem)
        self._remembered = _Remembered() if of_worker and not self.local else None
        self._published: dict[str, tuple[int, str]] = {}  # size and sha256 by path, as written
        self._next_marks: dict[str, int] = {}  # by folder, as it was listed last
        self._is_lost: Callable[[], bool] | None = None  # the lease that we hold

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        """Workers open their own connections, and may have been started in another folder."""
        return _store_of_worker, (self.root if self.local else self.url,)

    def remembering(self) -> Store:
        """Return a store that remembers, as a worker's does, for the time of one step that reads
        only complete files."""
        return self if self.local else Store(self.url, of_worker=True)

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
        """Say if there is a file."""
        return (
            bool(self.fs.exists(self.full(path))) if self.local else self._begin(path) is not None
        )

    def open(self, path: str) -> Any:
        """Open a file to read, as a context manager."""
        if self.local:
            return self.fs.open(self.full(path), "rb")
        begun = self._begin_of_file(path)
        if len(begun) < SHORT_BYTES:
            return io.BytesIO(begun)
        return self.fs.open(self.full(path), "rb", block_size=2 * SHORT_BYTES)

    def size(self, path: str) -> int:
        """Return the size of a file in bytes."""
        if path in self._published:
            return self._published[path][0]
        return int(self.fs.size(self.full(path)))

    def read(self, path: str) -> bytes:
        if self.local:
            with self.open(path) as stream:
                return bytes(stream.read())
        begun = self._begin_of_file(path)
        if len(begun) < SHORT_BYTES:
            return begun
        with self._asked(path, "read"):
            return bytes(self.fs.cat_file(self.full(path)))

    def _begin_of_file(self, path: str) -> bytes:
        """Read the first SHORT_BYTES of an object; raises FileNotFoundError if it is not there."""
        if (begun := self._begin(path)) is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), f"{self.url}/{path}")
        return begun

    def _begin(self, path: str) -> bytes | None:
        """Read the first SHORT_BYTES of an object, by one request; None if it is not there."""
        known = self._remembered
        if known and path in known.files:
            known.files.move_to_end(path)
            return known.files[path]
        if known and not self._may_be_there(known, path):
            return None
        try:
            with self._asked(path, "read"):
                begun = bytes(self.fs.cat_file(self.full(path), start=0, end=SHORT_BYTES))
        except FileNotFoundError:
            begun = None
        except OSError as error:
            if error.errno != errno.EINVAL:  # what S3 says of a range of an empty file
                raise
            begun = b""
        if known:
            known.add(path, begun)
        return begun

    def _may_be_there(self, known: _Remembered, path: str) -> bool:
        """Say no of a file that the listing of its folder does not have, if that is a folder with
        files of all splits that is marked as done: of another one, files may be yet to come."""
        folder, _, name = path.rpartition("/")
        if not folder.startswith("staging/") or folder.count("/") > 1 or name.startswith(DONE):
            return True
        complete = self._complete(known, folder)
        return complete is None or name in complete

    def _complete(self, known: _Remembered, folder: str) -> set[str] | None:
        """List the names in a folder, if it is marked as done."""
        if folder not in known.listed:
            names = self.names(folder)
            known.listed[folder] = names if MARKER in names else None
        return known.listed[folder]

    def bundle(self, folder: str, files: Mapping[str, Sequence[str]]) -> None:
        """Put short files together, by the names of bundles, each of which `unbundle` reads by one
        request; that a file is missing is kept as well. Nothing is done where it would save
        nothing: of a store that does not remember, and of a folder that is marked as done."""
        if self._remembered is None or self.exists(f"{folder}/{MARKER}"):
            return
        names = list(files)
        for start in range(0, len(names), READ_AHEAD):
            group = names[start : start + READ_AHEAD]
            bundles = {
                self.full(f"{folder}/{name}.bin"): _bundle(
                    {path: self._begin(path) for path in files[name]}
                )
                for name in self.read_ahead(group, files.__getitem__)
            }
            with self._asked(folder, "written"):
                self.fs.pipe(bundles)
        self.write(f"{folder}/{MARKER}", b"{}")

    def unbundle(self, folders: Sequence[str], names: Sequence[str]) -> None:
        """Remember the files of some bundles, each from the first folder that has it and is marked
        as done."""
        known, left = self._remembered, names
        if known is None or not names:
            return
        for folder in folders:
            there = self._complete(known, folder) or set()
            paths = [f"{folder}/{name}.bin" for name in left if f"{name}.bin" in there]
            new = [path for path in paths if path not in known.bundles]
            for path, content in self._begins(new):
                known.bundles.add(path)
                for file, part in _unbundled(content or b""):
                    known.add(file, part)
            left = [name for name in left if f"{name}.bin" not in there]

    def read_ahead(
        self,
        items: Sequence[Item],
        paths: Callable[[Item], Iterable[str]],
        bundle: Callable[[Item], str] | None = None,
        folders: Sequence[str] = (),
    ) -> Iterator[Item]:
        """Yield items whose short files, named by `paths`, are read soon: a store that remembers
        reads those of READ_AHEAD items side by side, from their bundles in `folders` if they are
        there. A file may be missing."""
        known = self._remembered
        for start in range(0, len(items), READ_AHEAD):
            group = items[start : start + READ_AHEAD]
            if known:
                self.unbundle(folders, [bundle(item) for item in group] if bundle else [])
                wanted = dict.fromkeys(path for item in group for path in paths(item))
                left = [
                    path
                    for path in wanted
                    if path not in known.files and self._may_be_there(known, path)
                ]
                for path, content in self._begins(left):
                    known.add(path, content)
            yield from group

    def _begins(self, paths: Sequence[str]) -> Iterator[tuple[str, bytes | None]]:
        """Read the first SHORT_BYTES of objects side by side; None for one that is not there. Any
        other failure is met, and named, by who reads the file."""
        for start in range(0, len(paths), _READS):
            asked = paths[start : start + _READS]
            names = [self.full(path) for path in asked]
            with self._asked("", "read"):
                found = self.fs.cat_ranges(names, 0, SHORT_BYTES, on_error="return")
            for path, content in zip(asked, found, strict=True):
                if isinstance(content, bytes | FileNotFoundError):
                    yield path, content if isinstance(content, bytes) else None

    def forget(self, path: str = "") -> None:
        """Ask again for a file, or for all (empty): it is about to change, or a new job begins."""
        if self._remembered:
            self._remembered.forget(path)

    @contextlib.contextmanager
    def _asked(self, path: str, verb: str) -> Iterator[None]:
        """Let what an object store's client raises in the block name the file and the remedy.
        Raises StagingError if another run has taken over."""
        if self._is_lost and self._is_lost():
            raise StagingError(
                f"another run has taken over {self.url}, since for {lease.LAPSED_SECONDS:.0f} seconds "
                "nothing was heard of this one: wait for it, or run the same command again"
            )
        try:
            yield
        except store_errors() as error:
            if self.local or (isinstance(error, FileNotFoundError) and verb == "read"):
                raise
            if isinstance(error, OSError) and error.errno == errno.EINVAL:
                raise
            words = without_credentials(" ".join(str(error).split())) or type(error).__name__
            if isinstance(error, FileNotFoundError):
                words = f"there is no bucket {self.root.split('/')[0]}: make it, or name another"
            raise FailureError(f"{self.url}/{path} cannot be {verb}: {words}; {AGAIN}") from error

    def read_json(self, path: str) -> Any:
        return json.loads(self.read(path))

    def names(self, folder: str) -> set[str]:
        """List the names in a folder; none if there is no such folder."""
        try:
            with self._asked(folder, "read"):
                entries = self.fs.ls(self.full(folder), detail=False)
            return {str(entry).rstrip("/").rsplit("/", 1)[-1] for entry in entries}
        except FileNotFoundError:
            return set()

    def mark_file(self, folder: str, task: str) -> str:
        """Name the file that marks one task as done: on an object store next to those of others,
        so that a listing of them has no other files."""
        return f"{folder}/{task}/{MARKER}" if self.local else f"{folder}/{ONE_DONE}{task}.json"

    def mark_together(self, folder: str, number: int, texts: Mapping[str, str]) -> None:
        """Mark tasks as done by one file of an object store; the texts are what markers say."""
        self.write_json(f"{folder}/{DONE}{number:05d}.json", dict(texts))

    def read_marks(
        self, folder: str, but: Collection[str] = (), *, gather: bool = False
    ) -> dict[str, bytes]:
        """Read what marks in the folder of a phase say, by task, `but` those of some tasks.

        On an object store that is one listing, and reads side by side; many marks of single tasks
        are put together if `gather` says so.
        """
        if self.local:
            files = {
                name: self.mark_file(folder, name) for name in sorted(self.names(folder) - set(but))
            }
            return {name: self.read(file) for name, file in files.items() if self.exists(file)}
        alone, together = self._mark_files(folder)
        found: dict[str, bytes] = {}
        if not but:  # what was put together since then, the caller has
            for content in self._cat(together).values():
                texts = json.loads(content).items()
                found |= {name: text.encode() for name, text in texts}
        left = {n: path for n, path in alone.items() if n not in found and n not in but}
        contents = self._cat(list(left.values()))
        read = {name: bytes(contents[path]) for name, path in left.items()}
        if gather and len(read) >= TOGETHER_LEAST:
            texts = {name: content.decode() for name, content in read.items()}
            self.mark_together(folder, self.next_mark(folder), texts)
            self._next_marks[folder] += 1
        return found | read

    def next_mark(self, folder: str) -> int:
        """Number a file that marks many tasks after those which were there when they were read."""
        if folder not in self._next_marks:
            self._mark_files(folder)
        return self._next_marks[folder]

    def _mark_files(self, folder: str) -> tuple[dict[str, str], list[str]]:
        """List the files that mark single tasks, by task, and those that mark many."""
        with self._asked(folder, "read"):
            listed = self.fs.find(self.full(folder), prefix=DONE)
        one, many = self.full(f"{folder}/{ONE_DONE}"), self.full(f"{folder}/{DONE}")
        marks = [path for path in sorted(listed) if path.startswith(many)]
        alone = {
            path.removeprefix(one).removesuffix(".json"): path
            for path in marks
            if path.startswith(one)
        }
        together = [path for path in marks if not path.startswith(one)]
        numbers = (int(path.removeprefix(many).removesuffix(".json")) for path in together)
        self._next_marks[folder] = 1 + max(numbers, default=-1)
        return alone, together

    def _listed(self, path: str, *, beginning: bool = False) -> list[str]:
        """List all files below a folder, by what `self.fs` calls them, by one listing; also a file
        of this name, by the names of what has this `beginning`.

        An object store that is asked for names which begin in some way is not asked for more if
        there are none.
        """
        own = self.full(path)
        self.fs.invalidate_cache(own)
        parent, _, name = own.rpartition("/")
        with self._asked(path, "read"):
            listed = self.fs.find(parent, prefix=name if beginning else f"{name}/")
        return [found for found in listed if found == own or found.startswith(f"{own}/")]

    def _cat(self, paths: list[str]) -> dict[str, bytes]:
        """Read many files side by side, by what `self.fs` calls them."""
        with self._asked("", "read"):
            found = self.fs.cat(paths, on_error="raise") if paths else {}
        return dict(found)

    def below(self, folder: str) -> set[str]:
        """List all files below a folder, by their paths in it, by one listing; none if there is no
        such folder."""
        root, known = f"{self.full(folder)}/", self._remembered
        above, _, name = folder.rpartition("/")
        if known and above in known.below:
            paths = known.below[above]
            return {path.removeprefix(f"{name}/") for path in paths if path.startswith(f"{name}/")}
        listed = self.fs.find(root[:-1]) if self.local else self._listed(folder)
        found = {path.removeprefix(root) for path in listed}
        if known:
            known.below = {folder: found}  # the last one
        return found

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
                self.forget(path)
                with self._asked(path, "written"):
                    self.fs.put_file(
                        str(partial),
                        self.full(path),
                        chunksize=PART_BYTES,
                        max_concurrency=_SIDE_BY_SIDE,
                    )
                self._keep(path, partial)
        finally:
            partial.unlink(missing_ok=True)

    def _keep(self, path: str, partial: Path) -> None:
        """Remember a file that was put, if it is short; and of a published one the size and hash,
        which its record needs."""
        size = partial.stat().st_size
        if self._remembered and size < SHORT_BYTES:
            self._remembered.add(path, partial.read_bytes())
        if not path.startswith("staging/"):
            with partial.open("rb") as written:
                self._published[path] = size, hashlib.file_digest(written, "sha256").hexdigest()

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

    def save_arrays(self, path: str, arrays: Sequence[npt.NDArray[Any]]) -> None:
        """Write NumPy arrays into one file, atomically."""
        with self.writing(path) as partial, partial.open("wb") as file:
            for values in arrays:
                file.seek(-(-file.tell() // _ALIGNED) * _ALIGNED)
                np.save(file, values, allow_pickle=False)

    def load_arrays(self, path: str) -> list[npt.NDArray[Any]]:
        """Read the arrays of a file: mapped into memory from a local disk, copied from
        elsewhere."""
        content: Any = np.memmap(self.full(path), mode="r") if self.local else self.read(path)
        arrays, start = [], 0
        while start < len(content):
            begun = io.BytesIO(bytes(content[start : start + (1 << 16)]))  # longer than any header
            np.lib.format.read_magic(begun)
            shape, _, dtype = np.lib.format.read_array_header_1_0(begun)
            count = math.prod(shape)
            values = np.frombuffer(content, dtype, count, start + begun.tell()).reshape(shape)
            arrays.append(values)
            start += begun.tell() + values.nbytes
            start = -(-start // _ALIGNED) * _ALIGNED
        return arrays

    def remove(self, path: str) -> None:
        """Remove a file, or a folder and all below it; that there is none is well."""
        self.forget("")
        with contextlib.suppress(FileNotFoundError), self._asked(path, "read"):
            if self.local:
                self.fs.rm(self.full(path), recursive=True)
            elif listed := [*self._listed(path, beginning=True)]:
                self.fs.rm(listed)  # a thousand by a request, where a store takes so many

    def copy(self, source: str, target: str) -> None:
        """Copy a file within the store, atomically."""
        if self.local:
            with self.writing(target) as partial:
                shutil.copyfile(self.full(source), partial)
        elif len(begun := self._begin_of_file(source)) < SHORT_BYTES:
            self.write(target, begun)
        else:
            self.forget(target)
            with self._asked(source, "copied"):
                self.fs.cp_file(self.full(source), self.full(target))

    def sha256(self, path: str) -> str:
        """Hash a file, streaming; of one that was published through this store, the hash is
        known."""
        if path in self._published:
            return self._published[path][1]
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
        missing = (FileNotFoundError, NotADirectoryError)
        with contextlib.suppress(*missing), Path(self.full("staging/lock")).open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def require_unlocked(self) -> None:
        """Raise StagingError if another run holds this folder, as long as that can be known."""
        if self.is_locked():
            raise self._held()

    @contextlib.contextmanager
    def _leased(self) -> Iterator[None]:
        path = "staging/lease.json"

        def read() -> lease.Lease | None:
            try:
                return lease.parse(self.read(path))
            except FileNotFoundError:
                return None

        def write(own: lease.Lease, only_new: bool) -> None:
            mode, content = "create" if only_new else "overwrite", json.dumps(own).encode()
            with self._asked(path, "written"):
                try:
                    self.fs.pipe_file(self.full(path), content, mode=mode)
                except OSError as error:
                    if only_new and error.errno == errno.ENOSYS:  # a store without conditions
                        self.fs.pipe_file(self.full(path), content)
                    elif not only_new or not self.exists(path):
                        raise
                    # else it is another's, or our own: clients try again after a lost answer

        try:
            with lease.held(read, write, lambda: self.remove(path)) as self._is_lost:
                yield
        except lease.HeldError:
            raise self._held() from None
        finally:
            self._is_lost = None

    def _held(self) -> StagingError:
        return StagingError(
            f"another run is writing to {self.url}: wait for it, or choose another --output"
        )

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold this folder for one run; a second run is refused, on a local disk if it is on the
        same machine. Clears what a kill left there."""
        if not self.local:
            with self._leased():
                yield
            return
        staging = Path(self.full("staging"))
        staging.mkdir(parents=True, exist_ok=True)
        with (staging / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise self._held() from None
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


def _bundle(files: Mapping[str, bytes | None]) -> bytes:
    """Join files, while they are short together: a line of their lengths, then their contents."""
    lengths: dict[str, int | None] = {}
    parts, left = [], BUNDLE_BYTES
    for path, content in files.items():
        size = len(content or b"")
        if size <= left:
            lengths[path] = None if content is None else size
            parts.append(content or b"")
            left -= size
    return b"\n".join((json.dumps(lengths).encode(), b"".join(parts)))


def _unbundled(bundle: bytes) -> Iterator[tuple[str, bytes | None]]:
    """Yield the files of a bundle, None for one that was missing."""
    header, _, rest = bundle.partition(b"\n")
    start = 0
    for path, size in json.loads(header or b"{}").items():
        yield path, None if size is None else rest[start : start + size]
        start += size or 0


def is_local(url: str) -> bool:
    """Say if a folder is on this machine, by its address alone: to open Google's store without
    credentials takes a quarter of a minute.

    >>> is_local("out/own"), is_local("file:///data/own"), is_local("gs://bucket/own")
    (True, True, False)
    """
    protocol, separator, _ = url.partition("://")
    return not separator or protocol in LocalFileSystem.protocol


def open_store(url: str, *, of_worker: bool = False) -> tuple[Any, str]:
    """Open the file system of a URL, as fsspec does, and return it with the path in it.

    Credentials come from the provider's own chain: none are taken from an address or a recipe.
    """
    protocol = urlsplit(url).scheme if "://" in url else ""
    fs, root = open_file_system(url, tried=of_worker, **_OPTIONS.get(protocol, {}))
    if protocol in _TRIES:
        fs.retries = _TRIES[protocol]
    return fs, root


def _store_of_worker(url: str) -> Store:
    return Store(url, of_worker=True)


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
