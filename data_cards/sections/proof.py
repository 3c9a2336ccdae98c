"""The proof section: how sure it is that the documents of each label are in its language."""

from __future__ import annotations

from typing import Any, NamedTuple

from data_cards.languages import is_language, language_facts
from schemas.card.card import Card
from schemas.card.proof import LanguageProof
from schemas.card.splits import SUBSETS_APART

UNPROVED = SUBSETS_APART[1]


class ProofRow(NamedTuple):
    """A judged label as the pages show it."""

    name: str
    proof: LanguageProof
    answered: int
    right: int
    documents: int


def proof_rows(card: Card) -> list[ProofRow]:
    """Return a row for each judged label, sorted by label."""
    return [
        ProofRow(
            language_facts(proof.label).name,
            proof,
            sum(stratum.answered for stratum in proof.strata),
            sum(stratum.right for stratum in proof.strata),
            sum(stratum.documents for stratum in proof.strata),
        )
        for proof in card.proofs
    ]


def gate_words(card: Card) -> str:
    """Say what is published apart since no answers prove it, and what that costs; empty without
    such a gate."""
    if card.gate is None:
        return ""
    apart = sum(file.documents for file in card.files if file.split == UNPROVED)
    right = lost = 0.0
    for proof in card.proofs:
        shares = [part.documents * part.right / max(part.answered, 1) for part in proof.strata]
        right += sum(shares)
        lost += sum(shares[card.gate.proved[proof.label] :])
    share = lost / right if right else 0.0
    return (
        f"Strata of doubt whose documents are not proved to be at least {card.gate.min_precision:.0%} in the language "
        f"are subsets of their own, such as eus_Latn_{UNPROVED}: {apart:,} documents. By the answers, {share:.1%} of "
        "the documents in the judged languages are among them."
    )


def views(card: Card) -> dict[str, Any]:
    """Name what the templates show of this section."""
    return {
        "proof_rows": proof_rows(card),
        "gate_words": gate_words(card),
        "unproved_labels": len(
            {label for label in card.statistics if is_language(label)}
            - {p.label for p in card.proofs}
        ),
    }
