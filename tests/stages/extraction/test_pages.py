"""Whole pages: no element takes the main text with it, names are tokens, and what a page is stands in columns."""

from __future__ import annotations

import pytest

from stages.extraction.extract import Page, read_page
from stages.extraction.names import BIT, name_bits
from stages.extraction.options import ExtractionConfig

TEXT = "This is the main text of the page, a paragraph that says enough to be one, and then it goes on."
MORE = "Here is a second paragraph of the same text, which also has a few words more than a label has."
BODY = f"<h1>A title of it</h1><p>{TEXT}</p><p>{MORE}</p>"
MENU = "<ul><li><a href=/1>Home</a><li><a href=/2>News of all</a><li><a href=/3>About us</a></ul>"


def page(markup: str, **options: object) -> Page:
    return read_page(markup, ExtractionConfig.model_validate(options))


WRAPPED = {
    "one form": f"<body><form id=aspnetForm>{BODY}</form>",
    "a header": f"<body><header>{BODY}</header>",
    "an open menu": f"<body><nav>{MENU}<main>{BODY}</main>",
    "an open select": f"<body><select><option>One<main>{BODY}</main>",
    "an aside": f"<body><main><h1>x</h1><aside class=admonition><p>{TEXT}</p></aside><p>{MORE}</p></main>",
    "noscript": f"<body><noscript>{BODY}</noscript>",
    "noframes": f"<frameset><frame src=a><noframes>{BODY}</noframes></frameset>",
    "a hidden panel": f"<main><p>{MORE}</p><h2><button>A question?</button></h2><div hidden><p>{TEXT}</p></div></main>",
    "a section named for its heading": f'<main><section id="cookies"><h2>x</h2><p>{TEXT}</p>{MORE}</section></main>',
    "a paragraph named share": f'<main><h1>x</h1><p class="share">{TEXT}</p><p>{MORE}</p></main>',
    "names that hold other names": f'<div class="contentWithSidebar text-navy" id="scandinavia">{BODY}</div>',
}


@pytest.mark.parametrize("markup", WRAPPED.values(), ids=WRAPPED.keys())
def test_no_element_takes_the_main_text_with_it(markup: str) -> None:
    text = page(markup).text
    assert TEXT in text
    assert MORE in text


def test_the_frame_of_a_site_is_left_out() -> None:
    markup = (
        '<div id="page"><a href="#m">Skip to main content</a><header class="site-header"><p>My own site</p></header>'
        f'<main id=m>{BODY}</main><footer id="colophon" class="site-footer">Proudly powered by It</footer></div>'
    )
    assert page(markup).text == f"A title of it\n\n{TEXT}\n\n{MORE}"


NAMES = {
    "site-nav": "navigation",
    "siteNav": "navigation",
    "NAV": "navigation",
    "main_menu": "navigation",
    "unavailable": None,
    "scandinavia": None,
    "navy": None,
    "no-sidebar": None,
    "has-sidebar": None,
    "withSidebar": None,
    "left-sidebar": "side",
}


@pytest.mark.parametrize(("name", "group"), NAMES.items())
def test_names_are_tokens(name: str, group: str | None) -> None:
    assert name_bits(name) & (BIT["navigation"] | BIT["side"]) == (BIT[group] if group else 0)


XHTML = '<html xmlns="http://www.w3.org/1999/xhtml"><head><title/><script src="a.js"/></head><body>'


@pytest.mark.parametrize("head", ['<?xml version="1.0"?><html><head><title/><script src="a.js"/></head>', XHTML])
def test_what_xml_closes_is_closed(head: str) -> None:
    assert TEXT in page(f"{head}<div id='a'/>{BODY}").text
    assert read_page(f"<html><head><title/></head>{BODY}", ExtractionConfig()).text == "", "HTML's title stays open"


def test_entries_of_a_feed_are_apart() -> None:
    items = "<item><title>One &amp; 1</title><description>&lt;p&gt;First&lt;/p&gt;</description></item>"
    items += "<item><title>Two</title><description><![CDATA[<p>Second</p>]]></description></item>"
    assert (
        page(f'<?xml version="1.0"?><rss><channel>{items}</channel></rss>').text == "One & 1\n\nFirst\n\nTwo\n\nSecond"
    )


COLUMNS = {
    "an error": ("<title>404 Not Found</title><h1>404</h1><p>It is not there.</p>", "access", "error"),
    "a year is no error": ("<title>Report of 2404</title><h1>Year</h1><p>It is there.</p>", "access", None),
    "a login": ("<form><label>Name</label><input type=password></form>", "access", "login"),
    "an article": (f'<meta property="og:type" content="article"><main>{BODY}</main>', "kind", "article"),
    "a product": (f'<meta property="og:type" content="product"><main>{BODY}</main>', "kind", "product"),
    "a manual": (f'<meta name="generator" content="Sphinx"><main>{BODY}</main>', "kind", "manual"),
    "text in noscript": (f"<body><noscript>{BODY}</noscript>", "fallback", "noscript"),
    "none needed": (f"<main>{BODY}</main>", "fallback", None),
}


@pytest.mark.parametrize(("markup", "column", "value"), COLUMNS.values(), ids=COLUMNS.keys())
def test_columns(markup: str, column: str, value: str | None) -> None:
    assert getattr(page(markup), column) == value


def test_text_without_a_tag_keeps_its_lines() -> None:
    assert page("first line\nsecond line\n").text == "first line\nsecond line"


def test_markdown() -> None:
    link = "<p>See <a href='/x'>the other page</a> for all the rest of it.</p>"
    markup = f"<main>{BODY}<h2>Part</h2>{link}<ol><li>{TEXT}<li>{MORE}</ol></main>"
    text = page(markup, structure="markdown").text
    assert text.startswith(f"# A title of it\n\n{TEXT}")
    assert "## Part\n\nSee [the other page](/x) for" in text
    assert text.endswith(f"1. {TEXT}\n1. {MORE}")
    with pytest.raises(ValueError, match="structure 'markdown' needs engine 'blocks' or 'whole_page', got 'selectors'"):
        ExtractionConfig(structure="markdown", engine="selectors")
