"""What kind of page it is, and whether it shows its content at all: by cheap evidence, in no
language.

Evidence is what the page states of itself (schema.org types in JSON-LD and microdata, Open Graph,
`generator`), and the shape of its text: how much of it stands in links, in repeated boxes, in code.
The first rule that holds decides:

    forum      a discussion by its schema or software, or posts in repeated boxes with their own authors or times,
               unless most have a title of their own, as teasers and entries of a live blog have, or they are comments
               below an article
    product    a product by its schema, or a price stated as data
    manual     software that writes manuals says so, or code and definitions make up much of the text
    article    an article by its schema or Open Graph, or several paragraphs of running text
    listing    most of the text stands in links, or headings with teasers repeat
    other      none of these
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from turbohtml import Document

from stages.extraction.class_names import BIT, CHALLENGE, CONSENT, EVENT, LIVE
from stages.extraction.comments import ARTICLE_BLOCKS
from stages.extraction.features import LONG
from stages.extraction.layout import PAGE_STEP, Layout
from stages.extraction.letters import WEIGHT_UNIT
from stages.extraction.walk import TAG_BIT

Kind = Literal["article", "forum", "listing", "product", "manual", "other"]
Access = Literal["login", "paywall", "error", "challenge", "consent"]

_TYPE = re.compile(r'"@type"\s*:\s*(?:\[\s*)?"([A-Za-z]+)"')
_NOT_FREE = re.compile(r'"isAccessibleForFree"\s*:\s*"?false', re.IGNORECASE)
_FORUM_TYPES = frozenset({"DiscussionForumPosting", "QAPage", "Question"})
_PRODUCT_TYPES = frozenset({"Product", "ProductGroup", "IndividualProduct"})
_ARTICLE_TYPES = re.compile(r".*(?:Article|BlogPosting|Report)$|NewsArticle|Recipe$")
_LISTING_TYPES = frozenset({"CollectionPage", "ItemList", "SearchResultsPage"})
_FORUM_SOFTWARE = re.compile(
    r"phpbb|vbulletin|discourse|xenforo|flarum|mybb|smf|nodebb|invision|vanilla|punbb|fluxbb", re.I
)
_MANUAL_SOFTWARE = re.compile(
    r"sphinx|docusaurus|mkdocs|docbook|doxygen|javadoc|asciidoctor|gitbook|mdbook|rustdoc|texi2any|makeinfo|yard|"
    r"haddock|gtk-doc|gi-docgen|vitepress|libreoffice|latex2html|pandoc|antora|jsdoc|typedoc",
    re.IGNORECASE,
)
_MANUAL_STYLES = re.compile(r"pygments|docutils|asciidoctor|doxygen")
_STATUS = re.compile(
    r"(?<![\d.,:/-])(?:40[0134]|410|429|451|50[0234])(?:\.\d{1,2}(?= - ))?(?![\d.,:/-])"
)
# The scripts and frames of services that first ask a browser to prove itself: DataDome, Imperva,
# Cloudflare.
_CHALLENGES = ("captcha-delivery.com/", "_Incapsula_Resource", "/challenge-platform/h/")
_SMALL = (
    2000  # weighted letters; a wall of cookies that lists its languages and partners says as much
)
_MOST = 0.7  # of the running text stands in posts: a discussion, not an article with comments
_PARAGRAPHS = 4  # of an entry of a live blog, at most, for each title
_VERSE_SHARE = 0.93  # of the signs of a line; code and tables have more of other signs
_FEW = 600  # weighted letters; an error page says less
_MAX_TITLE = 200  # code points
_MAX_LINES = 10  # headings that may name an error
_MAX_LANGUAGE_TAG = 64  # the longest registered BCP 47 tag has 25 code points
_MAX_STRUCTURED = 1 << 20  # code points of JSON-LD that are looked at


class Stated:
    """What a page says of itself in its head, in JSON-LD and by the types of its microdata."""

    def __init__(
        self,
        document: Document,
        structured: Sequence[str],
        item_types: frozenset[str],
        weight: float,
    ) -> None:
        """Read a page that says so many weighted letters in all; walls are looked for on small pages
        alone."""
        is_small = weight < _SMALL
        data = "".join(structured)[:_MAX_STRUCTURED]
        self.types = item_types.union(_TYPE.findall(data))
        self.not_free = bool(_NOT_FREE.search(data))
        metas = {
            (element.attr("property") or element.attr("name") or "").lower(): element.attr(
                "content"
            )
            or ""
            for element in document.select(
                'meta[property="og:type"],meta[name="generator" i],meta[property^="product:"]'
            )
        }
        addresses = "\n".join(link.attr("href") or "" for link in document.select("link[href]"))
        self.of_manual = bool(_MANUAL_STYLES.search(addresses))
        self.og_type = metas.get("og:type", "").lower()
        self.generator = metas.get("generator", "")
        self.language = declared_language(document)
        title = document.select_one("title")
        self.title = title.text[:_MAX_TITLE] if title is not None else ""
        self.defines_functions = document.select_one("dl.function,dl.py") is not None
        self.asks_for_password = document.select_one('input[type="password" i]') is not None
        self.challenges = is_small and any(
            name in (element.attr("src") or "")
            for tag in ("script[src]", "iframe[src]")
            for element in document.select(tag)
            for name in _CHALLENGES
        )
        self.asks_for_consent = (
            is_small and document.select_one('form[action*="consent" i]') is not None
        )
        self.has_price = any(name.startswith("product:price") for name in metas)


def declared_language(document: Document) -> str | None:
    """Return the language that a page declares, as written."""
    for selector, attributes in (
        ("html", ("lang", "xml:lang")),
        ('meta[http-equiv="content-language" i]', ("content",)),
        ("body", ("lang", "xml:lang")),
    ):
        node = document.select_one(selector)
        for attribute in attributes:
            language = (node.attr(attribute) or "").strip() if node is not None else ""
            if 0 < len(language) <= _MAX_LANGUAGE_TAG:
                return language
    return None


def page_kinds(
    layout: Layout,
    kept: npt.NDArray[np.bool_],
    in_posts: npt.NDArray[np.bool_],
    stated: Sequence[Stated],
) -> list[Kind]:
    """Name the kind of each of p pages, some of whose m blocks are kept as main content, some parts
    of posts."""
    blocks, weights = layout.blocks, layout.blocks.weights
    running = (weights >= LONG) & (blocks.link_weights < 0.4 * weights)
    code = (blocks.bits & (TAG_BIT["pre"] | TAG_BIT["dt"] | TAG_BIT["dd"] | TAG_BIT["code"])) != 0
    # Verse and letters are set in `pre`, too; they have next to nothing but letters, marks and commas.
    letters = blocks.weights + blocks.marks + blocks.commas
    verse = ((blocks.bits & TAG_BIT["pre"]) != 0) & ((blocks.bits & TAG_BIT["code"]) == 0)
    code &= ~(verse & (letters >= _VERSE_SHARE * blocks.code_points))
    headings = (blocks.bits & (TAG_BIT["h2"] | TAG_BIT["h3"] | TAG_BIT["h4"])) != 0
    linked_headings = kept & headings & (blocks.link_weights > 0.5 * weights)
    comment = (blocks.names & BIT["comment"]) != 0
    columns = (
        layout.page_totals(weights, running & in_posts & ~_of_listing(layout, in_posts)),
        layout.page_totals(weights, running & in_posts & comment),
        layout.page_totals(running, running & kept & ~in_posts & ~comment),
        layout.page_totals(weights, running & (in_posts | kept)),
        layout.page_totals(weights, kept),
        layout.page_totals(weights, kept & code),
        layout.page_totals(blocks.link_weights, kept),
        layout.page_totals(weights, kept & running),
        layout.page_totals(running, kept & running),
        layout.page_totals(linked_headings, linked_headings),
    )
    shapes = map(Shape, *(column.tolist() for column in columns))
    return [_page_kind(*page) for page in zip(shapes, stated, strict=True)]


def _of_listing(layout: Layout, in_posts: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Tell which of m blocks lie on pages whose posts have titles that differ: linked ones, as on a
    blog's front page, or one for every few paragraphs, as in a live blog; or that name what happens
    when.

    In a forum all posts have the title of their topic, or none.
    """
    blocks = layout.blocks
    headings = (blocks.bits & sum(TAG_BIT[f"h{level}"] for level in range(1, 5))) != 0
    above = layout.inherited_names[layout.parents[blocks.elements]]
    of_author = (blocks.names & ~above & BIT["meta"]) != 0
    titles = in_posts & headings & ~of_author
    linked = titles & (blocks.link_weights > 0.5 * blocks.weights)
    unlinked = titles & ~linked & ((blocks.names & BIT["comment"]) == 0)
    running = layout.page_totals(in_posts, blocks.weights >= LONG)
    of_time = layout.any_of(in_posts & ((blocks.names & (EVENT | LIVE)) != 0))
    found = of_time | _differ(layout, linked, np.full(len(running), 3.0))
    found |= _differ(layout, unlinked, np.maximum(running / _PARAGRAPHS, 3))
    return found[layout.block_pages]


def _differ(
    layout: Layout, titles: npt.NDArray[np.bool_], fewest: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Tell of p pages whether most of their titles differ, so many or more."""
    places = np.flatnonzero(titles)
    keys = layout.blocks.keys[places] + PAGE_STEP * layout.block_pages[places].astype(np.uint64)
    different = places[np.unique(keys, return_index=True)[1]]
    counts, differing = (
        np.bincount(layout.block_pages[some], minlength=len(layout.block_ends))
        for some in (places, different)
    )
    found: npt.NDArray[np.bool_] = (differing >= fewest) & (differing > _MOST * counts)
    return found


class Shape(NamedTuple):
    """What a page's blocks say, in weighted letters and as numbers of blocks."""

    posted: float  # running text in posts, each of which does not have a linked title of its own
    commented: float  # running text in posts of a region named for comments
    uncommented_blocks: float  # of running text that is kept, in no post and no such region
    posted_or_kept: float
    kept: float
    code: float  # kept, as are all that follow
    linked: float
    running: float
    running_blocks: float
    linked_headings: float


def _page_kind(shape: Shape, stated: Stated) -> Kind:
    types = stated.types
    said = max(shape.kept, 1.0)
    stated_article = (
        any(_ARTICLE_TYPES.match(name) for name in types) or stated.og_type == "article"
    )
    # The questions of a page of answers (FAQPage) are none of its readers.
    asked = bool(types & _FORUM_TYPES) and "FAQPage" not in types
    if asked or _FORUM_SOFTWARE.search(stated.generator):
        return "forum"
    has_comments = (
        shape.commented > _MOST * shape.posted and shape.uncommented_blocks >= ARTICLE_BLOCKS
    )
    posted = shape.posted > _MOST * max(shape.posted_or_kept, 1.0)
    if posted and not stated_article and not has_comments:
        return "forum"
    if types & _PRODUCT_TYPES or stated.og_type.startswith("product") or stated.has_price:
        return "product"
    if _MANUAL_SOFTWARE.search(stated.generator) or stated.of_manual or stated.defines_functions:
        return "manual"
    if shape.code > 0.3 * said:
        return "manual"
    if stated_article:
        return "article"
    teasers = shape.linked_headings >= max(4, 0.4 * shape.running_blocks)
    if types & _LISTING_TYPES or shape.linked > 0.5 * said or teasers:
        return "listing"
    if shape.running_blocks >= ARTICLE_BLOCKS or shape.running >= 300:
        return "article"
    return "other"


def in_posts(layout: Layout) -> npt.NDArray[np.bool_]:
    """Tell which of m blocks are parts of posts: boxes of one path with running text, each with an
    author or time, or named a comment.

    The path must be that of siblings' kind: equal tags and class names from the root down. Boxes
    next to such, of another class (a moderator's post), are posts too.
    """
    blocks = layout.blocks
    edges = np.zeros(len(blocks.weights) + 1, np.int64)
    # `message` is a name of notices, and of what is said in chats and channels.
    boxes = BIT["comment"] | BIT["item"] | BIT["main"] | BIT["notice"]
    candidates = np.flatnonzero((layout.own_names & boxes) != 0)
    named = (layout.own_names & BIT["comment"]) != 0
    candidates = candidates[((blocks.last - blocks.first)[candidates] >= 2) | named[candidates]]
    # whose sums are exact
    tenths = np.rint((blocks.weights - blocks.link_weights) * WEIGHT_UNIT).astype(np.int64)
    said = np.concatenate([[0], np.cumsum(tenths)])
    text = said[blocks.last[candidates]] - said[blocks.first[candidates]]
    signed = np.zeros(len(layout.parents) + 1, np.int64)
    # What holds running text, such as a `text-editor`, is no name and date.
    running = np.concatenate([[0], np.cumsum(blocks.weights >= LONG)])
    short = running[blocks.last] == running[blocks.first]
    signed[1:] = np.cumsum(
        short & (((layout.own & TAG_BIT["time"]) != 0) | ((layout.own_names & BIT["meta"]) != 0))
    )
    authors = signed[layout.last[candidates]] - signed[candidates]
    signed_or_named = (authors >= 1) | named[candidates]
    good = candidates[(text >= LONG * int(WEIGHT_UNIT)) & signed_or_named]
    page = np.searchsorted(layout.element_ends, good, side="right")
    path = layout.path[good] + PAGE_STEP * page.astype(np.uint64)
    # Stripes make two paths of siblings (`bg1` and `bg2`): those have the same tag and groups of names.
    alike = layout.parents[good].astype(np.uint64)
    for values in (layout.own, layout.own_names):
        alike = alike * PAGE_STEP + values[good].astype(np.uint64)
    often = np.zeros(len(good), bool)
    for boxes in (path, alike):
        _, which, counts = np.unique(boxes, return_inverse=True, return_counts=True)
        often |= (counts >= 3)[which]
    repeated = good[often]
    posts = good[np.isin(layout.parents[good], layout.parents[repeated])]
    np.add.at(edges, blocks.first[posts], 1)
    np.add.at(edges, blocks.last[posts], -1)
    return np.cumsum(edges)[:-1] > 0


def page_access(
    layout: Layout, kept: npt.NDArray[np.bool_], stated: Sequence[Stated]
) -> list[Access | None]:
    """Tell of p pages which stand in the place of their content: a form to log in, a paywall, an
    error, a check of the browser, a question for consent."""
    blocks = layout.blocks
    access: list[Access | None] = ["paywall" if own.not_free else None for own in stated]
    headings = ((blocks.bits & (TAG_BIT["h1"] | TAG_BIT["h2"])) != 0) & (
        blocks.weights + blocks.digits < 60
    )
    shown, roots = headings | blocks.in_title, layout.documents
    # A loop over the pages that say little: few of a crawl.
    for page in np.flatnonzero(layout.page_totals(blocks.weights, kept) < _FEW).tolist():
        begin, end = layout.block_begins[page], layout.block_ends[page]
        pieces = blocks.first_pieces[begin:end][shown[begin:end]][:_MAX_LINES].tolist()
        lines = [layout.texts[piece][:_MAX_TITLE] for piece in pieces]
        names = int(np.bitwise_or.reduce(layout.own_names[roots[page] : layout.element_ends[page]]))
        if any(_STATUS.search(line) for line in (stated[page].title, *lines)):
            access[page] = "error"
        elif stated[page].challenges or names & CHALLENGE:
            access[page] = "challenge"
        elif stated[page].asks_for_password:
            access[page] = "login"
        elif stated[page].asks_for_consent or names & CONSENT:
            access[page] = "consent"
    return access


def without_status(
    layout: Layout, kept: npt.NDArray[np.bool_], access: Sequence[Access | None]
) -> npt.NDArray[np.bool_]:
    """Leave out the bare number of an error where the page also says it in words."""
    blocks = layout.blocks
    errors = np.array([value == "error" for value in access], bool)
    bare = kept & (blocks.weights == 0) & (blocks.digits == 3) & errors[layout.block_pages]
    if not bare.any():
        return kept
    said = layout.any_of(kept & (blocks.weights >= LONG))
    for block in np.flatnonzero(bare & said[layout.block_pages]).tolist():
        kept[block] = _STATUS.fullmatch(layout.texts[blocks.first_pieces[block]].strip()) is None
    return kept
