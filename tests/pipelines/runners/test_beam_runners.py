"""Runners by the names that glotmill gives them: options are checked before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.command_line.app import app
from pipelines.runners.beam_runners import RUNNERS, beam_runner
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
