"""How many planted corruptions an audit finds, how fast it reads, and what the card's statistics
cost publishing.

    make bench NAME=audit

The corpus: as many copies of the sample texts of gflanguages, each with a number of its own, as
make ROWS documents. CPU seconds of this process. `statistics_share` is the time of measuring over
that of the tasks that publish: those that write the shards, measuring as they go, and those that
write the ledger.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import gflanguages
import pyarrow as pa

from data_cards import statistics
from pipelines.build.output import BuildOptions, build
from pipelines.build.plan import Plan, make_plan
from pipelines.finished.audit.audit import Asked, audit
from pipelines.phases.ingest import IngestWorker
from pipelines.phases.publish import shards
from pipelines.phases.run_context import Run
from pipelines.runners.local import Runner
from pipelines.staging.staged import staged_split
from pipelines.staging.store import Store
from pipelines.staging.tasks import Result, Task, Worker, finished
from schemas.card.statistics import TextStatistics
from tests.pipelines.finished.corruptions import CORRUPTIONS, MADE_CORRUPTIONS, Corruption
from tests.pipelines.finished.test_audit import write_corpus
from tests.pipelines.finished.test_audit_made import write_made

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


def planted(corpus: Path, corruptions: Mapping[str, Corruption], asked: Asked) -> tuple[int, int]:
    """Plant each corruption in a copy of a small corpus; return how many were found, and how much
    is said of the clean one that is no note."""
    found = 0
    for corrupt in corruptions.values():
        copy = shutil.copytree(corpus, corpus.parent / "copy")
        corrupt(copy)
        found += audit(Store(str(copy)), lambda _: None, asked).has_errors
        shutil.rmtree(copy)
    clean = audit(Store(str(corpus)), lambda _: None, asked).findings
    return found, sum(finding.severity != "note" for finding in clean)


def write_many(folder: Path) -> Path:
    samples = gflanguages.LoadLanguages().values()
    texts = [sample.sample_text.specimen_16 for sample in samples if sample.sample_text.specimen_16]
    with (folder / "lines.jsonl").open("w", encoding="utf-8") as file:
        for number in range(ROWS):
            file.write(
                json.dumps({"text": f"{texts[number % len(texts)]}\n{number}"}, ensure_ascii=False)
                + "\n"
            )
    (folder / "recipe.toml").write_text(RECIPE)
    return folder / "recipe.toml"


class RunHere(Run):
    """A run whose tasks are done in this process, whether they are marked as done or not."""

    def tasks(self, worker: Worker[Result], tasks: Sequence[Task]) -> dict[str, Result]:
        worker.setup()
        return {task.name: worker.run(task) for task in tasks}


def statistics_share(plan: Plan, output: Path) -> float:
    """Publish what is staged once more; return the share of measuring."""
    run = RunHere(Store(str(output)), plan.recipe, Runner(workers=1), lambda *_: None)
    ingested = finished(IngestWorker(run.store, plan.recipe), plan.ingest_tasks())
    staged = [staged_split(split.id, ingested[split.id]) for split in plan.splits]
    measuring, measure = 0.0, statistics.measure

    def timed(
        batch: pa.RecordBatch, label: str, asked: statistics.Asked = statistics.NOTHING_MORE
    ) -> TextStatistics:
        nonlocal measuring
        began = time.process_time()
        found = measure(batch, label, asked)
        measuring += time.process_time() - began
        return found

    shards.measure = timed  # type: ignore[attr-defined]
    began = time.process_time()
    pieces, schema = shards.plan_published(run, staged, [], weighted=False)
    shards.publish_shards(run, [], pieces, schema)
    shards.publish_ledger(run, staged, [], pieces)
    return measuring / (time.process_time() - began)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for name in ("documents", "made"):
            (folder / name).mkdir()
        of_documents = planted(write_corpus(folder / "documents"), CORRUPTIONS, Asked())
        no_opinion = Asked(second_opinion="none")  # of pages that were put together of numbers
        of_made = planted(write_made(folder / "made"), MADE_CORRUPTIONS, no_opinion)
        output = folder / "many"
        plan = make_plan(write_many(folder), str(output))
        build(
            plan, str(output), Runner(workers=2), lambda *_: None, BuildOptions(keep_staging=True)
        )
        began = time.process_time()
        result = audit(Store(str(output)), lambda _: None)
        seconds = time.process_time() - began
        share = statistics_share(plan, output)
    print(
        json.dumps(
            {
                "planted": len(CORRUPTIONS) + len(MADE_CORRUPTIONS),
                "caught": of_documents[0] + of_made[0],
                "false_alarms": of_documents[1]
                + of_made[1]
                + sum(finding.severity != "note" for finding in result.findings),
                "statistics_share": round(share, 3),
                "rows_per_s": round(result.documents / seconds),
            }
        )
    )


if __name__ == "__main__":
    main()
