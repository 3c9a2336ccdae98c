"""`glotmill prove-removal`: show that nothing is left of what was withdrawn."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from schemas.failures import MisuseError

SHOWN = 20  # rows, in text
commands = typer.Typer()


@commands.command(
    "prove-removal",
    epilog="Example: echo 'withdrawn = [{ host = \"gone.example\" }]' > withdrawn.toml && "
    "glotmill prove-removal withdrawn.toml out/quickstart",
)
def prove_removal(
    register: Annotated[
        Path, typer.Argument(metavar="REGISTER", help="Register of withdrawals, TOML.")
    ],
    corpus: Annotated[
        str,
        typer.Argument(
            metavar="CORPUS",
            help="Folder with Parquet files, made by glotmill or not; any fsspec URL.",
        ),
    ],
    texts: Annotated[
        str,
        typer.Option(
            help="Where the withdrawn texts are, to look for copies of them: a corpus that still has them, or a folder "
            "of .txt files. Files in a folder such as srp_Cyrl are looked for in other scripts, too."
        ),
    ] = "",
    text: Annotated[str, typer.Option(help="Column of the texts.")] = "text",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON, for programs.")
    ] = False,
) -> None:
    """Search a corpus for what is left of what a register names: by id, address, hash, source and
    licence, by what was made of it, and by copies of its texts.

    Exit 0: nothing is left. 1: something is. 2: not all of it could be searched.
    """
    import json

    from pipelines.command_line.auditing import reading_progress
    from pipelines.finished.prove_removal import proof_lines
    from pipelines.finished.prove_removal import prove_removal as search
    from pipelines.staging.store import Store
    from schemas.withdrawal import read_register

    try:
        content = register.read_bytes()
    except OSError as error:
        raise MisuseError(
            f"REGISTER must be a file that can be read, got {str(register)!r}: {error.strerror}"
        ) from None
    found = read_register(content, register.name)
    proof = search(
        [found], Store(corpus), Store(texts) if texts else None, text, reading_progress()
    )
    if as_json:
        print(json.dumps(proof.as_json(), ensure_ascii=False, indent=1))
    else:
        for line in proof_lines(proof, SHOWN):
            print(line)
    raise typer.Exit(1 if proof.left else 2 if proof.unsearched else 0)
