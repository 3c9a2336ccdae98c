"""Memory that arrays leave is there for the next ones."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

# Arrays of 9 MiB together, made and freed fifty times: 115,000 pages, if all are given back.
ARRAYS = """
import resource
import numpy as np
{first}
for _ in range(50):
    arrays = [np.ones(3 << 17) for _ in range(3)]
    del arrays
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


def pages_given(first: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", ARRAYS.format(first=first)], capture_output=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="glibc alone has mallopt")
def test_freed_arrays_are_not_given_back() -> None:
    keep = "from pipelines.runners.freed_memory import keep_freed_memory; keep_freed_memory()"
    kept, given_back = pages_given(keep), pages_given("")
    assert kept < 30_000 < 60_000 < given_back
    assert pages_given("import pipelines.runners.worker_imports") < 60_000, "workers do not keep it"
