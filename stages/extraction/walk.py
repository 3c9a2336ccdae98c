"""One walk through some pages: their elements and their runs of text as the flat arrays of
`layout`.

The trees are WHATWG's, built by turbohtml. Of each element we take its tag, class, id and a few
attributes, of each text its characters; all that follows is arithmetic on arrays, done for all
pages at once:

    elements   of each page: the document, whatever is cut off (template contents), then in the order of start tags
    pieces     the text nodes that a reader could see
    blocks     runs of pieces with no edge of a block element between them; two line breaks in a row are such an edge

What is said of a page does not depend on the pages next to it. Time and memory are linear in the
size of the pages but for the logarithm of their depth.
"""

from __future__ import annotations

import functools
import itertools
import json
import operator
import re
import zlib
from collections.abc import Sequence
from itertools import chain, compress, repeat
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

from stages.extraction.class_names import (
    BIT,
    BITS_BY_PROPERTY,
    BITS_BY_ROLE,
    MAX_NAME,
    NO_TEXT,
    id_bits,
    name_bits,
)
from stages.extraction.layout import (
    Blocks,
    Floats,
    Ints,
    Layout,
    Uints,
    ancestors,
    begins,
    inherit,
    join,
    nearest,
    pages_of,
)
from stages.extraction.letters import SPACE, WEIGHT_UNIT, as_code_points, letters
from stages.extraction.script_data import text_in_scripts

# Tags whose presence among the ancestors of a block is a feature, one bit each. Other tags have no
# bit.
TAGS = (
    *(
        "a",
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "caption",
        "center",
        "dd",
        "details",
        "dialog",
        "div",
    ),
    *(
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
    ),
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
LINK, HIDDEN, SKIPPED, BLOCK, SPACED, OPTION, BREAK, TEMPLATE = (
    1 << (len(TAGS) + number) for number in range(8)
)
HEADINGS = sum(TAG_BIT[f"h{level}"] for level in range(1, 7))
# of what stands around the text of a page
FRAME = sum(TAG_BIT[tag] for tag in ("nav", "aside", "footer", "button", "form", "dialog"))

_BLOCK_NAMES = """
    address article aside blockquote body button caption center col colgroup dd details dialog dir div dl dt fieldset
    figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html legend li listing main marquee
    menu nav noframes noscript ol optgroup option p plaintext pre search section select summary table tbody td template
    textarea tfoot th thead tr ul xmp
"""
_EMBEDDED_NAMES = "applet audio canvas datalist math meter noembed noscript object progress svg template textarea video"
_SILENT_NAMES = (
    "base embed head iframe img input link map meta noframes param script source style title track "
    # advertisements and notices of AMP, which show a text of their own until they are loaded
    "amp-ad amp-auto-ads amp-consent amp-embed amp-sticky-ad amp-user-notification"
)
_BLOCK_TAGS = frozenset(_BLOCK_NAMES.split())
# their text is shown, but is no text of the page, unless it has no other
_EMBEDDED = frozenset(_EMBEDDED_NAMES.split())
_SKIPPED_TAGS = _EMBEDDED | frozenset(_SILENT_NAMES.split())
_OPENERS = frozenset({"button", "summary"})
_OPENER = "button,summary,[aria-expanded],[aria-controls],[data-toggle],[data-bs-toggle]"
_TARGETS = ("aria-controls", "href", "data-target", "data-bs-target")
# what a form asks for stands apart from the label of the next field
_BREAKING_TAGS = frozenset({"br", "input"})
_SPACED_TAGS = frozenset({"pre", "listing", "xmp", "plaintext"})
_PATH_STEP = np.uint64(0x9E3779B97F4A7C15)  # odd, so that paths of different depth differ
_SECTIONING = sum(TAG_BIT[tag] for tag in ("article", "aside", "main", "nav", "section"))
_HALF, _LOW = np.uint64(32), np.uint64((1 << 32) - 1)  # of a count of letters.py
_FEW_TAGS = 256
_MAX_REMEMBERED = 100_000  # keys; 450 web pages of as many sites have 52,000
_MAX_REMEMBERED_SIZE = 5_000_000  # code points of all keys
_STORY = 400  # in data; what is shorter may be a notice or a label of the interface
_NOTHING = 40  # weighted letters: "Loading…"
_NEXT_TO_NOTHING = 200  # weighted letters: what a page says that asks for scripts or frames
# all is text to its end
_RAW_TEXT = frozenset({"title", "style", "textarea", "iframe", "script", "xmp", "noembed"})
_RAW_TEXT_TAG = re.compile(rf"<({'|'.join(sorted(_RAW_TEXT))})(?=[\s/>])[^>]*>", re.IGNORECASE)
_MAX_TITLE = 300  # code points
_SHORT_TITLE = 80  # tenths of weighted letters; a shorter block (a word of the menu) is in many titles by chance
_ARTICLE_BODY = re.compile(r'"articleBody"\s*:\s*("(?:[^"\\]|\\.)*+")')
_WINDOW = 16  # code points that make a passage


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
    """What class attributes say, remembered over pages: groups of names in the upper half, a hash
    in the lower."""

    size = 0  # code points of all keys

    def __missing__(self, classes: str | None) -> int:
        name = (classes or "")[:MAX_NAME]
        bits = name_bits(name) << 32 | zlib.crc32(name.encode("utf-8", "surrogatepass"))
        self.size += len(classes or "")
        self[classes] = bits
        return bits

    def of(self, nodes: list[Element]) -> tuple[Ints, Uints]:
        """Return the groups of names and the steps of n elements."""
        found = np.fromiter(
            map(self.__getitem__, map(Element.attr, nodes, repeat("class"))), np.int64, len(nodes)
        )
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
_IS_ELEMENT, _IS_TEXT, _IS_FRAGMENT = (
    bytes(kind == wanted for kind in range(256)) for wanted in (_ELEMENT, _TEXT, _FRAGMENT)
)
_PARENT, _TAG, _DATA = map(operator.attrgetter, ("parent", "tag", "data"))


class Walked(NamedTuple):
    """The layout of p pages, and of each the parsed page and what it states of itself where all
    attributes are read."""

    layout: Layout
    documents: list[Document]
    structured: list[list[str]]  # JSON-LD
    item_types: list[frozenset[str]]  # of microdata


HiddenIn = Literal["unclosed", "noscript", "noframes", "embedded", "script_data"]


def walk_visible(pages: Sequence[str]) -> tuple[Walked, list[HiddenIn | None]]:
    """Lay out what a reader sees; where that says next to nothing, what one sees without scripts,
    or without frames.

    Also returns of each page how its text was seen where a reader with a browser sees next to none.
    """
    walked = walk(pages)
    layout = walked.layout
    hidden_in: list[HiddenIn | None] = [None] * len(pages)
    others: list[Walked] = []
    order = list(range(len(pages)))
    weights = layout.blocks.weights
    said = layout.page_totals(weights, np.ones(len(weights), bool))
    # A loop over the few pages that say next to nothing: each is walked again by itself.
    for page in np.flatnonzero(said < _NEXT_TO_NOTHING).tolist():
        tags = frozenset(layout.tags[layout.documents[page] : layout.element_ends[page]])
        own = weights[layout.block_begins[page] : layout.block_ends[page]]
        if seen := _more_visible(pages[page], walked.documents[page], tags, own):
            order[page] = len(pages) + len(others)
            # What a page states of itself stands in the page as it is.
            others.append(
                Walked(
                    seen[0].layout,
                    walked.documents[page : page + 1],
                    walked.structured[page : page + 1],
                    walked.item_types[page : page + 1],
                )
            )
            hidden_in[page] = seen[1]
    if not others:
        return walked, hidden_in
    layouts, *stated = zip(walked, *others, strict=True)
    documents, structured, item_types = (
        [list(chain(*column))[place] for place in order] for column in stated
    )
    return Walked(join(layouts).take(np.array(order)), documents, structured, item_types), hidden_in


def _more_visible(
    html: str, document: Document, tags: frozenset[str], weights: Floats
) -> tuple[Walked, HiddenIn] | None:
    """Walk a page that says next to nothing as other readers see it; None if no such reader sees
    more."""
    said = float(weights.sum())

    def says_more(other: Walked, than: float) -> bool:
        return float(other.layout.blocks.weights.sum()) > than

    if not _RAW_TEXT.isdisjoint(tags):
        closed = _without_unclosed(html)
        if closed != html and says_more(other := walk([closed]), 2 * said):
            return other, "unclosed"
    if said < _NOTHING and says_more(other := walk([text_in_scripts(document)]), _STORY):
        return other, "script_data"
    # What has no text of its own (images that count visits, addresses to go to) need not be walked.
    inner = frozenset(document.select("noscript noscript"))  # whose text is that of the outer one
    aside = any(node.text.strip() for node in document.select("noscript") if node not in inner)
    if aside and says_more(other := walk([html], frozenset({"noscript"})), 2 * said):
        return other, "noscript"
    if "noframes" in tags:
        without = "".join(element.text for element in document.select("noframes"))
        if says_more(other := walk([without]), said):
            return other, "noframes"
    if not len(weights) and not _EMBEDDED.isdisjoint(tags):
        other = walk([html], _EMBEDDED)
        if len(other.layout.blocks.weights):
            return other, "embedded"
    return None


def _without_unclosed(html: str) -> str:
    """Leave out the first tag whose text would be the rest of the page, with its text up to the
    next tag."""
    end = 0
    while tag := _RAW_TEXT_TAG.search(html, end):
        closing = re.compile(f"</{tag[1]}(?=[\\s/>])", re.IGNORECASE).search(html, tag.end())
        if closing is None:
            after = html.find("<", tag.end())
            return html[: tag.start()] + (html[after:] if after >= 0 else "")
        end = closing.end()
    return html


def walk(pages: Sequence[str], shown: frozenset[str] = frozenset()) -> Walked:
    """Parse pages and lay them out flat; `shown` are tags whose text counts though readers do not
    see it as such."""
    documents = [
        parse(html, positions=False, allow_declarative_shadow_roots=False) for html in pages
    ]
    tags: list[str] = []
    nodes: list[Element] = []
    text_nodes: list[Text] = []
    kinds: list[bytes] = []
    parents: list[Ints] = []
    text_parents: list[Ints] = []
    marked: list[Marked] = []
    element_ends: list[int] = []
    # A loop over pages and, inside calls of C, over their nodes: here a tree becomes arrays.
    for document in documents:
        root, cut_off = len(tags), len(tags) + 1
        everything = list(document.descendants)
        own_kinds = bytes(map(_KINDS.__getitem__, map(type, everything)))
        own_nodes = cast(
            "list[Element]", list(compress(everything, own_kinds.translate(_IS_ELEMENT)))
        )
        own_texts = cast("list[Text]", list(compress(everything, own_kinds.translate(_IS_TEXT))))
        index: dict[object, int] = dict(
            zip(own_nodes, range(root + 2, root + 2 + len(own_nodes)), strict=True)
        )
        index[document] = root
        if _FRAGMENT in own_kinds:
            fragments = compress(everything, own_kinds.translate(_IS_FRAGMENT))
            index.update((node, index.get(node.parent, cut_off)) for node in fragments)
        del everything
        places = chain((root, root), map(index.get, map(_PARENT, own_nodes), repeat(cut_off)))
        parents.append(np.fromiter(places, np.int64, len(own_nodes) + 2))
        homes = map(index.get, map(_PARENT, own_texts), repeat(cut_off))
        text_parents.append(np.fromiter(homes, np.int64, len(own_texts)))
        marked.append(_read_attributes(document, index, cut_off))
        del index  # a third of the memory of a page of tags alone
        tags += ("", "", *map(_TAG, own_nodes))
        nodes += own_nodes
        text_nodes += own_texts
        kinds.append(own_kinds)
        element_ends.append(len(tags))
    ends = np.array(element_ends)
    own, own_names, steps = _read_elements(tags, nodes, begins(ends), marked)
    if shown:
        own[np.fromiter(map(shown.__contains__, tags), bool, len(tags))] &= ~SKIPPED
    addresses = _read_links(own, nodes, ends)
    del nodes
    kind = np.frombuffer(b"".join(kinds), np.uint8)
    is_text = kind == _TEXT
    page = np.repeat(np.arange(len(pages)), list(map(len, text_parents)))
    started = np.cumsum(kind == _ELEMENT)[is_text] + 2 * page + 1
    above = np.concatenate(parents)
    depth, path = _depth_and_path(above, steps, begins(ends))
    last = _subtree_ends(above, ends)
    _open_selects(own, last)
    inherited = inherit(own, above)
    # ARIA in HTML: a header or footer outside sectioning content is the site's banner or imprint.
    of_site = (inherited[above] & _SECTIONING) == 0
    for tag in ("header", "footer"):
        own_names[of_site & ((own & TAG_BIT[tag]) != 0)] |= BIT[tag]
    inherited_names = inherit(own_names, above)

    piece_elements = np.concatenate(text_parents)
    visible = (inherited[piece_elements] & SKIPPED) == 0
    texts = list(map(_DATA, compress(text_nodes, visible.tobytes())))
    del text_nodes
    piece_elements, started, page = piece_elements[visible], started[visible], page[visible]
    piece_ends = np.cumsum(np.bincount(page, minlength=len(pages)))
    breaks = np.cumsum((own & BREAK) != 0)[started]
    is_block = (own & BLOCK) != 0
    around = nearest(is_block, above)[piece_elements]
    pieces = Pieces(
        piece_elements, around, started, np.cumsum(is_block)[started], breaks, piece_ends
    )
    piece_blocks, block_ends, blocks = _blocks(
        documents, marked, texts, pieces, _Inherited(inherited, inherited_names, last)
    )
    layout = Layout(
        tags,
        addresses,
        above,
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
        ends,
        piece_ends,
        block_ends,
        pages_of(block_ends),
    )
    return Walked(
        layout, documents, [own.structured for own in marked], [own.item_types for own in marked]
    )


class Pieces(NamedTuple):
    """Where k text nodes of p pages lie."""

    elements: Ints
    around: Ints  # nearest block element
    started: Ints  # last element that started before it
    edges: Ints  # block elements that started before it
    breaks: Ints  # `br` and `input` elements before it
    ends: Ints  # p; one past the last of each page


class Marked(NamedTuple):
    """What the attributes of a page say of its elements, given by their places, and its data for
    machines."""

    named: list[int]  # may repeat a place
    names: list[int]  # groups of names of each of these
    hidden: list[int]
    spaced: list[int]  # by their style, as `pre` is
    shown: list[int]  # templates that a browser shows
    structured: list[str]  # JSON-LD
    item_types: frozenset[str]  # of microdata


_ATTRIBUTES = (
    '[hidden],[aria-hidden="true"],[style*="none"],[style*="hidden"],[style*="white-space" i],'
    "[role],[itemprop],[itemtype]"
)


_KEEPS_LINES = re.compile(r"white-space\s*:\s*(?:pre|break-spaces)", re.IGNORECASE)
_NUMBERS = str.maketrans("0123456789", "_" * 10)


def _read_attributes(document: Document, index: dict[object, int], cut_off: int) -> Marked:
    """Read the attributes that a few elements have; what the index lacks is `cut_off`."""
    named: list[int] = []
    names: list[int] = []
    hidden: list[int] = []
    spaced: list[int] = []
    item_types = set()
    identified = document.select("[id]")
    ids = "\0".join([(element.attr("id") or "")[:MAX_NAME] for element in identified])
    # Numbers part the words of a name, and say nothing: without them, most ids of a page are equal.
    for element, bits in zip(
        identified, map(id_bits, ids.translate(_NUMBERS).split("\0")), strict=False
    ):
        if bits and (place := index.get(element)):
            named.append(place)
            names.append(bits)
    controlled = _Controlled(document)
    for element in document.select(_ATTRIBUTES):
        attribute, place = element.attr, index.get(element, cut_off)
        if _is_hidden(element) and not _opens(element, controlled):
            hidden.append(place)
        if (style := attribute("style")) and _KEEPS_LINES.search(style):
            spaced.append(place)
        bits = 0
        if role := attribute("role"):
            bits = BITS_BY_ROLE.get(role.lower(), 0)
        if said := attribute("itemprop"):
            bits |= BITS_BY_PROPERTY.get(said.lower(), 0)
        if bits:
            named.append(place)
            names.append(bits)
        if item_type := attribute("itemtype"):
            item_types.add(item_type.rsplit("/", 1)[-1])
    shown = [index.get(element, cut_off) for element in document.select("template[shadowrootmode]")]
    structured = [script.text for script in document.select('script[type="application/ld+json"]')]
    return Marked(named, names, hidden, spaced, shown, structured, frozenset(item_types))


def _read_elements(
    tags: list[str], nodes: list[Element], roots: Ints, marked: list[Marked]
) -> tuple[Ints, Ints, Uints]:
    """Return the own bits, the groups of names and the steps of n elements, two of each page
    without a node."""
    own, steps = _TAGS.of(tags)
    is_node = np.ones(len(tags), bool)
    is_node[roots] = is_node[roots + 1] = False
    own_names = np.zeros(len(tags), np.int64)
    own_names[is_node], of_classes = _CLASSES.of(nodes)
    steps[is_node] |= of_classes
    named, names, hidden, spaced, shown = (
        np.array(list(chain.from_iterable(values)), np.int64)
        for values in (
            [getattr(page, name) for page in marked]
            for name in ("named", "names", "hidden", "spaced", "shown")
        )
    )
    np.bitwise_or.at(own_names, named, names)
    own[hidden] |= HIDDEN
    own[spaced] |= SPACED
    own[roots + 1] |= SKIPPED
    own[(own_names & NO_TEXT) != 0] |= SKIPPED
    own[shown] &= ~SKIPPED
    return own, own_names, steps


def _read_links(own: Ints, nodes: list[Element], ends: Ints) -> list[dict[int, str]]:
    """Mark the links among n elements of p pages, and return their addresses by page, by element
    from its first."""
    anchors = np.flatnonzero(own & TAG_BIT["a"])
    pages = np.searchsorted(ends, anchors, side="right")
    numbers = (anchors - 2 * (pages + 1)).tolist()  # the first two elements of a page are no nodes
    found = list(map(Element.attr, map(nodes.__getitem__, numbers), repeat("href")))
    linked = [
        address is not None and not (address[:1] == "#" and _is_opener(nodes[number]))
        for number, address in zip(numbers, found, strict=True)
    ]
    own[anchors[linked]] |= LINK
    places = (anchors - begins(ends)[pages]).tolist()
    edges = np.searchsorted(pages, np.arange(len(ends) + 1)).tolist()
    return [
        cast(
            "dict[int, str]",
            dict(compress(zip(places[here], found[here], strict=True), linked[here])),
        )
        for here in itertools.starmap(slice, itertools.pairwise(edges))
    ]


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


class _Controlled:
    """The ids of the panels that openers name, as ARIA and Bootstrap have it; looked for once they
    are asked for."""

    def __init__(self, document: Document) -> None:
        self._document = document

    @functools.cached_property
    def ids(self) -> frozenset[str]:
        openers = self._document.select(_OPENER)
        names = [opener.attr(name) or "" for opener in openers for name in _TARGETS]
        return frozenset(" ".join(names).replace("#", "").split())


def _opens(element: Element, controlled: _Controlled) -> bool:
    """Tell whether a hidden element is a panel that a reader opens: a tab's, one that a button
    names or stands before.

    `controlled` are the ids that openers name.
    """
    if element.attr("role") == "tabpanel" or element.attr("aria-labelledby"):
        return True
    identifier = element.attr("id")
    if identifier and identifier in controlled.ids:
        return True
    before = element.previous_sibling
    while before is not None and not isinstance(before, Element):
        before = before.previous_sibling
    return before is not None and (
        before.tag in _OPENERS or before.select_one(_OPENER) is not None or before.matches(_OPENER)
    )


def _depth_and_path(parents: Ints, steps: Uints, roots: Ints) -> tuple[Ints, Uints]:
    depth = np.ones(len(parents), np.int64)
    depth[roots] = depth[roots + 1] = 0
    path, factor = steps.copy(), _PATH_STEP
    for above in ancestors(parents):
        depth += depth.take(above)
        path += factor * path.take(above)
        factor = np.uint64(int(factor) * int(factor) & (1 << 64) - 1)
    return depth, path


def _subtree_ends(parents: Ints, ends: Ints) -> Ints:
    """Return for each element one past its subtree: the next sibling of its nearest ancestor that
    has one."""
    count = len(parents)
    following = np.full(count, -1, np.int64)
    following[begins(ends)] = ends
    is_node = np.ones(count, bool)
    is_node[begins(ends)] = is_node[begins(ends) + 1] = False
    nodes = np.flatnonzero(is_node)
    above = parents[nodes]
    # Sorting 16-bit numbers takes one pass for each byte.
    order = nodes[np.argsort(above.astype(np.uint16) if count <= 1 << 16 else above, kind="stable")]
    siblings = parents[order[1:]] == parents[order[:-1]]
    following[order[:-1][siblings]] = order[1:][siblings]
    return following[nearest(following >= 0, parents)]


def _open_selects(own: Ints, last: Ints) -> None:
    """Skip the choices of a `select`; an `option` that holds blocks was left open, and the page
    goes on in it."""
    options = np.flatnonzero(own & OPTION)
    if len(options):
        blocks = np.concatenate([[0], np.cumsum((own & BLOCK) != 0)])
        closed = blocks[last[options]] - blocks[options + 1] == 0
        own[options[closed]] |= SKIPPED


class _Inherited(NamedTuple):
    """Of n elements: the bits of tags and of class names, each with those of all ancestors, and one
    past the subtree."""

    tags: Ints
    names: Ints
    last: Ints


def _blocks(
    documents: list[Document],
    marked: list[Marked],
    texts: list[str],
    pieces: Pieces,
    inherited: _Inherited,
) -> tuple[Ints, Ints, Blocks]:
    """Return the block of each of k pieces, one past the last block of each page, and the
    blocks."""
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
        following = np.minimum.accumulate(np.where(piece_blocks >= 0, piece_blocks, blocks)[::-1])[
            ::-1
        ]
        piece_blocks = np.where(previous == following, previous, -1)
    firsts = seen[new]
    linked = (inherited.tags[pieces.elements[seen]] & LINK) != 0

    new_places = np.flatnonzero(new)
    bits, names = (
        np.bitwise_and.reduceat(values[pieces.elements[seen]], new_places)
        if blocks
        else np.zeros(0, np.int64)
        for values in (inherited.tags, inherited.names)
    )
    # A block lies in the subtrees of the ancestors of the element that its first text lies in, and
    # of no other.
    homes = pieces.elements[firsts]
    last = inherited.last
    first = np.searchsorted(pieces.started[firsts], np.arange(len(last)))
    before_element = np.concatenate([[0], np.cumsum(np.bincount(homes, minlength=len(last)))])
    after = first + before_element[last] - before_element[:-1]
    sums = np.add.reduceat(per_piece[:, seen], new_places, axis=1) if blocks else per_piece[:, :0]
    in_links = (
        np.add.reduceat(per_piece[0, seen] * linked, new_places) if blocks else per_piece[0, :0]
    )
    del per_piece
    low, high = (sums & _LOW).astype(np.float32), (sums >> _HALF).astype(np.float32)
    single = np.bincount(number, minlength=blocks)
    block_ends = np.searchsorted(firsts, pieces.ends)
    maybe = (single == 1) & (high[0] >= _SHORT_TITLE) & (low[0] <= _MAX_TITLE)
    return (
        piece_blocks,
        block_ends,
        Blocks(
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
            in_article_body=_in_article_bodies(marked, points, starts, firsts, block_ends),
            in_title=_in_title(documents, texts, firsts, maybe, block_ends),
        ),
    )


def _in_title(
    documents: list[Document],
    texts: list[str],
    firsts: Ints,
    maybe: npt.NDArray[np.bool_],
    block_ends: Ints,
) -> npt.NDArray[np.bool_]:
    """Tell which of m blocks, all of one piece of text, are part of their page's title."""
    titles = []
    for document in documents:
        element = document.select_one("title")
        titles.append(" ".join(element.text.split())[:_MAX_TITLE] if element else "")
    places = np.flatnonzero(maybe)
    pages = np.searchsorted(block_ends, places, side="right").tolist()
    found = np.zeros(len(firsts), bool)
    for place, piece, page in zip(places.tolist(), firsts[places].tolist(), pages, strict=True):
        if title := titles[page]:
            text = texts[piece]
            # most blocks fail here, before a paragraph is cut into words
            first_word = text.split(None, 1)[0]
            found[place] = first_word in title and " ".join(text.split()) in title
    return found


def _in_article_bodies(
    marked: list[Marked], points: Ints, starts: Ints, firsts: Ints, block_ends: Ints
) -> npt.NDArray[np.int8]:
    """Tell (1 or 0; -1 on pages that have none) which of m blocks begin with a window of their
    article's text.

    Some pages repeat that text for crawlers. `starts` are where the k pieces begin among all code
    points.
    """
    found = np.full(len(firsts), -1, np.int8)
    edges = [0, *block_ends.tolist()]
    for page, own in enumerate(marked):
        bodies = [body for script in own.structured for body in _ARTICLE_BODY.findall(script)]
        blocks = slice(edges[page], edges[page + 1])
        if bodies and blocks.start < blocks.stop:
            # Between the blocks of two pages stands white space alone, which says nothing.
            begin = int(starts[firsts[blocks.start]])
            end = int(starts[firsts[blocks.stop]]) if blocks.stop < len(firsts) else len(points)
            body = " ".join(json.loads(body, strict=False) for body in bodies)
            found[blocks] = _in_article_body(
                body, points[begin:end], starts[firsts[blocks]] - begin
            )
    return found


def _in_article_body(body: str, points: Ints, starts: Ints) -> npt.NDArray[np.int8]:
    """Tell of the blocks that start at some places of a page's text; -1 if the article says next to
    nothing."""
    classes = letters().classes
    said = as_code_points(body)
    said = said[classes[said] != SPACE]
    if len(said) < _WINDOW:
        return np.full(len(starts), -1, np.int8)
    is_said = classes[points] != SPACE
    stream = np.concatenate([points[is_said], np.zeros(_WINDOW, np.int64)]).astype(np.uint64)
    places = np.cumsum(is_said)[starts] - is_said[starts] if len(starts) else starts
    powers = np.cumprod(np.full(_WINDOW, _PATH_STEP), dtype=np.uint64)
    begin = (stream[places[:, None] + np.arange(_WINDOW)] * powers[::-1]).sum(
        axis=1, dtype=np.uint64
    )
    # A polynomial of 2 k code points is that of the first k, moved up by k places, and that of the
    # other k.
    windows, width = said.astype(np.uint64) * powers[0], 1
    while width < _WINDOW:
        windows = windows[:-width] * powers[width - 1] + windows[width:]
        width *= 2
    windows.sort()
    return (windows.take(np.searchsorted(windows, begin), mode="clip") == begin).astype(np.int8)
