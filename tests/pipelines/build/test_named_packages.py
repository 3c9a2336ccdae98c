"""The manifest names every package that the stages import: a change of one may change the bytes."""

from __future__ import annotations

import ast
import sys
import unicodedata
from importlib.metadata import packages_distributions
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines.build.plan import CARRIERS, ENGINES, PACKAGES, _packages

ROOT = Path(__file__).parents[3]
OURS = {"data_cards", "pipelines", "schemas", "stages"}


def imported(folder: Path) -> set[str]:
    """Distributions of the modules that are imported anywhere in a folder."""
    names: set[str] = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module)
    others = {name.split(".")[0] for name in names} - OURS - set(sys.stdlib_module_names)
    by_module = packages_distributions()
    return {
        distribution.lower().replace("_", "-")
        for name in others
        for distribution in by_module.get(name, ())
    }


def test_every_package_that_a_stage_imports_is_named() -> None:
    found = imported(ROOT / "stages")
    assert {"numpy", "fonttools", "scipy"} <= found
    found.discard("catboost")  # trains a model that is shipped as numbers; no run imports it
    assert found - {*PACKAGES, *ENGINES, *CARRIERS} == set()
    assert {*PACKAGES, *CARRIERS} - found <= {"glotmill", "apache-beam", "commonlid"}, (
        "named and not imported"
    )


def test_python_and_its_unicode_tables_are_named() -> None:
    packages = _packages()
    assert packages["unicode"] == unicodedata.unidata_version
    assert packages["python"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}.")


def test_the_icu_that_words_are_cut_by_is_named_where_it_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """PyICU stays the same when the system's ICU is replaced, with other dictionaries."""
    monkeypatch.setitem(sys.modules, "icu", SimpleNamespace(ICU_VERSION="99.1"))
    assert _packages()["icu"] == "99.1"
    monkeypatch.setitem(sys.modules, "icu", None)
    assert "icu" not in _packages()
