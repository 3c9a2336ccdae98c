"""Run glotmill as a user does, here or in a process of its own, and look at what it left."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import traceback
from pathlib import Path

from typer.testing import CliRunner

from pipelines.command_line.app import app


def start(recipe: Path, output: Path | str, *options: str) -> subprocess.Popen[str]:
    """Begin `glotmill run` in the background."""
    command = [
        sys.executable,
        "-m",
        "pipelines.command_line.app",
        "run",
        str(recipe),
        "--output",
        str(output),
        *options,
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def run(recipe: Path, output: Path | str, *options: str) -> None:
    """Run to the end, in this process; fails with what it printed if it fails."""
    done = CliRunner().invoke(app, ["run", str(recipe), "--output", str(output), *options])
    assert done.exit_code == 0, done.stderr or "".join(traceback.format_exception(done.exception))


def run_apart(recipe: Path, output: Path | str, *options: str) -> None:
    """Run to the end in a process of its own, whose workers see the environment as it is now."""
    process = start(recipe, output, *options)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors


def digests(output: Path) -> dict[str, str]:
    """Hash every file of a corpus, staging aside."""
    return {
        str(path.relative_to(output)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(output.rglob("*"))
        if path.is_file() and "staging" not in path.relative_to(output).parts
    }


def processes_in(session: int) -> list[int]:
    """List the processes of a session that are still there."""
    alive = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.getsid(int(entry.name)) == session:
                    alive.append(int(entry.name))
            except ProcessLookupError:
                continue  # it ended while we looked
    return alive
