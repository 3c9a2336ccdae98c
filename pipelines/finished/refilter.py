"""Apply other quality limits to a finished corpus, from the signals it holds alone.

What is read is a corpus whose recipe kept the signals of `filter_quality`. What is written, or only counted, is a
corpus folder with the shards and the ledger: every document of the old ledger is there once, and those that the new
limits drop say so, with rule, value and limit. Nothing that was dropped before comes back: its text is not in the
corpus. A document without signals (made by a later phase) stays.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.phases.publish.shards import PUBLISHED, file_record
from pipelines.staging.store import MANIFEST, StagingError, Store, require_corpus
from schemas.columns import column_problems
from schemas.ledger import LEDGER
from schemas.quality_signals import QUALITY_SIGNALS
from stages.quality.filter_quality import judge
from stages.quality.options import QualityFilteringConfig
from stages.quality.rules import RULE_NAMES

REPORT = "refilter.json"
PHASE = "refilter"


class Refiltered(NamedTuple):
    """Documents that stay and, by language and rule, those that go."""

    kept: int
    dropped: Counter[tuple[str, str]]


class _Judged(NamedTuple):
    """For each row of a shard: the rule it breaks (-1: none), value and limit."""

    rules: NDArray[np.int64]
    values: NDArray[np.float64]
    limits: NDArray[np.float64]


def refilter(corpus: Store, config: QualityFilteringConfig, output: Store | None) -> Refiltered:
    """Judge the documents of a corpus anew; with `output`, write what stays and the ledger there.

    A row group is in memory at a time, and 24 bytes for each document. Raises StagingError if the corpus is not
    finished or holds no signals, or if `output` holds something already.
    """
    require_corpus(corpus)
    if output is not None and (output.exists(MANIFEST) or output.names("data") or output.exists(REPORT)):
        raise StagingError(f"{output.url} holds a corpus already; name another --output")
    shards = sorted(f"data/{label}/{name}" for label in corpus.names("data") for name in corpus.names(f"data/{label}"))
    judged: dict[str, _Judged] = {}
    counts: Counter[tuple[str, str]] = Counter()
    files: list[dict[str, Any]] = []
    for shard in shards:
        parts = [_judge(table, config, corpus.url) for table in corpus.row_groups(shard)]
        found = _Judged(*map(np.concatenate, zip(*parts, strict=True)))
        judged[shard] = found
        label = shard.split("/")[1]
        rules, numbers = np.unique(found.rules[found.rules >= 0], return_counts=True)
        counts.update({(label, RULE_NAMES[rule]): count for rule, count in zip(rules, numbers.tolist(), strict=True)})
        if output is not None and (found.rules < 0).any():
            files.append(_write_shard(corpus, output, shard, found.rules < 0))
    kept = sum(int((found.rules < 0).sum()) for found in judged.values())
    if output is not None:
        files += [_write_ledger(corpus, output, name, judged) for name in sorted(corpus.names("ledger"))]
        report = {
            "corpus": posixpath.basename(corpus.url.rstrip("/")),
            "options": config.model_dump(mode="json"),
            "kept": kept,
            "dropped": [[label, rule, count] for (label, rule), count in sorted(counts.items())],
            "files": files,
        }
        output.write_json(REPORT, report)
    return Refiltered(kept, counts)


def _judge(table: pa.Table, config: QualityFilteringConfig, url: str) -> _Judged:
    if column_problems(table.schema, QUALITY_SIGNALS, QUALITY_SIGNALS.names):
        raise StagingError(
            f"{url} holds no quality signals; run its recipe with keep_signals = true in the stage filter_quality"
        )
    rows = table.combine_chunks()
    signals = pa.RecordBatch.from_arrays(
        [_one(rows[name]) for name in QUALITY_SIGNALS.names], names=QUALITY_SIGNALS.names
    )
    return _Judged(*judge(signals, _one(rows["language"]), _one(rows["script"]), config))


def _one(values: pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if values.num_chunks != 1 else values.chunk(0)


def _write_shard(corpus: Store, output: Store, shard: str, stay: NDArray[np.bool_]) -> dict[str, Any]:
    first = 0
    groups = corpus.row_groups(shard)
    table = next(groups)
    with output.writing_parquet(shard, table.schema, **PUBLISHED) as writer:
        while True:
            left = table.filter(pa.array(stay[first : first + table.num_rows]))
            if left.num_rows:
                writer.write_table(left, row_group_size=left.num_rows)
            first += table.num_rows
            following = next(groups, None)
            if following is None:
                break
            table = following
    return file_record(output, shard) | {"rows": int(stay.sum())}


def _write_ledger(corpus: Store, output: Store, name: str, judged: dict[str, _Judged]) -> dict[str, Any]:
    """Write a ledger file anew: rows that stay have their new place, the others their reason."""
    path = f"ledger/{name}"
    rows = 0
    with output.writing_parquet(path, LEDGER, compression="zstd") as writer:
        for table in corpus.row_groups(path):
            writer.write_table(_with_fates(table, judged).cast(LEDGER))
            rows += table.num_rows
    return file_record(output, path) | {"rows": rows}


def _with_fates(table: pa.Table, judged: dict[str, _Judged]) -> pa.Table:
    shards = _one(table["shard"]).dictionary_encode()
    places = pc.fill_null(_one(table["row"]), 0).to_numpy(zero_copy_only=False)
    codes = pc.fill_null(shards.indices, -1).to_numpy(zero_copy_only=False)
    rules = np.full(table.num_rows, -1)
    values, limits = np.full(table.num_rows, np.nan), np.full(table.num_rows, np.nan)
    rows = places.copy()
    for code, shard in enumerate(shards.dictionary.to_pylist()):
        own = codes == code
        found = judged[shard]
        at = places[own]
        rules[own], values[own], limits[own] = found.rules[at], found.values[at], found.limits[at]
        rows[own] = (np.cumsum(found.rules < 0) - 1)[at]
    out = rules >= 0
    gone = pa.array(out)
    unpublished = codes < 0
    columns = {column: _one(table[column]) for column in table.schema.names}
    reasons = pa.array([RULE_NAMES[rule] if rule >= 0 else None for rule in rules.tolist()], pa.string())
    new: dict[str, pa.Array] = {
        "fate": pa.repeat(pa.scalar("dropped"), len(out)),
        "phase": pa.repeat(pa.scalar(PHASE), len(out)),
        "stage": pa.repeat(pa.scalar("filter_quality"), len(out)),
        "reason": reasons,
        "value": pa.array(values, mask=~out),
        "threshold": pa.array(limits, mask=~out),
        "shard": pa.nulls(len(out), pa.string()),
    }
    columns |= {column: pc.if_else(gone, array, columns[column]) for column, array in new.items()}
    columns["row"] = pa.array(rows, pa.int64(), mask=out | unpublished)
    return pa.table([columns[name] for name in table.schema.names], names=table.schema.names)
