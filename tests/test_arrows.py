"""The arrows of the source tree: which package may import which. Imports are read from the source,
none is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
LAYERS = ["schemas", "stages", "data_cards", "pipelines"]  # each may import those before it
PIPELINES = ["staging", "runners", "catalogue", "phases", "build", "finished", "command_line"]
APART = {
    ("stages", "data_cards"),
    ("data_cards", "stages"),
    ("runners", "catalogue"),
    ("build", "finished"),
}
OPEN_TO_ALL = {"reading", "engines"}  # families of stages that any other may import


def imports() -> Iterator[tuple[list[str], list[str]]]:
    for layer in LAYERS:
        for path in sorted((ROOT / layer).rglob("*.py")):
            module = list(path.relative_to(ROOT).with_suffix("").parts)
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                names += (
                    [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                )
                yield from (
                    (module, name.split(".")) for name in names if name.split(".")[0] in LAYERS
                )


def is_against(importer: list[str], imported: list[str]) -> bool:
    for level, order in ((0, LAYERS), (1, PIPELINES)):
        if min(len(importer), len(imported)) > level and {importer[level], imported[level]} <= set(
            order
        ):
            below, above = order.index(imported[level]), order.index(importer[level])
            if below > above or (importer[level], imported[level]) in APART:
                return True
    families = [
        parts[1] for parts in (importer, imported) if parts[0] == "stages" and len(parts) > 2
    ]
    return len(families) == 2 and families[0] != families[1] and families[1] not in OPEN_TO_ALL


def test_imports_point_down() -> None:
    pairs = list(imports())
    found = [
        (*importer, "imports", *imported)
        for importer, imported in pairs
        if is_against(importer, imported)
    ]
    assert not found, "\n".join(".".join(each).replace(".imports.", " imports ") for each in found)
    assert len(pairs) > 500
