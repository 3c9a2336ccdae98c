"""What a user may have meant: the known name that is nearest to one that is not known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def unknown(kind: str, given: str, known: Iterable[str]) -> str:
    """Say that a name is not known, which one was likely meant, and which there are.

    >>> unknown("stage", "filter_lenght", ["filter_length", "normalize"])
    "unknown stage 'filter_lenght', did you mean 'filter_length'? (known: filter_length, normalize)"
    """
    names = list(known)
    return f"unknown {kind} {given!r}{did_you_mean(given, names)} (known: {', '.join(names)})"


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """Return `, did you mean 'x'?` for the nearest known name, or nothing if none is near; case
    aside.

    >>> did_you_mean("Normalise", ["normalize"]), did_you_mean("quality", ["normalize"])
    (", did you mean 'normalize'?", '')
    """
    by_small = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(given.casefold(), by_small, 1)
    return f", did you mean {by_small[close[0]]!r}?" if close else ""
