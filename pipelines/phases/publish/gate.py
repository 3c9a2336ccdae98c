"""The gate of publishing: strata of doubt that speakers' answers do not prove to be in their
language stand apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from schemas.card.proof import LanguageProof, PublishingGate
from schemas.recipe import PublishConfig
from stages.proof.precision import StratumAnswers, proved
from stages.proof.sheet import language_proof, read_answers
from stages.proof.strata import STRATA


def publishing_gate(
    publish: PublishConfig,
) -> tuple[tuple[LanguageProof, ...], PublishingGate | None]:
    """Read the answers that a recipe names: what they prove of each label, and how many strata of
    it are published.

    The strata were counted in the corpus that the sheets are of. Raises OSError for a file that
    cannot be read, ValueError for what is no filled sheet.
    """
    if publish.min_precision is None:
        return (), None
    answers = read_answers([Path(path).read_bytes() for path in publish.answers])
    proofs = []
    for (label,), own in sorted(answers.judged.partition_by("label", as_dict=True).items()):
        places = np.asarray([STRATA.index(name) for name in own["stratum"].to_list()], np.int64)
        proofs.append(
            language_proof(label, places, own["judgement"].to_list(), answers.sizes[label])
        )
    gate = {
        proof.label: proved(
            [StratumAnswers(part.documents, part.answered, part.right) for part in proof.strata],
            publish.min_precision,
        )
        for proof in proofs
    }
    return tuple(proofs), PublishingGate(min_precision=publish.min_precision, proved=gate)
