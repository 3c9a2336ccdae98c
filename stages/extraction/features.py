"""What the model sees of each block: how much it says, where it stands, and what stands around it.

No word of the text and no letter's case is a feature, and none needs a language: letters are weighted by their script,
sentence marks are those of all scripts (and absent from copies of the training pages), class names are groups of
tokens (and dropped from copies). An element's sums are two look-ups in a prefix sum over the blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from stages.extraction.names import BIT, GROUPS, NEGATIVE, POSITIVE
from stages.extraction.walk import HIDDEN, LINK, TAG_BIT, TAGS, Tree, nearest

Matrix = npt.NDArray[np.float32]

_ANCESTOR_TAGS = tuple(tag for tag in TAGS if tag not in ("body",))
_OWN_TAGS = (
    "h1",
    "h2",
    "h3",
    "h4",
    "p",
    "li",
    "td",
    "th",
    "dt",
    "dd",
    "div",
    "blockquote",
    "pre",
    "figcaption",
    "section",
)
_NEGATIVE = sum(BIT[group] for group in NEGATIVE)
_POSITIVE = sum(BIT[group] for group in POSITIVE)
_HEADINGS = sum(TAG_BIT[tag] for tag in ("h1", "h2", "h3", "h4", "h5", "h6"))
LONG = 25  # weighted letters: a block of running text, not a label
_LEVELS = 4


_REACH = 3  # neighbours on each side whose values are features
_GROUPS = np.arange(len(GROUPS))[:, None]
_ANCESTOR_BITS = np.array([TAG_BIT[tag] for tag in _ANCESTOR_TAGS], np.int64)[:, None]
_OWN_BITS = np.array([TAG_BIT[tag] for tag in _OWN_TAGS], np.int64)[:, None]


def _shifts(values: Matrix) -> Matrix:
    """Read r values of each block's neighbours: 6 x r x m, the value 3 before first; -1 beyond the ends."""
    kinds, count = values.shape
    padded = np.full((kinds, count + 2 * _REACH), -1, np.float32)
    padded[:, _REACH : _REACH + count] = values
    return np.array([padded[:, place : place + count] for place in range(2 * _REACH + 1) if place != _REACH])


def _as_matrix(rows: Sequence[npt.NDArray[Any]], count: int) -> Matrix:
    """Stack rows of m values, and tables of several rows: f x m."""
    return np.concatenate([row.reshape(-1, count) for row in rows], dtype=np.float32, casting="unsafe").reshape(
        -1, count
    )


def _running(values: Sequence[npt.NDArray[Any]], count: int) -> npt.NDArray[np.float64]:
    """Sum r values of the blocks up to each: r x (m + 1), from 0."""
    total = np.zeros((len(values), count + 1))
    np.cumsum(np.array(values), axis=1, dtype=np.float64, out=total[:, 1:])
    return total


def _windows(total: npt.NDArray[np.float64], reach: int) -> Matrix:
    """Sum r values, given as running sums, over the blocks from `reach` before to `reach` after: r x m."""
    count = total.shape[1] - 1
    places = np.arange(count)
    after, before = np.minimum(places + (reach + 1), count), np.maximum(places - reach, 0)
    return (total.take(after, axis=1) - total.take(before, axis=1)).astype(np.float32)


class Context:
    """Sums over the subtrees of a page's elements, shared by both steps of the model."""

    def __init__(self, tree: Tree) -> None:
        blocks = tree.blocks
        self.tree = tree
        self.count = len(blocks.weights)
        self.density = blocks.link_weights / np.maximum(blocks.weights, 1)
        self.good = np.where((blocks.weights >= LONG) & (self.density < 0.4), blocks.weights - blocks.link_weights, 0)
        # The smallest ancestors that hold more blocks than the one before: wrappers of one thing count once.
        size = blocks.last - blocks.first
        wider = size != size[tree.parents]
        wider[:2] = True
        around = nearest(wider, tree.parents)  # the outermost element of the same blocks
        up = around[tree.parents[around]]
        levels = [around[blocks.elements]]
        for _ in range(_LEVELS):
            levels.append(up[levels[-1]])
        self.levels = np.array(levels)  # (_LEVELS + 1) x m
        self.size = size
        # Blocks of the same path of tags and class names have the same number.
        _, self.path = np.unique(tree.path[blocks.elements], return_inverse=True)

    def sums(self, total: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Sum r values, given as running sums, over the subtree of each of n elements: r x n."""
        return total.take(self.tree.blocks.last, axis=1) - total.take(self.tree.blocks.first, axis=1)


def first_features(tree: Tree, context: Context) -> Matrix:
    """Return the features of the model's first step: f x m."""
    blocks, count = tree.blocks, context.count
    weights, density, good = blocks.weights, context.density, context.good
    rows: list[npt.NDArray[Any]] = []
    log_weights = np.log1p(weights)
    words = np.maximum(weights, 1)
    elements = blocks.elements
    places = np.arange(count, dtype=np.float32)
    in_paragraph = np.where(blocks.bits & TAG_BIT["p"], weights, 0)
    running = _running((weights, blocks.link_weights, good, blocks.marks, in_paragraph), count)
    total, all_linked, total_good, _, all_in_paragraphs = np.maximum(running[:, -1], (1, 0, 1, 0, 0)).tolist()

    # The block itself.
    headings = (blocks.bits & _HEADINGS) != 0
    _, same_text, copies = np.unique(blocks.keys, return_inverse=True, return_counts=True)
    rows += [log_weights, density, blocks.links, blocks.pieces, blocks.digits / (words + blocks.digits)]
    rows += [blocks.marks, blocks.marks / words, blocks.commas, blocks.commas / words, np.log1p(blocks.code_points)]
    rows += [(blocks.code_points - weights) / (blocks.code_points + 1), copies[same_text]]
    rows += [blocks.in_title, np.full(count, -1) if blocks.in_article_body is None else blocks.in_article_body]
    rows += [tree.depth[elements]]

    # Where it stands.
    rows += [places, places / count, count - places, running[0, :-1] / total, running[2, :-1] / total_good]
    is_good = good > 0
    last_good = np.maximum.accumulate(np.where(is_good, places, -1000))
    next_good = np.minimum.accumulate(np.where(is_good, places, count + 1000)[::-1])[::-1]
    rows += [np.minimum(places - last_good, 50), np.minimum(next_good - places, 50)]
    last_heading = np.maximum.accumulate(np.where(headings, places, -1000))
    rows += [np.minimum(places - last_heading, 50), np.cumsum(headings)]
    h1 = np.flatnonzero(blocks.bits & TAG_BIT["h1"])
    first_h1 = int(h1[0]) if len(h1) else count
    rows += [np.minimum(np.maximum(places - first_h1, -20), 100) if len(h1) else np.full(count, 200)]
    rows += [places >= first_h1]
    titled = np.flatnonzero(blocks.in_title & (weights >= 8))
    rows += [np.minimum(np.maximum(places - titled[0], -20), 100) if len(titled) else np.full(count, 200)]

    # Its neighbours.
    near = _shifts(np.array([log_weights, density, blocks.marks, headings]))
    rows += [near[:, :2], near[_REACH - 1 : _REACH + 1, 2:]]
    for reach in (3, 8):
        around, linked, unlinked = _windows(running[:3], reach)
        some = np.maximum(around, 1)
        rows += [np.log1p(around), linked / some, unlinked / some]

    # Its ancestors, and the smallest with a name of a group that speaks against it, or for it.
    named = [nearest((tree.own_names & wanted) != 0, tree.parents)[elements] for wanted in (_NEGATIVE, _POSITIVE)]
    chosen = np.concatenate([context.levels, named])
    sums = context.sums(running)
    text, linked, unlinked, marks, paragraphs = sums.take(chosen, axis=1)
    size, some = context.size[chosen], np.maximum(text, 1)
    of_elements = np.array(
        [
            text / total,
            linked / some,
            np.log1p(size),
            np.log1p(text / np.maximum(size, 1)),
            unlinked / total_good,
            unlinked / some,
            paragraphs / some,
            marks / some,
        ],
        np.float32,
    )
    levels = len(context.levels)
    rows += [of_elements[:, :levels].swapaxes(0, 1)]

    # The best container: long unlinked blocks vote for the two smallest elements around them (after Readability).
    votes = np.where(is_good, 1 + np.minimum(weights / 100, 3) + np.minimum(blocks.commas, 5) / 2, 0)
    ballots = np.bincount(context.levels[1], votes, len(tree.parents))
    ballots += np.bincount(context.levels[2], votes / 2, len(tree.parents))
    best = int(np.argmax(ballots * (1 - sums[1] / np.maximum(sums[0], 1)))) if count else 0
    begin, end = int(blocks.first[best]), int(blocks.last[best])
    rows += [np.minimum(np.maximum(np.minimum(places - begin, 0) + np.maximum(places - (end - 1), 0), -50), 50)]
    outer = best
    for _ in range(3):
        outer = int(tree.parents[outer])
        while outer and context.size[outer] == context.size[best]:
            outer = int(tree.parents[outer])
        rows += [(places >= blocks.first[outer]) & (places < blocks.last[outer])]
    rows += [np.full(count, sums[0, best] / total), np.full(count, sums[2, best] / total_good)]

    # All blocks of the same path of tags and class names.
    _, outer_path = np.unique(tree.path[context.levels[0]], return_inverse=True)
    for same in (context.path, outer_path):
        number = np.bincount(same)
        said_there, in_links, unlinked = (np.bincount(same, v) for v in (weights, blocks.link_weights, good))
        some = np.maximum(said_there, 1)
        of_path = (
            said_there / total,
            np.log1p(number),
            in_links / some,
            unlinked / some,
            np.log1p(said_there / number),
        )
        rows += [np.array(of_path, np.float32).take(same, axis=1)]

    # Names of groups: of all its text's ancestors, and of its nearest three; the smallest named ancestor.
    names, step = tree.own_names[elements], elements
    for _ in range(2):
        step = tree.parents[step]
        names = names | tree.own_names[step]
    rows += [(blocks.names >> _GROUPS) & 1, (names >> _GROUPS) & 1]
    for place, holder in enumerate(named, levels):
        far = np.minimum(tree.depth[elements] - tree.depth[holder], 20)
        shares = of_elements[:, place]
        rows += [np.where(holder == 0, np.float32(-1), [shares[0], shares[1], far, shares[4]])]

    # Tags.
    rows += [(blocks.bits & _ANCESTOR_BITS) != 0, (tree.own[elements] & _OWN_BITS) != 0]
    rows += [(blocks.bits & HIDDEN) != 0, (blocks.bits & LINK) != 0]

    # The page.
    page = [np.log1p(total), np.log1p(count), all_linked / total, total_good / total, all_in_paragraphs / total]
    page += [np.count_nonzero(is_good), np.count_nonzero(tree.own & TAG_BIT["article"])]
    rows += [np.repeat(np.array(page)[:, None], count, axis=1)]
    return _as_matrix(rows, count)


def second_features(
    context: Context, features: Matrix, scores: Matrix, chosen: npt.NDArray[np.bool_] | None = None
) -> Matrix:
    """Return the features of the second step: those of the first, and what it thought of the blocks around.

    Of all blocks, or of the c chosen ones: f x c.
    """
    blocks, count = context.tree.blocks, context.count
    weights = blocks.weights
    liked = weights * scores
    running = _running((scores, liked, weights), count)
    rows: list[npt.NDArray[Any]] = [scores, _shifts(scores[None])]
    for reach in (2, 6):
        thought, kept, said = _windows(running, reach)
        rows += [thought, kept / np.maximum(said, 1)]
    thought, kept, said = context.sums(running)
    rows += [(kept / np.maximum(said, 1))[context.levels], (thought / np.maximum(context.size, 1))[context.levels]]
    same = context.path
    path_text, path_kept = np.bincount(same, weights), np.bincount(same, liked)
    rows += [(path_kept / np.maximum(path_text, 1))[same], (np.bincount(same, scores) / np.bincount(same))[same]]
    all_liked, all_said = max(running[1, -1], 1.0), max(running[2, -1], 1.0)
    rows += [running[1, :-1] / all_liked, (all_liked - running[1, 1:]) / all_liked]
    rows += [np.full(count, all_liked / all_said)]
    rows += [np.maximum.accumulate(scores), np.maximum.accumulate(scores[::-1])[::-1]]
    places = np.arange(count)
    likes = scores >= 0.5
    last = np.maximum.accumulate(np.where(likes, places, -1000))
    following = np.minimum.accumulate(np.where(likes, places, count + 1000)[::-1])[::-1]
    rows += [np.minimum(places - last, 50), np.minimum(following - places, 50)]
    first = int(places[likes][0]) if likes.any() else -1
    rows += [np.minimum(np.maximum(places - first, -50), 200)]
    more = _as_matrix(rows, count)
    if chosen is None:
        return np.concatenate([features, more])
    wanted = np.flatnonzero(chosen)
    return np.concatenate([features.take(wanted, axis=1), more.take(wanted, axis=1)])
