"""The output may be any fsspec URL: on an S3 server the same files appear, with the same bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import fsspec

from tests.laws.mixed_corpus import write_mixed_corpus
from tests.laws.running import digests, run


def test_a_run_into_s3_gives_the_same_bytes(bucket: str, tmp_path: Path) -> None:
    recipe = write_mixed_corpus(tmp_path, 150)
    run(recipe, tmp_path / "out")
    run(recipe, f"{bucket}/out")
    store = fsspec.filesystem("s3")
    folder = f"{bucket.removeprefix('s3://')}/out/"
    found = {
        path.removeprefix(folder): hashlib.sha256(store.cat_file(path)).hexdigest()
        for path in store.find(folder)
        if "/staging/" not in path
    }
    assert found == digests(tmp_path / "out")
