"""Mark what scripts each text is in: shares, words that mix two, and whether its language is
written so at all.

A text whose language is not written in its script is often misidentified, romanized by hand or
garbled; a text full of words that mix scripts was scanned or disguised. Neither is dropped: a
curator reads a sample and decides.

Source: Unicode Standard Annex #24 (scripts); UTS #39, section 5 (mixed-script words); the language
tags of Google Fonts for which language is written in which scripts.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.columns import require_columns
from schemas.document import DOCUMENT, SCRIPT_MARKS
from schemas.ledger import CHANGE
from stages.batches import Changed, StageConfig
from stages.script_detection import count_mixed_words, count_scripts, unusual_scripts

_HAN = ("Hani", "Hans", "Hant")


class ScriptMarkingConfig(StageConfig):
    """Options of `mark_scripts`: there are none."""

    stage: Literal["mark_scripts"] = "mark_scripts"


def mark_scripts(batch: pa.RecordBatch, config: ScriptMarkingConfig) -> Changed:
    """Add the columns of SCRIPT_MARKS to n documents, or write them anew: n rows in, the same n in
    the same order out.

    CHANGE rows count the documents marked as in an unusual script, and those with words that mix
    scripts. Raises SchemaError if `text`, `language` or `script` is missing or mistyped.

    >>> text = pa.array(["kaixo \u043c\u0438\u0440"], pa.large_string())
    >>> marked, _ = mark_scripts(
    ...     pa.record_batch({"text": text, "language": ["eus"], "script": ["Latn"]}), ScriptMarkingConfig()
    ... )
    >>> marked["script_shares"][0].as_py(), marked["unusual_script"][0].as_py()
    ([{'script': 'Latn', 'share': 0.625}, {'script': 'Cyrl', 'share': 0.375}], False)
    """
    require_columns(batch, DOCUMENT, ("text", "language", "script"))
    found, words = count_scripts(batch["text"]), count_mixed_words(batch["text"])
    unusual = unusual_scripts(batch["language"], batch["script"])
    scripts = sorted({"Hani", *found.scripts} - {"Hans", "Hant"})
    counts = [found.of(*(_HAN if script == "Hani" else (script,))) for script in scripts]
    shares = (np.stack(counts, axis=1) / np.maximum(found.letters, 1)[:, None]).astype(np.float32)
    rows, places = np.nonzero(shares)  # by row, then by script in the alphabet
    order = np.lexsort((-shares[rows, places], rows))
    rows, places = rows[order], places[order]
    entries = pa.StructArray.from_arrays(
        [
            pa.array(np.asarray(scripts, object)[places], pa.string()),
            pa.array(shares[rows, places]),
        ],
        fields=list(SCRIPT_MARKS.field("script_shares").type.value_type),
    )
    offsets = np.append(0, np.cumsum(np.bincount(rows, minlength=batch.num_rows))).astype(np.int32)
    columns = (pa.ListArray.from_arrays(offsets, entries), pa.array(words.mixed), unusual)
    batch = batch.drop_columns([name for name in SCRIPT_MARKS.names if name in batch.schema.names])
    for field, values in zip(SCRIPT_MARKS, columns, strict=True):
        batch = batch.append_column(field, values.cast(field.type))
    marked = {
        "unusual_script": unusual,
        "words_of_two_scripts": pc.greater(pa.array(words.mixed), 0),
    }
    return Changed(
        batch, pa.concat_tables([_counted(batch, rule, mask) for rule, mask in marked.items()])
    )


def _counted(batch: pa.RecordBatch, rule: str, mask: pa.Array) -> pa.Table:
    """Count marked documents by language and script; no code point is changed."""
    keys = ["language", "script"]
    marked = pa.Table.from_batches([batch.select(keys).filter(mask)])
    counted = (
        marked.group_by(keys)
        .aggregate([([], "count_all")])
        .sort_by([(key, "ascending") for key in keys])
    )
    rows = counted.num_rows
    columns = [
        pa.repeat(rule, rows),
        counted["language"],
        counted["script"],
        counted["count_all"],
        pa.repeat(0, rows),
    ]
    return pa.table(
        [values.cast(field.type) for values, field in zip(columns, CHANGE, strict=True)], CHANGE
    )
