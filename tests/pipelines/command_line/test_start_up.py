"""What a command imports before it knows what there is to do, which is most of the time of a small
run."""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.build.plan import PACKAGES, make_plan
from pipelines.runners.local import run_function
from pipelines.runners.without_pandas import left_out
from tests.recipes import one_source

RECIPE = one_source("lines", "lines", kind="text")
LATER = {"apache_beam", "httpx2", "iso639", "pandas", "polars", "rensa", "turbohtml", "yaml"}
NAME_IMPORTED = """
import sys
from pipelines.command_line.app import main
main(sys.argv[1:])
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "lines.txt").write_text("".join(f"Lerro bat {number}\n" for number in range(10)))
    path = tmp_path / "lines.toml"
    path.write_text(RECIPE)
    return path


def imported_by(*arguments: object) -> set[str]:
    """Run a command without its process ending at once; returns the packages that it imported."""
    code = NAME_IMPORTED.replace(
        "main(sys.argv[1:])", "\ntry:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass"
    )
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_help_imports_no_library_of_data() -> None:
    imported = imported_by("--help")
    assert "typer" in imported
    assert not imported & {"apache_beam", "numpy", "pandas", "polars", "pyarrow", "pydantic"}


def test_a_plan_imports_neither_beam_nor_what_only_stages_need(recipe: Path) -> None:
    imported = imported_by("plan", recipe)
    assert "pyarrow" in imported
    assert not imported & LATER


def test_a_run_that_finds_itself_finished_starts_no_process_and_imports_no_beam(
    recipe: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    first = imported_by("run", recipe, "--output", output, "--workers", 1)
    assert "jinja2" in first
    manifest = (output / "manifest.json").read_bytes()
    again = imported_by("run", recipe, "--output", output)
    assert not again & {*LATER, "jinja2"}
    assert (output / "manifest.json").read_bytes() == manifest


def test_packages_have_the_versions_that_their_metadata_parses_to(recipe: Path) -> None:
    named = make_plan(recipe).packages
    assert {name: named[name] for name in PACKAGES} == {
        name: importlib.metadata.version(name) for name in PACKAGES
    }


def test_what_is_left_out_cannot_be_imported_until_the_block_ends() -> None:
    with left_out("colorsys"):
        sys.modules.pop("colorsys", None)
        with pytest.raises(ModuleNotFoundError, match="colorsys is left out"):
            __import__("colorsys")
    assert __import__("colorsys")


def is_imported(package: str) -> bool:
    return package in sys.modules


def test_workers_of_this_machine_import_no_beam() -> None:
    assert run_function("tests.pipelines.command_line.test_start_up:is_imported", ("pyarrow",))
    assert not run_function(
        "tests.pipelines.command_line.test_start_up:is_imported", ("apache_beam",)
    )


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", "<&-"])
def test_a_command_whose_streams_are_closed_ends_well(closed: str) -> None:
    command = f"{sys.executable} -m pipelines.command_line.program script schemes {closed}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert ("serbian" in done.stdout) == (closed == "<&-")
