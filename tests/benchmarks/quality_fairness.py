"""Measure how much text known to be good the default quality filters drop, by language.

    python -m tests.benchmarks.quality_fairness [--packages FOLDER] [--limits fair] [--table]

The texts are those of `good_texts`. Prints a table of the languages that lose most (all with --table) and one JSON
object: `languages`, `mean_dropped` over languages, `worst_language`, `worst_language_dropped`, `over_3_percent`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import polars as pl
import pyarrow as pa

from schemas.document import DOCUMENT
from stages.quality.filter_quality import judge
from stages.quality.options import QualityFilteringConfig
from stages.quality.rules import RULE_NAMES
from stages.quality.signals import measure_quality
from tests.benchmarks.good_texts import good_texts

SHOWN = 25
ROWS = 2000  # of a block
FIELDS = [DOCUMENT.field(name) for name in ("text", "language", "script")]


def dropped(texts: pl.DataFrame, config: QualityFilteringConfig) -> pl.DataFrame:
    """Judge texts with columns text, language, script: one row a language with its documents, share and rules."""
    rules: list[str | None] = []
    for part in texts.iter_slices(ROWS):
        arrays = [part[field.name].to_arrow().cast(field.type) for field in FIELDS]
        block = pa.RecordBatch.from_arrays(arrays, schema=pa.schema(FIELDS))
        signals = measure_quality(block, config.resolved_segmenter, config.stop_words)
        found = judge(signals, block["language"], block["script"], config)
        rules += [RULE_NAMES[rule] if rule >= 0 else None for rule in found.rules.tolist()]
    rule = pl.col("rule")
    return (
        texts.with_columns(rule=pl.Series(rules, dtype=pl.String))
        .group_by("language", "script")
        .agg(
            documents=pl.len(),
            dropped=rule.is_not_null().mean(),
            rules=rule.drop_nulls().unique().sort().str.join(", "),
        )
        .sort("dropped", "language", "script", descending=[True, False, False])
    )


def figures(by_language: pl.DataFrame) -> dict[str, object]:
    worst = by_language.row(0, named=True)
    return {
        "languages": by_language.height,
        "mean_dropped": round(by_language["dropped"].mean(), 5),  # type: ignore[arg-type]
        "worst_language": f"{worst['language']}_{worst['script']}",
        "worst_language_dropped": round(worst["dropped"], 4),
        "over_3_percent": by_language.filter(pl.col("dropped") > 0.03).height,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--packages", type=Path, default=Path("out/packages"), help="folder of downloaded packages")
    parser.add_argument("--limits", choices=["fair", "published"], default="fair")
    parser.add_argument("--table", action="store_true", help="show all languages")
    arguments = parser.parse_args()
    found = dropped(good_texts(arguments.packages), QualityFilteringConfig(limits=arguments.limits))
    print("| language | documents | dropped | rules |\n| --- | --- | --- | --- |")
    for row in found.head(found.height if arguments.table else SHOWN).iter_rows(named=True):
        print(f"| {row['language']}_{row['script']} | {row['documents']} | {row['dropped']:.1%} | {row['rules']} |")
    print(json.dumps(figures(found)))


if __name__ == "__main__":
    main()
