"""Responses that engines gave, kept as they come, so that nothing is asked and paid for twice.

Each task keeps what it was answered in segments of its own folder, so that a kill loses no answer.
What folders to reuse know is copied there, so that the segments hold all that the task was
answered. Published responses are Parquet, sorted by key: RESPONSE. A key says all that an answer
depends on, so whoever has the file can join by it.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Generator as PyGenerator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import cache
from itertools import islice, repeat
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.staging.segments import Segments
from pipelines.staging.store import Store
from schemas.columns import column
from stages.engines.chat import CHAT, ChatRequest, Completion, Generator
from stages.engines.engine import (
    KEY_BYTES,
    Answer,
    Direction,
    Engine,
    EngineError,
    Identity,
    response_key,
)

RESPONSE = pa.schema(
    [
        column(
            "key", pa.binary(KEY_BYTES), "BLAKE2b-128 of the next seven columns, parted by NUL."
        ),
        column("engine", pa.string(), "Engine that answered."),
        column("model", pa.string(), "Its model or mode."),
        column("version", pa.string(), "Version of engine and model."),
        column("parameters", pa.string(), "Parameters as JSON."),
        column(
            "direction",
            pa.string(),
            "Languages, as `eus_Latn -> spa_Latn`; `chat` for a generator.",
        ),
        column(
            "sentence",
            pa.large_string(),
            "What was asked: a sentence, protected parts masked; or the messages, JSON schema and parameters, as JSON.",
        ),
        column("response", pa.large_string(), "The answer, as it came."),
        column(
            "prompt_tokens", pa.int64(), "Tokens that the question took; 0 where none are counted."
        ),
        column(
            "completion_tokens",
            pa.int64(),
            "Tokens that the answer took; 0 where none are counted.",
        ),
    ]
)
_ROW_GROUP = 2_000  # a few kB each: a question holds its passage
_RECORD = 16  # bytes of a meter's record
# that a worker waits for an answer to another one, before it takes the budget for spent
_OTHERS_SECONDS = 60.0
_WINDOW = 16  # conversations started and not yet yielded, for each slot of the generator


class BudgetError(EngineError):
    """The tokens that a run may take are spent."""


class Known(NamedTuple):
    """Where published responses lie: sorted keys, and for each the file and row."""

    keys: np.ndarray[Any, np.dtype[np.void]]
    places: np.ndarray[Any, np.dtype[np.int64]]  # (file, row)
    files: tuple[tuple[str, str], ...]  # folder, file


@cache
def known_responses(folders: tuple[str, ...]) -> Known:
    """Read the keys of folders of published responses; raises FileNotFoundError for one that holds
    none."""
    keys, places = [np.empty(0, f"V{KEY_BYTES}")], [np.empty((0, 2), np.int64)]
    files: list[tuple[str, str]] = []
    for folder in folders:
        store = Store(folder)
        names = sorted(name for name in store.names("") if name.endswith(".parquet"))
        if not names:
            raise FileNotFoundError(
                f"{folder} holds no responses: it must be the folder `responses` of a corpus"
            )
        for name in names:
            found = store.read_parquet(name, ["key"])["key"].combine_chunks()
            own = np.frombuffer(b"".join(found.to_pylist()), f"V{KEY_BYTES}")
            keys.append(own)
            places.append(np.stack([np.full(len(own), len(files)), np.arange(len(own))], axis=1))
            files.append((folder, name))
    together, where = np.concatenate(keys), np.concatenate(places)
    order = np.argsort(together.view(f"S{KEY_BYTES}") if len(together) else together, kind="stable")
    return Known(together[order], where[order], tuple(files))


def recorded_identities(folders: tuple[str, ...], direction: Direction | str) -> list[Identity]:
    """List whose responses for a direction, or to chats, lie in some folders."""
    found: dict[Identity, None] = {}
    for folder, name in known_responses(folders).files:
        columns = [*Identity._fields, "direction"]
        table = Store(folder).read_parquet(name, columns)
        own = (
            table.filter(pc.equal(table["direction"], str(direction)))
            .group_by(list(Identity._fields))
            .aggregate([])
        )
        found |= dict.fromkeys(Identity(**row) for row in own.to_pylist())
    return sorted(found)


class Meter:
    """The tokens that all workers of a phase took: a file to which each appends, so that none waits
    for another.

    A record is two numbers of 8 bytes: tokens spent, and tokens reserved for questions on their way
    (released again by a negative number). On an object store each worker counts for itself.
    """

    def __init__(self, store: Store, path: str, raised: int | None = None) -> None:
        self.raised = raised  # the budget of this attempt, whatever the recipe says
        self._path = store.full(path) if store.local else None
        self._counted, self._read = np.zeros(2, np.int64), 0
        if self._path:
            os.makedirs(os.path.dirname(self._path), exist_ok=True)  # noqa: PTH103, PTH120 - a path of fsspec's

    def add(self, spent: int, reserved: int = 0) -> None:
        """Count tokens that were spent, and reserve some, or release them."""
        record = np.array([spent, reserved], "<i8")
        if not self._path:
            self._counted += record
            return
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(file, record.tobytes())
        os.close(file)

    def reserve(self, tokens: int, budget: int | None) -> bool:
        """Reserve what a question can take at most; False, and nothing is reserved, where the
        budget has no room.

        A kill leaves reserved what was on its way, as it may be paid for.
        """
        self.add(0, tokens)
        if budget is not None and self.total() > budget:
            self.add(0, -tokens)
            return False
        return True

    def total(self) -> int:
        """Return what was spent and is reserved, by all and by earlier attempts of the run."""
        return int(self._count().sum())

    def reserved(self) -> int:
        """Return what is reserved by all; by earlier attempts that were killed, too."""
        return int(self._count()[1])

    def _count(self) -> npt.NDArray[np.int64]:
        if self._path and os.path.exists(self._path):  # noqa: PTH110
            with open(self._path, "rb") as file:  # noqa: PTH123
                file.seek(self._read)
                new = file.read()
            whole = len(new) // _RECORD * _RECORD
            self._counted += np.frombuffer(new[:whole], "<i8").reshape(-1, 2).sum(axis=0)
            self._read += whole
        return self._counted


Ask = Callable[[Engine, Direction, int | None, Sequence[str]], list[Answer]]
Result = TypeVar("Result")
# asks, is answered, and so on to a result
Conversation = PyGenerator[Sequence[ChatRequest], list[Completion], Result]


class _Talk(Generic[Result]):
    """A conversation on its way."""

    def __init__(self, conversation: Conversation[Result]) -> None:
        self._conversation = conversation
        self._answers: list[Completion | None] | None = None
        self.missing = 0
        self.ended = False
        self.result: Result

    def next_requests(self) -> Sequence[ChatRequest] | None:
        """Hand over the answers and return what is asked next; None at the end."""
        try:
            if self._answers is None:
                requests = next(self._conversation)
            else:
                requests = self._conversation.send(
                    [answer for answer in self._answers if answer is not None]
                )
        except StopIteration as stop:
            self.result, self.ended = stop.value, True
            return None
        self._answers, self.missing = [None] * len(requests), len(requests)
        return requests

    def take(self, place: int, answer: Answer) -> None:
        """Take the answer to a request."""
        if self._answers is not None:
            self._answers[place] = Completion.of(answer)
            self.missing -= 1


class KeptResponses:
    """The responses of one task: those of earlier attempts, those of the folders to reuse, and
    those that come."""

    def __init__(self, store: Store, folder: str, reuse: tuple[str, ...], meter: Meter) -> None:
        self.store, self.folder, self.reuse, self.meter = store, folder, reuse, meter
        self._segments = Segments(store, folder)

    def ask(
        self, engine: Engine, direction: Direction, budget: int | None, sentences: Sequence[str]
    ) -> list[Answer]:
        """Answer n distinct sentences from what is kept, and ask the engine for the others.

        Raises BudgetError once the tokens of the budget are taken; what was answered until then is
        kept.
        """
        keys = [response_key(engine.identity, direction, sentence) for sentence in sentences]
        questions = zip(sentences, repeat(engine.identity), repeat(str(direction)))
        self._look_up(dict(zip(keys, questions, strict=False)))
        answers: list[Answer | None] = [self._known(key) for key in keys]
        missing = [place for place, answer in enumerate(answers) if answer is None]
        asked = [sentences[place] for place in missing]

        if self.meter.raised is not None:
            budget = self.meter.raised

        def within() -> bool:
            return budget is None or self.meter.total() < budget

        for number, given in engine.translate(asked, within) if missing else ():
            place = missing[number]
            answers[place] = given
            if tokens := given.prompt_tokens + given.completion_tokens:
                self.meter.add(tokens)
            self._keep(keys[place], sentences[place], engine.identity, str(direction), given)
        self._segments.flush()
        if None in answers and not within():
            raise self._spent(budget)
        return [answer or Answer(None, "the engine gave no answer") for answer in answers]

    def converse(
        self,
        generator: Generator,
        budget: int | None,
        conversations: Iterator[Conversation[Result]],
    ) -> Iterator[Result]:
        """Hold conversations side by side, and yield their results in order.

        So many questions are with the generator that each of its slots has one waiting. Equal
        questions are asked once. Each question reserves the tokens that it can take at most before
        it is asked, in the meter of all workers: no budget is overrun. Raises BudgetError where it
        has no room for the next question; all answers are kept.
        """
        budget = self.meter.raised if self.meter.raised is not None else budget
        talks: deque[_Talk[Result]] = deque()  # started and not yet yielded, in order
        asking: dict[
            bytes, list[tuple[_Talk[Result], int]]
        ] = {}  # who waits for the answer of a key
        queue: deque[tuple[bytes, ChatRequest]] = deque()
        flying: dict[Future[Answer], tuple[bytes, ChatRequest]] = {}
        ahead, window = 2 * generator.concurrency, _WINDOW * generator.concurrency
        more = True

        def go_on(talk: _Talk[Result]) -> None:
            while (requests := talk.next_requests()) is not None:
                for place, request in enumerate(requests):
                    key = request.key(generator.identity)
                    if key not in asking:
                        self._look_up({key: (request.question, generator.identity, CHAT)})
                    answer = self._known(key)
                    if answer is not None:
                        talk.take(place, answer)
                    else:
                        if key not in asking:
                            queue.append((key, request))
                        asking.setdefault(key, []).append((talk, place))
                if talk.missing:
                    return

        def keep(future: Future[Answer]) -> Answer:
            key, request = flying.pop(future)
            try:
                answer = future.result()
            except EngineError:
                self.meter.add(0, -request.most_tokens)
                raise
            self.meter.add(answer.prompt_tokens + answer.completion_tokens, -request.most_tokens)
            self._keep(key, request.question, generator.identity, CHAT, answer)
            return answer

        with ThreadPoolExecutor(generator.concurrency) as pool:
            try:
                while True:
                    while more and len(queue) + len(flying) < ahead and len(talks) < window:
                        conversation = next(conversations, None)
                        more = conversation is not None
                        if conversation is not None:
                            talks.append(_Talk(conversation))
                            go_on(talks[-1])
                    while (
                        queue
                        and len(flying) < ahead
                        and self.meter.reserve(queue[0][1].most_tokens, budget)
                    ):
                        key, request = queue.popleft()
                        flying[pool.submit(generator.ask, request)] = key, request
                    while talks and talks[0].ended:
                        yield talks.popleft().result
                    if flying:
                        done, _ = wait(flying, return_when=FIRST_COMPLETED)
                        for future in [future for future in flying if future in done]:
                            key = flying[future][0]
                            answer = keep(future)
                            for talk, place in asking.pop(key):
                                talk.take(place, answer)
                                if not talk.missing:
                                    go_on(talk)
                    elif queue:
                        if not self._others_release():
                            raise self._spent(budget)
                    elif not more and not talks:
                        return
            finally:
                # waits for the answers on their way, which are paid for
                pool.shutdown(cancel_futures=True)
                for future in list(flying):
                    if future.cancelled():
                        self.meter.add(0, -flying[future][1].most_tokens)
                    elif future.exception() is None:
                        keep(future)
                self._segments.flush()

    def tokens(self, key: bytes) -> tuple[int, int]:
        """Return the tokens of a question that was asked and of its answer; none for one without an
        answer."""
        answer = self._known(key)
        return (answer.prompt_tokens, answer.completion_tokens) if answer else (0, 0)

    def _known(self, key: bytes) -> Answer | None:
        record = self._segments.get(key)
        if record is None:
            return None
        return Answer(
            record["response"], None, record["prompt_tokens"], record["completion_tokens"]
        )

    def _keep(
        self, key: bytes, question: str, identity: Identity, direction: str, answer: Answer
    ) -> None:
        """Write down an answer, if there is one."""
        if answer.text is not None:
            tokens = {
                "prompt_tokens": answer.prompt_tokens,
                "completion_tokens": answer.completion_tokens,
            }
            asked = {**identity._asdict(), "direction": direction, "sentence": question}
            self._segments.add(key, asked | {"response": answer.text, **tokens})

    def _others_release(self) -> bool:
        """Wait until other workers release some of what they reserved; False if they hold nothing,
        or seem dead."""
        until = time.monotonic() + _OTHERS_SECONDS
        while (held := self.meter.reserved()) and time.monotonic() < until:
            time.sleep(0.05)
            if self.meter.reserved() < held:
                return True
        return False

    def _spent(self, budget: int | None) -> BudgetError:
        return BudgetError(
            f"the budget of {budget:,} tokens is spent ({self.meter.total():,}); every answer is kept: set "
            "GLOTMILL_TOKEN_BUDGET to a higher number and run the same command again to go on"
        )

    def _look_up(self, questions: Mapping[bytes, tuple[str, Identity, str]]) -> None:
        """Take over the answers to some questions that the folders to reuse have: question,
        identity, direction."""
        known = known_responses(self.reuse) if self.reuse else None
        if known is None or not len(known.keys):
            return
        keys = [key for key in questions if key not in self._segments]
        wanted = np.frombuffer(b"".join(keys), f"S{KEY_BYTES}")
        at = np.minimum(
            np.searchsorted(known.keys.view(f"S{KEY_BYTES}"), wanted), len(known.keys) - 1
        )
        hits = known.places[at[known.keys[at].view(f"S{KEY_BYTES}") == wanted]]
        for number in np.unique(hits[:, 0]).tolist():
            folder, name = known.files[number]
            rows = np.sort(hits[hits[:, 0] == number, 1])
            columns = ["key", "response", "prompt_tokens", "completion_tokens"]
            for row in _rows_of(Store(folder), name, columns, rows):
                answer = Answer(
                    row["response"], None, row["prompt_tokens"], row["completion_tokens"]
                )
                self._keep(row["key"], *questions[row["key"]], answer)

    def close(self) -> None:
        """Close the segments."""
        self._segments.close()

    def recall(self, identity: Identity, conversation: Conversation[Any]) -> set[bytes]:
        """Hold a conversation again with what is kept, asking nothing; return the keys of its
        questions. A question that was never answered is refused, as it was."""
        talk, keys = _Talk(conversation), set[bytes]()
        while (requests := talk.next_requests()) is not None:
            for place, request in enumerate(requests):
                key = request.key(identity)
                keys.add(key)
                talk.take(place, self._known(key) or Answer(None, "no answer was kept"))
        return keys

    def recorded(self, keys: set[bytes]) -> Ask:
        """Give a stand-in for `ask` that answers with what is kept, asking nothing, and adds the
        keys of what it was asked to `keys`."""

        def ask(
            engine: Engine, direction: Direction, _: int | None, sentences: Sequence[str]
        ) -> list[Answer]:
            own = [response_key(engine.identity, direction, sentence) for sentence in sentences]
            keys.update(own)
            return [self._known(key) or Answer(None, "no answer was kept") for key in own]

        return ask

    def publish(self, file: str, only: Collection[bytes] | None = None) -> int:
        """Write all responses, or those of some keys, sorted by key; returns their number, and
        writes no empty file."""
        keys = filter(lambda key: only is None or key in only, self._segments.keys())
        first = list(islice(keys, _ROW_GROUP))
        if not first:
            return 0
        rows = 0
        with self.store.writing_parquet(file, RESPONSE, compression="zstd") as writer:
            group = first
            while group:
                records = ({"key": key} | (self._segments.get(key) or {}) for key in group)
                writer.write_table(pa.Table.from_pylist(list(records), RESPONSE))
                rows += len(group)
                group = list(islice(keys, _ROW_GROUP))
        return rows


def _rows_of(
    store: Store, name: str, columns: Sequence[str], rows: np.ndarray[Any, Any]
) -> Iterator[dict[str, Any]]:
    """Read some rows of a Parquet file, row group by row group."""
    with store.fs.open(store.full(name), "rb") as stream:
        file = pq.ParquetFile(stream)
        start = 0
        for group in range(file.num_row_groups):
            end = start + file.metadata.row_group(group).num_rows
            own = rows[(rows >= start) & (rows < end)] - start
            if len(own):
                yield from (
                    file.read_row_group(group, list(columns), use_threads=False)
                    .take(pa.array(own))
                    .to_pylist()
                )
            start = end
