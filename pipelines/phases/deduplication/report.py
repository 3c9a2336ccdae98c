"""What a card tells of deduplication: how much each stage removed, and its largest clusters with samples.

Everything is read off the removal lists, in the same way for every kind of stage. A number of eight bytes for each
removed document is held at a time; of the texts, only the row groups that hold a sample are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_cards.display import cut_text
from pipelines.phases.deduplication.kinds import kind_of
from pipelines.phases.run_context import Run
from pipelines.staging.staged import SplitAfter, StagedSplit, by_split, first_numbers, removal_folder, removals
from pipelines.staging.store import Store
from pipelines.staging.tasks import Phase
from schemas.card.duplicates import CLUSTERS_KEPT, EXAMPLES_KEPT, DedupReport, DuplicateCluster, DuplicateExample
from schemas.card.statistics import SAMPLE_CODE_POINTS
from schemas.language import parse_label

_MEMBER = np.dtype([("keeper", "<u8"), ("similarity", "<f8"), ("document", "<u8")])


def dedup_reports(run: Run, staged: Sequence[StagedSplit], phases: Sequence[Phase]) -> tuple[DedupReport, ...]:
    """Report each of the dedup phases, in running order, from its removal lists and from what it counted."""
    splits = [split for split in staged if split.documents]
    return tuple(_report(run, splits, phases[:number], phase) for number, phase in enumerate(phases))


def _report(run: Run, splits: Sequence[StagedSplit], earlier: Sequence[Phase], phase: Phase) -> DedupReport:
    store, done = run.store, f"{removal_folder(phase)}/done.json"
    counted: Mapping[str, Any] = store.read_json(done) if store.exists(done) else {}
    bases = first_numbers(splits)
    lists = _Removed(store, splits, bases, phase)
    removed, keepers = lists.keepers()
    nodes, sizes = np.unique(keepers, return_counts=True)
    largest = np.lexsort((nodes, -sizes))[:CLUSTERS_KEPT]
    members = lists.least_similar(np.sort(nodes[largest]))
    samples = _samples(store, splits, bases, earlier, np.concatenate([nodes[largest], members["document"]]))
    measures = kind_of(run.recipe, phase.stage).measures
    return DedupReport(
        stage=phase.stage,
        removed=removed,
        **{
            name: counted.get(name) for name in ("compared", "refused", "exhausted_buckets", "rewritten", "code_points")
        },
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
                        similarity=round(similarity, 4) if measures else None,
                        text=samples[document].text,
                        code_points=samples[document].code_points,
                    )
                    for _, similarity, document in members[members["keeper"] == node].tolist()
                ),
            )
            for node, size in zip(nodes[largest].tolist(), sizes[largest].tolist(), strict=True)
        ),
    )


class _Removed:
    """The removal lists of one phase, with documents by their numbers."""

    def __init__(
        self, store: Store, splits: Sequence[StagedSplit], bases: npt.NDArray[np.uint64], phase: Phase
    ) -> None:
        self.store, self.splits, self.bases, self.phase = store, splits, bases, phase

    def _lists(self) -> Iterator[tuple[np.uint64, pa.Table]]:
        for split, base in zip(self.splits, self.bases, strict=False):
            yield base, removals(self.store, [self.phase], split.name)

    def keepers(self) -> tuple[int, npt.NDArray[np.uint64]]:
        """Count the rows removed for whatever reason, and name the keeper of each that has one in this corpus."""
        rows, keepers = 0, [np.empty(0, np.uint64)]
        for _, table in self._lists():
            rows += table.num_rows
            keepers.append(table["keeper"].drop_null().to_numpy())
        return rows, np.concatenate(keepers)

    def least_similar(self, keepers: npt.NDArray[np.uint64]) -> npt.NDArray[np.void]:
        """Choose a few _MEMBERs of each keeper, by keeper, similarity and number; `keepers` ascend."""
        chosen = np.empty(0, _MEMBER)
        for base, table in self._lists():
            own = table.filter(pc.is_in(table["keeper"], pa.array(keepers)))
            members = np.empty(own.num_rows, _MEMBER)
            members["keeper"], members["similarity"] = own["keeper"].to_numpy(), own["value"].to_numpy()
            members["document"] = own["row"].to_numpy().astype(np.uint64) + base
            chosen = np.concatenate([chosen, members])
            chosen = chosen[np.lexsort([chosen[name] for name in ("document", "similarity", "keeper")])]
            first = np.searchsorted(chosen["keeper"], chosen["keeper"])
            chosen = chosen[np.arange(len(chosen)) - first < EXAMPLES_KEPT]
        return chosen


class _Sample(NamedTuple):
    id: str
    label: str
    text: str
    code_points: int


def _samples(
    store: Store,
    splits: Sequence[StagedSplit],
    bases: npt.NDArray[np.uint64],
    earlier: Sequence[Phase],
    documents: npt.NDArray[np.uint64],
) -> dict[int, _Sample]:
    """Read the beginnings of some documents as the earlier phases left them, by number."""
    samples: dict[int, _Sample] = {}
    documents = np.unique(documents)
    for owner, places, rows in by_split(documents, bases):
        numbers, split = documents[places], splits[owner]
        starts = np.array([run.first_row for run in split.runs])
        holding = [split.runs[place] for place in np.unique(np.searchsorted(starts, rows, side="right") - 1).tolist()]
        for run, table in SplitAfter(store, split, earlier).runs(["id", "text"], holding):
            inside = (rows >= run.first_row) & (rows < run.first_row + run.rows)
            taken = table.take(pa.array(rows[inside] - run.first_row))
            lengths = pc.utf8_length(taken["text"]).to_pylist()
            # Texts may be huge: cut in Arrow first, with one code point to spare to see whether there is more.
            heads = pc.utf8_slice_codeunits(taken["text"], 0, SAMPLE_CODE_POINTS + 1).to_pylist()
            label = str(parse_label(run.label))
            samples |= {
                number: _Sample(id_, label, cut_text(head, SAMPLE_CODE_POINTS), length)
                for number, id_, head, length in zip(
                    numbers[inside].tolist(), taken["id"].to_pylist(), heads, lengths, strict=True
                )
            }
    return samples
