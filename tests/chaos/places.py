"""The places of a run where a fault may hit, and the faults.

A place is a file of the output folder and a moment: it is `begun`, `written` under its temporary
name, or `stands` under its own; or it is `read`. A task has one when it is `taken`, and a piece of
input when it is `read`. Which places a run reaches does not depend on time or the number of
workers, so a fault that is drawn by a seed hits the same place each time.

    run_watched ──> console ──> fork server ──> worker       a session of processes
                                                  │ reach("staging/ingest/…/done.json written")
                                                  └ a fault is armed there: it happens, once

What happens is done by the process that reaches the place; what must be undone is left to the
harness, which is told by a file in the folder `fired`.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

REWATCH = "GLOTMILL_TEST_WATCH"  # tells a new fork server what its driver watches
BALLAST = "ballast"  # a file that takes the rest of a disk
DRIVER, WORKER = "driver", "worker"


class Watch(NamedTuple):
    """What a watched run is to do: faults by place, and the folders where it tells of them."""

    faults: dict[str, str]  # kind by place
    fired: str  # a folder: a file for each fault that has happened
    log: str = ""  # a file: a line for each place that was reached, and by whom
    disk: str = ""  # the mount point of the output's own file system, if it has one
    clock: str = ""  # the file that libfaketime reads
    changing: str = ""  # the input file that changes


class _State(NamedTuple):
    watch: Watch
    driver: int


_state: _State | None = None  # of this process and those that it forks


def watch_here(watch: Watch, driver: int) -> None:
    """Arm the faults of a driver in this process, and in all that it will fork."""
    global _state
    _state = _State(watch, driver)
    os.environ[REWATCH] = json.dumps([driver, watch])
    _patch()


def reach(place: str) -> None:
    """Be at a place: note it, and let the fault happen that is armed there, unless it has."""
    if _state is None:
        return
    watch, driver = _state
    if watch.log:
        role = DRIVER if os.getpid() == driver else WORKER
        _append(watch.log, f"{place}\t{role}\n")
    kind = watch.faults.get(place)
    if kind is None:
        return
    told = Path(watch.fired, place.replace("/", "|"))
    try:
        os.close(os.open(told, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return
    FAULTS[kind](_state, place)


def _append(path: str, line: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.write(file, line.encode())
    os.close(file)


def _kill_self(_: _State, __: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _kill_driver(state: _State, _: str) -> None:
    os.kill(state.driver, signal.SIGKILL)


def _kill_group(state: _State, _: str) -> None:
    os.killpg(state.driver, signal.SIGKILL)


def _kill_fork_server(state: _State, _: str) -> None:
    from pipelines.runners import local

    if os.getpid() == state.driver:
        os.kill(local._SERVER._number, signal.SIGKILL)
    else:
        os.kill(os.getppid(), signal.SIGKILL)


def _stop_self(_: _State, __: str) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def _stop_group(state: _State, _: str) -> None:
    os.killpg(state.driver, signal.SIGSTOP)


def _interrupt(state: _State, _: str) -> None:
    os.killpg(state.driver, signal.SIGINT)


def _terminate(state: _State, _: str) -> None:
    os.kill(state.driver, signal.SIGTERM)


def _fill_disk(state: _State, place: str) -> None:
    if not state.watch.disk:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), place)
    with contextlib.suppress(OSError), Path(state.watch.disk, BALLAST).open("ab", 0) as ballast:
        for size in (1 << 20, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while ballast.write(b"\0" * size):
                    pass


def _fail_to_read(_: _State, place: str) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO), place)


def _change(alter: Callable[[Path], None]) -> Callable[[_State, str], None]:
    def change(state: _State, _: str) -> None:
        # another fault of the same run may have removed it, and it stays removed
        with contextlib.suppress(FileNotFoundError):
            alter(Path(state.watch.changing))

    return change


def _append_text(file: Path) -> None:
    with file.open("r+b") as more:
        more.seek(0, os.SEEK_END)
        more.write(b'{"text": "Beste testu bat, geroago etorri dena."}\n')


def _cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def _write_again(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content.replace(b"liburu", b"LIBURU"))


def _set_clock(offset: str) -> Callable[[_State, str], None]:
    def set_clock(state: _State, _: str) -> None:
        Path(state.watch.clock).write_text(offset)

    return set_clock


FAULTS: dict[str, Callable[[_State, str], None]] = {
    "kill worker": _kill_self,
    "kill driver": _kill_driver,
    "kill fork server": _kill_fork_server,
    "kill group": _kill_group,
    "stop worker": _stop_self,
    "stop group": _stop_group,
    "Ctrl-C": _interrupt,
    "TERM": _terminate,
    "full disk": _fill_disk,
    "read error": _fail_to_read,
    "input appended to": _change(_append_text),
    "input cut": _change(_cut),
    "input written again": _change(_write_again),
    "input removed": _change(Path.unlink),
    "clock ahead": _set_clock("+400d"),
    "clock back": _set_clock("-400d"),
    "second run": _stop_group,  # until the second one has been refused
    "other recipe": _kill_group,
    "other register": _kill_group,
}


def _patch() -> None:
    """Let the store and the tasks reach their places."""
    import pipelines.staging.tasks
    from pipelines.runners import local
    from pipelines.staging.store import Store

    writing, opening, do = Store.writing, Store.open, local.do_task

    @contextlib.contextmanager
    def watched_writing(store: Store, path: str) -> Iterator[Path]:
        reach(f"{path} begun")
        with writing(store, path) as partial:
            yield partial
            reach(f"{path} written")
        reach(f"{path} stands")

    def watched_opening(store: Store, path: str) -> Any:
        reach(f"{path} read")
        return opening(store, path)

    def watched_task(worker: Any, task: Any) -> Any:
        reach(f"{pipelines.staging.tasks.task_folder(worker.phase, task.name)} taken")
        return do(worker, task)

    patches = [
        (Store, "writing", watched_writing),
        (Store, "open", watched_opening),
        (local, "do_task", watched_task),
        (local, "_IMPORTS", "tests.chaos.rewatched"),
    ]
    for owner, name, replacement in patches:
        setattr(owner, name, replacement)


def run_watched(_: object, arguments: list[str], watch: Watch, streams: tuple[str, str]) -> None:
    """Run glotmill as a program in this process, in a session of its own."""
    from pipelines.command_line.program import console

    os.setsid()
    for number, path in enumerate(streams, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), number)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["glotmill", *arguments]
    watch_here(watch, os.getpid())
    console()
