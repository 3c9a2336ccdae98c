"""The pages of docs/ build without a warning, and the commands that they show are there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from pipelines.command_line.app import app

ROOT = Path(__file__).parents[1]
PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])


def test_the_site_builds(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "recipe/index.html").exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_are_there(page: Path) -> None:
    blocks = re.findall(
        r"^```\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    for line in re.findall(r"^(?:\.venv/bin/)?glotmill (.*)$", "".join(blocks), re.MULTILINE):
        command = get_command(app)
        for word in line.split("#")[0].split():
            if not (commands := getattr(command, "commands", None)):
                break
            if word not in commands and hasattr(command, "unless_named"):
                break
            assert word in commands, f"{page.name}: glotmill {line}"
            command = commands[word]
