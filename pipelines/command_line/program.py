"""glotmill as a program: signals and the exit code. Nothing heavy is imported before signals are
answered: a command may be stopped while its libraries are still being loaded."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Iterable
from signal import SIG_IGN, SIGHUP, SIGINT, SIGTERM, getsignal, signal
from types import FrameType
from typing import NoReturn

STOPPED = "stopped; run the same command again to go on"


def fail(lines: Iterable[str], code: int) -> int:
    """Print why a command failed, and return its exit code."""
    for line in lines:
        print(f"glotmill: {line}", file=sys.stderr)
    return code


class Stopped(BaseException):  # no error; and no KeyboardInterrupt, which click would answer itself
    """Somebody asked this process to end: Ctrl-C, `kill`, or a terminal that was closed."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


def say_stopped(stopped: Stopped) -> int:
    """Say so, whatever signals come now, and return the exit code."""
    for each in (SIGINT, SIGTERM, SIGHUP):
        signal(each, SIG_IGN)  # it is said once
    return fail([STOPPED], stopped.exit_code)


def _stop_on_signals() -> None:
    """Unwind at the first signal, so that workers end and files are closed; end at once at the
    second."""
    # as under nohup
    stops = [each for each in (SIGINT, SIGTERM, SIGHUP) if getsignal(each) is not SIG_IGN]

    def end(number: int, _frame: FrameType | None) -> NoReturn:
        os.write(2, f"glotmill: {STOPPED}\n".encode())
        os._exit(128 + number)

    def stop(number: int, _frame: FrameType | None) -> NoReturn:
        for each in stops:
            signal(each, end)
        raise Stopped(number)

    for each in stops:
        signal(each, stop)


def _open_closed_streams() -> None:
    """Lead the standard streams that the caller closed to nowhere: a file that we open would take
    the number of one, and what libraries and workers print would be written into it."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def console() -> NoReturn:
    """Run the command line as a program, and end at once with its exit code.

    Nothing is left to do after a command but to take thousands of imported modules apart, which
    costs 0.1 s and more, and during which a thread that a library still has can abort the process.
    """
    code: object = 0
    try:
        _stop_on_signals()
        _open_closed_streams()
        from pipelines.command_line import app, runs

        runs.is_program = True
        app.main()
        sys.stdout.flush()
    except SystemExit as end:
        code = end.code
    except Stopped as stopped:  # while it was ending, or another failure was about to be reported
        code = say_stopped(stopped)
    except BrokenPipeError:  # who reads our output has seen enough
        code = 1
    atexit._run_exitfuncs()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    # under its own name, by which the commands know it: classes of `__main__` are others
    from pipelines.command_line import program

    program.console()
