"""Mask what an engine must not touch by placeholders, and put it back into the answers.

    sentence     "See https://a.eu/b for `ls -l`."
    masked       "See <0> for <1>."               in the engine's own form of a placeholder
    kept         ["https://a.eu/b", "`ls -l`"]

Equal sentences that differ in what is masked are one to the engine. A term of a glossary is masked
too, and its translation is put back. A plain number stays: engines need it for agreement, and a
gate looks whether it came back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from stages.engines.engine import placeholder_pattern

_URL = (
    r"(?:https?|ftp|mailto|git|ssh)://?"
    r"(?:[^\s()<>\x22\x{3002}\x{ff0c}\x{300d}]|\([^\s()<>\x22]*\))*"
    r"(?:[\p{L}\p{N}/_=&#~-]|\([^\s()<>\x22]*\))"
    r"|www\.[^\s<>\x22]*[\p{L}\p{N}/]"
    r"|[\p{L}\p{N}._+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+"
    r"|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+/[^\s<>\x22]*[\p{L}\p{N}/]"
    r"|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.(?:com|org|net|edu|gov|int|info|eus|cat|io)\b"
)
_CODE = (
    r"`[^`]+`"
    r"|(?:~|\.{1,2})?/(?:[\w.-]+/)+[\w.-]*"
    r"|[A-Za-z]:\\[^\s<>\x22|?*]*[\p{L}\p{N}_\\]|\\\\[\w.-]+(?:\\[\w.-]+)+"
    # Variables and formats of shells, printf, Python, Ruby, templates, and ICU's messages.
    r"|\$\{[^{}\n]{1,80}\}|\$\([A-Za-z][^()\n]{0,80}\)|\$[A-Za-z_]\w*|%[A-Z_]{2,}%"
    r"|\{\{[^{}\n]{0,80}\}\}|%?\{[\w.\[\]]*(?:![rsa])?(?::[^{}\s]*)?\}|%<\w+>[a-z]?"
    r"|\{[\w.]+,\s*(?:plural|select|selectordinal|number|date|time)\b"
    r"(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}"
    r"|%(?:\([^()\s]*\)|[0-9]+\$)?[-+0-9.#]*(?:hh?|ll?|[zjtq])?(?:[sdifxucpgGX]\b|@)"
    r"|&[A-Za-z]+;|&#(?:[0-9]+|x[0-9A-Fa-f]+);"
    r"|\B--?[A-Za-z][\w-]*=?"
    r"|\b[\w.]+\(\)|\b[A-Za-z0-9]+(?:_[A-Za-z0-9]+)+\b|\b[A-Za-z]+(?:::[A-Za-z]+)+\b"
    r"|\b[\w-]+\.(?:txt|html?|pdf|png|jpe?g|gif|svg|xml|json|csv|py|js|css|toml|yaml|zip|gz|deb|conf|log|sh|md)\b"
)
_MARKUP = (
    r"</?[A-Za-z][^<>]*>|<!--[^>]*-->|\[\[|\]\]|\{\||\|\}|\*+|~~+|\\[A-Za-z]+|#+|_{2,}|={2,}|\|"
)
_MATH = (
    r"<<[^<>]*>>|\$\$[^$]+\$\$|\$[^$\n]*[\\^_=+*/][^$\n]*\$|\\\(.+?\\\)|\\\[.+?\\\]|\\[A-Za-z]+(?:\{[^{}]*\})+"
    r"|[$\x{20ac}\x{a3}]?\p{Nd}[\p{Nd}.,]*%?(?:\s*[-+*/=\x{d7}\x{f7}^]\s*\(?[$\x{20ac}\x{a3}]?\p{Nd}[\p{Nd}.,]*[%)]*)+"
)
_NUMBERS = r"\p{Nd}+(?:[.,:/\x{66b}\x{66c}\x{2019}\x{202f}\x{a0}-]\p{Nd}+)+"
_NAMES = r"\p{Lu}[\p{L}\p{M}'\x{2019}-]+(?: \p{Lu}[\p{L}\p{M}'\x{2019}-]+)+"
PATTERNS: Mapping[str, str] = {
    "urls": _URL,
    "math": _MATH,
    "code": _CODE,
    "markup": _MARKUP,
    "numbers": _NUMBERS,
    "names": _NAMES,
}


# in a private use plane: an opening and a closing mark for each span of a record
FIRST_MARK, SPANS = (
    0x10F000,
    512,
)
MARKS = f"[\\x{{{FIRST_MARK:x}}}-\\x{{{FIRST_MARK + 2 * SPANS:x}}}]"
_ADDED = rf"</?[A-Za-z][^<>]*>|<!--|\[\[|\]\]|\*\*+|~~+|#{{2,}}|={{2,}}|`|\|{{2,}}|{_URL}"
_MAY_ADD = r"[<\[\]*~#=`|@/:]|(?i:www|\.(?:com|org|net|edu|gov|int|info|eus|cat|io))"  # stands in all of these


class Masked(NamedTuple):
    """n sentences with placeholders, and for each what is put back for placeholder 0, 1, ..."""

    texts: pl.Series
    kept: list[list[str]]


class Protection:
    """Masks for one engine's placeholders; built once, from the recipe's `protect` and glossary."""

    def __init__(
        self, protect: Sequence[str], placeholder: str, glossary: Mapping[str, str] | None = None
    ) -> None:
        self.placeholder = placeholder
        self.found = placeholder_pattern(placeholder)
        parts = [PATTERNS[name] for name in PATTERNS if name in protect]
        self.glossary = {term.casefold(): target for term, target in (glossary or {}).items()}
        if self.glossary:  # longer terms first, so that the longest one is taken
            terms = sorted(self.glossary, key=lambda term: (-len(term), term))
            parts.append(rf"(?i:\b(?:{'|'.join(map(re.escape, terms))})\b)")
        own = self.found.replace(r"\ ", " ")
        self.pattern = "|".join(f"(?:{part})" for part in (own, MARKS, *parts))

    def mask(self, sentences: pl.Series) -> Masked:
        """Mask n sentences; the number of placeholders starts at 0 in each."""
        kept: list[list[str]] = [[] for _ in range(len(sentences))]
        at = sentences.str.contains(self.pattern).arg_true()
        if not len(at):
            return Masked(sentences, kept)
        pieces = pl.DataFrame(
            {"row": at, "piece": sentences.gather(at).str.extract_all(f"{self.pattern}|(?s:.)")}
        ).explode("piece")
        pieces = pieces.with_columns(masked=pl.col("piece").str.contains(f"^(?:{self.pattern})$"))
        number = (pl.col("masked").cum_sum().over("row") - 1).cast(pl.String)
        before, after = self.placeholder.split("{}")
        written = pl.when("masked").then(pl.lit(before) + number + pl.lit(after)).otherwise("piece")
        grouped = pieces.group_by("row", maintain_order=True).agg(
            text=written.str.join(""), kept=pl.col("piece").filter(pl.col("masked"))
        )
        for row, originals in grouped.select("row", "kept").iter_rows():  # of those that have any
            kept[row] = [self.glossary.get(original.casefold(), original) for original in originals]
        return Masked(sentences.clone().scatter(grouped["row"], grouped["text"]), kept)

    def restore(
        self, answers: Sequence[str], kept: Sequence[Sequence[str]]
    ) -> tuple[list[str], list[bool]]:
        """Put back what was masked; and say of each answer whether every placeholder stood in it
        once, and no other."""
        compiled = re.compile(self.found)
        restored, whole = list(answers), [True] * len(answers)
        mark = self.placeholder.partition("{}")[0]
        # A loop over the answers that have placeholders, as above.
        for row, (answer, originals) in enumerate(zip(answers, kept, strict=True)):
            if not originals and mark not in answer:
                continue
            numbers = [int(number) for number in compiled.findall(answer)]
            whole[row] = sorted(numbers) == list(range(len(originals)))
            if whole[row]:

                def original(match: re.Match[str], kept: Sequence[str] = originals) -> str:
                    return kept[int(match[1])]

                restored[row] = compiled.sub(original, answer)
        return restored, whole


def adds_markup(answers: pl.Series, sources: pl.Series) -> pl.Series:
    """Say of n answers, still masked, whether they have more tags, marks of markup or addresses
    than their source.

    Apertium marks words by an asterisk or a number sign, which are no markup before a letter.
    """
    at = answers.str.contains(_MAY_ADD).arg_true()
    added, before = (texts.gather(at).str.count_matches(_ADDED) for texts in (answers, sources))
    return pl.repeat(False, len(answers), eager=True).scatter(at, added > before)


def read_glossary(path: str) -> dict[str, str]:
    """Read terms and translations, a tab between them; raises ValueError with the line that has
    none."""
    terms = {}
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            term, tab, target = line.partition("\t")
            if not (tab and term.strip() and target.strip()):
                raise ValueError(
                    f"{path}:{number}: must be a term, a tab and its translation, got {line!r}"
                )
            terms[term.strip()] = target.strip()
    return terms
