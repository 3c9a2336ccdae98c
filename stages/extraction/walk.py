"""One walk through a page: its elements and its runs of text as flat arrays.

The tree is WHATWG's, built by turbohtml. Of each element we take its tag, class, id and a few attributes, of each text
its characters; all that follows is arithmetic on arrays:

    elements   0 the document, 1 whatever is cut off (template contents), then in the order of their start tags
    parents    of each element; what an element inherits from its ancestors (a link, `pre`, hidden, groups of names)
               comes by pointer doubling: log2(depth) passes over the array, whatever the nesting
    pieces     the text nodes that a reader could see
    blocks     runs of pieces with no edge of a block element between them; two line breaks in a row are such an edge

Time and memory are linear in the size of the page but for the logarithm of its depth.
"""

from __future__ import annotations

import json
import operator
import re
import zlib
from collections.abc import Container
from itertools import compress, repeat
from typing import Literal, NamedTuple, cast

import numpy as np
import numpy.typing as npt
from turbohtml import (
    CData,
    Comment,
    Doctype,
    Document,
    DocumentFragment,
    Element,
    ProcessingInstruction,
    ShadowRoot,
    Text,
    parse,
)

from stages.extraction.class_names import BIT, BITS_BY_PROPERTY, BITS_BY_ROLE, MAX_NAME, name_bits
from stages.extraction.letters import SPACE, WEIGHT_UNIT, as_code_points, letters

Ints = npt.NDArray[np.int64]
Uints = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float32]

# Tags whose presence among the ancestors of a block is a feature, one bit each. Other tags have no bit.
TAGS = (
    *("a", "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "dialog", "div"),
    *("dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header"),
    *(
        "label",
        "li",
        "main",
        "nav",
        "noscript",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "td",
        "th",
        "tr",
        "ul",
    ),
    *("b", "strong", "em", "i", "small", "time", "code", "button", "font", "rt"),
)
TAG_BIT = {tag: 1 << number for number, tag in enumerate(TAGS)}
LINK, HIDDEN, SKIPPED, BLOCK, SPACED, OPTION, BREAK, TEMPLATE = (1 << (len(TAGS) + number) for number in range(8))

_BLOCK_NAMES = """
    address article aside blockquote body button caption center col colgroup dd details dialog dir div dl dt fieldset
    figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html legend li listing main marquee
    menu nav noframes noscript ol optgroup option p plaintext pre search section select summary table tbody td template
    textarea tfoot th thead tr ul xmp
"""
_EMBEDDED_NAMES = "applet audio canvas datalist math meter noembed noscript object progress svg template textarea video"
_SILENT_NAMES = "base embed head iframe img input link map meta noframes param script source style title track"
_BLOCK_TAGS = frozenset(_BLOCK_NAMES.split())
_EMBEDDED = frozenset(
    _EMBEDDED_NAMES.split()
)  # their text is shown, but is no text of the page, unless it has no other
_SKIPPED_TAGS = _EMBEDDED | frozenset(_SILENT_NAMES.split())
_OPENERS = frozenset({"button", "summary"})
_OPENER = "button,summary,[aria-expanded],[aria-controls],[data-toggle],[data-bs-toggle]"
_TARGETS = ("aria-controls", "href", "data-target", "data-bs-target")
_BREAKING_TAGS = frozenset({"br", "input"})  # what a form asks for stands apart from the label of the next field
_SPACED_TAGS = frozenset({"pre", "listing", "xmp", "plaintext"})
_PATH_STEP = np.uint64(0x9E3779B97F4A7C15)  # odd, so that paths of different depth differ
_SECTIONING = sum(TAG_BIT[tag] for tag in ("article", "aside", "main", "nav", "section"))
_HALF, _LOW = np.uint64(32), np.uint64((1 << 32) - 1)  # of a count of letters.py
_FEW_TAGS = 256
_MAX_REMEMBERED = 50_000  # keys
_MAX_REMEMBERED_SIZE = 5_000_000  # code points of all keys
_NEXT_TO_NOTHING = 200  # weighted letters: what a page says that asks for scripts or frames
_RAW_TEXT = frozenset({"title", "style", "textarea", "iframe", "script", "xmp", "noembed"})  # all is text to its end
_RAW_TEXT_TAG = re.compile(rf"<({'|'.join(sorted(_RAW_TEXT))})(?=[\s/>])[^>]*>", re.IGNORECASE)
_MAX_TITLE = 300  # code points
_SHORT_TITLE = 80  # tenths of weighted letters; a shorter block (a word of the menu) is in many titles by chance
_ARTICLE_BODY = re.compile(r'"articleBody"\s*:\s*("(?:[^"\\]|\\.)*+")')
_WINDOW = 16  # code points that make a passage


class Tree(NamedTuple):
    """Elements, pieces and blocks of one page; shapes: n elements, k pieces, m blocks."""

    tags: list[str]  # n; of elements 0 and 1 an empty string
    addresses: dict[int, str]  # of links, by element
    parents: Ints  # n
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


class Blocks(NamedTuple):
    """The m blocks of a page in document order, and where they lie among its n elements."""

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
    in_article_body: npt.NDArray[np.int8]  # m; 1 if it is in the page's JSON-LD article body, else 0; -1 if none is
    in_title: npt.NDArray[np.bool_]  # m; its text is part of the page's title


class _Tags(dict[str, int]):
    """What tags say, remembered over pages: each the number of a row of two tables."""

    def __init__(self) -> None:
        super().__init__()
        self.own = np.zeros(_FEW_TAGS, np.int64)  # tag and flag bits
        self.steps = np.zeros(_FEW_TAGS, np.uint64)  # hash of the tag, in the upper half
        self.size = 0  # code points of all keys

    def __missing__(self, tag: str) -> int:
        row = len(self)
        if row == len(self.own):
            self.own, self.steps = np.resize(self.own, 2 * row), np.resize(self.steps, 2 * row)
        self.own[row] = _tag_bits(tag)
        self.steps[row] = zlib.crc32(tag.encode("utf-8", "surrogatepass")) << 32
        self.size += len(tag)
        self[tag] = row
        return row

    def of(self, tags: list[str]) -> tuple[Ints, Uints]:
        """Return the own bits and the steps of n elements."""
        rows = np.fromiter(map(self.__getitem__, tags), np.int64, len(tags))
        found = self.own[rows], self.steps[rows]
        if len(self) > _MAX_REMEMBERED or self.size > _MAX_REMEMBERED_SIZE:
            self.clear()
            self.__init__()  # type: ignore[misc]  # as new
        return found


class _Classes(dict[str | None, int]):
    """What class attributes say, remembered over pages: groups of names in the upper half, a hash in the lower."""

    size = 0  # code points of all keys

    def __missing__(self, classes: str | None) -> int:
        name = (classes or "")[:MAX_NAME]
        bits = name_bits(name) << 32 | zlib.crc32(name.encode("utf-8", "surrogatepass"))
        self.size += len(classes or "")
        self[classes] = bits
        return bits

    def of(self, nodes: list[Element]) -> tuple[Ints, Uints]:
        """Return the groups of names and the steps of n elements."""
        found = np.fromiter(map(self.__getitem__, map(Element.attr, nodes, repeat("class"))), np.int64, len(nodes))
        if len(self) > _MAX_REMEMBERED or self.size > _MAX_REMEMBERED_SIZE:
            self.clear()
            self.size = 0
        return found >> 32, found.view(np.uint64) & _LOW


def _tag_bits(tag: str) -> int:
    bits = TAG_BIT.get(tag, 0)
    if tag in _BLOCK_TAGS:
        bits |= BLOCK
    if tag in _SKIPPED_TAGS:
        bits |= SKIPPED
    elif tag == "option":
        bits |= OPTION
    if tag in _SPACED_TAGS:
        bits |= SPACED
    if tag in _BREAKING_TAGS:
        bits |= BREAK
    if tag == "template":
        bits |= TEMPLATE
    return bits


_TAGS, _CLASSES = _Tags(), _Classes()
_ELEMENT, _TEXT, _FRAGMENT = 1, 2, 3
_KINDS: dict[type, int] = {
    **dict.fromkeys((CData, Comment, Doctype, ProcessingInstruction), 0),
    Element: _ELEMENT,
    Text: _TEXT,
    DocumentFragment: _FRAGMENT,
    ShadowRoot: _FRAGMENT,
}
_PARENT, _TAG, _DATA = map(operator.attrgetter, ("parent", "tag", "data"))


def inherit(own: Ints, parents: Ints) -> Ints:
    """OR what each element has with what its ancestors have."""
    values, ancestors = own.copy(), parents
    while ancestors.any():
        values |= values.take(ancestors)
        ancestors = ancestors.take(ancestors)
    values |= values[0]
    return values


def nearest(has: npt.NDArray[np.bool_], parents: Ints) -> Ints:
    """Return for each element itself or its nearest ancestor that has something; 0 if none has."""
    if not has.any():
        return np.zeros(len(parents), np.int64)
    step = np.where(has, np.arange(len(parents)), parents)
    while True:
        further = step.take(step)
        if (further == step).all():
            return step
        step = further


class Walked(NamedTuple):
    """A page's tree, the parsed page, and how its text was seen where a reader with a browser sees next to none."""

    tree: Tree
    document: Document
    hidden_in: Literal["unclosed", "noscript", "noframes", "embedded"] | None = None


def walk_visible(html: str) -> Walked:
    """Lay out what a reader sees; if that says next to nothing, what one sees without scripts, or without frames."""
    walked = walk(html)
    tree, document, _ = walked
    said = float(tree.blocks.weights.sum())
    if said >= _NEXT_TO_NOTHING:
        return walked
    if not _RAW_TEXT.isdisjoint(tree.tags) and (closed := _without_unclosed(html)) != html:
        other = walk(closed)
        if float(other.tree.blocks.weights.sum()) > 2 * said:
            return other._replace(hidden_in="unclosed")
    if "noscript" in tree.tags:
        other = walk(html, shown=frozenset({"noscript"}))
        if float(other.tree.blocks.weights.sum()) > 2 * said:
            return other._replace(hidden_in="noscript")
    if "noframes" in tree.tags:
        other = walk("".join(element.text for element in document.select("noframes")))
        if float(other.tree.blocks.weights.sum()) > said:
            return other._replace(hidden_in="noframes")
    if not len(tree.blocks.weights) and not _EMBEDDED.isdisjoint(tree.tags):
        other = walk(html, shown=_EMBEDDED)
        if len(other.tree.blocks.weights):
            return other._replace(hidden_in="embedded")
    return walked


def _without_unclosed(html: str) -> str:
    """Leave out the first tag whose text would be the rest of the page, with its text up to the next tag."""
    end = 0
    while tag := _RAW_TEXT_TAG.search(html, end):
        closing = re.compile(f"</{tag[1]}(?=[\\s/>])", re.IGNORECASE).search(html, tag.end())
        if closing is None:
            after = html.find("<", tag.end())
            return html[: tag.start()] + (html[after:] if after >= 0 else "")
        end = closing.end()
    return html


def walk(html: str, shown: frozenset[str] = frozenset()) -> Walked:
    """Parse a page and lay it out flat; `shown` are tags whose text counts though readers do not see it as such."""
    document = parse(html, positions=False, allow_declarative_shadow_roots=False)
    everything = list(document.descendants)
    kinds = bytes(map(_KINDS.__getitem__, map(type, everything)))
    kind = np.frombuffer(kinds, np.uint8)
    is_element, is_text = kind == _ELEMENT, kind == _TEXT
    nodes = cast("list[Element]", list(compress(everything, is_element.tobytes())))
    index: dict[object, int] = dict(zip(nodes, range(2, len(nodes) + 2), strict=True))
    index[document] = 0
    if _FRAGMENT in kinds:
        fragments = compress(everything, (kind == _FRAGMENT).tobytes())
        index.update((node, index.get(node.parent, 1)) for node in fragments)
    count = len(nodes)
    parents = np.zeros(count + 2, np.int64)
    parents[2:] = np.fromiter(map(index.get, map(_PARENT, nodes), repeat(1)), np.int64, count)
    tags = list(map(_TAG, nodes))
    own, own_names = np.zeros((2, count + 2), np.int64)
    steps = np.zeros(count + 2, np.uint64)
    own[2:], steps[2:] = _TAGS.of(tags)
    own_names[2:], of_classes = _CLASSES.of(nodes)
    steps[2:] |= of_classes
    for element in document.select("[id]"):
        if (names := name_bits((element.attr("id") or "")[:MAX_NAME])) and (place := index.get(element)):
            own_names[place] |= names
    own[1] = SKIPPED
    if shown:
        own[2:][[tag in shown for tag in tags]] &= ~SKIPPED
    addresses = _read_attributes(document, nodes, index, own, own_names)
    depth, path = _depth_and_path(parents, steps)
    last = _subtree_ends(parents)
    _open_selects(own, last)
    inherited = inherit(own, parents)
    # ARIA in HTML: a header or footer outside sectioning content is the site's banner or imprint.
    of_site = (inherited[parents] & _SECTIONING) == 0
    for tag in ("header", "footer"):
        own_names[of_site & ((own & TAG_BIT[tag]) != 0)] |= BIT[tag]
    inherited_names = inherit(own_names, parents)

    text_nodes = list(compress(everything, is_text.tobytes()))
    del everything
    piece_elements = np.fromiter(map(index.get, map(_PARENT, text_nodes), repeat(1)), np.int64, len(text_nodes))
    del index  # a third of the memory of a page of tags alone
    started = np.cumsum(is_element)[is_text] + 1
    visible = (inherited[piece_elements] & SKIPPED) == 0
    texts = list(map(_DATA, compress(text_nodes, visible.tobytes())))
    del text_nodes
    piece_elements, started = piece_elements[visible], started[visible]
    breaks = np.cumsum((own & BREAK) != 0)[started]
    is_block = (own & BLOCK) != 0
    edges = np.cumsum(is_block)[started]
    around = nearest(is_block, parents)[piece_elements]
    piece_blocks, blocks = _blocks(
        document,
        texts,
        Pieces(piece_elements, around, started, edges, breaks),
        inherited,
        inherited_names,
        last,
    )
    tree = Tree(
        ["", "", *tags],
        addresses,
        parents,
        own,
        inherited,
        own_names,
        inherited_names,
        depth,
        path,
        last,
        texts,
        piece_elements,
        piece_blocks,
        breaks,
        blocks,
    )
    return Walked(tree, document)


class Pieces(NamedTuple):
    """Where k text nodes lie."""

    elements: Ints
    around: Ints  # nearest block element
    started: Ints  # last element that started before it
    edges: Ints  # block elements that started before it
    breaks: Ints  # `br` and `input` elements before it


_ATTRIBUTES = '[hidden],[aria-hidden="true"],[style*="none"],[style*="hidden"],[role],[itemprop]'


def _read_attributes(
    document: Document, nodes: list[Element], index: dict[object, int], own: Ints, own_names: Ints
) -> dict[int, str]:
    """Add to the bits of elements what their attributes say; return the addresses of links."""
    addresses: dict[int, str] = {}
    for place in np.flatnonzero(own & TAG_BIT["a"]).tolist():
        address = nodes[place - 2].attr("href")
        if address is not None and not (address[:1] == "#" and _is_opener(nodes[place - 2])):
            addresses[place] = address
    own[np.fromiter(addresses, np.int64, len(addresses))] |= LINK
    controlled: set[str | None] | None = None
    for element in document.select(_ATTRIBUTES):
        if _is_hidden(element):
            if controlled is None:
                controlled = _controlled(document)
            if not _opens(element, controlled):
                own[index.get(element, 1)] |= HIDDEN
        names = BITS_BY_ROLE.get((element.attr("role") or "").lower(), 0)
        names |= BITS_BY_PROPERTY.get((element.attr("itemprop") or "").lower(), 0)
        if names:
            own_names[index.get(element, 1)] |= names
    if (own & TEMPLATE).any():
        for element in document.select("template[shadowrootmode]"):  # a browser shows it
            own[index.get(element, 1)] &= ~SKIPPED
    return addresses


def _is_hidden(element: Element) -> bool:
    hidden = element.attr("hidden")
    if (hidden is not None and hidden != "until-found") or element.attr("aria-hidden") == "true":
        return True
    style = element.attr("style")
    if style is None:
        return False
    style = style.replace(" ", "").lower()
    return "display:none" in style or "visibility:hidden" in style


def _is_opener(anchor: Element) -> bool:
    """Tell whether an `a` is no link, but a button that opens a part of the page."""
    return anchor.matches(_OPENER) or anchor.attr("role") in ("button", "tab")


def _opens(element: Element, controlled: Container[str | None]) -> bool:
    """Tell whether a hidden element is a panel that a reader opens: a tab's, one that a button names or stands before.

    `controlled` are the ids that openers name.
    """
    if element.attr("role") == "tabpanel" or element.attr("aria-labelledby") or element.attr("id") in controlled:
        return True
    before = element.previous_sibling
    while before is not None and not isinstance(before, Element):
        before = before.previous_sibling
    return before is not None and (
        before.tag in _OPENERS or before.select_one(_OPENER) is not None or before.matches(_OPENER)
    )


def _controlled(document: Document) -> set[str | None]:
    """Return the ids of the panels that openers name, as ARIA and Bootstrap have it."""
    found: set[str | None] = set()
    for element in document.select(_OPENER):
        for name in _TARGETS:
            found.update((element.attr(name) or "").replace("#", "").split())
    return found


def _depth_and_path(parents: Ints, steps: Uints) -> tuple[Ints, Uints]:
    depth = np.ones(len(parents), np.int64)
    depth[:2] = 0
    path, factor, ancestors = steps.copy(), _PATH_STEP, parents
    while ancestors.any():
        depth += depth.take(ancestors)
        path += factor * path.take(ancestors)
        factor = np.uint64(int(factor) * int(factor) & (1 << 64) - 1)
        ancestors = ancestors.take(ancestors)
    return depth, path


def _subtree_ends(parents: Ints) -> Ints:
    """Return for each element one past its subtree: the next sibling of its nearest ancestor that has one."""
    count = len(parents)
    following = np.full(count, count, np.int64)
    # Sorting 16-bit numbers takes one pass for each byte.
    order = np.argsort(parents[2:].astype(np.uint16) if count <= 1 << 16 else parents[2:], kind="stable") + 2
    siblings = parents[order[1:]] == parents[order[:-1]]
    following[order[:-1][siblings]] = order[1:][siblings]
    return following[nearest(following < count, parents)]


def _open_selects(own: Ints, last: Ints) -> None:
    """Skip the choices of a `select`; an `option` that holds blocks was left open, and the page goes on in it."""
    options = np.flatnonzero(own & OPTION)
    if len(options):
        blocks = np.concatenate([[0], np.cumsum((own & BLOCK) != 0)])
        closed = blocks[last[options]] - blocks[options + 1] == 0
        own[options[closed]] |= SKIPPED


def _blocks(
    document: Document, texts: list[str], pieces: Pieces, inherited: Ints, inherited_names: Ints, last: Ints
) -> tuple[Ints, Blocks]:
    count = len(texts)
    points = as_code_points("".join(texts))
    lengths = np.fromiter(map(len, texts), np.int64, count)
    starts = np.cumsum(lengths) - lengths
    per_piece = np.zeros((len(letters().counts), count), np.uint64)
    if count:
        for row, table in enumerate(letters().counts):
            np.add.reduceat(table.take(points), starts, out=per_piece[row])
    seen = np.flatnonzero(per_piece[0])
    new = np.ones(len(seen), bool)
    if len(seen) > 1:
        before, here = seen[:-1], seen[1:]
        new[1:] = (
            (pieces.around[here] != pieces.around[before])
            | (pieces.edges[here] != pieces.edges[before])
            | (pieces.breaks[here] - pieces.breaks[before] >= 2)
        )
    number = np.cumsum(new) - 1
    blocks = int(new.sum())
    # White space belongs to the block that goes on after it, or to none.
    piece_blocks = np.full(count, -1, np.int64)
    if blocks:
        piece_blocks[seen] = number
        previous = np.maximum.accumulate(piece_blocks)
        following = np.minimum.accumulate(np.where(piece_blocks >= 0, piece_blocks, blocks)[::-1])[::-1]
        piece_blocks = np.where(previous == following, previous, -1)
    firsts = seen[new]
    linked = (inherited[pieces.elements[seen]] & LINK) != 0

    new_places = np.flatnonzero(new)
    bits, names = (
        np.bitwise_and.reduceat(values[pieces.elements[seen]], new_places) if blocks else np.zeros(0, np.int64)
        for values in (inherited, inherited_names)
    )
    # A block lies in the subtrees of the ancestors of the element that its first text lies in, and of no other.
    homes = pieces.elements[firsts]
    first = np.searchsorted(pieces.started[firsts], np.arange(len(last)))
    before_element = np.concatenate([[0], np.cumsum(np.bincount(homes, minlength=len(last)))])
    after = first + before_element[last] - before_element[:-1]
    sums = np.add.reduceat(per_piece[:, seen], new_places, axis=1) if blocks else per_piece[:, :0]
    in_links = np.add.reduceat(per_piece[0, seen] * linked, new_places) if blocks else per_piece[0, :0]
    del per_piece
    low, high = (sums & _LOW).astype(np.float32), (sums >> _HALF).astype(np.float32)
    single = np.bincount(number, minlength=blocks)
    return piece_blocks, Blocks(
        elements=pieces.around[firsts],
        first_pieces=firsts,
        pieces=single,
        bits=bits,
        names=names,
        weights=high[0] / WEIGHT_UNIT,
        link_weights=(in_links >> _HALF).astype(np.float32) / WEIGHT_UNIT,
        links=np.bincount(number, linked, blocks).astype(np.float32),
        digits=high[1],
        marks=low[1],
        commas=low[2],
        code_points=low[0],
        keys=sums[2] >> _HALF,
        first=first,
        last=after,
        in_article_body=_in_article_body(document, points, starts[firsts]),
        in_title=_in_title(document, texts, firsts, (single == 1) & (high[0] >= _SHORT_TITLE) & (low[0] <= _MAX_TITLE)),
    )


def _in_title(
    document: Document, texts: list[str], firsts: Ints, maybe: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Tell which of m blocks, all of one piece of text, are part of the page's title."""
    element = document.select_one("title")
    title = " ".join(element.text.split())[:_MAX_TITLE] if element else ""
    found = np.zeros(len(firsts), bool)
    if title:
        places = np.flatnonzero(maybe)
        for place, piece in zip(places.tolist(), firsts[places].tolist(), strict=True):
            text = texts[piece]
            first_word = text.split(None, 1)[0]  # most blocks fail here, before a paragraph is cut into words
            found[place] = first_word in title and " ".join(text.split()) in title
    return found


def _in_article_body(document: Document, points: Ints, starts: Ints) -> npt.NDArray[np.int8]:
    """Tell (1 or 0) which blocks begin with a window of the article's text, which some pages repeat for crawlers."""
    bodies = []
    for script in document.select('script[type="application/ld+json"]'):
        bodies += [json.loads(found, strict=False) for found in _ARTICLE_BODY.findall(script.text)]
    classes = letters().classes
    body = as_code_points(" ".join(bodies)) if bodies else np.zeros(0, np.int64)
    body = body[classes[body] != SPACE]
    if len(body) < _WINDOW:
        return np.full(len(starts), -1, np.int8)
    said = classes[points] != SPACE
    stream = np.concatenate([points[said], np.zeros(_WINDOW, np.int64)]).astype(np.uint64)
    places = np.cumsum(said)[starts] - said[starts] if len(starts) else starts
    powers = np.cumprod(np.full(_WINDOW, _PATH_STEP), dtype=np.uint64)
    begins = (stream[places[:, None] + np.arange(_WINDOW)] * powers[::-1]).sum(axis=1, dtype=np.uint64)
    # A polynomial of 2 k code points is that of the first k, moved up by k places, and that of the other k.
    windows, width = body.astype(np.uint64) * powers[0], 1
    while width < _WINDOW:
        windows = windows[:-width] * powers[width - 1] + windows[width:]
        width *= 2
    return np.isin(begins, windows).astype(np.int8)
