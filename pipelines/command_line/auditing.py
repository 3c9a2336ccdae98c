"""`glotmill audit`, `diff`, `sign`, `verify`: look at finished corpora as a stranger would, and vouch for them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from pipelines.command_line.arguments import CorpusArgument

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

    Exit 0: no error was found. 1: some were. A folder that glotmill did not make is searched for what Parquet
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
    """Show what changed between two versions of a corpus: documents, figures, versions, recipe.

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


@commands.command(epilog="Example: ssh-keygen -q -t ed25519 -N '' -f key && glotmill sign out/quickstart --key key")
def sign(
    corpus: CorpusArgument,
    key: Annotated[Path, typer.Option(help="Private key of OpenSSH, or a public one whose private half an agent has.")],
) -> None:
    """Sign a finished corpus: its manifest, which holds the SHA-256 of every file."""
    from pipelines.finished.signing import sign as sign_corpus
    from pipelines.staging.store import Store

    print(f"signed   {corpus}/{sign_corpus(Store(corpus), key)}")


@commands.command(
    epilog="Example: ssh-keygen -q -t ed25519 -N '' -f key && glotmill sign out/quickstart --key key && "
    "glotmill verify out/quickstart"
)
def verify(
    corpus: CorpusArgument,
    signers: Annotated[
        Path | None, typer.Option(help="File of allowed signers: a name and a public key on each line.")
    ] = None,
) -> None:
    """Check that a corpus was signed, and by whom. `glotmill audit` then checks its files against the manifest.

    Exit 0: the signature holds. 1: it does not, or there is none, or its key is not one of the signers.
    """
    from pipelines.finished.signing import verify as verify_corpus
    from pipelines.staging.store import Store

    print(verify_corpus(Store(corpus), signers))
