"""`glotmill audit` and `glotmill diff`: look at finished corpora as a stranger would."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer

commands = typer.Typer()

SHOWN = 20  # findings of one severity, in text


@commands.command(epilog="Example: glotmill audit out/quickstart")
def audit(
    corpus: Annotated[
        str, typer.Argument(metavar="DIR", help="Folder of a corpus or of Parquet files: a path, hf://, s3://, gs://.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, for programs.")] = False,
    text: Annotated[str, typer.Option(help="Column of the texts, where glotmill did not make the data.")] = "text",
) -> None:
    """Check a corpus from its files alone: every byte, count, id and figure that it states.

    Exit 0: no error was found. 1: some were. A folder that glotmill did not make is looked through for what Parquet
    files alone can tell.
    """
    from pipelines.finished.audit.audit import audit as audit_corpus
    from pipelines.staging.store import Store
    from schemas.finding import SEVERITIES

    result = audit_corpus(Store(corpus), _progress(), text)
    if as_json:
        print(result.model_dump_json(indent=1))
        raise typer.Exit(int(result.has_errors))
    for severity in SEVERITIES:
        found = [finding for finding in result.findings if finding.severity == severity]
        for finding in found[:SHOWN]:
            where = f"{finding.path} " if finding.path else ""
            print(f"{severity:8} {finding.check:10} {where}{finding.message}")
        if len(found) > SHOWN:
            print(f"{severity:8} and {len(found) - SHOWN:,} more; --json shows all")
    languages = f" in {result.languages:,} languages and scripts" if result.languages else ""
    counts = {severity: sum(f.severity == severity for f in result.findings) for severity in SEVERITIES}
    print(
        f"{corpus}: {result.documents:,} documents{languages}, {result.files:,} files; {counts['error']:,} errors, "
        f"{counts['warning']:,} warnings"
    )
    raise typer.Exit(int(result.has_errors))


def _progress() -> Callable[[str], None]:
    """Say on a terminal which file is read; a file that takes long is the one that is named."""
    if not sys.stderr.isatty():
        return lambda _: None
    return lambda path: print(f"\r\x1b[Kreading {path}", end="", file=sys.stderr, flush=True)


@commands.command(epilog="Example: glotmill diff out/quickstart out/quickstart")
def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="Folder of the earlier version of a corpus.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Folder of the later version.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the difference as JSON, for programs.")] = False,
) -> None:
    """Tell what changed between two versions of a corpus: documents, figures, versions, recipe.

    A document is rewritten if its id stayed and its text did not, moved if its language or script changed. Exit 0: no
    difference. 1: there are some.
    """
    import json

    from pipelines.finished.diff import difference, difference_lines
    from pipelines.staging.store import Store

    found = difference(Store(old), Store(new))
    if as_json:
        print(json.dumps(found.as_json(), ensure_ascii=False, indent=1))
    else:
        for line in difference_lines(found, SHOWN):
            print(line)
    raise typer.Exit(int(not found.is_empty))
