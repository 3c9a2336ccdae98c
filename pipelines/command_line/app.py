"""glotmill: the command line. Heavy libraries are imported by the commands that need them."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Iterable
from signal import SIG_IGN, SIGHUP, SIGINT, SIGTERM, getsignal, signal
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer

from pipelines.command_line import (
    auditing,
    corpora,
    engines,
    identification,
    previews,
    pushing,
    refiltering,
    runs,
    withdrawing,
)
from pipelines.command_line.cards import card_app
from pipelines.command_line.identification import lid_app
from pipelines.command_line.language_models import lm_app
from pipelines.command_line.recipes import recipe_app
from pipelines.command_line.scripts import script_app
from pipelines.command_line.word_lists import wordlists_app
from schemas.failures import FailureError, MisuseError, go_on, is_full, store_errors

app = typer.Typer(
    name="glotmill",
    help="Turn raw multilingual text into a published corpus with a data card, one recipe at a time.",
    epilog="Example: glotmill plan pipelines/recipes/quickstart.toml",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

for commands in (
    runs.commands,
    previews.commands,
    corpora.commands,
    auditing.commands,
    pushing.commands,
    withdrawing.commands,
    refiltering.commands,
    identification.commands,
    engines.commands,
):
    app.add_typer(commands)
app.add_typer(auditing.audit_app, name="audit")
app.add_typer(card_app, name="card")
app.add_typer(recipe_app, name="recipe")
app.add_typer(lid_app, name="lid")
app.add_typer(lm_app, name="lm")
app.add_typer(wordlists_app, name="wordlists")
app.add_typer(script_app, name="script")


STOPPED = "stopped; run the same command again to go on"


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"glotmill {version('glotmill')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Turn raw multilingual text into a published corpus with a data card, one recipe at a time."""


def _fail(lines: Iterable[str], code: int) -> int:
    for line in lines:
        print(f"glotmill: {line}", file=sys.stderr)
    return code


def main(arguments: list[str] | None = None) -> None:
    """Run the command line: exit 0, 1 if the work failed, 2 if the command or recipe was wrong."""
    try:
        app(args=arguments)
    except MisuseError as error:
        sys.exit(_fail(str(error).splitlines(), 2))
    except store_errors(FailureError) as error:
        remedy = f"; {go_on(error)}" if is_full(error) else ""
        network = type(error).__module__.partition(".")[0] == "httpx2"  # the Hub's client
        words = f"the Hub cannot be reached: {error}" if network else str(error)
        sys.exit(_fail((words + remedy).splitlines(), 1))
    except Stopped as stopped:
        sys.exit(_say_stopped(stopped))


class Stopped(BaseException):  # no error; and no KeyboardInterrupt, which click would answer itself
    """Somebody asked this process to end: Ctrl-C, `kill`, or a terminal that was closed."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


def _say_stopped(stopped: Stopped) -> int:
    for each in (SIGINT, SIGTERM, SIGHUP):
        signal(each, SIG_IGN)  # it is said once
    return _fail([STOPPED], stopped.exit_code)


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


def console() -> NoReturn:
    """Run the command line as a program, and end at once with its exit code.

    Nothing is left to do after a command but to take thousands of imported modules apart, which
    costs 0.1 s and more, and during which a thread that a library still has can abort the process.
    """
    code: Any = 0
    runs.is_program = True
    try:
        _stop_on_signals()
        main()
        sys.stdout.flush()
    except SystemExit as end:
        code = end.code
    except Stopped as stopped:  # while it was ending, or another failure was about to be reported
        code = _say_stopped(stopped)
    except BrokenPipeError:  # who reads our output has seen enough
        code = 1
    atexit._run_exitfuncs()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    console()
