"""Do synthetic rows stand by their documents, and can each be followed to its prompts and
responses?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.finished.audit.documents import Shard
from pipelines.finished.audit.parted import PARTS, PLACED, Parted, placed, repeated
from pipelines.phases.synthesize import Samples, keep_samples, shown_samples
from pipelines.staging.store import Store
from schemas.card.card import Card
from schemas.card.synthesis import SyntheticSample
from schemas.finding import Finding, error
from schemas.synthesis import CONFIGURATIONS, synthetic_schema
from stages.keys import KEY, hash_keys

CHECK = "synthetic"


def synthetic_findings(
    store: Store,
    present: Sequence[str],
    shards: Sequence[Shard],
    card: Card | None,
    report: Callable[[str], None],
) -> Iterator[Finding]:
    """Look through the files of all configurations, a row group in memory at a time; the keys of
    rows and documents go to disk."""
    files = [p for p in present if p.startswith("synthetic/") and p.endswith(".parquet")]
    labels = {label: n for n, label in enumerate(dict.fromkeys(shard.label for shard in shards))}
    parents, children = Parted(PLACED), Parted(PLACED)  # by split, by file; with their labels
    splits = sorted({_split(shard.path) for shard in shards})
    for shard in shards if files else ():
        split = splits.index(_split(shard.path))
        parents.add(placed(shard.keys.load(), split, labels[shard.label]))
    responses = _response_keys(store, present)
    prompts = {sha256 for counts in (card.synthesis if card else ()) for sha256 in counts.prompts}
    ids = Parted(KEY)
    rows: Counter[str] = Counter()
    yields: Counter[tuple[str, str, str]] = Counter()
    samples: dict[str, tuple[SyntheticSample, ...]] = {}
    for place, path in enumerate(files):
        report(path)
        configuration = path.split("/")[1]
        try:
            with store.open(path) as stream:
                found = pq.read_schema(stream)
            if configuration not in CONFIGURATIONS or not found.equals(
                synthetic_schema(configuration), check_metadata=False
            ):
                yield error(CHECK, f"has other columns than {configuration}", path)
                continue
            kept: Samples = {}
            for table in store.row_groups(path):
                rows[path] += table.num_rows
                ids.add(_keys(table["id"]))
                keep_samples(table, kept)
                columns = ["strategy", "language", "script"]
                for own in table.group_by(columns).aggregate([([], "count_all")]).to_pylist():
                    label = f"{own['language']}_{own['script']}"
                    yields[own["strategy"], label, configuration] += own["count_all"]
                written = pc.binary_join_element_wise(table["language"], table["script"], "_")
                numbers = pc.fill_null(pc.index_in(written, pa.array(labels, pa.string())), -1)
                children.add(placed(_keys(table["parent_id"]), place, numbers.to_numpy()))
                if card is not None and (unknown := _unknown(table["prompts"], prompts)):
                    yield error(CHECK, f"{unknown:,} prompts have no text on the card", path)
                if responses is not None and (unknown := _unknown(table["responses"], responses)):
                    yield error(
                        CHECK, f"{unknown:,} responses that rows name are not in responses/", path
                    )
                if configuration == "question_answer" and (wrong := _misplaced_answers(table)):
                    yield error(
                        CHECK,
                        f"{wrong:,} answers are not where they are said to be in the context",
                        path,
                    )
            samples[path] = shown_samples(configuration, kept)
        except (OSError, pa.ArrowException, ValueError) as problem:
            yield error(CHECK, f"cannot be read: {' '.join(str(problem).split())[:300]}", path)
    if again := repeated(ids):
        yield error(CHECK, f"{again:,} rows have an id that an earlier row has")
    places = [splits.index(_split(p)) if _split(p) in splits else -1 for p in files]
    yield from _parent_findings(parents, children, files, places)
    if card is not None:
        yield from _card_findings(card, rows, yields)
        for file in card.synthetic:
            if file.path in samples and file.samples != samples[file.path]:
                yield error(CHECK, "has other samples on the card than in the file", file.path)


def _parent_findings(
    parents: Parted, children: Parted, files: Sequence[str], splits: Sequence[int]
) -> Iterator[Finding]:
    """Hold rows against their documents, a part of the keys at a time: `splits` are those of the
    files."""
    missing, foreign = Counter[int](), Counter[int]()
    for number in range(PARTS if children.size else 0):
        documents, rows = parents.part(number), children.part(number)
        for file in np.unique(rows["file"]).tolist():
            own = rows[rows["file"] == file]
            there = documents[documents["file"] == splits[file]]
            there = there[np.argsort(there["low"], kind="stable")]
            if not len(there):
                missing[file] += len(own)
                continue
            found = there[np.minimum(np.searchsorted(there["low"], own["low"]), len(there) - 1)]
            known = found["low"] == own["low"]
            missing[file] += int(np.count_nonzero(~known))
            foreign[file] += int(np.count_nonzero(known & (found["number"] != own["number"])))
    for counts, words in (
        (missing, "rows have no document in their split"),
        (foreign, "rows are in another language than their documents"),
    ):
        yield from (
            error(CHECK, f"{count:,} {words}", files[f]) for f, count in counts.items() if count
        )


def _split(path: str) -> str:
    return path.rpartition("/")[2].partition("-")[0]


def _keys(ids: pa.ChunkedArray) -> npt.NDArray[np.void]:
    return hash_keys(ids.cast(pa.large_string()).combine_chunks())


def _response_keys(store: Store, present: Sequence[str]) -> set[str] | None:
    """Return the keys of all published responses; None if none are published."""
    paths = [path for path in present if path.startswith("responses/")]
    if not paths:
        return None
    return {
        key.hex()
        for path in paths
        for table in store.row_groups(path, ["key"])
        for key in table["key"].to_pylist()
    }


def _unknown(lists: pa.ChunkedArray, known: set[str]) -> int:
    named = pc.unique(pc.list_flatten(lists.combine_chunks()))
    return int(
        pc.sum(pc.invert(pc.is_in(named, pa.array(sorted(known), pa.string())))).as_py() or 0
    )


def _misplaced_answers(table: pa.Table) -> int:
    """Count answers that their contexts do not hold where they say; a loop, as Arrow has no slice
    by row."""
    return sum(
        context[start : start + len(text)] != text
        for context, answers in zip(
            table["context"].to_pylist(), table["answers"].to_pylist(), strict=True
        )
        for text, start in zip(answers["text"], answers["answer_start"], strict=True)
    )


def _card_findings(
    card: Card, rows: Counter[str], yields: Counter[tuple[str, str, str]]
) -> Iterator[Finding]:
    for file in card.synthetic:
        if rows[file.path] != file.rows:
            yield error(
                CHECK, f"has {rows[file.path]:,} rows, {file.rows:,} by the card", file.path
            )
    stated = sum(sum(counts.published.values()) for counts in card.synthesis)
    if stated != rows.total():
        yield error(
            CHECK, f"{rows.total():,} rows are published, {stated:,} by the yields of the card"
        )
    published: Counter[tuple[str, str, str]] = Counter()
    for counts in card.synthesis:
        for configuration, number in counts.published.items():
            published[counts.strategy, counts.label, configuration] += number
    for key in sorted(yields.keys() | published.keys()):
        if yields[key] != published[key]:
            words = f"{yields[key]:,} rows of {' '.join(key)}, {published[key]:,} by the card"
            yield error(CHECK, words)
    for counts in card.synthesis:
        out = sum(counts.published.values()) + sum(reason.rows for reason in counts.rejected)
        if counts.made != out:
            where = f"{counts.strategy} in {counts.label}"
            yield error(
                CHECK, f"{where}: {counts.made:,} rows made, {out:,} published and rejected"
            )
