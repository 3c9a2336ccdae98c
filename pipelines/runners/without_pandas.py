"""Keep packages from being imported that others look for and nothing of ours needs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa


@contextmanager
def left_out(*packages: str) -> Iterator[None]:
    """Let the import of some packages fail as if they were not installed, while the block runs."""

    class Finder:
        @staticmethod
        def find_spec(name: str, path: Sequence[str] | None, target: object = None) -> None:
            if name in packages:
                raise ModuleNotFoundError(f"{name} is left out", name=name)

    sys.meta_path.insert(0, Finder)
    try:
        yield
    finally:
        sys.meta_path.remove(Finder)


def let_arrow_do_without_pandas() -> None:
    """Spare this process the import of pandas, 0.3 CPU seconds.

    At the first list that Arrow turns into an array it looks for pandas, once in a process, to ask
    whether the list is a series. `to_pandas` imports it all the same.
    """
    with left_out("pandas"):
        pa.array([None])
