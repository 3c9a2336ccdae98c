"""The runners that have a name here: what each needs, checked before anything is planned or sent.

Any other runner of Beam can be named by its class. Without Beam's own job server for them, Flink
and Spark have not been run with glotmill; their pipelines are portable ones (docs/clusters.md).
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import socket
from collections.abc import Sequence
from typing import NamedTuple

from pipelines.staging.store import is_local
from schemas.failures import MisuseError


class BeamRunner(NamedTuple):
    """A runner of Beam: its class, options that it must have and those given to it, whether it
    works without our disk, and which of its options is the path of a program."""

    runner: str
    required: tuple[str, ...] = ()
    defaults: tuple[str, ...] = ()
    elsewhere: bool = False
    program: str = ""


RUNNERS = {
    # One task in each partition: otherwise Dask gives all of them to one worker.
    "dask": BeamRunner(
        "apache_beam.runners.dask.dask_runner.DaskRunner",
        ("dask_client_address",),
        ("--dask_partition_size=1",),
    ),
    # Without a path, Beam would download the program.
    "prism": BeamRunner("PrismRunner", ("prism_location",), program="prism_location"),
    "dataflow": BeamRunner(
        "DataflowRunner",
        ("project", "region", "temp_location", "sdk_container_image"),
        elsewhere=True,
    ),
    "flink": BeamRunner("FlinkRunner", ("flink_master",)),
    "spark": BeamRunner("SparkRunner", ("spark_master_url",)),
}
# Options that say where a service is, and how.
SERVICES = {
    "dask_client_address": "tcp://10.0.0.1:8786",
    "job_endpoint": "localhost:8073",
}
_PLACE = re.compile(r"(?:[a-z]+://)?(\[[0-9a-fA-F:]+\]|[^:/\s]+):([0-9]{1,5})/?")
SECONDS = 5.0  # within which a service must take a connection
_WITH_JOB_SERVER = ("FlinkRunner", "SparkRunner", "PortableRunner")
# A job server that runs already, of Prism, Flink or Spark: Beam speaks to each in the same way.
AT_ENDPOINT = BeamRunner("PortableRunner", ("job_endpoint", "environment_type"))


def beam_runner(name: str, options: Sequence[str], output: str) -> tuple[str, tuple[str, ...]]:
    """Return the runner that Beam knows and its options, for a name of ours or of Beam's.

    Raises MisuseError that names every option that is missing, and for an output that the machines
    of the runner cannot see.

    >>> beam_runner("dask", ["--dask_client_address=tcp://10.0.0.1:8786"], "s3://bucket/out")[1]
    ('--dask_client_address=tcp://10.0.0.1:8786', '--dask_partition_size=1')
    """
    given = dict(option.removeprefix("--").partition("=")[::2] for option in options)
    known = RUNNERS.get(name, BeamRunner(name))
    if "job_endpoint" in given and name in ("prism", "flink", "spark"):
        known = AT_ENDPOINT
    if missing := [f"--{option}=…" for option in known.required if option not in given]:
        raise MisuseError(
            f"--runner {name} needs {', '.join(missing)}; give them after --, as in: -- {missing[0]}"
        )
    if known.elsewhere and is_local(output):
        raise MisuseError(
            f"--runner {name} works on machines that do not see {output}; choose an --output on an object store, such "
            "as gs://bucket/corpus"
        )
    if known.program and not os.access(program := given[known.program], os.X_OK):
        raise MisuseError(
            f"--{known.program} must be a program on this machine, got {program!r}; docs/clusters.md says how to build "
            "it"
        )
    own = (
        option
        for option in known.defaults
        if option.removeprefix("--").partition("=")[0] not in given
    )
    return known.runner, (*options, *own)


def require_service(options: Sequence[str]) -> None:
    """Raise MisuseError unless something answers where options say that a scheduler or a job server
    is: runners wait for one for minutes."""
    for option in options:
        name, _, address = option.removeprefix("--").partition("=")
        if name not in SERVICES:
            continue
        place = _PLACE.fullmatch(address)
        if not place:
            raise MisuseError(
                f"--{name} must be an address with a port, such as {SERVICES[name]}, got {address!r}"
            )
        try:
            socket.create_connection((place[1].strip("[]"), int(place[2])), SECONDS).close()
        except (OSError, OverflowError) as error:
            words = getattr(error, "strerror", None) or str(error)
            raise MisuseError(f"--{name}: nothing answers at {address}: {words}") from None


def require_runner(name: str, options: Sequence[str] = ()) -> None:
    """Raise MisuseError unless Beam has a runner of this name, what it needs is installed, and
    Beam knows the options; a job server may know others."""
    if "." not in name and not name.endswith("Runner"):
        raise MisuseError(
            f"--runner must be local, {', '.join(RUNNERS)} or a runner of Beam by its class, got {name}"
        )
    # on import Beam warns of Google Cloud clients that are not installed
    logging.disable(logging.WARNING)
    from apache_beam.runners.runner import create_runner

    logging.disable(logging.NOTSET)
    try:
        create_runner(name)
    except (ValueError, ImportError, AttributeError) as error:
        words = " ".join(str(error).split()) or type(error).__name__
        raise MisuseError(
            f"--runner must be local, or a runner of Beam that is installed: {words}"
        ) from None
    if name not in _WITH_JOB_SERVER:
        _require_options(name, options)


def _require_options(name: str, options: Sequence[str]) -> None:
    from apache_beam.options import pipeline_options

    parser = pipeline_options._BeamArgumentParser(allow_abbrev=False, exit_on_error=False)
    for group in pipeline_options.PipelineOptions.__subclasses__():
        group._add_argparse_args(parser)
    try:
        _, unknown = parser.parse_known_args(list(options))
    except argparse.ArgumentError as error:
        raise MisuseError(f"an option of --runner {name} is wrong: {error}") from None
    if unknown:
        raise MisuseError(f"--runner {name} has no option {', '.join(unknown)}")
