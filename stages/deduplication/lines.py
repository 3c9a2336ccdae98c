"""Repeated lines and paragraphs: navigation, licences and templates that many documents of a source
share.

A line that stands in at least `min_documents` documents of one source (or one language) is part of
what the documents were printed on, and is taken out of them; what remains of a document is checked
for length again. The threshold is what keeps this safe: dropping every second occurrence of a line,
as if it were a duplicate document, takes refrains, formulas and headings out of honest text
(FineWeb measured that it lowers the quality of what is left, Penedo et al. 2024, section 3.4), and
short lines repeat by nature, so only longer ones count.

Keys travel: `line_keys` gives each document the keys of its distinct lines, `frequent_keys` finds
those that enough documents share, `remove_lines` takes them out where the text lies. CCNet (Wenzek
et al. 2020) hashes normalized paragraphs in the same way; here case, marks and punctuation stay, as
in exact deduplication.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from schemas.columns import require_columns
from schemas.document import DOCUMENT
from stages.batches import Filtered, Measured, reject, set_columns
from stages.deduplication.options import LineDeduplicationConfig
from stages.keys import KEY, hash_keys
from stages.script_detection import utf8_bytes

_LONGEST_LINE = 1 << 16  # bytes; what is longer is no template, and is not looked at
# a key that is repeated, and the first document that has it
FREQUENT = np.dtype([("key", KEY), ("first", "<u8")])


class LineKeys(NamedTuple):
    """Distinct lines of n documents: `keys[i]` stands in the document of row `rows[i]`; ordered by
    row."""

    keys: npt.NDArray[np.void]
    rows: npt.NDArray[np.int64]


class RemovedLines(NamedTuple):
    """Documents without their repeated lines, and what was taken from each of the n documents that
    came in."""

    documents: Filtered
    lines: npt.NDArray[np.int64]
    code_points: npt.NDArray[np.int64]


def line_keys(batch: pa.RecordBatch, config: LineDeduplicationConfig) -> LineKeys:
    """Give n documents the keys of their distinct lines that count; one line twice in a document
    counts once.

    Lines are equal if their NFC is, white space at their ends and between their words aside. Lines
    without a letter, and of more than 65,536 bytes, never count. Raises SchemaError without `text`
    or the column that `within` names.

    >>> texts = ["Guri buruz: nor gara\\nKaixo", "Guri  buruz: nor gara"]
    >>> block = pa.record_batch({"text": pa.array(texts, pa.large_string()), "source": ["a", "a"]})
    >>> found = line_keys(block, LineDeduplicationConfig(min_code_points=6))
    >>> found.rows.tolist(), bool(found.keys[0] == found.keys[1])
    ([0, 1], True)
    """
    units = _units(batch, config)
    distinct = units.select("row", "number").unique(maintain_order=True)
    return LineKeys(
        _keys(units)[distinct["number"].to_numpy()], distinct["row"].to_numpy().astype(np.int64)
    )


def frequent_keys(
    keys: npt.NDArray[np.void], documents: npt.NDArray[np.uint64], min_documents: int
) -> npt.NDArray[np.void]:
    """Find the keys that at least so many documents have, as FREQUENT sorted by key.

    `keys[i]` is of `documents[i]`, each pair once; all pairs of a key must be given together.
    """
    order = np.lexsort((documents, keys["low"], keys["high"]))
    keys, documents = keys[order], documents[order]
    starts = np.flatnonzero(
        np.concatenate((np.ones(min(len(keys), 1), bool), keys[1:] != keys[:-1]))
    )
    found = starts[np.diff(starts, append=len(keys)) >= min_documents]
    frequent = np.empty(len(found), FREQUENT)
    frequent["key"], frequent["first"] = keys[found], documents[found]
    return frequent


def look_up(
    keys: npt.NDArray[np.void], known: npt.NDArray[np.void]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Find n KEYs among sorted ones: the place of each, which says nothing of one that is not
    there, and which are.

    Known keys that share their high half, one pair in 2^64, count as the first of them alone.
    """
    if not len(known):
        return np.zeros(len(keys), np.int64), np.zeros(len(keys), bool)
    high = np.ascontiguousarray(known["high"])
    place = np.minimum(np.searchsorted(high, keys["high"]), len(known) - 1)
    return place, (high[place] == keys["high"]) & (known["low"][place] == keys["low"])


def remove_lines(
    batch: pa.RecordBatch,
    documents: npt.NDArray[np.uint64],
    frequent: npt.NDArray[np.void],
    config: LineDeduplicationConfig,
) -> RemovedLines:
    """Take repeated lines (FREQUENT sorted by key) out of n documents, whose numbers are
    `documents`.

    A document that loses none stays as it is, byte for byte. One that does also loses line ends at
    its own two ends, and is rejected, with the text it came with, if fewer than `min_code_points`
    remain (`too_short_without_repeated_lines`). Order is kept.

    >>> texts = ["Hasiera | Berriak\\nEuria egin du", "Hasiera | Berriak\\nEguzkia da"]
    >>> block = pa.record_batch({"text": pa.array(texts, pa.large_string()), "source": ["a", "a"]})
    >>> config = LineDeduplicationConfig(min_documents=2, min_code_points=6)
    >>> found, numbers = line_keys(block, config), np.arange(2, dtype=np.uint64)
    >>> frequent = frequent_keys(found.keys, numbers[found.rows], config.min_documents)
    >>> remove_lines(block, numbers, frequent, config).documents.kept["text"].to_pylist()
    ['Euria egin du', 'Eguzkia da']
    """
    units = _units(batch, config)
    removed = np.zeros(len(units), bool)
    if len(frequent):
        keys = _keys(units)
        place, repeated = look_up(keys, frequent["key"])
        number = units["number"].to_numpy()
        removed = repeated[number]
        if config.keep_first:
            first = (
                units.select(pl.struct("row", "number").is_first_distinct()).to_series().to_numpy()
            )
            removed &= ~(
                first & (frequent["first"][place[number]] == documents[units["row"].to_numpy()])
            )
    gone = units.filter(pl.Series(removed))
    lines = np.bincount(gone["row"].to_numpy(), minlength=batch.num_rows)
    before = pc.utf8_length(batch["text"]).to_numpy()
    without = pl.Series(_without(batch["text"], gone)).str.strip_chars("\r\n")
    changed = pa.array(lines > 0)
    text = pc.if_else(changed, without.to_arrow().cast(pa.large_string()), batch["text"])
    after = pc.utf8_length(text)
    short = pc.and_(changed, pc.less(after, config.min_code_points))
    return RemovedLines(
        Filtered(
            set_columns(batch, text=text).filter(pc.invert(short)),
            reject(
                batch.filter(short),
                config.stage,
                "too_short_without_repeated_lines",
                Measured(after.filter(short), config.min_code_points),
            ),
        ),
        lines,
        before - after.to_numpy(),
    )


def _units(batch: pa.RecordBatch, config: LineDeduplicationConfig) -> pl.DataFrame:
    """Cut n documents into the lines or paragraphs that count: row, byte span in the text, number
    of the distinct unit.

    Equal numbers are equal (group, written line); `group` and `line` say what the number stands
    for.
    """
    grouped = () if config.within == "corpus" else (config.within,)
    require_columns(batch, DOCUMENT, ("text", *grouped))
    texts = batch["text"]
    data, offsets = utf8_bytes(texts)
    breaks = np.flatnonzero(data[offsets[0] : offsets[-1]] == ord("\n")) + offsets[0] + 1
    starts = np.union1d(breaks, offsets[:-1])
    starts = starts[starts < offsets[-1]]
    lines = _strings(texts, np.append(starts, offsets[-1]))
    if config.unit == "paragraph":
        blank = (lines.str.strip_chars() == "").to_numpy()
        opens = np.isin(starts, offsets) | (~blank & np.concatenate(([True], blank[:-1])))
        starts = starts[opens]
        lines = _strings(texts, np.append(starts, offsets[-1]))
    rows = np.searchsorted(offsets, starts, side="right") - 1
    group = (
        pl.Series(batch[config.within]).fill_null("")
        if grouped
        else pl.Series([""] * batch.num_rows)
    )
    frame = pl.DataFrame(
        {"row": rows, "start": starts, "end": np.append(starts, offsets[-1])[1:], "line": lines}
    )
    frame = frame.with_columns(group=group.gather(rows))
    frame = frame.filter(pl.col("end") - pl.col("start") <= _LONGEST_LINE)
    frame = frame.with_columns(pl.col("line").str.strip_chars())
    counts = (pl.col("line").str.len_chars() >= config.min_line_code_points) & pl.col(
        "line"
    ).str.contains(r"\p{L}")
    frame = frame.filter(counts)
    written = pl.col("line").str.normalize("NFC").str.replace_all(r"\s+", " ")
    if config.fold_digits:
        written = written.str.replace_all(r"\p{Nd}", "0")
    distinct = frame.select("line").unique(maintain_order=True).with_columns(written=written)
    frame = frame.join(distinct, on="line", how="left", maintain_order="left").drop("line")
    return frame.with_columns(number=pl.struct("group", "written").rank("dense").cast(pl.Int64) - 1)


def _keys(units: pl.DataFrame) -> npt.NDArray[np.void]:
    """Hash the distinct units in the order of their numbers; the group is part of the key."""
    distinct = units.unique("number").sort("number")
    named = distinct.select(pl.col("group") + "\0" + pl.col("written")).to_series()
    return hash_keys(named.to_arrow().cast(pa.large_string()))


def _strings(texts: pa.Array, offsets: npt.NDArray[np.int64]) -> pl.Series:
    """View the bytes of some texts as other strings, which begin and end at `offsets`."""
    buffers = [None, pa.py_buffer(offsets), texts.buffers()[2] or pa.py_buffer(b"")]
    return pl.Series(pa.Array.from_buffers(pa.large_string(), len(offsets) - 1, buffers))


def _without(texts: pa.Array, units: pl.DataFrame) -> pa.Array:
    """Write n texts without the bytes of some units."""
    data, offsets = utf8_bytes(texts)
    starts, ends = units["start"].to_numpy(), units["end"].to_numpy()
    base, size = int(offsets[0]), int(offsets[-1] - offsets[0])
    change = np.zeros(size + 1, np.int8)
    change[starts - base] += 1  # units do not overlap, so no place is hit twice in one line
    change[ends - base] -= 1
    stays = np.cumsum(change[:-1], dtype=np.int8) == 0
    lost = np.concatenate(([0], np.cumsum(ends - starts)))
    moved = offsets - base - lost[np.searchsorted(starts, offsets)]
    buffers = [None, pa.py_buffer(moved), pa.py_buffer(data[base : base + size][stays])]
    return pa.Array.from_buffers(pa.large_string(), len(texts), buffers)
