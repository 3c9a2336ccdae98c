"""What an audit found, as one page for a browser: findings by severity, and what other language
models say of each label, with examples."""

from __future__ import annotations

from markupsafe import Markup

from data_cards.languages import language_facts
from data_cards.pages.charts import PALETTE_STYLE
from data_cards.pages.html import content_policy, html_environment, template_file
from schemas.finding import SEVERITIES, AuditResult

SHOWN_ROWS = 40  # of a table of languages; the others are there to unfold


def audit_page(result: AuditResult) -> str:
    """Write the page; the same result gives the same bytes."""
    style = Markup(PALETTE_STYLE + template_file("report.css"))  # noqa: S704 - ours
    ranked = sorted(result.second_opinions, key=lambda one: (-one.low, one.label, one.model))
    rows = [(one, language_facts(one.label)) for one in ranked]
    disputed = {one.label: one for one in reversed(ranked) if one.examples}  # the most contradicted
    return (
        html_environment()
        .get_template("audit.html.jinja")
        .render(
            result=result,
            by_severity=[
                (severity, [one for one in result.findings if one.severity == severity])
                for severity in SEVERITIES
            ],
            opinions=[part for part in (rows[:SHOWN_ROWS], rows[SHOWN_ROWS:]) if part],
            disputes=[
                (one, language_facts(label), [(e, language_facts(e.other)) for e in one.examples])
                for label, one in reversed(disputed.items())
            ],
            style=style,
            policy=content_policy(style, ""),
        )
    )
