"""Every page takes time and memory linear in its size: shapes of a megabyte that were seen to cost
hours elsewhere."""

from __future__ import annotations

import gc
import multiprocessing
import resource
from collections.abc import Callable
from multiprocessing.connection import Connection

import pytest

from stages.extraction.extract import read_page
from stages.extraction.options import ExtractionConfig

MEGABYTE = 1_000_000
MAX_SECONDS = 2.0  # CPU
MAX_GROWTH = 200 << 20  # bytes

# What is repeated up to a megabyte; the kind is what makes it dangerous in other parsers.
REPEATED = {
    "nested div": "<div>",
    "nested div with names": '<div class="nav content">',
    "nested div with text": "<div>x",
    "nested span": "<span>",
    "nested section": "<section>",
    "nested blockquote": "<blockquote>x",
    "nested lists": "<ul><li>x",
    "nested ordered lists": "<ol><li>",
    "nested tables": "<table><tr><td>",
    "nested tables without cells": "<table>",
    "nested tables with text between": "<table>x",
    "nested forms": "<form>x</form><form>",
    "nested definition lists": "<dl><dt>a<dd>",
    "nested fieldsets": "<fieldset><legend>x",
    "nested details": "<details><summary>x",
    "nested buttons": "<button>x",
    "nested objects": "<object>",
    "nested marquees": "<marquee>x",
    "nested templates": "<template>",
    "nested svg": "<svg><g>",
    "nested svg with html": "<svg><foreignObject><p>x",
    "nested math": "<math><mi>",
    "nested annotation": '<math><annotation-xml encoding="text/html">',
    "nested noscript": "<noscript>x",
    "nested noscript without text": "<noscript><div>",
    "nested ruby": "<ruby>x<rt>y",
    "unclosed rp": "<ruby>x<rp>(",
    "unclosed rt": "<rt>x",
    "unclosed rtc": "<ruby><rtc>x",
    "options": "<option>x",
    "options in a select": "<select><option>x",
    "option groups": "<optgroup><option>x",
    "links": "<a href=x>x",
    "links around blocks": "<a><p>",
    "links with blocks": "<a href=x><div>x</div>",
    "headings never closed": "<h1>x",
    "headings of all levels": "<h1>x<h2>y<h3>z",
    "paragraphs": "<p>x",
    "dates of events": '<div class="event"><p class="date">1.2.2024</p>x</div>',
    "spans of dates": "<p>word and word</p><div>1931 - 2020</div>",
    "bylines": '<h1>x</h1><p class="author">y</p>',
    "tables amid text": "<p>word and word and word and word</p><table><td>1</table>",
    "closing paragraphs": "</p>",
    "closing breaks": "</br>",
    "bold": "<b>",
    "bold and paragraph": "<b><p>x",
    "misnested formatting": "<b><i></b></i>x",
    "misnested in tables": "<table><b><tr><i>x",
    "font in tables": "<font><table><tr><td>x</font>",
    "nobr": "<nobr>x",
    "frames": "<frameset><frame>",
    "bodies": "<body class=a>x",
    "html elements": "<html lang=a>",
    "heads": "<head><title>x</title>",
    "titles": "<title>x",
    "comments never closed": "<!--",
    "short comments": "<!-->",
    "doctypes": "<!doctype html>",
    "processing instructions": "<?x ",
    "CDATA sections": "<![CDATA[x",
    "tags never closed": "<a ",
    "open quotes": '<p a="',
    "quoted ends of tags": "<p a='>'",
    "less-than signs": "<",
    "ampersands": "&",
    "entities": "&amp",
    "numeric entities": "&#x1780;",
    "spaces": " ",
    "line breaks": "<br>",
    "line breaks with text": "x<br>",
    "white space in pre": "<pre>\n \n",
    "scripts": "<script>x</script>",
    "script that escapes": "<script><!--<script>",
    "styles": "<style>x</style>x",
    "structured data": '<script type="application/ld+json">{"articleBody":"x',
    "hidden": "<p hidden>x",
    "combining marks": "a\u0301\u0323",
    "surrogate pairs": "\U00020000",
    "plain text": "word and word ",
    "wide text": "\u4e00\u4e8c",
}


def _repeated(unit: str) -> Callable[[], str]:
    return lambda: unit * (MEGABYTE // len(unit))


SHAPES = {name: _repeated(unit) for name, unit in REPEATED.items()}
SHAPES |= {
    "formatting that opens again": lambda: (
        "".join(f"<p><b id=i{n}>" for n in range(40_000)) + "<p>x" * 40_000
    ),
    "formatting after idle closing tags": lambda: (
        "</b>" * 9000 + "".join(f"<p><b id=i{n}>x" for n in range(40_000))
    ),
    "fonts of many colours": lambda: "".join(f"<font color={n}><p>x" for n in range(45_000)),
    "data of a script": lambda: (
        '<script type="application/json">[' + '"The ferry is late, so wait.",' * 33_000 + "0]"
    ),
    "nested data of many scripts": lambda: (
        f'<script type="application/json">{"[" * 900}"The ferry is late"{"]" * 900}</script>' * 500
    ),
    "many attributes": lambda: "<p " + " ".join(f"a{n}=1" for n in range(120_000)) + ">x",
    "attributes apart by slashes": lambda: "<p " + "/".join(f"a{n}" for n in range(140_000)) + ">x",
    "elements of 2,000 attributes": lambda: (
        ("<p " + " ".join(f"a{n}=1" for n in range(2000)) + ">x") * 60
    ),
    "a name of a megabyte": lambda: f'<p class="{"nav " * 250_000}">x',
    "different names": lambda: "".join(f'<i class="n{n}-nav">x' for n in range(45_000)),
    "an attribute of a megabyte": lambda: f'<a href="{"x" * MEGABYTE}">x</a>',
    "a select of 100,000 options": lambda: (
        "<p>x</p><select>" + "<option>x" * 100_000 + "</select><p>y"
    ),
    "one element of text": lambda: f"<p>{'word and word ' * 70_000}",
    "a title of a megabyte": lambda: f"<title>{'word ' * 200_000}</title>" + "<p>word",
    "a feed": lambda: (
        "<rss><channel>" + "<item><title>x</title><description>y</description></item>" * 17_000
    ),
    "a feed never closed": lambda: "<feed>" + "<entry><title>x" * 60_000,
    "XHTML of empty elements": lambda: (
        '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">' + "<a/>" * 250_000
    ),
    "XHTML of open sections": lambda: '<?xml version="1.0"?>' + "<![CDATA[x" * 100_000,
    "a long article body": lambda: (
        '<script type="application/ld+json">{"articleBody":"'
        + "word " * 100_000
        + '"}</script>'
        + "<p>word word" * 45_000
    ),
    "hidden panels": lambda: "<button>x</button><div hidden>y</div>" * 27_000,
}
ENGINES = ("blocks", "whole_page")


def _measure(shape: str, engine: str, answer: Connection) -> None:
    gc.freeze()  # what other tests left may hold locks that a fork never gets
    page = SHAPES[shape]()
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
    before = resource.getrusage(resource.RUSAGE_SELF)
    text = read_page(page, ExtractionConfig.model_validate({"engine": engine})).text
    after = resource.getrusage(resource.RUSAGE_SELF)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    answer.send((seconds, (after.ru_maxrss - before.ru_maxrss) << 10, len(text)))


def cost(shape: str, engine: str = "blocks") -> tuple[float, int, int]:
    """Extract a page in a forked process; return CPU seconds, growth of peak memory in bytes,
    length of the text."""
    # loads the model, and all else that any page needs, before the fork
    read_page("<p>The ferry is late, so wait." * 2000, ExtractionConfig())
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(
        target=_measure, args=(shape, engine, sender)
    )
    process.start()
    sender.close()
    try:
        answer: tuple[float, int, int] = receiver.recv()
    except EOFError:
        pytest.fail(f"the process ended with code {process.exitcode}")
    finally:
        process.join()
    return answer


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_a_megabyte_takes_two_seconds_at_most(shape: str) -> None:
    seconds, growth, _ = cost(shape)
    assert seconds < MAX_SECONDS
    assert growth < MAX_GROWTH
