"""Run two further peers of deduplication on given texts and count their CPU seconds: rensa in a
loop, and text-dedup.

    python -m tests.benchmarks.dedup_peers --parquet FILE --limit 1000

- rensa: what a user of the library writes. For each text its 5-grams of words, a signature (14
  buckets of 8 hashes), a query of those kept so far, and the check of the signatures at 0.8. Texts
  are read from JSON Lines.
- text-dedup: its MinHash program with 5-grams and the same bands, on a Parquet file, as it is on
  PyPI. Its pins are older than ours, so it is installed into an environment of its own, kept under
  `out/bench`.

CPU seconds are user and system time of a process and all its descendants, start of Python and
imports included.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks.measuring import Figures, measure

TEXT_DEDUP = "text-dedup==0.4.0"
LOOP = """
import json, sys
from rensa import RMinHash, RMinHashLSH

lsh, kept = RMinHashLSH(threshold=0.8, num_perm=112, num_bands=14), {}
with open(sys.argv[1]) as file:
    for number, line in enumerate(file):
        words = json.loads(line)["text"].split()
        signature = RMinHash(num_perm=112, seed=0)
        signature.update([" ".join(words[i : i + 5]) for i in range(max(1, len(words) - 4))])
        if not any(kept[other].jaccard(signature) >= 0.8 for other in lsh.query(signature)):
            kept[number] = signature
            lsh.insert(number, signature)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--parquet", type=Path, required=True, help="file with a column `text`")
    parser.add_argument(
        "--limit", type=int, help="documents to take from its beginning; default: all"
    )
    arguments = parser.parse_args()
    texts = (
        pq.read_table(arguments.parquet, columns=["text"])["text"]
        .slice(0, arguments.limit)
        .to_pylist()
    )
    folder = Path(os.environ.get("GLOTMILL_BENCH", "out/bench")).resolve()
    figures = {"rensa": run_rensa(texts), "text_dedup": run_text_dedup(texts, folder)}
    print(json.dumps({name: found._asdict() for name, found in figures.items()}))


def run_rensa(texts: Sequence[str]) -> Figures:
    """Deduplicate n texts by a loop over rensa."""
    with tempfile.TemporaryDirectory() as scratch:
        given = Path(scratch, "input.jsonl")
        with given.open("w") as file:
            file.writelines(json.dumps({"text": text}) + "\n" for text in texts)
        return measure([sys.executable, "-c", LOOP, str(given)])


def run_text_dedup(texts: Sequence[str], folder: Path) -> Figures:
    """Deduplicate n texts by text-dedup, which is installed under `folder` at the first call."""
    python = folder / "text-dedup" / "bin" / "python"
    if not python.exists():
        venv.create(python.parent.parent, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", TEXT_DEDUP], check=True)
    with tempfile.TemporaryDirectory() as scratch:
        given = Path(scratch, "input.parquet")
        pq.write_table(pa.table({"text": texts}), given)
        options: dict[str, object] = {
            "path": "parquet",
            "data_files": given,
            "split": "train",
            "column": "text",
            "output": f"{scratch}/out",
        }
        options |= {
            "cache_dir": f"{scratch}/cache",
            "ngram": 5,
            "num_perm": 112,
            "b": 14,
            "r": 8,
            "threshold": 0.8,
        }
        command = [str(python), "-m", "text_dedup.minhash"]
        return measure([*command, *(f"--{name}={value}" for name, value in options.items())])


if __name__ == "__main__":
    main()
