"""Find an answer in its context: exact, else as a reader of the script would call it the same.

What is folded away: case and compatibility forms (NFKD, casefold), white space, digits of another
script, the tatweel and vowel points of Arabic and Hebrew script, the Arabic and Persian forms of
kaf and yeh, zero-width characters. Marks of other scripts stay, since they are vowels and tones.
What is found is a span of the context, so that the answer that is published is found text.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

_DROPPED = frozenset("\u0640\u200b\u200c\u200d\u200e\u200f\u00ad\ufeff\u2060")
# Arabic kaf and yeh as the Persian ones
_LETTERS = {
    "\u0643": "\u06a9",
    "\u064a": "\u06cc",
    "\u0649": "\u06cc",
}
_POINTED = (
    (0x0591, 0x05C8),
    (0x0610, 0x061B),
    (0x064B, 0x0660),
    (0x0670, 0x0671),
    (0x06D6, 0x06EE),
    (0x0730, 0x074B),
)
_UNSPACED = (
    *(
        (0x0E00, 0x0F00),
        (0x0F00, 0x1000),
        (0x1000, 0x10A0),
        (0x1780, 0x1800),
        (0x3040, 0x3100),
        (0x3400, 0x4DC0),
    ),
    *((0x4E00, 0xA000), (0x20000, 0x32000)),
)
_OUTER = " \t\r\n\"'\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb\u300c\u300d()[]"
_END = ".,;:!?\u060c\u061b\u061f\u06d4\u0964\u104b\u1362\u17d4\u3001\u3002\uff0c\uff01\uff1f"


class Span(NamedTuple):
    """A piece of a text, in code points."""

    start: int
    text: str


def folded(text: str) -> tuple[str, list[int]]:
    """Fold a text, and say for each folded code point where it stood."""
    letters: list[str] = []
    places: list[int] = []
    # of a passage or an answer, which are short next to what asking costs
    for place, letter in enumerate(text):
        if letter in _DROPPED:
            continue
        if letter.isspace():
            if letters and letters[-1] != " ":
                letters.append(" ")
                places.append(place)
            continue
        for part in unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", letter).casefold()):
            code = ord(part)
            if any(first <= code < end for first, end in _POINTED) and unicodedata.combining(part):
                continue
            digit = unicodedata.digit(part, None)
            letters.append(str(digit) if digit is not None else _LETTERS.get(part, part))
            places.append(place)
    return "".join(letters), places


def find_span(answer: str, context: str) -> Span | None:
    """Find an answer in its context, not from the middle of a word on; None if it is not there.

    >>> find_span("BILBO", "Hiria Bilbo da."), find_span("art", "Ez da karta.")
    (Span(start=6, text='Bilbo'), None)
    """
    wanted = answer.strip(_OUTER).rstrip(_END + _OUTER) or answer.strip()
    if not wanted:
        return None
    start = context.find(wanted)
    while start >= 0:
        if _begins_word(context, start) and not _splits_letter(context, start + len(wanted)):
            return Span(start, wanted)
        start = context.find(wanted, start + 1)
    small, _ = folded(wanted)
    small = small.strip()
    text, places = folded(context)
    at = text.find(small) if small else -1
    while at >= 0:
        begin, end = places[at], places[at + len(small) - 1] + 1
        while _splits_letter(context, end):  # points that were folded away
            end += 1
        if _begins_word(context, begin) and not _splits_letter(text, at + len(small)):
            return Span(begin, context[begin:end])
        at = text.find(small, at + 1)
    return None


def _begins_word(context: str, start: int) -> bool:
    if start == 0 or not (context[start].isalnum() and context[start - 1].isalnum()):
        return start == 0 or not unicodedata.combining(context[start])
    return any(first <= ord(context[start]) < end for first, end in _UNSPACED)


def _splits_letter(context: str, end: int) -> bool:
    return end < len(context) and unicodedata.category(context[end]).startswith("M")


def same_answer(one: str, other: str) -> bool:
    """Tell whether two answers say the same: folded, one is within the other, or most of their
    words are shared."""
    a, b = (folded(text.strip(_OUTER + _END))[0].strip() for text in (one, other))
    if not a or not b:
        return False
    if a in b or b in a:
        return min(len(a), len(b)) * 3 >= max(len(a), len(b))
    words_a, words_b = set(a.split()), set(b.split())
    shared = len(words_a & words_b)
    return 2 * shared / (len(words_a) + len(words_b)) >= 0.6  # F1 of SQuAD's words
