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
from pipelines.staging.store import Store
from schemas.card.card import Card
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
    """Look through the files of all configurations, a row group in memory at a time; 16 bytes stay
    for each row."""
    parents = {
        split: np.concatenate(
            [np.empty(0, KEY), *(shard.keys for shard in shards if _split(shard.path) == split)]
        )
        for split in {_split(shard.path) for shard in shards}
    }
    responses = _response_keys(store, present)
    prompts = {sha256 for counts in (card.synthesis if card else ()) for sha256 in counts.prompts}
    ids: list[npt.NDArray[np.void]] = [np.empty(0, KEY)]
    rows: Counter[str] = Counter()
    for path in (
        path for path in present if path.startswith("synthetic/") and path.endswith(".parquet")
    ):
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
            for table in store.row_groups(path):
                rows[path] += table.num_rows
                ids.append(_keys(table["id"]))
                keys = _keys(table["parent_id"])
                own = parents.get(_split(path), np.empty(0, KEY))
                if missing := int(np.count_nonzero(~np.isin(keys["low"], own["low"]))):
                    yield error(
                        CHECK,
                        f"{missing:,} rows have no document in the split {_split(path)}",
                        path,
                    )
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
        except (OSError, pa.ArrowException, ValueError) as problem:
            yield error(CHECK, f"cannot be read: {' '.join(str(problem).split())[:300]}", path)
    together = np.concatenate(ids)
    if repeated := len(together) - len(np.unique(together)):
        yield error(CHECK, f"{repeated:,} rows have an id that an earlier row has")
    if card is not None:
        yield from _card_findings(card, rows)


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


def _card_findings(card: Card, rows: Counter[str]) -> Iterator[Finding]:
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
    for counts in card.synthesis:
        out = sum(counts.published.values()) + sum(reason.rows for reason in counts.rejected)
        if counts.made != out:
            where = f"{counts.strategy} in {counts.label}"
            yield error(
                CHECK, f"{where}: {counts.made:,} rows made, {out:,} published and rejected"
            )
