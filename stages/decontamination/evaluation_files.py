"""Where the files of an evaluation set lie, what is wrong with them before anything runs, and their
items.

A set is small, compared with a corpus, and one that was half read would make a corpus look cleaner
than it is. So a row that cannot be read stops the run, and says where it stands; a null is no text,
and a number is its digits.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from schemas.failures import FailureError
from schemas.split import InputFile
from stages.decontamination.evaluation_sets import (
    EvaluationSet,
    evaluation_items,
    evaluation_set,
    read_columns,
)
from stages.decontamination.options import DecontaminationConfig
from stages.reading import hub
from stages.reading.files import access_problems, find_files, shortened
from stages.reading.streams import (
    BrokenStreamError,
    Lines,
    chunks,
    compression_of,
    open_file,
    read_lines,
)

_JSON_LINES = (".jsonl", ".ndjson", ".json")
_LINE_BYTES = 64 << 20  # the longest row of a set that is read
_HEAD_BYTES = 1 << 20
_ROWS_AT_ONCE = 1024


class EvaluationFile(BaseModel):
    """One file of an evaluation set: the configuration that its language may be in, and what its
    items call it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: str
    part: str
    file: InputFile


class FoundSet(BaseModel):
    """An evaluation set with its files; `revision` is the commit on the Hub, None for other
    files."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: EvaluationSet
    revision: str | None
    files: tuple[EvaluationFile, ...]


class EvaluationSetError(FailureError):
    """A row of an evaluation set cannot be read; the message names set, file and row."""


def find_evaluation_sets(
    config: DecontaminationConfig, base: str
) -> tuple[list[FoundSet], list[str]]:
    """Return the evaluation sets that a recipe names with their files, and what is wrong with them,
    a line each.

    Relative paths start from `base`. Reads listings, footers and first lines; of a set on the Hub
    one footer.
    """
    found: list[FoundSet] = []
    problems: list[str] = []
    for entry in config.evaluation_sets:
        source = evaluation_set(entry) if isinstance(entry, str) else entry
        one, wrong = _on_the_hub(source) if source.hub else _by_paths(source, base)
        wrong += shortened(access_problems([file.file for file in one.files]))
        if not wrong:
            looked_at = one.files[:1] if source.hub else one.files
            wrong = shortened(
                [problem for file in looked_at for problem in _problems(source, file)]
            )
        found.append(one)
        problems += [f"evaluation set {source.name!r}: {problem}" for problem in wrong]
    return found, problems


def _by_paths(source: EvaluationSet, base: str) -> tuple[FoundSet, list[str]]:
    files, problems = find_files(source.paths, base)
    found = []
    for file in files:
        name = posixpath.basename(file.path).removesuffix(compression_of(file.path))
        stem, ending = posixpath.splitext(name)
        if ending.lower() not in (".parquet", *_JSON_LINES):
            problems.append(
                f"{file.path}: must be named .parquet, {', '.join(_JSON_LINES)}, packed or not, to be read"
            )
        elif re.fullmatch(source.configs, stem):
            found.append(EvaluationFile(config=stem, part=file.path, file=file))
    if not found and not problems:
        problems.append(f"no file's name matches configs {source.configs!r}")
    return FoundSet(source=source, revision=None, files=tuple(found)), problems


def _on_the_hub(source: EvaluationSet) -> tuple[FoundSet, list[str]]:
    revision, parts, problems = hub.find_parts(
        str(source.hub),
        source.revision,
        lambda name: re.fullmatch(source.configs, name) is not None,
        source.splits,
    )
    files = tuple(
        EvaluationFile(config=part.config, part=f"{part.config}/{part.split}", file=file)
        for part in parts
        for file in part.files
    )
    return FoundSet(source=source, revision=revision, files=files), problems


def _problems(source: EvaluationSet, file: EvaluationFile) -> list[str]:
    """Say what is wrong with a file by its footer or its first line."""
    path = file.file.path
    try:
        with open_file(file.file.location) as opened:
            if not _is_parquet(path):
                read_columns(source, _first_keys(b"".join(_head(chunks(opened, path)))))
                return []
            footer = pq.read_metadata(opened)
            schema = footer.schema.to_arrow_schema()
            evaluation_items(
                schema.empty_table().select(read_columns(source, schema.names)), source, "", ""
            )
            if not footer.num_rows:
                raise ValueError("must hold items, got no rows")
    except (pa.ArrowException, OSError, ValueError, BrokenStreamError) as error:
        return [f"{path}: {' '.join(str(error).split())[:300]}"]
    return []


def _is_parquet(path: str) -> bool:
    return path.lower().endswith(".parquet")


def _head(stream: Iterator[bytes]) -> Iterator[bytes]:
    size = 0
    for chunk in stream:
        yield chunk
        size += len(chunk)
        if size >= _HEAD_BYTES or b"\n" in chunk:
            return


def _first_keys(head: bytes) -> list[str]:
    line = head.decode("utf-8-sig", "replace").lstrip().split("\n", 1)[0]
    if not line:
        raise ValueError("must hold items, got an empty file")
    if len(line) >= _HEAD_BYTES:
        raise ValueError(
            f"the first line must be one JSON object, got {_HEAD_BYTES} bytes without an end"
        )
    return list(_object(line))


@contextmanager
def copied(file: EvaluationFile) -> Iterator[tuple[Path, str]]:
    """Give a local copy of a file and the hex SHA-256 of its bytes, so that what is hashed is what
    is read."""
    with tempfile.TemporaryDirectory() as folder:
        copy, digest = Path(folder, posixpath.basename(file.file.path)), hashlib.sha256()
        with open_file(file.file.location) as opened, copy.open("wb") as writing:
            while chunk := opened.read(1 << 20):
                digest.update(chunk)
                writing.write(chunk)
        yield copy, digest.hexdigest()


def read_items(
    source: EvaluationSet, file: EvaluationFile, copy: Path
) -> Iterator[tuple[pa.Table, int]]:
    """Yield the items of a file from its local copy, some rows at a time, and the number of those
    rows.

    Raises EvaluationSetError, naming file and row, at the first row that cannot be read.
    """
    first_row = 0
    read = _parquet_rows if _is_parquet(file.file.path) else _json_rows
    try:
        for table in read(source, copy):
            yield evaluation_items(table, source, file.config, file.part, first_row), table.num_rows
            first_row += table.num_rows
    except (pa.ArrowException, ValueError, OverflowError, OSError, BrokenStreamError) as error:
        where = f"evaluation set {source.name!r}: {file.file.path}, after {first_row} rows"
        raise EvaluationSetError(f"{where}: {' '.join(str(error).split())[:300]}") from error


def _parquet_rows(source: EvaluationSet, copy: Path) -> Iterator[pa.Table]:
    with pq.ParquetFile(copy) as file:
        columns = read_columns(source, file.schema_arrow.names)
        for batch in file.iter_batches(_ROWS_AT_ONCE, columns=columns, use_threads=False):
            yield pa.Table.from_batches([batch])


def _json_rows(source: EvaluationSet, copy: Path) -> Iterator[pa.Table]:
    number, columns = 0, None
    for lines in read_lines(str(copy), copy.name, 0, -1, _LINE_BYTES):
        if not isinstance(lines, Lines):
            raise ValueError(lines.error)
        # A loop over rows, since any may be of another type than the one before; sets are small.
        written = [line for line in lines.data.split(b"\n") if line and not line.isspace()]
        rows = [_object(line, row) for row, line in enumerate(written, start=number)]
        number += len(rows)
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            columns = columns or read_columns(source, list(rows[0]))
            yield from _tables(rows[start : start + _ROWS_AT_ONCE], columns)


def _tables(rows: Sequence[dict[str, object]], columns: Sequence[str]) -> Iterator[pa.Table]:
    """Make tables of rows that are of one type each, by halving them until they are; a key a row
    lacks is null."""
    arrays: dict[str, pa.Array] = {}
    try:
        for name in columns:
            arrays[name] = pa.array([row.get(name) for row in rows])
    except (pa.ArrowException, OverflowError, UnicodeEncodeError) as error:
        if len(rows) == 1:
            raise ValueError(
                f"field {columns[len(arrays)]!r} must be text, a number, or a list of one: {error}"
            ) from None
        middle = len(rows) // 2
        yield from _tables(rows[:middle], columns)
        yield from _tables(rows[middle:], columns)
    else:
        yield pa.table(arrays)


def _object(line: bytes | str, row: int = 0) -> dict[str, object]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"row {row} (from 0) must be a JSON object on one line: {error}") from None
    if not isinstance(value, dict):
        raise ValueError(
            f"row {row} (from 0) must be a JSON object on one line, got {type(value).__name__}"
        )
    return value
