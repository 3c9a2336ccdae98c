"""Run glotmill as a user does, in a process of its own, and look at what it left."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path


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
    """Run to the end; fails with what it printed if it fails."""
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
