"""Read MediaWiki XML dumps: one document an article, wikitext turned into plain text.

Articles are the pages of namespace 0; talk, templates, categories and the like are no records, and
a redirect is skipped with its reason. The XML goes through expat as a stream. Where it is damaged,
the damage is a failed record and reading goes on with the next page; a part of a multistream dump,
which has no root, and several dumps in one file are read as they are. A document type declaration,
which no dump has, ends the reading, so that no entity is ever expanded.

Source: the XML schemas of MediaWiki's export, versions 0.3 to 0.11.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote
from xml.parsers import expat

import pyarrow as pa

from schemas.source import WikipediaSource
from schemas.split import InputFile, InputSplit
from stages.reading.files import whole_file_split
from stages.reading.records import (
    RAW_BYTES,
    SKIPPED,
    Unreadable,
    failed_record,
    make_records,
    record_schema,
)
from stages.reading.streams import BrokenStreamError, chunks, open_file

_BATCH_BYTES = 8 << 20
_BATCH_ROWS = 2048
_FILE, _CATEGORY, _MEDIA = "6", "14", "-2"  # keys of namespaces in a dump's <siteinfo>


def plan(
    source: WikipediaSource, files: Sequence[InputFile], _split_bytes: int
) -> Iterator[InputSplit]:
    """Return one split a file: its beginning names the language and the namespaces for the rest."""
    return (whole_file_split(source.name, file) for file in files if file.file_bytes)


def problems(_source: WikipediaSource, _files: Sequence[InputFile]) -> list[str]:
    """Return nothing: a dump has no columns."""
    return []


def read(split: InputSplit, source: WikipediaSource) -> Iterator[pa.RecordBatch]:
    """Yield one record for each article and, skipped, each redirect; position is the page id.

    What has no id of its own counts down from -1: a damaged place, and a page whose id is missing,
    no number, or another page's. Dumps by other programs than MediaWiki have such pages.
    """
    dump = _Dump(source.max_record_bytes)
    rows: list[dict[str, Any]] = []
    held_bytes = 0
    schema = record_schema()

    def batch() -> pa.RecordBatch:
        names = ("text", "raw", "url", "date", "declared_language", "error")
        return make_records(
            schema,
            source,
            split.path,
            [row["position"] for row in rows],
            **{name: [row.get(name) for row in rows] for name in names},
        )

    error, rest = "", b""
    with open_file(split.location) as file:
        try:
            for chunk in chunks(file, split.path):
                # Page by page: wikitext has no columns.
                for row in dump.feed(chunk):
                    rows.append(row)
                    held_bytes += len(row.get("text") or "")
                    if held_bytes >= _BATCH_BYTES or len(rows) >= _BATCH_ROWS:
                        yield batch()
                        rows, held_bytes = [], 0
            rows += dump.close()
        except BrokenStreamError as broken:
            error, rest = f"broken_stream: {broken}", dump.unfinished() or broken.rest
        except _UnreadableDumpError as broken:
            error, rest = f"broken_stream: the XML is damaged: {broken}", dump.unfinished()
    if rows:
        yield batch()
    if error:
        unreadable = Unreadable(dump.next_position(), error, rest[:RAW_BYTES])
        yield failed_record(schema, source, split.path, unreadable)


class _UnreadableDumpError(Exception):
    """The dump declares a document type, and with it possibly entities, or an encoding that nobody
    knows."""


_Page = dict[str, str]
_JUNK_AFTER_ROOT = (
    expat.errors.codes[expat.errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT],
    expat.errors.codes[expat.errors.XML_ERROR_MISPLACED_XML_PI],
)
# What expat says of an encoding that writes ASCII otherwise, such as EBCDIC, or that the bytes are not.
_UNREADABLE_ENCODING = (
    expat.errors.codes[expat.errors.XML_ERROR_UNKNOWN_ENCODING],
    expat.errors.codes[expat.errors.XML_ERROR_INCORRECT_ENCODING],
)
_REDIRECT = re.compile(r"\s*#\s*([^\W\d_]+)\s*:?\s*\[\[([^\[\]|\n]{1,255})(?:\|[^\[\]\n]*)?\]\]")


class _Dump:
    """The state of reading a dump: bytes in, rows out."""

    def __init__(self, max_record_bytes: int) -> None:
        self._max_record_bytes = max_record_bytes
        self._encoding: str | None = None
        self._unnumbered = 0
        self._numbers: dict[
            int, int
        ] = {}  # page ids that are taken: 512 of them in the bits of each value
        self._seeks_page = False
        self._rest = b""  # of a chunk, in which the next page may begin
        self._start_document()

    def _start_document(self) -> None:
        self._language: str | None = None
        self._base = ""
        self._namespaces: dict[str, str] = {}  # key by casefolded name
        self._start_parser()

    def _start_parser(self) -> None:
        self._parser = expat.ParserCreate(self._encoding)
        self._parser.buffer_text = True
        self._parser.buffer_size = 1 << 20
        self._parser.XmlDeclHandler = self._declaration
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._has_lent_root = False
        self._parsed_bytes = 0  # what the parser was given before
        self._elements: list[str] = []
        self._content: list[str] = []  # character data of the innermost element
        self._content_bytes = 0
        self._namespace_key = ""
        self._page: _Page | None = None
        self._pages: list[_Page] = []  # complete, and not yet rows

    def feed(self, chunk: bytes) -> list[dict[str, Any]]:
        """Parse a chunk; return a row for each page that ends in it, and for each damaged place."""
        chunk = self._rest + chunk
        self._rest = b""
        rows: list[dict[str, Any]] = []
        position = 0
        while position < len(chunk):
            if self._seeks_page:
                position = self._find_page(chunk, position)
                continue
            error = self._parse(memoryview(chunk)[position:])
            rows += map(self._row, self._pages)
            self._pages.clear()
            if error is None:
                break
            position += max(0, self._parser.ErrorByteIndex - self._parsed_bytes)
            rows += self._after_damage(error, chunk[position : position + 10])
        return rows

    def _parse(self, content: memoryview | bytes) -> expat.ExpatError | None:
        try:
            self._parser.Parse(content, not content)
        except expat.ExpatError as error:
            if error.code in _UNREADABLE_ENCODING:
                raise _UnreadableDumpError(
                    f"its encoding {self._encoding!r} cannot be read: {error}"
                ) from error
            return error
        except (LookupError, ValueError) as error:  # of the codec; no handler of ours raises these
            raise _UnreadableDumpError(
                f"its encoding {self._encoding!r} cannot be read: {error}"
            ) from error
        self._parsed_bytes += len(content)
        return None

    def _after_damage(self, error: expat.ExpatError, rest: bytes) -> list[dict[str, Any]]:
        """Prepare for what follows a place where the parser gave up; return the failed row, if
        anything is lost."""
        if error.code in _JUNK_AFTER_ROOT and not self._elements:
            if b"<mediawiki".startswith(rest) or rest == b"<mediawiki" or rest.startswith(b"<?xml"):
                self._start_document()
                return []
            if rest.startswith(b"<page>"):
                self._seeks_page = True
                return []
        row = {
            "position": self.next_position(),
            "error": f"broken_stream: the XML is damaged: {error}",
            "raw": self.unfinished(),
        }
        self._page = None
        self._seeks_page = True
        return [row]

    def _find_page(self, chunk: bytes, position: int) -> int:
        begin = chunk.find(b"<page>", position)
        if begin < 0:
            self._rest = chunk[max(position, len(chunk) - 5) :]
            return len(chunk)
        self._start_parser()
        self._seeks_page = False
        self._has_lent_root = True
        self._parser.Parse(b"<mediawiki>", False)
        self._parsed_bytes = len(b"<mediawiki>")
        return begin

    def close(self) -> list[dict[str, Any]]:
        """End the dump, and return a failed row if it is not complete."""
        if self._seeks_page or (error := self._parse(b"")) is None:
            return []
        if self._has_lent_root and len(self._elements) == 1:
            return []  # nothing is missing but the end of the root that we began
        return self._after_damage(error, b"")

    def next_position(self) -> int:
        """Return a position for what has no page id."""
        self._unnumbered -= 1
        return self._unnumbered

    def unfinished(self) -> bytes:
        """Return what was read of the page that is not complete."""
        parts = [*(self._page or {}).values(), *self._content]
        return "\n".join(parts).encode()[:RAW_BYTES]

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        self._encoding = encoding

    def _refuse_doctype(self, name: str, *_ids: object) -> None:
        raise _UnreadableDumpError(
            f"document type {name[:40]!r} is declared, and no MediaWiki dump has one"
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "mediawiki":
            self._language = attributes.get("xml:lang", self._language)
        elif name == "page":
            self._page = {}
        elif name == "namespace":
            self._namespace_key = attributes.get("key", "")
        elif name == "redirect" and self._page is not None:
            self._page["redirect"] = attributes.get("title", "")
        elif name == "text" and "deleted" in attributes and self._page is not None:
            self._page["deleted"] = ""
        self._elements.append(name)
        self._content, self._content_bytes = [], 0

    def _characters(self, content: str) -> None:
        self._content_bytes += len(content)
        if self._content_bytes <= self._max_record_bytes:
            self._content.append(content)

    def _end(self, name: str) -> None:
        self._elements.pop()
        parent = self._elements[-1] if self._elements else ""
        content = "".join(self._content)
        if name == "base":
            self._base = content
        elif name == "namespace":
            self._namespaces[content.casefold()] = self._namespace_key
        elif self._page is None:
            pass
        elif parent == "page" and name in ("title", "ns", "id"):
            self._page[name] = content
        elif parent == "revision" and name in ("timestamp", "model", "text"):
            self._page[name] = content
            if self._content_bytes > self._max_record_bytes:
                self._page["too_large"] = ""
        elif name == "page":
            if self._is_article(self._page):
                self._pages.append(self._page)
            self._page = None
        self._content, self._content_bytes = [], 0

    def _is_article(self, page: _Page) -> bool:
        # Before version 0.6 the title alone said the namespace.
        prefix, colon, _ = page.get("title", "").partition(":")
        key = self._namespaces.get(prefix.casefold(), "0") if colon else "0"
        return page.get("ns", key) == "0"

    def _text(self, title: str, wikitext: str) -> str:
        # Its tables take a while to make, and every command that reads a recipe imports all
        # readers.
        from stages.reading.wikitext import ENGLISH_NAMESPACES, Wiki, plain_text

        dropped = {
            name for name, key in self._namespaces.items() if key in (_FILE, _CATEGORY, _MEDIA)
        }
        host = self._base.rpartition("://")[2].partition("/")[0]
        wiki = Wiki(
            language=(self._language or "").lower(),
            dropped_namespaces=ENGLISH_NAMESPACES | dropped,
            namespaces=self._namespaces.keys() - {""},
            own_prefix=host.partition(".")[0],
            media_namespaces={"media"}
            | {name for name, key in self._namespaces.items() if key == _MEDIA},
        )
        return plain_text(wikitext, wiki, title)

    def _number(self, written: str) -> int:
        """Return the position of a page: its id, or the next without one where it has none of its
        own."""
        written = written.strip()
        if not (written.isascii() and written.isdigit() and len(written) < 18):
            return self.next_position()
        group, bit = divmod(int(written), 512)
        taken = self._numbers.get(group, 0)
        self._numbers[group] = taken | 1 << bit
        return self.next_position() if taken >> bit & 1 else int(written)

    def _row(self, page: Mapping[str, str]) -> dict[str, Any]:
        title, wikitext = page.get("title", ""), page.get("text", "")
        row: dict[str, Any] = {
            "position": self._number(page.get("id", "")),
            "url": self._base.rpartition("/")[0]
            + "/"
            + quote(title.replace(" ", "_"), safe="/:,()'!*;@")
            if self._base and title
            else None,
            "date": page.get("timestamp"),
            "declared_language": self._language,
        }
        failed = {"raw": wikitext.encode()[:RAW_BYTES]}
        target = page.get("redirect", _redirect_target(wikitext))
        if target is not None:
            return row | {"error": f"redirect: to {target[:200]!r}"}
        if page.get("model", "wikitext") != "wikitext":
            return row | {"error": f"media_type: {page['model'][:40]}"}
        if "too_large" in page:
            return (
                row
                | failed
                | {
                    "error": f"too_large: the page exceeds max_record_bytes, which is {self._max_record_bytes}"
                }
            )
        if "deleted" in page:
            return row
        text = self._text(title, wikitext)
        return row | (
            {"text": text} if text.strip() else {"error": f"empty_page: {SKIPPED['empty_page']}"}
        )


def _redirect_target(wikitext: str) -> str | None:
    """Return where a page leads that is a redirect by its text alone, as in dumps of old.

    The word is REDIRECT in any case, or a wiki's own, which is written in capitals where its script
    has them.

    >>> _redirect_target("#redirect [[Bilbo]]"), _redirect_target("#BIRZUZENDU: [[Bilbo|x]]")
    ('Bilbo', 'Bilbo')
    >>> _redirect_target("#ikus [[Bilbo]]")
    """
    redirect = _REDIRECT.match(wikitext)
    if redirect is None or (
        redirect[1].upper() != redirect[1] and redirect[1].lower() != "redirect"
    ):
        return None
    return redirect[2].strip()
