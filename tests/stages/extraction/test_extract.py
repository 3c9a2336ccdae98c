"""Extraction: the main text of pages, exact to the code point, and never from hostile markup."""

from __future__ import annotations

import subprocess
import sys
import time

import pyarrow as pa
import pytest
from pydantic import ValidationError

from schemas.columns import SchemaError
from schemas.document import PAGE_MARKS, RECORD
from stages.batches import BoundStage, run_stages
from stages.extraction.extract import extract_text, read_page
from stages.extraction.options import ExtractionConfig

CONFIG = ExtractionConfig()


def records(*rows: dict[str, object]) -> pa.RecordBatch:
    defaults: dict[str, object] = {"source": "web", "path": "a.warc.gz", "position": 0}
    return pa.RecordBatch.from_pylist(
        [
            {**dict.fromkeys(RECORD.names), **defaults, "id": str(n), **row}
            for n, row in enumerate(rows)
        ],
        schema=RECORD,
    )


def html(raw: bytes | str, **row: object) -> dict[str, object]:
    return {"raw": raw.encode() if isinstance(raw, str) else raw, "media_type": "text/html", **row}


def text_of(page: str, **options: object) -> str:
    return read_page(page, ExtractionConfig.model_validate(options)).text


# Spelling that a careless extractor changes. Each stands between words, so that a stripped edge
# does not hide it.
SPELLINGS = {
    "fas: zero-width non-joiner is spelling": "\u0645\u06cc\u200c\u0631\u0648\u062f \u0648",
    "ara: the same word without it stays without": "\u0645\u06cc\u0631\u0648\u062f \u0648",
    "mal: zero-width joiner makes a chillu": "\u0d05\u0d35\u0d28\u0d4d\u200d \u0d07",
    "khm: coeng stacks the next consonant": "\u1781\u17d2\u1798\u17c2\u179a",
    "tha: an unspaced neighbour without coeng": "\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22",
    "bod: tsheg ends a syllable": "\u0f56\u0f7c\u0f51\u0f0b\u0f66\u0f90\u0f51\u0f0b",
    "bod: no-break tsheg is another letter": "\u0f56\u0f7c\u0f51\u0f0c",
    "heb: points and their order": "\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd",
    "heb: marks of direction": "\u05d0\u200f! \u202babc\u202c",
    "mlt: h with stroke": "\u0127alq g\u0127ajn",
    "hrv: d with stroke, its neighbour": "\u0111ak",
    "yor: decomposed tone and underdot stay as they are": "o\u0323\u0301ba",
    "vie: composed letters stay composed": "ti\u1ebfng vi\u1ec7t",
    "uig: hamza on its carrier": "\u0626\u06c7\u064a\u063a\u06c7\u0631",
    "tur: dotted and dotless i": "\u0130\u0131Ii",
    "kor: conjoining letters stay apart": "\u1112\u1161\u11ab",
    "jpn: ideographic space": "\u4e00\u3000\u4e8c",
    "fra: no-break space before punctuation": "vrai\u00a0? oui\u202f!",
    "soft hyphens are the page's own": "sol\u00addat",
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS.keys())
@pytest.mark.parametrize("engine", ["selectors", "resiliparse", "whole_page"])
def test_spelling_is_kept_to_the_code_point(spelling: str, engine: str) -> None:
    page = f'<html dir="rtl"><body><h1>x</h1><article><p>a {spelling} z</p></article></body></html>'
    assert f"a {spelling} z" in text_of(page, engine=engine)


LAYOUTS = {
    "paragraphs are apart, line breaks are lines": ("<p>a<p>b<br>c", "a\n\nb\nc"),
    "inline markup does not break a word": ("<p>ka<b>la</b><i>llisut</i>", "kalallisut"),
    "kor: inline markup does not break a word": (
        "<p>\ud55c<b>\uad6d</b>\uc5b4",
        "\ud55c\uad6d\uc5b4",
    ),
    "white space of the markup is one space": ("<p>a\n\t  b", "a b"),
    "pre keeps its indents": ("<pre>  if\n      then</pre>", "  if\n      then"),
    "cells of a row are apart by tabs": (
        "<table><tr><td>a<td>b<tr><td>c<td>d</table>",
        "a\tb\nc\td",
    ),
    "text before a table does not grow into it": ("ab<table><tr><td>cd</table>", "ab\ncd"),
    "a summary does not grow into its details": (
        "<details><summary>ab</summary>cd</details>",
        "ab\ncd",
    ),
    "lists: a line an item, no bullets": ("<ol><li>a<li>b</ol>", "  a\n  b"),
    "jpn: ruby keeps its reading in the page's brackets": (
        "<ruby>\u6f22<rp>(</rp><rt>\u304b\u3093</rt><rp>)</rp></ruby>",
        "\u6f22(\u304b\u3093)",
    ),
    "no markdown": ("<h1>a</h1><p><b>b</b> <a href='u'>c</a> <code>d</code><hr>", "a\n\nb c d"),
    "scripts, styles, comments, templates and pictures say nothing": (
        "<script>s</script><style>t</style><!--c--><template>u</template><img alt='v' src='w'>x",
        "x",
    ),
    "entities are characters": ("<p>&lt;b&gt; &amp; &#x1780;", "<b> & \u1780"),
    "NUL is dropped": ("<p>a\0b", "ab"),
    "nothing": ("", ""),
    "plain text in an HTML page": ("just text", "just text"),
    "broken markup": ("<p>a<b<i>c</p></div></b><table>d<p", "ac\n\nd"),
}


@pytest.mark.parametrize(("page", "expected"), LAYOUTS.values(), ids=LAYOUTS.keys())
def test_layout(page: str, expected: str) -> None:
    assert text_of(page) == expected


BOILERPLATE = {
    "sectioning elements": ("<nav>N</nav><p>keep</p><aside>N</aside>", "keep"),
    "a landmark role": ('<div role="navigation">N</div><p>keep</p>', "keep"),
    "a class name that contains nav": ('<div class="site-nav-wrap">N</div><p>keep</p>', "keep"),
    "the page's header and footer": ("<header>N</header><p>keep</p><footer>N</footer>", "keep"),
    "but the header of an article": (
        "<article><header>title</header><p>keep</p></article>",
        "title\n\nkeep",
    ),
    "a container that holds the title is the page": (
        '<div class="wy-nav-content"><h1>title</h1><p>keep</p></div>',
        "title\n\nkeep",
    ),
    "a word in the text is not a class name": ("<p>nav menu sidebar</p>", "nav menu sidebar"),
    "an inline element is not a container": (
        '<p>press <span class="menuchoice">File</span></p>',
        "press File",
    ),
    "hidden": ("<p hidden>N</p><p>keep</p>", "keep"),
}


@pytest.mark.parametrize(("page", "expected"), BOILERPLATE.values(), ids=BOILERPLATE.keys())
def test_boilerplate(page: str, expected: str) -> None:
    assert text_of(page) == expected
    assert text_of(page, engine="whole_page").count("N") == page.count(">N<")


def test_short_items_count_the_same_in_every_script() -> None:
    """What the default engine is chosen for: Khmer items without a space are kept as English ones
    are."""
    items = {
        "eng": ["small words", "and more words"],
        "khm": ["\u1796\u17b6\u1780\u17d2\u1799", "\u1781\u17d2\u1798\u17c2\u179a"],
    }
    for words in items.values():
        page = "<h1>x</h1><ul>" + "".join(f"<li>{word}</li>" for word in words) + "</ul>"
        assert text_of(page).split("\n\n")[1].split("\n") == [f"  {word}" for word in words]


LANGUAGES = {
    "html lang": ('<html lang="mt-MT"><p>x', "mt-MT"),
    "xml:lang": ('<html xml:lang="bo"><p>x', "bo"),
    "meta": ('<meta http-equiv="Content-Language" content="ug"><p>x', "ug"),
    "none": ("<p lang='yo'>x", None),
    "empty": ('<html lang=" "><p>x', None),
    "too long to be a tag": (f'<html lang="{"x" * 65}"><p>x', None),
}


@pytest.mark.parametrize(("page", "expected"), LANGUAGES.values(), ids=LANGUAGES.keys())
def test_declared_language(page: str, expected: str | None) -> None:
    assert read_page(page, CONFIG).declared_language == expected


def test_a_block_keeps_its_rows_and_order() -> None:
    block = records(
        html('<html lang="eu"><p>kaixo</p>'),
        {"text": "as it was"},
        html('<html lang="eu"><p>bi</p>', declared_language="fr"),
        {
            "raw": "\u0127alq".encode("iso8859-3"),
            "media_type": "text/plain",
            "charset": "iso-8859-3",
        },
        {"raw": b"<b>not markup</b>", "media_type": "text/plain"},
        {},
    )
    out, rejected = extract_text(block, CONFIG)
    assert out["text"].to_pylist() == ["kaixo", "as it was", "bi", "\u0127alq", "<b>not markup</b>"]
    assert out["declared_language"].to_pylist() == ["eu", None, "fr", None, None]
    assert out.schema == pa.schema([*block.schema, *PAGE_MARKS])
    assert out["raw"] == block["raw"].slice(0, 5)
    assert rejected["reason"].to_pylist() == ["no_text"]
    assert extract_text(block.slice(0, 0), CONFIG).kept.num_rows == 0


GIVEN_TEXTS = {
    "a page": ('<!DOCTYPE html><html lang="eu"><body><p>Kaixo mundua</p>', "Kaixo mundua", "eu"),
    "a page after a byte order mark": ("\ufeff <html><p>Kaixo mundua", "Kaixo mundua", None),
    "a piece of one": ("<h1>Bat</h1><p>Kaixo &amp; agur</p>\n", "Bat\n\nKaixo & agur", None),
    "text about a tag": ("<p> opens a paragraph.", "<p> opens a paragraph.", None),
    "text with tags": ("Kaixo <b>mundua</b>", "Kaixo <b>mundua</b>", None),
    "a line of a chat": ("<peio> kaixo </peio>", "<peio> kaixo </peio>", None),
}


@pytest.mark.parametrize(
    ("text", "expected", "language"), GIVEN_TEXTS.values(), ids=GIVEN_TEXTS.keys()
)
def test_markup_that_came_as_text_is_read_as_a_page(
    text: str, expected: str, language: str | None
) -> None:
    kept = extract_text(records({"text": text}), CONFIG).kept
    assert kept["text"].to_pylist() == [expected]
    assert kept["declared_language"].to_pylist() == [language]


def test_a_page_that_cannot_be_decoded_has_a_reason_of_its_own() -> None:
    block = records(html("<p>" + "a\ufffd" * 50), html("x", media_type="image/png"))
    stage = BoundStage("extract_text", lambda rows: extract_text(rows, CONFIG))
    failed = run_stages(block, [stage]).failed
    assert [row["reason"][0].as_py() for row in failed] == ["invalid_encoding", "error"]


BAD_ROWS = {
    "bytes of no encoding": (
        html(b"<p>\xff\xfe\xfd" + bytes(range(128, 256)) * 4, charset="utf-8"),
        r"code points could not be decoded, over max_damaged_share 0\.005",
    ),
    "NUL bytes": (html(b"<p>" + b"a\0" * 50), "could not be decoded"),
    "a media type of something else": (html("x", media_type="image/png"), "got 'image/png'"),
    "too large": (
        html("<p>" + "x" * 1_000_000),
        "page of 1000003 bytes is over max_html_bytes 1000000",
    ),
    "a PDF under a wrong type": (
        html(b"%PDF-1.7\nabc"),
        "the bytes are application/pdf, declared as text/html",
    ),
    "a picture under a wrong type": (
        html(b"\x89PNG\r\n\x1a\n\0"),
        "the bytes are image/png, declared as text/html",
    ),
}


@pytest.mark.parametrize(("row", "message"), BAD_ROWS.values(), ids=BAD_ROWS.keys())
def test_a_bad_row_fails_alone_and_keeps_its_bytes(row: dict[str, object], message: str) -> None:
    config = ExtractionConfig(max_html_bytes=1_000_000)
    block = records(
        *[html(f"<p>good {n}") for n in range(5)], row, *[html(f"<p>good {n}") for n in range(5, 9)]
    )
    outcome = run_stages(
        block, [BoundStage("extract_text", lambda rows: extract_text(rows, config))]
    )
    assert outcome.kept["text"].to_pylist() == [f"good {n}" for n in range(9)]
    [failed] = outcome.failed
    assert failed["raw"].to_pylist() == [row["raw"]]
    with pytest.raises(ValueError, match=message):
        extract_text(records(row), config)


def test_a_stray_byte_is_forgiven_and_the_limit_is_an_option() -> None:
    page = html("<p>" + "\u0127alq " * 200 + "\ufffd", charset="utf-8")
    assert extract_text(records(page), CONFIG).kept["text"][0].as_py().endswith("\ufffd")
    with pytest.raises(
        ValueError, match=r"1 of 1001 code points could not be decoded, over max_damaged_share 0\.0"
    ):
        extract_text(records(page), ExtractionConfig(max_damaged_share=0))


def test_a_missing_column_is_named() -> None:
    with pytest.raises(SchemaError, match="'raw' is missing"):
        extract_text(records(html("x")).drop_columns(["raw"]), CONFIG)


@pytest.mark.parametrize(
    "options", [{"engine": "magic"}, {"max_html_bytes": 0}, {"max_damaged_share": 1.5}, {"x": 1}]
)
def test_impossible_options_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ExtractionConfig.model_validate(options)


# Each is legal to send and was seen to take minutes, gigabytes, or a quadratic time in the parser
# or a selector.
HOSTILE = {
    "nested containers": "'<div>' * 100_000",
    "nested containers with names": "'<div class=nav>' * 100_000 + '<h1>x'",
    "nested tables": "'<table><tr><td>' * 100_000",
    "nested lists": "'<ul><li>x' * 100_000",
    "nested lists on a short page": "'<ul><li>x' * 490",
    "formatting left open": "''.join(f'<p><b id=i{i}>' for i in range(50_000)) + '<p>x' * 50_000",
    "formatting left open after idle closing tags": "'</b>' * 9000 + ''.join(f'<p><b id=i{i}>' for i in range(9000))",
    "formatting left open on a short page": "''.join(f'<p><b id=i{i}>' for i in range(490)) + '<p>x' * 500",
    "attributes": "'<p ' + ' '.join(f'a{i}=1' for i in range(200_000))",
    "attributes that quote the end of the tag": "'<p ' + ' '.join(f'a{i}=\">\"' for i in range(200_000))",
    "attributes apart by slashes": "'<p ' + '/'.join(f'a{i}' for i in range(200_000))",
    "open quotes": "'<p a=\"' * 100_000",
    "tags never closed": "'<a ' * 100_000",
    "comments never closed": "'<!--' * 100_000",
    "spans never closed": "'<span class=\"nav toc header\">' * 100_000",
    "links around blocks": "'<a><p>' * 100_000",
    "foreign content": "'<svg><g>' * 100_000",
    "space": "' ' * 1_000_000 + '\\n \\n' * 300_000",
    "summaries": "'<summary>x' * 100_000",
    "broken tags": "'<' * 1_000_000",
    "entities": "'&amp' * 500_000",
}
RUN = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
from stages.extraction.extract import ExtractionConfig, read_page
try:
    print("text", len(read_page({page}, ExtractionConfig()).text))
except ValueError as error:
    print("refused", error)
"""


@pytest.mark.slow
@pytest.mark.parametrize("page", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_markup_takes_seconds_and_kills_no_worker(page: str) -> None:
    command = [sys.executable, "-c", RUN.replace("{page}", page)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-300:]
    assert done.stdout.startswith(("text", "refused"))


@pytest.mark.parametrize("engine", ["selectors", "resiliparse"])
@pytest.mark.slow
def test_other_engines_refuse_a_select_that_is_quadratic_to_parse(engine: str) -> None:
    options = "<option>x" * 10_000
    assert text_of(
        f"<p>a</p><select>{options}</select><select>{options}</select>", engine=engine
    ).startswith("a")
    with pytest.raises(ValueError, match="a select must have at most 10000 options, got 10001"):
        text_of(f"<p>a</p><SELECT>{options}<option>y</SELECT>", engine=engine)


def test_a_page_of_200_mb_is_refused_unparsed() -> None:
    begin = time.process_time()
    with pytest.raises(ValueError, match="page of 200000000 bytes is over max_html_bytes 16777216"):
        extract_text(records({"raw": bytes(200_000_000), "media_type": "text/html"}), CONFIG)
    assert time.process_time() - begin < 10


def test_an_ordinary_long_page_is_not_taken_for_hostile() -> None:
    rows = "".join(
        f"<tr><td><b>{n}</b><td><ul><li><i>x</i><ul><li>y</ul></ul></tr>" for n in range(20_000)
    )
    assert text_of(f"<font><table>{rows}</table></font>").count("y") == 20_000
