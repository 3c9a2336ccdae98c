"""The runners that have a name here: what each needs, checked before anything is planned or sent.

Any other runner of Beam can be named by its class. Without Beam's own job server for them, Flink
and Spark have not been run with glotmill; their pipelines are portable ones (docs/clusters.md).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import NamedTuple

from pipelines.staging.store import Store
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
    if known.elsewhere and Store(output).local:
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


def require_runner(name: str) -> None:
    """Raise MisuseError unless Beam has a runner of this name, and what it needs is installed."""
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
