"""Write chosen blocks as Markdown (CommonMark, with GitHub's tables): headings, lists, quotes,
code, tables, links.

Only what Markdown has a mark for is marked; letters of the text that could be read as marks stay as
they are.
"""

from __future__ import annotations

import itertools
from collections import Counter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.extraction.layout import Layout, nearest
from stages.extraction.rendering import MAX_INDENT, any_bit, block_texts, list_levels, table_places
from stages.extraction.walk import HEADINGS, TAG_BIT

_NOT_IN_CELLS = HEADINGS | TAG_BIT["pre"] | TAG_BIT["blockquote"]
_MOST_IN_CELL = 4  # blocks
_MOST_EMPTY = 10  # cells for each with text


class Block(NamedTuple):
    """A kept block, and the elements around it; 0 for none."""

    text: str
    bits: int
    level: int  # of lists
    item: int
    table: int
    code: int
    row: int
    column: int


def render_markdown(layout: Layout, kept: npt.NDArray[np.bool_]) -> list[str]:
    """Write the kept ones of m blocks, as a text of each of p pages: an empty line between
    paragraphs, none between items or rows."""
    pages = np.arange(len(layout.block_ends))
    own = np.split(kept, layout.block_ends[:-1])
    return [
        _render_page(layout.take(pages[number : number + 1]), own[number])
        for number in pages.tolist()
    ]


def _render_page(layout: Layout, kept: npt.NDArray[np.bool_]) -> str:
    chosen = np.flatnonzero(kept)
    if not len(chosen):
        return ""
    elements, bits = layout.blocks.elements[chosen], layout.blocks.bits[chosen].tolist()
    texts = block_texts(layout, kept, _links(layout))
    items, tables, codes = (
        nearest(any_bit(layout.own, (tag,)), layout.parents)[elements].tolist()
        for tag in ("li", "table", "pre")
    )
    rows, columns = (places.tolist() for places in table_places(layout, elements))
    blocks = list(
        map(
            Block,
            texts,
            bits,
            list_levels(layout)[elements].tolist(),
            items,
            tables,
            codes,
            rows,
            columns,
        )
    )
    of_data = _data_tables(layout, blocks)
    lines: list[str] = []
    items_seen: set[int] = set()
    # Blocks of one table of data, or of one piece of code, are written together; every other block
    # by itself.
    for (table, code), group in itertools.groupby(
        blocks, key=lambda block: (block.table, 0) if block.table in of_data else (0, block.code)
    ):
        if table:
            lines.append(_table(list(group)))
        elif code:
            lines.append("```\n" + "\n".join(block.text for block in group) + "\n```")
        else:
            for block in group:
                goes_on, ordered = block.item in items_seen, _ordered(layout, block.item)
                lines.append(_block(block, goes_on, ordered))
                items_seen.add(block.item)
    text = lines[0]
    for before, line in itertools.pairwise(lines):
        of_list = line.lstrip().startswith(("- ", "1. ")) and before.lstrip().startswith(
            ("- ", "1. ")
        )
        text += ("\n" if of_list else "\n\n") + line
    return text


def _links(layout: Layout) -> dict[int, str]:
    """Return the address of each link of one page that has one."""
    return {place: address.strip() for place, address in layout.addresses[0].items()}


def _ordered(layout: Layout, item: int) -> bool:
    return bool(item) and layout.tags[layout.parents[item]] == "ol"


def _block(block: Block, goes_on: bool, ordered: bool) -> str:
    """Write a block by itself; `goes_on` says that it is not the first of its list item."""
    text = block.text
    for depth in range(1, 7):
        if block.bits & TAG_BIT[f"h{depth}"]:
            return "#" * depth + " " + " ".join(text.split("\n"))
    if block.item and block.level:
        mark = "1. " if ordered else "- "
        indent = min(block.level, MAX_INDENT) - 1
        margin = "    " * indent  # as deep as the text of an item of any mark
        inner = margin + " " * len(mark)
        return (inner if goes_on else margin + mark) + text.replace("\n", "\n" + inner)
    if block.bits & TAG_BIT["blockquote"]:
        return "> " + text.replace("\n", "\n> ")
    return text.replace("\n", "  \n")


def _data_tables(layout: Layout, blocks: list[Block]) -> set[int]:
    """Return the tables of two rows and columns at least, each of whose cells is short: others lay
    out a page."""
    cells: dict[int, Counter[tuple[int, int]]] = {}
    layouts = set()
    for block in blocks:
        if block.table:
            cells.setdefault(block.table, Counter())[block.row, block.column] += 1
            if block.bits & _NOT_IN_CELLS or block.item > block.table:
                layouts.add(block.table)
    is_table = any_bit(layout.own, ("table",))
    outer = nearest(is_table, layout.parents)[layout.parents[is_table]]
    layouts.update(outer.tolist())
    data = set()
    for table, found in cells.items():
        rows, width = len({row for row, _ in found if row}), max(column for _, column in found) + 1
        sparse = rows * width > _MOST_EMPTY * len(found)
        if (
            table not in layouts
            and rows >= 2
            and width >= 2
            and max(found.values()) <= _MOST_IN_CELL
            and not sparse
        ):
            data.add(table)
    return data


def _table(blocks: list[Block]) -> str:
    """Write a table of data; its caption, outside rows, goes before it."""
    lines = [block.text for block in blocks if not block.row]
    width = max(block.column for block in blocks) + 1
    rows: dict[int, list[str]] = {}
    for block in blocks:
        if block.row:
            text = block.text.replace("|", "\\|").replace("\n", " ")
            cells = rows.setdefault(block.row, [""] * width)
            cells[block.column] = f"{cells[block.column]} {text}".strip()
    written = ["| " + " | ".join(cells) + " |" for cells in rows.values()]
    written.insert(1, "|" + " --- |" * width)
    return "\n".join([*lines, *([""] if lines else []), *written])
