"""Manual pages of public Debian documentation packages, with the main text of each, labelled by
rules.

The pages come from public Debian documentation packages, downloaded if `--debs` is not given. Their
labels are rules:
`GENERATORS` names, for each documentation generator, the elements that hold the main content and
those inside it that do not belong to it (navigation, tables of contents, permalinks, hidden
variants). The rules were written by reading
pages of every package, and give the label of a page without committing any text.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import regex  # type: ignore[import-untyped]
from resiliparse.parse.encoding import detect_encoding
from resiliparse.parse.html import HTMLTree, Node

from tests.benchmarks.help_pages import find_package, package_files


class Generator(NamedTuple):
    """How a generator marks the main content: `main` selects it, `leave_out` selects what in it is
    not content."""

    main: str
    leave_out: str


class Manual(NamedTuple):
    """Pages of one package in one language that one generator wrote; `pages` matches their
    paths."""

    package: str
    language: str  # ISO 639-3 and 15924, as the package claims
    pages: str
    generator: str


class LabelledPage(NamedTuple):
    manual: Manual
    path: str
    html: str
    tokens: Counter[tuple[str, str, str]]  # of the main text

    @property
    def name(self) -> str:
        return f"{self.manual.generator} {self.manual.language} {self.path}"


# A manual on one page stands whole in the element that holds the list of its chapters elsewhere.
_CHAPTERS = "div.toctree-wrapper > ul, div.toctree-wrapper > p.caption"
_DOCBOOK = Generator(
    "body > div:not(.navheader):not(.navfooter):not(.nav-header)",
    "div.toc, div.list-of-tables, div.list-of-figures",
)
GENERATORS = {
    "docbook-xsl": _DOCBOOK,
    "docbook-gimp": _DOCBOOK,
    "docbook-postgresql": _DOCBOOK,
    "gtk-doc": Generator(
        "body > div.refentry, body > div.chapter, body > div.part", "div.toc, td.listing_lines"
    ),
    "publican": Generator("body > div:not(#banner)", "div.toc, .docnav"),
    "sphinx-classic": Generator("div.body", f"a.headerlink, {_CHAPTERS}, div.contents"),
    "sphinx-python": Generator("div.body", f"a.headerlink, {_CHAPTERS}, div.contents"),
    "sphinx-alabaster": Generator("div.body", f"a.headerlink, {_CHAPTERS}, div.contents"),
    "sphinx-django": Generator("#yui-main", f"a.headerlink, {_CHAPTERS}, div.contents"),
    "sphinx-sphinx13": Generator("div.body", f"a.headerlink, {_CHAPTERS}, nav.contents"),
    "apache-xslt": Generator(
        "#page-content", "#quickview, .toplang, .top, .permalink, #comments_section, .up"
    ),
    "asciidoctor": Generator(
        "#header > h1, #header > h2, #header > .sectionbody, #content", "#toc"
    ),
    "texi2any-lilypond": Generator(
        "#main", "table.nav_table, table.menu, #tocframe, #footer, .toc, .anchor"
    ),
    "texi2any": Generator(
        "body", "div.header, table.menu, ul.section-toc, .copiable-anchor, div.footnotes-heading"
    ),
    "libreoffice-help": Generator("#DisplayArea", "[hidden]"),
    "mdbook": Generator("#content > main", "#sidebar, nav"),
    "rustdoc": Generator(
        "#main-content", ".out-of-band, a.anchor, .srclink, #copy-path, #toggle-all-docs"
    ),
    "mkdocs": Generator("body > div.container div.col-md-9", "a.headerlink"),
    "doxygen": Generator(
        "div.header div.headertitle, div.contents", ".permalink, .dynheader, .dyncontent"
    ),
    "javadoc": Generator(
        "main div.header, main section.class-description, main section.details", "ol.sub-nav"
    ),
}
# Generators whose pages were read for their labels only, after the rules of the extractor were
# fixed.
HELD_OUT = {
    "sphinx-rtd": Generator('[itemprop="articleBody"]', f"a.headerlink, {_CHAPTERS}, div.contents"),
    "sphinx-pallets": Generator("div.body", f"a.headerlink, {_CHAPTERS}, div.contents"),
    "gi-docgen": Generator("#main", "button, .srclink, .anchor"),
    "yard": Generator("#content", ".showSource, .summary_toggle, .toggleSource"),
    "haddock": Generator("#content", "#table-of-contents, a.selflink"),
    "nodejs": Generator("#apicontent", ".mark"),
}

_REFERENCE = r"\./usr/share/debian-reference/ch\d\d\.{0}\.html"
_GUIDE = r"\./usr/share/doc/maint-guide-{0}/html/[a-z]+\.{0}\.html"
_FAQ = r"\./usr/share/doc/debian/FAQ/{0}/[a-z-]+\.{0}\.html"
_DEVELOPERS = r"\./usr/share/developers-reference/{0}/(?!genindex|search)[a-z-]+\.html"
_INSTALLATION = r"\./usr/share/doc/installation-guide-amd64/{0}/(ch|ap)[a-z0-9]+\.html"
_HANDBOOK = r"\./usr/share/doc/debian-handbook/html/{0}/sect\.[a-z0-9.-]+\.html"
_HTTPD = r"\./usr/share/doc/apache2-doc/manual/{0}/(mod/|howto/|misc/)?[a-z_-]+\.html"
_LILYPOND = (
    r"\./usr/share/doc/lilypond/html/Documentation/(learning|usage|notation)/[a-z-]+{0}\.html"
)
_HELP = r"\./usr/share/libreoffice/help/[A-Za-z-]+/text/[a-z]+/(guide|01)/[A-Za-z0-9_]+\.html"
MANUALS = (
    Manual("debian-reference-ja", "jpn_Jpan", _REFERENCE.format("ja"), "docbook-xsl"),
    Manual("debian-reference-zh-cn", "zho_Hans", _REFERENCE.format("zh-cn"), "docbook-xsl"),
    Manual("debian-reference-id", "ind_Latn", _REFERENCE.format("id"), "docbook-xsl"),
    Manual("maint-guide-vi", "vie_Latn", _GUIDE.format("vi"), "docbook-xsl"),
    Manual("maint-guide-zh-tw", "zho_Hant", _GUIDE.format("zh-tw"), "docbook-xsl"),
    Manual("maint-guide-ca", "cat_Latn", _GUIDE.format("ca"), "docbook-xsl"),
    Manual("debian-faq-ru", "rus_Cyrl", _FAQ.format("ru"), "docbook-xsl"),
    Manual("debian-faq-ko", "kor_Kore", _FAQ.format("ko"), "docbook-xsl"),
    Manual("installation-guide-amd64", "ell_Grek", _INSTALLATION.format("el"), "docbook-xsl"),
    Manual("installation-guide-amd64", "ron_Latn", _INSTALLATION.format("ro"), "docbook-xsl"),
    Manual(
        "gimp-help-fa",
        "fas_Arab",
        r"\./usr/share/gimp/2\.0/help/fa/gimp-[a-z-]+\.html",
        "docbook-gimp",
    ),
    Manual(
        "gimp-help-el",
        "ell_Grek",
        r"\./usr/share/gimp/2\.0/help/el/gimp-[a-z-]+\.html",
        "docbook-gimp",
    ),
    Manual(
        "postgresql-doc-15",
        "eng_Latn",
        r"\./usr/share/doc/postgresql-doc-15/html/[a-z-]+\.html",
        "docbook-postgresql",
    ),
    Manual(
        "libglib2.0-doc",
        "eng_Latn",
        r"\./usr/share/gtk-doc/html/glib/glib-[A-Za-z0-9-]+\.html",
        "gtk-doc",
    ),
    Manual("debian-handbook", "ara_Arab", _HANDBOOK.format("ar-MA"), "publican"),
    Manual("debian-handbook", "fas_Arab", _HANDBOOK.format("fa-IR"), "publican"),
    Manual("debian-handbook", "tur_Latn", _HANDBOOK.format("tr-TR"), "publican"),
    Manual("developers-reference-ja", "jpn_Jpan", _DEVELOPERS.format("ja"), "sphinx-classic"),
    Manual("developers-reference-ru", "rus_Cyrl", _DEVELOPERS.format("ru"), "sphinx-classic"),
    Manual("developers-reference-de", "deu_Latn", _DEVELOPERS.format("de"), "sphinx-classic"),
    Manual(
        "python3.11-doc",
        "eng_Latn",
        r"\./usr/share/doc/python3\.11/html/(library|tutorial|howto)/[a-z.]+\.html",
        "sphinx-python",
    ),
    Manual(
        "python-requests-doc",
        "eng_Latn",
        r"\./usr/share/doc/python-requests-doc/html/(user|community|dev)/[a-z-]+\.html",
        "sphinx-alabaster",
    ),
    Manual(
        "python-django-doc",
        "eng_Latn",
        r"\./usr/share/doc/python-django-doc/html/(topics|ref|howto|intro)/[a-z0-9/-]+\.html",
        "sphinx-django",
    ),
    Manual(
        "sphinx-doc",
        "eng_Latn",
        r"\./usr/share/doc/sphinx-doc/html/(usage|extdev|man|development)/[a-z/-]+\.html",
        "sphinx-sphinx13",
    ),
    Manual("apache2-doc", "jpn_Jpan", _HTTPD.format("ja"), "apache-xslt"),
    Manual("apache2-doc", "kor_Kore", _HTTPD.format("ko"), "apache-xslt"),
    Manual("apache2-doc", "fra_Latn", _HTTPD.format("fr"), "apache-xslt"),
    Manual(
        "git-doc",
        "eng_Latn",
        r"\./usr/share/doc/git-doc/(git[a-z-]+|howto/[a-z-]+)\.html",
        "asciidoctor",
    ),
    Manual(
        "kicad-doc-ja", "jpn_Jpan", r"\./usr/share/doc/kicad/help/ja/[a-z_]+\.html", "asciidoctor"
    ),
    Manual("lilypond-doc-html-ja", "jpn_Jpan", _LILYPOND.format(r"\.ja"), "texi2any-lilypond"),
    Manual("lilypond-doc-html", "eng_Latn", _LILYPOND.format(""), "texi2any-lilypond"),
    Manual(
        "octave-doc",
        "eng_Latn",
        r"\./usr/share/doc/octave/octave\.html/(?!XREF)[A-Za-z-]+\.html",
        "texi2any",
    ),
    Manual("libreoffice-help-km", "khm_Khmr", _HELP, "libreoffice-help"),
    Manual("libreoffice-help-dz", "dzo_Tibt", _HELP, "libreoffice-help"),
    Manual("libreoffice-help-hi", "hin_Deva", _HELP, "libreoffice-help"),
    Manual("libreoffice-help-eu", "eus_Latn", _HELP, "libreoffice-help"),
    Manual(
        "rust-doc",
        "eng_Latn",
        r"\./usr/share/doc/rust-doc/html/(book|reference)/[a-z0-9-]+\.html",
        "mdbook",
    ),
    Manual(
        "rust-doc",
        "eng_Latn",
        r"\./usr/share/doc/rust-doc/html/std/[a-z]+/(struct|trait|fn)\.[A-Za-z_]+\.html",
        "rustdoc",
    ),
    Manual(
        "mkdocs-doc",
        "eng_Latn",
        r"\./usr/share/doc/mkdocs/html/(?!search)[a-z-]+/[a-z-]+\.html",
        "mkdocs",
    ),
    Manual(
        "libsfml-doc",
        "eng_Latn",
        r"\./usr/share/doc/libsfml-dev/html/class[a-z0-9_A-Z]+(?<!-members)\.html",
        "doxygen",
    ),
    Manual(
        "libcommons-lang3-java-doc",
        "eng_Latn",
        r"\./usr/share/doc/libcommons-lang3-java/api/org/[a-z0-9/]+/[A-Z][A-Za-z]+\.html",
        "javadoc",
    ),
    Manual(
        "python-attr-doc",
        "eng_Latn",
        r"\./usr/share/doc/python-attr-doc/html/(?!genindex|search|index)[a-z-]+\.html",
        "sphinx-rtd",
    ),
    Manual(
        "python-click-doc",
        "eng_Latn",
        r"\./usr/share/doc/python-click-doc/html/(?!genindex|search|index)[a-z-]+\.html",
        "sphinx-pallets",
    ),
    Manual(
        "libpango1.0-doc",
        "eng_Latn",
        r"\./usr/share/doc/libpango1\.0-doc/reference/Pango/[A-Za-z_.]+\.html",
        "gi-docgen",
    ),
    Manual("yard-doc", "eng_Latn", r"\./usr/share/doc/yard/doc/YARD/[A-Za-z/]+\.html", "yard"),
    Manual(
        "libghc-aeson-doc",
        "eng_Latn",
        r"\./usr/share/doc/libghc-aeson-doc/html/Data-[A-Za-z-]+\.html",
        "haddock",
    ),
    Manual("nodejs-doc", "eng_Latn", r"\./usr/share/doc/nodejs/api/[a-z_]+\.html", "nodejs"),
)
PAGES_PER_MANUAL = 8
MIN_TOKENS = 60  # a page with less main text is an index or a redirect

_BLOCKS = (
    "address, article, aside, blockquote, br, caption, dd, details, div, dl, dt, fieldset, figcaption, figure, footer, "
    "form, h1, h2, h3, h4, h5, h6, header, hr, legend, li, main, nav, ol, option, p, pre, section, summary, table, td, "
    "th, tr, ul"
)
_TOKEN = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]"
    r"|[[\p{L}\p{M}\p{N}_\u200c\u200d]--[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]]+",
    regex.V1,
)


def shingles(text: str) -> Counter[tuple[str, str, str]]:
    """Count the runs of 3 consecutive tokens of a text."""
    tokens = _TOKEN.findall(text)
    return Counter(zip(tokens, tokens[1:], tokens[2:], strict=False))


def _space(tree: HTMLTree) -> Node:
    space = tree.create_text_node(" ")
    assert space is not None
    return space


def main_text(html: str, generator: Generator) -> str:
    """Return the labelled main text of a page, a space at every edge of a block element."""
    tree = HTMLTree.parse(html)
    document = tree.document
    assert document is not None  # parsing always makes one
    # `values` takes a linear pass; iterating over the collection itself takes a quadratic one
    # (resiliparse 2.0.1).
    for node in document.query_selector_all(
        f"script, style, noscript, {generator.leave_out}"
    ).values():
        node.decompose()
    for node in document.query_selector_all(_BLOCKS).values():
        assert node.parent is not None  # a block lies in the body
        node.parent.insert_before(_space(tree), node)
        node.append_child(_space(tree))
    return " ".join(
        node.text or "" for node in document.query_selector_all(generator.main).values()
    )


def labelled_pages(debs: Path) -> list[LabelledPage]:
    """Read and label the pages of every manual: those with the smallest hash of their path, so the
    choice is stable."""
    pages = []
    for manual in MANUALS:
        found = dict(package_files(find_package(debs, manual.package), re.compile(manual.pages)))
        chosen: list[LabelledPage] = []
        for path in sorted(found, key=lambda path: hashlib.blake2b(path.encode()).digest()):
            html = found[path].decode(detect_encoding(found[path], from_html_meta=True) or "utf-8")
            tokens = shingles(main_text(html, (GENERATORS | HELD_OUT)[manual.generator]))
            if tokens.total() >= MIN_TOKENS:
                chosen.append(LabelledPage(manual, path, html, tokens))
            if len(chosen) == PAGES_PER_MANUAL:
                break
        if not chosen:
            raise ValueError(
                f"no page of {manual.package} has main text: pages {manual.pages}, {manual.generator}"
            )
        pages += chosen
    return pages
