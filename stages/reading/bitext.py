"""Read bitext: TMX 1.4, and Moses, which is two files of equal numbers of lines.

A record's text is the sentence in the source language. The other side is in the column
`translation`, and both languages in `translation_direction`. TMX goes through expat as a stream,
one unit in memory at a time; a document type may be named, as the standard's examples do, but
nothing is loaded, and a file that declares entities is not read on. Codes inside segments (`bpt`,
`ept`, `it`, `ph`, `ut`) are no text; what `hi` marks is. Source: TMX 1.4b Specification (LISA
OSCAR, 2005).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from xml.parsers import expat

import pyarrow as pa

from schemas.language import one_code, parse_label, to_iso639_3
from schemas.source import MosesSource, TmxSource
from schemas.split import InputFile, InputSplit
from stages.reading.files import find_files, whole_file_split
from stages.reading.records import kept_strings, make_records
from stages.reading.streams import BrokenStreamError, Lines, chunks, open_file, read_lines

_BATCH_ROWS, _BATCH_BYTES = 8192, 8 << 20
_CODES = frozenset(("bpt", "ept", "it", "ph", "ut", "sub"))
_SCRIPT = re.compile(r"[-_]([A-Z][a-z]{3})\b")

# number of the pair, both sides, what is wrong with it
_Row = tuple[int, str | None, str | None, str | None]


def plan(
    source: TmxSource | MosesSource, files: Sequence[InputFile], _split_bytes: int
) -> Iterator[InputSplit]:
    """Return one split a file, with the other side's, if it is one of two."""
    if isinstance(source, TmxSource):
        return (whole_file_split(source.name, file) for file in files if file.file_bytes)
    both = zip(files[::2], files[1::2], strict=True)
    splits = (
        whole_file_split(source.name, ours).model_copy(update={"others": (theirs,)})
        for ours, theirs in both
    )
    return (split for split in splits if split.file_bytes)


def problems(_source: TmxSource | MosesSource, _files: Sequence[InputFile]) -> list[str]:
    """Return nothing: bitext has no columns to map."""
    return []


def find_moses(source: MosesSource, base: str) -> tuple[list[InputFile], list[str]]:
    """Return the files of the source language, each followed by that of the target language, and
    what is missing."""
    ours, found = find_files(source.paths, base)
    files: list[InputFile] = []
    for file in ours:
        path = other_side(file.path, source.target_ending)
        theirs, lacking = find_files([re.sub(r"([*?\[])", r"[\1]", path)], base)
        if path == file.path or lacking or not theirs:
            found.append(
                f"{file.path} has no other side {path}; name files of the source language, and target_ending"
            )
        else:
            files += [file, theirs[0]]
    return files, found


def other_side(path: str, ending: str) -> str:
    """Name the file of the other language.

    >>> other_side("corpus.eu-es.eu", "es"), other_side("corpus.eu.gz", "es")
    ('corpus.eu-es.es', 'corpus.es.gz')
    """
    return re.sub(
        r"\.[^./]+(\.(?:gz|bz2|xz|zst))?$", lambda found: f".{ending}{found[1] or ''}", path
    )


def read(split: InputSplit, source: TmxSource | MosesSource) -> Iterator[pa.RecordBatch]:
    """Yield one record for each unit or line, in order; position is its number in the file, from
    0."""
    schema = kept_strings(source.keep)
    rows: list[_Row] = []
    held_bytes = 0

    def batch() -> pa.RecordBatch:
        numbers, texts, translations, errors = zip(*rows, strict=True)
        return make_records(
            schema,
            source,
            split.path,
            numbers,
            text=texts,
            translation=translations,
            translation_direction=[source.direction] * len(rows),
            declared_language=[source.source_language] * len(rows),
            error=errors,
            raw=[b"" if error else None for error in errors],
        )

    for row in _units(split, source) if isinstance(source, TmxSource) else _lines(split, source):
        rows.append(row)
        held_bytes += len(row[1] or "") + len(row[2] or "")
        if len(rows) >= _BATCH_ROWS or held_bytes >= _BATCH_BYTES:
            yield batch()
            rows, held_bytes = [], 0
    if rows:
        yield batch()


def _lines(split: InputSplit, source: MosesSource) -> Iterator[_Row]:
    """Pair the lines of two files; where they have not as many, no pair can be trusted and the
    whole is one failure."""
    ours, theirs = split.files
    counts = [_count(file) for file in (ours, theirs)]
    if counts[0] != counts[1]:
        words = (
            f"broken_record: {ours.path} has {counts[0]} lines, and {theirs.path} has {counts[1]}"
        )
        yield 0, None, None, words
        return
    sides = (_each_line(file, source.max_record_bytes) for file in (ours, theirs))
    for number, ((text, error), (translation, other_error)) in enumerate(zip(*sides, strict=True)):
        if not (text or translation or error or other_error):
            continue
        yield number, text, translation, error or other_error


def _count(file: InputFile) -> int:
    lines, last = 0, b"\n"
    with open_file(file.location) as opened:
        try:
            for chunk in chunks(opened, file.path):
                lines += chunk.count(b"\n")
                last = chunk[-1:]
        except BrokenStreamError:
            return -1
    return lines + (last != b"\n")


def _each_line(file: InputFile, max_bytes: int) -> Iterator[tuple[str | None, str | None]]:
    """Yield each line without its end, or what is wrong with it."""
    for piece in read_lines(file.location, file.path, 0, -1, max_bytes):
        if not isinstance(piece, Lines):
            yield None, piece.error
            continue
        for line in piece.data.removesuffix(b"\n").split(b"\n"):
            try:
                yield line.decode("utf-8").rstrip("\r"), None
            except UnicodeDecodeError:
                yield None, "invalid_encoding: the line is not utf-8"


class _RefusedError(Exception):
    """The file declares entities."""


def _units(split: InputSplit, source: TmxSource) -> Iterator[_Row]:
    units = _Units(source)
    error = ""
    with open_file(split.location) as file:
        try:
            for chunk in itertools.chain(chunks(file, split.path), [b""]):
                units.feed(chunk)
                yield from units.taken()
        except BrokenStreamError as broken:
            error = f"broken_stream: {broken}"
        except (expat.ExpatError, LookupError, ValueError, _RefusedError) as broken:
            error = f"broken_stream: the XML is damaged: {broken}"
    yield from units.taken()
    if error:
        yield units.number, None, None, error


class _Units:
    """The translation units of a TMX file: bytes in, rows out."""

    def __init__(self, source: TmxSource) -> None:
        self._wanted = {
            parse_label(label): label for label in (source.source_language, source.target_language)
        }
        self._sides = (source.source_language, source.target_language)
        self._max_bytes = source.max_record_bytes
        self.number = 0
        self._rows: list[_Row] = []
        self._texts: dict[str, str] = {}
        self._language: str | None = None
        self._content: list[str] | None = None  # of the segment that is being read
        self._size = 0
        self._inside_code = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.EntityDeclHandler = self._refuse
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters

    def feed(self, chunk: bytes) -> None:
        self._parser.Parse(chunk, not chunk)

    def taken(self) -> list[_Row]:
        rows, self._rows = self._rows, []
        return rows

    def _refuse(self, *_: object) -> None:
        raise _RefusedError("it declares entities, which are not expanded")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "tu":
            self._texts, self._size = {}, 0
        elif name == "tuv":
            self._language = self._label(attributes.get("xml:lang") or attributes.get("lang") or "")
        elif name == "seg":
            self._content = []
        elif name in _CODES and self._content is not None:
            self._inside_code += 1

    def _characters(self, text: str) -> None:
        self._size += len(text)
        if self._content is not None and not self._inside_code and self._size <= self._max_bytes:
            self._content.append(text)

    def _end(self, name: str) -> None:
        if name in _CODES and self._content is not None:
            self._inside_code = max(0, self._inside_code - 1)
        elif name == "seg" and self._content is not None:
            if self._language:
                self._texts.setdefault(self._language, "".join(self._content))
            self._content, self._inside_code = None, 0
        elif name == "tu":
            self._rows.append(self._row())
            self.number += 1

    def _row(self) -> _Row:
        if self._size > self._max_bytes:
            return (
                self.number,
                None,
                None,
                f"too_large: the unit exceeds max_record_bytes, which is {self._max_bytes}",
            )
        text, translation = (self._texts.get(side) for side in self._sides)
        lacking = [
            side
            for side, found in zip(self._sides, (text, translation), strict=True)
            if found is None
        ]
        return (
            self.number,
            text,
            translation,
            f"no_pair: the unit has no {' and no '.join(lacking)}" if lacking else None,
        )

    def _label(self, written: str) -> str | None:
        """Return which of the two labels a BCP 47 tag means: the same language, and the script, if
        it names one."""
        code = to_iso639_3(re.split("[-_]", written)[0].lower())
        script = _SCRIPT.search(written)
        for label, name in self._wanted.items():
            if (
                code
                and one_code(code) == one_code(label.language)
                and (not script or script[1] == label.script)
            ):
                return name
        return None
