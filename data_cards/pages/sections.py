"""The sections of a card: one table, from which both pages are put together.

A section has a module of facts in `data_cards/sections/`, whose `views` name what is shown, and two
partial templates in `data_cards/templates/sections/`: `NAME.md.jinja` for README.md,
`NAME.html.jinja` for the report. A new section is these three, a line below and a place in
`REPORT_ORDER`; a template sees the views of all sections.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from data_cards.sections import (
    changes,
    contamination,
    duplicates,
    extraction,
    filters,
    funnel,
    overview,
    page_languages,
    proof,
    splits,
    statements,
    synthesis,
    texts,
    translation,
    withdrawal,
)
from schemas.card.card import Card


def _nothing(_: Card) -> dict[str, Any]:
    return {}


class Section(NamedTuple):
    """A section of both pages, or of one: its name in the report's contents, its views, where it is
    linked to.

    `needs` are views of which one must hold something, or the report's contents leave the section
    out.
    """

    name: str
    title: str
    views: Callable[[Card], dict[str, Any]] = _nothing
    anchor: str = ""
    needs: tuple[str, ...] = ()

    @property
    def markdown(self) -> str:
        return f"sections/{self.name}.md.jinja"

    @property
    def html(self) -> str:
        return f"sections/{self.name}.html.jinja"

    def is_shown(self, views: Mapping[str, Any]) -> bool:
        """Say whether the contents name the section."""
        return not self.needs or any(views[name] for name in self.needs)


SECTIONS = {
    section.name: section
    for section in (
        Section("overview", "Overview", overview.views, "overview"),
        Section("loading", "How to load it"),
        Section("languages", "Languages", anchor="languages"),
        Section("texts", "Texts", texts.views, "texts", ("text_rows",)),
        Section("proof", "Proof", proof.views, "proof", ("proof_rows",)),
        Section("sources", "Sources", anchor="sources"),
        Section("pages", "Pages", extraction.views, "pages", ("page_rows",)),
        Section("funnel", "Funnel", funnel.views, "funnel"),
        Section(
            "filters",
            "Filters",
            filters.views,
            "filters",
            ("rule_drops", "false_positives", "replaced_data"),
        ),
        Section("changes", "Changes", changes.views, "changes", ("rules",)),
        Section(
            "duplicates", "Deduplication", duplicates.views, "deduplication", ("dedup_stages",)
        ),
        Section(
            "page_languages",
            "Pages in several languages",
            page_languages.views,
            "page-languages",
            ("page_language_rows",),
        ),
        Section("splits", "Splits", splits.views, "splits", ("split_rows",)),
        Section("weights", "Sampling weights", duplicates.weight_views, "weights", ("weights",)),
        Section(
            "contamination",
            "Evaluation sets",
            contamination.views,
            "evaluation-sets",
            ("evaluation_sets",),
        ),
        Section(
            "translation", "Translations", translation.views, "translations", ("translation_rows",)
        ),
        Section("synthesis", "Synthetic rows", synthesis.views, "synthetic", ("synthetic_yields",)),
        Section("withdrawal", "Taken back", withdrawal.views, "withdrawn", ("withdrawal",)),
        Section("columns", "Columns", anchor="columns"),
        Section("samples", "Samples", anchor="samples"),
        Section("making", "Recipe", anchor="recipe"),
        Section("checking", "How to check it"),
        Section("statements", "Statements", statements.views, "statements"),
        Section("limitations", "Limitations", anchor="limits"),
    )
}
# What it is, how it is loaded, for whom it is and is not, how sure it is; then the rest.
_FIRST = ("overview", "loading", "statements", "proof", "limitations")
README_ORDER = (*_FIRST, *(name for name in SECTIONS if name not in _FIRST))
REPORT_ORDER = (
    *(
        "overview",
        "languages",
        "texts",
        "proof",
        "funnel",
        "filters",
        "changes",
        "duplicates",
        "page_languages",
        "splits",
        "weights",
        "contamination",
    ),
    *(
        "translation",
        "synthesis",
        "withdrawal",
        "samples",
        "sources",
        "pages",
        "columns",
        "making",
        "statements",
        "limitations",
    ),
)


def section_views(card: Card) -> dict[str, Any]:
    """Make the views of all sections of a card, by the names that the templates use."""
    views: dict[str, Any] = {"card": card}
    for section in SECTIONS.values():
        views |= section.views(card)
    return views
