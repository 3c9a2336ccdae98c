"""Lines too short for the model to judge alone: they go with what stands next to them.

    kept      dates and titles of events, next to kept text; spans of dates ("1931 - 2020"), next to kept text; a
              subtitle after the title
    left out  names, dates and numbers of readers between the title and the text, in elements named for such; the
              labels of a strip of tabs; captions that repeat the title; headings of links that are left out

Evidence are names as tokens, roles, places and digits of any script; no word of a language.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from stages.extraction.class_names import BIT, BYLINE, EVENT, LIVE, METADATA, TAB
from stages.extraction.features import LONG
from stages.extraction.layout import PAGE_STEP, Layout, nearest
from stages.extraction.letters import WEIGHT_UNIT
from stages.extraction.walk import FRAME, HEADINGS, HIDDEN, TAG_BIT

LABEL = 15  # weighted letters; a longer line says something itself
_BYLINE = 12  # blocks between a title and the text, at most
_MAX_SPAN = 60  # code points
_SPAN = re.compile(
    r"\W*\d[\d\s./,:]*(?:\s[-\u2012-\u2015~\u301c\uff5e]\s|[\u2012-\u2015]|(?<=\d{4})-(?=\d{4}\b))[\d\s./,:]*\d\W*"
)
_FRAME_NAMES = sum(
    BIT[name]
    for name in ("navigation", "footer", "side", "advertisement", "share", "related", "notice")
)


def with_labels(layout: Layout, kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return which of m blocks are kept once such lines are added, and taken away."""
    blocks, elements = layout.blocks, layout.blocks.elements
    short = (blocks.weights <= LABEL) & (blocks.links == 0)
    maybe = ((blocks.bits & (FRAME | HIDDEN)) == 0) & ((blocks.names & _FRAME_NAMES) == 0)
    headings = (blocks.bits & HEADINGS) != 0
    own_names = layout.own_names * ((layout.own & TAG_BIT["body"]) == 0)
    of_event = _named(layout, own_names, EVENT) & ~_named(layout, own_names, LIVE)
    event_lines = maybe & of_event & (headings | (short & (blocks.digits > 0)))
    spans = _spans(layout, maybe & short & ~kept & next_to(layout, kept))
    of_title = (layout.own_names[elements] & (BIT["title"] | BIT["meta"])) == BIT["title"]
    subtitles = maybe & of_title & (blocks.links == 0)
    subtitles &= _after(layout, kept & ((blocks.bits & TAG_BIT["h1"]) != 0))
    kept = kept & ~_bylines(layout, kept, of_event | spans)
    strips = ((blocks.bits & TAG_BIT["li"]) != 0) & ((blocks.names & TAB) != 0)
    kept = kept & ~(strips & (blocks.weights < LONG)) | spans | subtitles
    for _ in range(2):  # a date before a title before a text
        kept = kept | event_lines & next_to(layout, kept)
    return kept & ~_copies_of_title(layout, kept) & ~_headings_of_nothing(layout, kept)


def _copies_of_title(layout: Layout, kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Tell which of m kept blocks say their page's title once more: captions of its pictures."""
    blocks = layout.blocks
    places = np.flatnonzero(kept & blocks.in_title & (blocks.weights >= LONG))
    keys = blocks.keys[places] + PAGE_STEP * layout.block_pages[places].astype(np.uint64)
    first = np.zeros(len(kept), bool)
    first[places[np.unique(keys, return_index=True)[1]]] = True
    copies = np.zeros(len(kept), bool)
    copies[places] = True
    # A line of a song may be its title, too.
    lines = blocks.bits & (HEADINGS | TAG_BIT["p"] | TAG_BIT["pre"] | TAG_BIT["blockquote"])
    return copies & ~first & (lines == 0)


def _headings_of_nothing(layout: Layout, kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Tell which of m kept blocks are headings of what is left out: of several links, with no kept
    block before the next heading of such a level or the page's end. What opens a page stays."""
    blocks, page = layout.blocks, layout.block_pages
    level = np.zeros(len(kept), np.int64)
    for number in range(2, 7):
        level[(blocks.bits & TAG_BIT[f"h{number}"]) != 0] = number
    places = np.flatnonzero(kept)
    following = np.append(places[1:], len(kept))
    ends = layout.block_ends[page[places]]
    closed = following >= ends
    level_after = level[np.where(closed, places, following)]
    same = (level_after > 0) & (level_after <= level[places])
    # In tenths, whose sums are exact whatever pages stand before.
    tenths = np.rint(np.array([blocks.weights, blocks.link_weights]) * WEIGHT_UNIT)
    sums = np.insert(np.cumsum(tenths.astype(np.int64), axis=1), 0, 0, axis=1)
    begin, end = places + 1, np.minimum(following, ends)
    said, linked = sums[:, end] - sums[:, begin]
    opens = np.append(True, page[places[1:]] != page[places[:-1]])[: len(places)]
    found = np.zeros(len(kept), bool)
    found[places] = (
        (level[places] > 0) & ~opens & (closed | same) & (end - begin > 1) & (2 * linked > said)
    )
    return found


def next_to(
    layout: Layout, some: npt.NDArray[np.bool_], both: bool = False
) -> npt.NDArray[np.bool_]:
    """Tell which of m blocks have such a block of their page next to them, or on both sides."""
    following = np.append(some[1:], False)
    following[layout.block_ends[layout.block_ends > 0] - 1] = False
    before = _after(layout, some)
    return following & before if both else following | before


def _after(layout: Layout, some: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Tell before which of m blocks such a block of their page stands."""
    before = np.insert(some[:-1], 0, False) if len(some) else some.copy()
    begins = layout.block_begins
    before[begins[begins < len(some)]] = False
    return before


def _named(layout: Layout, own_names: npt.NDArray[np.int64], wanted: int) -> npt.NDArray[np.bool_]:
    """Tell which of m blocks lie in an element of such a name."""
    named = (own_names & wanted) != 0
    if not named.any():  # as in most pages
        return np.zeros(len(layout.blocks.weights), bool)
    return named[nearest(named, layout.parents)[layout.blocks.elements]]


def _spans(layout: Layout, some: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Tell which of some of m blocks say from when to when, in digits alone."""
    blocks = layout.blocks
    found = some & (blocks.weights == 0) & (blocks.digits >= 6) & (blocks.pieces == 1)
    for block in np.flatnonzero(found).tolist():
        text = layout.texts[blocks.first_pieces[block]].strip()
        found[block] = len(text) <= _MAX_SPAN and _SPAN.fullmatch(text) is not None
    return found


def near_names(layout: Layout) -> npt.NDArray[np.int64]:
    """Return the groups of names of m blocks' own elements and their two nearest ancestors, without
    elements that hold a long block: a name of the whole text, such as `tag-history`, is none of its
    byline."""
    blocks = layout.blocks
    long = np.concatenate([[0], np.cumsum(blocks.weights >= 2 * LONG)])
    own_names = np.where(long[blocks.last] == long[blocks.first], layout.own_names, 0)
    names, step = own_names[blocks.elements], blocks.elements
    for _ in range(2):
        step = layout.parents[step]
        names = names | own_names[step]
    return names


def _bylines(
    layout: Layout, kept: npt.NDArray[np.bool_], content: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Tell which of m blocks name the author, date or readers of a text: short, named for such, and
    between the title and the first paragraph."""
    blocks, page = layout.blocks, layout.block_pages
    count = len(kept)
    places = np.arange(count)
    names = near_names(layout)
    named = ((names & BYLINE) != 0) & ~content & (blocks.weights < 2 * LONG)
    named &= (layout.own_names[blocks.elements] & BIT["title"]) == 0
    # Dates of one kind that stand all over a page are those of a chronicle.
    dates = np.flatnonzero(named & (blocks.digits > 0))
    _, alike, counts = np.unique(
        layout.path[blocks.elements[dates]] + PAGE_STEP * page[dates].astype(np.uint64),
        return_inverse=True,
        return_counts=True,
    )
    named[dates] = counts[alike] < 3
    text = kept & (blocks.weights >= LONG) & (blocks.link_weights < 0.4 * blocks.weights) & ~named
    titles = np.flatnonzero(kept & ((blocks.bits & (TAG_BIT["h1"] | TAG_BIT["h2"])) != 0))
    first = titles[np.unique(page[titles], return_index=True)[1]]
    title = np.full(len(layout.block_ends), count)
    title[page[first]] = first
    # The first text after each block, and the last one up to it.
    following = np.minimum.accumulate(np.where(text, places, count)[::-1])[::-1]
    last_text = np.maximum.accumulate(np.where(text, places, -1))
    between = (places > title[page]) & (last_text <= title[page])
    between &= (following < layout.block_ends[page]) & (following - title[page] <= _BYLINE)
    # Names of fields, in a library's catalogue.
    cells = (layout.own[blocks.elements] & (TAG_BIT["td"] | TAG_BIT["dt"])) != 0
    facts = cells & ((names & METADATA) != 0) & (blocks.weights < LONG) & layout.any_of(text)[page]
    marked = blocks.bits & (HEADINGS | TAG_BIT["th"] | TAG_BIT["blockquote"] | TAG_BIT["pre"])
    return kept & (between & named | facts) & (marked == 0)
