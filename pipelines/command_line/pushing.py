"""`glotmill push`: a finished corpus on the Hugging Face Hub."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from pipelines.command_line.arguments import CorpusArgument

commands = typer.Typer()

SHOWN = 20  # files that are listed


@commands.command(epilog="Example: glotmill push out/quickstart owner/name --dry-run")
def push(
    corpus: CorpusArgument,
    repository: Annotated[
        str, typer.Argument(metavar="OWNER/NAME", help="Data set on the Hugging Face Hub.")
    ],
    branch: Annotated[
        str, typer.Option(help="Branch to push to; made from the main one if it is new.")
    ] = "main",
    pull_request: Annotated[
        bool,
        typer.Option(
            "--pull-request", help="Leave the commits in a pull request, for somebody to merge."
        ),
    ] = False,
    tag: Annotated[str | None, typer.Option(help="Tag for the commit, such as v1.0.")] = None,
    public: Annotated[
        bool, typer.Option("--public", help="Show the data set to everybody; else it is private.")
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Write over files there that no push of this corpus wrote."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would be sent, and send nothing.")
    ] = False,
) -> None:
    """Push a finished corpus to the Hub: the files that changed, in one commit. A push that was
    stopped goes on.

    The token is the one of `hf auth login`, or HF_TOKEN. A new data set is private until --public.
    """
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from pipelines.finished.push import Destination, Push
    from pipelines.staging.store import Store

    destination = Destination(repository, branch, pull_request, tag, public, overwrite)
    pushing = Push(
        Store(corpus), destination, lambda words: print(words, file=sys.stderr, flush=True)
    )
    pushing.check()
    found = pushing.changes()
    for record in found.written[:SHOWN]:
        print(
            f"{'replace' if record.path in found.foreign else 'write':8} {record.path} {record.bytes:,} bytes"
        )
    for path in found.removed[:SHOWN]:
        print(f"remove   {path}")
    unseen = len(found.written[SHOWN:]) + len(found.removed[SHOWN:])
    if unseen:
        print(f"         and {unseen:,} more")
    print(
        f"{repository}: {len(found.written):,} files to write ({found.bytes / 1e6:,.1f} MB), {len(found.removed):,} to "
        f"remove, {found.unchanged:,} unchanged"
    )
    if not dry_run:
        print(f"pushed   {pushing.push(found)}")
