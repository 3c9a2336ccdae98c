"""Feeds (RSS, RDF Site Summary, Atom) that were served as pages: the text of each entry, apart from
the next."""

from __future__ import annotations

import html as html_entities
import re

import numpy as np

from stages.extraction.rendering import render
from stages.extraction.walk import walk

_ENTRY = re.compile(r"<(?:[a-z][\w.-]*:)?(?:item|entry)\b[^>]*>", re.IGNORECASE)
_END = re.compile(r"</(?:[a-z][\w.-]*:)?(?:item|entry|channel|feed)\s*>", re.IGNORECASE)
_PART = re.compile(
    r"<((?:[a-z][\w.-]*:)?(title|description|summary|content|encoded))\b[^>]*>", re.IGNORECASE
)
# Elements of a description that would take the entries after it with them, were they left open.
_GREEDY = re.compile(
    r"<!--|</?(?:script|style|textarea|title|select|plaintext|xmp|iframe|noscript|template|svg|math)\b[^>]*>?",
    re.I,
)


def read_feed(feed: str) -> str:
    """Write each entry as its title and its longest description, an empty line between entries.

    Feeds are often no well-formed XML, so marks are looked for, in one pass, and the entries are
    laid out as one page.
    """
    page = []
    for entry in _ENTRY.split(feed)[1:]:
        end = _END.search(entry)
        parts = _parts(entry[: end.start()] if end else entry)
        title = parts.pop("title", "")
        page.append(
            f"<h2>{title}</h2><article>{max(parts.values(), key=len, default='')}</article>"
        )
    layout = walk(["".join(page)]).layout
    return render(layout, np.ones(len(layout.blocks.weights), bool))[0]


def _parts(entry: str) -> dict[str, str]:
    """Return the markup of an entry's parts by tag; of equal tags the first."""
    parts: dict[str, str] = {}
    begin = 0
    while found := _PART.search(entry, begin):
        closing = entry.find(f"</{found[1]}", found.end())
        begin = closing if closing >= 0 else len(entry)
        said = entry[found.end() : begin].strip()
        # Markup is written as text (RSS), in a CDATA section, or as such (Atom's XHTML).
        said = (
            said.removeprefix("<![CDATA[").removesuffix("]]>")
            if said.startswith("<![CDATA[")
            else html_entities.unescape(said)
        )
        parts.setdefault(found[2].lower(), _GREEDY.sub(" ", said))
    return parts
