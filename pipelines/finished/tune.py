"""Learn limits of `filter_quality` for each language from reference text: a table, and a report on
it.

The reference is text that its owner trusts: a finished corpus (its folder), Parquet files with the
columns text, language and script, or files of one language (`label`): Parquet with a column text,
or JSON lines. A corpus that `identify_language` went over brings language scores, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
import pyarrow.parquet as pq

from data_cards.pages.tuning import TunedLanguage, tuning_page
from pipelines.staging.store import MANIFEST, StagingError, Store
from schemas.document import DOCUMENT
from schemas.language import parse_label
from schemas.quality_limits import ALL, LimitsTable
from schemas.quality_signals import QUALITY_SIGNALS
from stages.batches import require_utf8
from stages.keys import hash_keys
from stages.quality.segmenters import Segmenter, segmenter_version
from stages.quality.signals import measure_quality
from stages.quality.tuning import LEAST_PAGES, Pages, Refusal, Way, distributions, learn

MAX_PAGES = 5_000  # of a language, the first ones
MANY_WRONG = 0.15  # of good pages, by all rules together
_ROWS = 1_000
_LINE_BYTES = 64 << 20  # the longest line of JSON
_READ = ("text", "language", "script", "language_score")


class Tuned(NamedTuple):
    """The table, the limits that were refused, and the report as HTML."""

    table: LimitsTable
    refused: list[Refusal]
    page: str


def tune(references: Sequence[str], label: str, way: Way, segmenter: Segmenter) -> Tuned:
    """Learn limits from reference text.

    Raises StagingError where it cannot be read, ValueError where it is too small.
    """
    pages = _measured(references, label, segmenter)
    learned = learn(pages, way)
    if not learned.languages:
        raise ValueError(
            f"the reference has no page of 50 words in any language: {', '.join(references)}"
        )
    table = LimitsTable(
        segmenter=segmenter,
        segmenter_version=segmenter_version(segmenter),
        method=way.method,
        reference=", ".join(Path(name).name for name in references),
        languages=learned.languages,
    )
    rows = []
    for name, one in sorted(learned.languages.items()):
        refused = {
            refusal.rule: refusal.why for refusal in learned.refused if refusal.label == name
        }
        spread = list(distributions(pages, name, one.limits))
        rows.append(TunedLanguage(name, one, spread, refused))
    return Tuned(table, learned.refused, tuning_page(table, rows))


def warnings(tuned: Tuned) -> Iterator[str]:
    """Say what a reader of the table must know: languages without limits, limits of a script,
    limits refused."""
    for label, one in tuned.table.languages.items():
        if one.learned_from is None:
            yield f"{label}: {one.pages} pages, and fewer than {LEAST_PAGES} in its script; the default limits stay"
        elif one.learned_from != label:
            yield f"{label}: {one.pages} pages, fewer than {LEAST_PAGES}; its limits are those of its script"
        if (wrong := one.false_positives.get(ALL, 0)) > MANY_WRONG:
            yield f"{label}: the rules together would drop {wrong:.0%} of good pages"
    for rule in dict.fromkeys(refusal.rule for refusal in tuned.refused):
        of_rule = [refusal for refusal in tuned.refused if refusal.rule == rule]
        languages = "1 language" if len(of_rule) == 1 else f"{len(of_rule)} languages"
        yield f"{rule}: the default limit stays in {languages}, such as {of_rule[0].label}: {of_rule[0].why}"


def _measured(references: Sequence[str], label: str, segmenter: Segmenter) -> Pages:
    counts: Counter[str] = Counter()
    seen: set[tuple[str, int]] = set()  # pages that repeat are one
    signals, labels, scores = [], [], []
    for reference in references:
        for batch in _batches(reference, label):
            names = pc.binary_join_element_wise(batch["language"], batch["script"], "_").to_pylist()
            pages = list(zip(names, hash_keys(batch["text"])["low"].tolist(), strict=True))
            chosen = []
            # counts labels; texts are measured as a block
            for row, (name, key) in enumerate(pages):
                if name is not None and counts[name] < MAX_PAGES and (name, key) not in seen:
                    seen.add((name, key))
                    counts[name] += 1
                    chosen.append(row)
            batch = batch.take(pa.array(chosen, pa.int64()))
            signals.append(measure_quality(batch, segmenter))
            labels.append(np.array([names[row] for row in chosen], np.str_))
            known = batch["language_score"].cast(pa.float64()).to_numpy(zero_copy_only=False)
            scores.append(np.asarray(known, np.float64))
    table = pa.Table.from_batches(signals, QUALITY_SIGNALS).combine_chunks()
    rows = (
        table.to_batches()[0] if table.num_rows else pa.RecordBatch.from_pylist([], QUALITY_SIGNALS)
    )
    return Pages(
        rows,
        np.concatenate([np.array([], np.str_), *labels]),
        np.concatenate([np.array([], np.float64), *scores]),
    )


def _batches(reference: str, label: str) -> Iterator[pa.RecordBatch]:
    """Yield blocks with the columns `_READ` of one reference."""
    store = Store(reference)
    if store.exists(MANIFEST):
        paths = [
            f"data/{one}/{name}"
            for one in sorted(store.names("data"))
            for name in sorted(store.names(f"data/{one}"))
        ]
        for shard in paths:
            for table in store.row_groups(shard):
                yield from _blocks(table, label, reference)
        return
    given = Path(reference)
    files = (
        sorted(path for path in given.rglob("*") if path.is_file()) if given.is_dir() else [given]
    )
    files = [path for path in files if path.suffix in (".parquet", ".jsonl", ".ndjson")]
    if not files or not all(path.exists() for path in files):
        raise StagingError(
            f"{reference} is no reference: name a finished corpus, or Parquet or JSON lines (.jsonl) with texts"
        )
    for path in files:
        try:
            if path.suffix == ".parquet":
                with pq.ParquetFile(path) as parquet:
                    for group in range(parquet.num_row_groups):
                        yield from _blocks(parquet.read_row_group(group), label, str(path))
            else:
                yield from _blocks(
                    pj.read_json(path, pj.ReadOptions(block_size=_LINE_BYTES)), label, str(path)
                )
        except pa.ArrowException as problem:
            raise StagingError(
                f"{path} cannot be read: {' '.join(str(problem).split())[:200]}"
            ) from None


def _blocks(table: pa.Table, label: str, path: str) -> Iterator[pa.RecordBatch]:
    lacking = [name for name in ("text", "language", "script") if name not in table.schema.names]
    if "text" in lacking or (lacking and not label):
        raise StagingError(
            f"{path} has no column {', '.join(lacking)}; give --label where all is in one language"
        )
    require_utf8(table.select([name for name in _READ if name in table.schema.names]), path)
    columns = {"text": table["text"]}
    if label:
        language, script = parse_label(label)
        columns |= {
            "language": pa.repeat(language, table.num_rows),
            "script": pa.repeat(script, table.num_rows),
        }
    else:
        columns |= {name: table[name] for name in ("language", "script")}
    scored = "language_score" in table.schema.names
    columns["language_score"] = (
        table["language_score"] if scored else pa.nulls(table.num_rows, pa.float32())
    )
    fields = [DOCUMENT.field(name) for name in _READ]
    rows = pa.table(
        [columns[field.name].cast(field.type) for field in fields], schema=pa.schema(fields)
    )
    yield from (
        rows.filter(pc.is_valid(rows["text"])).combine_chunks().to_batches(max_chunksize=_ROWS)
    )
