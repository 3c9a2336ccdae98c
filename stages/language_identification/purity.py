"""Keep documents to their language: find the lines that are in another one, and drop, cut or mark
them.

Every line with enough letters is identified by itself. It is in another language if its letters are
in another script; or if all of these hold, since a model takes lines of small languages for those
of their relatives with scores of 0.9 and more, and mostly errs where a language that it knows well
is near:

- another language is sure (a score of OTHER_LANGUAGE_SCORE or more) and no near neighbour of the
  document's;
- neither the document's language nor a neighbour is among the model's other candidates;
- the line has SAME_SCRIPT_LETTERS, and less than SHARED_WORDS of them are in words that the
  document's own lines have too.

Lines that say too little, and those that are doubtful, stay with the document. Measured on
pieces of eight lines of the Declaration in 307 languages: 17 of 20,170 lines are lost (168 with
the first condition alone), over 1 % in 11 languages (54); of lines of 12 large languages planted
in 24 others 97.4 % are found (98.0 %).

A second model may be asked about the whole document. Where it names another language, or
identification itself could not tell among near neighbours, the document is doubtful: published
apart (`eus_Latn_doubtful`) if the recipe says so. Two models that agree are right more often than
either, at the cost of coverage, most of it in small languages (measured for OpenLID by its
authors): so nothing is dropped for doubt.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.columns import require_columns
from schemas.document import DOCUMENT
from schemas.language import COMMON_SCRIPT, NO_LINGUISTIC_CONTENT, UNDETERMINED
from schemas.language_groups import group_of
from schemas.ledger import CHANGE
from schemas.model_signals import DOUBTFUL, LANGUAGES_AGREE, OTHER_LANGUAGE_SPANS
from stages.batches import FilteredAndChanged, Measured, reject, set_columns
from stages.language_identification.cascade import Candidates
from stages.language_identification.identify import (
    OTHER_LANGUAGE_SCORE,
    LanguageIdentificationConfig,
    predict_languages,
)
from stages.language_identification.labels import same_script
from stages.language_identification.passages import judge_lines
from stages.language_identification.purity_options import LanguagePurityConfig

LINE_LETTERS = 20  # by content; a shorter line says too little of its script
# headings with a number ("Artículo 3. ...") are taken for the large language
SAME_SCRIPT_LETTERS = 30
SHARED_WORDS = 0.25  # by letters; a line of its document has half, one of another language a tenth
_LINE_CODE_POINTS = 1000  # read of a line
_WORD = r"[\p{L}\p{M}]+"
_REQUIRED = ("text", "language", "script", "language_group", "other_language_share")
Identify = Callable[[list[str]], Candidates]


class Lines(NamedTuple):
    """Lines of n documents: document, text, letters (by content), and the label of one in another
    language, or null.

    `starts` are the code points of the document before each line.
    """

    documents: NDArray[np.int64]
    texts: pl.Series
    starts: NDArray[np.int64]
    letters: NDArray[np.float64]
    other: NDArray[np.object_]


def language_purity(
    batch: pa.RecordBatch,
    identify: Identify,
    config: LanguagePurityConfig,
    second: Identify | None = None,
) -> FilteredAndChanged:
    """Split n identified documents into kept and rejected by their lines; the two sum to n, order
    kept.

    The reason is `other_language` (value: share of letters, detail: the label that most of them
    have). Sets `other_language_share`, adds OTHER_LANGUAGE_SPANS with `mark`, LANGUAGES_AGREE with
    a second model, and DOUBTFUL with `apart`. Documents that are `und` or `zxx` pass. With `cut`
    texts change, and CHANGE rows count it. Raises SchemaError if a column is missing or mistyped.
    """
    require_columns(batch, DOCUMENT, _REQUIRED)
    lines = identify_lines(batch, identify)
    rows = batch.num_rows
    is_other = lines.other != None  # noqa: E711 - element by element
    letters = np.bincount(lines.documents, lines.letters, rows)
    share = np.bincount(lines.documents, lines.letters * is_other, rows) / np.maximum(letters, 1e-9)
    known = _known(batch)
    batch = set_columns(batch, other_language_share=pa.array(share, mask=~known))
    batch = _with_second(batch, known, second, config)
    dropped = known & (share > config.max_other_share)
    out = pa.array(dropped)
    rejected = reject(
        batch.filter(out),
        config.stage,
        "other_language",
        Measured(pa.array(share).filter(out), config.max_other_share),
        detail=pa.array(_most(lines, np.flatnonzero(dropped)), pa.string()),
    )
    changes = CHANGE.empty_table()
    if config.other_lines == "mark":
        batch = _with_spans(batch, lines, is_other)
    elif config.other_lines == "cut":
        batch, changes = _without(batch, lines, is_other & ~dropped[lines.documents])
    return FilteredAndChanged(batch.filter(pc.invert(out)), rejected, changes)


def identify_lines(batch: pa.RecordBatch, identify: Identify) -> Lines:
    """Find the lines of n documents, and name the label of each that is surely in another language
    or script.

    Lines are parted by line feeds alone, so that what is cut or marked is found again by them.
    """
    split = pl.Series(batch["text"].cast(pa.large_string())).fill_null("").str.split("\n")
    documents = np.repeat(np.arange(batch.num_rows), split.list.len().to_numpy())
    texts = split.explode(empty_as_null=False)
    lengths = texts.str.len_chars().to_numpy().astype(np.int64) + 1
    before = np.cumsum(lengths) - lengths
    first = np.searchsorted(documents, np.arange(batch.num_rows))
    starts = before - before[first][documents] if len(documents) else before
    distinct = texts.to_arrow().dictionary_encode()  # pages repeat their menus
    number = distinct.indices.to_numpy(zero_copy_only=False)
    judged = judge_lines(
        pl.Series(distinct.dictionary, dtype=pl.String).str.slice(0, _LINE_CODE_POINTS)
    )
    asked = np.flatnonzero((judged["linguistic"] & (judged["letters"] >= LINE_LETTERS)).to_numpy())
    found = identify(judged["text"].gather(asked).to_list())
    names = np.asarray([*found.languages, UNDETERMINED], object)[found.codes]
    best = names[:, 0]
    sure = (
        (found.scores[:, 0] >= OTHER_LANGUAGE_SCORE)
        & (best != UNDETERMINED)
        & (best != NO_LINGUISTIC_CONTENT)
    )
    candidates: dict[int, tuple[str, ...]] = dict.fromkeys(asked.tolist(), ())
    candidates |= zip(asked[sure].tolist(), map(tuple, names[sure].tolist()), strict=True)
    scripts = judged["script"].to_list()
    letters = np.where(judged["linguistic"].to_numpy(), judged["letters"].to_numpy(), 0).astype(
        np.float64
    )
    own = list(zip(batch["language"].to_pylist(), batch["script"].to_pylist(), strict=True))
    pairs = list(zip(documents.tolist(), number.tolist(), strict=True))
    # a look-up a line that a document has
    label = {
        (document, line): _other_label(
            own[document], scripts[line], candidates[line], letters[line]
        )
        for document, line in pairs
        if line in candidates
    }
    other = np.asarray([label.get(pair) for pair in pairs] + [None], object)[:-1]
    same = np.asarray(
        [
            other[row] is not None and same_script(own[document][1] or COMMON_SCRIPT, scripts[line])
            for row, (document, line) in enumerate(pairs)
        ],
        bool,
    )
    other[_of_their_documents(documents, texts, other, same)] = None
    return Lines(documents, texts, starts, letters[number], other)


def _of_their_documents(
    documents: NDArray[np.int64],
    texts: pl.Series,
    other: NDArray[np.object_],
    same: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Find the lines with a label of another language but the words of their documents' own lines.

    Asked are the lines that are `same` (in their document's script); a document's own lines are
    those without a label.
    """
    inside = np.flatnonzero(np.isin(documents, np.unique(documents[same])))
    words = (
        pl.DataFrame({"row": inside, "document": documents[inside], "text": texts.gather(inside)})
        .with_columns(
            own=pl.Series(other[inside] == None, dtype=pl.Boolean),  # noqa: E711
            word=pl.col("text")
            .str.slice(0, _LINE_CODE_POINTS)
            .str.to_lowercase()
            .str.extract_all(_WORD),
        )
        .explode("word")
        .drop_nulls("word")
    )
    asked = words.join(pl.DataFrame({"row": np.flatnonzero(same)}), on="row", how="semi")
    shared = asked.join(words.filter("own"), on=["document", "word"], how="semi")
    letters = pl.col("word").str.len_chars().sum()
    found = (
        asked.group_by("row")
        .agg(all=letters)
        .join(shared.group_by("row").agg(shared=letters), on="row")
        .filter(pl.col("shared") >= SHARED_WORDS * pl.col("all"))
    )
    return found["row"].to_numpy().astype(np.int64)


def _other_label(
    own: tuple[str | None, str | None],
    script: str,
    candidates: tuple[str, ...],
    letters: float,
) -> str | None:
    """Return the label of a line that is in another language or script than its document's `own`,
    or None.

    `candidates` are the line's languages, best first; none if the best is not sure. A near
    neighbour is none: models mix them up. Nor is Latin script in a document of another script a
    language by itself: a name or a term, unless it is surely in a language.
    """
    if own[0] in (None, UNDETERMINED, NO_LINGUISTIC_CONTENT) or script == COMMON_SCRIPT:
        return None
    same = same_script(own[1] or COMMON_SCRIPT, script)
    if not candidates:
        return None if same or script == "Latn" else f"{UNDETERMINED}_{script}"
    group = group_of(f"{own[0]}_{own[1]}")
    doubtful = letters < SAME_SCRIPT_LETTERS or any(
        language == own[0] or (group and group == group_of(f"{language}_{script}"))
        for language in candidates
    )
    return None if same and doubtful else f"{candidates[0]}_{script}"


def _most(lines: Lines, rows: NDArray[np.int64]) -> list[str]:
    """Name the other label with the most letters in each of these documents; of equals the first by
    its name."""
    inside = np.isin(lines.documents, rows) & (lines.other != None)  # noqa: E711
    frame = pl.DataFrame(
        {
            "document": lines.documents[inside],
            "label": lines.other[inside].tolist(),
            "letters": lines.letters[inside],
        },
        schema={"document": pl.Int64, "label": pl.String, "letters": pl.Float64},
    )
    summed = frame.group_by("document", "label").agg(pl.col("letters").sum())
    summed = summed.sort(["document", "letters", "label"], descending=[False, True, False])
    most = dict(
        summed.unique("document", keep="first", maintain_order=True)
        .select("document", "label")
        .rows()
    )
    return [most[row] for row in rows.tolist()]


def _with_spans(batch: pa.RecordBatch, lines: Lines, is_other: NDArray[np.bool_]) -> pa.RecordBatch:
    """Say where the lines in other languages are, lines of one label one after the other as one
    span."""
    lengths = lines.texts.str.len_chars().to_numpy().astype(np.int64)
    at = np.flatnonzero(is_other)
    follows = (
        np.append(False, (np.diff(at) == 1) & (np.diff(lines.documents[at]) == 0))
        if len(at)
        else at.astype(bool)
    )
    follows[1:] &= lines.other[at][1:] == lines.other[at][:-1] if len(at) else follows[1:]
    opens = np.flatnonzero(~follows)
    closes = np.append(opens[1:], len(at)) - 1 if len(opens) else opens
    first, last = at[opens], at[closes]
    entries = pa.StructArray.from_arrays(
        [
            pa.array(lines.starts[first], pa.int64()),
            pa.array(lines.starts[last] + lengths[last], pa.int64()),
            pa.array(lines.other[first].tolist(), pa.string()),
        ],
        fields=list(OTHER_LANGUAGE_SPANS.type.value_type),
    )
    counts = np.bincount(lines.documents[first], minlength=batch.num_rows)
    offsets = np.append(0, np.cumsum(counts)).astype(np.int32)
    column = pa.ListArray.from_arrays(pa.array(offsets), entries).cast(OTHER_LANGUAGE_SPANS.type)
    return _set_or_append(batch, OTHER_LANGUAGE_SPANS, column)


def _without(
    batch: pa.RecordBatch, lines: Lines, cut: NDArray[np.bool_]
) -> tuple[pa.RecordBatch, pa.Table]:
    """Take lines out of texts, and count the documents and code points by label."""
    touched = np.unique(lines.documents[cut])
    inside = np.isin(lines.documents, touched) & ~cut
    kept = pl.DataFrame(
        {"document": lines.documents[inside], "line": lines.texts.filter(pl.Series(inside))}
    )
    rest = dict(
        kept.group_by("document", maintain_order=True).agg(pl.col("line").str.join("\n")).rows()
    )
    texts = pa.array([rest.get(row, "") for row in touched.tolist()], batch["text"].type)
    mask = np.zeros(batch.num_rows, bool)
    mask[touched] = True
    lost = np.bincount(
        lines.documents[cut], lines.texts.str.len_chars().to_numpy()[cut], batch.num_rows
    )
    shares = pc.if_else(pa.array(mask), pa.scalar(0, pa.float32()), batch["other_language_share"])
    batch = set_columns(
        batch,
        text=pc.replace_with_mask(batch["text"], pa.array(mask), texts),
        other_language_share=shares,
    )
    counted = (
        pl.DataFrame(
            {
                name: batch[name].filter(pa.array(mask)).to_pylist()
                for name in ("language", "script")
            }
        )
        .with_columns(code_points=pl.Series(lost[touched].astype(np.int64)))
        .group_by("language", "script")
        .agg(pl.len().cast(pl.Int64).alias("documents"), pl.col("code_points").sum())
        .sort("language", "script")
        .select(
            pl.lit("lines_in_other_languages").alias("rule"),
            "language",
            "script",
            "documents",
            "code_points",
        )
    )
    return batch, counted.to_arrow().cast(CHANGE)


def _known(batch: pa.RecordBatch) -> NDArray[np.bool_]:
    """Tell which of n documents have a language."""
    none = pc.is_in(
        pc.fill_null(batch["language"], UNDETERMINED),
        pa.array([UNDETERMINED, NO_LINGUISTIC_CONTENT]),
    )
    return np.asarray(pc.invert(none).to_numpy(zero_copy_only=False), bool)


def _with_second(
    batch: pa.RecordBatch,
    known: NDArray[np.bool_],
    second: Identify | None,
    config: LanguagePurityConfig,
) -> pa.RecordBatch:
    """Ask the second model about whole documents that have a language, and mark those that are
    doubtful."""
    agree = pa.nulls(batch.num_rows, pa.bool_())
    if second:
        asked = batch.select(["text", "language"]).filter(pa.array(known))
        rows = predict_languages(
            asked["text"].to_pylist(), second, LanguageIdentificationConfig(min_score=0)
        )
        said = pa.array([row["language"] for row in rows], pa.string())
        agree = pc.replace_with_mask(agree, pa.array(known), pc.equal(asked["language"], said))
        batch = _set_or_append(batch, LANGUAGES_AGREE, agree)
    if config.doubtful == "apart":
        doubt = pc.or_(pc.is_valid(batch["language_group"]), pc.invert(pc.fill_null(agree, True)))
        batch = _set_or_append(batch, DOUBTFUL, pc.and_(pa.array(known), doubt))
    return batch


def _set_or_append(batch: pa.RecordBatch, field: pa.Field, values: pa.Array) -> pa.RecordBatch:
    if field.name in batch.schema.names:
        batch = batch.drop_columns([field.name])
    return batch.append_column(field, values)
