"""Families of labels: each group of near neighbours is one, and each other label.

The scores of a family's members add up, so that a document that is surely Bosnian, Croatian or
Serbian is not lost because no one can say which.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from schemas.language_groups import GROUPS


def families(
    languages: Sequence[str], scripts: Sequence[str]
) -> tuple[NDArray[np.int64], list[str | None]]:
    """Number the family of each (language, script), shape (languages, scripts), and name it where
    it is a group.

    A language without near neighbours is a family of its own; a group is one only where two of its
    members can be answered.
    """
    position = {language: number for number, language in enumerate(languages)}
    numbers = np.arange(len(languages) * len(scripts)).reshape(len(languages), len(scripts))
    names: list[str | None] = [None] * numbers.size
    for group, members in GROUPS.items():
        known = [position[member] for member in members if member in position]
        if group[4:] in scripts and len(known) > 1:
            column = list(scripts).index(group[4:])
            numbers[known, column] = numbers[known[0], column]
            names[numbers[known[0], column]] = group
    return numbers, names
