"""Strata of doubt: documents parted by how likely they are in another language than their label
says.

A sample in which doubtful documents are taken more often than sure ones, with known probabilities,
tells the precision of a label by fewer answers of a speaker than one taken evenly (stratified
sampling; Cochran, "Sampling Techniques", 3rd edition, 1977, chapter 5). The doubt below orders
documents; that it is no exact probability costs answers, and not truth: the interval uses the
answers alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.language import one_code, to_iso639_3

STRATA = ("sure", "likely", "unsure", "doubtful")  # in the order of doubt
LIMITS = (0.02, 0.1, 0.3)  # a doubt of the first of these and more is no longer `sure`
# share of each stratum, by which a first sample is divided; a guess
EXPECTED_WRONG = (
    0.01,
    0.05,
    0.2,
    0.4,
)
UNIDENTIFIED = 0.5  # doubt of a document whose language was taken from its source
# factors of the doubt where a page, a source or another model names a language
AGREES, DIFFERS = (
    1 / 3,
    3.0,
)
# doubt at least where one of these names another language: sure models are wrong together
LEAST = 0.05
UNCLEAR = 0.1  # doubt at least where only a group of near neighbours is clear, or the text is mixed
MIXED = 0.2  # share of letters in other languages from which a text is mixed
COLUMNS = (
    "language",
    "language_score",
    "declared_language",
    "language_group",
    "other_language_share",
    "languages_agree",
)


def strata(table: pa.Table) -> npt.NDArray[np.int8]:
    """Return the stratum of each of n documents, as places in STRATA; of COLUMNS only `language`
    must be there."""
    return np.searchsorted(LIMITS, doubts(table), side="right").astype(np.int8)


def doubts(table: pa.Table) -> npt.NDArray[np.float64]:
    """Estimate how likely each of n documents is in another language than its label says, in [0,
    1]."""
    scores = _floats(table, "language_score")
    doubt = np.where(np.isnan(scores), UNIDENTIFIED, 1 - scores)
    declared = _declared(table)
    same = np.asarray(declared) == np.asarray(table["language"].to_pylist(), object)
    named = np.asarray([code is not None for code in declared], bool)
    against = named & ~same
    if "languages_agree" in table.column_names:
        against |= ~pc.fill_null(table["languages_agree"], True).to_numpy()
    doubt *= np.select([against, named], [DIFFERS, AGREES], 1.0)
    doubt[against] = np.maximum(doubt[against], LEAST)
    unclear = _floats(table, "other_language_share") >= MIXED  # false for those that are not known
    if "language_group" in table.column_names:
        unclear |= pc.is_valid(table["language_group"]).to_numpy()
    doubt[unclear] = np.maximum(doubt[unclear], UNCLEAR)
    return np.clip(doubt, 0.0, 1.0)


def allocate(documents: Sequence[int], budget: int) -> list[int]:
    """Divide a budget of answers among strata of so many documents, as their size and expected
    spread ask.

    Source: Neyman, Journal of the Royal Statistical Society 97, 1934. A stratum that has documents
    gets at least two, as far as it has them.

    >>> allocate([5000, 400, 100, 1], 60)
    [48, 8, 4, 1]
    """
    sizes = np.asarray(documents, np.int64)
    spread = np.sqrt(np.multiply(EXPECTED_WRONG, np.subtract(1, EXPECTED_WRONG)))
    weights = sizes * spread
    least = np.minimum(sizes, 2)
    if not weights.sum():
        return [0] * len(sizes)
    share = np.maximum(np.rint(budget * weights / weights.sum()).astype(np.int64), least)
    return np.minimum(share, sizes).tolist()


def _floats(table: pa.Table, name: str) -> npt.NDArray[np.float64]:
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    values: npt.NDArray[np.float64] = pc.fill_null(
        table[name].cast(pa.float64()), np.nan
    ).to_numpy()
    return values


def _declared(table: pa.Table) -> list[str | None]:
    """Read the declared languages as the codes of labels; None where there is none, or no such
    code."""
    if "declared_language" not in table.column_names:
        return [None] * table.num_rows
    column = table["declared_language"].combine_chunks().dictionary_encode()
    codes = []
    for tag in column.dictionary.to_pylist():  # one lookup a tag that occurs
        code = to_iso639_3(tag.replace("_", "-").split("-")[0].lower()) if tag else None
        codes.append(one_code(code) if code else None)
    return [None if place is None else codes[place] for place in column.indices.to_pylist()]
