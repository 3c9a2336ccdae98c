"""Mark where one text differs from another, so that a reader sees at once what two near duplicates
do not share.

Texts are compared by words (in Tibetan: by syllables), and where no word ends for long, by
graphemes: this is for a few excerpts on a page, not for a corpus.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import groupby

from data_cards.display import graphemes

# A run of letters with the space, Tibetan tsheg or Ethiopic wordspace after it.
_WORD = re.compile("[^\\s\u0f0b\u1361]+[\\s\u0f0b\u1361]*|[\\s\u0f0b\u1361]+")
_LONGEST_WORD = 30  # code points; longer runs are in scripts that put no spaces between words


def marked_differences(
    kept: str, other: str, *, kept_goes_on: bool = False
) -> list[tuple[bool, str]]:
    """Split `other` into pieces: (whether `kept` lacks it at that place, text); joined, the pieces
    are `other`.

    What `other` has after the last shared word is not marked where `kept` is an excerpt that goes
    on.

    >>> marked_differences("Kaixo mundu zabala", "Kaixo mundu berria")
    [(False, 'Kaixo mundu '), (True, 'berria')]
    """
    before, after = list(_words(kept)), list(_words(other))
    matcher = SequenceMatcher(
        None, [word.rstrip() for word in before], [word.rstrip() for word in after], autojunk=False
    )
    differs = [True] * len(after)
    for _, start, length in matcher.get_matching_blocks():
        differs[start : start + length] = [False] * length
    shared = len(after) - next(
        (n for n, new in enumerate(reversed(differs)) if not new), len(after)
    )
    if kept_goes_on and shared:
        differs[shared:] = [False] * (len(after) - shared)
    pairs = zip(differs, after, strict=True)
    return [
        (new, "".join(word for _, word in run))
        for new, run in groupby(pairs, key=lambda pair: pair[0])
    ]


def _words(text: str) -> Iterator[str]:
    for word in _WORD.findall(text):
        if len(word) <= _LONGEST_WORD:
            yield word
        else:
            yield from graphemes(word)
