"""Ingest, against datatrove's equivalent chain on the same pages: `make bench NAME=ingest`.

Reading WARC, extraction of the main content, script and language identification, and publishing to
Parquet with card and ledger. Ours runs on all help pages, datatrove on a sample of the same files
(it is slow); both are counted in documents for each CPU second of all processes, imports included,
with modules compiled before, as where a program was installed and has run before.
Beside that: what Beam adds over calling the same worker in a plain loop, the peak memory of one
worker, and what a second worker brings.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.datatrove_peer import run_peer
from tests.benchmarks.help_pages import LABELS, build_corpus, download_packages
from tests.benchmarks.measuring import Figures, keep_bytecode, measure

PEER_PAGES = 1500
RECIPE = """
[corpus]
name = "help_pages"
licence = "mpl-2.0"

[[sources]]
name = "help"
format = "warc"
paths = ["{paths}"]
licence = "MPL-2.0"

[[ingest]]
stage = "extract_text"

[[ingest]]
stage = "identify_language"
"""


def run_ours(recipe: Path, output: Path, workers: int) -> tuple[Figures, int]:
    """Run the whole job; returns its figures and the number of documents read."""
    shutil.rmtree(output, ignore_errors=True)
    command = [sys.executable, "-m", "pipelines.command_line.program", "run", str(recipe)]
    figures = measure([*command, "--output", str(output), "--workers", str(workers)])
    manifest = json.loads((output / "manifest.json").read_text())
    return figures, manifest["phases"][0]["documents_in"]


# Both run in a process of their own that has already imported everything, over the same seven
# translations.
BEAM_OR_LOOP = """
import json, sys, time
from pathlib import Path
import pipelines.runners.worker_imports
from pipelines.runners.cluster import run_on_beam
from pipelines.runners.local import Runner
from pipelines.build.plan import make_plan
from pipelines.phases.ingest import IngestWorker
from pipelines.staging.store import Store
from pipelines.staging.tasks import group_of, run_task
plan = make_plan(Path(sys.argv[1]))
worker = IngestWorker(Store(sys.argv[2]), plan.recipe)
tasks = plan.ingest_tasks()
begin = time.process_time()
if sys.argv[3] == "beam":
    runner = Runner(name="apache_beam.runners.portability.fn_api_runner.FnApiRunner")
    run_on_beam([group_of(worker, tasks)], runner, lambda *_: None)
else:
    worker.setup()
    for task in tasks:
        run_task(worker, task)
print(time.process_time() - begin)
"""


def beam_or_loop(recipe: Path, output: Path, how: str) -> float:
    shutil.rmtree(output, ignore_errors=True)
    command = [sys.executable, "-c", BEAM_OR_LOOP, str(recipe), str(output), how]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    folder = Path(os.environ.get("GLOTMILL_BENCH", "out/bench")).resolve()
    corpus = folder / "help_pages"
    if not (corpus / "corpus.json").exists():  # written last
        with tempfile.TemporaryDirectory() as debs:
            download_packages([f"libreoffice-help-{name}" for name in LABELS], Path(debs))
            build_corpus(corpus, Path(debs))
    warcs = sorted((corpus / "warc").glob("*.warc.gz"))
    with tempfile.TemporaryDirectory(dir=folder) as scratch_name:
        scratch = Path(scratch_name)
        recipe = scratch / "help_pages.toml"
        recipe.write_text(RECIPE.format(paths=corpus / "warc" / "*.warc.gz"))
        few = scratch / "few_pages.toml"
        few.write_text(RECIPE.format(paths=corpus / "warc" / "[ev]*.warc.gz"))
        smallest = scratch / "smallest.toml"
        smallest.write_text(RECIPE.format(paths=min(warcs, key=lambda path: path.stat().st_size)))
        keep_bytecode(folder / "bytecode")
        run_ours(smallest, scratch / "first", 1)  # compiles modules, as the peer's first does
        run_peer(warcs, scratch / "peer-first", limit=len(warcs))
        one, documents = run_ours(recipe, scratch / "one", 1)
        two, _ = run_ours(recipe, scratch / "two", 2)
        # In turns, and the smaller of three: the machine's other work only ever adds.
        loops, beams = [], []
        for _ in range(3):
            loops.append(beam_or_loop(few, scratch / "loop", "loop"))
            beams.append(beam_or_loop(few, scratch / "beam", "beam"))
        peer: dict[str, Any] = run_peer(warcs, scratch / "peer", limit=PEER_PAGES)
    ours, theirs = documents / one.cpu_seconds, peer["documents"] / peer["cpu_seconds"]
    for name, figures in (("1 worker", one), ("2 workers", two), ("datatrove", peer)):
        print(name, figures)
    print("plain loop", loops, "Beam", beams)
    result = {
        "ratio": round(ours / theirs, 2),
        "beam_overhead": round(min(beams) / min(loops) - 1, 4),
        "ours_docs_per_cpu_s": round(ours, 1),
        "peer_docs_per_cpu_s": round(theirs, 2),
        "peak_rss_mb": round(one.peak_rss_mb, 1),
        "speedup_2_workers": round(one.wall_seconds / two.wall_seconds, 3),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
