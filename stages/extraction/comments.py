"""Keep or leave out what readers wrote: comments below an article, posts of a forum."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stages.extraction.class_names import BIT, SIGNATURE
from stages.extraction.features import LONG
from stages.extraction.labels import near_names
from stages.extraction.layout import PAGE_STEP, Layout, nearest
from stages.extraction.walk import HEADINGS, HIDDEN, TAG_BIT

# A region named for comments that holds more of the kept text than this is the page, whatever its
# name, unless there is an article next to it.
_MOST = 0.5
ARTICLE_BLOCKS = 3  # of running text that make an article
_REPEATS = 3  # of a label, in as many posts
_SHORT = 8  # weighted letters; a post of one word is a post
_PARAGRAPHS = sum(TAG_BIT[tag] for tag in ("p", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6"))
_LEFT_OUT = sum(BIT[name] for name in ("navigation", "footer", "form", "share", "advertisement"))


def with_comments(
    layout: Layout,
    kept: npt.NDArray[np.bool_],
    in_posts: npt.NDArray[np.bool_],
    wanted: npt.NDArray[np.bool_],
) -> npt.NDArray[np.bool_]:
    """Return which of m blocks are kept once the comments among them are added, or taken away.

    `in_posts` are blocks of posts; `wanted` tells of each of p pages whether its comments are.
    """
    blocks, page = layout.blocks, layout.block_pages
    comment = (blocks.names & BIT["comment"]) != 0
    if not wanted.any() and not comment.any():
        return kept
    # A paragraph or heading of that name is one of the text; what readers wrote stands in boxes.
    named = nearest((layout.own_names & BIT["comment"]) != 0, layout.parents)[blocks.elements]
    comment &= (layout.own[named] & _PARAGRAPHS) == 0
    in_comments = layout.page_totals(blocks.weights, kept & comment)
    little = in_comments <= _MOST * layout.page_totals(blocks.weights, kept)
    running = kept & ~comment & (blocks.weights >= LONG)
    left_out = ~wanted & (little | (layout.page_totals(running, running) >= ARTICLE_BLOCKS))
    without = kept & ~(comment & left_out[page])
    if not wanted.any():
        return without
    frame = (
        blocks.bits
        & (TAG_BIT["nav"] | TAG_BIT["footer"] | TAG_BIT["form"] | TAG_BIT["button"] | HIDDEN)
    ) != 0
    signature = ((blocks.names | layout.own_names[blocks.elements]) & BIT["meta"]) != 0
    text = (
        (blocks.weights >= _SHORT)
        & (blocks.link_weights < 0.5 * blocks.weights)
        & ~signature
        & ~frame
    )
    found = (comment | in_posts) & text & ((blocks.names & _LEFT_OUT) == 0)
    short = blocks.weights < LONG
    labels = in_posts & short & ((blocks.bits & TAG_BIT["p"]) == 0)
    # What software for forums writes of a member stands next to a lone post as well.
    of_member = ((near_names(layout) & BIT["meta"]) != 0) & ((blocks.bits & HEADINGS) == 0)
    of_frame = short & (of_member | (in_posts & signature)) | _repeated(layout, labels)
    of_frame |= in_posts & ((blocks.names & SIGNATURE) != 0)
    return np.where(wanted[page], (kept | found) & ~of_frame, without)


def _repeated(layout: Layout, some: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Tell which of some of m blocks say what two others on their page say: ranks and buttons of
    posts."""
    keys = layout.blocks.keys + PAGE_STEP * layout.block_pages.astype(np.uint64)
    _, which, counts = np.unique(keys[some], return_inverse=True, return_counts=True)
    repeated = some.copy()
    repeated[some] = (counts >= _REPEATS)[which]
    return repeated
