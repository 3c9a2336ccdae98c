"""The engines: each turns distinct tokens into their transliterations, with one call of its library
where it has one.

A token is a run of letters of the source script, never a space but inside Tibetan, so many are
joined by line feeds, which every engine leaves alone. Libraries are imported when a scheme first
needs them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from stages.transliteration.alphabets import ALPHABETS
from stages.transliteration.arabic_script import ARABIC_SCRIPT
from stages.transliteration.indic import compile_indic
from stages.transliteration.korean import compile_korean
from stages.transliteration.letter_rules import CompiledRules, compile_letters
from stages.transliteration.schemes import Scheme, missing_engine

Convert = Callable[[list[str]], list[str]]


@cache
def rules_of(scheme: Scheme) -> CompiledRules:
    """Return the rules of a scheme of the engines `rules`, `indic` and `korean`."""
    if scheme.engine == "korean":
        return compile_korean()
    if scheme.engine == "rules":
        return compile_letters({**ALPHABETS, **ARABIC_SCRIPT}[scheme.detail, scheme.source])
    script = scheme.target if scheme.source == "Latn" else scheme.source
    to_latin, iast = scheme.target == "Latn", scheme.detail == "iast"
    return compile_indic(script, scheme.languages[0], to_latin=to_latin, iast=iast)


@cache
def engine_for(scheme: Scheme) -> Convert:
    """Load the engine of a scheme, once a process: n tokens in, n transliterations out.

    Raises ImportError, in one line with the command that installs it, if its library is missing.
    """
    return _ENGINES[scheme.engine](scheme)


def _joined(convert: Callable[[str], str]) -> Convert:
    """Make one call over many tokens of an engine that takes one text."""

    def converted(tokens: list[str]) -> list[str]:
        parts = convert("\n".join(tokens)).split("\n") if tokens else []
        if len(parts) != len(tokens):
            raise ValueError(
                f"the engine returned {len(parts)} tokens of {len(tokens)}: it does not keep line feeds"
            )
        return parts

    return converted


def _icu() -> Any:
    try:
        import icu  # type: ignore[import-untyped, unused-ignore]
    except ImportError as missing:
        raise missing_engine("icu") from missing
    return icu


def _load_rules(scheme: Scheme) -> Convert:
    icu = _icu()
    name = f"{scheme.name}-{scheme.detail}-{scheme.source}"
    made = icu.Transliterator.createFromRules(
        name, rules_of(scheme).icu, icu.UTransDirection.FORWARD
    )
    return _joined(made.transliterate)


def _load_icu(scheme: Scheme) -> Convert:
    icu = _icu()
    source, target = scheme.detail.split("/")[0].split("-")
    variant = scheme.detail[len(source) + len(target) + 1 :]
    forward = scheme.target == "Latn"
    made = icu.Transliterator.createInstance(
        scheme.detail if forward else f"{target}-{source}{variant}"
    )
    if scheme.source != "Ethi":
        return _joined(made.transliterate)
    # Amharic is often typed with two word spaces for a full stop.
    return _joined(lambda text: made.transliterate(text.replace("\u1361\u1361", "\u1362")))


def _load_uroman(scheme: Scheme) -> Convert:
    try:
        from uroman import Uroman  # type: ignore[import-untyped, unused-ignore]
    except ImportError as missing:
        raise missing_engine("uroman") from missing
    romanizer = _uroman(Uroman)
    # A call a token: uroman searches a lattice over the whole of what it is given, in more than
    # linear time.
    language = scheme.detail or None

    def romanized(token: str) -> str:
        try:
            return str(romanizer.romanize_string(token, lcode=language))
        except AttributeError:
            # uroman 1.3.1 trips over some numbers written out in Han letters, percentages of
            # fractions among them; letter by letter it reads no numbers.
            return "".join(romanizer.romanize_string(letter, lcode=language) for letter in token)

    return lambda tokens: list(map(romanized, tokens))


@cache
def _uroman(load: Callable[[], Any]) -> Any:
    return load()


def _load_pyewts(scheme: Scheme) -> Convert:
    try:
        from pyewts import pyewts  # type: ignore[import-untyped, unused-ignore]
    except ImportError as missing:
        raise missing_engine("pyewts") from missing
    converter = pyewts()
    convert, foreign = (
        # a sign that Wylie has no letters for becomes an escape
        (
            converter.toWylie,
            re.compile(r"\\"),
        )
        if scheme.target == "Latn"
        else (converter.toUnicode, re.compile("[A-Za-z]"))  # what is not Wylie stays in part Latin
    )
    # A call a token, here a syllable: given lines, pyewts takes some of their ends for white space
    # of its own.
    return lambda tokens: [
        token if foreign.search(made := convert(token)) else made for token in tokens
    ]


def _load_opencc(scheme: Scheme) -> Convert:
    try:
        from opencc import OpenCC
    except ImportError as missing:
        raise missing_engine("opencc") from missing
    return _joined(OpenCC(scheme.detail).convert)


_ENGINES: dict[str, Callable[[Scheme], Convert]] = {
    "rules": _load_rules,
    "indic": _load_rules,
    "korean": _load_rules,
    "icu": _load_icu,
    "uroman": _load_uroman,
    "pyewts": _load_pyewts,
    "opencc": _load_opencc,
}
