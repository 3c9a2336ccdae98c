"""Reading a source as the pipelines do: parse it, check it, plan it, read every split."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import TypeAdapter

from schemas.source import Source
from stages.reading.sources import Listing, plan_splits, read_split, source_problems

SOURCE: TypeAdapter[Source] = TypeAdapter(Source)

Rows = list[dict[str, Any]]
ReadAll = Callable[..., Rows]


@pytest.fixture
def read_blocks(tmp_path: Path) -> Callable[..., list[pa.RecordBatch]]:
    """Return a function that reads a source in `tmp_path`, given as keywords, and returns its
    blocks."""

    def blocks(
        *, split_bytes: int = 64 << 20, block_bytes: int = 32 << 20, **source: Any
    ) -> list[pa.RecordBatch]:
        parsed = SOURCE.validate_python({"name": "test", **source})
        assert source_problems(parsed, Listing(str(tmp_path))) == []
        splits = plan_splits(parsed, str(tmp_path), split_bytes)
        assert len({split.id for split in splits}) == len(splits), "two splits share an id"
        return [block for split in splits for block in read_split(split, parsed, block_bytes)]

    return blocks


@pytest.fixture
def read_all(read_blocks: Callable[..., list[pa.RecordBatch]]) -> ReadAll:
    """Return a function that reads a source in `tmp_path`, given as keywords, and returns its
    rows."""

    def rows(**source: Any) -> Rows:
        return [row for block in read_blocks(**source) for row in block.to_pylist()]

    return rows


@pytest.fixture
def problems(tmp_path: Path) -> Callable[..., list[str]]:
    """Return a function that checks a source in `tmp_path`, given as keywords, before anything is
    read."""

    def found(**source: Any) -> list[str]:
        return source_problems(
            SOURCE.validate_python({"name": "test", **source}), Listing(str(tmp_path))
        )

    return found
