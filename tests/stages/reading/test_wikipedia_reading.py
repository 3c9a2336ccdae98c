"""MediaWiki dumps: articles as text, redirects skipped, hostile XML never expanded; wikitext in
linear time."""

from __future__ import annotations

import bz2
import gzip
import sys
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest

from stages.reading.wikitext import Wiki, plain_text

Rows = list[dict[str, Any]]

HEAD = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="{language}">
  <siteinfo><sitename>Wikipedia</sitename><dbname>{language}wiki</dbname>
    <base>https://{language}.wikipedia.org/wiki/{home}</base>
    <namespaces><namespace key="-2" case="first-letter">Media</namespace>
    <namespace key="0" case="first-letter" />
    <namespace key="6" case="first-letter">{file}</namespace>
    <namespace key="14" case="first-letter">{category}</namespace>
    </namespaces></siteinfo>
"""


def page(
    number: int | str,
    title: str,
    text: str,
    namespace: int = 0,
    extra: str = "",
    model: str = "wikitext",
) -> str:
    return (
        f"<page><title>{escape(title)}</title><ns>{namespace}</ns><id>{number}</id>{extra}<revision><id>9{number}</id>"
        f"<timestamp>2024-05-06T07:08:09Z</timestamp><contributor><username>x</username><id>1</id></contributor>"
        f"<model>{model}</model><text bytes='1' xml:space='preserve'>{escape(text)}</text></revision></page>\n"
    )


def dump(
    *pages: str,
    language: str = "eu",
    home: str = "Azala",
    file: str = "Fitxategi",
    category: str = "Kategoria",
) -> bytes:
    head = HEAD.format(language=language, home=home, file=file, category=category)
    return (head + "".join(pages) + "</mediawiki>\n").encode()


BASQUE = dump(
    page(
        12,
        "Bilbo & hiria",
        "'''Bilbo''' [[Fitxategi:a.jpg|thumb|[[Bizkaia]]ko]]hiria da.\n[[Kategoria:Hiriak]]",
    ),
    page(13, "Bilbao", "#BIRZUZENDU [[Bilbo]]", extra='<redirect title="Bilbo" />'),
    page(14, "Eztabaida:Bilbo", "ez da artikulua", namespace=1),
    page(15, "Hondarra", "Azkena."),
)


@pytest.mark.parametrize("name", ["eu.xml", "eu.xml.bz2", "eu.xml.gz"])
def test_articles_of_a_basque_dump(
    name: str, tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    packed = {
        "eu.xml": BASQUE,
        "eu.xml.bz2": bz2.compress(BASQUE),
        "eu.xml.gz": gzip.compress(BASQUE),
    }
    (tmp_path / name).write_bytes(packed[name])
    article, redirect, last = read_all(format="wikipedia", paths=[name], licence="CC-BY-SA-4.0")
    assert (article["text"], article["error"]) == ("Bilbo hiria da.", None)
    assert article["url"] == "https://eu.wikipedia.org/wiki/Bilbo_%26_hiria"
    assert (article["position"], article["declared_language"], article["date"]) == (
        12,
        "eu",
        "2024-05-06T07:08:09Z",
    )
    assert article["licence"] == "CC-BY-SA-4.0"
    assert (redirect["position"], redirect["error"], redirect["text"]) == (
        13,
        "redirect: to 'Bilbo'",
        None,
    )
    assert last["text"] == "Azkena."


def test_the_namespaces_of_a_tibetan_dump_are_its_own(
    tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    file, category = "\u0f61\u0f72\u0f42\u0f0b\u0f46", "\u0f62\u0f72\u0f42\u0f66\u0f0b"
    text = f"\u0f56\u0f7c\u0f51\u0f0b[[{file}:a.jpg|x]][[{category}:y]][[Fitxategi:z]]"
    (tmp_path / "bo.xml").write_bytes(
        dump(page(1, "\u0f56", text), language="bo", file=file, category=category)
    )
    (row,) = read_all(format="wikipedia", paths=["bo.xml"])
    assert row["text"] == "\u0f56\u0f7c\u0f51\u0f0bFitxategi:z", (
        "a Basque namespace means nothing there"
    )
    assert row["url"] == "https://bo.wikipedia.org/wiki/%E0%BD%96"


BAD_PAGES: dict[str, tuple[str, str]] = {
    "a module": (page(2, "A", "return {}", model="Scribunto"), "media_type: Scribunto"),
    "a deleted text": (
        page(2, "A", "").replace("<text ", "<text deleted='deleted' "),
        "no_text: text is null or missing",
    ),
    "a page over the limit": (
        page(2, "A", "a" * 6000),
        "too_large: the page exceeds max_record_bytes, which is 5000",
    ),
}


@pytest.mark.parametrize(("bad", "error"), BAD_PAGES.values(), ids=BAD_PAGES.keys())
def test_a_bad_page_fails_alone(
    bad: str, error: str, tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    (tmp_path / "a.xml").write_bytes(dump(page(1, "Bat", "bat"), bad, page(3, "Hiru", "hiru")))
    first, failed, last = read_all(format="wikipedia", paths=["a.xml"], max_record_bytes=5000)
    assert (first["text"], last["text"]) == ("bat", "hiru")
    assert failed["error"] == error


LAUGHS = b"""<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;">]>
<mediawiki><page><title>x</title><ns>0</ns><id>1</id><revision><text>&c;</text></revision></page></mediawiki>"""
BROKEN_DUMPS: dict[str, tuple[bytes, list[int], str]] = {
    "cut off": (BASQUE[:-60], [12, 13], "broken_stream: the XML is damaged: "),
    "damaged in the middle": (
        BASQUE.replace(b"<title>Hondarra", b"<title><Hondarra"),
        [12, 13],
        "broken_stream: the XML is damaged: ",
    ),
    "entities declared": (
        LAUGHS,
        [],
        "broken_stream: the XML is damaged: document type 'lolz' is declared",
    ),
    "an entity that nobody declared": (
        BASQUE.replace(b"Azkena", b"&unknown;"),
        [12, 13],
        "broken_stream: the XML is damaged: undefined entity",
    ),
    "no XML": (b"kaixo", [], "broken_stream: the XML is damaged: syntax error"),
}


@pytest.mark.parametrize(
    ("content", "pages", "error"), BROKEN_DUMPS.values(), ids=BROKEN_DUMPS.keys()
)
def test_a_broken_dump_gives_what_precedes_and_one_failed_record(
    content: bytes, pages: list[int], error: str, tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    (tmp_path / "a.xml").write_bytes(content)
    *read, failed = read_all(format="wikipedia", paths=["a.xml"])
    assert [row["position"] for row in read] == pages
    assert failed["error"].startswith(error)
    assert (failed["position"], failed["text"]) == (-1, None)


def test_a_truncated_bzip2_dump_gives_what_precedes(
    tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    pages = [page(number, f"T{number}", f"testua {number} " * 50) for number in range(1, 3000)]
    packed = bz2.compress(dump(*pages), 1)
    (tmp_path / "a.xml.bz2").write_bytes(packed[: len(packed) // 2])
    *read, failed = read_all(format="wikipedia", paths=["a.xml.bz2"])
    assert [row["position"] for row in read] == list(range(1, len(read) + 1))
    assert len(read) > 500
    assert failed["error"] == "broken_stream: the .bz2 stream is truncated"
    assert read_all(format="wikipedia", paths=["a.xml.bz2"], block_bytes=500) == [*read, failed]


WIKITEXT = {
    "bold and italic": ("'''Bilbo''' ''hiria'' '''''da'''''", "Bilbo hiria da"),
    "mlt: one apostrophe is a letter": ("il-'ajn u ta' Malta", "il-'ajn u ta' Malta"),
    "a link and its label": ("[[Bilbo]]ra, [[Bilbo|hirira]]", "Bilbora, hirira"),
    "a link to a namespace that is shown": (
        "[[:Kategoria:Hiriak]] eta [[Wikipedia:Azala|azala]]",
        "Kategoria:Hiriak eta azala",
    ),
    "a file with a link in its caption": ("a[[File:x.jpg|thumb|b [[c|d]] e]]f", "af"),
    "a category in other letters": ("a [[ category : x]]b", "a b"),
    "a template in a template": ("a{{b|c={{d|e}}}}f", "af"),
    "a parameter with a default": ("a{{{b|c}}}d", "ad"),
    "a parameter at the end of a template": ("a{{b|{{{c}}}}}d", "ad"),
    "a table": ("a\n{| class=x\n|-\n| b || {{c}}\n|}\nd", "a\n\nd"),
    "a table in a table": ("a\n{|\n| \n{|\n| b\n|}\n| c\n|}\nd", "a\n\nd"),
    "a template that ends as a table does": ("a {{b\n|c=d\n|}} e", "a e"),
    "references": ('a<ref name="x">b {{c}}</ref>d<ref name=y />e<REF>f</REF >g', "adeg"),
    "a comment": ("a<!-- b -- [[c]] -->d", "ad"),
    "a comment that never ends": ("a<!-- b", "a"),
    "raw text": ("<nowiki>[[a]] '</nowiki> b", "[[a]] ' b"),
    "a formula": ("a <math>x^{{2}}</math>b", "a b"),
    "other tags": ("a<br/>b<div class='x>y'>c</div><b>d</b>", "a\nb\nc\nd"),
    "a recording with a label, and without": (
        "[[Media:x.ogg|entzun]] [[media:x.ogg]]a",
        "entzun a",
    ),
    "letters in angle brackets are no tags": (
        "<sh>, <c> for ''<ch>'', x<y and z>w",
        "<sh>, <c> for <ch>, x<y and z>w",
    ),
    "a tag of the wiki that looks like a letter": ("<s>a</s> <p>b</p>", "a\nb"),
    "an address with a label, and without": (
        "[https://x.org/y z] [https://x.org] [//x.org w]",
        "z w",
    ),
    "an address around a link": ("[https://x.org [[a]] b]", "a b"),
    "a bare address is text": ("https://x.org", "https://x.org"),
    "brackets are text": ("a [b] c]] d}} {e}", "a [b] c]] d}} {e}"),
    "headings": ("== A ==\nb\n=== C=D ===\ne", "A\nb\nC=D\ne"),
    "signs that only one end of a heading has": ("=== A ==\n=======B=======", "= A\n=B="),
    "an equation is no heading": ("= a\nb = c", "= a\nb = c"),
    "lists": ("* a\n** b\n# c\n; d : e\n: f", "a\nb\nc\nd : e\nf"),
    "a rule": ("a\n----\nb", "a\n\nb"),
    "entities": ("a&nbsp;b &amp;lt; &#x0f56; &#0;", "a\u00a0b &lt; \u0f56 \ufffd"),
    "switches": ("__NOTOC__a __\u0411\u0415\u0417_x__", "a __\u0411\u0415\u0417_x__"),
    "brackets that a template leaves": ("Bilbo ({{lang|x}}; ) da", "Bilbo da"),
    "what is never closed is text": ("a {{b [[c|d {| e", "a b c|d {| e"),
    "a stray end within a link": ("[[a|b {{c]] d", "b c d"),
}


@pytest.mark.parametrize(("wikitext", "expected"), WIKITEXT.values(), ids=WIKITEXT.keys())
def test_plain_text(wikitext: str, expected: str) -> None:
    assert plain_text(wikitext) == expected


APOSTROPHES = {
    "ita: an elision before bold text": ("L''''Eneide''' \u00e8", "L'Eneide \u00e8"),
    "ita: an elision before italic text": ("l'''Eneide'' \u00e8", "l'Eneide \u00e8"),
    "fra: an elision within italic text": ("''a l'''amour'' b''", "a l'amour b"),
    "bold and italic marks that pair": ("'''a''b''c'''", "abc"),
    "five are both": ("'''''a''''' b", "a b"),
    "six are a letter and both": ("''''''a''''' b", "'a b"),
    "eight": ("''''''''a", "'''a"),
    "each line is by itself": ("a'''b\nc''d", "ab\ncd"),
    "a word of one letter is asked first": ("'''ab'' cd'''e f'''g", "ab cde f'g"),
    "the letter comes after a space last": ("a '''b'' c", "a 'b c"),
    "what a template held parts apostrophes": ("'''{{x}}''' a", "a"),
    "a comment does not": ("''<!-- -->'a''' b", "a b"),
    "raw apostrophes are text": ("<nowiki>''</nowiki>a''b''", "''ab"),
    "haw: an okina of two single quotes is two letters": (
        "\u2018\u2018a\u2019\u2019",
        "\u2018\u2018a\u2019\u2019",
    ),
}


@pytest.mark.parametrize(("wikitext", "expected"), APOSTROPHES.values(), ids=APOSTROPHES.keys())
def test_apostrophes(wikitext: str, expected: str) -> None:
    assert plain_text(wikitext) == expected


# Language of the wiki, markup, what is shown.
VARIANTS = {
    "zho: the first fallback": (
        "zh",
        "a-{zh-hans:\u8ba1\u7b97\u673a;zh-hant:\u96fb\u8166}-b",
        "a\u8ba1\u7b97\u673ab",
    ),
    "zho: whatever stands first": ("zh", "-{zh-tw:x; zh-hk:y; zh-cn:z;}-", "z"),
    "zho: not to be converted": ("zh", "-{RSS}-", "RSS"),
    "zho: rules for elsewhere are hidden": (
        "zh",
        "a-{H|zh-cn:\u5df4\u58eb;zh-tw:\u516c\u8eca}-b",
        "ab",
    ),
    "zho: a rule that is shown, too": ("zh", "-{A|zh-cn:x;zh-tw:y}-", "x"),
    "zho: a title": ("zh", "-{T|zh-cn:x;zh-tw:y}-a", "a"),
    "zho: a rule added, removed, described": (
        "zh",
        "-{+|zh:x}--{-|zh:x}--{D|zh:x}--{N|zh-cn}-a",
        "a",
    ),
    "zho: raw": ("zh", "-{R|zh-cn:x;zh-tw:y}-", "zh-cn:x;zh-tw:y"),
    "zho: for some variants": ("zh", "-{zh-hans;zh-hant|x}-", "x"),
    "zho: one way": ("zh", "-{x=>zh-cn:y}-", "y"),
    "zho: one way beside two ways": ("zh", "-{x=>zh-cn:y;zh-tw:z}-", "z"),
    "zho: a text with a colon is no rule": ("zh", "-{a: b; c: d}-", "a: b; c: d"),
    "zho: an entity is no end of a rule": ("zh", "-{zh-cn:a&amp;b;zh-tw:c}-", "a&b"),
    "zho: one in another": ("zh", "-{zh-cn:a-{zh-tw:b;zh-cn:c}-d;zh-tw:e}-", "acd"),
    "zho: a link within": ("zh", "-{[[a|b]]}-", "b"),
    "zho: a template within": ("zh", "a-{{{x}}}-b", "ab"),
    "zho: a template between hyphens": ("zh", "a-{{x}}-b", "a--b"),
    "zho: never closed": ("zh", "a -{b", "a b"),
    "srp: Cyrillic first": (
        "sr",
        "-{sr-el:hleb;sr-ec:\u0445\u043b\u0435\u0431}-",
        "\u0445\u043b\u0435\u0431",
    ),
    "srp: Latin where it is all there is": ("sr", "-{sr-el:hleb}-", "hleb"),
    "uzb": ("uz", "-{uz-cyrl:x;uz-latn:y}-", "y"),
    "kaz": ("kk", "-{kk-arab:x;kk-kz:y;kk-cn:z}-", "x"),
    "kur": ("ku", "-{ku-arab:x;ku-latn:y}-", "y"),
    "iku": ("iu", "-{ike-latn:x;ike-cans:y}-", "y"),
    "tgk": ("tg", "-{tg-latn:x;tg:y}-", "y"),
    "crh": ("crh", "-{crh-cyrl:x;crh-latn:y}-", "y"),
    "gan": ("gan", "-{gan-hant:x;gan-hans:y}-", "y"),
    "wuu": ("wuu", "-{wuu-hant:x;wuu-hans:y}-", "y"),
    "shi": ("shi", "-{shi-tfng:x;shi-latn:y}-", "y"),
    "ban": ("ban", "-{ban-bali:x;ban:y}-", "y"),
    "eng: a language without variants has no such markup": (
        "en",
        "-{a}- -{{b}}- -{{{c}}}-",
        "-{a}- -- --",
    ),
}


@pytest.mark.parametrize(
    ("language", "wikitext", "expected"), VARIANTS.values(), ids=VARIANTS.keys()
)
def test_variants(language: str, wikitext: str, expected: str) -> None:
    assert plain_text(wikitext, Wiki(language)) == expected


BASQUE_WIKI = Wiki(
    "eu",
    frozenset(("fitxategi", "file", "kategoria")),
    frozenset(("fitxategi", "kategoria", "mos", "wikipedia")),
    "eu",
)
LINKS = {
    "another language": ("a[[fr:Fromage]]b [[zh-min-nan:x|y]]", "ab"),
    "another language, as text": ("[[:fr:Fromage]] [[:fr:Fromage|x]]", "fr:Fromage x"),
    "the wiki's own language": ("[[eu:Gazta]]", "eu:Gazta"),
    "a namespace that is named like a language": ("[[MOS:x]]", "MOS:x"),
    "a sister project": ("[[wikt:gazta]] [[wikt:gazta|x]] [[s:fr:x]]", "wikt:gazta x s:fr:x"),
    "a title with a colon": ("[[Zer da: ikusi]]", "Zer da: ikusi"),
    "underscores": ("[[Bilbo_hiria]]an [[a_b|c_d]]", "Bilbo hiriaan c_d"),
    "percent signs": ("[[Caf%C3%A9]] [[100%]] [[%FF]]", "Caf\u00e9 100% %FF"),
    "a file under an old name of the namespace": ("a[[Bild:x y.JPG|thumb|b [[c]]]]d", "ad"),
    "a file as text": ("[[:Fitxategi:x.jpg]]", "Fitxategi:x.jpg"),
    "pipe trick": ("[[Wikipedia:a (b)|]] [[c, d|]] [[e\uff08f\uff09|]]", "a c e"),
    "two bars": ("[[a|b|c]]", "b|c"),
    "a section": ("[[#b]] [[a#b]]", "#b a#b"),
}


@pytest.mark.parametrize(("wikitext", "expected"), LINKS.values(), ids=LINKS.keys())
def test_links(wikitext: str, expected: str) -> None:
    assert plain_text(wikitext, BASQUE_WIKI) == expected


REMOVED = {
    "full-width brackets": ("\u6771\u4eac\uff08{{x}}\u3001{{y}}\uff09\u306f", "\u6771\u4eac\u306f"),
    "brackets that held more": (
        "\u6771\u4eac\uff08{{x}}\u3001a\uff09\u306f",
        "\u6771\u4eac\uff08a\uff09\u306f",
    ),
    "more before it": ("a (b; {{x}}) c", "a (b) c"),
    "brackets that the author left empty": ("f() eta g( )", "f() eta g( )"),
    "bod: Tibetan brackets": ("\u0f56\u0f3c{{x}}\u0f3d\u0f0b", "\u0f56\u0f0b"),
    "zho: corner brackets": ("a\u300c{{x}}\u300db", "ab"),
    "brackets in brackets": ("a (({{x}}) {{y}}) b", "a b"),
    "arb: an Arabic comma": ("\u0627 ({{x}}\u060c {{y}}) \u0628", "\u0627 \u0628"),
    "a reference in brackets": ("a (<ref>b</ref>) c", "a c"),
    "a file in brackets": ("a ([[File:b.ogg]]) c", "a c"),
    "for templates alone": (
        "a<includeonly>b {{c}}</includeonly>d<noinclude>e</noinclude><onlyinclude>f</onlyinclude>",
        "adef",
    ),
    "for templates alone, never closed": ("a<includeonly>b", "a"),
    "a comment on lines of its own": ("a\n<!-- b -->\n<!-- c -->\nd", "a\nd"),
    "a comment at the end of a line": ("a <!-- b -->\nc", "a\nc"),
    "list of references": ("a<references>\n<ref>b</ref>\n</references>c", "ac"),
    "magic words": (
        "'''{{PAGENAME}}''': {{formatnum:12000}} {{uc:a}} {{DEFAULTSORT:x}}",
        "Bilbo: 12000 A",
    ),
    "a switch, and a name in a program": ("__NOTOC__a __init__ __\u76ee\u6b21__", "a __init__"),
    "entities need their semicolon": ("&copy &copy; &notit;", "&copy \u00a9 &notit;"),
    "a letter that looks like a list stays raw": ("<nowiki>*</nowiki> a\n&#42; b", "* a\n* b"),
}


@pytest.mark.parametrize(("wikitext", "expected"), REMOVED.values(), ids=REMOVED.keys())
def test_what_is_removed_and_what_is_not(wikitext: str, expected: str) -> None:
    assert plain_text(wikitext, title="Bilbo") == expected


HOSTILE = (
    *(
        "{{",
        "[[",
        "[[a|",
        "[http://a ",
        "<b ",
        "<b>",
        "<ref>",
        "<ref name=",
        "<!--",
        "{{{",
        "\n{|",
        "''",
        "\n== a",
        "&#",
    ),
    *(
        "<nowiki>",
        "<ref>a</ref ",
        "[[File:a|[//b ",
        "(",
        " (;",
        "\n====",
        "__A",
        " ",
        "\n\n",
        "}}{{",
        "]][[",
        "|}\n{|",
    ),
    *('<y ">" ', "<y '<y ", '<y "<y>" ', "<y [[a ''b'' ", "=a="),
    *('<a "', "<a ''", "<a '\" ", "<a b=c ", "<!-- --", "[", "]", "<", "_", "=", "\n= =", "\t\n"),
)


@pytest.mark.parametrize("markup", HOSTILE)
@pytest.mark.slow
def test_time_grows_with_the_length_of_the_page(markup: str) -> None:
    def seconds(repeats: int) -> float:
        begin = time.process_time()
        plain_text(f"=a{markup * repeats}x")
        return time.process_time() - begin

    # Four times the page may take sixteen times as long before this fails, and a second is far from
    # what 240 kB need.
    assert seconds(40_000) < max(16 * seconds(10_000), 1.0)


ROW = tuple[int, str | None, str | None]


def read(content: bytes | str, folder: Path, read_all: Callable[..., Rows]) -> list[ROW]:
    (folder / "a.xml").write_bytes(content.encode() if isinstance(content, str) else content)
    rows = read_all(format="wikipedia", paths=["a.xml"], max_record_bytes=5000)
    assert len({row["id"] for row in rows}) == len(rows), "each row has an id of its own"
    return [(row["position"], row["text"], row["declared_language"]) for row in rows]


BAT, BI = page(1, "Bat", "bat"), page(2, "Bi", "bi")
OLD = page(3, "Kategoria:Bi", "x").replace("<ns>0</ns>", "")
DUMPS: dict[str, tuple[bytes | str, list[ROW]]] = {
    "several roots": (dump(BAT) + dump(BI, language="br"), [(1, "bat", "eu"), (2, "bi", "br")]),
    "two documents in one file": (
        b"<?xml version='1.0'?>"
        + dump(BAT)
        + b"\n<?xml version='1.0'?>"
        + dump(page(1, "Bi", "bi"), language="br"),
        [(1, "bat", "eu"), (-1, "bi", "br")],
    ),
    "a part of a multistream dump": (BAT + BI, [(1, "bat", None), (2, "bi", None)]),
    "an entity that nobody declared": (
        dump(BAT.replace(">bat<", ">&nbsp;<"), BI),
        [(-1, None, None), (2, "bi", "eu")],
    ),
    "a byte that XML forbids": (
        dump(BAT).replace(b">bat<", b">\x01<") + BI.encode(),
        [(-1, None, None), (2, "bi", "eu")],
    ),
    "a page without an end": (dump(BAT[:-8], BI), [(2, "bi", "eu"), (-1, None, None)]),
    "CDATA": (dump(BAT.replace(">bat<", "><![CDATA['''<page>''' &]]><")), [(1, "<page> &", "eu")]),
    "no namespaces of pages, as before version 0.6": (
        dump(BAT.replace("<ns>0</ns>", ""), OLD),
        [(1, "bat", "eu")],
    ),
    "a page of a template and a category alone": (
        dump(page(1, "A", "{{x}}\n[[Kategoria:B]]"), BI),
        [(1, None, "eu"), (2, "bi", "eu")],
    ),
    "a page without anything": (dump(page(1, "A", ""), BI), [(1, None, "eu"), (2, "bi", "eu")]),
    "a redirect by its text alone": (
        dump(page(1, "A", "#BIRZUZENDU [[Bi]]"), BI),
        [(1, None, "eu"), (2, "bi", "eu")],
    ),
    "a code page of its own": (
        b"<?xml version='1.0' encoding='windows-1251'?>"
        + dump(page(1, "A", "\u0436")).decode().encode("cp1251"),
        [(1, "\u0436", "eu")],
    ),
    "two pages without an id": (
        dump(page("", "A", "a"), page("", "B", "b"), BI),
        [(-1, "a", "eu"), (-2, "b", "eu"), (2, "bi", "eu")],
    ),
    "ids that are no numbers, and one in white space": (
        dump(page("x1", "A", "a"), page("-1", "B", "b"), page("\n7 ", "D", "d"), BI),
        [(-1, "a", "eu"), (-2, "b", "eu"), (7, "d", "eu"), (2, "bi", "eu")],
    ),
}


@pytest.mark.parametrize(("content", "expected"), DUMPS.values(), ids=DUMPS.keys())
def test_dumps(
    content: bytes | str, expected: list[ROW], tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    assert read(content, tmp_path, read_all) == expected


def test_pages_without_an_id_have_ids_of_their_own(
    tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    for name in ("a.xml", "b.xml"):
        (tmp_path / name).write_bytes(dump(page("", "A", "a"), page("", "A", "a"), BI))
    rows = read_all(format="wikipedia", paths=["*.xml"])
    assert len({row["id"] for row in rows}) == len(rows) == 6


@pytest.mark.parametrize(
    "encoding", ["klingon", "shift_jis", "rot13", "undefined", "ebcdic-cp-us", "cp037", "utf-16"]
)
def test_an_encoding_that_cannot_be_read(
    encoding: str, tmp_path: Path, read_all: Callable[..., Rows]
) -> None:
    content = f"<?xml version='1.0' encoding='{encoding}'?>".encode() + BASQUE
    (tmp_path / "a.xml").write_bytes(content)
    (failed,) = read_all(format="wikipedia", paths=["a.xml"])
    assert failed["error"].startswith(
        f"broken_stream: the XML is damaged: its encoding '{encoding}' cannot be read: "
    )


def test_every_bracket_of_unicode_lies_where_brackets_are_looked_for() -> None:
    beyond = (chr(code_point) for code_point in range(0x10000, sys.maxunicode + 1))
    assert [each for each in beyond if unicodedata.category(each) in ("Ps", "Pe")] == []
