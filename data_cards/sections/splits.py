"""What a card tells of `train`, `validation` and `test`: how many documents of each language, and
by what rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from schemas.card.card import Card
from schemas.card.splits import PUBLISHED_SPLITS, PublishedFile


class SplitRow(NamedTuple):
    """The documents of one subset by published split, in the order of `published_splits`."""

    label: str
    documents: tuple[int, ...]


def published_splits(files: Iterable[PublishedFile]) -> tuple[str, ...]:
    """List the splits that some files are of, in the order in which they are used."""
    found = {file.split for file in files}
    return tuple(split for split in PUBLISHED_SPLITS if split in found)


def split_rows(card: Card) -> tuple[SplitRow, ...]:
    """List how each subset was parted, in the order of their labels; none if the recipe asked for
    no split."""
    if card.splits is None:
        return ()
    counted: Counter[tuple[str, str]] = Counter()
    for file in card.files:
        counted[file.language, file.split] += file.documents
    names = published_splits(card.files)
    return tuple(
        SplitRow(label, tuple(counted[label, name] for name in names)) for label in card.statistics
    )


def split_limitations(card: Card) -> list[str]:
    """State which subsets have no document of a split that was asked for, and what may be alike
    across splits."""
    if (rule := card.splits) is None:
        return []
    found, filled = [], {(file.language, file.split) for file in card.files}
    for name, share in (("validation", rule.validation), ("test", rule.test)):
        without = sum((label, name) not in filled for label in card.statistics)
        if share and without:
            found.append(
                f"{without:,} of {len(card.statistics):,} subsets have no document in the split {name}."
            )
    if rule.groups is None:
        found.append(
            "No near deduplication was run, so documents that are much alike may be in different splits."
        )
    return found


def split_rule(card: Card) -> str:
    """Say by what rule the documents were parted; empty if they were not."""
    if (rule := card.splits) is None:
        return ""
    shares = [
        f"{share:.3%}".replace(".000%", "%") + f" for {name}"
        for name, share in (("validation", rule.validation), ("test", rule.test))
        if share
    ]
    text = (
        f"A hash of its id decides the split of a document ({' and '.join(shares)}, in every subset about the same), "
        "and what was made from a document is in the split of that document."
    )
    if rule.groups is not None:
        text += (
            f" Documents that near deduplication compared and kept are in one split ({rule.groups:,} groups); a group "
            f"of more than {rule.largest_group:,} is in train."
        )
    return text


def views(card: Card) -> dict[str, Any]:
    """Name what the templates show of this section."""
    return {
        "split_rule": split_rule(card),
        "split_names": published_splits(card.files),
        "split_rows": split_rows(card),
    }
