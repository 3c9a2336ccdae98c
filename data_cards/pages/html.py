"""The HTML report: one file that a curator can open, mail and archive, with samples of every
language.

Everything is inline, every value is escaped by the template, and the page forbids itself anything
else by a content security policy: its one style sheet and its one script are named by their hashes,
nothing is fetched. Without the script the page shows all the same; it sorts and filters the table
of languages.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from data_cards.display import code_spans, cut_text, folded, one_line, visible
from data_cards.languages import VERTICAL_SCRIPTS
from data_cards.pages.charts import CHART_STYLE, PALETTE_STYLE, Chart, sparkline
from data_cards.pages.sections import REPORT_ORDER, SECTIONS
from data_cards.sections.overview import binary_size, compact
from schemas.card.statistics import SAMPLES_KEPT

OPEN_LANGUAGES = 3
HEADING_CODE_POINTS = 60


def render_report(views: Mapping[str, Any], charts: Mapping[str, Chart]) -> str:
    """Write the report of a card, given by the views of its sections, with its charts inline."""
    style = Markup(PALETTE_STYLE + CHART_STYLE + template_file("report.css"))  # noqa: S704 - ours
    script = Markup(template_file("report.js"))  # noqa: S704 - ours
    return (
        html_environment()
        .get_template("report.html.jinja")
        .render(
            **views,
            views=views,
            sections=[SECTIONS[name] for name in REPORT_ORDER],
            style=style,
            script=script,
            policy=content_policy(style, script),
            charts={name: _inline(chart) for name, chart in charts.items()},
            open_languages=OPEN_LANGUAGES,
            samples_kept=SAMPLES_KEPT,
            vertical_scripts=VERTICAL_SCRIPTS,
        )
    )


def content_policy(style: str, script: str) -> str:
    """Return the content security policy of a page that has one style sheet and one script, and
    fetches nothing."""
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; "
        f"style-src '{_source_hash(style)}'; script-src '{_source_hash(script)}'"
    )


def template_file(name: str) -> str:
    """Read a file of `data_cards/templates`."""
    return resources.files("data_cards").joinpath("templates", name).read_text(encoding="utf-8")


def _source_hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _inline(chart: Chart) -> Markup:
    return Markup(chart.inline())  # noqa: S704 - charts escape what they are given


@cache
def html_environment() -> Environment:
    """Make the environment in which templates of HTML escape every value, and are compiled once."""
    environment = Environment(
        loader=PackageLoader("data_cards"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "count": lambda number: f"{number:,}",
        "folded": folded,
        "known": lambda number: "\u2013" if number is None else f"{number:,}",
        "compact": compact,
        "limit": lambda number: f"{number:.4g}",
        "percent": lambda share: "" if share is None else f"{share:.1%}",
        "score": lambda score: "" if score is None else f"{score:.2f}",
        "size": binary_size,
        "line": one_line,
        "heading": lambda text: cut_text(one_line(text), HEADING_CODE_POINTS),
        "visible": visible,
        "code_spans": code_spans,
        "sparkline": lambda bins, label: _inline(sparkline(bins, label)),
        "commonest": lambda counts: sorted(counts.items(), key=lambda item: (-item[1], item[0]))[
            :3
        ],
    }
    return environment
