"""Law 5: the peak memory of a map phase depends on block and part size, never on how much there is to read."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

from tests.laws.mixed_corpus import passages
from tests.laws.running import processes_in, start

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
    """Run one worker over so many documents; return the highest peak of any of its processes, in KiB."""
    folder.mkdir()
    texts, numbers = passages(), random.Random(5)
    with (folder / "lines.jsonl").open("w") as file:
        for _ in range(documents):
            file.write(json.dumps({"text": f"{numbers.choice(texts)} {numbers.random()}"}) + "\n")
    (folder / "memory.toml").write_text(RECIPE)
    process = start(folder / "memory.toml", folder / "out", "--workers", "1", "--block-bytes", "500000")
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
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)


def test_ten_times_the_input_takes_the_same_memory(tmp_path: Path) -> None:
    small = peak_memory(tmp_path / "small", 4_000)
    large = peak_memory(tmp_path / "large", 40_000)
    assert large < small * 1.10, f"{small} KiB for 4,000 documents, {large} KiB for 40,000"
