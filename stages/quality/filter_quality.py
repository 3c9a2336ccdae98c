"""Reject documents by the quality rules of Gopher, FineWeb and C4, each language by limits of its
own.

Signals first, decisions second: `measure_quality` computes QUALITY_SIGNALS for a block, `judge`
holds them against the limits (rules.py). The first rule that a document breaks, in the order of
RULES, is its reason; the ledger has the value and the limit. With `keep_signals` all values stand
in the corpus, and `glotmill refilter` applies other limits to it.

C4 as published also takes single lines out. Here it only counts the sentences of the lines it would
keep: no text is changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.columns import require_columns
from schemas.document import DOCUMENT
from schemas.quality_signals import QUALITY_SIGNALS
from stages.batches import Filtered, Measured, reject
from stages.quality.options import QualityFilteringConfig
from stages.quality.rules import RULE_NAMES, RULES, ChosenLimits, Rule, limit_of, slack_of
from stages.quality.signals import measure_quality

Learned = Mapping[str, Mapping[str, float]]  # label -> rule -> limit
NONE_LEARNED: Learned = MappingProxyType({})


class Judgement(NamedTuple):
    """What rules say of n documents: the number in RULES of the first one each breaks (-1: none),
    value and limit."""

    rules: NDArray[np.int64]
    values: NDArray[np.float64]
    limits: NDArray[np.float64]


class Verdict(NamedTuple):
    """What one rule says of n documents: which break it, values and limits (NaN where the rule is
    off)."""

    position: int
    rule: Rule
    broken: NDArray[np.bool_]
    values: NDArray[np.float64]
    limits: NDArray[np.float64]


def broken_rules(
    signals: pa.RecordBatch,
    languages: pa.Array,
    scripts: pa.Array,
    config: QualityFilteringConfig,
    learned: Learned = NONE_LEARNED,
) -> Iterator[Verdict]:
    """Hold the signals of n documents against the limits of their languages, rule by rule."""
    rows = signals.num_rows
    labels = pa.StructArray.from_arrays([languages, scripts], names=["language", "script"])
    distinct = labels.to_pylist()
    number: dict[tuple[str | None, str | None], int] = {}
    places = (
        np.fromiter(  # numbers the labels of a block, as Arrow encodes no dictionary of structs
            (
                number.setdefault((label["language"], label["script"]), len(number))
                for label in distinct
            ),
            np.int64,
            rows,
        )
    )
    limits_in_force = ChosenLimits(
        config.limits, config.thresholds, learned, config.resolved_segmenter
    )
    for position, rule in enumerate(RULES):
        if rule.family not in config.families:
            continue
        chosen = [limit_of(rule, *label, limits_in_force) for label in number]
        limits = np.array(
            [np.nan if limit is None else limit.value for limit in chosen], np.float64
        )[places]
        exact = np.array([limit is None or limit.exact for limit in chosen], np.bool_)[places]
        slack = np.where(exact, 0, slack_of(rule, signals))
        limits = limits + slack if rule.side == "max" else limits - slack
        if rule.slack:
            limits = np.where(exact, limits, np.maximum(limits, rule.slack.least))
        # datatrove has two of one signal
        name = rule.name if rule.name in signals.schema.names else rule.signal
        if rule.name == "few_alphabetic_words" and config.alphabetic_over == "tokens":
            name = "alphabetic_token_share"
        values = signals[name].cast(pa.float64()).to_numpy(zero_copy_only=False)
        # never where either is missing
        broken = values < limits if rule.side == "min" else values > limits
        if rule.least_lines:
            broken &= exact | (signals["lines"].to_numpy() >= rule.least_lines)
        yield Verdict(position, rule, broken, values, limits)


def judge(
    signals: pa.RecordBatch,
    languages: pa.Array,
    scripts: pa.Array,
    config: QualityFilteringConfig,
    learned: Learned = NONE_LEARNED,
) -> Judgement:
    """Find the first rule that each of n documents breaks."""
    rows = signals.num_rows
    found = Judgement(np.full(rows, -1), np.full(rows, np.nan), np.full(rows, np.nan))
    for position, _, broken, values, limits in broken_rules(
        signals, languages, scripts, config, learned
    ):
        first = broken & (found.rules < 0)
        found.rules[first], found.values[first], found.limits[first] = (
            position,
            values[first],
            limits[first],
        )
    return found


def measure(batch: pa.RecordBatch, config: QualityFilteringConfig) -> pa.RecordBatch:
    """Measure n texts as the options say."""
    if config.tokenizer == "datatrove":
        from stages.quality.datatrove_words import measure_by_datatrove

        return measure_by_datatrove(batch, config.stop_words)
    return measure_quality(batch, config.resolved_segmenter, config.stop_words)


def filter_quality(
    batch: pa.RecordBatch, config: QualityFilteringConfig, learned: Learned = NONE_LEARNED
) -> Filtered:
    """Split n documents into kept and rejected by the first rule each breaks; the two sum to n,
    order kept.

    `learned` are limits by label (limits_table.py). With `keep_signals` those kept have the columns
    of QUALITY_SIGNALS. A document whose language is null is judged by the limits for all. Raises
    SchemaError if `text`, `language` or `script` is missing or mistyped.

    >>> texts = ["Gaur euria egin du Bilbon, eta bihar eguzkia aterako da.", "erosi orain! " * 40]
    >>> columns = {"language": ["eus", "eus"], "script": ["Latn", "Latn"]}
    >>> block = pa.record_batch({"text": pa.array(texts, pa.large_string()), **columns})
    >>> kept, rejected = filter_quality(block, QualityFilteringConfig())
    >>> kept.num_rows, rejected["reason"].to_pylist(), rejected["threshold"].to_pylist()
    (1, ['top_2_gram'], [0.37])
    """
    require_columns(batch, DOCUMENT, ("text", "language", "script"))
    signals = measure(batch, config)
    found = judge(signals, batch["language"], batch["script"], config, learned)
    out = pa.array(found.rules >= 0)
    at = found.rules[found.rules >= 0]
    rejected = reject(
        batch.filter(out),
        config.stage,
        pa.array([RULE_NAMES[rule] for rule in at.tolist()], pa.string()),
        Measured(pa.array(found.values).filter(out), pa.array(found.limits).filter(out)),
    )
    kept = batch
    if config.keep_signals:
        kept = kept.drop_columns(
            [name for name in QUALITY_SIGNALS.names if name in kept.schema.names]
        )
        for field in QUALITY_SIGNALS:
            kept = kept.append_column(field, signals[field.name])
    return Filtered(kept.filter(pc.invert(out)), rejected)
