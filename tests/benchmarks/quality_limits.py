"""Learn limits for each language from help pages, by every method: `make bench NAME=quality_limits`.

    python -m tests.benchmarks.quality_limits [--packages FOLDER] [--pages 10000]

Writes the pages (LibreOffice's help, paragraphs as lines, in an order of hashes) as Parquet, learns as `glotmill tune`
does, and prints the table of docs/quality.md: limits of the method `budget` by language. The last line is one JSON
object: `languages`, and by method the least and the greatest share of good pages, not learned from, that all rules
together drop (`false_positives`).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import get_args

from pipelines.finished.tune import tune
from schemas.quality_limits import ALL, Method
from stages.quality.segmenters import default_segmenter
from stages.quality.tuning import Way
from tests.benchmarks import good_texts

SHARE = 0.1  # of pages: the default of `--budget` and `--tail`
SHOWN = (
    *("short_words", "long_words", "few_alphabetic_words", "top_2_gram", "top_4_gram", "duplicate_5_grams"),
    *("duplicate_10_grams", "duplicate_lines", "short_lines", "line_breaks"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--packages", type=Path, default=Path("out/packages"), help="folder of downloaded packages")
    parser.add_argument("--pages", type=int, default=10_000)
    arguments = parser.parse_args()
    pages = good_texts.with_scripts(list(good_texts.manuals(arguments.packages, ("libreoffice-help-*",))))
    ranges = {}
    with tempfile.TemporaryDirectory() as folder:
        reference = Path(folder, "help.parquet")
        pages.head(arguments.pages).select("text", "language", "script").write_parquet(reference)
        for method in get_args(Method):
            table = tune([str(reference)], "", Way(method, SHARE), default_segmenter()).table
            wrong = {label: one.false_positives[ALL] for label, one in table.languages.items() if one.false_positives}
            ranges[method] = [round(min(wrong.values()), 3), round(max(wrong.values()), 3)]
            if method == "budget":
                print("| language | pages |", " | ".join(f"`{name}`" for name in SHOWN), "| false positives |")
                print("| ---", "| --- " * (len(SHOWN) + 1), "| --- |")
                for label, one in sorted(table.languages.items()):
                    if label in wrong and one.learned_from == label:
                        limits = [f"{one.limits[name]:.2f}" if name in one.limits else "default" for name in SHOWN]
                        print(f"| {label} | {one.pages} |", " | ".join(limits), f"| {wrong[label]:.1%} |")
    print(json.dumps({"languages": len(wrong), "false_positives": ranges}))


if __name__ == "__main__":
    main()
