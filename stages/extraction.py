"""Turn the raw bytes of pages into the text of their main content.

Extractors that weigh the number of words in a block lose text in scripts without spaces: resiliparse's own main-content
rules drop most table cells and list items of Japanese and Korean manuals. Which encoding a page is in is decided in
`stages.reading.page_encoding`.

Engines on 375 labelled pages of 67 kB, of 26 documentation generators in 20 languages, 6 of the generators held out
(`python -m tests.benchmarks.extraction`; precision, recall and F1 of main text, means over generators):

    engine        precision  recall  F1     held out: precision  recall  F1     pages a CPU second
    selectors     0.977      0.981   0.976            0.971      0.990   0.980  181
    resiliparse   0.938      0.920   0.918            0.972      0.925   0.945  152
    whole_page    0.831      0.995   0.884            0.879      0.992   0.928  226
    trafilatura   0.938      0.856   0.881            0.967      0.856   0.896  16, not offered

`selectors` leaves out what the page itself marks as something else than content: HTML's sectioning elements, ARIA
landmark roles, and class names and ids that templates the world over give to navigation. It looks at no word, no
length and no language, so it does the same in every script.

Sources: WHATWG HTML (parsing, content models), WAI-ARIA 1.2 (landmark roles).
"""

from __future__ import annotations

import itertools
import re
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from schemas.columns import require_columns
from schemas.document import RECORD
from stages.batches import StageConfig, set_columns
from stages.reading.page_encoding import decode_page

_PARTS_OF_NAMES = ("breadcrumb", "cookie", "footer", "menu", "nav", "sidebar")
_WHOLE_NAMES = (
    *("banner", "header", "headerlink", "pager", "pagination", "permalink", "related", "search", "share", "skip-link"),
    "social",
)
_ROLES = ("banner", "complementary", "contentinfo", "dialog", "menu", "menubar", "navigation", "search")


def _boilerplate_selector() -> str:
    """Select what is left out. The cheapest test stands first in each part, which more than halves the time."""

    def any_of(selectors: list[str]) -> str:
        return f":is({', '.join(selectors)})"

    def named(attribute: str) -> str:
        parts = [f'[{attribute}*="{part}" i]' for part in _PARTS_OF_NAMES]
        return any_of([*parts, f'[{attribute}^="toc" i]', *(f'[{attribute}~="{name}" i]' for name in _WHOLE_NAMES)])

    # A container that holds the page's title or its main element is the page, whatever its name says.
    container = ":is(div, ul, ol, dl, table, td, p, section, menu, a):not(:has(h1, main, article))"
    return ", ".join(
        [
            "nav, aside, dialog, form, button, select, [hidden], body > header, body > footer",
            "[role]" + any_of([f'[role="{role}"]' for role in _ROLES]),
            *(f"[{attribute}]{named(attribute)}{container}" for attribute in ("class", "id")),
        ]
    )


BOILERPLATE_SELECTOR = _boilerplate_selector()

HTML_MEDIA_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_TEXT_MEDIA_TYPE = "text/plain"

_REPLACEMENT = "\ufffd"

# By the standard's own rules some markup is quadratic to parse or to lay out, so that 40 kB could take gigabytes, and a
# megabyte hours: attributes of one element, formatting elements left open (every later paragraph opens them again, at
# about 360 bytes each in resiliparse 2.0.1), nested lists (each level indents the text), nested containers (`:has`
# looks through each). Browsers stop at a depth of 512.
_MAX_ATTRIBUTES = 2048
_MAX_DEPTH = 512
_MAX_LIST_DEPTH = 64
_SHORT_PAGE = 32_768  # code points; too short to hold so many attributes that they cost a second
_MAX_REOPENED = 1_000_000
_FEW_TAGS = 1000  # too few for any of that but the attributes to cost a second or half a gigabyte
_FORMATTING = (
    "b",
    "big",
    "code",
    "em",
    "font",
    "i",
    "s",
    "small",
    "strike",
    "strong",
    "tt",
    "u",
)  # `a` ends an open `a`
_LISTS = ("dir", "menu", "ol", "ul")
_NESTED = ("dialog", "div", "dl", "legend", "optgroup", "search", "section", "summary", "table", *_LISTS)
_TAG = re.compile(r"</?[a-z][a-z0-9]*")
_TAG_CODES = {
    f"{begin}{name}": code
    for code, (begin, name) in enumerate(itertools.product(("<", "</"), (*_NESTED, *_FORMATTING)), start=1)
}
_ATTRIBUTE_RUN = re.compile(
    rf"""<[a-z](?:[^\s>"'=/]*+(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"']++))?+[\s/"']++){{{_MAX_ATTRIBUTES}}}""", re.I
)

# Block elements that resiliparse 2.0.1 writes without a line break, so that words grow together.
_UNSEPARATED = "dialog, dir, legend, menu, optgroup, search, summary, table"
_BLANK_LINES = re.compile(r"\n(?:[^\S\n]*+\n)+")
_MAX_LANGUAGE_TAG = 64  # the longest registered BCP 47 tag has 25 code points


class ExtractionConfig(StageConfig):
    """Options of `extract_text`."""

    stage: Literal["extract_text"] = "extract_text"
    engine: Literal["selectors", "resiliparse", "whole_page"] = Field(
        default="selectors",
        description="How main content is found: `selectors` leaves out what the page's own elements, roles and names "
        "mark as navigation (best measured F1, the same in every script); `resiliparse` uses that library's rules "
        "(loses short blocks in scripts without spaces); `whole_page` keeps all visible text.",
    )
    max_html_bytes: int = Field(
        default=16 * 1024 * 1024,
        ge=1,
        description="Largest page that is parsed; a larger one fails. A parsed page takes about 20 times its size.",
    )
    max_damaged_share: float = Field(
        default=0.005,
        ge=0,
        le=1,
        description="Largest share of the text's code points that may be U+FFFD, the mark of a byte that could not be "
        "decoded; a page with more fails. The default forgives a stray byte in a paragraph, not a wrong encoding.",
    )


class Page(NamedTuple):
    """What a page says: its main text, and the language it declares for itself (as written; None if it does not)."""

    text: str
    declared_language: str | None


def refuse_hostile_markup(html: str) -> None:
    """Raise ValueError for markup that the standard's own rules make quadratic to parse (see the limits)."""
    few_tags = html.count("<") <= _FEW_TAGS
    if few_tags and len(html) <= _SHORT_PAGE:
        return
    if len(html) > _SHORT_PAGE and _ATTRIBUTE_RUN.search(html):
        raise ValueError(f"an element must have fewer than {_MAX_ATTRIBUTES} attributes")
    if few_tags:
        return
    tags = _TAG.findall(html.encode().lower().decode())  # ASCII letters only, as in HTML, and ten times as fast
    codes = np.fromiter(map(_TAG_CODES.get, tags, itertools.repeat(0)), np.int64, len(tags))

    def depth(*names: str) -> npt.NDArray[np.int64]:
        step = np.zeros(len(_TAG_CODES) + 1, np.int64)
        step[[_TAG_CODES[f"<{name}"] for name in names]] = 1
        step[[_TAG_CODES[f"</{name}"] for name in names]] = -1
        level = np.cumsum(step[codes])
        # A closing tag that closes nothing is ignored, so the depth is counted from the lowest level so far.
        return level - np.minimum.accumulate(np.minimum(level, 0))

    for names, limit in ((_NESTED, _MAX_DEPTH), (_LISTS, _MAX_LIST_DEPTH)):
        if (deepest := depth(*names).max(initial=0)) > limit:
            raise ValueError(f"{', '.join(names)} must be nested at most {limit} deep, got {deepest}")
    still_open = np.sum([depth(name) for name in _FORMATTING], axis=0)
    if still_open.sum() <= _MAX_REOPENED:
        return
    opens = np.fromiter((tag[1] != "/" and tag[1:] not in _FORMATTING for tag in tags), bool, len(tags))
    if (reopened := int(np.sum(still_open * opens))) > _MAX_REOPENED:
        raise ValueError(
            f"formatting elements left open must be reopened at most {_MAX_REOPENED} times, got {reopened}"
        )


def read_page(html: str, config: ExtractionConfig) -> Page:
    """Parse a page once, and take its main text and declared language from the one tree.

    Block elements become lines, paragraphs are apart by an empty line, `pre` keeps its spaces, a level of a list
    indents by two, table cells of a row are apart by tabs; several empty lines become one. Scripts, styles, comments,
    images' alternative texts and list bullets are left out; every other code point of the text stays as it is, but for
    runs of ASCII white space. Raises ValueError as `refuse_hostile_markup` does.
    """
    refuse_hostile_markup(html)
    tree = HTMLTree.parse(html.replace("\0", ""))
    _separate_blocks(tree)
    text = extract_plain_text(
        tree,
        preserve_formatting=True,
        main_content=config.engine == "resiliparse",
        list_bullets=False,
        alt_texts=False,
        skip_elements=[BOILERPLATE_SELECTOR] if config.engine == "selectors" else None,
    )
    return Page(_BLANK_LINES.sub("\n\n", f"\n{text}\n").strip("\n"), _declared_language(tree))


def _separate_blocks(tree: HTMLTree) -> None:
    # `values` takes a linear pass; iterating over the collection itself takes a quadratic one (resiliparse 2.0.1).
    for block in tree.document.query_selector_all(_UNSEPARATED).values() if tree.document else ():
        before, within = tree.create_element("br"), tree.create_element("br")
        if block.parent is not None and before is not None and within is not None:  # always so; the types allow None
            block.parent.insert_before(before, block)
            block.append_child(within)


def _declared_language(tree: HTMLTree) -> str | None:
    for selector, attributes in (
        ("html", ("lang", "xml:lang")),
        ('meta[http-equiv="content-language" i]', ("content",)),
        ("body", ("lang", "xml:lang")),
    ):
        node = tree.document.query_selector(selector) if tree.document else None
        for attribute in attributes:
            language = (node.getattr(attribute) or "").strip() if node else ""
            if 0 < len(language) <= _MAX_LANGUAGE_TAG:
                return language
    return None


def extract_row(raw: bytes, media_type: str, charset: str | None, config: ExtractionConfig) -> Page:
    """Decode and extract one payload; raises ValueError if it is too large, damaged, hostile, or of another type."""
    if media_type not in HTML_MEDIA_TYPES and media_type != _TEXT_MEDIA_TYPE:
        known = ", ".join(sorted({*HTML_MEDIA_TYPES, _TEXT_MEDIA_TYPE}))
        raise ValueError(f"media type must be one of {known}, got {media_type!r}")
    if len(raw) > config.max_html_bytes:
        raise ValueError(f"page of {len(raw)} bytes is over max_html_bytes {config.max_html_bytes}")
    decoded = decode_page(raw, charset, media_type)
    page = Page(decoded.replace("\0", ""), None) if media_type == _TEXT_MEDIA_TYPE else read_page(decoded, config)
    damaged = page.text.count(_REPLACEMENT) + decoded.count("\0")
    if damaged > config.max_damaged_share * len(page.text):
        raise ValueError(
            f"{damaged} of {len(page.text)} code points could not be decoded, over max_damaged_share "
            f"{config.max_damaged_share}"
        )
    return page


def extract_text(batch: pa.RecordBatch, config: ExtractionConfig) -> pa.RecordBatch:
    """Fill `text` of n records from `raw` where it is null: n rows in, the same n rows in the same order out.

    Rows that have text keep it, and their `raw`. `declared_language` is filled from the page where the source gave
    none. A row with neither text nor raw bytes gets an empty text. Text of media type text/plain is only decoded.

    Raises SchemaError if a column is missing or mistyped, and ValueError for a page that cannot be extracted; the guard
    in `stages.batches` then finds the page by halving the block.
    """
    require_columns(batch, RECORD, ("text", "raw", "media_type", "charset", "declared_language"))
    texts, languages = batch["text"].to_pylist(), batch["declared_language"].to_pylist()
    media_types, charsets = batch["media_type"].to_pylist(), batch["charset"].to_pylist()
    # A loop over documents: the parser takes one page a call and offers no batch call. Raw bytes are not copied twice.
    for row, text in enumerate(texts):
        if text is not None:
            continue
        raw = batch["raw"][row].as_py()
        if raw is None:
            texts[row] = ""
            continue
        page = extract_row(raw, (media_types[row] or "text/html").lower(), charsets[row], config)
        texts[row] = page.text
        languages[row] = languages[row] or page.declared_language
    return set_columns(
        batch, text=pa.array(texts, pa.large_string()), declared_language=pa.array(languages, pa.string())
    )
