"""Choose the blocks that are main content, and fall back step by step where the model keeps next to
nothing.

A page that has text must not come out empty. If what is kept says too little, compared with what is
left, the threshold is lowered; then come all blocks of running text; at last all that a reader
sees. Comments are a matter of the page's kind: they are left out of an article and are the content
of a forum.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from stages.extraction.class_names import BIT
from stages.extraction.features import LONG
from stages.extraction.labels import LABEL, next_to, with_labels
from stages.extraction.layout import PAGE_STEP, Layout, nearest
from stages.extraction.walk import FRAME, HEADINGS, HIDDEN, TAG_BIT

# of a block's score: the best F1 on web pages of unseen sites, of 0.45, 0.5 .. 0.65
THRESHOLD = 0.6
_LOWER = (0.3, 0.15, 0.05)
_ENOUGH = 40  # weighted letters: a short paragraph
# of the kept unlinked text; a frame that holds more is the page, whatever its tag says
_SITE_FRAME_SHARE = 0.5
_LETTER_SHARE = 0.6  # of the unlinked text in `pre`
_NO_TEXT_NAMES = sum(
    BIT[name] for name in ("footer", "side", "share", "notice", "advertisement", "comment")
)
_MANY_PARAGRAPHS = 1000  # weighted letters; a menu with teasers says less in running text
# Of 1,075 pages, in three a name of navigation holds so much more than what is kept: all their text.
_MISNAMED_TIMES = 5
_SMALL_SHARE = 0.1  # of the kept unlinked text
_ENOUGH_SHARE = 0.5  # or this share of all unlinked text, on a page of one sentence

MAX_SCORED = 20_000  # blocks; a page of more is a table or a list, and its features would take half a gigabyte

Fallback = Literal[
    "too_many_blocks",
    "lower_threshold",
    "running_text",
    "all_visible_text",
    "unclosed",
    "noscript",
    "noframes",
    "embedded",
    "script_data",
]
_TEXT_TAGS = sum(TAG_BIT[tag] for tag in ("p", "dt", "td", "th", "li"))
_FRAME_NAMES = sum(
    BIT[name]
    for name in (
        "navigation",
        "footer",
        "header",
        "side",
        "advertisement",
        "share",
        "related",
        "notice",
    )
)


def choose(
    layout: Layout, scores: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.bool_], list[Fallback | None]]:
    """Return which of m blocks are kept, and the fall-back that each of p pages needed."""
    blocks, page = layout.blocks, layout.block_pages
    available = layout.page_totals(blocks.weights - blocks.link_weights, _plain(layout))
    visible = (blocks.bits & HIDDEN) == 0
    shown = _plain(layout) & visible
    too_many = (layout.block_ends - layout.block_begins) > MAX_SCORED
    # Too little to judge by: what the markup names as a frame is left out.
    little = (
        (layout.page_totals(blocks.weights, visible) < _ENOUGH) & layout.any_of(shown) & ~too_many
    )
    kept = scores >= THRESHOLD
    enough = _enough(layout, kept, available) & ~little & ~too_many
    misnamed = _misnamed(layout, kept) & enough[page]
    whole = _without_links_beside_a_letter(layout, _without_site_frame(layout, kept | misnamed))
    whole = _without_sign_up_forms(layout, _with_whole_parts(layout, whole))
    whole |= _numbered_labels(layout, whole) | _answers(layout, whole) & (scores >= _LOWER[0])
    kept = np.where(little[page], shown, whole)
    fallbacks: list[Fallback | None] = [
        "running_text" if some else None for some in layout.any_of(misnamed).tolist()
    ]
    # A loop over the few other pages: each takes as many steps as it needs.
    for number in np.flatnonzero(~little & ~enough).tolist():
        here = slice(layout.block_begins[number], layout.block_ends[number])
        kept[here], fallbacks[number] = _fall_back(layout.take(np.array([number])), scores[here])
    return with_labels(layout, kept | _opens_kept(layout, kept)), fallbacks


def _opens_kept(layout: Layout, kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Tell which of m blocks are headings that open what is kept after them.

    By ARIA's pattern, the question of an accordion is a button in a heading. The model takes the
    text of buttons for none.
    """
    opener = (layout.blocks.bits & TAG_BIT["button"]) != 0
    opener &= (layout.blocks.bits & HEADINGS) != 0
    return opener & _next_kept(layout, kept)


def _plain(layout: Layout) -> npt.NDArray[np.bool_]:
    """Tell of m blocks which may be content at all, were there nothing better."""
    return ((layout.blocks.bits & FRAME) == 0) & ((layout.blocks.names & _FRAME_NAMES) == 0)


def _enough(
    layout: Layout, kept: npt.NDArray[np.bool_], available: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Tell of p pages whether the kept blocks say enough, of the unlinked text that is
    available."""
    said = layout.page_totals(layout.blocks.weights, kept)
    return layout.any_of(kept) & ((said >= _ENOUGH) | (said >= _ENOUGH_SHARE * available))


def _fall_back(
    layout: Layout, scores: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.bool_], Fallback | None]:
    """Return which of the m blocks of one page are kept, of which those with a good score say too
    little."""
    blocks, plain = layout.blocks, _plain(layout)
    visible = (blocks.bits & HIDDEN) == 0
    if len(scores) > MAX_SCORED:
        return plain & visible if (plain & visible).any() else np.ones(
            len(scores), bool
        ), "too_many_blocks"
    unlinked = blocks.weights - blocks.link_weights
    available = layout.page_totals(unlinked, plain)
    kept = scores >= THRESHOLD
    for threshold in _LOWER:
        if _enough(layout, kept := kept | ((scores >= threshold) & plain), available)[0]:
            return kept, "lower_threshold"
    running = (unlinked >= LONG) & visible
    if _enough(layout, kept := kept | (running & plain), available)[0]:
        return kept, "running_text"
    if not kept.any() and _enough(layout, running, available)[0]:
        return running, "running_text"
    for shown in (visible & plain, visible, np.ones(len(scores), bool)):
        if shown.any():
            return kept | shown, "all_visible_text"
    return kept, None


def _without_site_frame(layout: Layout, kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Leave out what stands in a site's own header, footer or navigation, where most of the text
    stands elsewhere.

    A page's only h1 stays wherever it stands.
    """
    blocks, page = layout.blocks, layout.block_pages
    inside = (blocks.bits & (TAG_BIT["main"] | TAG_BIT["article"] | TAG_BIT["section"])) != 0
    framed = (
        kept
        & ~inside
        & ((blocks.bits & (TAG_BIT["header"] | TAG_BIT["footer"] | TAG_BIT["nav"])) != 0)
    )
    headings = kept & ((blocks.bits & TAG_BIT["h1"]) != 0)
    framed &= ~headings | layout.any_of(headings & ~framed)[page]
    unlinked = blocks.weights - blocks.link_weights
    in_frame, said = layout.page_totals(unlinked, framed), layout.page_totals(unlinked, kept)
    left_out = layout.any_of(kept & ~framed) & (in_frame <= _SITE_FRAME_SHARE * said)
    return kept & ~(framed & left_out[page])


def _without_links_beside_a_letter(
    layout: Layout, kept: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Leave out the links next to a text that stands all in `pre`: a letter of an archive, its
    neighbours around it.

    Those are pages without class names; a manual of much code says by its names what its lists of
    links are.
    """
    blocks = layout.blocks
    inside = (blocks.bits & TAG_BIT["pre"]) != 0
    unlinked = blocks.weights - blocks.link_weights
    letters = layout.page_totals(unlinked, kept & inside) > _LETTER_SHARE * layout.page_totals(
        unlinked, kept
    )
    if not letters.any():
        return kept
    headings = (blocks.bits & HEADINGS) != 0
    named = (blocks.names | layout.own_names[blocks.elements]) != 0
    of_letter = inside | headings | named | (blocks.link_weights < 0.4 * blocks.weights)
    return kept & (of_letter | ~letters[layout.block_pages])


def _misnamed(layout: Layout, kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return the text under a name of navigation that holds several times the text kept: what it
    names is no menu.

    A manual on one page, as Sphinx writes it, stands whole in what is the list of its chapters
    elsewhere.
    """
    blocks = layout.blocks
    unlinked = blocks.weights - blocks.link_weights
    text = ((blocks.bits & (FRAME | HIDDEN)) == 0) & (blocks.link_weights <= 0.5 * blocks.weights)
    running = text & (unlinked >= LONG)
    named = (
        text & ((blocks.names & BIT["navigation"]) != 0) & ((blocks.names & _NO_TEXT_NAMES) == 0)
    )
    lost = layout.page_totals(unlinked, running & named & ~kept)
    found = (lost >= _MANY_PARAGRAPHS) & (
        lost > _MISNAMED_TIMES * layout.page_totals(unlinked, running & kept)
    )
    return named & found[layout.block_pages]


def _numbered_labels(layout: Layout, kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Tell which of m blocks are labels with a number before a kept block ("Art. 2", "\u00a7 3"), most
    of whose like are kept: blocks of the same path of tags and class names, three or more."""
    blocks, plain = layout.blocks, _plain(layout)
    numbers = layout.path[blocks.elements] + PAGE_STEP * layout.block_pages.astype(np.uint64)
    maybe = plain & (blocks.digits > 0) & (blocks.weights <= LABEL) & (blocks.links == 0)
    maybe &= ~kept & _next_kept(layout, kept)
    if not maybe.any():
        return maybe
    _, same = np.unique(numbers, return_inverse=True)
    alike, kept_alike = np.bincount(same), np.bincount(same, kept)
    # In an element of text a number is more often a part of it than next to one.
    of_text = (layout.own[blocks.elements] & _TEXT_TAGS) != 0
    return maybe & (alike >= 3)[same] & ((np.where(of_text, 3, 2) * kept_alike[same]) > alike[same])


def _answers(layout: Layout, kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Tell which of m blocks are lines of a group of fields whose legend is kept: the answers to a
    question of a quiz."""
    elements = layout.blocks.elements
    groups = (layout.own & TAG_BIT["fieldset"]) != 0
    asked = np.zeros(len(groups), bool)
    asked[layout.parents[elements[kept]]] = True
    return (groups & asked)[elements] & (layout.blocks.links == 0)


def _next_kept(layout: Layout, kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Tell after which of m blocks the next one of the page is kept."""
    following = np.append(kept[1:], False)
    following[layout.block_ends[layout.block_ends > 0] - 1] = False
    return following


def _without_sign_up_forms(layout: Layout, kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Leave out the text of small elements that are named for a notice and hold a form: what asks
    the reader to subscribe amid an article."""
    blocks = layout.blocks
    maybe = kept & ((blocks.names & BIT["notice"]) != 0)
    if not maybe.any():
        return kept
    forms = np.concatenate([[0], np.cumsum((layout.own & TAG_BIT["form"]) != 0)])
    asking = ((layout.own_names & BIT["notice"]) != 0) & (forms[layout.last] > forms[:-1])
    holders = nearest(asking, layout.parents)[blocks.elements]
    maybe &= asking[holders]
    unlinked = blocks.weights - blocks.link_weights
    said = np.bincount(holders, np.where(maybe, unlinked, 0), len(asking))[holders]
    of_page = layout.page_totals(unlinked, kept)[layout.block_pages]
    return kept & ~(maybe & (said <= _SMALL_SHARE * of_page))


def _with_whole_parts(layout: Layout, kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Keep all of what is one thing: the lines of an element most of whose text is kept, a table
    amid kept text.

    A short line (of a poem, of code) tells little by itself.
    """
    blocks = layout.blocks
    number = blocks.last - blocks.first
    plain = (blocks.link_weights < 0.5 * blocks.weights + 0.5) & (
        (blocks.bits & (FRAME | HIDDEN)) == 0
    )
    plain &= (blocks.names & _FRAME_NAMES) == 0
    homes = np.bincount(blocks.elements, minlength=len(number))
    # Elements whose text is parted by line breaks alone.
    said, kept_there = (
        np.bincount(blocks.elements, blocks.weights * some, len(number)) for some in (1, kept)
    )
    lines = (number > 1) & (homes == number) & (kept_there > 0.5 * said)
    kept = kept | (plain & lines[blocks.elements])
    headings = plain & ((blocks.bits & HEADINGS) != 0)
    kept |= headings & next_to(layout, kept, both=True)
    things = np.flatnonzero(
        ((layout.own & sum(TAG_BIT[tag] for tag in ("table", "pre", "ul", "ol", "dl"))) != 0)
        & (number > 0)
    )
    pages = np.searchsorted(layout.element_ends, things, side="right")
    first, last = blocks.first[things], blocks.last[things]
    within = first > layout.block_begins[pages]
    things, pages, first, last = things[within], pages[within], first[within], last[within]
    counts = np.concatenate([[[0, 0]], np.cumsum([kept, ~plain], 1).T])
    kept_there, others = (counts[last] - counts[first]).T
    after = np.append(kept, False)[last] & (last < layout.block_ends[pages])
    tabular = (layout.own[things] & (TAG_BIT["table"] | TAG_BIT["pre"])) != 0
    same_parent = layout.parents[things] == layout.parents[blocks.elements[first - 1]]
    amid = (tabular & (after | same_parent)) | (2 * kept_there >= last - first)
    amid |= (kept_there > 0) & same_parent
    amid &= kept[first - 1] & (others == 0)
    edges = np.bincount(first[amid], minlength=len(kept) + 1) - np.bincount(
        last[amid], minlength=len(kept) + 1
    )
    return kept | (np.cumsum(edges)[:-1] > 0)
