"""Law 5: the peak memory of a map phase depends on block and part size, never on how much there is
to read.

A single document is never cut: memory grows with the largest one, by at most six times its size.
"""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.laws.mixed_corpus import passages
from tests.recipes import one_source
from tests.running import processes_in, start

RECIPE = """
[corpus]
name = "memory"

[engine]
split_bytes = 2_000_000
part_bytes = 1_000_000

[publish]
row_group_bytes = 1_000_000
shard_bytes = 3_000_000

[[sources]]
name = "lines"
format = "jsonl"
paths = ["lines.jsonl"]

[[ingest]]
stage = "identify_language"
"""


def peak_memory(folder: Path, documents: int) -> int:
    """Run one worker over so many documents; return the highest peak of any of its processes, in
    KiB."""
    folder.mkdir()
    texts, numbers = passages(), random.Random(5)
    with (folder / "lines.jsonl").open("w") as file:
        for _ in range(documents):
            file.write(json.dumps({"text": f"{numbers.choice(texts)} {numbers.random()}"}) + "\n")
    (folder / "memory.toml").write_text(RECIPE)
    return peak_of_run(folder, "--block-bytes", "500000")


def peak_of_run(folder: Path, *options: str) -> int:
    process = start(folder / "memory.toml", folder / "out", "--workers", "1", *options)
    peak = 0
    while process.poll() is None:
        for pid in processes_in(process.pid):
            peak = max(peak, _high_water_mark(pid))
        time.sleep(0.05)
    assert process.returncode == 0, process.communicate()[1]
    return peak


def _high_water_mark(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0  # it ended while we looked
    return next(
        (int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0
    )


def test_ten_times_the_input_takes_the_same_memory(tmp_path: Path) -> None:
    small = peak_memory(tmp_path / "small", 4_000)
    large = peak_memory(tmp_path / "large", 40_000)
    assert large < small * 1.10, f"{small} KiB for 4,000 documents, {large} KiB for 40,000"


LONG = (
    one_source("memory", "long", kind="{format}")
    + """
[[ingest]]
stage = "identify_language"

[[ingest]]
stage = "normalize"

[[dedup]]
stage = "exact"

[[dedup]]
stage = "near"
"""
)


def peak_of_long_document(folder: Path, form: str, megabytes: int) -> int:
    folder.mkdir()
    texts, numbers = passages(), random.Random(5)
    text = ""
    while len(text.encode()) < megabytes * 1_000_000:
        text += "".join(
            f"{numbers.choice(texts)} e\u0301 {numbers.random()}\n" for _ in range(20_000)
        )
    text = text.encode()[: megabytes * 1_000_000].decode("utf-8", "ignore")
    if form == "text":
        (folder / "long.text").write_text(text)
    else:
        pq.write_table(
            pa.table({"text": pa.array([text], pa.large_string())}), folder / "long.parquet"
        )
    (folder / "memory.toml").write_text(LONG.format(format=form))
    return peak_of_run(folder)


@pytest.mark.parametrize("form", ["text", "parquet"])
def test_a_long_document_takes_at_most_six_times_its_size(form: str, tmp_path: Path) -> None:
    # Both are worked on in pieces, so that what does not grow with a document is in both.
    small, large = 9, 36
    first, second = (
        peak_of_long_document(tmp_path / str(size), form, size) for size in (small, large)
    )
    grown = (second - first) * 1024 / ((large - small) * 1_000_000)
    assert grown <= 6, f"{first} KiB for {small} MB, {second} KiB for {large} MB"
