"""Letters that a text has because it was read in the wrong encoding or typed for an old font.

A Maltese text in ISO 8859-3 that was read as Windows-1252 has `\u00b1` for `\u0127` all through,
and a Mongolian one that was typed on a Ukrainian keyboard `\u0454` for `\u04e9`. Each such letter
alone may be meant (a name, a sign), so the whole text is judged: it is repaired if it holds at
least three of them in words, and not one of the letters that they stand for. No text of some length
in these languages lacks those letters.

Source: ISO/IEC 8859 parts 2, 3, 9, 13 and 14 as Python's codecs hold them; the layouts of Cyrillic
fonts of the 1990s put a language's own letters where Windows-1251 has Macedonian, Serbian,
Ukrainian and Belarusian ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from stages.normalization.options import NormalizationOptions
from stages.normalization.rules import (
    Rule,
    code_point_class,
    letter_map,
    neither,
    replace_sequences,
    written_in,
)

_MIN_WRONG_LETTERS = 3


class Misreading(NamedTuple):
    """The letters that texts of some languages get, with those that they stand for, and how it
    comes about."""

    labels: tuple[str, ...]
    source: str
    letters: Mapping[str, str]  # wrong letter -> right letter


def _misread(letters: str, encoding: str, *labels: str) -> Misreading:
    read = {letter.encode(encoding).decode("cp1252"): letter for letter in letters}
    source = f"ISO/IEC 8859-{encoding.split('_')[1]} read as Windows-1252"
    return Misreading(
        labels, source, {wrong: right for wrong, right in read.items() if wrong != right}
    )


MISREADINGS = {
    "turkish": _misread("ğışĞİŞ", "iso8859_9", "tur"),
    "romanian": _misread("ăşţĂŞŢ", "iso8859_2", "ron"),
    "hungarian": _misread("őűŐŰ", "iso8859_2", "hun"),
    "polish": _misread("ąćęłńśźżĄĆĘŁŃŚŹŻ", "iso8859_2", "pol"),
    "czech": _misread("čďěňřšťůžČĎĚŇŘŠŤŮŽ", "iso8859_2", "ces"),
    "slovak": _misread("čďĺľňŕšťžČĎĹĽŇŔŠŤŽ", "iso8859_2", "slk"),
    "south_slavic": _misread("čćđšžČĆĐŠŽ", "iso8859_2", "slv", "hrv", "bos_Latn", "srp_Latn"),
    "maltese": _misread("ċġħżĊĠĦŻ", "iso8859_3", "mlt"),
    "esperanto": _misread("ĉĝĥĵŝŭĈĜĤĴŜŬ", "iso8859_3", "epo"),
    "welsh": _misread("ŵŷŴŶ", "iso8859_14", "cym"),
    "lithuanian": _misread("ąčęėįšųūžĄČĘĖĮŠŲŪŽ", "iso8859_13", "lit"),
    "latvian": _misread("āčēģīķļņšūžĀČĒĢĪĶĻŅŠŪŽ", "iso8859_13", "lav", "ltg"),
    "mongolian": Misreading(
        ("mon_Cyrl",),
        "Windows-1251 fonts and keyboards without \u04e9 and \u04af",
        letter_map("\u0454\u0457\u0404\u0407", "\u04e9\u04af\u04e8\u04ae"),
    ),
    "tajik": Misreading(
        ("tgk_Cyrl",),
        "Windows-1251 fonts for Tajik",
        letter_map(
            "\u0453\u0457\u045c\u045e\u045a\u0459\u0403\u0407\u040c\u040e\u040a\u0409",
            "\u0493\u04e3\u049b\u04ef\u04b3\u04b7\u0492\u04e2\u049a\u04ee\u04b2\u04b6",
        ),
    ),
}
# Letters that stand where the wrong ones should have brought them, however they are encoded since.
_ALSO_RIGHT = {"romanian": "\u0219\u021b\u0218\u021a"}


def _rule(name: str, misreading: Misreading) -> Rule:
    wrong = code_point_class(misreading.letters)
    right = code_point_class("".join(misreading.letters.values()) + _ALSO_RIGHT.get(name, ""))

    def reread(
        texts: pl.Series, language: str | None, script: str | None, options: NormalizationOptions
    ) -> pl.Series:
        misread = (
            pl.col("text").str.count_matches(rf"\p{{L}}{wrong}|{wrong}\p{{L}}")
            >= _MIN_WRONG_LETTERS
        ) & ~pl.col("text").str.contains(right)
        frame = pl.DataFrame(
            {"text": texts, "reread": replace_sequences(texts, misreading.letters)}
        )
        return frame.select(pl.when(misread).then("reread").otherwise("text"))["reread"]

    return Rule(
        f"misread_{name}",
        "A text that holds only the misread letters of its language, and none of the right ones, is reread as a whole.",
        misreading.source,
        written_in(*misreading.labels),
        rf"\p{{L}}{wrong}|{wrong}\p{{L}}",
        reread,
        looks_at=neither,
    )


RULES = tuple(_rule(name, misreading) for name, misreading in MISREADINGS.items())
