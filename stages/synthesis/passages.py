"""Passages: pieces of documents that fit into the context of a model, cut at ends of paragraphs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

_PARAGRAPH = re.compile(r"[^\n]*(?:\n+|$)")
_SENTENCE_END = re.compile(
    r"[.!?\u2026\u061f\u06d4\u0964\u0965\u0f0d\u104b\u1362\u17d4\u3002\uff01\uff1f][\"'\u2019\u201d\u00bb)\]]*\s*"
)
_SPACE = re.compile(r"\s+")


class Passage(NamedTuple):
    """What a strategy makes rows from: a piece of a document, and what the document says of
    itself."""

    document_id: str
    text: str
    start: int  # in the document, in code points
    label: str  # language and script, as eus_Latn
    source: str
    url: str | None = None
    licence: str | None = None
    split: str = "train"  # published split of the document
    columns: Mapping[
        str, Any
    ] = {}  # the document's other columns, as those that the recipe keeps of a source


def cut_passages(text: str, max_code_points: int) -> Iterator[tuple[int, str]]:
    """Cut a text into passages of at most so many code points: where each begins, and its text
    without outer space.

    Whole paragraphs go together while they fit; a paragraph that does not fit alone is cut after
    sentences, else at white space, else anywhere.

    >>> list(cut_passages("Bat.\\n\\nBi.\\nHiru da.", 9))
    [(0, 'Bat.\\n\\nBi.'), (10, 'Hiru da.')]
    """
    begin = end = 0
    for piece_begin, piece_end in _pieces(text, max_code_points):
        if len(text[begin:piece_end].strip()) > max_code_points and text[begin:end].strip():
            yield _trimmed(text, begin, end)
            begin = piece_begin
        end = piece_end
    if text[begin:end].strip():
        yield _trimmed(text, begin, end)


def _trimmed(text: str, begin: int, end: int) -> tuple[int, str]:
    piece = text[begin:end]
    return begin + len(piece) - len(piece.lstrip()), piece.strip()


def _pieces(text: str, longest: int) -> Iterator[tuple[int, int]]:
    for found in _PARAGRAPH.finditer(text):
        begin, end = found.span()
        while end - begin > longest and len(text[begin:end].strip()) > longest:
            window = text[begin : begin + longest]
            ends = [
                match.end()
                for pattern in (_SENTENCE_END, _SPACE)
                for match in list(pattern.finditer(window))[-1:]
            ]
            cut = begin + (
                ends[0]
                if ends and ends[0] > longest // 4
                else max(ends, default=longest) or longest
            )
            yield begin, cut
            begin = cut
        if end > begin:
            yield begin, end
