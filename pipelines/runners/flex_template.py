"""The launcher of a Flex Template: a job of one element, which runs `glotmill run` on its worker.

The template's launcher starts this file with the parameters of the template and the options of Beam.
It imports nothing of glotmill before the worker does.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import apache_beam as beam
from apache_beam.options.pipeline_options import (
    GoogleCloudOptions,
    PipelineOptions,
    WorkerOptions,
)


def lay_out(job: str) -> Path:
    """Lay out a staged recipe and its files on this machine; returns the recipe's path."""
    from pipelines.runners.worker_site import StagedFile, WorkerSite
    from pipelines.staging.store import Store

    folder, _, name = job.rpartition("/")
    staged = json.loads(Store(folder).read(name))
    files = tuple(StagedFile(*file) for file in staged["files"])
    WorkerSite(Store(staged["files_at"]), files).prepare()
    path = Path(staged["path"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(staged["recipe"], encoding="utf-8")
    return path


def launch(job: str, options: Sequence[str]) -> None:
    """Run a staged recipe as `glotmill run` does. Raises RuntimeError with its last line if it
    fails."""
    command = [sys.executable, "-m", "pipelines.command_line.app", "run", str(lay_out(job))]
    done = subprocess.run(  # noqa: S603  # our own command line
        [*command, *options], stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no reason given"])[-1])


def main(arguments: Sequence[str] | None = None) -> None:
    """Submit the job, whose options are those that the template's launcher gives."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--job", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--limit", default="")
    parser.add_argument("--tasks_on", default="local")
    own, others = parser.parse_known_args(arguments)
    options = PipelineOptions([*others, "--number_of_worker_harness_threads=1"])
    cloud, workers = options.view_as(GoogleCloudOptions), options.view_as(WorkerOptions)
    more = ["--output", own.output, *(["--limit", own.limit] if own.limit else [])]
    if own.tasks_on == "dataflow":
        more += ["--runner", "dataflow", "--project", cloud.project, "--region", cloud.region]
        more += ["--staging", cloud.staging_location.rpartition("/")[0]]
        more += ["--", f"--sdk_container_image={workers.sdk_container_image}"]
    with beam.Pipeline(options=options) as pipeline:
        _ = pipeline | "recipe" >> beam.Create([own.job]) | "run" >> beam.Map(launch, more)


if __name__ == "__main__":
    main()
