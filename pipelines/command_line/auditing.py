"""`glotmill audit`, `diff`, `sign`, `verify`: look at finished corpora as a stranger would, and
vouch for them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from pipelines.command_line.arguments import CorpusArgument
from schemas.failures import MisuseError

if TYPE_CHECKING:
    from schemas.finding import AuditResult

SHOWN = 20  # findings of one severity, in text
SHOWN_OPINIONS = 5
CHECK = "check"


class _CheckUnlessNamed(TyperGroup):
    """A group whose commands may be left out: `glotmill audit DIR` is `glotmill audit check
    DIR`."""

    unless_named = CHECK

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = args[:1] and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if named else [self.unless_named, *args])


commands = typer.Typer()
audit_app = typer.Typer(
    cls=_CheckUnlessNamed,
    help="Check a finished corpus from its files alone (`glotmill audit DIR`), and let speakers prove its languages.",
    epilog="Example: glotmill audit out/quickstart",
    rich_markup_mode=None,
)


@audit_app.command(CHECK, epilog="Example: glotmill audit check out/quickstart")
def audit(
    corpus: Annotated[
        str,
        typer.Argument(
            metavar="DIR",
            help="Folder of a corpus or of Parquet files: a path, hf://, s3://, gs://.",
        ),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON, for programs.")
    ] = False,
    text: Annotated[
        str, typer.Option(help="Column of the texts, where glotmill did not make the data.")
    ] = "text",
    second_opinion: Annotated[
        str | None,
        typer.Option(
            help="Language-ID model that looks at a sample of each label: cascade, pycld2, py3langid, "
            "fun_langid, a fastText model by path or hf:// file, or none. Without it, the embedded ones.",
        ),
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SET",
            help="Evaluation set to look for in every text: a name as in a recipe, or FILE:FIELD,FIELD "
            "(Parquet or JSON Lines). May be given again.",
        ),
    ] = None,
    sampled: Annotated[
        int,
        typer.Option(
            min=1,
            help="Documents that language models look at, and that personal data are looked for in; about.",
        ),
    ] = 4000,
    report: Annotated[
        Path | None, typer.Option(help="Write what was found as a page for a browser, too.")
    ] = None,
) -> None:
    """Check a corpus from its files alone: every byte, count, id and figure that it states; and what
    other language models say of a sample of its texts.

    Exit 0: no error was found. 1: some were. In a folder that glotmill did not make, the Parquet
    files and the card of the Hub are checked.
    """
    from pipelines.finished.audit.audit import Asked
    from pipelines.finished.audit.audit import audit as audit_corpus
    from pipelines.staging.store import Store

    asked = Asked(text, second_opinion, tuple(against or ()), sampled)
    if report is not None and report.is_dir():
        raise MisuseError(f"--report must be a file to write, got the folder {str(report)!r}")
    result = audit_corpus(Store(corpus), reading_progress(), asked)
    if report is not None:
        from data_cards.pages.audit import audit_page

        report.write_text(audit_page(result), encoding="utf-8")
    if as_json:
        print(result.model_dump_json(indent=1))
    else:
        for line in _lines(result):
            print(line)
    raise typer.Exit(int(result.has_errors))


def _lines(result: AuditResult) -> Iterator[str]:
    """Tell a result in lines of text; texts of documents are not among them."""
    from data_cards.display import one_line
    from schemas.finding import SEVERITIES

    for severity in SEVERITIES:
        found = [finding for finding in result.findings if finding.severity == severity]
        for finding in found[:SHOWN]:
            where = f"{one_line(finding.path)} " if finding.path else ""
            yield f"{severity:8} {finding.check:10} {where}{one_line(finding.message)}"
        if len(found) > SHOWN:
            yield f"{severity:8} and {len(found) - SHOWN:,} more; --json shows all"
    if result.second_opinions:
        labels = {opinion.label for opinion in result.second_opinions}
        models = dict.fromkeys(opinion.model for opinion in result.second_opinions)
        ranked = sorted(result.second_opinions, key=lambda one: (-one.low, one.label, one.model))
        disputed = [one for one in ranked if one.contradicts]
        yield (
            f"second opinion of {', '.join(models)} on {len(labels):,} languages and scripts, by "
            f"{result.sampled:,} sampled documents; "
            f"{'most contradicted:' if disputed else 'none is contradicted'}"
        )
        for one in disputed[:SHOWN_OPINIONS]:
            yield (
                f"         {one.label:10} {one.model:10} {one.contradicts:,} of {one.answered:,} "
                f"({one.low:.1%} to {one.high:.1%}), {one.unsure:,} unsure"
            )
    for held in result.contamination:
        yield (
            f"against  {held.evaluation_set}: {held.texts_found:,} of {held.texts:,} texts found, "
            f"in {held.documents:,} documents"
        )
    languages = f" in {result.languages:,} languages and scripts" if result.languages else ""
    counts = [
        f"{sum(finding.severity == severity for finding in result.findings):,} {severity}s"
        for severity in SEVERITIES
    ]
    yield (
        f"{result.corpus}: {result.documents:,} documents{languages}, {result.files:,} files; "
        f"{', '.join(counts[:2])}"
    )


@audit_app.command(
    "sample",
    epilog="Example: glotmill audit sample out/quickstart --languages eus_Latn --output sheets",
)
def audit_sample(
    corpus: CorpusArgument,
    output: Annotated[Path, typer.Option(help="Folder for the sheets and pages.")],
    languages: Annotated[
        list[str] | None,
        typer.Option(
            help="Label such as yor_Latn; may be given again. All of the corpus without it."
        ),
    ] = None,
    budget: Annotated[
        int, typer.Option(min=4, max=10_000, help="Passages of each label, about.")
    ] = 60,
) -> None:
    """Draw passages for a speaker to judge: a page for a browser and a sheet for a spreadsheet
    program, for each label.

    Doubtful documents are drawn more often than sure ones, which `glotmill audit import` takes into
    account.
    """
    from data_cards.pages.speaker import speaker_page
    from pipelines.finished.proof import sample
    from pipelines.staging.store import Store
    from stages.sheets import sheet_bytes

    drawn = sample(Store(corpus), languages or [], budget)
    output.mkdir(parents=True, exist_ok=True)
    for part in drawn:
        path = output / f"{part.label}.csv"
        if path.exists():
            raise MisuseError(
                f"{path} is there, and may hold answers: move it, or name another --output"
            )
    for part in drawn:
        name = Path(corpus).resolve().name
        (output / f"{part.label}.csv").write_bytes(sheet_bytes(part.sheet))
        (output / f"{part.label}.html").write_text(
            speaker_page(name, part.label, part.sheet), encoding="utf-8"
        )
        counts = f"{part.sheet.num_rows:,} passages of {part.documents:,} documents"
        print(f"{part.label}  {counts}  {output / part.label}.html")


@audit_app.command(
    "import", epilog="Example: glotmill audit import eus_Latn.csv --corpus out/judged --by Ane"
)
def audit_import(
    sheets: Annotated[
        list[Path], typer.Argument(metavar="SHEET...", help="Filled sheets; CSV in UTF-8.")
    ],
    corpus: Annotated[str, typer.Option(help="Folder of the corpus.")] = ".",
    by: Annotated[str, typer.Option(help="Who judged, as the card shall say it.")] = "",
) -> None:
    """Take a speaker's answers into a corpus: how sure it is that its texts are in their languages,
    on its card."""
    from pipelines.finished.proof import take_answers
    from pipelines.staging.store import Store

    contents = []
    for sheet in sheets:
        try:
            contents.append(sheet.read_bytes())
        except OSError as error:
            raise MisuseError(
                f"SHEET must be a file that can be read, got {str(sheet)!r}: {error.strerror}"
            ) from None
    for proof in take_answers(Store(corpus), contents, by):
        answered = sum(stratum.answered for stratum in proof.strata)
        interval = f"95 % interval {proof.low:.1%} to {proof.high:.1%}"
        print(
            f"{proof.label}: {proof.precision:.1%} in the language ({interval}), by {answered:,} answers"
        )
    print(f"card     {corpus}/README.md")


def reading_progress() -> Callable[[str], None]:
    """Say on a terminal which file is read; a file that takes long is the one that is named."""
    if not sys.stderr.isatty():
        return lambda _: None
    return lambda path: print(f"\r\x1b[Kreading {path}", end="", file=sys.stderr, flush=True)


@commands.command(epilog="Example: glotmill diff out/quickstart out/quickstart")
def diff(
    old: Annotated[
        str, typer.Argument(metavar="OLD", help="Folder of the earlier version of a corpus.")
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Folder of the later version.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the difference as JSON, for programs.")
    ] = False,
) -> None:
    """Show what changed between two versions of a corpus: documents, figures, versions, recipe.

    A document is rewritten if its id stayed and its text did not, moved if its language or script
    changed. Exit 0: no difference. 1: there are some.
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


@commands.command(
    epilog="Example: ssh-keygen -q -t ed25519 -N '' -f key && glotmill sign out/quickstart --key key"
)
def sign(
    corpus: CorpusArgument,
    key: Annotated[
        Path,
        typer.Option(
            help="Private key of OpenSSH, or a public one whose private half an agent has."
        ),
    ],
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
        Path | None,
        typer.Option(help="File of allowed signers: a name and a public key on each line."),
    ] = None,
) -> None:
    """Check that a corpus was signed, and by whom. `glotmill audit` then checks its files against
    the manifest.

    Exit 0: the signature holds. 1: it does not, or there is none, or its key is not one of the
    signers.
    """
    from pipelines.finished.signing import verify as verify_corpus
    from pipelines.staging.store import Store

    print(verify_corpus(Store(corpus), signers))
