"""Make of translated pairs what models are trained on: mappings, preferences, and windows of both
languages.

- Mapping: a sentence is the prompt, its translation the completion, and the other way round (Zheng
  et al. 2026, "Bridging Linguistic Gaps: Cross-Lingual Mapping in Pre-Training"). Many sentences
  that map onto one well-known language teach a shortcut, so one way may be sampled less: strategic
  downsampling; and a prompt may show the sentence in a related language: parallel multilingual
  prompting (both Luo et al. 2025, LMT).
- Preference: of one sentence a translation that passed all gates and one that did not.
- Interleaved: the lines of a document and the same lines of its translation, window by window (Wu
  et al. 2025, CrossIC-PT); the last lines of a window begin the next one.

Shares go by the hash of a pair, so that the same pairs are taken whatever others come with them.
"""

from __future__ import annotations

import string
from collections.abc import Iterator

import polars as pl
import pyarrow as pa

from schemas.language import language_name, parse_label
from schemas.translation import DOCUMENT_PAIR, TRANSLATION_SAMPLE
from stages.keys import is_held_out
from stages.translation.gates import REASONS
from stages.translation.options import PairSamplesConfig

_WORSE = [reason for reason in REASONS if reason not in ("engine_failed", "no_output")]
_PLACE = ("parent_id", "line", "sentence", "source")


def document_pairs(parents: pa.RecordBatch, made: pa.RecordBatch) -> pa.RecordBatch:
    """Pair n translated documents with their parents, which are all in one block: DOCUMENT_PAIR
    rows, in order."""
    columns = ["id", "parent_id", "text", "language", "script", "translated_from", "generator"]
    translations = pl.DataFrame(pl.from_arrow(made.select(columns))).filter(
        pl.col("translated_from").is_not_null()
    )
    sources = pl.DataFrame(pl.from_arrow(parents.select(["id", "text"]))).rename({"text": "source"})
    frame = translations.join(
        sources, left_on="parent_id", right_on="id", how="left", maintain_order="left"
    ).select(
        "id",
        "parent_id",
        pl.col("translated_from").alias("source_language"),
        pl.format("{}_{}", "language", "script").alias("target_language"),
        "source",
        pl.col("text").alias("target"),
        "generator",
    )
    return pa.RecordBatch.from_arrays(
        [frame[field.name].to_arrow().cast(field.type) for field in DOCUMENT_PAIR],
        schema=DOCUMENT_PAIR,
    )


def samples_of_sentences(pairs: pa.Table, config: PairSamplesConfig) -> pa.RecordBatch:
    """Make TRANSLATION_SAMPLE rows of n SENTENCE_PAIRs, in their order."""
    frame = pl.DataFrame(pl.from_arrow(pairs))
    return (
        mapping_samples(frame, config)
        if config.form == "mapping"
        else preference_samples(frame, config)
    )


def mapping_samples(pairs: pl.DataFrame, config: PairSamplesConfig) -> pa.RecordBatch:
    """Give each pair that passed, and a share of them the other way round as well."""
    passed = pairs.filter(pl.col("reason").is_null())
    keys = passed.select(pl.concat_str("id", "line", "sentence", separator="\0")).to_series()
    passed = passed.with_columns(
        reverse=is_held_out(keys, config.reverse_share),
        shows=is_held_out(keys + "\0shown", config.auxiliary_share),
    ).with_row_index("order")
    back = passed.filter("reverse").rename(
        {"source": "target", "target": "source", "source_language": "target_language"}
        | {"target_language": "source_language"}
    )
    # What is shown is a translation of the same sentence into the language that is related to the
    # pair's own.
    own = "target_language"
    related = passed.select(
        *_PLACE, pl.col(own).alias("auxiliary_language"), pl.col("target").alias("auxiliary")
    )
    related = related.unique([*_PLACE, "auxiliary_language"], keep="first", maintain_order=True)
    wanted = passed.with_columns(
        auxiliary_language=pl.when("shows").then(
            pl.col(own).replace_strict(config.auxiliary, default=None, return_dtype=pl.String)
        )
    ).select("order", *_PLACE, "auxiliary_language")
    shown = wanted.join(related, on=[*_PLACE, "auxiliary_language"], how="inner").select(
        "order", "auxiliary_language", "auxiliary"
    )
    ways = [
        way.join(shown, on="order", how="left", maintain_order="left") for way in (passed, back)
    ]
    columns = ["order", "id", "sentence", "source_language", "target_language", "source", "target"]
    both = pl.concat([way.select(*columns, "auxiliary_language", "auxiliary") for way in ways])
    both = both.sort("order", maintain_order=True)
    none = pl.lit(None, pl.String)
    return _samples(
        _prompted(both, config).select(
            "id",
            pl.col("sentence").alias("place"),
            "source_language",
            "target_language",
            "auxiliary_language",
            "prompt",
            pl.col("target").alias("completion"),
            none.alias("rejected"),
            none.alias("reason"),
        )
    )


def preference_samples(pairs: pl.DataFrame, config: PairSamplesConfig) -> pa.RecordBatch:
    """Give each rejected translation with one of the same sentence in that direction that passed,
    if there is one."""
    same = ["source_language", "target_language", "source"]
    good = pairs.filter(pl.col("reason").is_null()).unique(same, keep="first", maintain_order=True)
    bad = pairs.filter(pl.col("reason").is_in(_WORSE)).unique(
        [*same, "target"], keep="first", maintain_order=True
    )
    bad = bad.rename({"target": "rejected"})
    both = bad.join(
        good.select(*same, pl.col("target").alias("completion")), on=same, maintain_order="left"
    )
    none = pl.lit(None, pl.String)
    both = both.with_columns(auxiliary_language=none, auxiliary=none)
    return _samples(_prompted(both, config).with_columns(place=pl.col("sentence")))


def interleaved_samples(pairs: pa.Table, config: PairSamplesConfig) -> pa.RecordBatch:
    """Give the windows of n DOCUMENT_PAIRs: some lines, a blank line, and the same lines in the
    other language."""
    rows = []
    for pair in pairs.to_pylist():  # a window begins by what the one before it held
        lines = zip(pair["source"].split("\n"), pair["target"].split("\n"), strict=True)
        for place, (ours, theirs) in enumerate(_windows(list(lines), config)):
            same = {name: pair[name] for name in ("id", "source_language", "target_language")}
            rows.append(same | {"place": place, "prompt": "", "completion": f"{ours}\n\n{theirs}"})
    return pa.RecordBatch.from_pylist(rows, TRANSLATION_SAMPLE)


def _windows(lines: list[tuple[str, str]], config: PairSamplesConfig) -> Iterator[tuple[str, str]]:
    start = 0
    while start < len(lines):
        end, size = start, 0
        while end < len(lines) and (
            end == start or size + _size(lines[end]) <= config.max_window_code_points
        ):
            size += _size(lines[end])
            end += 1
        ours, theirs = (
            "\n".join(pair[side] for pair in lines[start:end]).strip("\n") for side in (0, 1)
        )
        if ours and theirs:
            yield ours, theirs
        if end == len(lines):
            return
        start = max(end - config.overlap_lines, start + 1)


def _size(pair: tuple[str, str]) -> int:
    return len(pair[0]) + len(pair[1]) + 2


def _prompted(frame: pl.DataFrame, config: PairSamplesConfig) -> pl.DataFrame:
    """Add the column prompt to rows with source, auxiliary and the languages of these and of the
    target."""
    shows = pl.col("auxiliary").is_not_null()
    prompt = (
        pl.when(shows).then(_written(config.auxiliary_prompt)).otherwise(_written(config.prompt))
    )
    return frame.with_columns(prompt=prompt)


def _written(prompt: str) -> pl.Expr:
    parts: list[pl.Expr] = []
    for literal, name, _, _ in string.Formatter().parse(prompt):
        parts.append(pl.lit(literal))
        if name is not None and name.endswith("_language"):
            names = pl.col(name).map_elements(
                lambda label: language_name(parse_label(label).language), pl.String
            )
            parts.append(names)  # of few distinct labels: language_name keeps what it has read
        elif name is not None:
            parts.append(pl.col(name))
    return pl.concat_str(parts)


def _samples(frame: pl.DataFrame) -> pa.RecordBatch:
    arrays = [frame[field.name].to_arrow().cast(field.type) for field in TRANSLATION_SAMPLE]
    return pa.RecordBatch.from_arrays(arrays, schema=TRANSLATION_SAMPLE)
