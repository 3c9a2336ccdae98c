"""Learn limits for each language from help pages, by every method: `make bench
NAME=quality_limits`.

    python -m tests.benchmarks.quality_limits [--packages FOLDER]

Reads LibreOffice's help, paragraphs as lines, learns as `glotmill tune` does, and prints the table
of docs/quality.md:
limits of the method `budget` for the languages with enough pages of their own. The last line is one
JSON object:
`languages`, and by method the least and the greatest share of good pages, not learned from, that
all rules together drop in one of them (`false_positives`).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import get_args

import numpy as np
import polars as pl
import pyarrow as pa

from schemas.quality_limits import ALL, Method
from stages.quality.segmenters import default_segmenter
from stages.quality.signals import measure_quality
from stages.quality.tuning import Pages, Way, learn
from tests.benchmarks import good_texts
from tests.benchmarks.quality import blocks_of

SHARE = 0.1  # of pages: the default of `--budget` and `--tail`
SHOWN = (
    *(
        "short_words",
        "long_words",
        "few_alphabetic_words",
        "top_2_gram",
        "top_4_gram",
        "duplicate_5_grams",
    ),
    *("duplicate_10_grams", "duplicate_lines", "short_lines", "line_breaks"),
)


def measured(pages: pl.DataFrame) -> Pages:
    """Measure pages as the reference that limits are learned from."""
    segmenter = default_segmenter()
    signals = [measure_quality(block, segmenter) for block in blocks_of(pages)]
    labels = pages.select(pl.concat_str("language", "script", separator="_")).to_series().to_numpy()
    rows = pa.Table.from_batches(signals).combine_chunks().to_batches()[0]
    return Pages(rows, labels.astype(np.str_), np.full(pages.height, np.nan))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--packages", type=Path, default=Path("out/packages"), help="folder of downloaded packages"
    )
    arguments = parser.parse_args()
    pages = measured(
        good_texts.with_scripts(
            list(good_texts.manuals(arguments.packages, ("libreoffice-help-*",)))
        )
    )
    ranges = {}
    for method in get_args(Method):
        learned = {
            label: one
            for label, one in sorted(learn(pages, Way(method, SHARE)).languages.items())
            if one.learned_from == label
        }
        wrong = [one.false_positives[ALL] for one in learned.values()]
        ranges[method] = [round(min(wrong), 3), round(max(wrong), 3)]
        if method == "budget":
            print(
                "| language | pages |",
                " | ".join(f"`{name}`" for name in SHOWN),
                "| false positives |",
            )
            print("| --- " * (len(SHOWN) + 3), "|")
            for label, one in learned.items():
                limits = [
                    f"{one.limits[name]:.2f}" if name in one.limits else "default" for name in SHOWN
                ]
                print(
                    f"| {label} | {one.pages} |",
                    " | ".join(limits),
                    f"| {one.false_positives[ALL]:.1%} |",
                )
    print(json.dumps({"languages": len(learned), "false_positives": ranges}))


if __name__ == "__main__":
    main()
