"""`--runner dataflow`: all that can be known to be wrong is said before anything is sent.

A job of Google's service costs minutes and money before its first worker fails, so options, sources
and output are checked here. The service is asked for nothing until all of that is right.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pipelines.runners.beam_runners import beam_runner
from schemas.failures import MisuseError

DATAFLOW = "dataflow"
# Google Cloud's rules. Project: 6 to 30 small letters, digits and hyphens, after a domain where an
# organization has one. Bucket: 3 to 63 characters, with dots up to 222 in parts of 63.
_PROJECT = re.compile(r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
_REGION = re.compile(r"[a-z]+-[a-z]+[0-9]{1,2}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]|(?=.{3,222}$)[a-z0-9][a-z0-9._-]*[a-z0-9]")
_GIVEN = {
    "project": (_PROJECT, "the id of a project, 6 to 30 small letters, digits and hyphens"),
    "region": (_REGION, "a region, such as europe-west1"),
}
_DEFAULTS = (
    "--sdk_location=container",  # the image has Beam, nothing is looked up elsewhere
    # A thread more would load all models once more, and wait for the same core.
    "--number_of_worker_harness_threads=1",
)


def dataflow_runner(
    given: Mapping[str, str], beam_options: Sequence[str], output: str
) -> tuple[str, tuple[str, ...]]:
    """Return Beam's runner and its options, for `given` project, region and staging.

    Raises MisuseError that names every option that is missing or cannot be right.

    >>> own = {"project": "my-project", "region": "europe-west1", "staging": "gs://bucket/beam"}
    >>> dataflow_runner(own, ["--sdk_container_image=i"], "gs://bucket/out")[1][:3]
    ('--sdk_container_image=i', '--project=my-project', '--region=europe-west1')
    """
    if missing := [f"--{name}" for name in ("project", "region", "staging") if not given[name]]:
        raise MisuseError(
            f"--runner dataflow needs {', '.join(missing)}, as in: --project my-project --region europe-west1 "
            "--staging gs://bucket/beam -- --sdk_container_image=IMAGE"
        )
    problems = [
        f"--{name} must be {what}, got {given[name]!r}"
        for name, (pattern, what) in _GIVEN.items()
        if not pattern.fullmatch(given[name])
    ]
    scheme, _, staging = given["staging"].partition("://")
    if scheme != "gs" or not _BUCKET.fullmatch(staging.split("/")[0]):
        problems.append(
            f"--staging must be a folder on Google Cloud Storage, such as gs://bucket/beam, got {given['staging']!r}"
        )
    if problems:
        raise MisuseError("\n".join(problems))
    folder = given["staging"].rstrip("/")
    own = [
        f"--project={given['project']}",
        f"--region={given['region']}",
        f"--staging_location={folder}/staging",
        f"--temp_location={folder}/temp",
    ]
    named = {option.partition("=")[0] for option in beam_options}
    own += [option for option in _DEFAULTS if option.partition("=")[0] not in named]
    return beam_runner(DATAFLOW, [*beam_options, *own], output)
