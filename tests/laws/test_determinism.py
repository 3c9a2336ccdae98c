"""Law 2: the same recipe over the same input gives the same bytes, however it was run; law 3, also
after kill -9, is held by `tests/chaos/`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.laws.mixed_corpus import write_mixed_corpus
from tests.running import digests, run


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mixed_corpus(tmp_path_factory.mktemp("input"), 3000)


@pytest.fixture(scope="module")
def expected(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    output = tmp_path_factory.mktemp("expected") / "out"
    run(recipe, output, "--workers", "1")
    found = digests(output)
    assert len([name for name in found if name.startswith("data/")]) > 10, (
        "several shards, or the law says little"
    )
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
