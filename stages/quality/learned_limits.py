"""Read a table of limits, and refuse one that holds for other signals or other words
(schemas/quality_limits.py)."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from schemas.orthography import words_are_spaced
from schemas.quality_limits import LimitsTable
from schemas.quality_signals import SIGNALS_VERSION
from stages.quality.rules import RULE_NAMES


@cache
def load_limits(path: str) -> LimitsTable:
    """Read a table. Raises ValueError in one line if the file is none or not there, OSError if it
    cannot be read."""
    try:
        table = LimitsTable.model_validate(tomllib.loads(Path(path).read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ValueError(
            f"there is no table of limits {path}; learn one by glotmill tune"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ValueError(
            f"{path} is no table of limits: {' '.join(str(problem).split())}"
        ) from None
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{path} is no table of limits: {place}: {first['msg']}") from None
    unknown = sorted(
        {name for one in table.languages.values() for name in one.limits} - set(RULE_NAMES)
    )
    if unknown:
        raise ValueError(f"{path} is no table of limits: no rule is called {', '.join(unknown)}")
    return table


def require_limits_for(table: LimitsTable, segmenter: str, version: str, path: str) -> None:
    """Raise ValueError if the limits hold for other signals, or for words of another segmenter or
    another version of it."""
    if table.signals != SIGNALS_VERSION:
        raise ValueError(
            f"{path}: the limits are of {table.signals}, what is measured is {SIGNALS_VERSION}"
        )
    unspaced = [
        label
        for label, one in table.languages.items()
        if one.limits and not words_are_spaced(label)
    ]
    learned = (table.segmenter, table.segmenter_version)
    if unspaced and learned != (segmenter, version):
        raise ValueError(
            f"{path}: the limits of {unspaced[0]} hold for words by {' '.join(learned)}, here words are by "
            f"{segmenter} {version}; run glotmill tune again"
        )
