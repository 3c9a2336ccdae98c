"""A corpus that is damaged gets one line from every command that reads it, and stays as it is."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from pipelines.command_line.app import app
from schemas.failures import FailureError, MisuseError
from tests.pipelines.finished.corruptions import shard_of
from tests.pipelines.finished.test_audit import write_corpus
from tests.running import digests


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("damaged"))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def other_columns(corpus: Path) -> None:
    pq.write_table(pa.table({"id": [1], "content": ["bat"]}), shard_of(corpus))


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no manifest": (lambda corpus: (corpus / "manifest.json").unlink(), "no finished corpus"),
    "a cut manifest": (lambda corpus: cut(corpus / "manifest.json"), "manifest.json is damaged"),
    "another manifest": (
        lambda corpus: (corpus / "manifest.json").write_text('{"files": []}'),
        "manifest.json is damaged",
    ),
    "no card": (lambda corpus: (corpus / "card.json").unlink(), "card.json is not there"),
    "a cut card": (lambda corpus: cut(corpus / "card.json"), "card.json is damaged"),
    "a missing shard": (lambda corpus: shard_of(corpus).unlink(), "parquet is not there"),
    "a cut shard": (lambda corpus: cut(shard_of(corpus)), "parquet is damaged"),
    "other columns": (other_columns, "parquet is damaged"),
}
COMMANDS = {
    "diff": ["diff", "CORPUS", "CORPUS"],
    "sample": ["audit", "sample", "CORPUS", "--output", "sheets"],
    "write": ["card", "write", "CORPUS", "--statements", "card.toml"],
    "push": ["push", "CORPUS", "me/corpus", "--dry-run"],
}
UNREAD = {  # what a command does not look at
    "sample": ("a cut manifest", "another manifest"),
    "write": ("a missing shard", "a cut shard", "other columns"),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_damaged_corpus_is_one_line(
    damage: str, command: str, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    copy = shutil.copytree(corpus, tmp_path / "out")
    corrupt, words = DAMAGES[damage]
    corrupt(copy)
    Path("card.toml").write_text('intended_uses = "Tests."\n')
    before = digests(copy)
    arguments = [str(copy) if word == "CORPUS" else word for word in COMMANDS[command]]
    result = CliRunner().invoke(app, arguments)
    if damage in UNREAD.get(command, ()):
        assert result.exception is None
        return
    assert isinstance(result.exception, FailureError | MisuseError)
    message = str(result.exception)
    assert "\n" not in message
    if command != "push":  # which looks at the bytes alone
        assert words in message
    elif damage not in ("no manifest", "a cut manifest", "another manifest"):
        assert "not the file that the run wrote" in message
    assert digests(copy) == before
