"""The sheet that a speaker fills: passages of a label's documents, drawn by strata of doubt, and
the answers to them.

The answers are those of "Quality at a Glance" (Kreutzer et al., TACL 10, 2022), whose acceptable
ones are text in the language, with one for text that a machine translated.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from schemas.card.proof import LanguageProof, StratumProof
from schemas.columns import column
from schemas.language import parse_label
from stages.keys import hash_keys
from stages.proof.precision import StratumAnswers, precision
from stages.proof.strata import STRATA, allocate
from stages.sheets import read_sheet, safe_cell

IN_LANGUAGE = ("correct", "boilerplate", "translated", "offensive")
NOT_IN_LANGUAGE = ("wrong_language", "not_language")
_SPACE = re.compile(r"\s")
CANNOT_TELL = "cannot_tell"
ANSWERS = (*IN_LANGUAGE, *NOT_IN_LANGUAGE, CANNOT_TELL)
PASSAGE, NEIGHBOURS = 300, 200  # code points shown of a document, and around it
WORD = 40  # code points within which a space is looked for, so that no word is cut
LONGEST_NOTE = 1000

SHEET = pa.schema(
    [
        column("document", pa.string(), "Id of the document."),
        column("label", pa.string(), "Language and script that the corpus files it under."),
        column("stratum", pa.string(), "Stratum of doubt."),
        column("stratum_documents", pa.string(), "Found documents of the label in this stratum."),
        column("before", pa.string(), "What stands before the passage."),
        column("passage", pa.string(), "What is to be judged."),
        column("after", pa.string(), "What stands after it."),
        column("url", pa.string(), "Address of the document; empty if unknown."),
        column("judgement", pa.string(), f"{', '.join(ANSWERS)}; empty while not judged."),
        column("note", pa.string(), "Whatever the speaker wants to say."),
    ]
)
NEEDED = ("document", "label", "stratum", "stratum_documents", "judgement")


def draw(ids: pa.Array, strata: npt.NDArray[np.int8], budget: int) -> npt.NDArray[np.int64]:
    """Draw about `budget` of n documents, more of doubtful strata than of sure ones; return their
    places.

    In each stratum those with the smallest hashes of their ids are drawn: a larger budget draws the
    same ones and more. The places are in an order whose every beginning holds the strata in their
    proportions, as far as it can: a speaker may stop early.
    """
    keys = hash_keys(ids)
    sizes = np.bincount(strata, minlength=len(STRATA))
    drawn, when = [np.empty(0, np.int64)], [np.empty(0)]
    for stratum, wanted in enumerate(allocate(sizes.tolist(), budget)):
        members = np.flatnonzero(strata == stratum)
        order = np.lexsort((keys["low"][members], keys["high"][members]))[:wanted]
        drawn.append(members[order])
        when.append((np.arange(wanted) + 0.5) / max(wanted, 1))
    places = np.concatenate(drawn)
    return places[np.lexsort((strata[places], np.concatenate(when)))]


def passages(texts: Sequence[str], ids: pa.Array) -> pl.DataFrame:
    """Choose a passage of each of n texts by the hash of its id; return columns `before`,
    `passage`, `after`.

    A passage begins and ends at a space, where one is near.
    """
    parts = []
    for text, key in zip(texts, hash_keys(ids)["low"].tolist(), strict=True):  # a sheet is short
        window = key % max(-(-len(text) // PASSAGE), 1)
        start, end = (
            _at_space(text, place) for place in (window * PASSAGE, (window + 1) * PASSAGE)
        )
        parts.append(
            (
                text[max(start - NEIGHBOURS, 0) : start],
                text[start:end],
                text[end : end + NEIGHBOURS],
            )
        )
    return pl.DataFrame(
        parts, schema=dict.fromkeys(("before", "passage", "after"), pl.String), orient="row"
    )


def _at_space(text: str, place: int) -> int:
    """Move a place to after the next space, if it is near; the ends of the text stay."""
    if not 0 < place < len(text):
        return place
    space = _SPACE.search(text, place, place + WORD)
    return space.end() if space else place


def as_sheet(frame: pl.DataFrame) -> pa.Table:
    """Write passages as a SHEET without answers: cells are one line each, and none is a formula."""
    cells = frame.with_columns(
        safe_cell(pl.col("before", "passage", "after", "url").fill_null(""), PASSAGE + NEIGHBOURS),
        pl.col("stratum_documents").cast(pl.String),
        judgement=pl.lit(""),
        note=pl.lit(""),
    ).to_arrow()
    return pa.table([cells[field.name].cast(field.type) for field in SHEET], SHEET)


class Answers(NamedTuple):
    """Filled sheets: a row for each judged document, sorted, and the number of documents of each
    label's strata."""

    judged: pl.DataFrame  # document, label, stratum, judgement
    sizes: dict[str, list[int]]  # by label, in the order of STRATA


def read_answers(contents: Sequence[bytes]) -> Answers:
    """Read filled sheets; what several speakers answered differently is `cannot_tell`.

    Raises ValueError for answers that are none, with their rows, and for sheets that say different
    things of a stratum.
    """
    frames = []
    for sheet in contents:
        frame = pl.DataFrame(read_sheet(sheet, SHEET.names, NEEDED)).select(NEEDED)
        written = pl.col("judgement").str.strip_chars().str.to_lowercase()
        frame = frame.with_columns(written.str.replace_all(r"[\s-]+", "_"))  # as one types it
        wrong = frame.with_row_index("row", offset=2).filter(  # row 1 is the header
            ~pl.col("judgement").is_in(["", *ANSWERS])
            | ~pl.col("stratum").is_in(STRATA)
            | ~pl.col("stratum_documents").str.contains(r"^\d{1,15}$")
        )
        if len(wrong):
            lines = ", ".join(
                f"row {row} ({answer!r})" for row, answer in wrong["row", "judgement"].rows()[:10]
            )
            raise ValueError(
                f"judgement must be one of {', '.join(ANSWERS)} or empty, in a sheet of ours; got {lines}"
            )
        frames.append(frame)
    rows = pl.concat(frames).with_columns(pl.col("stratum_documents").cast(pl.Int64))
    sizes: dict[str, list[int]] = {}
    for label, stratum, documents in (
        rows.select("label", "stratum", "stratum_documents").unique().sort(pl.all()).rows()
    ):
        of_label = sizes.setdefault(str(parse_label(label)), [0] * len(STRATA))
        if of_label[STRATA.index(stratum)]:
            raise ValueError(
                f"sheets must be of one corpus, got several sizes of a stratum of {label}"
            )
        of_label[STRATA.index(stratum)] = documents
    judged = rows.filter(pl.col("judgement") != "")
    if not len(judged):
        raise ValueError(
            f"sheet must hold answers, got none; write {', '.join(ANSWERS[:2])} ... into judgement"
        )
    agreed = (
        pl.when(pl.col("judgement").n_unique() == 1)
        .then(pl.col("judgement").first())
        .otherwise(pl.lit(CANNOT_TELL))
    )
    by_document = (
        judged.group_by("document", "label", "stratum")
        .agg(judgement=agreed)
        .sort("label", "document")
    )
    return Answers(by_document, sizes)


def language_proof(
    label: str,
    strata: npt.NDArray[np.int64],
    judgements: Sequence[str],
    sizes: Sequence[int],
    judged_by: str = "",
) -> LanguageProof:
    """Estimate the precision of a label from n judgements and their strata (places in STRATA).

    `sizes` are the documents of each stratum. Raises ValueError if no judgement tells.
    """
    said = np.asarray(judgements)
    right, wrong = np.isin(said, IN_LANGUAGE), np.isin(said, NOT_IN_LANGUAGE)
    rights, tell = (
        np.bincount(strata[chosen], minlength=len(STRATA)) for chosen in (right, right | wrong)
    )
    counts = [StratumAnswers(*map(int, row)) for row in zip(sizes, tell, rights, strict=True)]
    interval = precision(counts)
    if interval is None:
        raise ValueError(f"{label}: no answer tells whether a passage is in the language")
    return LanguageProof(
        label=label,
        strata=tuple(
            StratumProof(stratum=name, **count._asdict())
            for name, count in zip(STRATA, counts, strict=True)
        ),
        judgements={
            str(name): int(number)
            for name, number in zip(*np.unique(said, return_counts=True), strict=True)
        },
        precision=interval.share,
        low=interval.low,
        high=interval.high,
        judged_by=judged_by,
    )
