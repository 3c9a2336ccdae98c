"""What changed between two versions of a corpus: documents, figures, versions, recipe.

Documents are known by their ids, which depend on where a document was read and not on the version
of the corpus. Of each document 32 bytes stay in memory: a key of its id and one of its text.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.staging.corpus import damage_told, read_card, read_manifest
from pipelines.staging.store import Store
from schemas.columns import require_columns
from schemas.document import DOCUMENT
from stages.keys import KEY, hash_keys

FIGURES = ("documents", "code_points", "utf8_bytes", "words")
CHANGES = ("added", "withdrawn", "removed", "rewritten", "moved")


class _Documents(NamedTuple):
    """The n published documents of a corpus, sorted by the key of their ids; groups are (label,
    source)."""

    ids: npt.NDArray[np.void]
    texts: npt.NDArray[np.void]
    groups: npt.NDArray[np.int32]
    names: list[tuple[str, str]]


class CorpusDifference(NamedTuple):
    """Documents by kind of change, label and source; and what else differs, as (old, new)."""

    # (change, label, source); of a moved one the label that it has now
    documents: dict[tuple[str, str, str], int]
    figures: dict[tuple[str, str], tuple[int | None, int | None]]  # (label, figure)
    versions: dict[str, tuple[str | None, str | None]]
    recipe: list[str]  # lines of a unified diff

    @property
    def is_empty(self) -> bool:
        return not any(self)

    def as_json(self) -> dict[str, Any]:
        return {
            "documents": [
                {"change": change, "label": label, "source": source, "documents": count}
                for (change, label, source), count in sorted(self.documents.items())
            ],
            "figures": [
                {"label": label, "figure": figure, "old": old, "new": new}
                for (label, figure), (old, new) in sorted(self.figures.items())
            ],
            "versions": {
                name: {"old": old, "new": new} for name, (old, new) in sorted(self.versions.items())
            },
            "recipe": self.recipe,
        }


def difference(old: Store, new: Store) -> CorpusDifference:
    """Compare two finished corpora. Raises StagingError if one is not there."""
    manifests = [read_manifest(store) for store in (old, new)]
    cards = [read_card(store) for store in (old, new)]
    versions = [
        {
            **manifest.packages,
            **{f"model {name}": version for name, version in manifest.models.items()},
            **{f"register {name}": version for name, version in manifest.registers.items()},
        }
        | {"corpus": f"{manifest.corpus} {manifest.version}"}
        for manifest in manifests
    ]
    figures = [
        {
            (label, figure): getattr(statistics, figure)
            for label, statistics in card.statistics.items()
            for figure in FIGURES
        }
        for card in cards
    ]
    before, now = (card.recipe.splitlines() for card in cards)
    return CorpusDifference(
        documents=_documents_changed(_documents(old), _documents(new), _withdrawn(new)),
        figures=_changed(*figures),
        versions=_changed(*versions),
        recipe=list(
            difflib.unified_diff(
                before, now, "old/recipe.toml", "new/recipe.toml", lineterm="", n=1
            )
        ),
    )


def _changed(old: Mapping[Any, Any], new: Mapping[Any, Any]) -> dict[Any, tuple[Any, Any]]:
    return {
        key: (old.get(key), new.get(key))
        for key in old.keys() | new.keys()
        if old.get(key) != new.get(key)
    }


def _documents(store: Store) -> _Documents:
    ids, texts, groups = [np.empty(0, KEY)], [np.empty(0, KEY)], [np.empty(0, np.int32)]
    numbers: dict[tuple[str, str], int] = {}
    recorded = [file.path for file in read_manifest(store).files]
    for path in sorted(path for path in recorded if path.startswith("data/")):
        with damage_told(store, path):
            for table in store.row_groups(path, ["id", "text", "source"]):
                require_columns(table, DOCUMENT, table.schema.names)
                ids += [hash_keys(chunk.cast(pa.large_string())) for chunk in table["id"].chunks]
                texts += [
                    hash_keys(chunk.cast(pa.large_string())) for chunk in table["text"].chunks
                ]
                for chunk in table["source"].chunks:
                    encoded = chunk.dictionary_encode()
                    own = [
                        numbers.setdefault((path.split("/")[1], source), len(numbers))
                        for source in encoded.dictionary.to_pylist()
                    ]
                    groups.append(np.array(own, np.int32)[encoded.indices.to_numpy()])
    found = np.concatenate(ids)
    order = np.lexsort((found["low"], found["high"]))
    return _Documents(
        found[order], np.concatenate(texts)[order], np.concatenate(groups)[order], list(numbers)
    )


def _withdrawn(store: Store) -> npt.NDArray[np.uint64]:
    """Read the keys of the ids that a corpus's ledger calls withdrawn; sorted."""
    keys = [np.empty(0, np.uint64)]
    for name in sorted(store.names("ledger")):
        for table in store.row_groups(f"ledger/{name}", ["id", "reason"]):
            own = table.filter(pc.equal(table["reason"], "withdrawn"))["id"]
            keys += [hash_keys(chunk.cast(pa.large_string()))["low"] for chunk in own.chunks]
    return np.unique(np.concatenate(keys))


def _documents_changed(
    old: _Documents, new: _Documents, withdrawn: npt.NDArray[np.uint64]
) -> dict[tuple[str, str, str], int]:
    """Count documents by change, label and source; those that were removed as `withdrawn`, given
    the sorted keys of their ids, apart from others."""
    _, in_old, in_new = np.intersect1d(old.ids, new.ids, return_indices=True)
    added = np.setdiff1d(np.arange(len(new.ids)), in_new)
    removed = np.setdiff1d(np.arange(len(old.ids)), in_old)
    taken_back = np.isin(old.ids[removed]["low"], withdrawn)
    rewritten = in_new[old.texts[in_old] != new.texts[in_new]]
    # the label that each group of one corpus has, as a number that both corpora share
    labels = sorted({label for label, _ in (*old.names, *new.names)})
    old_labels, new_labels = (
        np.array([labels.index(label) for label, _ in some.names], np.int32)[some.groups[rows]]
        for some, rows in ((old, in_old), (new, in_new))
    )
    moved = in_new[old_labels != new_labels]
    counts: Counter[tuple[str, str, str]] = Counter()
    for change, some, rows in zip(
        CHANGES,
        (new, old, old, new, new),
        (added, removed[taken_back], removed[~taken_back], rewritten, moved),
        strict=True,
    ):
        found, documents = np.unique(some.groups[rows], return_counts=True)
        for group, count in zip(found.tolist(), documents.tolist(), strict=True):
            counts[(change, *some.names[group])] += count
    return dict(counts)


def difference_lines(found: CorpusDifference, shown: int) -> Iterator[str]:
    """Tell a difference in lines of text; of each kind at most `shown` lines, the largest first."""
    if found.is_empty:
        yield "no difference"
        return
    for change in CHANGES:
        own = {key[1:]: count for key, count in found.documents.items() if key[0] == change}
        if own:
            yield f"{change:10} {sum(own.values()):,} documents"
            ordered = sorted(own.items(), key=lambda item: (-item[1], item[0]))
            yield from (
                f"           {count:>10,} {label} of {source}"
                for (label, source), count in ordered[:shown]
            )
            if len(ordered) > shown:
                yield f"           and {len(ordered) - shown:,} more; --json shows all"
    for (label, figure), (old, new) in sorted(found.figures.items()):
        if figure in ("documents", "words"):
            yield f"figure     {label} {figure}: {_number(old)} to {_number(new)}"
    for name, versions in sorted(found.versions.items()):
        yield f"version    {name}: {versions[0] or 'none'} to {versions[1] or 'none'}"
    yield from (f"recipe     {line}" for line in found.recipe)


def _number(value: int | None) -> str:
    return "none" if value is None else f"{value:,}"
