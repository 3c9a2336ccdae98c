"""A push sends what changed, in one step; whatever interrupts it, the branch holds one version or
the other, whole."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import constants
from typer.testing import CliRunner

from pipelines.command_line.app import app
from schemas.failures import FailureError, MisuseError
from schemas.manifest import FileRecord, Manifest
from tests.hub_server import TOKEN, Hub, hub_server
from tests.running import run
from tests.withdrawals import TAKEN, WITHDRAWN, write_corpus

REPOSITORY = "me/corpus"
CARD = """---
configs:
- config_name: eus_Latn
  data_files:
  - split: train
    path: data/eus_Latn/train-*.parquet
---
# {version}
"""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """Give a Hub of this test's own, to this process as well."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    with hub_server() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.address)
        template = f"{server.address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield server


def corpus(
    folder: Path, version: str = "1.0", shards: dict[str, str] | None = None, name: str = "basque"
) -> Path:
    """Write a finished corpus whose shards hold one text each."""
    folder.mkdir(exist_ok=True)
    written = {"README.md": CARD.format(version=version).encode()}
    for shard, text in (shards or {"a": "bat", "b": "bi", "c": "hiru"}).items():
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table({"text": [text]}), sink)
        written[f"data/eus_Latn/train-{shard}.parquet"] = sink.getvalue().to_pybytes()
    for path, content in written.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    files = tuple(
        FileRecord(path=path, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
        for path, content in sorted(written.items())
    )
    manifest = Manifest(
        corpus=name,
        version=version,
        recipe_sha256="0" * 64,
        packages={},
        models={},
        phases=(),
        splits=(),
        files=files,
    )
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    return folder


def environment(hub: Hub, home: Path) -> dict[str, str]:
    return {
        **os.environ,
        "HF_ENDPOINT": hub.address,
        "HF_HOME": str(home),
        "HF_TOKEN": TOKEN,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_OFFLINE": "0",
    }


def push(folder: Path, *options: str, fails: int = 0) -> str:
    """Push in this process; return what was printed."""
    done = CliRunner().invoke(app, ["push", str(folder), REPOSITORY, *options])
    said = done.stdout + done.stderr
    assert done.exit_code == fails or isinstance(done.exception, (FailureError, MisuseError)), (
        done.exception
    )
    said += str(done.exception or "")
    assert TOKEN not in said
    return said


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def on_hub(hub: Hub, revision: str = "main") -> dict[str, bytes]:
    tree = hub.repositories[REPOSITORY].tree(revision)
    return {path: file.content for path, file in tree.items() if path != ".gitattributes"}


def test_a_corpus_is_pushed_once_and_loads(hub: Hub, tmp_path: Path) -> None:
    folder = corpus(tmp_path / "corpus")
    assert "5 files to write" in push(folder, "--dry-run")
    assert not hub.repositories
    push(folder)
    repository = hub.repositories[REPOSITORY]
    assert repository.private
    assert on_hub(hub) == contents(folder)
    assert len(repository.history) == 2  # the initial commit, and one of ours
    assert "0 files to write" in push(folder)
    assert len(repository.history) == 2
    assert set(hub.uploaded.values()) == {1}
    program = f"import datasets; print(datasets.load_dataset({REPOSITORY!r}, 'eus_Latn')['train']['text'][:])"
    loaded = subprocess.run(
        [sys.executable, "-c", program], env=environment(hub, tmp_path / "home"), capture_output=True, text=True,
        timeout=120, check=True,
    )  # fmt: skip
    assert loaded.stdout.strip() == "['bat', 'bi', 'hiru']"


def test_a_next_version_sends_what_changed_and_removes_what_went(hub: Hub, tmp_path: Path) -> None:
    push(corpus(tmp_path / "v1"))
    hub.put(REPOSITORY, {"figures/logo.svg": b"<svg/>"})
    before = hub.uploaded.copy()
    folder = corpus(tmp_path / "v2", "2.0", {"a": "bat", "c": "hirurak", "d": "lau"})
    push(folder, "--tag", "v2.0", "--public")
    assert on_hub(hub) == contents(folder) | {"figures/logo.svg": b"<svg/>"}
    assert (hub.uploaded - before).total() == 2
    repository = hub.repositories[REPOSITORY]
    assert repository.tags["v2.0"] == repository.branches["main"]
    assert not repository.private
    other = corpus(tmp_path / "v3", "3.0")
    assert "has the tag v2.0" in push(other, "--tag", "v2.0", fails=1)
    assert on_hub(hub)["manifest.json"] == (folder / "manifest.json").read_bytes()


def test_a_push_that_is_killed_changes_nothing_and_goes_on(hub: Hub, tmp_path: Path) -> None:
    push(corpus(tmp_path / "v1"))
    first = on_hub(hub)
    hub.seconds_an_upload = 0.3
    hub.uploaded.clear()
    folder = corpus(
        tmp_path / "v2", "2.0", {f"{shard:03}": f"testua {shard}" for shard in range(60)}
    )
    command = [
        sys.executable,
        "-m",
        "pipelines.command_line.program",
        "push",
        str(folder),
        REPOSITORY,
    ]
    process = subprocess.Popen(command, env=environment(hub, tmp_path / "home"))
    while hub.uploaded.total() < 7:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert on_hub(hub) == first
    hub.seconds_an_upload = 0.0
    push(folder)
    assert on_hub(hub) == contents(folder)
    # those that were on their way, five at once, may be sent twice
    assert hub.uploaded.total() <= 60 + 5


@pytest.mark.parametrize("status", [429, 500, 503, 504])
def test_errors_that_pass_are_waited_for(status: int, hub: Hub, tmp_path: Path) -> None:
    left = {"/commit/": 2, "/tree/": 1, "/revision/": 1, "/preupload/": 1}

    def fault(_method: str, path: str) -> int | None:
        for part, times in left.items():
            if part in path and times:
                left[part] -= 1
                return status
        return None

    hub.fault = fault
    push(corpus(tmp_path / "corpus"))
    assert on_hub(hub) == contents(tmp_path / "corpus")
    assert not any(left.values())


def test_an_answer_that_is_lost_makes_no_second_commit(hub: Hub, tmp_path: Path) -> None:
    lost = iter([True])
    hub.after_commit = lambda: next(lost, False)
    push(corpus(tmp_path / "corpus"))
    assert len(hub.repositories[REPOSITORY].history) == 2
    assert on_hub(hub) == contents(tmp_path / "corpus")


def test_a_commit_of_somebody_else_meanwhile_is_kept(hub: Hub, tmp_path: Path) -> None:
    def fault(_method: str, path: str) -> None:
        if "/commit/" in path:
            hub.fault = lambda _method, _path: None
            hub.put(REPOSITORY, {"NOTES.md": b"of another"})

    hub.fault = fault
    push(corpus(tmp_path / "corpus"))
    assert on_hub(hub) == contents(tmp_path / "corpus") | {"NOTES.md": b"of another"}


def test_what_others_wrote_is_not_overwritten_unasked(hub: Hub, tmp_path: Path) -> None:
    hub.put(REPOSITORY, {"README.md": b"by hand"})
    folder = corpus(tmp_path / "corpus")
    assert "README.md" in push(folder, fails=1)
    assert on_hub(hub) == {"README.md": b"by hand"}
    push(folder, "--overwrite")
    hub.put(REPOSITORY, {"README.md": b"edited by hand"})
    assert "README.md" in push(corpus(tmp_path / "v2", "2.0"), fails=1)
    assert "manifest.json" in push(corpus(tmp_path / "other", name="zulu"), fails=1)
    assert on_hub(hub)["README.md"] == b"edited by hand"


def test_what_others_changed_is_not_removed_unasked(hub: Hub, tmp_path: Path) -> None:
    push(corpus(tmp_path / "first"))
    path = "data/eus_Latn/train-c.parquet"
    hub.put(REPOSITORY, {path: b"PAR1 theirs"})
    second = corpus(tmp_path / "second", "2.0", {"a": "bat", "b": "bi"})
    assert f"wrote as they are: {path}" in push(second, fails=1)
    assert on_hub(hub)[path] == b"PAR1 theirs"
    push(second, "--overwrite")
    assert path not in on_hub(hub)


MISUSES = {
    "no name for a tag": ["--tag", ""],
    "a tag that git refuses": ["--tag", "v1..2"],
    "a tag called as the branch": ["--tag", "main"],
    "a branch with a blank": ["--branch", "a b"],
    "a branch that is an option": ["--branch", "-x"],
    "a pull request as branch": ["--branch", "refs/pr/1"],
}


@pytest.mark.parametrize("options", MISUSES.values(), ids=MISUSES)
def test_names_are_looked_at_before_anything_is_sent(
    options: list[str], hub: Hub, tmp_path: Path
) -> None:
    assert f"{options[0]} must" in push(corpus(tmp_path / "corpus"), *options, fails=1)
    assert not hub.asked


@pytest.mark.parametrize("path", ["../secret", "/etc/hostname", ".git/config", "a\nb"])
def test_a_manifest_names_no_file_outside(path: str, hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    folder = corpus(tmp_path / "corpus")
    manifest = Manifest.model_validate_json((folder / "manifest.json").read_bytes())
    record = FileRecord(path=path, bytes=6, sha256=hashlib.sha256(b"secret").hexdigest())
    changed = manifest.model_copy(update={"files": (*manifest.files, record)})
    (folder / "manifest.json").write_text(changed.model_dump_json())
    assert "which is no file of a corpus" in push(folder, fails=1)
    assert not hub.repositories


@pytest.mark.parametrize("status", [200, 204, 301])
def test_what_is_not_the_hub_is_one_line(status: int, hub: Hub, tmp_path: Path) -> None:
    hub.fault = lambda _method, _path: status
    assert "is not the Hub" in push(corpus(tmp_path / "corpus"), fails=1)


def test_many_files_become_one_merge(hub: Hub, tmp_path: Path) -> None:
    folder = corpus(
        tmp_path / "corpus", shards={f"{shard:03}": f"testua {shard}" for shard in range(230)}
    )
    commits = []

    def fault(_method: str, path: str) -> int | None:
        if "/commit/" in path:
            commits.append(path)
        return 403 if len(commits) == 2 else None

    hub.fault = fault
    push(folder, fails=1)
    assert on_hub(hub) == {}
    hub.fault = lambda _method, _path: None
    push(folder)
    repository = hub.repositories[REPOSITORY]
    assert on_hub(hub) == contents(folder)
    assert [request["status"] for request in repository.requests.values()] == ["merged"]
    assert [revision for revision, _ in repository.history].count("main") == 2
    assert set(hub.uploaded.values()) == {1}


def test_a_pull_request_and_a_branch_leave_main_alone(hub: Hub, tmp_path: Path) -> None:
    push(corpus(tmp_path / "v1"))
    first = on_hub(hub)
    folder = corpus(tmp_path / "v2", "2.0")
    assert f"{REPOSITORY}/discussions/1" in push(folder, "--pull-request")
    push(folder, "--branch", "next")
    assert on_hub(hub) == first
    assert on_hub(hub, "refs/pr/1") == on_hub(hub, "next") == contents(folder)
    assert "without --tag" in push(folder, "--pull-request", "--tag", "v2", fails=2)


def test_what_cannot_be_pushed(hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = corpus(tmp_path / "corpus")
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    assert "hf auth login" in push(folder, fails=1)
    (folder / "README.md").write_text("edited")
    assert "README.md is not the file that the run wrote" in push(folder, fails=1)
    (folder / "manifest.json").unlink()
    assert "no finished corpus" in push(folder, fails=2)
    assert not hub.repositories


def test_a_hub_that_does_not_answer_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in push(corpus(tmp_path / "corpus"), fails=2)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr("pipelines.finished.push.LONGEST_WAIT", 0.0)
    assert "cannot be reached" in push(corpus(tmp_path / "corpus"), fails=1)


def test_a_push_after_a_withdrawal_removes_what_was_withdrawn_and_nothing_else(
    hub: Hub, tmp_path: Path
) -> None:
    run(write_corpus(tmp_path), tmp_path / "out", "--keep-staging")
    push(tmp_path / "out")
    hub.put(REPOSITORY, {"figures/logo.svg": b"<svg/>"})
    before, sent = on_hub(hub), hub.uploaded.copy()
    old = Manifest.model_validate_json(before["manifest.json"])
    run(write_corpus(tmp_path, more=WITHDRAWN, name="again"), tmp_path / "out")
    new = Manifest.model_validate_json((tmp_path / "out/manifest.json").read_bytes())
    push(tmp_path / "out")
    after = on_hub(hub)
    paths = {file.path for file in new.files} | {"manifest.json", "figures/logo.svg"}
    assert after.keys() == paths
    assert before.keys() - after.keys() == {f.path for f in old.files} - {f.path for f in new.files}
    same = {f.path for f in old.files if f in new.files}
    assert same
    assert all(after[path] == before[path] for path in same)
    assert not re.search("|".join(map(str, TAKEN)).encode(), b"".join(after.values()))
    assert (hub.uploaded - sent).total() <= len(after.keys() - same)
