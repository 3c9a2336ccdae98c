"""Processes forked from a server that has imported what they need, and that leaves nothing on disk.

multiprocessing has such a server, too. It keeps its socket in a folder that stays when a process is
killed, in a path that may be too long for a socket, and it imports in a new interpreter what the
process that asks has imported already. This one is reached through a pair of sockets that have no
name, and can itself be forked.

    this process ── requests ── server          modules to import, processes to fork
         │  └────── connection ──── process     what it is to do, and its answers
         └───────── status ── server            its number once it is forked, then how it ended

A process has the environment of whoever asks for it, as it is then: the server may be older.
Whoever is gone closes its ends. So the server ends when this process ends, and a process can notice
it by `outlive`.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import select
import signal
import socket
import struct
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Connection, Pipe, wait
from typing import NoReturn

_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# in a status: of a process, or minus the errno of a failed fork; then how it ended
_NUMBER = struct.Struct("q")


class ServerKilledError(OSError):
    """The process that others are forked from was killed."""


class ForkServer:
    """A server that this process has started, and starts anew if it is killed."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._number = 0
        self._lock = threading.Lock()

    def start(self, forked: bool = False) -> None:
        """Start the server, if it is not there: in a new interpreter, or forked, with all that is
        imported here.

        To fork is for a process that has imported libraries and not used them yet: of threads a
        fork leaves only the locks that they held.
        """
        if self._socket is not None and not _is_over(self._number):
            return
        self.close()
        ours, its = socket.socketpair()
        # that reach the server before it is ready would be answered as this process does
        with (
            its,
            _held_signals(),
        ):
            if forked and threading.active_count() == 1:
                sys.stdout.flush()
                sys.stderr.flush()
                self._number = os.fork()
                if not self._number:
                    ours.close()
                    serve(its.detach())
            else:
                its.set_inheritable(True)
                code = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; serve({its.fileno()})"
                self._number = os.posix_spawn(
                    sys.executable, [sys.executable, "-c", code], os.environ
                )
        self._socket = ours

    def close(self) -> None:
        """Let the server end, once it is done with what it has been asked."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def load(self, module: str) -> None:
        """Let the server import a module; does not wait for it."""
        with self._lock, self._noticed():
            self._ask(self._started(), module)

    def process(
        self, module: str, function: Callable[..., None], arguments: tuple[object, ...]
    ) -> Process:
        """Fork a process that calls `function` with its end of a pipe and `arguments`, when
        `module` is imported.

        Raises OSError if no process can be forked.
        """
        with self._lock, self._noticed():
            return self._forked(module, function, arguments)
        with self._lock:
            return self._forked(module, function, arguments)  # by a new server

    @contextlib.contextmanager
    def _noticed(self) -> Iterator[None]:
        """Pass over that the server was killed, and wait for its end, which comes somewhat after
        that of its socket: until then it would be taken for one that is there."""
        try:
            yield
        except (ConnectionError, ServerKilledError):
            self.close()
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._number, 0)

    def _forked(
        self, module: str, function: Callable[..., None], arguments: tuple[object, ...]
    ) -> Process:
        requests = self._started()  # before there are ends of pipes, which it would hold
        connection, its = Pipe()
        status, written = os.pipe()
        try:
            with its:
                self._ask(requests, module, its.fileno(), written)
        except BaseException:
            connection.close()
            os.close(status)
            raise
        finally:
            os.close(written)
        process = Process(connection, status)
        with contextlib.suppress(ConnectionError):  # it was killed, which its exit code says
            connection.send(dict(os.environ))  # first: what is sent next may need it to be read
            connection.send((function, arguments))
        return process

    def _started(self) -> socket.socket:
        self.start()
        if self._socket is None:
            raise RuntimeError("a server that was started has no socket")
        return self._socket

    @staticmethod
    def _ask(requests: socket.socket, module: str, *ends: int) -> None:
        message = module.encode()
        socket.send_fds(requests, [bytes([len(message)]) + message], ends)


class Process:
    """A process that the server has forked, and our end of its pipe."""

    def __init__(self, connection: Connection, status: int) -> None:
        self.connection, self._status = connection, status
        self._exit_code: int | None = None
        number = self._next_number()
        if number is None or number < 0:
            self.close()
            if number is None:
                raise ServerKilledError("the process that others are forked from was killed")
            raise OSError(-number, os.strerror(-number))
        self.number = number

    def has_ended(self, seconds: float = 0) -> bool:
        """Wait at most so long for the end of the process; returns whether it has ended."""
        return self._exit_code is not None or bool(wait([self._status], seconds))

    def terminate(self) -> None:
        """Ask the process to end, unless it has ended."""
        if not self.has_ended():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.number, signal.SIGTERM)

    def join(self) -> int:
        """Wait until the process has ended; returns its exit code, or minus the signal that killed
        it.

        That is 255 where nobody knows, because the server was killed as well.
        """
        if self._exit_code is None:
            self._exit_code = self._next_number()
        if self._exit_code is None:
            with contextlib.suppress(EOFError, OSError):
                os.kill(self.number, signal.SIGTERM)
                while True:
                    self.connection.recv_bytes()
            self._exit_code = 255
        return self._exit_code

    def close(self) -> None:
        self.connection.close()
        os.close(self._status)

    def _next_number(self) -> int | None:
        """Wait for what the server says next of the process; None if the server is gone."""
        written = os.read(self._status, _NUMBER.size)
        return _NUMBER.unpack(written)[0] if written else None


def outlive(connection: Connection) -> None:
    """Wait until the other end of a pipe is closed; what comes through it meanwhile stays in it."""
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLHUP)
    waiting.poll()


def _is_over(number: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        return os.waitpid(number, os.WNOHANG)[0] != 0
    return True


@contextlib.contextmanager
def _held_signals() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def serve(descriptor: int) -> NoReturn:
    """Fork what is asked for until nobody can ask any more; the signals that stop programs are held
    when this begins.

    Ctrl-C goes to a whole group of processes, and is left to the one that asks.
    """
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
        with open(os.devnull, "rb") as nothing:  # noqa: PTH123
            os.dup2(nothing.fileno(), 0)
        _answer_requests(socket.socket(fileno=descriptor))
    except BaseException:  # what is above on the stack is another process's work
        traceback.print_exc()
    os._exit(1)


def _answer_requests(requests: socket.socket) -> NoReturn:
    woken, waker = socket.socketpair()  # at the end of a process
    waker.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    statuses: dict[int, int] = {}  # of running processes
    while True:
        ready = select.select([requests, woken], [], [])[0]
        if woken in ready:
            woken.recv(1 << 10)
            for number in list(statuses):
                ended, how = os.waitpid(number, os.WNOHANG)
                if ended:
                    _tell(statuses[number], os.waitstatus_to_exitcode(how))
                    os.close(statuses.pop(number))
        if requests not in ready:
            continue
        size, ends, _, _ = socket.recv_fds(requests, 1, 2)
        if not size:
            os._exit(0)
        importlib.import_module(requests.recv(size[0], socket.MSG_WAITALL).decode())
        if not ends:
            continue
        connection, status = ends
        try:
            number = os.fork()
        except OSError as error:
            _tell(status, -(error.errno or 0))
            os.close(status)
        else:
            if not number:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for end in (requests, woken, waker):
                    end.close()
                for written in (status, *statuses.values()):
                    os.close(written)
                _do(Connection(connection))
            _tell(status, number)
            statuses[number] = status
        os.close(connection)


def _tell(status: int, number: int) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody wants to know
        os.write(status, _NUMBER.pack(number))


def _take_on(environment: Mapping[str, str]) -> None:
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    os.environ.update(environment)


def _do(connection: Connection) -> NoReturn:
    """Do in a forked process what comes through its pipe, and end it."""
    try:
        try:
            _take_on(connection.recv())
            function, arguments = connection.recv()
        except (EOFError, ConnectionError):
            os._exit(1)  # whoever wanted something is gone
        function(connection, *arguments)
        sys.stdout.flush()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)
