"""A Dask cluster of two hosts on this machine: network namespaces with addresses of their own.

    hub 10.77.0.1 ── bridge ┬─ host1 10.77.0.2   a worker under its nanny, which starts it anew
    scheduler, launcher     └─ host2 10.77.0.3   the same

Where the kernel refuses namespaces, scheduler and workers are processes on loopback, and `where`
says so. All see one disk, as hosts see a file system that they share.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[1]
NAMESPACES, LOOPBACK = "two network namespaces", "loopback"
_HOSTS = ("10.77.0.2", "10.77.0.3")
_START_SECONDS = 120.0
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class DaskCluster(NamedTuple):
    """Where the scheduler listens, what goes before a command that is to run next to it, and its
    processes: the scheduler's, then a nanny for each host."""

    address: str
    where: str
    beside: tuple[str, ...]
    processes: Sequence[subprocess.Popen[bytes]]

    @property
    def options(self) -> tuple[str, ...]:
        """Return the options of `glotmill run` that name this cluster."""
        return ("--runner", "dask", "--", f"--dask_client_address={self.address}")

    def worker(self, host: int) -> psutil.Process:
        """Return the process of a host that does the work."""
        nanny = psutil.Process(self.processes[1 + host].pid)
        return next(c for c in nanny.children(recursive=True) if "spawn_main" in str(c.cmdline()))

    def cpu_seconds(self) -> float:
        """Sum up what scheduler, nannies and those workers that are alive have used."""
        own = [psutil.Process(process.pid) for process in self.processes]
        every = [*own, *(child for one in own for child in one.children(recursive=True))]
        return sum(sum(one.cpu_times()[:2]) for one in every)


@contextlib.contextmanager
def dask_cluster(folder: Path, *, preload: Path | None = None) -> Iterator[DaskCluster]:
    """Run a scheduler and a worker on each of two hosts, whose logs and scratch files are in
    `folder`. Workers first import `preload`."""
    with contextlib.ExitStack() as stack:
        try:
            beside = stack.enter_context(_namespaces())
            where, hosts, scheduler = NAMESPACES, _HOSTS, "10.77.0.1"
        except PermissionError:
            beside, where = [(), (), ()], LOOPBACK
            hosts, scheduler = ("127.0.0.1",) * 2, "127.0.0.1"
        port = 8786 if where == NAMESPACES else _free_port()
        address = f"tcp://{scheduler}:{port}"
        program = "distributed.cli.dask_scheduler"
        options = ["--host", scheduler, "--port", str(port), "--no-dashboard", "--no-show"]
        commands = [[*beside[0], sys.executable, "-m", program, *options]]
        for number, host in enumerate(hosts):
            program = "distributed.cli.dask_worker"
            options = [address, "--host", host, "--nthreads", "1", "--nworkers", "1"]
            options += ["--no-dashboard", "--local-directory", str(folder / f"host{number + 1}")]
            options += ["--preload", str(preload)] if preload else []
            commands.append([*beside[1 + number], sys.executable, "-m", program, *options])
        processes = []
        for name, command in zip(("scheduler", "host1", "host2"), commands, strict=True):
            log = stack.enter_context((folder / f"{name}.log").open("wb"))
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
            stack.callback(_end, process)
            processes.append(process)
        _wait_for_workers(folder, processes)
        yield DaskCluster(address, where, tuple(beside[0]), processes)


@contextlib.contextmanager
def _namespaces() -> Iterator[list[tuple[str, ...]]]:
    """Make hub, host1 and host2, joined by a bridge; yields what goes before a command in each.

    Raises PermissionError if that is refused, or there is no `ip`.
    """
    _remove_left_over()
    names = [f"glotmill-{os.getpid()}-{name}" for name in ("hub", "host1", "host2")]
    hub = names[0]
    made = [f"netns add {name}" for name in names]
    made += [f"-n {name} link set lo up" for name in names]
    made += [f"-n {hub} link add br0 type bridge", f"-n {hub} addr add 10.77.0.1/24 dev br0"]
    made.append(f"-n {hub} link set br0 up")
    for number, (name, host) in enumerate(zip(names[1:], _HOSTS, strict=True)):
        made += [
            f"-n {hub} link add v{number} type veth peer name eth0 netns {name}",
            f"-n {hub} link set v{number} master br0 up",
            f"-n {name} addr add {host}/24 dev eth0",
            f"-n {name} link set eth0 up",
        ]
    try:
        for arguments in made:
            try:
                subprocess.run(["ip", *arguments.split()], check=True, capture_output=True)
            except (OSError, subprocess.CalledProcessError) as error:
                raise PermissionError(f"ip {arguments}: {error}") from error
        yield [("ip", "netns", "exec", name) for name in names]
    finally:
        for name in names:
            with contextlib.suppress(OSError):
                subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def _remove_left_over() -> None:
    """Remove the namespaces of processes that were killed before they could."""
    folder = Path("/run/netns")
    for name in sorted(folder.glob("glotmill-*")) if folder.exists() else ():
        if not psutil.pid_exists(int(name.name.split("-")[1])):
            subprocess.run(["ip", "netns", "del", name.name], check=False, capture_output=True)


def _end_with_parent() -> None:
    """Let Linux kill this process when the one that started it is killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for_workers(folder: Path, processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Wait until the scheduler has registered both workers, as its log says."""
    deadline = time.monotonic() + _START_SECONDS
    log = folder / "scheduler.log"
    while log.read_bytes().count(b"Register worker") < 2:
        if time.monotonic() > deadline or any(process.poll() is not None for process in processes):
            logs = "\n".join(file.read_text() for file in sorted(folder.glob("*.log")))
            raise RuntimeError(f"the Dask cluster did not start:\n{logs}")
        time.sleep(0.05)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process with all that it started, and wait for it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                child.send_signal(signal.SIGKILL)
    process.kill()
    process.wait()
