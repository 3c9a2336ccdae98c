"""What kind of page it is, and whether it shows its content at all: by cheap evidence, in no language.

Evidence is what the page states of itself (schema.org types in JSON-LD and microdata, Open Graph, `generator`), and the
shape of its text: how much of it stands in links, in repeated boxes, in code. The first rule that holds decides:

    forum      a discussion by its schema or software, or posts in repeated boxes with their own authors or times
    product    a product by its schema, or a price stated as data
    manual     software that writes manuals says so, or code and definitions make up much of the text
    article    an article by its schema or Open Graph, or several paragraphs of running text
    listing    most of the text stands in links, or headings with teasers repeat
    other      none of these
"""

from __future__ import annotations

import re
from typing import Literal

import numpy as np
import numpy.typing as npt
from turbohtml import Document

from stages.extraction.class_names import BIT
from stages.extraction.features import LONG
from stages.extraction.walk import TAG_BIT, Tree

Kind = Literal["article", "forum", "listing", "product", "manual", "other"]
Access = Literal["login", "paywall", "error"]

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
_STATUS = re.compile(r"(?<![\d.,:/-])(?:40[0134]|410|429|451|50[0234])(?:\.\d{1,2}(?= - ))?(?![\d.,:/-])")
_MOST = 0.7  # of the running text stands in posts: a discussion, not an article with comments
_FEW = 600  # weighted letters; an error page says less
_MAX_TITLE = 200  # code points
_MAX_LANGUAGE_TAG = 64  # the longest registered BCP 47 tag has 25 code points
_MAX_STRUCTURED = 1 << 20  # code points of JSON-LD that are looked at


class Stated:
    """What a page says of itself in its head, and what else its attributes tell of its kind."""

    def __init__(self, document: Document) -> None:
        data = "".join(element.text for element in document.select('script[type="application/ld+json"]'))[
            :_MAX_STRUCTURED
        ]
        self.types = set(_TYPE.findall(data))
        self.types |= {(element.attr("itemtype") or "").rsplit("/", 1)[-1] for element in document.select("[itemtype]")}
        self.not_free = bool(_NOT_FREE.search(data))
        metas = {
            (element.attr("property") or element.attr("name") or "").lower(): element.attr("content") or ""
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


def page_kind(tree: Tree, kept: npt.NDArray[np.bool_], stated: Stated) -> Kind:
    """Name the kind of a page of m blocks, some of them kept as main content."""
    blocks = tree.blocks
    types = stated.types
    stated_article = any(_ARTICLE_TYPES.match(name) for name in types) or stated.og_type == "article"
    if types & _FORUM_TYPES or _FORUM_SOFTWARE.search(stated.generator):
        return "forum"
    if not stated_article and _posts_share(tree, kept) > _MOST:
        return "forum"
    if types & _PRODUCT_TYPES or stated.og_type.startswith("product") or stated.has_price:
        return "product"
    said = max(float(blocks.weights[kept].sum()), 1.0)
    if _MANUAL_SOFTWARE.search(stated.generator) or stated.of_manual or stated.defines_functions:
        return "manual"
    code = TAG_BIT["pre"] | TAG_BIT["dt"] | TAG_BIT["dd"] | TAG_BIT["code"]
    if float(blocks.weights[kept & ((blocks.bits & code) != 0)].sum()) > 0.3 * said:
        return "manual"
    if stated_article:
        return "article"
    linked = float(blocks.link_weights[kept].sum())
    running = kept & (blocks.weights >= LONG) & (blocks.link_weights < 0.4 * blocks.weights)
    headings = kept & ((blocks.bits & sum(TAG_BIT[f"h{level}"] for level in range(2, 5))) != 0)
    linked_headings = headings & (blocks.link_weights > 0.5 * blocks.weights)
    if types & _LISTING_TYPES or linked > 0.5 * said or linked_headings.sum() >= max(4, 0.4 * running.sum()):
        return "listing"
    if running.sum() >= 3 or float(blocks.weights[running].sum()) >= 300:
        return "article"
    return "other"


def _posts_share(tree: Tree, kept: npt.NDArray[np.bool_]) -> float:
    """Return the share of running text, kept or posted, that stands in posts; comments below an article are less."""
    blocks = tree.blocks
    inside = np.zeros(len(kept), bool)
    for element in posts(tree):
        inside[blocks.first[element] : blocks.last[element]] = True
    running = (blocks.weights >= LONG) & (blocks.link_weights < 0.4 * blocks.weights)
    said = float(blocks.weights[running & (inside | kept)].sum())
    return float(blocks.weights[running & inside].sum()) / max(said, 1.0)


def posts(tree: Tree) -> list[int]:
    """Return the elements that are posts: boxes of one path with running text, each with its own author or time.

    The path must be that of siblings' kind: equal tags and class names from the root down. Boxes next to such, of
    another class (a moderator's post), are posts too.
    """
    candidates = np.flatnonzero((tree.own_names & (BIT["comment"] | BIT["item"] | BIT["main"])) != 0)
    candidates = candidates[(tree.blocks.last - tree.blocks.first)[candidates] >= 2]
    if len(candidates) < 2:
        return []
    said = np.concatenate([[0.0], np.cumsum(tree.blocks.weights - tree.blocks.link_weights)])
    text = said[tree.blocks.last[candidates]] - said[tree.blocks.first[candidates]]
    signed = np.zeros(len(tree.parents) + 1, np.int64)
    # What holds running text, such as a `text-editor`, is no name and date.
    running = np.concatenate([[0], np.cumsum(tree.blocks.weights >= LONG)])
    short = running[tree.blocks.last] == running[tree.blocks.first]
    signed[1:] = np.cumsum(short & (((tree.own & TAG_BIT["time"]) != 0) | ((tree.own_names & BIT["meta"]) != 0)))
    authors = signed[tree.last[candidates]] - signed[candidates]
    good = candidates[(text >= LONG) & (authors >= 1)]
    paths, counts = np.unique(tree.path[good], return_counts=True)
    repeated = good[np.isin(tree.path[good], paths[counts >= 3])]
    return good[np.isin(tree.parents[good], tree.parents[repeated]) | np.isin(good, repeated)].tolist()


def page_access(tree: Tree, kept: npt.NDArray[np.bool_], stated: Stated) -> Access | None:
    """Tell whether a page stands in the place of its content: a form to log in, a paywall, an error."""
    blocks = tree.blocks
    said = float(blocks.weights[kept].sum())
    if said < _FEW:
        headings = ((blocks.bits & (TAG_BIT["h1"] | TAG_BIT["h2"])) != 0) & (blocks.weights + blocks.digits < 60)
        places = np.flatnonzero(headings | blocks.in_title)
        lines = [tree.texts[blocks.first_pieces[place]][:_MAX_TITLE] for place in places[:10].tolist()]
        if any(_STATUS.search(line) for line in (stated.title, *lines)):
            return "error"
        if stated.asks_for_password:
            return "login"
    return "paywall" if stated.not_free else None
