"""glotmill: the command line. Heavy libraries are imported by the commands that need them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from typing import Annotated

import typer
from typer.main import get_command

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
from pipelines.command_line.program import Stopped, console, fail, say_stopped
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


@cache
def _command() -> Callable[..., object]:
    """Read all signatures once in a process: that takes longer than most commands."""
    return get_command(app)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line: exit 0, 1 if the work failed, 2 if the command or recipe was wrong."""
    try:
        _command()(args=arguments)
    except MisuseError as error:
        sys.exit(fail(str(error).splitlines(), 2))
    except store_errors(FailureError) as error:
        remedy = f"; {go_on(error)}" if is_full(error) else ""
        network = type(error).__module__.partition(".")[0] == "httpx2"  # the Hub's client
        words = f"the Hub cannot be reached: {error}" if network else str(error)
        sys.exit(fail((words + remedy).splitlines(), 1))
    except Stopped as stopped:
        sys.exit(say_stopped(stopped))


if __name__ == "__main__":
    console()
