"""Hostile text is cut between graphemes and cannot act as markup."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Mapping

import pytest
import regex  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from data_cards.display import (
    Markdown,
    cut_text,
    escape_markdown,
    fenced,
    html_block,
    one_line,
    visible,
)

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
hostile = st.text(
    alphabet=st.sampled_from(list("`|<>*_[]()#+-=~!&;$\\1. \n\r\t\x00\u202eab")), max_size=25
)


def inline_text(tokens: list[Token]) -> str:
    (inline,) = [
        token for token in tokens if token.type == "inline" and token.content not in ("head", "")
    ]
    assert {child.type for child in inline.children or []} <= {"text", "text_special"}, inline
    return "".join(child.content for child in inline.children or [])


@given(hostile.filter(lambda text: bool(one_line(text))))
def test_escaped_text_is_only_text_in_a_paragraph_a_list_and_a_cell(text: str) -> None:
    escaped = escape_markdown(text)
    paragraph = MARKDOWN.parse(f"\n{escaped}\n")
    assert [token.type for token in paragraph] == ["paragraph_open", "inline", "paragraph_close"]
    assert inline_text(paragraph) == one_line(text)
    item = MARKDOWN.parse(f"- {escaped}\n")
    assert [token.type for token in item if token.type.endswith("_open")] == [
        "bullet_list_open",
        "list_item_open",
        "paragraph_open",
    ]
    table = MARKDOWN.parse(f"| head |\n|---|\n| {escaped} |\n")
    assert sum(token.type == "td_open" for token in table) == 1
    assert inline_text(table) == one_line(text)


@given(hostile)
def test_fenced_text_stays_in_its_fence(text: str) -> None:
    tokens = MARKDOWN.parse(f"before\n\n{fenced(text, 'toml')}\n\nafter\n")
    assert [token.type for token in tokens if token.level == 0][2:-2] == ["fence"]
    (fence,) = [token for token in tokens if token.type == "fence"]
    assert fence.content.rstrip() == visible(text).rstrip()


@given(hostile)
def test_a_block_of_html_holds_nothing_but_its_text(text: str) -> None:
    tokens = MARKDOWN.parse(f"before\n\n{html_block(text, 'eu-Latn')}\n\nafter\n")
    (block,) = [token for token in tokens if token.type == "html_block"]
    inner = (
        block.content.strip()
        .removeprefix('<blockquote dir="auto" lang="eu-Latn">')
        .removesuffix("</blockquote>")
    )
    assert "<" not in inner.replace("<br>", "")
    assert html.unescape(inner.replace("<br>", "\n")).strip() == visible(text).strip()


def test_every_cut_of_real_text_lies_between_graphemes(
    declaration: Mapping[str, list[str]],
) -> None:
    wrong = []
    for label, texts in declaration.items():
        text = texts[-1].replace(" ", "")[:90]  # without spaces, so that graphemes decide
        if any(unicodedata.category(letter) == "Cn" for letter in text):
            continue  # a script newer than this Python (Kawi in 3.11), whose marks it does not know
        ends = {match.end() for match in regex.finditer(r"\X", text)}
        wrong += [(label, n) for n in range(20, len(text)) if len(cut_text(text, n)) not in ends]
    assert not wrong


CUTS = {
    "eus: at the end of a word": ("Gizon-emakume guztiak", 16, "Gizon-emakume"),
    "eus: a word that fits is kept whole": ("Gizon emakume", 13, "Gizon emakume"),
    "yor: a letter keeps its marks": ("a" * 60 + "o\u0301\u0323", 62, "a" * 60),
    "khm: a subscript stays below its letter": ("\u1780" * 60 + "\u17d2\u179a", 61, "\u1780" * 59),
    "bod: after the mark that ends a syllable": (
        "\u0f56\u0f7c\u0f51\u0f0b" * 3,
        10,
        "\u0f56\u0f7c\u0f51\u0f0b" * 2,
    ),
    "hin: a conjunct is not torn": ("\u0915" * 60 + "\u094d\u0937", 61, "\u0915" * 59),
    "emoji: a family stays together": ("a" * 60 + "\U0001f468\u200d\U0001f469", 62, "a" * 60),
    "flags are not halved": ("a" * 60 + "\U0001f1ea\U0001f1f8", 61, "a" * 60),
    "hundreds of marks are cut hard": ("a" + "\u0301" * 500, 100, "a" + "\u0301" * 99),
    "short text is as it was": ("  a ", 10, "  a "),
}


@pytest.mark.parametrize(("text", "most", "expected"), CUTS.values(), ids=CUTS.keys())
def test_cut_text(text: str, most: int, expected: str) -> None:
    assert cut_text(text, most) == expected


@given(st.text(), st.integers(1, 50))
def test_a_cut_is_a_beginning_of_at_most_the_length(text: str, most: int) -> None:
    cut = cut_text(text, most)
    assert text.startswith(cut)
    assert len(cut) <= most


def test_trusted_markdown_is_a_type_and_not_a_look() -> None:
    assert isinstance(escape_markdown("a"), Markdown)
    assert not isinstance("`a`", Markdown)
