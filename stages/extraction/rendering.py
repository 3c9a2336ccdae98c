"""Write chosen blocks as text that keeps the page's lines: paragraphs, list items, table rows,
verse, code.

    p, h1..h6, blockquote, pre, figure, an outermost list, two br    an empty line on both sides
    `div`s of one class, each with several lines (stanzas)           an empty line between them
    any other block element                                          a line of its own
    cells of one table row                                           apart by a tab, also those that are empty
    items of a list                                                  a line each, indented by two spaces a level
    br                                                               a new line
    pre                                                              its spaces and lines as they are
    ruby                                                             the reading in brackets after its base

White space of the markup (space, tab, line feed, form feed, return) is one space; every other code
point stays as it is, no-break and ideographic spaces too. Nothing is written that the page does not
say, but for the brackets of a reading whose page has none.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from stages.extraction.class_names import BIT
from stages.extraction.layout import Ints, Layout, ancestors, nearest
from stages.extraction.walk import LINK, SPACED, TAG_BIT

# but for a single space, which is right already
_MARKUP_SPACE = re.compile(r"[ \t\n\f\r]{2,}|[\t\n\f\r]")
_SPACES = re.compile(r" *\n[ \n]*| {2,}")
# but for a single one, which is right already
_BLANK_LINES = re.compile(r"\n(?:\n[^\S\n]*+\n|[^\S\n]++\n)(?:[^\S\n]*+\n)*+")
_MARGIN_TAGS = (
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "blockquote",
    "pre",
    "figure",
    "ul",
    "ol",
    "dl",
    "fieldset",
)
_LIST_TAGS = ("ul", "ol")
MAX_INDENT = 8  # levels


def render(layout: Layout, kept: npt.NDArray[np.bool_]) -> list[str]:
    """Write the kept ones of m blocks, as a text of each of p pages."""
    chosen = np.flatnonzero(kept)
    if not len(chosen):
        return [""] * len(layout.block_ends)
    texts = block_texts(layout, kept)
    elements = layout.blocks.elements[chosen]
    lists = any_bit(layout.own, _LIST_TAGS)
    outer_list = lists & ((layout.inherited[layout.parents] & (TAG_BIT["ul"] | TAG_BIT["ol"])) == 0)
    margins = nearest((any_bit(layout.own, _MARGIN_TAGS) & ~lists) | outer_list, layout.parents)[
        elements
    ]
    apart = (margins[1:] != margins[:-1]) | (elements[1:] == elements[:-1])
    separators = np.where(apart | _between_groups(layout, elements), -1, 0)
    if any_bit(layout.own, ("tr",)).any():
        rows, columns = table_places(layout, elements)
        steps = np.diff(columns)
        next_cell = (rows[1:] == rows[:-1]) & any_bit(layout.own[rows[1:]], ("tr",)) & (steps > 0)
        separators = np.where(next_cell, steps, separators)
        first_cells = np.append(next_cell, False) & ~np.insert(next_cell, 0, False)
        for place in np.flatnonzero(first_cells & (columns > 0)).tolist():
            texts[place] = "\t" * int(columns[place]) + texts[place]
    indents = list_levels(layout)[elements].tolist() if lists.any() else [0] * len(chosen)
    parts: list[str] = []
    for text, indent, separator in zip(texts, indents, [-1, *separators.tolist()], strict=True):
        if indent and separator <= 0:
            margin = "  " * min(indent, MAX_INDENT)
            text = margin + text.replace("\n", "\n" + margin)
        parts += ("\t" * separator if separator > 0 else "\n\n" if separator else "\n", text)
    ends = 2 * np.searchsorted(chosen, layout.block_ends)
    written = ("".join(parts[begin:end]) for begin, end in itertools.pairwise([0, *ends.tolist()]))
    return [_BLANK_LINES.sub("\n\n", text).strip("\n") for text in written]


def _between_groups(layout: Layout, elements: Ints) -> npt.NDArray[np.bool_]:
    """Tell of the b - 1 gaps between blocks, given by their elements, which lie between two groups of
    lines: `div`s next to each other, of the same class, each with lines of its own (stanzas)."""
    parents, blocks = layout.parents, layout.blocks
    above = parents[elements]
    one, other = above[:-1], above[1:]
    group = any_bit(layout.own, ("div",)) & (blocks.last - blocks.first >= 2)
    alike = (parents[one] == parents[other]) & (layout.path[one] == layout.path[other])
    return (one != other) & alike & group[one] & group[other]


def any_bit(bits: Ints, tags: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    return (bits & sum(TAG_BIT[tag] for tag in tags)) != 0


def table_places(layout: Layout, elements: Ints) -> tuple[Ints, Ints]:
    """Return for each of b elements its table row (its document if it lies in none) and which cell
    of it, from 0."""
    is_row, is_cell = any_bit(layout.own, ("tr",)), any_bit(layout.own, ("td", "th"))
    cells = np.flatnonzero(is_cell)
    order = np.argsort(layout.parents[cells], kind="stable")
    parents = layout.parents[cells][order]
    columns = np.zeros(len(layout.parents), np.int64)
    columns[cells[order]] = np.arange(len(cells)) - np.searchsorted(parents, parents)
    rows = nearest(is_row, layout.parents)[elements]
    inner = nearest(is_cell, layout.parents)[elements]
    return rows, np.where(inner > rows, columns[inner], 0)


def list_levels(layout: Layout) -> Ints:
    """Count the lists that each element lies in."""
    levels = any_bit(layout.own, _LIST_TAGS).astype(np.int64)
    for above in ancestors(layout.parents):
        levels += levels.take(above)
    return levels


def block_texts(
    layout: Layout, kept: npt.NDArray[np.bool_], links: Mapping[int, str] | None = None
) -> list[str]:
    """Join the pieces of each kept block, a line break where the page has one; `links` are
    addresses to write."""
    wanted = np.flatnonzero((layout.piece_blocks >= 0) & kept[layout.piece_blocks])
    numbers = layout.piece_blocks[wanted]
    elements = layout.piece_elements[wanted]
    first = np.flatnonzero(np.concatenate([[True], numbers[1:] != numbers[:-1]]))
    breaks = layout.piece_breaks[wanted]
    broken = np.concatenate([[False], breaks[1:] > breaks[:-1]])
    broken[first] = False
    spaced = (layout.inherited[elements] & SPACED) != 0
    # Blocks of several lines: their white space is folded piece by piece, that of others at once.
    lines = np.repeat(
        np.logical_or.reduceat(broken | spaced, first), np.diff(first, append=len(wanted))
    )
    readings = _bare_readings(layout, elements)
    # The sign of a heading's own address, such as a pilcrow, is no text.
    anchors = ((layout.inherited_names[elements] & BIT["anchor"]) != 0) & (
        (layout.inherited[elements] & LINK) != 0
    )
    texts = list(map(layout.texts.__getitem__, wanted.tolist()))
    for place in np.flatnonzero(anchors).tolist():
        if not any(map(str.isalnum, texts[place])):
            texts[place] = ""
    for place in np.flatnonzero((lines | readings) & ~spaced).tolist():
        texts[place] = _folded(texts[place])
    for place in np.flatnonzero(readings).tolist():
        texts[place] = f"({texts[place].strip(' ')})"
    for place, address in _addresses(layout, elements, links):
        text = texts[place] if spaced[place] else _folded(texts[place])
        said = text.strip(" ")
        texts[place] = text.replace(said, f"[{said}]({address})") if said else text
    for place in np.flatnonzero(broken).tolist():
        texts[place] = "\n" + texts[place]
    # A loop over blocks: joining strings is the work itself.
    return [
        _joined("".join(texts[begin:end]), as_it_is)
        if of_lines
        else _folded("".join(texts[begin:end])).strip(" ")
        for begin, end, of_lines, as_it_is in zip(
            first.tolist(),
            [*first[1:].tolist(), len(texts)],
            lines[first].tolist(),
            spaced[first].tolist(),
            strict=True,
        )
    ]


def _addresses(
    layout: Layout, elements: Ints, links: Mapping[int, str] | None
) -> Iterator[tuple[int, str]]:
    """Yield which of k elements lie in a link that has an address, and the address."""
    if links:
        around = nearest((layout.own & LINK) != 0, layout.parents)[elements].tolist()
        for place, address in enumerate(map(links.get, around)):
            if address:
                yield place, address


def _folded(text: str) -> str:
    """Write each run of the markup's white space as one space; a search for each sign alone is
    several times as fast as one for all."""
    if "\n" in text or "  " in text or "\t" in text or "\r" in text or "\f" in text:
        return _MARKUP_SPACE.sub(" ", text)
    return text


def _joined(text: str, as_it_is: bool) -> str:
    """Finish a block of lines; outside `pre` two spaces are one, and none stands at a line's edge.
    No block ends in a space."""
    if as_it_is:
        return text.lstrip("\n").rstrip(" \n")
    if "  " in text or "\n" in text:
        text = _SPACES.sub(lambda found: "\n" * found[0].count("\n") or " ", text)
    return text.strip(" \n")


def _bare_readings(layout: Layout, elements: Ints) -> npt.NDArray[np.bool_]:
    """Tell which pieces are readings (`rt`) of a ruby that brings no brackets (`rp`) of its own."""
    readings = (layout.inherited[elements] & TAG_BIT["rt"]) != 0
    if not readings.any():
        return readings
    is_rp = np.fromiter((tag == "rp" for tag in layout.tags), bool, len(layout.tags))
    bracketed = np.zeros(len(layout.tags), bool)
    bracketed[layout.parents[is_rp]] = True
    inner = nearest((layout.own & TAG_BIT["rt"]) != 0, layout.parents)[elements]
    bare: npt.NDArray[np.bool_] = readings & ~bracketed[layout.parents[inner]]
    return bare
