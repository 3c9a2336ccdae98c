"""Read every published document again: are the counts, the labels, the ids and the columns what the
card says?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_cards.sections.columns import column_rows
from data_cards.statistics import Asked, measure, merge, with_commonest_hosts
from pipelines.finished.audit.content import EvaluationTexts
from pipelines.finished.audit.parted import PLACED, KeptKeys, KeyFile, Parted, placed, same
from pipelines.finished.audit.sample import Sample
from pipelines.staging.store import Store
from schemas.card.card import Card
from schemas.card.splits import SUBSETS_APART
from schemas.card.statistics import HOSTS_SHOWN, TextStatistics
from schemas.columns import SchemaError
from schemas.finding import Finding, error, note, warning
from schemas.language import parse_label
from stages.keys import hash_keys

CHECK = "documents"
BATCH_ROWS = 4096
_SHOWN = 3
_FILLED = ("id", "text", "source")  # of every document


class Shard(NamedTuple):
    """A published file as it was read: `keys` are those of its n ids, in order."""

    path: str
    label: str
    keys: KeptKeys
    statistics: TextStatistics
    findings: list[Finding]


class Looked(NamedTuple):
    """What documents are looked at for besides their own columns: what the card counts on request,
    the sample that they may be in, evaluation sets; `keys` takes those of their ids."""

    asked: Asked
    sample: Sample
    sets: EvaluationTexts | None
    keys: KeyFile


def read_shard(store: Store, path: str, card: Card | None, looked: Looked) -> Shard:
    """Read one published file in batches; what is wrong with it comes back as findings, never as an
    exception.

    Documents that the corpus itself calls doubtful or unproved are not sampled.
    """
    findings: list[Finding] = []
    label = PurePosixPath(path).parent.name
    keys = looked.keys.begin()
    parts: list[TextStatistics] = []
    try:
        parse_label(label)
    except ValueError as problem:
        findings.append(error(CHECK, f"lies in a folder that is no label: {problem}", path))
        return Shard(path, label, keys, TextStatistics(), findings)
    try:
        with store.open(path) as stream, pq.ParquetFile(stream) as parquet:
            if card is not None and column_rows(parquet.schema_arrow) != card.columns:
                findings.append(error(CHECK, "has other columns than the card describes", path))
            asked = looked.asked.of_file(parquet.metadata.num_rows)
            for batch in parquet.iter_batches(BATCH_ROWS, use_threads=False):
                if empty := [name for name in _FILLED if batch[name].null_count]:
                    words = f"has rows without {' and '.join(empty)}"
                    findings.append(error(CHECK, words, path))
                    batch = _filled(batch, empty)
                own = hash_keys(batch["id"].cast(pa.large_string()))
                keys.append(own)
                parts.append(measure(batch, label, asked))
                if not PurePosixPath(path).name.startswith(SUBSETS_APART):
                    made = pc.fill_null(batch["synthetic"], False)
                    looked.sample.add(label, own, batch["id"], batch["text"], made)
                if looked.sets is not None:
                    looked.sets.look(batch)
                findings += _batch_findings(batch, label, path, len(keys) - batch.num_rows)
    except (OSError, pa.ArrowException, SchemaError, KeyError, ValueError) as problem:
        words = " ".join(str(problem).split())[:300]
        findings.append(error(CHECK, f"cannot be read as published documents: {words}", path))
    statistics = with_commonest_hosts(merge(parts))
    return Shard(path, label, keys, statistics, _first_of_kind(findings))


def _filled(batch: pa.RecordBatch, names: Iterable[str]) -> pa.RecordBatch:
    for name in names:
        place = batch.schema.get_field_index(name)
        batch = batch.set_column(place, batch.schema.field(place), pc.fill_null(batch[name], ""))
    return batch


def _batch_findings(batch: pa.RecordBatch, label: str, path: str, first: int) -> Iterator[Finding]:
    """Say what is wrong with rows of a shard, of which the first is row `first` of the file."""
    language, script = parse_label(label)
    spoken = pc.fill_null(batch["language"], "und")
    written = pc.fill_null(batch["script"], "Zyyy")
    text, score = batch["text"], batch["language_score"]
    for wrong, words in (
        (
            pc.or_(pc.not_equal(spoken, language), pc.not_equal(written, script)),
            f"is in another language than {label}",
        ),
        (pc.equal(pc.binary_length(pc.fill_null(text, "")), 0), "has no text"),
        (pc.or_(pc.less(score, 0), pc.greater(score, 1)), "has a language_score outside 0 to 1"),
        (pc.equal(batch["id"], ""), "has no id"),
        (pc.match_substring(text, "\x00"), "has a NUL in its text"),
    ):
        rows = np.flatnonzero(pc.fill_null(wrong, False).to_numpy(zero_copy_only=False))
        if len(rows):
            yield error(CHECK, f"row {first + rows[0]:,} {words}", path)
    losses = pc.sum(pc.count_substring(text, "\ufffd")).as_py() or 0
    if losses:
        yield warning(
            CHECK, f"has replacement characters (U+FFFD) in its texts, {losses:,} in a batch", path
        )


def _first_of_kind(findings: Iterable[Finding]) -> list[Finding]:
    """Keep of findings that say the same of one file the first, whatever row they name."""
    kept: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        words = (
            finding.message.split(" ", 2)[-1]
            if finding.message.startswith("row ")
            else finding.message[:40]
        )
        kept.setdefault((finding.severity, words), finding)
    return list(kept.values())


def id_findings(shards: Sequence[Shard]) -> Iterator[Finding]:
    """Find ids that are published twice."""
    documents = Parted(PLACED)
    for number, shard in enumerate(shards):
        documents.add(placed(shard.keys.load(), number, np.arange(len(shard.keys))))
    first: list[tuple[int, int]] = []
    count = 0
    for part in documents:
        order = np.lexsort((part["low"], part["high"]))  # stable: in the order of files and rows
        before, now = part[order[:-1]], part[order[1:]]
        again = now[same(before, now)]
        count += len(again)
        own = zip(again["file"].tolist(), again["number"].tolist(), strict=True)
        first = sorted([*first, *own])[:_SHOWN]
    for number, row in first:
        message = f"row {row:,} has an id that another document has"
        yield error(CHECK, message, shards[number].path)
    if count > _SHOWN:
        yield error(CHECK, f"{count:,} documents have an id that another one has")


def statistics_findings(
    shards: Iterable[Shard], card: Card, uncounted: Sequence[str] = ()
) -> Iterator[Finding]:
    """Compare every figure of the card's statistics with what was counted from the Parquet files,
    but for tokens of tokenizers that are not at hand."""
    for name in uncounted:
        yield note("card", f"tokens by {name} are not counted again: the tokenizer is not at hand")
    parts: dict[str, list[TextStatistics]] = {}
    for shard in shards:
        parts.setdefault(shard.label, []).append(shard.statistics)
    counted = {
        label: with_commonest_hosts(merge(found), HOSTS_SHOWN) for label, found in parts.items()
    }
    for label in sorted(counted.keys() | card.statistics.keys()):
        if label not in counted or label not in card.statistics:
            where = "the card" if label in card.statistics else "the files"
            yield error("card", f"{label} is in {where} only")
            continue
        stated, found = (
            _flat(statistics[label], uncounted) for statistics in (card.statistics, counted)
        )
        yield from _differences(label, stated, found)


def _flat(statistics: TextStatistics, uncounted: Sequence[str]) -> dict[str, object]:
    """Name all figures of a label, those of found and of made texts each."""
    figures: dict[str, object] = {}
    for name, value in statistics.model_dump().items():
        if name not in ("found", "made_texts"):
            figures[name] = value
            continue
        for inner, part in value.items():
            if inner == "tokens":
                part = {key: count for key, count in part.items() if key not in uncounted}
            figures[f"{name}.{inner}"] = part
    return figures


def _differences(
    label: str, stated: Mapping[str, object], counted: Mapping[str, object]
) -> Iterator[Finding]:
    for name, value in stated.items():
        if value != counted[name]:
            simple = isinstance(value, int | None) and isinstance(counted[name], int | None)
            words = (
                f": {value} by the card, {counted[name]} counted"
                if simple
                else " is not what was counted"
            )
            yield error("card", f"{label}: {name}{words}")
