"""What a cluster costs and whether it gives the same bytes: `make bench NAME=cluster`.

The corpus of the determinism tests, 1,000 documents through all phases that ask no model, is made
on this machine alone, then on Dask with two hosts, then there again while a worker is killed once
in each phase and round, then on Prism, if it is built.

`overhead` is the CPU seconds of launcher, scheduler and workers divided by those of the local run:
a cluster's processes import Beam and load models each for itself, which a longer run does not
repeat.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measuring import Figures, measure
from tests.dask_cluster import dask_cluster
from tests.laws.mixed_corpus import write_mixed_corpus
from tests.running import digests

DOCUMENTS = 1000
ROOT = Path(__file__).parents[2]
PRISM = Path("~/.cache/glotmill/prism-2.77.0/prism").expanduser()


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="glotmill-cluster-"))
    try:
        compare(folder)
    finally:
        shutil.rmtree(folder)


def compare(folder: Path) -> None:
    """Run on each engine, and print what was measured."""
    (folder / "input").mkdir()
    recipe = write_mixed_corpus(folder / "input", DOCUMENTS)
    local, _ = run_on(recipe, folder / "local", "--workers", "2")
    expected = digests(folder / "local")
    kills = folder / "kills"
    kills.mkdir()
    os.environ |= {"GLOTMILL_KILLS": str(kills), "PYTHONPATH": str(ROOT)}
    (folder / "dask").mkdir()
    with dask_cluster(folder / "dask", preload=ROOT / "tests/worker_killer.py") as cluster:
        before = cluster.cpu_seconds()
        figures, jobs = run_on(recipe, folder / "out", *cluster.options, beside=cluster.beside)
        spent = figures.cpu_seconds + cluster.cpu_seconds() - before
        print(f"engine dask\nhosts 2 ({cluster.where})")
        print(f"bytes_equal {digests(folder / 'out') == expected}")
        (kills / "armed").touch()
        run_on(recipe, folder / "killed", *cluster.options, beside=cluster.beside)
    killed = len(list(kills.iterdir())) - 1
    print(f"worker_killed_bytes_equal {digests(folder / 'killed') == expected} ({killed} kills)")
    print(f"jobs {jobs}")
    print(
        f"overhead {spent / local.cpu_seconds:.2f} ({spent:.1f} to {local.cpu_seconds:.1f} CPU s)"
    )
    if PRISM.exists():
        options = "--runner", "prism", "--", f"--prism_location={PRISM}"
        figures, jobs = run_on(recipe, folder / "prism", *options)
        print(f"engine prism\nhosts 1\nbytes_equal {digests(folder / 'prism') == expected}")
        spent = figures.cpu_seconds
        print(f"jobs {jobs}\noverhead {spent / local.cpu_seconds:.2f} ({spent:.1f} CPU s)")


def run_on(
    recipe: Path, output: Path, *options: str, beside: tuple[str, ...] = ()
) -> tuple[Figures, int]:
    """Make the corpus; returns what it took here, and how many jobs were told of."""
    log = output.with_suffix(".log")
    run = [sys.executable, "-m", "pipelines.command_line.app", "run", str(recipe)]
    told = ["sh", "-c", f'exec "$@" 2> {log}', "sh", *beside, *run]
    figures = measure([*told, "--output", str(output), *options])
    return figures, log.read_text().count("glotmill: job ")


if __name__ == "__main__":
    main()
