"""What decontamination found, in figures, and what a human says of it.

`contamination_rates` counts how much of each evaluation set stood in the corpus. `judging_sheet`
samples matches into a table that opens in any spreadsheet program; whoever reads the language
writes `yes` or `no` into its last column, and `judged_precision` reads it back. The interval is
Wilson's (1927), which holds for few answers too.

Matches come in parts, each with all matches of its documents: what is counted and sampled does not
depend on where they were cut.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from schemas.columns import column, require_columns
from schemas.intervals import wilson_interval
from stages.decontamination.evaluation_sets import ITEM
from stages.decontamination.matching import MATCH
from stages.keys import hash_keys
from stages.sheets import safe_cell

FINDING = pa.schema(
    [
        column("document", pa.string(), "Id of the document."),
        column(
            "language",
            pa.string(),
            "ISO 639-3 code of the document; null if unknown.",
            nullable=True,
        ),
        *(ITEM.field(name) for name in ("evaluation_set", "part", "item", "field")),
        *(MATCH.field(name) for name in ("form", "overlap", "spans", "passage")),
    ]
)
RATE = pa.schema(
    [
        column("evaluation_set", pa.string(), "Name of the evaluation set."),
        column(
            "language", pa.string(), "ISO 639-3 code of its texts; null if unknown.", nullable=True
        ),
        column("texts", pa.int64(), "Texts of the set in this language, equal ones counted once."),
        column("texts_checked", pa.int64(), "Those of them that are long enough to be looked for."),
        column("texts_found", pa.int64(), "Those of them that stand in the corpus."),
        column("documents", pa.int64(), "Documents of the corpus that hold any of them."),
        column(
            "rate",
            pa.float64(),
            "`texts_found` / `texts_checked`; null if none was checked.",
            nullable=True,
        ),
    ]
)
SHEET = pa.schema(
    [
        column(
            "match",
            pa.string(),
            "Key of document and text, by which answers are matched: `m` and 32 hex digits.",
        ),
        column("evaluation_set", pa.string(), "Name of the evaluation set."),
        column("part", pa.string(), "Configuration and split."),
        column("item", pa.string(), "Id of the item."),
        column("field", pa.string(), "Field of the item."),
        column(
            "language", pa.string(), "ISO 639-3 code of the item; null if unknown.", nullable=True
        ),
        column("form", pa.string(), "How it was found."),
        column("overlap", pa.float64(), "Share of the text that was found."),
        column("item_text", pa.string(), "The evaluation text, at most 1,000 code points."),
        column("document", pa.string(), "Id of the document."),
        column("passage", pa.string(), "Where it stands in the document, with some text around."),
        column(
            "judgement",
            pa.string(),
            "`yes` if the passage is the item, `no` if not, empty while not judged.",
        ),
    ]
)
PRECISION = pa.schema(
    [
        column("evaluation_set", pa.string(), "Name of the evaluation set."),
        column("judged", pa.int64(), "Matches that a human judged."),
        column("right", pa.int64(), "Those of them that are the item."),
        column("precision", pa.float64(), "`right` / `judged`."),
        column("low", pa.float64(), "Lower end of the 95 % interval (Wilson)."),
        column("high", pa.float64(), "Upper end of the 95 % interval (Wilson)."),
    ]
)
_LONGEST_CELL = 1000
_ANSWERS = ("yes", "no", "")
NEEDED = ("match", "evaluation_set", "judgement")  # columns of a sheet that comes back


def items_by_set(numbered: pa.Table) -> pl.DataFrame:
    """Choose, of items with numbered texts, the first of each set that has a text: the one that a
    match names."""
    items = pl.DataFrame(numbered).unique(
        ["evaluation_set", "item_text"], keep="first", maintain_order=True
    )
    return items.rename({"language": "item_language", "text": "written"})


def findings(matches: pa.Table, items: pl.DataFrame) -> pa.Table:
    """Name the items of matches (MATCH), one FINDING for each evaluation set that has the text, in
    their order."""
    require_columns(matches, MATCH, MATCH.names)
    return _as(_named(matches, items).rename({"id": "document"}), FINDING)


def contamination_rates(
    parts: Iterable[pa.Table], numbered: pa.Table, checked: npt.NDArray[np.bool_]
) -> pa.Table:
    """Count, for each evaluation set and language, its texts and those found, as RATE sorted by set
    and language.

    `numbered` are the items with the numbers of their texts, `checked` says which texts were looked
    for.
    """
    texts = pl.DataFrame(numbered).select("evaluation_set", "language", "item_text").unique()
    group = ["evaluation_set", "language"]
    found = np.zeros(len(checked), bool)
    held = [texts.select(group).clear().with_columns(documents=pl.lit(0, pl.UInt32))]
    for matches in parts:
        require_columns(matches, MATCH, ("row", "item_text"))
        found[matches["item_text"].to_numpy()] = True
        pairs = texts.join(
            pl.DataFrame(matches.select(["row", "item_text"])), on="item_text", how="inner"
        )
        held.append(pairs.group_by(group).agg(documents=pl.col("row").n_unique()))
    documents = pl.concat(held).group_by(group).agg(pl.col("documents").cast(pl.Int64).sum())
    numbers = texts["item_text"].to_numpy()
    rates = (
        texts.with_columns(checked=checked[numbers], found=found[numbers])
        .group_by(group)
        .agg(
            texts=pl.len(), texts_checked=pl.col("checked").sum(), texts_found=pl.col("found").sum()
        )
        .join(documents, on=group, how="left", nulls_equal=True)
        .with_columns(pl.col("documents").fill_null(0))
        .with_columns(
            rate=pl.when(pl.col("texts_checked") > 0).then(
                pl.col("texts_found") / pl.col("texts_checked")
            )
        )
        .sort(group)
    )
    return _as(rates, RATE)


def judging_sheet(
    parts: Iterable[pa.Table], items: pl.DataFrame, per_set: int = 50, seed: int = 0
) -> pa.Table:
    """Sample up to `per_set` matches of each evaluation set into a SHEET to be judged, by a hash
    that `seed` changes.

    Cells are one line each, and one that a spreadsheet program would take for a formula begins with
    an apostrophe.
    """
    sampled = [_as(pl.DataFrame(schema=dict.fromkeys(SHEET.names, pl.String)), SHEET)]
    for matches in parts:
        require_columns(matches, MATCH, MATCH.names)
        sampled.append(_sample(_keyed(_named(matches, items), seed), per_set))
    whole = _sample(pl.DataFrame(pa.concat_tables(sampled)), per_set)
    text = pl.col(pl.String).exclude("match", "judgement")
    return _as(pl.DataFrame(whole).with_columns(safe_cell(text, _LONGEST_CELL)), SHEET)


def _named(matches: pa.Table, items: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(matches).join(
        items, on="item_text", how="inner", maintain_order="left_right"
    )


def _keyed(named: pl.DataFrame, seed: int) -> pl.DataFrame:
    identity = pl.concat_str(
        pl.lit(str(seed)),
        "id",
        "evaluation_set",
        "part",
        "item",
        "field",
        "written",
        separator="\0",
    )
    keys = hash_keys(named.select(identity).to_series().to_arrow().cast(pa.large_string()))
    match = pl.Series(
        "match", [f"m{high:016x}{low:016x}" for high, low in keys.tolist()], dtype=pl.String
    )
    return named.with_columns(
        match, language="item_language", item_text="written", document="id", judgement=pl.lit("")
    )


def _sample(lines: pl.DataFrame, per_set: int) -> pa.Table:
    """Keep the lines of each set with the smallest keys; an id that stands for two documents counts
    once."""
    sampled = lines.sort("evaluation_set", "match").unique(
        "match", keep="first", maintain_order=True
    )
    return _as(sampled.filter(pl.int_range(pl.len()).over("evaluation_set") < per_set), SHEET)


def fill_sheet(own: pa.Table, given: pa.Table) -> pa.Table:
    """Put the answers of a sheet that came back into the corpus's own sheet; a match without one
    stays empty.

    Raises ValueError for answers other than yes, no and nothing, and for a match that is not of
    this corpus.
    """
    judged_precision(given)
    frame = pl.DataFrame(given.select(["match", "evaluation_set", "judgement"])).with_row_index(
        "row", offset=2
    )
    known = pl.DataFrame(own.select(["match", "evaluation_set"]))
    foreign = frame.join(known, on=["match", "evaluation_set"], how="anti", maintain_order="left")
    if len(foreign):
        lines = ", ".join(f"row {row} ({match!r})" for row, match, *_ in foreign.rows()[:5])
        raise ValueError(
            f"match and evaluation_set must be of this corpus's own sheet, got {lines}"
        )
    answers = frame.select("match", answer=pl.col("judgement").str.strip_chars().str.to_lowercase())
    if not (answers["answer"] != "").any():
        raise ValueError(
            "sheet must hold answers, got none; write yes or no into the column judgement"
        )
    filled = pl.DataFrame(own).join(answers, on="match", how="left", maintain_order="left")
    return _as(filled.with_columns(judgement=pl.col("answer").fill_null("")), SHEET)


def judged_precision(sheet: pa.Table) -> pa.Table:
    """Turn a judged SHEET into a PRECISION row for each evaluation set that has answers, sorted by
    name.

    Answers may be in capitals and have space around. Raises ValueError that names the rows with any
    other answer, or with a match that stands there twice.
    """
    require_columns(sheet, SHEET, ("match", "evaluation_set", "judgement"))
    frame = pl.DataFrame(sheet.select(["match", "evaluation_set", "judgement"]))
    frame = frame.with_columns(
        pl.col("judgement").fill_null("").str.strip_chars().str.to_lowercase()
    )
    wrong = frame.with_row_index("row", offset=2).filter(  # row 1 is the header
        ~pl.col("judgement").is_in(_ANSWERS) | pl.col("match").is_duplicated()
    )
    if len(wrong):
        lines = ", ".join(f"row {row} ({answer!r})" for row, _, _, answer in wrong.rows()[:10])
        raise ValueError(f"judgement must be yes, no or empty, once for each match; got {lines}")
    judged = (
        frame.filter(pl.col("judgement") != "")
        .group_by("evaluation_set")
        .agg(judged=pl.len(), right=(pl.col("judgement") == "yes").sum())
        .sort("evaluation_set")
    )
    judged = judged.with_columns(precision=pl.col("right") / pl.col("judged"))
    ends = [
        wilson_interval(share, trials)
        for share, trials in judged.select("precision", "judged").rows()
    ]
    low, high = (pl.Series([end[side] for end in ends], dtype=pl.Float64) for side in (0, 1))
    return _as(judged.with_columns(low=low, high=high), PRECISION)


def _as(frame: pl.DataFrame, schema: pa.Schema) -> pa.Table:
    table = frame.to_arrow()
    return pa.table([table[field.name].cast(field.type) for field in schema], schema)
