"""Some pages as flat arrays, one page after the other: what a walk makes, and all later steps read.

    pages      |     page 0     |        page 1        |  page 2  |
    elements   d c e e e e e e e d c e e e e e e e e e e d c e e e      d document, c whatever is cut off
    blocks     b b b b b b b b b b b b b b b b b b b b b b b b            block_ends: one past the last of each page

Numbers of elements, pieces and blocks are places in these rows, of all pages. An element comes
after its ancestors, and its subtree is one run of the row. What an element inherits (a link, `pre`,
hidden, groups of names) comes by pointer doubling: log2(depth) passes over the array, whatever the
nesting.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Uints = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float32]

PAGE_STEP = np.uint64(0xD1B54A32D192ED03)  # odd, so that equal paths of different pages differ


class Layout(NamedTuple):
    """Elements, pieces and blocks of p pages, one page after the other; shapes: n elements, k
    pieces, m blocks."""

    tags: list[str]  # n; of the first two elements of a page an empty string
    addresses: list[dict[int, str]]  # p; of links, by element, counted from the page's first
    parents: Ints  # n; a document's is itself
    own: Ints  # n; tag and flag bits of the element itself
    inherited: Ints  # n; of it and its ancestors
    own_names: Ints  # n; groups of names, roles and properties
    inherited_names: Ints  # n
    depth: Ints  # n
    path: Uints  # n; hash of the tags and classes from the root to here
    last: Ints  # n; one past the last element of its subtree
    texts: list[str]  # k
    piece_elements: Ints  # k; the element each piece lies in
    piece_blocks: Ints  # k; block number, or -1 for white space between blocks
    piece_breaks: Ints  # k; `br` and `input` elements before it
    blocks: Blocks
    element_ends: Ints  # p; one past the last element of each page
    piece_ends: Ints  # p
    block_ends: Ints  # p
    block_pages: Ints  # m; the page of each block

    @property
    def documents(self) -> Ints:
        """The first element of each of p pages."""
        return begins(self.element_ends)

    @property
    def block_begins(self) -> Ints:
        return begins(self.block_ends)

    def page_totals(
        self, values: npt.NDArray[Any], some: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.float64]:
        """Sum values of some of m blocks by page: p sums, each the same whatever pages are next to
        it."""
        totals: Any = np.bincount(self.block_pages, np.where(some, values, 0), len(self.block_ends))
        return totals

    def any_of(self, some: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Tell of p pages whether some of their blocks are such."""
        return np.bincount(self.block_pages[some], minlength=len(self.block_ends)) > 0

    def take(self, pages: Ints) -> Layout:
        """Lay out some of the pages, in the order given."""
        if np.array_equal(pages, np.arange(len(self.block_ends))):
            return self
        elements, element_moves, element_ends = _places_of(self.element_ends, pages)
        pieces, piece_moves, piece_ends = _places_of(self.piece_ends, pages)
        blocks, block_moves, block_ends = _places_of(self.block_ends, pages)
        of_elements, of_pieces, of_blocks = map(pages_of, (element_ends, piece_ends, block_ends))
        to_element, to_block = element_moves[of_elements], block_moves[of_elements]
        rows: dict[str, Any] = {
            name: values[elements if name in ("first", "last") else blocks]
            for name, values in self.blocks._asdict().items()
        }
        named = Blocks(**rows)
        piece_blocks = self.piece_blocks[pieces]
        return Layout(
            list(map(self.tags.__getitem__, elements.tolist())),
            list(map(self.addresses.__getitem__, pages.tolist())),
            self.parents[elements] + to_element,
            self.own[elements],
            self.inherited[elements],
            self.own_names[elements],
            self.inherited_names[elements],
            self.depth[elements],
            self.path[elements],
            self.last[elements] + to_element,
            list(map(self.texts.__getitem__, pieces.tolist())),
            self.piece_elements[pieces] + element_moves[of_pieces],
            np.where(piece_blocks >= 0, piece_blocks + block_moves[of_pieces], -1),
            self.piece_breaks[pieces],
            named._replace(
                elements=named.elements + element_moves[of_blocks],
                first_pieces=named.first_pieces + piece_moves[of_blocks],
                first=named.first + to_block,
                last=named.last + to_block,
            ),
            element_ends,
            piece_ends,
            block_ends,
            of_blocks,
        )


class Blocks(NamedTuple):
    """The m blocks of some pages in document order, and where they lie among their n elements."""

    elements: Ints  # m; nearest block element
    first_pieces: Ints  # m
    pieces: Ints  # m; pieces that are not white space
    bits: Ints  # m; tag and flag bits that hold for all of its text
    names: Ints  # m; groups of names that hold for all of its text
    weights: Floats  # m; weighted letters
    link_weights: Floats  # m; those in links
    links: Floats  # m; pieces in links
    digits: Floats  # m
    marks: Floats  # m; sentence marks
    commas: Floats  # m
    code_points: Floats  # m; but for white space
    keys: Uints  # m; equal for blocks of equal text
    first: Ints  # n; first block that begins in or after the element
    last: Ints  # n; one past the last block of its subtree
    # m; 1 if it is in its page's JSON-LD article body, else 0; -1 if none is
    in_article_body: npt.NDArray[np.int8]
    in_title: npt.NDArray[np.bool_]  # m; its text is part of its page's title


def begins(ends: Ints) -> Ints:
    """Return where each of p parts begins, given one past the end of each."""
    return np.concatenate([[0], ends[:-1]])


def pages_of(ends: Ints) -> Ints:
    """Return the page of each row of p pages, given one past the last row of each."""
    return np.repeat(np.arange(len(ends)), ends - begins(ends))


def _places_of(ends: Ints, pages: Ints) -> tuple[Ints, Ints, Ints]:
    """Return the rows of some pages, how far each page moves when they stand together, and where it
    ends then."""
    sizes = (ends - begins(ends))[pages]
    new_ends = np.cumsum(sizes)
    moves = new_ends - ends[pages]
    return np.arange(sizes.sum()) - np.repeat(moves, sizes), moves, new_ends


def join(layouts: Sequence[Layout]) -> Layout:
    """Lay out the pages of some layouts one after the other."""
    elements, pieces, blocks, pages = (
        begins(np.cumsum(counts)).tolist()
        for counts in (
            [len(layout.parents) for layout in layouts],
            [len(layout.texts) for layout in layouts],
            [len(layout.blocks.weights) for layout in layouts],
            [len(layout.block_ends) for layout in layouts],
        )
    )
    moved = [
        layout._replace(
            parents=layout.parents + element,
            last=layout.last + element,
            piece_elements=layout.piece_elements + element,
            piece_blocks=np.where(layout.piece_blocks >= 0, layout.piece_blocks + block, -1),
            blocks=layout.blocks._replace(
                elements=layout.blocks.elements + element,
                first_pieces=layout.blocks.first_pieces + piece,
                first=layout.blocks.first + block,
                last=layout.blocks.last + block,
            ),
            element_ends=layout.element_ends + element,
            piece_ends=layout.piece_ends + piece,
            block_ends=layout.block_ends + block,
            block_pages=layout.block_pages + page,
        )
        for layout, element, piece, block, page in zip(
            layouts, elements, pieces, blocks, pages, strict=True
        )
    ]
    joined: list[Any] = []
    for name, values in zip(Layout._fields, zip(*moved, strict=True), strict=True):
        if name == "blocks":
            joined.append(Blocks(*map(np.concatenate, zip(*values, strict=True))))
        elif name in ("tags", "texts", "addresses"):
            joined.append(list(chain.from_iterable(values)))
        else:
            joined.append(np.concatenate(values))
    return Layout(*joined)


def ancestors(parents: Ints) -> Iterator[Ints]:
    """Yield of each of n elements the ancestor 1, 2, 4, 8 .. levels up, its document if there is
    none, to the end."""
    while True:
        yield parents
        above = parents.take(parents)
        if np.array_equal(above, parents):
            return
        parents = above


def inherit(own: Ints, parents: Ints) -> Ints:
    """OR what each element has with what its ancestors have."""
    values = own.copy()
    for above in ancestors(parents):
        values |= values.take(above)
    return values


def nearest(has: npt.NDArray[np.bool_], parents: Ints) -> Ints:
    """Return for each element itself or its nearest ancestor that has something; its document if
    none has."""
    step = np.where(has, np.arange(len(parents)), parents)
    while True:
        further = step.take(step)
        if np.array_equal(further, step):
            return step
        step = further
