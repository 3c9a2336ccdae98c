"""Which files a source names, on any store, and what is said about them before anything runs."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import TypeAdapter, ValidationError

from schemas.document import DOCUMENT, RECORD
from schemas.ledger import LEDGER, REJECTION
from schemas.source import Source, TextSource
from schemas.split import InputSplit
from stages.reading.files import SourceError, find_files
from stages.reading.sources import (
    FORMATS,
    Listing,
    count_records,
    plan_splits,
    read_split,
    source_problems,
    trial_splits,
)

Rows = list[dict[str, Any]]
SOURCE: TypeAdapter[Source] = TypeAdapter(Source)


def paths(folder: Path | str, *patterns: str) -> list[str]:
    files, problems = find_files(patterns, str(folder))
    assert problems == []
    return [file.path for file in files]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("recipes/b.txt", "recipes/a.txt", "data/x/c.txt", "data/d.txt", "data/[e].txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def test_paths_are_relative_to_the_recipe_and_sorted(tree: Path) -> None:
    assert paths(tree / "recipes", "*.txt") == ["a.txt", "b.txt"]
    assert paths(tree / "recipes", "../data/**/*.txt") == [
        "../data/[e].txt",
        "../data/d.txt",
        "../data/x/c.txt",
    ]
    assert paths(tree, "./recipes/a.txt") == ["recipes/a.txt"]


def test_a_name_with_a_bracket_is_itself(tree: Path) -> None:
    assert paths(tree, "data/[e].txt") == ["data/[e].txt"]
    assert paths(tree, "data/[df].txt") == ["data/d.txt"]


def test_a_file_is_read_once_however_often_it_is_named(tree: Path) -> None:
    assert paths(tree, "data/d.txt", "data/*.txt", "./data/d.txt", str(tree / "data/d.txt")) == [
        "data/[e].txt",
        "data/d.txt",
    ]
    assert paths(tree, "data/d.txt", "data/*.txt", "./data/../data/d.txt") == [
        "data/[e].txt",
        "data/d.txt",
    ]


def test_an_absolute_path_stays_absolute(tree: Path) -> None:
    assert paths("/somewhere", str(tree / "recipes/*.txt")) == [
        str(tree / "recipes/a.txt"),
        str(tree / "recipes/b.txt"),
    ]


def test_a_split_is_the_same_wherever_the_corpus_lies(tmp_path: Path) -> None:
    source = TextSource(format="text", name="t", paths=("*.txt",))
    found = []
    for folder in (tmp_path / "here", tmp_path / "there"):
        folder.mkdir()
        (folder / "a.txt").write_text("bat")
        (folder / "b.txt").write_text("bi")
        (split,) = plan_splits(source, str(folder))
        found.append((split.id, [block.to_pylist() for block in read_split(split, source)]))
    assert found[0] == found[1]


def test_any_store_that_fsspec_knows(read_all: Callable[..., Rows]) -> None:
    store = fsspec.filesystem("memory")
    store.pipe("/corpus/a/1.jsonl", b'{"text": "bat"}\n')
    store.pipe("/corpus/b/2.jsonl.gz", gzip.compress(b'{"text": "bi"}\n'))
    rows = read_all(format="jsonl", paths=["memory://corpus/**/*.jsonl*"])
    assert [(row["path"], row["text"]) for row in rows] == [
        ("memory:///corpus/a/1.jsonl", "bat"),
        ("memory:///corpus/b/2.jsonl.gz", "bi"),
    ]
    source = SOURCE.validate_python({"format": "jsonl", "name": "t", "paths": ["a/*.jsonl"]})
    (split,) = plan_splits(source, "memory://corpus")
    assert split.path == "a/1.jsonl", "a recipe may lie in the store, too"
    store.rm("/corpus", recursive=True)


NOTHING: dict[str, tuple[list[str], list[str]]] = {
    "a glob that matches nothing": (["*.nix"], ["path '*.nix' matches no file; looked in {base}"]),
    "a file that is not there": (["nix.txt"], ["path 'nix.txt' matches no file; looked in {base}"]),
    "a folder": (["data"], ["path 'data' is a folder; name its files, such as data/*"]),
    "a store that nobody knows": (
        ["nix://a/*"],
        ["path 'nix://a/*' cannot be opened: Protocol not known: nix"],
    ),
    "all at once": (
        ["nix.txt", "recipes/a.txt", "data/"],
        [
            "path 'nix.txt' matches no file; looked in {base}",
            "path 'data/' is a folder; name its files, such as data/*",
        ],
    ),
}


@pytest.mark.parametrize(("patterns", "expected"), NOTHING.values(), ids=NOTHING.keys())
def test_a_path_that_is_no_file_is_a_problem(
    patterns: list[str], expected: list[str], tree: Path, problems: Callable[..., list[str]]
) -> None:
    words = [f"source 'test': {problem.format(base=tree)}" for problem in expected]
    assert problems(format="text", paths=patterns) == words
    with pytest.raises(SourceError) as error:
        plan_splits(
            SOURCE.validate_python({"format": "text", "name": "test", "paths": patterns}), str(tree)
        )
    assert str(error.value) == "; ".join(words)


def test_a_path_in_the_home_folder_is_named_in_full(
    tree: Path, problems: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tree / "home"))
    assert problems(format="text", paths=["~/nix.txt"]) == [
        f"source 'test': path '~/nix.txt' matches no file; looked for {tree}/home/nix.txt"
    ]


def test_a_folder_without_pages_is_a_problem(
    tree: Path, problems: Callable[..., list[str]]
) -> None:
    assert problems(format="html", paths=["data"]) == [
        f"source 'test': path 'data' matches no file; looked in {tree}"
    ]


@pytest.mark.parametrize("form", ["parquet", "jsonl", "csv", "text", "html", "warc", "wikipedia"])
def test_a_file_without_read_permission_is_a_problem(
    form: str, tmp_path: Path, problems: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.html").write_text("text\nbat\n")
    monkeypatch.setattr(
        os, "access", lambda path, mode: not (path.endswith("a.html") and mode == os.R_OK)
    )
    assert problems(format=form, paths=["a.html"]) == [
        "source 'test': a.html: no permission to read it"
    ]


@pytest.mark.parametrize("form", ["parquet", "jsonl", "csv"])
def test_a_store_that_refuses_a_file_is_a_problem(
    form: str, problems: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = fsspec.filesystem("memory")
    store.pipe("/refused/a", b"text\n")

    def refuse(*_arguments: object, **_options: object) -> None:
        raise PermissionError(13, "Access Denied", "refused/a")

    monkeypatch.setattr(type(store), "open", refuse)
    (problem,) = problems(format=form, paths=["memory://refused/a"])
    assert "no permission to read" in problem
    monkeypatch.undo()
    store.rm("/refused", recursive=True)


@pytest.mark.parametrize("ending", [".zip", ".7z", ".lz4", ".tar", ".tgz"])
def test_a_compression_that_is_not_read_is_a_problem(
    ending: str, tmp_path: Path, problems: Callable[..., list[str]]
) -> None:
    (tmp_path / f"a.jsonl{ending}").write_bytes(b"x")
    assert problems(format="jsonl", paths=["*"]) == [
        f"source 'test': a.jsonl{ending}: {ending} files are not read; "
        "unpack it, or compress it as .gz, .bz2, .xz or .zst"
    ]


def test_many_problems_of_a_kind_are_counted(
    tmp_path: Path, problems: Callable[..., list[str]]
) -> None:
    for number in range(9):
        (tmp_path / f"{number}.zip").write_bytes(b"")
    found = problems(format="text", paths=["*.zip"])
    assert len(found) == 6
    assert found[-1] == "source 'test': and 4 more of the kind"


def test_a_name_that_is_not_utf8_is_a_problem(
    tmp_path: Path, problems: Callable[..., list[str]]
) -> None:
    (tmp_path / os.fsdecode(b"a\xff.txt")).write_bytes(b"x")
    assert problems(format="text", paths=["*.txt"]) == [
        "source 'test': file name b'a\\xff.txt' is not UTF-8; rename the file"
    ]


def test_every_format_of_a_recipe_can_be_read() -> None:
    schema = SOURCE.json_schema()
    assert sorted(schema["discriminator"]["mapping"]) == sorted(FORMATS)
    for name, model in schema["$defs"].items():
        for field, described in model["properties"].items():
            assert described.get("description"), f"{name}.{field} has no description"


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "a name that is a path": ({"name": "../etc"}, "String should match pattern"),
    "an unknown key": ({"colums": {}}, "Extra inputs are not permitted"),
    "no path": ({"paths": []}, "at least 1 item"),
    "a reserved column": (
        {"keep": ["fate", "text"]},
        "keep must not name a column that glotmill writes itself, got 'fate', 'text'",
    ),
    "a column kept twice": (
        {"keep": ["a", "a"]},
        r"keep must name each column once, got \['a', 'a'\]",
    ),
    "a field and its parent": (
        {"columns": {"url": "meta.url", "date": "meta"}},
        "columns must not name a field and its parent, got 'meta.url' and 'meta'",
    ),
    "an unknown column of a document": (
        {"columns": {"title": "t"}},
        "Extra inputs are not permitted",
    ),
}


@pytest.mark.parametrize(("mistake", "words"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_in_a_source_is_an_error(mistake: dict[str, Any], words: str) -> None:
    good = {"format": "jsonl", "name": "web", "paths": ["a.jsonl"]}
    SOURCE.validate_python(good)
    with pytest.raises(ValidationError, match=words):
        SOURCE.validate_python(good | mistake)


@pytest.mark.parametrize(
    "name",
    sorted(
        {*DOCUMENT.names, *RECORD.names, *REJECTION.names, *LEDGER.names, "language_candidates"}
    ),
)
def test_no_kept_column_stands_where_one_of_ours_does(name: str) -> None:
    with pytest.raises(
        ValidationError, match="keep must not name a column that glotmill writes itself"
    ):
        SOURCE.validate_python({"format": "parquet", "name": "a", "paths": ["a"], "keep": [name]})


def test_a_kept_column_may_have_any_other_name(
    tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    names = ["schema", "positions", "columns", "self", "a.b", " "]
    pq.write_table(
        pa.table({"text": ["bat"], **{name: [1] for name in names}}), tmp_path / "a.parquet"
    )
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": "bat", **dict.fromkeys(names, "1")}))
    for form, value in (("parquet", 1), ("jsonl", "1")):
        (row,) = read_all(format=form, paths=[f"a.{form}"], keep=names)
        assert [row[name] for name in names] == [value] * len(names)


def test_a_split_of_one_file_keeps_the_id_it_always_had() -> None:
    split = InputSplit(
        source="s", path="a", location="/x/a", start=0, end=9, file_bytes=9, size_bytes=9
    )
    assert split.id == hashlib.blake2b(b"s\0a\x009\x000\x009", digest_size=8).hexdigest()


@pytest.mark.slow
def test_a_glob_over_s3(
    bucket: str, read_all: Callable[..., Rows], problems: Callable[..., list[str]]
) -> None:
    store = fsspec.filesystem("s3")
    store.pipe(f"{bucket}/eu/a.jsonl", b'{"text": "bat"}\n{"text": "bi"}\n')
    store.pipe(f"{bucket}/eu/b.jsonl.gz", gzip.compress(b'{"text": "hiru"}\n'))
    with store.open(f"{bucket}/eu/c.parquet", "wb") as file:
        pq.write_table(pa.table({"text": ["lau"]}), file)
    rows = read_all(format="jsonl", paths=[f"{bucket}/*/*.jsonl*"], split_bytes=10)
    assert [(row["path"], row["text"]) for row in rows] == [
        ("s3://corpora/eu/a.jsonl", "bat"),
        ("s3://corpora/eu/a.jsonl", "bi"),
        ("s3://corpora/eu/b.jsonl.gz", "hiru"),
    ]
    assert [
        row["text"] for row in read_all(format="parquet", paths=[f"{bucket}/**/*.parquet"])
    ] == ["lau"]
    assert problems(format="parquet", paths=[f"{bucket}/nix/*.parquet"])[0].startswith(
        "source 'test': path 's3://corpora/nix/*.parquet' matches no file"
    )


def test_a_trial_takes_the_first_records_and_what_cannot_be_counted(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.txt").write_text("bat\nbi\nhiru\n")
    source = SOURCE.validate_python(
        {"name": "t", "format": "text", "unit": "line", "paths": ["*.txt"]}
    )
    splits = plan_splits(source, str(tmp_path))
    counted = [(split.path, split.max_records) for split in trial_splits(splits, source, 4)]
    assert counted == [("a.txt", 3), ("b.txt", 1)]

    def count(split: InputSplit, source: Source) -> int | None:
        return None if split.path == "a.txt" else count_records(split, source)

    counted = [(split.path, split.max_records) for split in trial_splits(splits, source, 4, count)]
    assert counted == [("a.txt", 4), ("b.txt", 3), ("c.txt", 1)]


WRAPPED = {
    "gzip": (gzip.compress, "it is compressed; name it .gz"),
    "UTF-16 with a mark": (
        lambda content: content.decode().encode("utf-16"),
        "it is UTF-16 or UTF-32",
    ),
    "UTF-16 without one": (
        lambda content: content.decode().encode("utf-16-be"),
        "it is UTF-16 or UTF-32",
    ),
    "Parquet": (lambda content: b"PAR1" + content, "it is Parquet, not lines of text"),
    "lines": (bytes, ""),
}


@pytest.mark.parametrize(("wrap", "words"), WRAPPED.values(), ids=WRAPPED.keys())
def test_a_file_that_is_no_text_is_named_for_what_it_is(
    wrap: Callable[[bytes], bytes], words: str, tmp_path: Path
) -> None:
    contents = {"jsonl": b'{"text": "Kaixo"}\n', "csv": b"text,n\nKaixo,1\n"}
    for name, content in contents.items():
        (tmp_path / f"a.{name}").write_bytes(wrap(content))
        source = SOURCE.validate_python({"name": "t", "format": name, "paths": [f"a.{name}"]})
        problems = source_problems(source, Listing(str(tmp_path)))
        assert [problem.startswith(f"source 't': a.{name}: {words}") for problem in problems] == [
            True
        ] * bool(words)


def test_a_local_file_may_be_called_like_a_chain_of_addresses(tmp_path: Path) -> None:
    (tmp_path / "a::b.txt").write_text("Kaixo")
    assert paths(tmp_path, "a::b.txt") == paths(tmp_path, "*.txt") == ["a::b.txt"]
    assert find_files(["c::b.txt"], str(tmp_path))[1]
