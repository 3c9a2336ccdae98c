"""What the model sees of each block: how much it says, where it stands, and what stands around it.

No word of the text and no letter's case is a feature, and none needs a language: letters are weighted by their script,
sentence marks are those of all scripts (and absent from copies of the training pages), class names are groups of
tokens (and dropped from copies). An element's sums are two look-ups in a prefix sum over the blocks.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stages.extraction.names import BIT, GROUPS, NEGATIVE, POSITIVE
from stages.extraction.walk import HIDDEN, LINK, TAG_BIT, TAGS, Ints, Tree, nearest

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


def _shift(values: npt.NDArray[np.floating], by: int) -> npt.NDArray[np.floating]:
    """Read the value `by` blocks further on; -1 beyond the ends."""
    moved = np.full_like(values, -1)
    if by > 0:
        moved[:-by] = values[by:]
    else:
        moved[-by:] = values[:by]
    return moved


def _window(values: Matrix, reach: int) -> Matrix:
    """Sum over the blocks from `reach` before to `reach` after."""
    total = np.concatenate([[0], np.cumsum(values, dtype=np.float64)])
    places = np.arange(len(values))
    return (total[np.minimum(places + reach + 1, len(values))] - total[np.maximum(places - reach, 0)]).astype(
        np.float32
    )


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
        up = tree.parents[around]
        self.levels = [around[blocks.elements]]
        for _ in range(_LEVELS):
            self.levels.append(around[up[self.levels[-1]]])
        self.size = size

    def sums(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Sum a value of the blocks over the subtree of each element."""
        total = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
        return total[self.tree.blocks.last] - total[self.tree.blocks.first]


def first_features(tree: Tree, context: Context) -> Matrix:
    """Return the features of the model's first step: f x m."""
    blocks, count = tree.blocks, context.count
    weights, density, good = blocks.weights, context.density, context.good
    rows: list[npt.ArrayLike] = []
    log_weights = np.log1p(weights)
    words = np.maximum(weights, 1)
    elements = blocks.elements
    total = max(float(weights.sum()), 1.0)
    total_good = max(float(good.sum()), 1.0)
    places = np.arange(count, dtype=np.float32)

    # The block itself.
    headings = (blocks.bits & _HEADINGS) != 0
    repeated = np.unique(blocks.keys, return_inverse=True, return_counts=True)
    rows += [log_weights, density, blocks.links, blocks.pieces, blocks.digits / (words + blocks.digits)]
    rows += [blocks.marks, blocks.marks / words, blocks.commas, blocks.commas / words, np.log1p(blocks.code_points)]
    rows += [(blocks.code_points - weights) / (blocks.code_points + 1), repeated[2][repeated[1]]]
    rows += [blocks.in_title, np.full(count, -1) if blocks.in_article_body is None else blocks.in_article_body]
    rows += [tree.depth[elements]]

    # Where it stands.
    said = np.cumsum(weights)
    said_good = np.cumsum(good)
    rows += [places, places / count, (count - places), (said - weights) / total, (said_good - good) / total_good]
    is_good = good > 0
    last_good = np.maximum.accumulate(np.where(is_good, places, -1000))
    next_good = np.minimum.accumulate(np.where(is_good, places, count + 1000)[::-1])[::-1]
    rows += [np.minimum(places - last_good, 50), np.minimum(next_good - places, 50)]
    last_heading = np.maximum.accumulate(np.where(headings, places, -1000))
    rows += [np.minimum(places - last_heading, 50), np.cumsum(headings)]
    h1 = (blocks.bits & TAG_BIT["h1"]) != 0
    first_h1 = float(np.argmax(h1)) if h1.any() else -1.0
    rows += [np.clip(places - first_h1, -20, 100) if first_h1 >= 0 else np.full(count, 200), np.cumsum(h1) > 0]
    titled = np.flatnonzero(blocks.in_title & (weights >= 8))
    first_title = float(titled[0]) if len(titled) else -1.0
    rows += [np.clip(places - first_title, -20, 100) if first_title >= 0 else np.full(count, 200)]

    # Its neighbours.
    for by in (-3, -2, -1, 1, 2, 3):
        rows += [_shift(log_weights, by), _shift(density, by)]
    for by in (-1, 1):
        rows += [_shift(blocks.marks, by), _shift(headings.astype(np.float32), by)]
    for reach in (3, 8):
        around, linked = _window(weights, reach), _window(blocks.link_weights, reach)
        rows += [np.log1p(around), linked / np.maximum(around, 1), _window(good, reach) / np.maximum(around, 1)]

    # Its ancestors.
    of = {
        name: context.sums(values) for name, values in (("all", weights), ("link", blocks.link_weights), ("good", good))
    }
    of["marks"] = context.sums(blocks.marks)
    in_paragraph = np.where(blocks.bits & TAG_BIT["p"], weights, 0)
    of["p"] = context.sums(in_paragraph)

    def of_elements(chosen: Ints) -> list[npt.ArrayLike]:
        text, number = of["all"][chosen], context.size[chosen]
        some = np.maximum(text, 1)
        return [
            text / total,
            of["link"][chosen] / some,
            np.log1p(number),
            np.log1p(text / np.maximum(number, 1)),
            of["good"][chosen] / total_good,
            of["good"][chosen] / some,
            of["p"][chosen] / some,
            of["marks"][chosen] / some,
        ]

    for level in context.levels:
        rows += of_elements(level)

    # The best container: long unlinked blocks vote for the two smallest elements around them (after Readability).
    votes = np.where(is_good, 1 + np.minimum(weights / 100, 3) + np.minimum(blocks.commas, 5) / 2, 0)
    ballots = np.bincount(context.levels[1], votes, len(tree.parents)) + np.bincount(
        context.levels[2], votes / 2, len(tree.parents)
    )
    best = int(np.argmax(ballots * (1 - of["link"] / np.maximum(of["all"], 1)))) if count else 0
    begin, end = blocks.first[best], blocks.last[best]
    rows += [np.where(places < begin, places - begin, np.where(places >= end, places - end + 1, 0)).clip(-50, 50)]
    outer, holder = best, []
    for _ in range(3):
        outer = int(tree.parents[outer])
        while outer and context.size[outer] == context.size[best]:
            outer = int(tree.parents[outer])
        holder.append((places >= blocks.first[outer]) & (places < blocks.last[outer]))
    rows += holder
    rows += [np.full(count, of["all"][best] / total), np.full(count, of["good"][best] / total_good)]

    # All blocks of the same path of tags and class names.
    for path in (tree.path[elements], tree.path[context.levels[0]]):
        _, same = np.unique(path, return_inverse=True)
        number = np.bincount(same)
        said_there, in_links, running = (np.bincount(same, v) for v in (weights, blocks.link_weights, good))
        some = np.maximum(said_there, 1)
        of_path = (said_there / total, np.log1p(number), in_links / some, running / some, np.log1p(said_there / number))
        rows += [column[same] for column in of_path]

    # Names of groups: of all its text's ancestors, and of its nearest three; the smallest named ancestor.
    near = tree.own_names[elements]
    step = elements
    for _ in range(2):
        step = tree.parents[step]
        near = near | tree.own_names[step]
    groups = np.arange(len(GROUPS))[:, None]
    rows += list((blocks.names >> groups) & 1) + list((near >> groups) & 1)
    for wanted in (_NEGATIVE, _POSITIVE):
        named = nearest((tree.own_names & wanted) != 0, tree.parents)[elements]
        none = named == 0
        rows += [np.where(none, -1, np.asarray(values)) for values in of_elements(named)[:2]]
        rows += [np.where(none, -1, np.minimum(tree.depth[elements] - tree.depth[named], 20))]
        rows += [np.where(none, -1, of["good"][named] / total_good)]

    # Tags.
    tag_bits = np.array([TAG_BIT[tag] for tag in _ANCESTOR_TAGS], np.int64)[:, None]
    rows += list((blocks.bits & tag_bits) != 0)
    own_bits = np.array([TAG_BIT[tag] for tag in _OWN_TAGS], np.int64)[:, None]
    rows += list((tree.own[elements] & own_bits) != 0)
    rows += [(blocks.bits & HIDDEN) != 0, (blocks.bits & LINK) != 0]

    # The page.
    page = [np.log1p(total), np.log1p(count), float(blocks.link_weights.sum()) / total, total_good / total]
    page += [float(in_paragraph.sum()) / total, float(is_good.sum()), float((tree.own & TAG_BIT["article"] != 0).sum())]
    rows += [np.full(count, value) for value in page]
    return np.array(rows, np.float32).reshape(len(rows), count)


def second_features(context: Context, features: Matrix, scores: Matrix) -> Matrix:
    """Return the features of the second step: those of the first, and what it thought of the blocks around."""
    blocks, count = context.tree.blocks, context.count
    weights = blocks.weights
    rows: list[npt.ArrayLike] = [scores]
    rows += [_shift(scores, by) for by in (-3, -2, -1, 1, 2, 3)]
    liked = weights * scores
    for reach in (2, 6):
        rows += [_window(scores, reach), _window(liked, reach) / np.maximum(_window(weights, reach), 1)]
    text, kept = context.sums(weights), context.sums(liked)
    share = kept / np.maximum(text, 1)
    rows += [share[level] for level in context.levels]
    mean = context.sums(scores) / np.maximum(context.size, 1)
    rows += [mean[level] for level in context.levels]
    _, same = np.unique(context.tree.path[blocks.elements], return_inverse=True)
    path_text, path_kept = np.bincount(same, weights), np.bincount(same, liked)
    rows += [(path_kept / np.maximum(path_text, 1))[same], (np.bincount(same, scores) / np.bincount(same))[same]]
    total = max(float(liked.sum()), 1.0)
    before = np.cumsum(liked)
    rows += [(before - liked) / total, (total - before) / total, np.full(count, total / max(float(weights.sum()), 1))]
    best = np.maximum.accumulate(scores)
    rows += [best, np.maximum.accumulate(scores[::-1])[::-1]]
    places = np.arange(count)
    likes = scores >= 0.5
    last = np.maximum.accumulate(np.where(likes, places, -1000))
    following = np.minimum.accumulate(np.where(likes, places, count + 1000)[::-1])[::-1]
    rows += [np.minimum(places - last, 50), np.minimum(following - places, 50)]
    first = float(places[likes][0]) if likes.any() else -1.0
    rows += [np.clip(places - first, -50, 200)]
    return np.concatenate([features, np.array(rows, np.float32).reshape(len(rows), count)])
