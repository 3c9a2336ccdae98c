"""Run glotmill as a user does, here or in a process of its own, and look at what it left."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import signal
import sys
import tempfile
import traceback
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from pathlib import Path
from typing import NamedTuple

from pipelines.command_line.app import main
from pipelines.command_line.program import console
from pipelines.runners import local


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


class Program:
    """`glotmill` in a process and a session of its own, forked from one that has imported all: it
    starts in a tenth of the time. It has our environment and folder of now."""

    def __init__(self, *arguments: object) -> None:
        self._streams = [os.memfd_create(name) for name in ("out", "err")]
        call = (os.getcwd(), list(map(str, arguments)))  # noqa: PTH109
        self._process = local._SERVER.process(local._IMPORTS, _run_program, call)
        self.pid, self.returncode = self._process.number, -1
        for stream in self._streams:
            send_handle(self._process.connection, stream, self.pid)

    def __del__(self) -> None:
        for stream in self._streams:
            os.close(stream)
        self._process.close()

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self.wait() if self._process.has_ended() else None

    def wait(self) -> int:
        """Wait for its end; returns the exit code, or minus the signal that killed it."""
        self.returncode = self._process.join()
        return self.returncode

    def communicate(self, timeout: float = 300) -> tuple[str, str]:
        """Return what it has printed until its end; kills it and raises TimeoutError after so many
        seconds."""
        if not self._process.has_ended(timeout):
            os.killpg(self.pid, signal.SIGKILL)
            raise TimeoutError(f"no end after {timeout} s")
        self.wait()
        out, errors = (os.pread(stream, os.fstat(stream).st_size, 0) for stream in self._streams)
        return out.decode(), errors.decode()


def _run_program(connection: Connection, folder: str, arguments: list[str]) -> None:
    os.setsid()
    os.chdir(folder)
    for number in (1, 2):
        os.dup2(recv_handle(connection), number)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    tempfile.tempdir = None  # TMPDIR may be another one than that of the server
    sys.argv = ["glotmill", *arguments]
    console()


def start(recipe: Path, output: Path | str, *options: str) -> Program:
    """Begin `glotmill run` in the background."""
    return Program("run", recipe, "--output", output, *options)


def run(recipe: Path, output: Path | str, *options: str) -> None:
    """Run to the end, in this process; fails with what it printed if it fails."""
    done = glotmill("run", recipe, "--output", output, *options)
    assert done.returncode == 0, done.stderr


def run_apart(recipe: Path, output: Path | str, *options: str) -> None:
    """Run to the end in a process of its own, whose workers see the environment as it is now."""
    process = start(recipe, output, *options)
    _, errors = process.communicate()
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
