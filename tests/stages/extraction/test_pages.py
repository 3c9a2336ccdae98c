"""Whole pages: no element takes the main text with it, names are tokens, and what a page is stands
in columns."""

from __future__ import annotations

import json

import pytest

from stages.extraction.class_names import BIT, name_bits
from stages.extraction.extract import Page, read_page
from stages.extraction.options import ExtractionConfig
from stages.extraction.walk import walk

TEXT = "This is the main text of the page, a paragraph that says enough to be one, and then it goes on."
MORE = (
    "Here is a second paragraph of the same text, which also has a few words more than a label has."
)
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
    "panels that links open": (
        f'<h1>x</h1><div class=card><h5><a data-toggle=collapse href="#c1">{TEXT}</a></h5></div>'
        f'<div id=c1 style="display: none"><p>{MORE}</p></div>'
    ),
    "an open title": f"<head><title>x<body>{BODY}",
    "an open style": f"<head><style>p {{}}</head><body>{BODY}",
    "an open text field": f"<body><textarea name=q><main>{BODY}</main>",
    "a paragraph named comment": f'<article><h1>x</h1><p class="lead comment">{TEXT}</p><p>{MORE}</p></article>',
    "buttons in headings, as ARIA has accordions": (
        f"<main><h1>x</h1><h2><button>{TEXT}</button></h2><div class=collapse><p>{MORE}</p></div></main>"
    ),
    "advertisements of AMP": (
        f"<main><p>{TEXT}</p><amp-ad><div placeholder>Advertisement</div></amp-ad><p>{MORE}</p></main>"
    ),
    "names that hold other names": f'<div class="contentWithSidebar text-navy" id="scandinavia">{BODY}</div>',
}


@pytest.mark.parametrize("markup", WRAPPED.values(), ids=WRAPPED.keys())
def test_no_element_takes_the_main_text_with_it(markup: str) -> None:
    text = page(markup).text
    assert TEXT in text
    assert MORE in text


def test_a_question_is_kept_with_its_answer_and_a_button_without_one_is_not() -> None:
    question = "<h3><button data-bs-toggle=collapse>Who pays for it?</button></h3>"
    menu = f"<footer><h3><button>Contact us here</button></h3>{MENU}</footer>"
    found = page(
        f"<nav>{MENU}</nav><main><h1>x</h1><p>{TEXT}</p>{question}<p>{MORE}</p></main>{menu}"
    )
    assert f"{TEXT}\n\nWho pays for it?\n\n{MORE}" in found.text
    assert "Contact us" not in found.text


EDIT = "<span class=mw-editsection>[<a href=/e>edit</a> | <a href=/s>edit source</a>]</span>"


@pytest.mark.parametrize("heading", [f"<h2>Pay{EDIT}</h2>", f"<div><h2>Pay</h2>{EDIT}</div>"])
def test_links_to_edit_a_section_are_no_text_of_its_heading(heading: str) -> None:
    assert (
        page(f"<main><p>{TEXT}</p>{heading}<p>{MORE}</p></main>").text == f"{TEXT}\n\nPay\n\n{MORE}"
    )
    own = f"<h2>Edit <a class=anchor href=/s>sections</a></h2><p>{TEXT}</p>"
    assert page(f"<main>{own}<p>{MORE}</p></main>").text.startswith("Edit sections\n"), (
        "a link of its own"
    )


LONG = f"{TEXT} {MORE} {MORE} {TEXT} {MORE}"
SHELL = "<html lang=eu><title>x</title><body><div id=root>{}</div><script type={}>{}</script>"
SETTINGS = {f"key{n}": f"{n}. A text of the interface, which says something." for n in range(9)}
SCRIPT_DATA = {
    "Next.js": (
        "application/json",
        {"props": {"post": {"body": f"<p>{LONG}</p><p>{MORE}</p>", "n": 1}}},
    ),
    "paragraphs in a list": (
        "application/json",
        {"a": [{"type": "p", "text": LONG}, {"text": MORE}]},
    ),
    "JSON-LD": ("application/ld+json", {"@type": "Article", "articleBody": f"{LONG}\n\n{MORE}"}),
    "with settings": (
        "application/json",
        {"i18n": dict(list(SETTINGS.items())[:2]), "page": {"parts": [LONG, MORE, LONG]}},
    ),
}


@pytest.mark.parametrize(("kind", "data"), SCRIPT_DATA.values(), ids=SCRIPT_DATA.keys())
def test_a_page_that_a_script_would_write_is_read_from_its_data(kind: str, data: object) -> None:
    found = page(SHELL.format("Loading...", kind, json.dumps(data)))
    assert found.text == f"{LONG}\n\n{MORE}"
    assert (found.fallback, found.declared_language) == ("script_data", "eu")


@pytest.mark.parametrize(
    ("shown", "data"),
    [
        (f"<p>{TEXT}</p>", {"body": MORE * 3}),
        ("Loading...", SETTINGS),
        ("Loading...", {"image": "QUJD" * 200}),
        ("Loading...", "[" * 5000),
        ("Loading...", {"cookies": f"{TEXT} {MORE}", **dict(list(SETTINGS.items())[:2])}),
    ],
    ids=["a page that shows text", "settings", "no text", "deeply nested", "a notice"],
)
def test_other_data_of_scripts_is_no_text(shown: str, data: object) -> None:
    written = data if isinstance(data, str) else json.dumps(data)
    found = page(SHELL.format(shown, "application/json", written))
    assert (found.text, found.fallback) == (page(shown).text, page(shown).fallback)


def test_the_frame_of_a_site_is_left_out() -> None:
    markup = (
        '<div id="page"><a href="#m">Skip to main content</a><header class="site-header"><p>My own site</p></header>'
        f'<main id=m>{BODY}</main><footer id="colophon" class="site-footer">Proudly powered by It</footer></div>'
    )
    assert page(markup).text == f"A title of it\n\n{TEXT}\n\n{MORE}"


CELLS = "<tr><td>1</td><td><code>x = 1</code></td></tr><tr><td>2</td><td><code>y</code></td></tr>"
POEM = "<br>".join(("A line of it", "and so", "on", ""))
WHOLE_PARTS = {
    "a table of numbered code": (
        f"<p>{TEXT}<table class=crayon>{CELLS}</table><p>{MORE}",
        "1\tx = 1\n2\ty",
    ),
    "a table with a short cell": (
        f"<p>{TEXT}<table><tr><th>Size<th>S<tr><td>Tube<td>1</table><p>{MORE}",
        "Size\tS\nTube\t1",
    ),
    "the short stanza of a poem": (f"<div>{POEM * 4}<br>{TEXT}<br><br>at sea</div>", "at sea"),
}


@pytest.mark.parametrize(("markup", "part"), WHOLE_PARTS.values(), ids=WHOLE_PARTS.keys())
def test_what_is_one_thing_is_kept_as_a_whole(markup: str, part: str) -> None:
    assert part in page(f"<nav>{MENU}</nav><main><h1>A title</h1>{markup}</main>").text


PARTS_LEFT_OUT = {
    "a table of links": "<table class=related><tr><td><a href=/a>Other page</a><td><a href=/b>One more</a></table>",
    "a table in an aside": "<aside class=sidebar><table><tr><td>Other page<td>One more</table></aside>",
}


@pytest.mark.parametrize("part", PARTS_LEFT_OUT.values(), ids=PARTS_LEFT_OUT.keys())
def test_what_is_no_part_of_the_text_is_not_kept_for_its_place(part: str) -> None:
    text = page(
        f"<nav>{MENU}</nav><main><h1>A title</h1><p>{TEXT}</p>{part}<p>{MORE}</p></main>"
    ).text
    assert MORE in text
    assert "One more" not in text


LINES = "The first line,\n  the second,\n\nand a stanza."


@pytest.mark.parametrize(
    "style", ["white-space: pre-line", "color:red;WHITE-SPACE:pre-wrap", "white-space:break-spaces"]
)
def test_lines_that_a_style_keeps_are_kept(style: str) -> None:
    written = f'<main><p>{TEXT}</p><div style="{style}">{LINES} </div><p>{MORE}</p></main>'
    assert f"{LINES}\n\n{MORE}" in page(written).text
    folded = page(written.replace(style, "white-space: nowrap")).text
    assert " ".join(LINES.split()) in folded


def test_a_field_stands_between_its_label_and_the_next() -> None:
    form = f"<main><p>{TEXT}</p><p>Name<input name=a>Town<input name=b><i>of</i> birth</p><p>{MORE}</p></main>"
    assert "Name\nTown\nof birth" in page(form).text


SECTIONS = "".join(
    f"<section id=s{n}><h2>{n}. Chapter</h2><p>{TEXT}</p><p>{MORE}</p></section>" for n in range(9)
)


@pytest.mark.parametrize("name", ["toctree-wrapper compound", "pagination-wrap", "menu-pages"])
def test_a_name_of_navigation_does_not_take_the_manual_with_it(name: str) -> None:
    found = page(
        f'<div class="body"><h1>A manual</h1><p>{MORE}</p><div class="{name}">{SECTIONS}</div></div>'
    )
    assert found.text.count(TEXT) == 9
    chapters = "".join(f"<li><a href=#s{n}>{n}. Chapter, and what it says</a>" for n in range(9))
    index = page(
        f'<div class="body"><h1>A</h1><p>{TEXT}</p><div class="{name}"><ul>{chapters}</ul></div></div>'
    )
    assert "what it says" not in index.text, "a list of chapters is left out under the same name"
    assert index.fallback is None


def posts(*kinds: str) -> str:
    """Posts as forum software writes them; a moderator's, or every other, has a class of its
    own."""
    person = "<div class=user><h4 itemprop=name>Ann</h4><div itemprop=jobTitle>Forum moderator of it</div></div>"
    return "".join(
        f"<article class='post {kind}'>{person}<time>1 May</time>"
        f"<div class=content><p>{number} {TEXT}</p><p>Well said, Ann.</p></div></article>"
        for number, kind in enumerate(kinds)
    )


@pytest.mark.parametrize(
    "kinds", [("", "", "", ""), ("mod", "", "", "", "mod"), ("bg1", "bg2", "bg1", "bg2", "bg1")]
)
def test_posts_are_kept_without_the_profiles_of_their_authors(kinds: tuple[str, ...]) -> None:
    found = page(f"<nav>{MENU}</nav><div id=thread><h1>A title of it</h1>{posts(*kinds)}</div>")
    assert found.kind == "forum"
    assert [f"{number} {TEXT}" in found.text for number in range(len(kinds))] == [True] * len(kinds)
    assert found.text.count("Well said, Ann.") == len(kinds)


def test_a_rank_that_posts_repeat_is_left_out() -> None:
    ranked = posts("", "", "").replace(
        "<div class=content>", "<h5>A well-known member</h5><div class=content>"
    )
    found = page(f"<nav>{MENU}</nav><div id=thread><h1>A title of it</h1>{ranked}</div>")
    assert found.text.count(TEXT) == 3
    assert "well-known" not in found.text
    for number in range(3):  # three headings that differ
        ranked = ranked.replace("A well-known member", f"Answer {number} to it", 1)
    found = page(f"<nav>{MENU}</nav><div id=thread><h1>A title of it</h1>{ranked}</div>")
    assert "Answer 1 to it" in found.text


STORIES = "".join(
    f"<article class=post><h2><a href=/{n}>Story {n} of the island</a></h2><span class=author>Ann</span>"
    f"<p>{n} {TEXT}</p></article>"
    for n in range(4)
)
READERS = "".join(
    f"<li class=comment><b class=author>Reader</b><time>1 May</time><p>{n} I never knew about this, and thank you.</p>"
    for n in range(40)
)
KINDS = {
    "a front page of whole stories": (f"<div id=content>{STORIES}</div>", "listing"),
    "an article that many commented on": (
        f"<main><article><h1>x</h1><p>{TEXT}<p>{MORE}<p>{MORE} {TEXT}</article>"
        f"<div id=comments><ol>{READERS}</ol></div></main>",
        "article",
    ),
    "comments alone": (
        f"<main><h1>x</h1><div id=comments><ol>{READERS}</ol></div></main>",
        "forum",
    ),
}


@pytest.mark.parametrize(("markup", "kind"), KINDS.values(), ids=KINDS.keys())
def test_posts_do_not_make_each_page_a_forum(markup: str, kind: str) -> None:
    found = page(f"<nav>{MENU}</nav>{markup}")
    assert found.kind == kind
    assert ("I never knew" in found.text) == (kind == "forum")
    assert "moderator" not in found.text


def letter(links: str) -> str:
    lines = "\n".join((TEXT, MORE, "", TEXT))
    return f"<h1>Re: A title</h1><b>Ann</b> <i>Mon Mar 1 2004</i><hr>{links}<hr><pre>{lines}</pre><hr>{links}"


def test_the_letters_around_a_letter_are_left_out() -> None:
    found = page(
        letter("<ul><li>Previous: <a href=1.html>[list] About the other matter</a></ul>")
    ).text
    assert found.startswith("Re: A title\n\nAnn Mon Mar 1 2004\n")
    assert found.endswith(f"{TEXT}\n{MORE}\n\n{TEXT}")
    assert "other matter" not in found
    text = page(letter(f"<p>{MORE} It is told <a href=1.html>here</a>.</p>")).text
    assert text.count("It is told here.") == 2, "a paragraph with a link is text"


def test_a_feed_that_a_browser_saved_is_a_feed() -> None:
    items = f"<item><title>One</title><description>{TEXT}</description></item>" * 2
    feed = f"<rss version='2.0'><channel>{items}</channel></rss>"
    for saved in (
        f"<html><body>{feed}</body></html>",
        f"<!doctype html>\n<html lang=en><head></head>\n<body>{feed}",
    ):
        assert page(saved).text == f"One\n\n{TEXT}\n\nOne\n\n{TEXT}"
    about = page(
        f"<html><body><h1>About feeds</h1><p>{TEXT}</p><p>{MORE}</p><rss>x</rss></body></html>"
    )
    assert about.text.startswith("About feeds"), "a page with such an element is a page"


FRAMED = {
    "a menu beside a form": (
        f"<nav>{MENU}</nav><main><h1>Log in</h1><form><input type=password></form></main>",
        "Log in",
    ),
    "a menu beside an error": (
        f"<nav>{MENU}</nav><main><h1>404</h1><p>It is gone.</p></main>",
        "404\n\nIt is gone.",
    ),
    "a menu alone": (f"<nav>{MENU}</nav>", "Home\nNews of all\nAbout us"),
    "text in a menu": (
        f"<nav><p>{TEXT}</p></nav><main><p>and more</p></main>",
        f"{TEXT}\n\nand more",
    ),
}


@pytest.mark.parametrize(("markup", "text"), FRAMED.values(), ids=FRAMED.keys())
def test_a_menu_is_the_page_only_if_nothing_else_is(markup: str, text: str) -> None:
    assert page(markup).text.replace("\n  ", "\n").strip() == text


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


@pytest.mark.parametrize(
    "head", ['<?xml version="1.0"?><html><head><title/><script src="a.js"/></head>', XHTML]
)
def test_what_xml_closes_is_closed(head: str) -> None:
    assert TEXT in page(f"{head}<div id='a'/>{BODY}").text
    html = page(f"<html><head><title/></head>{BODY}")
    assert TEXT in html.text
    assert html.fallback == "unclosed", (
        "HTML's title stays open, and would hold the rest of the page"
    )
    prefixed = '<x:html xmlns:x="http://www.w3.org/1999/xhtml"><x:body><x:p>One</x:p><x:p>Two</x:p></x:body></x:html>'
    assert page(f'<?xml version="1.0"?>{prefixed}').text == "One\n\nTwo"


def test_entries_of_a_feed_are_apart() -> None:
    items = (
        "<item><title>One &amp; 1</title><description>&lt;p&gt;First&lt;/p&gt;</description></item>"
    )
    items += "<item><title>Two</title><description><![CDATA[<p>Second</p>]]></description></item>"
    assert (
        page(f'<?xml version="1.0"?><rss><channel>{items}</channel></rss>').text
        == "One & 1\n\nFirst\n\nTwo\n\nSecond"
    )


def test_entries_of_feeds_with_prefixes_and_elements_of_other_xml_are_apart() -> None:
    entry = "<a:entry><a:title>One</a:title><a:content>First</a:content></a:entry>"
    assert page(f'<a:feed xmlns:a="http://www.w3.org/2005/Atom">{entry}{entry}</a:feed>').text == (
        "One\n\nFirst\n\nOne\n\nFirst"
    )
    assert (
        page(
            '<?xml version="1.0"?><urlset><url><loc>a</loc><lastmod>b</lastmod></url></urlset>'
        ).text
        == "a\nb"
    )


def test_a_panel_that_nothing_opens_is_hidden() -> None:
    markup = f'<main>{BODY}<a href="#c1">x</a><div id=c2 style="display: none"><p>Hidden words of it.</p></div></main>'
    assert "Hidden" not in page(markup).text


def test_what_readers_wrote_is_left_out_of_an_article() -> None:
    posts = "".join(
        f"<div class=comment><b class=author>Ann</b><p>A reader wrote this {n}.</p></div>"
        for n in "123"
    )
    markup = f'<meta property="og:type" content="article"><main>{BODY}</main><div id="comments">{posts}</div>'
    assert "reader" not in page(markup).text
    assert page(markup, comments="keep").text.count("A reader wrote this") == 3


COLUMNS = {
    "an error": (
        "<title>404 Not Found</title><h1>404</h1><p>It is not there.</p>",
        "access",
        "error",
    ),
    "a year is no error": (
        "<title>Report of 2404</title><h1>Year</h1><p>It is there.</p>",
        "access",
        None,
    ),
    "an error of IIS": (
        "<title>HTTP Error 403.14 - Forbidden</title><p>It is not listed.</p>",
        "access",
        "error",
    ),
    "a price is no error": (
        "<title>Lamp</title><h2>404.14</h2><p>It is bright.</p>",
        "access",
        None,
    ),
    "widgets of a text editor are no posts": (
        f'<div class="widget-text-editor"><div class=content><h3>A head</h3><p>{TEXT}</p><p>{MORE}</p></div></div>'
        * 4,
        "kind",
        "article",
    ),
    "posts with their authors": (
        f"<div class=post><div class=author>Ann</div><div class=content><p>{TEXT}</p><p>{MORE}</p></div></div>"
        * 4,
        "kind",
        "forum",
    ),
    "a login": ("<form><label>Name</label><input type=password></form>", "access", "login"),
    "a check of the browser": (
        "<title>x</title><div class=main-content><h1>example.org</h1><noscript><span "
        'id="challenge-error-text">Enable JavaScript</span></noscript></div>',
        "access",
        "challenge",
    ),
    "a check next to a text": (
        f'<main>{BODY * 4}</main><script src="/cdn-cgi/challenge-platform/h/b/main.js"></script>',
        "access",
        None,
    ),
    "a cookie wall": (
        '<h1>Before you go on</h1><form action="https://consent.example.org/save"><p>Some words.</p>',
        "access",
        "consent",
    ),
    "a question for consent next to a text": (
        f'<main>{BODY * 4}</main><form id="consent-form"><button>Yes</button></form>',
        "access",
        None,
    ),
    "entries of a live blog, each with a title": (
        "".join(
            f"<div class=entry><time>10:0{n}</time><h3>The {n}th of what happens</h3><p>{TEXT}</p></div>"
            for n in range(5)
        ),
        "kind",
        "article",
    ),
    "posts that all have the title of their topic": (
        f"<div class=entry><time>10:01</time><h3>What happens here</h3><p>{TEXT}</p></div>" * 5,
        "kind",
        "forum",
    ),
    "a long post with headings among others": (
        f"<div class=post><time>10:01</time><p>{TEXT}</p><p>{MORE}</p></div>" * 9
        + f"<div class=post><time>10:01</time><h3>One</h3><h3>Two</h3><h3>Three</h3><p>{TEXT}</p></div>",
        "kind",
        "forum",
    ),
    "comments without names": (
        f"<h1>A question</h1>{f'<table><tr><td><div class=comment>{TEXT}</div></td></tr></table>' * 4}",
        "kind",
        "forum",
    ),
    "comments without names below an article": (
        f"<article>{BODY * 2}</article>{f'<div class=comment>{TEXT}</div>' * 6}",
        "kind",
        "article",
    ),
    "an article": (
        f'<meta property="og:type" content="article"><main>{BODY}</main>',
        "kind",
        "article",
    ),
    "a product": (
        f'<meta property="og:type" content="product"><main>{BODY}</main>',
        "kind",
        "product",
    ),
    "a manual": (f'<meta name="generator" content="Sphinx"><main>{BODY}</main>', "kind", "manual"),
    "text in noscript": (f"<body><noscript>{BODY}</noscript>", "fallback", "noscript"),
    "none needed": (f"<main>{BODY}</main>", "fallback", None),
    "a picture in noscript": (
        '<p>Few words.</p><noscript> <img src="a.gif" alt="text"> </noscript>',
        "fallback",
        None,
    ),
}


@pytest.mark.parametrize(("markup", "column", "value"), COLUMNS.values(), ids=COLUMNS.keys())
def test_columns(markup: str, column: str, value: str | None) -> None:
    assert getattr(page(markup), column) == value


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("sidebar2021", True),  # numbers part words
        ("x7sidebar1", True),
        ("sidebar", True),
        ("no2sidebar", False),  # and are no white space, which ends what is denied
        ("side2bar3x", True),
        ("par_id3154", False),
    ],
)
def test_numbers_in_ids_part_words(name: str, names: bool) -> None:
    walked = walk([f'<div id="{name}"><p>{BODY}</p></div>'])
    assert bool((walked.layout.own_names & BIT["side"]).any()) == names
    assert bool(name_bits(name) & BIT["side"]) == names


def test_text_without_a_tag_keeps_its_lines() -> None:
    assert page("first line\nsecond line\n").text == "first line\nsecond line"


PLAIN = {
    "an address": "Write to <ann@example.org>.\nNext line.",
    "a place holder": "usage: copy <file> [<folder>]\nNext line.",
    "less than": "if a < b and c > d\nNext line.",
}


@pytest.mark.parametrize("text", PLAIN.values(), ids=PLAIN.keys())
def test_signs_in_a_text_are_no_tags(text: str) -> None:
    assert page(text).text == text
    assert page(f"{text}<br>x").text != f"{text}<br>x"


def test_the_sign_of_a_headings_address_is_no_text() -> None:
    sign = '<a class="headerlink" href="#a" title="Permalink">\u00b6</a>'
    text = page(
        f"<main><h1>Title{sign}</h1><p>{TEXT}</p><p>{MORE} <a href=/p>\u00b6</a></p></main>"
    ).text
    assert text == f"Title\n\n{TEXT}\n\n{MORE} \u00b6"


TABLE = "<tr><th><th>A<th>B<tr><th>x<td><td><p>1<p>2|3<tr><td>alone"


def test_cells_without_text_keep_their_place() -> None:
    assert page(f"<table>{TABLE}</table>").text == "\tA\tB\nx\t\t1\n\n2|3\n\nalone"
    assert page(f"<table><caption>C</caption>{TABLE}</table>", structure="markdown").text == (
        "C\n\n|  | A | B |\n| --- | --- | --- |\n| x |  | 1 2\\|3 |\n| alone |  |  |"
    )


def test_a_table_that_lays_out_a_page_is_no_table_in_markdown() -> None:
    markup = f"<table><tr><td><h2>Head</h2><p>{TEXT}<td><p>{MORE}<tr><td>x<td>y</table>"
    assert page(markup, structure="markdown").text.startswith(f"## Head\n\n{TEXT}\n\n{MORE}")


def test_markdown() -> None:
    link = "<p>See <a href='/x'>the other page</a> for all the rest of it.</p>"
    markup = f"<main>{BODY}<h2>Part</h2>{link}<ol><li>{TEXT}<li>{MORE}</ol></main>"
    text = page(markup, structure="markdown").text
    assert text.startswith(f"# A title of it\n\n{TEXT}")
    assert "## Part\n\nSee [the other page](/x) for" in text
    assert text.endswith(f"1. {TEXT}\n1. {MORE}")
    with pytest.raises(
        ValueError,
        match="structure 'markdown' needs engine 'blocks' or 'whole_page', got 'selectors'",
    ):
        ExtractionConfig(structure="markdown", engine="selectors")
