"""Turn wikitext into plain text: the running text of an article, without what surrounds it.

One pass over the markup with a stack, so that time grows with the length of the page whatever it holds. The packages
that do this do not: on pages of 24 to 80 kB of unclosed tags or links mwparserfromhell 0.7 took 20 to 110 s, and it
makes 0.65 MB/s of ordinary pages (here 10 times that); wikitextparser 3 is under the GPL.

Dropped with all they hold: templates, parameters, tables, comments, references, formulas, galleries and other
extension tags, links to files and categories. Kept as text: labels of links, headings, list items. What is opened and
never closed is text.

Source: MediaWiki's help pages on formatting, links, tables and tags.
"""

from __future__ import annotations

import html
import re
from collections.abc import Set

ENGLISH_NAMESPACES = frozenset(("file", "image", "category", "media"))  # understood in every wiki beside its own names

# Extension tags: raw up to their closing tag. Of these, two keep what they hold.
_RAW_TAG = re.compile(
    "ce|chem|gallery|graph|hiero|imagemap|inputbox|mapframe|maplink|math|nowiki|pre|ref|score|section|source|"
    "syntaxhighlight|templatedata|templatestyles|timeline"
)
_KEPT_TAG = re.compile("nowiki|pre")
_LINE_TAG = re.compile("blockquote|br|center|dd|div|dl|dt|h[1-6]|hr|li|ol|p|table|td|th|tr|ul")

_MARKUP = re.compile(
    r"""
      (?P<opening> \{{2,} )
    | (?P<closing> \}{2,} )
    | (?P<link> \[\[ )
    | \[ (?P<address> (?: (?:https?|ftp|mailto|irc|news): | // ) [^\s\[\]<>]* )
    | (?P<bracket> \] )
    | ^ [ \t:;*\#]* (?P<table> \{\| )
    | ^ [ \t]* (?P<table_end> \|\} (?!\}) )
    | (?P<comment> <!-- )
    | < (?P<end>/?) (?P<tag> [a-zA-Z][a-zA-Z0-9]{0,30} )
        (?: [\s/] (?: "[^"]{0,500}" | '[^']{0,500}' | [^<>"']{1,500}+ ){0,40}+ )? >
    """,
    re.VERBOSE | re.MULTILINE,
)
_QUOTES = re.compile(r"'{2,}")
_HEADING = re.compile(r"^={1,6}(?!=)([^\n]*[^=\n])={1,6}$", re.MULTILINE)
_LIST_OR_RULE = re.compile(r"^(?:[*#:;]+|-{4,})[ \t]*", re.MULTILINE)
_BEHAVIOUR_SWITCH = re.compile(r"__[^\W\d_]{3,40}__")  # __NOTOC__ and its translations
_EMPTY_BRACKETS = re.compile(r" ?\((?:[\s,;:\u060c\u061b])*\)")  # what a dropped template leaves
_LINE_END = re.compile(r"(?<![ \t])[ \t]+$", re.MULTILINE)  # a run of spaces is tried once, from its beginning
_LINE_START = re.compile(r"^[ \t]+", re.MULTILINE)
_EMPTY_LINES = re.compile(r"\n{3,}")


def plain_text(wikitext: str, dropped_namespaces: Set[str] = ENGLISH_NAMESPACES) -> str:
    """Return the running text of an article: paragraphs, headings and list items, each on its own line.

    Links to `dropped_namespaces` (casefolded names) go with their captions.

    >>> plain_text("'''Bilbo''' [[Bizkaia]]ko {{hiri}}[[hiriburu|hiriburua]] da.<ref>x</ref> &amp;")
    'Bilbo Bizkaiako hiriburua da. &'
    """
    text = _QUOTES.sub("", _without_structures(wikitext, dropped_namespaces))
    text = _HEADING.sub(r"\1", _LINE_END.sub("", text))
    text = html.unescape(_LIST_OR_RULE.sub("", text))
    text = _EMPTY_BRACKETS.sub("", _BEHAVIOUR_SWITCH.sub("", text))
    return _EMPTY_LINES.sub("\n\n", _LINE_START.sub("", _LINE_END.sub("", text))).strip()


class _Stack:
    """What is open, and the text written so far; closing something gives up what was opened in it and never closed."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self._open: list[tuple[str, int]] = []  # kind, and where it began in `written`
        self._count = {"template": 0, "link": 0, "address": 0, "table": 0}

    def open(self, kind: str) -> None:
        self._open.append((kind, len(self.written)))
        self._count[kind] += 1

    def is_innermost(self, kind: str) -> bool:
        return bool(self._open) and self._open[-1][0] == kind

    def close(self, kind: str) -> str | None:
        """Take back and return what was written since the last `kind` opened; None if none is open."""
        if not self._count[kind]:
            return None
        while True:
            innermost, begin = self._open.pop()
            self._count[innermost] -= 1
            if innermost == kind:
                break
        content = "".join(self.written[begin:])
        del self.written[begin:]
        return content


def _without_structures(wikitext: str, dropped_namespaces: Set[str]) -> str:
    stack = _Stack()
    written = stack.written
    never_closed: set[str] = set()  # raw tags that no closing tag follows any more
    position = 0
    while markup := _MARKUP.search(wikitext, position):
        written.append(wikitext[position : markup.start()])
        position = markup.end()
        kind = markup.lastgroup
        if kind == "opening":
            for _ in range(len(markup[0]) // 2):
                stack.open("template")
        elif kind == "closing":
            closed = [stack.close("template") for _ in range(len(markup[0]) // 2)]
            if closed[0] is None:
                written.append(markup[0])
        elif kind == "link" or kind == "table" or kind == "address":
            stack.open(kind)
        elif kind == "table_end":
            stack.close("table")
        elif kind == "bracket":
            if stack.is_innermost("address"):
                written.append((stack.close("address") or "").strip())
            elif wikitext.startswith("]", position) and (inner := stack.close("link")) is not None:
                position += 1
                written.append(_link_text(inner, dropped_namespaces))
            else:
                written.append("]")
        elif kind == "comment":
            end = wikitext.find("-->", position)
            position = end + 3 if end >= 0 else len(wikitext)
        else:
            position = _after_tag(wikitext, markup, written, never_closed)
    written.append(wikitext[position:])
    return "".join(written)


def _after_tag(wikitext: str, markup: re.Match[str], written: list[str], never_closed: set[str]) -> int:
    """Write what a tag stands for, and return where to go on."""
    name = markup["tag"].lower()
    if _LINE_TAG.fullmatch(name):
        written.append("\n")
    elif _RAW_TAG.fullmatch(name) and not markup["end"] and not markup[0].endswith("/>") and name not in never_closed:
        closing = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(wikitext, markup.end())
        if closing is None:
            never_closed.add(name)
        else:
            if _KEPT_TAG.fullmatch(name):
                written.append(wikitext[markup.end() : closing.start()])
            return closing.end()
    return markup.end()


def _link_text(inner: str, dropped_namespaces: Set[str]) -> str:
    title, _, label = inner.partition("|")
    namespace, colon, _ = title.partition(":")
    if colon and namespace.strip().casefold() in dropped_namespaces:
        return ""
    return label or title.removeprefix(":")
