"""The image of workers and its Flex Template, which cannot be built here: their paths, versions and
forms."""

from __future__ import annotations

import json
import re
import shlex
from importlib.metadata import entry_points, version
from pathlib import Path

import fsspec
import pytest

from pipelines.build.dataflow_estimate import CONSTANTS, constants_table, estimate
from pipelines.build.flex_template import StagedJob
from pipelines.build.plan import make_plan
from pipelines.runners import flex_template
from pipelines.staging.store import Store
from tests.recipes import one_source
from tests.running import glotmill

ROOT = Path(__file__).parents[3]
FROM = ("beam", "launcher", "workers", "template")  # the stages of the Dockerfile


def instructions() -> list[tuple[str, list[str]]]:
    """Parse the Dockerfile: each instruction with its words."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    split = (line.split(None, 1) for line in lines if line.strip())
    return [(name, shlex.split(words)) for name, words in split]


def test_each_path_of_the_dockerfile_exists_or_is_made() -> None:
    found = instructions()
    stages = [words[2] for name, words in found if name == "FROM"]
    assert tuple(stages) == FROM
    copied = set()
    for name, words in found:
        if name == "COPY" and not words[0].startswith("--from="):
            assert all((ROOT / path).exists() for path in words[:-1]), words
            copied |= set(words[:-1])
        elif name == "COPY":
            assert words[0].removeprefix("--from=") in stages
    installed = {word for name, words in found if name == "RUN" for word in words}
    assert {word for word in installed if word.startswith("requirements")} <= copied
    packaged = (ROOT / "pyproject.toml").read_text().partition("build.targets.wheel]")[2]
    assert set(re.findall(r'"(\w+)"', packaged.partition("\n\n")[0])) <= copied
    assert {"pyproject.toml", "README.md", "LICENSE"} <= copied, "hatchling reads them"
    environment = dict(
        word.partition("=")[::2] for name, words in found if name == "ENV" for word in words
    )
    started = environment["FLEX_TEMPLATE_PYTHON_PY_FILE"].removeprefix("/opt/glotmill/")
    assert (ROOT / started) == Path(flex_template.__file__)


def pins(name: str) -> dict[str, str]:
    """Read the versions of a lock file, by package."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", text, re.MULTILINE))


def test_the_image_has_the_versions_of_all_lock_files() -> None:
    """What it installs is what the tests ran with, Beam's version among it."""
    image, tested = pins("requirements-dataflow.txt"), pins("requirements-test.txt")
    assert pins("requirements.txt").items() <= image.items()
    shared = image.keys() & tested.keys()
    assert {name for name in shared if image[name] != tested[name]} == set()
    assert {"google-cloud-storage", "gcsfs", "ctranslate2", "commonlid"} <= image.keys()
    arguments = dict(
        words[0].partition("=")[::2] for name, words in instructions() if name == "ARG"
    )
    assert arguments["BEAM_VERSION"] == image["apache-beam"] == version("apache-beam")
    assert any(entry.name == "hf" for entry in entry_points(group="console_scripts"))


PAGES = "".join(json.dumps({"text": f"orria {n}"}) + "\n" for n in range(200))


def write_recipe(folder: Path, pages: str = "pages.jsonl") -> Path:
    (folder / "pages.jsonl").write_text(PAGES)
    (folder / "bad.txt").write_text("zikina\n")
    recipe = folder / "own.toml"
    stage = '[[ingest]]\nstage = "filter_blocked"\nwords = { any = "bad.txt" }\n'
    source = one_source("own", paths=pages, split_bytes=1024)
    recipe.write_text(source + stage + '[[dedup]]\nstage = "exact"\n')
    return recipe


def test_a_template_is_of_googles_form_and_its_job_runs(bucket: str, tmp_path: Path) -> None:
    pages = f"{bucket}/in/pages.jsonl"
    with fsspec.open(pages, "wb") as file:
        file.write(PAGES.encode())
    recipe = write_recipe(tmp_path, pages)
    staging = tmp_path / "staging"
    ended = glotmill("recipe", "template", recipe, "--image", "workers", "--staging", staging)
    assert ended.returncode == 0, ended.stderr
    spec = json.loads(ended.stdout)
    names = [parameter["name"] for parameter in spec["metadata"]["parameters"]]
    assert names == ["job", "output", "limit", "tasks_on"]
    (job,) = (staging / "jobs").iterdir()
    assert str(job) in spec["metadata"]["parameters"][0]["helpText"]
    staged = StagedJob.model_validate_json(job.read_bytes())
    assert [Path(file.path).name for file in staged.files] == ["bad.txt"]
    (tmp_path / "bad.txt").unlink()
    flex_template.launch(str(job), ["--output", str(tmp_path / "out"), "--workers", "1"])
    assert Store(str(tmp_path / "out")).exists("manifest.json")
    assert (tmp_path / "bad.txt").read_text() == "zikina\n"
    with pytest.raises(RuntimeError, match="--output must be a folder"):
        flex_template.launch(str(job), ["--output", str(tmp_path / "bad.txt")])
    dataflow = pytest.importorskip(
        "google.cloud.dataflow_v1beta3", reason="it comes with glotmill[dataflow]"
    )
    from google.protobuf import json_format

    form = dataflow.ContainerSpec.pb(dataflow.ContainerSpec())
    assert json_format.ParseDict(spec, form).image == "workers"
    with pytest.raises(json_format.ParseError):
        json_format.ParseDict({**spec, "images": 1}, form)


def test_an_estimate_follows_from_the_constants(tmp_path: Path) -> None:
    plan = make_plan(write_recipe(tmp_path))
    per_split = 10
    found = estimate(plan, lambda _: per_split)
    sizes = [split.size_bytes for split in plan.splits]
    assert found.documents == round(per_split * sum(sizes) / min(sizes))
    seconds = found.documents * (1 / CONSTANTS["ingest"].value + 1 / CONSTANTS["dedup"].value)
    assert found.vcpu_hours == pytest.approx(seconds / 3600)
    assert found.shuffle_bytes == round(found.documents * CONSTANTS["shuffled"].value)
    assert found.requests == len(plan.splits) * 4 * CONSTANTS["requests"].value
    assert estimate(plan, lambda _: 0).vcpu_hours == 0
    more = estimate(plan, lambda _: 2 * per_split)
    assert more.dollars > found.dollars
    assert more.requests == found.requests


def test_plan_prints_an_estimate_and_counts_documents_by_reading(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    ended = glotmill("plan", recipe, "--runner", "dataflow", "--json")
    found = json.loads(ended.stdout.splitlines()[-1])
    assert 150 <= found["documents"] <= 250
    assert "vCPU hours" in glotmill("plan", recipe, "--runner", "dataflow").stdout
    assert "vCPU" not in glotmill("plan", recipe).stdout
    assert glotmill("plan", recipe, "--runner", "dask").returncode == 2


def test_the_guide_has_the_constants() -> None:
    page = (ROOT / "docs/dataflow.md").read_text(encoding="utf-8")
    table = page.partition("<!-- constants -->\n")[2].partition("<!-- end of constants -->")[0]
    assert table == constants_table()
