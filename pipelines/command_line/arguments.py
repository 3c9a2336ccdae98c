"""Arguments and options that several commands take, and how they print JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import typer

RecipeArgument = Annotated[Path, typer.Argument(metavar="RECIPE", help="The recipe, a TOML file.")]
CorpusArgument = Annotated[
    str,
    typer.Argument(
        metavar="DIR", help="Folder of the corpus: the --output of its run; any fsspec URL."
    ),
]


LimitOption = Annotated[
    int | None,
    typer.Option(
        min=1, help="A trial run: read only this many records of each source, the first ones."
    ),
]
AllowCodeOption = Annotated[
    bool,
    typer.Option(
        "--allow-code",
        help="Run strategies of synthesis that are Python files of the recipe's own.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def print_json_lines(rows: Iterable[Mapping[str, object]]) -> None:
    import json

    for row in rows:
        print(json.dumps(row, ensure_ascii=False))
