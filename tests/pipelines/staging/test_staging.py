"""A file appears whole or not at all, and one folder belongs to one run."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.staging import staged
from pipelines.staging.parts import PartsWriter
from pipelines.staging.staged import Footers, RowRun, read_runs
from pipelines.staging.store import PARTIAL, StagingError, Store


def test_a_file_that_fails_half_way_never_appears(tmp_path: Path) -> None:
    store = Store(str(tmp_path))

    def fail_half_way() -> None:
        with store.writing("data/a.parquet") as path:
            path.write_bytes(b"half")
            assert not store.exists("data/a.parquet")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail_half_way()
    assert not store.exists("data/a.parquet")
    assert list((tmp_path / PARTIAL).iterdir()) == []


def test_writing_replaces_a_file_whole(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    store.write("a/b.json", b"first")
    store.write("a/b.json", b"second")
    assert store.read("a/b.json") == b"second"
    assert (
        store.sha256("a/b.json")
        == "16367aacb67a4a017c8da8ab95682ccb390863780f7114dda0a0e0c55644c7c4"
    )
    assert store.names("a") == {"b.json"}
    assert store.names("nowhere") == set()


def test_a_second_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    with (
        Store(str(tmp_path)).locked(),
        pytest.raises(
            StagingError,
            match=r"another run is writing to .*: wait for it, or choose another --output",
        ),
        Store(str(tmp_path)).locked(),
    ):
        pass
    with Store(str(tmp_path)).locked():
        pass


def test_a_worker_that_was_started_elsewhere_finds_the_same_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sent = pickle.dumps(Store("out")), pickle.dumps(Store("memory://out"))
    monkeypatch.chdir("/")
    local, remote = (pickle.loads(store) for store in sent)  # noqa: S301 - our own
    assert local.full("a") == f"{tmp_path}/out/a"
    assert remote.url == "memory://out"


def test_object_stores_hold_the_same_layout() -> None:
    store = Store("memory://staging-test")
    with store.locked(), store.writing("a/b") as path:
        path.write_bytes(b"x")
    assert store.read("a/b") == b"x"
    assert store.names("a") == {"b"}
    store.remove("a")
    assert not store.exists("a/b")


@pytest.mark.parametrize(
    "footer_bytes", [1 << 20, 1, 0], ids=["both kept", "one kept", "none kept"]
)
def test_runs_are_read_by_the_footer_of_their_own_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, footer_bytes: int
) -> None:
    monkeypatch.setattr(staged, "_FOOTER_BYTES", footer_bytes)
    store, runs = Store(str(tmp_path)), []
    for name, texts in (("first", ["a", "bb", "ccc"]), ("second", ["dddd"])):
        writer = PartsWriter(store, name, 1 << 20)
        languages = ["eus", "fra", "glg"][: len(texts)]
        columns = {
            "text": pa.array(texts, pa.large_string()),
            "language": languages,
            "script": ["Latn"] * len(texts),
        }
        writer.add(pa.RecordBatch.from_pydict(columns))
        for part in writer.close():
            files = {"file": f"{name}/{part.file}", "first_row": 0}
            runs += [
                RowRun(**run.model_dump(), row_group=n, **files) for n, run in enumerate(part.runs)
            ]
    footers = Footers()
    for _ in range(2):
        read = [table["text"].to_pylist() for _, table in read_runs(store, runs, ["text"], footers)]
        assert read == [["a"], ["bb"], ["ccc"], ["dddd"]]
    assert [
        table["text"].to_pylist() for _, table in read_runs(store, runs[1:2], ["text"], footers)
    ] == [["bb"]]


def test_footers_that_there_is_room_for_are_parsed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / name for name in "abcd"]
    for file in files:
        pq.write_table(pa.table({"text": ["a"]}), file)
    size = pq.read_metadata(files[0]).serialized_size
    monkeypatch.setattr(staged, "_FOOTER_BYTES", 3 * size)
    parsed: list[str] = []

    class Counted(pq.ParquetFile):
        def __init__(self, stream: Any, metadata: pq.FileMetaData | None) -> None:
            if metadata is None:
                parsed.append(Path(stream.name).name)
            super().__init__(stream, metadata=metadata)

    monkeypatch.setattr(pq, "ParquetFile", Counted)
    footers = Footers()
    for turn in range(10):
        for file in files:
            with file.open("rb") as stream:
                footers.open(str(file), stream)
        if turn == 0:
            assert parsed == ["a", "b", "c", "d"]
    assert len(parsed) <= 4 + 9 * 2
    before = len(parsed)
    for _ in range(3):  # one that is read on and on is kept, whatever else is
        with files[3].open("rb") as stream:
            footers.open("another", stream)
    assert len(parsed) == before + 1
