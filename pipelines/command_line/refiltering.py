"""The command that applies other quality limits to a finished corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from schemas.failures import MisuseError

commands = typer.Typer()


@commands.command(epilog="Example: glotmill refilter out/signals --options stricter.toml --output out/stricter")
def refilter(
    corpus: Annotated[str, typer.Argument(metavar="DIR", help="Folder of a corpus with quality signals.")],
    options: Annotated[
        Path | None,
        typer.Option(help="TOML file with options of filter_quality: families, limits, thresholds."),
    ] = None,
    output: Annotated[str, typer.Option(help="Folder to write to; without it documents are only counted.")] = "",
) -> None:
    """Apply other limits of filter_quality to a corpus, from the signals that it holds."""
    import tomllib

    from pydantic import ValidationError

    from pipelines.finished.refilter import refilter as judge_anew
    from pipelines.staging.store import Store
    from stages.quality.options import QualityFilteringConfig

    try:
        given = tomllib.loads(options.read_text(encoding="utf-8")) if options else {}
        config = QualityFilteringConfig.model_validate(given)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MisuseError(f"--options must be a TOML file, got {str(options)!r}: {error}") from None
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()]
        raise MisuseError(f"{options}: {'; '.join(lines)}") from None
    found = judge_anew(Store(corpus), config, Store(output) if output else None)
    for (label, rule), count in sorted(found.dropped.items(), key=lambda item: (item[0][0], -item[1], item[0][1])):
        print(f"{label}\t{rule}\t{count:,}")
    dropped = found.dropped.total()
    print(f"{found.kept + dropped:,} documents = {found.kept:,} kept + {dropped:,} dropped")
