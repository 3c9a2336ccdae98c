"""Other ways to find main content, for comparison and for those who want them.

    selectors     leaves out what the page's own elements, roles and names mark as something else than content
    resiliparse   that library's rules; loses short blocks in scripts without spaces
    trafilatura   that library's rules, without comments; slow, an extra dependency

All of them parse by the rules of the standard, by which some markup is quadratic; that is refused
before.

Sources: WHATWG HTML (parsing, content models), WAI-ARIA 1.2 (landmark roles).
"""

from __future__ import annotations

import itertools
import re

import numpy as np
import numpy.typing as npt
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

_PARTS_OF_NAMES = ("breadcrumb", "cookie", "footer", "menu", "nav", "sidebar")
_WHOLE_NAMES = (
    *(
        "banner",
        "header",
        "headerlink",
        "pager",
        "pagination",
        "permalink",
        "related",
        "search",
        "share",
        "skip-link",
    ),
    "social",
)
_ROLES = (
    "banner",
    "complementary",
    "contentinfo",
    "dialog",
    "menu",
    "menubar",
    "navigation",
    "search",
)


def _boilerplate_selector() -> str:
    """Select what is left out. The cheapest test stands first in each part, which more than halves
    the time."""

    def any_of(selectors: list[str]) -> str:
        return f":is({', '.join(selectors)})"

    def named(attribute: str) -> str:
        parts = [f'[{attribute}*="{part}" i]' for part in _PARTS_OF_NAMES]
        return any_of(
            [
                *parts,
                f'[{attribute}^="toc" i]',
                *(f'[{attribute}~="{name}" i]' for name in _WHOLE_NAMES),
            ]
        )

    # A container that holds the page's title or its main element is the page, whatever its name
    # says.
    container = ":is(div, ul, ol, dl, table, td, p, section, menu, a):not(:has(h1, main, article))"
    return ", ".join(
        [
            "nav, aside, dialog, form, button, select, [hidden], body > header, body > footer",
            "[role]" + any_of([f'[role="{role}"]' for role in _ROLES]),
            *(f"[{attribute}]{named(attribute)}{container}" for attribute in ("class", "id")),
        ]
    )


BOILERPLATE_SELECTOR = _boilerplate_selector()

_SELECT, _OPTION = (re.compile(f"<{tag}(?=[\\s/>])", re.IGNORECASE) for tag in ("select", "option"))
# By the standard's own rules some markup is quadratic to parse or to lay out, so that 40 kB could
# take gigabytes, and a megabyte hours: attributes of one element, formatting elements left open
# (every later paragraph opens them again, at about 360 bytes each in resiliparse 2.0.1), nested
# lists (each level indents the text), nested containers (`:has` looks through each). Browsers stop
# at a depth of 512.
_MAX_ATTRIBUTES = 2048
_MAX_DEPTH = 512
_MAX_LIST_DEPTH = 64
# of one select, a second; each looks through those before it (resiliparse 2.0.1)
_MAX_OPTIONS = 10_000
_SHORT_PAGE = 32_768  # code points; too short to hold so many attributes that they cost a second
_MAX_REOPENED = 1_000_000
_FEW_TAGS = 1000  # too few for any of that but the attributes to cost a second or half a gigabyte
# `a` ends an open `a`
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
)
_LISTS = ("dir", "menu", "ol", "ul")
_NESTED = (
    "dialog",
    "div",
    "dl",
    "legend",
    "optgroup",
    "search",
    "section",
    "summary",
    "table",
    *_LISTS,
)
_TAG = re.compile(r"</?[a-z][a-z0-9]*")
_TAG_CODES = {
    f"{begin}{name}": code
    for code, (begin, name) in enumerate(
        itertools.product(("<", "</"), (*_NESTED, *_FORMATTING)), start=1
    )
}
_ATTRIBUTE_RUN = re.compile(
    rf"""<[a-z](?:[^\s>"'=/]*+(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"']++))?+[\s/"']++){{{_MAX_ATTRIBUTES}}}""",
    re.I,
)

# Block elements that resiliparse 2.0.1 writes without a line break, so that words grow together.
_UNSEPARATED = "dialog, dir, legend, menu, optgroup, search, summary, table"
_BLANK_LINES = re.compile(r"\n(?:[^\S\n]*+\n)+")


def refuse_hostile_markup(html: str) -> None:
    """Raise ValueError for markup that the standard's own rules make quadratic to parse (see the
    limits)."""
    few_tags = html.count("<") <= _FEW_TAGS
    if few_tags and len(html) <= _SHORT_PAGE:
        return
    if len(html) > _SHORT_PAGE and _ATTRIBUTE_RUN.search(html):
        raise ValueError(f"an element must have fewer than {_MAX_ATTRIBUTES} attributes")
    if few_tags:
        return
    # ASCII letters only, as in HTML, and ten times as fast
    tags = _TAG.findall(html.encode().lower().decode())
    codes = np.fromiter(map(_TAG_CODES.get, tags, itertools.repeat(0)), np.int64, len(tags))

    def depth(*names: str) -> npt.NDArray[np.int64]:
        step = np.zeros(len(_TAG_CODES) + 1, np.int64)
        step[[_TAG_CODES[f"<{name}"] for name in names]] = 1
        step[[_TAG_CODES[f"</{name}"] for name in names]] = -1
        level = np.cumsum(step[codes])
        # A closing tag that closes nothing is ignored, so the depth is counted from the lowest
        # level so far.
        return level - np.minimum.accumulate(np.minimum(level, 0))

    for choices in _SELECT.split(html)[1:]:
        if (count := len(_OPTION.findall(choices.partition("</select")[0]))) > _MAX_OPTIONS:
            raise ValueError(f"a select must have at most {_MAX_OPTIONS} options, got {count}")
    for names, limit in ((_NESTED, _MAX_DEPTH), (_LISTS, _MAX_LIST_DEPTH)):
        if (deepest := depth(*names).max(initial=0)) > limit:
            raise ValueError(
                f"{', '.join(names)} must be nested at most {limit} deep, got {deepest}"
            )
    still_open = np.sum([depth(name) for name in _FORMATTING], axis=0)
    if still_open.sum() <= _MAX_REOPENED:
        return
    opens = np.fromiter(
        (tag[1] != "/" and tag[1:] not in _FORMATTING for tag in tags), bool, len(tags)
    )
    if (reopened := int(np.sum(still_open * opens))) > _MAX_REOPENED:
        raise ValueError(
            f"formatting elements left open must be reopened at most {_MAX_REOPENED} times, got {reopened}"
        )


def selectors(html: str) -> str:
    """Leave out what `BOILERPLATE_SELECTOR` selects. Raises ValueError as `refuse_hostile_markup`
    does."""
    return _plain_text(html, False, [BOILERPLATE_SELECTOR])


def resiliparse(html: str) -> str:
    """Keep what resiliparse takes for main content. Raises ValueError as `refuse_hostile_markup`
    does."""
    return _plain_text(html, True, None)


def trafilatura(html: str) -> str:
    """Keep what trafilatura takes for main content. Raises ValueError as `refuse_hostile_markup`
    does."""
    from trafilatura import extract  # heavy, and an extra

    refuse_hostile_markup(html)
    return extract(html, include_comments=False) or ""


def _plain_text(html: str, main_content: bool, left_out: list[str] | None) -> str:
    refuse_hostile_markup(html)
    tree = HTMLTree.parse(html)
    _separate_blocks(tree)
    text = extract_plain_text(
        tree,
        preserve_formatting=True,
        main_content=main_content,
        list_bullets=False,
        alt_texts=False,
        skip_elements=left_out,
    )
    return _BLANK_LINES.sub("\n\n", f"\n{text}\n").strip("\n")


def _separate_blocks(tree: HTMLTree) -> None:
    # `values` takes a linear pass; iterating over the collection itself takes a quadratic one
    # (resiliparse 2.0.1).
    for block in tree.document.query_selector_all(_UNSEPARATED).values() if tree.document else ():
        before, within = tree.create_element("br"), tree.create_element("br")
        # always so; the types allow None
        if block.parent is not None and before is not None and within is not None:
            block.parent.insert_before(before, block)
            block.append_child(within)
