"""`glotmill lm`: language models of trusted text, by which a recipe judges documents."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from schemas.failures import MisuseError

lm_app = typer.Typer(
    help="Train and try language models of characters.",
    epilog="Example: glotmill lm train trusted.txt --output eus.arpa",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE...", help="Parquet files, or text files with one document in each line."
    ),
]
TextColumn = Annotated[str, typer.Option(help="Column of Parquet files with the text.")]


@lm_app.command(
    "train",
    epilog="Example: glotmill lm train out/quickstart/data/eus_Latn/*.parquet trusted.txt --output eus.arpa",
)
def lm_train(
    files: Files,
    output: Annotated[
        Path,
        typer.Option(help="Model to write, an ARPA file; its reference is written next to it."),
    ],
    order: Annotated[
        int, typer.Option(min=1, max=12, help="Characters of the longest n-grams.")
    ] = 6,
    text_column: TextColumn = "text",
    held_out_share: Annotated[
        float,
        typer.Option(min=0.01, max=0.9, help="Share of the documents kept for the reference."),
    ] = 0.1,
    max_code_points: Annotated[
        int,
        typer.Option(
            min=1000, help="Most code points to learn from; a million takes about 150 MB."
        ),
    ] = 5_000_000,
    trainer: Annotated[str, typer.Option(help="own, or lmplz (KenLM's, on the PATH).")] = "own",
) -> None:
    """Train a language model on trusted text, and measure what such text scores.

    A recipe names it: [[ingest]] stage = "language_model", models = { eus_Latn = "eus.arpa" }.
    Trusted is what speakers wrote or checked, of the kind that the corpus is to have; some 200 kB
    are enough.
    """
    from stages.language_models.training import (
        LanguageModelTraining,
        read_documents,
        train_language_model,
    )

    if trainer not in ("own", "lmplz"):
        raise MisuseError(f"--trainer must be own or lmplz, got {trainer!r}")
    try:
        texts = read_documents(files, text_column)
        options = LanguageModelTraining(
            order, held_out_share, max_code_points, "own" if trainer == "own" else "lmplz"
        )
        report = train_language_model(texts, output, options)
    except (ValueError, OSError) as error:
        raise MisuseError(" ".join(str(error).split())) from None
    print(
        f"learned  {report.documents:,} documents, {report.code_points:,} code points, {report.ngrams:,} n-grams"
    )
    low, middle, high = (report.reference.quantiles[place] for place in (1, 50, 99))
    print(f"held out {report.reference.documents:,} documents, {report.bits:.3f} bits a character")
    print(
        f"         1 % of them have under {low:.2f}, half under {middle:.2f}, 99 % under {high:.2f}"
    )
    print(f"model    {output}, {report.size_bytes / 1e6:.1f} MB, sha256 {report.sha256}")


@lm_app.command("reference", epilog="Example: glotmill lm reference eus.arpa news.parquet")
def lm_reference(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="An ARPA file of characters.")],
    files: Files,
    text_column: TextColumn = "text",
) -> None:
    """Measure another reference for a model: trusted text of the kind that it is to judge, not
    trained on."""
    from stages.language_models.arpa import read_arpa
    from stages.language_models.reference import measure_reference, reference_path, write_reference
    from stages.language_models.training import read_documents

    try:
        reference = measure_reference(
            read_arpa(model), read_documents(files, text_column).to_arrow()
        )
        write_reference(reference, model)
    except (ValueError, OSError) as error:
        raise MisuseError(" ".join(str(error).split())) from None
    print(f"{reference_path(model)}: written; documents {reference.documents:,}")


@lm_app.command("score", epilog="Example: echo 'Kaixo, zer moduz?' | glotmill lm score eus.arpa")
def lm_score(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="An ARPA file, with its reference in the same folder."
        ),
    ],
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT]...", help="Texts; else lines of stdin.")
    ] = None,
) -> None:
    """Score each text: bits a character, and the share of the reference that is likelier."""
    import pyarrow as pa

    from stages.language_models.reference import bits_per_character, load_judged

    given = texts or [line.rstrip("\n") for line in sys.stdin]
    try:
        judged = load_judged(model)
    except (ValueError, OSError) as error:
        raise MisuseError(str(error)) from None
    bits = bits_per_character(judged.model, pa.array(given, pa.large_string()))
    for text, value, percentile in zip(
        given, bits, judged.reference.percentiles(bits), strict=True
    ):
        print(f"{value:.3f}\t{percentile:.2f}\t{text[:60]}")
