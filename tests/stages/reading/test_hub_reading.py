"""A Hub data set by name: the real client against a loopback server that speaks as much of the Hub
as reading takes."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.decontamination.evaluation_files import copied, find_evaluation_sets, read_items
from stages.decontamination.evaluation_sets import EvaluationSet
from stages.decontamination.options import DecontaminationConfig
from stages.reading.hub import find_parts

Rows = list[dict[str, Any]]
Repository = dict[str, dict[str, bytes]]  # revision -> path -> content

SHA = "0123456789abcdef0123456789abcdef01234567"


def parquet(*texts: str) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table({"text": list(texts)}), stream)
    return stream.getvalue()


class _Hub(BaseHTTPRequestHandler):
    """Answers for one data set, `owner/corpus`."""

    protocol_version = "HTTP/1.1"
    revisions: Repository

    def _answer(self, status: int, content: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        headers.setdefault("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _json(self, content: Any) -> None:
        self._answer(200, json.dumps(content).encode(), Content_Type="application/json")

    def _missing(self, code: str) -> None:
        self._answer(404, X_Error_Code=code)

    def _entries(
        self, files: dict[str, bytes], folder: str, recursive: bool
    ) -> list[dict[str, Any]]:
        prefix = f"{folder}/" if folder else ""
        entries: dict[str, dict[str, Any]] = {}
        for path, content in files.items():
            if not path.startswith(prefix):
                continue
            head, slash, _ = path.removeprefix(prefix).partition("/")
            if slash:
                entries[prefix + head] = {
                    "type": "directory",
                    "path": prefix + head,
                    "oid": SHA,
                    "size": 0,
                }
            if recursive or not slash:
                entries[path] = {"type": "file", "path": path, "oid": SHA, "size": len(content)}
        return list(entries.values())

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        parts = [unquote(part) for part in address.path.strip("/").split("/")]
        api = parts[:4] == ["api", "datasets", "owner", "corpus"]
        resolve = parts[:4] == ["datasets", "owner", "corpus", "resolve"]
        if not api and not resolve:
            return self._missing("RepoNotFound")
        revision = parts[5] if api and len(parts) > 5 else parts[4] if resolve else "main"
        files = self.revisions.get("main" if revision == SHA else revision)
        if files is None:
            return self._missing("RevisionNotFound")
        if resolve:
            path = "/".join(parts[5:])
            if path not in files:
                return self._missing("EntryNotFound")
            return self._content(files[path])
        if parts[4:5] in ([], ["revision"]):
            return self._json(
                {
                    "id": "owner/corpus",
                    "sha": SHA,
                    "siblings": [{"rfilename": path} for path in files],
                }
            )
        if parts[4] == "tree":
            recursive = parse_qs(address.query).get("recursive", ["false"])[0].lower() == "true"
            entries = self._entries(files, "/".join(parts[6:]), recursive)
            return self._json(entries) if entries else self._missing("EntryNotFound")
        if parts[4] == "paths-info":
            body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            every = self._entries(files, "", recursive=True)
            return self._json([entry for entry in every if entry["path"] in body["paths"]])
        return self._missing("EntryNotFound")

    def _content(self, content: bytes) -> None:
        headers = {"ETag": f'"{SHA}"', "X_Repo_Commit": SHA, "Accept_Ranges": "bytes"}
        asked = self.headers.get("Range")
        if asked is None:
            return self._answer(200, content, **headers)
        first, _, last = asked.removeprefix("bytes=").partition("-")
        begin, end = int(first), min(int(last or len(content)), len(content) - 1)
        span = f"bytes {begin}-{end}/{len(content)}"
        return self._answer(206, content[begin : end + 1], Content_Range=span, **headers)

    do_HEAD = do_GET  # noqa: N815
    do_POST = do_GET  # noqa: N815

    def log_message(self, *_message: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Repository], None]]:
    """Return a function that puts `owner/corpus` on a Hub of this test's own."""
    from fsspec import get_filesystem_class

    revisions: Repository = {}
    handler = type("Handler", (_Hub,), {"revisions": revisions})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", endpoint)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr(
        "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
        endpoint + "/{repo_id}/resolve/{revision}/{filename}",
    )
    store = get_filesystem_class("hf")
    store.clear_instance_cache()
    yield revisions.update
    store.clear_instance_cache()
    server.shutdown()
    server.server_close()


CARD = b"""---
language: [eu]
configs:
- config_name: eus_Latn
  default: true
  data_files:
  - split: train
    path: data/eus_Latn/train-*.parquet
  - split: test
    path: [data/eus_Latn/test-*.parquet]
- config_name: bod_Tibt
  data_files: odd/*.parquet
---
# Corpus
"""
WITH_CARD: Repository = {
    "main": {
        "README.md": CARD,
        "data/eus_Latn/train-00000-of-00002.parquet": parquet("bat", "bi"),
        "data/eus_Latn/train-00001-of-00002.parquet": parquet("hiru"),
        "data/eus_Latn/test-00000-of-00001.parquet": parquet("lau"),
        "odd/x.parquet": parquet("\u0f56"),
        "odd/notes.txt": b"x",
    }
}
WITHOUT_CARD: Repository = {
    "main": {
        "data/train-00000-of-00001.parquet": parquet("bat"),
        "eu/train/0.parquet": parquet("bi"),
    },
    "v1": {"train.parquet": parquet("zaharra")},
}
CONVERTED: Repository = {
    "main": {"README.md": b"no front matter", "train.csv": b"text\nbat\n"},
    "refs/convert/parquet": {"default/train/0000.parquet": parquet("bihurtua")},
}

CHOICES: dict[str, tuple[Repository, dict[str, str], list[str], str]] = {
    "the default of the card": (
        WITH_CARD,
        {},
        ["bat", "bi", "hiru"],
        "data/eus_Latn/train-00000-of-00002.parquet",
    ),
    "another split": (
        WITH_CARD,
        {"split": "test"},
        ["lau"],
        "data/eus_Latn/test-00000-of-00001.parquet",
    ),
    "another configuration": (WITH_CARD, {"config": "bod_Tibt"}, ["\u0f56"], "odd/x.parquet"),
    "by the names of files": (WITHOUT_CARD, {}, ["bat"], "data/train-00000-of-00001.parquet"),
    "by the names of folders": (WITHOUT_CARD, {"config": "eu"}, ["bi"], "eu/train/0.parquet"),
    "at a revision": (WITHOUT_CARD, {"revision": "v1"}, ["zaharra"], "train.parquet"),
    "what the Hub converted": (CONVERTED, {}, ["bihurtua"], "default/train/0000.parquet"),
}


@pytest.mark.parametrize(
    ("repository", "source", "texts", "path"), CHOICES.values(), ids=CHOICES.keys()
)
def test_the_files_of_a_configuration_and_split(
    repository: Repository,
    source: dict[str, str],
    texts: list[str],
    path: str,
    hub: Callable[[Repository], None],
    read_all: Callable[..., Rows],
) -> None:
    hub(repository)
    rows = read_all(format="hub", dataset="owner/corpus", **source)
    assert [row["text"] for row in rows] == texts
    assert rows[0]["path"].startswith("hf://datasets/owner/corpus@")
    assert rows[0]["path"].endswith(f"/{path}")


MISTAKES: dict[str, tuple[Repository, dict[str, Any], str]] = {
    "no such data set": (
        WITH_CARD,
        {"dataset": "owner/other"},
        "data set 'owner/other' has no Parquet for config 'default', split 'train'",
    ),
    "no such configuration": (
        WITH_CARD,
        {"config": "mlt_Latn"},
        "its configurations are eus_Latn, bod_Tibt",
    ),
    "no such split": (WITH_CARD, {"split": "dev"}, "split 'dev' at revision 'main'"),
    "no such revision": (WITH_CARD, {"revision": "v9"}, "at revision 'v9'"),
    "no such column": (
        WITH_CARD,
        {"columns": {"text": "body"}},
        "no column 'body' for text; it has 'text'",
    ),
    "several configurations and no default": (
        {"main": {"README.md": CARD.replace(b"  default: true\n", b"")}},
        {},
        "it has several configurations; name one under config: eus_Latn, bod_Tibt",
    ),
    "a card that leads out of the data set": (
        {"main": {"README.md": CARD.replace(b"odd/*", b"../../else/x")}},
        {"config": "bod_Tibt"},
        "its card names a file outside the data set: '../../else/x.parquet'",
    ),
    "a card that is no YAML": (
        {"main": {"README.md": b"---\na: [\n---\n"}},
        {},
        "its card has broken YAML: ",
    ),
}


@pytest.mark.parametrize(("repository", "source", "words"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes_are_problems_before_anything_runs(
    repository: Repository,
    source: dict[str, Any],
    words: str,
    hub: Callable[[Repository], None],
    problems: Callable[..., list[str]],
) -> None:
    hub(repository)
    found = problems(**{"format": "hub", "dataset": "owner/corpus", **source})
    assert found
    assert words in found[0]
    assert all("\n" not in problem for problem in found)


SETS: dict[str, tuple[Repository, tuple[str, ...], list[tuple[str, str, str]]]] = {
    "the splits that the card names": (
        WITH_CARD,
        (),
        [("bod_Tibt", "train", "odd/x.parquet"), ("eus_Latn", "test", "test-00000-of-00001.parquet"),
         ("eus_Latn", "train", "train-00000-of-00002.parquet"), ("eus_Latn", "train", "train-00001-of-00002.parquet")],
    ),
    "one that only some configurations have": (
        WITH_CARD, ("test",), [("eus_Latn", "test", "test-00000-of-00001.parquet")],
    ),
    "without a card, by the names of files": (
        WITHOUT_CARD, (), [("default", "train", "train-00000-of-00001.parquet")],
    ),
    "what the Hub converted": (CONVERTED, (), [("default", "train", "0000.parquet")]),
}  # fmt: skip


@pytest.mark.parametrize(("repository", "splits", "expected"), SETS.values(), ids=SETS.keys())
def test_all_configurations_at_once(
    repository: Repository,
    splits: tuple[str, ...],
    expected: list[tuple[str, str, str]],
    hub: Callable[[Repository], None],
) -> None:
    hub(repository)
    commit, parts, problems = find_parts("owner/corpus", "main", lambda _: True, splits)
    assert (commit, problems) == (SHA, [])
    found = [(part.config, part.split, file.path) for part in parts for file in part.files]
    assert [
        (config, split, path.endswith(end))
        for (config, split, path), (*_, end) in zip(found, expected, strict=True)
    ] == [(config, split, True) for config, split, _ in expected]
    assert all(SHA in path or "refs%2Fconvert" in path for *_, path in found), (
        "a commit stays what it is"
    )


def test_parts_that_are_not_there(hub: Callable[[Repository], None]) -> None:
    hub(WITH_CARD)
    for dataset, wanted, splits, words in (
        ("owner/corpus", "eus_Latn", ("dev", "test"), "data set 'owner/corpus' has no split 'dev'"),
        (
            "owner/corpus",
            "mlt_Latn",
            (),
            "no Parquet in what is asked for; its configurations are bod_Tibt, eus_Latn",
        ),
        ("owner/other", "eus_Latn", (), "data set 'owner/other' cannot be read from the Hub: "),
    ):
        _, _, problems = find_parts(dataset, "main", wanted.__eq__, splits)
        assert len(problems) == 1
        assert words in problems[0]
        assert "\n" not in problems[0]


def test_an_evaluation_set_on_the_hub(hub: Callable[[Repository], None]) -> None:
    """Each configuration's language, its part and its commit; the first footer is looked at before
    anything runs."""
    hub(WITH_CARD)
    described = {
        "name": "own",
        "hub": "owner/corpus",
        "fields": ["text"],
        "configs": "(?P<language>[a-z]{3}_[A-Z][a-z]+)",
    }
    source = EvaluationSet.model_validate(described)
    (found,), problems = find_evaluation_sets(DecontaminationConfig(evaluation_sets=(source,)), "")
    assert (found.revision, problems) == (SHA, [])
    rows = []
    for file in found.files:
        with copied(file) as (copy, _):
            rows += [
                row for items, _ in read_items(source, file, copy) for row in items.to_pylist()
            ]
    assert [(row["part"], row["language"], row["text"]) for row in rows] == [
        ("bod_Tibt/train", "bod", "\u0f56"),
        ("eus_Latn/test", "eus", "lau"),
        ("eus_Latn/train", "eus", "bat"),
        ("eus_Latn/train", "eus", "bi"),
        ("eus_Latn/train", "eus", "hiru"),
    ]
    wrong = source.model_copy(update={"fields": ("body",)})
    _, problems = find_evaluation_sets(DecontaminationConfig(evaluation_sets=(wrong,)), "")
    assert len(problems) == 1
    assert "field must be one of text, got 'body'" in problems[0]
