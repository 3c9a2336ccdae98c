"""Letter tables, written short and turned into rules for ICU's transliterator: the schemes that no
library has right.

A table is written in small letters; capitals are derived, and a capital that becomes two letters is
written as its neighbours are (`Nj` in a capitalized word, `NJ` among capitals). A rule of a context
comes before the plain letters, in the order given; a longer source comes before a shorter one. ICU
applies the first rule that matches and sees what is left of it already transliterated, so a set
that stands before a letter holds letters of both scripts.

Sources of the tables stand with their schemes, in `schemes.py`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import NamedTuple

_CONTEXT = re.compile(
    r"(?:(?P<before>\S+) \{ )?(?P<source>\S+)(?: \} (?P<after>\S+))? > (?P<target>\S*)"
)
_EDGE = r"[^[:L:][:M:]]"


class LetterRules(NamedTuple):
    """One direction of an alphabet: `letters` is "from to from to", where a to of `-` is nothing.

    `contexts` are "before { source } after > target", of which before and after may be absent;
    those are letters as they are, or sets (`$start` and `$end` of a word, or one of `sets` by its
    name, of small letters), joined by `+`. `first` is ICU syntax for a pass of its own before the
    letters, and `more` what tokens may hold besides the letters. `foreign` is a pattern (Rust's
    syntax) of words that have these letters, but are of no language of the alphabet. `turkic` pairs
    i with a dotted capital. `caseless` has no capitals to write.
    """

    letters: str
    contexts: str = ""
    sets: Mapping[str, str] = {}
    first: str = ""
    more: str = ""
    foreign: str = ""
    turkic: bool = False
    caseless: bool = False


class CompiledRules(NamedTuple):
    """Rules in ICU's syntax, and what they convert: the units (letters or several) and the signs
    that stand alone."""

    icu: str
    units: frozenset[str]
    alone: str = ""
    foreign: str = ""


def compile_letters(rules: LetterRules) -> CompiledRules:
    """Write a table as ICU rules. Raises ValueError for a rule that is not written as one."""
    words = unicodedata.normalize("NFC", rules.letters).split()
    found: list[tuple[str, str, str, str]] = []
    for line in unicodedata.normalize("NFC", rules.contexts).strip().splitlines():
        match = _CONTEXT.fullmatch(line.strip())
        if match is None:
            raise ValueError(
                f"a rule must look like 'before {{ source }} after > target', got {line!r}"
            )
        found += _cased(
            _context(match["before"]),
            match["source"],
            _context(match["after"]),
            match["target"],
            rules,
        )
    plain = zip(words[::2], words[1::2], strict=True)
    letters = [rule for source, target in plain for rule in _cased("", source, "", target, rules)]
    found += sorted(letters, key=lambda rule: -len(rule[1]))
    first_of_each = {rule[:3]: rule for rule in reversed(found)}
    lines = [_rule(*rule) for rule in found if first_of_each[rule[:3]] is rule]
    sources = {source for _, source, _, _ in found}
    alone = {
        source
        for source in sources
        if unicodedata.category(source[0]) == "Po" and source not in rules.more
    }
    sets = "".join(
        f"${name} = {_set_of(letters, rules)};\n" for name, letters in rules.sets.items()
    )
    first = f"{rules.first}\n:: Null ;\n" if rules.first else ""
    icu = (
        f":: NFC ;\n$start = {_EDGE};\n$end = $start;\n{sets}{first}"
        + "\n".join(lines)
        + "\n:: NFC ;\n"
    )
    units = frozenset((sources - alone) | set(rules.more))
    return CompiledRules(icu, units, "".join(sorted(alone)), rules.foreign)


def swapped(letters: str) -> str:
    """Turn "from to from to" round."""
    words = letters.split()
    return " ".join(word for pair in zip(words[1::2], words[::2], strict=True) for word in pair)


def _capital(text: str, rules: LetterRules) -> str:
    return (text.replace("i", "\u0130") if rules.turkic else text).upper()


def _title(text: str, rules: LetterRules) -> str:
    """Write the first letter that has a capital as one."""
    for position, letter in enumerate(text):
        capital = _capital(letter, rules)
        if capital != letter:
            return text[:position] + capital + text[position + 1 :]
    return text


def _cased(
    before: str, source: str, after: str, target: str, rules: LetterRules
) -> Iterator[tuple[str, str, str, str]]:
    """Yield a rule and those for its capitals: (before, source, after, target)."""
    target = "" if target == "-" else target
    capital, title = _capital(source, rules), _title(source, rules)
    if capital == source:
        # a sign for a letter, among capitals
        if not rules.caseless and _capital(target, rules) != target:
            yield (
                (f"[{before} & [:Lu:]]" if before else "[:Lu:]"),
                source,
                "[:Lu:]",
                _capital(target, rules),
            )
            yield "[:Lu:][:Lu:]", source, after, _capital(target, rules)
        yield before, source, after, target
        return
    yield before, source, after, target
    target_title, target_capital = _title(target, rules), _capital(target, rules)
    if rules.caseless:
        target_title = target_capital = target
    if title != capital:
        yield before, title, after, target_title
        yield before, capital, after, target_capital
    elif target_title == target_capital:
        yield before, capital, after, target_title
    else:
        if not after:
            yield before, capital, "[:Ll:]", target_title
            if before != "$start":
                yield f"[{before} & [:Lu:]]" if before else "[:Lu:]", capital, "", target_capital
        yield before, capital, f"[{after} & [:Lu:]]" if after else "[:Lu:]", target_capital
        yield before, capital, after, target_title


def _rule(before: str, source: str, after: str, target: str) -> str:
    return f"{before + ' { ' if before else ''}{_quoted(source)}{' } ' + after if after else ''} > {_quoted(target)};"


def _context(written: str | None) -> str:
    return " ".join(
        part if part.startswith("$") else _quoted(part)
        for part in (written or "").split("+")
        if part
    )


def _set_of(letters: str, rules: LetterRules) -> str:
    capitals = [capital for letter in letters if len(capital := _capital(letter, rules)) == 1]
    return f"[{_quoted(''.join(dict.fromkeys([*letters, *capitals])))}]"


def _quoted(text: str) -> str:
    """Write text so that nothing in it is syntax of ICU's rules."""
    return "".join(c if c.isalpha() and ord(c) < 0x10000 else f"\\U{ord(c):08X}" for c in text)
