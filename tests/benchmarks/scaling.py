"""How time and memory of near deduplication grow with the corpus: `make bench NAME=scaling`.

Inputs are short documents of random words, a tenth of them another one with a word more, as
`dedup` has them: what is shuffled is the same for a long text. Each is deduplicated whole with the
defaults of `near`, one worker, from the start of Python to the last removal list, in turns; of two
runs that which took less CPU time counts. `--documents` names the sizes.

- `time_exponent`: slope of the logarithm of CPU seconds, those of the start taken off, by that of
  the documents: 1 is linear; `memory_exponent`: the same of the peak memory of the largest process.
- `docs_per_cpu_s`, `peak_rss_mb`, `staging_bytes_per_document`: by size. What is staged lies on
  disk: a signature, and what the shuffle sends.
- `peak_rss_mb_by_partition`: the largest input once more, without any edge allowed in memory, so
  that clusters are found by alternating stars and read off by partition.
- `bytes_per_document`: of the largest process, from the smallest to the largest input;
  `bytes_per_document_by_partition` likewise.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path

import numpy as np

from tests.benchmarks.dedup import figures_of, short_documents, stage
from tests.benchmarks.measuring import Figures, keep_bytecode

DOCUMENTS = (50_000, 500_000, 5_000_000)
START = 1_000
ROUNDS = 2
_MODULE = "tests.benchmarks.scaling"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--documents", type=int, nargs="+", default=list(DOCUMENTS))
    parser.add_argument("--stage", nargs=2, metavar=("COUNT", "FOLDER"), help="stage, and no more")
    arguments = parser.parse_args()
    if arguments.stage:
        count, folder = arguments.stage
        stage(Path(folder), short_documents(int(count)))
        return
    folder = Path("out/bench").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    keep_bytecode(folder / "bytecode")
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        print(json.dumps(measured(Path(scratch), sorted(arguments.documents))))


def measured(scratch: Path, sizes: Sequence[int]) -> dict[str, object]:
    """Deduplicate inputs of these sizes, and of a thousand documents for what the start takes."""
    inputs = {size: scratch / str(size) for size in (START, *sizes)}
    for size, path in inputs.items():  # by processes whose memory ends with them
        subprocess.run([sys.executable, "-m", _MODULE, "--stage", str(size), str(path)], check=True)
    runs: dict[int, list[Figures]] = {size: [] for size in inputs}
    for _ in range(ROUNDS):
        for size, path in inputs.items():
            runs[size].append(figures_of(path))
    best = {size: min(found, key=attrgetter("cpu_seconds")) for size, found in runs.items()}
    staged = {size: _bytes_of(inputs[size] / "staging") for size in sizes}
    least, most = sizes[0], sizes[-1]
    by_partition = {size: figures_of(inputs[size], "--max-edges", "0") for size in (least, most)}
    for size, figures in best.items():
        print(size, figures)
    print("by partition", by_partition)
    start = best[START].cpu_seconds
    return {
        "time_exponent": _slope({n: best[n].cpu_seconds - start for n in sizes}),
        "memory_exponent": _slope({n: best[n].peak_rss_mb for n in sizes}),
        "documents": list(sizes),
        "docs_per_cpu_s": [round(n / (best[n].cpu_seconds - start)) for n in sizes],
        "peak_rss_mb": [round(best[n].peak_rss_mb, 1) for n in sizes],
        "staging_bytes_per_document": [round(staged[n] / n) for n in sizes],
        "start_cpu_s": round(start, 2),
        "bytes_per_document": _growth(best, least, most),
        "peak_rss_mb_by_partition": round(by_partition[most].peak_rss_mb, 1),
        "bytes_per_document_by_partition": _growth(by_partition, least, most),
        "cpu_s_by_partition": round(by_partition[most].cpu_seconds, 1),
    }


def _slope(values: dict[int, float]) -> float:
    """Fit the exponent of a power law to values by size, by least squares of logarithms."""
    sizes, found = zip(
        *((math.log(n), math.log(value)) for n, value in values.items()), strict=True
    )
    return round(float(np.polyfit(sizes, found, 1)[0]), 3)


def _growth(figures: dict[int, Figures], least: int, most: int) -> float:
    more = (figures[most].peak_rss_mb - figures[least].peak_rss_mb) * (1 << 20)
    return round(more / (most - least), 1)


def _bytes_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


if __name__ == "__main__":
    main()
