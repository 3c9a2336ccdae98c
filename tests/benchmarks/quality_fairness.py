"""Measure what the default quality filters lose of good text, by language, and what they find of
bad text.

    python -m tests.benchmarks.quality_fairness [--packages FOLDER] [--limits fair] [--table]

Four sets: `calibrated`, the texts that the limits were set on (`good_texts`); `held_out`, texts of
other sources, from a few words on, for which some limits were widened, and `unseen`, which no limit
saw (`held_out_texts`); `bad`, planted (`bad_texts`). Prints for the good ones a table of the
languages that lose most (all with --table), for the bad ones the share found by kind and size, and
one JSON object with `languages`, `mean_dropped` over languages, `worst_language`,
`worst_language_dropped` and `over_3_percent` of the good sets, `by_kind` of each and `bad_found`.
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
from tests.benchmarks.bad_texts import SIZES, bad_texts
from tests.benchmarks.good_texts import good_texts
from tests.benchmarks.held_out_texts import held_out_texts, unseen_texts

SHOWN = 25
ROWS = 2000  # of a block
FIELDS = [DOCUMENT.field(name) for name in ("text", "language", "script")]


def judged(texts: pl.DataFrame, config: QualityFilteringConfig) -> pl.DataFrame:
    """Add a column `rule` to texts with columns text, language, script: the one that each breaks,
    or null."""
    rules: list[str | None] = []
    for part in texts.iter_slices(ROWS):
        arrays = [part[field.name].to_arrow().cast(field.type) for field in FIELDS]
        block = pa.RecordBatch.from_arrays(arrays, schema=pa.schema(FIELDS))
        signals = measure_quality(block, config.resolved_segmenter, config.stop_words)
        found = judge(signals, block["language"], block["script"], config)
        rules += [RULE_NAMES[rule] if rule >= 0 else None for rule in found.rules.tolist()]
    return texts.with_columns(rule=pl.Series(rules, dtype=pl.String))


def by_language(found: pl.DataFrame) -> pl.DataFrame:
    rule = pl.col("rule")
    return (
        found.group_by("language", "script")
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
    parser.add_argument(
        "--packages", type=Path, default=Path("out/packages"), help="folder of downloaded packages"
    )
    parser.add_argument("--limits", choices=["fair", "published"], default="fair")
    parser.add_argument("--table", action="store_true", help="show all languages")
    arguments = parser.parse_args()
    config = QualityFilteringConfig(limits=arguments.limits)
    good = good_texts(arguments.packages)
    record: dict[str, object] = {}
    sets = {
        "calibrated": good,
        "held_out": held_out_texts(arguments.packages),
        "unseen": unseen_texts(arguments.packages),
    }
    for name, texts in sets.items():
        found = judged(texts, config)
        table = by_language(found)
        print(f"{name}\n| language | documents | dropped | rules |\n| --- | --- | --- | --- |")
        for row in table.head(table.height if arguments.table else SHOWN).iter_rows(named=True):
            print(
                f"| {row['language']}_{row['script']} | {row['documents']} | {row['dropped']:.1%} | {row['rules']} |"
            )
        kinds = (
            found.group_by("source")
            .agg(pl.len(), pl.col("rule").is_not_null().mean().round(5))
            .sort("source")
        )
        record[name] = figures(table) | {
            "by_kind": {kind: [size, share] for kind, size, share in kinds.iter_rows()}
        }
    bad = judged(bad_texts(good.filter(pl.col("source") == "declaration")), config)
    shares = (
        bad.group_by("source", "size")
        .agg(found=pl.col("rule").is_not_null().mean())
        .sort("source", "size")
    )
    print(
        "bad: share found, by size\n| kind |",
        " | ".join(map(str, SIZES)),
        "|\n| --- |",
        "--- | " * len(SIZES),
    )
    for kind, *found_of in shares.pivot("size", index="source", values="found").iter_rows():
        print(f"| {kind} |", " | ".join(f"{share:.0%}" for share in found_of), "|")
    record["bad_found"] = round(float(bad["rule"].is_not_null().mean()), 4)  # type: ignore[arg-type]
    print(json.dumps(record))


if __name__ == "__main__":
    main()
