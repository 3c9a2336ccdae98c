"""`glotmill engines`: which engines work here, for which languages, and how to install more."""

from __future__ import annotations

from typing import Annotated

import typer

commands = typer.Typer()


@commands.command("engines", epilog="Example: glotmill engines --language eus")
def engines(
    language: Annotated[
        str,
        typer.Option(help="Show only directions from or to this language, by its ISO 639 code."),
    ] = "",
    check: Annotated[
        bool, typer.Option(help="Start every engine, and check that it answers.")
    ] = False,
) -> None:
    """List the engines of translation that work here, their directions, and what can be
    installed."""
    from schemas.failures import MisuseError
    from schemas.language import one_code, to_iso639_3
    from stages.engines.apertium import NOT_USABLE, PACKAGES, Apertium, installed_modes, pairs_of
    from stages.engines.engine import EngineError
    from stages.engines.optional import EXTRAS, is_installed

    wanted = to_iso639_3(language) if language else None
    if language and wanted is None:
        raise MisuseError(f"--language must be an ISO 639 code, such as eus, got {language!r}")
    wanted = one_code(wanted) if wanted else None
    print("engine\tfrom\tto\tmodel\tstate")
    modes = installed_modes()
    for (source, target), names in sorted(modes.items()):
        if wanted in (None, source, target):
            for name in names:
                state = NOT_USABLE.get(
                    "-".join(part.partition("_")[0] for part in name.split("-")[:2]), "installed"
                )
                if check and state == "installed":
                    engine = Apertium(None, name, timeout_seconds=20)
                    try:
                        engine.check()
                        state = "answers"
                    except EngineError as error:
                        state = str(error)
                    finally:
                        engine.close()
                print("apertium", source, target, name, state, sep="\t")
    there = {frozenset(pair) for pair in modes}
    for package in PACKAGES:
        pair = pairs_of(package)
        if not any(pair & own == own for own in there) and (wanted is None or wanted in pair):
            print(
                "apertium", *sorted(pair)[:2], "-", f"apt-get install apertium-{package}", sep="\t"
            )
    for name, extra in EXTRAS.items():
        state = "installed" if is_installed(name) else extra.command
        print(name, "any", "any", extra.model, state, sep="\t")
    print("pivot", "any", "any", "two engines, `via` a third language", "installed", sep="\t")
    print("recorded", "any", "any", "folders of responses, by `reuse`", "installed", sep="\t")
