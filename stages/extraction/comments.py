"""Keep or leave out what readers wrote: comments below an article, posts of a forum."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stages.extraction.class_names import BIT
from stages.extraction.features import LONG
from stages.extraction.kinds import posts
from stages.extraction.walk import HIDDEN, TAG_BIT, Tree, nearest

_MOST = 0.5  # a region named for comments that holds more of the kept text than this is the page, whatever its name
_SHORT = 8  # weighted letters; a post of one word is a post
_PARAGRAPHS = sum(TAG_BIT[tag] for tag in ("p", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6"))
_LEFT_OUT = sum(BIT[name] for name in ("navigation", "footer", "form", "share", "advertisement"))


def with_comments(tree: Tree, kept: npt.NDArray[np.bool_], wanted: bool) -> npt.NDArray[np.bool_]:
    """Return which of m blocks are kept once the comments among them are added, or taken away."""
    blocks = tree.blocks
    comment = (blocks.names & BIT["comment"]) != 0
    if not wanted and not comment.any():
        return kept
    # A paragraph or heading of that name is one of the text; what readers wrote stands in boxes.
    named = nearest((tree.own_names & BIT["comment"]) != 0, tree.parents)[blocks.elements]
    comment &= (tree.own[named] & _PARAGRAPHS) == 0
    if not wanted:
        said = float(blocks.weights[kept].sum())
        if float(blocks.weights[kept & comment].sum()) <= _MOST * said:
            return kept & ~comment
        return kept
    edges = np.zeros(len(comment) + 1, np.int64)
    for element in posts(tree):
        edges[blocks.first[element]] += 1
        edges[blocks.last[element]] -= 1
    in_posts = np.cumsum(edges)[:-1] > 0
    frame = (blocks.bits & (TAG_BIT["nav"] | TAG_BIT["footer"] | TAG_BIT["form"] | TAG_BIT["button"] | HIDDEN)) != 0
    signature = ((blocks.names | tree.own_names[blocks.elements]) & BIT["meta"]) != 0
    text = (blocks.weights >= _SHORT) & (blocks.link_weights < 0.5 * blocks.weights) & ~signature & ~frame
    found = (comment | in_posts) & text & ((blocks.names & _LEFT_OUT) == 0)
    return (kept | found) & ~(in_posts & signature & (blocks.weights < LONG))
