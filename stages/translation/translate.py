"""Translate documents sentence by sentence, judge every answer, and put documents together of what
passed.

    documents -> lines -> sentences -> distinct sentences -> masked -> answers -> judged ->
    documents

A sentence without letters is taken over as it is. A rejected sentence is left out of its line; a
line that had words and has none left, too many rejected sentences, an engine that failed, or a text
that is in another language as a whole reject the document. So a translation has as many lines as
its source, and what leads a line (bullets, numbers) stays.

Why: machine-translated text helps languages that have little of their own, and what translation
gets wrong there is worse than no text (Doshi et al. 2024, IndicMonoDoc; Thompson et al. 2024, "A
shocking amount of the web is machine translated").
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from schemas.columns import require_columns
from schemas.document import (
    CANDIDATES,
    DOCUMENT,
    IDENTIFICATION,
    SCRIPT_MARKS,
    TRANSLATION_EVIDENCE,
)
from schemas.language import one_label
from schemas.orthography import words_are_spaced
from schemas.translation import SENTENCE_PAIR, TRANSLATION_MARKS
from stages.batches import Measured, reject, set_columns
from stages.engines.engine import Answer, Direction, Identity
from stages.translation.gates import (
    Identify,
    TranslateBack,
    content_length,
    is_language,
    judge_sentences,
    length_log_ratio,
    length_tolerance,
)
from stages.translation.options import TranslationConfig
from stages.translation.protection import MARKS, Masked, Protection, adds_markup
from stages.translation.records import Records
from stages.translation.sentences import cut_sentences

STAGE = "translate"
_MARKED = r"(^|[^\p{L}\p{N}])[*#@~]+([\p{L}\p{N}])"  # how Apertium marks a word that it does not know, or cannot form


class Translator(NamedTuple):
    """What translates in one direction: whose answers they are, its form of placeholders, and how
    it is asked."""

    direction: Direction
    identity: Identity
    protection: Protection
    ask: Callable[[Sequence[str]], list[Answer]]
    back: Translator | None = None  # who translates the answers back, for `round_trip`


class _Order(NamedTuple):
    """What the documents of one direction are translated with."""

    translator: Translator
    config: TranslationConfig
    identify: Identify | None


class Translated(NamedTuple):
    """What became of the documents of a block that have a direction: each is in one of the three.

    `rejected` and `failed` have the columns of `made` and those of REJECTION.
    """

    made: pa.RecordBatch
    rejected: pa.RecordBatch
    failed: pa.RecordBatch
    pairs: pa.RecordBatch


def translate_documents(
    batch: pa.RecordBatch,
    translators: Sequence[Translator],
    config: TranslationConfig,
    identify: Identify | None,
) -> Translated:
    """Translate the documents of a block that are in the source language of a direction, in order,
    by direction.

    A new row has its parent's columns but for those that transliteration's copies have not either:
    `id` is the hex BLAKE2b-128 of the parent's id, the direction and the engine's identity. What
    was made is not translated again. Raises SchemaError if a column is missing or mistyped.
    """
    require_columns(batch, DOCUMENT, ("id", "text", "language", "script", "synthetic"))
    for field in TRANSLATION_MARKS:
        if field.name not in batch.schema.names:
            batch = batch.append_column(field, pa.nulls(batch.num_rows, field.type))
    labels = pc.binary_join_element_wise(
        batch["language"], batch["script"], "_"
    ).dictionary_encode()
    own = [one_label(label) for label in labels.dictionary.to_pylist()]
    codes = pc.fill_null(labels.indices, -1).to_numpy(zero_copy_only=False)
    found = ~pc.fill_null(batch["synthetic"], False).to_numpy(zero_copy_only=False)
    parts = []
    for translator in translators:
        wanted = [
            code
            for code, label in enumerate(own)
            if label == one_label(str(translator.direction.source))
        ]
        rows = np.flatnonzero(np.isin(codes, wanted) & found)
        if len(rows):
            parents = batch.take(pa.array(rows))
            order = _Order(translator, config, identify)
            first = _translate(parents, order)
            parts.append(first)
            # once more, without marks in the sentences
            if config.spans and first.rejected.num_rows:
                again = pc.is_in(parents["id"], first.rejected["parent_id"])
                pairs = first.pairs.filter(
                    pc.invert(pc.is_in(first.pairs["id"], first.rejected["id"]))
                )
                parts[-1] = first._replace(rejected=first.rejected.slice(0, 0), pairs=pairs)
                parts.append(_translate(parents.filter(again), order, marked=False))
    nothing = batch.slice(0, 0)
    if not parts:
        none = reject(nothing, STAGE, "")
        return Translated(nothing, none, none, _no_pairs())
    columns = zip(*parts, strict=True)
    made, rejected, failed, pairs = (pa.concat_batches(blocks) for blocks in columns)
    return Translated(made, rejected, failed, pairs)


def _no_pairs() -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [pa.array([], field.type) for field in SENTENCE_PAIR], schema=SENTENCE_PAIR
    )


def _translate(parents: pa.RecordBatch, order: _Order, marked: bool = True) -> Translated:
    translator, config, _ = order
    records = Records(parents, config, marked) if config.fields or config.spans else None
    sources = records.texts if records else pc.fill_null(parents["text"], "")
    sentences = cut_sentences(sources, config.max_sentence_code_points)
    distinct = _translated(sentences, order)
    # row, line, lead, text, gap of each sentence, and target, reason, signals of its translation
    sentences = sentences.join(distinct, on="text", how="left", maintain_order="left").with_columns(
        target=pl.when(pl.col("asked")).then("target").otherwise("text"),
        reason=pl.when(pl.col("asked")).then("reason"),
    )
    texts = _put_together(sentences, translator.direction)
    facts = _facts(sentences, parents.num_rows)
    reason, value, threshold, detail = _decide(facts, texts, sources, order)
    columns = _columns(parents, texts, facts, translator)
    if records:
        apart, problems = records.close(texts)
        columns |= apart
        reason = [word or problem for word, problem in zip(reason, problems, strict=True)]
    made = set_columns(
        parents,
        **{name: values for name, values in columns.items() if name in parents.schema.names},
    )
    failed = facts["failed"].to_numpy() > 0
    turned_away = np.array([word is not None for word in reason], bool)

    def rows(mask: npt.NDArray[np.bool_]) -> pa.RecordBatch:
        return reject(
            made.filter(pa.array(mask)),
            STAGE,
            pa.array(reason, pa.string()).filter(pa.array(mask)),
            Measured(
                pa.array(value, pa.float64()).filter(pa.array(mask)),
                pa.array(threshold, pa.float64()).filter(pa.array(mask)),
            ),
            pa.array(detail, pa.string()).filter(pa.array(mask)),
        )

    pairs = _pairs(sentences, made, turned_away | failed, order)
    return Translated(
        made.filter(pa.array(~turned_away)), rows(turned_away & ~failed), rows(failed), pairs
    )


def _translated(sentences: pl.DataFrame, order: _Order) -> pl.DataFrame:
    """Translate and judge the distinct sentences: columns text, asked, target, reason, error and
    the signals."""
    translator, config, identify = order
    distinct = sentences.unique("text", keep="first", maintain_order=True).select("text", "row")
    masked = translator.protection.mask(distinct["text"])
    bare = masked.texts.str.replace_all(translator.protection.found, "")
    asked = bare.str.contains(r"\p{L}")
    at = asked.arg_true()
    frame = distinct.select("text", asked=asked)
    source = distinct["text"].gather(at)
    answers = _answers(
        Masked(masked.texts.gather(at), [masked.kept[row] for row in at.to_list()]), translator
    )
    judged = judge_sentences(
        answers.with_columns(source=source, document=distinct["row"].gather(at)),
        translator.direction,
        config.gates,
        identify,
        translator.back and translate_back(translator.back),
    )
    found = judged.signals.with_columns(
        text=source,
        target=answers["target"],
        reason=judged.reasons,
        in_target=judged.in_target,
        error=judged.errors,
    )
    return frame.join(found, on="text", how="left", maintain_order="left")


def translate_back(back: Translator) -> TranslateBack:
    """Bind who translates back, for `judge_sentences`."""
    return lambda targets: _answers(back.protection.mask(targets), back)


def _answers(sentences: Masked, translator: Translator) -> pl.DataFrame:
    """Ask an engine n masked sentences, equal ones once, as judge_sentences takes the answers:
    columns target, answer, error, whole, markup."""
    wanted = sentences.texts
    once = wanted.unique(maintain_order=True)
    given = translator.ask(once.to_list())
    places = pl.DataFrame({"masked": wanted}).join(
        pl.DataFrame(
            {
                "masked": once,
                "answer": pl.Series([answer.text for answer in given], dtype=pl.String),
                "error": pl.Series([answer.error for answer in given], dtype=pl.String),
            }
        ),
        on="masked",
        how="left",
        maintain_order="left",
    )
    cleaned = places["answer"].str.replace_all(_MARKED, "$1$2").str.strip_chars().fill_null("")
    restored, whole = translator.protection.restore(cleaned.to_list(), sentences.kept)
    return places.select("answer", "error").with_columns(
        target=pl.Series(restored, dtype=pl.String),
        whole=pl.Series(whole, dtype=pl.Boolean),
        markup=adds_markup(cleaned, wanted),
    )


def _put_together(sentences: pl.DataFrame, direction: Direction) -> pa.Array:
    """Join the targets that passed to lines and texts, one for each document."""
    spaced = words_are_spaced(str(direction.target)) or direction.target.script in (
        "Thai",
        "Laoo",
        "Khmr",
        "Mymr",
        "Tibt",
    )
    gap = (
        pl.col("gap").str.replace(r"^$", " ") if spaced else pl.col("gap").str.replace_all(" ", "")
    )
    last = pl.int_range(pl.len()).over("row", "line") == pl.len().over("row", "line") - 1
    kept = pl.col("reason").is_null()
    lines = (
        sentences.with_columns(gap=pl.when(last).then("gap").otherwise(gap))
        .with_columns(
            part=pl.when(kept).then(pl.col("target") + pl.col("gap")).otherwise(pl.lit(""))
        )
        .group_by("row", "line", maintain_order=True)
        .agg(pl.col("lead").first() + pl.col("part").str.join(""))
    )
    texts = lines.group_by("row", maintain_order=True).agg(pl.col("lead").str.join("\n"))["lead"]
    return texts.to_arrow().cast(pa.large_string())


def _facts(sentences: pl.DataFrame, documents: int) -> pl.DataFrame:
    """Add up by document: sentences, rejected ones and their share of the code points, lines lost,
    and signals."""
    size = pl.col("text").str.len_chars()
    rejected = pl.col("reason").is_not_null()
    line = sentences.group_by("row", "line").agg(
        lost=(rejected.any() & (rejected | ~pl.col("asked")).all())
    )
    lost = line.group_by("row").agg(lines_lost=pl.col("lost").sum())
    weight = pl.col("text").str.len_chars().filter(pl.col("asked"))

    def mean(signal: str) -> pl.Expr:
        return (
            (pl.col(signal).filter(pl.col("asked")) * weight).sum() / weight.sum().clip(1)
        ).alias(signal)

    facts = sentences.group_by("row", maintain_order=True).agg(
        sentences=pl.col("asked").sum(),
        rejected=rejected.sum(),
        rejected_share=size.filter(rejected).sum() / size.filter(pl.col("asked")).sum().clip(1),
        in_target_share=size.filter(pl.col("in_target") & ~rejected).sum()
        / size.filter(~rejected).sum().clip(1),
        failed=(pl.col("reason") == "engine_failed").sum(),
        error=pl.col("error").drop_nulls().first(),
        reasons=pl.col("reason").drop_nulls(),
        copied_share=mean("copied_share"),
        unknown_share=mean("unknown_share"),
        round_trip_chrf=_mean_of_measured("round_trip_chrf"),
    )
    if facts.height != documents:
        raise AssertionError(f"translate lost documents: {documents} in, {facts.height} out")
    return facts.join(lost, on="row", how="left", maintain_order="left")


def _mean_of_measured(signal: str) -> pl.Expr:
    """Average a signal by the length of the sentences that have it; null where none has."""
    measured = pl.col(signal).is_not_null() & pl.col("asked")
    weight = pl.col("text").str.len_chars().filter(measured)
    return (pl.col(signal).filter(measured) * weight).sum() / weight.sum().replace(0, None)


def _decide(
    facts: pl.DataFrame, texts: pa.Array, sources: pa.Array, order: _Order
) -> tuple[list[str | None], list[float | None], list[float | None], list[str | None]]:
    """Decide on n documents: reason, value, threshold and detail, null for those that are
    published."""
    translator, config, identify = order
    n = len(texts)
    reason: list[str | None] = [None] * n
    value: list[float | None] = [None] * n
    threshold: list[float | None] = [None] * n
    detail: list[str | None] = [None] * n
    lengths = [content_length(pl.Series(part, dtype=pl.String)) for part in (sources, texts)]
    away = np.abs(length_log_ratio(lengths[0], lengths[1], translator.direction))
    most = length_tolerance(lengths[0], config.gates)
    # What most of a document's sentences have shown is not looked at once more.
    max_rejected_share = 0.0 if config.fields or config.spans else config.gates.max_rejected_share
    kept = facts["rejected_share"].fill_null(0) <= max_rejected_share
    unseen = (kept & (facts["in_target_share"].fill_null(0) <= 0.5)).arg_true()
    languages, right = pl.repeat(None, n, dtype=pl.String, eager=True), np.ones(n, bool)
    if identify and len(unseen):
        identified = identify(texts.take(unseen.to_arrow()))
        right[unseen.to_numpy()] = is_language(identified, translator.direction)
        languages.scatter(unseen, pl.Series(identified["language"]))
    for row, fact in enumerate(facts.iter_rows(named=True)):  # a row of the ledger each, in words
        reasons = _reasons_line(fact["reasons"], fact["sentences"])
        if fact["failed"]:
            reason[row], detail[row] = "engine_failed", fact["error"]
        elif not fact["sentences"]:
            reason[row] = "nothing_to_translate"
        elif fact["rejected_share"] > max_rejected_share:
            reason[row], value[row], threshold[row] = (
                "rejected_sentences",
                fact["rejected_share"],
                max_rejected_share,
            )
            detail[row] = reasons
        elif fact["lines_lost"]:
            reason[row], value[row], threshold[row], detail[row] = (
                "lost_paragraph",
                fact["lines_lost"],
                0.0,
                reasons,
            )
        elif not right[row]:
            reason[row], detail[row] = "wrong_language", languages[row]
        elif away[row] > most[row]:
            reason[row], value[row], threshold[row] = (
                "length_ratio",
                float(away[row]),
                float(most[row]),
            )
    return reason, value, threshold, detail


def _reasons_line(reasons: Sequence[str], sentences: int) -> str | None:
    """Count the reasons of a document's sentences in one line: `copied_source 3, number_lost 1 of
    12 sentences`."""
    if not reasons:
        return None
    counted = sorted(
        {name: reasons.count(name) for name in reasons}.items(),
        key=lambda pair: (-pair[1], pair[0]),
    )
    return ", ".join(f"{name} {count}" for name, count in counted) + f" of {sentences} sentences"


def _columns(
    parents: pa.RecordBatch, texts: pa.Array, facts: pl.DataFrame, translator: Translator
) -> dict[str, pa.Array]:
    """Make the columns in which translations differ from their parents."""
    rows = parents.num_rows
    direction, identity = translator.direction, translator.identity

    def same(given: object, kind: pa.DataType) -> pa.Array:
        return pa.repeat(pa.scalar(given, kind), rows)

    # One C call a row: there is no vectorized cryptographic hash.
    ids = [
        _digest(parent, "translation", str(direction), *identity)
        for parent in parents["id"].to_pylist()
    ]
    of_another_text = [
        *SCRIPT_MARKS,
        CANDIDATES,
        TRANSLATION_EVIDENCE,
        *(DOCUMENT.field(name) for name in (*IDENTIFICATION, "language_group")),
    ]
    columns = {field.name: pa.nulls(rows, field.type) for field in of_another_text}
    text = pa.string()
    return columns | {
        "id": pa.array(ids, text),
        "text": texts,
        "language": same(direction.target.language, text),
        "script": same(direction.target.script, text),
        "parent_id": parents["id"],
        "synthetic": same(True, pa.bool_()),
        "generator": same(str(identity), text),
        "cluster_size": same(None, pa.int64()),
        "declared_language": same(None, text),
        "translated_from": same(str(direction.source), text),
        "translation_engine": same(f"{identity.engine} {identity.version}", text),
        "translation_model": same(identity.model, text),
        "translation_sentences": facts["sentences"].to_arrow().cast(pa.int64()),
        "translation_rejected_share": facts["rejected_share"].to_arrow().cast(pa.float32()),
        "translation_copied_share": facts["copied_share"].to_arrow().cast(pa.float32()),
        "translation_unknown_share": facts["unknown_share"].to_arrow().cast(pa.float32()),
        "translation_round_trip_chrf": facts["round_trip_chrf"].to_arrow().cast(pa.float32()),
    }


def _pairs(
    sentences: pl.DataFrame,
    made: pa.RecordBatch,
    turned_away: npt.NDArray[np.bool_],
    order: _Order,
) -> pa.RecordBatch:
    """Give a SENTENCE_PAIR for each sentence that was asked and answered."""
    translator, config, _ = order
    bare = (pl.col("source", "target").str.replace_all(MARKS, "")) if config.spans else ()
    frame = sentences.rename({"text": "source"}).with_columns(bare)
    frame = frame.with_columns(sentence=pl.int_range(pl.len()).over("row").cast(pl.Int64)).filter(
        pl.col("asked") & (pl.col("reason").fill_null("") != "engine_failed")
    )
    rows = frame["row"].to_numpy().astype(np.int64)
    taken = made.select(["id", "parent_id"]).take(pa.array(rows))
    direction, n = translator.direction, len(frame)
    given = {
        "id": taken["id"],
        "parent_id": taken["parent_id"],
        "published": pa.array(~turned_away[rows]),
        "source_language": pa.repeat(str(direction.source), n),
        "target_language": pa.repeat(str(direction.target), n),
        "generator": pa.repeat(str(translator.identity), n),
    }
    arrays = [
        given[field.name].cast(field.type)
        if field.name in given
        else frame[field.name].to_arrow().cast(field.type)
        for field in SENTENCE_PAIR
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=SENTENCE_PAIR)


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def reasons_of(pairs: Iterator[pa.RecordBatch]) -> dict[str, int]:
    """Count the reasons of rejected sentence pairs."""
    counted: dict[str, int] = {}
    for batch in pairs:
        for entry in pc.value_counts(batch["reason"].drop_null()).to_pylist():
            counted[entry["values"]] = counted.get(entry["values"], 0) + entry["counts"]
    return counted
