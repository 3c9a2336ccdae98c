"""Run datatrove's four MinHash steps on given texts, offline, and count their CPU seconds: the peer
of deduplication.

    python -m tests.benchmarks.datatrove_dedup_peer --parquet FILE --limit 1000

The steps are datatrove's own, each with its defaults: signatures (14 buckets of 8 hashes, 5-grams
of words), buckets, clusters, filter. They are run one after another by LocalPipelineExecutor, one
worker each, in a process of their own.

- CPU seconds are user and system time of that process and all its descendants, start of Python and
  imports included. Texts are read from and written to JSON Lines, datatrove's own format,
  uncompressed; writing its input is not counted.
- Words are cut by the tokenizer that datatrove has for a language. Those of spaCy, PyThaiNLP and
  LaoNLP work offline; others download a model (stanza, botok) and are not used. datatrove's default
  is English, spaCy's rules.
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq

STEPS = """
import sys
from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.dedup.minhash import (
    MinhashConfig, MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
)
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter

folder, language = sys.argv[1:]
config = MinhashConfig()
read = JsonlReader(f"{folder}/input", compression=None)
signatures = MinhashDedupSignature(f"{folder}/signatures", config, language)
buckets = MinhashDedupBuckets(f"{folder}/signatures", f"{folder}/buckets", config=config)
clusters = MinhashDedupCluster(f"{folder}/buckets", f"{folder}/removed", config, save_cluster_id=True)
keep = [MinhashDedupFilter(f"{folder}/removed"), JsonlWriter(f"{folder}/output", compression=None)]
for name, steps, tasks in (
    ("signatures", [read, signatures], 1),
    ("buckets", [buckets], config.num_buckets),
    ("clusters", [clusters], 1),
    ("filter", [read, *keep], 1),
):
    LocalPipelineExecutor(steps, tasks=tasks, workers=1, logging_dir=f"{folder}/logs/{name}").run()
"""


class PeerDeduplication(NamedTuple):
    """What datatrove did: documents given, those it removed, its clusters of at least two, and what
    that cost."""

    documents: int
    removed: list[int]
    clusters: list[list[int]]
    cpu_seconds: float
    peak_rss_mb: float


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--parquet", type=Path, required=True, help="file with a column `text`")
    parser.add_argument(
        "--limit", type=int, help="documents to take from its beginning; default: all"
    )
    parser.add_argument(
        "--language", default="eng", help="language that words are cut for; default: eng"
    )
    arguments = parser.parse_args()
    texts = (
        pq.read_table(arguments.parquet, columns=["text"])["text"]
        .slice(0, arguments.limit)
        .to_pylist()
    )
    found = run_peer(texts, arguments.language)
    figures = {
        "documents": found.documents,
        "removed": len(found.removed),
        "clusters": len(found.clusters),
        "cpu_seconds": found.cpu_seconds,
        "peak_rss_mb": found.peak_rss_mb,
        "docs_per_cpu_s": found.documents / found.cpu_seconds,
    }
    print(json.dumps(figures))


def run_peer(texts: Sequence[str], language: str = "eng") -> PeerDeduplication:
    """Deduplicate n texts; documents are named by their places, 0 to n - 1. No text may be empty.

    `language` is an ISO 639-3 code, for the word tokenizer.
    """
    with tempfile.TemporaryDirectory() as scratch_name:
        scratch = Path(scratch_name)
        (scratch / "input").mkdir()
        with (scratch / "input" / "00000.jsonl").open("w") as file:
            file.writelines(
                json.dumps({"text": text, "id": str(n)}) + "\n" for n, text in enumerate(texts)
            )
        command = [sys.executable, "-c", STEPS, str(scratch), language]
        environment = os.environ | {"HF_HUB_OFFLINE": "1"}
        with (scratch / "stderr").open("wb") as messages:
            process = subprocess.Popen(
                command, env=environment, stdout=subprocess.DEVNULL, stderr=messages
            )
            _, status, usage = os.wait4(process.pid, 0)
        if status:
            last = (scratch / "stderr").read_text(errors="replace").strip().splitlines()[-1:]
            raise RuntimeError(f"datatrove's steps failed with status {status}: {''.join(last)}")
        output = scratch / "output" / "00000.jsonl"
        # by line feeds alone: texts may hold other separators of lines
        lines = output.read_text().split("\n")[:-1] if output.exists() else []
        kept = {int(json.loads(line)["id"]) for line in lines}
        clusters: dict[int, list[int]] = {}
        packed = scratch / "removed" / "000000.clusters"
        for document, cluster in struct.iter_unpack(
            "<2I", packed.read_bytes() if packed.exists() else b""
        ):
            clusters.setdefault(cluster, []).append(document)
    return PeerDeduplication(
        len(texts),
        [n for n in range(len(texts)) if n not in kept],
        list(clusters.values()),
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / 1024,
    )


if __name__ == "__main__":
    main()
