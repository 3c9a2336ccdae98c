"""`glotmill script`: schemes of transliteration, and what they lose."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from schemas.failures import MisuseError

script_app = typer.Typer(
    help="List schemes of transliteration, and measure what they lose.",
    epilog="Example: glotmill script schemes",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@script_app.command("schemes", epilog="Example: glotmill script schemes")
def script_schemes() -> None:
    """List the schemes that a recipe can name, with the languages and scripts they are for."""
    from rich.console import Console
    from rich.table import Table

    from stages.transliteration.schemes import SCHEMES, reverse_of

    headings = ("scheme", "languages", "from", "to", "and back", "what is lost")
    rows = [
        (
            scheme.name,
            " ".join(scheme.languages) or "any",
            scheme.source,
            scheme.target,
            "words" if scheme.reversible else "with losses" if reverse_of(scheme) else "no",
            scheme.lossy or "-",
        )
        for scheme in SCHEMES
    ]
    if not sys.stdout.isatty():
        print(*map("\t".join, (headings, *rows)), sep="\n")
        return
    table = Table(
        caption="words: every word of the alphabet comes back; `script roundtrip` tries your texts"
    )
    for number, heading in enumerate(headings):
        typed = number in (0, 2, 3)  # what a recipe must spell is never folded
        table.add_column(
            heading,
            no_wrap=typed,
            min_width=max(len(row[number]) for row in rows) if typed else None,
        )
    for row in rows:
        table.add_row(*row)
    Console().print(table)


@script_app.command(
    "roundtrip",
    epilog="Example: glotmill script roundtrip wylie out/quickstart/data/bod_Tibt/*.parquet",
)
def script_roundtrip(
    scheme: Annotated[str, typer.Argument(help="Name of the scheme.")],
    files: Annotated[
        list[Path], typer.Argument(metavar="PARQUET...", help="Parquet files with texts.")
    ],
    label: Annotated[
        str,
        typer.Option(
            help="Language and script of the texts, as uzb_Cyrl; by default the folder's name."
        ),
    ] = "",
    text_column: Annotated[str, typer.Option(help="Column with the text.")] = "text",
) -> None:
    """Send texts through a scheme and back: the share that comes back identical, and why the rest
    does not."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from schemas.language import parse_label
    from stages.batches import require_utf8
    from stages.transliteration.reversibility import reversibility
    from stages.transliteration.schemes import scheme_for

    try:
        for file in files:
            if not file.is_file():
                raise ValueError(f"PARQUET must be files, got {str(file)!r}, which is none")
        spoken = parse_label(label or files[0].resolve().parent.name)
        chosen = scheme_for(scheme, spoken.language, spoken.script)
        # not `read_table`, which imports pandas: 0.5 s
        tables = [pq.ParquetFile(file).read(columns=[text_column]) for file in files]
        for file, table in zip(files, tables, strict=True):
            require_utf8(table, str(file))
        texts = pa.concat_tables(tables)[text_column].cast(pa.large_string()).drop_null()
        report = reversibility(texts.combine_chunks(), chosen)
    except (ValueError, OSError, ImportError, KeyError, pa.ArrowInvalid) as error:
        raise MisuseError(" ".join(str(error).split())) from None
    print(f"{chosen}: {report.share:.1%} of {report.texts:,} texts come back identical")
    print(
        f"{report.left:,} of {report.tokens:,} words are not of its alphabet and stay in their own script"
    )
    print(f"{report.changed:,} pieces between white space do not come back")
    for reason, times in report.reasons:
        print(f"{times:8,}  {reason}")
    for loss in report.losses:
        print(f"{loss.times:8,}  {loss.source!r} came back as {loss.returned!r} ({loss.reason})")
