"""The report on learned limits: for each language and rule the spread of its signal, the limit,
what it would drop."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from data_cards.languages import language_facts
from data_cards.pages.charts import CHART_STYLE, PALETTE_STYLE
from schemas.quality_limits import ALL, Distribution, LanguageLimits, LimitsTable

WIDTH, HEIGHT = 220, 60
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:var(--ink);"
    "background:var(--ground)}table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .7rem;text-align:right;"
    "border-bottom:1px solid var(--edge)}td:first-child,th:first-child{text-align:left}.spreads{display:grid;"
    "grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:1rem}figure{margin:0}figcaption{font-size:13px}"
    ".faint{color:var(--faint)}"
)


class TunedLanguage(NamedTuple):
    """What was learned for a language, with the spread of each signal and why limits were refused,
    by rule."""

    label: str
    learned: LanguageLimits
    spread: Sequence[Distribution]
    refused: Mapping[str, str]


def tuning_page(table: LimitsTable, languages: Sequence[TunedLanguage]) -> str:
    """Write the report as one HTML page, which refers to nothing outside."""
    rows = "".join(_row(one) for one in languages)
    sections = "".join(_section(one) for one in languages)
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Learned limits</title>'
        f"<style>{PALETTE_STYLE}{CHART_STYLE}{_STYLE}</style>\n<h1>Learned limits</h1>\n"
        f"<p>Learned from {_text(table.reference)} by the method {_text(table.method)}; words by "
        f"{_text(table.segmenter)} ({_text(table.segmenter_version)}), {_text(table.signals)}.</p>\n"
        "<p>False positives are good pages that would be dropped, by limits that were learned of other pages.</p>\n"
        "<table><tr><th>Language</th><th>Pages</th><th>Learned from</th><th>Limits</th><th>Refused</th>"
        f"<th>Language score at least</th><th>False positives</th></tr>{rows}</table>\n{sections}</html>\n"
    )


def _row(one: TunedLanguage) -> str:
    learned = one.learned
    score = "\u2013" if learned.language_score is None else f"{learned.language_score:.2f}"
    cells = (
        f'<a href="#{_text(one.label)}">{_text(language_facts(one.label).name)}</a> ({_text(one.label)})',
        f"{learned.pages:,}",
        _text(learned.learned_from or "nothing: too few pages"),
        str(len(learned.limits)),
        str(len(one.refused)),
        score,
        f"{learned.false_positives[ALL]:.1%}" if ALL in learned.false_positives else "\u2013",
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>\n"


def _section(one: TunedLanguage) -> str:
    figures = "".join(_figure(each, one) for each in one.spread)
    name = language_facts(one.label).name
    heading = f'<h2 id="{_text(one.label)}">{_text(name)} ({_text(one.label)})</h2>'
    return f'{heading}\n<div class="spreads">{figures}</div>\n'


def _figure(each: Distribution, one: TunedLanguage) -> str:
    side = "at most" if each.side == "max" else "at least"
    why = one.refused.get(each.rule)
    origin = "learned" if each.learned else f"default ({why})" if why else "default"
    wrong = one.learned.false_positives.get(each.rule, 0.0)
    return (
        f"<figure>{_spread(each)}<figcaption><b>{_text(each.rule)}</b> {side} {each.limit:.4g} "
        f'<span class="faint">{_text(origin)}; drops {each.dropped:.1%}, false positives {wrong:.1%}</span>'
        "</figcaption></figure>\n"
    )


def _spread(each: Distribution) -> str:
    """Draw bars of pages by value (square roots, so that few are seen), with a line at the
    limit."""
    tallest = max(each.counts) ** 0.5 or 1.0
    step = WIDTH / len(each.counts)
    low, high = each.edges[0], each.edges[-1]
    bars = []
    for number, count in enumerate(each.counts):
        middle = (each.edges[number] + each.edges[number + 1]) / 2
        out = middle > each.limit if each.side == "max" else middle < each.limit
        tall = HEIGHT * count**0.5 / tallest
        bars.append(
            f'<rect class="{"dropped" if out else "main"}" x="{number * step:.1f}" y="{HEIGHT - tall:.1f}" '
            f'width="{step - 1:.1f}" height="{tall:.1f}"/>'
        )
    x = WIDTH * (each.limit - low) / (high - low)
    label = f"{each.signal}: {low:.3g} to {high:.3g}, limit {each.limit:.3g}"
    return (
        f'<svg class="chart" role="img" aria-label="{_text(label)}" width="{WIDTH}" height="{HEIGHT + 2}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT + 2}">{"".join(bars)}'
        f'<line x1="{x:.1f}" y1="0" x2="{x:.1f}" y2="{HEIGHT}" stroke="var(--failed)" stroke-width="2"/></svg>'
    )


def _text(value: str) -> str:
    return html.escape(value)
