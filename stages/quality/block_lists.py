"""Reject documents by lists that a recipe names: words of a language, domains, addresses. What
matched is never shown.

A word list is a file of UTF-8, one word or phrase a line; a line that begins with # is a comment.
It holds for the language, label or script that the recipe names it under: a word of one language is
often an innocent one of another ("dago" is "there is" in Basque), so a list for all (`any`) is for
words that are none elsewhere.

Texts and lists are compared in small letters, with one space for whatever is no letter, mark or
digit. Where words are spaced a match is whole words; elsewhere it is anywhere. A domain matches its
subdomains, too; an address matches without its scheme, a leading "www.", its fragment and a last
slash. International names match in either spelling.

Counts stand in the ledger (value and threshold); no report names a word, a domain or an address,
and a document that is dropped for its address has none in the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import idna
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.columns import require_columns
from schemas.document import DOCUMENT
from schemas.orthography import words_are_spaced
from stages.batches import Filtered, Measured, reject
from stages.quality.options import BlockListConfig

REASONS = ("blocked_domain", "blocked_address", "blocked_words")
_APART = r"[^\p{L}\p{M}\p{N}\u200c\u200d]+"
_ADDRESS = (
    r"^(?:[A-Za-z][A-Za-z0-9+.\-]*:)?//(?:[^/?#@]*@)?(?:www\.)?([^?#]*?)/?((?:\?[^#]*)?)(?:#.*)?$"
)


class BlockLists(NamedTuple):
    """Lists as they are compared: words by the name of their language, label or script; domains;
    addresses."""

    words: Mapping[str, Sequence[str]]
    domains: frozenset[str]
    addresses: frozenset[str]


@cache
def load_block_lists(config: BlockListConfig) -> BlockLists:
    """Read the lists. Raises ValueError in one line, without a word of it, if a file is none;
    OSError if unreadable."""
    return BlockLists(
        {
            name: tuple(_plain(pl.Series(read_list(path))).unique().sort())
            for name, path in config.words
        },
        frozenset(_domain(entry) for path in config.domains for entry in read_list(path)),
        frozenset(
            _addresses(
                pl.Series(
                    [entry for path in config.urls for entry in read_list(path)], dtype=pl.String
                )
            )
        ),
    )


def read_list(path: str) -> list[str]:
    """Read the entries of a list, one a line. Raises ValueError if it is not there, is not UTF-8 or
    has none."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ValueError(f"there is no list {path}") from None
    except UnicodeDecodeError as problem:
        raise ValueError(f"{path} must be UTF-8; byte {problem.start:,} is none") from None
    if "\0" in text:
        raise ValueError(f"{path} must be UTF-8; it holds zero bytes, as UTF-16 does")
    lines = text.splitlines()
    entries = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not entries or all(not any(map(str.isalnum, entry)) for entry in entries):
        raise ValueError(f"{path} has no entry, which must stand on a line of its own")
    return [entry for entry in entries if any(map(str.isalnum, entry))]


def _plain(texts: pl.Series) -> pl.Series:
    """Write n texts in small letters with single spaces, one at either end."""
    return (" " + texts.str.normalize("NFKC").str.to_lowercase() + " ").str.replace_all(_APART, " ")


def _domain(name: str) -> str:
    """Write a domain in small ASCII letters; one that is no domain stays as it is, and matches
    nothing.

    >>> _domain("WWW.Example.ORG."), _domain("\u0435\u043b.\u0440\u0444")
    ('example.org', 'xn--e1am.xn--p1ai')
    """
    small = name.strip().rstrip(".").lower().removeprefix("www.")
    try:
        return small if small.isascii() else idna.encode(small, uts46=True).decode()
    except idna.IDNAError:
        return small


def _addresses(urls: pl.Series) -> list[str]:
    """Write addresses as they are compared, null for what is none."""
    given = pl.select(
        pl.when(urls.str.contains("//", literal=True))
        .then(urls)
        .otherwise("//" + urls)
        .alias("url")
    )["url"]
    parts = given.str.extract(_ADDRESS, 1) + given.str.extract(_ADDRESS, 2)
    hosts = parts.str.extract(r"^([^/?:]*)", 1)
    known = {host: _domain(host) for host in hosts.drop_nulls().unique().to_list()}
    return (
        hosts.replace_strict(known, default=None, return_dtype=pl.String)
        + parts.str.replace(r"^[^/?:]*", "")
    ).to_list()


def filter_blocked(batch: pa.RecordBatch, config: BlockListConfig, lists: BlockLists) -> Filtered:
    """Split n documents into kept and rejected (`blocked_domain`, `blocked_address`,
    `blocked_words`), order kept.

    The value is the number of matches, the threshold how many are allowed; a listed `url` becomes
    null. Raises SchemaError if
    `text`, `language`, `script` or `url` is missing or mistyped.

    >>> lists = BlockLists({}, frozenset({"example.com"}), frozenset())
    >>> columns = {"language": ["eus"] * 2, "script": ["Latn"] * 2}
    >>> columns["url"] = ["https://example.org/1", "https://www.example.com/2"]
    >>> block = pa.record_batch({"text": pa.array(["Kaixo"] * 2, pa.large_string()), **columns})
    >>> config = BlockListConfig(domains=["blocked.txt"])
    >>> filter_blocked(block, config, lists).rejected["reason"].to_pylist()
    ['blocked_domain']
    """
    require_columns(batch, DOCUMENT, ("text", "language", "script", "url"))
    rows = batch.num_rows
    reasons, counts = np.full(rows, -1), np.zeros(rows, np.int64)
    urls = pl.Series(batch["url"].cast(pa.large_string()))
    if (lists.domains or lists.addresses) and rows:
        found = pl.Series("address", _addresses(urls), dtype=pl.String)
        hosts = found.str.extract(r"^([^/?:]*)", 1)
        bad = [
            host for host in hosts.drop_nulls().unique().to_list() if _is_under(host, lists.domains)
        ]
        for number, hit in ((0, hosts.is_in(bad)), (1, found.is_in(list(lists.addresses)))):
            blocked = hit.fill_null(value=False).to_numpy() & (reasons < 0)
            reasons[blocked], counts[blocked] = number, 1
    words = _matches(batch, lists.words)
    many = (words > config.max_matches) & (reasons < 0)
    reasons[many], counts[many] = 2, words[many]
    out = pa.array(reasons >= 0)
    at = reasons[reasons >= 0]
    rejected = batch.filter(out)
    place = rejected.schema.get_field_index("url")
    unlisted = pc.if_else(pa.array(at == 2), rejected["url"], None)
    rejected_rows = reject(
        rejected.set_column(place, rejected.schema.field(place), unlisted),
        config.stage,
        pa.array([REASONS[number] for number in at.tolist()], pa.string()),
        Measured(pa.array(counts).filter(out), pa.array(np.where(at == 2, config.max_matches, 0))),
    )
    return Filtered(batch.filter(pc.invert(out)), rejected_rows)


def _is_under(host: str, domains: frozenset[str]) -> bool:
    labels = host.split(".")
    return any(".".join(labels[first:]) in domains for first in range(len(labels)))


def _matches(batch: pa.RecordBatch, words: Mapping[str, Sequence[str]]) -> NDArray[np.int64]:
    """Count the words of n texts that stand in the lists of their languages; a word of two lists
    counts once."""
    counts = np.zeros(batch.num_rows, np.int64)
    if not words:
        return counts
    texts = _plain(pl.Series(batch["text"].cast(pa.large_string())))
    languages, scripts = batch["language"].to_pylist(), batch["script"].to_pylist()
    rows_of: dict[tuple[str | None, str | None], list[int]] = {}
    for row, label in enumerate(zip(languages, scripts, strict=True)):  # groups rows by label
        rows_of.setdefault(label, []).append(row)
    for (language, script), rows in rows_of.items():
        names = (f"{language}_{script}", language or "", script or "", "any")
        chosen = {word for name in names if name in words for word in words[name]}
        if not chosen:
            continue
        spaced = (
            language is None
            or script is None
            or words_are_spaced(f"{language}_{script}")
            or language == "vie"
        )
        listed = sorted(chosen if spaced else {word.strip() for word in chosen})
        found = texts.gather(rows).str.extract_many(listed, overlapping=True).list.len()
        counts[rows] = found.to_numpy()
    return counts


def entries(lists: BlockLists) -> int:
    """Count what the lists hold."""
    return sum(map(len, lists.words.values())) + len(lists.domains) + len(lists.addresses)


def files_of(config: BlockListConfig) -> Iterable[str]:
    """Name the files of all lists, as the recipe does."""
    return dict.fromkeys([*(path for _, path in config.words), *config.domains, *config.urls])
