"""Take personal data out of texts, or drop the documents that hold any."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.columns import require_columns
from schemas.document import DOCUMENT
from schemas.ledger import CHANGE
from stages.batches import Changed, Filtered, Measured, reject, set_columns
from stages.privacy.detectors import Found, find
from stages.privacy.options import PersonalDataConfig
from stages.privacy.regions import regions_of

_BETWEEN = "\n\x00\n"  # between the texts of a block: no candidate reaches over it
_MAYBE = r"[@\x{ff20}]|\p{Nd}(?:\P{Nd}{0,3}\p{Nd}){6}|\p{Nd}{6}[A-Z]|\.\p{Nd}{1,3}\.\p{Nd}|[0-9A-Fa-f:]{2}:"


def personal_data(batch: pa.RecordBatch, config: PersonalDataConfig) -> Changed | Filtered:
    """Replace the personal data of n documents by tokens, counted by kind, or reject documents that
    hold any.

    Raises SchemaError if `text`, `language` or `script` is missing or mistyped.

    >>> text = pa.array(["Idatzi hona: ane@example.org"], pa.large_string())
    >>> block = pa.record_batch({"text": text, "language": ["eus"], "script": ["Latn"]})
    >>> personal_data(block, PersonalDataConfig()).batch["text"].to_pylist()
    ['Idatzi hona: <EMAIL>']
    """
    require_columns(batch, DOCUMENT, ("text", "language", "script"))
    rows = np.flatnonzero(
        pc.match_substring_regex(batch["text"], _MAYBE).to_numpy(zero_copy_only=False)
    )
    texts = batch["text"].take(pa.array(rows)).to_pylist()
    languages = batch["language"].take(pa.array(rows)).to_pylist()
    starts = np.cumsum([0, *(len(text) + len(_BETWEEN) for text in texts)]).tolist()
    regions = [config.regions or regions_of(language or "und") for language in languages]
    joined = _BETWEEN.join(texts)
    # A loop over what is found, not over documents: texts with candidates are searched as one.
    found = list(find(joined, config.kinds, lambda place: regions[bisect_right(starts, place) - 1]))
    held = [bisect_right(starts, one.start) - 1 for one in found]
    if config.mode == "drop":
        counts = np.zeros(batch.num_rows, np.int64)
        np.add.at(counts, rows[held], 1)
        out = pa.array(counts > 0)
        rejected = batch.filter(out)
        values = pa.array(counts[counts > 0], pa.float64())
        return Filtered(
            batch.filter(pc.invert(out)),
            reject(rejected, config.stage, config.stage, Measured(values, 0.0)),
        )
    rewritten = []
    for place, own in itertools.groupby(zip(held, found, strict=True), key=lambda pair: pair[0]):
        pieces, end = [], starts[place]
        for _, one in own:
            pieces += [joined[end : one.start], config.token.replace("{kind}", one.kind.upper())]
            end = one.end
        rewritten.append("".join([*pieces, joined[end : starts[place + 1] - len(_BETWEEN)]]))
    mask = np.zeros(batch.num_rows, bool)
    mask[rows[sorted(set(held))]] = True
    texts_now = pc.replace_with_mask(
        batch["text"], pa.array(mask), pa.array(rewritten, pa.large_string())
    )
    return Changed(set_columns(batch, text=texts_now), _changes(batch, rows[held], found))


def _changes(
    batch: pa.RecordBatch, rows: npt.NDArray[np.int64], found: Sequence[Found]
) -> pa.Table:
    """Count documents and code points by kind, language and script; `rows` are those of what was
    found."""
    table = pa.table(
        {
            "rule": pa.array([one.kind for one in found], pa.string()),
            "language": batch["language"].take(pa.array(rows)),
            "script": batch["script"].take(pa.array(rows)),
            "row": rows,
            "code_points": pa.array([one.end - one.start for one in found], pa.int64()),
        }
    )
    counted = table.group_by(["rule", "language", "script"]).aggregate(
        [("row", "count_distinct"), ("code_points", "sum")]
    )
    named = counted.rename_columns(
        {"row_count_distinct": "documents", "code_points_sum": "code_points"}
    )
    return (
        named.select(CHANGE.names)
        .cast(CHANGE)
        .sort_by([("rule", "ascending"), ("language", "ascending")])
    )
