"""Make hostile text fit to be shown: cut between graphemes, free of control characters, inert in
Markdown.

Source: UAX #29 (grapheme clusters), rules GB3 to GB13. `cut_text` stays on the careful side of
them: it may refuse a place where a cut would be allowed, never the other way round.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

ELLIPSIS = "\u2026"
FOLDED_ROWS = 40  # of a table of languages; the others are there to unfold

# Characters that HTML and XML forbid or that move a terminal; tab and newline are kept.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")
# Embeddings, overrides, isolates: harmless inside an element that isolates, not in a cell or a
# label.
_DIRECTION_CONTROLS = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
_MARKDOWN = re.compile(r"([\\`*_\[\]~|$])")
_BLOCK_START = re.compile(r"([-+#=]|\d+(?=[.)](?:\s|$)))")


# Joined to what precedes although not a mark: joiners, Thai and Lao am, half-width kana voicing,
# vowel and final jamo.
_EXTENDING = re.compile(
    "[\u200c\u200d\u0e33\u0eb3\uff9e\uff9f\u1160-\u11ff\ud7b0-\ud7ff\U0001f3fb-\U0001f3ff]"
)
# Joined to what follows: zero-width joiner, initial jamo, regional indicators, dot reph and other
# prefixed letters.
_PREPENDED = re.compile(
    "[\u200d\u1100-\u115f\ua960-\ua97f\U0001f1e6-\U0001f1ff\u0d4e\U000111c2\U000111c3\U0001193f\U00011941"
    "\U00011a3a\U00011a84-\U00011a89\U00011d46\U00011f02]"
)
_VIRAMA_CLASS = 9  # canonical combining class of viramas, after which a conjunct goes on
_WORD_ENDS = " \n\t\u0f0b\u1361\u3000"  # white space, Tibetan tsheg, Ethiopic wordspace
_LOOK_BACK = 40


def _may_cut(before: str, after: str) -> bool:
    return not (
        unicodedata.category(after)[0] in "MC"
        or _EXTENDING.match(after)
        or _PREPENDED.match(before)
        or unicodedata.category(before) == "Cf"
        or unicodedata.combining(before) == _VIRAMA_CLASS
    )


def cut_text(text: str, max_code_points: int) -> str:
    """Cut a text to at most `max_code_points`, at the end of a word if one is near, else between
    graphemes.

    A text whose last graphemes fill the whole room (hundreds of stacked marks) is cut hard.

    >>> cut_text("Gizon-emakume guztiak", 16)
    'Gizon-emakume'
    """
    if len(text) <= max_code_points:
        return text
    lowest = max(1, max_code_points - _LOOK_BACK)
    if (end := max(text.rfind(mark, lowest, max_code_points + 1) for mark in _WORD_ENDS)) > 0:
        return text[: end + 1][:max_code_points].rstrip()
    # A loop over characters: only the few around the cut are looked at.
    for position in range(max_code_points, 0, -1):
        if _may_cut(text[position - 1], text[position]):
            return text[:position]
    return text[:max_code_points]


def graphemes(text: str) -> Iterator[str]:
    """Split a short text into graphemes, or into a few of them where a cut is not known to be
    allowed.

    >>> [len(grapheme) for grapheme in graphemes("ke\u0301ng")]
    [1, 2, 1, 1]
    """
    start = 0
    # A loop over characters, as above: for excerpts only.
    for position in range(1, len(text) + 1):
        if position == len(text) or _may_cut(text[position - 1], text[position]):
            yield text[start:position]
            start = position


def visible(text: str) -> str:
    """Replace control characters by U+FFFD and line ends by newlines; what is left is legal in XML
    and HTML."""
    return _CONTROLS.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    """Make a label: control and direction characters replaced, white space collapsed.

    >>> one_line("a\\n b\\u202ec")
    'a b\\ufffdc'
    """
    return " ".join(_DIRECTION_CONTROLS.sub("\ufffd", visible(text)).split())


class Markdown(str):
    """Text that already is Markdown of ours; everything else is escaped by `escape_markdown`."""

    __slots__ = ()


def escape_markdown(text: str) -> Markdown:
    """Make a text inert in a Markdown paragraph, list item or table cell: no markup, no HTML, no
    line end.

    >>> escape_markdown("a|b <script> `c`")
    'a\\\\|b &lt;script&gt; \\\\`c\\\\`'
    """
    line = _MARKDOWN.sub(r"\\\1", html.escape(one_line(text), quote=False))
    if start := _BLOCK_START.match(line):  # a list, a heading, a rule
        mark = start.end() if start[1].isdigit() else 0
        line = f"{line[:mark]}\\{line[mark:]}"
    return Markdown(line)


def code(text: str) -> Markdown:
    """Set a name in code type; one that could break out of it is escaped text instead."""
    return (
        Markdown(f"`{text}`")
        if one_line(text) == text and text and not set(text) & set("`|")
        else escape_markdown(text)
    )


def code_spans(text: str) -> list[tuple[bool, str]]:
    """Split a description at its `names`: pairs of (whether it is a name, text).

    >>> code_spans("in `ug` only")
    [(False, 'in '), (True, 'ug'), (False, ' only')]
    """
    return [
        (number % 2 == 1, part) for number, part in enumerate(re.split(r"`([^`|]+)`", text)) if part
    ]


def fenced(text: str, language: str = "") -> Markdown:
    """Put a text verbatim into a code block, within a fence longer than any run of backticks in
    it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return Markdown(f"{fence}{language}\n{visible(text).rstrip()}\n{fence}")


def html_block(text: str, language_tag: str) -> Markdown:
    """Show a text in Markdown as one line of HTML, which ends at the next blank line and is not
    parsed as Markdown."""
    body = html.escape(visible(text)).replace("\n", "<br>")
    return Markdown(
        f'<blockquote dir="auto" lang="{html.escape(language_tag)}">{body}</blockquote>'
    )


def folded(rows: Sequence[Any]) -> list[Sequence[Any]]:
    """Part rows into those that are shown and, if there are any, those to unfold."""
    return [rows[:FOLDED_ROWS], rows[FOLDED_ROWS:]] if len(rows) > FOLDED_ROWS else [rows]
