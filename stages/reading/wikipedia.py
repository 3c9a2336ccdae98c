"""Read MediaWiki XML dumps: one document an article, wikitext turned into plain text.

Articles are the pages of namespace 0; talk, templates, categories and the like are no records, and a redirect is
skipped with its reason. The XML goes through expat as a stream; a document type declaration, which no dump has, ends
the reading, so that no entity is ever expanded.

Source: the XML schema of MediaWiki's export, versions 0.10 and 0.11.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote
from xml.parsers import expat

import pyarrow as pa

from schemas.source import WikipediaSource
from schemas.split import InputFile, InputSplit
from stages.reading.files import whole_file_split
from stages.reading.records import RAW_BYTES, failed_record, make_records, record_schema
from stages.reading.streams import BrokenStreamError, chunks, open_file
from stages.reading.wikitext import ENGLISH_NAMESPACES, plain_text

_BATCH_BYTES = 8 << 20
_BATCH_ROWS = 2048
_FILE, _CATEGORY, _MEDIA = "6", "14", "-2"  # keys of namespaces in a dump's <siteinfo>


def plan(source: WikipediaSource, files: Sequence[InputFile], _split_bytes: int) -> Iterator[InputSplit]:
    """Return one split a file: its beginning names the language and the namespaces for the rest."""
    return (whole_file_split(source.name, file) for file in files if file.file_bytes)


def problems(_source: WikipediaSource, _files: Sequence[InputFile]) -> list[str]:
    """Return nothing: a dump has no columns."""
    return []


def read(split: InputSplit, source: WikipediaSource) -> Iterator[pa.RecordBatch]:
    """Yield one record for each article and, skipped, each redirect; position is the page id.

    Where the file is damaged, a failed record at position -1 ends it.
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
            dump.close()
        except BrokenStreamError as broken:
            error, rest = f"broken_stream: {broken}", dump.unfinished() or broken.rest
        except (expat.ExpatError, _DoctypeError) as broken:
            error, rest = f"broken_stream: the XML is damaged: {broken}", dump.unfinished()
    if rows:
        yield batch()
    if error:
        yield failed_record(schema, source, split.path, -1, error, rest[:RAW_BYTES])


class _DoctypeError(Exception):
    """The dump declares a document type, and with it possibly entities."""


class _Dump:
    """The state of reading a dump: bytes in, rows out."""

    def __init__(self, max_record_bytes: int) -> None:
        self._max_record_bytes = max_record_bytes
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.buffer_size = 1 << 20
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._elements: list[str] = []
        self._content: list[str] = []  # character data of the innermost element
        self._content_bytes = 0
        self._namespace_key = ""
        self._page: dict[str, str] = {}
        self._language: str | None = None
        self._base = ""
        self._dropped_namespaces = set(ENGLISH_NAMESPACES)
        self._rows: list[dict[str, Any]] = []
        self._damage: expat.ExpatError | None = None

    def feed(self, chunk: bytes) -> list[dict[str, Any]]:
        """Parse a chunk; return a row for each page that ends in it. Raises ExpatError for damaged XML."""
        self._rows = []
        if self._damage is None:
            try:
                self._parser.Parse(chunk, False)
            except expat.ExpatError as error:
                self._damage = error  # raised after the pages before it are delivered
        if self._damage is not None and not self._rows:
            raise self._damage
        return self._rows

    def close(self) -> None:
        """End the dump. Raises ExpatError if it is damaged or not complete."""
        if self._damage is not None:
            raise self._damage
        self._parser.Parse(b"", True)

    def unfinished(self) -> bytes:
        """Return what was read of the page that is not complete."""
        parts = [*self._page.values(), *self._content]
        return "\n".join(parts).encode()[:RAW_BYTES]

    def _refuse_doctype(self, name: str, *_ids: object) -> None:
        raise _DoctypeError(f"document type {name[:40]!r} is declared, and no MediaWiki dump has one")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "mediawiki":
            self._language = attributes.get("xml:lang")
        elif name == "page":
            self._page = {}
        elif name == "redirect":
            self._page["redirect"] = attributes.get("title", "")
        elif name == "namespace":
            self._namespace_key = attributes.get("key", "")
        elif name == "text" and "deleted" in attributes:
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
        if parent == "page" and name in ("title", "ns", "id"):
            self._page[name] = content
        elif parent == "revision" and name in ("timestamp", "model", "text"):
            self._page[name] = content
            if self._content_bytes > self._max_record_bytes:
                self._page["too_large"] = ""
        elif name == "base":
            self._base = content
        elif name == "namespace" and self._namespace_key in (_FILE, _CATEGORY, _MEDIA):
            self._dropped_namespaces.add(content.casefold())
        elif name == "page":
            if self._page.get("ns") == "0":
                self._rows.append(self._row(self._page))
            self._page = {}
        self._content, self._content_bytes = [], 0

    def _row(self, page: Mapping[str, str]) -> dict[str, Any]:
        title, wikitext = page.get("title", ""), page.get("text", "")
        number = page.get("id", "")
        row: dict[str, Any] = {
            "position": int(number) if number.isascii() and number.isdigit() and len(number) < 18 else -1,
            "url": self._base.rpartition("/")[0] + "/" + quote(title.replace(" ", "_"), safe="/:,()'!*;@")
            if self._base and title
            else None,
            "date": page.get("timestamp"),
            "declared_language": self._language,
        }
        failed = {"raw": wikitext.encode()[:RAW_BYTES]}
        if row["position"] < 0:
            return row | failed | {"error": f"broken_record: the page id must be a number, got {number[:40]!r}"}
        if "redirect" in page:
            return row | {"error": f"redirect: to {page['redirect'][:200]!r}"}
        if page.get("model", "wikitext") != "wikitext":
            return row | {"error": f"media_type: {page['model'][:40]}"}
        if "too_large" in page:
            return (
                row
                | failed
                | {"error": f"too_large: the page exceeds max_record_bytes, which is {self._max_record_bytes}"}
            )
        if "deleted" in page:
            return row
        return row | {"text": plain_text(wikitext, self._dropped_namespaces)}
