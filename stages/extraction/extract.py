"""Turn the raw bytes of pages into the text of their main content.

Which encoding a page is in is decided in `stages.reading.page_encoding`. The default engine walks
once through the page (`walk`), scores each block of text (`features`, `trees`, `model`), chooses
(`choice`, `comments`) and writes what it kept (`rendering`, `markdown`). It knows no word and no
language, and does the same in every script. What kind of page it was, whether it showed its content
at all, and which fall-back was needed are columns (PAGE_MARKS).

Sources: WHATWG HTML (parsing), WHATWG MIME Sniffing (bytes of another type).
"""

from __future__ import annotations

import html as html_entities
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from turbohtml import parse

from schemas.columns import require_columns
from schemas.document import PAGE_MARKS, RECORD
from stages.batches import Filtered, Measured, RowError, reject, set_columns
from stages.extraction.choice import Fallback, choose
from stages.extraction.comments import with_comments
from stages.extraction.engines import resiliparse, selectors, trafilatura
from stages.extraction.feeds import read_feed
from stages.extraction.kinds import (
    Stated,
    declared_language,
    in_posts,
    page_access,
    page_kinds,
    without_status,
)
from stages.extraction.layout import Layout
from stages.extraction.markdown import render_markdown
from stages.extraction.markup import (
    bound_formatting,
    close_empty_elements,
    has_markup,
    is_feed,
    is_markup,
    is_xhtml,
    other_media_type,
)
from stages.extraction.model import score_blocks, shipped_model
from stages.extraction.options import ExtractionConfig
from stages.extraction.rendering import render
from stages.extraction.walk import HiddenIn, walk_visible
from stages.reading.page_encoding import decode_page

HTML_MEDIA_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_TEXT_MEDIA_TYPE = "text/plain"

# Pages whose blocks are scored at once: about 7 web pages of 2,000 blocks, whose 1.5 MB of features
# stay in the cache.
BATCH_CODE_POINTS = 1 << 20
_REPLACEMENT = "\ufffd"


class Page(NamedTuple):
    """What a page says: its main text, the language it declares (as written), and what PAGE_MARKS
    say of it."""

    text: str
    declared_language: str | None = None
    kind: str | None = None
    access: str | None = None
    fallback: str | None = None


class Laid(NamedTuple):
    """Some pages laid out flat, of which no block is chosen yet: all that is needed, without the
    parsed pages."""

    layout: Layout
    stated: list[Stated]
    hidden_in: list[HiddenIn | None]  # of each, the fall-back that it took to see it


def read_page(html: str, config: ExtractionConfig, media_type: str = "text/html") -> Page:
    """Parse a page once, and take its main text and all else from the one tree.

    The layout of the text is that of `stages.extraction.rendering`. Scripts, styles, comments,
    images' alternative texts and list bullets are left out; every other code point of the text
    stays as it is, but for runs of ASCII white space. Raises ValueError for markup that the engine
    cannot parse in linear time (none, for `blocks`).
    """
    return read_pages([(html, media_type)], config)[0]


def read_pages(pages: Iterable[tuple[str, str]], config: ExtractionConfig) -> list[Page]:
    """Read pages, given with their media types, as `read_page` does: the same texts, whatever pages
    come together.

    About BATCH_CODE_POINTS of pages are laid out, scored and written at once, which takes half the
    time for each.
    """
    read: list[Page | None] = []
    waiting: list[str] = []
    places: list[int] = []
    size = 0

    def finish_waiting() -> None:
        if not waiting:
            return
        laid = lay_out(waiting)
        scores = score_blocks(laid.layout, shipped_model()) if config.engine == "blocks" else None
        for place, page in zip(places, finish(laid, scores, config), strict=True):
            read[place] = page
        waiting.clear()
        places.clear()

    for html, media_type in pages:
        if size + len(html) > BATCH_CODE_POINTS:
            finish_waiting()
            size = 0
        page = _read(html, config, media_type)
        if isinstance(page, Page):
            read.append(page)
        else:
            waiting.append(page)
            places.append(len(read))
            read.append(None)
            size += len(html)
    finish_waiting()
    return cast("list[Page]", read)


def _read(html: str, config: ExtractionConfig, media_type: str) -> Page | str:
    """Return the markup to lay out; what is no page of HTML, or has an engine of its own, is
    finished at once."""
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
        return html
    find = {"selectors": selectors, "resiliparse": resiliparse, "trafilatura": trafilatura}[
        config.engine
    ]
    text = find(html)
    return Page(text, declared_language(parse(html, positions=False)))


def lay_out(pages: Sequence[str]) -> Laid:
    """Parse and walk pages of bounded markup."""
    walked, hidden_in = walk_visible(pages)
    weights = walked.layout.blocks.weights
    said = walked.layout.page_totals(weights, np.ones(len(weights), bool)).tolist()
    return Laid(walked.layout, list(map(Stated, *walked[1:], said)), hidden_in)


def finish(
    laid: Laid, scores: npt.NDArray[np.float32] | None, config: ExtractionConfig
) -> list[Page]:
    """Choose main content by a score of each block, from any model, and write it; no scores keep
    all."""
    layout, stated, hidden_in = laid
    needed: list[Fallback | None] = [None] * len(stated)
    kept = np.ones(len(layout.blocks.weights), bool)
    if scores is not None:
        kept, needed = choose(layout, scores)
    posted = in_posts(layout)
    kinds = page_kinds(layout, kept, posted, stated)
    if scores is not None:
        forums = np.array([kind == "forum" for kind in kinds])
        wanted = (
            forums if config.comments == "auto" else np.full(len(kinds), config.comments == "keep")
        )
        kept = with_comments(layout, kept, posted, wanted)
    access = page_access(layout, kept, stated)
    kept = without_status(layout, kept, access)
    texts = (render_markdown if config.structure == "markdown" else render)(layout, kept)
    languages = [own.language for own in stated]
    fallbacks = [hidden or other for hidden, other in zip(hidden_in, needed, strict=True)]
    return list(map(Page, texts, languages, kinds, access, fallbacks))


def decode_row(raw: bytes, media_type: str, charset: str | None, config: ExtractionConfig) -> str:
    """Decode one payload; raises ValueError if it is too large or of another type."""
    if media_type not in HTML_MEDIA_TYPES and media_type != _TEXT_MEDIA_TYPE:
        known = ", ".join(sorted({*HTML_MEDIA_TYPES, _TEXT_MEDIA_TYPE}))
        raise ValueError(f"media type must be one of {known}, got {media_type!r}")
    if len(raw) > config.max_html_bytes:
        raise ValueError(f"page of {len(raw)} bytes is over max_html_bytes {config.max_html_bytes}")
    if other := other_media_type(raw):
        raise ValueError(f"the bytes are {other}, declared as {media_type}")
    return decode_page(raw, charset, media_type)


def refuse_damaged(text: str, nulls: int, config: ExtractionConfig) -> None:
    """Raise RowError (`invalid_encoding`) if too much of a text could not be decoded; `nulls` are
    the zero bytes of its page."""
    damaged = text.count(_REPLACEMENT) + nulls
    if damaged > config.max_damaged_share * len(text):
        raise RowError(
            "invalid_encoding",
            f"{damaged} of {len(text)} code points could not be decoded, over max_damaged_share "
            f"{config.max_damaged_share}",
        )


def extract_text(batch: pa.RecordBatch, config: ExtractionConfig) -> Filtered:
    """Fill `text` of n records from `raw` where it is null; kept and rejected sum to n, each in the
    order of the input.

    Rows that have text keep it, and their `raw`, unless the text is markup (`is_markup`): then it
    is read as a page. `declared_language` is filled from the page where the source gave none, and
    the columns of PAGE_MARKS are added. Text of media type text/plain is only decoded. A row
    without a letter or sign of text is rejected: `no_text`.

    Raises SchemaError if a column is missing or mistyped, and ValueError for a page that cannot be
    extracted; the guard in `stages.batches` then finds the page by halving the block.

    >>> page = b"<nav><a href=/>Hasiera</a></nav><main><h1>Eguraldia</h1><p>Euria egin du Bilbon.</main>"
    >>> none = pa.nulls(1, pa.string())
    >>> block = pa.record_batch(
    ...     {
    ...         "text": pa.nulls(1, pa.large_string()),
    ...         "raw": pa.array([page], pa.large_binary()),
    ...         "media_type": ["text/html"],
    ...         "charset": none,
    ...         "declared_language": none,
    ...     }
    ... )
    >>> extract_text(block, ExtractionConfig()).kept["text"].to_pylist()
    ['Eguraldia\\n\\nEuria egin du Bilbon.']
    """
    require_columns(batch, RECORD, ("text", "raw", "media_type", "charset", "declared_language"))
    texts, languages = batch["text"].to_pylist(), batch["declared_language"].to_pylist()
    media_types, charsets = batch["media_type"].to_pylist(), batch["charset"].to_pylist()
    marks: dict[str, list[str | None]] = {
        name: [None] * batch.num_rows for name in PAGE_MARKS.names
    }
    rows: list[int] = []
    nulls: list[int] = []

    def decoded_pages() -> Iterator[tuple[str, str]]:
        # A loop over documents: the decoder and the parser take one page a call. Raw bytes are not
        # copied twice.
        for row, text in enumerate(texts):
            raw = batch["raw"][row].as_py() if text is None else None
            media_type, charset = (media_types[row] or "text/html").lower(), charsets[row]
            if raw is None and is_markup(text or ""):
                raw, media_type, charset = (text or "").encode(), "text/html", "utf-8"
            if raw is None:
                texts[row] = text or ""
                continue
            decoded = decode_row(raw, media_type, charset, config)
            if media_type == _TEXT_MEDIA_TYPE:
                texts[row] = decoded.replace("\0", "")
                refuse_damaged(texts[row], decoded.count("\0"), config)
                continue
            rows.append(row)
            nulls.append(decoded.count("\0"))
            yield decoded, media_type

    for row, null, page in zip(rows, nulls, read_pages(decoded_pages(), config), strict=True):
        refuse_damaged(page.text, null, config)
        texts[row] = page.text
        languages[row] = languages[row] or page.declared_language
        for name, value in zip(
            PAGE_MARKS.names, (page.kind, page.access, page.fallback), strict=True
        ):
            marks[name][row] = value
    batch = set_columns(
        batch,
        text=pa.array(texts, pa.large_string()),
        declared_language=pa.array(languages, pa.string()),
    )
    batch = batch.drop_columns([name for name in PAGE_MARKS.names if name in batch.schema.names])
    for field in PAGE_MARKS:
        batch = batch.append_column(field, pa.array(marks[field.name], field.type))
    empty = pa.array([not text.strip() for text in texts], pa.bool_())
    # A filter would copy the raw bytes of a block that has no empty text, as most have none.
    kept = batch.filter(pc.invert(empty)) if empty.true_count else batch
    return Filtered(
        kept,
        reject(
            batch.filter(empty),
            "extract_text",
            "no_text",
            Measured(pa.repeat(0.0, empty.true_count)),
        ),
    )
