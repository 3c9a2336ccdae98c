"""What the model sees of each block: how much it says, where it stands, and what stands around it.

No word of the text and no letter's case is a feature, and none needs a language: letters are
weighted by their script, sentence marks are those of all scripts (and absent from copies of the
training pages), class names are groups of tokens (and dropped from copies). An element's sums are
two look-ups in a prefix sum over the blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from stages.extraction.class_names import BIT, GROUPS, NEGATIVE, POSITIVE
from stages.extraction.layout import PAGE_STEP, Ints, Layout, nearest, pages_of
from stages.extraction.walk import HEADINGS, HIDDEN, LINK, TAG_BIT, TAGS

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
LONG = 25  # weighted letters: a block of running text, not a label
_LEVELS = 4
_FAR = 50  # blocks; what is further away is as far
_KEY_BITS = np.uint64(32)  # of the number that tells texts apart
_REACH = 3  # neighbours on each side whose values are features
_GROUPS = np.arange(len(GROUPS))[:, None]
_ANCESTOR_BITS = np.array([TAG_BIT[tag] for tag in _ANCESTOR_TAGS], np.int64)[:, None]
_OWN_BITS = np.array([TAG_BIT[tag] for tag in _OWN_TAGS], np.int64)[:, None]


def _as_matrix(rows: Sequence[npt.NDArray[Any]], count: int) -> Matrix:
    """Stack rows of m values, and tables of several rows: f x m."""
    return np.concatenate(
        [row.reshape(-1, count) for row in rows], dtype=np.float32, casting="unsafe"
    ).reshape(-1, count)


class Context:
    """The blocks of some pages, and sums over the subtrees of their elements; shared by both steps.

    Every page has blocks. What is computed of a page does not depend on the pages next to it, to
    the last bit:

        pages      |   page 0   |  page 1  |      page 2      |
        m blocks   b b b b b b b b b b b b b b b b b b b b b b       places: 0 1 2 .. from the page's first
        running    0 . . . . . . 0 . . . . . 0 . . . . . . . . .     m + p sums, each page from 0
    """

    def __init__(self, layout: Layout) -> None:
        self.ends, self.begins = layout.block_ends, layout.block_begins
        self.element_begins = layout.documents
        self.count, self.counts = len(layout.blocks.weights), self.ends - self.begins
        self.page = layout.block_pages
        self.places = np.arange(self.count)
        self.parents, self.own, self.own_names = layout.parents, layout.own, layout.own_names
        self.depth, path = layout.depth, layout.path
        self.blocks = blocks = layout.blocks
        self.before = self.places + self.page  # where the sum before a block stands in running sums
        page_of_element = pages_of(layout.element_ends)
        self._first, self._last = blocks.first + page_of_element, blocks.last + page_of_element
        self.density = blocks.link_weights / np.maximum(blocks.weights, 1)
        self.good = np.where(
            (blocks.weights >= LONG) & (self.density < 0.4), blocks.weights - blocks.link_weights, 0
        )
        # The smallest ancestors that hold more blocks than the one before: wrappers of one thing
        # count once.
        self.size = size = blocks.last - blocks.first
        wider = size != size[self.parents]
        wider[self.element_begins + 1] = True
        # the outermost element of the same blocks
        self.around = around = nearest(wider, self.parents)
        up = around[self.parents[around]]
        levels = [around[blocks.elements]]
        for _ in range(_LEVELS):
            levels.append(up[levels[-1]])
        self.levels = np.array(levels)  # (_LEVELS + 1) x m
        # Blocks of a page with the same path of tags and class names have the same number.
        self.path, self.outer_path = (
            np.unique(path[elements] + PAGE_STEP * self.page.view(np.uint64), return_inverse=True)[
                1
            ]
            for elements in (blocks.elements, self.levels[0])
        )

    def running(self, values: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.float64]:
        """Sum r values of a page's blocks up to each: r x (m + p), of each page from 0."""
        total = np.zeros((len(values), self.count + len(self.counts)))
        rows = np.array(values)
        # A loop over pages: a sum that went on over the pages before would be rounded otherwise.
        for page, (begin, end) in enumerate(
            zip(self.begins.tolist(), self.ends.tolist(), strict=True)
        ):
            np.cumsum(
                rows[:, begin:end],
                axis=1,
                dtype=np.float64,
                out=total[:, begin + page + 1 : end + page + 1],
            )
        return total

    def totals(self, running: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Read the sums of whole pages: r x p."""
        return running[:, self.ends + np.arange(len(self.ends))]

    def sums(self, running: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Sum r values, given as running sums, over the subtree of each of n elements: r x n."""
        return running.take(self._last, axis=1) - running.take(self._first, axis=1)

    def windows(self, running: npt.NDArray[np.float64], reach: int) -> Matrix:
        """Sum r values, given as running sums, over the blocks from `reach` before to `reach`
        after: r x m."""
        after = np.minimum(self.places + (reach + 1), self.ends[self.page]) + self.page
        before = np.maximum(self.places - reach, self.begins[self.page]) + self.page
        return (running.take(after, axis=1) - running.take(before, axis=1)).astype(np.float32)

    def shifts(self, values: Matrix) -> Matrix:
        """Read r values of each block's neighbours: 6 x r x m, the value 3 before first; -1 beyond
        the page's ends."""
        gaps = _REACH * (self.page + 1)
        padded = np.full(
            (len(values), self.count + _REACH * (len(self.counts) + 1)), -1, np.float32
        )
        padded[:, self.places + gaps] = values
        return np.array(
            [
                padded.take(self.places + (gaps + shift), axis=1)
                for shift in (*range(-_REACH, 0), *range(1, _REACH + 1))
            ]
        )

    def since(self, marked: npt.NDArray[np.bool_]) -> Ints:
        """Count the blocks from the last marked one of the page to each, 50 at most, and where
        there is none."""
        last = np.maximum.accumulate(np.where(marked, self.places, -1))
        return np.where(last >= self.begins[self.page], np.minimum(self.places - last, _FAR), _FAR)

    def until(self, marked: npt.NDArray[np.bool_]) -> Ints:
        """Count the blocks from each to the next marked one of the page, 50 at most, and where
        there is none."""
        following = np.minimum.accumulate(np.where(marked, self.places, self.count)[::-1])[::-1]
        return np.where(
            following < self.ends[self.page], np.minimum(following - self.places, _FAR), _FAR
        )

    def first(self, marked: npt.NDArray[np.bool_]) -> Ints:
        """Return the first marked block of each of p pages; m if it has none."""
        found = np.minimum.reduceat(np.where(marked, self.places, self.count), self.begins)
        return np.where(found < self.ends, found, self.count)

    def extreme(self, values: Matrix, step: Literal[1, -1]) -> Matrix:
        """Return the greatest value up to each block of its page; from the page's end, if the step
        is -1."""
        greatest = np.empty_like(values)
        # A loop over pages: no ufunc accumulates within segments.
        for begin, end in zip(self.begins.tolist(), self.ends.tolist(), strict=True):
            np.maximum.accumulate(values[begin:end][::step], out=greatest[begin:end][::step])
        return greatest


def first_features(context: Context) -> Matrix:
    """Return the features of the model's first step: f x m."""
    blocks, count, page = context.blocks, context.count, context.page
    weights, density, good = blocks.weights, context.density, context.good
    rows: list[npt.NDArray[Any]] = []
    log_weights = np.log1p(weights)
    words = np.maximum(weights, 1)
    elements = blocks.elements
    places = context.places - context.begins[page]
    in_paragraph = np.where(blocks.bits & TAG_BIT["p"], weights, 0)
    running = context.running((weights, blocks.link_weights, good, blocks.marks, in_paragraph))
    totals = context.totals(running)
    totals[[0, 2]] = np.maximum(totals[[0, 2]], 1)
    total, total_good = totals[[0, 2]].take(page, axis=1)

    # The block itself.
    headings = (blocks.bits & HEADINGS) != 0
    keys = blocks.keys | page.view(np.uint64) << _KEY_BITS
    _, same_text, copies = np.unique(keys, return_inverse=True, return_counts=True)
    rows += [
        log_weights,
        density,
        blocks.links,
        blocks.pieces,
        blocks.digits / (words + blocks.digits),
    ]
    rows += [
        blocks.marks,
        blocks.marks / words,
        blocks.commas,
        blocks.commas / words,
        np.log1p(blocks.code_points),
    ]
    rows += [(blocks.code_points - weights) / (blocks.code_points + 1), copies[same_text]]
    rows += [blocks.in_title, blocks.in_article_body]
    rows += [context.depth[elements]]

    # Where it stands.
    before = running.take(context.before, axis=1)
    counts = context.counts[page]
    rows += [places, places.astype(np.float32) / counts.astype(np.float32), counts - places]
    rows += [before[0] / total, before[2] / total_good]
    is_good = good > 0
    rows += [context.since(is_good), context.until(is_good)]
    headings_before = np.cumsum(headings)
    headings_before -= (headings_before - headings)[context.begins][page]
    rows += [context.since(headings), headings_before]
    after_h1, after_title = (
        np.where(first < count, np.minimum(np.maximum(context.places - first, -20), 100), 200)
        for first in (
            context.first((blocks.bits & TAG_BIT["h1"]) != 0)[page],
            context.first(blocks.in_title & (weights >= 8))[page],
        )
    )
    rows += [after_h1, (after_h1 >= 0) & (after_h1 <= 100), after_title]

    # Its neighbours.
    near = context.shifts(np.array([log_weights, density, blocks.marks, headings]))
    rows += [near[:, :2], near[_REACH - 1 : _REACH + 1, 2:]]
    for reach in (3, 8):
        around, linked, unlinked = context.windows(running[:3], reach)
        some = np.maximum(around, 1)
        rows += [np.log1p(around), linked / some, unlinked / some]

    # Its ancestors, and the smallest with a name of a group that speaks against it, or for it.
    named = [
        nearest((context.own_names & wanted) != 0, context.parents)[elements]
        for wanted in (_NEGATIVE, _POSITIVE)
    ]
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

    # The best container: long unlinked blocks vote for the two smallest elements around them (after
    # Readability).
    votes = np.where(
        is_good, 1 + np.minimum(weights / 100, 3) + np.minimum(blocks.commas, 5) / 2, 0
    )
    ballots = np.bincount(context.levels[1], votes, len(context.parents))
    ballots += np.bincount(context.levels[2], votes / 2, len(context.parents))
    ballots *= 1 - sums[1] / np.maximum(sums[0], 1)
    begins = context.element_begins
    # of each page
    best = np.array([np.argmax(own) for own in np.split(ballots, begins[1:])]) + begins
    begin, end = blocks.first[best][page], blocks.last[best][page]
    outside = np.minimum(context.places - begin, 0) + np.maximum(context.places - (end - 1), 0)
    rows += [np.minimum(np.maximum(outside, -_FAR), _FAR)]
    outer = context.around[best]
    for _ in range(3):
        outer = context.parents[outer]
        rows += [
            (context.places >= blocks.first[outer][page])
            & (context.places < blocks.last[outer][page])
        ]
    rows += [(sums[0, best] / totals[0])[page], (sums[2, best] / totals[2])[page]]

    # All blocks of the same path of tags and class names.
    for same in (context.path, context.outer_path):
        number = np.bincount(same)
        said_there, in_links, unlinked = (
            np.bincount(same, v) for v in (weights, blocks.link_weights, good)
        )
        some = np.maximum(said_there, 1)
        of_path = (
            in_links / some,
            unlinked / some,
            np.log1p(number),
            np.log1p(said_there / number),
        )
        linked, unlinked, number, mean = np.array(of_path, np.float32).take(same, axis=1)
        rows += [said_there[same] / total, number, linked, unlinked, mean]

    # Names of groups: of all its text's ancestors, and of its nearest three; the smallest named
    # ancestor.
    names, step = context.own_names[elements], elements
    for _ in range(2):
        step = context.parents[step]
        names = names | context.own_names[step]
    rows += [(blocks.names >> _GROUPS) & 1, (names >> _GROUPS) & 1]
    roots = context.element_begins[page]
    for place, holder in enumerate(named, levels):
        far = np.minimum(context.depth[elements] - context.depth[holder], 20)
        shares = of_elements[:, place]
        rows += [np.where(holder == roots, np.float32(-1), [shares[0], shares[1], far, shares[4]])]

    # Tags.
    rows += [(blocks.bits & _ANCESTOR_BITS) != 0, (context.own[elements] & _OWN_BITS) != 0]
    rows += [(blocks.bits & HIDDEN) != 0, (blocks.bits & LINK) != 0]

    # The page.
    of_pages = [
        np.log1p(totals[0]),
        np.log1p(context.counts),
        totals[1] / totals[0],
        totals[2] / totals[0],
        totals[4] / totals[0],
        np.add.reduceat(is_good, context.begins, dtype=np.int64),
        np.add.reduceat(
            (context.own & TAG_BIT["article"]) != 0, context.element_begins, dtype=np.int64
        ),
    ]
    rows += [np.array(of_pages, np.float32).take(page, axis=1)]
    return _as_matrix(rows, count)


def second_features(context: Context, scores: Matrix) -> Matrix:
    """Return what the second step sees next to the features of the first, which are its first rows:
    what the first step thought of the blocks around; f x m."""
    blocks, count, page = context.blocks, context.count, context.page
    weights = blocks.weights
    liked = weights * scores
    running = context.running((scores, liked, weights))
    rows: list[npt.NDArray[Any]] = [scores, context.shifts(scores[None])]
    for reach in (2, 6):
        thought, kept, said = context.windows(running, reach)
        rows += [thought, kept / np.maximum(said, 1)]
    thought, kept, said = context.sums(running)
    rows += [
        (kept / np.maximum(said, 1))[context.levels],
        (thought / np.maximum(context.size, 1))[context.levels],
    ]
    same = context.path
    path_text, path_kept = np.bincount(same, weights), np.bincount(same, liked)
    rows += [
        (path_kept / np.maximum(path_text, 1))[same],
        (np.bincount(same, scores) / np.bincount(same))[same],
    ]
    _, all_liked, all_said = np.maximum(context.totals(running), 1)
    before, after = running[1].take(context.before), running[1].take(context.before + 1)
    of_page = all_liked[page]
    rows += [before / of_page, (of_page - after) / of_page, (all_liked / all_said)[page]]
    rows += [context.extreme(scores, 1), context.extreme(scores, -1)]
    likes = scores >= 0.5
    rows += [context.since(likes), context.until(likes)]
    first = context.first(likes)
    first = np.where(first < count, first, context.begins - 1)[page]
    rows += [np.minimum(np.maximum(context.places - first, -50), 200)]
    return _as_matrix(rows, count)
