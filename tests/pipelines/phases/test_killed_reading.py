"""What kills every process that reads it: one failed record names the file, and the rest of the
corpus is published.

No good input is known that ends pyarrow or the HTML parser in every version, so the worker here
kills itself on the files whose names say so. All else is the run of a user.
"""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import pipelines.build.run
from pipelines.command_line.app import main
from pipelines.phases.ingest import IngestResult, IngestWorker
from pipelines.staging.tasks import Task
from schemas.split import InputSplit
from tests.recipes import one_source
from tests.running import digests

TEXT = "Gizon-emakume guztiak aske jaiotzen dira, duintasun eta eskubide berberak dituztela."
RECIPE = (
    one_source("killed", "input", kind="{format}", paths="*.{format}", split_bytes="{split_bytes}")
    + """
{stages}
"""
)
EXTRACT = '[[ingest]]\nstage = "extract_text"\n'
REASON = "the worker process that read it was killed by SIGABRT, twice"


class DyingWorker(IngestWorker):
    """Aborts like a C++ library when it has to read a file, or a row group of one, that is named
    deadly."""

    def run(self, task: Task) -> IngestResult:
        fields = {
            name: value for name, value in task.payload.items() if name in InputSplit.model_fields
        }
        lost = task.payload.get("lost", {})
        for file in InputSplit.model_validate(fields).files:
            if "deadly" in file.path and file.path not in lost and fields["start"] in (0, 2):
                os.kill(os.getpid(), signal.SIGABRT)
        return super().run(task)


def run(
    folder: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Run the recipe in `folder`; return the digests of the corpus and the failed rows of its
    ledger."""
    monkeypatch.setattr(pipelines.build.run, "IngestWorker", DyingWorker)
    output = folder / f"out{workers}"
    with pytest.raises(SystemExit) as ended:
        main(
            ["run", str(folder / "killed.toml"), "--output", str(output), "--workers", str(workers)]
        )
    assert ended.value.code == 0
    ledger = [
        row
        for row in ds.dataset(output / "ledger").to_table().to_pylist()
        if row["fate"] == "failed"
    ]
    manifest = json.loads((output / "manifest.json").read_text())
    for split in manifest["splits"]:
        assert split["documents_in"] == split["staged"] + split["dropped"] + split["failed"]
    return digests(output), ledger


def published(output: Path) -> list[str]:
    texts: list[str] = ds.dataset(output / "data").to_table()["text"].to_pylist()
    return sorted(texts)


def test_a_row_group_that_kills_its_worker_fails_by_name_and_the_others_are_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("deadly", "good"):
        texts = [f"{TEXT} {name} {row}" for row in range(30)]
        pq.write_table(pa.table({"text": texts}), tmp_path / f"{name}.parquet", row_group_size=10)
    (tmp_path / "killed.toml").write_text(
        RECIPE.format(format="parquet", split_bytes=1024, stages="")
    )
    digest, ledger = run(tmp_path, 1, monkeypatch)
    assert run(tmp_path, 2, monkeypatch) == (digest, ledger)
    assert "60 in = 40 kept + 0 dropped + 0 duplicates + 20 failed" in capsys.readouterr().out
    rows = sorted(
        (row["position"], row["path"], row["stage"], row["reason"], row["detail"]) for row in ledger
    )
    assert rows == [
        (
            row,
            "deadly.parquet",
            "read",
            "crashed",
            f"crashed: rows {first} to {first + 9}: {REASON}",
        )
        for first in (0, 20)
        for row in range(first, first + 10)
    ]
    expected = [f"{TEXT} deadly {row}" for row in range(10, 20)] + [
        f"{TEXT} good {row}" for row in range(30)
    ]
    assert published(tmp_path / "out1") == sorted(expected)


def test_of_many_pages_only_those_fail_that_kill_a_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{number}{'-deadly' * (number in (1, 2, 6))}.html" for number in range(7)]
    for name in names:
        (tmp_path / name).write_text(f"<p>{TEXT} {name}")
    (tmp_path / "killed.toml").write_text(
        RECIPE.format(format="html", split_bytes=1 << 20, stages=EXTRACT)
    )
    digest, ledger = run(tmp_path, 1, monkeypatch)
    assert run(tmp_path, 2, monkeypatch) == (digest, ledger)
    assert sorted((row["path"], row["phase"], row["detail"]) for row in ledger) == [
        (name, "ingest", f"crashed: {REASON}") for name in names if "deadly" in name
    ]
    assert published(tmp_path / "out1") == [
        f"{TEXT} {name}" for name in names if "deadly" not in name
    ]
