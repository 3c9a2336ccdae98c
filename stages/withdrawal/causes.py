"""Which documents registers name, and by which entry.

Hosts are taken out of addresses a column at a time, and put into one form once for each different
spelling; only addresses of hosts that some prefix has are looked at whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from schemas.addresses import canonical_address, canonical_host
from schemas.withdrawal import KINDS, Copies, NamedRegister, licence_name

NONE = -1  # stands for no cause
# The host of an address, with what a browser passes over: spaces around, user names, a port. Data
# sets of other makers have addresses without a scheme, too.
_BEGINNING = r"^\s*(?:(?:(?i:https?|ftp):)?[/\\]{2}(?:[^/?#\\]*@)?)?"
_HOST = _BEGINNING + r"(\[[0-9A-Fa-f:.]+\]|[^/?#\\:@]+)"
_COLUMN = {"host": "url", "url_prefix": "url", "content_sha256": "text"}


class Cause(NamedTuple):
    """Why documents are withdrawn: an entry of a register, by its place from 1, or a signal of
    their own pages."""

    kind: str
    register: str = ""  # file, as the recipe names it; empty for a signal
    number: int = 0
    copies: Copies = "withdraw"

    def __str__(self) -> str:
        return f"{self.register} entry {self.number}" if self.register else f"opt-out {self.kind}"


def causes_of(
    registers: Sequence[NamedRegister], opt_out: Sequence[str] = (), copies: Copies = "withdraw"
) -> list[Cause]:
    """List the causes that documents may be withdrawn for; where several apply, the first counts."""
    entries = [
        Cause(entry.kind, found.file, number, entry.copies)
        for found in registers
        for number, entry in enumerate(found.register.withdrawn, start=1)
    ]
    return [*entries, *(Cause(signal, copies=copies) for signal in opt_out)]


class Names:
    """All that some registers name, each with the number of its entry in `causes_of`."""

    def __init__(self, registers: Sequence[NamedRegister]) -> None:
        self._by_kind: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}
        entries = [entry for found in registers for entry in found.register.withdrawn]
        for number, entry in enumerate(entries):
            for value in entry.values:
                self._by_kind[entry.kind].setdefault(value, number)
        # by host: how long its prefixes are
        self._prefix_lengths: dict[str, set[int]] = {}
        for prefix in self._by_kind["url_prefix"]:
            self._prefix_lengths.setdefault(_host_of_prefix(prefix), set()).add(len(prefix))

    @property
    def column_of_kind(self) -> dict[str, str]:
        """The kinds that anything is named by, each with the column that `find` looks at."""
        return {kind: _COLUMN.get(kind, kind) for kind, named in self._by_kind.items() if named}

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that `find` looks at."""
        return tuple(dict.fromkeys(self.column_of_kind.values()))

    def find(self, table: pa.Table | pa.RecordBatch) -> npt.NDArray[np.int32]:
        """Return the number of the first entry that names each of n rows, or NONE; a column that is
        not there names nothing.

        >>> from schemas.withdrawal import read_register
        >>> register = read_register(b'[[withdrawn]]\\nhost = "b\\xc3\\xbccher.example"', "own.toml")
        >>> urls = ["http://www.XN--BCHER-KVA.example/a", "https://xbücher.example/", None]
        >>> Names([register]).find(pa.table({"url": urls})).tolist()
        [0, -1, -1]
        """
        found = np.full(table.num_rows, NONE, np.int32)
        for kind, values in self._by_kind.items():
            column = _COLUMN.get(kind, kind)
            if values and column in table.schema.names:
                _take_first(found, getattr(self, f"_by_{kind}")(table[column]))
        return found

    def _by_host(self, urls: pa.ChunkedArray) -> npt.NDArray[np.int32]:
        return _of_distinct(_hosts(urls), self._entry_of_host)

    def _entry_of_host(self, spelling: str) -> int:
        host = canonical_host(spelling)
        labels = [host] if host.startswith("[") else host.split(".")
        suffixes = (".".join(labels[place:]) for place in range(len(labels)))
        numbers = [self._by_kind["host"].get(suffix, NONE) for suffix in suffixes]
        return min((number for number in numbers if number != NONE), default=NONE)

    def _by_url_prefix(self, urls: pa.ChunkedArray) -> npt.NDArray[np.int32]:
        hosts = _of_distinct(
            _hosts(urls), lambda host: 0 if canonical_host(host) in self._prefix_lengths else NONE
        )
        found = np.full(len(hosts), NONE, np.int32)
        rows = np.flatnonzero(hosts != NONE)
        # a loop over the documents of these hosts, as an address has parts of many forms
        for row, url in zip(rows.tolist(), urls.take(pa.array(rows)).to_pylist(), strict=True):
            address = canonical_address(url) or canonical_address("https://" + url.lstrip("/\\ "))
            if address:
                beginnings = (address[1][:n] for n in self._prefix_lengths.get(address[0], ()))
                numbers = (self._by_kind["url_prefix"].get(begin, NONE) for begin in beginnings)
                found[row] = min((n for n in numbers if n != NONE), default=NONE)
        return found

    def _by_id(self, ids: pa.ChunkedArray) -> npt.NDArray[np.int32]:
        return _looked_up(ids.cast(pa.string()), self._by_kind["id"])

    def _by_content_sha256(self, texts: pa.ChunkedArray) -> npt.NDArray[np.int32]:
        # a loop over documents: one C call hashes a text
        digests = [
            None
            if text is None
            else hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
            for text in texts.to_pylist()
        ]
        return _looked_up(pa.array(digests, pa.string()), self._by_kind["content_sha256"])

    def _by_source(self, sources: pa.ChunkedArray) -> npt.NDArray[np.int32]:
        return _looked_up(sources.cast(pa.string()), self._by_kind["source"])

    def _by_licence(self, licences: pa.ChunkedArray) -> npt.NDArray[np.int32]:
        return _of_distinct(
            pl.Series(licences.cast(pa.string())),
            lambda licence: self._by_kind["licence"].get(licence_name(licence), NONE),
        )


def _host_of_prefix(prefix: str) -> str:
    authority = prefix.partition("/")[0]
    return (
        authority.partition("]")[0] + "]" if authority[:1] == "[" else authority.partition(":")[0]
    )


def _hosts(urls: pa.ChunkedArray) -> pl.Series:
    return pl.Series(urls.cast(pa.string())).str.extract(_HOST)


def _of_distinct(values: pl.Series, number: Callable[[str], int]) -> npt.NDArray[np.int32]:
    """Apply a function to each different value of n; NONE for null."""
    distinct = values.drop_nulls().unique()
    numbers = {value: number(value) for value in distinct.to_list()}
    found = values.replace_strict(numbers, default=NONE, return_dtype=pl.Int32).fill_null(NONE)
    return found.to_numpy()


def _looked_up(values: pa.Array, numbers: Mapping[str, int]) -> npt.NDArray[np.int32]:
    places = pc.index_in(values, pa.array(numbers, pa.string()))
    every = np.array([*numbers.values(), NONE], np.int32)
    found: npt.NDArray[np.int32] = every[pc.fill_null(places, len(numbers)).to_numpy()]
    return found


def _take_first(found: npt.NDArray[np.int32], other: npt.NDArray[np.int32]) -> None:
    """Put the smaller number of two at each place, where NONE is larger than all."""
    better = (other != NONE) & ((found == NONE) | (other < found))
    found[better] = other[better]
