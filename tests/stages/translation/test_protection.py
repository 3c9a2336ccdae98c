"""What an engine gets placeholders for, and that it comes back."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from stages.translation.protection import Protection, adds_markup, read_glossary

ALL = ("urls", "numbers", "code", "markup")
MARK = "\u27e6{}\u27e7"

MASKED = {
    "address": ("see https://a.eu/b?x=1.", "see <0>.", ["https://a.eu/b?x=1"]),
    "mail": ("to a.b@c.eus, now", "to <0>, now", ["a.b@c.eus"]),
    "code": ("use `ls -l` or --help", "use <0> or <1>", ["`ls -l`", "--help"]),
    "path": ("edit /etc/a/b.conf now", "edit <0> now", ["/etc/a/b.conf"]),
    "format": ("%s of %(n)d and ${HOME}", "<0> of <1> and <2>", ["%s", "%(n)d", "${HOME}"]),
    "formats of C, Objective-C and Ruby": (
        "%1$s, %ld, %-5.2f, %@ %{count}",
        "<0>, <1>, <2>, <3> <4>",
        ["%1$s", "%ld", "%-5.2f", "%@", "%{count}"],
    ),
    "templates": ("{{ a|b }} {x:>3} {0!r}", "<0> <1> <2>", ["{{ a|b }}", "{x:>3}", "{0!r}"]),
    "a message of ICU": (
        "{n, plural, one {# day} other {{n} days}}!",
        "<0>!",
        ["{n, plural, one {# day} other {{n} days}}"],
    ),
    "paths of Windows": ("in C:\\Users\\a b", "in <0> b", ["C:\\Users\\a"]),
    "entities": ("a&#x27;s &amp; b", "a<0>s <1> b", ["&#x27;", "&amp;"]),
    "brackets of an address": (
        "[a](https://a.eu/b_(c)) or (https://a.eu/d).",
        "[a](<0>) or (<1>).",
        ["https://a.eu/b_(c)", "https://a.eu/d"],
    ),
    "shares before a word": ("%25 jaitsi, %50a, 50% de", "%25 jaitsi, %50a, 50% de", []),
    "words in braces stay": ("{ezer ez} one {x}", "{ezer ez} one <0>", ["{x}"]),
    "markup": ("a <b>big</b> *house*", "a <0>big<1> <2>house<3>", ["<b>", "</b>", "*", "*"]),
    "numbers with separators": (
        "1.234,5 on 2024-01-05 at 10:30",
        "<0> on <1> at <2>",
        ["1.234,5", "2024-01-05", "10:30"],
    ),
    "Arabic digits": ("\u0661\u066b\u0665 kg", "<0> kg", ["\u0661\u066b\u0665"]),
    "a plain number stays": ("3 books, 25%", "3 books, 25%", []),
    "words stay": ("well-known and/or it's, e.g. this", "well-known and/or it's, e.g. this", []),
    "the form of a placeholder itself": ("\u27e67\u27e7 a", "<0> a", ["\u27e67\u27e7"]),
}


@pytest.mark.parametrize(("sentence", "masked", "kept"), MASKED.values(), ids=MASKED.keys())
def test_masking(sentence: str, masked: str, kept: list[str]) -> None:
    protection = Protection(ALL, MARK)
    found = protection.mask(pl.Series([sentence, "Kaixo"]))
    shown = found.texts[0].replace("\u27e6", "<").replace("\u27e7", ">")
    assert (shown, found.kept) == (masked, [kept, []])
    assert found.texts[1] == "Kaixo"
    assert protection.restore([found.texts[0]], found.kept[:1]) == ([sentence], [True])


def test_a_placeholder_that_is_lost_doubled_or_invented_is_told() -> None:
    protection = Protection(ALL, "<x{}>")
    answers = [
        "a <x0> b <x1>",
        "a < x1 > b <x0>",
        "a <x0>",
        "<x0> <x0> <x1>",
        "<x0> <x1> <x2>",
        "<x5>",
    ]
    restored, whole = protection.restore(answers, [["U", "V"]] * 5 + [[]])
    assert whole == [True, True, False, False, False, False]
    assert restored[:2] == ["a U b V", "a V b U"]


def test_names_are_masked_on_request_only() -> None:
    sentence = pl.Series(["Atzo Ada Lovelace etorri zen."])
    assert Protection(("names",), MARK).mask(sentence).kept == [["Atzo Ada Lovelace"]]
    assert Protection(ALL, MARK).mask(sentence).kept == [[]]


def test_a_glossary_is_honoured(tmp_path: Path) -> None:
    (tmp_path / "terms.tsv").write_text("Data Card\tficha de datos\ncard\ttarjeta\n")
    protection = Protection((), MARK, read_glossary(str(tmp_path / "terms.tsv")))
    found = protection.mask(pl.Series(["The data card is a card, not cardboard."]))
    assert found.kept == [["ficha de datos", "tarjeta"]]
    (tmp_path / "terms.tsv").write_text("card\n")
    with pytest.raises(
        ValueError, match=r"terms\.tsv:1: must be a term, a tab and its translation"
    ):
        read_glossary(str(tmp_path / "terms.tsv"))


def test_markup_that_the_source_has_not() -> None:
    answers = pl.Series(["<p>a</p>", "*word a", "a **b**", "x https://a.eu", "a \u27e60\u27e7"])
    assert adds_markup(answers, pl.Series(["a"] * 5)).to_list() == [True, False, True, True, False]
