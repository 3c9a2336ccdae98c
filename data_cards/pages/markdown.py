"""Write all files of a card as bytes: README.md, the HTML report, croissant.json, the charts, the
statistics.

Nothing is read but the card: no clock, no file, no network; the same card gives the same bytes. In
the Markdown template every value is escaped, unless it is a number or Markdown that this module
made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from data_cards.display import (
    ELLIPSIS,
    Markdown,
    code,
    code_spans,
    cut_text,
    escape_markdown,
    fenced,
    folded,
    html_block,
)
from data_cards.pages import croissant
from data_cards.pages.charts import (
    Bar,
    Chart,
    funnel_chart,
    language_chart,
    length_chart,
    score_chart,
)
from data_cards.pages.html import render_report
from data_cards.pages.metadata import front_matter
from data_cards.pages.sections import README_ORDER, SECTIONS, section_views
from data_cards.sections.funnel import funnel
from data_cards.sections.overview import added_bins, binary_size, language_rows
from data_cards.statistics import statistics_json
from schemas.card.card import Card

SAMPLED_LANGUAGES = 12
SAMPLES_SHOWN = 3
SHOWN_CODE_POINTS = 300


def card_files(card: Card) -> dict[str, bytes]:
    """Return the content of every file of a card by its path within the corpus, sorted."""
    charts, views = draw_charts(card), section_views(card)
    files = {
        "README.md": render_card(views),
        "report.html": render_report(views, charts),
        croissant.NAME: croissant.croissant_json(card),
        "statistics.json": statistics_json(card.statistics),
        **{f"charts/{name}.svg": chart.standalone() for name, chart in charts.items()},
    }
    return {name: files[name].encode() for name in sorted(files)}


def draw_charts(card: Card) -> dict[str, Chart]:
    """Draw the charts of a card, by the name of their file."""
    parts = card.statistics.values()
    return {
        "languages": language_chart(
            [
                Bar(row.facts.name, row.label, row.statistics.code_points, row.statistics.documents)
                for row in language_rows(card)
            ]
        ),
        "lengths": length_chart(added_bins([part.lengths for part in parts])),
        "scores": score_chart(added_bins([part.scores for part in parts])),
        "funnel": funnel_chart(funnel(card.fates, card.steps)),
    }


def render_card(views: Mapping[str, Any]) -> str:
    """Write README.md of a card, given by the views of its sections: the Hub's metadata, then the
    card in Markdown."""
    body = (
        _environment()
        .get_template("README.md.jinja")
        .render(
            **views,
            sections=[SECTIONS[name] for name in README_ORDER],
            sampled=views["rows"][:SAMPLED_LANGUAGES],
            sampled_languages=SAMPLED_LANGUAGES,
            samples_shown=SAMPLES_SHOWN,
        )
    )
    return f"---\n{front_matter(views['card'])}\n---\n\n{body.strip()}\n"


@cache
def _environment() -> Environment:
    # Not HTML: `finalize` escapes every value for Markdown instead.
    environment = Environment(  # noqa: S701
        loader=PackageLoader("data_cards"),
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "count": lambda number: Markdown(f"{number:,}"),
        "known": lambda number: Markdown("\u2013" if number is None else f"{number:,}"),
        "limit": lambda number: Markdown(f"{number:.4g}"),
        "percent": lambda share: Markdown("" if share is None else f"{share:.1%}"),
        "score": lambda score: Markdown("" if score is None else f"{score:.2f}"),
        "size": lambda number: Markdown(binary_size(number)),
        "folded": folded,
        "code": code,
        "prose": _prose,
        "name": _name,
        "fenced": fenced,
        "autolink": _autolink,
        "excerpt": _excerpt,
    }
    return environment


def _finalize(value: object) -> str:
    if isinstance(value, Markdown):
        return value
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, str):
        return escape_markdown(value)
    raise TypeError(
        f"a card shows text and whole numbers, got {value!r}; give it a filter in the template"
    )


def _prose(text: str) -> Markdown:
    """A description whose `names` are set in code type."""
    # Escaping trims: the spaces around names are put back.
    parts = [code(part) if is_name else _kept_spaces(part) for is_name, part in code_spans(text)]
    return Markdown("".join(parts))


def _kept_spaces(text: str) -> str:
    before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return f"{' ' * bool(before)}{escape_markdown(text)}{' ' * bool(after)}"


def _name(text: str) -> Markdown:
    """A name that stands within program text."""
    if not re.fullmatch(r"[A-Za-z0-9._-]+", text):
        raise ValueError(
            f"a name in program text must be letters, digits, '.', '_' and '-', got {text!r}"
        )
    return Markdown(text)


def _autolink(address: str) -> Markdown:
    """A link if the address is a plain web address, escaped text if not."""
    plain = address.startswith(("https://", "http://")) and not set(address) & set(
        " <>|`\"'()[]\\\n\r\t"
    )
    return (
        Markdown(f"<{address}>")
        if plain and address.isascii() and address.isprintable()
        else escape_markdown(address)
    )


def _excerpt(text: str, code_points: int, tag: str) -> Markdown:
    shown = cut_text(text, SHOWN_CODE_POINTS)
    return html_block(shown + (f" {ELLIPSIS}" if len(shown) < code_points else ""), tag)
