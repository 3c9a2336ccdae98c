"""The commands that learn quality limits from good text, and apply other limits to a finished
corpus."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from schemas.failures import MisuseError

commands = typer.Typer()


@commands.command(
    epilog="Example: glotmill refilter out/signals --options stricter.toml --output out/stricter"
)
def refilter(
    corpus: Annotated[
        str, typer.Argument(metavar="DIR", help="Folder of a corpus with quality signals.")
    ],
    options: Annotated[
        Path | None,
        typer.Option(
            help="TOML file with options of filter_quality: families, limits, thresholds."
        ),
    ] = None,
    output: Annotated[
        str, typer.Option(help="Folder to write to; without it documents are only counted.")
    ] = "",
) -> None:
    """Apply other limits of filter_quality to a corpus, from the signals that it holds."""
    import tomllib

    from pydantic import ValidationError

    from pipelines.finished.refilter import measured_by
    from pipelines.finished.refilter import refilter as judge_anew
    from pipelines.staging.store import Store
    from stages.quality.learned_limits import load_limits, require_limits_for
    from stages.quality.options import QualityFilteringConfig

    try:
        given = tomllib.loads(options.read_text(encoding="utf-8")) if options else {}
        config = QualityFilteringConfig.model_validate(given)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MisuseError(f"--options must be a TOML file, got {str(options)!r}: {error}") from None
    except ValidationError as error:
        lines = [
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()
        ]
        raise MisuseError(f"{options}: {'; '.join(lines)}") from None
    measured = measured_by(Store(corpus), config)
    config = config.model_copy(update={"segmenter": measured.segmenter})
    table = None
    if config.learned:
        try:
            table = load_limits(
                str(Path(options.resolve().parent if options else "", config.learned))
            )
            require_limits_for(table, *measured, config.learned)
        except (OSError, ValueError) as error:
            raise MisuseError(f"{options}: learned: {error}") from None
    found = judge_anew(Store(corpus), config, Store(output) if output else None, table)
    for (label, rule), count in sorted(
        found.dropped.items(), key=lambda item: (item[0][0], -item[1], item[0][1])
    ):
        print(f"{label}\t{rule}\t{count:,}")
    dropped = found.dropped.total()
    print(f"{found.kept + dropped:,} documents = {found.kept:,} kept + {dropped:,} dropped")


@commands.command(
    epilog="Example: glotmill tune out/trusted --output limits.toml --report limits.html"
)
def tune(
    references: Annotated[
        list[str],
        typer.Argument(
            metavar="REFERENCE...",
            help="Text known to be good: folders of finished corpora, or Parquet or JSON lines (.jsonl) with texts.",
        ),
    ],
    output: Annotated[
        Path, typer.Option(help='Table to write, which a recipe names: learned = "limits.toml".')
    ],
    report: Annotated[Path | None, typer.Option(help="HTML page to write, with charts.")] = None,
    method: Annotated[
        str,
        typer.Option(
            help="budget, or one rule at a time: tail, or what carries over the limits of English: mean_std, quantile, "
            "median_ratio."
        ),
    ] = "budget",
    budget: Annotated[
        float, typer.Option(help="Share of good pages that all rules together drop (budget).")
    ] = 0.1,
    tail: Annotated[
        float, typer.Option(help="Share of good pages that each rule alone drops (tail).")
    ] = 0.1,
    label: Annotated[
        str, typer.Option(help="Language and script of all texts, as eus_Latn, if no column says.")
    ] = "",
    segmenter: Annotated[
        str, typer.Option(help="What divides unspaced text, an option of filter_quality.")
    ] = "auto",
) -> None:
    """Learn the limits of filter_quality for each language from text that is known to be good."""
    from typing import cast, get_args

    from pipelines.finished.tune import tune as learn_limits
    from pipelines.finished.tune import warnings
    from schemas.language import parse_label
    from schemas.quality_limits import ALL, Method
    from stages.quality.segmenters import Segmenter, default_segmenter
    from stages.quality.tuning import Way

    if method not in get_args(Method):
        raise MisuseError(f"--method must be one of {', '.join(get_args(Method))}, got {method!r}")
    if segmenter not in ("auto", *get_args(Segmenter)):
        raise MisuseError(
            f"--segmenter must be one of auto, {', '.join(get_args(Segmenter))}, got {segmenter!r}"
        )
    for name, share in (("budget", budget), ("tail", tail)):
        if not 0 < share < 0.5:
            raise MisuseError(f"--{name} must be between 0 and 0.5, got {share}")
    try:
        if label:
            parse_label(label)
        chosen = default_segmenter() if segmenter == "auto" else cast("Segmenter", segmenter)
        way = Way(cast("Method", method), budget if method == "budget" else tail)
        found = learn_limits(references, label, way, chosen)
    except (ValueError, ImportError) as error:
        raise MisuseError(str(error)) from None
    output.write_text(found.table.to_toml(), encoding="utf-8")
    if report:
        report.write_text(found.page, encoding="utf-8")
    for name, one in sorted(found.table.languages.items()):
        wrong = f"{one.false_positives[ALL]:.1%}" if ALL in one.false_positives else "-"
        print(f"{name}\t{one.pages:,} pages\t{len(one.limits)} limits\tfalse positives {wrong}")
    for line in warnings(found):
        print(f"warning: {line}", file=sys.stderr)
