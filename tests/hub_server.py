"""The part of the Hub's protocol that the real client speaks when it pushes and loads data sets, on
loopback.

Repositories with commits, branches, tags and pull requests; files in git or, as LFS, by their
SHA-256. It proves that the client and we agree, not what the real service does.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "hf_planted_token"  # noqa: S105 - of this server alone
PAGE = 50  # files in one page of a listing


class File(NamedTuple):
    """One file of a commit."""

    content: bytes
    is_lfs: bool

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def git_id(self) -> str:
        stored = self.content
        if self.is_lfs:
            size = len(self.content)
            stored = f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {size}\n".encode()
        return hashlib.sha1(b"blob %d\0" % len(stored) + stored, usedforsecurity=False).hexdigest()

    def entry(self, path: str) -> dict[str, Any]:
        entry = {"type": "file", "path": path, "oid": self.git_id(), "size": len(self.content)}
        if self.is_lfs:
            entry["lfs"] = {"oid": self.sha256, "size": len(self.content), "pointerSize": 130}
        return entry


Tree = dict[str, File]


class Repository:
    """One repository; a revision is a branch, a tag, a pull request or a commit."""

    def __init__(self, *, private: bool) -> None:
        self.private = private
        self.commits: dict[str, Tree] = {}
        self.branches: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.requests: dict[str, dict[str, Any]] = {}
        self.history: list[tuple[str, str]] = []  # revision, commit
        self.commit(
            "main",
            {
                ".gitattributes": File(
                    b"*.parquet filter=lfs diff=lfs merge=lfs -text\n", is_lfs=False
                )
            },
        )

    def commit(self, revision: str, tree: Tree) -> str:
        listed = sorted((path, file.sha256) for path, file in tree.items())
        name = hashlib.sha1(
            repr((len(self.commits), listed)).encode(), usedforsecurity=False
        ).hexdigest()
        self.commits[name] = dict(tree)
        self.history.append((revision, name))
        if revision.startswith("refs/pr/"):
            self.requests[revision.removeprefix("refs/pr/")]["head"] = name
        else:
            self.branches[revision] = name
        return name

    def find(self, revision: str) -> str | None:
        if revision.startswith("refs/pr/"):
            request = self.requests.get(revision.removeprefix("refs/pr/"))
            return request["head"] if request else None
        found = self.branches.get(revision) or self.tags.get(revision)
        return found or (revision if revision in self.commits else None)

    def tree(self, revision: str = "main") -> Tree:
        return self.commits[self.find(revision) or ""]


class Hub:
    """A server's state, and what a test may plant: `fault` is asked before each request and may
    answer it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.repositories: dict[str, Repository] = {}
        self.lfs: dict[str, bytes] = {}
        self.uploaded = Counter[str]()  # SHA-256 of contents that were sent
        self.asked: list[str] = []
        # a status, or None
        self.fault: Callable[[str, str], int | None] = lambda _method, _path: None
        # True: the answer to the commit is lost
        self.after_commit: Callable[[], bool] = lambda: False
        self.seconds_an_upload = 0.0
        self.lock = threading.RLock()

    def put(self, name: str, files: dict[str, bytes]) -> str:
        """Commit files as somebody else would."""
        repository = self.repositories.setdefault(name, Repository(private=False))
        tree = {path: File(content, path.endswith(".parquet")) for path, content in files.items()}
        return repository.commit("main", repository.tree() | tree)


@contextmanager
def hub_server() -> Iterator[Hub]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    hub = _Handler.hub = Hub(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield hub
    server.shutdown()
    server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def _handle(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        self.body = self.rfile.read(length) if length else self._chunks()
        asked = urlsplit(self.path)
        self.query = {name: values[0] for name, values in parse_qs(asked.query).items()}
        self.hub.asked.append(f"{self.command} {asked.path}")
        planted = self.hub.fault(self.command, asked.path)
        if planted:
            return self._send(planted, {"error": "planted"}, {"Retry-After": "0"})
        if (
            self.command in ("POST", "PUT")
            and asked.path.startswith("/api/")
            and self._is_stranger()
        ):
            return self._send(401, {"error": "Invalid username or password."})
        for method, pattern, answer in ROUTES:
            found = re.fullmatch(pattern, asked.path)
            if found and self.command in method:
                return answer(self, *map(unquote, found.groups()))
        return self._send(404, {"error": f"no route {self.command} {asked.path}"})

    do_GET = do_HEAD = do_POST = do_PUT = _handle  # noqa: N815

    def log_message(self, *_message: object) -> None:
        """Keep the test's output clean."""

    def _is_stranger(self) -> bool:
        return self.headers.get("authorization") != f"Bearer {TOKEN}"

    def _chunks(self) -> bytes:
        body = b""
        if "chunked" in (self.headers.get("transfer-encoding") or ""):
            while size := int(self.rfile.readline().strip() or b"0", 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        return body

    def _send(self, status: int, value: Any = None, headers: dict[str, str] | None = None) -> None:
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, word in {"content-length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, word)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _missing(self, code: str) -> None:
        self._send(404, {"error": code}, {"X-Error-Code": code})

    def _found(self, name: str, revision: str) -> tuple[Repository, str] | None:
        repository = self.hub.repositories.get(name)
        if repository is None or (repository.private and self._is_stranger()):
            self._missing("RepoNotFound")
            return None
        commit = repository.find(revision)
        if commit is None:
            self._missing("RevisionNotFound")
            return None
        return repository, commit

    def create(self) -> None:
        asked = json.loads(self.body)
        name = f"{asked.get('organization') or 'me'}/{asked['name']}"
        if name in self.hub.repositories:
            return self._send(
                409, {"error": "exists", "url": f"{self.hub.address}/datasets/{name}"}
            )
        self.hub.repositories[name] = Repository(private=asked.get("visibility") == "private")
        return self._send(
            200, {"url": f"{self.hub.address}/datasets/{name}", "name": name, "id": name}
        )

    def settings(self, name: str) -> None:
        asked = json.loads(self.body)
        self.hub.repositories[name].private = asked.get(
            "visibility", "public"
        ) == "private" or bool(asked.get("private"))
        self._send(200, {})

    def info(self, name: str, revision: str = "main") -> None:
        found = self._found(name, revision)
        if found:
            repository, commit = found
            self._send(
                200,
                {
                    "_id": "x", "id": name, "author": name.split("/")[0], "sha": commit, "tags": [],
                    "private": repository.private, "gated": False, "disabled": False, "downloads": 0, "likes": 0,
                    "createdAt": "2026-01-01T00:00:00.000Z", "lastModified": "2026-01-01T00:00:00.000Z",
                    "siblings": [{"rfilename": path} for path in sorted(repository.commits[commit])],
                },
            )  # fmt: skip

    def refs(self, name: str) -> None:
        found = self._found(name, "main")
        if found:
            named = {"branches": found[0].branches, "tags": found[0].tags}
            listed = {
                kind: [
                    {"name": n, "ref": f"refs/{kind}/{n}", "targetCommit": c}
                    for n, c in names.items()
                ]
                for kind, names in named.items()
            }
            self._send(200, {**listed, "converts": []})

    def tree(self, name: str, revision: str, path: str | None = None) -> None:
        found = self._found(name, revision)
        if not found:
            return None
        tree = found[0].commits[found[1]]
        prefix = f"{path}/" if path else ""
        below = {p: file for p, file in sorted(tree.items()) if p.startswith(prefix)}
        if path and not below:
            return self._missing("EntryNotFound")
        recursive = self.query.get("recursive", "").lower() in ("true", "1")
        folders = {
            "/".join(parts[:depth])
            for p in below
            for parts in [p.split("/")]
            for depth in range(prefix.count("/") + 1, len(parts))
        }
        entries = [
            {"type": "directory", "path": folder, "oid": "0" * 40, "size": 0}
            for folder in sorted(folders)
            if recursive or "/" not in folder[len(prefix) :]
        ] + [file.entry(p) for p, file in below.items() if recursive or "/" not in p[len(prefix) :]]
        start = int(self.query.get("cursor", 0))
        headers = {}
        if start + PAGE < len(entries):
            address = f"{self.hub.address}{urlsplit(self.path).path}?recursive={recursive}&cursor={start + PAGE}"
            headers["Link"] = f'<{address}>; rel="next"'
        return self._send(200, entries[start : start + PAGE], headers)

    def paths(self, name: str, revision: str) -> None:
        found = self._found(name, revision)
        if found:
            asked = (
                json.loads(self.body)["paths"]
                if self.body[:1] == b"{"
                else parse_qs(self.body.decode())["paths"]
            )
            tree = found[0].commits[found[1]]
            folders = [p for p in asked if any(path.startswith(f"{p}/") for path in tree)]
            self._send(
                200,
                [tree[p].entry(p) for p in asked if p in tree]
                + [{"type": "directory", "path": p, "oid": "0" * 40, "size": 0} for p in folders],
            )

    def preupload(self, name: str, revision: str) -> None:
        found = self._found(name, revision)
        if found:
            files = [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if file["path"].endswith(".parquet") else "regular",
                    "shouldIgnore": False,
                }
                for file in json.loads(self.body)["files"]
            ]
            self._send(200, {"files": files, "commitOid": found[1]})

    def lfs(self, _name: str) -> None:
        objects = [
            {"oid": o["oid"], "size": o["size"], "authenticated": True}
            | (
                {}
                if o["oid"] in self.hub.lfs
                else {
                    "actions": {
                        "upload": {"href": f"{self.hub.address}/upload/{o['oid']}", "header": {}}
                    }
                }
            )
            for o in json.loads(self.body)["objects"]
        ]
        self._send(200, {"transfer": "basic", "objects": objects})

    def upload(self, sha256: str) -> None:
        time.sleep(self.hub.seconds_an_upload)
        if hashlib.sha256(self.body).hexdigest() != sha256:
            return self._send(400, {"error": "sha256"})
        self.hub.lfs[sha256] = self.body
        self.hub.uploaded[sha256] += 1
        return self._send(200, {})

    def commit(self, name: str, revision: str) -> None:
        with self.hub.lock:
            found = self._found(name, revision)
            if not found:
                return None
            repository, head = found
            lines = [json.loads(line) for line in self.body.splitlines()]
            if lines[0]["value"].get("parentCommit", head) != head:
                return self._send(
                    412, {"error": "A commit has happened since. Please refresh and try again."}
                )
            tree = dict(repository.commits[head])
            for line in lines[1:]:
                value = line["value"]
                if line["key"] == "file":
                    tree[value["path"]] = File(base64.b64decode(value["content"]), is_lfs=False)
                elif line["key"] == "lfsFile":
                    tree[value["path"]] = File(self.hub.lfs[value["oid"]], is_lfs=True)
                else:
                    del tree[value["path"]]
            commit = repository.commit(revision, tree)
        if self.hub.after_commit():
            self.close_connection = True
            return None
        address = f"{self.hub.address}/datasets/{name}/commit/{commit}"
        return self._send(200, {"success": True, "commitOid": commit, "commitUrl": address})

    def branch(self, name: str, branch: str) -> None:
        repository = self.hub.repositories[name]
        if branch in repository.branches:
            return self._send(409, {"error": "Reference already exists"})
        repository.branches[branch] = repository.branches["main"]
        return self._send(201, {})

    def tag(self, name: str, revision: str) -> None:
        found = self._found(name, revision)
        if found:
            found[0].tags[json.loads(self.body)["tag"]] = found[1]
            self._send(201, {})

    def discussions(self, name: str) -> None:
        repository = self.hub.repositories[name]
        if self.command == "POST":
            number = str(len(repository.requests) + 1)
            title = json.loads(self.body)["title"]
            repository.requests[number] = {
                "title": title,
                "status": "draft",
                "head": repository.branches["main"],
            }
            return self.discussion(name, number)
        listed = [self._discussion(name, number) for number in repository.requests]
        return self._send(200, {"discussions": listed, "count": len(listed), "start": 0})

    def discussion(self, name: str, number: str) -> None:
        self._send(200, self._discussion(name, number))

    def _discussion(self, name: str, number: str) -> dict[str, Any]:
        request = self.hub.repositories[name].requests[number]
        return {
            "title": request["title"], "status": request["status"], "num": int(number), "author": {"name": "me"},
            "repo": {"name": name, "type": "dataset"}, "isPullRequest": True, "createdAt": "2026-01-01T00:00:00.000Z",
            "pinned": False, "locked": False, "events": [], "changes": {"base": "refs/heads/main"},
            "filesWithConflicts": False, "diff": None, "diffUrl": None,
        }  # fmt: skip

    def status(self, name: str, number: str) -> None:
        status = json.loads(self.body)["status"]
        self.hub.repositories[name].requests[number]["status"] = status
        event = {
            "id": "e",
            "type": "status-change",
            "createdAt": "2026-01-01T00:00:00.000Z",
            "author": {"name": "me"},
        }
        self._send(200, {"newStatus": {**event, "data": {"status": status}}})

    def merge(self, name: str, number: str) -> None:
        repository = self.hub.repositories[name]
        request = repository.requests[number]
        if request["status"] != "open":
            return self._send(409, {"error": "not open"})
        request["status"] = "merged"
        repository.branches["main"] = request["head"]
        repository.history.append(("main", request["head"]))
        return self._send(200, {})

    def resolve(self, name: str, revision: str, path: str) -> None:
        found = self._found(name, revision)
        if not found:
            return None
        file = found[0].commits[found[1]].get(path)
        if file is None:
            return self._missing("EntryNotFound")
        name = file.sha256 if file.is_lfs else file.git_id()
        headers = {"ETag": f'"{name}"', "X-Repo-Commit": found[1], "Accept-Ranges": "bytes"}
        if file.is_lfs:
            headers |= {"X-Linked-Etag": f'"{name}"', "X-Linked-Size": str(len(file.content))}
        ranged = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("range") or "")
        if not ranged:
            return self._send(200, file.content, headers)
        begin, end = int(ranged[1]), min(int(ranged[2] or len(file.content)), len(file.content) - 1)
        headers["Content-Range"] = f"bytes {begin}-{end}/{len(file.content)}"
        return self._send(206, file.content[begin : end + 1], headers)


NAME = r"([^/]+/[^/]+)"
ROUTES: tuple[tuple[str, str, Callable[..., None]], ...] = (
    (
        "POST",
        "/api/validate-yaml",
        lambda handler: handler._send(200, {"errors": [], "warnings": []}),
    ),
    ("POST", "/api/repos/create", _Handler.create),
    ("PUT", rf"/api/datasets/{NAME}/settings", _Handler.settings),
    ("GET", rf"/api/datasets/{NAME}/refs", _Handler.refs),
    ("GET", rf"/api/datasets/{NAME}/tree/([^/]+)/(.+)", _Handler.tree),
    ("GET", rf"/api/datasets/{NAME}/tree/([^/]+)/?", _Handler.tree),
    ("GET", rf"/api/datasets/{NAME}/revision/(.+)", _Handler.info),
    ("POST", rf"/api/datasets/{NAME}/paths-info/(.+)", _Handler.paths),
    ("POST", rf"/api/datasets/{NAME}/preupload/(.+)", _Handler.preupload),
    ("POST", rf"/api/datasets/{NAME}/commit/(.+)", _Handler.commit),
    ("POST", rf"/api/datasets/{NAME}/branch/(.+)", _Handler.branch),
    ("POST", rf"/api/datasets/{NAME}/tag/(.+)", _Handler.tag),
    ("GET POST", rf"/api/datasets/{NAME}/discussions", _Handler.discussions),
    ("GET", rf"/api/datasets/{NAME}/discussions/(\d+)", _Handler.discussion),
    ("POST", rf"/api/datasets/{NAME}/discussions/(\d+)/status", _Handler.status),
    ("POST", rf"/api/datasets/{NAME}/discussions/(\d+)/merge", _Handler.merge),
    ("GET", rf"/api/datasets/{NAME}", _Handler.info),
    ("POST", rf"/datasets/{NAME}\.git/info/lfs/objects/batch", _Handler.lfs),
    ("PUT", r"/upload/([0-9a-f]{64})", _Handler.upload),
    ("GET HEAD", rf"/datasets/{NAME}/resolve/([^/]+)/(.+)", _Handler.resolve),
)
