"""Apply other quality limits to a finished corpus, from the signals it holds alone.

What is read is a corpus whose recipe kept the signals of `filter_quality`. What is written, or only
counted, is a finished corpus: shards, ledger, card and manifest. Every document of the old ledger
is there once, and those that the new limits drop say so, with rule, value and limit. Nothing that
was dropped before comes back: its text is not in the corpus. A document without signals (made by a
later phase) stays. Limits are those for words of the segmenter that measured the corpus, whichever is
installed here. What describes the old corpus as a whole is not taken over: its index, its pairs,
its synthetic rows, its signature.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data_cards.sections.funnel import count_fates, merge_fates
from data_cards.statistics import Asked, measure, merge, with_commonest_hosts
from pipelines.catalogue.counted import asked_of_corpus
from pipelines.catalogue.filter_limits import limits_met
from pipelines.catalogue.stage_checks import unmatched_labels
from pipelines.catalogue.stages import Recipe
from pipelines.phases.publish.shards import PUBLISHED, file_record, write_card
from pipelines.staging.corpus import read_card, read_manifest
from pipelines.staging.store import MANIFEST, RECIPE, StagingError, Store, require_corpus
from schemas.card.card import Card
from schemas.card.duplicates import SamplingWeights
from schemas.card.filters import Refiltering
from schemas.card.funnel import FateCount, Step
from schemas.card.splits import PublishedFile
from schemas.card.statistics import HOSTS_SHOWN, TextStatistics
from schemas.columns import column_problems
from schemas.failures import MisuseError
from schemas.ledger import LEDGER
from schemas.manifest import FileRecord, PhaseRecord
from schemas.quality_limits import LimitsTable
from schemas.quality_signals import QUALITY_SIGNALS
from stages.quality.filter_quality import NONE_LEARNED, Learned, judge
from stages.quality.options import QualityFilteringConfig
from stages.quality.rules import RULE_NAMES
from stages.quality.segmenters import Segmenter

PHASE = "refilter"
STAGE = "filter_quality"
NO_SIGNALS = (
    "holds no quality signals; run its recipe with keep_signals = true in the stage filter_quality"
)
_TAKEN_OVER = ("rejects", "decontamination")


class Measuring(NamedTuple):
    """What measured a corpus: the segmenter and its version."""

    segmenter: Segmenter
    version: str


class Refiltered(NamedTuple):
    """Documents that stay and, by language and rule, those that go."""

    kept: int
    dropped: Counter[tuple[str, str]]


class _Judged(NamedTuple):
    """For each row of a shard: the rule it breaks (-1: none), value and limit."""

    rules: NDArray[np.int64]
    values: NDArray[np.float64]
    limits: NDArray[np.float64]


class _Limits(NamedTuple):
    """What the corpus is held against: options, and the table that they name."""

    config: QualityFilteringConfig
    table: LimitsTable | None


class _Written(NamedTuple):
    """What was written of a corpus: published files with their statistics, fates, other files."""

    shards: list[tuple[PublishedFile, TextStatistics]]
    cluster_sizes: Counter[tuple[str, int]]  # documents by label and size
    fates: list[tuple[FateCount, ...]]
    files: list[FileRecord]
    asked: Asked  # what the card counts on request


def measured_by(corpus: Store, config: QualityFilteringConfig) -> Measuring:
    """Name what measured a corpus.

    Raises StagingError if the corpus is not finished, its recipe kept no signals or its manifest
    names no segmenter, MisuseError if the options ask for other measures than it holds.
    """
    recipe = Recipe.model_validate(tomllib.loads(read_card(corpus).recipe))
    stages = [stage for stage in recipe.ingest if isinstance(stage, QualityFilteringConfig)]
    stage = next((stage for stage in reversed(stages) if stage.keep_signals), None)
    if stage is None:
        raise StagingError(f"{corpus.url} {NO_SIGNALS}")
    versions = read_manifest(corpus).models
    used: Segmenter = "icu" if "segmenter icu" in versions else "graphemes"
    measured = stage if stage.segmenter != "auto" else stage.model_copy(update={"segmenter": used})
    for option in ("segmenter", "tokenizer", "stop_words"):
        held = getattr(measured, option)
        if getattr(config, option) not in (held, "auto") and option in config.model_fields_set:
            raise MisuseError(
                f"{option}: {corpus.url} was measured with {held!r}, and its signals are all that is read; leave it "
                "out, or run the recipe again"
            )
    segmenter = measured.resolved_segmenter
    version = versions.get(f"segmenter {segmenter}")
    if version is None:
        raise StagingError(f"{corpus.url}/{MANIFEST} does not name the segmenter, {segmenter}")
    return Measuring(segmenter, version)


def refilter(
    corpus: Store,
    config: QualityFilteringConfig,
    output: Store | None,
    table: LimitsTable | None = None,
) -> Refiltered:
    """Judge the documents of a corpus anew, by options that name its own segmenter; with `output`,
    write what stays as a corpus of its own there.

    A row group is in memory at a time, and 24 bytes for each document. Raises StagingError if the
    corpus is not finished or holds no signals, or if `output` holds something already.
    """
    require_corpus(corpus)
    if output is not None and (output.exists(MANIFEST) or output.names("data")):
        raise StagingError(f"{output.url} holds a corpus already; name another --output")
    shards = sorted(
        f"data/{label}/{name}"
        for label in corpus.names("data")
        for name in corpus.names(f"data/{label}")
    )
    learned = table.by_label if table else NONE_LEARNED
    judged: dict[str, _Judged] = {}
    counts: Counter[tuple[str, str]] = Counter()
    # what is only counted needs no card, and none of the tokenizers that it names
    asked = asked_of_corpus(read_card(corpus).recipe)[0] if output is not None else Asked()
    written = _Written([], Counter(), [], [], asked)
    for shard in shards:
        parts = [_judge(table, config, learned, corpus.url) for table in corpus.row_groups(shard)]
        found = _Judged(*map(np.concatenate, zip(*parts, strict=True)))
        judged[shard] = found
        label = shard.split("/")[1]
        rules, numbers = np.unique(found.rules[found.rules >= 0], return_counts=True)
        counts.update(
            {
                (label, RULE_NAMES[rule]): count
                for rule, count in zip(rules, numbers.tolist(), strict=True)
            }
        )
        if output is not None and (found.rules < 0).any():
            _write_shard(corpus, output, shard, found.rules < 0, written)
    kept = sum(int((found.rules < 0).sum()) for found in judged.values())
    if output is not None:
        for name in sorted(corpus.names("ledger")):
            _write_ledger(corpus, output, name, judged, written)
        _finish(corpus, output, _Limits(config, table), Refiltered(kept, counts), written)
    return Refiltered(kept, counts)


def _finish(
    corpus: Store, output: Store, new: _Limits, found: Refiltered, written: _Written
) -> None:
    """Write card and manifest, and what of the corpus stays as it is; the manifest last."""
    before, card = read_manifest(corpus), read_card(corpus)
    by_label: dict[str, list[TextStatistics]] = {}
    for file, statistics in written.shards:
        by_label.setdefault(file.language, []).append(statistics)
    done = Refiltering(
        options=new.config.model_dump_json(exclude_defaults=True, exclude={"segmenter"}),
        manifest_sha256=corpus.sha256(MANIFEST),
    )
    fates = merge_fates(written.fates)
    met = limits_met(
        *new, [fate for fate in fates if fate.phase == PHASE or fate.fate == "published"]
    )
    limits = {(limit.rule, limit.label): limit for limit in (*card.filter_limits, *met)}
    changed = card.model_dump(mode="json") | {
        "steps": [*dict.fromkeys([*card.steps, Step(phase=PHASE, stage=STAGE)])],
        "fates": fates,
        "statistics": {
            label: with_commonest_hosts(merge(parts), HOSTS_SHOWN)
            for label, parts in sorted(by_label.items())
        },
        "files": [file for file, _ in written.shards],
        "sampling": _weights_left(card.sampling, written.cluster_sizes),
        "unmatched_labels": unmatched_labels(
            Recipe.model_validate(tomllib.loads(card.recipe)), by_label
        ),
        "filter_limits": [limits[key] for key in sorted(limits)],
        "refilterings": [*card.refilterings, done],
        "synthesis": (),  # its rows may be of documents that are gone
        "synthetic": (),
    }
    output.write(RECIPE, card.recipe.encode())
    for folder in _TAKEN_OVER:
        for name in sorted(corpus.names(folder)):
            output.write(f"{folder}/{name}", corpus.read(f"{folder}/{name}"))
            written.files.append(file_record(output, f"{folder}/{name}"))
    files = [
        *written.files,
        file_record(output, RECIPE),
        *write_card(output, Card.model_validate(changed)),
        *(
            FileRecord(
                path=file.path, bytes=file.size_bytes, sha256=file.sha256, rows=file.documents
            )
            for file, _ in written.shards
        ),
    ]
    # done before: one account of both
    earlier = [phase for phase in before.phases if phase.phase == PHASE]
    dropped = found.dropped.total() + sum(phase.dropped for phase in earlier)
    account = PhaseRecord(
        phase=PHASE,
        documents_in=found.kept + dropped,
        kept=found.kept,
        dropped=dropped,
        duplicates=0,
        failed=0,
    )
    phases = (*(phase for phase in before.phases if phase.phase != PHASE), account)
    manifest = before.model_copy(
        update={"phases": phases, "files": tuple(sorted(files, key=lambda file: file.path))}
    )
    output.write(MANIFEST, manifest.model_dump_json(indent=1).encode() + b"\n")


def _weights_left(
    sampling: SamplingWeights | None, sizes: Counter[tuple[str, int]]
) -> SamplingWeights | None:
    """Count anew the documents of each cluster size; their weights stay, as they stand in the
    rows."""
    if sampling is None:
        return None
    by_label = {}
    for label, rows in sampling.by_label.items():
        left = [
            sum(sizes[label, size] for size in range(row.least_size, row.greatest_size + 1))
            for row in rows
        ]
        by_label[label] = tuple(
            row.model_copy(
                update={"documents": count, "removed": row.removed + row.documents - count}
            )
            for row, count in zip(rows, left, strict=True)
        )
    return sampling.model_copy(update={"by_label": by_label})


def _judge(table: pa.Table, config: QualityFilteringConfig, learned: Learned, url: str) -> _Judged:
    if column_problems(table.schema, QUALITY_SIGNALS, QUALITY_SIGNALS.names):
        raise StagingError(f"{url} {NO_SIGNALS}")
    rows = table.combine_chunks()
    signals = pa.RecordBatch.from_arrays(
        [_one(rows[name]) for name in QUALITY_SIGNALS.names], names=QUALITY_SIGNALS.names
    )
    return _Judged(*judge(signals, _one(rows["language"]), _one(rows["script"]), config, learned))


def _one(values: pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if values.num_chunks != 1 else values.chunk(0)


def _write_shard(
    corpus: Store, output: Store, shard: str, stay: NDArray[np.bool_], written: _Written
) -> None:
    label, name = shard.split("/")[1:]
    first, parts = 0, []
    asked = written.asked.of_file(int(stay.sum()))
    groups = corpus.row_groups(shard)
    table = next(groups)
    with output.writing_parquet(shard, table.schema, **PUBLISHED) as writer:
        while True:
            left = table.filter(pa.array(stay[first : first + table.num_rows]))
            if left.num_rows:
                writer.write_table(left, row_group_size=left.num_rows)
                parts += [
                    measure(batch, label, asked) for batch in left.combine_chunks().to_batches()
                ]
                sizes = pc.value_counts(left["cluster_size"].drop_null())
                written.cluster_sizes.update(
                    {(label, row["values"].as_py()): row["counts"].as_py() for row in sizes}
                )
            first += table.num_rows
            following = next(groups, None)
            if following is None:
                break
            table = following
    statistics = with_commonest_hosts(merge(parts))
    record = file_record(output, shard)
    file = PublishedFile(
        path=shard,
        language=label,
        split=name.split("-")[0],
        documents=int(stay.sum()),
        size_bytes=record.bytes,
        num_bytes=statistics.num_bytes,
        sha256=record.sha256,
    )
    written.shards.append((file, statistics))


def _write_ledger(
    corpus: Store, output: Store, name: str, judged: dict[str, _Judged], written: _Written
) -> None:
    """Write a ledger file anew: rows that stay have their new place, the others their reason."""
    path = f"ledger/{name}"
    rows = 0
    with output.writing_parquet(path, LEDGER, compression="zstd") as writer:
        for table in corpus.row_groups(path):
            fated = _with_fates(table, judged).cast(LEDGER)
            writer.write_table(fated)
            written.fates.extend(
                count_fates(batch) for batch in fated.combine_chunks().to_batches()
            )
            rows += table.num_rows
    written.files.append(file_record(output, path, rows))


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
    reasons = pa.array(
        [RULE_NAMES[rule] if rule >= 0 else None for rule in rules.tolist()], pa.string()
    )
    new: dict[str, pa.Array] = {
        "fate": pa.repeat(pa.scalar("dropped"), len(out)),
        "phase": pa.repeat(pa.scalar(PHASE), len(out)),
        "stage": pa.repeat(pa.scalar(STAGE), len(out)),
        "reason": reasons,
        "value": pa.array(values, mask=~out),
        "threshold": pa.array(limits, mask=~out),
        "shard": pa.nulls(len(out), pa.string()),
    }
    columns |= {column: pc.if_else(gone, array, columns[column]) for column, array in new.items()}
    columns["row"] = pa.array(rows, pa.int64(), mask=out | unpublished)
    return pa.table([columns[name] for name in table.schema.names], names=table.schema.names)
