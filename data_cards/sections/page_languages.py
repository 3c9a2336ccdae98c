"""Pages in several languages on a card: what looks like translation of whole sites, by language."""

from __future__ import annotations

from typing import Any, NamedTuple

from data_cards.languages import LanguageFacts, language_facts
from schemas.card.card import Card
from schemas.document import MANY_PAGE_LANGUAGES


class PageLanguagesRow(NamedTuple):
    """Documents of one language and script by the languages that their pages stand in."""

    facts: LanguageFacts
    documents: int
    several: int  # whose page stands in another language too
    many: int  # in MANY_PAGE_LANGUAGES or more

    @property
    def share(self) -> float:
        """Return the share of the documents whose page stands in another language too."""
        return self.several / self.documents


def page_language_rows(card: Card) -> tuple[PageLanguagesRow, ...]:
    """List the languages with such pages, largest share first."""
    rows = [
        PageLanguagesRow(
            language_facts(label),
            sum(part.page_languages.values()),
            sum(documents for number, documents in part.page_languages.items() if number > 1),
            sum(
                documents
                for number, documents in part.page_languages.items()
                if number >= MANY_PAGE_LANGUAGES
            ),
        )
        for label, part in card.statistics.items()
        if part.page_languages
    ]
    found = [row for row in rows if row.several]
    return tuple(sorted(found, key=lambda row: (-row.share, row.facts.label)))


def views(card: Card) -> dict[str, Any]:
    """Name what the templates show of this section."""
    return {"page_language_rows": page_language_rows(card), "many_languages": MANY_PAGE_LANGUAGES}
