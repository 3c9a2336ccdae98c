"""Law 2: the same recipe over the same input gives the same bytes, however it was run; law 3, also
after kill -9, is held by `tests/chaos/`."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pyarrow.dataset as ds
import pytest

from tests.laws.mixed_corpus import write_mixed_corpus
from tests.running import digests, run


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a corpus as small as the law allows: each fate, many splits, labels of many shards."""
    written = write_mixed_corpus(tmp_path_factory.mktemp("input"), 700)
    written.write_text(
        written.read_text()
        .replace("split_bytes = 30000", "split_bytes = 24000")
        .replace("shard_bytes = 8000", "shard_bytes = 2500")
        .replace("row_group_bytes = 3000", "row_group_bytes = 1024")
    )
    return written


@pytest.fixture(scope="module")
def expected(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    output = tmp_path_factory.mktemp("expected") / "out"
    run(recipe, output, "--workers", "1")
    found = digests(output)
    shards = Counter(Path(name).parent.name for name in found if name.startswith("data/"))
    ledger = ds.dataset(output / "ledger").to_table(["fate", "stage"]).to_pylist()
    splits = json.loads((output / "manifest.json").read_text())["splits"]
    assert len(splits) > 8, "several splits, or the law says little"
    assert len([label for label, files in shards.items() if files > 1]) > 3, "several shards"
    assert {row["fate"] for row in ledger} == {"published", "dropped", "duplicate", "failed"}
    assert {row["stage"] for row in ledger} >= {"exact", "near", "filter_length", "filter_quality"}
    return found


@pytest.mark.parametrize(
    "options",
    [
        ("--workers", "2"),
        ("--workers", "1", "--block-bytes", "4096"),
        ("--workers", "2", "--block-bytes", "50000", "--max-edges", "0"),
        ("--runner", "apache_beam.runners.portability.fn_api_runner.FnApiRunner"),
    ],
    ids=[
        "2 workers",
        "small blocks",
        "2 workers, other blocks, no edge in memory",
        "a runner of Beam",
    ],
)
def test_workers_blocks_and_runners_do_not_show(
    recipe: Path, expected: dict[str, str], tmp_path: Path, options: tuple[str, ...]
) -> None:
    run(recipe, tmp_path / "out", *options)
    assert digests(tmp_path / "out") == expected
