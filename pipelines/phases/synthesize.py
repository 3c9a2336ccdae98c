"""The synthesize phase: rows of questions, answers and instructions, from documents that the
earlier phases left.

For each split it writes, under `staging/synthesize/<split>-synthesize/`:

- `<configuration>.parquet`: rows that passed all gates, in the order of their documents, with what
  publishing needs;
- `ledger.parquet`: rows and passages that were turned away, in the same order, each with its
  reason;
- `responses/`: every answer as it came; `responses.parquet`, sorted by key, if they are to be
  published.

Then questions that repeat an earlier one are found, in one process over all splits, by 512 bytes a
row; and each configuration is published in shards of its own. A row is in the published split of
its document, which is known before. A row that was turned away is accounted for in the ledger, as a
document that was made and is not published.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from pipelines.catalogue.binding import bind_identify, bind_synthesis
from pipelines.catalogue.stages import Recipe
from pipelines.phases.asking import RESPONSES, AskingWorker, kept_responses
from pipelines.phases.decontaminate import load_index
from pipelines.phases.ingest import GroupedFile
from pipelines.phases.order import WITHDRAW
from pipelines.phases.publish.shards import LEDGER_GROUP_BYTES, PUBLISHED, file_record
from pipelines.phases.publish.splits import DOUBTFUL, numbers_in_split
from pipelines.phases.run_context import Run
from pipelines.phases.withdraw import causes_of_recipe, detail_of, looked_up, withdrawn_ids
from pipelines.staging.regrouping import Regrouper
from pipelines.staging.responses import KeptResponses
from pipelines.staging.staged import SplitAfter, StagedSplit
from pipelines.staging.store import Store
from pipelines.staging.tasks import Phase, Task, TaskResult, Worker, task_folder
from schemas.card.splits import PUBLISHED_SPLITS
from schemas.card.synthesis import RejectedRows, SyntheticFile, SyntheticSample, SyntheticYield
from schemas.columns import arrange
from schemas.document import DOCUMENT
from schemas.language import NO_LINGUISTIC_CONTENT, UNDETERMINED, one_label, parse_label
from schemas.ledger import LEDGER
from schemas.manifest import FileRecord
from schemas.synthesis import CONFIGURATIONS, synthetic_schema
from schemas.withdrawal import NamedRegister
from stages.decontamination.matching import ItemIndex, find_contamination
from stages.language_filtering import kept_labels
from stages.synthesis.gates import judge_languages, question_of, repeated, signature, written_texts
from stages.synthesis.passages import Passage, cut_passages
from stages.synthesis.strategy import Rejection
from stages.synthesis.synthesize import Bound, Outcome, Verified, converse_about, row_id, rows_table
from stages.withdrawal.causes import NONE, Cause, Names

PHASE = "synthesize"
CHECKED = "synthesize-checked"
SHARDS = "publish-synthetic"
_BATCH = 256  # rows whose languages are identified at once
_ROW_GROUP_BYTES = 192 << 10  # of ids and what Regrouper counts for a row: about 2,000 rows
_SAMPLES = 3  # of each strategy and configuration, on the card
_SAMPLE_CODE_POINTS = 2000
_STAGED = (
    pa.field("published_split", pa.uint8()),
    pa.field("place", pa.int32()),  # of the strategy in the recipe
    pa.field("passage_label", pa.string()),
    *(DOCUMENT.field(name) for name in ("path", "position")),
    pa.field("signature", pa.binary()),  # null for a row that repeats none
)


class Account(BaseModel):
    """What one strategy asked in one language, and what came of it, in one split."""

    model_config = ConfigDict(frozen=True)

    place: int
    label: str
    documents: int = 0
    passages: int = 0
    questions: int = 0  # distinct ones
    answered: int = 0  # passages of which every question got an answer of the right form
    made: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    rejected: dict[str, int] = {}


class SynthesisResult(TaskResult):
    """What one split gave."""

    rows: dict[str, int]  # by configuration
    turned_away: int
    accounts: tuple[Account, ...]


def row_group_schema(configuration: str) -> pa.Schema:
    """Return the columns of staged rows."""
    return pa.schema([*synthetic_schema(configuration), *_STAGED])


class SynthesisWorker(AskingWorker[SynthesisResult]):
    """Makes the rows of one split."""

    phase = PHASE
    result = SynthesisResult

    def setup(self) -> None:
        self.bound = bind_synthesis(self.recipe)
        self.identify = (
            bind_identify(self.recipe)
            if any(s.gates.language for s in self.recipe.synthesize)
            else None
        )
        self.index: ItemIndex | None = load_index(self.store) if self.recipe.decontaminate else None

    def run(self, task: Task) -> SynthesisResult:
        folder = task_folder(PHASE, task.name)
        split = self.split_of(task)
        reuse = (path for stage in self.recipe.synthesize for path in stage.reuse)
        responses = self.responses_of(task, reuse)
        with contextlib.ExitStack() as files:
            files.callback(responses.close)
            output = _Output(self.store, folder, files)
            for place, (bound, generator) in enumerate(self.bound):
                account = _Accounts(place)
                passages = account.counting(passages_of(self.store, split, bound))
                conversations = (converse_about(passage, bound) for passage in passages)
                waiting: list[Outcome] = []
                budget = bound.config.token_budget
                for outcome in responses.converse(generator, budget, conversations):
                    account.add(outcome, bound, responses)
                    waiting.append(outcome)
                    if (
                        sum(len(one.rows) for one in waiting) >= _BATCH
                        or len(waiting) >= 4 * _BATCH
                    ):
                        self._judge(waiting, place, bound, output, account)
                        waiting = []
                self._judge(waiting, place, bound, output, account)
                output.accounts += account.close()
            result = output.close()
        if any(stage.publish_responses for stage in self.recipe.synthesize):
            responses.publish(f"{folder}/{RESPONSES}")
        return result

    def _judge(
        self,
        outcomes: Sequence[Outcome],
        place: int,
        bound: Bound,
        output: _Output,
        account: _Accounts,
    ) -> None:
        """Look at the languages of rows, and for evaluation text in them; then write rows and
        rejections in order."""
        rows = [row for outcome in outcomes for row in outcome.rows]
        identify = self.identify if bound.config.gates.language else None
        verdicts = judge_languages([row.candidate for row in rows], bound.config.gates, identify)
        self._decontaminate(rows, verdicts)
        at = iter(verdicts)
        for outcome in outcomes:
            kept: list[tuple[str, Verified]] = []
            rejections = list(outcome.rejections)
            for number, row in enumerate(outcome.rows):
                verdict = next(at)
                if verdict is None:
                    kept.append((row_id(row, number, bound), row))
                else:
                    rejections.append(verdict)
            output.add(outcome, kept, rejections, place, bound)
            account.reject(outcome.passage.label, rejections)
        output.flush(place, bound)

    def _decontaminate(self, rows: Sequence[Verified], verdicts: list[Rejection | None]) -> None:
        if self.index is None or self.recipe.decontaminate is None or not rows:
            return
        labels = [parse_label(row.candidate.label) for row in rows]
        texts = [
            "\n".join(text for text, _ in written_texts(row.candidate).values()) for row in rows
        ]
        block = pa.record_batch(
            {
                "id": pa.array([str(number) for number in range(len(rows))]),
                "text": pa.array(texts, pa.large_string()),
                "language": pa.array([label.language for label in labels]),
                "script": pa.array([label.script for label in labels]),
            }
        )
        for number in find_contamination(block, self.index, self.recipe.decontaminate)[
            "row"
        ].to_pylist():
            verdicts[number] = verdicts[number] or Rejection(
                "contaminated", question_of(rows[number].candidate)[:200]
            )


def passages_of(store: Store, split: SplitAfter, bound: Bound) -> Iterator[Passage]:
    """Yield the passages of a split that a strategy asks about, in order; a document without one
    gives an empty one."""
    config = bound.config
    wanted = set(kept_labels(config.labels))
    limit = int(config.share * 2**64)
    for run, table in split.runs():
        label = one_label(str(parse_label(run.label)))
        if (wanted and label not in wanted) or label[:3] in (UNDETERMINED, NO_LINGUISTIC_CONTENT):
            continue
        published = numbers_in_split(store, split.split.name, run)
        mask = split.kept(run) & (published != DOUBTFUL)
        numbers = published[mask].tolist()
        rows = table.filter(pa.array(mask)).combine_chunks()
        for start in range(0, rows.num_rows, _BATCH):
            records = rows.slice(start, _BATCH).to_pylist()
            for number, record in zip(numbers[start : start + _BATCH], records, strict=True):
                digest = hashlib.blake2b(
                    record["id"].encode(), digest_size=8, person=b"synthesis"
                ).digest()
                if not record["synthetic"] and int.from_bytes(digest, "big") < limit:
                    yield from _passages(record, label, PUBLISHED_SPLITS[number], bound)


def _passages(
    record: dict[str, Any], label: str, published: str, bound: Bound
) -> Iterator[Passage]:
    config = bound.config
    text = record.pop("text") or ""
    whole = Passage(
        record["id"],
        text,
        0,
        label,
        record["source"],
        record["url"],
        record["licence"],
        published,
        record,
    )
    if bound.strategy.whole_documents:
        yield whole._replace(text=text.strip())
        return
    given = 0
    for start, piece in cut_passages(text, config.max_passage_code_points):
        if len(piece) >= config.min_passage_code_points:
            yield whole._replace(text=piece, start=start)
            given += 1
            if given == config.max_passages:
                return
    if not given:
        yield whole._replace(text="")


class _Accounts:
    """Counts what a strategy asked and got, by label."""

    def __init__(self, place: int) -> None:
        self.place = place
        self._counts: dict[str, Counter[str]] = {}
        self._rejected: dict[str, Counter[str]] = {}
        self._document: str | None = None
        self._questions = Questions()

    def counting(self, passages: Iterator[Passage]) -> Iterator[Passage]:
        for passage in passages:
            counts = self._counts.setdefault(passage.label, Counter())
            if passage.document_id != self._document:
                counts["documents"] += 1
                self._document = passage.document_id
            counts["passages"] += 1
            yield passage

    def add(self, outcome: Outcome, bound: Bound, responses: KeptResponses) -> None:
        counts = self._counts[outcome.passage.label]
        counts["made"] += outcome.made
        counts["answered"] += outcome.error is None and not any(
            one.reply.problem for one in outcome.asked
        )
        for one in outcome.asked:
            for request in one.requests:
                key = request.key(bound.identity)
                self._questions.add(key, outcome.passage.label, responses.tokens(key))

    def reject(self, label: str, rejections: Sequence[Rejection]) -> None:
        self._rejected.setdefault(label, Counter()).update(
            rejection.reason for rejection in rejections
        )

    def close(self) -> list[Account]:
        asked = self._questions.counts()
        return [
            Account(
                place=self.place,
                label=label,
                rejected=dict(sorted(self._rejected.get(label, Counter()).items())),
                **self._counts[label],
                **asked.get(label, {}),
            )
            for label in sorted(self._counts)
        ]


class Questions:
    """The tokens of distinct questions by label, in 26 bytes a question; equal ones count where they
    came first. Keys are compared by 64 bits."""

    def __init__(self) -> None:
        self._labels: dict[str, int] = {}
        self._keys, self._of_label, self._tokens = array("Q"), array("H"), array("q")

    def add(self, key: bytes, label: str, tokens: tuple[int, int]) -> None:
        """Note a question, with the tokens that it and its answer took."""
        self._keys.append(int.from_bytes(key[:8], "little"))
        self._of_label.append(self._labels.setdefault(label, len(self._labels)))
        self._tokens.extend(tokens)

    def counts(self) -> dict[str, dict[str, int]]:
        """Return by label the numbers of ACCOUNT: questions, prompt_tokens, completion_tokens."""
        _, first = np.unique(np.frombuffer(self._keys, np.uint64), return_index=True)
        labels = np.frombuffer(self._of_label, np.uint16)[first]
        tokens = np.frombuffer(self._tokens, np.int64).reshape(-1, 2)[first]
        found = {}
        for label, number in self._labels.items():
            own = tokens[labels == number]
            prompt, completion = own.sum(axis=0).tolist()
            found[label] = {
                "questions": len(own),
                "prompt_tokens": prompt,
                "completion_tokens": completion,
            }
        return found


class _Output:
    """The staged rows and the ledger of one split."""

    def __init__(self, store: Store, folder: str, files: contextlib.ExitStack) -> None:
        self.store, self.folder, self.files = store, folder, files
        self.accounts: list[Account] = []
        self.rows: Counter[str] = Counter()
        self._files_of: dict[str, GroupedFile] = {}  # by configuration
        self._kept: dict[str, list[tuple[str, Verified]]] = {}
        self._turned_away = _TurnedAway(store, f"{folder}/ledger.parquet", files)

    def add(
        self,
        outcome: Outcome,
        kept: Sequence[tuple[str, Verified]],
        rejections: Sequence[Rejection],
        place: int,
        bound: Bound,
    ) -> None:
        for own_id, row in kept:
            self._kept.setdefault(row.candidate.row.configuration, []).append((own_id, row))
        fate = "failed" if outcome.error else "dropped"
        self._turned_away.add(outcome.passage, rejections, place, bound, fate)

    def flush(self, place: int, bound: Bound) -> None:
        for configuration, rows in self._kept.items():
            table = rows_table(configuration, rows, bound)
            passages = [row.candidate.passage for _, row in rows]
            texts = [question_of(row.candidate) for _, row in rows]
            more = (
                [PUBLISHED_SPLITS.index(passage.split) for passage in passages],
                [place] * len(rows),
                [passage.label for passage in passages],
                [passage.columns["path"] for passage in passages],
                [passage.columns["position"] for passage in passages],
                [signature(text).tobytes() if text else None for text in texts],
            )
            for field, values in zip(_STAGED, more, strict=True):
                table = table.append_column(field, pa.array(values, field.type))
            if configuration not in self._files_of:
                self._files_of[configuration] = GroupedFile(
                    self.store,
                    f"{self.folder}/{configuration}.parquet",
                    row_group_schema(configuration),
                    Regrouper("id", _ROW_GROUP_BYTES),
                    self.files,
                )
            self._files_of[configuration].add(table.combine_chunks().to_batches()[0])
            self.rows[configuration] += len(rows)
        self._kept = {}
        self._turned_away.flush()

    def close(self) -> SynthesisResult:
        for file in self._files_of.values():
            file.close()
        self._turned_away.close()
        return SynthesisResult(
            rows=dict(sorted(self.rows.items())),
            turned_away=self._turned_away.rows,
            accounts=tuple(self.accounts),
        )


class _TurnedAway:
    """The ledger of rows that are not published: each a row that was made, with its parent and its
    reason."""

    def __init__(self, store: Store, path: str, files: contextlib.ExitStack) -> None:
        self.rows = 0
        self._waiting: list[dict[str, Any]] = []
        self._document: tuple[int, str] | None = None  # strategy and document of the last row
        self._number = 0  # of that row among those of its document
        self._file = GroupedFile(store, path, LEDGER, Regrouper("id", LEDGER_GROUP_BYTES), files)

    def add(
        self,
        passage: Passage,
        rejections: Sequence[Rejection],
        place: int,
        bound: Bound,
        fate: str = "dropped",
    ) -> None:
        for rejection in rejections:
            same = self._document == (place, passage.document_id)
            self._document, self._number = (
                (place, passage.document_id),
                self._number + 1 if same else 0,
            )
            parts = ("rejected", str(place), passage.document_id, str(self._number))
            own_id = hashlib.blake2b(
                "\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16
            ).hexdigest()
            label = parse_label(passage.label)
            self._waiting.append(
                dict.fromkeys(LEDGER.names)
                | {
                    "id": own_id,
                    "source": passage.source,
                    "url": passage.url,
                    "parent_id": passage.document_id,
                }
                | {"path": passage.columns["path"], "position": passage.columns["position"]}
                | {"language": label.language, "script": label.script, "fate": fate, "phase": PHASE}
                | {"stage": bound.config.name}
                | rejection._asdict()
            )
            self.rows += 1

    def flush(self) -> None:
        if self._waiting:
            table = pa.Table.from_pylist(self._waiting, LEDGER)
            self._file.add(table.combine_chunks().to_batches()[0])
            self._waiting = []

    def close(self) -> None:
        self.flush()
        self._file.close()


class Repeats(NamedTuple):
    """What is left of staged rows once those that repeat an earlier one are out."""

    # (configuration, published split) -> split, rows, bytes; those withdrawn among them
    left: dict[tuple[str, int], list[tuple[str, int, int]]]
    # rows by strategy, label of the document, configuration
    published: Counter[tuple[int, str, str]]
    rows: Counter[tuple[str, int, str]]  # published rows by configuration, published split, split
    repeated: Counter[tuple[int, str]]  # rows by strategy and label of the document
    withdrawn: Counter[tuple[int, str]]  # likewise
    causes: Counter[int]  # rows withdrawn, by cause
    created: Counter[tuple[str, str]]  # ledger rows by strategy and source
    ledgers: list[str]  # splits that have one


def repeats_file(split: str, configuration: str) -> str:
    """Name the array that says of each staged row whether it is kept."""
    return f"staging/{CHECKED}/{split}/{configuration}.npy"


def find_repeats(
    store: Store, recipe: Recipe, splits: Sequence[str], registers: Sequence[NamedRegister] = ()
) -> Repeats:
    """Find the rows that repeat an earlier one, by configuration over all splits, and finish the
    ledgers of the phase.

    A row that repeats another one is in the ledger like any that a gate turned away. Then those are
    taken back that were made of a withdrawn document, or are named themselves; shards are planned
    with them, so that the others keep their places.
    """
    found = Repeats({}, Counter(), Counter(), Counter(), Counter(), Counter(), Counter(), [])
    withdrawn = withdrawn_ids(store)
    causes = causes_of_recipe(recipe, registers)
    names = Names(registers)
    turned_away: dict[str, list[pa.Table]] = {}
    there = store.below(f"staging/{PHASE}")
    for configuration in CONFIGURATIONS:
        staged = [
            (split, f"{task_folder(PHASE, split)}/{configuration}.parquet")
            for split in splits
            if f"{split}/{configuration}.parquet" in there
        ]
        verdicts = repeated(*_signatures(store, recipe, [path for _, path in staged]))
        ids: list[str] = []
        for split, path in staged:
            kept_of_split = []
            for table in store.row_groups(path):
                ids += table["id"].to_pylist()
                likes = [next(verdicts) for _ in range(table.num_rows)]
                kept = np.array([like is None for like in likes])
                kept_of_split.append(kept)
                _plan(found, configuration, split, table.filter(pa.array(kept)))
                again = table.filter(pa.array(~kept))
                taken, because = _withdrawn_rows(table, withdrawn, names)
                because, taken = because[kept[taken]], taken[kept[taken]]
                kept[taken] = False
                _count(found, configuration, split, table.filter(pa.array(kept)))
                keys = zip(
                    again["place"].to_pylist(), again["passage_label"].to_pylist(), strict=True
                )
                found.repeated.update(keys)
                details = [f"like {ids[like]}" for like in likes if like is not None]
                turned_away.setdefault(split, []).append(_repeats_ledger(again, details, recipe))
                if len(taken):
                    gone = table.take(pa.array(taken))
                    turned_away[split].append(_withdrawn_ledger(gone, because, causes, recipe))
                    places = gone["place"].to_pylist()
                    found.withdrawn.update(
                        zip(places, gone["passage_label"].to_pylist(), strict=True)
                    )
                    found.causes.update(because.tolist())
                    strategies = [recipe.synthesize[place].name for place in places]
                    found.created.update(zip(strategies, gone["source"].to_pylist(), strict=True))
            store.save_array(repeats_file(split, configuration), np.concatenate(kept_of_split))
    for split in splits:
        path = f"{task_folder(PHASE, split)}/ledger.parquet"
        tables = [
            *(store.row_groups(path) if f"{split}/ledger.parquet" in there else ()),
            *turned_away.get(split, ()),
        ]
        ledger = pa.concat_tables([LEDGER.empty_table(), *tables])
        if ledger.num_rows:
            with store.writing_parquet(
                f"{task_folder(CHECKED, split)}/ledger.parquet", LEDGER
            ) as writer:
                writer.write_table(ledger)
            found.ledgers.append(split)
            own = ledger.filter(pc.equal(ledger["phase"], PHASE))
            found.created.update(
                zip(own["stage"].to_pylist(), own["source"].to_pylist(), strict=True)
            )
    return found


def _plan(found: Repeats, configuration: str, split: str, kept: pa.Table) -> None:
    for number in sorted(set(kept["published_split"].to_pylist())):
        chosen = kept.filter(pc.equal(kept["published_split"], number))
        pieces = found.left.setdefault((configuration, number), [])
        rows, size = chosen.num_rows, chosen.nbytes
        if pieces and pieces[-1][0] == split:
            _, rows_before, size_before = pieces.pop()
            rows, size = rows + rows_before, size + size_before
        pieces.append((split, rows, size))


def _count(found: Repeats, configuration: str, split: str, kept: pa.Table) -> None:
    numbers = kept["published_split"].to_pylist()
    found.rows.update((configuration, number, split) for number in numbers)
    keys = zip(kept["place"].to_pylist(), kept["passage_label"].to_pylist(), strict=True)
    found.published.update((place, label, configuration) for place, label in keys)


def _repeats_ledger(again: pa.Table, details: Sequence[str], recipe: Recipe) -> pa.Table:
    labels = [parse_label(label) for label in again["passage_label"].to_pylist()]
    columns: dict[str, Any] = {
        **{name: again[name] for name in ("id", "source", "path", "position", "url", "parent_id")},
        "language": pa.array([label.language for label in labels], pa.string()),
        "script": pa.array([label.script for label in labels], pa.string()),
        "fate": pa.array(["dropped"] * again.num_rows, pa.string()),
        "phase": pa.array([PHASE] * again.num_rows, pa.string()),
        "stage": pa.array(
            [recipe.synthesize[place].name for place in again["place"].to_pylist()], pa.string()
        ),
        "reason": pa.array(["near_duplicate"] * again.num_rows, pa.string()),
        "detail": pa.array(details, pa.string()),
    }
    return arrange(columns, LEDGER, again.num_rows)


def _withdrawn_rows(
    table: pa.Table, withdrawn: npt.NDArray[np.void], names: Names
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Find the rows that are named, or were made of a withdrawn document: their places and
    causes."""
    causes = names.find(table.select(["id"]))
    rows, given = looked_up(withdrawn, table["parent_id"])
    causes[rows] = given
    places = np.flatnonzero(causes != NONE)
    return places, causes[places]


def _withdrawn_ledger(
    gone: pa.Table, because: npt.NDArray[np.int32], causes: Sequence[Cause], recipe: Recipe
) -> pa.Table:
    details = [detail_of(causes[number], "made") for number in because.tolist()]
    ledger = _repeats_ledger(gone, details, recipe)
    written = {name: ledger[name] for name in ledger.schema.names}
    for name, value in zip(("phase", "stage"), (WITHDRAW.family, WITHDRAW.stage), strict=True):
        written[name] = pa.repeat(value, gone.num_rows)
    written["reason"] = pa.repeat("withdrawn", gone.num_rows)
    return arrange(written, LEDGER, gone.num_rows)


def _signatures(
    store: Store, recipe: Recipe, paths: Sequence[str]
) -> tuple[Iterator[Any], Iterator[float]]:
    def column(name: str) -> Iterator[Any]:
        for path in paths:
            for table in store.row_groups(path, [name]):
                yield from table[name].to_pylist()

    own = (
        None if value is None else np.frombuffer(value, np.uint64) for value in column("signature")
    )
    return own, (recipe.synthesize[place].gates.max_similarity for place in column("place"))


class SyntheticShardResult(TaskResult):
    """A published file, and samples of what is in it."""

    configuration: str
    split: str
    file: FileRecord
    num_bytes: int
    samples: tuple[SyntheticSample, ...]


class SyntheticShardWorker(Worker[SyntheticShardResult]):
    """Writes one published file of a configuration."""

    phase = SHARDS
    result = SyntheticShardResult

    def __init__(self, store: Store, recipe: Recipe) -> None:
        self.store, self.recipe = store, recipe

    def run(self, task: Task) -> SyntheticShardResult:
        configuration, number, path = (
            task.payload[name] for name in ("configuration", "number", "path")
        )
        schema = synthetic_schema(configuration)
        rows = size = waiting_bytes = 0
        waiting: list[pa.Table] = []
        samples: Samples = {}
        options = PUBLISHED | {"compression_level": self.recipe.publish.compression_level}
        with self.store.writing_parquet(path, schema, **options) as writer:
            for split in task.payload["splits"]:
                kept = self.store.load_array(repeats_file(split, configuration))
                start = 0
                for table in self.store.row_groups(
                    f"{task_folder(PHASE, split)}/{configuration}.parquet"
                ):
                    own = kept[start : start + table.num_rows] & (
                        table["published_split"].to_numpy() == number
                    )
                    start += table.num_rows
                    chosen = table.filter(pa.array(own)).select(schema.names)
                    keep_samples(chosen, samples)
                    rows, size = rows + chosen.num_rows, size + chosen.nbytes
                    waiting.append(chosen)
                    waiting_bytes += chosen.nbytes
                    if waiting_bytes >= self.recipe.publish.row_group_bytes:
                        writer.write_table(pa.concat_tables(waiting))
                        waiting, waiting_bytes = [], 0
            if waiting:
                writer.write_table(pa.concat_tables(waiting))
        return SyntheticShardResult(
            configuration=configuration,
            split=PUBLISHED_SPLITS[number],
            file=file_record(self.store, path, rows),
            num_bytes=size,
            samples=shown_samples(configuration, samples),
        )


Samples = dict[str, list[tuple[str, dict[str, Any]]]]  # ids and rows, by strategy


def shown_samples(configuration: str, samples: Samples) -> tuple[SyntheticSample, ...]:
    """Return samples as the card shows them."""
    return tuple(
        SyntheticSample(strategy=strategy, id=own_id, row=_shown(configuration, row))
        for strategy, found in sorted(samples.items())
        for own_id, row in found
    )


def keep_samples(table: pa.Table, samples: Samples) -> None:
    """Keep the rows with the smallest ids of each strategy: ids are hashes."""
    order = pc.sort_indices(table, sort_keys=[("strategy", "ascending"), ("id", "ascending")])
    seen: Counter[str] = Counter()
    for place, strategy in zip(
        order.to_pylist(), table["strategy"].take(order).to_pylist(), strict=True
    ):
        if seen[strategy] < _SAMPLES:
            seen[strategy] += 1
            (row,) = table.slice(place, 1).to_pylist()
            samples[strategy] = sorted(
                [*samples.get(strategy, ()), (row["id"], row)], key=lambda s: s[0]
            )[:_SAMPLES]


def _shown(configuration: str, row: Mapping[str, Any]) -> str:
    """Write a row's own columns as JSON, long texts cut."""

    def cut(value: Any) -> Any:
        if isinstance(value, str):
            return (
                value
                if len(value) <= _SAMPLE_CODE_POINTS
                else value[:_SAMPLE_CODE_POINTS] + "\u2026"
            )
        if isinstance(value, list):
            return [cut(one) for one in value]
        if isinstance(value, dict):
            return {name: cut(one) for name, one in value.items() if one is not None}
        return value

    return json.dumps(
        cut({name: row[name] for name in CONFIGURATIONS[configuration].names}), ensure_ascii=False
    )


class SyntheticRows(NamedTuple):
    """The rows that were made: the tasks that made them, with their results, and those that are
    left."""

    tasks: list[Task]
    results: Mapping[str, SynthesisResult]
    found: Repeats

    @property
    def splits(self) -> list[StagedSplit]:
        """List splits without documents: their ledgers are published with those of the others."""
        return [StagedSplit(name=name, documents=0, runs=()) for name in self.found.ledgers]


class Synthesized(NamedTuple):
    """What the phase gave: for the manifest, for the card."""

    created: Counter[tuple[str, str]]
    files: list[FileRecord]
    yields: tuple[SyntheticYield, ...]
    configurations: tuple[SyntheticFile, ...]
    withdrawn: Counter[int]  # rows by cause


def find_synthetic_rows(
    run: Run,
    staged: Sequence[StagedSplit],
    earlier: Sequence[Phase],
    registers: Sequence[NamedRegister] = (),
) -> SyntheticRows | None:
    """Make the rows of all splits, and find those that repeat others; `staged` are those that were
    read. None if the recipe makes no rows.

    Rows are made of what `earlier` left, and not published if it was withdrawn since.
    """
    if not run.recipe.synthesize:
        return None
    tasks = [synthesis_task(split.task()) for split in staged if split.documents]
    results = run.tasks(SynthesisWorker(run.store, run.recipe, earlier), tasks)
    names = [task.name for task in tasks]
    found: Repeats = run.function(
        "pipelines.phases.synthesize:find_repeats", run.recipe, names, registers
    )
    return SyntheticRows(tasks, results, found)


def publish_synthetic_rows(run: Run, rows: SyntheticRows | None) -> Synthesized:
    """Publish the rows that are left."""
    if rows is None:
        return Synthesized(Counter(), [], (), (), Counter())
    tasks, results, found = rows
    names = [task.name for task in tasks]
    shards = list(_shard_tasks(found, run.recipe.publish.shard_bytes))
    done = run.tasks(SyntheticShardWorker(run.store, run.recipe), shards)
    files = [done[task.name].file for task in shards]
    accounts = [account for name in names for account in results[name].accounts]
    configurations = [
        SyntheticFile(
            name=result.configuration, split=result.split, path=result.file.path, rows=result.file.rows or 0,
            size_bytes=result.file.bytes, num_bytes=result.num_bytes, samples=result.samples,
        )
        for result in (done[task.name] for task in shards)
    ]  # fmt: skip
    return Synthesized(
        created=found.created,
        files=files,
        yields=tuple(_yields(run.recipe, accounts, found)),
        configurations=tuple(configurations),
        withdrawn=found.causes,
    )


def synthesis_task(task: Task) -> Task:
    """Return the task of making rows of a split."""
    return task.model_copy(update={"name": f"{task.name}-{PHASE}"})


class PublishedResponses(TaskResult):
    """The file of a split's responses, if there are any."""

    file: FileRecord | None


class ResponsesWorker(Worker[PublishedResponses]):
    """Publishes the responses of one split, without those that were given for withdrawn documents
    alone."""

    phase = "publish-synthetic-responses"
    result = PublishedResponses

    def __init__(self, store: Store, recipe: Recipe, earlier: Sequence[Phase]) -> None:
        self.store, self.recipe, self.earlier = store, recipe, earlier

    def setup(self) -> None:
        self.withdrawn = withdrawn_ids(self.store)

    def run(self, task: Task) -> PublishedResponses:
        target = f"responses/{task.name}.parquet"
        staged = StagedSplit.model_validate(task.payload)
        made = f"{staged.name}-{PHASE}"
        responses = f"{task_folder(PHASE, made)}/{RESPONSES}"
        if not self.store.exists(responses):
            return PublishedResponses(file=None)
        split = SplitAfter(self.store, staged, self.earlier)
        if not len(looked_up(self.withdrawn, split.ids())[0]):
            self.store.copy(responses, target)
        elif not self._publish_left(split, made, target):
            return PublishedResponses(file=None)
        return PublishedResponses(file=file_record(self.store, target))

    def _publish_left(self, split: SplitAfter, made: str, target: str) -> int:
        """Ask again, of the responses that are kept, what is left of a split; return how many
        responses that needs."""
        responses = kept_responses(self.store, PHASE, made)
        asked: set[bytes] = set()
        for bound, generator in bind_synthesis(self.recipe):
            for passage in passages_of(self.store, split, bound):
                if not len(looked_up(self.withdrawn, pa.array([passage.document_id]))[0]):
                    asked |= responses.recall(generator.identity, converse_about(passage, bound))
            generator.close()
        rows = responses.publish(target, asked)
        responses.close()
        return rows


def publish_responses(
    run: Run, rows: SyntheticRows | None, earlier: Sequence[Phase]
) -> list[FileRecord]:
    """Publish the responses that rows were made of, if the recipe keeps them; returns the files."""
    if rows is None or not any(stage.publish_responses for stage in run.recipe.synthesize):
        return []
    tasks = [
        task.model_copy(update={"name": f"{position:05d}-{task.name}"})
        for position, task in enumerate(rows.tasks)
    ]
    done = run.tasks(ResponsesWorker(run.store, run.recipe, earlier), tasks)
    return [file for task in tasks if (file := done[task.name].file)]


def _shard_tasks(found: Repeats, shard_bytes: int) -> Iterator[Task]:
    """Assign the splits to shards of each configuration, in order; a shard ends with a split."""
    for (configuration, number), pieces in sorted(found.left.items()):
        shards: list[list[str]] = []
        size = shard_bytes
        for split, _, bytes_of_split in pieces:
            if size >= shard_bytes:
                shards.append([])
                size = 0
            shards[-1].append(split)
            size += bytes_of_split
        for place, splits in enumerate(shards):
            file = f"{PUBLISHED_SPLITS[number]}-{place:05d}-of-{len(shards):05d}.parquet"
            payload = {"configuration": configuration, "number": number, "splits": splits}
            payload["path"] = f"synthetic/{configuration}/{file}"
            if any(found.rows[configuration, number, split] for split in splits):
                yield Task(name=f"{configuration}-{file}", payload=payload)


def _yields(
    recipe: Recipe, accounts: Sequence[Account], found: Repeats
) -> Iterator[SyntheticYield]:
    by_key: dict[tuple[int, str], list[Account]] = {}
    for account in accounts:
        by_key.setdefault((account.place, account.label), []).append(account)
    bound = bind_synthesis(recipe)
    for (place, label), own in sorted(by_key.items()):
        rejected: Counter[str] = Counter()
        for account in own:
            rejected.update(account.rejected)
        if again := found.repeated[place, label]:
            rejected["near_duplicate"] += again
        if gone := found.withdrawn[place, label]:
            rejected["withdrawn"] += gone
        strategy, generator = bound[place]
        published = {
            key[2]: rows
            for key, rows in sorted(found.published.items())
            if key[:2] == (place, label)
        }
        counts = (
            "documents",
            "passages",
            "questions",
            "answered",
            "made",
            "prompt_tokens",
            "completion_tokens",
        )
        texts = {
            prompt.sha256: prompt
            for prompt in (*strategy.prompts.values(), *strategy.strategy.templates())
        }
        yield SyntheticYield(
            strategy=strategy.name,
            label=label,
            generator=" ".join(str(generator.identity).split())
            if recipe.synthesize[place].engine
            else "none",
            **{name: sum(getattr(account, name) for account in own) for name in counts},
            published=published,
            rejected=tuple(
                RejectedRows(reason=reason, rows=rows) for reason, rows in sorted(rejected.items())
            ),
            prompts={sha256: prompt.text for sha256, prompt in sorted(texts.items())},
        )
