"""The shape of functions: how many values a caller has to keep in mind. Functions are read from the
source, none is run.

A command of the command line takes a parameter for each of its options, as Typer reads them from
its signature: commands alone are let off.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
MOST_PARAMETERS = 5
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions() -> Iterator[tuple[str, Function]]:
    for layer in ("schemas", "stages", "data_cards", "pipelines"):
        for path in sorted((ROOT / layer).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, Function):
                    yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node


def parameters(function: Function) -> list[str]:
    given = function.args
    several = [each for each in (given.vararg, given.kwarg) if each]
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs, *several]
    return [each.arg for each in named if each.arg not in ("self", "cls")]


def is_command(place: str, function: Function) -> bool:
    calls = (each for each in function.decorator_list if isinstance(each, ast.Call))
    return place.startswith("pipelines/command_line/") and any(
        isinstance(each.func, ast.Attribute) and each.func.attr in ("command", "callback")
        for each in calls
    )


def test_functions_take_few_parameters() -> None:
    found = dict(functions())
    over = [
        f"{place}({', '.join(parameters(function))})"
        for place, function in found.items()
        if len(parameters(function)) > MOST_PARAMETERS and not is_command(place, function)
    ]
    assert not over, "\n".join(over)
    assert len(found) > 2000
