"""Undo what programs and keyboards did to the letters of lines, so that models see the words that
readers see.

For identification alone: the document keeps its text. Each repair first finds, in one scan, the
lines that it is for.

- Character references (`&eacute;`), also escaped twice, become their characters.
- Marks of Markdown and wiki text around words, and what parts the cells of a row of a table, become
  blanks.
- Letters of styled alphabets (mathematical, circled, full width, presentation forms) become plain
  (NFKC), and overlays (struck-through text) are taken off. Not the whole line: NFKC takes Thai and
  Lao vowels apart.
- Letters of another script that look alike, in lines that have words of two scripts or single
  letters between words of another script, become those of the script that the line's other letters
  are in.
- Letters of an Arabic keyboard become those of the orthography whose own letters the line has.
- Runs of Hangul consonants and vowels that spell no syllable (laughter, tears) are taken out.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stages.look_alikes import TO_CYRILLIC, TO_GREEK, TO_LATIN
from stages.vowel_letters import AE, ALEF_MAKSURA, HEH, YEH, kurdish_ae, uyghur_ae, uyghur_i

_REFERENCE = r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});"
_ESCAPED_AT_MOST = 3  # times

# Mathematical alphabets and the letterlike symbols that fill their gaps; enclosed and full-width
# letters; positional forms of Hebrew and Arabic, but for the Arabic words that are one symbol;
# half-width Kana and Hangul.
_STYLED = (
    r"[\x{1D400}-\x{1D7FF}\x{2102}\x{210A}-\x{2113}\x{2115}\x{2119}-\x{211D}\x{2124}\x{2128}\x{212C}\x{212D}"
    r"\x{212F}-\x{2134}\x{249C}-\x{24E9}\x{1F110}-\x{1F149}\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A}\x{FB00}-\x{FB4F}"
    r"\x{FB50}-\x{FDCF}\x{FE70}-\x{FEFC}\x{FF65}-\x{FFDC}\x{1EE00}-\x{1EEFF}]"
)
_STYLED_RUN = re.compile(
    re.sub(r"\\x\{([0-9A-F]+)\}", lambda m: f"\\U{int(m[1], 16):08x}", _STYLED) + "+"
)
_OVERLAYS = r"[\x{332}\x{333}\x{335}-\x{338}\x{20D2}\x{20D3}\x{20D8}-\x{20DC}\x{20E5}-\x{20EB}]"
_MOSTLY_OVERLAID = 0.3  # of all code points; every second one where all letters are struck through

_LINK = r"!?\[([^\[\]]*)\]\([^()\s]*(?:\s+\"[^\"]*\")?\)|\[\[(?:[^\[\]|]*\|)?([^\[\]|]*)\]\]"
_NOTE = r"\[(?:[0-9]{1,3}|[a-z])\]"  # of an encyclopedia
_ITEM = r"^\s*(?:>\s?)*(?:[-+*#=!\x{2022}\x{2023}\x{25AA}\x{25CF}\x{B7}]+\s+|(?:\[[ xX]\]|[0-9]{1,3}[.)])\s+)*"
_EMPHASIS = (
    r"(^|[\s(\"'\[|])(?:\*{1,3}|_{1,3}|~~|`)([\p{L}\p{M}])",
    r"([\p{L}\p{M}.,!?:])(?:\*{1,3}|_{1,3}|~~|`)($|[\s).,;:!?\"'\]|])",
)
# A row of a table: bars around it, or with blanks between words.
_BARS = r"^\s*\|.*\||[\p{L}\p{M}\p{N}.)]\s+\|{1,2}\s+[\p{L}\p{N}(]"
_BAR = r"\s*\|+\s*|\s*!!\s*"
_TIGHT_SEMICOLON = r"([\p{L}\p{M}\p{N}\"')]);([\p{L}\p{N}\"'(])"

_OTHER = r"[\p{Cyrillic}\p{Greek}]"
# A word of two scripts, or one letter next to a word of another script.
_MIXED_WORD = (
    rf"\p{{Latin}}{_OTHER}|{_OTHER}\p{{Latin}}"
    rf"|{_OTHER}\P{{L}}{{1,3}}\p{{Latin}}(?:\P{{L}}|$)|(?:^|\P{{L}})\p{{Latin}}\P{{L}}{{1,3}}{_OTHER}"
    rf"|\p{{Latin}}\P{{L}}{{1,3}}{_OTHER}(?:\P{{L}}|$)|(?:^|\P{{L}}){_OTHER}\P{{L}}{{1,3}}\p{{Latin}}"
)
_A_WORD = re.compile(r"[^\W\d_]+")
# What Cyrillic alphabets beside the Russian have, and what is typed for letters of African
# alphabets.
_CYRILLIC_TOO = dict(
    zip(
        "iIjJhHs\u0259\u0275\u00ef",
        "\u0456\u0406\u0458\u0408\u04bb\u04ba\u0455\u04d9\u04e9\u0457",
        strict=True,
    )
)
_LATIN_TOO = dict(
    zip("\u03b5\u03b3\u03b7\u03c5\u03a3\u0393", "\u025b\u0263\u014b\u028b\u0190\u0194", strict=True)
)
_ALPHABETS: tuple[tuple[re.Pattern[str], dict[int, str]], ...] = tuple(
    (re.compile(f"[{letters}]+"), str.maketrans({**more, **look_alikes}))
    for letters, look_alikes, more in (
        ("A-Za-z\u00c0-\u024f\u0250-\u02af\u1e00-\u1eff", TO_LATIN, _LATIN_TOO),
        ("\u0400-\u052f", TO_CYRILLIC, _CYRILLIC_TOO),
        ("\u0370-\u03ff\u1f00-\u1fff", TO_GREEK, {}),
    )
)

_KAF, _KEHEH, _FARSI_YEH, _HEH_GOAL, _HEH_DOACHASHMEE, _ZWNJ = (
    "\u0643\u06a9\u06cc\u06c1\u06be\u200c"
)
_ARABIC_KEYS = f"[{_KAF}{YEH}{ALEF_MAKSURA}{HEH}{_KEHEH}{_FARSI_YEH}]"
# TTEH, DDAL, RREH, YEH BARREE and NOON GHUNNA are letters of Urdu, Western Panjabi and their
# neighbours, none of which has Arabic's KAF, YEH and HEH.
_URDU_LETTERS = "[\u0679\u0688\u0691\u06d2\u06ba]"
_TO_URDU = {_KAF: _KEHEH, YEH: _FARSI_YEH, HEH: _HEH_GOAL}
_KURDISH_LETTERS = "[\u06ce\u0695\u06b5]"
_UYGHUR_LETTERS = "[\u06c7\u06c8\u06cb]"
# PEH, TCHEH, JEH and GAF are in Persian and its neighbours. They are also in orthographies that
# have letters of their own beside them (Sindhi, Pashto, Uyghur, Jawi), and in Arabic of Iraq and
# the Maghreb, which has TEH MARBUTA and the article.
_PERSIAN_LETTERS = "[\u067e\u0686\u0698\u06af]"
_NOT_PERSIAN = (
    "[\u067a\u067b\u067d\u067f\u0680\u0683\u0684\u0687\u068a\u068c-\u068f\u0699\u06a6\u06aa\u06b1\u06b3\u06bb\u06fd\u06fe"
    "\u067c\u0681\u0685\u0689\u0693\u0696\u069a\u06ab\u06bc\u06d0\u06cd\u06ad\u06c7\u06c8\u06cb\u06a0\u06bd\u0762\u06a4"
    "\u06cf\u0629]"
)
_ARTICLES = r"(?:^|\s)\x{627}\x{644}\p{L}{2}.*\s\x{627}\x{644}\p{L}{2}"  # two or more
# Words that Persian has in every sentence and Arabic has not, as an Arabic keyboard spells them.
_PERSIAN_WORDS = (
    r"(?:^|[^\p{L}\p{M}])(?:\x{631}\x{627}|\x{627}\x{632}|\x{62F}\x{631}|\x{627}\x{633}\x{62A}"
    r"|[\x{643}\x{6A9}]\x{647}|[\x{643}\x{6A9}]\x{631}\x{62F}|\x{627}[\x{64A}\x{6CC}]\x{646}"
    r"|\x{645}[\x{64A}\x{6CC}]|\x{628}\x{631}\x{627}[\x{64A}\x{6CC}]|\x{634}\x{62F}"
    r"|\x{647}\x{627}[\x{64A}\x{6CC}])(?:$|[^\p{L}\p{M}])"
)
_LEAST_PERSIAN_WORDS = 2
_TO_PERSIAN = {_KAF: _KEHEH, YEH: _FARSI_YEH, ALEF_MAKSURA: _FARSI_YEH}

_LONE_JAMO = r"[\x{3131}-\x{318E}\x{FFA1}-\x{FFDC}]{2,}"

_LAGS = range(1, 9)  # code points
# of all code points those equal to the one a lag before; in running text they are a tenth
_OFTEN_EQUAL = 0.4
_LINES_AT_ONCE = 2000  # of up to 400 code points: what is counted stays in cache
_LEAST = 6  # code points of a line that may hold a repeated syllable
# with the blank after it: repeated syllables and words of four letters
_SYLLABLE = re.compile(r"(.{1,5}?)\1{2,}")
_REPEATED = re.compile(r"(.{1,30}?)\1{2,}")
_NO_LETTERS = re.compile(r"[\W\d_]+")
# kinds of pairs of letters in words; the shortest sentences have ten
_LEAST_LEFT, _LEAST_KINDS = (
    4,
    5,
)


_MARKS = r"[\[*_~`|;]|^\s*[-+#>=!\d\x{2022}]"
_MAY_NEED_REPAIR = "|".join(
    (_REFERENCE, _STYLED, _OVERLAYS, _MARKS, _MIXED_WORD, _ARABIC_KEYS, _LONE_JAMO)
)


def repaired(lines: pl.Series) -> pl.Series:
    """Repair n lines (no nulls)."""
    # One scan for all: most lines need no repair.
    return where(lines.str.contains(_MAY_NEED_REPAIR), lines, _repaired)


def _repaired(lines: pl.Series) -> pl.Series:
    lines = _each(lines, _REFERENCE, _unescaped)
    lines = _each(lines, _STYLED, lambda line: _STYLED_RUN.sub(_plain, line))
    overlaid = lines.str.count_matches(_OVERLAYS) >= (
        _MOSTLY_OVERLAID * lines.str.len_chars()
    ).clip(1)
    lines = where(overlaid, lines, lambda some: some.str.replace_all(_OVERLAYS, ""))
    lines = where(lines.str.contains(_MARKS), lines, _without_marks)
    lines = _each(lines, _MIXED_WORD, _in_one_script)
    lines = where(lines.str.contains(_ARABIC_KEYS), lines, _own_arabic_letters)
    return where(
        lines.str.contains(_LONE_JAMO), lines, lambda some: some.str.replace_all(_LONE_JAMO, " ")
    )


def where(rows: pl.Series, lines: pl.Series, change: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """Change some of n lines, all together; the others stay as they are."""
    return lines.scatter(rows.arg_true(), change(lines.filter(rows))) if rows.any() else lines


def _each(lines: pl.Series, pattern: str, change: Callable[[str], str]) -> pl.Series:
    """Change the lines that have the pattern, one by one: they are few."""

    def changed(some: pl.Series) -> pl.Series:
        return pl.Series([change(line) for line in some.to_list()], dtype=pl.String)

    return where(lines.str.contains(pattern), lines, changed)


def _unescaped(line: str) -> str:
    for _ in range(_ESCAPED_AT_MOST):
        plain = html.unescape(line)
        if plain == line:
            break
        line = plain
    return line.replace("\n", " ")


def _plain(run: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", run[0])


def _without_marks(lines: pl.Series) -> pl.Series:
    lines = lines.str.replace_all(_LINK, " ${1}${2} ").str.replace_all(_NOTE, "")
    lines = lines.str.replace(_ITEM, "").str.replace_all(r"\s\*{1,3}\s", " ")
    for pattern in _EMPHASIS:
        lines = lines.str.replace_all(pattern, "${1}${2}")
    lines = where(lines.str.contains(_BARS), lines, lambda some: some.str.replace_all(_BAR, " "))
    return lines.str.replace_all(_TIGHT_SEMICOLON, "${1}; ${2}")


def _in_one_script(line: str) -> str:
    """Write look-alike letters in the script that has the most letters which look like none of
    another; of equals, in that with the most letters."""

    def count(letters: re.Pattern[str], text: str) -> int:
        return sum(map(len, letters.findall(text)))

    own = [
        (count(letters, line.translate(dict.fromkeys(other, ""))), count(letters, line))
        for (letters, _), other in zip(_ALPHABETS, _FOUND_ELSEWHERE, strict=True)
    ]
    letters, to_script = _ALPHABETS[own.index(max(own))]

    def in_script(word: re.Match[str]) -> str:
        changed = word[0].translate(to_script)
        return changed if letters.fullmatch(changed) else word[0]

    return _A_WORD.sub(in_script, line)


# Letters of each alphabet that look like one of another.
_FOUND_ELSEWHERE: tuple[Mapping[int, str], ...] = (
    str.maketrans({**TO_CYRILLIC, **TO_GREEK, **_CYRILLIC_TOO}),
    str.maketrans({**TO_LATIN, **TO_GREEK}),
    str.maketrans({**TO_LATIN, **TO_CYRILLIC, **_LATIN_TOO}),
)


def _own_arabic_letters(lines: pl.Series) -> pl.Series:
    lines = where(
        lines.str.contains(_URDU_LETTERS), lines, lambda some: some.str.replace_many(_TO_URDU)
    )
    of_uyghur = lines.str.contains(_UYGHUR_LETTERS)
    lines = where(lines.str.contains(_KURDISH_LETTERS) & ~of_uyghur, lines, _kurdish)
    damaged = of_uyghur & lines.str.contains(f"[{HEH}{_KEHEH}{_FARSI_YEH}]")
    lines = where(damaged, lines, _uyghur)
    persian = (
        (
            lines.str.contains(_PERSIAN_LETTERS)
            | (lines.str.count_matches(_PERSIAN_WORDS) >= _LEAST_PERSIAN_WORDS)
        )
        & ~lines.str.contains(f"{_NOT_PERSIAN}|{_URDU_LETTERS}|{_KURDISH_LETTERS}")
        & ~lines.str.contains(_ARTICLES)
    )
    return where(persian, lines, lambda some: some.str.replace_many(_TO_PERSIAN))


def _kurdish(lines: pl.Series) -> pl.Series:
    lines = lines.str.replace_many({**_TO_PERSIAN, HEH + _ZWNJ: AE})
    return _each(lines, f"^[^{AE}]*$", kurdish_ae)


def _uyghur(lines: pl.Series) -> pl.Series:
    lines = lines.str.replace_many({_KEHEH: _KAF, _FARSI_YEH: YEH})
    lines = _each(lines, f"^[^{AE}{ALEF_MAKSURA}]*$", lambda line: uyghur_i(uyghur_ae(line)))
    lines = _each(lines, f"^[^{AE}]*$", uyghur_ae)
    return lines.str.replace_all(HEH, _HEH_DOACHASHMEE, literal=True)


def without_repeats(lines: pl.Series) -> tuple[pl.Series, NDArray[np.bool_]]:
    """Write what is repeated three times or more once, and tell which of n lines hold nothing but
    repeated syllables.

    That is so of a line where little but syllables and short words that are repeated is left
    (`hahaha`, `la la la, na na na`), and of many letters in few kinds of pairs (`ahahhaah`). Only
    lines where letters often equal the one a lag before are looked at one by one.
    """
    rows = np.concatenate(
        [
            start + _repetitive(lines.slice(start, _LINES_AT_ONCE))
            for start in range(0, len(lines), _LINES_AT_ONCE)
        ]
        or [np.zeros(0, np.int64)]
    )
    empty = np.zeros(len(lines), bool)
    for row in rows.tolist():  # few
        words = _NO_LETTERS.sub(" ", f"{lines[row]} ")
        rest = _SYLLABLE.sub(" ", words)
        kinds = len(_pairs(words))
        many = 3 * kinds <= len(words) - words.count(" ")
        empty[row] = (rest != words and len(_pairs(rest)) < _LEAST_LEFT) or (
            kinds < _LEAST_KINDS and many
        )
    once = pl.Series(
        [_REPEATED.sub(r"\1", line) for line in lines.gather(rows).to_list()], dtype=pl.String
    )
    return (lines.scatter(rows, once) if len(rows) else lines), empty


def _pairs(words: str) -> set[str]:
    return {word[at : at + 2] for word in words.split() for at in range(len(word) - 1)}


def _repetitive(lines: pl.Series) -> NDArray[np.int64]:
    """Return the rows of lines whose letters often equal the one a lag before."""
    likely = _by_count(lines, _at_most_equal)
    return likely[_by_count(lines.gather(likely), _equal)]


def _by_count(
    lines: pl.Series, count: Callable[[NDArray[np.uint32], NDArray[np.int64]], NDArray[np.int64]]
) -> NDArray[np.int64]:
    lengths = lines.str.len_chars().to_numpy().astype(np.int64)
    points = np.frombuffer("".join(lines.to_list()).encode("utf-32-le"), np.uint32)
    most = count(points, lengths)
    return np.flatnonzero((lengths >= _LEAST) & (most >= _OFTEN_EQUAL * lengths))


def _at_most_equal(points: NDArray[np.uint32], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bound from above what `_equal` counts, in a third of its time: whole bytes of eight
    comparisons are counted, and those that reach into the next line too."""
    ends = np.cumsum(lengths)
    first, last = (ends - lengths) // 8, -(-ends // 8)
    most = np.zeros(len(lengths), np.int64)
    for lag in _LAGS:
        counts = np.bitwise_count(np.packbits(points[lag:] == points[:-lag]))
        before = np.append(0, np.cumsum(counts, dtype=np.int64))
        end = len(counts)
        most = np.maximum(most, before[np.minimum(last, end)] - before[np.minimum(first, end)])
    return most


def _equal(points: NDArray[np.uint32], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count for each line the code points that equal the one a lag before, by the lag that has the
    most."""
    rows = np.repeat(np.arange(len(lengths)), lengths)
    most = np.zeros(len(lengths), np.int64)
    for lag in _LAGS:
        equal = np.flatnonzero(points[lag:] == points[:-lag])
        equal = equal[rows[equal] == rows[equal + lag]]
        most = np.maximum(most, np.bincount(rows[equal], minlength=len(lengths)))
    return most
