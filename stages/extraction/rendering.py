"""Write chosen blocks as text that keeps the page's lines: paragraphs, list items, table rows, verse, code.

    p, h1..h6, blockquote, pre, figure, an outermost list, two br    an empty line on both sides
    any other block element                                          a line of its own
    cells of one table row                                           apart by a tab, also those that are empty
    items of a list                                                  a line each, indented by two spaces a level
    br                                                               a new line
    pre                                                              its spaces and lines as they are
    ruby                                                             the reading in brackets after its base

White space of the markup (space, tab, line feed, form feed, return) is one space; every other code point stays as it
is, no-break and ideographic spaces too. Nothing is written that the page does not say, but for the brackets of a
reading whose page has none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from stages.extraction.class_names import BIT
from stages.extraction.walk import LINK, SPACED, TAG_BIT, Ints, Tree, nearest

_MARKUP_SPACE = re.compile(r"[ \t\n\f\r]{2,}|[\t\n\f\r]")  # but for a single space, which is right already
_SPACES = re.compile(r" *\n[ \n]*| {2,}")
_BLANK_LINES = re.compile(r"\n(?:[^\S\n]*+\n)+")
_MARGIN_TAGS = ("p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "figure", "ul", "ol", "dl", "fieldset")
_LIST_TAGS = ("ul", "ol")
MAX_INDENT = 8  # levels


def render(tree: Tree, kept: npt.NDArray[np.bool_]) -> str:
    """Write the kept ones of m blocks."""
    chosen = np.flatnonzero(kept)
    if not len(chosen):
        return ""
    texts = block_texts(tree, kept)
    elements = tree.blocks.elements[chosen]
    lists = any_bit(tree.own, _LIST_TAGS)
    outer_list = lists & ((tree.inherited[tree.parents] & (TAG_BIT["ul"] | TAG_BIT["ol"])) == 0)
    margins = nearest((any_bit(tree.own, _MARGIN_TAGS) & ~lists) | outer_list, tree.parents)[elements]
    apart = (margins[1:] != margins[:-1]) | (elements[1:] == elements[:-1])
    separators = np.where(apart, -1, 0)
    if any_bit(tree.own, ("tr",)).any():
        rows, columns = table_places(tree, elements)
        steps = np.diff(columns)
        next_cell = (rows[1:] == rows[:-1]) & (rows[1:] != 0) & (steps > 0)
        separators = np.where(next_cell, steps, separators)
        begins = np.append(next_cell, False) & ~np.insert(next_cell, 0, False)
        for place in np.flatnonzero(begins & (columns > 0)).tolist():
            texts[place] = "\t" * int(columns[place]) + texts[place]
    indents = list_levels(tree)[elements].tolist() if lists.any() else [0] * len(chosen)
    parts = []
    for text, indent, separator in zip(texts, indents, [-1, *separators.tolist()], strict=True):
        parts.append("\t" * separator if separator > 0 else "\n\n" if separator else "\n")
        if indent and separator <= 0:
            margin = "  " * min(indent, MAX_INDENT)
            text = margin + text.replace("\n", "\n" + margin)
        parts.append(text)
    return _BLANK_LINES.sub("\n\n", "".join(parts)).strip("\n")


def any_bit(bits: Ints, tags: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    return (bits & sum(TAG_BIT[tag] for tag in tags)) != 0


def table_places(tree: Tree, elements: Ints) -> tuple[Ints, Ints]:
    """Return for each of b elements the table row it lies in, 0 if none, and which cell of the row, from 0."""
    is_row, is_cell = any_bit(tree.own, ("tr",)), any_bit(tree.own, ("td", "th"))
    cells = np.flatnonzero(is_cell)
    order = np.argsort(tree.parents[cells], kind="stable")
    parents = tree.parents[cells][order]
    columns = np.zeros(len(tree.parents), np.int64)
    columns[cells[order]] = np.arange(len(cells)) - np.searchsorted(parents, parents)
    rows = nearest(is_row, tree.parents)[elements]
    inner = nearest(is_cell, tree.parents)[elements]
    return rows, np.where(inner > rows, columns[inner], 0)


def list_levels(tree: Tree) -> Ints:
    """Count the lists that each element lies in."""
    levels = any_bit(tree.own, _LIST_TAGS).astype(np.int64)
    ancestors = tree.parents
    while ancestors.any():
        levels += levels.take(ancestors)
        ancestors = ancestors.take(ancestors)
    return levels


def block_texts(tree: Tree, kept: npt.NDArray[np.bool_], links: Mapping[int, str] | None = None) -> list[str]:
    """Join the pieces of each kept block, a line break where the page has one; `links` are addresses to write."""
    wanted = np.flatnonzero((tree.piece_blocks >= 0) & kept[tree.piece_blocks])
    numbers = tree.piece_blocks[wanted]
    elements = tree.piece_elements[wanted]
    same = np.concatenate([[False], numbers[1:] == numbers[:-1]])
    broken = same & np.concatenate([[False], np.diff(tree.piece_breaks[wanted]) > 0])
    spaced = (tree.inherited[elements] & SPACED) != 0
    addresses = _addresses(tree, links)
    readings = _bare_readings(tree, elements)
    # The sign of a heading's own address, such as a pilcrow, is no text.
    anchors = ((tree.inherited_names[elements] & BIT["anchor"]) != 0) & ((tree.inherited[elements] & LINK) != 0)
    signs = {piece for piece in wanted[anchors].tolist() if not any(map(str.isalnum, tree.texts[piece]))}
    texts: list[str] = []
    parts: list[str] = []
    tidy = True
    rows = zip(wanted.tolist(), same.tolist(), broken.tolist(), spaced.tolist(), readings, strict=True)
    # A loop over pieces: joining strings is the work itself.
    for piece, goes_on, new_line, as_it_is, reading in rows:
        if not goes_on:
            if parts:
                texts.append(_joined(parts, tidy))
            parts, tidy = [], not as_it_is
        text = tree.texts[piece] if piece not in signs else ""
        if not as_it_is and _has_markup_space(text):
            text = _MARKUP_SPACE.sub(" ", text)
        if reading:
            text = f"({text.strip(' ')})"
        if links and (address := addresses[piece]):
            said = text.strip(" ")
            text = text.replace(said, f"[{said}]({address})") if said else text
        if new_line:
            parts.append("\n")
        parts.append(text)
    texts.append(_joined(parts, tidy))
    return texts


def _addresses(tree: Tree, links: Mapping[int, str] | None) -> list[str]:
    """Return for each of k pieces the address of the link it lies in, or nothing."""
    if not links:
        return []
    around = nearest((tree.own & LINK) != 0, tree.parents)[tree.piece_elements]
    return [links.get(place, "") for place in around.tolist()]


def _has_markup_space(text: str) -> bool:
    """Tell whether _MARKUP_SPACE finds something: a search for each sign alone is several times as fast."""
    return "\n" in text or "  " in text or "\t" in text or "\r" in text or "\f" in text


def _joined(parts: list[str], tidy: bool) -> str:
    """Join the pieces of a block; outside `pre` two spaces are one, and none stands at a line's edge."""
    text = "".join(parts)
    if not tidy:
        return text.strip("\n")
    if "  " in text or "\n" in text:
        text = _SPACES.sub(lambda found: "\n" * found[0].count("\n") or " ", text)
    return text.strip(" \n")


def _bare_readings(tree: Tree, elements: Ints) -> list[bool]:
    """Tell which pieces are readings (`rt`) of a ruby that brings no brackets (`rp`) of its own."""
    readings = (tree.inherited[elements] & TAG_BIT["rt"]) != 0
    if not readings.any():
        return [False] * len(elements)
    is_rp = np.fromiter((tag == "rp" for tag in tree.tags), bool, len(tree.tags))
    bracketed = np.zeros(len(tree.tags), bool)
    bracketed[tree.parents[is_rp]] = True
    inner = nearest((tree.own & TAG_BIT["rt"]) != 0, tree.parents)[elements]
    return (readings & ~bracketed[tree.parents[inner]]).tolist()
