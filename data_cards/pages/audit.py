"""What an audit found, as one page for a browser: findings by severity, and what other language
models say of each label, with examples."""

from __future__ import annotations

from markupsafe import Markup

from data_cards.languages import language_facts
from data_cards.pages.charts import PALETTE_STYLE
from data_cards.pages.html import content_policy, html_environment, template_file
from schemas.finding import SEVERITIES, AuditResult


def audit_page(result: AuditResult) -> str:
    """Write the page; the same result gives the same bytes."""
    style = Markup(PALETTE_STYLE + template_file("report.css"))  # noqa: S704 - ours
    ranked = sorted(result.second_opinions, key=lambda one: (-one.low, one.label, one.model))
    return (
        html_environment()
        .get_template("audit.html.jinja")
        .render(
            result=result,
            by_severity=[
                (severity, [one for one in result.findings if one.severity == severity])
                for severity in SEVERITIES
            ],
            opinions=[(one, language_facts(one.label)) for one in ranked],
            disputes=[
                (
                    one,
                    language_facts(one.label),
                    [(e, language_facts(e.other)) for e in one.examples],
                )
                for one in ranked
                if one.examples
            ],
            style=style,
            policy=content_policy(style, ""),
        )
    )
