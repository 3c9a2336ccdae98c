"""Pages written by hand in the shapes that the web is built in, with real text of many languages,
main text labelled.

A template is a page as site builders, forums, wikis, newspapers, shops and offices make them; its
words come from the sample texts of gflanguages (the Universal Declaration of Human Rights), so
every template exists in every language and no text is committed. What a template passes through
`main` is main text, all else is not.

MEASURED is for measuring alone; TRAINED is other templates, in other languages, which the model may
learn from.
"""

from __future__ import annotations

import itertools
import random
import zlib
from collections.abc import Callable
from html import escape
from typing import NamedTuple

import gflanguages

LANGUAGES = (
    *(
        "en_Latn",
        "yo_Latn",
        "vi_Latn",
        "eu_Latn",
        "tr_Latn",
        "mt_Latn",
        "ru_Cyrl",
        "kk_Cyrl",
        "el_Grek",
        "ka_Geor",
    ),
    *(
        "hy_Armn",
        "am_Ethi",
        "ar_Arab",
        "ur_Arab",
        "he_Hebr",
        "dv_Thaa",
        "hi_Deva",
        "bn_Beng",
        "ta_Taml",
        "ml_Mlym",
    ),
    *(
        "si_Sinh",
        "my_Mymr",
        "km_Khmr",
        "th_Thai",
        "lo_Laoo",
        "dz_Tibt",
        "zh_Hans",
        "ja_Jpan",
        "ko_Kore",
        "iu_Cans",
    ),
)
TRAINING_LANGUAGES = (
    *(
        "de_Latn",
        "ha_Latn",
        "pl_Latn",
        "sw_Latn",
        "uk_Cyrl",
        "mn_Cyrl",
        "fa_Arab",
        "ti_Ethi",
        "mr_Deva",
        "gu_Gujr",
    ),
    *("te_Telu", "kn_Knda", "pa_Guru", "bo_Tibt", "zh_Hant", "chr_Cher", "nqo_Nkoo", "fr_Latn"),
)


class HandmadePage(NamedTuple):
    template: str
    language: str  # key of gflanguages, such as km_Khmr
    html: str
    main: str  # the parts of main text, a line each


class Words:
    """Text of one language: long runs for the main text, labels for all else; notes what was
    main."""

    def __init__(self, language: str, template: str) -> None:
        texts = LANGUAGE_SAMPLES[language].sample_text
        self.long = " ".join((texts.specimen_21, texts.specimen_16, texts.specimen_32)).replace(
            "\n", " "
        )
        self.short = " ".join((texts.specimen_36, texts.tester, texts.styles)).replace("\n", " ")
        self.spaced = self.long.count(" ") * 15 > len(self.long)
        self.random = random.Random(zlib.crc32(f"{template} {language}".encode()))
        self.said: list[str] = []
        self.at = 0

    def main(self, text: str) -> str:
        self.said.append(text)
        return escape(text, quote=False)

    def _take(self, source: str, begin: int, units: int) -> str:
        """Take words of a spaced text, or code points of one without spaces, three a word."""
        if self.spaced:
            words = source.split()
            begin %= max(1, len(words) - units)
            return " ".join(words[begin : begin + units])
        begin %= max(1, len(source) - 3 * units)
        return source[begin : begin + 3 * units].strip()

    def paragraph(self, words: int | None = None) -> str:
        """A paragraph of main text, the next words of the long text."""
        count = words or self.random.randint(25, 60)
        text = self._take(self.long, self.at, count)
        self.at += count if self.spaced else 3 * count
        return self.main(text)

    def title(self) -> str:
        return self.main(self._take(self.long, 7, 6))

    def label(self, words: int = 0) -> str:
        """Words of a menu or a notice, no main text."""
        return escape(
            self._take(self.short, self.random.randint(0, 60), words or self.random.randint(1, 3)),
            quote=False,
        )

    def menu(self, count: int, tag: str = "li") -> str:
        return "".join(f'<{tag}><a href="/{n}">{self.label()}</a></{tag}>' for n in range(count))

    def paragraphs(self, count: int) -> str:
        return "".join(f"<p>{self.paragraph()}</p>\n" for _ in range(count))


LANGUAGE_SAMPLES = gflanguages.LoadLanguages()
Template = Callable[[Words], str]


def newspaper(w: Words) -> str:
    return f"""<!doctype html><html><head><title>{w.label(4)} | {w.label(1)}</title></head><body class="single post">
<a class="skip-link" href="#c">{w.label(3)}</a>
<header class="site-header"><a class="logo" href="/">{w.label(2)}</a><nav class="main-nav"><ul>{w.menu(9)}</ul></nav></header>
<div class="breadcrumbs"><a href="/">{w.label(1)}</a> › <a href="/a">{w.label(1)}</a></div>
<main id="c"><article><h1>{w.title()}</h1>
<div class="article-meta"><span class="author">{w.label(2)}</span> <time datetime="2024-05-01">12.05.2024, 14:30</time></div>
<div class="share"><a href="#f">Facebook</a><a href="#t">Twitter</a></div>
<p class="lead">{w.paragraph(22)}</p>{w.paragraphs(3)}
<aside class="related-inline"><h4>{w.label(2)}</h4><ul>{w.menu(3)}</ul></aside>
<h2>{w.paragraph(4)}</h2>{w.paragraphs(3)}
<div class="author-box"><img src="a.jpg"><h4>{w.label(2)}</h4><p>{w.label(9)}</p></div>
<div class="tags"><a href="/t/1">{w.label(1)}</a><a href="/t/2">{w.label(1)}</a></div></article></main>
<section class="related"><h3>{w.label(2)}</h3>{"".join(f'<div class="teaser"><a href="/{n}"><h4>{w.label(5)}</h4></a></div>' for n in range(6))}</section>
<section id="comments"><h3>{w.label(1)} (2)</h3><div class="comment"><b>{w.label(1)}</b><p>{w.label(8)}</p></div></section>
<footer class="site-footer"><ul>{w.menu(7)}</ul><p>© 2024 {w.label(3)}</p></footer>
<div class="cookie-banner"><p>{w.label(12)}</p><button>{w.label(1)}</button></div></body></html>"""


def site_builder(w: Words) -> str:
    def box(inner: str, number: int) -> str:
        return f'<div id="comp-{number:x}k3" class="_1Z2q{number} _3f{number}"><div class="x{number}r0"><div>{inner}</div></div></div>'

    body = "".join(
        box(
            f'<p class="font_8"><span style="font-size:16px"><span>{w.paragraph()}</span></span></p>',
            n,
        )
        for n in range(30, 35)
    )
    return f"""<html><head><title>{w.label(3)}</title></head><body><div id="SITE_CONTAINER"><div id="root"><div>
{box("".join(f'<div class="_q{n}"><a href="/{n}"><div><p>{w.label()}</p></div></a></div>' for n in range(7)), 10)}
{box(f'<h1 class="font_0"><span>{w.title()}</span></h1>', 20)}{body}
{box(f'<p class="font_9">© {w.label(3)}</p><p class="font_9"><a href="mailto:a@b.c">a@b.c</a></p>', 90)}
</div></div></div></body></html>"""


def forum(w: Words) -> str:
    posts = "".join(
        f'<div id="p{n}" class="post bg{n % 2}"><dl class="postprofile"><dt><a href="/u{n}">{w.label(1)}</a></dt>'
        f'<dd>{w.label(1)}: {n * 37}</dd></dl><div class="postbody"><p class="author"><a href="#p{n}">#{n}</a> 01.02.2023 12:0{n}</p>'
        f'<div class="content">{w.paragraph(30)}<br><br>{w.paragraph(20)}</div></div></div>'
        for n in range(1, 6)
    )
    return f"""<html><head><title>{w.label(4)}</title><meta name="generator" content="phpBB"></head><body id="phpbb">
<div id="page-header"><h1><a href="/">{w.label(2)}</a></h1><p>{w.label(4)}</p><ul class="linklist navlinks">{w.menu(6)}</ul></div>
<div id="page-body"><h2 class="topic-title">{w.title()}</h2><div class="action-bar"><a class="button" href="/r">{w.label(1)}</a></div>
{posts}<div class="pagination"><ul>{w.menu(4)}</ul></div></div>
<div id="page-footer"><ul class="linklist">{w.menu(5)}</ul><div class="copyright">{w.label(4)} phpBB</div></div></body></html>"""


def wiki(w: Words) -> str:
    rows = "".join(f"<tr><th>{w.paragraph(3)}</th><td>{w.paragraph(5)}</td></tr>" for _ in range(4))
    return f"""<!DOCTYPE html><html class="client-nojs"><head><title>{w.label(3)} - Wiki</title></head><body class="mediawiki ltr ns-0">
<div id="mw-page-base"></div><div id="content" class="mw-body"><h1 id="firstHeading" class="firstHeading">{w.title()}</h1>
<div id="bodyContent"><div id="siteSub">{w.label(4)}</div><div id="mw-content-text"><div class="mw-parser-output">
{w.paragraphs(2)}<div id="toc" class="toc"><h2>{w.label(1)}</h2><ul>{w.menu(5)}</ul></div>
<h2><span class="mw-headline">{w.paragraph(3)}</span><span class="mw-editsection">[<a href="/e">{w.label(1)}</a>]</span></h2>{w.paragraphs(2)}
<table class="wikitable"><tbody>{rows}</tbody></table><ul><li>{w.paragraph(8)}</li><li>{w.paragraph(7)}</li></ul>
</div></div><div id="catlinks" class="catlinks"><ul>{w.menu(4)}</ul></div></div></div>
<div id="mw-navigation"><h2>{w.label(2)}</h2><div id="mw-panel"><ul>{w.menu(14)}</ul></div><div id="p-lang"><ul>{w.menu(12)}</ul></div></div>
<div id="footer"><ul><li>{w.label(8)}</li><li>{w.label(6)}</li></ul></div></body></html>"""


def shop(w: Words) -> str:
    cards = "".join(
        f'<li class="product-card"><a href="/{n}">{w.label(4)}</a><span class="price">{n}9,90</span></li>'
        for n in range(1, 7)
    )
    return f"""<html><head><title>{w.label(4)}</title><meta property="og:type" content="product"></head><body>
<header><div class="topbar">{w.label(6)}</div><form class="search"><input><button>{w.label(1)}</button></form><ul class="menu">{w.menu(10)}</ul></header>
<div class="product-page"><div class="gallery"><img src=1><img src=2></div><div class="product-info"><h1>{w.title()}</h1>
<div class="price">49,90 €</div><button class="add-to-cart">{w.label(2)}</button>
<div class="product-description"><p>{w.paragraph()}</p><ul><li>{w.paragraph(6)}</li><li>{w.paragraph(8)}</li><li>{w.paragraph(5)}</li></ul>{w.paragraphs(3)}</div>
</div></div><section class="recommended"><h3>{w.label(3)}</h3><ul>{cards}</ul></section>
<div class="newsletter"><h4>{w.label(2)}</h4><p>{w.label(9)}</p><form><input type=email></form></div>
<footer><ul>{w.menu(12)}</ul></footer></body></html>"""


def office(w: Words) -> str:
    """A government site of ASP.NET: all of the body in one form, tables for layout."""
    return f"""<html><head><title>{w.label(5)}</title></head><body><form method="post" action="./default.aspx" id="aspnetForm">
<input type="hidden" name="__VIEWSTATE" value="/wEPDwUK"><div id="ctl00_header"><a href="/">{w.label(4)}</a></div>
<table width="980" align="center"><tr><td width="200" valign="top"><table id="ctl00_menu">{"".join(f'<tr><td><a href="/{n}">{w.label(2)}</a></td></tr>' for n in range(12))}</table></td>
<td valign="top"><span id="ctl00_lblTitle" style="font-weight:bold">{w.title()}</span><br><br>
<div id="ctl00_cph_content">{w.paragraphs(5)}</div></td></tr>
<tr><td colspan="2" align="center"><font size="1">{w.label(8)} 2019 | <a href="/k">{w.label(1)}</a></font></td></tr></table></form></body></html>"""


def xhtml(w: Words) -> str:
    return f"""<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "xhtml1-strict.dtd">
<html xmlns="http://www.w3.org/1999/xhtml"><head><title/><script type="text/javascript" src="a.js"/><link rel="stylesheet" href="s.css"/></head>
<body><div id="nav"><ul>{w.menu(8)}</ul></div><a name="top"/><div id="text"><h1>{w.title()}</h1>{w.paragraphs(4)}<h2>{w.paragraph(3)}</h2>{w.paragraphs(2)}</div>
<div id="fuss"><p>{w.label(5)}</p></div></body></html>"""


def weblog(w: Words) -> str:
    return f"""<!DOCTYPE html><html><head><title>{w.label(5)}</title></head><body class="post-template single-format-standard has-sidebar">
<div id="page" class="site"><header id="masthead" class="site-header"><p class="site-title"><a href="/">{w.label(2)}</a></p><p class="site-description">{w.label(6)}</p>
<nav id="site-navigation"><ul id="primary-menu">{w.menu(6)}</ul></nav></header><div id="content" class="site-content"><div id="primary" class="content-area with-sidebar">
<article id="post-12" class="post type-post hentry"><header class="entry-header"><h1 class="entry-title">{w.title()}</h1>
<div class="entry-meta"><span class="posted-on"><a href="/d">1 / 5 / 2020</a></span><span class="byline">{w.label(2)}</span></div></header>
<div class="entry-content">{w.paragraphs(3)}<blockquote><p>{w.paragraph()}</p></blockquote><ol><li>{w.paragraph(9)}</li><li>{w.paragraph(12)}</li></ol>{w.paragraphs(1)}
<div class="sharedaddy sd-sharing-enabled"><h3>{w.label(2)}</h3><ul>{w.menu(3)}</ul></div></div>
<footer class="entry-footer"><a href="/c">{w.label(1)}</a></footer></article>
<nav class="post-navigation"><a href="/p">{w.label(4)}</a><a href="/n">{w.label(4)}</a></nav></div>
<aside id="secondary" class="widget-area">{"".join(f'<section class="widget"><h2 class="widget-title">{w.label(2)}</h2><ul>{w.menu(5)}</ul></section>' for _ in range(3))}</aside></div>
<footer id="colophon" class="site-footer"><div class="site-info">{w.label(6)} WordPress</div></footer></div></body></html>"""


def accordion(w: Words) -> str:
    items = "".join(
        f'<h2 class="accordion-header"><button aria-expanded="false" type="button">{w.paragraph(6)}</button></h2>'
        f'<div class="accordion-panel" hidden><p>{w.paragraph()}</p></div>'
        for _ in range(5)
    )
    return f"""<html><head><title>{w.label(3)}</title></head><body><nav class="navbar"><ul>{w.menu(8)}</ul></nav><main><h1>{w.title()}</h1><p>{w.paragraph(18)}</p>{items}</main>
<footer><p>{w.label(7)}</p><ul>{w.menu(5)}</ul></footer></body></html>"""


def plain_html(w: Words) -> str:
    """HTML of the nineties: no names, line breaks for paragraphs."""
    links = " | ".join(f'<a href="{n}.htm">{w.label(1)}</a>' for n in range(7))
    text = "<br><br>\n".join(w.paragraph() for _ in range(6))
    return f"""<HTML><HEAD><TITLE>{w.label(4)}</TITLE></HEAD><BODY BGCOLOR=white><CENTER>{links}</CENTER><HR><FONT SIZE=5><B>{w.title()}</B></FONT><BR><BR>
{text}<HR><CENTER><FONT SIZE=2>{links}</FONT></CENTER></BODY></HTML>"""


def definitions(w: Words) -> str:
    entries = "".join(f"<dt>{w.paragraph(2)}</dt><dd>{w.paragraph(14)}</dd>" for _ in range(7))
    return f"""<html><head><title>{w.label(3)}</title></head><body><div class="wrapper"><div class="top-nav">{w.menu(6, "span")}</div>
<div class="container"><div class="col-md-3 sidebar-left"><ul>{w.menu(11)}</ul></div><div class="col-md-9"><h1>{w.title()}</h1><p>{w.paragraph()}</p>
<aside class="admonition note"><p>{w.paragraph(20)}</p></aside><dl>{entries}</dl></div></div><div class="bottom">{w.label(7)}</div></div></body></html>"""


def open_navigation(w: Words) -> str:
    """A menu that was never closed before the main part."""
    return f"""<html><head><title>{w.label(3)}</title></head><body><nav><ul>{w.menu(8)}</ul><main id="inhalt" class="unavailable-no text-navy"><h1>{w.title()}</h1>
{w.paragraphs(3)}<section id="cookies"><h2>{w.paragraph(3)}</h2>{w.paragraphs(2)}</section><p class="share">{w.paragraph(16)}</p></main><div class="footer-links">{w.menu(7, "span")}</div></body></html>"""


MEASURED: tuple[Template, ...] = (
    *(
        newspaper,
        site_builder,
        forum,
        wiki,
        shop,
        office,
        xhtml,
        weblog,
        accordion,
        plain_html,
        definitions,
    ),
    open_navigation,
)


def _portal(w: Words) -> str:
    teasers = "".join(
        f'<li class="c-list__item"><a href="/{n}">{w.label(5)}</a></li>' for n in range(8)
    )
    return f"""<html><head><title>{w.label(4)}</title></head><body><div class="l-top"><div>{w.label(2)}</div><div class="c-menu">{w.menu(8, "div")}</div></div>
<div class="l-grid"><div class="l-grid__main"><div class="c-head"><h1>{w.title()}</h1><div class="c-head__date">3.4.2021 08:15</div></div>
<div class="c-text">{w.paragraphs(5)}</div><div class="c-tools"><a href="#">{w.label(1)}</a><a href="#">{w.label(1)}</a></div></div>
<div class="l-grid__side"><h3>{w.label(2)}</h3><ul class="c-list">{teasers}</ul></div></div><div class="l-end">{w.menu(9, "span")}<p>{w.label(8)}</p></div></body></html>"""


def _municipality(w: Words) -> str:
    cells = "".join(
        f"<tr><td>{w.paragraph(3)}</td><td>{w.paragraph(6)}</td></tr>" for _ in range(5)
    )
    return f"""<html><head><title>{w.label(3)}</title></head><body><form id="Form1" method="post"><div class="kopf">{w.menu(7, "span")}</div><div class="links"><ul>{w.menu(9)}</ul></div>
<div class="mitte"><h2>{w.title()}</h2>{w.paragraphs(3)}<table>{cells}</table></div><div class="unten">{w.label(6)}</div></form></body></html>"""


def _thread(w: Words) -> str:
    posts = "".join(
        f'<article class="topic-post" data-post="{n}"><div class="avatar"><a href="/u">{w.label(1)}</a></div><div class="cooked"><p>{w.paragraph(28)}</p><p>{w.paragraph(18)}</p></div>'
        f'<div class="controls"><button>{w.label(1)}</button><time>2d</time></div></article>'
        for n in range(6)
    )
    return f"""<html><head><title>{w.label(4)}</title></head><body><header class="d-header"><a href="/">{w.label(1)}</a><ul>{w.menu(4)}</ul></header><div id="topic"><h1>{w.title()}</h1>{posts}</div>
<div class="suggested-topics"><h3>{w.label(2)}</h3><table>{"".join(f'<tr><td><a href="/{n}">{w.label(5)}</a></td></tr>' for n in range(5))}</table></div></body></html>"""


def _old_tables(w: Words) -> str:
    text = "<br><br>".join(w.paragraph() for _ in range(5))
    return f"""<html><head><title>{w.label(3)}</title></head><body><table><tr><td colspan=3>{w.label(3)}</td></tr><tr><td>{"<br>".join(f'<a href="{n}">{w.label(1)}</a>' for n in range(9))}</td>
<td><h3>{w.title()}</h3>{text}</td><td><b>{w.label(2)}</b><br>{"<br>".join(f'<a href="{n}">{w.label(3)}</a>' for n in range(5))}</td></tr><tr><td colspan=3>{w.label(7)}</td></tr></table></body></html>"""


def _help_center(w: Words) -> str:
    items = "".join(
        f'<details><summary>{w.paragraph(5)}</summary><div aria-hidden="true" style="display:none"><p>{w.paragraph()}</p></div></details>'
        for _ in range(5)
    )
    return f"""<html><head><title>{w.label(3)}</title></head><body><div class="nav-wrap"><ul>{w.menu(7)}</ul></div><div class="faq"><h1>{w.title()}</h1>{items}</div><div class="footer"><ul>{w.menu(6)}</ul></div></body></html>"""


def _catalogue(w: Words) -> str:
    return f"""<html><head><title>{w.label(4)}</title></head><body><div id="hdr"><ul>{w.menu(8)}</ul></div><div id="item"><h1>{w.title()}</h1><span class="cost">12.50</span><a class="btn" href="/b">{w.label(2)}</a>
<div class="desc">{w.paragraphs(2)}<h3>{w.paragraph(3)}</h3><ul>{"".join(f"<li>{w.paragraph(6)}</li>" for _ in range(4))}</ul></div></div><div id="also"><h3>{w.label(3)}</h3>{w.menu(8, "div")}</div><div id="sub"><p>{w.label(10)}</p></div></body></html>"""


def _generated(w: Words) -> str:
    """Only divs with meaningless names."""
    parts = "".join(
        f'<div class="r{n}"><div class="s">{w.paragraph()}</div></div>' for n in range(5)
    )
    return f"""<html><head><title>{w.label(3)}</title></head><body><div class="a1"><div class="b1">{w.menu(7, "div")}</div><div class="b2"><div class="t">{w.title()}</div>{parts}</div><div class="b3"><div>{w.label(8)}</div><div>{w.menu(4, "div")}</div></div></div></body></html>"""


TRAINED: tuple[Template, ...] = (
    _portal,
    _municipality,
    _thread,
    _old_tables,
    _help_center,
    _catalogue,
    _generated,
)
_PAGES_A_LANGUAGE = 6


def handmade_pages(
    templates: tuple[Template, ...] = MEASURED, languages: tuple[str, ...] = LANGUAGES
) -> list[HandmadePage]:
    """Write six templates in each language, so that each template comes in many languages."""
    pages = []
    turn = itertools.cycle(templates)
    for language in languages:
        for _ in range(min(_PAGES_A_LANGUAGE, len(templates))):
            template = next(turn)
            words = Words(language, template.__name__)
            page = template(words)
            pages.append(
                HandmadePage(template.__name__.strip("_"), language, page, "\n".join(words.said))
            )
        next(turn)  # so that neighbours do not get the same templates
    return pages
