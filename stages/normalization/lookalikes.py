"""Put letters of another script that look the same back into the script of their word.

A Cyrillic `\u0430` in a Latin word (a keyboard left switched, optical recognition, a word list
poisoned on purpose) looks right and is another string. A word is repaired only if there is one
script that all of it can be written in:

- some of its letters exist in one script alone, and every other letter has a look-alike there;
- that script has at least half of the letters, or is that of the document;
- where it is not that of the document, the other letters are not the end of the word:
  `Google\u0443` in Russian is a Latin name with a Cyrillic ending, and means what it says;
- a word of at least two letters that could all be of either script takes that of the document, but
  for capitals of the other script before small letters: `BBC\u043d\u044b\u04a3` is an acronym with
  a Tatar ending; so is a name with a capital inside (`eBay`), and one (`Coca`) of four letters or
  more before an ending of two or more in languages that glue endings to names. Two capitals or more
  after a small letter of the other script stay as well: `\u041c\u0435\u0442\u043e\u0434HTTP`.

A word that is Latin as a whole is Cyrillic only if it is a function word of the language between
Cyrillic words, and its sentence has no other single Latin letter, no sign of a formula and no word
that speaks of quantities or letters (`equals`, `variable`), which would make it a variable. A
variable in a sentence without any of these (`the particle c flies on`) looks like the Russian
`with` and is taken for it. Words of two letters and more may also stand before a comma or at the
end of a sentence.

The label of a document says its script only if most of the text is in it: a text that was misread,
and has been repaired since, is still labelled by what it was misread as. A text without a label is
in the script of three quarters of its letters, and the function words of all languages are its own.
What stands next to a lost character (U+FFFD) stays.

Everything else is mixed on purpose, or cannot be decided, and stays. Words are runs of letters and
marks.

Source: UTS #39, confusables.txt, of which only pairs are taken that a reader cannot tell apart; the
alphabets of languages that have further letters of that kind are in CLDR's exemplar sets.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from stages.look_alikes import TO_ARMENIAN, TO_CYRILLIC, TO_GREEK, TO_LATIN
from stages.normalization.options import NormalizationOptions
from stages.normalization.rules import (
    BOUNDARY,
    CodePoints,
    Rule,
    edit_code_points,
    everywhere,
    letter_map,
    replace_sequences,
    written_in,
)
from stages.script_detection import script_table

_LAST_LETTER = 0x2C6A
_MIN_LETTERS = 8  # ours: of a text with fewer letters of each script the label is believed
SCRIPTS = ("Latn", "Cyrl", "Grek", "Armn")
_NO_WORD, _MARK, _FIRST_SCRIPT = 0, 1, 2  # values of the word table; then SCRIPTS in their order

_TARGETS = (TO_LATIN, TO_CYRILLIC, TO_GREEK, TO_ARMENIAN)

# Letters that some Cyrillic alphabets have and others lack.
_I = {"i": "\u0456", "I": "\u0406"}
_JE = {"j": "\u0458", "J": "\u0408"}
_SHHA = {"h": "\u04bb"}
_SCHWA = {"\u0259": "\u04d9", "\u018f": "\u04d8"}
_BARRED_O = {"\u0275": "\u04e9", "\u019f": "\u04e8"}
_STRAIGHT_U = {"Y": "\u04ae"}
_O_DIAERESIS = {"\u00f6": "\u04e7", "\u00d6": "\u04e6"}
_U_DIAERESIS = {"\u00fc": "\u04f1", "\u00dc": "\u04f0"}
_TURKIC = _SHHA | _SCHWA | _BARRED_O | _STRAIGHT_U
CYRILLIC_OF_LANGUAGE: Mapping[str, Mapping[str, str]] = {
    "und": _I | _JE,  # within a Cyrillic word they can be nothing else
    "ukr": _I | {"\u00ef": "\u0457", "\u00cf": "\u0407"},
    "rue": _I | {"\u00ef": "\u0457", "\u00cf": "\u0407"},
    "bel": _I,
    "kom": _I | _O_DIAERESIS,
    "koi": _I | _O_DIAERESIS,
    "kaz": _I | _TURKIC,
    "tat": _TURKIC,
    "bak": _TURKIC,
    "uig": _TURKIC,
    "aze": _JE | _TURKIC,
    "sah": _SHHA | _BARRED_O | _STRAIGHT_U,
    "kir": _BARRED_O | _STRAIGHT_U,
    "tuk": _SCHWA | _BARRED_O | _STRAIGHT_U,
    "mon": _BARRED_O | _STRAIGHT_U,
    "tyv": _BARRED_O | _STRAIGHT_U,
    "bua": _SHHA | _BARRED_O | _STRAIGHT_U,
    "xal": _SHHA | _SCHWA | _BARRED_O | _STRAIGHT_U,
    "kur": _SHHA
    | _SCHWA
    | {"q": "\u051b", "Q": "\u051a", "w": "\u051d", "W": "\u051c"}
    | _O_DIAERESIS,
    "srp": _JE,
    "hbs": _JE,
    "bos": _JE,
    "mkd": _JE | {"s": "\u0455", "S": "\u0405"},
    "alt": _JE | _O_DIAERESIS | _U_DIAERESIS,
    "kjh": _I | _O_DIAERESIS | _U_DIAERESIS,
    "chm": _O_DIAERESIS | _U_DIAERESIS,
    "mrj": _O_DIAERESIS | _U_DIAERESIS | {"\u00e4": "\u04d3", "\u00c4": "\u04d2"},
    "udm": _O_DIAERESIS,
    "oss": {"\u00e6": "\u04d5", "\u00c6": "\u04d4"},
    "chv": letter_map(
        "\u0103\u0115\u00e7\u00ff\u0102\u0114\u00c7\u0178",
        "\u04d1\u04d7\u04ab\u04f3\u04d0\u04d6\u04aa\u04f2",
    ),
}
# Languages that put their endings on a foreign name without a hyphen.
_GLUE_ENDINGS = frozenset(
    ("kaz", "tat", "bak", "uig", "kir", "sah", "tuk", "mon", "tyv", "bua", "xal")
)
# Function words that consist of look-alikes, as they look in Latin letters.
_SERBIAN_WORDS = ("a", "c", "o", "y", "je", "ja", "ce", "ca", "cy", "jep", "joj")
FUNCTION_WORDS: Mapping[str, tuple[str, ...]] = {
    "srp": _SERBIAN_WORDS,
    "hbs": _SERBIAN_WORDS,
    "bos": _SERBIAN_WORDS,
    "mkd": ("a", "e", "ce", "co", "ja", "oj"),
    "bul": ("a", "c", "e", "y", "ce", "ca", "co"),
    "rus": ("a", "c", "o", "y", "co", "ee"),
    "ukr": ("a", "i", "o", "y"),
    "rue": ("a", "i", "o", "y"),
    "bel": ("a", "i", "y", "ca"),
    "kaz": ("\u0259p",),
    "kir": ("ap",),
    "tat": ("\u0259", "h\u0259p"),
    "bak": ("\u0259", "h\u0259p"),
}
# Greek letters typed for those of African alphabets, and for the German \u00df.
_OPEN_E = {"\u03b5": "\u025b"}
_ENG = {"\u03b7": "\u014b"}
_GAMMA = {"\u03b3": "\u0263"}
LATIN_OF_LANGUAGE: Mapping[str, Mapping[str, str]] = {
    "kab": _OPEN_E | _GAMMA | {"\u03a3": "\u0190", "\u0393": "\u0194"},
    "ewe": _OPEN_E | _GAMMA | _ENG | {"\u03c5": "\u028b"},
    "ful": _ENG,
    "wol": _ENG,
    "lug": _ENG,
    "aka": _OPEN_E,
    "gaa": _OPEN_E | _ENG,
    "dag": _OPEN_E | _GAMMA | _ENG,
    "bam": _OPEN_E | _ENG,
    "dyu": _OPEN_E | _ENG,
    "fon": _OPEN_E,
    "lin": _OPEN_E,
    "deu": {"\u03b2": "\u00df"},
}

_LETTERS = (r"\p{Latin}", r"\p{Cyrillic}", r"\p{Greek}", r"\p{Armenian}")
_CANDIDATES = "|".join(
    rf"{own}[\p{{M}}\p{{Lm}}]*[{''.join(other for other in _LETTERS if other != own)}]"
    for own in _LETTERS
)

_MIXED_WORD = rf"[\p{{L}}\p{{M}}\x{{fffd}}]*(?:{_CANDIDATES})[\p{{L}}\p{{M}}\x{{fffd}}]*"


@cache
def _word_table() -> npt.NDArray[np.uint8]:
    """Make the table of what each code point is in a word: a letter of one of SCRIPTS, a mark of
    any, or no part."""
    codes, scripts = script_table()
    table = np.zeros(BOUNDARY + 1, np.uint8)
    for position, script in enumerate(SCRIPTS):
        points = np.flatnonzero(scripts == codes.index(script))
        table[[p for p in points.tolist() if unicodedata.category(chr(p))[0] == "L"]] = (
            _FIRST_SCRIPT + position
        )
    neutral = np.flatnonzero(scripts < 2)
    table[
        [
            p
            for p in neutral.tolist()
            if p < 0xD800 and unicodedata.category(chr(p)) in ("Mn", "Me", "Lm")
        ]
    ] = _MARK
    return table


@cache
def _replacements(language: str | None) -> npt.NDArray[np.uint32]:
    """Make the table [script, code point] of look-alikes in each of SCRIPTS; 0 where there is
    none."""
    # the last one stands for all above
    table = np.zeros((len(SCRIPTS), _LAST_LETTER + 2), np.uint32)
    own_letters: tuple[Mapping[str, Mapping[str, str]], ...] = (
        LATIN_OF_LANGUAGE,
        CYRILLIC_OF_LANGUAGE,
        {},
        {},
    )
    for row, (letters, extra) in enumerate(zip(_TARGETS, own_letters, strict=True)):
        for letter, own in {**letters, **extra.get(language or "und", {})}.items():
            table[row, ord(letter)] = ord(own)
    return table


def _repair(
    texts: pl.Series, language: str | None, script: str | None, options: NormalizationOptions
) -> pl.Series:
    if script is not None and script not in SCRIPTS:
        return _repair_in(texts, language, -1)
    # letters of each script in each text
    counts = np.stack([texts.str.count_matches(pattern).to_numpy() for pattern in _LETTERS], axis=1)
    most, mostly = counts.max(axis=1), counts.argmax(axis=1)
    if script is None:
        home = np.where((most >= _MIN_LETTERS) & (4 * most >= 3 * counts.sum(axis=1)), mostly, -1)
    else:
        own = SCRIPTS.index(script)
        home = np.where((counts[:, own] == most) | (most < _MIN_LETTERS), own, -1)
    repaired = texts
    for each in np.unique(home).tolist():
        done = _repair_in(texts, language if each >= 0 else None, each)
        repaired = pl.select(
            pl.when(pl.Series(home == each)).then(done).otherwise(repaired)
        ).to_series()
    return repaired


def _repair_in(texts: pl.Series, language: str | None, home: int) -> pl.Series:
    """Repair the words of n texts in a language whose script is SCRIPTS[home]; -1 if it is not
    known."""
    words = texts.str.extract_all(_MIXED_WORD).explode().drop_nulls().unique(maintain_order=True)
    if not len(words):
        return texts
    words = words.filter(~words.str.contains("\ufffd", literal=True))
    if not len(words):
        return texts
    repaired = edit_code_points(
        words, lambda points: _repair_words(points, _replacements(language), home, language)
    )
    # Words that stay are replaced by themselves: what is longest at a place is then always a whole
    # word.
    return replace_sequences(texts, dict(zip(words.to_list(), repaired.to_list(), strict=True)))


def _looks_at(language: str | None, script: str | None) -> tuple[str | None, str | None]:
    own = language in LATIN_OF_LANGUAGE or language in CYRILLIC_OF_LANGUAGE
    return language if own else None, script if script is None or script in SCRIPTS else "other"


def _repair_words(
    points: CodePoints, look_alike: npt.NDArray[np.uint32], home: int, language: str | None
) -> tuple[CodePoints, npt.NDArray[np.bool_]]:
    kinds = _word_table()[points]
    at = np.flatnonzero(kinds >= _FIRST_SCRIPT)
    script = kinds[at] - np.uint8(_FIRST_SCRIPT)
    word = np.cumsum(kinds == _NO_WORD)[at]  # letters with no gap between them have one number
    differ = (script[1:] != script[:-1]) & (word[1:] == word[:-1])
    mixed = np.zeros(int(word[-1]) + 1 if len(word) else 0, bool)
    mixed[word[1:][differ]] = True
    of_mixed = mixed[word]
    at, script = at[of_mixed], script[of_mixed].astype(np.int64)
    if not len(at):
        return points, np.ones(len(points), bool)
    found, word = np.unique(word[of_mixed], return_inverse=True)
    words = len(found)
    letters = points[at]
    # could[i, s]: letter i can be written in script s, as it is or by its look-alike
    could = look_alike[:, np.minimum(letters, look_alike.shape[1] - 1)].T > 0
    could[np.arange(len(at)), script] = True
    counts = np.stack(
        [np.bincount(word[script == s], minlength=words) for s in range(len(SCRIPTS))], axis=1
    )
    lacking = np.stack(
        [np.bincount(word[~could[:, s]], minlength=words) for s in range(len(SCRIPTS))], axis=1
    )
    possible = (lacking == 0) & (counts > 0)
    size = counts.sum(axis=1)
    target = np.where(possible.sum(axis=1) == 1, possible.argmax(axis=1), -1)
    if home >= 0:  # nothing in the word tells, but the document does
        target = np.where((possible.sum(axis=1) > 1) & possible[:, home], home, target)
    own = np.where(target >= 0, counts[np.arange(words), target], 0)
    spans = _Words.of(word)
    ends_foreign = script[spans.last] != target
    target[~((target == home) | ((2 * own >= size) & ~ends_foreign))] = -1
    target[_acronyms(letters, script, spans, language in _GLUE_ENDINGS)] = -1
    goal = target[word]
    changed = (goal >= 0) & (goal != script)
    points[at[changed]] = look_alike[goal[changed], letters[changed]]
    return points, np.ones(len(points), bool)


class _Words(NamedTuple):
    """n words of m letters in a row: the word of each letter, the first and last letter of each
    word."""

    word: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]

    @classmethod
    def of(cls, word: npt.NDArray[np.int64]) -> _Words:
        """Find where words begin and end; `word` is sorted and not empty."""
        last = np.append(np.flatnonzero(np.diff(word)), len(word) - 1)
        return cls(word, np.append(0, last[:-1] + 1), last)


def _acronyms(
    letters: CodePoints, script: npt.NDArray[np.int64], spans: _Words, names: bool
) -> npt.NDArray[np.bool_]:
    """Say which words are two or more capitals of one script, then small letters of one other; or
    names so.

    A name has a capital inside; where `names` are glued to endings, any word in title case is one.
    """
    word, first, last = spans
    lead = script == script[first][word]
    changes = np.append(False, lead[1:] != lead[:-1])
    changes[first] = False
    words = len(first)
    capital = _capitals()[np.minimum(letters, _LAST_LETTER + 1)]
    misplaced = np.bincount(word[capital != lead], minlength=words)
    leading = np.bincount(word[lead], minlength=words)
    in_two_parts = (np.bincount(word[changes], minlength=words) == 1) & ~lead[last]
    found = in_two_parts & (misplaced == 0) & (leading > 1)
    inside = np.append(False, capital[1:] & ~capital[:-1]) & lead
    inside[first] = False
    tail = np.bincount(word[~lead], minlength=words)
    small_before_capitals = (
        np.bincount(word[changes & np.append(False, ~capital[:-1])], minlength=words) > 0
    )
    found |= (
        in_two_parts
        & small_before_capitals
        & (np.bincount(word[capital & ~lead], minlength=words) == tail)
        & (tail > 1)
    )
    found |= in_two_parts & (np.bincount(word[inside], minlength=words) > 0) & (leading > 2)
    if names:
        title_case = capital[first] & (np.bincount(word[capital], minlength=words) == 1)
        found |= (
            in_two_parts
            & title_case
            & (script[first] == 0)
            & (leading > 3)
            & (last - first - leading > 0)
        )
    return found


@cache
def _capitals() -> npt.NDArray[np.bool_]:
    table = np.zeros(_LAST_LETTER + 2, bool)
    table[[p for p in range(_LAST_LETTER + 1) if unicodedata.category(chr(p)) == "Lu"]] = True
    return table


_SENTENCE = r"[^.!?\x{2026}\n]+"
_OPENING = r"[\s\x{ab}\x{201e}\x{201c}\"(\x{2013}\x{2014}-]*"
_FUNCTION_WORD = "|".join(sorted({word for words in FUNCTION_WORDS.values() for word in words}))
_LONGER_WORD = "|".join(
    sorted({word for words in FUNCTION_WORDS.values() for word in words if len(word) > 1})
)
_MAX_RUN = 3  # function words in a row
_BEFORE_PAUSE = r"(?:[,;:] |[.!?\x{2026}\n]|$)"
_WORD_CANDIDATES = (
    rf"(?:(?i)\b(?:(?:{_FUNCTION_WORD}) )+{_OPENING}\p{{Cyrillic}}"
    rf"|\p{{Cyrillic}}[,;:]? (?:{_LONGER_WORD}){_BEFORE_PAUSE})"
)
# Stems of words by which a sentence speaks of quantities and letters: equal, variable, denote,
# function, constant, vector, formula, equation, symbol, letter, in the languages of FUNCTION_WORDS.
_OF_QUANTITIES = (
    r"(?i)\b(?:равн|равен|равня|дорівн|рівн|роўн|једнак|еднакв|перемен|змінн|зменн|промен|обознач|познач|абазнач|означ"
    r"|функц|параметр|параметар|параметър|коэфф|коефі|каэфі|коефиц|констант|канстант|вектор|вектар|формул|уравнен"
    r"|раўнан|једначин|равенк|уравнени|символ|симбол|сімвал|букв|літер|літар)"
)
# A single Latin letter that no apostrophe or hyphen binds, or a sign of a formula.
_VARIABLE = r"(?:^|[^\p{L}\p{M}'\x{2019}-])[A-Za-z](?:[^\p{L}\p{M}'\x{2019}-]|$)|[=+<>*/^\\]"


@cache
def _cyrillic_words(language: str | None) -> dict[str, str]:
    """Return the function words of a language, in Latin look-alikes and in their own letters; None
    means all."""
    languages = FUNCTION_WORDS if language is None else (language,)
    own = {each: _replacements(each)[1] for each in languages}
    return {
        word: "".join(chr(int(own[each][ord(c)])) for c in word)
        for each in languages
        for word in FUNCTION_WORDS[each]
    }


def _repair_function_words(
    texts: pl.Series, language: str | None, script: str | None, options: NormalizationOptions
) -> pl.Series:
    found = texts.str.extract_all(_SENTENCE).explode().drop_nulls().unique(maintain_order=True)
    found = found.filter(found.str.contains(_WORD_CANDIDATES))
    repaired = found = found.filter(~found.str.contains(_OF_QUANTITIES))
    to_cyrillic = _cyrillic_words(language if language in FUNCTION_WORDS else None)
    any_word = "|".join(sorted(to_cyrillic))
    for _ in range(_MAX_RUN):
        for word, own in to_cyrillic.items():
            between = (
                rf"(\p{{Cyrillic}}[,;:]? ){word}( (?:(?:{any_word}) )*{_OPENING}\p{{Cyrillic}})"
            )
            for _ in range(2):  # a neighbour of one letter is part of two matches
                repaired = repaired.str.replace_all(between, f"${{1}}{own}${{2}}")
            if len(word) > 1:
                before_pause = (
                    rf"(\p{{Cyrillic}}[,;:]? ){word}([,;:] {_OPENING}\p{{Cyrillic}}|\s*$)"
                )
                repaired = repaired.str.replace_all(before_pause, f"${{1}}{own}${{2}}")
        for word, own in to_cyrillic.items():
            first = rf"^({_OPENING}){word.capitalize()}( \p{{Cyrillic}}+,? \p{{Cyrillic}})"
            repaired = repaired.str.replace_all(first, f"${{1}}{own.capitalize()}${{2}}")
    frame = pl.DataFrame({"found": found, "repaired": repaired})
    frame = frame.filter(
        (pl.col("found") != pl.col("repaired")) & ~pl.col("repaired").str.contains(_VARIABLE)
    )
    return replace_sequences(texts, dict(frame.iter_rows())) if len(frame) else texts


RULES = (
    Rule(
        "look_alike_letters",
        "A letter of another script inside a word becomes its look-alike in the script of the word.",
        "UTS #39, confusables.txt",
        everywhere,
        _CANDIDATES,
        _repair,
        looks_at=_looks_at,
    ),
    Rule(
        "look_alike_words",
        "A function word in Latin look-alikes, between Cyrillic words of its sentence, becomes Cyrillic.",
        "UTS #39, confusables.txt; function words of each language: ours",
        written_in("und_Cyrl", "und_Zzzz", *(f"{language}_Cyrl" for language in FUNCTION_WORDS)),
        _WORD_CANDIDATES,
        _repair_function_words,
    ),
)
