"""Read HTML pages from files, a document a file; what they say is left to extraction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from schemas.source import HtmlSource
from schemas.split import InputFile, InputSplit
from stages.reading.files import find_files, grouped_files
from stages.reading.records import Unreadable, failed_record, make_records, record_schema
from stages.reading.streams import COMPRESSIONS, read_whole

_PLAIN_ENDINGS = (".html", ".htm", ".xhtml")
PAGE_ENDINGS = (
    *_PLAIN_ENDINGS,
    *(ending + packed for ending in _PLAIN_ENDINGS for packed in COMPRESSIONS),
)

_BATCH_BYTES = 8 << 20
_BATCH_ROWS = 1024


def find(source: HtmlSource, base: str) -> tuple[list[InputFile], list[str]]:
    """Return the pages that the source names; a folder stands for all pages below it."""
    return find_files(source.paths, base, PAGE_ENDINGS)


def plan(source: HtmlSource, files: Sequence[InputFile], split_bytes: int) -> Iterator[InputSplit]:
    """Group whole files: pages are small and many."""
    return grouped_files(source.name, files, split_bytes)


def problems(_source: HtmlSource, _files: Sequence[InputFile]) -> list[str]:
    """Return nothing: pages have no columns."""
    return []


def read(split: InputSplit, source: HtmlSource) -> Iterator[pa.RecordBatch]:
    """Yield one record for each page, its bytes in `raw`; an empty file is no record."""
    paths: list[str] = []
    pages: list[bytes] = []
    held_bytes = 0
    # File by file: each is opened by itself.
    for file in split.files:
        page = read_whole(file.location, file.path, source.max_record_bytes)
        if isinstance(page, Unreadable):
            yield from _batch(paths, pages, source)
            yield failed_record(record_schema(), source, file.path, page)
            paths, pages, held_bytes = [], [], 0
        elif page:
            paths.append(file.path)
            pages.append(page)
            held_bytes += len(page)
            if held_bytes >= _BATCH_BYTES or len(pages) == _BATCH_ROWS:
                yield from _batch(paths, pages, source)
                paths, pages, held_bytes = [], [], 0
    yield from _batch(paths, pages, source)


def _batch(paths: list[str], pages: list[bytes], source: HtmlSource) -> Iterator[pa.RecordBatch]:
    if not pages:
        return
    yield make_records(
        record_schema(),
        source,
        paths,
        [0] * len(pages),
        raw=pages,
        media_type=["text/html"] * len(pages),
    )
