"""A split: a piece of input that one worker reads alone, and the record of it that travels through
Beam."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict


class InputFile(BaseModel):
    """One file of one source."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str  # as the recipe names it, after globbing: the same on every machine
    location: str  # what fsspec opens; absolute for local files
    file_bytes: int  # size of the whole file
    version: str = (
        ""  # modification time in ns, or a store's entity tag; empty for what cannot change
    )


class InputSplit(BaseModel):
    """One piece of one file of one source, or several small files. Its id is a pure function of
    where its content lies.

    `start` and `end` are in the unit of the format: row groups (Parquet), bytes (plain text
    formats), and 0 and -1 for a file that has to be read from its beginning to its end (compressed
    files, XML dumps). Where such a file is shared, they are bytes of the uncompressed file, and the
    last `end` is -1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str  # name of the recipe's source
    path: str  # as the recipe names it, after globbing: the same on every machine
    location: str  # what fsspec opens; absolute for local files
    start: int = 0
    end: int = -1
    file_bytes: int  # size of the whole file
    version: str = ""  # as in InputFile; no part of the id
    size_bytes: int  # share of the input that this split reads: for progress and for load balancing
    # the first records of the split that a trial run reads; null: all
    max_records: int | None = None
    # Further whole files that the same worker reads after the first: a folder of 89,000 pages is
    # not 89,000 splits.
    others: tuple[InputFile, ...] = ()

    @property
    def id(self) -> str:
        """Hex BLAKE2b-64 of source, path, file size and range, the path and size of each other
        file, and a limit."""
        address = [self.source, self.path, self.file_bytes, self.start, self.end]
        for other in self.others:
            address += [other.path, other.file_bytes]
        if self.max_records is not None:
            address.append(self.max_records)
        return hashlib.blake2b("\0".join(map(str, address)).encode(), digest_size=8).hexdigest()

    @property
    def files(self) -> tuple[InputFile, ...]:
        """Every file of the split, in the order in which it is read."""
        first = InputFile(
            path=self.path, location=self.location, file_bytes=self.file_bytes, version=self.version
        )
        return (first, *self.others)

    def of_files(self, files: Sequence[InputFile]) -> InputSplit:
        """Return a split of its own for some of its files, at least one; each is read whole."""
        size_bytes = sum(file.file_bytes for file in files)
        return self.model_copy(
            update={**dict(files[0]), "size_bytes": size_bytes, "others": tuple(files[1:])}
        )
