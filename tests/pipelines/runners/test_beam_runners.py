"""Runners by the names that glotmill gives them: options are checked before anything runs."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.command_line.app import app
from pipelines.runners.beam_runners import RUNNERS, beam_runner, require_runner, require_service
from schemas.failures import MisuseError
from tests.recipes import one_source

DATAFLOW = [
    "--project=p",
    "--region=europe-west1",
    "--temp_location=gs://b/tmp",
    "--sdk_container_image=i",
]


@pytest.mark.parametrize("name", ["dask", "prism", "dataflow", "flink", "spark"])
def test_all_options_that_are_missing_are_named(name: str) -> None:
    with pytest.raises(MisuseError) as caught:
        beam_runner(name, [], "gs://bucket/out")
    assert all(f"--{option}=" in str(caught.value) for option in RUNNERS[name].required)


def test_dataflow_cannot_write_to_this_machine(tmp_path: Path) -> None:
    with pytest.raises(MisuseError, match="choose an --output on an object store"):
        beam_runner("dataflow", DATAFLOW, str(tmp_path / "out"))


def test_prism_is_a_program_that_is_here(tmp_path: Path) -> None:
    program = tmp_path / "prism"
    with pytest.raises(MisuseError, match=r"must be a program on this machine, got '.*/prism'"):
        beam_runner("prism", [f"--prism_location={program}"], "out")
    program.touch(mode=0o755)
    assert beam_runner("prism", [f"--prism_location={program}"], "out")[0] == "PrismRunner"


@pytest.mark.parametrize("name", ["prism", "flink", "spark"])
def test_a_job_server_that_runs_already_is_named_by_its_address(name: str) -> None:
    with pytest.raises(MisuseError, match=r"needs --environment_type=…; "):
        beam_runner(name, ["--job_endpoint=localhost:8099"], "out")
    options = ("--job_endpoint=localhost:8099", "--environment_type=LOOPBACK")
    assert beam_runner(name, options, "out") == ("PortableRunner", options)


def test_a_default_can_be_overruled() -> None:
    given = ["--dask_client_address=a", "--dask_partition_size=9"]
    assert beam_runner("dask", given, "out") == (RUNNERS["dask"].runner, tuple(given))


def test_another_runner_of_beam_is_named_by_its_class() -> None:
    assert beam_runner("my.own.Runner", ["--x=1"], "out") == ("my.own.Runner", ("--x=1",))


def test_the_command_line_names_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(one_source("c", "s", kind="text", paths="*.txt"))
    (tmp_path / "a.txt").write_text("Kaixo mundua")
    done = CliRunner().invoke(
        app, ["run", str(tmp_path / "r.toml"), "--output", str(tmp_path / "o"), "--runner", "flink"]
    )
    assert isinstance(done.exception, MisuseError) or "--flink_master=" in done.stderr
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("name", ["dask_client_address", "job_endpoint"])
def test_where_no_service_answers_nothing_begins(name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as service:
        address = f"127.0.0.1:{service.getsockname()[1]}"
        require_service([f"--{name}={address}", "--other=127.0.0.1:1"])
    with pytest.raises(MisuseError, match=f"--{name}: nothing answers at {address}: "):
        require_service([f"--{name}={address}"])
    for wrong in ("nonsense", "tcp://10.0.0.1", "127.0.0.1:x"):
        with pytest.raises(MisuseError, match=f"--{name} must be an address with a port"):
            require_service([f"--{name}={wrong}"])


def test_options_that_beam_does_not_know_are_named() -> None:
    require_runner("DirectRunner", ["--job_name=a"])
    with pytest.raises(MisuseError, match="has no option --bogus=1, stray"):
        require_runner("DirectRunner", ["--job_name=a", "--bogus=1", "stray"])
    with pytest.raises(MisuseError, match="direct_num_workers"):
        require_runner("DirectRunner", ["--direct_num_workers=many"])
    require_runner("FlinkRunner", ["--known_to_its_job_server=1"])
