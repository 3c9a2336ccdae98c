"""Trials: a run that meets several faults, is started again after each that ends it, and is then
compared with one that met none.

Which faults, and where, is drawn by a seed. After each end of a run these must hold:

- it ended as its fault asks for: by the signal, or with an exit code and one line, or well;
- no process of it is left, and no temporary file;
- every published file that stands has the bytes of the undisturbed run, unless another register
  has been published in between, whose files stand until a run has begun to publish again.

At the end the same command must end well, with the same files and bytes as the undisturbed corpus,
whose laws `glotmill audit` has checked.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pyarrow.dataset as ds

from pipelines.runners.fork_server import ForkServer
from tests.chaos.corpus import answering, write_corpus
from tests.chaos.file_system import FOLDER
from tests.chaos.places import BALLAST, WORKER, Watch, run_watched
from tests.running import Ended, digests, glotmill, processes_in

PRELOADED = "tests.chaos.preloaded"
DISK = "64m"  # size of the output's own file system
LONGEST_SECONDS = 900
STOPPED_SECONDS = 0.3
# Debian's; empty where it is not installed, and then no clock jumps.
LIBFAKETIME = next(map(str, Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), "")
OTHER_STAGE = "\n[[dedup]]\nstage = 'exact'\nfold_case = true\n"
OTHER_ENTRY = '\n[[withdrawn]]\nhost = "site1.example"\n'


class Kind(NamedTuple):
    """How a run ends that meets a fault of a kind, and where such faults may be."""

    code: int = 0
    line: str = ""  # part of what it says
    moments: str = "begun written stands read taken"
    workers_only: bool = False
    before_card: bool = False  # while something is still to do that notices it


_STOPPED = "glotmill: stopped; run the same command again to go on"
_CHANGED = " changed while this run went on"
KINDS: Mapping[str, Kind] = {
    "kill worker": Kind(workers_only=True),
    "kill driver": Kind(-9),
    "kill fork server": Kind(before_card=True),
    "kill group": Kind(-9),
    "stop worker": Kind(workers_only=True),
    "stop group": Kind(),
    "Ctrl-C": Kind(130, _STOPPED),
    "TERM": Kind(143, _STOPPED),
    "full disk": Kind(1, "make room, then run the same command again", "begun"),
    "read error": Kind(1, "Input/output error", "read"),
    "input appended to": Kind(1, _CHANGED, before_card=True),
    "input cut": Kind(1, _CHANGED, before_card=True),
    "input written again": Kind(1, _CHANGED, before_card=True),
    "input removed": Kind(1, " was removed while this run went on", before_card=True),
    "clock ahead": Kind(),
    "clock back": Kind(),
    "second run": Kind(before_card=True),
    "other recipe": Kind(-9),
    "other register": Kind(-9),
}
CLOCKS = ("clock ahead", "clock back")


@dataclass
class Tally:
    """What was tried and found, by kind of fault."""

    faults: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    documents_lost: Counter[str] = field(default_factory=Counter)
    bytes_differ: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


class Scene:
    """A corpus, its undisturbed run, and processes that have imported what runs need."""

    def __init__(self, folder: Path, workers: int) -> None:
        self.folder, self.workers, self.tally = folder, workers, Tally()
        self.scratch, self.disk, self.clock = (folder / n for n in ("scratch", "disk", "clock"))
        self.scratch.mkdir()
        self.disk.mkdir()
        self.clock.write_text("+0")
        self.corpus = write_corpus(folder)
        inputs = (self.corpus.lines, self.corpus.register, self.corpus.recipe)
        self._inputs = {file: (file.read_bytes(), _times(file)) for file in inputs}
        self.has_disk = _mounted(self.disk)
        self._is_published_again = False  # of another register
        self.output = self.disk / "out"
        self._server, self._clocked = ForkServer(), ForkServer()
        with answering(self.corpus) as asking:
            answered = self.run(Watch({}, ""), asking)
        if answered.returncode:
            raise RuntimeError(f"the run that asks models: {answered.stderr}")
        shutil.move(self.output / "responses", folder)
        shutil.rmtree(self.output)
        log = folder / "places"
        ended = self.run(Watch({}, "", log=str(log)))
        audited = glotmill("audit", self.output)
        if ended.returncode or audited.returncode:
            raise RuntimeError(f"the undisturbed run: {ended.stderr}{audited.stdout}")
        self.expected, self.documents = digests(self.output), _documents(self.output)
        lines = (line.rsplit("\t", 1) for line in log.read_text().splitlines())
        self.places = sorted({(place, role) for place, role in lines})

    def close(self) -> None:
        """Let the processes end, and give the disk back."""
        self._server.close()
        self._clocked.close()
        if self.has_disk:
            subprocess.run(["umount", "--lazy", self.disk], check=True)

    def try_faults(self, faults: Mapping[str, str]) -> None:
        """Meet the faults of one trial, kinds by place, and compare what stands at the end."""
        shutil.rmtree(self.output, ignore_errors=True)
        self._is_published_again = False
        fired = self.folder / "fired"
        shutil.rmtree(fired, ignore_errors=True)
        fired.mkdir()
        watch = Watch(
            dict(faults),
            str(fired),
            disk=str(self.disk) if self.has_disk else "",
            clock=str(self.clock),
            changing=str(self.corpus.lines),
        )
        for _ in range(len(faults) + 1):
            before = _fired(fired)
            ended = self.run(watch)
            met = [faults[place] for place in sorted(_fired(fired) - before)]
            self.tally.faults.update(met)
            self._check_end(met, ended)
            self._restore()
            self._give_other_commands(met)
            if not any(KINDS[kind].code for kind in met):
                break
        for place in set(faults) - _fired(fired):
            # in the first process that a new fork server forks, nothing may be watched
            if "kill fork server" not in faults.values():
                self._problem(f"{place} was never reached: {faults}")
        if digests(self.output) != self.expected:
            self.tally.bytes_differ.update(set(faults.values()))
            self._problem(f"other bytes after {faults}")
            shutil.copytree(self.output, self.folder / f"differs-{self.tally.runs}")
        if lost := len(self.documents - _documents(self.output)):
            self.tally.documents_lost.update(dict.fromkeys(faults.values(), lost))

    def run(self, watch: Watch, recipe: Path | None = None, output: str = "") -> Ended:
        """Run a recipe until it ends; what a fault stops goes on after a while."""
        self.tally.runs += 1
        streams = [self.folder / f"{name}-{self.tally.runs}" for name in ("out", "err")]
        target = output or str(self.output)
        options = ("--workers", str(self.workers), "--block-bytes", "4096")
        arguments = ["run", str(recipe or self.corpus.recipe), "--output", target, *options]
        clocked = bool(set(watch.faults.values()) & set(CLOCKS))
        self.clock.write_text("+0")
        with self._environment(clocked):
            server = self._clocked if clocked else self._server
            call = (arguments, watch, tuple(map(str, streams)))
            process = server.process(PRELOADED, run_watched, call)
        self.running = process.number
        known = _fired(Path(watch.fired)) if watch.faults else set()
        deadline = time.monotonic() + LONGEST_SECONDS
        while not process.has_ended(0.02):
            for place in (_fired(Path(watch.fired)) if watch.faults else set()) - known:
                known.add(place)
                self._answer(watch.faults[place], process.number)
            if time.monotonic() > deadline:
                self._problem(f"no end after {LONGEST_SECONDS} s: {watch.faults}")
                os.killpg(process.number, signal.SIGKILL)
        code = process.join()
        process.close()
        deadline = time.monotonic() + 60
        while left := processes_in(process.number):
            if time.monotonic() > deadline:
                self._problem(f"{len(left)} processes are left: {watch.faults}")
                os.killpg(process.number, signal.SIGKILL)
            time.sleep(0.02)
        return Ended(code, *(stream.read_text() for stream in streams))

    def _answer(self, kind: str, group: int) -> None:
        """Let a group of processes that a fault has stopped go on, after what belongs to it."""
        if kind not in ("stop worker", "stop group", "second run"):
            return
        time.sleep(STOPPED_SECONDS)
        if kind == "second run":
            second = self.run(Watch({}, ""))
            if second.returncode != 2 or "another run is writing to" not in second.stderr:
                self._problem(f"a second run: {second}")
        os.killpg(group, signal.SIGCONT)

    def _check_end(self, met: Sequence[str], ended: Ended) -> None:
        kinds = [KINDS[kind] for kind in met if KINDS[kind].code] or [Kind()]
        if not any(
            ended.returncode == kind.code and kind.line in ended.stderr for kind in kinds
        ) or any(not line.startswith("glotmill: ") for line in ended.stderr.splitlines()):
            self._problem(f"after {met}: {ended}")
        if left := sorted(path.name for path in self.scratch.iterdir()):
            self._problem(f"after {met} temporary files are left: {left}")
            shutil.rmtree(self.scratch)
            self.scratch.mkdir()
        if self._has_begun_again():
            self._is_published_again = False
        for name, digest in digests(self.output).items():
            if self.expected.get(name) != digest and not self._is_published_again:
                self._problem(f"after {met} {name} stands with other bytes")

    def _has_begun_again(self) -> bool:
        """Say whether the run has noted our register, which it does when all that another one
        published is removed."""
        noted = self.output / "staging/plan.json"
        register = hashlib.sha256(self._inputs[self.corpus.register][0]).hexdigest()
        return noted.exists() and register in noted.read_text()

    def _restore(self) -> None:
        """Undo what a fault did: make room, and put the input back as it was."""
        (self.disk / BALLAST).unlink(missing_ok=True)
        for file, (content, times) in self._inputs.items():
            if not file.exists() or file.read_bytes() != content or _times(file) != times:
                file.write_bytes(content)
                os.utime(file, ns=times)

    def _give_other_commands(self, met: Sequence[str]) -> None:
        """Change the recipe or the register on what the killed run has left, and change it back."""
        if "other recipe" in met:
            before = digests(self.output)
            with self.corpus.recipe.open("a") as recipe:
                recipe.write(OTHER_STAGE)
            refused = self.run(Watch({}, ""))
            if refused.returncode != 2 or "was begun with other" not in refused.stderr:
                self._problem(f"another recipe: {refused}")
            if digests(self.output) != before:
                self._problem("another recipe changed what stands")
        if "other register" in met:
            self._is_published_again = True
            with self.corpus.register.open("a") as register:
                register.write(OTHER_ENTRY)
            other = self.run(Watch({}, ""))
            if other.returncode:
                self._problem(f"another register: {other}")
        self._restore()

    @contextmanager
    def _environment(self, clocked: bool) -> Iterator[None]:
        """Set what a process that is asked for now has around it; one server does not tell our
        time."""
        changed = {FOLDER: str(self.folder), "TMPDIR": str(self.scratch)}
        if clocked:
            changed |= {
                "LD_PRELOAD": LIBFAKETIME,
                "FAKETIME_TIMESTAMP_FILE": str(self.clock),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "NO_FAKE_STAT": "1",
            }
        before = dict(os.environ)
        os.environ.update(changed)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    def _problem(self, words: str) -> None:
        self.tally.problems.append(words)


def draw_trials(
    places: Sequence[tuple[str, str]], seed: int, count: int, size: int
) -> Iterator[dict[str, str]]:
    """Draw trials until they have `count` faults, each trial of `size` in as many phases.

    Kinds take turns, and so do phases, so that each meets each in a long run. Kinds that the
    machine cannot have are left out.
    """
    chance, times = random.Random(seed), Counter[str]()
    kinds = [kind for kind in KINDS if kind not in CLOCKS or LIBFAKETIME]
    rounds = itertools.chain.from_iterable(chance.sample(kinds, len(kinds)) for _ in range(count))
    trial: dict[str, str] = {}
    for kind in itertools.islice(rounds, count):
        if len(trial) == size:
            yield trial
            trial = {}
        taken, fitting = {phase_of(place) for place in trial}, defaultdict(list)
        for place, role in places:
            if phase_of(place) not in taken and _fits(kind, place, role):
                fitting[phase_of(place)].append(place)
        phase = min(sorted(fitting), key=lambda each: (times[each], chance.random()))
        times[phase] += 1
        trial[chance.choice(fitting[phase])] = kind
    if trial:
        yield trial


def phase_of(place: str) -> str:
    """Name the phase of a place, or the folder of what is published.

    >>> phase_of("staging/ingest/f49d/done.json stands"), phase_of("data/eus_Latn/a.parquet begun")
    ('ingest', 'data')
    """
    first, *rest = place.rpartition(" ")[0].split("/")
    if first == "input":
        return "ingest"
    if first == "staging":
        return rest[0]
    return first if rest else "card"


def _fits(kind: str, place: str, role: str) -> bool:
    asked, phase = KINDS[kind], phase_of(place)
    if asked.workers_only and role != WORKER:
        return False
    if place.rpartition(" ")[2] not in asked.moments.split():
        return False
    if asked.before_card and phase in ("card", "charts"):
        return False
    if kind in ("other recipe", "second run") and phase == "plan.json":
        return False
    return kind != "kill fork server" or phase not in ("ingest", "plan.json")


def _mounted(folder: Path) -> bool:
    """Give a folder a small file system of its own, where that is allowed."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    return os.geteuid() == 0 and not subprocess.run(command, capture_output=True).returncode


def _times(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_mtime_ns, found.st_mtime_ns


def _fired(folder: Path) -> set[str]:
    return {file.name.replace("|", "/") for file in folder.iterdir()}


def _documents(output: Path) -> frozenset[tuple[str, str]]:
    """Read the id and the fate of every document that a corpus has accounted for."""
    if not (output / "ledger").exists():
        return frozenset()
    ledger = ds.dataset(output / "ledger").to_table(["id", "fate"])
    return frozenset(zip(*(ledger[name].to_pylist() for name in ("id", "fate")), strict=True))
