"""Turn the raw bytes of pages into the text of their main content.

Which encoding a page is in is decided in `stages.reading.page_encoding`. The default engine walks once through the page
(`walk`), scores each block of text (`features`, `trees`, `model`), chooses (`choice`, `comments`) and writes what it
kept (`rendering`, `markdown`). It knows no word and no language, and does the same in every script. What kind of page
it was, whether it showed its content at all, and which fall-back was needed are columns (PAGE_MARKS).

Sources: WHATWG HTML (parsing), WHATWG MIME Sniffing (bytes of another type).
"""

from __future__ import annotations

import html as html_entities
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from turbohtml import Document, parse

from schemas.columns import require_columns
from schemas.document import PAGE_MARKS, RECORD
from stages.batches import Filtered, reject, set_columns
from stages.extraction.choice import choose
from stages.extraction.comments import with_comments
from stages.extraction.engines import resiliparse, selectors, trafilatura
from stages.extraction.feeds import read_feed
from stages.extraction.kinds import Stated, page_access, page_kind
from stages.extraction.markdown import render_markdown
from stages.extraction.markup import (
    bound_formatting,
    close_empty_elements,
    has_markup,
    is_feed,
    is_xhtml,
    other_media_type,
)
from stages.extraction.model import score_blocks, shipped_model
from stages.extraction.options import ExtractionConfig
from stages.extraction.rendering import render
from stages.extraction.walk import Tree, walk_visible
from stages.reading.page_encoding import decode_page

HTML_MEDIA_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_TEXT_MEDIA_TYPE = "text/plain"

_REPLACEMENT = "\ufffd"
_MAX_LANGUAGE_TAG = 64  # the longest registered BCP 47 tag has 25 code points


Score = Callable[[Tree], "npt.NDArray[np.float32] | None"]


class Page(NamedTuple):
    """What a page says: its main text, the language it declares (as written), and what PAGE_MARKS say of it."""

    text: str
    declared_language: str | None = None
    kind: str | None = None
    access: str | None = None
    fallback: str | None = None


def read_page(html: str, config: ExtractionConfig, media_type: str = "text/html") -> Page:
    """Parse a page once, and take its main text and all else from the one tree.

    The layout of the text is that of `stages.extraction.rendering`. Scripts, styles, comments, images' alternative
    texts and list bullets are left out; every other code point of the text stays as it is, but for runs of ASCII white
    space. Raises ValueError for markup that the engine cannot parse in linear time (none, for `blocks`).
    """
    octets = html.encode("utf-8", "surrogatepass")  # searched several times faster than a text
    if b"\0" in octets:
        html, octets = html.replace("\0", ""), octets.replace(b"\0", b"")
    if not has_markup(html):
        return Page(html_entities.unescape(html).strip("\r\n"))
    if is_feed(html):
        return Page(read_feed(html), kind="listing")
    if is_xhtml(html, media_type):
        html = close_empty_elements(html)
        octets = html.encode("utf-8", "surrogatepass")
    html = bound_formatting(html, octets)
    if config.engine in ("blocks", "whole_page"):
        return read_blocks(html, config)
    find = {"selectors": selectors, "resiliparse": resiliparse, "trafilatura": trafilatura}[config.engine]
    text = find(html)
    return Page(text, _declared_language(parse(html, positions=False)))


def shipped_scores(tree: Tree) -> npt.NDArray[np.float32] | None:
    """Score the blocks of a page by the shipped model."""
    return score_blocks(tree, shipped_model())


def read_blocks(html: str, config: ExtractionConfig, score: Score = shipped_scores) -> Page:
    """Find main content by a score of each block, from any model."""
    tree, hidden_in = walk_visible(html)
    fallback: str | None = hidden_in
    stated = Stated(tree)
    if config.engine == "whole_page":
        kept: npt.NDArray[np.bool_] = np.ones(len(tree.blocks.weights), bool)
    else:
        kept, needed = choose(tree, score(tree))
        fallback = fallback or needed
    kind = page_kind(tree, kept, stated)
    if config.engine == "blocks":
        kept = with_comments(tree, kept, kind == "forum" if config.comments == "auto" else config.comments == "keep")
    write = render_markdown if config.structure == "markdown" else render
    return Page(write(tree, kept), _declared_language(tree.document), kind, page_access(tree, kept, stated), fallback)


def _declared_language(document: Document) -> str | None:
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


def extract_row(raw: bytes, media_type: str, charset: str | None, config: ExtractionConfig) -> Page:
    """Decode and extract one payload; raises ValueError if it is too large, damaged, hostile, or of another type."""
    if media_type not in HTML_MEDIA_TYPES and media_type != _TEXT_MEDIA_TYPE:
        known = ", ".join(sorted({*HTML_MEDIA_TYPES, _TEXT_MEDIA_TYPE}))
        raise ValueError(f"media type must be one of {known}, got {media_type!r}")
    if len(raw) > config.max_html_bytes:
        raise ValueError(f"page of {len(raw)} bytes is over max_html_bytes {config.max_html_bytes}")
    if other := other_media_type(raw):
        raise ValueError(f"the bytes are {other}, declared as {media_type}")
    decoded = decode_page(raw, charset, media_type)
    if media_type == _TEXT_MEDIA_TYPE:
        page = Page(decoded.replace("\0", ""))
    else:
        page = read_page(decoded, config, media_type)
    damaged = page.text.count(_REPLACEMENT) + decoded.count("\0")
    if damaged > config.max_damaged_share * len(page.text):
        raise ValueError(
            f"{damaged} of {len(page.text)} code points could not be decoded, over max_damaged_share "
            f"{config.max_damaged_share}"
        )
    return page


def extract_text(batch: pa.RecordBatch, config: ExtractionConfig) -> Filtered:
    """Fill `text` of n records from `raw` where it is null; kept and rejected sum to n, each in the order of the input.

    Rows that have text keep it, and their `raw`. `declared_language` is filled from the page where the source gave
    none, and the columns of PAGE_MARKS are added. Text of media type text/plain is only decoded. A row without a letter
    or sign of text is rejected: `no_text`.

    Raises SchemaError if a column is missing or mistyped, and ValueError for a page that cannot be extracted; the guard
    in `stages.batches` then finds the page by halving the block.
    """
    require_columns(batch, RECORD, ("text", "raw", "media_type", "charset", "declared_language"))
    texts, languages = batch["text"].to_pylist(), batch["declared_language"].to_pylist()
    media_types, charsets = batch["media_type"].to_pylist(), batch["charset"].to_pylist()
    marks: dict[str, list[str | None]] = {name: [None] * batch.num_rows for name in PAGE_MARKS.names}
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
        for name, value in zip(PAGE_MARKS.names, (page.kind, page.access, page.fallback), strict=True):
            marks[name][row] = value
    batch = set_columns(
        batch, text=pa.array(texts, pa.large_string()), declared_language=pa.array(languages, pa.string())
    )
    batch = batch.drop_columns([name for name in PAGE_MARKS.names if name in batch.schema.names])
    for field in PAGE_MARKS:
        batch = batch.append_column(field, pa.array(marks[field.name], field.type))
    empty = pa.array([not text.strip() for text in texts], pa.bool_())
    return Filtered(
        batch.filter(pc.invert(empty)),
        reject(batch.filter(empty), "extract_text", "no_text", value=pa.repeat(0.0, empty.true_count)),
    )
