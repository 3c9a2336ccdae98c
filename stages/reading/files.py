"""Which files a source names: globs over any store, and what is wrong with them before anything
runs."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from fsspec.implementations.local import LocalFileSystem

from schemas.credentials import require_no_credentials
from schemas.failures import FailureError, MisuseError, store_errors
from schemas.split import InputFile, InputSplit
from stages.reading.file_systems import open_file_system
from stages.reading.streams import UNREAD_COMPRESSIONS, compression_of

_GLOB_CHARACTERS = frozenset("*?[")
FILES_PER_SPLIT = 10_000
_SHOWN = 5  # problems of one kind that are written out
# What stores call the version of a file, the surest first: S3, Google, the Hub, Azure, HTTP, then
# times.
_VERSIONS = (
    "ETag", "etag", "blob_id", "generation", "md5Hash", "LastModified", "last_modified", "updated", "mtime", "created",
)  # fmt: skip
_AFTER_CHANGE = "put it back as it was and run the same command again, or begin anew with --restart"


class ChangedFileError(FailureError):
    """An input file changed after it was planned; what was read of it is no part of any one
    version."""


class SourceError(MisuseError):
    """A source cannot be read as the recipe says; the message names every problem at once."""


def find_files(
    patterns: Iterable[str], base: str, endings: Sequence[str] = ()
) -> tuple[list[InputFile], list[str]]:
    """Return the files that `patterns` match, each once, sorted by path, and what is wrong with the
    patterns.

    Relative patterns are relative to `base`, a local folder or a URL, and so are the paths of their
    files. A pattern that names a folder stands for all files below it with one of `endings`, where
    there are any, and is a problem otherwise.
    """
    found: dict[str, InputFile] = {}
    problems = []
    for pattern in patterns:
        try:
            require_no_credentials(pattern)
            located = os.path.expanduser(pattern)  # noqa: PTH111 - of globs too
            matches = list(_matches(located, base, endings))
        except FileNotFoundError:
            matches = []
        except MisuseError as error:
            problems.append(f"path {error}")
            continue
        except store_errors(ValueError, ImportError) as error:
            problems.append(
                f"path {pattern!r} cannot be listed: {' '.join(str(error).split()) or type(error).__name__}"
            )
            continue
        if not matches:
            place = f"in {base}" if located == pattern else f"for {located}"
            problems.append(f"path {pattern!r} matches no file; looked {place}")
        for file in matches:
            if file is None:
                problems.append(
                    f"path {pattern!r} is a folder; name its files, such as {pattern.rstrip('/')}/*"
                )
            elif not _is_utf8(file.path):
                problems.append(
                    f"file name {os.fsencode(file.path)!r} is not UTF-8; rename the file"
                )
            else:
                known = found.get(file.location)
                found[file.location] = file if known is None else min(file, known, key=_portability)
    return sorted(found.values(), key=lambda file: file.path), problems


def _portability(file: InputFile) -> tuple[bool, str]:
    return posixpath.isabs(file.path), file.path


def _matches(pattern: str, base: str, endings: Sequence[str]) -> Iterator[InputFile | None]:
    """Yield the files of one pattern; None for a folder that stands for nothing."""
    is_url = "://" in pattern or (
        "::" in pattern and not os.path.lexists(posixpath.join(base, pattern))
    )
    relative = not is_url and not posixpath.isabs(pattern)
    store, root = open_file_system(base if relative else pattern)
    address = posixpath.normpath(posixpath.join(root, pattern)) if relative else root
    if not _GLOB_CHARACTERS.isdisjoint(pattern) and not store.exists(address):
        entries = store.glob(address, detail=True)
    elif store.isdir(address):
        if not endings:
            yield None
            return
        entries = store.find(address, detail=True)
        entries = {
            name: entry for name, entry in entries.items() if name.lower().endswith(tuple(endings))
        }
    else:
        entries = {address: store.info(address)}
    is_local = isinstance(store, LocalFileSystem)
    for name, entry in sorted(entries.items()):
        if entry["type"] == "file" or (entry.get("islink") and _links_to_file(name)):
            location = name if is_local else store.unstrip_protocol(name)
            path = posixpath.relpath(name, root) if relative else location
            size, version = _local_state(name) if is_local else _store_state(entry)
            yield InputFile.model_construct(
                path=path, location=location, file_bytes=size, version=version
            )


def _links_to_file(name: str) -> bool:
    """Say if a symbolic link ends at a file or a folder; a listing says only that it is a link."""
    try:
        return stat.S_ISREG(os.stat(name).st_mode)  # noqa: PTH116
    except FileNotFoundError:
        raise ValueError(f"{name!r} is a link to nothing") from None


def _local_state(name: str) -> tuple[int, str]:
    found = os.stat(name)  # noqa: PTH116  # of a link: the file that it leads to
    return found.st_size, str(found.st_mtime_ns)


def _store_state(entry: Mapping[str, Any]) -> tuple[int, str]:
    """Return size and version of a store's file, by the first of _VERSIONS that the store tells."""
    if entry.get("size") is None:
        raise ValueError(f"{entry['name']!r} has no known size")
    version = next((entry[name] for name in _VERSIONS if entry.get(name)), "unknown")
    return int(entry["size"]), str(
        version.timestamp() if isinstance(version, datetime) else version
    )


def check_unchanged(files: Iterable[InputFile]) -> None:
    """Raise ChangedFileError, naming the first, if a file is not what it was when it was listed.

    That is known by its size, and by its modification time (local) or its entity tag or the like
    (stores).
    """
    listings = _Listings()
    for file in files:
        if not file.version:
            continue
        try:
            size, version = (
                listings.state(file.location)
                if "://" in file.location
                else _local_state(file.location)
            )
        except FileNotFoundError:
            raise ChangedFileError(
                f"{file.path} was removed while this run went on; {_AFTER_CHANGE}"
            ) from None
        if (size, version) != (file.file_bytes, file.version):
            sizes = f"{file.file_bytes:,} bytes when it was planned, {size:,} now"
            what = sizes if size != file.file_bytes else f"{sizes}, written again"
            raise ChangedFileError(
                f"{file.path} changed while this run went on ({what}); {_AFTER_CHANGE}"
            )


class _Listings:
    """What stores say of files now. A folder that is asked about twice is listed: a thousand files
    a request."""

    def __init__(self) -> None:
        self._stores: dict[str, Any] = {}
        self._asked: set[str] = set()
        self._listed: dict[str, dict[str, Mapping[str, Any]]] = {}

    def state(self, location: str) -> tuple[int, str]:
        protocol = location.split("://", 1)[0]
        if protocol not in self._stores:
            self._stores[protocol] = open_file_system(location)[0]
            self._stores[protocol].invalidate_cache()
        store = self._stores[protocol]
        name = store._strip_protocol(location)
        folder = posixpath.dirname(name)
        if folder in self._asked and folder not in self._listed:
            self._listed[folder] = {entry["name"]: entry for entry in store.ls(folder, detail=True)}
        self._asked.add(folder)
        entry = self._listed.get(folder, {}).get(name, {})
        return _store_state(entry if entry.get("size") is not None else store.info(name))


def outside(files: Sequence[InputFile], folder: str) -> list[InputFile]:
    """Leave out the files that lie in `folder`, a local one or a URL, whatever links lead there."""
    store, root = open_file_system(folder)
    is_local = isinstance(store, LocalFileSystem)
    inner = f"{(os.path.realpath(root) if is_local else store.unstrip_protocol(root)).rstrip('/')}/"

    @cache
    def real(parent: str) -> str:
        return os.path.realpath(parent) if is_local and "://" not in parent else parent

    return [
        file for file in files if not f"{real(posixpath.dirname(file.location))}/".startswith(inner)
    ]


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def access_problems(files: Sequence[InputFile]) -> list[str]:
    """List the files that may not be read, and those compressed in a way that is not read."""
    problems = [
        f"{file.path}: {Path(file.path).suffix} files are not read; unpack it, or compress it as .gz, .bz2, .xz or .zst"
        for file in files
        if file.path.lower().endswith(UNREAD_COMPRESSIONS)
    ]
    # Only local files can be asked for permission; a remote store answers when a file is opened.
    return problems + [
        f"{file.path}: no permission to read it"
        for file in files
        if "://" not in file.location and not os.access(file.location, os.R_OK)
    ]


def shortened(problems: list[str]) -> list[str]:
    """Keep the first few of many problems, and say how many more there are."""
    if len(problems) <= _SHOWN:
        return problems
    return [*problems[:_SHOWN], f"and {len(problems) - _SHOWN} more of the kind"]


def whole_file_split(source: str, file: InputFile) -> InputSplit:
    """Return the split that reads a file from its beginning to its end."""
    return InputSplit(source=source, **file.model_dump(), size_bytes=file.file_bytes)


def byte_ranges(source: str, file: InputFile, split_bytes: int) -> Iterator[InputSplit]:
    """Yield splits of at most `split_bytes` that cover a plain file; none if it is empty."""
    for start in range(0, file.file_bytes, split_bytes):
        end = min(start + split_bytes, file.file_bytes)
        yield InputSplit(
            source=source, **file.model_dump(), start=start, end=end, size_bytes=end - start
        )


def line_splits(source: str, files: Sequence[InputFile], split_bytes: int) -> Iterator[InputSplit]:
    """Split files whose records are lines: plain ones by byte range, while a compressed file is one
    split."""
    for file in files:
        if not compression_of(file.path):
            yield from byte_ranges(source, file, split_bytes)
        elif file.file_bytes:
            yield whole_file_split(source, file)


def grouped_files(
    source: str, files: Sequence[InputFile], split_bytes: int
) -> Iterator[InputSplit]:
    """Yield splits of consecutive whole files, together at most `split_bytes` and FILES_PER_SPLIT
    files."""
    start = size_bytes = 0
    for place, file in enumerate(files):
        if place > start and (
            size_bytes + file.file_bytes > split_bytes or place - start == FILES_PER_SPLIT
        ):
            yield _group(source, files[start:place], size_bytes)
            start, size_bytes = place, 0
        size_bytes += file.file_bytes
    if start < len(files):
        yield _group(source, files[start:], size_bytes)


def _group(source: str, files: Sequence[InputFile], size_bytes: int) -> InputSplit:
    return InputSplit(
        source=source, **files[0].model_dump(), size_bytes=size_bytes, others=tuple(files[1:])
    )
