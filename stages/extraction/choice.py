"""Choose the blocks that are main content, and fall back step by step where the model keeps next to nothing.

A page that has text must not come out empty. If what is kept says too little, compared with what is left, the threshold
is lowered; then come all blocks of running text; at last all that a reader sees. Comments are a matter of the page's
kind: they are left out of an article and are the content of a forum.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from stages.extraction.class_names import BIT
from stages.extraction.features import LONG
from stages.extraction.walk import HIDDEN, TAG_BIT, Tree

THRESHOLD = 0.6  # of a block's score: the best F1 on web pages of unseen sites, of 0.45, 0.5 .. 0.65
_LOWER = (0.3, 0.15, 0.05)
_ENOUGH = 40  # weighted letters: a short paragraph
_SITE_FRAME_SHARE = 0.5  # of the kept unlinked text; a frame that holds more is the page, whatever its tag says
_LETTER_SHARE = 0.6  # of the unlinked text in `pre`
_NO_TEXT_NAMES = sum(BIT[name] for name in ("footer", "side", "share", "notice", "advertisement", "comment"))
_MANY_PARAGRAPHS = 1000  # weighted letters; a menu with teasers says less in running text
_MISNAMED_TIMES = (
    5  # of 1,075 pages, in three a name of navigation holds so much more than what is kept: all their text
)
_ENOUGH_SHARE = 0.5  # or this share of all unlinked text, on a page of one sentence

MAX_SCORED = 20_000  # blocks; a page of more is a table or a list, and its features would take half a gigabyte

Fallback = Literal[
    "too_many_blocks",
    "lower_threshold",
    "running_text",
    "all_visible_text",
    "unclosed",
    "noscript",
    "noframes",
    "embedded",
]
_FRAME = sum(TAG_BIT[tag] for tag in ("nav", "aside", "footer", "button", "form", "dialog"))
_FRAME_NAMES = sum(
    BIT[name] for name in ("navigation", "footer", "header", "side", "advertisement", "share", "related", "notice")
)


def choose(tree: Tree, scores: npt.NDArray[np.float32] | None) -> tuple[npt.NDArray[np.bool_], Fallback | None]:
    """Return which of m blocks are kept, and the fall-back that was needed; no scores, if they were too many."""
    blocks = tree.blocks
    unlinked = blocks.weights - blocks.link_weights
    # What may be content at all, were there nothing better.
    plain = ((blocks.bits & _FRAME) == 0) & ((blocks.names & _FRAME_NAMES) == 0)
    available = float(unlinked[plain].sum())

    def enough(kept: npt.NDArray[np.bool_]) -> bool:
        said = float(blocks.weights[kept].sum())
        return bool(kept.any()) and (said >= _ENOUGH or said >= _ENOUGH_SHARE * available)

    visible = (blocks.bits & HIDDEN) == 0
    if scores is None:
        return plain & visible if (plain & visible).any() else np.ones(len(plain), bool), "too_many_blocks"
    kept = scores >= THRESHOLD
    if float(blocks.weights[visible].sum()) < _ENOUGH and (plain & visible).any():
        return plain & visible, None  # too little to judge by: what the markup names as a frame is left out
    if enough(kept):
        misnamed = _misnamed(tree, kept)
        kept = _without_links_beside_a_letter(tree, _without_site_frame(tree, kept | misnamed))
        kept = _with_whole_parts(tree, kept)
        return kept, "running_text" if misnamed.any() else None
    for threshold in _LOWER:
        if enough(kept := kept | ((scores >= threshold) & plain)):
            return kept, "lower_threshold"
    running = (unlinked >= LONG) & visible
    if enough(kept := kept | (running & plain)) or (not kept.any() and enough(kept := running)):
        return kept, "running_text"
    for shown in (visible & plain, visible, np.ones(len(scores), bool)):
        if shown.any():
            return kept | shown, "all_visible_text"
    return kept, None


def _without_site_frame(tree: Tree, kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Leave out what stands in the site's own header, footer or navigation, where most of the text stands elsewhere.

    A page's only h1 stays wherever it stands.
    """
    blocks = tree.blocks
    inside = (blocks.bits & (TAG_BIT["main"] | TAG_BIT["article"] | TAG_BIT["section"])) != 0
    framed = kept & ~inside & ((blocks.bits & (TAG_BIT["header"] | TAG_BIT["footer"] | TAG_BIT["nav"])) != 0)
    headings = kept & ((blocks.bits & TAG_BIT["h1"]) != 0)
    if not (headings & ~framed).any():
        framed &= ~headings
    unlinked = blocks.weights - blocks.link_weights
    if not (kept & ~framed).any() or float(unlinked[framed].sum()) > _SITE_FRAME_SHARE * float(unlinked[kept].sum()):
        return kept
    return kept & ~framed


def _without_links_beside_a_letter(tree: Tree, kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Leave out the links next to a text that stands all in `pre`: a letter of an archive, its neighbours around it.

    Those are pages without class names; a manual of much code says by its names what its lists of links are.
    """
    blocks = tree.blocks
    inside = (blocks.bits & TAG_BIT["pre"]) != 0
    unlinked = np.where(kept, blocks.weights - blocks.link_weights, 0)
    if float(unlinked[inside].sum()) <= _LETTER_SHARE * float(unlinked.sum()):
        return kept
    headings = (blocks.bits & sum(TAG_BIT[f"h{level}"] for level in range(1, 7))) != 0
    named = (blocks.names | tree.own_names[blocks.elements]) != 0
    return kept & (inside | headings | named | (blocks.link_weights < 0.4 * blocks.weights))


def _misnamed(tree: Tree, kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return the text under a name of navigation that holds several times the text kept: what it names is no menu.

    A manual on one page, as Sphinx writes it, stands whole in what is the list of its chapters elsewhere.
    """
    blocks = tree.blocks
    unlinked = blocks.weights - blocks.link_weights
    text = ((blocks.bits & (_FRAME | HIDDEN)) == 0) & (blocks.link_weights <= 0.5 * blocks.weights)
    running = text & (unlinked >= LONG)
    named = text & ((blocks.names & BIT["navigation"]) != 0) & ((blocks.names & _NO_TEXT_NAMES) == 0)
    lost = float(unlinked[running & named & ~kept].sum())
    if lost < _MANY_PARAGRAPHS or lost <= _MISNAMED_TIMES * float(unlinked[running & kept].sum()):
        return np.zeros(len(kept), bool)
    return named


def _with_whole_parts(tree: Tree, kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Keep all of what is one thing: the lines of an element most of whose text is kept, a table amid kept text.

    A short line (of a poem, of code) tells little by itself.
    """
    blocks = tree.blocks
    number = blocks.last - blocks.first
    plain = (blocks.link_weights < 0.5 * blocks.weights + 0.5) & ((blocks.bits & (_FRAME | HIDDEN)) == 0)
    plain &= (blocks.names & _FRAME_NAMES) == 0
    homes = np.bincount(blocks.elements, minlength=len(number))
    # Elements whose text is parted by line breaks alone.
    said, kept_there = (np.bincount(blocks.elements, blocks.weights * some, len(number)) for some in (1, kept))
    lines = (number > 1) & (homes == number) & (kept_there > 0.5 * said)
    kept = kept | (plain & lines[blocks.elements])
    tables = np.flatnonzero(((tree.own & (TAG_BIT["table"] | TAG_BIT["pre"])) != 0) & (number > 0) & (blocks.first > 0))
    tables = tables[blocks.last[tables] < len(kept)]
    first, last = blocks.first[tables], blocks.last[tables]
    others = np.concatenate([[0], np.cumsum(~plain)])
    amid = kept[first - 1] & kept[last] & (others[last] == others[first])
    edges = np.bincount(first[amid], minlength=len(kept) + 1) - np.bincount(last[amid], minlength=len(kept) + 1)
    return kept | (np.cumsum(edges)[:-1] > 0)
