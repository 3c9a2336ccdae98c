"""Benchmark: do the intervals of `glotmill audit import` hold the truth, and how many answers do
strata of doubt save?

    make bench NAME=proof

Simulated corpora of eight languages, of 1, 10 and 50 % of whose documents the truth is another
language. Their doubt stands as identification gives it: wrong documents have lower scores, more
often another declared language, in each language to another degree. Simulated speakers, who know
the truth, answer samples of 60 passages, a thousand for each corpus; even samples of the same
documents are judged for comparison, with Wilson's interval. `answers_saved` is the share of answers
that the strata need less than an even sample, for intervals of the same mean width.

`left_after_withdrawal` counts the rows of a corpus that still have anything of withdrawn texts
after it was built again with a register: equal and near copies, copies in another script,
transliterations, translated sentences, samples, questions and responses are planted; each has a
number by which it is found (tests/withdrawals.py). `had_before_withdrawal` are the rows that had.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stages.proof.precision import StratumAnswers, precision
from stages.proof.strata import STRATA, allocate, strata
from tests.endpoints import FaultyEndpoint
from tests.running import run
from tests.withdrawals import TAKEN, WITHDRAWN, answered, left_of, write_corpus

LANGUAGES = {  # how much lower the scores of wrong documents are, and how often a page names the other language
    "yor": (2.5, 0.4), "zul": (1.5, 0.2), "eus": (3.0, 0.5), "mlt": (2.0, 0.3),
    "uig": (3.5, 0.5), "khm": (4.0, 0.6), "bod": (3.0, 0.2), "hau": (1.0, 0.1),
}  # fmt: skip
CONTAMINATION = (0.01, 0.1, 0.5)
DOCUMENTS, BUDGET, DRAWS = 5000, 60, 1000


def corpus(
    number: int, rate: float, lower: float, declares: float
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Simulate a label: the stratum of each document, and whether it is in another language."""
    chance = np.random.default_rng(number)
    wrong = np.arange(DOCUMENTS) < rate * DOCUMENTS
    logits = chance.normal(4.5, 1.5, DOCUMENTS) - lower * wrong
    names_other = chance.random(DOCUMENTS) < np.where(wrong, declares, 0.02)
    names_own = ~names_other & (chance.random(DOCUMENTS) < 0.3)
    declared = np.select([names_other, names_own], ["en", "yo"], "")
    found = strata(
        pa.table(
            {
                "language": ["yor"] * DOCUMENTS,
                "language_score": 1 / (1 + np.exp(-logits)),
                "declared_language": [tag or None for tag in declared.tolist()],
            }
        )
    )
    return found, wrong


def judged(
    sizes: Any, wrong: Any, answered: Any, chance: np.random.Generator
) -> tuple[bool, float]:
    """Let a speaker answer one sample: does the interval hold the truth, and how wide is it?"""
    seen = answered - chance.hypergeometric(wrong, sizes - wrong, answered)
    found = precision(
        [StratumAnswers(*map(int, row)) for row in zip(sizes, answered, seen, strict=True)]
    )
    assert found is not None
    return found.low <= 1 - wrong.sum() / sizes.sum() <= found.high, found.high - found.low


def withdrawal() -> dict[str, int]:
    """Build a corpus with copies of every kind, and again with a register; count the rows that have
    anything of the withdrawn texts, before and after."""

    def rows_left(output: Path) -> int:
        return sum(int(found.rpartition(": ")[2]) for found in left_of(output, TAKEN))

    with (
        tempfile.TemporaryDirectory() as name,
        FaultyEndpoint(answered).serving() as server,
    ):
        folder = Path(name)
        run(write_corpus(folder, server.base_url), folder / "out", "--keep-staging")
        before = rows_left(folder / "out")
        again = write_corpus(folder, server.base_url, WITHDRAWN, "again")
        run(again, folder / "out")
        return {
            "had_before_withdrawal": before,
            "left_after_withdrawal": rows_left(folder / "out"),
        }


def main() -> None:
    rows = []
    for number, (language, (lower, declares)) in enumerate(LANGUAGES.items()):
        for rate in CONTAMINATION:
            of, wrong = corpus(number, rate, lower, declares)
            chance = np.random.default_rng(1000 + number)
            sizes = np.bincount(of, minlength=len(STRATA))
            false = np.bincount(of[wrong], minlength=len(STRATA))
            answered = np.asarray(allocate(sizes.tolist(), BUDGET))
            even = np.asarray([answered.sum()])
            drawn = [judged(sizes, false, answered, chance) for _ in range(DRAWS)]
            evenly = [
                judged(sizes.sum(keepdims=True), false.sum(keepdims=True), even, chance)
                for _ in range(DRAWS)
            ]
            coverage, width = np.mean(drawn, axis=0)
            even_coverage, even_width = np.mean(evenly, axis=0)
            rows.append(
                (
                    language,
                    rate,
                    coverage,
                    width,
                    even_coverage,
                    even_width,
                    1 - (width / even_width) ** 2,
                )
            )
            by_strata = f"strata {coverage:.3f} held, width {width:.3f}"
            by_chance = f"evenly {even_coverage:.3f} held, width {even_width:.3f}"
            print(
                f"{language} {rate:4.0%} wrong: {by_strata}; {by_chance}; {rows[-1][-1]:.0%} of the answers saved"
            )
    values = np.asarray([row[2:] for row in rows], float)
    print(
        json.dumps(
            {
                "coverage": round(float(values[:, 0].mean()), 4),
                "worst_coverage": round(float(values[:, 0].min()), 4),
                "even_coverage": round(float(values[:, 2].mean()), 4),
                "answers_saved": round(float(values[:, 4].mean()), 4),
                "answers_saved_by_contamination": {
                    f"{rate:.0%}": round(
                        float(values[[row[1] == rate for row in rows], 4].mean()), 4
                    )
                    for rate in CONTAMINATION
                },
                "draws": DRAWS * len(rows),
                **withdrawal(),
            }
        )
    )


if __name__ == "__main__":
    main()
