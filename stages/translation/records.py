"""Translate the columns of a record together: questions, choices, answers, conversations, arguments
of tool calls.

All strings that are to be translated are lines of one text after the document's own; a translation
has the lines of its source, so each finds its way back into its column. Keys of JSON, numbers and
what stands under `untouched` keys stay as they are. JSON that is written into a string, as
arguments of tool calls are, is taken apart and written again.

    text              "Ada was born in London in 1815."     lines 0
    question          "Where was Ada born?"                 lines 1
    answers           {"text": ["London"], "answer_start": [16]}

An answer is a span of another column. The engine gets the span between two marks, which are masked
and come back as any placeholder does, and what stands between them in the translation is the answer
(as in XQuAD-like data sets: Budur et al. 2024, SQuAD-TR). A record whose marks are lost, or come
back in another order, is translated once more without marks, its answer by itself, and then looked
for in the text; where it does not stand there the record is dropped. An argument of a tool call is
a span if a message holds it literally; else it is translated by itself if it has several words, and
stays if it is one: a unit, a name, a key of something.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from stages.translation.options import TranslationConfig
from stages.translation.protection import FIRST_MARK, SPANS

_MARK = re.compile(f"[{chr(FIRST_MARK)}-{chr(FIRST_MARK + 2 * SPANS)}]")
_MAX_DEPTH = 64
_LETTER = re.compile(r"[^\W\d_]")


class _Leaf(NamedTuple):
    """A string in a JSON value: what holds it, under which key or place; and what holds its start,
    if it has one."""

    holder: Any
    key: Any
    text: str
    start: tuple[Any, Any] | None = None

    @property
    def begins(self) -> int | None:
        """Where an answer begins in its text, by the `answer_start` next to it, as SQuAD has it."""
        return self.start[0][self.start[1]] if self.start else None

    def put(self, text: str, begins: int) -> None:
        """Write another answer into its place."""
        self.holder[self.key] = text
        if self.start:
            self.start[0][self.start[1]] = begins


class _Span(NamedTuple):
    """A string that stands in another one."""

    leaf: _Leaf
    unit: int  # of the record
    number: int  # of its marks
    alone: int | None = None  # unit that it is translated as, instead of between marks


class _Record:
    """The columns of one record, taken apart. `units` are its strings to translate, the document's
    text first."""

    def __init__(
        self, text: str, columns: Mapping[str, str | None], config: TranslationConfig, marked: bool
    ) -> None:
        self.text: list[Any] = [text]
        self._plain = {
            name for name, value in columns.items() if value is not None and not _is_json(value)
        }
        self._values: dict[str, list[Any]] = {
            name: [value if name in self._plain else json.loads(value)]
            for name, value in columns.items()
            if value is not None
        }
        self._embedded: dict[
            tuple[int, Any], tuple[Any, Any, list[Any]]
        ] = {}  # holder, key, JSON that was a string
        self._lost = False  # an answer stands nowhere in its text
        self.units = [_Leaf(self.text, 0, text)]
        by_path: dict[str, list[int]] = {"text": [0]}
        for path in config.fields:
            places = by_path.setdefault(path, [])
            for leaf in self._leaves(path, config):
                places.append(len(self.units))
                self.units.append(leaf)
        self.spans: list[_Span] = []
        marks: dict[int, list[tuple[int, int, int]]] = {}  # by unit: begin, end, number
        known: dict[tuple[int, int, int], int] = {}
        for path, within in config.spans.items():
            for sought, leaf in enumerate(self._leaves(path, config)):
                at = self._find(leaf, by_path.get(within, ())) if sought < SPANS else None
                self._lost |= at is None and leaf.start is not None and bool(leaf.text)
                if at is not None and (at in known or len(known) < SPANS) and marked:
                    number = known.setdefault(at, len(known))
                    marks.setdefault(at[0], []).append((at[1], at[2], number))
                    self.spans.append(_Span(leaf, at[0], number))
                else:
                    if at is not None and leaf.start:
                        self.spans.append(_Span(leaf, at[0], -1, alone=len(self.units)))
                    if at is not None or " " in leaf.text.strip():
                        self.units.append(leaf)
        self.marked = [
            _with_marks(leaf.text, marks.get(place, ())) for place, leaf in enumerate(self.units)
        ]

    def _find(self, leaf: _Leaf, places: Sequence[int]) -> tuple[int, int, int] | None:
        """Say in which unit a string stands, and from where to where: at its start, or as whole
        words."""
        for place in (
            places if leaf.text.strip() and (leaf.start or _LETTER.search(leaf.text)) else ()
        ):
            whole, start = self.units[place].text, leaf.begins
            if start is not None and whole.startswith(leaf.text, start):
                return place, start, start + len(leaf.text)
            if found := re.search(rf"(?<!\w){re.escape(leaf.text)}(?!\w)", whole):
                return place, *found.span()
        return None

    def _leaves(self, path: str, config: TranslationConfig) -> Iterator[_Leaf]:
        column, *keys = path.split(".")
        if column in self._values:
            yield from self._walk(self._values[column], 0, keys, config, None)

    def _walk(
        self,
        holder: Any,
        key: Any,
        keys: Sequence[str],
        config: TranslationConfig,
        start: tuple[Any, Any] | None,
    ) -> Iterator[_Leaf]:
        value = holder[key]
        if isinstance(value, str) and _is_json(value):
            inside = self._embedded.setdefault(
                (id(holder), key), (holder, key, [json.loads(value)])
            )[2]
            value = inside[0]
        starts = start[0][start[1]] if start else None
        if isinstance(value, list):
            for place in range(len(value)):
                own = (starts, place) if isinstance(starts, list) and place < len(starts) else start
                yield from self._walk(value, place, keys, config, own)
        elif isinstance(value, dict):
            start = (value, "answer_start") if "answer_start" in value else None
            for name in (
                [keys[0]] if keys else [name for name in value if name not in config.untouched]
            ):
                if name in value:
                    yield from self._walk(value, name, keys[1:], config, start)
        elif isinstance(value, str) and not keys:
            yield _Leaf(
                holder, key, value, start if isinstance(starts, int) and starts >= 0 else None
            )

    def close(self, translated: Sequence[str]) -> str | None:
        """Put translations into their places; returns what is wrong, None if nothing is."""
        bare, places = zip(*map(_without_marks, translated), strict=True)
        for leaf, text in zip(self.units, bare, strict=True):
            leaf.holder[leaf.key] = text
        for span in self.spans:
            whole = bare[span.unit]
            marked = places[span.unit].get(span.number)
            found = marked if span.alone is None else _located(bare[span.alone], whole)
            if found is None or not whole[slice(*found)].strip():
                return "answer_lost"
            answer = whole[slice(*found)]
            span.leaf.put(answer.strip(), found[0] + len(answer) - len(answer.lstrip()))
        if self._lost:
            return "answer_lost"
        return "same_choice" if any(self._merged()) else None

    def _merged(self) -> Iterator[bool]:
        """Say of each list of strings whether strings that differed have become equal."""
        lists: dict[int, list[_Leaf]] = {}
        for leaf in self.units:
            if isinstance(leaf.holder, list):
                lists.setdefault(id(leaf.holder), []).append(leaf)
        for leaves in lists.values():
            before, after = (
                {leaf.text.strip() for leaf in leaves},
                {leaf.holder[leaf.key].strip() for leaf in leaves},
            )
            yield len(after) < len(before)

    def columns(self) -> dict[str, str]:
        """Write the columns again."""
        for holder, key, inside in reversed(self._embedded.values()):
            holder[key] = json.dumps(inside[0], ensure_ascii=False)
        return {
            name: value[0] if name in self._plain else json.dumps(value[0], ensure_ascii=False)
            for name, value in self._values.items()
        }


class Records:
    """The records of n documents: `texts` are what is translated of each, its strings as lines."""

    def __init__(self, parents: pa.RecordBatch, config: TranslationConfig, marked: bool) -> None:
        paths = (*config.fields, *config.spans)
        names = list(dict.fromkeys(path.split(".")[0] for path in paths))
        texts = (pa.string(), pa.large_string())
        self.names = [
            name for name in names if name in parents.schema.names and parents[name].type in texts
        ]
        columns = (
            zip(*(parents[name].to_pylist() for name in self.names), strict=True)
            if self.names
            else None
        )
        given = columns or ((),) * parents.num_rows
        # JSON is walked value by value, so this is a loop over documents.
        self._records = [
            _Record(text or "", dict(zip(self.names, values, strict=True)), config, marked)
            for text, values in zip(parents["text"].to_pylist(), given, strict=True)
        ]
        self.texts = pa.array(
            ["\n".join(record.marked) for record in self._records], pa.large_string()
        )

    def close(self, texts: pa.Array) -> tuple[dict[str, pa.Array], list[str | None]]:
        """Take n translations apart again: the columns, with `text`, and what is wrong with each
        record."""
        problems: list[str | None] = []
        for record, text in zip(self._records, texts.to_pylist(), strict=True):
            lines = iter(text.split("\n"))
            units = ["\n".join(next(lines) for _ in leaf.text.split("\n")) for leaf in record.units]
            problems.append(record.close(units))
        written = [record.columns() for record in self._records]
        made = {
            name: pa.array([columns.get(name) for columns in written], pa.string())
            for name in self.names
        }
        return made | {
            "text": pa.array([record.text[0] for record in self._records], pa.large_string())
        }, problems


def _is_json(value: str) -> bool:
    """Tell whether a string is an object or a list, and not nested deeper than any record is."""
    if not value.lstrip().startswith(("{", "[")):
        return False
    try:
        level = [json.loads(value)]
    except (ValueError, RecursionError):
        return False
    for _ in range(_MAX_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return True
    return False


def _with_marks(text: str, spans: Sequence[tuple[int, int, int]]) -> str:
    """Put an opening and a closing mark around spans of a text.

    >>> _without_marks(_with_marks("born in London", [(8, 14, 0)]))
    ('born in London', {0: (8, 14)})
    """
    marks = [(end, 0, chr(FIRST_MARK + 2 * number + 1)) for _, end, number in set(spans)]
    marks += [(begin, 1, chr(FIRST_MARK + 2 * number)) for begin, _, number in set(spans)]
    for place, _, mark in sorted(marks, reverse=True):
        text = text[:place] + mark + text[place:]
    return text


def _without_marks(text: str) -> tuple[str, dict[int, tuple[int, int]]]:
    """Take marks out of a text, and what spaces an engine put around them: one stays, and none
    before a stop.

    Returns the text, and by number from where to where the spans go of which both marks stand in
    order.
    """
    bare = ""
    end = 0
    opened: dict[int, int] = {}
    closed: dict[int, tuple[int, int]] = {}
    for found in _MARK.finditer(text):
        bare = _joined(bare, text[end : found.start()], end > 0)
        bare = bare.rstrip(" ") + " " if bare.endswith(" ") else bare
        number, closing = divmod(ord(found[0]) - FIRST_MARK, 2)
        if not closing:
            opened[number] = len(bare)
        elif number in opened:
            closed[number] = (opened[number], len(bare))
        end = found.end()
    return _joined(bare, text[end:], end > 0), closed


def _joined(before: str, after: str, marked: bool) -> str:
    if marked and before.endswith(" "):
        after = after.lstrip(" ")
        before = before[:-1] if after.startswith(tuple(".,;:?!")) else before
    return before + after


def _located(answer: str, whole: str) -> tuple[int, int] | None:
    """Find an answer that was translated by itself: as it is, then whatever its case, without a
    full stop."""
    for flags in (re.NOFLAG, re.IGNORECASE):
        if answer.strip(" .") and (
            found := re.search(rf"(?<!\w){re.escape(answer.strip(' .'))}(?!\w)", whole, flags)
        ):
            return found.span()
    return None
