"""What changed between two versions of a corpus: documents, figures, versions, recipe.

Documents are known by their ids, which depend on where a document was read and not on the version
of the corpus. Of each document 32 bytes stay in memory: a key of its id and one of its text; of
each row of what was made 16.
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
from schemas.card.card import Card
from schemas.columns import require_columns
from schemas.document import DOCUMENT
from stages.keys import KEY, hash_keys

FIGURES = ("documents", "code_points", "utf8_bytes", "words")
CHANGES = ("added", "withdrawn", "removed", "rewritten", "moved")
MADE = ("bitext", "document_pairs", "pairs", "responses", "samples", "synthetic")


class _Documents(NamedTuple):
    """The n published documents of a corpus, sorted by the key of their ids; groups are (label,
    source)."""

    ids: npt.NDArray[np.void]
    texts: npt.NDArray[np.void]
    groups: npt.NDArray[np.int32]
    names: list[tuple[str, str]]


class CorpusDifference(NamedTuple):
    """Documents by kind of change, label and source; rows of what was made, by kind of change,
    subset and languages; and what else differs, as (old, new)."""

    # (change, label, source); of a moved one the label that it has now
    documents: dict[tuple[str, str, str], int]
    figures: dict[tuple[str, str], tuple[int | None, int | None]]  # (label, figure)
    versions: dict[str, tuple[str | None, str | None]]
    recipe: list[str]  # lines of a unified diff
    # (added or removed, subset such as `bitext` or `synthetic/chat`, label or direction)
    made: dict[tuple[str, str, str], int]
    # by label, the ids of documents that the card shows no more, and shows now
    samples: dict[str, tuple[list[str], list[str]]]

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
            "made": [
                {"change": change, "subset": subset, "languages": languages, "rows": rows}
                for (change, subset, languages), rows in sorted(self.made.items())
            ],
            "samples": {
                label: {"old": old, "new": new}
                for label, (old, new) in sorted(self.samples.items())
            },
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
        made=_made_changed(*map(_made, (old, new))),
        samples=_samples_changed(*cards),
    )


def _changed(old: Mapping[Any, Any], new: Mapping[Any, Any]) -> dict[Any, tuple[Any, Any]]:
    return {
        key: (old.get(key), new.get(key))
        for key in old.keys() | new.keys()
        if old.get(key) != new.get(key)
    }


def _samples_changed(old: Card, new: Card) -> dict[str, tuple[list[str], list[str]]]:
    """Name the documents that only one of two cards shows, by label."""
    before, now = (
        {label: [sample.id for sample in own.samples] for label, own in card.statistics.items()}
        for card in (old, new)
    )
    changed = {}
    for label in sorted(before.keys() | now.keys()):
        ours, theirs = before.get(label, []), now.get(label, [])
        left = [id_ for id_ in ours if id_ not in theirs]
        came = [id_ for id_ in theirs if id_ not in ours]
        if left or came:
            changed[label] = left, came
    return changed


def _made(store: Store) -> dict[tuple[str, str], npt.NDArray[np.void]]:
    """Hash the rows of all pairs, training samples and synthetic configurations, by subset and
    label or direction."""
    found: dict[tuple[str, str], list[npt.NDArray[np.void]]] = {}
    paths = [file.path for file in read_manifest(store).files if file.path.endswith(".parquet")]
    for path in sorted(path for path in paths if path.split("/")[0] in MADE):
        subset = "/".join(path.split("/")[: 1 + path.startswith(("synthetic/", "samples/"))])
        with damage_told(store, path):
            for table in store.row_groups(path):
                keys, languages = _row_keys(table), _languages(table)
                for number, name in enumerate(languages.dictionary.to_pylist()):
                    own = keys[languages.indices.to_numpy() == number]
                    found.setdefault((subset, name), []).append(own)
    return {key: np.concatenate(parts) for key, parts in found.items()}


def _row_keys(table: pa.Table) -> npt.NDArray[np.void]:
    """Hash n rows: by all columns of texts and numbers, and so by their own ids."""
    columns = []
    for column in table.columns:
        if pa.types.is_nested(column.type) or pa.types.is_boolean(column.type):
            continue
        if not (pa.types.is_binary(column.type) or pa.types.is_fixed_size_binary(column.type)):
            column = column.cast(pa.large_string())
        columns.append(pc.fill_null(column.cast(pa.large_binary()), b""))
    joined = pc.binary_join_element_wise(*columns, pa.scalar(b"\x1f", pa.large_binary()))
    return hash_keys(joined.combine_chunks())


def _languages(table: pa.Table) -> pa.DictionaryArray:
    """Name the languages of n rows: a label, or a direction."""
    for names, mark in (
        (("source_language", "target_language"), " -> "),
        (("language", "script"), "_"),
    ):
        if set(names) <= set(table.schema.names):
            both = [pc.fill_null(table[name].cast(pa.string()), "") for name in names]
            joined = pc.binary_join_element_wise(*both, mark)
            return joined.combine_chunks().dictionary_encode()
    return pa.repeat("", table.num_rows).dictionary_encode()


def _made_changed(
    old: Mapping[tuple[str, str], npt.NDArray[np.void]],
    new: Mapping[tuple[str, str], npt.NDArray[np.void]],
) -> dict[tuple[str, str, str], int]:
    """Count rows that are in one corpus more often than in the other."""
    none = np.empty(0, KEY)
    counts = {}
    for key in sorted(old.keys() | new.keys()):
        ours, theirs = old.get(key, none), new.get(key, none)
        both = np.concatenate([ours, theirs])
        _, places = np.unique(both, return_inverse=True)
        more = np.bincount(places[len(ours) :], minlength=len(both)) - np.bincount(
            places[: len(ours)], minlength=len(both)
        )
        for change, rows in (("added", more[more > 0].sum()), ("removed", -more[more < 0].sum())):
            if rows:
                counts[(change, *key)] = int(rows)
    return counts


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
    for (change, subset, languages), rows in sorted(found.made.items()):
        yield f"{change:10} {rows:,} rows of {subset}{languages and f': {languages}'}"
    for label, (left, came) in sorted(found.samples.items()):
        named = "; ".join(
            f"{words} {', '.join(ids)}" for words, ids in (("without", left), ("now", came)) if ids
        )
        yield f"sample     {label} {named}"
    for (label, figure), (old, new) in sorted(found.figures.items()):
        if figure in ("documents", "words"):
            yield f"figure     {label} {figure}: {_number(old)} to {_number(new)}"
    for name, versions in sorted(found.versions.items()):
        yield f"version    {name}: {versions[0] or 'none'} to {versions[1] or 'none'}"
    yield from (f"recipe     {line}" for line in found.recipe)


def _number(value: int | None) -> str:
    return "none" if value is None else f"{value:,}"
