"""The output may be any fsspec URL: on an S3 server the same files appear, with the same bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import fsspec
import pytest

from pipelines.command_line.app import main
from tests.laws.mixed_corpus import write_mixed_corpus
from tests.recipes import one_source
from tests.running import digests, run_apart


def test_a_run_into_s3_gives_the_same_bytes(bucket: str, tmp_path: Path) -> None:
    recipe = write_mixed_corpus(tmp_path, 150)
    run_apart(recipe, tmp_path / "out")
    run_apart(recipe, f"{bucket}/out")
    store = fsspec.filesystem("s3")
    folder = f"{bucket.removeprefix('s3://')}/out/"
    found = {
        path.removeprefix(folder): hashlib.sha256(store.cat_file(path)).hexdigest()
        for path in store.find(folder)
        if "/staging/" not in path
    }
    assert found == digests(tmp_path / "out")


def test_without_credentials_one_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("s3fs", reason="s3fs is not installed; it comes with glotmill[test]")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    recipe = write_mixed_corpus(tmp_path, 10)
    elsewhere = tmp_path / "elsewhere.toml"
    elsewhere.write_text(one_source("a", "b", kind="text", paths="s3://corpora/*.txt"))
    for command, code, line in (
        (
            ["plan", str(elsewhere)],
            2,
            "path 's3://corpora/*.txt' cannot be listed: Unable to locate credentials",
        ),
        (["run", str(recipe), "--output", "s3://corpora/out"], 1, "Unable to locate credentials"),
    ):
        with pytest.raises(SystemExit) as stopped:
            main(command)
        assert stopped.value.code == code
        assert capsys.readouterr().err.splitlines()[-1].endswith(line)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
