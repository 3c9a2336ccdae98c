"""Read plain text: a document a file, or a document a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.source import TextSource
from schemas.split import InputFile, InputSplit
from stages.reading.files import grouped_files, line_splits
from stages.reading.records import (
    Unreadable,
    decode_strings,
    failed_record,
    make_records,
    record_schema,
)
from stages.reading.streams import Lines, line_ends, read_lines, read_whole


def plan(source: TextSource, files: Sequence[InputFile], split_bytes: int) -> Iterator[InputSplit]:
    """Group whole files, or split lines by byte range where the file is not compressed."""
    if source.unit == "file":
        return grouped_files(source.name, files, split_bytes)
    return line_splits(source.name, files, split_bytes)


def problems(_source: TextSource, _files: Sequence[InputFile]) -> list[str]:
    """Return nothing: text has no columns."""
    return []


def read(split: InputSplit, source: TextSource) -> Iterator[pa.RecordBatch]:
    """Yield one record for each file, or for each line with more than white space, in order."""
    schema = record_schema()
    if source.unit == "file":
        for file in split.files:
            content = read_whole(file.location, file.path, source.max_record_bytes)
            if isinstance(content, Unreadable):
                yield failed_record(schema, source, file.path, content)
            elif content:
                offsets = pa.py_buffer(np.array([0, len(content)], np.int64))
                # pa.array would copy it
                octets = pa.LargeBinaryArray.from_buffers(
                    pa.large_binary(), 1, [None, offsets, pa.py_buffer(content)]
                )
                yield _decoded(octets, np.zeros(1, np.int64), file.path, source)
        return
    for piece in read_lines(
        split.location, split.path, split.start, split.end, source.max_record_bytes
    ):
        if isinstance(piece, Lines):
            ends = line_ends(piece.data)
            offsets = pa.py_buffer(np.concatenate((np.zeros(1, np.int64), ends)))
            octets = pa.LargeBinaryArray.from_buffers(
                pa.large_binary(), len(ends), [None, offsets, pa.py_buffer(piece.data)]
            )
            starts = piece.offset + np.concatenate((np.zeros(1, np.int64), ends[:-1]))
            yield _decoded(octets, starts, split.path, source)
        else:
            yield failed_record(schema, source, split.path, piece)


def _without_mark(text: pa.Array) -> pa.Array:
    """Take byte order marks from the beginnings of texts."""
    return pc.utf8_ltrim(text, "\ufeff") if pc.any(pc.starts_with(text, "\ufeff")).as_py() else text


def _decoded(
    octets: pa.Array, positions: np.ndarray[Any, Any], path: str, source: TextSource
) -> pa.RecordBatch:
    text, undecodable = decode_strings(octets, source.encoding)
    failed = pa.array(undecodable)
    columns = {}
    if undecodable.any():
        words = f"invalid_encoding: the text is not {source.encoding}"
        columns["raw"] = pc.if_else(failed, octets, pa.scalar(None, pa.large_binary()))
        columns["error"] = pc.if_else(failed, words, pa.scalar(None, pa.string()))
    batch = make_records(
        record_schema(),
        source,
        path,
        positions,
        text=pc.utf8_rtrim(text, "\r\n") if source.unit == "line" else _without_mark(text),
        **columns,
    )
    if source.unit == "file":
        return batch
    filled = pc.not_equal(pc.binary_length(pc.utf8_trim_whitespace(batch["text"])), 0)
    return batch.filter(pc.or_(failed, pc.fill_null(filled, True)))
