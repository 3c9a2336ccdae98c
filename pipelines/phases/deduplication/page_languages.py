"""In how many languages a page stands: what `across_languages` found, as marks of documents that
all stay."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.staging.staged import (
    StagedSplit,
    by_split,
    first_numbers,
    numbers_of_rows,
    removal_file,
    removals,
)
from pipelines.staging.store import Store
from pipelines.staging.tasks import Phase
from schemas.document import MANY_PAGE_LANGUAGES, PAGE_LANGUAGES, TRANSLATION_EVIDENCE
from schemas.language import parse_label


def marks_file(split: str) -> str:
    return f"staging/page-languages/{split}.npy"


def pages_file(split: str) -> str:
    """Return where the lists of documents of one page are kept, as removal lists have them."""
    return f"staging/page-languages/{split}.parquet"


def write_page_languages(store: Store, staged: Sequence[StagedSplit], phase: Phase) -> None:
    """Make marks of the removal lists of a phase, and write (row, languages) for each split that
    has pages in several; the lists are put aside, for the card.

    Documents of one keeper are one page, the keeper too.
    """
    bases = first_numbers(staged)
    pages, documents = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)]
    for split, base in zip(staged, bases, strict=False):
        table = removals(store, [phase], split.name)
        keepers = table["keeper"].to_numpy().astype(np.uint64)
        pages += [keepers, np.unique(keepers)]
        documents += [table["row"].to_numpy().astype(np.uint64) + base, np.unique(keepers)]
    page = np.concatenate(pages)
    document, first = np.unique(np.concatenate(documents), return_index=True)
    page = page[first]
    language = _languages(staged, bases, document)
    numbers = np.unique(page, return_inverse=True)[1]
    pairs = np.unique(np.stack([numbers, language]), axis=1)
    counts = np.bincount(pairs[0], minlength=1)[numbers]
    for place, places, rows in by_split(document, bases):
        store.save_array(marks_file(staged[place].name), np.stack([rows, counts[places]], axis=1))
    for split in staged:
        if store.exists(removal_file(phase, split.name)):
            store.copy(removal_file(phase, split.name), pages_file(split.name))
        store.remove(removal_file(phase, split.name))


def _languages(
    staged: Sequence[StagedSplit], bases: npt.NDArray[np.uint64], documents: npt.NDArray[np.uint64]
) -> npt.NDArray[np.int64]:
    """Return the language of each of n documents, ascending, as a number."""
    runs = sorted(
        (int(base) + run.first_row, parse_label(run.label).language)
        for split, base in zip(staged, bases, strict=False)
        for run in split.runs
    )
    names = sorted({language for _, language in runs})
    starts = np.array([start for start, _ in runs], np.uint64)
    numbers = np.array([names.index(language) for _, language in runs], np.int64)
    return numbers[np.searchsorted(starts, documents, side="right") - 1]


def page_languages(store: Store, split: str, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """Look up in how many languages the pages of n rows of a split stand."""
    return numbers_of_rows(store, marks_file(split), rows).astype(np.int32)


def mark_pages(table: pa.Table, languages: npt.NDArray[np.int32]) -> pa.Table:
    """Append the column PAGE_LANGUAGES to n documents.

    Where documents have TRANSLATION_EVIDENCE, a page in MANY_PAGE_LANGUAGES or more has the evidence
    `same_page`, unless something surer was found.
    """
    numbers = pa.array(languages)
    place = table.schema.get_field_index(TRANSLATION_EVIDENCE.name)
    if place >= 0:
        many = pc.greater_equal(numbers, MANY_PAGE_LANGUAGES)
        same_page = pc.if_else(many, "same_page", pa.scalar(None, pa.string()))
        evidence = pc.coalesce(table[TRANSLATION_EVIDENCE.name], same_page)
        table = table.set_column(place, table.schema.field(place), evidence)
    return table.append_column(PAGE_LANGUAGES, numbers)
