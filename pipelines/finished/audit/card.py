"""Is the card what its facts make of it, and are its facts those of the manifest and the recipe?"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from data_cards.pages.markdown import card_files
from pipelines.staging.store import CARD, RECIPE, Store
from schemas.card.card import Card
from schemas.finding import Finding, error, warning
from schemas.manifest import Manifest
from schemas.recipe import recipe_hash

CHECK = "card"
# Endings and beginnings of licence names on the Hub that bind whoever passes a text on.
_BINDING = {
    "-nc": "forbids commercial use",
    "-nd": "forbids changed versions",
    "-sa": "asks for the same licence",
}
_UNSTATED = ("", "unknown", "other")


def read_card(store: Store) -> tuple[Card | None, list[Finding]]:
    """Read the facts of a card; their own rules (nothing lost, known steps) are checked as they are
    read."""
    try:
        return Card.model_validate_json(store.read(CARD)), []
    except FileNotFoundError:
        return None, [error(CHECK, "is not there", CARD)]
    except ValidationError as problem:
        words = "; ".join(fault["msg"] for fault in problem.errors()[:3])
        return None, [error(CHECK, f"contradicts itself or is no card: {words}", CARD)]
    except ValueError as problem:
        return None, [error(CHECK, f"cannot be read: {problem}", CARD)]


def card_findings(
    store: Store, card: Card, manifest: Manifest, own_version: str
) -> Iterator[Finding]:
    """Compare the pages with what the facts give, and the facts with manifest and recipe."""
    same_version = manifest.packages.get("glotmill") == own_version
    for path, content in card_files(card).items():
        if not store.exists(path):
            yield error(CHECK, "is not there", path)
        elif store.read(path) != content:
            if same_version:
                yield error(
                    CHECK, "is not what the card's facts give; was it edited by hand?", path
                )
            else:
                made_by = manifest.packages.get("glotmill", "an unknown version")
                yield warning(
                    CHECK,
                    f"differs from what glotmill {own_version} writes; it was made by {made_by}",
                    path,
                )
    recorded = {record.path: record for record in manifest.files}
    for file in card.files:
        record = recorded.get(file.path)
        if record is None or (file.size_bytes, file.sha256, file.documents) != (
            record.bytes,
            record.sha256,
            record.rows,
        ):
            yield error(CHECK, "is described otherwise by the card and by the manifest", file.path)
    if len(card.files) != sum(path.startswith("data/") for path in recorded):
        yield error(CHECK, "lists other published files than the manifest", CARD)
    if (card.identity.name, card.identity.version) != (manifest.corpus, manifest.version):
        yield error(CHECK, "has another name or version than the manifest", CARD)
    if dict(card.packages) != dict(manifest.packages):
        yield error(CHECK, "names other packages than the manifest", CARD)
    if recipe_hash(card.recipe) != manifest.recipe_sha256:
        yield error(CHECK, "holds another recipe than the manifest names", CARD)
    if store.exists(RECIPE) and store.read(RECIPE).decode(errors="replace") != card.recipe:
        yield error(CHECK, "is not the recipe on the card", RECIPE)


def licence_findings(card: Card) -> Iterator[Finding]:
    """Name sources whose licence does not go together with the one that the corpus declares."""
    declared = (card.identity.licence or "").lower()
    if declared in _UNSTATED:
        return
    for source in card.sources:
        for words in incompatible(source.licence, declared):
            yield warning("licences", f"source {source.name}: {words}")


def incompatible(licence: str | None, declared: str) -> Iterator[str]:
    """Say why texts under a licence do not go into a corpus that declares another.

    >>> list(incompatible("CC-BY-NC-4.0", "cc-by-4.0"))
    ['cc-by-nc-4.0 forbids commercial use, the corpus declares cc-by-4.0']
    """
    its, declared = (licence or "").lower(), declared.lower()
    if its in _UNSTATED:
        yield f"its licence is not known, the corpus declares {declared}"
    for ending, words in _BINDING.items():
        if ending in its and ending not in declared:
            yield f"{its} {words}, the corpus declares {declared}"
