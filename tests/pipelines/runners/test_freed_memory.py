"""Memory that arrays leave is there for the next ones."""

from __future__ import annotations

import ctypes
import os
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


# Buffers of 9 MB together, made and freed thirty times with pauses: 66,000 pages, likewise.
BUFFERS = """
import resource, time
{first}
import numpy as np
import pyarrow as pa
assert pa.default_memory_pool().backend_name == "mimalloc"
for _ in range(30):
    buffers = [pa.allocate_buffer(3_000_000) for _ in range(3)]
    for buffer in buffers:
        np.frombuffer(buffer, np.uint8)[:] = 1
    del buffers, buffer
    time.sleep(0.03)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


def pages_given(first: str, program: str = ARRAYS, **environment: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", program.format(first=first)],
        capture_output=True,
        check=True,
        env={**os.environ, **environment},
    )
    return int(done.stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="glibc alone has mallopt")
def test_freed_arrays_are_not_given_back() -> None:
    keep = "from pipelines.runners.freed_memory import keep_freed_memory; keep_freed_memory()"
    kept, given_back = pages_given(keep), pages_given("")
    assert kept < 30_000 < 60_000 < given_back
    assert pages_given("import pipelines.runners.worker_imports") < 60_000, "workers do not keep it"


def test_freed_buffers_of_arrow_are_not_given_back_at_once() -> None:
    keep = "import pipelines.command_line.app as app; app.let_mimalloc_keep_freed_memory()"
    kept, asked = pages_given(keep, BUFFERS), pages_given(keep, BUFFERS, MIMALLOC_PURGE_DELAY="10")
    assert kept + 10_000 < asked, "what the environment says comes first"
