"""What a card tells of deduplication: how much each stage removed, and its largest clusters with
samples.

Everything is read off the removal lists, in the same way for every kind of stage. At most
_KEEPERS_HELD keepers are held at a time, 16 bytes each: of more, the lists are read several times,
for a part of the keepers each time. Of the texts, only the row groups that hold a sample are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_cards.display import cut_text
from pipelines.catalogue.stages import marks_page_languages
from pipelines.phases.deduplication.kinds import DedupKind, DedupPhase, kinds_of
from pipelines.phases.deduplication.page_languages import pages_file
from pipelines.phases.deduplication.shuffle_records import DedupCounts
from pipelines.phases.run_context import Run
from pipelines.staging.staged import (
    REMOVED,
    SplitAfter,
    StagedSplit,
    by_split,
    first_numbers,
    removal_file,
    removal_folder,
)
from pipelines.staging.store import Store
from pipelines.staging.tasks import Phase
from schemas.card.duplicates import (
    CLUSTERS_KEPT,
    EXAMPLES_KEPT,
    DedupReport,
    DuplicateCluster,
    DuplicateExample,
)
from schemas.card.statistics import SAMPLE_CODE_POINTS
from schemas.language import parse_label
from stages.deduplication.cleanliness import Cleanliness, cleanliness, shortcomings
from stages.deduplication.keepers import deciding_criterion

_KEEPERS_HELD = 100_000_000
_KEEPERS_JOINED = 10_000_000  # that are counted at once
_MEMBER = np.dtype([("keeper", "<u8"), ("similarity", "<f8"), ("document", "<u8")])


def dedup_reports(
    run: Run, staged: Sequence[StagedSplit], phases: Sequence[Phase]
) -> tuple[DedupReport, ...]:
    """Report each of the dedup phases, in running order, from its removal lists and from what it
    counted."""
    splits = [split for split in staged if split.documents]
    kinds = kinds_of(run.recipe, phases)
    store = run.store.remembering()
    return tuple(
        _report(store, DedupPhase(phase, phases[:n], splits), kinds[n])
        for n, phase in enumerate(phases)
    )


def _report(store: Store, deduplicated: DedupPhase, kind: DedupKind) -> DedupReport:
    phase, splits = deduplicated.phase, deduplicated.splits
    done = f"{removal_folder(phase)}/done.json"
    counted = DedupCounts.model_validate(store.read_json(done) if store.exists(done) else {})
    bases = first_numbers(splits)
    marks = marks_page_languages(kind.config)
    lists = _Removed(store, splits, bases, pages_file if marks else partial(removal_file, phase))
    found, nodes, sizes = lists.largest()
    members = lists.least_similar(np.sort(nodes))
    samples = _samples(store, deduplicated, kind, np.concatenate([nodes, members["document"]]))
    return DedupReport(
        stage=phase.stage,
        removed=0 if marks else found,
        marks=marks,
        compared=counted.compared,
        refused=counted.refused,
        exhausted_buckets=counted.exhausted_buckets,
        rewritten=counted.rewritten,
        code_points=counted.code_points,
        clusters=tuple(
            DuplicateCluster(
                keeper=samples[node].id,
                label=samples[node].label,
                documents=size + 1,
                text=samples[node].text,
                code_points=samples[node].code_points,
                examples=tuple(
                    DuplicateExample(
                        id=samples[document].id,
                        similarity=round(similarity, 4) if kind.measures else None,
                        reason="" if marks else _reason(kind, samples[node], samples[document]),
                        label=samples[document].label if marks else None,
                        text=samples[document].text,
                        code_points=samples[document].code_points,
                    )
                    for _, similarity, document in members[members["keeper"] == node].tolist()
                ),
            )
            for node, size in zip(nodes.tolist(), sizes.tolist(), strict=True)
        ),
    )


class _Removed:
    """What one phase found, with documents by their numbers: its removal lists, or those of the
    pages that it marks."""

    def __init__(
        self,
        store: Store,
        splits: Sequence[StagedSplit],
        bases: npt.NDArray[np.uint64],
        file: Callable[[str], str],
    ) -> None:
        self.store, self.splits, self.bases, self.file = store, splits, bases, file

    def _lists(self) -> Iterator[tuple[np.uint64, pa.Table]]:
        splits = self.store.read_ahead(self.splits, lambda split: [self.file(split.name)])
        for split, base in zip(splits, self.bases, strict=False):
            path = self.file(split.name)
            there = self.store.exists(path)
            yield base, self.store.read_parquet(path) if there else REMOVED.empty_table()

    def largest(self) -> tuple[int, npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
        """Count the rows removed for whatever reason; choose the keepers in this corpus for which
        most were removed, by this number and their own, and say for how many.

        Where there are too many keepers to hold, those are counted whose numbers have one remainder
        after another.
        """
        rows, parts, part = 0, 1, 0
        best = np.empty(0, np.uint64), np.empty(0, np.int64)
        while part < parts:
            nodes, sizes = np.empty(0, np.uint64), np.empty(0, np.int64)
            for keepers, count in self._keepers():
                rows += count if part == 0 else 0
                own = keepers[keepers % np.uint64(parts) == part]
                nodes, sizes = _joined(nodes, sizes, own)
                while part == 0 and len(nodes) > _KEEPERS_HELD:
                    parts *= 2
                    left = nodes % np.uint64(parts) == 0
                    nodes, sizes = nodes[left], sizes[left]
            nodes, sizes = np.concatenate([best[0], nodes]), np.concatenate([best[1], sizes])
            first = np.lexsort((nodes, -sizes))[:CLUSTERS_KEPT]
            best = nodes[first], sizes[first]
            part += 1
        return rows, *best

    def _keepers(self) -> Iterator[tuple[npt.NDArray[np.uint64], int]]:
        """Yield the keepers in this corpus of removed rows, about _KEEPERS_JOINED at a time, and
        how many rows there were."""
        waiting, held, rows = [np.empty(0, np.uint64)], 0, 0
        for _, table in self._lists():
            rows += table.num_rows
            waiting.append(table["keeper"].drop_null().to_numpy())
            held += len(waiting[-1])
            if held >= _KEEPERS_JOINED:
                yield np.concatenate(waiting), rows
                waiting, held, rows = [np.empty(0, np.uint64)], 0, 0
        yield np.concatenate(waiting), rows

    def least_similar(self, keepers: npt.NDArray[np.uint64]) -> npt.NDArray[np.void]:
        """Choose a few _MEMBERs of each keeper, by keeper, similarity and number; `keepers`
        ascend."""
        chosen = np.empty(0, _MEMBER)
        for base, table in self._lists():
            own = table.filter(pc.is_in(table["keeper"], pa.array(keepers)))
            members = np.empty(own.num_rows, _MEMBER)
            members["keeper"], members["similarity"] = (
                own["keeper"].to_numpy(),
                own["value"].to_numpy(),
            )
            members["document"] = own["row"].to_numpy().astype(np.uint64) + base
            chosen = np.concatenate([chosen, members])
            chosen = chosen[
                np.lexsort([chosen[name] for name in ("document", "similarity", "keeper")])
            ]
            first = np.searchsorted(chosen["keeper"], chosen["keeper"])
            chosen = chosen[np.arange(len(chosen)) - first < EXAMPLES_KEPT]
        return chosen


def _joined(
    nodes: npt.NDArray[np.uint64], sizes: npt.NDArray[np.int64], more: npt.NDArray[np.uint64]
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """Count `more` nodes to those whose sizes are known; distinct nodes ascend, here and there."""
    new, counts = np.unique(more, return_counts=True)
    known = np.isin(new, nodes, assume_unique=True)
    sizes[np.searchsorted(nodes, new[known])] += counts[known]
    nodes, sizes = np.append(nodes, new[~known]), np.append(sizes, counts[~known])
    order = np.argsort(nodes, kind="stable")
    return nodes[order], sizes[order]


class _Sample(NamedTuple):
    id: str
    label: str
    text: str
    code_points: int
    sort_keys: npt.NDArray[np.uint64]
    cleanliness: Cleanliness | None


def _reason(kind: DedupKind, kept: _Sample, removed: _Sample) -> str:
    """Say by which criterion one document was preferred to another, and in what that one is less
    clean."""
    criterion = deciding_criterion(kind.criteria, kept.sort_keys, removed.sort_keys)
    if criterion == "cleanest" and kept.cleanliness and removed.cleanliness:
        return f"{criterion}: {shortcomings(removed.cleanliness, kept.cleanliness)}"
    return criterion


def _samples(
    store: Store, deduplicated: DedupPhase, kind: DedupKind, documents: npt.NDArray[np.uint64]
) -> dict[int, _Sample]:
    """Read the beginnings of some documents as the earlier phases left them, by number."""
    samples: dict[int, _Sample] = {}
    splits, bases = deduplicated.splits, first_numbers(deduplicated.splits)
    columns = kind.columns_read(["id", "text"])
    documents = np.unique(documents)
    for owner, places, rows in by_split(documents, bases):
        numbers, split = documents[places], splits[owner]
        starts = np.array([run.first_row for run in split.runs])
        holding = [
            split.runs[place]
            for place in np.unique(np.searchsorted(starts, rows, side="right") - 1).tolist()
        ]
        for run, table in SplitAfter(store, split, deduplicated.earlier).runs(columns, holding):
            inside = (rows >= run.first_row) & (rows < run.first_row + run.rows)
            taken = (
                table.take(pa.array(rows[inside] - run.first_row)).combine_chunks().to_batches()[0]
            )
            copies = cleanliness(taken) if "cleanest" in kind.criteria else None
            lengths = pc.utf8_length(taken["text"]).to_pylist()
            # Texts may be huge: cut in Arrow first, with one code point to spare to see whether
            # there is more.
            heads = pc.utf8_slice_codeunits(taken["text"], 0, SAMPLE_CODE_POINTS + 1).to_pylist()
            label = str(parse_label(run.label))
            samples |= {
                number: _Sample(
                    *(id_, label, cut_text(head, SAMPLE_CODE_POINTS), length, keys),
                    cleanliness=copies.one(place) if copies else None,
                )
                for place, (number, id_, head, length, keys) in enumerate(
                    zip(
                        *(numbers[inside].tolist(), taken["id"].to_pylist(), heads, lengths),
                        kind.sort_keys(taken),
                        strict=True,
                    )
                )
            }
    return samples
