"""The output may be any fsspec URL: on S3 and on Google Cloud Storage the same files appear, with the
same bytes, for few requests; what goes wrong there is one line, and the same command goes on."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import pickle
import signal
import subprocess
import sys
import time
import types
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import fsspec
import numpy as np
import numpy.typing as npt
import pytest

from pipelines.command_line.app import main
from pipelines.runners import local
from pipelines.staging import store as stores
from pipelines.staging.store import DONE, Store
from pipelines.staging.tasks import TaskResult
from schemas.failures import FailureError
from tests.endpoints import FaultyEndpoint
from tests.hub_server import File, Repository, hub_server
from tests.laws.mixed_corpus import write_mixed_corpus
from tests.object_stores import BROKEN, BUSY, CUT, SECRET, SERVERS, STRANGER, Fault, ObjectServer
from tests.recipes import one_source
from tests.running import digests, glotmill, run, start
from tests.withdrawals import WITHDRAWN, answered, write_corpus

GLOTMILL = Path(sys.executable).with_name("glotmill")

REQUESTS_A_TASK = 10
REQUESTS_IN_ALL = 13  # a task, with all that the launcher asks between phases


PHASES_OF_TASKS = (  # with several tasks in the corpus of `every_phase`
    *("ingest", "dedup-0-exact", "dedup-1-near", "dedup-2-across_scripts"),
    *("decontaminate-rewritten", "augment", "publish-splits", "withdraw-named", "withdraw-copies"),
    *("synthesize", "publish-shards", "publish-ledger", "publish-made", "publish-index"),
    "publish-synthetic-responses",
)


@pytest.fixture(scope="module")
def every_phase(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A recipe that goes through all phases, models among them, and `out` next to it."""
    pytest.importorskip("openai", reason="openai is not installed; it comes with glotmill[test]")
    pytest.importorskip("icu", reason="the letter tables of transliteration run on PyICU")
    folder = tmp_path_factory.mktemp("every_phase")
    with FaultyEndpoint(answered).serving() as endpoint:
        recipe = write_corpus(folder, endpoint.base_url, WITHDRAWN)
        recipe.write_text(recipe.read_text().replace("split_bytes = 16000", "split_bytes = 12000"))
        run(recipe, folder / "out")
        yield recipe


@pytest.fixture(params=sorted(SERVERS))
def server(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ObjectServer]:
    with SERVERS[request.param](monkeypatch) as served:
        yield served


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let clients try again as often as ever, but at once."""

    async def at_once(_seconds: float) -> None:
        """Do not wait."""

    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    waiting = types.SimpleNamespace(**vars(asyncio) | {"sleep": at_once})
    with contextlib.suppress(ImportError):
        for module in ("retry", "core"):  # the latter tries parts of long files again
            monkeypatch.setattr(f"gcsfs.{module}.asyncio", waiting)


def published(server: ObjectServer, folder: str) -> dict[str, str]:
    """Hash every file of a corpus on a server, staging aside."""
    files = server.open()
    root = f"{server.url.split('://')[1]}/{folder}/"
    return {
        path.removeprefix(root): hashlib.sha256(files.cat_file(path)).hexdigest()
        for path in files.find(root)
        if "/staging/" not in path
    }


def marked(method: str, path: str) -> set[str]:
    """Name the tasks, each after its phase, that a request marks as done."""
    file, _, names = unquote(path).partition("/staging/")[2].rpartition("#")
    if method not in ("PUT", "POST") or DONE not in file:
        return set()
    return {f"{file.partition('/')[0]}/{name}" for name in names.split(",")}


def mean_requests(requests: Sequence[tuple[str, str]]) -> dict[str, float]:
    """Return how much each phase of several tasks asks for one of them.

    With one worker, and each task marked before the next one begins, what is asked between the
    first and the last mark of a phase is asked for its tasks; what comes before is the launcher's,
    and what its worker loads.
    """
    asked: Counter[str] = Counter()
    tasks: Counter[str] = Counter()
    since, before = 0, ""
    for method, path in requests:
        since += 1
        for task in marked(method, path):
            phase = task.split("/")[0]
            if phase == before:
                asked[phase] += since
                tasks[phase] += 1
            since, before = 0, phase
    return {phase: count / tasks[phase] for phase, count in asked.items()}


@pytest.fixture
def marks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each task be marked by itself, before another one begins."""

    class AtOnce(local._Marks):
        def add(self, name: str, result: TaskResult) -> None:
            super().add(name, result)
            self.close()
            self._number, self._thread = (self._number or 0) + 1, None

    monkeypatch.setattr(local, "_Marks", AtOnce)


@pytest.mark.usefixtures("marks_at_once")
def test_all_phases_give_the_same_bytes_for_few_requests(
    monkeypatch: pytest.MonkeyPatch, every_phase: Path
) -> None:
    with SERVERS["s3"](monkeypatch) as server:
        run(every_phase, f"{server.url}/out", "--workers", "1")
        requests = list(server.requests)
        assert published(server, "out") == digests(every_phase.parent / "out")
    means = mean_requests(requests)
    assert {*means} == {*PHASES_OF_TASKS}
    assert {phase: mean for phase, mean in means.items() if mean > REQUESTS_A_TASK} == {}
    marks = sum(len(marked(method, path)) for method, path in requests)
    asked = [path for _, path in requests if "lease.json" not in path]  # by the clock, not by tasks
    assert len(asked) <= REQUESTS_IN_ALL * marks


def write_short_recipe(folder: Path) -> Path:
    """Write 120 lines, of which many are copies, and a recipe that reads and deduplicates them."""
    lines = "".join(f'{{"text": "Kaixo mundua, hau {n % 50}. orria da."}}\n' for n in range(120))
    (folder / "pages.jsonl").write_text(lines)
    recipe = folder / "own.toml"
    recipe.write_text(one_source("own", split_bytes=1024) + '[[dedup]]\nstage = "exact"\n')
    return recipe


@pytest.mark.usefixtures("marks_at_once")
def test_the_other_store_gives_the_same_bytes_for_few_requests(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    recipe = write_short_recipe(tmp_path)
    run(recipe, tmp_path / "out")
    with SERVERS["gs"](monkeypatch) as server:
        run(recipe, f"{server.url}/out", "--workers", "1")
        requests = list(server.requests)
        assert published(server, "out") == digests(tmp_path / "out")
    means = mean_requests(requests)
    assert {"ingest", "dedup-0-exact", "publish-ledger"} <= {*means}
    assert {phase: mean for phase, mean in means.items() if mean > REQUESTS_A_TASK} == {}


def test_a_run_that_the_store_broke_off_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The store fails for good when four tasks are marked; what was marked before is not done
    again."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    recipe = write_short_recipe(tmp_path)
    run(recipe, tmp_path / "out")
    with SERVERS["s3"](monkeypatch) as server:
        first: set[str] = set()

        def broken(method: str, path: str) -> Fault | None:
            if len(first) >= 4:
                return BROKEN
            first.update(marked(method, path))
            return None

        server.fault = broken
        process = start(recipe, f"{server.url}/out")
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 1
        assert errors.splitlines()[-1].endswith(f"planted; {stores.AGAIN}")
        assert "Traceback" not in errors
        assert SECRET not in errors
        server.fault = lambda _method, _path: None
        server.requests.clear()
        run(recipe, f"{server.url}/out")
        again = set[str]().union(*(marked(method, path) for method, path in server.requests))
        assert again
        assert not first & again
        assert published(server, "out") == digests(tmp_path / "out")


def test_what_was_done_and_not_marked_when_a_run_was_killed_is_done_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The files of the tasks are there; they are written again, with the same bytes."""
    recipe = write_short_recipe(tmp_path)
    run(recipe, tmp_path / "out")
    with SERVERS["s3"](monkeypatch) as server:
        process = start(recipe, f"{server.url}/out")
        unmarked: set[str] = set()

        def killed(method: str, path: str) -> Fault | None:
            unmarked.update(marked(method, path))
            if not unmarked:
                return None
            os.killpg(process.pid, signal.SIGKILL)
            return BROKEN

        server.fault = killed
        process.communicate(timeout=300)
        assert process.returncode == -signal.SIGKILL
        server.fault = lambda _method, _path: None
        server.requests.clear()
        run(recipe, f"{server.url}/out")
        again = set[str]().union(*(marked(method, path) for method, path in server.requests))
        assert unmarked
        assert unmarked <= again
        assert published(server, "out") == digests(tmp_path / "out")
        assert not [path for path in server.open().find(f"{server.url}/out") if "lease" in path]


@pytest.mark.parametrize("verb", ["read", "written"])
@pytest.mark.parametrize("fault", ["bucket", "stranger", "broken", "busy", "cut"])
@pytest.mark.usefixtures("impatient")
def test_what_a_store_answers_is_one_line(server: ObjectServer, fault: str, verb: str) -> None:
    faults = {"broken": BROKEN, "busy": BUSY, "cut": CUT, "stranger": STRANGER[server.protocol]}
    server.fault = lambda _method, _path: faults.get(fault)
    store = Store(f"{server.protocol}://nowhere/out" if fault == "bucket" else f"{server.url}/out")
    if (fault, verb) == ("bucket", "read"):
        assert not store.exists("a.txt")
        return
    with pytest.raises(FailureError) as caught:
        store.exists("a.txt") if verb == "read" else store.write("a.txt", b"a")
    line = str(caught.value)
    assert line.startswith(f"{store.url}/a.txt cannot be {verb}: ")
    assert line.endswith(stores.AGAIN)
    assert "\n" not in line
    assert SECRET not in line
    assert fault != "bucket" or "there is no bucket nowhere" in line


@pytest.mark.usefixtures("impatient")
def test_a_fault_that_passes_is_not_seen(
    server: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "3")  # five without it, and longer waits
    planted = iter([BROKEN, None, CUT])  # the first tries of two requests
    server.fault = lambda _method, _path: next(planted, None)
    Store(f"{server.url}/out").write("a.txt", b"a")
    assert Store(f"{server.url}/out").read("a.txt") == b"a"


def is_part(path: str) -> bool:
    """Say if a request puts a part of a file, to either store."""
    return "partNumber=" in path or "upload_id=" in path


@pytest.mark.usefixtures("impatient")
def test_a_long_file_is_put_in_parts_and_appears_whole(
    server: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "PART_BYTES", 5 << 20)  # the least that S3 takes
    content = bytes(range(256)) * (11 << 12)  # 11 MiB
    store = Store(f"{server.url}/out")
    store.write("long.bin", content)
    assert sum(is_part(path) for _, path in server.requests) == 3
    assert hashlib.sha256(store.read("long.bin")).digest() == hashlib.sha256(content).digest()
    seen = []

    def last_part(_method: str, path: str) -> Fault | None:
        if is_part(path):
            seen.append(path)
        return STRANGER[server.protocol] if is_part(path) and len(seen) == 3 else None

    server.fault = last_part
    with pytest.raises(FailureError, match="cannot be written"):
        store.write("never.bin", content)
    server.fault = lambda _method, _path: None
    assert not store.exists("never.bin")
    assert store.exists("long.bin")


def test_a_worker_asks_once_for_what_it_reads_and_what_is_missing(server: ObjectServer) -> None:
    launcher = Store(f"{server.url}/out")
    launcher.write("a.txt", b"a")
    launcher.write("empty", b"")
    worker: Store = pickle.loads(pickle.dumps(launcher))  # noqa: S301
    server.requests.clear()
    for _ in range(2):
        assert worker.exists("a.txt")
        assert worker.read("a.txt") == b"a"
        assert worker.read("empty") == b""
        assert not worker.exists("b.txt")
    assert len(server.requests) == 3
    worker.write("b.txt", b"b")
    assert worker.read("b.txt") == b"b", "what it writes it sees"
    launcher.write("a.txt", b"of a later run")
    assert worker.read("a.txt") == b"a"
    worker.forget()
    assert worker.read("a.txt") == b"of a later run"
    launcher.exists("c.txt")
    worker.write("c.txt", b"c")
    assert launcher.exists("c.txt"), "the launcher lives longer than a phase, and asks again"


def test_input_on_the_hub_gives_the_same_bytes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pages = "".join(f'{{"text": "Kaixo mundua, hau {n}. orria da."}}\n' for n in range(40)).encode()
    (tmp_path / "pages.jsonl").write_bytes(pages)
    with hub_server() as hub:
        repository = hub.repositories["owner/pages"] = Repository(private=False)
        repository.commit("main", {"data/pages.jsonl": File(pages, is_lfs=True)})
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        monkeypatch.setenv("HF_HUB_OFFLINE", "0")
        texts = []
        for name, path in (
            ("here", "pages.jsonl"),
            ("there", "hf://datasets/owner/pages/data/*.jsonl"),
        ):
            (tmp_path / f"{name}.toml").write_text(one_source("pages", paths=path))
            # anew, since the Hub's client reads its settings when it is imported
            command = (GLOTMILL, "run", tmp_path / f"{name}.toml", "--output", tmp_path / name)
            ran = subprocess.run(command, capture_output=True, text=True, check=False)
            assert ran.returncode == 0, ran.stderr
            data = Store(str(tmp_path / name / "data"))
            texts += [
                data.read_parquet(file.removeprefix(f"{data.root}/"), ["text"])
                for file in sorted(data.fs.find(data.root))
            ]
    assert texts[0] == texts[1]
    assert texts[0].num_rows == 40


@pytest.mark.parametrize(
    "address",
    [
        "s3://AKIA:hunter2@corpora/a.jsonl",
        "https://corpora.example/a.jsonl?X-Amz-Credential=AKIA&X-Amz-Signature=hunter2",
        "https://account.example/c/a.jsonl?sv=1&sig=hunter2",
    ],
)
def test_an_address_with_credentials_is_refused_and_not_repeated(
    tmp_path: Path, address: str
) -> None:
    (tmp_path / "a.toml").write_text(one_source("a", paths=address))
    ended = glotmill("plan", tmp_path / "a.toml")
    assert ended.returncode == 2
    assert "leave them to the provider's own chain" in ended.stderr
    assert "hunter2" not in ended.stderr
    ended = glotmill("run", write_mixed_corpus(tmp_path, 9), "--output", address)
    assert ended.returncode == 2
    assert "hunter2" not in ended.stderr


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
    for command, code, words in (
        (
            ["plan", str(elsewhere)],
            2,
            "path 's3://corpora/*.txt' cannot be listed: Unable to locate credentials",
        ),
        (
            ["run", str(recipe), "--output", "s3://corpora/out"],
            2,
            "cannot be read: Unable to locate credentials",
        ),
        (["run", str(recipe), "--output", "s3://"], 2, "names no bucket, as in s3://bucket/corpus"),
        (
            ["run", str(recipe), "--output", "nowhere://corpora/out"],
            2,
            "'nowhere://corpora/out' cannot be opened: Protocol not known: nowhere",
        ),
    ):
        with pytest.raises(SystemExit) as stopped:
            main(command)
        assert stopped.value.code == code
        assert capsys.readouterr().err.splitlines()[-1].endswith(words)
    fsspec.get_filesystem_class("s3").clear_instance_cache()


def test_an_output_that_cannot_be_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without its bucket, and where another recipe began; a folder next to that one is free."""
    lines = "".join(f'{{"text": "Kaixo mundua, hau {n}. orria da."}}\n' for n in range(3))
    (tmp_path / "pages.jsonl").write_text(lines)
    own, other = tmp_path / "own.toml", tmp_path / "other.toml"
    own.write_text(one_source("own"))
    other.write_text(one_source("own", split_bytes=1024))
    with SERVERS["s3"](monkeypatch) as server:
        run(own, f"{server.url}/out")
        run(other, f"{server.url}/free")
        for recipe, output, words in (
            (own, "s3://nowhere/out", "there is no bucket nowhere: make it, or name another"),
            (other, f"{server.url}/out", "choose another --output, or discard what is there"),
        ):
            with pytest.raises(SystemExit) as stopped:
                main(["run", str(recipe), "--output", output])
            assert stopped.value.code == 2
            (line,) = capsys.readouterr().err.splitlines()[-1:]
            assert words in line


def test_bundled_files_are_read_by_one_request(server: ObjectServer) -> None:
    store = Store(f"{server.url}/out")
    for name in ("a", "b"):
        store.write(f"staging/one/{name}.txt", name.encode())
    store.write("staging/one/done.json", b"{}")
    files = {name: [f"staging/{phase}/{name}.txt" for phase in ("one", "two")] for name in "abc"}
    launcher, worker = store.remembering(), store.remembering()
    worker.unbundle(["staging/bundles"], ["a"])
    launcher.bundle("staging/bundles", files)
    worker.forget()
    server.requests.clear()
    worker.unbundle(["staging/none", "staging/bundles"], ["a", "b", "c"])
    asked = len(server.requests)
    assert [worker.read(f"staging/one/{name}.txt") for name in "ab"] == [b"a", b"b"]
    assert not any(worker.exists(f"staging/two/{name}.txt") for name in "abc")
    assert len(server.requests) == asked, "nothing more is asked"
    worker.write("staging/two/a.txt", b"new")
    assert worker.read("staging/two/a.txt") == b"new"


def test_arrays_lie_in_one_file(tmp_path: Path, server: ObjectServer) -> None:
    keyed = np.array([(1, 2.5), (3, 0.5)], np.dtype([("key", "<u8"), ("share", "<f4")]))
    arrays: list[npt.NDArray[Any]] = [
        np.arange(5),
        np.empty(0, np.int32),
        keyed,
        np.ones((2, 3), bool),
    ]
    for store in (Store(str(tmp_path)), Store(f"{server.url}/out")):
        store.save_arrays("arrays.bin", arrays)
        for found, given in zip(store.load_arrays("arrays.bin"), arrays, strict=True):
            np.testing.assert_array_equal(found, given)
            assert found.dtype == given.dtype


def wait_for_plan(server: ObjectServer, folder: str) -> None:
    """Wait until a run has begun to write."""
    plan = f"{folder}/staging/plan.json"
    while not any(method == "PUT" and path.endswith(plan) for method, path in server.requests):
        time.sleep(0.01)


def test_a_second_run_on_one_output_is_refused_and_the_first_is_unharmed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Also one that would begin anew; a run that was killed holds nothing."""
    recipe = write_short_recipe(tmp_path)
    run(recipe, tmp_path / "out")
    with SERVERS["s3"](monkeypatch) as server:
        output = f"{server.url}/out"
        first = start(recipe, output)
        wait_for_plan(server, "out")
        os.kill(first.pid, signal.SIGSTOP)
        for options in ((), ("--restart",)):
            refused = glotmill("run", recipe, "--output", output, *options)
            assert refused.returncode == 2
            assert f"another run is writing to {output}" in refused.stderr
        os.kill(first.pid, signal.SIGCONT)
        assert first.wait() == 0
        assert published(server, "out") == digests(tmp_path / "out")
        assert not any("lease" in path for path in server.open().find(output))
        killed = start(recipe, f"{server.url}/killed")
        wait_for_plan(server, "killed")
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
        run(recipe, f"{server.url}/killed")
        assert published(server, "killed") == digests(tmp_path / "out")
