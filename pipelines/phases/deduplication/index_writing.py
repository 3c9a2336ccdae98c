"""Writing the index of a corpus: the keys of its documents, by which a next version finds what is
already there.

The dedup phase has staged the keys of every document that it compared. Those of published documents
are joined with their ids and become Parquet files, one for each stage and split, in
`index/<stage>/`; `index/index.json` says what decided the keys, and the SHA-256 of every file.

Where equal keys mean duplicates, a document that a later stage removed as a duplicate leaves its
key too, with the id of what was published instead. So a next version that reads all of the input
again knows it by its text, and its similarity with the published one, which a signature only
estimates, is not put to the test again. Signatures are those of published documents alone: what
resembles a removed document and no published one is new.

After a stage that takes out lines or spans, nothing is indexed that is made of texts: what such a
stage takes out depends on the other documents of a run, and the next version would not know the
same document again.

What decides keys is more than options and version numbers: a hash function may change in a release,
or stay the same through ten. So the index carries a probe, the hash of the keys of a few texts in
many scripts. Whoever uses the index makes those keys again, and refuses it if they come out
differently.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.catalogue.stages import DEDUP_STAGES, INGEST_STAGES, Recipe, against_of
from pipelines.phases.deduplication.kinds import DedupKind, kind_of
from pipelines.phases.deduplication.shuffle_records import keys_file
from pipelines.phases.order import dedup_phases
from pipelines.phases.run_context import Run
from pipelines.staging.staged import (
    SplitAfter,
    StagedSplit,
    by_split,
    first_numbers,
    removals,
    splits_ahead,
)
from pipelines.staging.store import Store
from pipelines.staging.tasks import Phase, Task, TaskResult, Worker
from schemas.columns import arrange
from schemas.corpus_index import (
    FOLDER,
    FORMAT,
    HEAD,
    CorpusIndex,
    IndexedStage,
    IndexFile,
)
from schemas.document import DOCUMENT
from schemas.manifest import FileRecord
from schemas.recipe import at_line

ROW_GROUP = 1 << 16  # entries: 30 MB of signatures as they are by default

# Options that say what is done with keys, and not what they are.
_DECIDE_NO_KEY = {"stage", "against", "threshold", "permutations", "verify", "keep"}
_REPLACED_FOLDER = "staging/publish-index-replaced"
_REPLACED_DONE = f"{_REPLACED_FOLDER}/done.json"
_PACKAGES = ("fonttools", "glotmill", "idna", "numpy", "polars", "rensa")

# Article 1 of the Universal Declaration of Human Rights, or its beginning, one word, and nothing.
_PROBE = (
    (
        "eus",
        "Latn",
        "Gizon-emakume guztiak aske jaiotzen dira, duintasun eta eskubide berberak dituztela.",
    ),
    (
        "yor",
        "Latn",
        "Gbogbo e\u0300ni\u0300ya\u0300n ni a bi\u0301 ni\u0301 o\u0300mi\u0300nira; i\u0307  IYI\u0300.",
    ),
    ("khm", "Khmr", "មនុស្សទាំងអស់កើតមកមានសេរីភាព និងសមភាព ក្នុងផ្នែកសេចក្ដីថ្លៃថ្នូរនិងសិទ្ធិ។"),
    ("bod", "Tibt", "འགྲོ་བ་མིའི་རིགས་རྒྱུད་ཡོངས་ལ་སྐྱེས་ཙམ་ཉིད་ནས་ཆེ་མཐོངས་དང༌།"),
    (
        "jpn",
        "Jpan",
        "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。",
    ),
    (
        "uig",
        "Arab",
        "ھەممە ئادەم زانىدىنلا ئەركىن، ئىززەت-ھۆرمەت ۋە ھوقۇقتا باب-باراۋەر بولۇپ تۇغۇلغان.",
    ),
    ("hin", "Deva", "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।"),
    (
        "san",
        "Deva",
        "सर्वे मानवाः स्वतन्त्राः समुत्पन्नाः वर्तन्ते अपि च गौरवदृशा अधिकारदृशा च समानाः एव वर्तन्ते।",
    ),
    (
        "san",
        "Latn",
        "sarve mānavāḥ svatantrāḥ samutpannāḥ vartante api ca gauravadṛśā adhikāradṛśā ca",
    ),
    ("srp", "Cyrl", "Сва људска бића рађају се слободна и једнака у достојанству и правима."),
    ("srp", "Latn", "Sva ljudska bića rađaju se slobodna i jednaka u dostojanstvu i pravima."),
    ("mlt", "Latn", "Aħwa"),
    ("mlt", "Latn", ""),
)
_PROBE_URLS = (
    "HTTP://WWW.Example.org:80/a/../%7euser/?b=2&a=1&utm_source=x#top",
    "https://bücher.example/ä;jsessionid=1/",
    "https://example.org/page/",
    "ftp://user@example.org/x",
    "mailto:nobody@example.org",
)


class IndexedPhase(NamedTuple):
    """A dedup phase whose keys an index can hold, its place among the recipe's `[[dedup]]` stages,
    its kind."""

    phase: Phase
    position: int
    kind: DedupKind

    @property
    def schema(self) -> pa.Schema:
        """Describe the entries of an index that the phase makes and reads."""
        return self.kind.index_schema()

    @property
    def folder(self) -> str:
        """Name the folder of its files: `1-exact` for `dedup-1-exact`."""
        return f"{self.phase.position}-{self.phase.stage}"


def indexed_phases(recipe: Recipe) -> list[IndexedPhase]:
    """List the dedup phases whose keys an index can hold: none of texts that an earlier one took
    repeats out of."""
    phases = dedup_phases(recipe)[-len(recipe.dedup) :] if recipe.dedup else []
    return [
        IndexedPhase(phase, position, kind)
        for position, (phase, config) in enumerate(zip(phases, recipe.dedup, strict=True))
        if (kind := kind_of(recipe, config.stage, config)).compares_documents
        and (
            "text" not in DEDUP_STAGES[config.stage].columns
            or not _repeats_before(recipe, position)
        )
    ]


def _repeats_before(recipe: Recipe, position: int) -> list[str]:
    """Name the stages that take out parts of texts before the dedup stage at `position`."""
    return [
        stage.stage
        for stage in recipe.dedup[:position]
        if not kind_of(recipe, stage.stage).compares_documents
    ]


def index_problems(recipe: Recipe, text: str) -> list[str]:
    """List what is wrong with asking for an index, or for documents against one; `text` is the
    recipe's."""
    indexed = indexed_phases(recipe)
    problems = [
        f"{at_line(text, 'dedup', position, 'against')}{' and '.join(_repeats_before(recipe, position))} before it "
        f"takes out what repeats in one run, so that no index has the same texts; put {config.stage} first"
        for position, config in enumerate(recipe.dedup)
        if against_of(config) and position not in {phase.position for phase in indexed}
    ]
    if recipe.publish.index and not indexed and not problems:
        able = [
            name
            for name, e in DEDUP_STAGES.items()
            if e.config and kind_of(recipe, name).compares_documents
        ]
        problems.append(
            at_line(text, "publish", "index")
            + "an index holds the keys of dedup stages; the recipe needs a [[dedup]] "
            f"stage {', '.join(able[:-1])} or {able[-1]}, before any that takes out parts of texts"
        )
    return problems


def key_settings(kind: DedupKind) -> dict[str, Any]:
    """Return the options of a dedup stage that its keys depend on."""
    return kind.config.model_dump(mode="json", exclude=_DECIDE_NO_KEY) | kind.key_settings()


def text_stages(recipe: Recipe, position: int) -> tuple[dict[str, Any], ...]:
    """Return the stages that may have changed the text that the dedup stage at `position` makes its
    keys of."""
    entry = DEDUP_STAGES[recipe.dedup[position].stage]
    if "text" not in entry.columns:
        return ()
    changing = (stage for stage in recipe.ingest if INGEST_STAGES[stage.stage].changes_texts)
    return tuple(stage.model_dump(mode="json") for stage in changing)


def probe(kind: DedupKind) -> str:
    """Make the keys of texts and addresses that are always the same, and hash them."""
    languages, scripts, texts = zip(*_PROBE, strict=True)
    urls = [*_PROBE_URLS, *[None] * (len(_PROBE) - len(_PROBE_URLS))]
    columns = {
        "text": pa.array(texts),
        "language": pa.array(languages),
        "script": pa.array(scripts),
    }
    columns |= {"url": pa.array(urls), "id": pa.array([str(row) for row in range(len(_PROBE))])}
    (block,) = arrange(columns, DOCUMENT, len(_PROBE)).to_batches()
    digest = hashlib.sha256()
    for array in kind.key_arrays(block):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def installed_packages() -> dict[str, str]:
    """Return the versions of the distributions that take part in making keys."""
    return {name: importlib.metadata.version(name) for name in _PACKAGES}


class _Named(NamedTuple):
    """Rows of a split, ascending, and an id for each."""

    rows: npt.NDArray[np.int64]
    ids: pa.ChunkedArray

    def joined(self, other: _Named) -> _Named:
        rows = np.concatenate([self.rows, other.rows])
        order = np.argsort(rows)
        return _Named(
            rows[order],
            pa.chunked_array([*self.ids.chunks, *other.ids.chunks]).take(pa.array(order)),
        )

    def without(self, rows: npt.NDArray[np.int64]) -> _Named:
        stay = ~np.isin(self.rows, rows)
        return _Named(self.rows[stay], self.ids.filter(pa.array(stay)))

    def ids_of(self, rows: npt.NDArray[np.int64]) -> pa.ChunkedArray:
        return self.ids.take(pa.array(np.searchsorted(self.rows, rows)))


_NOBODY = _Named(np.empty(0, np.int64), pa.chunked_array([pa.nulls(0, pa.string())]))
_NONE = np.uint64(0xFFFFFFFFFFFFFFFF)  # the number of no document
_REPLACED = np.dtype([("row", "<i8"), ("last", "<u8")])


def write_replaced(store: Store, splits: Sequence[StagedSplit], phases: Sequence[Phase]) -> None:
    """Write, for each split, which of its removed rows have something published instead of them.

    That is so if the line of keepers of a duplicate ends in a document that was published, or that
    an index holds. With each row goes the number of the last removed document of the line, whose
    removal names that one. Holds about 40 bytes for each removed document.
    """
    removed, keepers, duplicate = [], [], []
    bases = first_numbers(splits)[:-1]
    read = splits_ahead(store, splits, phases)
    for split, base in zip(read, bases, strict=True):
        table = removals(store, phases, split.name)
        removed.append(table["row"].to_numpy().astype(np.uint64) + base)
        keepers.append(pc.fill_null(table["keeper"], _NONE).to_numpy())
        duplicate.append(pc.equal(table["fate"], "duplicate").to_numpy())
    numbers, of, repeats = (np.concatenate(parts) for parts in (removed, keepers, duplicate))
    places = np.searchsorted(numbers, of)
    also_removed = (np.append(numbers, _NONE)[places] == of) & (of != _NONE)
    lasts = np.where(also_removed & repeats, places, np.arange(len(numbers)))
    while not np.array_equal(further := lasts[lasts], lasts):
        lasts = further
    start = 0
    for split, base, own in zip(splits, bases, removed, strict=True):
        mine = slice(start, start := start + len(own))
        named = repeats[mine] & repeats[lasts[mine]]
        found = np.empty(int(named.sum()), _REPLACED)
        found["row"], found["last"] = (own - base)[named], numbers[lasts[mine][named]]
        store.save_array(_replaced_file(split.name), found)


class IndexResult(TaskResult):
    """How many documents of a split were published, and the file of entries of each phase that has
    any, by name."""

    published: int
    files: dict[str, IndexFile]


class IndexWorker(Worker[IndexResult]):
    """Writes the entries of one split: a file for each phase that has any."""

    phase = "publish-index"
    result = IndexResult

    def __init__(
        self,
        store: Store,
        splits: Sequence[StagedSplit],
        phases: Sequence[Phase],
        indexed: Sequence[IndexedPhase],
    ) -> None:
        self.store, self.phases, self.indexed = store, phases, indexed
        self.names, self.bases = [split.name for split in splits], first_numbers(splits)[:-1]

    def run(self, task: Task) -> IndexResult:
        split = StagedSplit.model_validate(task.payload["split"])
        published, files = self._published(split), {}
        replaced = self._replaced(split.name)
        for indexed in self.indexed:
            entries = published
            if not indexed.kind.measures:  # equal keys: what was removed later had them too
                here = removals(self.store, [indexed.phase], split.name)[
                    "row"
                ].to_numpy()  # whose keepers have these
                entries = entries.joined(replaced.without(here))
            keyed = self.store.load_array(keys_file(indexed.phase.name, split.name))
            rows = keyed[indexed.kind.row_field].astype(np.int64)
            chosen = np.flatnonzero(np.isin(rows, entries.rows))
            if len(chosen):
                path = f"{indexed.folder}/{task.name}.parquet"
                self._write(path, indexed.schema, keyed, chosen, entries.ids_of(rows[chosen]))
                full = f"{FOLDER}/{path}"
                files[indexed.phase.name] = IndexFile(
                    path=path,
                    rows=len(chosen),
                    sha256=self.store.sha256(full),
                    bytes=self.store.size(full),
                )
        return IndexResult(published=len(published.rows), files=files)

    def _published(self, split: StagedSplit) -> _Named:
        rows, ids = [np.empty(0, np.int64)], [pa.array([], pa.string())]
        for places, block in SplitAfter(self.store, split, self.phases).blocks(["id"]):
            rows.append(places)
            ids.append(block["id"])
        return _Named(np.concatenate(rows), pa.chunked_array(ids))

    def _replaced(self, split: str) -> _Named:
        """Name what was published instead of each duplicate: the last of its line of keepers says
        it by id."""
        found = self.store.load_array(_replaced_file(split))
        rows, ids = [np.empty(0, np.int64)], [pa.array([], pa.string())]
        for owner, places, lasts in by_split(found["last"], self.bases):
            table = removals(self.store, self.phases, self.names[owner])
            rows.append(found["row"][places])
            ids += (
                table["duplicate_of"]
                .take(pa.array(np.searchsorted(table["row"].to_numpy(), lasts)))
                .chunks
            )
        return _Named(np.concatenate(rows), pa.chunked_array(ids)).joined(_NOBODY)

    def _write(
        self,
        path: str,
        schema: pa.Schema,
        keyed: npt.NDArray[Any],
        chosen: npt.NDArray[np.int64],
        ids: pa.ChunkedArray,
    ) -> None:
        options: dict[str, Any] = {
            "compression": "zstd",
            "use_dictionary": False,
            "write_statistics": False,
        }
        with self.store.writing_parquet(f"{FOLDER}/{path}", schema, **options) as writer:
            for start in range(0, len(chosen), ROW_GROUP):
                some = keyed[chosen[start : start + ROW_GROUP]]
                columns = {"id": ids.slice(start, ROW_GROUP)} | {
                    field.name: pa.array(some[field.name])
                    if pa.types.is_integer(field.type)
                    else binaries(some[field.name], field.type)
                    for field in schema
                    if field.name != "id"
                }
                writer.write_table(arrange(columns, schema, len(some)), row_group_size=ROW_GROUP)


def binaries(values: npt.NDArray[Any], kind: pa.FixedSizeBinaryType) -> pa.Array:
    """Turn n records or rows of numbers into n binaries."""
    return pa.Array.from_buffers(
        kind, len(values), [None, pa.py_buffer(np.ascontiguousarray(values).tobytes())]
    )


def write_index(
    run: Run, staged: Sequence[StagedSplit], phases: Sequence[Phase]
) -> list[FileRecord]:
    """Write the index, if the recipe asks for one, and list its files; `phases` are all that remove
    documents."""
    if not run.recipe.publish.index:
        return []
    tasks = [
        Task(
            name=f"{position:05d}-{split.name}",
            weight_bytes=split.documents,
            payload={"split": split.model_dump()},
        )
        for position, split in enumerate(staged)
        if split.documents
    ]
    splits = [split for split in staged if split.documents]
    if splits and not run.store.exists(_REPLACED_DONE):
        run.function("pipelines.phases.deduplication.index_writing:write_replaced", splits, phases)
        run.store.write_json(_REPLACED_DONE, {})
    written = run.tasks(IndexWorker(run.store, splits, phases, indexed_phases(run.recipe)), tasks)
    head = _head(run.recipe, written)
    path = f"{FOLDER}/{HEAD}"
    content = head.model_dump_json(indent=1).encode() + b"\n"
    run.store.write(path, content)
    files = [FileRecord(path=path, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())]
    entries = (file for stage in head.stages for file in stage.files)
    return files + [
        FileRecord(**file.model_dump() | {"path": f"{FOLDER}/{file.path}"}) for file in entries
    ]


def _head(recipe: Recipe, written: Mapping[str, IndexResult]) -> CorpusIndex:
    """Put together `index.json` from what the tasks wrote."""
    stages = []
    for indexed in indexed_phases(recipe):
        name = indexed.phase.name
        files = tuple(
            result.files[name] for _, result in sorted(written.items()) if name in result.files
        )
        stages.append(
            IndexedStage(
                stage=indexed.kind.stage,
                settings=key_settings(indexed.kind),
                texts=text_stages(recipe, indexed.position),
                probe=probe(indexed.kind),
                packages=installed_packages(),
                entries=sum(file.rows for file in files),
                files=files,
            )
        )
    return CorpusIndex(
        format=FORMAT,
        corpus=recipe.corpus.name,
        version=recipe.corpus.version,
        documents=sum(result.published for result in written.values()),
        stages=tuple(stages),
    )


def _replaced_file(split: str) -> str:
    return f"{_REPLACED_FOLDER}/{split}.npy"
