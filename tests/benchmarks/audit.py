"""How many planted corruptions an audit finds, how fast it reads, and what the card's statistics cost publishing.

    make bench NAME=audit

The corpus: as many copies of the sample texts of gflanguages, each with a number of its own, as make ROWS documents.
CPU seconds of this process. `statistics_share` is the time of measuring over that of reading, measuring and writing
all shards once more.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from pathlib import Path

import gflanguages
import pyarrow.parquet as pq

from data_cards.statistics import measure
from pipelines.build.output import build
from pipelines.build.plan import make_plan
from pipelines.finished.audit.audit import audit
from pipelines.phases.publish.shards import PUBLISHED
from pipelines.runners.local import Runner
from pipelines.staging.store import Store
from tests.finished.corruptions import CORRUPTIONS
from tests.finished.test_audit import write_corpus

ROWS = 100_000
RECIPE = """
[corpus]
name = "many"
licence = "cc0-1.0"
[[sources]]
name = "lines"
format = "jsonl"
paths = ["lines.jsonl"]
licence = "cc0-1.0"
[[ingest]]
stage = "identify_language"
"""


def planted(folder: Path) -> tuple[int, int]:
    """Plant each corruption in a copy of a small corpus; return how many were found, and errors of the clean one."""
    corpus = write_corpus(folder)
    found = 0
    for position, corrupt in enumerate(CORRUPTIONS.values()):
        copy = shutil.copytree(corpus, folder / f"copy-{position}")
        corrupt(copy)
        found += audit(Store(str(copy)), lambda _: None).has_errors
        shutil.rmtree(copy)
    return found, len(audit(Store(str(corpus)), lambda _: None).findings)


def write_many(folder: Path) -> Path:
    samples = gflanguages.LoadLanguages().values()
    texts = [sample.sample_text.specimen_16 for sample in samples if sample.sample_text.specimen_16]
    with (folder / "lines.jsonl").open("w", encoding="utf-8") as file:
        for number in range(ROWS):
            file.write(json.dumps({"text": f"{texts[number % len(texts)]}\n{number}"}, ensure_ascii=False) + "\n")
    (folder / "recipe.toml").write_text(RECIPE)
    return folder / "recipe.toml"


def statistics_share(corpus: Path, folder: Path) -> float:
    """Publish each shard again in this process: read it, measure it, write it; return the share of measuring."""
    spent = {"read": 0.0, "measure": 0.0, "write": 0.0}
    for path in sorted(corpus.glob("data/*/*.parquet")):
        began = time.process_time()
        table = pq.ParquetFile(path).read(use_threads=False).combine_chunks()
        spent["read"] += time.process_time() - began
        began = time.process_time()
        for batch in table.to_batches():
            measure(batch, path.parent.name)
        spent["measure"] += time.process_time() - began
        began = time.process_time()
        pq.write_table(table, folder / "again.parquet", **PUBLISHED)
        spent["write"] += time.process_time() - began
    return spent["measure"] / sum(spent.values())


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        caught, false_alarms = planted(folder)
        output = folder / "many"
        build(make_plan(write_many(folder), str(output)), str(output), Runner(workers=2), lambda *_: None)
        began = time.process_time()
        result = audit(Store(str(output)), lambda _: None)
        seconds = time.process_time() - began
        share = statistics_share(output, folder)
    print(
        json.dumps(
            {
                "planted": len(CORRUPTIONS),
                "caught": caught,
                "false_alarms": false_alarms + sum(finding.severity != "note" for finding in result.findings),
                "statistics_share": round(share, 3),
                "rows_per_s": round(result.documents / seconds),
            }
        )
    )


if __name__ == "__main__":
    main()
