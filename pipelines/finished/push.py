"""Push a finished corpus to the Hugging Face Hub: what changed, in one step, and nothing over what
others wrote there.

The files are uploaded first, by their content, which no reader sees; then one commit makes them the
new revision. A push that is interrupted leaves the branch as it was, and the same command goes on.
The Hub asks for at most 100 files in a commit: more go to a pull request of our own, commit by
commit, and one merge makes them the new revision.

Every step is decided from what the repository holds, never from what was sent before. An answer
that was lost, a commit of somebody else meanwhile, and a push that was killed are thereby one case:
look again, send what is missing.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import httpx2
import pydantic
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_session
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile

from pipelines.staging.corpus import read_manifest
from pipelines.staging.store import MANIFEST, SIGNATURE, Store
from schemas.failures import FailureError, MisuseError
from schemas.manifest import FileRecord, Manifest

MAIN = "main"
COMMIT_FILES = 100  # the Hub recommends 50 to 100 files a commit, and ends a request after 60 s
COMMIT_BYTES = 2**30
ATTEMPTS = 6
LONGEST_WAIT = 60.0  # seconds between two attempts
# statuses of HTTP after which one looks again
PASSING = frozenset({408, 412, 429, 500, 502, 503, 504})
TIMEOUT = httpx2.Timeout(60, read=300)  # seconds; the Hub's client alone would wait for ever
DATASET = "dataset"

Report = Callable[[str], None]
Given = TypeVar("Given")


class Destination(NamedTuple):
    """Where a corpus goes, and what may be done there."""

    repository: str  # "owner/name"
    branch: str = MAIN
    pull_request: bool = False  # leave the commits in a pull request, for somebody to look at
    tag: str | None = None
    public: bool = False
    overwrite: bool = False  # also files that no push of this corpus wrote


class Changes(NamedTuple):
    """What a revision lacks to hold the corpus."""

    head: str | None  # the commit that was looked at; None if there is no repository
    written: tuple[FileRecord, ...]
    removed: tuple[str, ...]  # files of the corpus's earlier version
    unchanged: int
    foreign: tuple[str, ...]  # paths of both that hold what no push of this corpus wrote

    @property
    def bytes(self) -> int:
        return sum(record.bytes for record in self.written)


class Push:
    """A finished corpus, and the repository it goes to. Raises MisuseError for what cannot be
    pushed at all."""

    def __init__(self, store: Store, destination: Destination, report: Report) -> None:
        self.manifest = read_manifest(store)
        if not store.local:
            raise MisuseError(f"push reads a corpus from a local folder: copy {store.url} to one")
        if destination.repository.count("/") != 1:
            raise MisuseError(f'a repository is named "owner/name", got {destination.repository!r}')
        for kind, name in (("branch", destination.branch), ("tag", destination.tag)):
            if name is not None and not _is_ref(name):
                raise MisuseError(
                    f"--{kind} must be a name of letters, digits, '.', '_', '-' and '/', got {name!r}"
                )
        if destination.tag == destination.branch:
            raise MisuseError(f"--tag must not be called as the branch is, got {destination.tag!r}")
        if destination.pull_request and (destination.tag or destination.branch != MAIN):
            raise MisuseError("--pull-request goes without --tag and --branch: tag what was merged")
        self.store, self.to, self.report = store, destination, report
        for record in self.manifest.files:
            if not _is_within(record.path):
                raise FailureError(
                    f"{store.url}/{MANIFEST} names {record.path!r}, which is no file of a corpus"
                )
        own = [path for path in (MANIFEST, SIGNATURE) if store.exists(path)]
        self.files = {record.path: record for record in self.manifest.files} | {
            path: FileRecord(path=path, bytes=store.size(path), sha256=store.sha256(path))
            for path in own
        }
        get_session().timeout = TIMEOUT
        self.api = HfApi()

    def check(self) -> None:
        """Raise FailureError if a file is not the one that the manifest names."""
        self.report(f"checking {len(self.files):,} files")
        for path, record in self.files.items():
            if not self.store.exists(path) or self.store.sha256(path) != record.sha256:
                raise FailureError(
                    f"{self.store.url}/{path} is not the file that the run wrote: glotmill audit {self.store.url}"
                )

    def changes(self, revision: str | None = None) -> Changes:
        """Compare a revision, the branch if none is given, with the corpus."""
        with _one_line_errors(self.to.repository):
            head, there = self._tree(revision or self.to.branch)
            written = [
                record
                for path, record in self.files.items()
                if not self._is_same(record, there.get(path))
            ]
            former = self._former(head, there)
            foreign = [
                record.path
                for record in written
                if record.path in there and not self._is_ours(there[record.path], head, former)
            ]
            removed = sorted(set(former) & set(there) - set(self.files))
            foreign += [path for path in removed if not self._is_ours(there[path], head, former)]
        return Changes(
            head, tuple(written), tuple(removed), len(self.files) - len(written), tuple(foreign)
        )

    def push(self, found: Changes) -> str:
        """Make the repository, in which `changes` found this, hold the corpus.

        Returns the commit, or the address of the pull request.

        Raises FailureError if the Hub does not take it, or holds what this corpus did not write
        there.
        """
        with _one_line_errors(self.to.repository):
            return self._push(found)

    def _push(self, found: Changes) -> str:
        self._refuse_foreign(found)
        self._refuse_tag(found)
        if found.head is None:
            self._ask(self.api.create_repo, private=True, exist_ok=True)
        if self.to.branch != MAIN:
            self._ask(self.api.create_branch, branch=self.to.branch, exist_ok=True)
        many = len(found.written) + len(found.removed) > COMMIT_FILES and self.to.branch == MAIN
        commit = (
            self._pull_request() if many or self.to.pull_request else self._fill(self.to.branch)
        )
        if self.to.tag and self.to.tag not in self._tags():
            self._ask(self.api.create_tag, tag=self.to.tag, revision=commit, exist_ok=True)
        if self.to.public:
            self._ask(self.api.update_repo_settings, private=False)
        return commit

    def _fill(self, revision: str) -> str:
        """Commit to a revision until it holds the corpus; return its commit."""
        of_request = revision.startswith("refs/pr/")
        attempts = 0
        while True:
            found = self.changes(revision)
            if not of_request:
                self._refuse_foreign(found)
            if found.head and not found.written and not found.removed:
                return found.head
            written = found.written[:COMMIT_FILES] if of_request else found.written
            removed = found.removed if len(written) == len(found.written) else ()
            try:
                additions = self._upload(written, revision)
                self.api.create_commit(
                    self.to.repository,
                    [*additions, *map(CommitOperationDelete, removed)],
                    commit_message=f"{self.manifest.corpus} {self.manifest.version}",
                    repo_type=DATASET,
                    revision=revision,
                    parent_commit=found.head,
                )
            except (HfHubHTTPError, httpx2.TransportError) as error:
                attempts += 1
                _wait(error, attempts, self.report)

    def _upload(self, records: tuple[FileRecord, ...], revision: str) -> list[CommitOperationAdd]:
        """Upload contents that the Hub does not have yet, some files at a time, which a later push
        finds there."""
        additions = []
        sent = 0
        for some in _portions(records):
            sent += sum(record.bytes for record in some)
            these = [
                CommitOperationAdd(record.path, self.store.full(record.path)) for record in some
            ]
            self._ask(self.api.preupload_lfs_files, these, revision=revision, free_memory=False)
            additions += these
            self.report(
                f"uploaded {len(additions):,} of {len(records):,} files, {sent / 1e6:,.1f} MB"
            )
        return additions

    def _pull_request(self) -> str:
        """Fill a pull request of this version of the corpus and merge it, if that was asked for."""
        title = (
            f"{self.manifest.corpus} {self.manifest.version} ({self.files[MANIFEST].sha256[:12]})"
        )
        begun = (
            request.num
            for request in self._ask(self.api.get_repo_discussions, discussion_type="pull_request")
            if request.title == title and request.status in ("draft", "open")
        )
        number = (
            next(begun, None)
            or self.api.create_pull_request(self.to.repository, title, repo_type=DATASET).num
        )
        self._fill(f"refs/pr/{number}")
        request = self._ask(self.api.get_discussion_details, number)
        if request.status == "draft":
            self._ask(self.api.change_discussion_status, number, "open")
        if self.to.pull_request:
            return str(request.url)
        self.api.merge_pull_request(self.to.repository, number, repo_type=DATASET)
        left = self.changes()
        if left.written or left.removed:
            raise FailureError(
                f"{self.to.repository}: pull request {number} did not merge: {request.url}"
            )
        return str(left.head)

    def _tree(self, revision: str) -> tuple[str | None, dict[str, RepoFile]]:
        """Return the commit of a revision and its files by path; the main branch's for a branch
        that is not there."""
        for name in dict.fromkeys((revision, MAIN)):
            try:
                head = str(self._ask(self.api.repo_info, revision=name).sha)
            except RevisionNotFoundError:
                continue
            except RepositoryNotFoundError:
                break
            listed = self._ask(
                lambda *of, **how: list(self.api.list_repo_tree(*of, **how)),
                revision=head,
                recursive=True,
            )
            return head, {entry.path: entry for entry in listed if isinstance(entry, RepoFile)}
        return None, {}

    def _is_same(self, record: FileRecord, there: RepoFile | None) -> bool:
        if there is None or there.size != record.bytes:
            return False
        if there.lfs is not None:
            return there.lfs.sha256 == record.sha256
        return there.blob_id == _git_id(Path(self.store.full(record.path)))

    def _former(self, head: str | None, there: dict[str, RepoFile]) -> dict[str, str]:
        """Return the SHA-256 by path of the version of this corpus that the repository holds; none
        without one."""
        if MANIFEST not in there:
            return {}
        try:
            former = Manifest.model_validate_json(self._content(MANIFEST, head))
        except pydantic.ValidationError:
            return {}
        if former.corpus != self.manifest.corpus:
            return {}
        return {record.path: record.sha256 for record in former.files}

    def _is_ours(self, there: RepoFile, head: str | None, former: dict[str, str]) -> bool:
        """Say if a push of this corpus wrote a file as it is in the repository."""
        if there.path in (MANIFEST, SIGNATURE):
            return bool(former)
        if there.path not in former:
            return False
        if there.lfs is not None:
            return there.lfs.sha256 == former[there.path]
        return hashlib.sha256(self._content(there.path, head)).hexdigest() == former[there.path]

    def _content(self, path: str, head: str | None) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            return Path(
                self._ask(self.api.hf_hub_download, path, revision=head, local_dir=folder)
            ).read_bytes()

    def _ask(self, call: Callable[..., Given], *arguments: Any, **options: Any) -> Given:
        """Ask the Hub for what may be asked twice, again while the answer is one that passes."""
        for attempt in itertools.count(1):
            try:
                return call(self.to.repository, *arguments, repo_type=DATASET, **options)
            except (HfHubHTTPError, httpx2.TransportError) as error:
                _wait(error, attempt, self.report)
        raise AssertionError("counting has no end")

    def _refuse_foreign(self, found: Changes) -> None:
        if found.foreign and not self.to.overwrite:
            more = f" and {len(found.foreign) - 3:,} more" if len(found.foreign) > 3 else ""
            raise FailureError(
                f"{self.to.repository} holds files that no push of {self.manifest.corpus!r} wrote as they are: "
                f"{', '.join(found.foreign[:3])}{more}; name another repository, or --overwrite"
            )

    def _refuse_tag(self, found: Changes) -> None:
        """Refuse a tag that stands at another commit, before anything is sent."""
        commit = self._tags().get(self.to.tag or "") if found.head else None
        if commit and (found.written or found.removed or commit != found.head):
            raise FailureError(
                f"{self.to.repository} has the tag {self.to.tag} at {commit[:7]}: give another --tag"
            )

    def _tags(self) -> dict[str, str]:
        return {tag.name: tag.target_commit for tag in self._ask(self.api.list_repo_refs).tags}


def _is_ref(name: str) -> bool:
    """Say if a branch or a tag may be called so: the names of `git check-ref-format` that need no
    quotes anywhere.

    >>> [_is_ref(name) for name in ("v1.0", "release/2", "", "-x", "a b", "x..y", "a.lock", "refs/pr/1")]
    [True, True, False, False, False, False, False, False]
    """
    parts = name.split("/")
    return all(
        re.fullmatch(r"\w[\w.-]*", part, re.ASCII)
        and ".." not in part
        and not part.endswith((".", ".lock"))
        for part in parts
    ) and (parts[0] != "refs")


def _is_within(path: str) -> bool:
    """Say if a path of a manifest stays within the corpus, and is one that the Hub takes.

    >>> [_is_within(path) for path in ("data/a.parquet", "../a", "/etc/passwd", ".git/config", "a\\nb")]
    [True, False, False, False, False]
    """
    return path.isprintable() and not {"", ".", "..", ".git"} & set(path.split("/"))


def _portions(records: tuple[FileRecord, ...]) -> Iterator[list[FileRecord]]:
    """Part files into runs of at most COMMIT_FILES files and, but for a single file, COMMIT_BYTES
    bytes."""
    some: list[FileRecord] = []
    for record in records:
        if some and (
            len(some) == COMMIT_FILES or sum(r.bytes for r in some) + record.bytes > COMMIT_BYTES
        ):
            yield some
            some = []
        some.append(record)
    if some:
        yield some


def _git_id(path: Path) -> str:
    """Return the name that git gives to a file's content; of small files only, which the Hub keeps
    in git itself."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _wait(error: HfHubHTTPError | httpx2.TransportError, attempt: int, report: Report) -> None:
    """Wait as long as the Hub says, else twice as long each time; raise an error that does not
    pass."""
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
    if attempt == ATTEMPTS or (status is not None and status not in PASSING):
        raise error
    asked = (
        error.response.headers.get("Retry-After", "") if isinstance(error, HfHubHTTPError) else ""
    )
    seconds = min(float(asked) if asked.isdigit() else 0.5 * 2**attempt, LONGEST_WAIT)
    report(f"the Hub does not answer ({status or error}), trying again in {seconds:.0f} s")
    time.sleep(seconds)


@contextlib.contextmanager
def _one_line_errors(repository: str) -> Iterator[None]:
    """Turn what the Hub's client raises into one line that says what to do; no token is in any of
    it."""
    try:
        yield
    except HFValidationError as error:
        raise MisuseError(f"{repository!r} names no repository: {error}") from None
    except OfflineModeIsEnabled:
        raise MisuseError(
            "HF_HUB_OFFLINE is set, so the Hub is not asked: unset it to push"
        ) from None
    except LocalTokenNotFoundError:
        raise MisuseError(
            "no token for the Hub: log in with `hf auth login`, or set HF_TOKEN"
        ) from None
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status in (401, 403):
            raise FailureError(
                f"the Hub refuses to write to {repository} ({status}): log in with `hf auth login` and a token that "
                f"may write there"
            ) from None
        words = (error.server_message or str(error)).splitlines()[0]
        raise FailureError(f"the Hub does not take {repository} ({status}): {words}") from None
    except (json.JSONDecodeError, KeyError) as error:
        raise FailureError(
            f"what answers in the Hub's place is not the Hub, or speaks otherwise ({error}): look at "
            "HF_ENDPOINT and proxies; the same command goes on"
        ) from None
    except httpx2.TransportError as error:
        raise FailureError(
            f"the Hub cannot be reached ({error}); the same command goes on"
        ) from None
