"""Measure a command as a whole: wall time, CPU seconds of it and all its descendants, peak memory
of the largest."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


class Figures(NamedTuple):
    """What a command took."""

    wall_seconds: float
    cpu_seconds: float
    peak_rss_mb: float


def keep_bytecode(folder: Path) -> None:
    """Let the commands to come, ours and the peers', keep compiled modules in a folder.

    So they count as where a program was installed and has run before. What is measured first
    compiles what is not there, or is of another time than its source. This process has its own in
    another place.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(folder)


def measure(command: list[str]) -> Figures:
    """Run a command to its end, and that of every process it left behind; SystemExit if it fails.

    This is done by a small process of its own: Linux counts the peak memory of a parent as its
    child's.
    """
    measuring = [sys.executable, "-m", "tests.benchmarks.measuring", *command]
    done = subprocess.run(measuring, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed with status {done.returncode}")
    return Figures(**json.loads(done.stdout))


def _measure(command: list[str]) -> Figures:
    """Run and wait here. Descendants whose parent ends before them are adopted (Linux), so that
    their CPU time counts too: the server that worker processes are forked from outlives the run by
    a moment.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "cannot adopt orphans")
    begin = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall, usages = time.monotonic() - begin, [usage]
    if status:
        raise SystemExit(1)
    while True:
        try:
            usages.append(os.wait4(-1, 0)[2])
        except ChildProcessError:
            break
    return Figures(
        wall, sum(u.ru_utime + u.ru_stime for u in usages), max(u.ru_maxrss for u in usages) / 1024
    )


if __name__ == "__main__":
    print(json.dumps(_measure(sys.argv[1:])._asdict()))
