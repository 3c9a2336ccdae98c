"""The page on which a speaker judges passages: one HTML file that works from a disk, on a phone,
without a network.

The passages are data in a block that no browser runs; the page forbids itself anything but its own
style and script.
"""

from __future__ import annotations

import json

import pyarrow as pa
from markupsafe import Markup

from data_cards.languages import VERTICAL_SCRIPTS, language_facts
from data_cards.pages.charts import PALETTE_STYLE
from data_cards.pages.html import content_policy, html_environment, template_file

ANSWERS = (  # judgement, what the button says, what it means
    ("correct", "Correct", "Natural text in the language"),
    ("boilerplate", "Boilerplate", "In the language: a menu, a notice, a template"),
    ("translated", "Machine-translated", "In the language, as a machine translates"),
    ("wrong_language", "Wrong language", "Text in another language"),
    ("not_language", "Not language", "Code, numbers, garbage"),
    ("offensive", "Offensive", "In the language, and not to be shown to everybody"),
    ("cannot_tell", "Cannot tell", "I do not know"),
)


def speaker_page(corpus: str, label: str, sheet: pa.Table) -> str:
    """Write the page for a sheet of passages of one label; the same sheet gives the same bytes."""
    facts = language_facts(label)
    style = Markup(PALETTE_STYLE + template_file("speaker.css"))  # noqa: S704 - ours
    script = Markup(template_file("speaker.js"))  # noqa: S704 - ours
    rows = [list(row.values()) for row in sheet.to_pylist()]
    held = json.dumps(
        {"name": f"{corpus}-{label}", "header": sheet.column_names, "rows": rows},
        ensure_ascii=False,
    )
    return (
        html_environment()
        .get_template("speaker.html.jinja")
        .render(
            corpus=corpus,
            label=label,
            name=facts.name,
            tag=facts.tag,
            vertical=label.partition("_")[2] in VERTICAL_SCRIPTS,
            answers=ANSWERS,
            # In a block of data the browser looks for one thing alone, the end of the block.
            rows=Markup(held.replace("<", "\\u003c")),  # noqa: S704
            style=style,
            script=script,
            policy=content_policy(style, script),
        )
    )
