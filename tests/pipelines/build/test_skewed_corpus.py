"""A corpus of which one file holds nine tenths: splits, not files, are what workers wait for."""

from __future__ import annotations

import gzip
import heapq
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipelines.build.plan import make_plan
from tests.recipes import one_source

SPLIT_BYTES = 1 << 16
LINE = json.dumps({"text": "Gizon-emakume guztiak aske jaiotzen dira. " * 5}).encode() + b"\n"
LINES = 45_000  # of the large file, 10 MB; ten others hold a tenth of all


def busiest_share(sizes: Sequence[int], workers: int) -> float:
    """Deal sizes out, largest first, each to the worker that is free first, as runs do; return the
    share of all that the busiest worker has. With n workers it is 1/n at best."""
    loads = [0] * workers
    for size in sorted(sizes, reverse=True):
        heapq.heappush(loads, heapq.heappop(loads) + size)
    return max(loads) / sum(sizes)


@pytest.fixture(scope="module")
def skewed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("skewed")
    (folder / "large.jsonl").write_bytes(LINE * LINES)
    for number in range(10):
        (folder / f"small-{number}.jsonl").write_bytes(LINE * (LINES // 90))
    return folder


def split_sizes(folder: Path, paths: str) -> list[int]:
    recipe = folder / "skewed.toml"
    recipe.write_text(one_source("skewed", paths=paths, split_bytes=SPLIT_BYTES))
    return [split.size_bytes for split in make_plan(recipe).splits]


@pytest.mark.parametrize("workers", [2, 8, 32])
def test_no_worker_has_much_more_than_its_share(skewed: Path, workers: int) -> None:
    files = [file.stat().st_size for file in skewed.glob("*.jsonl")]
    assert busiest_share(files, workers) == pytest.approx(0.9, abs=0.01), "by files: one has it all"
    sizes = split_sizes(skewed, "*.jsonl")
    assert sum(sizes) == sum(files)
    assert max(sizes) <= SPLIT_BYTES + len(LINE)
    assert busiest_share(sizes, workers) <= 1.15 / workers


def test_one_stream_of_gzip_is_one_split_and_its_worker_the_last(skewed: Path) -> None:
    (skewed / "large.jsonl.gz").write_bytes(gzip.compress(LINE * LINES, 1))
    sizes = split_sizes(skewed, "large.jsonl.gz")
    assert len(sizes) == 1
