"""Feeds (RSS, RDF Site Summary, Atom) that were served as pages: the text of each entry, apart from the next."""

from __future__ import annotations

import html as html_entities

import numpy as np
from turbohtml import Element, parse

from stages.extraction.markup import close_empty_elements
from stages.extraction.rendering import render
from stages.extraction.walk import walk

_ENTRIES = "item, entry"
_PARTS = ("title", "description", "summary", "content", "content:encoded")


def read_feed(feed: str) -> str:
    """Write each entry as its title and its longest description, an empty line between entries.

    The tolerant HTML parser reads it: feeds are often no well-formed XML. `title` would take all that follows for its
    own, and `link` would be empty, so both get names that HTML does not know.
    """
    for name in ("title", "link", "textarea", "style", "script", "content"):
        feed = feed.replace(f"<{name}", f"<feed-{name}").replace(f"</{name}", f"</feed-{name}")
    document = parse(close_empty_elements(feed), positions=False)
    entries = []
    for entry in document.select(_ENTRIES):
        parts: dict[str, str] = {}
        for child in entry.children:
            if isinstance(child, Element) and child.tag.removeprefix("feed-") in _PARTS:
                parts[child.tag.removeprefix("feed-")] = _page_text(child.inner_html)
        title = parts.pop("title", "")
        body = max(parts.values(), key=len, default="")
        entries.append("\n\n".join(part for part in (title, body) if part))
    return "\n\n".join(entry for entry in entries if entry)


def _page_text(markup: str) -> str:
    """Read a part's content: markup written as text (RSS), or as such (Atom XHTML)."""
    tree = walk(html_entities.unescape(markup))
    return render(tree, np.ones(len(tree.blocks.weights), bool))
