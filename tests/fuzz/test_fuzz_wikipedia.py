"""Damaged MediaWiki dumps: nothing raises, pages that are intact are read, ids differ, time is
bounded."""

from __future__ import annotations

from pathlib import Path

from tests.fuzz.mutations import bounded, cases, read_rows

CASES = 300

HEAD = b"""<mediawiki xml:lang="zh"><siteinfo><base>https://zh.wikipedia.org/wiki/A</base>
<namespaces><namespace key="6">File</namespace></namespaces></siteinfo>
"""
BODY = (
    "'''w{n}''' ''b''<ref>c {{{{d}}}}</ref> -{{zh-hans:e; zh-hant:f}}- [[g_h|i]] ({{{{j|k=[[l]]}}}}; )\n\n"
    "{{|\n| m || n\n|}}\n== o ==\n* [https://p q]\n&lt;nowiki>[[r]]</nowiki> [[File:s.jpg|t [[u]]]]\n"
).replace("<", "&lt;")
RECORDS = [HEAD] + [
    f"<page><title>T{n}</title><ns>0</ns><id>{n}</id><revision><text>{BODY.format(n=n)}</text></revision></page>\n".encode()
    for n in range(1, 9)
]
TOKENS = (
    *(
        b"<page>",
        b"</page>",
        b"<text>",
        b"</text>",
        b"<![CDATA[",
        b"]]>",
        b"<!--",
        b"-->",
        b"&amp;",
        b"&x;",
        b"<id>",
    ),
    *(
        b"</mediawiki>",
        b"<mediawiki>",
        b"<?xml version='1.0' encoding='x'?>",
        b"{{",
        b"}}",
        b"[[",
        b"]]",
        b"-{",
        b"}-",
    ),
    *(b"''", b"'''''", b"\n{|", b"\n|}", b"&lt;ref>", b"&lt;!--", b"&lt;nowiki>", b"\x00", b"\x01"),
)
# What hides the pages after it, so that they are not read although they are intact.
HIDING = (b"<![CDATA[", b"<!--", b"<?", b"<!DOCTYPE", b"encoding=")


def test_damaged_dumps(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(b"".join(RECORDS) + b"</mediawiki>")
    good = read_rows(tmp_path, format="wikipedia", paths=["a.xml"])
    assert [row["position"] for row in good] == list(range(1, 9))
    texts = [row["text"] for row in good]
    checked = 0
    for case in cases(RECORDS, TOKENS, CASES):
        (tmp_path / "a.xml").write_bytes(case.content + b"</mediawiki>")
        with bounded(case):
            rows = read_rows(tmp_path, format="wikipedia", paths=["a.xml"])
            assert len({row["id"] for row in rows}) == len(rows)
            assert all((row["text"] is None) != (row["error"] is None) for row in rows)
            if 0 in case.intact and not any(token in case.content for token in HIDING):
                read = {row["text"] for row in rows}
                # A page whose end is lost may take the beginning of the next.
                missing = [
                    n for n in case.intact[1:] if n - 1 in case.intact and texts[n - 1] not in read
                ]
                assert not missing
                checked += 1
    assert checked > 0
