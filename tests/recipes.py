"""The beginning of a recipe, as most tests need it: a corpus of one source."""

from __future__ import annotations

from typing import Any


def one_source(
    name: str,
    source: str = "pages",
    *,
    kind: str = "jsonl",
    paths: str = "",
    options: str = "",
    **engine: Any,
) -> str:
    """Write a corpus and its source as TOML; stages may follow.

    Files are called as the source, unless `paths` names others. `options` are more lines of the
    source, and `engine` the options of `[engine]`.

    >>> print(one_source("own", split_bytes=2000), end="")
    [corpus]
    name = "own"
    [engine]
    split_bytes = 2000
    [[sources]]
    name = "pages"
    format = "jsonl"
    paths = ["pages.jsonl"]
    """
    lines = ["[corpus]", f'name = "{name}"']
    if engine:
        lines += ["[engine]", *(f"{option} = {value}" for option, value in engine.items())]
    paths = paths or f"{source}.{'txt' if kind == 'text' else kind}"
    lines += ["[[sources]]", f'name = "{source}"', f'format = "{kind}"', f'paths = ["{paths}"]']
    return "\n".join([*lines, *options.splitlines(), ""])
