"""`--runner dataflow`: what is checked before anything is sent, and whole runs against a stand-in for
the service, which runs the staged pipelines on a Google Cloud Storage emulator."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
import time
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines.build.plan import _packages
from pipelines.runners import cluster
from pipelines.runners.dataflow import dataflow_runner
from pipelines.runners.worker_site import WorkerSite, files_of, stage_files
from pipelines.staging.store import AGAIN, Store
from schemas.failures import FailureError, MisuseError
from tests.dataflow_service import DataflowService, dataflow_service
from tests.object_stores import ObjectServer, gcs_server
from tests.recipes import one_source
from tests.running import digests, glotmill, run

ROOT = Path(__file__).parents[3]
GIVEN = {"project": "my-project", "region": "europe-west1", "staging": "gs://corpora/beam"}
PLACE = [word for name, value in GIVEN.items() for word in (f"--{name}", value)]
IMAGE = ["--sdk_container_image=workers"]
STAGES = """
[[ingest]]
stage = "filter_blocked"
words = { any = "bad.txt" }
max_matches = 0

[[dedup]]
stage = "exact"
"""
PAGES = "".join(
    json.dumps({"text": f"Kaixo mundua, hau {n % 9}. orria da{' zikina' * (n % 5 == 0)}."}) + "\n"
    for n in range(60)
)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"project": ""}, "needs --project"),
        ({"project": "", "region": "", "staging": ""}, "needs --project, --region, --staging"),
        ({"project": "short"}, "--project must be the id of a project"),
        ({"project": "My-Project"}, "--project must be the id of a project"),
        ({"project": "ends-with-"}, "--project must be the id of a project"),
        ({"region": "europe"}, "--region must be a region"),
        ({"region": "europe-west1-b"}, "--region must be a region"),
        ({"staging": "/tmp/beam"}, "--staging must be a folder on Google Cloud Storage"),  # noqa: S108
        ({"staging": "s3://corpora/beam"}, "--staging must be a folder on Google Cloud Storage"),
        ({"staging": "gs://b/beam"}, "--staging must be a folder on Google Cloud Storage"),
    ],
)
def test_options_that_cannot_be_right(wrong: dict[str, str], words: str) -> None:
    with pytest.raises(MisuseError, match=re.escape(words)):
        dataflow_runner(GIVEN | wrong, IMAGE, "gs://corpora/out")


@pytest.mark.parametrize("project", ["abcdef", "example.com:my-project", "a" + "1" * 29])
@pytest.mark.parametrize("region", ["us-central1", "northamerica-northeast2", "asia-south10"])
@pytest.mark.parametrize("staging", ["gs://abc", "gs://a.b-c_d/x/y/"])
def test_options_that_are_right(project: str, region: str, staging: str) -> None:
    given = {"project": project, "region": region, "staging": staging}
    name, options = dataflow_runner(given, IMAGE, "gs://corpora/out")
    assert name == "DataflowRunner"
    assert {f"--project={project}", f"--region={region}"} <= set(options)
    assert f"--temp_location={staging.rstrip('/')}/temp" in options


def test_output_on_this_machine_and_no_image_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MisuseError, match="choose an --output on an object store"):
        dataflow_runner(GIVEN, IMAGE, str(tmp_path))
    with pytest.raises(MisuseError, match="--sdk_container_image"):
        dataflow_runner(GIVEN, [], "gs://corpora/out")


def test_its_options_are_for_it_alone(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(one_source("a"))
    ended = glotmill("run", tmp_path / "a.toml", "--region", "europe-west1")
    assert ended.returncode == 2
    assert "--region is for --runner dataflow, got --runner local" in ended.stderr


@pytest.fixture(scope="module")
def storage() -> Iterator[ObjectServer]:
    with pytest.MonkeyPatch.context() as environment, gcs_server(environment) as server:
        yield server


@pytest.fixture
def service(storage: ObjectServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[DataflowService]:
    pytest.importorskip("apache_beam.io.gcp.gcsio", reason="it comes with glotmill[dataflow]")
    monkeypatch.setattr(cluster, "POLL_SECONDS", 0.2)
    # Beam asks for a job's state every five seconds, and for a reason of its failure for a minute
    hurried = SimpleNamespace(**vars(time) | {"sleep": lambda _seconds: time.sleep(0.05)})
    monkeypatch.setattr("apache_beam.runners.dataflow.dataflow_runner.time", hurried)
    storage.open()
    with dataflow_service() as served:
        yield served


def write_recipe(
    folder: Path, storage: ObjectServer, pages: str = "gs://corpora/in/*.jsonl"
) -> Path:
    """Write a recipe whose input is on the store, and a word list next to it."""
    storage.open().pipe_file("corpora/in/pages.jsonl", PAGES.encode())
    (folder / "bad.txt").write_text("zikina\n")
    (folder / "own.toml").write_text(one_source("own", paths=pages, split_bytes=1024) + STAGES)
    return folder / "own.toml"


def test_sources_on_this_machine_are_refused_by_name(
    service: DataflowService, storage: ObjectServer, tmp_path: Path
) -> None:
    recipe = write_recipe(tmp_path, storage, "pages.jsonl")
    (tmp_path / "pages.jsonl").write_text(PAGES)
    out = ["--output", "gs://corpora/refused", "--runner", "dataflow", *PLACE, *service.options()]
    ended = glotmill("run", recipe, *out)
    assert ended.returncode == 2
    assert "sources on this machine are not seen by workers elsewhere: pages.jsonl" in ended.stderr
    assert service.jobs == {}
    assert not storage.open().exists("corpora/refused")


def test_a_run_gives_the_bytes_of_a_local_one(
    service: DataflowService, storage: ObjectServer, tmp_path: Path
) -> None:
    """The word list is staged; a job fails, and the same command goes on; counters are the job's."""
    recipe = write_recipe(tmp_path, storage)
    run(recipe, tmp_path / "here")
    out = ["--output", "gs://corpora/own", "--runner", "dataflow", *PLACE, *service.options()]
    service.failure = "Workflow failed. Causes: quota CPUS was exceeded in europe-west1."
    ended = glotmill("run", recipe, *out)
    assert ended.returncode == 1
    assert "quota CPUS was exceeded in europe-west1" in ended.stderr
    assert ended.stderr.rstrip().endswith(AGAIN)
    assert "Traceback" not in ended.stderr
    service.failure = ""
    ended = glotmill("run", recipe, *out)
    assert ended.returncode == 0, ended.stderr
    files = storage.open()
    found = {
        path.removeprefix("corpora/own/"): files.cat_file(path)
        for path in files.find("corpora/own/")
        if "/staging/" not in path
    }
    here = {name: (tmp_path / "here" / name).read_bytes() for name in digests(tmp_path / "here")}
    assert found == here
    staged = files.ls("corpora/beam/recipe-files", detail=False)
    assert [files.cat_file(path) for path in staged] == [b"zikina\n"]
    counted = {
        (entry["name"]["context"]["namespace"], entry["name"]["name"]): entry["scalar"]
        for metrics in service.metrics.values()
        for entry in metrics
    }
    assert counted["filter_blocked", "documents"] == 60
    jobs = len(service.jobs)
    assert glotmill("run", recipe, *out).returncode == 0
    assert len(service.jobs) == jobs, "what is finished starts no job"


def test_who_stops_the_launcher_stops_the_job(
    service: DataflowService, storage: ObjectServer, tmp_path: Path
) -> None:
    recipe = write_recipe(tmp_path, storage)
    service.hold.clear()
    out = ["--output", "gs://corpora/stopped", "--runner", "dataflow", *PLACE, *service.options()]
    command = [sys.executable, "-m", "pipelines.command_line.app", "run", str(recipe), *out]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert service.polled.wait(120)
        os.kill(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert "run the same command again to go on" in errors
    assert [job["currentState"] for job in service.jobs.values()] == ["JOB_STATE_CANCELLED"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel that workers install, as docs/dataflow.md says."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(ROOT)], check=True)
    (built,) = folder.glob("glotmill-*.whl")
    return built


def environment(folder: Path, wheel: Path) -> str:
    """Make an environment that has what ours has, but for glotmill, which is installed by the wheel;
    return its interpreter."""
    venv.create(folder, symlinks=True)
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = folder / "lib" / name / "site-packages"
    # of the folder that is named in a .pth file, no .pth file is read: our own checkout is not seen
    (packages / "others.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    return str(folder / "bin" / "python")


def without(wheel: Path, package: str, folder: Path) -> Path:
    """Copy a wheel without one of its packages."""
    folder.mkdir()
    target = folder / wheel.name
    with zipfile.ZipFile(wheel) as archive, zipfile.ZipFile(target, "w") as copy:
        for name in archive.namelist():
            if not name.startswith(f"{package}/"):
                copy.writestr(name, archive.read(name))
    return target


def test_the_wheel_is_all_that_workers_need(
    service: DataflowService, storage: ObjectServer, wheel: Path, tmp_path: Path
) -> None:
    """A staged pipeline runs where glotmill is the wheel alone; without a package of it, it fails."""
    recipe = write_recipe(tmp_path, storage)
    out = ["--runner", "dataflow", *PLACE, *service.options(f"--extra_package={wheel}")]
    forgotten = without(wheel, "stages", tmp_path / "copy")
    service.interpreter = environment(tmp_path / "forgotten", forgotten)
    ended = glotmill("run", recipe, "--output", "gs://corpora/forgotten", *out)
    assert ended.returncode == 1
    assert "No module named 'stages'" in ended.stderr
    service.interpreter = environment(tmp_path / "whole", wheel)
    ended = glotmill("run", recipe, "--output", "gs://corpora/whole", *out)
    assert ended.returncode == 0, ended.stderr
    staged = [path.rsplit("/")[-1] for path in storage.open().find("corpora/beam/staging")]
    assert wheel.name in staged


def test_files_of_a_recipe_are_found_by_their_paths(tmp_path: Path) -> None:
    for name in ("a.txt", "model/one.bin", "model/deep/two.bin", "own.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    recipe = {
        "words": [["any", str(tmp_path / "a.txt")]],
        "model": str(tmp_path / "model"),
        "strategy": f"{tmp_path / 'own.py'}:Mine",
        "others": ["gs://b/a.txt", "relative.txt", "/", str(tmp_path / "none"), 7, None],
    }
    found = {str(path.relative_to(tmp_path)) for path in files_of(recipe)}
    assert found == {"a.txt", "model/one.bin", "model/deep/two.bin", "own.py"}


def test_a_worker_lays_out_what_it_lacks(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "staged"))
    (tmp_path / "a.txt").write_text("first")
    (tmp_path / "b.txt").write_text("second")
    staged = stage_files([tmp_path / "a.txt", tmp_path / "b.txt"], store)
    (tmp_path / "a.txt").unlink()
    (tmp_path / "b.txt").write_text("of another recipe")
    WorkerSite(store, staged).prepare()
    assert (tmp_path / "a.txt").read_text() == "first"
    assert (tmp_path / "b.txt").read_text() == "second"


def test_a_worker_with_other_versions_names_them(tmp_path: Path) -> None:
    here = importlib.metadata.version("polars")
    site = WorkerSite(Store(str(tmp_path)), (), (("polars", here), ("pyarrow", "1.0")))
    with pytest.raises(FailureError, match=r"other packages .*: pyarrow \S+, here 1\.0; build"):
        site.prepare()
    WorkerSite(Store(str(tmp_path)), (), (("polars", here),)).prepare()
    WorkerSite(Store(str(tmp_path)), (), tuple(_packages().items())).prepare()


def test_too_many_bytes_belong_into_the_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.runners.worker_site.MOST_BYTES", 4)
    (tmp_path / "model.bin").write_text("12345")
    with pytest.raises(MisuseError, match=r"bake the largest, .*/model\.bin, into the image"):
        stage_files([tmp_path / "model.bin"], Store(str(tmp_path / "staged")))
