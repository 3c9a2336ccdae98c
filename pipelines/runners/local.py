"""Where tasks run: worker processes on this machine by default, or any Beam runner by name.

Locally each worker process asks this one for one task after another, so no worker waits while
another has a long list. That needs nothing of Beam, which would take 0.4 CPU seconds to import and
0.2 to begin each pipeline. Beam's own `multi_processing` mode deals the work out in advance, opens
four gRPC ports on every interface of the machine, imports Beam anew in each worker (3 s), and hangs
when a worker dies. Workers here are forked from a server process that has imported everything once
(`fork_server.py`).
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from pipelines.runners.fork_server import ForkServer, Process, outlive
from pipelines.runners.shuffles import Shuffle, shuffle_here
from pipelines.staging.store import Store
from pipelines.staging.tasks import (
    Group,
    PiecewiseWorker,
    Report,
    Result,
    Task,
    TaskResult,
    Worker,
    finished,
    give_up_task,
    group_of,
    mark,
    phase_folder,
)
from schemas.failures import FailureError, go_on, store_errors

if TYPE_CHECKING:
    from pipelines.runners.worker_site import WorkerSite

LOCAL = "local"

_GO_ON = "run the same command again to go on from the last finished split, with fewer --workers if memory is short"
# of worker processes that have no task yet, after which no other is started
_DEATHS_BEFORE_WORK = 3
_MARKED_TOGETHER = 500  # tasks that one file of an object store marks as done
_MARKED_BYTES = 256 << 10  # of such a file, about: it is written anew for each task that it takes
_IMPORTS = "pipelines.runners.worker_imports"


class WorkerError(FailureError):
    """A task failed for a reason that is not a document's; one line for the user, the traceback in
    `details`."""

    def __init__(self, line: str, details: str = "") -> None:
        super().__init__(line)
        self.details = details


class KilledError(WorkerError):
    """A process that was asked for one thing was killed over it, twice."""


@dataclass(frozen=True)
class Runner:
    """Where and how widely to run; never part of a recipe."""

    name: str = LOCAL  # or the name of a Beam runner, such as FlinkRunner
    workers: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))
    beam_options: tuple[str, ...] = ()
    # between documents that meet, whose clusters are found in memory, 80 bytes each
    max_edges: int = 50_000_000
    announce: Callable[[str], None] = field(default=lambda _: None)  # what is told of each job
    site: WorkerSite | None = None  # what workers on other machines must have


def run_tasks(
    worker: Worker[Result], tasks: Sequence[Task], runner: Runner, report: Report
) -> dict[str, Result]:
    """Run a phase's unfinished tasks, largest first, and return the results of all its tasks by
    name.

    `report` is called in this process for each task as it ends; on a cluster, soon after its marker
    is there. Raises WorkerError with the first failure; what was finished until then stays
    finished.
    """
    return run_groups([group_of(worker, tasks)], runner, report)[0]


def run_groups(groups: Sequence[Group], runner: Runner, report: Report) -> list[dict[str, Any]]:
    """Run groups of tasks that do not wait for each other: one after another on this machine, as
    one job on a cluster, along their chains; small ones here in any case. Returns the results of
    the first phase of each group."""
    done: list[dict[str, Any]] = []
    waiting: list[Group] = []
    for group in groups:
        worker, tasks = group.worker, group.tasks
        found = finished(worker, tasks)
        left = [
            (come, task)
            for come, task in zip(group.coming, tasks, strict=True)
            if task.name not in found
        ]
        left.sort(key=lambda pair: (-pair[1].weight_bytes, pair[1].name))
        for task in tasks:
            if task.name in found:
                report(task, found[task.name])
        if left and (runner.name == LOCAL or worker.in_launcher):
            found |= _run_local(worker, [task for _, task in left], runner.workers, report)
            left = []
        done.append(found)
        waiting.append(group._replace(coming=[come for come, _ in left]))
    if any(group.coming for group in waiting):
        from pipelines.runners.cluster import run_on_beam

        places = [place for place, group in enumerate(waiting) if group.coming]
        of_job = run_on_beam([waiting[place] for place in places], runner, report)
        for place, found in zip(places, of_job, strict=True):
            done[place] |= found
    return done


def run_function(name: str, arguments: tuple[Any, ...]) -> Any:
    """Call `name` ("module:function") in a process of its own, whose memory ends with it; return
    what it returns."""
    return _in_process(_call, (name, arguments), name.split(":")[0])


class Composition(NamedTuple):
    """A shuffle to be made by `function` ("module:function") of `arguments`, and what it is called
    in a job."""

    name: str
    function: str
    arguments: tuple[Any, ...]

    def shuffle(self) -> Shuffle:
        shuffle: Shuffle = _call(self.function, self.arguments)
        return shuffle._replace(name=self.name)


def run_shuffle(
    composition: Composition, runner: Runner, report: Report, before: Group | None = None
) -> None:
    """Run a shuffle, whose last elements each have a task of `before`, which is done first.

    Locally that happens in a process of its own, whose memory ends with it. On a cluster it is one
    job, tasks included.
    """
    if runner.name == LOCAL:
        if before:
            run_groups([before], runner, report)
        _in_process(_compose_and_shuffle, (composition,))
    else:
        from pipelines.runners.cluster import shuffle_on_beam

        shuffle_on_beam(composition.shuffle(), runner, before, report)


def _in_process(function: Callable[..., Any], arguments: tuple[Any, ...], imports: str = "") -> Any:
    """Call a function in a process of its own; once more if that is killed, since what it writes
    appears whole.

    `imports` is a module that it needs, in place of all that workers need.
    """
    ended = ""
    for _ in range(2):
        with _started(_answer, (function, arguments), imports) as (process, connection):
            try:
                answer, failure = connection.recv()
            except (EOFError, ConnectionResetError):
                ended = _how_it_ended(process)
                continue
        if failure:
            raise WorkerError(*failure)
        return answer
    raise KilledError(f"a worker process {ended}, twice; {_GO_ON}")


def _answer(
    connection: Connection, function: Callable[..., object], arguments: tuple[Any, ...]
) -> None:
    _begin_worker(connection)
    try:
        connection.send((function(*arguments), None))
    except Exception as error:  # everything ends as one line for the user, in the parent
        _send_failure(connection, error)


def _call(name: str, arguments: tuple[Any, ...]) -> Any:
    module, function = name.split(":")
    return getattr(importlib.import_module(module), function)(*arguments)


def _compose_and_shuffle(composition: Composition) -> None:
    shuffle_here(composition.shuffle())


def _run_local(
    worker: Worker[Result], tasks: Sequence[Task], workers: int, report: Report
) -> dict[str, Result]:
    """Do tasks in worker processes. A task whose worker is killed is done again, alone; if it is
    killed again, it is given up where its worker knows how, and otherwise ends the run. Of a task
    of several pieces, only those that kill a worker by themselves are given up.

    Alone, because what killed it may have been a neighbour that took the memory. So it never
    depends on the number of workers which tasks are given up.
    """
    done: dict[str, Result] = {}
    with _marks(worker) as marks:

        def take(task: Task, result: Any) -> None:
            done[task.name] = result
            marks.add(task.name, result)
            report(task, result)

        packed = pickle.dumps(worker)
        lost = _work_off(packed, tasks, min(workers, len(tasks)), take)
        for task, _ in lost:
            for _, ended in _work_off(packed, [task], 1, take):
                if not isinstance(worker, PiecewiseWorker):
                    raise WorkerError(
                        f"the worker process of {worker.phase} {task.name} {ended}, twice, the second "
                        f"time alone; {_GO_ON}"
                    )
                killers = _killers(worker, packed, task)
                if killers:
                    rest = worker.without(task, [(piece, _unread(how)) for piece, how in killers])

                    def take_rest(_: Task, result: TaskResult, task: Task = task) -> None:
                        take(task, result)

                    if not _work_off(packed, [rest], 1, take_rest):
                        continue
                take(task, give_up_task(worker, task, _unread(ended)))
    return done


class _Marks:
    """Marks the tasks of a phase as done on an object store, from a thread of its own.

    A store takes a while for each request. What ends meanwhile is marked by the next one: tasks
    that take long have a request each, thousands of short ones a few together. A local disk has
    a marker for each task, which its worker writes.
    """

    def __init__(self, store: Store, phase: str) -> None:
        self._store, self._folder = store, phase_folder(phase)
        self._waiting: SimpleQueue[tuple[str, str] | None] = SimpleQueue()
        self._number: int | None = None  # of the file that marks what ends now
        self._failure: Exception | None = None
        self._thread: threading.Thread | None = None

    def add(self, name: str, result: TaskResult) -> None:
        """Mark a task soon. Raises what the store said of earlier ones."""
        if self._store.local:
            return
        if self._failure:
            raise self._failure
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, daemon=True)
            self._thread.start()
        self._waiting.put((name, result.model_dump_json()))

    def close(self) -> None:
        """Wait until all tasks are marked. Raises what the store said."""
        if self._thread:
            self._waiting.put(None)
            self._thread.join()
        if self._failure:
            raise self._failure

    def _write(self) -> None:
        try:
            if self._number is None:
                self._number = self._store.next_mark(self._folder)
            texts: dict[str, str] = {}
            ended = self._waiting.get()
            while ended is not None:
                texts |= [ended]
                while not self._waiting.empty() and len(texts) < _MARKED_TOGETHER:
                    ended = self._waiting.get()
                    if ended is None:
                        break
                    texts |= [ended]
                self._store.mark_together(self._folder, self._number, texts)
                if len(texts) >= _MARKED_TOGETHER or sum(map(len, texts.values())) >= _MARKED_BYTES:
                    self._number, texts = self._number + 1, {}
                ended = ended and self._waiting.get()
        except Exception as error:  # raised where the next task ends
            self._failure = error


@contextlib.contextmanager
def _marks(worker: Worker[Any]) -> Iterator[_Marks]:
    """Mark what ends in the block, whatever ends the block; its own failure comes first."""
    marks = _Marks(worker.store, worker.phase)
    try:
        yield marks
    except BaseException:
        with contextlib.suppress(FailureError, *store_errors()):
            marks.close()
        raise
    marks.close()


def _unread(ended: str) -> str:
    return f"the worker process that read it {ended}, twice"


def _killers(worker: PiecewiseWorker[Any], packed: bytes, task: Task) -> list[tuple[Task, str]]:
    """Find the smallest pieces of a task that kill a worker, and how it ended, by halving; none in
    a single piece."""
    halves = worker.halves(task)
    if not halves:
        return []
    lost = _work_off(packed, halves, 1, lambda *_: None)
    return [
        killer
        for half, ended in lost
        for killer in _killers(worker, packed, half) or [(half, ended)]
    ]


@dataclass
class _Lane:
    """A worker process and the task that it does."""

    process: Process
    task: Task | None = None
    has_worked: bool = False
    is_dismissed: bool = False


def _work_off(
    packed: bytes, tasks: Sequence[Task], workers: int, take: Callable[[Task, TaskResult], None]
) -> list[tuple[Task, str]]:
    """Deal tasks out to workers, each the next one as it asks; return those whose worker died, and
    how it died.

    Each worker has a pipe of its own: a queue that all share stays locked for ever when one is
    killed in it.
    """
    waiting = deque(tasks)
    lost: list[tuple[Task, str]] = []
    lanes: dict[Connection, _Lane] = {}
    dead_before_work = 0
    with contextlib.ExitStack() as processes:

        def begin() -> None:
            process, connection = processes.enter_context(_started(_local_worker, (packed,)))
            lanes[connection] = _Lane(process)

        for _ in range(max(1, workers)):
            begin()
        while lanes:
            for ready in wait(list(lanes)):
                connection = cast("Connection", ready)
                lane = lanes[connection]
                try:
                    message = connection.recv()
                    if message is not None:
                        result, failure = message
                        if failure:
                            raise WorkerError(*failure)
                        done, lane.task = lane.task, None
                        take(cast("Task", done), result)
                    else:
                        lane.task = waiting.popleft() if waiting else None
                        lane.is_dismissed = lane.task is None
                        lane.has_worked = True
                        connection.send(lane.task and lane.task.model_dump())
                except (EOFError, ConnectionError):
                    del lanes[connection]
                    if lane.is_dismissed:
                        continue
                    ended = _how_it_ended(lane.process)
                    lost += [(lane.task, ended)] if lane.task else []
                    if not lane.has_worked:
                        dead_before_work += 1
                        if dead_before_work > _DEATHS_BEFORE_WORK:
                            raise WorkerError(
                                f"worker processes cannot start: the last one {ended}; {_GO_ON}"
                            ) from None
                    if waiting:
                        begin()
    return sorted(lost, key=lambda entry: entry[0].name)


@contextlib.contextmanager
def _started(
    target: Callable[..., None], arguments: tuple[Any, ...], imports: str = ""
) -> Iterator[tuple[Process, Connection]]:
    """Start a process that is given one end of a pipe and `arguments`; ends it when the block
    ends."""
    try:
        process = _SERVER.process(imports or _IMPORTS, target, arguments)
    except OSError as error:
        raise WorkerError(
            f"a worker process cannot be started: {_words(error)}; {_GO_ON}"
        ) from error
    try:
        yield process, process.connection
    finally:
        process.terminate()
        process.join()
        process.close()


def _how_it_ended(process: Process) -> str:
    code = process.join()
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was killed by {signal.Signals(-code).name}" + (
        " (often: out of memory)" if -code == signal.SIGKILL else ""
    )


_SERVER = ForkServer()


def fork_server() -> None:
    """Fork the process that workers are forked from, before this one uses what it has imported."""
    _SERVER.start(forked=True)


def warm_up() -> None:
    """Begin to import what local workers need, while this process goes on; once, for all workers to
    come."""
    _SERVER.load(_IMPORTS)


def _begin_worker(connection: Connection) -> None:
    threading.Thread(target=_end_with_parent, args=(connection,), daemon=True).start()


def _local_worker(connection: Connection, packed: bytes) -> None:
    """Do what the parent sends, one task after another; ends when the parent sends None, or is
    gone. On an object store the parent marks what is done."""
    _begin_worker(connection)

    def send(message: Any) -> None:
        with contextlib.suppress(ConnectionError):  # a parent that is gone is not told
            connection.send(message)

    try:
        worker: Worker[Any] = pickle.loads(packed)  # noqa: S301  # our parent's own
        worker.setup()
        send(None)
        while (given := connection.recv()) is not None:
            task = Task.model_validate(given)
            result = do_task(worker, task)
            if worker.store.local:
                mark(worker.store, worker.phase, task, result)
            send((result, None))
            send(None)
    except Exception as error:  # everything ends as one line for the user, in the parent
        send((None, (_failure_line(error), traceback.format_exc())))


def _send_failure(connection: Connection, error: Exception) -> None:
    """Tell the parent, unless it is gone: then that is the failure, and there is nobody to tell."""
    with contextlib.suppress(ConnectionError):
        connection.send((None, (_failure_line(error), traceback.format_exc())))


def do_task(worker: Worker[Result], task: Task) -> Result:
    """Do a task that has no marker yet: write its files."""
    return worker.run(task)


def _words(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _failure_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [""]
    if isinstance(error, store_errors()):
        return f"{lines[0]}; {go_on(error)}"
    if isinstance(error, FailureError):
        return lines[0]
    return f"{type(error).__name__}: {lines[0]}"


def _end_with_parent(connection: Connection) -> None:
    """End this process when the one that asked for it is gone: an orphan would go on writing."""
    outlive(connection)
    os._exit(1)
