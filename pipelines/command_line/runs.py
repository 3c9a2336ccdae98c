"""`glotmill plan`, `run` and `status`: what a recipe would do, doing it, and how far it is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.command_line.arguments import (
    AllowCodeOption,
    CorpusArgument,
    JsonOption,
    LimitOption,
    RecipeArgument,
    print_json_lines,
)
from schemas.failures import MisuseError

if TYPE_CHECKING:
    from pipelines.build.plan import Plan

commands = typer.Typer()

SUBSETS_SHOWN = 10
# of input, which one worker is through with before another one has loaded its models
SMALL_BYTES = 1 << 20

is_program = False  # nothing but this command goes on in this process


@commands.command(epilog="Example: glotmill plan pipelines/recipes/quickstart.toml")
def plan(
    recipe: RecipeArgument,
    splits: Annotated[
        bool, typer.Option("--splits", help="List every split, not only sums.")
    ] = False,
    runner: Annotated[
        str,
        typer.Option(
            help="`dataflow`: also estimate vCPU hours, shuffle volume, requests and cost; one split of each source "
            "is read to count documents."
        ),
    ] = "local",
    limit: LimitOption = None,
    allow_code: AllowCodeOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a recipe would do: splits, bytes, stages, versions, models. Nothing is run."""
    from pipelines.build.plan import make_plan

    if runner not in ("local", "dataflow"):
        raise MisuseError(f"only dataflow has an estimate, got --runner {runner}")
    planned = make_plan(recipe, limit=limit, allow_code=allow_code)
    if as_json:
        print(planned.model_dump_json(indent=1, exclude={"recipe_text"}))
    else:
        _show_plan(planned, splits)
    if runner == "dataflow":
        _show_estimate(planned, as_json)


@commands.command(
    epilog="Example: glotmill run pipelines/recipes/quickstart.toml --output out/quickstart"
)
def run(
    recipe: RecipeArgument,
    output: Annotated[
        str,
        typer.Option(
            help="Folder of the corpus; any fsspec URL. By default out/ and the corpus's name."
        ),
    ] = "",
    workers: Annotated[
        int, typer.Option(min=0, help="Worker processes on this machine; 0: one for each core.")
    ] = 0,
    runner: Annotated[
        str,
        typer.Option(
            help="`local`, `dask`, `prism`, `dataflow`, `flink`, `spark`, or a Beam runner by its class."
        ),
    ] = "local",
    project: Annotated[
        str, typer.Option(help="Of `--runner dataflow`: the Google Cloud project that pays.")
    ] = "",
    region: Annotated[
        str, typer.Option(help="Of `--runner dataflow`: where workers run, as europe-west1.")
    ] = "",
    staging: Annotated[
        str,
        typer.Option(
            help="Of `--runner dataflow`: a gs:// folder for what workers need: packages, files of the recipe."
        ),
    ] = "",
    block_bytes: Annotated[
        int,
        typer.Option(
            min=1024, help="Text that a worker holds at a time, in bytes; never changes the output."
        ),
    ] = 32 << 20,
    max_edges: Annotated[
        int,
        typer.Option(
            min=0,
            help="Up to this many edges between candidates are clustered in memory (80 bytes each), more of them "
            "through the shuffle. Never changes the output.",
        ),
    ] = 50_000_000,
    limit: LimitOption = None,
    allow_code: AllowCodeOption = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Discard what an earlier run left in --output.")
    ] = False,
    keep_staging: Annotated[
        bool,
        typer.Option(
            "--keep-staging", help="Leave the intermediate files of the run in --output/staging."
        ),
    ] = False,
    beam_options: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- BEAM OPTION]...", help="Options for the Beam runner."),
    ] = None,
) -> None:
    """Build the corpus. After a stop of any kind, the same command goes on where the run
    stopped."""
    from dataclasses import replace

    from rich.console import Console

    from pipelines.build.elsewhere import worker_site
    from pipelines.build.output import BuildOptions, build, first_contact
    from pipelines.build.plan import make_plan, output_of
    from pipelines.catalogue.stage_checks import dropped_kin, seldom_labels, unmatched_labels
    from pipelines.command_line.progress import progress_of, stopped_run
    from pipelines.runners.beam_runners import beam_runner, require_runner, require_service
    from pipelines.runners.dataflow import DATAFLOW, dataflow_runner
    from pipelines.runners.local import LOCAL, Runner, fork_server, warm_up
    from pipelines.runners.without_pandas import let_arrow_do_without_pandas
    from pipelines.staging.corpus import read_card
    from pipelines.staging.store import Store, is_local

    let_arrow_do_without_pandas()
    likely = output_of(_name_in(recipe), output, limit)
    if is_local(likely):
        # before the input is looked at, which may have changed since the other run planned it
        Store(likely).require_unlocked()
    if runner == LOCAL and (restart or not Path(likely, "manifest.json").is_file()):
        if is_program:
            import pipelines.build.run  # noqa: F401  # so that workers need not import it again

            fork_server()
        warm_up()  # while this process plans
    if beam_options and runner == LOCAL:
        raise MisuseError(f"the local runner takes no Beam options, got {' '.join(beam_options)}")
    name, options = runner, tuple(beam_options or ())
    given = {"project": project, "region": region, "staging": staging}
    if runner == DATAFLOW:
        name, options = dataflow_runner(given, options, output or "out")
    elif own := [f"--{option}" for option, value in given.items() if value]:
        raise MisuseError(f"{', '.join(own)} is for --runner dataflow, got --runner {runner}")
    elif runner != LOCAL:
        name, options = beam_runner(runner, options, output or "out")
    if runner != LOCAL:
        require_service(options)
    planned = make_plan(recipe, output, limit, allow_code=allow_code)
    target = output_of(planned.recipe.corpus.name, output, limit)
    machine = Runner(
        name=name,
        beam_options=options,
        max_edges=max_edges,
        announce=lambda job: print(f"glotmill: {job}", file=sys.stderr),
    )
    if runner == DATAFLOW:
        machine = replace(machine, site=worker_site(planned, staging))
    if runner != LOCAL:  # last: Beam takes seconds to import
        require_runner(name, options)
    weights = {split.id: split.size_bytes for split in planned.splits}
    if workers or sum(weights.values()) < SMALL_BYTES:
        machine = replace(machine, workers=workers or 1)
    with first_contact(target):
        so_far = "" if restart else stopped_run(Store(target))
    if so_far:
        print(f"glotmill: going on with the run in {target}: {so_far}", file=sys.stderr)
    with progress_of(Console(stderr=True), weights) as report:
        how = BuildOptions(block_bytes, restart, keep_staging)
        manifest = build(planned, target, machine, report, how)
    _show_result(manifest, target)
    published = {
        file.path.split("/")[1] for file in manifest.files if file.path.startswith("data/")
    }
    for warning in seldom_labels(planned.recipe):
        print(f"glotmill: {warning}", file=sys.stderr)
    if unmatched := unmatched_labels(planned.recipe, published):
        fates = read_card(Store(target)).fates
        for label in unmatched:
            kin = ", ".join(
                f"{other} ({count:,})" for other, count in dropped_kin(label, fates).items()
            )
            dropped = f"; dropped were documents in {kin}" if kin else ""
            print(
                f"glotmill: keep names {label}, and no published document has it{dropped}",
                file=sys.stderr,
            )
    for split in manifest.splits:
        if split.error:
            print(
                f"glotmill: {split.path} is left out, in whole or in part: {split.error}",
                file=sys.stderr,
            )
    told = planned.recipe.withdrawn and read_card(Store(target)).withdrawal
    for row in told.counts if told else ():
        if row.unmatched:
            print(
                f"glotmill: {row.unmatched:,} of {row.entries:,} withdrawals by {row.kind} name nothing that was read",
                file=sys.stderr,
            )
    if not any(file.path.startswith("data/") for file in manifest.files):
        taken = sum(record.dropped for record in manifest.phases if record.phase == "withdraw")
        why = f", and {taken:,} were withdrawn" if taken else ""
        print(
            f"glotmill: no document was published{why}; {target}/ledger says why for each of them",
            file=sys.stderr,
        )
        raise typer.Exit(1)


@commands.command(epilog="Example: glotmill status out/quickstart")
def status(corpus: CorpusArgument, as_json: JsonOption = False) -> None:
    """Show how far a run is, from any terminal, by the marks that its finished splits left."""
    from pipelines.command_line.progress import minutes, read_status
    from pipelines.staging.corpus import read_manifest
    from pipelines.staging.store import Store

    store = Store(corpus)
    if store.exists("manifest.json"):
        files = read_manifest(store).files
        published = sum(file.rows or 0 for file in files if file.path.startswith("data/"))
        if as_json:
            print_json_lines([{"phase": "finished", "published": published, "files": len(files)}])
        else:
            print(f"{corpus}: finished, {published:,} documents published in {len(files)} files")
        return
    found = read_status(store)
    if as_json:
        print_json_lines([found._asdict()])
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


def _show_estimate(planned: Plan, as_json: bool) -> None:
    from pipelines.build.dataflow_estimate import estimate
    from stages.reading.sources import count_records

    sources = {source.name: source for source in planned.recipe.sources}
    found = estimate(planned, lambda split: count_records(split, sources[split.source]))
    if as_json:
        print_json_lines([found._asdict()])
        return
    print(
        f"dataflow about {found.documents:,} documents: {found.vcpu_hours:,.2f} vCPU hours, "
        f"{found.shuffle_bytes / 1e9:,.3f} GB shuffled, {found.requests:,} storage requests, "
        f"{found.dollars:,.2f} US dollars; docs/dataflow.md says what is not counted"
    )


def _name_in(recipe: Path) -> str:
    """Read the name of a corpus; empty if the recipe has none that is sound, which the plan will
    say."""
    import tomllib

    from schemas.recipe import CorpusConfig

    try:
        with recipe.open("rb") as file:
            return CorpusConfig.model_validate(tomllib.load(file)["corpus"]).name
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _show_plan(planned: Plan, every_split: bool) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from pipelines.catalogue.stage_checks import labels_meant, seldom_labels

    console = Console()
    recipe = planned.recipe
    table = Table(title=f"sources of {recipe.corpus.name}", title_justify="left")
    for heading in ("source", "format", "files", "splits", "MB"):
        table.add_column(heading, justify="left" if heading in ("source", "format") else "right")
    for source in recipe.sources:
        own = [split for split in planned.splits if split.source == source.name]
        paths = {file.path for split in own for file in split.files}
        size = sum(split.size_bytes for split in own) / 1e6
        table.add_row(
            source.name, source.format, f"{len(paths):,}", f"{len(own):,}", f"{size:,.1f}"
        )
    console.print(table)
    if every_split:
        for split in planned.splits:
            print(
                f"  {split.id}  {split.source}  {split.path}  {split.start}..{split.end}  {split.size_bytes:,} bytes"
            )
    for meaning in labels_meant(recipe):
        console.print(f"label    {escape(meaning)}", highlight=False)
    for warning in seldom_labels(recipe):
        console.print(f"warning  {escape(warning)}", highlight=False)
    for phase, stages in (
        ("ingest", recipe.ingest),
        ("dedup", recipe.dedup),
        ("augment", recipe.augment),
    ):
        for stage in stages:
            options = ", ".join(
                f"{name}={value!r}" for name, value in stage.model_dump(exclude={"stage"}).items()
            )
            console.print(f"{phase:8} {stage.stage}  [dim]{escape(options)}[/dim]", highlight=False)
    for strategy in recipe.synthesize:
        given = strategy.model_dump(exclude={"strategy"}, exclude_defaults=True)
        shown = ", ".join(f"{name}={value!r}" for name, value in given.items())
        console.print(f"synthesize {strategy.name}  [dim]{escape(shown)}[/dim]", highlight=False)
    if recipe.decontaminate:
        given = recipe.decontaminate.model_dump(exclude={"stage", "evaluation_sets"})
        shown = ", ".join(f"{name}={value!r}" for name, value in given.items())
        console.print(f"decontaminate  [dim]{escape(shown)}[/dim]", highlight=False)
    for found in planned.evaluation_sets:
        size = sum(file.file.file_bytes for file in found.files) / 1e6
        where = (
            f"{found.source.hub} at {found.revision}"
            if found.source.hub
            else ", ".join(found.source.paths)
        )
        line = f"evaluation set {found.source.name}: {len(found.files):,} files, {size:,.1f} MB, {where}"
        console.print(escape(line), highlight=False)
    for model in planned.models:
        console.print(
            f"model    {escape(model.name)} {escape(model.version)} {model.sha256 or ''}",
            highlight=False,
        )
    for index in planned.indexes:
        identity = f"{index.corpus} {index.version}, {index.documents:,} documents, {index.sha256}"
        console.print(
            f"index    {escape(index.path)} [dim]{escape(identity)}[/dim]", highlight=False
        )
    versions = ", ".join(f"{name} {version}" for name, version in planned.packages.items())
    console.print(f"versions {escape(versions)}", highlight=False)


def _show_result(manifest: Any, target: str) -> None:
    from rich.console import Console
    from rich.table import Table

    from data_cards.languages import is_language, language_facts
    from schemas.card.splits import subset_to_load

    rows: dict[str, list[int]] = {}
    for file in manifest.files:
        if file.path.startswith("data/"):
            entry = rows.setdefault(file.path.split("/")[1], [0, 0])
            entry[0] += file.rows or 0
            entry[1] += file.bytes
    largest = sorted(
        rows.items(), key=lambda item: (not is_language(item[0]), -item[1][0], -item[1][1], item[0])
    )
    counted = f"{len(rows)} language{'s' * (len(rows) != 1)} and script{'s' * (len(rows) != 1)}"
    table = Table(title=f"{counted}, those with most documents first", title_justify="left")
    for heading in ("label", "language", "documents", "kB"):
        table.add_column(heading, justify="right" if heading in ("documents", "kB") else "left")
    for label, (documents, size) in largest[:SUBSETS_SHOWN]:
        table.add_row(label, language_facts(label).name, f"{documents:,}", f"{size / 1e3:,.1f}")
    if more := largest[SUBSETS_SHOWN:]:
        documents, size = (
            sum(amounts) for amounts in zip(*(entry for _, entry in more), strict=True)
        )
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
        print(
            f"failed   {failed:,}: the reasons are in {target}/ledger, what was read of their bytes in {target}/rejects"
        )
    print(f"corpus   {target}/data")
    print(f"card     {target}/README.md")
    print(f"report   {target}/report.html")
    filled = {
        (part[1], part[2].split("-")[0])
        for part in (file.path.split("/") for file in manifest.files)
        if part[0] == "data"
    }
    labels = [label for label, _ in largest]
    if found := subset_to_load(labels, filled):
        label, split = found
        print("next     open the report in a browser, or load the corpus or one language in Python")
        print("         (pip install datasets):")
        print(f'         datasets.load_dataset("{target}", split="{split}")')
        print(f'         datasets.load_dataset("{target}", "{label}", split="{split}")')
