"""`glotmill card`: what only people can say of a corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.command_line.arguments import CorpusArgument
from schemas.failures import MisuseError

card_app = typer.Typer(
    help="Write what only people can say of a corpus, and put it on its card.",
    epilog="Example: glotmill card init card.toml",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@card_app.command("init", epilog="Example: glotmill card init card.toml")
def card_init(file: Annotated[Path, typer.Argument(metavar="FILE", help="File to write.")]) -> None:
    """Write a file of questions to answer: why these texts, whose, for what, what is wrong with
    them."""
    from pipelines.catalogue.statements import statements_template

    try:
        with file.open("x", encoding="utf-8") as written:
            written.write(statements_template())
    except FileExistsError:
        raise MisuseError(
            f"{file} exists already, and may hold answers; name another file"
        ) from None
    print(
        f'{file}: written; answer its questions, and name it in the recipe: [corpus] statements = "{file.name}"'
    )


@card_app.command(
    "write", epilog="Example: glotmill card write out/judged --statements answers.toml"
)
def card_write(
    corpus: CorpusArgument,
    statements: Annotated[
        Path, typer.Option(help="File of answers, as `glotmill card init` writes it.")
    ],
) -> None:
    """Put statements on the card of a finished corpus, in place of earlier ones."""
    from pipelines.catalogue.statements import read_statements
    from pipelines.finished.answers import take_in
    from pipelines.staging.store import Store, require_corpus

    try:
        given = read_statements(str(statements))
    except (OSError, ValueError) as error:
        raise MisuseError(str(error)) from None
    store = Store(corpus)
    require_corpus(store)
    with store.locked():
        take_in(store, "card.toml", statements.read_bytes(), statements=given)
    print(f"card     {corpus}/README.md")
