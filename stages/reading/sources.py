"""Every format a recipe may name, and what the pipelines ask of it: problems, splits, records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from schemas.column_types import widened
from schemas.source import Source
from schemas.split import InputFile, InputSplit
from stages.reading import (
    bitext,
    delimited,
    gflanguages,
    html_pages,
    hub,
    jsonl,
    parquet,
    text,
    warc,
    wikipedia,
)
from stages.reading.files import (
    SourceError,
    access_problems,
    check_unchanged,
    find_files,
    outside,
    shortened,
)
from stages.reading.records import Unreadable, cut_blocks, failed_record, lost_rows, record_schema
from stages.reading.streams import estimated_bytes

SPLIT_BYTES = 64 << 20
SHARES = 16  # of the whole input: a file that holds more of it than one may be shared
BLOCK_BYTES = 32 << 20


def _find_by_paths(source: Any, base: str) -> tuple[list[InputFile], list[str]]:
    return find_files(source.paths, base)


def _kept_strings(source: Any, _files: Sequence[InputFile]) -> Mapping[str, pa.DataType]:
    return dict.fromkeys(getattr(source, "keep", ()), pa.string())


class Format(NamedTuple):
    """How one format is found, checked, split and read. Each function takes a source of that
    format."""

    plan: Callable[[Any, Sequence[InputFile], int], Iterator[InputSplit]]
    read: Callable[[InputSplit, Any], Iterator[pa.RecordBatch]]
    problems: Callable[[Any, Sequence[InputFile]], list[str]]
    find: Callable[[Any, str], tuple[list[InputFile], list[str]]] = _find_by_paths
    kept_types: Callable[[Any, Sequence[InputFile]], Mapping[str, pa.DataType]] = _kept_strings


FORMATS: Mapping[str, Format] = {
    "parquet": Format(parquet.plan, parquet.read, parquet.problems, kept_types=parquet.kept_types),
    "jsonl": Format(jsonl.plan, jsonl.read, jsonl.problems),
    "csv": Format(delimited.plan, delimited.read, delimited.problems),
    "tsv": Format(delimited.plan, delimited.read, delimited.problems),
    "text": Format(text.plan, text.read, text.problems),
    "html": Format(html_pages.plan, html_pages.read, html_pages.problems, html_pages.find),
    "warc": Format(warc.plan, warc.read, warc.problems),
    "wikipedia": Format(wikipedia.plan, wikipedia.read, wikipedia.problems),
    "hub": Format(parquet.plan, parquet.read, parquet.problems, hub.find, parquet.kept_types),
    "tmx": Format(bitext.plan, bitext.read, bitext.problems),
    "moses": Format(bitext.plan, bitext.read, bitext.problems, bitext.find_moses),
    "gflanguages": Format(
        gflanguages.plan, gflanguages.read, gflanguages.problems, gflanguages.find
    ),
}


class Listing:
    """The files of sources, each source listed once, and what is wrong with their paths.

    `base` is the recipe's folder or its URL; what lies in `output`, where the run writes, is no
    input, whatever the paths match.
    """

    def __init__(self, base: str, output: str = "") -> None:
        self.base, self.output = base, output
        self._found: dict[Source, tuple[list[InputFile], list[str]]] = {}

    def find(self, source: Source) -> tuple[list[InputFile], list[str]]:
        """Find the files of a source."""
        if source not in self._found:
            found, problems = FORMATS[source.format].find(source, self.base)
            files = outside(found, self.output) if self.output else found
            if found and not files:
                problems = [
                    *problems,
                    f"its paths match only files of the output {self.output}; choose another "
                    "--output",
                ]
            self._found[source] = files, problems
        return self._found[source]


def source_problems(source: Source, listing: Listing) -> list[str]:
    """List everything that is known to be wrong with a source before anything runs; empty if
    nothing is.

    Reads listings, footers and first lines, no data. Each problem is one line that begins with the
    source's name.
    """
    form = FORMATS[source.format]
    files, problems = listing.find(source)
    denied = shortened(access_problems(files))
    problems = [*problems, *denied]
    if files and not denied:
        try:
            problems += form.problems(source, files)
        except PermissionError as error:
            problems.append(f"no permission to read {error.filename or files[0].path}")
    return [f"source {source.name!r}: {problem}" for problem in problems]


def kept_column_problems(sources: Sequence[Source], listing: Listing) -> list[tuple[int, str]]:
    """List the columns that two sources keep in types that no column of the corpus can hold, by the
    second's place.

    To be asked when each source by itself has no problem.
    """
    names = [name for source in sources for name in getattr(source, "keep", ())]
    shared = {name for name in names if names.count(name) > 1}
    first: dict[str, tuple[str, pa.DataType]] = {}
    problems = []
    for place, source in enumerate(sources):
        if shared.isdisjoint(getattr(source, "keep", ())):
            continue
        form = FORMATS[source.format]
        files, _ = listing.find(source)
        for name, kind in form.kept_types(source, files).items():
            owner, known = first.setdefault(name, (source.name, kind))
            common = widened(known, kind)
            if common is None:
                problems.append(
                    (
                        place,
                        f"source {source.name!r}: kept column {name!r} is {kind}, in source {owner!r} it is {known}",
                    )
                )
            else:
                first[name] = (owner, common)
    return problems


def split_bytes_for(input_bytes: int) -> int:
    """Choose the size of splits by the size of the input: a 64th, a power of two from 8 to 64 MiB.

    So some workers share a small input, and large splits of a large one cost little each. The
    number of workers has no say: the bytes of a corpus do not depend on it.

    >>> [split_bytes_for(size << 20) >> 20 for size in (1, 600, 1024, 3000, 100_000)]
    [8, 8, 16, 32, 64]
    """
    return min(max(1 << (input_bytes // 64).bit_length() >> 1, 8 << 20), SPLIT_BYTES)


def plan_sources(
    sources: Sequence[Source], listing: Listing, split_bytes: int | None = None
) -> list[list[InputSplit]]:
    """Cut each source into splits of about `split_bytes`, by default as the size of the whole input
    asks for, sorted by path and place; the same on every machine.

    Raises SourceError, naming every problem, if a path matches nothing or cannot be listed.
    """
    found = [listing.find(source) for source in sources]
    if wrong := [
        f"source {source.name!r}: {problem}"
        for source, (_, problems) in zip(sources, found, strict=True)
        for problem in problems
    ]:
        raise SourceError("; ".join(wrong))
    input_bytes = sum(file.file_bytes for files, _ in found for file in files)
    size = split_bytes or split_bytes_for(input_bytes)
    least = max(size, input_bytes // SHARES)
    return [
        [
            share
            for split in FORMATS[source.format].plan(source, files, size)
            for share in (_shares(split, least) if _has_offsets(source) else [split])
        ]
        for source, (files, _) in zip(sources, found, strict=True)
    ]


def plan_splits(
    source: Source, base: str, split_bytes: int = SPLIT_BYTES, output: str = ""
) -> list[InputSplit]:
    """Cut one source into splits, as `plan_sources` does."""
    return plan_sources([source], Listing(base, output), split_bytes)[0]


def _has_offsets(source: Source) -> bool:
    """Tell whether positions of records are offsets in the uncompressed file, by which a file that
    must be read from its beginning can be shared."""
    if source.format == "text":
        return source.unit == "line"
    return source.format in ("jsonl", "warc") or (
        source.format in ("csv", "tsv") and not source.quote
    )


def _shares(split: InputSplit, least: int) -> Iterator[InputSplit]:
    """Share a file that is read from its beginning, and holds a large part of the input, among
    splits of about `least` bytes: each passes over what comes before its own records.

    To pass over records takes a small part of what stages take, yet all of it once for each share:
    so it is done only to a file that would keep one worker busy when the others have ended.
    """
    shares = split.size_bytes // least
    if split.end != -1 or split.others or shares < 2:
        yield split
        return
    whole = estimated_bytes(split.location, split.path, split.file_bytes)
    starts = [whole * number // shares for number in range(shares)]
    if not all(starts[1:]):  # nothing could be read
        yield split
        return
    size = split.size_bytes // shares
    for start, end in zip(starts, [*starts[1:], -1], strict=True):
        yield split.model_copy(update={"start": start, "end": end, "size_bytes": size})


def count_records(split: InputSplit, source: Source) -> int:
    """Count the records of a split, by reading it."""
    return sum(block.num_rows for block in read_split(split, source))


def trial_splits(
    splits: Sequence[InputSplit],
    source: Source,
    max_records: int,
    count: Callable[[InputSplit, Source], int | None] = count_records,
) -> Iterator[InputSplit]:
    """Yield the first splits of a source, cut to `max_records` together; those that cannot be
    counted come along."""
    left = max_records
    for split in splits:
        if not left:
            return
        first = split.model_copy(update={"max_records": left})
        records = count(first, source)
        yield first if records is None else split.model_copy(update={"max_records": records})
        left -= records or 0


def read_split(
    split: InputSplit, source: Source, block_bytes: int = BLOCK_BYTES
) -> Iterator[pa.RecordBatch]:
    """Yield the records of a split in blocks: the columns of RECORD, then those that the source
    keeps.

    A block holds at most `block_bytes` of payload, or a single record that is larger. What cannot
    be read is a row with `error`; an empty split yields no block. Raises OSError if the store
    itself fails, and ChangedFileError if a file is not what it was when the split was planned:
    before it is read, of local files (a pipe in its place would be waited for), and at the end.
    """
    check_unchanged(file for file in split.files if "://" not in file.location)
    try:
        blocks = cut_blocks(FORMATS[source.format].read(split, source), block_bytes)
        yield from (
            blocks if split.max_records is None else _first_records(blocks, split.max_records)
        )
    except Exception:
        # what a reader says of a file that was replaced under it explains nothing
        check_unchanged(split.files)
        raise
    check_unchanged(split.files)


def unread_records(split: InputSplit, source: Source, reason: str) -> Iterator[pa.RecordBatch]:
    """Yield failed records in place of a split that cannot be read at all: one for each of its
    files.

    Of Parquet the footer says which rows are lost, and each is a record; elsewhere nobody knows how
    many there were. Raises ChangedFileError if a file is not what it was when the split was
    planned.
    """
    check_unchanged(split.files)
    schema = record_schema()
    if source.format in ("parquet", "hub") and split.end != -1:
        rows = parquet.rows_of(split)[: split.max_records]
        words = f"crashed: rows {rows.start} to {rows.stop - 1}: {reason}"
        yield from lost_rows(schema, source, split.path, rows, words)
        return
    lost = f"bytes {split.start} to {split.end - 1}: " if split.end != -1 else ""
    for file in split.files:
        unreadable = Unreadable(split.start, f"crashed: {lost}{reason}")
        yield failed_record(schema, source, file.path, unreadable)


def _first_records(blocks: Iterator[pa.RecordBatch], count: int) -> Iterator[pa.RecordBatch]:
    """Yield the first records of some blocks."""
    for block in blocks:
        yield block.slice(0, count)
        count -= min(count, block.num_rows)
        if not count:
            return
