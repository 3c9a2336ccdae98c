"""What was taken back: counts by kind, and of registers that are not private what their entries
name."""

from __future__ import annotations

from typing import Any

from schemas.card.card import Card

ENTRIES_SHOWN = 20  # on README.md
VALUES_SHOWN = 3  # of an entry
KIND_WORDS = {
    "host": "hosts",
    "url_prefix": "beginnings of addresses",
    "id": "ids",
    "content_sha256": "SHA-256 of texts",
    "source": "sources",
    "licence": "licences",
    "robots": "robots.txt",
    "noai": "`noai` of pages",
    "tdm_reservation": "TDM reservation of pages",
}


def views(card: Card) -> dict[str, Any]:
    """Name what the templates show of this section."""
    found = card.withdrawal
    return {
        "withdrawal": found,
        "withdrawn_counts": found.counts if found else (),
        "withdrawn_entries": found.entries if found else (),
        "withdrawn_private": bool(found and any(each.private for each in found.registers)),
        "withdrawn_kinds": KIND_WORDS,
        "withdrawn_entries_shown": ENTRIES_SHOWN,
        "withdrawn_values_shown": VALUES_SHOWN,
    }
