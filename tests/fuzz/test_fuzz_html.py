"""Damaged pages: each becomes text or a rejection with a reason, in bounded time, whatever its
markup."""

from __future__ import annotations

from functools import partial

import pyarrow as pa
import pytest

from schemas.document import RECORD
from stages.batches import BoundStage, run_stages
from stages.extraction.extract import extract_text
from stages.extraction.options import ExtractionConfig
from tests.fuzz.mutations import bounded, cases

PARAGRAPHS = [
    f"{number}. Euskara hizkuntza bat da, Euskal Herrian hitz egiten dena; {number} lagunek idatzi zuten orri hau, eta "
    "beste askok irakurri. \u0f56\u0f7c\u0f51\u0f0b\u0f61\u0f72\u0f42\u0f0b \u062e\u06d5\u062a"
    for number in range(8)
]
PIECES = [
    b'<!DOCTYPE html><html lang="eu"><head><meta charset="utf-8"><title>Orria</title></head><body>',
    b'<nav class="menu"><ul><li><a href="/">Hasiera</a></li><li><a href="/b">Berriak</a></li></ul></nav>'
    b"<main><h1>I</h1>",
    *(f"<p id=p{number}>{text}</p>".encode() for number, text in enumerate(PARAGRAPHS)),
    b"<table><tr><th>bat<td>bi</table><ul><li>hiru<li>lau</ul><pre>a\n b</pre><ruby>\xe6\xbc\xa2<rt>kan</ruby>",
    b"</main><aside><form><select><option>1<option>2</select></form></aside>"
    b"<footer>\xc2\xa9 2026</footer></body></html>",
]
TOKENS = (
    *(
        b"<",
        b">",
        b"</",
        b"<!--",
        b"-->",
        b"<![CDATA[",
        b"<svg>",
        b"<math>",
        b"<template>",
        b"<table>",
        b"<select>",
    ),
    *(
        b"<plaintext>",
        b"<script>",
        b"<style>",
        b"<noscript>",
        b"<frameset>",
        b"<b>",
        b"<a>",
        b"<form>",
        b"<rp>",
        b"<p>",
    ),
    *(
        b"</body>",
        b"</html>",
        b'<meta charset="utf-16">',
        b"<?xml ?>",
        b"&#0;",
        b"&#xD800;",
        b"&amp",
        b"\0",
        b"\xff",
    ),
    *(b"\xef\xbb\xbf", b" hidden", b' style="display:none"', b'class="', b'"', b"'", b"="),
)
PAGE = b"".join(PIECES)


def extracted(pages: list[bytes], structure: str) -> tuple[list[str], list[dict[str, str]]]:
    """Extract pages as a run does: the texts of those that have one, and why the others do not."""
    rows = len(pages)
    columns = {
        "raw": pa.array(pages, pa.large_binary()),
        "text": pa.nulls(rows, pa.large_string()),
        "media_type": pa.repeat("text/html", rows),
        "charset": pa.nulls(rows, pa.string()),
        "declared_language": pa.nulls(rows, pa.string()),
        "error": pa.nulls(rows, pa.string()),
        "id": pa.array([str(n) for n in range(rows)]),
    }
    batch = pa.record_batch({name: columns[name] for name in RECORD.names if name in columns})
    config = ExtractionConfig.model_validate({"structure": structure})
    found = run_stages(batch, [BoundStage(config.stage, partial(extract_text, config=config))])
    turned_away = [row for part in (*found.rejected, *found.failed) for row in part.to_pylist()]
    return found.kept["text"].to_pylist(), turned_away


@pytest.mark.parametrize("structure", ["lines", "markdown"])
def test_a_damaged_page_is_text_or_a_rejection(structure: str) -> None:
    (text,), _ = extracted([PAGE], structure)
    assert all(paragraph.split(";")[0] in text for paragraph in PARAGRAPHS)
    assert "Hasiera" not in text
    some = 0
    for case in cases(PIECES, TOKENS, 150):
        with bounded(case):
            kept, rejected = extracted([case.content, PAGE], structure)
            assert len(kept) + len(rejected) == 2
            assert kept[-1] == text, "a page does not depend on its neighbours"
            assert all(row["stage"] == "extract_text" and row["reason"] for row in rejected)
            assert all(text.strip() and "\0" not in text for text in kept)
            some += any(
                PARAGRAPHS[n - 2].split(";")[0] in kept[0] for n in case.intact if 2 <= n < 10
            )
    assert some > 75, "or the law says little"
