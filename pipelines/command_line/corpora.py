"""`glotmill explain`, `ledger` and `judge`: ask a finished corpus, and answer its judging sheet."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipelines.command_line.arguments import CorpusArgument, JsonOption, print_json_lines
from schemas.failures import MisuseError

commands = typer.Typer()


@commands.command(
    epilog="Example: glotmill explain 5e8d92b04a1c7f36e1a90c8fd0c6b3ad --corpus out/quickstart"
)
def explain(
    document: Annotated[
        str,
        typer.Argument(
            metavar="DOC_ID", help="Id of a document, published or not, or how it begins."
        ),
    ],
    corpus: Annotated[str, typer.Option(help="Folder of the corpus.")] = ".",
    as_json: JsonOption = False,
) -> None:
    """Show the whole history of one document, from the ledger; of a synthetic row, with its prompts
    and answers."""
    from pipelines.finished.explain import document_history, find_in_ledger
    from pipelines.staging.store import Store

    if as_json:
        print_json_lines(find_in_ledger(Store(corpus), document))
        return
    for line in document_history(Store(corpus), document):
        print(line)


@commands.command(epilog="Example: glotmill ledger out/quickstart --fate dropped --limit 5")
def ledger(
    corpus: CorpusArgument,
    fate: Annotated[str, typer.Option(help="published, dropped, duplicate or failed.")] = "",
    reason: Annotated[str, typer.Option(help="Why a document left, such as too_short.")] = "",
    stage: Annotated[str, typer.Option(help="Stage that decided, such as filter_length.")] = "",
    language: Annotated[
        str, typer.Option(help="Language, or language and script: eus, eu, eus_Latn.")
    ] = "",
    source: Annotated[str, typer.Option(help="Source of the recipe.")] = "",
    id_: Annotated[str, typer.Option("--id", help="Id of a document, or how it begins.")] = "",
    limit: Annotated[int, typer.Option(min=0, help="Most rows to show; 0: all.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List what became of documents, by fate, reason, stage, language, source or id."""
    from itertools import islice

    from pipelines.finished.explain import LedgerFilter, absent_values, ledger_rows
    from pipelines.staging.store import Store

    wanted = LedgerFilter(
        fate=fate, reason=reason, stage=stage, language=language, source=source, id=id_
    )
    found = ledger_rows(Store(corpus), wanted)
    shown = list(islice(found, limit or None))
    if as_json:
        print_json_lines(shown)
    else:
        print("id\tfate\tstage\treason\tvalue\tlanguage\tsource\tpath\tposition")
        for row in shown:
            label = f"{row['language']}_{row['script']}" if row["language"] else ""
            value = "" if row["value"] is None else f"{row['value']:g}"
            cells = (row["id"], row["fate"], row["stage"] or "", row["reason"] or "", value, label)
            print(*cells, row["source"], row["path"], row["position"], sep="\t")
    if more := sum(1 for _ in found):
        print(f"glotmill: {more:,} more rows; --limit 0 shows all", file=sys.stderr)
    if not shown:
        print("glotmill: no row of the ledger is so", file=sys.stderr)
        for words in absent_values(Store(corpus), wanted):
            print(f"glotmill: {words}", file=sys.stderr)


@commands.command(epilog="Example: glotmill judge judging_sheet.csv --corpus out/contaminated")
def judge(
    sheet: Annotated[
        Path,
        typer.Argument(metavar="SHEET", help="The corpus's judging sheet, filled; CSV in UTF-8."),
    ],
    corpus: Annotated[str, typer.Option(help="Folder of the corpus.")] = ".",
) -> None:
    """Add a human's answers about decontamination to a corpus and its card.

    In decontamination/judging_sheet.csv write yes or no into the column judgement: is the passage
    the item?
    """
    from pipelines.finished.judge import judge as take_answers
    from pipelines.staging.store import Store

    try:
        answers = sheet.read_bytes()
    except OSError as error:
        raise MisuseError(
            f"SHEET must be a file that can be read, got {str(sheet)!r}: {error.strerror}"
        ) from None
    for row in take_answers(Store(corpus), answers).to_pylist():
        print(
            f"{row['evaluation_set']}: {row['right']:,} of {row['judged']:,} judged matches are the item, "
            f"{row['precision']:.1%} (95 % interval {row['low']:.1%} to {row['high']:.1%})"
        )
    print(f"card     {corpus}/README.md")
