"""Apertium: rule-based translation between many small languages, as processes that stay alive.

A mode is a pipe of commands, read from its `.mode` file. Each gets `-z`, so that it flushes at a
NUL byte; the `apertium` script does not pass that on. A batch is written ahead of the answers, and
at its end a sentence with the batch's number. When a stage of the pipe dies, those after it write
NUL bytes of their own that would shift later answers: then the last answer is not that sentence's,
and no answer of the batch counts. The pipe is started again, and the sentences are asked one by
one, which finds the one that kills it.

The programs are under the GPL: they are called, never linked. Sources: Apertium's stream format
(https://wiki.apertium.org/wiki/Apertium_stream_format) and the manual pages of its programs.
"""

from __future__ import annotations

import os
import re
import select
import shlex
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from schemas.language import one_code, to_iso639_3
from stages.engines.engine import Answer, Direction, EngineError, Identity, always, parameters_json

BATCH = 256  # sentences that are written ahead of their answers
_RESERVED = re.compile(r"[\\\[\]{}^$/@<>]")  # of the stream format, where they stand escaped
# unknown words and generation failures are marked by these: ours travel as blanks
_MARKS = re.compile(r"[*#+~]")
_PLACEHOLDER = re.compile("\u27e6[0-9]+\u27e7")
_BLANK = re.compile(r"\\(.)|\[([^\]\\]*(?:\\.[^\]\\]*)*)\]", re.DOTALL)
_SPACE = re.compile(r"[\s\0]+")
# else a full stop is added, and taken off again
_ENDED = re.compile(r"[.!?:;\u2026\u0964\u06d4\u061f]\W*$")

_STOP, _END = ".", "[]"  # without a blank after it, the analyser waits for the end of the last word

# Modes of Debian 12 that do not work, measured on 1,997 news sentences.
NOT_USABLE: Mapping[str, str] = {
    "rus-ukr": "its tagger crashes on most sentences",
    "ukr-rus": "its tagger crashes on most sentences",
    "rus-bel": "its tagger crashes on most sentences",
    "hbs-mkd": "its output is empty",
    "eng-hbs": "four of five words cannot be generated",
    "mkd-hbs": "three of five words cannot be generated",
    "es-eo": "its data are incomplete",
    "ca-eo": "its data are incomplete",
}

# Debian packages of pairs, without those that replace each other.
PACKAGES = tuple(
    """afr-nld arg-cat bel-rus br-fr cat-ita cat-srd dan-nor en-gl eng-cat eng-spa eo-ca eo-en eo-es eo-fr es-gl es-pt
    es-ro eu-en eu-es fr-es fra-cat fra-frp hbs-eng hbs-mkd hbs-slv ind-zlm isl-eng isl-swe mkd-bul mkd-eng nno-nob
    oc-ca oc-es oci-fra pol-szl por-cat pt-gl rus-ukr spa-arg spa-ast spa-cat spa-ita srd-ita swe-dan swe-nor
    urd-hin""".split()  # noqa: SIM905
)
_SEVERAL = {"nor": ("nob", "nno")}  # languages that Debian names by one code


def modes_folder() -> Path:
    """Return where modes are installed: Debian's folder, or that of the variable APERTIUM_MODES."""
    return Path(os.environ.get("APERTIUM_MODES", "/usr/share/apertium/modes"))


def installed_modes() -> dict[tuple[str, str], list[str]]:
    """List the installed modes by ISO 639-3 source and target; plain modes stand before
    variants."""
    found: dict[tuple[str, str], list[str]] = {}
    for name in sorted(
        (path.stem for path in modes_folder().glob("*.mode")), key=lambda name: (len(name), name)
    ):
        if pair := _languages(name):
            found.setdefault(pair, []).append(name)
    return found


def _languages(mode: str) -> tuple[str, str] | None:
    """Return the languages of a mode, such as `eu-es` or `spa-eng_US`; None for what is no
    translation."""
    parts = [to_iso639_3(part.partition("_")[0]) for part in mode.split("-")[:2]]
    if len(parts) < 2 or parts[0] is None or parts[1] is None:
        return None
    return one_code(parts[0]), one_code(parts[1])


def mode_for(direction: Direction) -> str:
    """Name the installed mode for a direction; raises EngineError with those that there are."""
    modes = installed_modes()
    pair = one_code(direction.source.language), one_code(direction.target.language)
    for name in modes.get(pair, ()):
        reason = NOT_USABLE.get("-".join(name.split("_")[0].split("-")[:2]))
        if reason is None:
            return name
        raise EngineError(f"apertium's mode {name} for {direction} is not usable: {reason}")
    there = ", ".join(f"{source} -> {target}" for source, target in sorted(modes)) or "none"
    packages = [f"apertium-{name}" for name in PACKAGES if set(pair) <= _named(name)]
    more = (
        f"; apt-get install {' or '.join(packages)}"
        if packages
        else "; glotmill engines shows what can be installed"
    )
    raise EngineError(f"apertium has no mode for {direction}; installed are {there}{more}")


@cache
def _named(package: str) -> frozenset[str]:
    codes = (code for part in package.split("-") for code in _SEVERAL.get(part, (part,)))
    return frozenset(one_code(to_iso639_3(code) or code) for code in codes)


def pairs_of(package: str) -> frozenset[str]:
    """Return the languages that a package of PACKAGES translates between, by ISO 639-3."""
    return _named(package)


def commands_of(mode: str) -> list[list[str]]:
    """Read the commands of a mode's pipe, each with `-z`; raises EngineError if one is not
    installed."""
    try:
        line = (modes_folder() / f"{mode}.mode").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise EngineError(
            f"apertium has no mode {mode!r} in {modes_folder()}; glotmill engines lists those there are"
        ) from None
    commands = []
    for command in line.split("|"):
        program, *arguments = shlex.split(command.replace("$1", "-g").replace("$2", ""))
        if shutil.which(program) is None:
            raise EngineError(f"mode {mode} needs the program {program}; apt-get install apertium")
        commands.append([program, "-z", *arguments])
    return commands


@cache
def version_of(mode: str) -> str:
    """Name the versions of the package that owns a mode, and of Apertium; "unknown" without
    dpkg."""
    try:
        owner = subprocess.run(  # noqa: S603 - a fixed program and a path of ours
            ["dpkg", "-S", str(modes_folder() / f"{mode}.mode")],  # noqa: S607
            capture_output=True,
            text=True,
            check=True,
        ).stdout.partition(":")[0]
        shown = subprocess.run(  # noqa: S603
            ["dpkg-query", "-W", "-f", "${Package} ${Version};", owner, "apertium", "lttoolbox"],  # noqa: S607
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    except (FileNotFoundError, subprocess.CalledProcessError):
        return "unknown"
    return ", ".join(part for part in shown.split(";") if part)


class Apertium:
    """The pipe of one mode, which stays alive; sentences with placeholders, without line breaks."""

    placeholder = "\u27e6{}\u27e7"  # travels as a blank of the stream format

    def __init__(
        self, direction: Direction | None, mode: str | None = None, timeout_seconds: float = 60.0
    ) -> None:
        if mode is None and direction is None:
            raise ValueError("apertium needs a direction or a mode, got neither")
        self.mode = mode or mode_for(direction)  # type: ignore[arg-type]
        self.commands = commands_of(self.mode)
        self.timeout_seconds = timeout_seconds
        self.identity = Identity(
            "apertium",
            self.mode,
            version_of(self.mode),
            parameters_json({"placeholder": self.placeholder}),
        )
        self._processes: list[subprocess.Popen[bytes]] = []
        self._unread = b""
        self._batches = 0

    def translate(
        self, sentences: Sequence[str], go_on: Callable[[], bool] = always
    ) -> Iterator[tuple[int, Answer]]:
        """Yield the answers in order; a sentence that hangs or kills the pipe has an error
        instead."""
        for start in range(0, len(sentences), BATCH):
            if not go_on():
                return
            batch = sentences[start : start + BATCH]
            answers = self._ask(batch)
            if answers is None:  # the pipe was ended, and starts again
                answers = [
                    answer for sentence in batch for answer in self._alone(sentence, len(batch) > 1)
                ]
            for place, answer in enumerate(answers):
                yield start + place, answer

    def check(self) -> None:
        """Raise EngineError unless the mode answers a sentence: exit codes do not tell."""
        (_, answer), *_ = self.translate(["A. B."])
        if not (answer.text or "").strip():
            raise EngineError(
                f"apertium's mode {self.mode} does not work here: {answer.error or 'it answers nothing'}"
            )

    def _alone(self, sentence: str, again: bool) -> list[Answer]:
        answers = self._ask([sentence]) if again else None
        error = (
            f"apertium {self.mode} died or gave no answer within {self.timeout_seconds:g} seconds"
        )
        return answers or [Answer(None, error)]

    def _ask(self, sentences: Sequence[str]) -> list[Answer] | None:
        """Write a batch ahead and read its answers; None if the pipe hung or died, which ends
        it."""
        self._batches += 1
        last = self.placeholder.format(self._batches)
        batch = [*map(_to_stream, sentences), _to_stream(f"A {last}.")]
        if not self._processes:
            self._start()
        head, tail = self._processes[0].stdin, self._processes[-1].stdout
        if head is None or tail is None:
            raise EngineError(f"apertium {self.mode} was started without pipes")
        writer = threading.Thread(
            target=_write, args=(head, b"".join(line + b"\0" for line in batch)), daemon=True
        )
        writer.start()
        answers: list[bytes] = []
        deadline = time.monotonic() + self.timeout_seconds
        while len(answers) < len(batch):
            ready, _, _ = select.select([tail], [], [], max(0.0, deadline - time.monotonic()))
            chunk = os.read(tail.fileno(), 1 << 16) if ready else b""
            if not chunk:
                break
            *whole, self._unread = (self._unread + chunk).split(b"\0")
            if whole:
                answers += whole
                deadline = time.monotonic() + self.timeout_seconds
        dead = any(process.poll() is not None for process in self._processes)
        whole_batch = len(answers) == len(batch) and last in answers[-1].decode("utf-8", "replace")
        if dead or self._unread or not whole_batch:
            self.close()
            writer.join()
            return None
        writer.join()
        texts = [answer.decode("utf-8", "replace") for answer in answers[:-1]]
        return [
            Answer(_from_stream(text, sentence))
            for text, sentence in zip(texts, sentences, strict=True)
        ]

    def _start(self) -> None:
        before: subprocess.Popen[bytes] | None = None
        for command in self.commands:
            process = subprocess.Popen(  # noqa: S603 - the commands of an installed mode
                command,
                stdin=subprocess.PIPE if before is None else before.stdout,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "LC_ALL": "C.UTF-8"},
            )
            if before is not None and before.stdout is not None:
                before.stdout.close()  # else it would not notice that the next one died
            self._processes.append(process)
            before = process
        self._unread = b""

    def close(self) -> None:
        """End all processes of the pipe."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
        for pipe in (
            (self._processes[0].stdin, self._processes[-1].stdout) if self._processes else ()
        ):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue  # what was still to be written has no reader
        self._processes = []


def _write(pipe: object, content: bytes) -> None:
    try:
        pipe.write(content)  # type: ignore[attr-defined]
        pipe.flush()  # type: ignore[attr-defined]
    except (BrokenPipeError, ValueError):
        return  # the pipe died, which its reader finds out


def _to_stream(sentence: str) -> bytes:
    """Escape a sentence; placeholders and literal marks become blanks, which are carried along."""
    sentence = _SPACE.sub(" ", sentence).strip()
    parts: list[str] = []
    end = 0
    for found in re.finditer(f"{_PLACEHOLDER.pattern}|{_MARKS.pattern}", sentence):
        parts += [_RESERVED.sub(r"\\\g<0>", sentence[end : found.start()]), f"[{found[0]}]"]
        end = found.end()
    parts.append(_RESERVED.sub(r"\\\g<0>", sentence[end:]))
    return ("".join(parts) + ("" if _ENDED.search(sentence) else _STOP) + _END).encode()


def _from_stream(answer: str, sentence: str) -> str:
    answer = answer.strip().removesuffix(_END).rstrip()
    if not _ENDED.search(sentence):
        answer = answer.removesuffix(_STOP)
    return _BLANK.sub(lambda found: found[1] if found[1] is not None else found[2], answer).strip()
