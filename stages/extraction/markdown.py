"""Write chosen blocks as Markdown (CommonMark, with GitHub's tables): headings, lists, quotes, code, tables, links.

Only what Markdown has a mark for is marked; letters of the text that could be read as marks stay as they are.
"""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from stages.extraction.rendering import any_bit, block_texts, list_levels
from stages.extraction.walk import LINK, TAG_BIT, Tree, nearest


def render_markdown(tree: Tree, kept: npt.NDArray[np.bool_]) -> str:
    """Write the kept ones of m blocks, an empty line between paragraphs, none between items or rows."""
    chosen = np.flatnonzero(kept)
    if not len(chosen):
        return ""
    elements, bits = tree.blocks.elements[chosen], tree.blocks.bits[chosen].tolist()
    texts = block_texts(tree, kept, _links(tree))
    holders = {
        tag: nearest(any_bit(tree.own, (tag,)), tree.parents)[elements].tolist() for tag in ("li", "tr", "table", "pre")
    }
    levels = list_levels(tree)[elements].tolist()
    lines: list[str] = []
    items_seen: set[int] = set()
    rows = zip(texts, bits, levels, *holders.values(), strict=True)
    # Blocks of one table, or of one piece of code, are written together; every other block by itself.
    for (table, code), group in itertools.groupby(rows, key=lambda row: (row[5], row[6])):
        blocks = list(group)
        if code:
            lines.append("```\n" + "\n".join(block[0] for block in blocks) + "\n```")
        elif table and any(block[4] for block in blocks):
            lines.append(_table([(block[4], block[0]) for block in blocks]))
        else:
            for text, bit, level, item, *_ in blocks:
                lines.append(_block(text, bit, level, item, item in items_seen, _ordered(tree, item)))
                items_seen.add(item)
    text = lines[0]
    for before, line in itertools.pairwise(lines):
        of_list = line.lstrip().startswith(("- ", "1. ")) and before.lstrip().startswith(("- ", "1. "))
        text += ("\n" if of_list else "\n\n") + line
    return text


def _links(tree: Tree) -> dict[int, str]:
    """Return the address of each link that has one."""
    places = np.flatnonzero(tree.own & LINK).tolist()
    return {place: (tree.nodes[place - 2].attr("href") or "").strip() for place in places}


def _ordered(tree: Tree, item: int) -> bool:
    return bool(item) and tree.tags[tree.parents[item]] == "ol"


def _block(text: str, bits: int, level: int, item: int, goes_on: bool, ordered: bool) -> str:
    for depth in range(1, 7):
        if bits & TAG_BIT[f"h{depth}"]:
            return "#" * depth + " " + " ".join(text.split("\n"))
    if item and level:
        mark = "1. " if ordered else "- "
        margin = "  " * (level - 1)
        inner = margin + " " * len(mark)
        return (inner if goes_on else margin + mark) + text.replace("\n", "\n" + inner)
    if bits & TAG_BIT["blockquote"]:
        return "> " + text.replace("\n", "\n> ")
    return text.replace("\n", "  \n")


def _table(cells: list[tuple[int, str]]) -> str:
    """Write a table from its cells in order, each with the number of its row; text outside rows goes before it."""
    lines = [text for row, text in cells if not row]
    rows = [
        [text.replace("|", "\\|").replace("\n", " ") for _, text in group]
        for row, group in itertools.groupby(cells, key=lambda cell: cell[0])
        if row
    ]
    width = max(map(len, rows))
    written = ["| " + " | ".join(row + [""] * (width - len(row))) + " |" for row in rows]
    written.insert(1, "|" + " --- |" * width)
    return "\n".join([*lines, *([""] if lines else []), *written])
