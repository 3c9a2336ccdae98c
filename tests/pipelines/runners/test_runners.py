"""Workers that are killed, that cannot start, that answer at length: the rest goes on, and the
reason is told."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from pipelines.runners import fork_server
from pipelines.runners.beam_runners import require_runner
from pipelines.runners.fork_server import ForkServer
from pipelines.runners.local import (
    KilledError,
    Runner,
    WorkerError,
    _send_failure,
    run_function,
    run_tasks,
)
from pipelines.staging.store import Store
from pipelines.staging.tasks import PiecewiseWorker, Task, TaskResult, Worker
from schemas.failures import MisuseError

NAMES = ("a", "b", "c", "d")


class TryResult(TaskResult):
    """What was done, or why it was given up."""

    words: str = ""
    error: str | None = None


class KilledWorker(Worker[TryResult]):
    """Counts its tries in files; a task's payload says in how many of them it is killed, and by
    what."""

    phase = "killed"
    result = TryResult

    def __init__(self, store: Store) -> None:
        self.store = store

    def run(self, task: Task) -> TryResult:
        tries = Path(self.store.full(f"tries-{task.name}"))
        with tries.open("ab") as file:
            file.write(b"x")
        if tries.stat().st_size <= task.payload.get("kills", 0):
            time.sleep(0.05)  # others are at work by now
            os.kill(os.getpid(), task.payload.get("signal", signal.SIGKILL))
        return TryResult(words="x" * task.payload.get("length", 0))


class IsolatingWorker(KilledWorker, PiecewiseWorker[TryResult]):
    """Gives up what kills it."""

    def give_up(self, task: Task, reason: str) -> TryResult:
        return TryResult(error=reason)

    def halves(self, task: Task) -> list[Task]:
        return []

    def without(self, task: Task, pieces: Sequence[tuple[Task, str]]) -> Task:
        raise AssertionError(f"{task.name} has no pieces, got {pieces}")


class BrokenWorker(KilledWorker):
    """Cannot be loaded, or ends its process as it is."""

    def __init__(self, store: Store, how: str) -> None:
        super().__init__(store)
        self.how = how

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        if self.how == "raises":
            raise ValueError("no such model: nowhere.bin")
        os._exit(7)


class FailingDiskWorker(KilledWorker):
    """Meets an error of the system."""

    def run(self, task: Task) -> TryResult:
        number = task.payload["errno"]
        raise OSError(number, os.strerror(number))


def tasks(**payloads: dict[str, int]) -> list[Task]:
    return [Task(name=name, payload=payloads.get(name, {})) for name in NAMES]


def run(worker: KilledWorker, given: Sequence[Task], workers: int = 2) -> dict[str, TryResult]:
    return run_tasks(worker, given, Runner(workers=workers), lambda *_: None)


def test_a_task_whose_worker_is_killed_once_is_done_again_and_leaves_no_trace(
    tmp_path: Path,
) -> None:
    done = run(
        IsolatingWorker(Store(str(tmp_path))),
        tasks(b={"kills": 1}, c={"kills": 1, "signal": signal.SIGTERM}),
    )
    assert done == dict.fromkeys(NAMES, TryResult())


def test_a_task_that_kills_its_worker_twice_is_given_up_whatever_the_number_of_workers(
    tmp_path: Path,
) -> None:
    given = tasks(b={"kills": 9, "signal": signal.SIGSEGV}, c={"kills": 9})
    found = []
    for workers in (1, 2):
        (tmp_path / str(workers)).mkdir()
        worker = IsolatingWorker(Store(str(tmp_path / str(workers))))
        found.append(run(worker, given, workers))
        assert run(worker, given, workers) == found[-1], "what is given up is not tried again"
        assert {n: len((tmp_path / f"{workers}/tries-{n}").read_bytes()) for n in "abc"} == {
            "a": 1,
            "b": 2,
            "c": 2,
        }
    assert found[0] == found[1]
    assert found[0]["a"] == TryResult()
    assert {name: result.error for name, result in found[0].items() if result.error} == {
        "b": "the worker process that read it was killed by SIGSEGV, twice",
        "c": "the worker process that read it was killed by SIGKILL (often: out of memory), twice",
    }


def test_a_phase_that_can_give_nothing_up_ends_the_run_after_all_else_is_done(
    tmp_path: Path,
) -> None:
    with pytest.raises(
        WorkerError, match=r"of killed b was killed by SIGABRT, twice, .*run the same command again"
    ):
        run(KilledWorker(Store(str(tmp_path))), tasks(b={"kills": 9, "signal": signal.SIGABRT}))
    assert all(
        (tmp_path / f"staging/killed/{name}/done.json").exists() for name in NAMES if name != "b"
    )


def test_workers_that_cannot_start_say_why(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match=r"^ValueError: no such model: nowhere\.bin$"):
        run(BrokenWorker(Store(str(tmp_path)), "raises"), tasks())
    with pytest.raises(
        WorkerError, match=r"^worker processes cannot start: the last one ended with exit code 7; "
    ):
        run(BrokenWorker(Store(str(tmp_path)), "exits"), tasks())


REMEDIES = {
    "a full disk": (errno.ENOSPC, "make room"),
    "a quota that is used up": (errno.EDQUOT, "make room"),
    "a block that cannot be read": (errno.EIO, "fix it"),
}


@pytest.mark.parametrize(("number", "remedy"), REMEDIES.values(), ids=REMEDIES.keys())
def test_an_error_of_the_system_names_its_own_remedy(
    number: int, remedy: str, tmp_path: Path
) -> None:
    with pytest.raises(
        WorkerError, match=rf"nothing finished is lost: {remedy}, then run the same command again$"
    ):
        run(FailingDiskWorker(Store(str(tmp_path))), [Task(name="a", payload={"errno": number})])


class CutOffWorker(KilledWorker):
    """Loses the connection to an object store."""

    def run(self, task: Task) -> TryResult:
        from botocore.exceptions import (  # type: ignore[import-untyped]
            HTTPClientError,
        )

        raise HTTPClientError(error=ConnectionResetError("reset by peer"))


def test_a_connection_to_a_store_that_breaks_off_says_that_the_run_goes_on(tmp_path: Path) -> None:
    pytest.importorskip("botocore", reason="botocore is not installed; it comes with glotmill[s3]")
    with pytest.raises(
        WorkerError, match=r"^An HTTP Client .* reset by peer; nothing finished is lost: fix it"
    ):
        run(CutOffWorker(Store(str(tmp_path))), [Task(name="a")])


def test_tasks_and_answers_may_be_longer_than_a_pipe_holds(tmp_path: Path) -> None:
    done = run(KilledWorker(Store(str(tmp_path))), tasks(a={"length": 3_000_000}))
    assert len(done["a"].words) == 3_000_000
    assert run_function("builtins:str", ("x" * 1_000_000,)) == "x" * 1_000_000


def test_a_runner_that_beam_does_not_have_is_misuse() -> None:
    with pytest.raises(
        MisuseError,
        match=r"^--runner must be local, or .*installed: Unexpected pipeline runner: NopeRunner\.",
    ):
        require_runner("NopeRunner")
    with pytest.raises(MisuseError, match=r"^--runner must be local, dask, .* class, got nope$"):
        require_runner("nope")
    require_runner("FlinkRunner")


def test_a_function_that_ends_every_process_fails_as_killed() -> None:
    with pytest.raises(KilledError, match="was killed by SIGABRT, twice"):
        run_function("os:abort", ())


class Opened:
    """Opens something as a store does: where it is told to be when this is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.getenv, ("GLOTMILL_TEST_ADDRESS",)


def test_a_process_has_the_environment_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its server may have been started before a store was named, or credentials were renewed."""
    for value in ("http://127.0.0.1:1", "http://127.0.0.1:2"):
        monkeypatch.setenv("GLOTMILL_TEST_ADDRESS", value)
        assert run_function("os:getenv", ("GLOTMILL_TEST_ADDRESS",)) == value
        assert run_function("builtins:str", (Opened(),)) == value
    monkeypatch.delenv("GLOTMILL_TEST_ADDRESS")
    assert run_function("os:getenv", ("GLOTMILL_TEST_ADDRESS",)) is None


def test_a_failure_that_nobody_waits_for_is_not_sent() -> None:
    ours, its = Pipe()
    _send_failure(its, ValueError("no such model"))
    assert ours.recv()[1][0] == "ValueError: no such model"
    ours.close()
    _send_failure(its, EOFError())


LONG_FOLDER = """
from pipelines.runners.local import run_function
print(run_function("builtins:sum", ([1, 2],)))
"""


def test_the_temporary_folder_may_have_a_long_path(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30) / ("path" * 10)
    folder.mkdir(parents=True)
    ran = subprocess.run(
        [sys.executable, "-c", LONG_FOLDER],
        env=os.environ | {"TMPDIR": str(folder)},
        capture_output=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"3\n", b"")


def test_workers_go_on_when_the_process_that_they_were_forked_from_is_killed(
    tmp_path: Path,
) -> None:
    given = tasks(b={"kills": 1})

    def kill_server(task: Task, _: TaskResult) -> None:
        if task.name == "a":
            worker = next(
                p
                for p in psutil.Process().children(recursive=True)
                if p.status() != psutil.STATUS_ZOMBIE and "fork_server" in p.cmdline()[-1]
            )
            worker.kill()

    done = run_tasks(IsolatingWorker(Store(str(tmp_path))), given, Runner(workers=2), kill_server)
    assert done == dict.fromkeys(NAMES, TryResult())


def test_a_server_of_processes_whose_socket_ended_before_it_is_not_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A killed process closes its files first; until it is over, it looks as if it were there."""
    server = ForkServer()
    server.load("json")
    os.kill(server._number, signal.SIGKILL)
    is_over = fork_server._is_over
    while not is_over(server._number):
        time.sleep(0.01)
    monkeypatch.setattr(fork_server, "_is_over", lambda number: number < 0)
    process = server.process("operator", _send_sum, (1, 2))
    assert process.connection.recv() == 3
    assert process.join() == 0
    process.close()
    server.close()


def _send_sum(connection: Connection, *numbers: int) -> None:
    connection.send(sum(numbers))
