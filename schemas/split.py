"""A split: a piece of input that one worker reads alone, and the record of it that travels through Beam."""

from __future__ import annotations

import hashlib

from pydantic import BaseModel, ConfigDict


class InputSplit(BaseModel):
    """One piece of one file of one source. Its id is a pure function of where its content lies.

    `start` and `end` are in the unit of the format: row groups (Parquet), bytes (plain text formats), and
    0 and -1 for a file that has to be read from its beginning to its end (compressed files, XML dumps).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str  # name of the recipe's source
    path: str  # as the recipe names it, after globbing: the same on every machine
    location: str  # what fsspec opens; absolute for local files
    start: int = 0
    end: int = -1
    file_bytes: int  # size of the whole file
    size_bytes: int  # share of the file that this split reads: for progress and for load balancing

    @property
    def id(self) -> str:
        """Hex BLAKE2b-64 of source, path, file size and range."""
        address = "\0".join(map(str, (self.source, self.path, self.file_bytes, self.start, self.end)))
        return hashlib.blake2b(address.encode(), digest_size=8).hexdigest()
