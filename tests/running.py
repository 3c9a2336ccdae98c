"""Run glotmill as a user does, here or in a process of its own, and look at what it left."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import subprocess
import sys
import traceback
from pathlib import Path
from typing import NamedTuple

from pipelines.command_line.app import main


class Ended(NamedTuple):
    """How a command ended, and what it printed."""

    returncode: int
    stdout: str
    stderr: str


def glotmill(*arguments: object, cwd: Path | str = ".", stdin: str = "") -> Ended:
    """Run a command in this process, as if it had been given in the folder `cwd`; much cheaper than
    one of its own."""
    out, errors, code = io.StringIO(), io.StringIO(), 0
    terminal, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(stdin.encode()), "utf-8")
    try:
        with (
            contextlib.chdir(cwd),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(errors),
        ):
            main(list(map(str, arguments)))
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except Exception:
        code, errors = 1, io.StringIO(errors.getvalue() + traceback.format_exc())
    finally:
        sys.stdin = terminal
    return Ended(code, out.getvalue(), errors.getvalue())


def start(recipe: Path, output: Path | str, *options: str) -> subprocess.Popen[str]:
    """Begin `glotmill run` in the background."""
    command = [
        sys.executable,
        "-m",
        "pipelines.command_line.program",
        "run",
        str(recipe),
        "--output",
        str(output),
        *options,
    ]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def run(recipe: Path, output: Path | str, *options: str) -> None:
    """Run to the end, in this process; fails with what it printed if it fails."""
    done = glotmill("run", recipe, "--output", output, *options)
    assert done.returncode == 0, done.stderr


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
