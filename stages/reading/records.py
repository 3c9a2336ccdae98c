"""Records: what every reader yields, checked in one place, and cut into blocks in one place.

A reader hands columns to `make_records`, in pieces of any size. What a document may not be (a text
that is null or holds many NULs, an id that breaks a path or a line) is decided here for all formats
alike, so that the same row fails the same way wherever it came from. A row that fails keeps its
identity, gets its reason in `error` as `<reason>: <words>`, and the first MiB of its bytes in
`raw`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.document import RECORD

# Why a reader turns a record away: the part of `error` before the colon. Those in SKIPPED were read
# well, but are no documents.
FAILURES: Mapping[str, str] = {
    "broken_stream": "the file is truncated or damaged from here on",
    "broken_record": "the record's own structure is damaged",
    "crashed": "reading it, or a stage, ended the process, also a second time and alone",
    "too_large": "the record exceeds max_record_bytes",
    "invalid_encoding": "the bytes are not text in the source's encoding",
    "nul_in_text": "the text holds many NULs, as bytes do that are not text, or text in another encoding",
    "no_text": "the text is null or missing",
    "wrong_type": "a value is not of the type that its column needs",
    "wrong_field_count": "the row has not as many values as the header has names",
    "invalid_id": "the id is empty, longer than 256 bytes, or holds control characters",
}
SKIPPED: Mapping[str, str] = {
    "http_status": "the server answered something else than 200",
    "media_type": "the payload is neither HTML nor plain text",
    "redirect": "the page only points to another",
    "empty_page": "the page holds no text but templates, links to files and the like",
    "no_pair": "the unit lacks one of the two languages",
    "not_web": "the address is of no page (metadata:, dns:, urn:), but of what a crawler notes or looks up",
    "warcinfo_record": "the record describes the archive",
    "request_record": "the record is what a crawler asked for",
    "metadata_record": "the record describes another one",
    "revisit_record": "the page is as it was at an earlier visit, which another record holds",
    "continuation_record": "the record goes on with one that was begun before",
    "unknown_record_type": "WARC 1.1 has no record of this type",
}

_BYTES_A_NUL = 100  # ours: text in UTF-16 that is read as another encoding has one in 2 to 4 bytes
RAW_BYTES = 1 << 20  # of a failed record's bytes, how many are kept
BLOCK_ROWS = 1 << 16  # most rows of a block, however short they are
MOST_LOST_ROWS = 1 << 22
ID_BYTES = 256

# ISO 8601-1:2019: calendar dates, to the year, month or day, and times after them, with a space as
# in RFC 3339; the basic format; week and ordinal dates.
_DAY = r"(?:0[1-9]|[12][0-9]|3[01])"
_MONTH = r"(?:0[1-9]|1[0-2])"
_CLOCK = (
    r"(?:[01][0-9]|2[0-4])(?::?[0-5][0-9](?::?[0-5][0-9]|:?60)?)?(?:[.,][0-9]+)?"
    r"(?:Z|z|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)
ISO_8601 = (
    rf"[0-9]{{4}}(?:-{_MONTH}(?:-{_DAY}(?:[Tt ]{_CLOCK})?)?|{_MONTH}{_DAY}(?:[Tt]{_CLOCK})?"
    r"|-?W(?:0[1-9]|[1-4][0-9]|5[0-3])(?:-?[1-7])?|-?[0-3][0-9]{2})?"
)

_PROVENANCE = ("url", "licence", "date", "declared_language")
_DELIMITED_URL = r"^\s*<(?i:(URL:)?)\s*([^<>]*?)\s*>\s*$"
_CONTROL = r"[\x00-\x1f\x7f\x{80}-\x{9f}]"


def record_schema(kept: Iterable[pa.Field] = ()) -> pa.Schema:
    """Return RECORD and after it the source's own columns that the recipe keeps, which may be
    null."""
    return pa.schema([*RECORD, *(field.with_nullable(True).remove_metadata() for field in kept)])


def kept_strings(names: Iterable[str]) -> pa.Schema:
    """Return the record schema of a format whose kept columns are strings."""
    return record_schema(pa.field(name, pa.string()) for name in names)


def document_ids(source: str, paths: Sequence[str], positions: Sequence[int]) -> list[str]:
    """Return the hex BLAKE2b-128 of source, path and position, with NUL between them, for n
    documents."""
    # One C call a row: there is no vectorized cryptographic hash. The prefix of a file is hashed
    # once.
    ids = []
    prefix, prefix_path = hashlib.blake2b(), None
    for path, position in zip(paths, positions, strict=True):
        if path != prefix_path:
            prefix, prefix_path = (
                hashlib.blake2b(f"{source}\0{path}\0".encode(), digest_size=16),
                path,
            )
        digest = prefix.copy()
        digest.update(b"%d" % position)
        ids.append(digest.hexdigest())
    return ids


class _SourceOfRecords(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def licence(self) -> str | None: ...
    @property
    def max_record_bytes(self) -> int: ...


def make_records(
    schema: pa.Schema,
    source: _SourceOfRecords,
    path: str | Sequence[str],
    positions: Sequence[int] | npt.NDArray[np.int64],
    /,
    **columns: Any,
) -> pa.RecordBatch:
    """Make a batch of n records from the columns a reader has; the others are null.

    `columns` are Arrow arrays or sequences of length n, by their name in `schema`; `id` only where
    the recipe maps one. Rows whose `error` is set stay as they are. Others fail if they have
    neither text nor raw, a text of many NULs, a payload of more than `max_record_bytes`, or a
    mapped id that is unfit; empty provenance becomes null, and so does a date that is not ISO 8601.
    """
    rows = len(positions)
    paths = [path] * rows if isinstance(path, str) else list(path)
    arrays = {name: _as_array(values, schema.field(name).type) for name, values in columns.items()}
    for field in schema:
        if field.name not in arrays:
            arrays[field.name] = pa.nulls(rows, field.type)
    arrays["url"] = _without_brackets(arrays["url"])
    for name in _PROVENANCE:
        arrays[name] = _empty_to_null(arrays[name])
    dated = pc.match_substring_regex(arrays["date"], f"^(?:{ISO_8601})$")
    arrays["date"] = pc.if_else(dated, arrays["date"], pa.scalar(None, arrays["date"].type))
    if source.licence is not None:
        arrays["licence"] = pc.fill_null(arrays["licence"], source.licence)
    if "text" in columns and _holds_nul(arrays["text"]):
        arrays["text"] = _without_nuls(arrays["text"])
    arrays["source"] = pa.repeat(pa.scalar(source.name, pa.string()), rows)
    arrays["path"] = pa.array(paths, pa.string())
    arrays["position"] = pa.array(positions, pa.int64())
    arrays["error"] = _errors(
        arrays, mapped_id="id" in columns, max_record_bytes=source.max_record_bytes
    )
    own = pa.array(document_ids(source.name, paths, arrays["position"].to_pylist()), pa.string())
    arrays["id"] = (
        pc.if_else(pc.is_null(arrays["error"]), arrays["id"], own) if "id" in columns else own
    )
    if arrays["error"].null_count < rows:
        _withdraw_failed(arrays)
    return pa.RecordBatch.from_arrays([arrays[name] for name in schema.names], schema=schema)


class Unreadable(NamedTuple):
    """What stands at a position of a file and cannot be read: why, and the first MiB of its
    bytes."""

    position: int  # a row number, or the offset of a byte in the uncompressed file
    error: str
    raw: bytes | None = None


def failed_record(
    schema: pa.Schema, source: _SourceOfRecords, path: str, unreadable: Unreadable
) -> pa.RecordBatch:
    """Make the single row of a record that could not be read."""
    position, error, raw = unreadable
    return make_records(schema, source, path, [position], error=[error], raw=[raw])


def lost_rows(
    schema: pa.Schema, source: _SourceOfRecords, path: str, rows: range, error: str
) -> Iterator[pa.RecordBatch]:
    """Yield a failed record for each row of a table that is lost with what held it.

    A footer may claim any number of rows: of more than MOST_LOST_ROWS only the first is a record,
    with their number.
    """
    if len(rows) > MOST_LOST_ROWS:
        words = f"{error}; one record stands for all {len(rows)} rows"
        yield failed_record(schema, source, path, Unreadable(rows.start, words))
        return
    for start in range(rows.start, rows.stop, BLOCK_ROWS):
        positions = np.arange(start, min(start + BLOCK_ROWS, rows.stop))
        yield make_records(schema, source, path, positions, error=[error] * len(positions))


def size_in_words(total: int) -> str:
    """Say how much of a failed record's bytes is kept, for the end of an error; empty if all of
    them are."""
    return f" (the first {RAW_BYTES} of {total} bytes are kept)" if total > RAW_BYTES else ""


def decode_strings(
    values: pa.Array, encoding: str = "utf-8"
) -> tuple[pa.Array, npt.NDArray[np.bool_]]:
    """Turn n byte strings, or strings that were never checked, into large_string; the mask says
    which are not `encoding`.

    Those become null. Null stays null.
    """
    octets = values.cast(pa.large_binary()) if not pa.types.is_large_binary(values.type) else values
    undecodable = np.zeros(len(values), np.bool_)
    if encoding == "utf-8":
        strings = octets.cast(pa.large_string(), safe=False)
        try:
            strings.validate(full=True)
        except pa.ArrowInvalid:
            pass
        else:
            return strings, undecodable
    # One C call a value: Arrow has no codecs but UTF-8, and does not say which value is invalid.
    decoded: list[str | None] = []
    for row, value in enumerate(octets):
        octet_string = value.as_py()
        try:
            decoded.append(None if octet_string is None else octet_string.decode(encoding))
        except UnicodeDecodeError:
            undecodable[row] = True
            decoded.append(None)
    return pa.array(decoded, pa.large_string()), undecodable


def cut_blocks(batches: Iterable[pa.RecordBatch], block_bytes: int) -> Iterator[pa.RecordBatch]:
    """Regroup rows into blocks of at most `block_bytes` of payload and BLOCK_ROWS rows, order kept.

    Payload is the text, the raw bytes and the kept strings. A row that is larger by itself stands
    alone in its block. Where a block ends depends on the rows alone, never on how they arrive.
    """
    pending: list[pa.RecordBatch] = []
    filled_bytes = filled_rows = 0
    for batch in batches:
        ends = np.cumsum(_payload_bytes(batch))
        start = 0
        while start < batch.num_rows:
            consumed = int(ends[start - 1]) if start else 0
            end = int(np.searchsorted(ends, consumed + block_bytes - filled_bytes, side="right"))
            end = min(end, start + BLOCK_ROWS - filled_rows)
            if end <= start and not pending:
                end = start + 1
            if end > start:
                pending.append(batch.slice(start, end - start))
                filled_bytes += int(ends[end - 1]) - consumed
                filled_rows += end - start
                start = end
            if start < batch.num_rows:
                yield _joined(pending)
                pending, filled_bytes, filled_rows = [], 0, 0
    if pending:
        yield _joined(pending)


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1 and batches[0].get_total_buffer_size() < 2 * batches[0].nbytes:
        return batches[0]
    # also a lone small slice, so that it does not hold on to what it was cut from
    return pa.concat_batches(batches)


def _payload_bytes(batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
    total = np.zeros(batch.num_rows, np.int64)
    for field in batch.schema:
        own = field.name in ("text", "raw") or field.name not in RECORD.names
        if own and (_is_string(field.type) or _is_binary(field.type)):
            lengths = pc.fill_null(pc.binary_length(batch[field.name]), 0)
            total += lengths.to_numpy(zero_copy_only=False).astype(np.int64)
    return total


def _is_string(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _as_array(values: Any, kind: pa.DataType) -> pa.Array:
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if isinstance(values, pa.Array):
        return values if values.type == kind else values.cast(kind)
    return pa.array(values, kind)


def _without_brackets(urls: pa.Array) -> pa.Array:
    """Take addresses out of what delimits them in running text (RFC 3986, appendix C), and in WARC
    1.0's grammar."""
    delimited = pc.match_substring_regex(urls, _DELIMITED_URL)
    if not pc.any(delimited).as_py():
        return urls
    return pc.if_else(delimited, pc.replace_substring_regex(urls, _DELIMITED_URL, r"\2"), urls)


def _empty_to_null(values: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(pc.binary_length(values), 0), pa.scalar(None, values.type), values)


def _errors(arrays: Mapping[str, pa.Array], *, mapped_id: bool, max_record_bytes: int) -> pa.Array:
    """Return the error of each row: the reader's own, or the first rule of all formats that it
    breaks."""
    text, raw = arrays["text"], arrays["raw"]
    nothing = pa.scalar(None, pa.string())

    def where(condition: pa.Array, words: str) -> pa.Array:
        return pc.if_else(pc.fill_null(condition, False), words, nothing)

    payload_bytes = pc.max_element_wise(pc.binary_length(text), pc.binary_length(raw))
    found = [
        arrays["error"],
        where(pc.and_(pc.is_null(text), pc.is_null(raw)), "no_text: text is null or missing"),
        where(
            pc.greater(payload_bytes, max_record_bytes),
            f"too_large: the record exceeds max_record_bytes, which is {max_record_bytes}",
        ),
    ]
    if _holds_nul(text):
        found.append(
            where(
                pc.match_substring(text, "\0"),
                "nul_in_text: text holds too many NULs for a text: more than 1 in 100",
            )
        )
    if mapped_id:
        ids = arrays["id"]
        unfit = pc.or_(
            pc.or_(pc.equal(pc.binary_length(ids), 0), pc.greater(pc.binary_length(ids), ID_BYTES)),
            pc.match_substring_regex(ids, _CONTROL),
        )
        rule = f"1 to {ID_BYTES} bytes without control characters"
        found.append(where(pc.is_null(ids), f"invalid_id: id must be {rule}, got null"))
        found.append(where(unfit, f"invalid_id: id must be {rule}"))
    return pc.coalesce(*found)


def _holds_nul(text: pa.Array) -> bool:
    """Look for a NUL in all texts at once; a hit may also lie under a null."""
    offsets, octets = text.buffers()[1:]
    if not len(text) or octets is None:
        return False
    first, last = np.frombuffer(offsets, np.int64)[[text.offset, text.offset + len(text)]]
    return bool(last > first) and not np.frombuffer(octets, np.uint8)[first:last].all()


def _without_nuls(text: pa.Array) -> pa.Array:
    """Remove NULs, as HTML does, from the texts that hold few: at most 1 in _BYTES_A_NUL bytes, or
    a single one."""
    nuls = pc.count_substring(text, "\0")
    few = pc.or_(
        pc.less_equal(nuls, 1),
        pc.less_equal(pc.multiply(nuls, _BYTES_A_NUL), pc.binary_length(text)),
    )
    return pc.if_else(pc.fill_null(few, False), pc.replace_substring(text, "\0", ""), text)


def _withdraw_failed(arrays: dict[str, pa.Array]) -> None:
    """Move what failed rows hold as text to `raw`, cut to RAW_BYTES, and say so in their errors."""
    failed = pc.is_valid(arrays["error"])
    raw: list[bytes | None] = []
    errors: list[str] = []
    # Failed rows are few, and each may be cut at another place: one by one.
    for position in np.flatnonzero(failed.to_numpy(zero_copy_only=False)).tolist():
        whole = arrays["raw"][position].as_buffer() or arrays["text"][position].as_buffer()
        error = arrays["error"][position].as_py()
        if whole is None:
            raw.append(None)
        else:
            raw.append(whole.slice(0, min(whole.size, RAW_BYTES)).to_pybytes())
            error += size_in_words(whole.size)
        errors.append(error)
    arrays["raw"] = pc.replace_with_mask(arrays["raw"], failed, pa.array(raw, pa.large_binary()))
    arrays["error"] = pc.replace_with_mask(arrays["error"], failed, pa.array(errors, pa.string()))
    arrays["text"] = pc.if_else(failed, pa.scalar(None, pa.large_string()), arrays["text"])
